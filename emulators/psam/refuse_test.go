package psam_test

import (
	"bytes"
	"fmt"
	"math"
	"testing"

	"greylock/emulators/psam"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/samcard"
)

const (
	badCert   = "E0 42 00 00 04 36C1D13A"
	purchaseB = "80 70 00 00 24 0BADF00D 0000 000004D2 06 20261122 101500 01 00 0114400000123456 10FFFFFFFFFFFFFF 08"
)

func stages(t *testing.T) map[string]func(*testing.T) *bench {
	issued := wound(t, fuelcard.National())
	clone := func(then ...func(*bench)) func(*testing.T) *bench {
		return func(t *testing.T) *bench {
			c := issued.again(t)
			for _, f := range then {
				f(c)
			}
			return c
		}
	}
	talk := func(rand string, exchange ...string) func(*bench) {
		return func(b *bench) { b.talk(rand, exchange...) }
	}
	init := talk("C3C30002", initC, initAns)
	return map[string]func(*testing.T) *bench{
		"blank":     func(t *testing.T) *bench { return newBench(t, fuelcard.National()) },
		"issued":    clone(),
		"mf":        clone(func(b *bench) { b.ok(samcard.SelectFile{FID: samcard.FIDMF}.Command()) }),
		"challenge": clone(talk("99AABBCC", "00 84 00 00 04", "99AABBCC 9000")),
		"init":      clone(init),
		"cert":      clone(init, talk("", certC, "9000")),
		"done":      clone(init, talk("", certC, "9000", debitC, gmacC)),
		"locked":    clone(init, talk("", badCert, "9302", badCert, "9302", badCert, "9302")),
		"purchase":  clone(func(b *bench) { b.ok(command(purchaseB)) }),
		"tmac":      clone(talk("", "80 1A 08 01 00", "9000")),
		"dik":       clone(talk("", "80 1A 44 01 10 0114400000123456 10FFFFFFFFFFFFFF", "9000")),
	}
}

