package lf_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"greylock/system/clock"
	"greylock/system/wire/lf"
)

var start = clock.At(2026, 11, 22, 9, 0, 0)

func TestDecoderTakesFramesInAnyPieces(t *testing.T) {
	t.Parallel()
	for size := 1; size <= 3*lf.Size; size++ {
		var d lf.Decoder
		now, n := start, 0
		for _, w := range worked {
			f := unhex(t, w.hex)
			for at := 0; at < lf.Size; at += size {
				d.Decode(now, f[at:min(at+size, lf.Size)], func(got lf.Frame) bool {
					if got != f {
						t.Errorf("pieces of %d: %X, want %X", size, got, f)
					}
					n++
					return true
				})
				now = now.Add(lf.Silence - 1)
			}
		}
		if n != len(worked) || d.Counters != (lf.Counters{Good: uint64(n)}) {
			t.Errorf("pieces of %d: %d frames, %+v", size, n, d.Counters)
		}
	}
}

func TestDecoderDropsAPartialFrameAfterSilence(t *testing.T) {
	t.Parallel()
	query := unhex(t, worked[0].hex)
	for cut := 1; cut < lf.Size; cut++ {
		var d lf.Decoder
		n := 0
		got := func(lf.Frame) bool { n++; return true }
		d.Decode(start, query[:cut], got)
		d.Decode(start.Add(lf.Silence), query[:], got)
		if n != 1 || d.Counters != (lf.Counters{Good: 1, Cut: 1}) {
			t.Errorf("cut at %d: %d frames, %+v", cut, n, d.Counters)
		}
	}
}

// A bad frame spoils everything up to the next silence: nothing slides over the stream.
func TestDecoderDiscardsUpToSilence(t *testing.T) {
	t.Parallel()
	query := unhex(t, worked[0].hex)
	bad := query
	bad[11]++
	var d lf.Decoder
	n := 0
	got := func(lf.Frame) bool { n++; return true }
	d.Decode(start, append(bad[:], query[:]...), got)
	d.Decode(start.Add(lf.Silence-1), query[:], got)
	if n != 0 || d.Counters != (lf.Counters{Bad: 1, Noise: 2 * lf.Size}) {
		t.Errorf("%d frames, %+v", n, d.Counters)
	}
	d.Decode(start.Add(2*lf.Silence), query[:], got)
	if n != 1 {
		t.Error("not resynchronised after silence")
	}
	refused := 0
	d.Decode(start.Add(4*lf.Silence), append(query[:], query[:]...), func(lf.Frame) bool { refused++; return false })
	if refused != 1 || d.Counters.Bad != 2 {
		t.Errorf("a frame of wrong form: %d times, %+v", refused, d.Counters)
	}
	d.Reset()
	d.Decode(start.Add(4*lf.Silence), query[:], got)
	if n != 2 {
		t.Error("not ready after Reset")
	}
}

// Behind any damage the next frame after silence is found.
func TestMissing(t *testing.T) {
	t.Parallel()
	f, err := lf.Request{Nozzle: 1, Command: lf.Query}.Frame()
	if err != nil {
		t.Fatal(err)
	}
	var d lf.Decoder
	for i, b := range f {
		d.Decode(clock.Instant(i+1), []byte{b}, func(lf.Frame) bool { return true })
		if m := d.Missing(); m != len(f)-1-i {
			t.Errorf("behind byte %d: %d missing", i, m)
		}
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add([]byte{1, 0, 0xB8}, uint16(1))
	f.Add(make([]byte, 40), uint16(7))
	f.Fuzz(func(t *testing.T, data []byte, gap uint16) {
		var d lf.Decoder
		now, taken := start, 0
		rnd := rand.New(rand.NewPCG(uint64(gap), 1))
		for at := 0; at < len(data); {
			n := min(1+rnd.IntN(20), len(data)-at)
			d.Decode(now, data[at:at+n], func(f lf.Frame) bool {
				if !f.Good() {
					t.Fatalf("%X has a wrong sum", f)
				}
				taken++
				return true
			})
			at, now = at+n, now.Add(time.Duration(rnd.IntN(80))*time.Millisecond)
		}
		if taken*lf.Size > len(data) {
			t.Fatalf("%d frames in %d bytes", taken, len(data))
		}
		found := false
		want := unhex(t, worked[0].hex)
		d.Decode(now.Add(lf.Silence), want[:], func(f lf.Frame) bool { found = f == want; return true })
		if !found {
			t.Fatal("not resynchronised after silence")
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	var stream []byte
	for _, w := range worked {
		f := unhex(b, w.hex)
		stream = append(stream, f[:]...)
	}
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	var d lf.Decoder
	n := 0
	for b.Loop() {
		d.Decode(start, stream, func(lf.Frame) bool { n++; return true })
	}
	if n != b.N*len(worked) {
		b.Fatalf("%d frames of %d", n, b.N*len(worked))
	}
}

func BenchmarkStatus(b *testing.B) {
	f := unhex(b, worked[17].hex)
	b.SetBytes(lf.Size)
	b.ReportAllocs()
	for b.Loop() {
		s, err := lf.ParseStatus(f)
		if err != nil {
			b.Fatal(err)
		}
		if back, err := s.Frame(); err != nil || back != f {
			b.Fatalf("%X, %v", back, err)
		}
	}
}
