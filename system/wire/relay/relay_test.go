package relay_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"

	"greylock/system/clock"
	"greylock/system/wire/relay"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The check value of CRC-16/MODBUS, and the example of the MODBUS guide: 02 07 has 1241H, sent low byte first.
func TestCRC(t *testing.T) {
	t.Parallel()
	if got := relay.CRC([]byte("123456789")); got != 0x4B37 {
		t.Errorf("check value %04X, want 4B37", got)
	}
	if got := relay.CRC([]byte{2, 7}); got != 0x1241 {
		t.Errorf("02 07: %04X, want 1241", got)
	}
	if !relay.Good(unhex(t, "02 07 41 12")) {
		t.Error("02 07 41 12 is not good")
	}
}

// requests and replies: the PDUs of MODBUS Application Protocol 6.1 and 6.5 (coils 20 to 38, coil 173), and the frames that
// makers of relay boards print for coil 0 of board 1.
var requests = []struct {
	hex string
	r   relay.Request
}{
	{"01 05 00 00 FF 00 8C 3A", relay.Request{Address: 1, Function: relay.WriteCoil, On: true}},
	{"01 05 00 00 00 00 CD CA", relay.Request{Address: 1, Function: relay.WriteCoil}},
	{"01 01 00 00 00 08 3D CC", relay.Request{Address: 1, Function: relay.ReadCoils, Count: 8}},
}

var replies = []struct {
	hex string
	r   relay.Reply
}{
	{"01 05 00 00 FF 00 8C 3A", relay.Reply{Address: 1, Function: relay.WriteCoil, On: true}},
	{"01 01 01 00 51 88", relay.Reply{Address: 1, Function: relay.ReadCoils, Coils: []byte{0}}},
}

func TestFramesOfTheBoards(t *testing.T) {
	t.Parallel()
	for _, c := range requests {
		f, err := c.r.Frame()
		if err != nil || !bytes.Equal(f, unhex(t, c.hex)) {
			t.Errorf("%+v: %X %v, want %s", c.r, f, err, c.hex)
		}
		if r, err := relay.ParseRequest(f); err != nil || r != c.r {
			t.Errorf("%X: %+v %v", f, r, err)
		}
	}
	for _, c := range replies {
		f, err := c.r.Frame()
		if err != nil || !bytes.Equal(f, unhex(t, c.hex)) {
			t.Errorf("%+v: %X %v, want %s", c.r, f, err, c.hex)
		}
		if r, err := relay.ParseReply(f); err != nil || !reflect.DeepEqual(r, c.r) {
			t.Errorf("%X: %+v %v", f, r, err)
		}
	}
}

func TestExamplesOfTheSpecification(t *testing.T) {
	t.Parallel()
	pdu := func(f []byte, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		return strings.ToUpper(hex.EncodeToString(f[1 : len(f)-2]))
	}
	if got := pdu(relay.Request{Address: 17, Function: relay.ReadCoils, Coil: 0x13, Count: 0x13}.Frame()); got != "0100130013" {
		t.Errorf("read coils 20 to 38: %s", got)
	}
	if got := pdu(relay.Request{Address: 17, Function: relay.WriteCoil, Coil: 0xAC, On: true}.Frame()); got != "0500ACFF00" {
		t.Errorf("coil 173 on: %s", got)
	}
	coils := relay.Reply{Address: 17, Function: relay.ReadCoils, Coils: []byte{0xCD, 0x6B, 0x05}}
	if got := pdu(coils.Frame()); got != "0103CD6B05" {
		t.Errorf("coils 20 to 38: %s", got)
	}
	// coils 27 to 20 are 1100 1101, coil 38 to 36 are 101
	for i, want := range []bool{true, false, true, true, false, false, true, true} {
		if coils.CoilOn(i) != want {
			t.Errorf("coil %d: %v", 20+i, !want)
		}
	}
	if !coils.CoilOn(16) || coils.CoilOn(17) || !coils.CoilOn(18) || coils.CoilOn(24) {
		t.Error("coils 36 to 38")
	}
	refused, err := relay.Reply{Address: 1, Function: relay.Refused | relay.WriteCoil, Code: 2}.Frame()
	if got := pdu(refused, err); got != "8502" {
		t.Errorf("refusal: %s", got)
	}
}

func TestNonsenseIsNotSent(t *testing.T) {
	t.Parallel()
	for _, r := range []relay.Request{
		{Address: 248, Function: relay.WriteCoil}, {Address: 0, Function: relay.ReadCoils, Count: 1}, {Address: 1, Function: relay.ReadCoils},
		{Address: 1, Function: relay.ReadCoils, Count: relay.MaxCoils + 1}, {Address: 1, Function: relay.ReadCoils, Coil: 0xFFFF, Count: 2}, {Address: 1, Function: 3},
	} {
		if f, err := r.Frame(); !errors.Is(err, relay.ErrForm) {
			t.Errorf("%+v: %X %v", r, f, err)
		}
	}
	if f, err := (relay.Reply{Address: 1, Function: relay.ReadCoils}).Frame(); !errors.Is(err, relay.ErrForm) {
		t.Errorf("no coils: %X %v", f, err)
	}
}

