package world

import (
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
	keep int
	last []Line
	tap  func(Line)
}

func newTrace(keep int) *Trace { return &Trace{hash: sha256.New(), keep: keep} }

func (t *Trace) add(now clock.Instant, kind, where string, data []byte) {
	t.n++
	var head [16]byte
	binary.BigEndian.PutUint64(head[:8], uint64(now))
	binary.BigEndian.PutUint64(head[8:], uint64(len(data)))
	t.hash.Write(head[:])
	t.hash.Write([]byte(kind))
	t.hash.Write([]byte{0})
	t.hash.Write([]byte(where))
	t.hash.Write([]byte{0})
	t.hash.Write(data)
	l := Line{At: now, N: t.n, Kind: kind, Where: where, Data: append([]byte(nil), data...)}
	if t.tap != nil {
		t.tap(l)
	}
	if len(t.last) >= 2*t.keep {
		t.last = append(t.last[:0], t.last[len(t.last)-t.keep:]...)
	}
	t.last = append(t.last, l)
}

// Lines returns the last lines, oldest first.
func (t *Trace) Lines() []Line { return t.last }

// Sum is the hash so far.
func (t *Trace) Sum() string { return hex.EncodeToString(t.hash.Sum(nil)) }
