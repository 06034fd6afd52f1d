package cardos_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"greylock/emulators/cardos"
	"greylock/system/card"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
)

// The contact face: 61xx and GET RESPONSE, 6Cxx, a dropped answer. Source: card.md 6.1.
func TestT0(t *testing.T) {
	b := loaded(t)
	t0 := &cardos.T0{Card: b.card}
	talk := func(exchange ...string) {
		t.Helper()
		for i := 0; i < len(exchange); i += 2 {
			got, err := t0.Transmit(unhex(exchange[i]))
			if err != nil || !bytes.Equal(got, unhex(exchange[i+1])) {
				t.Fatalf("> %s < %X %v, want %s", exchange[i], got, err, exchange[i+1])
			}
		}
	}
	if atr, err := t0.Reset(); err != nil || len(atr) == 0 || atr[0] != 0x3B {
		t.Fatalf("ATR %X %v", atr, err)
	}
	aid := "0C" + fmt.Sprintf("%X", b.profile.AIDPetrol)
	talk("00 A4 04 00"+aid, "6133", "00 C0 00 00 33", "6F31840CA00000000353494E4F504543A5219F0C1E"+
		"10FFFFFFFFFFFFFF1101010001144000001234562026010120361231"+"0100 9000",
		"00 C0 00 00 33", "6985",
		"00 A4 04 00"+aid+"00", "6133", "00 C0 00 00 10", "6C33", "00 C0 00 01 33", "6A86", "80 5C 00 01 04", "00002710 9000",
		"00 C0 00 00 33", "6985",
		"80 5C 00 01 00", "6C04", "80 5C 00 01 10", "6C04", verifyPIN, "9000")
	b.rnd.Write(unhex("5A5A0001"))
	talk(initGreyC, "610F", "00 C0 00 00 0F", initAnsC, lockC, "6108", "00 C0 00 00 08", lockAnsC)
	must(t, t0.Off())
	if _, err := t0.Transmit(unhex(proofCmd)); !errors.Is(err, card.ErrMute) {
		t.Fatal(err)
	}
}

// TestWork: a command that writes keeps the card longer than one that reads, a debit the longest. Source: trust.md 7.3.
func TestWork(t *testing.T) {
	last := time.Duration(0)
	for _, command := range []string{proofCmd, initGreyC, verifyPIN, lockC, debitC} {
		if got := cardos.Work(unhex(command)); got <= last {
			t.Errorf("%s keeps the card busy for %v, the one before for %v", command, got, last)
		} else {
			last = got
		}
	}
	if cardos.Work(nil) <= 0 {
		t.Error("a damaged command takes no time")
	}
}

// Enciphered writes, records, the rights of a file. Source: card.md 3.1, section 11.
func TestFiles(t *testing.T) {
	everywhere(t, func(t *testing.T, p fuelcard.Profile) {
		plain := func(kind fuelcard.FileKind, length uint16, read, write byte) []byte {
			return fuelcard.BinarySpec{Kind: kind, Length: length, Read: read, Write: write, KeyBits: 0x83}.Bytes()
		}
		b := made(t, p,
			fuelcard.CreateFile{FID: 0x0005, Data: plain(fuelcard.KindBinaryCipher, 16, 0xF0, 0xF0)},
			fuelcard.CreateFile{FID: 0x0006, Data: plain(fuelcard.KindVariable, 20, 0xF0, 0xF1)},
			fuelcard.CreateFile{FID: 0x0007, Data: plain(fuelcard.KindBinary, 16, 0xF2, 0x03)},
			fuelcard.CreateFile{FID: 0x0008, Data: fuelcard.CyclicSpec{Count: 2, Length: 3, Read: 0xF0, Write: 0xF0}.Bytes()})
		update := fuelcard.SecureUpdateBinary{SFI: 5, Offset: 4, Data: b.suite.Encipher(b.key("DAMK"), []byte{1, 2, 3})}
		b.talk("", "00 B0 85 00 02", "0000 6281") // never written
		b.ok(b.seal("DAMK", update.Command()))
		b.talk("", "00 B0 85 04 04", "01020300 9000",
			"00 E2 00 30 02 AABB", "6982", "00 20 00 00 03 999999", "9000", "00 E2 00 30 02 AABB", "9000", "00 E2 00 34 03 CCDDEE", "9000",
			"00 B2 02 34 03", "CCDDEE 9000", "00 DC 01 34 02 1122", "9000", "00 DC 01 34 01 11", "6700", "00 DC 03 34 01 11", "6A83",
			"00 B2 01 34 00", "1122 9000", "00 E2 00 30 0F 000000000000000000000000000000", "6A84",
			"00 E2 00 40 03 010101", "9000", "00 E2 00 40 03 020202", "9000", "00 E2 00 40 03 030303", "9000", "00 E2 00 40 02 0303", "6700",
			"00 B2 01 44 03", "030303 9000", "00 B2 02 44 03", "020202 9000", "00 B2 03 44 03", "6A83",
			"00 DC 02 44 03 222222", "9000", "00 B2 02 44 03", "222222 9000",
			"00 B0 87 00 02", "6982", "00 D6 87 00 01 01", "6982")
		b.authenticate(b.key("ACK"))
		b.talk("", "00 B0 87 00 02", "0000 6281", "00 D6 87 00 01 01", "6982", "80 E0 0009 07 28 0008 F0 F0 FF 83", "6982")
		b.ok(fuelcard.SelectFile{FID: fuelcard.FIDMF}.Command())
		b.authenticate(b.key("CCK"))
		b.enter() // the state of the MF stays, that of the DF is gone
		b.talk("", "00 B0 87 00 02", "6982", "00 D6 87 00 01 01", "9000",
			"80 E0 0009 07 28 0008 F0 F0 FF 83", "9000", "80 E0 0009 07 28 0008 F0 F0 FF 83", "6A80",
			"80 E0 000A 07 28 4000 F0 F0 FF 83", "6A84", "80 E0 000B 06 28 4000 F0 F0 FF", "6700",
			"80 E0 000B 07 21 0008 F0 F0 FF 83", "6A80", "80 E0 3F05 0D 38 0100 F0 F0 95 FF FF A000000003", "6A81")
	})
}

