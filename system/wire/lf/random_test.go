package lf_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"greylock/system/wire/lf"
)

// Ten million random bytes: what comes out has a good sum, and the first frame behind noise and a silence is taken.
func TestTenMillionRandomBytes(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(7, 2))
	good := unhex(t, worked[0].hex)
	var d lf.Decoder
	now, noise, chance := start, make([]byte, 600), 0
	for sent := 0; sent < 10_000_000; {
		piece := noise[:1+rnd.IntN(len(noise))]
		if rnd.IntN(2) == 0 {
			piece = piece[:min(len(piece), lf.Size)] // long enough for a frame, not spoilt before it ends
		}
		sent += len(piece)
		for i := range piece {
			piece[i] = byte(rnd.Uint32())
		}
		d.Decode(now, piece, func(f lf.Frame) bool {
			if chance++; !f.Good() {
				t.Errorf("%X has a wrong sum", f)
			}
			return true
		})
		now = now.Add(lf.Silence)
		found := false
		d.Decode(now, good[:], func(f lf.Frame) bool { found = f == good; return true })
		if !found {
			t.Fatalf("behind %d bytes of noise and a silence a good frame was not taken: %+v", len(piece), d.Counters)
		}
		now = now.Add(time.Duration(rnd.IntN(3)) * lf.Silence)
	}
	if chance < 20 {
		t.Errorf("only %d frames by chance: the sum was not tried", chance)
	}
}
