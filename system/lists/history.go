package lists

import (
	"slices"
	"sort"

	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// History is the center's side of one list: who is on it, and every change, so that a site can be given what it lacks.
// It changes only by Take. The zero value is the empty list of version 0.
type History struct {
	on      map[pboc.ASN]bool
	hash    Hash
	version uint32
	changes []change // in order
	marks   []mark   // after each version, version 1 first

	base        []pboc.ASN // what is given to those who are far behind
	baseVersion uint32
	since       int // changes since the base
}

type change struct {
	card pboc.ASN
	on   bool
}

// mark is the list after a version.
type mark struct {
	changes int // how many, from the beginning
	count   int
	hash    Hash
}

// Version of the list; it counts the acts that changed it.
func (h *History) Version() uint32 { return h.version }

// Count is how many cards are on the list.
func (h *History) Count() int { return len(h.on) }

// Has reports whether a card is on the list.
func (h *History) Has(c pboc.ASN) bool { return h.on[c] }

// Take notes a change as the center's journal has it.
func (h *History) Take(f record.ListChanged) {
	if h.on == nil {
		h.on = map[pboc.ASN]bool{}
	}
	for _, c := range f.Added {
		if !h.on[c] {
			h.on[c], h.hash = true, h.hash.With(c)
			h.changes = append(h.changes, change{c, true})
		}
	}
	for _, c := range f.Deleted {
		if h.on[c] {
			delete(h.on, c)
			h.hash = h.hash.Without(c)
			h.changes = append(h.changes, change{c, false})
		}
	}
	h.version++
	h.marks = append(h.marks, mark{len(h.changes), len(h.on), h.hash})
	const part = 4 // a new base when the changes since the last make up so much of the list
	if h.since += len(f.Added) + len(f.Deleted); h.since > max(MaxStep, len(h.on)/part) {
		h.base, h.baseVersion, h.since = h.sorted(), h.version, 0
	}
}

func (h *History) sorted() []pboc.ASN {
	all := make([]pboc.ASN, 0, len(h.on))
	for c := range h.on {
		all = append(all, c)
	}
	slices.SortFunc(all, compare)
	return all
}

// Cards lists who is on the list, rising.
func (h *History) Cards() []pboc.ASN { return h.sorted() }

// Next is the step that a site needs which stands at a place (the version of its last directive); false if it needs none.
// A site that has nothing, or so little that the changes would be longer than the list, is given the base in pieces; any other
// the changes, as many versions at once as fit into one step.
func (h *History) Next(place uint64) (record.ListStep, bool) {
	at, pieces, whole := record.ListPlace(place)
	switch {
	case whole && at >= h.version || at > h.version:
		return record.ListStep{}, false
	case !whole && at == h.baseVersion:
		return h.piece(pieces + 1), true
	case !whole || h.baseVersion > at && len(h.changes)-h.after(at).changes > max(MaxStep, len(h.on)/2):
		return h.piece(1), true
	}
	return h.between(at), true
}

// after is the list after a version.
func (h *History) after(version uint32) mark {
	if version == 0 {
		return mark{}
	}
	return h.marks[version-1]
}

func (h *History) piece(n int) record.ListStep {
	pieces := max(1, (len(h.base)+MaxStep-1)/MaxStep)
	from, to := min((n-1)*MaxStep, len(h.base)), min(n*MaxStep, len(h.base))
	m := h.after(h.baseVersion)
	return record.ListStep{Version: h.baseVersion, Piece: n, Pieces: pieces, Added: h.base[from:to], Count: m.count, Hash: m.hash.Bytes()}
}

// between is the net change from a version on, as far as one step holds.
func (h *History) between(from uint32) record.ListStep {
	begin := h.after(from).changes
	to := from + 1
	if fits := sort.Search(len(h.marks), func(i int) bool { return h.marks[i].changes-begin > MaxStep }); uint32(fits) > to {
		to = uint32(fits)
	}
	first := map[pboc.ASN]bool{}
	last := map[pboc.ASN]bool{}
	for _, c := range h.changes[begin:h.after(to).changes] {
		if _, seen := first[c.card]; !seen {
			first[c.card] = c.on
		}
		last[c.card] = c.on
	}
	m := h.after(to)
	s := record.ListStep{Version: to, From: from, Count: m.count, Hash: m.hash.Bytes()}
	for card, on := range last {
		switch {
		case on != first[card]: // put on and taken off, or the other way round: nothing is left of it
		case on:
			s.Added = append(s.Added, card)
		default:
			s.Deleted = append(s.Deleted, card)
		}
	}
	slices.SortFunc(s.Added, compare)
	slices.SortFunc(s.Deleted, compare)
	return s
}
