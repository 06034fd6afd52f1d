package cardos_test

import (
	"bytes"
	"testing"

	"greylock/fixtures"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// talk plays a worked conversation: the card's randomness first, then command and answer byte for byte, or as another profile
// has them.
func (b *bench) talk(rand string, exchange ...string) {
	b.t.Helper()
	b.rnd.Buffer.Write(unhex(rand))
	for i := 0; i < len(exchange); i += 2 {
		got, err := b.card.Transmit(b.own(exchange[i]))
		if err != nil {
			b.t.Fatal(err)
		}
		if !b.answers(got, exchange[i+1]) {
			b.t.Fatalf("> %s\n< %X\nwant %s", exchange[i], got, exchange[i+1])
		}
	}
	if b.rnd.Len() != 0 {
		b.t.Fatalf("%d random bytes not used", b.rnd.Len())
	}
}

const (
	initLoadA   = "80 50 00 01 0B 01 00002710 134400000001 10"
	initAnswerA = "00000000 0000 01 00 A1B2C3D4 64310405 9000"
	creditA     = "80 52 00 00 0B 20261122 093000 4CF807F2 04"
	verifyPIN   = "00 20 00 00 03 999999"
	initGreyC   = "E0 7A 08 01 07 01 134400000001 0F"
	initAnsC    = "00002710 0000 000000 01 00 5A5A0001 9000"
	lockC       = "E0 7C 08 00 13 00000012 C3C30002 20261122 102030 3DB5DE4B 08"
	lockAnsC    = "53809007 36C1D13B 9000"
	proofCmd    = "E0 CA 00 00 1E"
	proof01C    = "01 91 01 00002710 0000 134400000001 20261122102030 36C1D13B 53809007 9000"
	debitC      = "E0 7E 08 01 1B 00001388 0000 134400000001 00000012 20261122 102030 6A81DD13 04"
	proof10C    = "10 93 01 00001388 0000 134400000001 20261122102030 00001388 FDF92097 9000"
	clearC      = "E0 CA 01 00 00"
)

// loaded is chain A: 100.00 on the card.
func loaded(t testing.TB) *bench { return loadedBy(t, fuelcard.National()) }

func loadedBy(t testing.TB, p fuelcard.Profile) *bench {
	b := made(t, p).ready()
	b.talk("A1B2C3D4", initLoadA, initAnswerA, creditA, "503B445A 9000")
	return b
}

// locked is chain C up to the grey card.
func locked(t testing.TB) *bench { return lockedBy(t, fuelcard.National()) }

func lockedBy(t testing.TB, p fuelcard.Profile) *bench {
	b := loadedBy(t, p)
	b.talk("5A5A0001", verifyPIN, "9000", initGreyC, initAnsC, lockC, lockAnsC)
	return b
}

// Source: card.md 15.3 A.
func TestChainALoad(t *testing.T) {
	b := loaded(t)
	b.talk("", "80 5C 00 01 04", "00002710 9000",
		"80 5A 00 01 02 0000 08", "00000000 503B445A 9000", // the load's proof, by its serial before …
		"80 5A 00 01 02 0001 08", "00000000 503B445A 9000") // … or after +1
}

// Source: card.md 15.3 C.
func TestChainCGreyLock(t *testing.T) {
	b := locked(t)
	b.talk("", proofCmd, proof01C, debitC, "FDF92097 9000", proofCmd, proof10C, clearC, "9000",
		proofCmd, "00"+proof10C[2:], "80 5C 00 01 04", "00001388 9000")
}

// Purchase of the wallet. The load before it is not in the chain and is computed here. Source: card.md 15.3 B.
func TestChainBPurchase(t *testing.T) {
	b := made(t, fuelcard.National(), epFile)
	b.load(fuelcard.EP, 2000)
	b.talk("0BADF00D",
		"80 50 01 02 0B 01 000004D2 134400000001 0F", "000007D0 0000 000000 01 00 0BADF00D 9000",
		"80 54 01 00 0F 00000011 20261122 101500 6A194A00 08", "AC870D36 A02A35F9 9000",
		"80 5C 00 02 04", "000002FE 9000",
		"80 5A 00 06 02 0000 08", "A02A35F9 AC870D36 9000")
}

// Online grey unlock of the lock of C. Source: card.md 15.3 D.
func TestChainDOnlineUnlock(t *testing.T) {
	b := locked(t)
	b.talk("77889900",
		"E0 7A 09 01 07 01 134400009999 12", "00002710 0001 0001 01 00 77889900 CE8F7251 9000",
		"E0 7E 09 00 0F 00001388 20261124 150000 BE1398F7 04", "DBC67897 9000",
		proofCmd, "10 95 01 00001388 0001 134400009999 20261124150000 00001388 DBC67897 9000",
		clearC, "9000")
	o := b.oracle()
	if o.Balance != 5000 || o.OnlineSN != 2 || o.CTC != 1 || o.Grey != fuelcard.NotGrey {
		t.Fatalf("%+v", o)
	}
}

// Unload of the 50.00 that C leaves. Source: card.md 15.3 E.
func TestChainEUnload(t *testing.T) {
	b := locked(t)
	b.talk("", debitC, "FDF92097 9000", clearC, "9000")
	b.talk("01020304",
		"80 50 05 01 0B 01 00001388 134400009999 10", "00001388 0001 01 00 01020304 A3B74553 9000",
		"80 54 03 00 0B 20261124 150000 60CE2040 04", "F69B7185 9000",
		"80 5C 00 01 04", "00000000 9000",
		"80 5A 00 03 02 0001 08", "F69B7185 00000000 9000")
}

// PIN and secure messaging. Source: card.md 15.3 F.
func TestChainFSecureMessaging(t *testing.T) {
	b := made(t, fuelcard.National())
	b.talk("", "80 5E 00 00 07 123456 3226A4AC", "9000", "00 20 00 00 03 123456", "9000")

	b = made(t, fuelcard.National())
	for _, sw := range []string{"63C2", "63C1", "63C0", "6983"} {
		b.talk("", "00 20 00 00 03 000000", sw)
	}
	b.talk("11223344", "00 84 00 00 04", "11223344 9000", "84 24 00 01 0C 9083BC6AB3E169CA 9C8DE297", "9000",
		"00 20 00 00 03 123456", "9000")

	b.talk("99AABBCC", "00 84 00 00 04", "99AABBCC 9000", "04 D6 9C 2B 0B FFFF 05 0000C350 A36056F4", "9000",
		"00 B0 9C 2B 07", "FFFF 05 0000C350 9000")
	b.talk("99AABBCC", "00 84 00 00 04", "99AABBCC 9000", "84 1E 00 00 04 BEA40846", "9000",
		"80 5C 00 01 04", "6A81")
}

// The grey lock under SM4, with the worked values of section 16 in the card's answers and demands.
func TestChainCInSM4(t *testing.T) {
	p := fuelcard.National()
	p.Alg = pboc.AlgSM4
	b := newBench(t, p)
	b.keys = fixtures.TestKeys()
	k, err := pboc.ParseKey("0123456789ABCDEFFEDCBA9876543210")
	if err != nil {
		t.Fatal(err)
	}
	b.keys.Masters["DPK"] = k
	b.make()
	b.reset()
	b.enter()
	b.load(fuelcard.ED, 10000)
	b.talk("5A5A0001", verifyPIN, "9000", initGreyC, "00002710 0000 000000 01 04 5A5A0001 9000")
	a := b.ok(command("E0 7C 08 00 13 00000012 C3C30002 20261122 102030 E6D8F7CD 08"))
	g, err := fuelcard.ParseGreyLockAnswer(a)
	if err != nil || g.MAC2 != [4]byte{0x3F, 0x81, 0xAD, 0x11} {
		t.Fatalf("%v %v", g, err)
	}
	b.ok(command("E0 7E 08 01 1B 00001388 0000 134400000001 00000012 20261122 102030 C7AD0F75 04"))
	if o := b.oracle(); o.Balance != 5000 || o.Grey != fuelcard.TACUnread {
		t.Fatalf("%+v", o)
	}
}

func command(hex string) apdu.Command {
	c, err := apdu.ParseCommand(unhex(hex))
	if err != nil {
		panic(err)
	}
	return c
}

// load puts money on a purse as an issuer does.
func (b *bench) load(p fuelcard.Purse, amount unit.Fen) {
	b.t.Helper()
	if b.profile.PINScope == fuelcard.PINAllPurse {
		b.pin()
	}
	tid := pboc.TID{0x13, 0x44, 0, 0, 0x99, 0x99}
	a, err := fuelcard.ParseInitForLoadAnswer(b.ok(fuelcard.InitForLoad{Purse: p, KeyID: 1, Amount: amount, TID: tid}.Command()))
	if err != nil {
		b.t.Fatal(err)
	}
	ses := b.suite.LoadSession(b.key("DLK"), a.Rand, a.OnlineSN)
	if a.MAC1 != b.suite.MAC(ses, fuelcard.LoadMAC1Data(a.Balance, amount, p.LoadType(), tid)) {
		b.t.Fatal("MAC1 of the load is wrong")
	}
	time := [7]byte{0x20, 0x26, 0x11, 0x22, 0x09}
	tac := b.ok(fuelcard.CreditForLoad{Time: time, MAC2: b.suite.MAC(ses, fuelcard.LoadMAC2Data(amount, p.LoadType(), tid, time))}.Command())
	if want := b.suite.TAC(b.key("DTK"), fuelcard.LoadTACData(a.Balance+amount, a.OnlineSN, amount, p.LoadType(), tid, time)); !bytes.Equal(tac, want[:]) {
		b.t.Fatalf("TAC of the load %X, want %X", tac, want[:])
	}
}
