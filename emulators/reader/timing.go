package reader

import "time"

// T=0 on a contact card: 12 etu to a character (start, 8 bits, parity, 2 guard), 372 clocks to an etu at the lowest speed,
// which is 9600 bit/s at 3.5712 MHz. A command is a header of five characters and a procedure byte before data in either
// direction; data that answer data cost a GET RESPONSE. Source: trust.md 7.3; card.md 6.1.
const (
	etuPerByte = 12
	t0Header   = 5
	t0ACK      = 1
	t0SW       = 2
)

// Line is the wire between a reader and a chip, and the chip's own time.
type Line struct {
	Baud int                                // bit/s; 0: a wire that costs nothing
	Work func(command []byte) time.Duration // what a command costs the chip; nil: nothing
}

// Characters is how many characters a command and its answer, with its status word, move on a T=0 line. A damaged command
// moves what there is of it.
func Characters(command, answer []byte) int {
	n := t0Header + t0SW
	data := max(len(answer)-t0SW, 0)
	lc := 0
	if len(command) > t0Header {
		lc = min(int(command[4]), len(command)-t0Header)
	}
	switch {
	case lc > 0 && data > 0:
		n += t0ACK + lc + t0Header + t0ACK + data + t0SW
	case lc > 0:
		n += t0ACK + lc
	case data > 0:
		n += t0ACK + data
	}
	return n
}

// Took is how long a command and its answer take.
func (l Line) Took(command, answer []byte) (d time.Duration) {
	if l.Baud > 0 {
		d = time.Duration(Characters(command, answer)*etuPerByte) * time.Second / time.Duration(l.Baud)
	}
	if l.Work != nil {
		d += l.Work(command)
	}
	return d
}
