package dispenser

import "greylock/system/clock"

// Silent drives a port that nothing is known to stand on: it says nothing and takes what comes for noise.
type Silent struct{}

var _ Driver = Silent{}

// Line does nothing.
func (Silent) Line(clock.Instant, bool) {}

// Receive forgets the bytes.
func (Silent) Receive(clock.Instant, []byte) {}

// Wake does nothing.
func (Silent) Wake(clock.Instant) {}

// Due is Never.
func (Silent) Due() clock.Instant { return clock.Never }

// Take has nothing.
func (Silent) Take() (frames [][]byte, events []Event) { return nil, nil }

// Views has no nozzle.
func (Silent) Views() []View { return nil }
