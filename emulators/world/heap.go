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

// event is one planned thing; a cancelled event is skipped.
type event struct {
	at     clock.Instant
	seq    uint64
	run    func()
	cancel bool
}

// at plans run; never before now. The event may be cancelled.
func (a *agenda) at(t clock.Instant, run func()) *event {
	a.seq++
	e := &event{at: max(t, a.now), seq: a.seq, run: run}
	heap.Push(&a.events, e)
	return e
}

// next is the time of the next event, Never if there is none.
func (a *agenda) next() clock.Instant {
	for len(a.events) > 0 && a.events[0].cancel {
		heap.Pop(&a.events)
	}
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
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(*event)) }
func (q *queue) Pop() any {
	old := *q
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	return e
}
