package lists

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math/bits"
	"slices"

	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// Errors of Take; the list is then what it was.
var (
	ErrGap    = errors.New("lists: the step does not go on from here")
	ErrHash   = errors.New("lists: count or hash is not that of the step")
	ErrChange = errors.New("lists: a card is added twice or deleted without being there")
)

const (
	// MaxStep bounds the cards of one step, so that a step is an act of a few milliseconds and a line of the journal.
	MaxStep = 4096
	// foldAt is how many changes a base bears, at least: boards fetch added and deleted whole after each change, at 1 kB a second.
	foldAt = 1024
	// foldPart is the part of a big base that changes may make up before they become a new one, which takes minutes on a line.
	foldPart = 64
	// MaxPieces of a base: what fits beside the list's version in that of a directive.
	MaxPieces = 0xFFFE
)

// Hash identifies a set of card numbers in any order: the sum, modulo 2^128, of the first half of the SHA-256 of each. So that
// it can be carried on by the changes alone.
type Hash struct{ hi, lo uint64 }

// HashOf sums over cards.
func HashOf(cards iter.Seq[pboc.ASN]) (h Hash) {
	for c := range cards {
		h = h.With(c)
	}
	return h
}

// With adds a card.
func (h Hash) With(c pboc.ASN) Hash {
	x := hashOf(c)
	lo, carry := bits.Add64(h.lo, x.lo, 0)
	hi, _ := bits.Add64(h.hi, x.hi, carry)
	return Hash{hi, lo}
}

// Without takes a card away.
func (h Hash) Without(c pboc.ASN) Hash {
	x := hashOf(c)
	lo, borrow := bits.Sub64(h.lo, x.lo, 0)
	hi, _ := bits.Sub64(h.hi, x.hi, borrow)
	return Hash{hi, lo}
}

func hashOf(c pboc.ASN) Hash {
	x := sha256.Sum256(c[:])
	return Hash{binary.BigEndian.Uint64(x[:]), binary.BigEndian.Uint64(x[8:])}
}

// Bytes are the 16 bytes that a step carries.
func (h Hash) Bytes() record.Hex {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, h.hi), h.lo)
}

// List is one list: (base ∪ added) \ deleted, at a version of the center's. It changes only by Take. The zero value is the empty
// list of version 0. Source: card.md 13.
type List struct {
	version uint32
	hash    Hash
	count   int

	base        *Set
	baseVersion uint32
	added       []pboc.ASN // rising, not in base
	deleted     []pboc.ASN // rising, all in base
	addedAt     uint32     // version at which added last changed
	deletedAt   uint32
	coming      coming
}

// coming is a base whose pieces are on their way.
type coming struct {
	version uint32
	pieces  int
	cards   []pboc.ASN
}

// Version is the center's version that the list stands at; 0: none came yet.
func (l *List) Version() uint32 { return l.version }

// BaseVersion is the version at which the base was made.
func (l *List) BaseVersion() uint32 { return l.baseVersion }

// Count is how many cards are on the list.
func (l *List) Count() int { return l.count }

// Hash identifies the cards on the list.
func (l *List) Hash() Hash { return l.hash }

// Base, Added and Deleted are the parts: the list is (base ∪ added) \ deleted.
func (l *List) Base() *Set { return l.base }

// AddedVersion is the version at which Added last changed.
func (l *List) AddedVersion() uint32 { return l.addedAt }

// DeletedVersion is the version at which Deleted last changed.
func (l *List) DeletedVersion() uint32 { return l.deletedAt }

// Added lists the cards that were added to the base, rising.
func (l *List) Added() []pboc.ASN { return l.added }

// Deleted lists the cards of the base that are no longer on the list, rising.
func (l *List) Deleted() []pboc.ASN { return l.deleted }

// Place is how far the list is, as the version of a directive: what the center is asked to go on from.
func (l *List) Place() uint64 {
	if l.coming.version > l.version {
		return uint64(l.coming.version)<<16 | uint64(l.coming.pieces)
	}
	return record.ListAt(l.version)
}

// Has reports whether a card is on the list. Exact: no other card is ever taken for a listed one.
func (l *List) Has(c pboc.ASN) bool {
	if _, ok := find(l.added, c); ok {
		return true
	}
	if _, ok := find(l.deleted, c); ok {
		return false
	}
	return l.base.Has(c)
}

// All yields the cards on the list, rising.
func (l *List) All() iter.Seq[pboc.ASN] {
	return func(yield func(pboc.ASN) bool) {
		a, d := l.added, l.deleted
		for c := range l.base.All() {
			for len(a) > 0 && compare(a[0], c) < 0 {
				if !yield(a[0]) {
					return
				}
				a = a[1:]
			}
			if len(d) > 0 && d[0] == c {
				d = d[1:]
				continue
			}
			if !yield(c) {
				return
			}
		}
		for _, c := range a {
			if !yield(c) {
				return
			}
		}
	}
}

// Check says whether Take would take the step; it changes nothing.
func (l *List) Check(s record.ListStep) error {
	trial := *l // Take never changes a slice in place
	return trial.Take(s)
}

