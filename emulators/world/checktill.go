package world

import (
	"greylock/system/clock"
	"greylock/system/wire/fa"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// tillKey is a till of a station.
type tillKey struct {
	site record.SiteID
	till int
}

// tillTruth is what a station's journal has said of a till so far.
type tillTruth struct {
	seq    uint64
	waits  int           // records without number and T-MAC
	begun  record.SaleID // the last BEGIN
	ended  bool          // its figures are final and no record tells of it yet
	closed bool          // a record tells of it
}

// busy says that the till has something to do by itself.
func (t *tillTruth) busy() bool { return t.waits > 0 || t.ended }

func (c *checks) tillOf(site record.SiteID, number int) *tillTruth {
	key := tillKey{site, number}
	if c.tills[key] == nil {
		c.tills[key] = &tillTruth{}
	}
	return c.tills[key]
}

// tillFact follows a till by its station's journal, told of each fact once and in order: M3, M4, M14 and M15 of its sales.
func (c *checks) tillFact(w *World, site record.SiteID, seq uint64, f record.Fact) {
	switch f := f.(type) {
	case record.TillStep:
		if t := c.tillOf(site, f.Till); seq > t.seq {
			t.seq = seq
			c.tillStep(w, site, t, f)
		}
	case record.DispenserRecord:
		if f.Port <= record.TillPort {
			return
		}
		t := c.tillOf(site, f.Port-record.TillPort)
		r, err := fa.ParseRecord(f.Raw)
		if err == nil && seq > t.seq {
			t.seq = seq
			t.waits--
			c.tillRecord(r)
		}
	case record.PlainAuthorised:
		if f.Card == (record.SaleID{}) {
			return
		}
		s := c.truth.sales[f.Card]
		c.hold(inv04, s != nil && s.plain != nil, "station %s port %d: a nozzle was authorised for sale %v, under which no card was locked", site, f.Port, f.Card)
	}
}

func (c *checks) tillStep(w *World, site record.SiteID, t *tillTruth, f record.TillStep) {
	if len(f.Record) > 0 {
		t.waits++
	}
	switch f.Step {
	case "BEGIN":
		t.begun, t.ended, t.closed = f.Sale, false, false
	case "FUEL_START":
		c.tillAuthorised(w, site, f)
	case "FUEL_END":
		t.ended = t.ended || f.Sale == t.begun && !t.closed
	case "DONE", "ESCAPE", "VOID", "CANCEL", "HOLD", "SUSPECT":
		if f.Sale == t.begun {
			t.ended, t.closed = false, true
		}
	}
}

// tillAuthorised looks at a sale for which a nozzle is about to be authorised: its card was not on the list that the station
// had in force when it was put on the till, nor longer on the center's than the station's policy allows. Source: trust.md M15.
func (c *checks) tillAuthorised(w *World, site record.SiteID, f record.TillStep) {
	place := w.tillOf(site, f.Till)
	if place == nil {
		return
	}
	known, listed := clock.Instant(0), false
	if l := c.lists.sites[siteList{site, record.TopicBlack}]; l != nil {
		known, listed = l.cards[f.ASN]
	}
	c.hold(inv15, !(listed && known <= place.since), "sale %v: till %d of station %s began it with a card that the station has listed since %v, put there at %v", f.Sale, f.Till, site, known, place.since)
	since, black := c.lists.black[f.ASN]
	limit := listAge
	if refuse := w.policy(site).Refuse; refuse > 0 {
		limit = refuse
	}
	c.hold(inv15, !(black && place.since.Sub(since) > limit), "sale %v: till %d of station %s began it with a card that the center has listed since %v, longer than the lists may be old", f.Sale, f.Till, site, since)
}

// tillRecord looks at a record of a till as the center will get it.
func (c *checks) tillRecord(r fa.Record) {
	s := c.truth.sales[record.SaleID{TID: r.TID, TTC: r.TTC}]
	if !fuels(r) || s == nil || s.plain == nil {
		return
	}
	c.hold(inv14, c.priceKnown(r), "sale %v: price %v of product %v at %v was never ordered", s.id, r.Price, r.Product, r.Time)
	c.hold(inv14, r.Price == s.price, "sale %v: record of a till says price %v, at the lock it was %v", s.id, r.Price, s.price)
	c.hold(inv03, r.Volume == s.volume(), "sale %v: record of a till says %v, %v have flowed", s.id, r.Volume, s.volume())
	if r.Type.Kind() == fa.Fuelling && s.debits > 0 {
		c.hold(inv03, r.Amount == s.debited, "sale %v: record of a till says %v, the card paid %v", s.id, r.Amount, s.debited)
	}
}

// tillNumbers: every number up to the highest of a till's PSAM is accounted for by a record at the center; only the last may
// still wait for the next sale, which reports it.
func (c *checks) tillNumbers(w *World) {
	for _, p := range w.tillList {
		t := c.tillOf(p.site, p.number)
		for ttc := pboc.PSAMTTC(1); ttc <= w.ttc[p.sam.tid]; ttc++ {
			id := record.SaleID{TID: p.sam.tid, TTC: ttc}
			s := c.truth.sales[id]
			open := s != nil && !s.closed || id == t.begun && !t.closed
			c.hold(inv06, c.taken[id] || open, "PSAM %s: number %d of a till never reached the center", p.sam.tid, ttc)
		}
	}
}