var refusals = []struct{ from, command, want, source string }{
	{"issued", "10 40 00 00 04 00000000", "6E00", "9: CLA"},
	{"issued", "E0 41 00 00 04 00000000", "6D00", "9: INS"},
	{"issued", "00 40 00 00 04 00000000", "6D00", "9: INS of another CLA"},
	{"issued", "E0", "6700", "9: one byte is no command"},
	{"issued", "00 84 00 00 05", "6700", "8.1: four or eight bytes"},
	{"issued", "00 84 01 00 04", "6A86", "9: P1"},
	{"issued", "00 A4 00 00 02 3F07", "6A82", "9: no such DF"},
	{"issued", "00 A4 04 00 03 A00000", "6A82", "9: no such name"},
	{"issued", "00 A4 02 00 02 3F00", "6A86", "9: P1 of SELECT"},
	{"issued", "00 A4 04 00", "6700", "9: no name"},
	{"issued", "00 B0 95 00 0E", "6A82", "3.9: 0015 is in the MF"},
	{"mf", "00 B0 95 00 0F", "6C0E", "3.9: fourteen bytes"},
	{"mf", "00 B0 96 06 01", "6B00", "9: offset"},
	{"mf", "00 B0 16 00 06", "6A86", "9: P1 is 80 | SFI"},
	{"issued", "00 D6 97 00 01 02", "6982", "3.9: no writing after making"},
	{"issued", "00 D6 97 00", "6700", "9: no data"},
	{"mf", "00 D6 96 00 06 134400000002", "6982", "3.9: the TID is not written"},
	{"issued", "80 E0 0030 07 28 0010 F0 F0 FF 83", "6982", "11: right to create"},
	{"blank", "80 E0 0015 07 28 000E F0 F3 FF 83", "6982", "11: a blank opens to its transport key alone"},
	{"blank", "80 E0 0015 06 28 000E F0 F3 FF", "6700", "11: CREATE FILE data"},
	{"issued", "84 D4 00 00 1C 00112233445566778899AABBCCDDEEFF0011223344556677 00000000", "6985", "4.4: no challenge"},
	{"challenge", "84 D4 00 00 1C 00112233445566778899AABBCCDDEEFF0011223344556677 00000000", "6988", "4.4: MAC"},
	{"challenge", "84 D4 00 00 1B 00112233445566778899AABBCCDDEEFF00112233445566 00000000", "6700", "8.1: Lc 1C"},
	{"challenge", "84 D4 01 00 1C 00112233445566778899AABBCCDDEEFF0011223344556677 00000000", "6A86", "8.1: P1"},
	{"issued", "80 F1 00 00 08 0000000000000000", "6985", "8.1: personalisation is over"},
	{"issued", "80 F1 00 00 07 00000000000000", "6700", "8.1: Lc 08"},
	{"issued", "80 F1 00 01 08 0000000000000000", "6A86", "8.1: P2"},
	{"challenge", "00 82 00 00 08 0000000000000000", "63C2", "8.1: wrong answer"},
	{"issued", "00 82 00 00 08 0000000000000000", "6985", "6.1: no challenge"},
	{"challenge", "00 82 00 42 08 0000000000000000", "6A88", "8.1: master and maintenance alone authenticate"},
	{"challenge", "00 82 00 00 07 00000000000000", "6700", "8.1: Lc 08"},
	// INIT_SAM_GREY_LOCK.
	{"issued", "E0 40 00 01 24 5A5A0001 0000 00002710 91 20261122 102030 01 00 0114400000123456 10FFFFFFFFFFFFFF 0C", "6A86", "8.1: P2"},
	{"issued", "E0 40 00 00 13 5A5A0001 0000 00002710 91 20261122 102030 01", "6700", "8.2: Lc"},
	{"issued", "E0 40 00 00 24 5A5A0001 0000 00002710 91 20261122 102030 02 00 0114400000123456 10FFFFFFFFFFFFFF 0C", "9403", "8.2: key version"},
	{"issued", "E0 40 00 00 24 5A5A0001 0000 00002710 91 20261122 102030 01 04 0114400000123456 10FFFFFFFFFFFFFF 0C", "9403", "16: the algorithm must match"},
	{"issued", "E0 40 00 00 1C 5A5A0001 0000 00002710 91 20261122 102030 01 00 0114400000123456 0C", "6700", "8.2: Lc 14h + 8N"},
	{"issued", "E0 40 00 00 2C 5A5A0001 0000 00002710 91 20261122 102030 01 00 0114400000123456 10FFFFFFFFFFFFFF 10FFFFFFFFFFFFFF 0C", "6700", "8.2: Lc 14h + 8N"},
	{"issued", "E0 40 00 00 24 5A5A0001 0000 00002710 93 20261122 102030 01 00 0114400000123456 10FFFFFFFFFFFFFF 0C", "6A80", "8.2: type 91 or 92"},
	{"issued", "E0 40 00 00 24 5A5A0001 0000 00002710 05 20261122 102030 01 00 0114400000123456 10FFFFFFFFFFFFFF 0C", "6A80", "8.2: type 91 or 92"},
	{"mf", initC, "9403", "4.1: the consume key is in the application"},
	{"blank", initC, "9403", "8.2: a blank has no consume key"},
	// CERTIFICATE_SAM_GREY_LOCK.
	{"issued", certC, "6901", "8.2: no lock under way"},
	{"init", badCert, "9302", "8.2: one bit of MAC2"},
	{"init", "E0 42 00 00 03 36C1D1", "6700", "8.1: Lc 04"},
	{"init", "E0 42 01 00 04 36C1D13B", "6A86", "8.1: P1"},
	{"cert", certC, "6901", "8.2: once"},
	{"done", certC, "6901", "8.2: done"},
	{"purchase", certC, "6901", "8.2: a purchase is no lock"},
	{"locked", certC, "6983", "8.2: three wrong MAC2"},
	{"locked", initC, "6983", "8.2: three wrong MAC2"},
	{"locked", purchaseB, "6983", "8.2: three wrong MAC2"},
	// DEBIT_SAM_GREY_LOCK and GET_GMAC.
	{"issued", debitC, "6901", "8.2: no lock"},
	{"init", debitC, "6901", "8.2: legal only after the certificate"},
	{"purchase", debitC, "6901", "8.2: a purchase is no lock"},
	{"locked", debitC, "6901", "8.2: never certified"},
	{"cert", "E0 44 00 00 0F 94 0114400000123456 0000 00001388 08", "6A80", "8.2: 91 → 93"},
	{"cert", "E0 44 00 00 0F 91 0114400000123456 0000 00001388 08", "6A80", "8.2: 93 or 94"},
	{"cert", "E0 44 00 00 0F 93 0114400000123457 0000 00001388 08", "9406", "8.2: another card"},
	{"cert", "E0 44 00 00 0F 93 0114400000123456 0001 00001388 08", "9406", "8.2: another CTC"},
	{"cert", "E0 44 00 00 0E 93 0114400000123456 0000 000013", "6700", "8.1: Lc 0F"},
	{"cert", "E0 44 00 01 0F 93 0114400000123456 0000 00001388 08", "6A86", "8.1: P2"},
	{"done", "E0 44 00 00 0F 93 0114400000123456 0000 00001389 08", "6985", "8.2: one GMAC per lock"},
	{"done", "E0 44 00 00 0F 93 0114400000123456 0000 00000000 08", "6985", "8.2: one GMAC per lock"},
	{"issued", "E0 46 00 00 04 00000011 08", "9406", "8.2: nothing done"},
	{"cert", "E0 46 00 00 04 00000012 08", "9406", "8.2: not done"},
	{"done", "E0 46 00 00 04 00000011 08", "9406", "8.2: the last TTC alone"},
	{"done", "E0 46 00 00 04 00000013 08", "9406", "8.2: the last TTC alone"},
	{"done", "E0 46 00 00 03 000000", "6700", "8.1: Lc 04"},
	// Purchase.
	{"issued", "80 70 00 00 24 0BADF00D 0000 000004D2 91 20261122 101500 01 00 0114400000123456 10FFFFFFFFFFFFFF 08", "6A80", "8.1: type 05 or 06"},
	{"issued", "80 70 00 00 14 0BADF00D 0000 000004D2 06 20261122 101500 01 00", "6700", "8.1: Lc"},
	{"issued", "80 70 00 00 24 0BADF00D 0000 000004D2 06 20261122 101500 07 00 0114400000123456 10FFFFFFFFFFFFFF 08", "9403", "8.2: key version"},
	{"issued", "80 72 00 00 04 A02A35F9", "6901", "8.2: no purchase"},
	{"init", "80 72 00 00 04 36C1D13B", "6901", "8.2: a lock is no purchase"},
	{"purchase", "80 72 00 00 04 00000000", "9302", "8.2: MAC2"},
	// DELIVERY_KEY, CIPHER_DATA, INTERNAL AUTHENTICATION.
	{"issued", "80 1A 42 01 10 0114400000123456 10FFFFFFFFFFFFFF", "9403", "8.1: the consume key is never delivered"},
	{"issued", "80 1A 15 00 00", "9403", "8.1: nor the TAC key"},
	{"issued", "80 1A 00 00 00", "9403", "8.1: nor the master"},
	{"issued", "80 1A 08 02 00", "9403", "8.1: version"},
	{"issued", "80 1A 44 01 08 0114400000123456", "6700", "4.1: two levels"},
	{"issued", "80 1A 44 01 00", "6700", "4.1: two levels"},
	{"issued", "80 1A 08 01 08 0114400000123456", "6700", "4.2: TMAC has no factor"},
	{"issued", "80 FA 05 00 10 0000000000000000 0102030405060708", "6985", "8.1: no key delivered"},
	{"tmac", "80 FA 00 00 08 0102030405060708", "6985", "8.1: TMAC makes MACs alone"},
	{"tmac", "80 FA 05 00 0F 0000000000000000 01020304050607", "6700", "8.1: whole blocks"},
	{"tmac", "80 FA 05 00 08 0000000000000000", "6700", "8.1: an IV and no block"},
	{"tmac", "80 FA 05 01 10 0000000000000000 0102030405060708", "6A86", "8.1: P2"},
	{"tmac", "80 FA 08 00 10 0000000000000000 0102030405060708", "6A86", "8.1: P1 has three bits"},
	{"dik", "80 FA 04 00 10 0000000000000000 0102030405060708", "6A81", "8.1: enciphering has no IV"},
	{"dik", "80 FA 00 00 09 010203040506070809", "6700", "8.1: whole blocks"},
	{"issued", "00 88 00 01 07 01020304050607", "6700", "8.1: eight bytes"},
	{"issued", "00 88 01 01 08 0102030405060708", "6A86", "8.1: P1"},
	{"issued", "00 88 00 09 08 0102030405060708", "9403", "8.1: version"},
}

