// Package link holds byte lines and what runs over them: the shape of a core that waits on time, a wire or a disk, and
// what it wants done. Cores hold no I/O; a runner (event heap or goroutines) delivers events and carries out Effects.
package link

import (
	"greylock/system/clock"
	"greylock/system/wire/record"
)

// ActID names an act inside one run of one core: 1, 2, 3 … 0 is "no act".
type ActID uint64

// Core is a state machine without I/O: no goroutine, channel, clock, global randomness, map iteration in a decision, float.
// Its durable state changes only in Apply, which is called at replay and again when an act has become durable, in order.
// After every call the runner takes the Effects.
type Core interface {
	// Apply takes one fact of the own journal: at start for each one that is there, later after each durable act, before Durable.
	// Apply wants no effects.
	Apply(seq uint64, f record.Fact)
	// Start is called once, after replay.
	Start(now clock.Instant)
	// Receive takes bytes from a line, as they come: any piece of a frame, or several frames.
	Receive(now clock.Instant, line int, data []byte)
	// Line says that a line was opened (up) or lost.
	Line(now clock.Instant, line int, up bool)
	// Serve takes a request of another site, a page or an operator; it is answered by Reply with the same id, now or later.
	Serve(now clock.Instant, id uint64, path string, body []byte)
	// Answered brings the outcome of a Call; err is a transport failure (the peer may have acted).
	Answered(now clock.Instant, id uint64, status int, body []byte, err error)
	// Durable says that the act is on the disk.
	Durable(now clock.Instant, id ActID)
	// Wake comes at or after the time asked for.
	Wake(now clock.Instant)
	// Take hands over what is to be done and forgets it.
	Take() Effects
}

// Effects is what a core wants done. The runner first stages the Acts (one act is whole or not at all), then releases each
// Send, Call and Reply once the act it names is durable; those without an act go at once, in order.
type Effects struct {
	Acts    []Act
	Sends   []Send
	Calls   []Call
	Replies []Reply
	Wake    clock.Instant // the next time the core wants; 0 keeps the time asked for before
	End     *End          // nil: go on
}

// End is a program's own wish to end: it has done its work and nothing is wrong. Why is a word for the log.
type End struct {
	Why   string
	After ActID
}

// Act is one business act: facts that become durable together.
type Act struct {
	ID    ActID
	Facts []record.Fact
}

// Send is bytes for a line.
type Send struct {
	Line  int
	Data  []byte
	After ActID
}

// Call is a request to another site: POST path with body.
type Call struct {
	ID    uint64
	Peer  string // "center"
	Path  string
	Body  []byte
	After ActID
}

// Reply answers a Serve. Status is an HTTP status code.
type Reply struct {
	ID     uint64
	Status int
	Body   []byte
	After  ActID
}

// Outbox collects effects inside a core. The zero value is ready.
type Outbox struct {
	fx   Effects
	acts ActID
	call uint64
}

// Append wants the facts on the disk as one act and returns its name.
func (o *Outbox) Append(facts ...record.Fact) ActID {
	o.acts++
	o.fx.Acts = append(o.fx.Acts, Act{o.acts, facts})
	return o.acts
}

// Send wants bytes on a line once the act after is durable (0: at once).
func (o *Outbox) Send(line int, data []byte, after ActID) {
	o.fx.Sends = append(o.fx.Sends, Send{line, data, after})
}

// Call wants a request made once the act after is durable and returns the id of its answer.
func (o *Outbox) Call(peer, path string, body []byte, after ActID) uint64 {
	o.call++
	o.fx.Calls = append(o.fx.Calls, Call{o.call, peer, path, body, after})
	return o.call
}

// Reply answers a request once the act after is durable.
func (o *Outbox) Reply(id uint64, status int, body []byte, after ActID) {
	o.fx.Replies = append(o.fx.Replies, Reply{id, status, body, after})
}

// WakeAt asks for a Wake; the earliest time asked since the last Take counts.
func (o *Outbox) WakeAt(t clock.Instant) {
	if o.fx.Wake == 0 || t < o.fx.Wake {
		o.fx.Wake = t
	}
}

// End wants the program ended once the act is durable.
func (o *Outbox) End(why string, after ActID) { o.fx.End = &End{why, after} }

// Take hands over and forgets.
func (o *Outbox) Take() Effects {
	fx := o.fx
	o.fx = Effects{}
	return fx
}
