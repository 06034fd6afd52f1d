package center

import (
	"bytes"

	"greylock/system/clock"
	"greylock/system/ledger"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

const (
	pageDefault = 100
	pageMost    = 500
)

func (c *Core) status(clock.Instant, nothing) outcome {
	sum := unit.Fen(0)
	for _, a := range sorted(&c.books.ledger) {
		sum += c.books.ledger.at(a)
	}
	return reply(Status{
		Site: c.cfg.Site, Name: c.cfg.Name, Realm: c.cfg.Realm, Sites: len(c.books.sites.own), Cards: len(c.books.cards.own),
		Sales: c.books.nSales, Quarantine: c.books.nQuarantine - c.books.nResolved, Alarms: c.shown.alarms.OpenCases(), Balanced: sum == 0,
	})
}

func (c *Core) listSites(clock.Instant, nothing) outcome {
	a := Sites{Sites: []SiteView{}}
	for _, id := range sorted(&c.books.sites) {
		s := c.books.sites.at(id)
		mark := c.intake.Mark(id)
		a.Sites = append(a.Sites, SiteView{id, s.kind, s.name, mark.Seq, mark.Head})
	}
	return reply(a)
}

func (c *Core) listProducts(clock.Instant, nothing) outcome {
	a := Products{Products: []ProductView{}}
	for _, code := range sorted(&c.books.products) {
		a.Products = append(a.Products, c.books.products.at(code))
	}
	return reply(a)
}

func (c *Core) showLayout(_ clock.Instant, q AskSite) outcome {
	if o, ok := c.station(q.Site); !ok {
		return o
	}
	o := c.books.orders.at(orderKey{q.Site, record.TopicLayout})
	v := LayoutView{Site: q.Site, Version: o.version, Applied: o.applied}
	if list := c.books.layouts.at(q.Site); len(list) > 0 {
		v.Layout = list[len(list)-1].layout
	}
	return reply(v)
}

func (c *Core) showPrices(_ clock.Instant, q AskSite) outcome {
	if o, ok := c.station(q.Site); !ok {
		return o
	}
	o := c.books.orders.at(orderKey{q.Site, record.TopicPrices})
	return reply(PricesView{q.Site, o.version, o.applied, o.prices})
}

func (c *Core) listVersions(clock.Instant, nothing) outcome {
	a := Versions{Versions: []VersionView{}, Current: true}
	for _, id := range sorted(&c.books.sites) {
		for _, topic := range topics {
			if o, ok := c.books.orders.get(orderKey{id, topic}); ok {
				a.Versions = append(a.Versions, VersionView{id, topic, o.version, o.applied})
				a.Current = a.Current && o.version == o.applied
			}
		}
	}
	return reply(a)
}

func (c *Core) listCards(clock.Instant, nothing) outcome {
	a := Cards{Cards: []CardView{}}
	for _, asn := range sortedBy(&c.books.cards, compareASN) {
		a.Cards = append(a.Cards, c.cardView(asn))
	}
	return reply(a)
}

func compareASN(a, b pboc.ASN) int { return bytes.Compare(a[:], b[:]) }

func (c *Core) showCard(_ clock.Instant, q AskCard) outcome {
	if !c.books.cards.has(q.ASN) {
		return refuse(UnknownCard)
	}
	return reply(c.cardView(q.ASN))
}

func (c *Core) cardView(asn pboc.ASN) CardView {
	k := c.books.cards.at(asn)
	v := CardView{ASN: asn, Issuer: k.issuer, State: k.state, Account: k.account, Holder: k.holder, Plate: k.plate, Limits: k.limits, Vessel: k.vessel, Blocked: string(k.blocked),
		ValidFrom: k.validFrom, ValidTo: k.validTo, Shadow: c.books.shadow(asn), Owed: k.owed, Sales: k.sales, Missing: spans(k.ctcs, 0)}
	if k.sales > 0 {
		ctc := pboc.CTC(k.ctcs.at - 1)
		v.CTC = &ctc
	}
	if k.open != nil {
		switch l := c.books.transfers.at(onlineKey{asn, *k.open}); l.way {
		case toCard:
			v.Pending = l.amount
		case toAccount:
			v.Unloading = l.amount
		}
	}
	return v
}

// spans lists the numbers that are missing in a chain whose first number is first.
func spans(c chain, first uint32) []Span {
	list := []Span{}
	for _, g := range c.gaps {
		list = append(list, Span{g.from + first, g.to + first - 1})
	}
	return list
}

func (c *Core) listPSAMs(clock.Instant, nothing) outcome {
	a := PSAMs{PSAMs: []PSAMView{}}
	for _, tid := range sortedBy(&c.books.psams, func(a, b pboc.TID) int { return bytes.Compare(a[:], b[:]) }) {
		p := c.books.psams.at(tid)
		v := PSAMView{TID: tid, Number: p.number, High: pboc.PSAMTTC(p.ttcs.at), Missing: spans(p.ttcs, 1)}
		v.Site, v.Port = c.standsAt(tid)
		a.PSAMs = append(a.PSAMs, v)
	}
	return reply(a)
}

func (c *Core) listAccounts(clock.Instant, nothing) outcome {
	a := Accounts{Accounts: []AccountView{}}
	for _, name := range sorted(&c.books.accounts) {
		a.Accounts = append(a.Accounts, c.accountView(name))
	}
	return reply(a)
}

func (c *Core) accountView(name string) AccountView {
	a := c.books.accounts.at(name)
	return AccountView{name, a.name, a.balance, a.pending, append([]pboc.ASN{}, a.cards...)}
}

func (c *Core) showAccount(_ clock.Instant, q AskAccount) outcome {
	if !c.books.accounts.has(q.Account) {
		return refuse(UnknownAccount)
	}
	return reply(Statement{AccountView: c.accountView(q.Account), Lines: c.shown.statement(q.Account)})
}

func (c *Core) listSales(_ clock.Instant, q AskSales) outcome {
	switch {
	case q.Limit < 0 || q.Limit > pageMost:
		return bad("limit", q.Limit)
	case q.Before < 0:
		return bad("before", q.Before)
	case q.Limit == 0:
		q.Limit = pageDefault
	}
	a := Sales{Sales: []SaleView{}, Total: c.books.nSales}
	c.shown.salesBelow(q, func(row saleRow) bool {
		if len(a.Sales) == q.Limit {
			a.Next = row.No + 1
			return false
		}
		a.Sales = append(a.Sales, c.saleView(row.ID, c.books.sales.at(row.ID)))
		return true
	})
	return reply(a)
}

func (c *Core) saleView(id string, s sale) SaleView {
	f := s.posted
	return SaleView{
		ID: id, No: s.no, Sale: f.Sale, State: string(s.state), TType: f.TType, Mode: mode(s.rec), Time: s.rec.Time.String(), PostedMs: f.TimeMs,
		Site: f.Site, Seq: f.Seq, Nozzle: s.nozzle, ASN: f.ASN, CTC: f.CTC, Product: f.Product,
		ProductName: c.books.products.at(f.Product).Name, Price: f.Price, Quantity: f.Quantity, Unit: f.Unit, Amount: f.Amount,
		Balance: s.rec.Balance, Total: s.rec.Total, Prices: s.prices, TAC: s.rec.TAC, Entries: append([]record.Entry{}, s.entries...), Settled: s.settled, Suspect: s.suspect,
		BusinessDay: s.day, StationDay: s.stationDay,
	}
}

func (c *Core) listQuarantine(clock.Instant, nothing) outcome {
	a := Quarantine{Quarantine: []QuarantineView{}}
	for n := 1; n <= c.books.nQuarantine; n++ {
		q := c.books.quarantine.at(n)
		if q.resolved {
			continue
		}
		zh, en := ReasonWords(q.fact.Reason)
		a.Quarantine = append(a.Quarantine, QuarantineView{q.fact.TimeMs, q.fact.Site, q.fact.Seq, q.fact.Sale, q.fact.Reason, zh, en, q.raw})
	}
	return reply(a)
}

func (c *Core) trialBalance(clock.Instant, nothing) outcome {
	t := TrialBalance{Classes: []BalanceLine{}, Accounts: []BalanceLine{}}
	for _, name := range sorted(&c.books.ledger) {
		l := BalanceLine{name, c.books.ledger.at(name)}
		t.Accounts = append(t.Accounts, l)
		t.Sum += l.Balance
		class := ledger.Class(name)
		i := indexOf(t.Classes, class)
		if i < 0 {
			t.Classes = append(t.Classes, BalanceLine{Account: class})
			i = len(t.Classes) - 1
		}
		t.Classes[i].Balance += l.Balance
	}
	return reply(t)
}

func indexOf(list []BalanceLine, class string) int {
	for i := range list {
		if list[i].Account == class {
			return i
		}
	}
	return -1
}
