// Package gauge drives a tank gauge (TLS-350) from the station's side, as a state machine without I/O: it asks, waits, tells what
// came, and knows nothing of books.
package gauge

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"greylock/system/clock"
	"greylock/system/wire/tls350"
)

// Times of the line. Source: dispenser.md 7.3.
const (
	Poll         = 20 * time.Second // from one round of questions to the next
	ReplyTime    = 5 * time.Second  // silence after which a question has failed
	OfflineAfter = 3                // questions in a row that failed

	longest = 4 * ReplyTime // an answer that still comes then is no answer: the longest takes 17 s at 9600 baud
)

// Event is what the line has told; one of the types below.
type Event interface{ event() }

// The events.
type (
	// Online comes with the first good answer.
	Online struct{}
	// Offline comes when OfflineAfter questions have failed.
	Offline struct{}
	// Dip is a tank as the console shows it now.
	Dip struct{ Level tls350.Level }
	// Delivery is one that the console has measured. The same one comes again.
	Delivery struct {
		Tank     int
		Delivery tls350.Delivery
	}
	// Alarms are all alarms of a tank that are active; it comes when they are others than before.
	Alarms struct {
		Tank   int
		Active []tls350.Alarm
	}
	// Strange is an answer that was not acted on.
	Strange struct{ Err error }
)

func (Online) event()   {}
func (Offline) event()  {}
func (Dip) event()      {}
func (Delivery) event() {}
func (Alarms) event()   {}
func (Strange) event()  {}

// Driver is the station's end of the line. The zero value is not ready: see New.
type Driver struct {
	up      bool
	online  bool
	next    clock.Instant    // of the next round, while nothing is asked
	todo    []tls350.Request // still to be asked in this round
	asked   tls350.Request
	waiting bool
	since   clock.Instant // of the question
	heard   clock.Instant // the question or the last byte since
	failed  int           // questions in a row

	decoder    tls350.Decoder
	delivering map[int]bool
	alarms     map[int][]tls350.Alarm
	told       bool // the deliveries of the past were asked for in this contact

	frames [][]byte
	events []Event
}

// New returns a driver whose line is not open yet.
func New() *Driver {
	return &Driver{next: clock.Never, delivering: map[int]bool{}, alarms: map[int][]tls350.Alarm{}}
}

// Online reports whether the console answers.
func (d *Driver) Online() bool { return d.online }

// Counters of the decoder.
func (d *Driver) Counters() tls350.Counters { return d.decoder.Counters }

// Take hands over frames to send at once and events, in order.
func (d *Driver) Take() ([][]byte, []Event) {
	f, e := d.frames, d.events
	d.frames, d.events = nil, nil
	return f, e
}

// Due is when Wake is wanted; Never while the line is lost.
func (d *Driver) Due() clock.Instant {
	switch {
	case !d.up:
		return clock.Never
	case d.waiting:
		return min(d.heard.Add(ReplyTime), d.since.Add(longest))
	}
	return d.next
}

// Line says that the port was opened or lost.
func (d *Driver) Line(now clock.Instant, up bool) {
	if d.up == up {
		return
	}
	d.up, d.waiting, d.todo, d.next = up, false, nil, now
	d.decoder.Reset()
	if !up {
		d.lost()
	}
	d.Wake(now)
}

// lost says so once; the next contact begins anew.
func (d *Driver) lost() {
	if d.online {
		d.events = append(d.events, Offline{})
	}
	d.online, d.told = false, false
	clear(d.delivering)
}

// Wake is wanted at Due, and harms at no other time.
func (d *Driver) Wake(now clock.Instant) {
	if !d.up || now < d.Due() {
		return
	}
	if d.waiting {
		d.fail(now)
		return
	}
	d.todo = append(d.todo[:0], tls350.Request{Function: tls350.FuncInventory}, tls350.Request{Function: tls350.FuncStatus})
	if !d.told {
		d.todo = append(d.todo, tls350.Request{Function: tls350.FuncDeliveries})
	}
	d.next = now.Add(Poll)
	d.ask(now)
}

// ask sends the round's next question, if there is one.
func (d *Driver) ask(now clock.Instant) {
	d.waiting = false
	if len(d.todo) == 0 {
		return
	}
	d.asked, d.todo = d.todo[0], d.todo[1:]
	b, err := d.asked.Bytes()
	if err != nil {
		panic("gauge: " + err.Error()) // our own numbers
	}
	d.decoder.Reset()
	d.frames = append(d.frames, b)
	d.waiting, d.since, d.heard = true, now, now
}

// fail counts a question without a good answer; the round is over, what it did not learn the next one does.
func (d *Driver) fail(now clock.Instant) {
	d.waiting, d.todo = false, d.todo[:0]
	d.decoder.Reset()
	d.next = max(d.next, now+1)
	if d.failed++; d.failed == OfflineAfter {
		first := !d.online
		d.lost()
		if first {
			d.events = append(d.events, Offline{}) // never heard in this contact: people must know that, too
		}
	}
}

// Receive takes bytes in pieces of any size.
func (d *Driver) Receive(now clock.Instant, data []byte) {
	if !d.up || len(data) == 0 {
		return
	}
	if d.waiting {
		d.heard = now
	}
	d.decoder.Decode(data, func(frame []byte) { d.answered(now, frame) })
}

// errUnasked is said of an answer that belongs to no question.
var errUnasked = errors.New("gauge: an answer to no question")

// answered takes one frame. Anything but the answer to the question is told and counts as a failure of it; an answer that comes
// too late belongs to none.
func (d *Driver) answered(now clock.Instant, frame []byte) {
	a, err := tls350.Parse(frame)
	if err == nil && !d.waiting {
		err = errUnasked
	}
	if err == nil && a.Function() != d.asked.Function {
		err = fmt.Errorf("gauge: asked %d, answered %d", d.asked.Function, a.Function())
	}
	if errors.Is(err, tls350.ErrUnknown) && d.waiting && d.asked.Function != tls350.FuncInventory {
		d.good(now) // an older console: it has levels, and that is what counts
		return
	}
	if err != nil {
		d.events = append(d.events, Strange{err})
		if d.waiting {
			d.fail(now)
		}
		return
	}
	if !d.online {
		d.online = true
		d.events = append(d.events, Online{})
	}
	switch a := a.(type) {
	case *tls350.Inventory:
		d.inventory(a)
	case *tls350.Deliveries:
		for _, t := range a.Tanks {
			for _, x := range t.Deliveries {
				d.events = append(d.events, Delivery{t.Tank, x})
			}
		}
	case *tls350.Status:
		d.status(a)
	}
	d.good(now)
}

// good goes on to the next question.
func (d *Driver) good(now clock.Instant) {
	d.failed = 0
	if d.asked.Function == tls350.FuncDeliveries {
		d.told = true
	}
	d.ask(now)
}

// inventory tells the levels. When a delivery has ended, its tank's deliveries are asked for.
func (d *Driver) inventory(a *tls350.Inventory) {
	for _, l := range a.Tanks {
		d.events = append(d.events, Dip{l})
		now := l.Status&tls350.Delivering != 0
		if d.delivering[l.Tank] && !now && d.told {
			d.todo = append(d.todo, tls350.Request{Function: tls350.FuncDeliveries, Tank: l.Tank})
		}
		d.delivering[l.Tank] = now
	}
}

func (d *Driver) status(a *tls350.Status) {
	for _, t := range a.Tanks {
		if slices.Equal(d.alarms[t.Tank], t.Alarms) {
			continue
		}
		d.alarms[t.Tank] = t.Alarms
		d.events = append(d.events, Alarms{t.Tank, t.Alarms})
	}
}
