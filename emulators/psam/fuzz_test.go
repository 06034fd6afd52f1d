package psam_test

import (
	"bytes"
	"testing"

	"greylock/system/wire/fuelcard"
)

// FuzzPSAM sends anything to a PSAM in the middle of a sale: it always answers, its counter never goes back and moves by
// one at most, a second amount never gets a GMAC, and it is the same PSAM after a power-down.
func FuzzPSAM(f *testing.F) {
	for _, r := range refusals {
		c := unhex(r.command)
		f.Add(append([]byte{byte(len(c))}, c...), r.from == "cert" || r.from == "done")
	}
	var all []byte
	for _, s := range []string{initC, certC, debitC, "E0 46 00 00 04 00000013 08", purchaseB, "80 1A 08 01 00"} {
		c := unhex(s)
		all = append(append(all, byte(len(c))), c...)
	}
	f.Add(all, false)
	idle := wound(f, fuelcard.National())
	f.Fuzz(func(t *testing.T, script []byte, inSale bool) {
		b := idle.again(t)
		if inSale {
			b.talk("C3C30002", initC, initAns, certC, "9000")
		}
		for len(script) > 0 {
			n := min(int(script[0]), len(script)-1)
			cmd := script[1 : 1+n]
			script = script[1+n:]
			before := b.oracle()
			answer, err := b.sam.Transmit(cmd)
			if err != nil {
				t.Fatal(err)
			}
			after := b.oracle()
			if len(answer) < 2 || len(answer) > 258 {
				t.Fatalf("%X answers %X", cmd, answer)
			}
			refused := !bytes.HasSuffix(answer, []byte{0x90, 0x00})
			if d := after.TTC - before.TTC; d > 1 || d == 1 && refused {
				t.Fatalf("%X: TTC %d → %d", cmd, before.TTC, after.TTC)
			}
			if before.Stage == 3 && after.LastTTC == before.LastTTC && (after.Amount != before.Amount || after.GMAC != before.GMAC) {
				t.Fatalf("%X: two GMACs for TTC %d", cmd, before.LastTTC)
			}
		}
		end := b.oracle()
		b.reset()
		if b.oracle() != end {
			t.Fatal("another PSAM after a reset")
		}
	})
}
