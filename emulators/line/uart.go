package line

import (
	"time"

	"greylock/system/clock"
)

// Parity of a side.
type Parity byte

// The parities.
const (
	None Parity = iota
	Even
	Odd
)

// UART is how one side is set. Two sides that are not set alike do not understand each other: what was sent is sampled
// again at the receiver's speed.
type UART struct {
	Baud   int // 0: the line's
	Parity Parity
}

// dataBits of a byte on the wire.
const dataBits = 8

func (u UART) bits() int {
	if u.Parity == None {
		return bitsPerByte
	}
	return bitsPerByte + 1
}

// Set sets one side. What is under way has left with the old setting.
func (m *Mem) Set(side Side, u UART) {
	if u.Baud <= 0 {
		u.Baud = m.baud
	}
	w := &m.to[side.Other()]
	w.busy, w.sent, w.held = m.free(w), 0, 0
	m.uart[side] = u
	w.bits, w.baud = int64(u.bits()), int64(u.Baud)
}

// UART is how a side is set.
func (m *Mem) UART(side Side) UART { return m.uart[side] }

// Break holds the wire towards a side at space: its UART delivers one 00 with a framing error, and what is written until the
// break ends is lost.
func (m *Mem) Break(now clock.Instant, to Side, on bool) {
	w := &m.to[to]
	if on && !w.space && !m.cut {
		w.counters.Framing++
		m.cross(now, w, []byte{0})
	}
	w.space = on
}

// Half breaks the wire towards a side and leaves the other one whole.
func (m *Mem) Half(to Side, broken bool) { m.to[to].broken = broken }

// heard is what the receiver's UART makes of bytes.
func (m *Mem) heard(w *wire, to Side, data []byte) []byte {
	from := m.uart[to.Other()]
	if from == m.uart[to] {
		return data
	}
	out, parity, framing := resample(data, from, m.uart[to])
	w.counters.Parity += uint64(parity)
	w.counters.Framing += uint64(framing)
	return out
}

// levels are the bits on the wire: start, data from the lowest bit on, parity, stop.
func levels(data []byte, p Parity) []byte {
	var out []byte
	for _, b := range data {
		out = append(out, 0)
		for i := range dataBits {
			out = append(out, b>>i&1)
		}
		switch p {
		case Even:
			out = append(out, ones(b))
		case Odd:
			out = append(out, 1-ones(b))
		}
		out = append(out, 1)
	}
	return out
}

// ones is 1 for an odd number of one bits.
func ones(b byte) (n byte) {
	for ; b != 0; b &= b - 1 {
		n ^= 1
	}
	return n
}

// resample reads what one UART has sent with another one: it waits for a falling edge and samples the middle of its own bits.
// A wrong parity bit makes a byte 00, as a tty that checks parity delivers it; a stop bit at space is a framing error and the
// byte comes as it was read. Time counts in parts of 1/(2 × both speeds).
func resample(data []byte, from, to UART) (out []byte, parity, framing int) {
	sent := levels(data, from.Parity)
	theirs, half := 2*to.Baud, from.Baud
	level := func(t int) byte {
		if i := t / theirs; i < len(sent) {
			return sent[i]
		}
		return 1
	}
	for i := 0; i < len(sent); i++ {
		if sent[i] != 0 || i > 0 && sent[i-1] == 0 {
			continue // no falling edge
		}
		t := i*theirs + half
		if level(t) != 0 {
			continue
		}
		b := byte(0)
		for k := range dataBits {
			t += 2 * half
			b |= level(t) << k
		}
		if to.Parity != None {
			t += 2 * half
			want := ones(b)
			if to.Parity == Odd {
				want = 1 - want
			}
			if level(t) != want {
				b = 0
				parity++
			}
		}
		t += 2 * half
		if level(t) == 0 {
			framing++
		}
		out = append(out, b)
		i = t / theirs
	}
	return out, parity, framing
}

// took is how long so many bytes need on a wire.
func (w *wire) took(n int64) time.Duration {
	return time.Duration(n * w.bits * int64(time.Second) / w.baud)
}
