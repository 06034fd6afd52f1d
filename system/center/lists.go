package center

import (
	"cmp"
	"encoding/json"
	"slices"

	"greylock/system/clock"
	"greylock/system/lists"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// PutList puts cards on a list and takes cards off it.
type PutList struct {
	List    record.Topic `json:"list"` // blacklist or whitelist
	Add     []pboc.ASN   `json:"add,omitempty"`
	Remove  []pboc.ASN   `json:"remove,omitempty"`
	Foreign bool         `json:"foreign,omitempty"` // cards that this company has not made are meant too
	Reason  string       `json:"reason"`
	By      string       `json:"by"`
	Second  string       `json:"second,omitempty"` // another person: takes a card off the black list
}

// ListPut says what became of it.
type ListPut struct {
	List    record.Topic `json:"list"`
	Version uint32       `json:"version"`
	Changed int          `json:"changed"` // cards; 0: all of it was so before
}

// Lists is both lists.
type Lists struct {
	Lists []ListView `json:"lists"`
}

// ListView is one list and how far each station is with it.
type ListView struct {
	List    record.Topic `json:"list"`
	Version uint32       `json:"version"`
	Count   int          `json:"count"`
	Current bool         `json:"current"` // every station works by this version
	Sites   []ListSite   `json:"sites"`
}

// ListSite is a station's word about a list.
type ListSite struct {
	Site    record.SiteID `json:"site"`
	Version uint32        `json:"version"`          // that it works by; 0: none, or it is on its way to a new base
	Pieces  int           `json:"pieces,omitempty"` // of the base that it is being given
	Current bool          `json:"current"`
}

// Listing is why a card was put on a list, or taken off.
type Listing struct {
	On      bool   `json:"on"`
	Version uint32 `json:"version"` // of the list that says so first
	TimeMs  int64  `json:"time_ms"`
	Reason  string `json:"reason"`
	By      string `json:"by"`
	Second  string `json:"second,omitempty"`
}

// CardLists is what the lists say of a card.
type CardLists struct {
	ASN   pboc.ASN      `json:"asn"`
	Lists []CardListing `json:"lists"` // those that it was ever on
}

// CardListing is one list's word and who knows it.
type CardListing struct {
	List record.Topic `json:"list"`
	Listing
	Known   []record.SiteID `json:"known"`   // stations that work by it
	Unknown []record.SiteID `json:"unknown"` // stations that do not know yet
}

// AskListed names a list.
type AskListed struct {
	List record.Topic `json:"list"`
}

// ListedCards is who is on a list.
type ListedCards struct {
	List    record.Topic `json:"list"`
	Version uint32       `json:"version"`
	Count   int          `json:"count"` // all of them; at most 1000 are shown
	Cards   []ListedCard `json:"cards"`
}

// ListedCard is one of them.
type ListedCard struct {
	ASN pboc.ASN `json:"asn"`
	Listing
}

const (
	maxListed = 2000 // cards of one act: their numbers fit into a question, and a step of the list holds two acts
	listShown = 1000 // cards of a list that are shown
)

// listTopics are the company's lists, in the order in which a station is given them.
var listTopics = []record.Topic{record.TopicBlack, record.TopicWhite}

// listBook is one list and why each card is on it, or was taken off it last.
type listBook struct {
	lists.History
	last map[pboc.ASN]Listing
}

func newListBooks() map[record.Topic]*listBook {
	all := map[record.Topic]*listBook{}
	for _, t := range listTopics {
		all[t] = &listBook{last: map[pboc.ASN]Listing{}}
	}
	return all
}

// listed takes a change of a list into the books.
func (b *books) listed(f record.ListChanged) {
	l, ok := b.lists[f.List]
	if !ok {
		return
	}
	l.Take(f)
	note := Listing{Version: l.Version(), TimeMs: f.TimeMs, Reason: f.Reason, By: f.By, Second: f.Second}
	for _, asn := range f.Deleted {
		l.last[asn] = note
	}
	note.On = true
	for _, asn := range f.Added {
		l.last[asn] = note
	}
}

// black says whether a card is on the black list.
func (b *books) black(asn pboc.ASN) bool { return b.lists[record.TopicBlack].Has(asn) }

// listedAtOutlet refuses to move money of a listed card and tells people that it has come to an outlet; once, while nobody takes
// care of it.
func (c *Core) listedAtOutlet(now clock.Instant, outlet record.SiteID, asn pboc.ASN) outcome {
	o := refuse(CardListed)
	if _, open := c.shown.alarms.Open(c.cfg.Site, "blacklist-hit", asn.String()); !open {
		o.facts = append(o.facts, raise(now, "blacklist-hit", asn.String(), "黑名单卡在网点 "+string(outlet)+" 使用, 已拒绝",
			"a blacklisted card was used at outlet "+string(outlet)+": refused"))
	}
	return o
}

// putList puts cards on a list or takes them off. Cards that are there already, or not there, are no news; where nothing is
// left there is no new version. A card comes off the black list by two persons.
// Source: trust.md requirement 44; features.md S6, V9.
func (c *Core) putList(now clock.Instant, q PutList) outcome {
	l, ok := c.books.lists[q.List]
	switch {
	case !ok:
		return bad("list", q.List)
	case len(q.Add)+len(q.Remove) == 0 || len(q.Add)+len(q.Remove) > maxListed:
		return bad("cards", len(q.Add)+len(q.Remove))
	case !word(q.Reason, false):
		return bad("reason", q.Reason)
	case !word(q.By, false) || samePerson(q.By, ""):
		return bad("by", q.By)
	case !word(q.Second, true):
		return bad("second", q.Second)
	case q.List == record.TopicBlack && len(q.Remove) > 0 && (samePerson(q.Second, "") || samePerson(q.Second, q.By)):
		return refuse(TwoPersonsList)
	}
	add, o, ok := c.listable(q, q.Add, func(asn pboc.ASN) bool { return !l.Has(asn) })
	if !ok {
		return o
	}
	remove, o, ok := c.listable(q, q.Remove, l.Has)
	if !ok {
		return o
	}
	if slices.ContainsFunc(remove, func(asn pboc.ASN) bool { return slices.Contains(q.Add, asn) }) {
		return bad("cards", "added and removed")
	}
	if len(add)+len(remove) == 0 {
		return reply(ListPut{List: q.List, Version: l.Version()})
	}
	return reply(ListPut{List: q.List, Version: l.Version() + 1, Changed: len(add) + len(remove)}, record.ListChanged{
		TimeMs: now.Milli(), List: q.List, Version: l.Version() + 1, Added: add, Deleted: remove, Reason: q.Reason, By: q.By, Second: q.Second,
	})
}

// listable sorts the cards of an act and leaves out those that are no news. A card that the register does not know is refused
// unless the act says that it is of another company: a mistyped number must not hit somebody else's card.
func (c *Core) listable(q PutList, cards []pboc.ASN, news func(pboc.ASN) bool) (out []pboc.ASN, o outcome, ok bool) {
	all := slices.Clone(cards)
	slices.SortFunc(all, compareASN)
	for _, asn := range slices.Compact(all) {
		switch {
		case !digits(asn.Digits(), 20):
			return nil, bad("cards", asn), false
		case !q.Foreign && !c.books.cards.has(asn):
			return nil, refuseOver(UnknownCard, "%s", asn), false
		case news(asn):
			out = append(out, asn)
		}
	}
	return out, outcome{}, true
}

// giveLists hands a station the next step of each list that it lacks, signed for it.
func (c *Core) giveLists(now clock.Instant, q record.DirectivesQuestion) (lines []record.DirectiveLine, o outcome, ok bool) {
	if c.books.sites.at(q.Site).kind != record.KindStation {
		return nil, o, true
	}
	for _, topic := range listTopics {
		step, wanted := c.books.lists[topic].Next(q.Applied[topic])
		if !wanted {
			continue
		}
		body, err := json.Marshal(step)
		if err != nil {
			return nil, refuseOver(Internal, "%s", err), false
		}
		line, err := c.cfg.Keys.Sign(record.Directive{
			Site: q.Site, Topic: topic, Version: step.Directive(), TimeMs: now.Milli(), Realm: c.cfg.Realm, Body: body})
		if err != nil {
			return nil, refuseOver(Internal, "%s", err), false
		}
		lines = append(lines, line)
	}
	return lines, o, true
}

// showLists says how long each list is and how far each station is with it.
func (c *Core) showLists(clock.Instant, nothing) outcome {
	a := Lists{Lists: []ListView{}}
	for _, topic := range listTopics {
		l := c.books.lists[topic]
		v := ListView{List: topic, Version: l.Version(), Count: l.Count(), Current: true, Sites: []ListSite{}}
		for _, id := range sorted(&c.books.sites) {
			if c.books.sites.at(id).kind != record.KindStation {
				continue
			}
			at, pieces, whole := record.ListPlace(c.books.stands.at(orderKey{id, topic}))
			if !whole {
				at = 0 // on its way to its first list, or to one that is much newer: what it works by is not in the books
			}
			if whole {
				pieces = 0
			}
			v.Sites = append(v.Sites, ListSite{Site: id, Version: at, Pieces: pieces, Current: whole && at == l.Version()})
			v.Current = v.Current && whole && at == l.Version()
		}
		a.Lists = append(a.Lists, v)
	}
	return reply(a)
}

// askList says on which lists a card is, since when and why, and which stations know it.
func (c *Core) askList(_ clock.Instant, q AskCard) outcome {
	a := CardLists{ASN: q.ASN, Lists: []CardListing{}}
	for _, topic := range listTopics {
		last, ok := c.books.lists[topic].last[q.ASN]
		if !ok {
			continue
		}
		v := CardListing{List: topic, Listing: last, Known: []record.SiteID{}, Unknown: []record.SiteID{}}
		for _, id := range sorted(&c.books.sites) {
			at, _, whole := record.ListPlace(c.books.stands.at(orderKey{id, topic}))
			switch {
			case c.books.sites.at(id).kind != record.KindStation:
			case whole && at >= last.Version:
				v.Known = append(v.Known, id)
			default:
				v.Unknown = append(v.Unknown, id)
			}
		}
		a.Lists = append(a.Lists, v)
	}
	return reply(a)
}

// listedCards lists the cards of a list, the latest first.
func (c *Core) listedCards(_ clock.Instant, q AskListed) outcome {
	l, ok := c.books.lists[q.List]
	if !ok {
		return bad("list", q.List)
	}
	a := ListedCards{List: q.List, Version: l.Version(), Count: l.Count(), Cards: []ListedCard{}}
	for _, asn := range l.Cards() {
		a.Cards = append(a.Cards, ListedCard{asn, l.last[asn]})
	}
	slices.SortStableFunc(a.Cards, func(x, y ListedCard) int { return cmp.Compare(y.Version, x.Version) })
	a.Cards = a.Cards[:min(len(a.Cards), listShown)]
	return reply(a)
}
