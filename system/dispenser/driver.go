// Package dispenser drives dispensers from the station's side, as state machines without I/O: FA is a card-pump board that
// polls the station and sells by itself, LF a plain board that the station polls and commands. Both show their nozzles by one
// model of nine states.
package dispenser

import "greylock/system/clock"

// Line is what the runner of a port needs of a driver, whatever is spoken on it. Nothing blocks.
type Line interface {
	// Line says that the port was opened or lost.
	Line(now clock.Instant, up bool)
	// Receive takes bytes in pieces of any size.
	Receive(now clock.Instant, data []byte)
	// Wake is wanted at Due, and harms at no other time.
	Wake(now clock.Instant)
	// Due is when Wake is wanted; clock.Never if only bytes matter.
	Due() clock.Instant
}

// Driver is the station's end of one port, in either protocol.
type Driver interface {
	Line
	// Take hands over frames to send at once and events, in order.
	Take() (frames [][]byte, events []Event)
	// Views returns the nozzles of the port as the last frames show them; FA has one.
	Views() []View
}

var (
	_ Driver = (*FA)(nil)
	_ Driver = (*LF)(nil)
)
