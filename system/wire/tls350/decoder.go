package tls350

// Counters say what a decoder has met. They only rise. Source: dispenser.md 7.3.
type Counters struct {
	Frames uint64 // from SOH to ETX; their checksum is not looked at here
	Noise  uint64 // bytes outside of a frame, or of one that was cut short or too long
}

// Decoder finds answers in a stream: each begins with SOH, which stands nowhere else, and ends with ETX. A frame longer than
// MaxFrame is noise. The zero value is ready. Source: dispenser.md 7.3.
type Decoder struct {
	Counters Counters

	buf []byte
}

// Reset forgets a frame that was begun; the counters stay. Source: dispenser.md 7.3.
func (d *Decoder) Reset() {
	d.Counters.Noise += uint64(len(d.buf))
	d.buf = d.buf[:0]
}

// Decode takes bytes in pieces of any size and calls got for each frame, which is valid only during the call.
// Source: dispenser.md 7.3.
func (d *Decoder) Decode(data []byte, got func(frame []byte)) {
	for _, b := range data {
		switch {
		case b == SOH:
			d.Reset()
			d.buf = append(d.buf, b)
		case len(d.buf) == 0:
			d.Counters.Noise++
		case b == ETX:
			d.buf = append(d.buf, b)
			d.Counters.Frames++
			got(d.buf)
			d.buf = d.buf[:0]
		case len(d.buf) == MaxFrame-1:
			d.Counters.Noise++
			d.Reset()
		default:
			d.buf = append(d.buf, b)
		}
	}
}

// Requests finds questions in a stream: SOH and six characters. The zero value is ready. Source: dispenser.md 7.3.
type Requests struct {
	buf [RequestSize]byte
	n   int
}

// Reset forgets a question that was begun. Source: dispenser.md 7.3.
func (d *Requests) Reset() { d.n = 0 }

// Decode takes bytes in pieces of any size and calls got for each question, also for one that makes no sense.
// Source: dispenser.md 7.3.
func (d *Requests) Decode(data []byte, got func(request []byte)) {
	for _, b := range data {
		if b == SOH {
			d.n = 0
		} else if d.n == 0 {
			continue
		}
		d.buf[d.n] = b
		if d.n++; d.n == RequestSize {
			d.n = 0
			got(d.buf[:])
		}
	}
}
