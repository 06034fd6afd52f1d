package center

import (
	"greylock/system/clock"
	"greylock/system/ledger"
	"greylock/system/wire/record"
)

// mostWhy is how many of a card's sales are looked through for one that is owed.
const mostWhy = 100

// askWhy tells a station what the books know of a card that its holder can not use.
func (c *Core) askWhy(_ clock.Instant, q record.WhyQuestion) outcome {
	if s, ok := c.books.sites.get(q.Site); !ok || s.kind != record.KindStation {
		return refuse(UnknownSite)
	}
	k, ok := c.books.cards.get(q.ASN)
	if !ok {
		return reply(record.WhyAnswer{State: "unknown"})
	}
	a := record.WhyAnswer{State: "nothing", Blocked: string(k.blocked)}
	n := 0
	c.shown.salesBelow(AskSales{ASN: &q.ASN}, func(row saleRow) bool {
		s := c.books.sales.at(row.ID)
		owed := s.state == ledger.Owed
		if n++; n > 1 && !owed || s.state == ledger.Cancelled {
			return n < mostWhy
		}
		a.State = "paid"
		if owed {
			a.State = "owed"
		}
		f := s.posted
		a.Site, a.SiteName, a.Nozzle, a.Time = f.Site, c.books.sites.at(f.Site).name, s.nozzle, s.rec.Time.String()
		a.Product, a.Quantity, a.Amount = c.books.products.at(f.Product).Name, f.Quantity, f.Amount
		if s.settled != nil {
			a.Settled = s.settled.How
		}
		return !owed && n < mostWhy
	})
	return reply(a)
}
