package fa

// Counters say what a decoder has met. They only rise. Source: dispenser.md 3.1, Decoder.
type Counters struct {
	Good      uint64 // frames delivered
	BadCRC    uint64 // complete frames with a wrong CRC
	BadLength uint64 // headers whose length is not BCD or not 1..MaxAccept
	Cut       uint64 // frames in which the next one started
	Noise     uint64 // bytes outside of any frame
}

// Decoder finds frames in a stream, a byte at a time, and resynchronises by itself. The zero value is ready.
// Source: dispenser.md 3.1, Decoder.
type Decoder struct {
	Counters Counters

	state state
	n     int // bytes of body that are filled
	need  int // bytes that body will hold, known after the header
	body  [headSize + MaxAccept + crcSize]byte
}

type state byte

const (
	hunt state = iota // outside of a frame
	head              // in dst, src, ctl, length
	data              // in data or CRC
	esc               // behind an FA in data or CRC
)

// Reset forgets a frame that was begun, as after a lost line; the counters stay.
func (d *Decoder) Reset() { d.state, d.n = hunt, 0 }

// Missing is how many bytes of a frame that has begun are still to come, at least; 0 outside of a frame.
func (d *Decoder) Missing() int {
	switch d.state {
	case head:
		return headSize - d.n + 1 + crcSize
	case data, esc:
		return d.need - d.n
	default:
		return 0
	}
}

// Byte takes the next byte. It returns a frame, with its own copy of the data, when the byte completes one with a good CRC.
func (d *Decoder) Byte(b byte) (Frame, bool) {
	switch d.state {
	case hunt:
		if b != Start {
			d.Counters.Noise++
			return Frame{}, false
		}
		d.restart()
	case head:
		if b == Start { // never inside a header: a frame starts
			d.cut()
			return Frame{}, false
		}
		d.header(b)
	case data:
		if b == Start {
			d.state = esc
			return Frame{}, false
		}
		return d.take(b)
	case esc:
		if b == Start {
			d.state = data
			return d.take(b)
		}
		d.cut() // a single FA was the start of a frame and b is its first byte
		d.header(b)
	}
	return Frame{}, false
}

// Decode takes the bytes of data in turn and calls got for each frame.
func (d *Decoder) Decode(data []byte, got func(Frame)) {
	for _, b := range data {
		if f, ok := d.Byte(b); ok {
			got(f)
		}
	}
}

func (d *Decoder) restart() { d.state, d.n = head, 0 }

// cut counts the frame that was begun, if it had begun at all, and starts the next.
func (d *Decoder) cut() {
	if d.n > 0 {
		d.Counters.Cut++
	} else {
		d.Counters.Noise++ // FA FA: the first was alone
	}
	d.restart()
}

func (d *Decoder) header(b byte) {
	d.body[d.n] = b
	d.n++
	if d.n < headSize {
		return
	}
	size, ok := length(d.body[3], d.body[4])
	if !ok {
		d.Counters.BadLength++
		d.state = hunt
		return
	}
	d.need, d.state = headSize+size+crcSize, data
}

func (d *Decoder) take(b byte) (Frame, bool) {
	d.body[d.n] = b
	d.n++
	if d.n < d.need {
		return Frame{}, false
	}
	d.state = hunt
	end := d.need - crcSize
	if CRC(0, d.body[:end]) != uint16(d.body[end])<<8|uint16(d.body[end+1]) {
		d.Counters.BadCRC++
		return Frame{}, false
	}
	d.Counters.Good++
	return Frame{d.body[0], d.body[1], d.body[2], append([]byte(nil), d.body[headSize:end]...)}, true
}

// length reads the packed BCD length of a header.
func length(hi, lo byte) (int, bool) {
	if hi>>4 > 9 || hi&15 > 9 || lo>>4 > 9 || lo&15 > 9 {
		return 0, false
	}
	n := int(hi>>4)*1000 + int(hi&15)*100 + int(lo>>4)*10 + int(lo&15)
	return n, n >= 1 && n <= MaxAccept
}
