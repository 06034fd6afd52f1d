// Package line emulates an RS-232 line between a station and a device: Mem in virtual time, without a goroutine, and Pty,
// the same line in real time behind a pseudo-terminal. Both pace bytes at the baud rate and damage them by the same faults.
//
// Source: dispenser.md 5.2, 6.4, 6.5.
package line

import (
	"math/rand/v2"
	"time"

	"greylock/system/clock"
)

// Side is one end of a line.
type Side int

// The two ends.
const (
	Station Side = iota
	Device
)

// Other is the opposite end.
func (s Side) Other() Side { return 1 - s }

// bitsPerByte is start, eight data and stop bit.
const bitsPerByte = 10

// maxQueue bounds what may wait for the wire in one direction: a kernel's tty takes about as much before a writer blocks.
const maxQueue = 20480

// Defaults of a Config. Source: dispenser.md 3.1 (9600 bps).
const (
	DefaultBaud  = 9600
	DefaultChunk = 10 * time.Millisecond
)

// Config of a line; a zero field takes its default.
type Config struct {
	Baud  int           // bits per second
	Chunk time.Duration // the longest time whose bytes arrive together
}

// Delivery is bytes that have crossed the wire.
type Delivery struct {
	To   Side
	Data []byte
}

// Counters of one direction. They only rise.
type Counters struct {
	Bytes    uint64        // delivered
	Chunks   uint64        // delivered
	Damaged  uint64        // how often a fault struck; the sum of Struck
	Struck   [kinds]uint64 // by Kind
	Lost     uint64        // bytes that met a cut line
	Overflow uint64        // bytes that met a full queue
	Parity   uint64        // bytes whose parity bit was wrong
	Framing  uint64        // bytes whose stop bit was wrong
}

// Mem is a duplex line in virtual time. The world calls it with now and asks when it wants to be called next. It is not
// safe for concurrent use. Equal calls with equal seeds give equal bytes at equal times.
type Mem struct {
	baud    int
	chunk   int // bytes per delivery
	rnd     *rand.Rand
	cut     bool
	uart    [2]UART // by the side that is set so
	to      [2]wire // by the side that receives
	ordered uint64
	out     []Delivery // of the last Deliver
}

// wire is one direction.
type wire struct {
	busy     clock.Instant // when the present run of bytes began
	sent     int64         // bytes of this run that have their time
	held     time.Duration // how much the run was delayed
	queue    []chunk
	store    []chunk // queue from its beginning, to be filled again
	waiting  int     // bytes in queue
	faults   []*Fault
	counters Counters

	bits, baud int64  // of the sender
	space      bool   // held at space
	broken     bool   // this wire alone is open
	before     []byte // the write before
	late       []byte // a write that comes after the next one
}

type chunk struct {
	at   clock.Instant
	n    uint64 // order of writing, decides between chunks of the same time
	data []byte
}

// NewMem returns a line that is whole and has no faults. rnd decides which bytes a fault strikes.
func NewMem(cfg Config, rnd *rand.Rand) *Mem {
	if cfg.Baud <= 0 {
		cfg.Baud = DefaultBaud
	}
	if cfg.Chunk <= 0 {
		cfg.Chunk = DefaultChunk
	}
	n := int64(cfg.Chunk) * int64(cfg.Baud) / bitsPerByte / int64(time.Second)
	m := &Mem{baud: cfg.Baud, chunk: int(max(n, 1)), rnd: rnd}
	for _, side := range []Side{Station, Device} {
		m.uart[side] = UART{Baud: cfg.Baud}
		m.to[side].bits, m.to[side].baud = bitsPerByte, int64(cfg.Baud)
	}
	return m
}

// Write sends data from a side. The bytes are paced: each chunk arrives when its last byte has crossed. Nothing is kept of
// data after the call. Bytes of a cut line or beyond the queue are lost and counted.
func (m *Mem) Write(now clock.Instant, from Side, data []byte) {
	to := from.Other()
	w := &m.to[to]
	if m.cut || w.broken || w.space {
		w.counters.Lost += uint64(len(data))
		return
	}
	if len(w.faults) == 0 && w.late == nil { // most writes: whole, once, in their turn
		w.before = append(w.before[:0], data...)
		m.put(now, to, data)
		return
	}
	for _, piece := range m.frames(w, data) {
		m.put(now, to, piece)
	}
	if m.hits(w, Echo) > 0 {
		m.put(now, from, data)
	}
}