// Keys are replaced by secured commands alone, a PIN only by those made for it. Source: card.md 4.4, section 11.
func TestWriteKeyRights(t *testing.T) {
	everywhere(t, func(t *testing.T, p fuelcard.Profile) {
		b := made(t, p)
		slot, _ := p.KeySlot("DLK")
		other, _ := p.KeySlot("DTK")
		fresh := [16]byte{1, 2, 3}
		seal := func(p1, id byte, r fuelcard.KeyRecord) apdu.SW {
			return b.send(fuelcard.SealKey(b.suite, b.key("ACK"), b.challenge(4), fuelcard.WriteKey{P1: p1, KeyID: id, KeyRecord: r})).SW
		}
		for _, w := range []struct {
			p1, id byte
			r      fuelcard.KeyRecord
			want   apdu.SW
		}{
			{slot.Type, 1, slot.Record(p.Alg, fresh[:]), apdu.OK},
			{slot.Type, 9, slot.Record(p.Alg, fresh[:]), apdu.KeyNotFound},
			{other.Type, 1, slot.Record(p.Alg, fresh[:]), apdu.WrongP1P2},
			{slot.Type, 1, slot.Record(0x01, fresh[:]), apdu.WrongData}, // single DES
			{slot.Type, 1, slot.Record(p.Alg, fresh[:8]), apdu.WrongLength},
			{1, 0, p.PINSlot().Record(0, []byte{0x11, 0x11, 0x11}), apdu.SecurityState},
			{1, 1, p.PINSlot().Record(0, []byte{0xFF, 0xFF, 0xFF}), apdu.WrongData},
		} {
			if got := seal(w.p1, w.id, w.r); got != w.want {
				t.Errorf("P1 %02X id %d %+v: %v, want %v", w.p1, w.id, w.r, got, w.want)
			}
		}
		b.ready().rnd.Write([]byte{1, 2, 3, 4})
		a, err := fuelcard.ParseInitForLoadAnswer(b.ok(fuelcard.InitForLoad{Purse: fuelcard.ED, KeyID: 1, Amount: 1}.Command()))
		must(t, err)
		if want := b.suite.MAC(b.suite.LoadSession(fresh, a.Rand, 0), fuelcard.LoadMAC1Data(0, 1, fuelcard.TypeLoadED, [6]byte{})); a.MAC1 != want {
			t.Fatal("the new key is not in use")
		}
	})
}

