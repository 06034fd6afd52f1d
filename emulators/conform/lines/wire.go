// Package lines holds both sides of a dispenser line to dispenser.md: a station that asks any LF or FA dispenser case by case,
// and a dispenser that watches any station.
//
// It is the third hand: frames are made and read here from the text of the specification, with no codec, driver or emulator
// of the product. What is tested sits behind a Wire: a state machine in virtual time, or a tty.
package lines

import (
	"errors"

	"greylock/system/clock"
)

// Wire is the line to the side that is tested, with a time of its own.
type Wire interface {
	Now() clock.Instant
	// Send writes bytes at once.
	Send(b []byte) error
	// Receive waits for bytes, until then at the latest; none came if it returns none.
	Receive(until clock.Instant) ([]byte, error)
}

// Peer is a side as a state machine without I/O.
type Peer interface {
	Receive(now clock.Instant, data []byte)
	Wake(now clock.Instant)
	// Take hands over what is sent at once, and when Wake is wanted.
	Take() (send [][]byte, due clock.Instant)
}

// Virtual is a wire to a Peer in virtual time: bytes cross it at once.
type Virtual struct {
	now  clock.Instant
	peer Peer
	in   [][]byte
}

// NewVirtual returns the wire to a peer that has been started at now.
func NewVirtual(now clock.Instant, peer Peer) *Virtual { return &Virtual{now: now, peer: peer} }

// Now is the virtual time.
func (v *Virtual) Now() clock.Instant { return v.now }

// Send implements Wire.
func (v *Virtual) Send(b []byte) error {
	v.peer.Receive(v.now, b)
	return nil
}

// errRestless is a peer that wants to be woken without end at one moment.
var errRestless = errors.New("对方不停地要求唤醒 (the peer wants to be woken without end)")

// mostWakes at one moment are more than any core needs.
const mostWakes = 1000

// Receive implements Wire.
func (v *Virtual) Receive(until clock.Instant) ([]byte, error) {
	for still := 0; still < mostWakes; still++ {
		send, due := v.peer.Take()
		v.in = append(v.in, send...)
		switch {
		case len(v.in) > 0:
			b := v.in[0]
			v.in = v.in[1:]
			return b, nil
		case due > until:
			v.now = max(v.now, until)
			return nil, nil
		case due > v.now:
			v.now, still = due, 0
		}
		v.peer.Wake(v.now)
	}
	return nil, errRestless
}