// frames is what becomes of one write as a whole: it may come twice, after the next one, cut short, or the one before comes in
// its place.
func (m *Mem) frames(w *wire, data []byte) (out [][]byte) {
	now := append([]byte(nil), data...)
	if m.hits(w, Stale) > 0 && w.before != nil {
		now = append([]byte(nil), w.before...)
	}
	w.before = append(w.before[:0], data...)
	for i := range w.faults {
		if f := w.faults[i]; f.Kind == Tear && m.strikes(w, f) {
			now = now[:min(len(now), f.At)]
		}
	}
	if w.late == nil && m.hits(w, Reorder) > 0 {
		w.late = now
		return nil
	}
	for range 1 + m.hits(w, Duplicate) {
		out = append(out, now)
	}
	if w.late != nil {
		out, w.late = append(out, w.late), nil
	}
	return out
}

// put queues one write in chunks.
func (m *Mem) put(now clock.Instant, to Side, data []byte) {
	w := &m.to[to]
	if room := max(maxQueue-w.waiting, 0); len(data) > room {
		w.counters.Overflow += uint64(len(data) - room)
		data = data[:room]
	}
	for len(data) > 0 {
		n := min(m.chunk, len(data))
		m.damage(now, to, data[:n])
		data = data[n:]
	}
}

// cross queues bytes behind those that wait and gives them their time, on an absolute schedule.
func (m *Mem) cross(now clock.Instant, w *wire, data []byte) {
	if len(data) == 0 {
		return
	}
	if now >= m.free(w) {
		w.busy, w.sent, w.held = now, 0, 0
	}
	w.sent += int64(len(data))
	m.ordered++
	if w.queue = append(w.queue, chunk{m.free(w), m.ordered, data}); len(w.queue) == 1 {
		w.store = w.queue
	}
	w.waiting += len(data)
}

// free is when the last byte queued so far has crossed.
func (m *Mem) free(w *wire) clock.Instant {
	return w.busy.Add(w.took(w.sent) + w.held)
}

// Next says when the next bytes arrive; false if none are under way.
func (m *Mem) Next() (clock.Instant, bool) {
	at := clock.Never
	for i := range m.to {
		if q := m.to[i].queue; len(q) > 0 {
			at = min(at, q[0].at)
		}
	}
	return at, at != clock.Never
}

// Deliver hands over the chunks that have arrived by now, in the order of their arrival. The list is good until the next call,
// the data for ever.
func (m *Mem) Deliver(now clock.Instant) []Delivery {
	out := m.out[:0]
	for {
		side, ok := m.first(now)
		if !ok {
			break
		}
		w := &m.to[side]
		c := w.queue[0]
		w.queue[0].data = nil
		if w.queue = w.queue[1:]; len(w.queue) == 0 {
			w.queue = w.store[:0]
		}
		w.waiting -= len(c.data)
		w.counters.Chunks++
		w.counters.Bytes += uint64(len(c.data))
		out = append(out, Delivery{side, c.data})
	}
	if m.out = out; len(out) == 0 {
		return nil
	}
	return out
}

// first is the side whose next chunk comes first, if it has arrived.
func (m *Mem) first(now clock.Instant) (Side, bool) {
	side, best := Station, chunk{at: clock.Never}
	for i := range m.to {
		if q := m.to[i].queue; len(q) > 0 && (q[0].at < best.at || q[0].at == best.at && q[0].n < best.n) {
			side, best = Side(i), q[0]
		}
	}
	return side, best.data != nil && best.at <= now
}

// Cut opens the cable: what is under way is lost, as is what is written until Restore.
func (m *Mem) Cut() {
	m.cut = true
	for i := range m.to {
		w := &m.to[i]
		w.counters.Lost += uint64(w.waiting)
		w.queue, w.waiting = w.store[:0], 0
		w.busy, w.sent, w.held = 0, 0, 0
	}
}

// Restore joins the cable again.
func (m *Mem) Restore() { m.cut = false }

// IsCut says that the cable is open.
func (m *Mem) IsCut() bool { return m.cut }

// Counters are those of the direction towards a side.
func (m *Mem) Counters(to Side) Counters { return m.to[to].counters }

// Waiting is how many bytes are under way towards a side.
func (m *Mem) Waiting(to Side) int { return m.to[to].waiting }

// Damaged is how often a fault struck, both directions together.
func (m *Mem) Damaged() uint64 {
	return m.to[Station].counters.Damaged + m.to[Device].counters.Damaged
}
