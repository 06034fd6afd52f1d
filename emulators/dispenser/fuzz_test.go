package dispenser

import (
	"testing"
	"time"

	"greylock/system/card"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fa"
)

// FuzzLine: whatever comes over the line, no fuel is authorised, no record is forgotten without an acknowledgement frame, what
// the board sends decodes, and NV holds what the board believes.
func FuzzLine(f *testing.F) {
	ack, _ := fa.Build(5, fa.PCAddress, fa.FromPC, &fa.UploadAck{})
	poll, _ := fa.Build(5, fa.PCAddress, fa.FromPC, &fa.PollAnswer{Versions: fa.Versions{Base: 3, Price: 9}})
	length, _ := fa.Build(5, fa.PCAddress, fa.FromPC, &fa.DownloadAnswer{Length: 0xFFFFFFFF, Content: fa.ContentPrice})
	for _, frame := range []fa.Frame{ack, poll, length} {
		f.Add(fa.Encode(frame))
	}
	f.Add([]byte{0xFA, 0xFA, 0x05, 0xE0, 0x40, 0x99, 0x99})
	f.Fuzz(func(t *testing.T, data []byte) {
		r := readyRig(t)
		if _, err := r.board.mem.store(testRecord(int(r.board.mem.state.Next)), nil); err != nil {
			t.Fatal(err)
		}
		before := r.board.mem.state
		for i := 0; i < len(data); i += 50 {
			r.do(func() { r.board.Receive(r.now, data[i:min(i+50, len(data))]) })
			r.now = r.now.Add(50 * time.Millisecond)
		}
		if r.board.View().Total != 0 || r.board.fill.phase != fillNone || r.board.mem.state.Next != before.Next {
			t.Fatal("bytes from the line moved fuel or made a record")
		}
		var dec fa.Decoder
		var acked int
		dec.Decode(data, func(f fa.Frame) {
			if f.FromPC() && f.Word() == fa.WordRecord {
				acked++
			}
		})
		if int(r.board.mem.state.Sent.Since(before.Sent)) > acked {
			t.Fatal("a record was forgotten without an acknowledgement")
		}
		if again := open(r.nv, r.cfg.LogSize); again.state.Sent != r.board.mem.state.Sent || again.state.Versions != r.board.mem.state.Versions {
			t.Fatal("NV holds something else")
		}
	})
}

// FuzzCard: a card that answers anything at all is never served fuel and never costs more than a record of refusal.
func FuzzCard(f *testing.F) {
	f.Add([]byte{0x90, 0x00})
	f.Add([]byte{0x00, 0x90, 0x00, 0x61, 0x10})
	f.Add(append(make([]byte, 30), 0x90, 0x00))
	f.Add(newCard(1, 50000).file(0x15))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := readyRig(t)
		i := 0
		answer := func() []byte {
			n := 2
			if len(data) > 0 {
				n = int(data[i%len(data)]) % 40
			}
			var b []byte
			for range n {
				if len(data) > 0 {
					b = append(b, data[i%len(data)])
				}
				i++
			}
			if i%3 > 0 {
				b = append(b, byte(apdu.OK>>8), byte(apdu.OK&0xFF))
			}
			return b
		}
		r.board.Inserted(r.now)
		for range 300 {
			fx := r.board.Take()
			if len(fx.Transmit) == 0 {
				break
			}
			r.now = r.now.Add(chipTime)
			for _, x := range fx.Transmit {
				reply := card.Reply{}
				if x.Slot == SlotPSAM {
					reply.Data = r.sam.obey(x.Command)
				} else {
					reply.Data = answer()
				}
				r.board.Answer(r.now, x.ID, reply)
			}
		}
		r.board.Lift(r.now)
		r.board.Squeeze(r.now, 1000)
		r.board.Wake(r.now.Add(20 * time.Second))
		if r.board.View().Total != 0 || r.sam.ttc != 0 {
			t.Fatalf("fuel %v, PSAM TTC %d for a card that is none", r.board.View().Total, r.sam.ttc)
		}
	})
}
