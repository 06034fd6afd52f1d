package relay_test

import (
	"math/rand/v2"
	"testing"

	"greylock/system/clock"
	"greylock/system/wire/relay"
)

// Ten million random bytes, as board and as station: what comes out has a good CRC, and the first frame behind noise and a silence is
// taken.
func TestTenMillionRandomBytes(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(7, 3))
	ask, err := relay.Request{Address: 1, Function: relay.WriteCoil, Coil: 4, On: true}.Frame()
	if err != nil {
		t.Fatal(err)
	}
	for _, replies := range []bool{false, true} { // the answer to a written coil is its echo
		d := relay.Decoder{Replies: replies}
		now, noise := clock.At(2026, 11, 22, 9, 0, 0), make([]byte, 600)
		for sent := 0; sent < 10_000_000; {
			piece := noise[:1+rnd.IntN(len(noise))]
			sent += len(piece)
			for i := range piece {
				piece[i] = byte(rnd.Uint32())
			}
			if len(piece) > 1 && rnd.IntN(2) == 0 {
				piece[1] = byte(relay.WriteCoil) // a frame whose length is known
			}
			d.Decode(now, piece, func(f []byte) {
				if !relay.Good(f) {
					t.Errorf("%X has a wrong CRC", f)
				}
			})
			now = now.Add(relay.Silence)
			found := false
			d.Decode(now, ask, func(f []byte) { found = string(f) == string(ask) })
			if !found {
				t.Fatalf("behind %d bytes of noise and a silence a good frame was not taken: %+v", len(piece), d.Counters)
			}
			now = now.Add(relay.Silence)
		}
	}
}
