package fa_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greylock/system/wire/fa"
)

func TestCRCCheckValue(t *testing.T) {
	t.Parallel()
	if got := fa.CRC(0, []byte("123456789")); got != 0xBB3D {
		t.Errorf("CRC of 123456789 is %04X, want BB3D", got)
	}
	if got := fa.CRC(fa.CRC(0, []byte("1234")), []byte("56789")); got != 0xBB3D {
		t.Errorf("continued CRC is %04X, want BB3D", got)
	}
}

// withCRC looks for a frame whose CRC bytes satisfy want, by counting in its data.
func withCRC(t *testing.T, want func(hi, lo byte) bool) fa.Frame {
	t.Helper()
	for n := range 1 << 20 {
		f := fa.Frame{Dst: 1, Src: 0xE0, Ctl: 0x40, Data: []byte{0x36, byte(n >> 16), byte(n >> 8), byte(n)}}
		crc := fa.CRC(fa.CRC(0, []byte{f.Dst, f.Src, f.Ctl, 0, 4}), f.Data)
		if want(byte(crc>>8), byte(crc)) {
			return f
		}
	}
	t.Fatal("no such frame")
	return fa.Frame{}
}

func TestStartByteInDataAndCRC(t *testing.T) {
	t.Parallel()
	frames := map[string]fa.Frame{
		"in data":     {Dst: 1, Src: 2, Ctl: 3, Data: []byte{0xFA, 0x31, 0xFA, 0xFA, 0xFA}},
		"high of CRC": withCRC(t, func(hi, lo byte) bool { return hi == 0xFA && lo != 0xFA }),
		"low of CRC":  withCRC(t, func(hi, lo byte) bool { return hi != 0xFA && lo == 0xFA }),
		"both of CRC": withCRC(t, func(hi, lo byte) bool { return hi == 0xFA && lo == 0xFA }),
	}
	for name, f := range frames {
		raw := fa.Encode(f)
		if singles := bytes.Count(raw, []byte{0xFA}); singles%2 != 1 {
			t.Errorf("%s: %X holds %d start bytes: not one and doubled ones", name, raw, singles)
		}
		if diff := cmp.Diff(f, one(t, raw)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		// two of them back to back, and the second half of a doubled last byte is waited for
		var d fa.Decoder
		n := 0
		for i, b := range append(append([]byte(nil), raw...), raw...) {
			if _, ok := d.Byte(b); ok {
				n++
				if (i+1)%len(raw) != 0 {
					t.Errorf("%s: frame delivered after byte %d of %d", name, i+1, len(raw))
				}
			}
		}
		if n != 2 || d.Counters != (fa.Counters{Good: 2}) {
			t.Errorf("%s: %d of 2 frames, %+v", name, n, d.Counters)
		}
	}
}

func TestFrameCutAtEveryByte(t *testing.T) {
	t.Parallel()
	next := fa.Encode(fa.Frame{Dst: 0xE0, Src: 1, Ctl: 5, Data: []byte{0x30}})
	for _, w := range workedFrames {
		raw := unhex(t, w.hex)
		for cut := range raw {
			var d fa.Decoder
			var got []fa.Frame
			d.Decode(raw[:cut], func(f fa.Frame) { t.Errorf("%s cut at %d delivered %X", w.name, cut, f.Data) })
			// A cut behind the first half of a doubled FA takes the next start for the second half: dispenser.md 3.1.
			half := bytes.Count(raw[:cut], []byte{0xFA})%2 == 0 && cut > 0 && raw[cut-1] == 0xFA
			if half {
				d.Decode(next, func(fa.Frame) {})
			}
			d.Decode(next, func(f fa.Frame) { got = append(got, f) })
			if len(got) != 1 || got[0].Ctl != 5 {
				t.Fatalf("%s cut at %d: the next frame gave %v, %+v", w.name, cut, got, d.Counters)
			}
		}
	}
}

func TestFramesInRandomPieces(t *testing.T) {
	t.Parallel()
	var stream []byte
	for range 20 {
		for _, w := range workedFrames {
			stream = append(stream, unhex(t, w.hex)...)
		}
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	var d fa.Decoder
	n := 0
	for len(stream) > 0 {
		k := min(1+rnd.IntN(40), len(stream))
		d.Decode(stream[:k], func(fa.Frame) { n++ })
		stream = stream[k:]
	}
	if want := 20 * len(workedFrames); n != want || d.Counters != (fa.Counters{Good: uint64(want)}) {
		t.Errorf("%d of %d frames, %+v", n, want, d.Counters)
	}
}

func same(a, b fa.Frame) bool {
	return a.Dst == b.Dst && a.Src == b.Src && a.Ctl == b.Ctl && bytes.Equal(a.Data, b.Data)
}

// randomFrame has many start bytes in its data.
func randomFrame(rnd *rand.Rand) fa.Frame {
	f := fa.Frame{Dst: byte(rnd.IntN(0xFA)), Src: byte(rnd.IntN(0xFA)), Ctl: byte(rnd.IntN(0x80))}
	f.Data = make([]byte, 1+rnd.IntN(60))
	for i := range f.Data {
		f.Data[i] = byte(rnd.IntN(256))
		if rnd.IntN(8) == 0 {
			f.Data[i] = 0xFA
		}
	}
	return f
}

func TestDroppedBytesCostFewIntactFrames(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(3, 4))
	var d fa.Decoder
	intact, damaged, got, wrong := 0, 0, 0, 0
	var expected []fa.Frame
	for range 20000 {
		f := randomFrame(rnd)
		raw := fa.Encode(f)
		if rnd.IntN(10) == 0 {
			at := rnd.IntN(len(raw))
			raw = append(raw[:at:at], raw[at+1:]...)
			damaged++
		} else {
			intact++
			expected = append(expected, f)
		}
		d.Decode(raw, func(f fa.Frame) {
			for len(expected) > 0 && !same(expected[0], f) {
				expected = expected[1:]
			}
			if len(expected) == 0 {
				wrong++
				return
			}
			expected = expected[1:]
			got++
		})
	}
	if damaged < 1000 || wrong != 0 || intact-got > damaged/100 {
		t.Errorf("%d intact, %d damaged, %d got, %d that were never sent, %+v", intact, damaged, got, wrong, d.Counters)
	}
}

func TestDecoderCounts(t *testing.T) {
	t.Parallel()
	good := fa.Encode(fa.Frame{Dst: 1, Src: 2, Ctl: 3, Data: []byte{0x30}})
	bad := append([]byte(nil), good...)
	bad[7] ^= 1
	for _, c := range []struct {
		name string
		raw  []byte
		want fa.Counters
	}{
		{"noise", append([]byte{1, 2, 3}, good...), fa.Counters{Good: 1, Noise: 3}},
		{"bad CRC", append(bad, good...), fa.Counters{Good: 1, BadCRC: 1}},
		{"two starts", append([]byte{0xFA}, good...), fa.Counters{Good: 1, Noise: 1}},
		{"cut in header", append([]byte{0xFA, 1, 2}, good...), fa.Counters{Good: 1, Cut: 1}},
		{"cut in data", append([]byte{0xFA, 1, 2, 3, 0, 9, 0x31}, good...), fa.Counters{Good: 1, Cut: 1}},
		{"length 0", append([]byte{0xFA, 1, 2, 3, 0, 0}, good...), fa.Counters{Good: 1, BadLength: 1}},
		{"length 501", append([]byte{0xFA, 1, 2, 3, 5, 1}, good...), fa.Counters{Good: 1, BadLength: 1}},
		{"length no BCD", append([]byte{0xFA, 1, 2, 3, 0, 0x0A}, good...), fa.Counters{Good: 1, BadLength: 1}},
	} {
		var d fa.Decoder
		d.Decode(c.raw, func(fa.Frame) {})
		if d.Counters != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, d.Counters, c.want)
		}
	}
}

