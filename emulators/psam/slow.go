package psam

import (
	"time"

	"greylock/emulators/chip"
)

// work is a PSAM's own time for a command: faster than a card, it sits in the dispenser. Source: trust.md 7.3 (the whole
// sale costs 148 ms at 9600, nearly all of it bytes).
const work = time.Millisecond

// Duration is how long a command with its answer takes at a bit rate; 0 bit/s costs the PSAM's own work only.
func Duration(command, answer []byte, baud int) time.Duration {
	return chip.Duration(command, answer, baud, work)
}
