package line

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"greylock/system/clock"
)

const t0 = clock.Instant(1_800_000_000_000_000_000)

func newMem(cfg Config, seed uint64) *Mem { return NewMem(cfg, rand.New(rand.NewPCG(seed, 1))) }

// run delivers everything and returns what each side got and when the last byte came.
func run(m *Mem) (got [2][]byte, last clock.Instant) {
	for {
		at, ok := m.Next()
		if !ok {
			return got, last
		}
		last = at
		for _, d := range m.Deliver(at) {
			got[d.To] = append(got[d.To], d.Data...)
		}
	}
}

func numbers(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

func TestPacing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		baud, bytes int
		want        time.Duration
	}{{9600, 960, time.Second}, {9600, 12, 12500 * time.Microsecond}, {115200, 1152, 100 * time.Millisecond}, {0, 96, 100 * time.Millisecond}} {
		m := newMem(Config{Baud: c.baud}, 1)
		m.Write(t0, Station, numbers(c.bytes))
		got, last := run(m)
		if last.Sub(t0) != c.want || !bytes.Equal(got[Device], numbers(c.bytes)) || len(got[Station]) != 0 {
			t.Errorf("%+v: %d bytes after %v", c, len(got[Device]), last.Sub(t0))
		}
		if n := m.Counters(Device); n.Bytes != uint64(c.bytes) || n.Damaged != 0 {
			t.Errorf("%+v: %+v", c, n)
		}
	}
}

func TestChunksArriveWhenTheirLastByteHasCrossed(t *testing.T) {
	t.Parallel()
	m := newMem(Config{Chunk: 4200 * time.Microsecond}, 1) // four bytes
	m.Write(t0, Device, numbers(10))
	var sizes []int
	for {
		at, ok := m.Next()
		if !ok {
			break
		}
		if early := m.Deliver(at - 1); early != nil {
			t.Errorf("%v before its time", early)
		}
		d := m.Deliver(at)
		if len(d) != 1 || d[0].To != Station {
			t.Fatalf("%v", d)
		}
		sizes = append(sizes, len(d[0].Data))
		sent := 0
		for _, n := range sizes {
			sent += n
		}
		if want := t0.Add(time.Duration(sent) * 10 * time.Second / 9600); at != want {
			t.Errorf("%d bytes at %v, want %v", sent, at, want)
		}
	}
	if len(sizes) != 3 || sizes[0] != 4 || sizes[2] != 2 {
		t.Errorf("chunks of %v", sizes)
	}
}

func TestWritesQueueBehindEachOtherAndDirectionsDoNot(t *testing.T) {
	t.Parallel()
	m := newMem(Config{Chunk: time.Second}, 1)
	m.Write(t0, Station, numbers(96))
	m.Write(t0.Add(50*time.Millisecond), Station, numbers(96))
	m.Write(t0, Device, numbers(48))
	var order []Side
	var at []time.Duration
	for {
		next, ok := m.Next()
		if !ok {
			break
		}
		for _, d := range m.Deliver(next) {
			order, at = append(order, d.To), append(at, next.Sub(t0))
		}
	}
	if len(order) != 3 || order[0] != Station || at[0] != 50*time.Millisecond || at[1] != 100*time.Millisecond || at[2] != 200*time.Millisecond {
		t.Errorf("%v at %v", order, at)
	}
}

func TestEachFault(t *testing.T) {
	t.Parallel()
	sent := numbers(9)
	for _, c := range []struct {
		kind  Kind
		check func(got, back []byte, last time.Duration) bool
	}{
		{Drop, func(got, _ []byte, _ time.Duration) bool { return len(got) == 8 }},
		{Flip, func(got, _ []byte, _ time.Duration) bool { return len(got) == 9 && differ(got, sent) == 1 }},
		{Insert, func(got, _ []byte, _ time.Duration) bool { return len(got) == 10 }},
		{Lose, func(got, _ []byte, _ time.Duration) bool { return len(got) == 0 }},
		{Babble, func(got, _ []byte, _ time.Duration) bool { return len(got) > 9 && bytes.HasSuffix(got, sent) }},
		{Delay, func(got, _ []byte, last time.Duration) bool {
			return bytes.Equal(got, sent) && last > 9375*time.Microsecond
		}},
		{Duplicate, func(got, _ []byte, _ time.Duration) bool {
			return bytes.Equal(got, append(append([]byte(nil), sent...), sent...))
		}},
		{Echo, func(got, back []byte, _ time.Duration) bool { return bytes.Equal(got, sent) && bytes.Equal(back, sent) }},
	} {
		for seed := range uint64(50) {
			m := newMem(Config{}, seed)
			m.Faults(Device, Fault{Kind: c.kind, PerMille: 1000, Times: 1, Delay: time.Second})
			m.Write(t0, Station, sent)
			got, last := run(m)
			if !c.check(got[Device], got[Station], last.Sub(t0)) {
				t.Errorf("%v, seed %d: sent %X, got %X, back %X, after %v", c.kind, seed, sent, got[Device], got[Station], last.Sub(t0))
			}
			if n := m.Counters(Device); n.Damaged != 1 || n.Struck[c.kind] != 1 || m.Damaged() != 1 {
				t.Errorf("%v: %+v", c.kind, n)
			}
			m.Write(last.Add(time.Second), Station, sent) // Times is used up
			if got, _ := run(m); !bytes.Equal(got[Device], sent) {
				t.Errorf("%v after its end: %X", c.kind, got[Device])
			}
		}
	}
}

