package ups

// Counters say what a decoder has met. They only rise.
type Counters struct {
	Lines uint64 // whole lines, good or bad
	Noise uint64 // bytes of lines that were too long or broken off
}

// Decoder cuts a stream into lines. An answer begins with ( or #, which stand nowhere else, so that one begins anew there. The zero
// value is ready.
type Decoder struct {
	Counters Counters

	buf  [MaxLine]byte
	n    int
	long bool // the line is longer than any: dropped to its end
}

// Reset forgets a line that was begun; the counters stay.
func (d *Decoder) Reset() { d.n, d.long = 0, false }

// Decode takes bytes and calls got for each line, without its end; got must not keep the bytes.
func (d *Decoder) Decode(data []byte, got func(line []byte)) {
	for _, b := range data {
		switch {
		case b == '(' || b == '#':
			d.Counters.Noise += uint64(d.n)
			d.Reset()
			d.buf[0], d.n = b, 1
		case b == '\n': // some send one behind the end
		case b != End && d.long:
			d.Counters.Noise++
		case b != End && d.n == MaxLine:
			d.Counters.Noise += MaxLine + 1
			d.n, d.long = 0, true
		case b != End:
			d.buf[d.n] = b
			d.n++
		case d.n == 0 || d.long:
			d.Reset()
		default:
			d.Counters.Lines++
			line := d.buf[:d.n]
			d.Reset()
			got(line)
		}
	}
}
