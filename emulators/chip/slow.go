package chip

import "time"

// etu per character of T=0: start, 8 bits, parity, 2 guard. Source: trust.md 7.3.
const etuPerByte = 12

// T=0 moves a header of five bytes, one procedure byte and a status word; data after data costs a GET RESPONSE.
const (
	t0Header = 5
	t0ACK    = 1
	t0SW     = 2
)

// Duration is how long a command and its answer (with its status word) take on a T=0 line of the given bit rate, plus the
// chip's own work. A line of 0 bit/s costs only the work.
func Duration(command, answer []byte, baud int, work time.Duration) time.Duration {
	if baud <= 0 {
		return work
	}
	n := t0Header + t0SW
	data := max(len(answer)-t0SW, 0)
	lc := 0
	if len(command) > t0Header {
		lc = min(int(command[4]), len(command)-t0Header)
	}
	if lc > 0 {
		n += t0ACK + lc
		if data > 0 {
			n += t0Header + t0ACK + data + t0SW
		}
	} else if data > 0 {
		n += t0ACK + data
	}
	return time.Duration(n*etuPerByte)*time.Second/time.Duration(baud) + work
}
