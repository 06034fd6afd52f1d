package center

import (
	"unicode"
	"unicode/utf8"

	"greylock/system/clock"
	"greylock/system/wire/record"
)

const (
	maxName    = 64 // letters of a name, holder or plate: what fits on a screen and a receipt
	limitsSize = 66 // bytes of file 001C that carry meaning. Source: card.md 3.5
)

// outletAsks says whether the site may ask questions about money.
func (c *Core) outletAsks(id record.SiteID) (outcome, bool) {
	s, ok := c.books.sites.get(id)
	switch {
	case !ok:
		return refuseOver(UnknownSite, "%s", id), false
	case s.kind != record.KindOutlet:
		return refuseOver(WrongKind, "%s %s", s.kind, id), false
	}
	return outcome{}, true
}

// askOpen opens an account if it is not there and binds a made card to it; the same question again changes nothing.
func (c *Core) askOpen(now clock.Instant, q record.OpenQuestion) outcome {
	if o, ok := c.outletAsks(q.Outlet); !ok {
		return o
	}
	for _, f := range []struct {
		field, value string
		may          bool // be empty
	}{{"account", q.Account, false}, {"name", q.Name, true}, {"holder", q.Holder, true}, {"plate", q.Plate, true}} {
		if !word(f.value, f.may) {
			return bad(f.field, f.value)
		}
	}
	if len(q.Limits) != 0 && len(q.Limits) != limitsSize {
		return bad("limits", len(q.Limits))
	}
	holder, ok := c.books.cards.get(q.ASN)
	a, opened := c.books.accounts.get(q.Account)
	switch {
	case !ok || holder.state != "made" && holder.state != "issued":
		return refuse(UnknownCard)
	case holder.state == "issued" && holder.account != q.Account:
		return refuse(CardTaken)
	case opened && q.Name != "" && q.Name != a.name:
		return refuse(NameDiffers)
	}
	var facts []record.Fact
	if !opened {
		facts = append(facts, record.AccountOpened{TimeMs: now.Milli(), Account: q.Account, Name: q.Name, Outlet: q.Outlet})
	}
	same := holder.state == "issued" && holder.holder == q.Holder && holder.plate == q.Plate && string(holder.limits) == string(q.Limits)
	if !same {
		facts = append(facts, record.CardIssued{TimeMs: now.Milli(), ASN: q.ASN, Account: q.Account, Holder: q.Holder, Plate: q.Plate,
			Limits: q.Limits, Outlet: q.Outlet})
	}
	return reply(record.OpenAnswer{Account: q.Account, Balance: a.balance}, facts...)
}

// askTopUp takes cash into an account. The receipt number makes it one payment, however often it is asked.
func (c *Core) askTopUp(now clock.Instant, q record.TopUpQuestion) outcome {
	if o, ok := c.outletAsks(q.Outlet); !ok {
		return o
	}
	switch {
	case q.Amount <= 0 || q.Amount > maxPayment:
		return bad("amount_fen", q.Amount)
	case !word(q.Receipt, false):
		return bad("receipt", q.Receipt)
	case !word(q.Tender, false):
		return bad("tender", q.Tender)
	}
	a, ok := c.books.accounts.get(q.Account)
	if !ok {
		return refuse(UnknownAccount)
	}
	if old, ok := c.books.receipts.get(receiptKey(q.Outlet, q.Receipt)); ok {
		if old.Account != q.Account || old.Amount != q.Amount || old.Tender != q.Tender {
			return refuse(ReceiptDiffers)
		}
		return reply(record.TopUpAnswer{Balance: a.balance})
	}
	return reply(record.TopUpAnswer{Balance: a.balance + q.Amount}, record.AccountToppedUp{
		TimeMs: now.Milli(), Account: q.Account, Amount: q.Amount, Tender: q.Tender, Outlet: q.Outlet, Receipt: q.Receipt})
}

// word says whether a text is short, printable and of one line.
func word(s string, mayBeEmpty bool) bool {
	if s == "" {
		return mayBeEmpty
	}
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxName {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}
