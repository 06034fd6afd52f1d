package panel

import (
	"context"
	"fmt"
	"time"

	"greylock/system/clock"
)

// Speeds in thousandths of the wall clock's.
const (
	realTime int64 = 1000
	fastest  int64 = 1_000_000 // max: as fast as the computer can, this at most
)

// speeds are those that the page offers.
var speeds = []struct {
	name        string
	thousandths int64
}{{"0.1", 100}, {"1", realTime}, {"10", 10_000}, {"60", 60_000}, {"max", fastest}}

// Rhythm of the page.
const (
	frame    = 80 * time.Millisecond // 12.5 updates a second (ux.md TR-06 wants 10)
	slice    = 20 * time.Millisecond // longest stay inside the town before people are heard
	verify   = time.Second           // of the town's time between two looks of the quiet checkers
	stepOver = time.Second           // of the town's time that one step may pass if nothing crosses a wire
)

func parseSpeed(name string) (int64, error) {
	if name == "" {
		return realTime, nil
	}
	for _, s := range speeds {
		if s.name == name {
			return s.thousandths, nil
		}
	}
	return 0, fmt.Errorf("speed %q: 应为 0.1、1、10、60 或 max (want 0.1, 1, 10, 60 or max)", name)
}

// pace says how far the town may have run at this time of the wall clock.
type pace struct {
	wall   clock.Clock
	speed  int64         // thousandths
	paused bool          // speed is what it goes on with
	origin clock.Instant // wall time …
	base   clock.Instant // … at which the town stood here
}

// set goes on from here at this speed.
func (p *pace) set(now clock.Instant, speed int64) {
	p.base, p.origin, p.speed = now, p.wall.Now(), speed
}

func (p *pace) pause(now clock.Instant, on bool) {
	p.set(now, p.speed)
	p.paused = on
}

func (p *pace) target() clock.Instant {
	if p.paused {
		return p.base
	}
	const hour = int64(time.Hour) // a computer that slept does not make the town run for days
	elapsed := min(int64(p.wall.Now().Sub(p.origin)), hour)
	return p.base.Add(time.Duration(elapsed / 1000 * p.speed))
}

// wait is the wall time until the town's time t.
func (p *pace) wait(now, t clock.Instant) time.Duration {
	if p.paused || t == clock.Never {
		return frame
	}
	ahead := min(t.Sub(now), time.Hour)
	return time.Duration(int64(ahead) / p.speed * 1000)
}

func (p *pace) name() string {
	for _, s := range speeds {
		if s.thousandths == p.speed {
			return s.name
		}
	}
	return "1"
}

// run is the goroutine inside the town until ctx ends.
func (p *panel) run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	wall := p.pace.wall
	show := wall.Now()
	for ctx.Err() == nil {
		began := wall.Now()
		if !p.w.Play(p.pace.target(), func() bool { return wall.Now().Sub(began) > slice }) {
			p.pace.set(p.w.Now(), p.pace.speed) // the computer is slower than the speed: no debt grows
		}
		if now := wall.Now(); now >= show {
			p.show()
			show = now.Add(frame)
		}
		timer.Reset(max(0, min(show.Sub(wall.Now()), p.pace.wait(p.w.Now(), p.w.Due()))))
		select {
		case f := <-p.jobs:
			f()
		case f := <-p.w.Inbox():
			f()
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return context.Cause(ctx)
}

// step lets a paused town run to the next line that is worth showing.
func (p *panel) step() {
	from := p.trace.worth
	p.w.Play(p.w.Now().Add(stepOver), func() bool { return p.trace.worth > from })
	p.pace.set(p.w.Now(), p.pace.speed)
}
