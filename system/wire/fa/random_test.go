package fa_test

import (
	"math/rand/v2"
	"testing"

	"greylock/system/wire/fa"
)

// Ten million random bytes: what comes out has a good CRC, and behind any noise at most one good frame is lost. Source: dispenser.md
// 3.1, Decoder: the one behind the first half of a doubled FA.
func TestTenMillionRandomBytes(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(7, 1))
	good := fa.Encode(fa.Frame{Dst: 0xE0, Src: 1, Ctl: 5, Data: []byte{0x30}})
	var d fa.Decoder
	noise, lost, rounds := make([]byte, 3000), 0, 0
	for sent := 0; sent < 10_000_000; rounds++ {
		piece := noise[:1+rnd.IntN(len(noise))]
		sent += len(piece)
		for i := range piece {
			if piece[i] = byte(rnd.Uint32()); rnd.IntN(8) == 0 {
				piece[i] = fa.Start // the start of a frame more often than by chance
			}
		}
		d.Decode(piece, func(f fa.Frame) {
			var again fa.Decoder
			n := 0
			again.Decode(fa.Encode(f), func(fa.Frame) { n++ })
			if n != 1 {
				t.Errorf("%+v is no frame", f)
			}
		})
		found := 0
		for range 2 {
			d.Decode(good, func(f fa.Frame) {
				if f.Ctl == 5 && len(f.Data) == 1 && f.Data[0] == 0x30 {
					found++
				}
			})
		}
		if found == 0 {
			t.Fatalf("round %d: two good frames behind noise, none taken: %+v", rounds, d.Counters)
		}
		lost += 2 - found
	}
	if lost == 0 || lost > rounds/4 {
		t.Errorf("%d of %d first frames lost", lost, rounds)
	}
}
