package line

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"greylock/system/clock"
)

func quiet(cfg Config) *Mem { return NewMem(cfg, rand.New(rand.NewPCG(1, 1))) }

// all delivers everything that is under way and says when the last of it came.
func all(m *Mem) (got [2][]byte, last clock.Instant) {
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

// TestPace: 960 bytes need a second at 9600-8-N-1, a tenth more with a parity bit, half of it at 19200.
func TestPace(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		u    UART
		want time.Duration
	}{{UART{}, time.Second}, {UART{Parity: Even}, 1100 * time.Millisecond}, {UART{Baud: 19200}, time.Second / 2}} {
		m := quiet(Config{})
		m.Set(Station, x.u)
		m.Set(Device, x.u)
		data := bytes.Repeat([]byte{0x55, 0x00, 0xFF}, 320)
		m.Write(0, Device, data)
		got, last := all(m)
		if off := last.Sub(0) - x.want; off < -x.want/50 || off > x.want/50 || !bytes.Equal(got[Station], data) {
			t.Errorf("%+v: 960 bytes in %v, want %v; equal %v", x.u, last.Sub(0), x.want, bytes.Equal(got[Station], data))
		}
	}
}

// TestMismatch: what two sides that are set differently make of each other is wrong and counted.
func TestMismatch(t *testing.T) {
	t.Parallel()
	data := []byte("01234567890123456789")
	for _, x := range []struct {
		name             string
		from, to         UART
		parity, framing  bool
		length, goodSome bool
	}{
		{name: "even to odd", from: UART{Parity: Even}, to: UART{Parity: Odd}, parity: true, length: true},
		{name: "none to even", from: UART{}, to: UART{Parity: Even}, parity: true, goodSome: true},
		{name: "even to none", from: UART{Parity: Even}, framing: true, goodSome: true},
		{name: "too slow", from: UART{Baud: 9600}, to: UART{Baud: 4800}, framing: true},
		{name: "too fast", from: UART{Baud: 4800}, to: UART{Baud: 9600}},
	} {
		m := quiet(Config{})
		m.Set(Device, x.from)
		m.Set(Station, x.to)
		m.Write(0, Device, data)
		got, _ := all(m)
		c := m.Counters(Station)
		switch {
		case bytes.Equal(got[Station], data) && !x.framing:
			t.Errorf("%s: nothing is wrong", x.name)
		case x.parity != (c.Parity > 0), x.framing && c.Framing == 0:
			t.Errorf("%s: counted %+v", x.name, c)
		case x.length && (len(got[Station]) != len(data) || c.Parity != uint64(len(data))):
			t.Errorf("%s: %d bytes, %d wrong", x.name, len(got[Station]), c.Parity)
		}
		m.Set(Station, m.UART(Device))
		m.Write(0, Device, data)
		if got, _ := all(m); !bytes.Equal(got[Station], data) {
			t.Errorf("%s: not mended: %q", x.name, got[Station])
		}
	}
}

// TestBreakAndHalf: one wire is dead, the other is not; both come back.
func TestBreakAndHalf(t *testing.T) {
	t.Parallel()
	m := quiet(Config{})
	say := func() (got [2][]byte) {
		m.Write(0, Device, []byte("to station"))
		m.Write(0, Station, []byte("to device"))
		got, _ = all(m)
		return got
	}
	m.Half(Station, true)
	if got := say(); got[Station] != nil || string(got[Device]) != "to device" {
		t.Errorf("half: %q", got)
	}
	m.Half(Station, false)
	m.Break(0, Station, true)
	m.Break(0, Station, true)
	if got := say(); !bytes.Equal(got[Station], []byte{0}) || string(got[Device]) != "to device" || m.Counters(Station).Framing != 1 {
		t.Errorf("break: %q %+v", got, m.Counters(Station))
	}
	m.Break(0, Station, false)
	if got := say(); string(got[Station]) != "to station" || m.Counters(Station).Lost != 20 {
		t.Errorf("mended: %q %+v", got, m.Counters(Station))
	}
}

// TestFrameFaults: whole writes cut short, late, or old.
func TestFrameFaults(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		f    Fault
		want string
	}{
		{Fault{Kind: Tear, At: 2, Times: 1}, "aabbbbcccc"},
		{Fault{Kind: Tear, At: 9, Times: 1}, "aaaabbbbcccc"},
		{Fault{Kind: Reorder, Times: 1}, "bbbbaaaacccc"},
		{Fault{Kind: Stale}, "aaaaaaaabbbb"},
		{Fault{Kind: Duplicate, Times: 1}, "aaaaaaaabbbbcccc"},
	} {
		m := quiet(Config{})
		x.f.PerMille = 1000
		m.Faults(Station, x.f)
		for _, s := range []string{"aaaa", "bbbb", "cccc"} {
			m.Write(0, Device, []byte(s))
		}
		if got, _ := all(m); string(got[Station]) != x.want {
			t.Errorf("%v: %q, want %q", x.f.Kind, got[Station], x.want)
		}
	}
}

// FuzzUART: sides that are set alike understand each other; sides that are not never make more bytes than the faster one could
// have sent in that time.
func FuzzUART(f *testing.F) {
	f.Add([]byte("hello"), 9600, 4800, byte(0), byte(1))
	f.Fuzz(func(t *testing.T, data []byte, a, b int, p, q byte) {
		if a < 300 || a > 115200 || b < 300 || b > 115200 || len(data) > 300 {
			return
		}
		x, y := UART{a, Parity(p % 3)}, UART{b, Parity(q % 3)}
		if got, parity, framing := resample(data, x, x); !bytes.Equal(got, data) || parity+framing != 0 {
			t.Errorf("%+v: %x becomes %x, %d, %d", x, data, got, parity, framing)
		}
		got, _, _ := resample(data, x, y)
		if most := len(data)*x.bits()*b/a/(y.bits()-1) + 1; len(got) > most {
			t.Errorf("%+v to %+v: %d bytes make %d, at most %d", x, y, len(data), len(got), most)
		}
	})
}
