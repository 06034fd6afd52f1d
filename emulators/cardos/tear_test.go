package cardos_test

import (
	"testing"

	"greylock/emulators/cardos"
	"greylock/emulators/chip/chiptest"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
)

// act is one command that writes, and the card on which it is given.
type act struct {
	on      *bench
	prelude func(*bench) apdu.Command // brings a copy of the card to just before the command
}

// startAt is a start for chiptest.
func startAt(t testing.TB, on *bench, prelude func(*bench) apdu.Command) chiptest.Start {
	return act{on, prelude}.start(t)
}

func (a act) start(t testing.TB) chiptest.Start {
	return func() (*cardos.MemNV, func() error) {
		c := a.on.again(t).ready()
		cmd := a.prelude(c)
		return c.nv, func() error { _, err := c.card.Transmit(cmd.Bytes()); return err }
	}
}

// tears are the acts that change a card's memory. Source: trust.md 2 row 6, 4.3; card.md 7.2.
func tears(t testing.TB, p fuelcard.Profile) map[string]act {
	empty, full, grey := made(t, p), loadedBy(t, p), lockedBy(t, p)
	wallet, records := both(t, p), made(t, p, protected(5, fuelcard.KindCyclic, 0xC0))
	records.ok(records.seal("DAMK", fuelcard.SecureAppendRecord{SFI: 5, Data: records.suite.Encipher(records.key("DAMK"), []byte{1, 1, 1, 1})}.Command()))
	pinned := func(b *bench) *bench { b.pin(); return b }
	return map[string]act{
		"GREY LOCK": {full, func(b *bench) apdu.Command {
			pinned(b).talk("5A5A0001", initGreyC, initAnsC)
			return b.command(lockC)
		}},
		"DEBIT FOR UNLOCK": {grey, func(b *bench) apdu.Command { return b.command(debitC) }},
		"wrong GMAC": {grey, func(b *bench) apdu.Command {
			c := b.command(debitC)
			c.Data[26] ^= 1
			return c
		}},
		"GREY UNLOCK": {grey, func(b *bench) apdu.Command {
			b.talk("77889900", "E0 7A 09 01 07 01 134400009999 12", "00002710 0001 0001 01 00 77889900 CE8F7251 9000")
			return b.command("E0 7E 09 00 0F 00001388 20261124 150000 BE1398F7 04")
		}},
		"CREDIT FOR LOAD": {empty, func(b *bench) apdu.Command {
			b.talk("A1B2C3D4", initLoadA, initAnswerA)
			return b.command(creditA)
		}},
		"UPDATE BINARY with MAC": {empty, func(b *bench) apdu.Command {
			b.talk("99AABBCC", "00 84 00 00 04", "99AABBCC 9000")
			return b.command("04 D6 9C 2B 0B FFFF 05 0000C350 A36056F4")
		}},
		"wrong MAC": {empty, func(b *bench) apdu.Command {
			b.talk("99AABBCC", "00 84 00 00 04", "99AABBCC 9000")
			return b.command("04 D6 9C 2B 0B FFFF 05 0000C350 A36056F5")
		}},
		"UPDATE BINARY plain": {empty, func(b *bench) apdu.Command {
			return fuelcard.UpdateBinary{SFI: fuelcard.SFIOrdinary, Data: make([]byte, 32)}.Command()
		}},
		"RELOAD PIN":         {empty, func(b *bench) apdu.Command { return b.command("80 5E 00 00 07 123456 3226A4AC") }},
		"wrong VERIFY":       {empty, func(b *bench) apdu.Command { return b.command("00 20 00 00 03 123456") }},
		"wrong EXTERNAL":     {empty, func(b *bench) apdu.Command { b.challenge(4); return b.command("00 82 00 00 08 0000000000000000") }},
		"DEBIT FOR PURCHASE": {full, func(b *bench) apdu.Command { return b.purchase(1234) }},
		"CASH": {full, func(b *bench) apdu.Command {
			debit, _ := b.buy(fuelcard.InitForCash{KeyID: 1, Amount: 77, TID: b.terminal()}.Command(), fuelcard.TypeCash, 77)
			return debit
		}},
		"CAPP with its record": {wallet, func(b *bench) apdu.Command {
			debit, _ := b.buy(fuelcard.InitForCAPP{KeyID: 1, Amount: 77, TID: b.terminal()}.Command(), fuelcard.TypeCAPP, 77)
			b.ok(fuelcard.UpdateCAPPCache{RecordType: 0xA2, SFI: cappSFI, Data: []byte{0xA2, 9, 9, 9}}.Command())
			return debit
		}},
		"UPDATE OVERDRAW LIMIT": {full, func(b *bench) apdu.Command {
			a, err := fuelcard.ParseInitForUpdateAnswer(b.ok(fuelcard.InitForUpdate{KeyID: 1, TID: b.terminal()}.Command()))
			must(t, err)
			ses := b.suite.LoadSession(b.key("DOLK"), a.Rand, a.OnlineSN)
			return fuelcard.UpdateOverdraw{Limit: 5000, Time: saleTime, MAC2: b.suite.MAC(ses, fuelcard.OverdraftMAC2Data(5000, b.terminal(), saleTime))}.Command()
		}},
		"DEBIT FOR UNLOAD": {full, func(b *bench) apdu.Command {
			a, err := fuelcard.ParseInitForUnloadAnswer(b.ok(fuelcard.InitForUnload{KeyID: 1, Amount: 77, TID: b.terminal()}.Command()))
			must(t, err)
			ses := b.suite.LoadSession(b.key("DULK"), a.Rand, a.OnlineSN)
			return fuelcard.DebitForUnload{Time: saleTime, MAC2: b.suite.MAC(ses, fuelcard.UnloadMAC2Data(77, b.terminal(), saleTime))}.Command()
		}},
		"DEBIT FOR UNLOCK of EP": {wallet, func(b *bench) apdu.Command {
			ctc, ses := b.lock(fuelcard.EP)
			return b.release(fuelcard.EP, ctc, ses, 77)
		}},
		"UPDATE RECORD": {wallet, func(b *bench) apdu.Command { return b.command("00 DC 01 CC 03 A10909") }},
		"APPEND RECORD": {wallet, func(b *bench) apdu.Command { return b.command("00 E2 00 CC 03 A30909") }},
		"UPDATE RECORD enciphered": {records, func(b *bench) apdu.Command {
			return b.seal("DAMK", fuelcard.SecureUpdateRecord{SFI: 5, Number: 1, Data: b.suite.Encipher(b.key("DAMK"), []byte{9, 9, 9, 9})}.Command())
		}},
		"APPEND RECORD enciphered": {records, func(b *bench) apdu.Command {
			return b.seal("DAMK", fuelcard.SecureAppendRecord{SFI: 5, Data: b.suite.Encipher(b.key("DAMK"), []byte{9, 9, 9, 9})}.Command())
		}},
		"wrong CHANGE PIN": {empty, func(b *bench) apdu.Command { return b.command("80 5E 01 00 07 999998 FF 123456") }},
		"PIN UNBLOCK": {empty, func(b *bench) apdu.Command {
			return b.seal("DPUK", b.profile.UnblockPIN(b.suite.Encipher(b.key("DPUK"), []byte{0x12, 0x34, 0x56})).Command())
		}},
		"wrong PIN UNBLOCK": {empty, func(b *bench) apdu.Command {
			b.challenge(4)
			return b.command(unblockWrong)
		}},
		"APPLICATION UNBLOCK": {empty, func(b *bench) apdu.Command {
			b.ok(b.seal("DAMK", fuelcard.ApplicationBlock{}.Command()))
			return b.seal("DAMK", fuelcard.ApplicationUnblock{}.Command())
		}},
		"WRITE KEY": {empty, func(b *bench) apdu.Command {
			slot, _ := b.profile.KeySlot("DLK")
			w := fuelcard.WriteKey{P1: 1, KeyID: slot.ID, KeyRecord: slot.Record(0, make([]byte, 16))}
			return fuelcard.SealKey(b.suite, b.key("ACK"), b.challenge(4), w)
		}},
		"CLEAR TACUF": {grey, func(b *bench) apdu.Command {
			b.talk("", debitC, "FDF92097 9000")
			return b.command(clearC)
		}},
		"APPLICATION BLOCK": {empty, func(b *bench) apdu.Command {
			return b.seal("DAMK", fuelcard.ApplicationBlock{}.Command())
		}},
	}
}

