package dispenser_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"greylock/system/clock"
	"greylock/system/dispenser"
	"greylock/system/wire/fa"
	"greylock/system/wire/lf"
)

// probing runs a probe in steps of 10 ms; answer gets what it sends and returns what comes 20 ms later.
func probing(t *testing.T, d time.Duration, answer func(now clock.Instant, sent []byte) [][]byte) (p *dispenser.Probe, sent [][]byte, told string) {
	t.Helper()
	p = dispenser.NewProbe(1)
	var events []dispenser.Event
	var wait [2][][]byte
	p.Line(start, true)
	for now := start; now < start.Add(d); now = now.Add(10 * time.Millisecond) {
		if p.Due() <= now {
			p.Wake(now)
		}
		frames, some := p.Take()
		events, sent = append(events, some...), append(sent, frames...)
		for _, b := range wait[0] {
			p.Receive(now, b)
		}
		wait[0], wait[1] = wait[1], nil
		for _, f := range append(frames, nil) {
			wait[1] = append(wait[1], answer(now, f)...)
		}
	}
	return p, sent, kinds(events)
}

func TestProbe(t *testing.T) {
	t.Parallel()
	board := plainNozzle{price: 785}
	status, _ := board.status(1).Frame()
	other, _ := board.status(2).Frame()
	bad := status
	bad[11]++
	is := func(f []byte, c lf.Command) bool { return len(f) == lf.Size && f[2] == byte(c) }
	for _, c := range []struct {
		name   string
		answer func(now clock.Instant, sent []byte) [][]byte
		want   dispenser.Protocol
		sent   int
		told   string
	}{
		{"FA that polls", func(now clock.Instant, _ []byte) [][]byte {
			if now.Sub(start)%(500*time.Millisecond) != 0 {
				return nil
			}
			return [][]byte{raw(t, 1, 0, &fa.Poll{})}
		}, dispenser.ProtocolFA, 0, "Probed"},
		{"LF", func(_ clock.Instant, f []byte) [][]byte {
			if !is(f, lf.Query) {
				return nil
			}
			return [][]byte{status[:5], status[5:]}
		}, dispenser.ProtocolLF, 2, "Probed"},
		{"LF behind an echo", func(_ clock.Instant, f []byte) [][]byte {
			if !is(f, lf.Query) {
				return nil
			}
			return [][]byte{f, status[:]}
		}, dispenser.ProtocolLF, 2, "Echo Probed"},
		{"FA that waits to be asked", func(_ clock.Instant, f []byte) [][]byte {
			if len(f) == 0 || f[0] != fa.Start {
				return nil
			}
			return [][]byte{raw(t, 3, 0, live())}
		}, dispenser.ProtocolFA, 2, "Probed"},
		{"nobody", func(clock.Instant, []byte) [][]byte { return nil }, 0, 4, "Unanswered"},
		{"a loop", func(_ clock.Instant, f []byte) [][]byte {
			if f == nil {
				return nil
			}
			return [][]byte{f}
		}, 0, 4, "Echo Unanswered"},
		{"a wrong sum", func(_ clock.Instant, f []byte) [][]byte {
			if !is(f, lf.Query) {
				return nil
			}
			return [][]byte{bad[:]}
		}, 0, 4, "Unanswered"},
		{"another nozzle", func(_ clock.Instant, f []byte) [][]byte {
			if !is(f, lf.Query) {
				return nil
			}
			return [][]byte{other[:]}
		}, 0, 4, "Unanswered"},
	} {
		p, sent, told := probing(t, 10*time.Second, c.answer)
		if p.Found() != c.want || len(sent) != c.sent || told != c.told {
			t.Errorf("%s: found %v, %d frames sent, told %s", c.name, p.Found(), len(sent), told)
		}
		if c.want != 0 && p.Due() != clock.Never {
			t.Errorf("%s: goes on at %v", c.name, p.Due())
		}
		for _, f := range sent { // nothing that changes anything at a dispenser
			if !is(f, lf.Query) && (f[0] != fa.Start || f[6] != byte(fa.WordPoll)) {
				t.Errorf("%s: sent %X", c.name, f)
			}
		}
	}
}

func TestProbeOfNoise(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	p, _, told := probing(t, 10*time.Minute, func(clock.Instant, []byte) [][]byte {
		b := make([]byte, r.IntN(14))
		for i := range b {
			b[i] = byte(r.IntN(256))
		}
		return [][]byte{b}
	})
	if p.Found() != 0 {
		t.Errorf("found %v in noise: %s", p.Found(), told)
	}
}

func TestProbeLineAndClock(t *testing.T) {
	t.Parallel()
	p := dispenser.NewProbe(1)
	if p.Due() != clock.Never {
		t.Errorf("before the line is open: due %v", p.Due())
	}
	p.Line(start, true)
	back := start.Add(-time.Hour)
	p.Wake(back)
	if due := p.Due(); due > back.Add(3*time.Second) {
		t.Errorf("the clock was set back, due %v", due)
	}
	p.Line(back, false)
	if p.Due() != clock.Never {
		t.Errorf("line lost: due %v", p.Due())
	}
	for p, want := range map[dispenser.Protocol]string{dispenser.ProtocolFA: "fa", dispenser.ProtocolLF: "lf", 9: "protocol 9"} {
		if p.String() != want {
			t.Errorf("%v", p)
		}
	}
}