func command(hex string) apdu.Command {
	c, err := apdu.ParseCommand(unhex(hex))
	if err != nil {
		panic(err)
	}
	return c
}

func TestRefusals(t *testing.T) {
	if len(refusals) < 60 {
		t.Fatalf("%d refusals", len(refusals))
	}
	from := stages(t)
	for _, r := range refusals {
		t.Run(fmt.Sprintf("%s %s", r.from, r.command), func(t *testing.T) {
			b := from[r.from](t)
			before := b.oracle()
			got, err := b.sam.Transmit(unhex(r.command))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, unhex(r.want)) {
				t.Errorf("%X, want %s (card.md %s)", got, r.want, r.source)
			}
			after := b.oracle()
			before.MAC2Err = after.MAC2Err
			if after != before {
				t.Errorf("a refused command changed the PSAM:\n%+v\n%+v", before, after)
			}
		})
	}
}

// A wrong MAC2 leaves the stage; a right one sets the count back; a locked PSAM stays locked after a reset.
// Source: card.md 8.2.
func TestMAC2Counter(t *testing.T) {
	b := wound(t, fuelcard.National())
	b.talk("C3C30002", initC, initAns, badCert, "9302", badCert, "9302", certC, "9000")
	if n := b.oracle().MAC2Err; n != 0 {
		t.Fatal(n)
	}
	b.ok(command(initC))
	b.talk("", badCert, "9302", badCert, "9302", badCert, "9302")
	b.reset()
	b.enter()
	b.talk("", initC, "6983")
}