func differ(a, b []byte) (n int) {
	for i := range a {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}

func TestNoiseStrikesAboutAsOftenAsItSays(t *testing.T) {
	t.Parallel()
	m := newMem(Config{}, 7)
	m.Noise(11) // of 1000 bytes: about 99 of 1000 chunks of nine
	now := t0
	for range 2000 {
		m.Write(now, Station, numbers(9))
		_, now = run(m)
	}
	n := m.Counters(Device)
	if n.Damaged < 150 || n.Damaged > 250 || n.Struck[Flip] == 0 || n.Struck[Drop] == 0 || n.Struck[Insert] == 0 {
		t.Errorf("%+v", n)
	}
	m.Noise(0)
	m.Write(now, Station, numbers(9))
	if got, _ := run(m); !bytes.Equal(got[Device], numbers(9)) || m.Counters(Device).Damaged != n.Damaged {
		t.Error("noise goes on after its end")
	}
}

func TestCutLosesWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	m := newMem(Config{}, 1)
	m.Write(t0, Station, numbers(100))
	m.Deliver(t0.Add(50 * time.Millisecond))
	m.Cut()
	m.Write(t0, Device, numbers(5))
	if _, ok := m.Next(); ok || !m.IsCut() {
		t.Error("bytes under way on a cut line")
	}
	n := m.Counters(Device)
	if n.Bytes == 0 || n.Bytes+n.Lost != 100 || m.Counters(Station).Lost != 5 {
		t.Errorf("%+v, %+v", n, m.Counters(Station))
	}
	m.Babble(t0, Station, 5)
	m.Restore()
	m.Write(t0.Add(time.Second), Device, numbers(7))
	if got, last := run(m); !bytes.Equal(got[Station], numbers(7)) || m.IsCut() || last < t0.Add(time.Second) {
		t.Errorf("after Restore: %X", got[Station])
	}
}

func TestSameSeedSameBytesAtTheSameTimes(t *testing.T) {
	t.Parallel()
	trace := func(seed uint64) []byte {
		m := newMem(Config{}, seed)
		m.Faults(Device, Fault{Kind: Flip, PerMille: 100}, Fault{Kind: Drop, PerMille: 100}, Fault{Kind: Insert, PerMille: 100},
			Fault{Kind: Babble, PerMille: 50}, Fault{Kind: Delay, PerMille: 50, Delay: time.Second})
		m.Faults(Station, Fault{Kind: Duplicate, PerMille: 100}, Fault{Kind: Echo, PerMille: 100})
		var out []byte
		now := t0
		for i := range 200 {
			m.Write(now, Side(i%2), numbers(30))
			if at, ok := m.Next(); ok {
				now = at
			}
			for _, d := range m.Deliver(now) {
				out = append(append(out, byte(d.To), byte(now>>20)), d.Data...)
			}
		}
		return out
	}
	if !bytes.Equal(trace(1), trace(1)) {
		t.Error("the same seed gave two traces")
	}
	if bytes.Equal(trace(1), trace(2)) {
		t.Error("two seeds gave the same trace")
	}
}

func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	m := newMem(Config{}, 1)
	m.Faults(Device, Fault{Kind: Insert, PerMille: 1000})
	for range 10 {
		m.Write(t0, Station, make([]byte, 5000))
	}
	m.Babble(t0, Device, 1<<20)
	got, _ := run(m)
	if n := m.Counters(Device); len(got[Device]) > maxQueue+maxQueue/8 || n.Overflow == 0 {
		t.Errorf("%d bytes crossed, %+v", len(got[Device]), n)
	}
}

func TestBabbleOnASilentLine(t *testing.T) {
	t.Parallel()
	m := newMem(Config{}, 1)
	m.Babble(t0, Station, 40)
	if got, _ := run(m); len(got[Station]) != 40 || m.Damaged() != 1 {
		t.Errorf("%d bytes, %d damaged", len(got[Station]), m.Damaged())
	}
}

func TestFaultWords(t *testing.T) {
	t.Parallel()
	for k := range kinds {
		text, err := k.MarshalText()
		var back Kind
		if err != nil || back.UnmarshalText(text) != nil || back != k || k.String() != string(text) {
			t.Errorf("%d: %s, %v, %v", k, text, err, back)
		}
	}
	var k Kind
	if err := k.UnmarshalText([]byte("gremlin")); err == nil {
		t.Error("gremlin is a fault")
	}
	if _, err := kinds.MarshalText(); err == nil || kinds.String() != "fault 11" {
		t.Errorf("%v: %v", kinds, err)
	}
}

func BenchmarkMem(b *testing.B) {
	m := newMem(Config{}, 1)
	m.Noise(1)
	frame := numbers(26)
	b.SetBytes(int64(len(frame)))
	now := t0
	for b.Loop() {
		m.Write(now, Station, frame)
		for {
			at, ok := m.Next()
			if !ok {
				break
			}
			now = at
			m.Deliver(at)
		}
	}
}
