package world

import (
	"fmt"
	"time"

	"greylock/system/clock"
)

// pace says how the agenda's time relates to the wall clock.
type pace struct {
	wall   clock.Clock   // nil: virtual time, as fast as it goes
	origin clock.Instant // wall time …
	base   clock.Instant // … at which the world stood here
	speed  time.Duration // so many times the wall's pace
}

// loop runs the agenda. Exactly one goroutine is inside it at a time; others hand in work through post.
type loop struct {
	agenda
	pace  pace
	inbox chan func()
}

func newLoop(start clock.Instant, wall clock.Clock) loop {
	l := loop{agenda: agenda{now: start}, inbox: make(chan func(), 1024)}
	if wall != nil {
		l.pace = pace{wall: wall, origin: wall.Now(), base: start, speed: 1}
	}
	return l
}

// post hands work to the loop from another goroutine; it is done at the time the loop has reached.
func (l *loop) post(f func()) { l.inbox <- f }

// target is how far the world may have run at this wall time.
func (l *loop) target() clock.Instant {
	return l.pace.base.Add(l.pace.wall.Now().Sub(l.pace.origin) * l.pace.speed)
}

// advance runs everything that is due until the time end, or stops as soon as done says so (asked after each event).
func (l *loop) advance(end clock.Instant, done func() bool) bool {
	if l.pace.wall != nil {
		return l.advanceReal(end, done)
	}
	for !done() {
		l.drain()
		if l.next() > end {
			l.now = max(l.now, end)
			return done()
		}
		l.step()
	}
	return true
}

// advanceReal does the same against the wall clock: it waits for events' times and for the inbox.
func (l *loop) advanceReal(end clock.Instant, done func() bool) bool {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for !done() {
		l.catchUp(end, done)
		if l.now >= end {
			l.drain()
			return done()
		}
		timer.Reset(min(max(min(l.next(), end).Sub(l.now)/l.pace.speed, 100*time.Microsecond), askEvery))
		select {
		case f := <-l.inbox:
			l.catchUp(end, done) // what comes from outside comes now: a board measures the silence between two bytes
			f()
		case <-timer.C:
		}
	}
	return true
}

// catchUp runs what is due by the wall clock, and lets the town's time be that.
func (l *loop) catchUp(end clock.Instant, done func() bool) {
	reach := min(l.target(), end)
	for l.next() <= reach && !done() {
		l.step()
	}
	l.now = max(l.now, reach)
}

// drain does what other goroutines have handed in.
func (l *loop) drain() {
	for {
		select {
		case f := <-l.inbox:
			f()
		default:
			return
		}
	}
}

// until is advance with an error that says what was waited for.
func (l *loop) until(what string, cond func() bool, limit time.Duration) error {
	from := l.now
	if l.advance(l.now.Add(limit), cond) {
		return nil
	}
	return fmt.Errorf("等待 %q 超过 %v, 从 %v 到 %v (waited for it in vain)", what, limit, from, l.now)
}
