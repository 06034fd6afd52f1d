package lf

import (
	"time"

	"greylock/system/clock"
)

// Silence ends a frame, whole or partial, and the discarding that follows a bad one. Source: dispenser.md 2.1.
const Silence = 50 * time.Millisecond

// Counters say what a decoder has met. They only rise. Source: dispenser.md 2.1.
type Counters struct {
	Good  uint64 // frames that were taken
	Bad   uint64 // twelve bytes with a wrong checksum or form
	Cut   uint64 // frames that silence cut short
	Noise uint64 // bytes discarded behind a bad frame
}

// Decoder finds frames by count, silence and checksum. It never slides over the stream: behind a bad frame everything is
// discarded up to the next silence. The zero value is ready. Source: dispenser.md 2.1.
type Decoder struct {
	Counters Counters

	buf    Frame
	n      int // bytes of buf that are filled
	spoilt bool
	last   clock.Instant // of the last byte
}

// Reset forgets a frame that was begun, as after a lost line; the counters stay.
func (d *Decoder) Reset() { d.n, d.spoilt = 0, false }

// Missing is how many bytes of a frame that has begun are still to come; 0 outside of a frame.
func (d *Decoder) Missing() int {
	if d.n == 0 {
		return 0
	}
	return Size - d.n
}

// Decode takes bytes that came at now and calls got for each twelve with a good checksum. got returns false for a frame whose
// form is wrong all the same (a digit above 9): that is a bad frame too.
func (d *Decoder) Decode(now clock.Instant, data []byte, got func(Frame) bool) {
	if len(data) == 0 {
		return
	}
	if now.Sub(d.last) >= Silence {
		if d.n > 0 {
			d.Counters.Cut++
		}
		d.Reset()
	}
	d.last = now
	for i, b := range data {
		if d.spoilt {
			d.Counters.Noise += uint64(len(data) - i)
			return
		}
		d.buf[d.n] = b
		if d.n++; d.n < Size {
			continue
		}
		d.n = 0
		if d.buf.Good() && got(d.buf) {
			d.Counters.Good++
			continue
		}
		d.Counters.Bad++
		d.spoilt = true
	}
}