// Files and answers that a terminal reads. Source: card.md 3.9.
func TestReads(t *testing.T) {
	b := made(t, fuelcard.National())
	b.talk("", "00 B0 97 00 19", "01 10FFFFFFFFFFFFFF 10FFFFFFFFFFFFFF 20260101 20361231 9000",
		"00 A4 00 00 02 3F00", "6F 15 84 0E 315041592E5359532E4444463031 A5 03 88 01 01 9000",
		"00 B0 95 00 0E", "01001014400000000007 01 01 01 01 9000", "00 B0 96 00 06", "134400000001 9000",
		"00 B0 96 00 00", "134400000001 9000")
	if o := b.oracle(); !o.Issued || o.Number != b.self.Number || o.TID != b.self.TID || o.TTC != 0 {
		t.Fatalf("%+v", o)
	}
}

// E0 44 and E0 46 after a reset: with a stored context both work; without one only what was done. Source: card.md 8.2.
func TestContextAfterReset(t *testing.T) {
	b := wound(t, fuelcard.National())
	b.talk("C3C30002", initC, initAns, certC, "9000")
	b.reset()
	b.enter()
	b.talk("", debitC, gmacC)
	b.reset()
	b.talk("", "E0 46 00 00 04 00000012 08", gmacC)

	p := fuelcard.National()
	p.PSAMContextNVM = false
	b = wound(t, p)
	b.talk("C3C30002", initC, initAns, certC, "9000")
	b.reset()
	b.enter()
	b.talk("", debitC, "6901", "E0 46 00 00 04 00000012 08", "9406")
	b.ok(command(initC))
	if got := b.oracle().TTC; got != 0x13 {
		t.Fatalf("TTC %X after a lost transaction", uint32(got))
	}
	b = wound(t, p)
	b.talk("C3C30002", initC, initAns, certC, "9000", debitC, gmacC)
	b.reset()
	b.enter()
	b.talk("", debitC, gmacC, "E0 46 00 00 04 00000012 08", gmacC)
}