func TestTornAnywhereOldOrNew(t *testing.T) {
	everywhere(t, func(t *testing.T, p fuelcard.Profile) {
		for name, a := range tears(t, p) {
			t.Run(name, func(t *testing.T) {
				n := chiptest.Every(t, a.start(t))
				t.Logf("%d cuts", n)
				if n < 50 {
					t.Fatalf("only %d cuts", n)
				}
			})
		}
	})
}

func TestTornWithWeakBits(t *testing.T) {
	everywhere(t, func(t *testing.T, p fuelcard.Profile) {
		for name, a := range tears(t, p) {
			t.Run(name, func(t *testing.T) {
				chiptest.Weak(t, 1, a.start(t))
			})
		}
	})
}

// A right VERIFY is two acts by design: the try is booked, then given back. Source: card.md 4.4; issue: decremented before
// comparing.
func TestTornVerify(t *testing.T) {
	everywhere(t, func(t *testing.T, p fuelcard.Profile) {
		b := made(t, p)
		guess := b.again(t)
		if a := guess.send(command("00 20 00 00 03 123456")); a.SW != 0x63C2 {
			t.Fatal(a.SW)
		}
		right := func(*bench) apdu.Command { return command(verifyPIN) }
		chiptest.Every(t, startAt(t, b, right), chiptest.Home(t, guess.nv))

		// So is CHANGE PIN: the try is booked, then the new PIN is there with all its tries.
		change := func(*bench) apdu.Command { return command("80 5E 01 00 07 999999 FF 123456") }
		chiptest.Every(t, startAt(t, b, change), chiptest.Home(t, guess.nv))

		// However the power is cut during wrong guesses, never more than three are judged.
		judged := 0
		for cut := 0; judged <= 3; cut++ {
			b.nv.CutAfter(cut%5, cut%7)
			_, err := b.card.Transmit(unhex("00 20 00 00 03 000000"))
			if err == nil {
				judged++
			}
			b.nv.Disarm()
			b.reset()
			b.enter()
			if b.oracle().Tries == 0 {
				break
			}
		}
		if b.oracle().Tries != 0 || judged > 3 {
			t.Fatalf("%d guesses judged, %d tries left", judged, b.oracle().Tries)
		}
	})
}

