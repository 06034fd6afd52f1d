package clock

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// machineClock is a wall that people set, and a running time that only goes on.
type machineClock struct {
	wall Instant
	run  time.Duration
}

func (m *machineClock) pass(d time.Duration) { m.wall, m.run = m.wall.Add(d), m.run+d }

func (m *machineClock) steady() *steady {
	return &steady{read: func() (Instant, time.Duration) { return m.wall, m.run }}
}

func TestSteadyThroughSettings(t *testing.T) {
	t.Parallel()
	noon := At(2026, 11, 28, 12, 0, 0)
	m := &machineClock{wall: noon}
	s := m.steady()
	step := func(pass, set, want time.Duration) {
		t.Helper()
		m.pass(pass)
		m.wall = m.wall.Add(set)
		if got := s.now().Sub(noon); got != want {
			t.Fatalf("after %v more and a setting by %v: %v past noon, want %v", pass, set, got, want)
		}
	}
	step(0, 0, 0)
	step(time.Minute, 0, time.Minute)
	step(time.Minute, time.Hour, 62*time.Minute)                      // set forward: followed at once
	step(time.Minute, -time.Hour, 62*time.Minute+30*time.Second)      // set back: half speed, never back
	step(2*time.Minute, 0, 63*time.Minute+30*time.Second)             // still ahead of the wall
	step(117*time.Minute, 0, 2*time.Hour+2*time.Minute)               // the wall has caught up
	step(0, 10*365*24*time.Hour, 10*365*24*time.Hour+122*time.Minute) // the battery is flat: years
}

// Whatever people set, time goes on, at half speed at least, and is never behind the wall.
func TestSteadyAlwaysGoesOn(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := &machineClock{wall: At(2026, 1, 1, 0, 0, 0)}
		s := m.steady()
		last := s.now()
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			d := time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "pass"))
			m.pass(d)
			m.wall = m.wall.Add(time.Duration(rapid.Int64Range(-int64(24*time.Hour), int64(24*time.Hour)).Draw(t, "set")))
			now := s.now()
			if now.Sub(last) < d/2 || now < m.wall {
				t.Fatalf("%v passed: %v went on, %v ahead of the wall", d, now.Sub(last), now.Sub(m.wall))
			}
			last = now
		}
	})
}

func TestSystemIsTheWall(t *testing.T) {
	t.Parallel()
	before := time.Now()
	now := System{}.Now()
	if now.Sub(Instant(before.UnixNano())) < 0 {
		t.Errorf("%v, before %v", now.Civil(), before)
	}
}
