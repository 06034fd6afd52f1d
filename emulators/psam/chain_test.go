package psam_test

import (
	"testing"

	"greylock/emulators/psam"
	"greylock/fixtures"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/samcard"
)

const (
	initC   = "E0 40 00 00 24 5A5A0001 0000 00002710 91 20261122 102030 01 00 0114400000123456 10FFFFFFFFFFFFFF 0C"
	initAns = "00000012 C3C30002 3DB5DE4B 9000"
	certC   = "E0 42 00 00 04 36C1D13B"
	debitC  = "E0 44 00 00 0F 93 0114400000123456 0000 00001388 08"
	gmacC   = "6A81DD13 2F99CF02 9000"
)

// wound is a made PSAM whose last TTC was 11, as chain C finds it.
func wound(t testing.TB, profile fuelcard.Profile) *bench {
	b := made(t, profile)
	if err := b.sam.Off(); err != nil {
		t.Fatal(err)
	}
	if err := psam.Wind(b.nv, 0x11); err != nil {
		t.Fatal(err)
	}
	b.reset()
	b.enter()
	return b
}

// Source: card.md 15.3 C.
func TestChainCGreyLock(t *testing.T) {
	b := wound(t, fuelcard.National())
	b.talk("C3C30002", initC, initAns, certC, "9000", debitC, gmacC, debitC, gmacC, "E0 46 00 00 04 00000012 08", gmacC)
}

// The T_MAC of the worked record. Source: card.md 15.3 G, 8.1.
func TestChainGTMAC(t *testing.T) {
	b := made(t, fuelcard.National())
	for _, v := range fixtures.Vectors() {
		if v.Name != "chain1.record.t_mac" {
			continue
		}
		record := unhex(v.Inputs["record"])
		if len(record) != 91 {
			t.Fatalf("record of %d bytes", len(record))
		}
		b.talk("", "80 1A 08 01 00", "9000")
		got := b.ok(samcard.TMACRequest(b.suite, record).Command())
		if want := unhex(v.Output); string(got) != string(want) {
			t.Fatalf("T_MAC %X, want %X", got, want)
		}
		return
	}
	t.Fatal("no vector chain1.record.t_mac")
}
