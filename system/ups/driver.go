// Package ups watches an uninterruptible power supply from the station's side, as a state machine without I/O: it asks, believes
// what it has heard twice, tells what has changed, and orders the output off. It knows nothing of sales.
//
// The protocol has no checksum: one wrong bit is another state. So a change counts only when two answers in a row say it.
package ups

import (
	"errors"
	"fmt"
	"time"

	"greylock/system/clock"
	"greylock/system/wire/ups"
)

// Times and bounds. Ours, but for Poll, which is that of Network UPS Tools (pollinterval).
const (
	Poll         = 2 * time.Second        // from one question to the next
	again        = 500 * time.Millisecond // the same, while a change waits for its second answer
	ReplyTime    = time.Second            // silence after which a question has failed; an answer takes 200 ms on the line
	OfflineAfter = 3                      // questions in a row that failed
	Seen         = 2                      // answers in a row that make a change
	obeys        = 300 * time.Millisecond // from an order to the question whether it was obeyed
	tries        = 3                      // of an order
)

// Power is where the output comes from, as far as it is known.
type Power int

// The powers. Low is latched until the mains are back: a battery without load recovers for a while.
const (
	Unheard Power = iota
	Mains
	Battery
	Low // battery, and it will not last
)

// Event is what the UPS has told: one of the types below.
type Event interface{ event() }

// The events.
type (
	// Online comes with the first good answer.
	Online struct{}
	// Offline comes when OfflineAfter questions have failed, and when the line is lost.
	Offline struct{}
	// Changed is another power than before.
	Changed struct{ Power Power }
	// Fault says that the UPS calls itself broken; it comes once until it calls itself well again.
	Fault struct{}
	// Weak says that the battery is low while the mains are there; it comes once until it is charged.
	Weak struct{}
	// Obeyed says that an order was seen to be obeyed: the output goes off in a while, or no more (Off is false).
	Obeyed struct{ Off bool }
	// Refused says that the order was given several times and never obeyed.
	Refused struct{ Off bool }
	// Strange is an answer that was not acted on.
	Strange struct{ Err error }
)

func (Online) event()  {}
func (Offline) event() {}
func (Changed) event() {}
func (Fault) event()   {}
func (Weak) event()    {}
func (Obeyed) event()  {}
func (Refused) event() {}
func (Strange) event() {}

// order is one that is on its way.
type order struct {
	line []byte
	off  bool
	left int // times that it may still be given
	due  bool
}

// Driver is the station's end of the line. The zero value is not ready: see New.
type Driver struct {
	up, online bool
	next       clock.Instant // of the next question, while none is asked
	waiting    bool
	asked      ups.Kind
	since      clock.Instant // of the question
	failed     int           // questions in a row
	knows      bool          // who it is was asked for in this contact

	power    Power
	seeing   Power // what the last answers say, if that is another
	times    int   // how many of them
	told     flags // Fault and Weak that were told
	tricky   flags // the same as the last answer had them
	status   ups.Status
	at       clock.Instant
	identity ups.Identity
	order    *order

	decoder ups.Decoder
	frames  [][]byte
	events  []Event
	latest  clock.Instant
	skew    time.Duration // what the runner's clock was set back
}

// flags are the two complaints.
type flags struct{ fault, weak bool }

// New returns a driver whose line is not open yet.
func New() *Driver { return &Driver{next: clock.Never} }

// Online reports whether the UPS answers.
func (d *Driver) Online() bool { return d.online }

// Power is where the output comes from, by the last answers; while the UPS is silent, as it was.
func (d *Driver) Power() Power { return d.power }

// Status is the last good answer and when it came, by the runner's clock; false if there was none yet.
func (d *Driver) Status() (s ups.Status, at clock.Instant, ok bool) {
	return d.status, d.at, d.at != 0
}

// Identity is who the UPS is; the zero value if it does not say.
func (d *Driver) Identity() ups.Identity { return d.identity }