// The profile's other values. Source: card.md 17.1.
func TestFlags(t *testing.T) {
	p := fuelcard.National()
	p.PSAMMAC2SW, p.PSAMKeySW, p.PSAMMismatchSW, p.PSAMTTCAt = 0x63C0, apdu.KeyNotFound, apdu.WrongData, fuelcard.TTCAtCertificate
	b := wound(t, p)
	b.talk("C3C30002", initC, initAns, badCert, "63C2", badCert, "63C1")
	if got := b.oracle().TTC; got != 0x11 {
		t.Fatalf("TTC %X before the certificate", uint32(got))
	}
	b.talk("", certC, "9000", "E0 44 00 00 0F 93 0114400000123457 0000 00001388 08", "6A80", debitC, gmacC)
	if got := b.oracle().TTC; got != 0x12 {
		t.Fatalf("TTC %X after the certificate", uint32(got))
	}
	b.talk("", "E0 40 00 00 24 5A5A0001 0000 00002710 91 20261122 102030 02 00 0114400000123456 10FFFFFFFFFFFFFF 0C", "6A88")

	p = fuelcard.National()
	p.FactorOrder = fuelcard.AsGiven
	b = wound(t, p)
	b.rnd.Write(unhex("C3C30002"))
	a, err := samcard.ParseInitGreyLockAnswer(b.ok(command(initC)))
	if err != nil {
		t.Fatal(err)
	}
	k := pboc.TDES.Diversify(b.keys.Masters["DPK"], [8]byte(unhex("0114400000123456")), [8]byte(unhex("10FFFFFFFFFFFFFF")))
	ses := pboc.TDES.GreySession(k, [4]byte(unhex("5A5A0001")), 0, 0x12, a.TermRand)
	if a.MAC1 != pboc.TDES.MAC(ses, fuelcard.GreyMAC1Data(fuelcard.TypeGreyED, b.self.TID, [7]byte(unhex("20261122102030")))) {
		t.Fatal("factor_order as_given is not applied")
	}
}

// The counter ends before it wraps. Source: trust.md 2 row 28.
func TestLastTTC(t *testing.T) {
	b := made(t, fuelcard.National())
	if err := psam.Wind(b.nv, math.MaxUint32-2); err != nil {
		t.Fatal(err)
	}
	b.reset()
	b.enter()
	for _, want := range []pboc.PSAMTTC{math.MaxUint32 - 1, math.MaxUint32} {
		a, err := samcard.ParseInitGreyLockAnswer(b.ok(command(initC)))
		if err != nil || a.TTC != want {
			t.Fatalf("%v %v", a.TTC, err)
		}
	}
	b.talk("", initC, "6985", purchaseB, "6985")
}

// Chain B's purchase: MAC1 and MAC2 as published there. Source: card.md 15.3 B.
func TestChainBPurchase(t *testing.T) {
	b := made(t, fuelcard.National())
	if err := psam.Wind(b.nv, 0x10); err != nil {
		t.Fatal(err)
	}
	b.reset()
	b.enter()
	b.talk("", purchaseB, "00000011 6A194A00 9000", "80 72 00 00 04 A02A35F9", "9000", "80 72 00 00 04 A02A35F9", "6901",
		"E0 46 00 00 04 00000011 08", "9406")
}

// The grey lock under SM4. Source: card.md section 16.
func TestChainCInSM4(t *testing.T) {
	p := fuelcard.National()
	p.Alg = pboc.AlgSM4
	b := newBench(t, p)
	k, err := pboc.ParseKey("0123456789ABCDEFFEDCBA9876543210")
	if err != nil {
		t.Fatal(err)
	}
	b.keys.Masters["DPK"] = k
	b.make()
	if err := psam.Wind(b.nv, 0x11); err != nil {
		t.Fatal(err)
	}
	b.reset()
	b.enter()
	b.talk("C3C30002",
		"E0 40 00 00 24 5A5A0001 0000 00002710 91 20261122 102030 01 04 0114400000123456 10FFFFFFFFFFFFFF 0C", "00000012 C3C30002 E6D8F7CD 9000",
		"E0 42 00 00 04 3F81AD11", "9000",
		debitC, "C7AD0F75 2F99CF02 9000") // the PSAM-TAC key is 3DES
}

