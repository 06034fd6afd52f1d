package app

import (
	"errors"
	"fmt"
	"net/http"

	"greylock/system/card"
	"greylock/system/clock"
	"greylock/system/exchange"
	"greylock/system/link"
	"greylock/system/wire/record"
)

// Bench is the core of a site where people put cards on a reader: making room and issuing desk. It runs one job at a time as
// a card.Talk: what the job appends is an act of the site, what it asks is a call to the center, what it transmits goes
// through the reader that the bench was given. Between jobs it ships its journal.
type Bench struct {
	apply  func(seq uint64, f record.Fact)
	reader func(t card.Transmit, answer func(card.Reply))
	ship   *exchange.Shipper
	out    link.Outbox
	now    clock.Instant

	talk   *card.Talk
	done   func()
	act    link.ActID // the talk waits for it; 0: for something else
	call   uint64
	queued []job
}

type job struct {
	run  func(*card.Talk)
	done func()
}

// NewBench returns a bench. apply takes the site's facts; reader carries a command to a card and answers later, from inside
// the same loop that drives the site.
func NewBench(apply func(uint64, record.Fact), reader func(card.Transmit, func(card.Reply)), ship *exchange.Shipper) *Bench {
	return &Bench{apply: apply, reader: reader, ship: ship}
}

// Job queues sequential code; done is called when it has returned. The caller lets the site take effects afterwards, as for
// any event: Site.Job does both.
func (b *Bench) Job(now clock.Instant, run func(*card.Talk), done func()) {
	b.now = now
	b.queued = append(b.queued, job{run, done})
	b.begin()
}

func (b *Bench) begin() {
	if b.talk != nil || len(b.queued) == 0 {
		return
	}
	j := b.queued[0]
	b.queued = b.queued[1:]
	b.talk, b.done = card.NewTalk(j.run), j.done
	b.step(card.Reply{})
}

// step resumes the job and carries out what it waits for.
func (b *Bench) step(r card.Reply) {
	s, more := b.talk.Next(r)
	if !more {
		done := b.done
		b.talk, b.done = nil, nil
		done()
		b.begin()
		return
	}
	switch s := s.(type) {
	case card.Append:
		b.act = b.out.Append(s.Facts...)
	case card.Ask:
		b.call = b.out.Call("center", s.Path, s.Body, 0)
	case card.Transmit:
		talk := b.talk
		b.reader(s, func(r card.Reply) {
			if b.talk == talk {
				b.step(r)
			}
		})
	default:
		panic(fmt.Sprintf("app: a job waits for %T", s))
	}
}

// Take hands over what is to be done.
func (b *Bench) Take() link.Effects { return b.out.Take() }

// Apply gives a fact to the business.
func (b *Bench) Apply(seq uint64, f record.Fact) { b.apply(seq, f) }

// Start begins shipping.
func (b *Bench) Start(now clock.Instant) { b.shipping(now, func() { b.ship.Start(now, &b.out) }) }

// Wake goes on shipping.
func (b *Bench) Wake(now clock.Instant) { b.shipping(now, func() { b.ship.Wake(now, &b.out) }) }

// Durable resumes the job whose act it was.
func (b *Bench) Durable(now clock.Instant, id link.ActID) {
	b.shipping(now, func() { b.ship.Kick(now, &b.out) })
	if b.act != 0 && id == b.act {
		b.act = 0
		b.step(card.Reply{})
	}
}

// Answered resumes the job whose question it was. A refusal of the center is the record.Refusal as an error.
func (b *Bench) Answered(now clock.Instant, id uint64, status int, body []byte, err error) {
	b.now = now
	if b.call == 0 || id != b.call {
		b.shipping(now, func() { b.ship.Answered(now, id, status, body, err, &b.out) })
		return
	}
	b.call = 0
	if err == nil && status != http.StatusOK {
		err = refusal(status, body)
	}
	b.step(card.Reply{Data: body, Err: err})
}

// Receive, Line and Serve have nothing to do: a bench has no lines, and pages call its jobs.
func (b *Bench) Receive(clock.Instant, int, []byte) {}

// Line does nothing.
func (b *Bench) Line(clock.Instant, int, bool) {}

// Serve answers every path with 404.
func (b *Bench) Serve(_ clock.Instant, id uint64, _ string, _ []byte) {
	b.out.Reply(id, http.StatusNotFound, refusalBody("UNKNOWN_PATH", "没有这个地址", "no such path"), 0)
}

func (b *Bench) shipping(now clock.Instant, f func()) {
	b.now = now
	f()
	b.out.WakeAt(max(b.ship.Due(), now+1))
}

// Now is the time of the event that is being carried out.
func (b *Bench) Now() clock.Instant { return b.now }

// Job runs sequential code on a site whose core is a Bench.
func (s *Site) Job(now clock.Instant, run func(*card.Talk), done func()) error {
	b, ok := s.core.(*Bench)
	if !ok {
		return errors.New("app: this site has no bench")
	}
	return s.do(func() { b.Job(now, run, done) })
}

// Resume carries out what a reader's late answer has set off; the reader calls it after answer.
func (s *Site) Resume() error { return s.do(func() {}) }

// Door is what a job sees of its bench.
type Door struct {
	*card.Talk
	Bench *Bench
}

// Now is the bench's time.
func (d Door) Now() clock.Instant { return d.Bench.Now() }