func TestResetForgetsTheFrameThatWasBegun(t *testing.T) {
	t.Parallel()
	good := fa.Encode(fa.Frame{Dst: 1, Src: 2, Ctl: 3, Data: []byte{0x30}})
	var d fa.Decoder
	d.Decode(good[:6], func(fa.Frame) { t.Error("half a frame") })
	d.Reset()
	d.Decode(good[6:], func(fa.Frame) { t.Error("second half") })
	if d.Counters.Noise != uint64(len(good)-6) {
		t.Errorf("%+v", d.Counters)
	}
}

// At each byte of a frame Missing promises bytes that come, and never more than come; behind the last it promises none.
func TestMissingNeverPromisesTooMuch(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		payload := make([]byte, 1+rnd.IntN(80))
		for i := range payload {
			payload[i] = byte(0xF6 + rnd.IntN(10)) // many a start byte, which is sent twice
		}
		wire := fa.Encode(fa.Frame{Dst: 1, Src: 2, Ctl: 3, Data: payload})
		var d fa.Decoder
		for i, b := range wire {
			d.Byte(b)
			left := len(wire) - 1 - i
			if m := d.Missing(); m > left || (m > 0) != (left > 0) {
				t.Fatalf("behind byte %d of %X: %d missing, %d come", i, wire, m, left)
			}
		}
	}
}