// A MAC of several commands is the MAC of all blocks; no IV is zeros. Source: card.md 8.1.
func TestCipherDataChain(t *testing.T) {
	b := made(t, fuelcard.National())
	data := bytes.Repeat([]byte{0xA5, 0x5A}, 60)
	want, err := pboc.TDES.BlockMAC(b.keys.Masters["TMAC"], make([]byte, 8), data)
	if err != nil {
		t.Fatal(err)
	}
	b.ok(command("80 1A 08 01 00"))
	b.ok(samcard.CipherData{Mode: samcard.CipherMACWithIV | samcard.CipherMore, Data: append(make([]byte, 8), data[:64]...)}.Command())
	if got := b.ok(samcard.CipherData{Mode: samcard.CipherMAC, Data: data[64:]}.Command()); !bytes.Equal(got, want[:]) {
		t.Fatalf("%X, want %X", got, want[:])
	}
	if got := b.ok(samcard.CipherData{Mode: samcard.CipherMAC, Data: data}.Command()); !bytes.Equal(got, want[:]) {
		t.Fatalf("%X, want %X", got, want[:])
	}
	for range 8 {
		b.ok(samcard.CipherData{Mode: samcard.CipherMAC | samcard.CipherMore, Data: make([]byte, 128)}.Command())
	}
	if a := b.send(samcard.CipherData{Mode: samcard.CipherMAC, Data: make([]byte, 8)}.Command()); a.SW != apdu.NoSpace {
		t.Fatal(a.SW)
	}
}

// The PSAM proves itself with a key of its own, and checks a card's with the card's factors. Source: adr/0003.
func TestInternalAuthentication(t *testing.T) {
	b := made(t, fuelcard.National())
	challenge := [8]byte{1, 2, 3, 4, 5, 6, 7, 8}
	dik := b.keys.Masters["DIK"]
	own := pboc.TDES.Authenticate(pboc.TDES.Diversify(dik, b.issuer, b.self.Number.Factor()), challenge)
	if got := b.ok(samcard.InternalAuthenticate{KeyID: 1, Data: challenge[:]}.Command()); !bytes.Equal(got, own[:]) {
		t.Fatalf("%X, want %X", got, own)
	}
	asn, err := pboc.ParseASN("01000114400000123456")
	if err != nil {
		t.Fatal(err)
	}
	card := pboc.TDES.Authenticate(pboc.TDES.Diversify(dik, b.issuer, asn.Factor()), challenge)
	b.ok(samcard.DeliveryKey{Usage: samcard.UsageInternal, KeyVersion: 1, Factors: samcard.CardFactors(asn, b.issuer)}.Command())
	if got := b.ok(samcard.CipherData{Data: challenge[:]}.Command()); !bytes.Equal(got, card[:]) {
		t.Fatalf("%X, want %X", got, card)
	}
}

// The published WRITE KEY of the key-loading article, taken by a PSAM whose master is the article's key: the cipher and
// MAC are of that text, not of ours. Source: card.md 15.1.
func TestPublishedWriteKey(t *testing.T) {
	k, err := pboc.ParseKey("00112233445566778899AABBCCDDEEFF")
	if err != nil {
		t.Fatal(err)
	}
	rnd := &script{}
	nv := psam.NewMemNV()
	sam, err := psam.Blank(nv, rnd, fuelcard.National(), k)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, nv: nv, rnd: rnd, sam: sam, profile: fuelcard.National()}
	b.reset()
	b.talk("5D72B3FD", "00 84 00 00 04", "5D72B3FD 9000",
		"84 D4 00 00 1C DCC0BB5793ABFCA2CA8C1624822F6E01A86A0B5CBED191DD 8A9D4ADB", "9000",
		"00 84 00 00 04", "01020304 9000",
		"84 D4 00 00 1C DCC0BB5793ABFCA2CA8C1624822F6E01A86A0B5CBED191DD 6C996864", "6988") // single DES is wrong
}

// Three wrong WRITE KEYs in a row lock the DF, three wrong authentications the key. Source: card.md 4.4.
func TestWrongKeysLock(t *testing.T) {
	b := newBench(t, fuelcard.National())
	for _, want := range []apdu.SW{0x63C2, 0x63C1, 0x63C0, 0x6983} {
		b.challenge(4)
		if got := b.send(samcard.ExternalAuthenticate{}.Command()).SW; got != want {
			t.Fatalf("%v, want %v", got, want)
		}
	}
	for _, want := range []apdu.SW{0x6988, 0x6988, 0x9303} {
		b.challenge(4)
		if got := b.send(samcard.WriteKey{Cipher: make([]byte, 24)}.Command()).SW; got != want {
			t.Fatalf("%v, want %v", got, want)
		}
	}
	b.reset()
	b.talk("", "00 84 00 00 04", "9303")
}