// Counters of the decoder.
func (d *Driver) Counters() ups.Counters { return d.decoder.Counters }

// Take hands over frames to send at once and events, in order.
func (d *Driver) Take() ([][]byte, []Event) {
	f, e := d.frames, d.events
	d.frames, d.events = nil, nil
	return f, e
}

func (d *Driver) event(e Event) { d.events = append(d.events, e) }

// time turns the runner's clock into one that never goes back.
func (d *Driver) time(now clock.Instant) clock.Instant {
	if now < d.latest {
		d.skew += d.latest.Sub(now)
	}
	d.latest = now
	return now.Add(d.skew)
}

// Due is when Wake is wanted; Never while the line is lost.
func (d *Driver) Due() clock.Instant {
	at := d.next
	switch {
	case !d.up:
		return clock.Never
	case d.waiting:
		at = d.since.Add(ReplyTime)
	}
	return at.Add(-d.skew)
}

// Line says that the port was opened or lost.
func (d *Driver) Line(now clock.Instant, up bool) {
	now = d.time(now)
	if d.up == up {
		return
	}
	d.up, d.waiting, d.next, d.failed = up, false, now, 0
	d.decoder.Reset()
	if !up {
		d.lost()
	}
	d.work(now)
}

// lost says so once; what was seen before the silence counts for nothing in the next contact.
func (d *Driver) lost() {
	if d.online {
		d.event(Offline{})
	}
	d.online, d.knows, d.times = false, false, 0
	d.giveUp()
}

// giveUp tells that the order on its way will not be seen to be obeyed.
func (d *Driver) giveUp() {
	if o := d.order; o != nil {
		d.order = nil
		d.event(Refused{o.off})
	}
}

// Shutdown orders the output off after a while, on again restore after the mains are back: Obeyed or Refused follows.
// ErrForm: there is no such command.
func (d *Driver) Shutdown(now clock.Instant, after, restore time.Duration) error {
	line, err := ups.Command{Kind: ups.Shutdown, After: after, Restore: restore}.Line()
	if err != nil {
		return fmt.Errorf("ups: shutdown: %w", err)
	}
	d.give(now, line, true)
	return nil
}

// Cancel takes the order back: Obeyed or Refused follows.
func (d *Driver) Cancel(now clock.Instant) {
	line, err := ups.Command{Kind: ups.Cancel}.Line()
	if err != nil {
		panic("ups: own command: " + err.Error())
	}
	d.give(now, line, false)
}

func (d *Driver) give(now clock.Instant, line []byte, off bool) {
	now = d.time(now)
	d.order = &order{line: line, off: off, left: tries, due: true}
	if !d.up {
		d.giveUp()
		return
	}
	if !d.waiting {
		d.next = now
	}
	d.work(now)
}

// Wake is wanted at Due, and harms at no other time.
func (d *Driver) Wake(now clock.Instant) {
	now = d.time(now)
	if d.up && d.waiting && now >= d.since.Add(ReplyTime) {
		d.fail(now, d.asked)
	}
	d.work(now)
}

// work gives the order that is due, or asks the next question.
func (d *Driver) work(now clock.Instant) {
	if !d.up || d.waiting || now < d.next {
		return
	}
	if o := d.order; o != nil && o.due {
		o.due, o.left = false, o.left-1
		d.frames = append(d.frames, o.line)
		d.next = now.Add(obeys)
		return
	}
	d.ask(now, ups.AskStatus)
}

func (d *Driver) ask(now clock.Instant, k ups.Kind) {
	line, err := ups.Command{Kind: k}.Line()
	if err != nil {
		panic("ups: own command: " + err.Error())
	}
	d.decoder.Reset()
	d.frames = append(d.frames, line)
	d.waiting, d.asked, d.since, d.next = true, k, now, now.Add(Poll)
}

