package dispenser

import (
	"bytes"
	"slices"
	"time"

	"greylock/system/terminal"
	"greylock/system/wire/fa"
	"greylock/system/wire/pboc"
)

// boardLists is the terminal's view of the lists: local first, then the station by 36H. Source: dispenser.md 3.9.
type boardLists struct{ v *visit }

// Black implements terminal.Lists: a hit in the local lists refuses at once; a miss is asked on line; off line a valid local
// list decides.
func (l boardLists) Black(asn pboc.ASN) terminal.Listing {
	b := l.v.b
	on, known := b.black(asn)
	if on {
		l.v.local = true
		return terminal.Listing{On: true, Known: true, Age: b.listAge()}
	}
	if found, answered := l.ask(asn); answered {
		return terminal.Listing{On: found, Known: true}
	}
	l.v.local = true
	return terminal.Listing{Known: known, Age: b.listAge()}
}

// White implements terminal.Lists.
func (l boardLists) White(asn pboc.ASN) terminal.Listing {
	if found, answered := l.ask(asn); answered {
		return terminal.Listing{On: found, Known: true}
	}
	l.v.local = true
	list, ok := l.v.b.valid(fa.ContentWhite)
	return terminal.Listing{On: ok && listed(list, asn), Known: ok, Age: l.v.b.listAge()}
}

// Excluded implements terminal.Lists. 36H does not say it of a user card: for those it asks about the blacklist.
func (l boardLists) Excluded(asn pboc.ASN) bool {
	list, ok := l.v.b.valid(fa.ContentWhite)
	if !ok || len(list.Cards) == 0 || listed(list, asn) {
		return false
	}
	l.v.local = true
	return true
}

func (l boardLists) ask(asn pboc.ASN) (found, answered bool) {
	answer, ok := l.v.ask(&query{list: &fa.ListAsk{ASN: asn}}).(*fa.ListAnswer)
	if !ok || answer == nil {
		return false, false
	}
	return answer.Flag.Found(), true
}

// black looks the card up in the effective blacklist, (base ∪ added) without deleted. Known is false where no valid base
// list is here, unless the station said that there is none.
func (b *Board) black(asn pboc.ASN) (on, known bool) {
	if gone, ok := b.valid(fa.ContentDeleted); ok && listed(gone, asn) {
		return false, true
	}
	if added, ok := b.valid(fa.ContentAdded); ok && listed(added, asn) {
		return true, true
	}
	base, ok := b.valid(fa.ContentBase)
	if !ok {
		return false, b.mem.state.NoLists
	}
	return listed(base, asn), true
}

// valid returns a list that holds today and here.
func (b *Board) valid(c fa.Content) (fa.ListFile, bool) {
	l, ok := b.mem.list(c)
	today := b.civil().Date()
	if !ok || bytes.Compare(today[:], l.From[:]) < 0 || bytes.Compare(today[:], l.To[:]) > 0 {
		return fa.ListFile{}, false
	}
	s := &b.mem.state.Station
	const all = 0xFF
	here := l.Area[0] == all || l.Area[0] == s.Province && (l.Area[1] == all || l.Area[1] == s.City)
	return l, here
}

func listed(l fa.ListFile, asn pboc.ASN) bool {
	_, found := slices.BinarySearchFunc(l.Cards, asn, func(a, b pboc.ASN) int { return bytes.Compare(a[:], b[:]) })
	return found
}

// listAge is how long ago the station last confirmed the lists.
func (b *Board) listAge() time.Duration {
	if b.link.lastPoll == 0 {
		return 0
	}
	return b.now.Sub(b.link.lastPoll)
}