// What a terminal does after a torn lock or debit leads to the same end from either state. Source: card.md 12.2.
func TestTornSaleEndsTheSame(t *testing.T) {
	everywhere(t, func(t *testing.T, p fuelcard.Profile) {
		grey := lockedBy(t, p)
		for write := 0; write < 8; write++ {
			for _, cut := range []int{0, 1, 9, 1000} {
				b := grey.again(t).ready()
				b.nv.CutAfter(write, cut)
				_, err := b.card.Transmit(b.own(debitC))
				if b.nv.Disarm() != (err == nil) {
					t.Fatal(err)
				}
				b.reset()
				b.enter()
				b.ready()
				switch b.oracle().Grey {
				case fuelcard.Grey:
					b.talk("", debitC, "FDF92097 9000")
				case fuelcard.TACUnread:
					b.talk("", debitC, "6985") // never twice
				default:
					t.Fatal("the lock is gone without a debit")
				}
				b.talk("", proofCmd, proof10C, "80 5C 00 01 04", "00001388 9000")
				if o := b.oracle(); o.CTC != 1 || o.OnlineSN != 1 {
					t.Fatalf("%+v", o)
				}
			}
		}
	})
}

// Card making cut in each of its writes: each command has happened or not, and the rest of the making can be done again.
// Source: trust.md 2 row 75.
func TestTornMaking(t *testing.T) {
	everywhere(t, func(t *testing.T, p fuelcard.Profile) {
		b := newBench(t, p)
		start := b.nv.Image()
		total := -b.nv.Writes()
		b.make()
		total += b.nv.Writes()
		if total < 100 {
			t.Fatalf("making takes %d writes", total)
		}
		whole := chiptest.Home(t, b.nv)
		for write := 0; write < total; write += 3 {
			c := *b
			c.nv, c.rnd = newMem(), &script{}
			if err := c.nv.SetImage(start); err != nil {
				t.Fatal(err)
			}
			c.card = cardos.New(c.nv, c.rnd, c.profile)
			c.reset()
			c.nv.CutAfter(write, 1+write%40)
			if !c.interrupted() {
				t.Fatalf("write %d was not reached", write)
			}
			c.reset()
			c.remake()
			if got := chiptest.Home(t, c.nv); string(got) != string(whole) {
				t.Fatalf("cut in write %d: the card made in two goes is another one", write)
			}
		}
	})
}

// A worn memory: whatever would write answers 6581 and nothing else, the card stays as it was and goes on being read.
// Source: card.md section 9; trust.md 2 row 21.
func TestWornAnswers6581(t *testing.T) {
	everywhere(t, func(t *testing.T, p fuelcard.Profile) {
		for name, a := range tears(t, p) {
			t.Run(name, func(t *testing.T) {
				b := a.on.again(t).ready()
				cmd := a.prelude(b)
				before := chiptest.Home(t, b.nv)
				b.nv.WearAfter(0)
				if got := b.send(cmd); got.SW != apdu.MemoryFailure || len(got.Data) != 0 {
					t.Fatalf("%v with %d bytes", got.SW, len(got.Data))
				}
				if string(chiptest.Home(t, b.nv)) != string(before) {
					t.Fatal("a worn memory has changed")
				}
				b.reset()
				read := fuelcard.SelectName{Name: b.profile.AIDPetrol}.Command()
				if b.tries(read, apdu.FileInvalid) == apdu.OK { // a blocked application shows its name alone
					b.ok(fuelcard.ReadBinary{SFI: fuelcard.SFIPublic, Length: fuelcard.PublicLength}.Command())
				}
			})
		}
	})
}