// Take carries the list a step on: whole or, with an error, not at all. Until the last piece of a base has come and count and hash
// hold, the list is what it was.
func (l *List) Take(s record.ListStep) error {
	switch {
	case s.Version == 0 || len(s.Added)+len(s.Deleted) > MaxStep || s.Piece < 0 || s.Pieces < s.Piece || s.Pieces > MaxPieces:
		return fmt.Errorf("step to version %d, piece %d of %d, %d cards: %w", s.Version, s.Piece, s.Pieces, len(s.Added)+len(s.Deleted), ErrGap)
	case s.Pieces > 0:
		return l.takePiece(s)
	}
	return l.takeChanges(s)
}

func (l *List) takePiece(s record.ListStep) error {
	in := l.coming
	if s.Piece == 1 && s.Version > l.version {
		in = coming{version: s.Version}
	}
	if in.version != s.Version || s.Piece != in.pieces+1 || len(s.Deleted) > 0 {
		return fmt.Errorf("piece %d of version %d, here are %d of %d: %w", s.Piece, s.Version, in.pieces, in.version, ErrGap)
	}
	in.pieces, in.cards = s.Piece, append(slices.Clip(in.cards), s.Added...)
	if s.Piece < s.Pieces {
		l.coming = in
		return nil
	}
	set, err := NewSet(in.cards)
	if err != nil {
		return err
	}
	hash := HashOf(slices.Values(in.cards))
	if len(in.cards) != s.Count || !bytes.Equal(hash.Bytes(), s.Hash) {
		return fmt.Errorf("base of version %d, %d cards: %w", s.Version, len(in.cards), ErrHash)
	}
	*l = List{version: s.Version, hash: hash, count: len(in.cards), base: set, baseVersion: s.Version,
		addedAt: s.Version, deletedAt: s.Version}
	return nil
}

func (l *List) takeChanges(s record.ListStep) error {
	if s.From != l.version || s.Version <= s.From {
		return fmt.Errorf("from version %d to %d, here is %d: %w", s.From, s.Version, l.version, ErrGap)
	}
	next := *l
	next.version, next.count, next.coming = s.Version, l.count+len(s.Added)-len(s.Deleted), coming{}
	for i, c := range s.Added {
		if l.Has(c) || i > 0 && compare(s.Added[i-1], c) >= 0 {
			return fmt.Errorf("version %d: %w", s.Version, ErrChange)
		}
		next.hash = next.hash.With(c)
	}
	for i, c := range s.Deleted {
		if !l.Has(c) || i > 0 && compare(s.Deleted[i-1], c) >= 0 {
			return fmt.Errorf("version %d: %w", s.Version, ErrChange)
		}
		next.hash = next.hash.Without(c)
	}
	if next.count != s.Count || !bytes.Equal(next.hash.Bytes(), s.Hash) {
		return fmt.Errorf("version %d, %d cards: %w", s.Version, next.count, ErrHash)
	}
	// a card that comes back to the base is no longer deleted; one that was only added is gone
	back := func(c pboc.ASN) bool { return l.base.Has(c) }
	next.added = merge(without(l.added, s.Deleted), without(s.Added, filter(s.Added, back)))
	next.deleted = merge(without(l.deleted, s.Added), filter(s.Deleted, back))
	if !slices.Equal(next.added, l.added) {
		next.addedAt = s.Version
	}
	if !slices.Equal(next.deleted, l.deleted) {
		next.deletedAt = s.Version
	}
	next.fold()
	*l = next
	return nil
}

// fold makes a new base when the changes have grown too many for the boards' lines.
func (l *List) fold() {
	if len(l.added)+len(l.deleted) <= max(foldAt, l.base.Len()/foldPart) {
		return
	}
	cards := make([]pboc.ASN, 0, l.count)
	for c := range l.All() {
		cards = append(cards, c)
	}
	set, err := NewSet(cards)
	if err != nil {
		panic("lists: own list out of order: " + err.Error())
	}
	l.base, l.baseVersion, l.added, l.deleted, l.addedAt, l.deletedAt = set, l.version, nil, nil, l.version, l.version
}

func compare(a, b pboc.ASN) int { return bytes.Compare(a[:], b[:]) }

func find(list []pboc.ASN, c pboc.ASN) (int, bool) { return slices.BinarySearchFunc(list, c, compare) }

// merge joins two rising lists that share nothing.
func merge(a, b []pboc.ASN) []pboc.ASN {
	if len(b) == 0 {
		return a
	}
	out := make([]pboc.ASN, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if compare(a[0], b[0]) < 0 {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// without is a list less the cards of another, both rising.
func without(list, less []pboc.ASN) []pboc.ASN {
	return filter(list, func(c pboc.ASN) bool { _, gone := find(less, c); return !gone })
}

// filter returns the cards that fit, and the list itself if all do.
func filter(list []pboc.ASN, fits func(pboc.ASN) bool) []pboc.ASN {
	if !slices.ContainsFunc(list, func(c pboc.ASN) bool { return !fits(c) }) {
		return list
	}
	var out []pboc.ASN
	for _, c := range list {
		if fits(c) {
			out = append(out, c)
		}
	}
	return out
}