// fail counts a question without a good answer. One that has no identity is none the worse.
func (d *Driver) fail(now clock.Instant, k ups.Kind) {
	d.waiting = false
	d.decoder.Reset()
	if k != ups.AskStatus {
		return
	}
	d.next, d.times = max(d.next, now+1), 0
	if d.failed++; d.failed == OfflineAfter {
		first := !d.online
		d.lost()
		if first {
			d.event(Offline{}) // never heard in this contact: people must know that, too
		}
	}
}

// Receive takes bytes in pieces of any size.
func (d *Driver) Receive(now clock.Instant, data []byte) {
	now = d.time(now)
	if !d.up {
		return
	}
	d.decoder.Decode(data, func(line []byte) { d.answered(now, line) })
	d.work(now)
}

// errUnasked is said of a status that belongs to no question.
var errUnasked = errors.New("ups: an answer to no question")

// answered takes one line. What follows an order, ACK or its echo, says nothing: the next status does. Anything else but the answer
// to the question is told and counts as a failure of it.
func (d *Driver) answered(now clock.Instant, line []byte) {
	a, err := ups.Parse(line)
	switch a := a.(type) {
	case *ups.Status:
		if d.waiting && d.asked == ups.AskStatus {
			d.good(now, *a)
			return
		}
		err = errUnasked
	case *ups.Identity:
		if d.waiting && d.asked == ups.AskIdentity {
			d.identity, d.waiting = *a, false
			return
		}
		err = errUnasked
	case ups.Word:
		if d.waiting && d.asked == ups.AskIdentity || !d.waiting {
			d.waiting = false
			return
		}
		err = fmt.Errorf("ups: %q in place of a status", string(a))
	case *ups.Rating:
		err = errUnasked
	}
	d.event(Strange{err})
	if d.waiting {
		d.fail(now, d.asked)
	}
}

// good takes a status. Twice the same makes a change.
func (d *Driver) good(now clock.Instant, s ups.Status) {
	d.waiting, d.failed = false, 0
	d.status, d.at = s, d.latest
	if !d.online {
		d.online = true
		d.event(Online{})
	}
	d.look(now, s)
	d.complain(s)
	d.proof(now, s)
	if !d.knows && d.next > now {
		d.knows = true
		next := d.next
		d.ask(now, ups.AskIdentity)
		d.next = next
	}
}

// look finds out where the output comes from.
func (d *Driver) look(now clock.Instant, s ups.Status) {
	seen := Mains
	switch {
	case s.Has(ups.UtilityFail) && (s.Has(ups.BatteryLow) || d.power == Low):
		seen = Low
	case s.Has(ups.UtilityFail):
		seen = Battery
	}
	if seen == d.power {
		d.times = 0
		return
	}
	if seen != d.seeing {
		d.seeing, d.times = seen, 0
	}
	if d.times++; d.times < Seen {
		d.next = min(d.next, now.Add(again))
		return
	}
	d.power, d.times = seen, 0
	d.event(Changed{seen})
}

// complain tells what the UPS says of itself, once, when two answers in a row say it.
func (d *Driver) complain(s ups.Status) {
	is := flags{fault: s.Has(ups.Failed), weak: s.Has(ups.BatteryLow) && !s.Has(ups.UtilityFail)}
	if is.fault && d.tricky.fault && !d.told.fault {
		d.told.fault = true
		d.event(Fault{})
	}
	if is.weak && d.tricky.weak && !d.told.weak {
		d.told.weak = true
		d.event(Weak{})
	}
	if !is.fault && !d.tricky.fault {
		d.told.fault = false
	}
	if !is.weak && !d.tricky.weak {
		d.told.weak = false
	}
	d.tricky = is
}

// proof compares a status with the order that was given.
func (d *Driver) proof(now clock.Instant, s ups.Status) {
	o := d.order
	switch {
	case o == nil || o.due:
	case s.Has(ups.ShutdownActive) == o.off:
		d.order = nil
		d.event(Obeyed{o.off})
	case o.left == 0:
		d.giveUp()
	default:
		o.due, d.next = true, now.Add(again)
	}
}
