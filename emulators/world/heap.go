package world

import "greylock/system/clock"

// agenda is the one event heap: events are ordered by time, then by the order in which they were planned, so that one seed is
// one run.
type agenda struct {
	now    clock.Instant
	events queue
	seq    uint64
	count  uint64
}

// event is one planned thing.
type event struct {
	at    clock.Instant
	seq   uint64
	run   func()
	place int // in the heap; gone once it has run or was dropped
}

const gone = -1

// at plans run; never before now. The event may be dropped.
func (a *agenda) at(t clock.Instant, run func()) *event {
	e := a.timer(run)
	a.set(e, t)
	return e
}

// timer is an event that is planned again and again by set.
func (a *agenda) timer(run func()) *event { return &event{run: run, place: gone} }

// set plans a timer, or plans it anew; never before now.
func (a *agenda) set(e *event, t clock.Instant) {
	a.seq++
	e.at, e.seq = max(t, a.now), a.seq
	if e.place == gone {
		e.place = len(a.events)
		a.events = append(a.events, e)
		a.events.up(e.place)
		return
	}
	a.events.fix(e.place)
}

// drop takes an event off the agenda; nil and events that have run are fine.
func (a *agenda) drop(e *event) {
	if e != nil && e.place != gone {
		a.events.remove(e.place)
	}
}

// next is the time of the next event, Never if there is none.
func (a *agenda) next() clock.Instant {
	if len(a.events) == 0 {
		return clock.Never
	}
	return a.events[0].at
}

// step carries out the next event; false if there is none.
func (a *agenda) step() bool {
	if a.next() == clock.Never {
		return false
	}
	e := a.events.remove(0)
	a.now = e.at
	a.count++
	e.run()
	return true
}

// queue is a binary heap that knows where each event stands: the standard one would cost a seventh of a simulated day in calls
// through its interface.
type queue []*event

func (q queue) before(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}

func (q queue) swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

func (q queue) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !q.before(i, parent) {
			return
		}
		q.swap(i, parent)
		i = parent
	}
}

func (q queue) down(i int) (moved bool) {
	for from := i; ; {
		child := 2*i + 1
		if child >= len(q) {
			return i != from
		}
		if child+1 < len(q) && q.before(child+1, child) {
			child++
		}
		if !q.before(child, i) {
			return i != from
		}
		q.swap(i, child)
		i = child
	}
}

func (q queue) fix(i int) {
	if !q.down(i) {
		q.up(i)
	}
}

func (q *queue) remove(i int) *event {
	old := *q
	last := len(old) - 1
	old.swap(i, last)
	e := old[last]
	old[last] = nil
	*q = old[:last]
	if i < last {
		q.fix(i)
	}
	e.place = gone
	return e
}