// A grey lock of the wallet has the types 92 and 94 and refuses changes of both purses. Source: card.md 5.2, 7.1.
func TestGreyWallet(t *testing.T) {
	everywhere(t, func(t *testing.T, p fuelcard.Profile) {
		b := made(t, p, epFile)
		b.load(fuelcard.EP, 10000)
		b.load(fuelcard.ED, 500)
		ctc, ses := b.lock(fuelcard.EP)
		if a := b.send(fuelcard.InitForLoad{Purse: fuelcard.ED, KeyID: 1, Amount: 1}.Command()); a.SW != apdu.Conditions {
			t.Fatal(a.SW)
		}
		b.ok(b.release(fuelcard.EP, ctc, ses, 4000))
		o, err := cardos.LookEP(b.nv, b.profile)
		must(t, err)
		if o.Balance != 6000 || o.Proof.Type != fuelcard.TypeUnlockEP || o.Proof.Wallet != fuelcard.EP || b.oracle().Balance != 500 {
			t.Fatalf("%+v", o)
		}
	})
}

// The card takes DEBIT FOR UNLOCK with another TID, TTC and time than the lock's: they enter the TAC, the proof and the
// log, and only the center can tell. Source: card.md 5.3; trust.md 2 row 87.
func TestDebitWithFalseFields(t *testing.T) {
	everywhere(t, func(t *testing.T, p fuelcard.Profile) {
		b := lockedBy(t, p)
		if o := b.oracle(); o.LockTTC != 0x12 || o.LockCTC != 0 || o.Locked != fuelcard.ED {
			t.Fatalf("%+v", o)
		}
		d, err := fuelcard.ParseDebitForUnlock(b.command(debitC))
		must(t, err)
		d.TID, d.TTC, d.Time = [6]byte{0x66}, 0x99, [7]byte{0xAA}
		a, err := fuelcard.ParseDebitForUnlockAnswer(b.ok(d.Command()))
		must(t, err)
		if a.TAC != b.suite.TAC(b.key("DTK"), fuelcard.UnlockTACData(d.Amount, fuelcard.TypeUnlockED, d.TID, d.TTC, d.Time)) {
			t.Fatal("the TAC is not over the command's fields")
		}
		b.pin()
		r, err := fuelcard.ParseLogRecord(b.ok(fuelcard.ReadRecord{SFI: fuelcard.SFILog, Number: 1}.Command()))
		must(t, err)
		if o := b.oracle(); o.Proof.TID != d.TID || o.Proof.Time != d.Time || r.TID != d.TID || r.Serial != 0 {
			t.Fatalf("%+v %+v", o, r)
		}
	})
}

// FuzzCard sends anything to a card with money, grey or not: it always answers, keeps its money unless a money command
// was accepted, and is the same card after a power-down.
func FuzzCard(f *testing.F) {
	seeds := []string{verifyPIN, initGreyC, lockC, debitC, proofCmd, clearC, initLoadA, creditA, "E0 7A 09 01 07 01 134400009999 12"}
	var all []byte
	for _, s := range seeds {
		c := unhex(s)
		all = append(append(all, byte(len(c))), c...)
		f.Add(append([]byte{byte(len(c))}, c...), true)
	}
	for _, r := range refusals {
		c := unhex(r.command)
		f.Add(append([]byte{byte(len(c))}, c...), r.from == "grey")
	}
	f.Add(all, false)
	full, grey := loaded(f), locked(f)
	f.Fuzz(func(t *testing.T, script []byte, isGrey bool) {
		from := full
		if isGrey {
			from = grey
		}
		b := from.again(t)
		for len(script) > 0 {
			n := min(int(script[0]), len(script)-1)
			cmd := script[1 : 1+n]
			script = script[1+n:]
			before, err := b.card.Oracle()
			must(t, err)
			answer, err := b.card.Transmit(cmd)
			must(t, err)
			if len(answer) < 2 || len(answer) > 258 {
				t.Fatalf("%X answers %X", cmd, answer)
			}
			after, err := b.card.Oracle()
			must(t, err)
			refused := !bytes.HasSuffix(answer, []byte{0x90, 0x00})
			trade := len(cmd) > 1 && (cmd[1] == 0x7E || cmd[1] == 0x52 || cmd[1] == 0x54 || cmd[1] == 0x58)
			if after.Balance != before.Balance && (refused || !trade) || after.Grey != before.Grey && refused {
				t.Fatalf("%X: %X\n%+v\n%+v", cmd, answer, before, after)
			}
			if live := b.oracle(); live != after {
				t.Fatalf("memory says %+v, card says %+v", live, after)
			}
		}
		end := b.oracle()
		b.reset()
		if b.oracle() != end {
			t.Fatal("another card after a reset")
		}
	})
}
