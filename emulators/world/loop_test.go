package world

import (
	"testing"
	"time"

	"greylock/system/clock"
)

// handClock is a wall clock that the test sets.
type handClock struct{ now clock.Instant }

func (h *handClock) Now() clock.Instant { return h.now }

// TestPace: a town at tenfold speed may have run ten times as far as the wall clock.
func TestPace(t *testing.T) {
	t.Parallel()
	wall := &handClock{now: 5000}
	l := newLoop(70_000, wall)
	for _, speed := range []time.Duration{1, 10} {
		l.pace.speed = speed
		wall.now = clock.Instant(5000).Add(3 * time.Second)
		if got, want := l.target(), clock.Instant(70_000).Add(3*time.Second*speed); got != want {
			t.Errorf("speed %d: %v, want %v", speed, got, want)
		}
	}
}
