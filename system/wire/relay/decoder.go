package relay

import (
	"time"

	"greylock/system/clock"
)

// Silence ends a frame, whole or partial, and the discarding that follows a bad one. The specification has 3.5 characters; a
// computer's serial port does not show gaps as short as that. Source: MODBUS over Serial Line 2.5.1.1.
const Silence = 30 * time.Millisecond

// Counters say what a decoder has met. They only rise.
type Counters struct {
	Good  uint64
	Bad   uint64 // wrong CRC or form
	Cut   uint64 // ended by silence
	Noise uint64 // bytes discarded behind a bad frame
}

// Decoder finds frames by function, length, CRC and silence, in a buffer of MaxFrame bytes. It never slides over the stream:
// behind a bad frame everything is discarded up to the next silence. The zero value finds requests.
type Decoder struct {
	Replies  bool // the bytes come from a board
	Counters Counters

	buf    [MaxFrame]byte
	n      int
	spoilt bool
	last   clock.Instant
}

// Reset forgets a frame that was begun; the counters stay.
func (d *Decoder) Reset() { d.n, d.spoilt = 0, false }

// Decode takes bytes that came at now and calls got for each frame with a good CRC; got must not keep the bytes.
func (d *Decoder) Decode(now clock.Instant, data []byte, got func(frame []byte)) {
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
		d.n++
		size := askSize
		if d.Replies {
			size = replySize
		}
		n, known := size(d.buf[:d.n])
		switch {
		case known && n != d.n: // not the end
		case known && Good(d.buf[:d.n]):
			d.Counters.Good++
			f := d.buf[:d.n]
			d.n = 0
			got(f)
		default:
			d.Counters.Bad++
			d.n, d.spoilt = 0, true
		}
	}
}