func TestFrameThatCanNotBeSentPanics(t *testing.T) {
	t.Parallel()
	for _, f := range []fa.Frame{
		{},
		{Data: make([]byte, fa.MaxAccept+1)},
		{Dst: 0xFA, Data: []byte{1}},
		{Src: 0xFA, Data: []byte{1}},
		{Ctl: 0xFA, Data: []byte{1}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%02X %02X %02X, %d bytes: encoded", f.Dst, f.Src, f.Ctl, len(f.Data))
				}
			}()
			fa.Encode(f)
		}()
	}
	if f := one(t, fa.Encode(fa.Frame{Data: make([]byte, fa.MaxAccept)})); len(f.Data) != fa.MaxAccept {
		t.Errorf("%d bytes of the largest frame", len(f.Data))
	}
}

// Whatever comes, a delivered frame encodes to exactly the last bytes that came.
func FuzzDecoder(f *testing.F) {
	for _, w := range workedFrames {
		f.Add(unhex(f, w.hex))
	}
	f.Add([]byte{0xFA, 0xFA, 1, 0xFA, 1, 2, 3, 0, 1, 0xFA, 0xFA})
	f.Fuzz(func(t *testing.T, raw []byte) {
		var d fa.Decoder
		n := uint64(0)
		for i, b := range raw {
			frame, ok := d.Byte(b)
			if !ok {
				continue
			}
			n++
			enc := fa.Encode(frame)
			if !bytes.HasSuffix(raw[:i+1], enc) {
				t.Fatalf("%X delivered %X", raw[:i+1], enc)
			}
		}
		c := d.Counters
		if c.Good != n || c.Good*8+c.Noise > uint64(len(raw)) {
			t.Fatalf("%d frames of %d bytes, %+v", n, len(raw), c)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	var stream []byte
	for _, w := range workedFrames {
		stream = append(stream, unhex(b, w.hex)...)
	}
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	var d fa.Decoder
	n := 0
	for b.Loop() {
		d.Decode(stream, func(fa.Frame) { n++ })
	}
	if n != b.N*len(workedFrames) {
		b.Fatalf("%d frames in %d rounds", n, b.N)
	}
}

func BenchmarkRecord(b *testing.B) {
	raw := unhex(b, workedFrames[6].hex)
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		var d fa.Decoder
		d.Decode(raw, func(f fa.Frame) {
			if _, err := fa.Parse(f); err != nil {
				b.Fatal(err)
			}
		})
	}
}
