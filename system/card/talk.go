package card

import (
	"errors"
	"iter"

	"greylock/system/wire/record"
)

// Step is what a Talk waits for: one of Transmit, Both, Append, Ask.
type Step interface{ step() }

// Transmit waits for a card's answer.
type Transmit struct {
	Slot    string // "card", "psam", or what the driver of the talk calls it
	Command []byte
}

// Both waits for two cards that work at the same time, each on a command of its own.
type Both struct{ First, Second Transmit }

// Append waits until the facts are durable in the site's journal.
type Append struct{ Facts []record.Fact }

// Ask waits for the center's answer to an online question. Body and the reply's Data are one line of JSON each.
type Ask struct {
	Path string
	Body []byte
}

func (Transmit) step() {}
func (Both) step()     {}
func (Append) step()   {}
func (Ask) step()      {}

// Reply answers a Step: Data for Transmit and Ask, nothing for Append. Of a Both it answers the first, Also the second.
type Reply struct {
	Data []byte
	Err  error
	Also *Reply
}

// Talk is one run of sequential code that its driver resumes step by step: the event heap after virtual time has passed,
// a goroutine after the reader has answered. It holds no goroutine of its own and is not safe for concurrent use.
type Talk struct {
	next  func() (Step, bool)
	stop  func()
	yield func(Step) bool
	reply Reply
	done  bool
}

// errStopped unwinds a talk whose driver has gone (power cut, kill). It never leaves this package.
var errStopped = errors.New("card: talk stopped")

// NewTalk prepares run; nothing of it is executed before the first Next.
func NewTalk(run func(t *Talk)) *Talk {
	t := &Talk{}
	t.next, t.stop = iter.Pull(func(yield func(Step) bool) {
		defer func() {
			if p := recover(); p != nil && p != any(errStopped) {
				panic(p)
			}
		}()
		t.yield = yield
		run(t)
	})
	return t
}

// Next hands over the reply to the step before (ignored at the first call) and runs to the next step; false when run has returned.
func (t *Talk) Next(r Reply) (Step, bool) {
	if t.done {
		return nil, false
	}
	t.reply = r
	s, ok := t.next()
	t.done = !ok
	return s, ok
}

// Stop ends the talk where it waits: nothing after that point is executed but deferred calls, which may not wait.
func (t *Talk) Stop() {
	if !t.done {
		t.done = true
		t.stop()
	}
}

// Wait gives a step to the driver and blocks the talk until its reply.
func (t *Talk) Wait(s Step) Reply {
	if !t.yield(s) {
		panic(errStopped)
	}
	return t.reply
}

// Slot returns the transport to the card in the named slot.
func (t *Talk) Slot(name string) Transport { return slot{t, name} }

// Both lets the cards in two slots work at the same time and blocks until both have answered. What one does or suffers is
// nothing to the other.
func (t *Talk) Both(first, second Transmit) (a, b Reply) {
	r := t.Wait(Both{first, second})
	if r.Also == nil {
		return Reply{Err: r.Err}, Reply{Err: ErrMute} // a driver that serves no Both
	}
	return Reply{Data: r.Data, Err: r.Err}, *r.Also
}

// Append blocks until the facts are durable.
func (t *Talk) Append(facts ...record.Fact) error { return t.Wait(Append{facts}).Err }

// Ask blocks until the center has answered.
func (t *Talk) Ask(path string, body []byte) ([]byte, error) {
	r := t.Wait(Ask{path, body})
	return r.Data, r.Err
}

type slot struct {
	t    *Talk
	name string
}

func (s slot) Transmit(command []byte) ([]byte, error) {
	r := s.t.Wait(Transmit{s.name, command})
	return r.Data, r.Err
}

// Drive runs a talk to its end in the caller's goroutine; handle answers each step and may block.
func Drive(t *Talk, handle func(Step) Reply) {
	for s, ok := t.Next(Reply{}); ok; {
		s, ok = t.Next(handle(s))
	}
}
