package world

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"

	"greylock/system/clock"
)

// Line is one entry of the trace: what crossed a wire, a card's contacts or reached a journal.
type Line struct {
	At    clock.Instant
	N     uint64
	Kind  string // frame, apdu, fact, event
	Where string // line 1 →, card …, site 0001
	Data  []byte // raw bytes; decoded by whoever shows them
}

// Trace hashes every line and keeps the last ones.
type Trace struct {
	hash hash.Hash
	n    uint64
	ring []Line // keep of them; line n stands at (n-1) mod keep
	keep int
	tap  func(Line)
	buf  []byte
}

func newTrace(keep int) *Trace { return &Trace{hash: sha256.New(), keep: keep} }

func (t *Trace) add(now clock.Instant, kind, where string, data []byte) {
	t.n++
	b := binary.BigEndian.AppendUint64(t.buf[:0], uint64(now))
	b = binary.BigEndian.AppendUint64(b, uint64(len(data)))
	b = append(append(b, kind...), 0)
	b = append(append(b, where...), 0)
	t.buf = append(b, data...)
	t.hash.Write(t.buf)
	if len(t.ring) < t.keep {
		t.ring = append(t.ring, Line{})
	}
	l := &t.ring[(t.n-1)%uint64(t.keep)]
	*l = Line{At: now, N: t.n, Kind: kind, Where: where, Data: append(l.Data[:0], data...)}
	if t.tap != nil {
		told := *l
		told.Data = bytes.Clone(data)
		t.tap(told)
	}
}

// Lines returns the last lines, oldest first; they are the caller's.
func (t *Trace) Lines() []Line {
	all := make([]Line, 0, len(t.ring))
	for n := t.n - uint64(len(t.ring)); n < t.n; n++ {
		l := t.ring[n%uint64(t.keep)]
		l.Data = bytes.Clone(l.Data)
		all = append(all, l)
	}
	return all
}

// Sum is the hash so far.
func (t *Trace) Sum() string { return hex.EncodeToString(t.hash.Sum(nil)) }
