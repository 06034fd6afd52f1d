package tls350_test

import (
	"math/rand/v2"
	"testing"

	"greylock/system/wire/tls350"
)

// Ten million random bytes: nothing of them reads as an answer of a tank, and the first good answer behind noise is taken, for SOH
// stands nowhere else.
func TestTenMillionRandomBytes(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(7, 4))
	var d tls350.Decoder
	noise, frames := make([]byte, 2*tls350.MaxFrame), 0
	for sent := 0; sent < 10_000_000; {
		piece := noise[:1+rnd.IntN(len(noise))]
		sent += len(piece)
		for i := range piece {
			piece[i] = byte(rnd.Uint32())
			if rnd.IntN(3) == 0 { // characters of an answer
				piece[i] = spec[rnd.IntN(len(spec))]
			}
		}
		d.Decode(piece, func(f []byte) {
			frames++
			if a, err := tls350.Parse(f); err == nil {
				t.Errorf("%q reads as %+v", f, a)
			}
		})
		found := false
		d.Decode([]byte(spec), func(f []byte) { found = string(f) == spec })
		if !found {
			t.Fatalf("behind %d bytes of noise a good answer was not taken: %+v", len(piece), d.Counters)
		}
	}
	if frames < 1000 {
		t.Errorf("only %d frames in the noise", frames)
	}
}
