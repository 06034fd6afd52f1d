package world

import (
	"slices"
	"time"

	"greylock/system/clock"
	"greylock/system/journal"
	"greylock/system/vault"
	"greylock/system/wire/fa"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// priced notes a price that the center has ordered.
func (c *checks) priced(product string, from fa.Stamp, price unit.Price) {
	c.prices[product] = append(c.prices[product], pricedAt{from, price})
}

// fact looks at every fact that a site has made durable.
func (c *checks) fact(w *World, s *site, r journal.Record, f record.Fact) {
	c.listFact(w, s, f)
	if f, ok := f.(record.PlainSold); ok {
		c.plainFact(w, s.open.Site, f)
	}
	if s == w.stations[s.open.Site] {
		c.tillFact(w, s.open.Site, r.Seq, f)
		c.shiftFact(s.open.Site, r.Seq, f)
		c.stopFact(w, s.open.Site, w.now, f)
		c.powerFact(s.open.Site, f)
		w.killedBy(s, f)
	}
	if s != w.center {
		c.tankFact(w, s.open.Site, f)
		return
	}
	c.money(f)
	switch f := f.(type) {
	case record.BatchTaken:
		c.batch(w, f)
	case record.UnlockAuthorised:
		c.forced(f)
	case record.DirectiveIssued:
		c.issued(f)
	case record.SaleQuarantined:
		c.quarantined[f.Sale] = true
	case record.SalePosted:
		c.sale(w, f)
	}
}

// batch notes which PSAM numbers a station's records account for.
func (c *checks) batch(w *World, f record.BatchTaken) {
	for i, line := range f.Lines {
		x, err := record.Decode([]byte(line))
		c.hold(inv16, err == nil, "site %s record %d can not be read at the center: %v", f.Site, f.First+uint64(i), err)
		if w.external[f.Site] != nil && x != nil { // a station in the world tells of it at once
			c.shiftFact(f.Site, f.First+uint64(i), x)
			c.stopShipped(w, f.Site, x)
			c.tillFact(w, f.Site, f.First+uint64(i), x)
			c.powerFact(f.Site, x)
		}
		if a, ok := x.(record.PriceAcknowledged); ok {
			key := ackKey{f.Site, a.Port}
			c.pricing.acks[key] = append(c.pricing.acks[key], a)
		}
		if sold, ok := x.(record.PlainSold); ok && w.external[f.Site] != nil { // a station in the world tells of it at once
			c.plainFact(w, f.Site, sold)
		}
		if refused, ok := x.(record.RecordRefused); ok {
			c.doubted(w, refused)
		}
		d, ok := x.(record.DispenserRecord)
		if !ok {
			continue
		}
		r, err := fa.ParseRecord(d.Raw)
		if err == nil {
			c.soldBy(f.Site, d, r)
		}
		if err == nil && r.TTC != 0 {
			c.taken[record.SaleID{TID: r.TID, TTC: r.TTC}] = true
			c.raws[evidence{f.Site, f.First + uint64(i)}] = r
		}
	}
}

// doubted notes a record that a station keeps and does not believe (its totalizer was tampered with, say): it has come to the
// center, whose people settle it. Only what a board has really written counts.
func (c *checks) doubted(w *World, f record.RecordRefused) {
	r, err := fa.ParseRecord(f.Raw)
	if err != nil || r.TTC == 0 {
		return
	}
	id := record.SaleID{TID: r.TID, TTC: r.TTC}
	if s := c.truth.sales[id]; s != nil && s.record != nil && *s.record == r {
		c.taken[id], c.inDoubt[id] = true, true
	}
}

// forced: a lock of which no record has come is undone with 0 only after 48 hours and by two persons; then the card pays nothing
// for what has flowed, and the sale is owed. Source: trust.md row 64.
func (c *checks) forced(f record.UnlockAuthorised) {
	s := c.truth.sales[f.Sale]
	if f.Forced == nil || f.Amount != 0 || s == nil {
		return
	}
	waited := clock.FromMilli(f.TimeMs).Sub(s.lockedAt)
	s.forced = f.Forced.By[0] != f.Forced.By[1] && waited > 48*time.Hour-2*time.Second // the card's time counts whole seconds
	c.hold(inv03, s.forced, "sale %v: lock undone by force after %v, by %q", s.id, waited, f.Forced.By)
}

// evidence points at a station's record.
type evidence struct {
	site record.SiteID
	seq  uint64
}

// sale looks at a posting: evidence there and genuine, once, balanced, the amount that the card has paid.
func (c *checks) sale(w *World, f record.SalePosted) {
	var sum unit.Fen
	for _, e := range f.Entries {
		sum += e.Amount
	}
	c.hold(inv09, sum == 0, "sale %v: entries sum to %v", f.Sale, sum)
	r, ok := c.raws[evidence{f.Site, f.Seq}]
	if !ok {
		return // loads and events without a dispenser record
	}
	kind := r.Type.Kind()
	role := "fuel"
	if kind == fa.TopUpDebit || kind == fa.Supplement {
		role = "settlement"
	}
	if c.posted[f.Sale] == nil {
		c.posted[f.Sale] = map[string]int{}
	}
	c.posted[f.Sale][role]++
	c.hold(inv09, c.posted[f.Sale][role] == 1, "sale %v: %s posted %d times", f.Sale, role, c.posted[f.Sale][role])
	if kind == fa.Fuelling || kind == fa.TopUpDebit {
		c.hold(inv09, c.genuine(w, r), "sale %v: posted, but its TAC is not the card's", f.Sale)
	}
	s := c.truth.sales[f.Sale]
	if s != nil && s.debits > 0 && kind != fa.Escape {
		c.hold(inv09, f.Amount == s.debited, "sale %v: posted %v, the card paid %v", f.Sale, f.Amount, s.debited)
	}
}

// genuine recomputes the TAC with the keys of the ceremony, past the center's program.
func (c *checks) genuine(w *World, r fa.Record) bool {
	card := vault.Card{ASN: r.ASN, Issuer: record.Training.Issuer(company), Alg: w.profile.Alg, Version: r.Version & 0x0F}
	tac, err := w.centerVault.TAC(card, fuelcard.UnlockTACData(r.Amount, fuelcard.ED.UnlockType(), r.TID, w.profile.UnlockTTC(r.TTC), r.Time))
	return err == nil && tac == r.TAC
}

// end runs the checkers that hold when everything has come to rest.
func (c *checks) end(w *World) {
	c.quiescent(w)
	c.numbers(w)
	c.ledger(w)
	c.balances(w)
	c.chains(w)
	c.openShifts(w)
	c.tanks(w)
	c.stopsOver(w, w.now, func(stopHose) bool { return true })
}

// numbers: every PSAM number up to the highest is accounted for by a record at the center.
func (c *checks) numbers(w *World) {
	for _, p := range w.pumpList {
		for ttc := pboc.PSAMTTC(1); ttc <= w.ttc[p.sam.tid]; ttc++ {
			id := record.SaleID{TID: p.sam.tid, TTC: ttc}
			s := c.truth.sales[id]
			open := s != nil && !s.closed
			c.hold(inv06, c.taken[id] || open, "PSAM %s: number %d never reached the center", p.sam.tid, ttc)
		}
	}
	c.tillNumbers(w)
}

// ledger: what cards have paid is posted, and only that; copies at the center are what the stations wrote.
func (c *checks) ledger(w *World) {
	for _, s := range c.truth.order {
		if s.debits == 0 || s.debited == 0 {
			continue
		}
		n := c.posted[s.id]["fuel"] + c.posted[s.id]["settlement"]
		quarantined := c.quarantined[s.id] || c.inDoubt[s.id]
		c.hold(inv09, n > 0 || quarantined, "sale %v: the card paid %v, the center has not posted it", s.id, s.debited)
	}
	for _, s := range w.sites() {
		if s == w.center || s.run == nil {
			continue
		}
		head, chain := s.run.Journal().Head()
		seq, copied := w.mark(s.open.Site)
		c.hold(inv09, seq == head && slices.Equal(copied, chain[:]), "site %s: journal ends at %d, the center's copy at %d with another chain", s.open.Site, head, seq)
	}
}

// chains: every journal verifies end to end.
func (c *checks) chains(w *World) {
	for _, s := range w.sites() {
		if s.run == nil {
			continue
		}
		err := audit(s.disk)
		c.hold(inv16, err == nil, "site %s: %v", s.open.Site, err)
	}
	who := custodians
	c.hold(inv16, who[0].Custodian != who[1].Custodian, "the ceremony was held by one person")
}
