package center

import (
	"encoding/json"

	"greylock/system/ledger"
	"greylock/system/wire/fa"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// apply changes the books by one fact of the own journal. Facts of types that the center does not write are ignored.
func (b *books) apply(own record.SiteID, f record.Fact) {
	switch f := f.(type) {
	case record.SitePut:
		s := b.sites.at(f.Site)
		s.kind, s.name = f.Kind, f.Name
		b.sites.put(f.Site, s)
	case record.ProductPut:
		b.products.put(f.Code, ProductView{f.Code, f.Name, f.Unit})
	case record.DirectiveIssued:
		b.ordered(f)
	case record.ListChanged:
		b.listed(f)
	case record.PriceProposed:
		b.proposed(f)
	case record.PriceDecided:
		b.decided(f)
	case record.BatchTaken:
		b.took(f)
	case record.SalePosted:
		b.posted(f)
	case record.SaleQuarantined:
		b.quarantined(f)
	case record.AccountOpened:
		b.accounts.put(f.Account, account{name: f.Name})
	case record.CardIssued:
		b.issued(f)
	case record.AccountToppedUp:
		b.receipts.put(receiptKey(f.Outlet, f.Receipt), f)
		b.enter(ledger.ToppedUp(f.Outlet, f.Account, f.Amount))
		a := b.accounts.at(f.Account)
		a.balance += f.Amount
		b.move(f.Account, a, StatementLine{TimeMs: f.TimeMs, Kind: "top-up", Amount: f.Amount, Receipt: f.Receipt})
	case record.LoadAuthorised:
		b.transferAuthorised(toCard, f)
	case record.LoadPosted:
		b.transferPosted(f.TimeMs, f.ASN, f.OnlineSN, f.TAC)
	case record.LoadVoided:
		b.transferVoided(f)
	case record.UnloadAuthorised:
		b.transferAuthorised(toAccount, record.LoadAuthorised(f))
	case record.UnloadPosted:
		b.transferPosted(f.TimeMs, f.ASN, f.OnlineSN, f.MAC3)
	case record.UnloadVoided:
		b.transferVoided(record.LoadVoided(f))
	case record.ActPermitted:
		b.permitted(f.ASN, f.Act, f.Challenge)
	case record.UnlockAuthorised:
		b.unlockAuthorised(f)
	case record.UnlockPosted:
		b.unlockPosted(f)
	case record.Alarm:
		b.alarm(own, 0, f)
	case record.QuarantineResolved:
		b.resolve(place{f.Site, f.Seq})
	case record.AlarmAcknowledged:
		b.entries.acks = append(b.entries.acks, ackRow{own, f})
	}
}

func (b *books) alarm(site record.SiteID, seq uint64, f record.Alarm) {
	b.entries.alarms = append(b.entries.alarms, alarmRow{site, seq, f})
}

// enter books entries.
func (b *books) enter(all []record.Entry) {
	for _, e := range all {
		b.ledger.put(e.Account, b.ledger.at(e.Account)+e.Amount)
	}
}

// move stores an account with one more line in its statement.
func (b *books) move(name string, a account, l StatementLine) {
	a.lines++
	l.Balance = a.balance
	b.accounts.put(name, a)
	b.entries.statements = append(b.entries.statements, statementRow{name, a.lines, l})
}

// ordered takes a directive that the center issued. Its body was made by this program and reads back.
func (b *books) ordered(f record.DirectiveIssued) {
	var d record.Directive
	if json.Unmarshal([]byte(f.Directive.Line), &d) != nil {
		return
	}
	key := orderKey{d.Site, d.Topic}
	o := b.orders.at(key)
	o.line, o.version = f.Directive, d.Version
	switch d.Topic {
	case record.TopicLayout:
		var l record.Layout
		if json.Unmarshal(d.Body, &l) != nil {
			return
		}
		b.layouts.put(d.Site, with(b.layouts.at(d.Site), layout{version: d.Version, layout: l}))
	case record.TopicPrices:
		if json.Unmarshal(d.Body, &o.prices) != nil {
			return
		}
		b.editions.put(d.Site, b.editions.at(d.Site).With(d.Version, o.prices))
	}
	b.orders.put(key, o)
}

// took takes what a piece of another site's journal says to the registers.
func (b *books) took(f record.BatchTaken) {
	if b.batch.site != f.Site || b.batch.first != f.First || len(b.batch.facts) != len(f.Lines) {
		b.batch = decode(f)
	}
	kind := b.sites.at(f.Site).kind
	for i, fact := range b.batch.facts {
		b.carry(place{f.Site, f.First + uint64(i)}, kind, fact)
	}
}

// decode reads the lines of a batch; what this program does not know stays nil, its bytes are in the journal.
func decode(f record.BatchTaken) carried {
	c := carried{site: f.Site, first: f.First, facts: make([]record.Fact, len(f.Lines))}
	for i, line := range f.Lines {
		if fact, err := record.Decode([]byte(line)); err == nil {
			c.facts[i] = fact
		}
	}
	return c
}

// carry lets a fact of another site change the registers, as far as a site of that kind may.
func (b *books) carry(p place, kind record.Kind, f record.Fact) {
	switch f := f.(type) {
	case record.Alarm:
		b.alarm(p.Site, p.Seq, f)
	case record.AlarmAcknowledged:
		if f.Site == p.Site { // a site speaks of its own alarms
			b.entries.acks = append(b.entries.acks, ackRow{p.Site, f})
		}
	case record.DirectiveApplied:
		b.applied(p.Site, f)
	case record.PriceAcknowledged:
		b.priceAcks.put(portKey{p.Site, f.Port}, priceAck{f.Version, b.priceAcks.at(portKey{p.Site, f.Port}).shut, false})
	case record.NozzleShut:
		b.priceAcks.put(portKey{p.Site, f.Port}, priceAck{b.priceAcks.at(portKey{p.Site, f.Port}).version, true, f.Unreached})
	case record.NozzleFreed:
		b.priceAcks.put(portKey{p.Site, f.Port}, priceAck{f.Version, false, false})
	case record.ProofSeen:
		b.park(p, f)
	case record.PlainSold:
		b.fuelled(p, f)
	case record.ShiftReported:
		b.zs.put(shiftKey{p.Site, f.Report.Number}, f.Report.To)
	case record.DayClosed:
		b.days.put(dayKey{p.Site, f.Report.Day}, f.Report)
	}
	if f, ok := f.(record.ActEnded); ok && b.acts(kind, f) {
		b.acted(f)
	}
	if kind != record.KindMaking {
		return
	}
	switch f := f.(type) {
	case record.CardBegun:
		if !b.cards.has(f.ASN) {
			b.cards.put(f.ASN, card{state: "begun", issuer: f.Issuer, validFrom: f.ValidFrom, validTo: f.ValidTo})
		}
	case record.CardMade:
		if c := b.cards.at(f.ASN); c.state == "" || c.state == "begun" {
			c.state, c.issuer, c.validFrom, c.validTo = "made", f.Issuer, f.ValidFrom, f.ValidTo
			b.cards.put(f.ASN, c)
		}
	case record.CardScrapped:
		if c := b.cards.at(f.ASN); c.state == "" || c.state == "begun" {
			c.state = "scrapped"
			b.cards.put(f.ASN, c)
		}
	case record.PSAMMade:
		if ps := b.psams.at(f.TID); !ps.made {
			b.psams.put(f.TID, psam{number: f.Number, made: true, ttcs: chain{started: true}})
		}
	}
}

// applied notes which version a site works by.
func (b *books) applied(site record.SiteID, f record.DirectiveApplied) {
	var d record.Directive
	if json.Unmarshal([]byte(f.Directive.Line), &d) != nil || d.Site != site {
		return
	}
	key := orderKey{site, d.Topic}
	if _, list := b.lists[d.Topic]; list {
		b.stands.put(key, max(b.stands.at(key), d.Version))
		return
	}
	o, ok := b.orders.get(key)
	if !ok || d.Version > o.version || d.Version <= o.applied {
		return
	}
	o.applied = d.Version
	b.orders.put(key, o)
	if d.Topic != record.TopicLayout {
		return
	}
	list := append([]layout{}, b.layouts.at(site)...)
	for i := range list {
		if list[i].version < d.Version && list[i].until == 0 {
			list[i].until = f.TimeMs
		}
	}
	b.layouts.put(site, list)
}

// parkedBy counts what waits for a lock from one site.
func (b *books) parkedBy(key lockKey, site record.SiteID) (n int) {
	for _, p := range b.parked.at(key) {
		if p.Site == site {
			n++
		}
	}
	return n
}

// park keeps the proof of a debit until the record of its lock is here.
func (b *books) park(p place, f record.ProofSeen) {
	proof, err := fuelcard.ParseLockProof(f.Proof)
	if err != nil || proof.Type != fuelcard.TypeUnlockED || proof.State == fuelcard.Grey {
		return
	}
	key := lockKey{f.ASN, proof.CTC()}
	if b.locks.has(key) || b.parkedBy(key, p.Site) >= maxParked {
		return
	}
	for _, other := range b.parked.at(key) {
		if old, ok := b.kept.at(other).(record.ProofSeen); ok && string(old.Proof) == string(f.Proof) {
			return
		}
	}
	b.kept.put(p, f)
	b.parked.put(key, with(b.parked.at(key), p))
}

// posted takes a record into the books: it makes a sale, settles one, or is one more witness of it.
func (b *books) posted(f record.SalePosted) {
	p := place{f.Site, f.Seq}
	fact, ok := b.find(p)
	if !ok {
		return
	}
	b.resolve(p)
	b.enter(f.Entries)
	switch fact := fact.(type) {
	case record.DispenserRecord:
		rec, err := fa.ParseRecord(fact.Raw)
		if err != nil {
			return
		}
		b.taken.put(recordKey{p.Site, fact.Port, rec.NZN, rec.POSTTC, rec.Time}, string(fact.Raw))
		if kind := rec.Type.Kind(); kind == fa.TopUpDebit || kind == fa.Supplement {
			how := "top-up-debit"
			if kind == fa.Supplement {
				how = "supplement"
			}
			b.settled(f, piece{p, fact.Raw}, rec.TAC, how)
			return
		}
		b.sold(f, fact, rec)
	case record.PlainSold:
		if line, err := record.Encode(fact); err == nil {
			b.sold(f, record.DispenserRecord{Port: fact.Port, Nozzle: fact.Nozzle, POSTTC: fact.Number, Raw: line, BusinessDay: fact.BusinessDay}, plainRecord(fact))
		}
	case record.ProofSeen:
		if proof, err := fuelcard.ParseLockProof(fact.Proof); err == nil {
			b.settled(f, piece{p, fact.Proof}, proof.Code, "proof")
		}
	}
}

// sold makes a sale.
func (b *books) sold(f record.SalePosted, d record.DispenserRecord, rec fa.Record) {
	id := saleID(f.Sale, place{f.Site, f.Seq})
	s := b.sales.at(id)
	s.day, s.stationDay = b.businessDay(f.Site, rec.Time, d.BusinessDay), d.BusinessDay
	if s.no == 0 {
		b.nSales++
		s.no = b.nSales
		b.entries.sales = append(b.entries.sales, saleRow{s.no, id, f.Site, rec.ASN, s.day})
	}
	zero := rec.Amount == 0 && rec.Volume == 0
	before := s.state
	if before == "" {
		before = ledger.None
	}
	rule := ledger.Lookup(postedAs(rec), before, zero)
	s.state, s.posted, s.rec, s.nozzle, s.port, s.suspect = rule.After, f, rec, d.Nozzle, d.Port, d.Suspect
	s.prices = d.PriceVersion
	s.evidence = with(s.evidence, piece{place{f.Site, f.Seq}, d.Raw})
	s.entries = with(s.entries, f.Entries...)
	b.sales.put(id, s)
	if f.Sale.TTC != 0 {
		ps := b.psams.at(f.Sale.TID)
		ps.ttcs, _ = ps.ttcs.take(uint32(f.Sale.TTC)-1, uint32(f.Sale.TTC))
		b.psams.put(f.Sale.TID, ps)
	}
	if rule.Fuel {
		b.meter(f.Site, d.Nozzle, rec)
	}
	b.onCard(id, f, rec, s.state)
}

func (b *books) meter(site record.SiteID, n record.Nozzle, rec fa.Record) {
	key := nozzleKey{site, n}
	c, _ := b.meters.at(key).take(uint32(rec.Total)-uint32(rec.Volume), uint32(rec.Total))
	b.meters.put(key, c)
}

// onCard notes the sale with its card.
func (b *books) onCard(id string, f record.SalePosted, rec fa.Record, state ledger.State) {
	c, ok := b.cards.get(rec.ASN)
	if !ok || f.TType == int(fa.NoCard) {
		return
	}
	if state == ledger.Cancelled {
		c.cancelled = with(c.cancelled, id)
		b.cards.put(rec.ASN, c)
		return
	}
	key := lockKey{rec.ASN, rec.CTC}
	b.locks.put(key, id)
	if b.parked.has(key) {
		b.parked.put(key, nil)
	}
	c.sales++
	c.ctcs.started = true // from 0
	c.ctcs, _ = c.ctcs.take(uint32(rec.CTC), uint32(rec.CTC)+1)
	if state == ledger.Owed {
		c.owed += f.Amount
	}
	b.cards.put(rec.ASN, c)
}

// settled closes a receivable; on a sale that is closed it adds a witness.
func (b *books) settled(f record.SalePosted, p piece, tac pboc.MAC, how string) {
	id := saleID(f.Sale, place{f.Site, f.Seq})
	s, ok := b.sales.get(id)
	if !ok {
		return
	}
	s.evidence = with(s.evidence, p)
	if s.state == ledger.Owed {
		s.state, s.tac = ledger.Settled, tac
		s.settled = &SettlementView{How: how, TimeMs: f.TimeMs, Site: f.Site, Seq: f.Seq, TAC: tac}
		s.entries = with(s.entries, f.Entries...)
		b.paid(s)
	}
	b.sales.put(id, s)
}

// paid takes a settled sale off its card's debt.
func (b *books) paid(s sale) {
	c := b.cards.at(s.rec.ASN)
	c.owed -= s.posted.Amount
	b.cards.put(s.rec.ASN, c)
}

func (b *books) quarantined(f record.SaleQuarantined) {
	p := place{f.Site, f.Seq}
	fact, ok := b.find(p)
	if !ok {
		return
	}
	n, again := b.held.get(p)
	if !again {
		b.nQuarantine++
		n = b.nQuarantine
		b.held.put(p, n)
		b.kept.put(p, fact)
	}
	b.quarantine.put(n, quarantined{fact: f, raw: rawOf(fact)})
	if d, ok := fact.(record.DispenserRecord); ok && f.Reason == Waiting {
		if rec, err := fa.ParseRecord(d.Raw); err == nil {
			key := lockKey{rec.ASN, rec.CTC}
			b.parked.put(key, with(b.parked.at(key), p))
		}
	}
}

// resolve takes a record out of quarantine that has found its way into the books.
func (b *books) resolve(p place) {
	if n, ok := b.held.get(p); ok {
		if q := b.quarantine.at(n); !q.resolved {
			q.resolved = true
			b.quarantine.put(n, q)
			b.nResolved++
		}
	}
}

func rawOf(f record.Fact) record.Hex {
	switch f := f.(type) {
	case record.DispenserRecord:
		return f.Raw
	case record.RecordConflict:
		return f.Raw
	case record.RecordRefused:
		return f.Raw
	case record.ProofSeen:
		return f.Proof
	}
	return nil
}