func TestDamageIsSeen(t *testing.T) {
	t.Parallel()
	f := unhex(t, requests[0].hex)
	for bit := range 8 * len(f) {
		bad := bytes.Clone(f)
		bad[bit/8] ^= 1 << (bit % 8)
		if r, err := relay.ParseRequest(bad); !errors.Is(err, relay.ErrCRC) {
			t.Errorf("bit %d: %+v %v", bit, r, err)
		}
	}
	odd := []byte{1, 5, 0, 0, 0x12, 0x34}
	crc := relay.CRC(odd)
	if _, err := relay.ParseRequest(append(odd, byte(crc), byte(crc>>8))); !errors.Is(err, relay.ErrForm) {
		t.Errorf("coil value 1234: %v", err)
	}
}

func TestDecoder(t *testing.T) {
	t.Parallel()
	now := clock.At(2026, 11, 22, 9, 0, 0)
	for size := 1; size <= 20; size++ {
		d := relay.Decoder{Replies: true}
		var stream []byte
		for _, c := range replies {
			stream = append(stream, unhex(t, c.hex)...)
		}
		n := 0
		for at := 0; at < len(stream); at += size {
			d.Decode(now, stream[at:min(at+size, len(stream))], func([]byte) { n++ })
		}
		if n != len(replies) || d.Counters != (relay.Counters{Good: uint64(n)}) {
			t.Errorf("pieces of %d: %d frames, %+v", size, n, d.Counters)
		}
	}
	var d relay.Decoder
	good := unhex(t, requests[0].hex)
	n := 0
	got := func(f []byte) {
		if !bytes.Equal(f, good) {
			t.Errorf("got %X", f)
		}
		n++
	}
	d.Decode(now, append([]byte{1, 9}, good...), got) // no such function: all the rest is noise
	d.Decode(now.Add(relay.Silence-1), good, got)
	d.Decode(now.Add(3*relay.Silence), good[:5], got)
	d.Decode(now.Add(4*relay.Silence), good, got)
	if n != 1 || d.Counters != (relay.Counters{Good: 1, Bad: 1, Cut: 1, Noise: 16}) {
		t.Errorf("%d frames, %+v", n, d.Counters)
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		hex, want string
		board     bool
	}{
		{requests[0].hex, "1 号板 线圈 0 吸合 on (board 1: write coil)", false},
		{requests[2].hex, "1 号板 读线圈 0…7 (board 1: read coils)", false},
		{replies[0].hex, "1 号板 应答: 线圈 0 吸合 on (board 1: coil written)", true},
		{replies[1].hex, "1 号板 线圈状态 [00000000] (board 1: coils, each byte from bit 0)", true},
		{"01 85 02 C3 51", "1 号板 拒绝: 没有这个线圈 (board 1 refuses: no such coil)", true},
		{"01 05", "无效应答 bad reply: 2 bytes: relay: no such form", true},
		{"01 05 00 00 FF 00 8C 3B", "无效命令 bad request: relay: wrong CRC", false},
	} {
		if got := relay.Describe(unhex(t, c.hex), c.board); got != c.want {
			t.Errorf("%s: %s, want %s", c.hex, got, c.want)
		}
	}
}

// Whatever comes, in whatever pieces: what the decoder hands over is whole, good, and reads back to the same bytes if it makes sense.
func FuzzDecoder(f *testing.F) {
	for _, c := range requests {
		f.Add(unhex(f, c.hex), false, byte(3))
	}
	for _, c := range replies {
		f.Add(unhex(f, c.hex), true, byte(1))
	}
	f.Fuzz(func(t *testing.T, data []byte, board bool, piece byte) {
		d := relay.Decoder{Replies: board}
		size := max(1, int(piece))
		for at := 0; at < len(data); at += size {
			d.Decode(clock.At(2026, 11, 22, 9, 0, 0), data[at:min(at+size, len(data))], func(frame []byte) {
				if !relay.Good(frame) || len(frame) > relay.MaxFrame {
					t.Fatalf("handed over %X", frame)
				}
				var again []byte
				var err error
				if board {
					var r relay.Reply
					if r, err = relay.ParseReply(frame); err == nil {
						again, err = r.Frame()
					}
				} else {
					var r relay.Request
					if r, err = relay.ParseRequest(frame); err == nil {
						again, err = r.Frame()
					}
				}
				if err == nil && !bytes.Equal(again, frame) {
					t.Fatalf("%X reads back as %X", frame, again)
				}
				if err != nil && !errors.Is(err, relay.ErrForm) {
					t.Fatalf("%X: %v", frame, err)
				}
			})
		}
	})
}
