package world

import (
	"container/heap"

	"greylock/system/clock"
)

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
	a.seq++
	e := &event{at: max(t, a.now), seq: a.seq, run: run}
	heap.Push(&a.events, e)
	return e
}

// drop takes an event off the agenda; nil and events that have run are fine.
func (a *agenda) drop(e *event) {
	if e != nil && e.place != gone {
		heap.Remove(&a.events, e.place)
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
	e := heap.Pop(&a.events).(*event)
	a.now = e.at
	a.count++
	e.run()
	return true
}

type queue []*event

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}
func (q *queue) Push(x any) {
	e := x.(*event)
	e.place = len(*q)
	*q = append(*q, e)
}
func (q *queue) Pop() any {
	old := *q
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	e.place = gone
	return e
}
