package world

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"greylock/emulators/fault"
	"greylock/system/clock"
	"greylock/system/lists"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// listTruth is what the center has put on the black list, and what every station has put in force, by their journals.
// Source: trust.md M15.
type listTruth struct {
	black    map[pboc.ASN]clock.Instant // since when
	sites    map[siteList]*listInForce
	inserted map[*pump]clock.Instant // when the card came that is in its slot
}

type siteList struct {
	site record.SiteID
	list record.Topic
}

// listInForce is a list as a station's steps make it.
type listInForce struct {
	place  uint64 // version of the last directive
	cards  map[pboc.ASN]clock.Instant
	coming []pboc.ASN // pieces of a base
}

func newListTruth() listTruth {
	return listTruth{black: map[pboc.ASN]clock.Instant{}, sites: map[siteList]*listInForce{}, inserted: map[*pump]clock.Instant{}}
}

// listFact follows the lists: the center's acts, and the steps that a station has made durable. Each step's count and hash must
// be those of the cards that this checker keeps itself, and its version above the one before.
func (c *checks) listFact(w *World, s *site, f record.Fact) {
	switch f := f.(type) {
	case record.ListChanged:
		if s != w.center || f.List != record.TopicBlack {
			return
		}
		for _, a := range f.Added {
			c.lists.black[a] = w.now
		}
		for _, a := range f.Deleted {
			delete(c.lists.black, a)
		}
	case record.DirectiveApplied:
		var d record.Directive
		if json.Unmarshal([]byte(f.Directive.Line), &d) == nil && (d.Topic == record.TopicBlack || d.Topic == record.TopicWhite) {
			c.listStep(w, s.open.Site, d)
		}
	}
}

func (c *checks) listStep(w *World, site record.SiteID, d record.Directive) {
	key := siteList{site, d.Topic}
	l := c.lists.sites[key]
	if l == nil {
		l = &listInForce{cards: map[pboc.ASN]clock.Instant{}}
		c.lists.sites[key] = l
	}
	var x record.ListStep
	err := json.Unmarshal(d.Body, &x)
	c.hold(inv15, err == nil && d.Version > l.place, "station %s: %s went from %x to %x: %v", site, d.Topic, l.place, d.Version, err)
	l.place = d.Version
	switch {
	case x.Piece == 1:
		l.coming = append([]pboc.ASN(nil), x.Added...)
	case x.Piece > 1:
		l.coming = append(l.coming, x.Added...)
	}
	if x.Piece < x.Pieces {
		return
	}
	before := l.cards
	if x.Pieces > 0 {
		x.Added, l.cards, l.coming = l.coming, map[pboc.ASN]clock.Instant{}, nil
	}
	for _, a := range x.Added {
		since, was := before[a]
		if !was {
			since = w.now
		}
		l.cards[a] = since
	}
	for _, a := range x.Deleted {
		delete(l.cards, a)
	}
	hash := lists.HashOf(maps.Keys(l.cards))
	c.hold(inv15, len(l.cards) == x.Count && bytes.Equal(hash.Bytes(), x.Hash),
		"station %s: %s version %d has %d cards in force, its header says %d (or another hash)", site, d.Topic, x.Version, len(l.cards), x.Count)
}

// listAge bounds how long a listed card may still be sold to where only a board's own list could know it.
const listAge = 24 * time.Hour

// authorised looks at a pump that was authorised under a sale's lock: its card must not be one that was on the list when it was
// inserted. On a line on which nothing has gone wrong the station's list counts from the moment that it is in force; elsewhere the
// board may have to go by its own, within the station's policy. A grey hold is no sale and authorises nothing.
func (c *checks) authorised(w *World, p *pump) {
	var s *saleTruth
	for _, x := range c.truth.order {
		if x.pump == p && !x.closed {
			s = x
		}
	}
	at, seen := c.lists.inserted[p]
	if s == nil || !seen {
		return
	}
	l := c.lists.sites[siteList{p.site, record.TopicBlack}]
	known, listed := clock.Instant(0), false
	if l != nil {
		known, listed = l.cards[s.asn]
	}
	clean := p.board.View().Online && damage(p.line) == 0 && !w.lineHurt() && w.faults["kill"] == 0
	c.hold(inv15, !(clean && listed && known <= at), "sale %v: %s was authorised for a card that the station has listed since %v, inserted at %v", s.id, p.where, known, at)
	since, black := c.lists.black[s.asn]
	limit := listAge
	if refuse := w.policy(p.site).Refuse; refuse > 0 {
		limit = refuse
	}
	c.hold(inv15, !(black && p.board.View().Online && at.Sub(since) > limit), "sale %v: %s was authorised for a card that the center has listed since %v, longer than the lists may be old", s.id, p.where, since)
}

// lineHurt says that something was injected that may keep a board from its station.
func (w *World) lineHurt() bool {
	return slices.ContainsFunc(w.injured, func(x *injured) bool { return x.f.Device != fault.Dispenser && x.f.Device != fault.Center })
}
