package world

import (
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// purseMove is one load or unload by the card's own count.
type purseMove struct {
	asn pboc.ASN
	sn  pboc.OnlineSN
}

// accountTruth is the money at the center's doors: what was paid in, what its facts took out and gave back.
type accountTruth struct {
	account map[string]unit.Fen
	names   []string                            // in order of first sight
	asked   map[purseMove]record.LoadAuthorised // under way
}

func newAccountTruth() accountTruth {
	return accountTruth{account: map[string]unit.Fen{}, asked: map[purseMove]record.LoadAuthorised{}}
}

func (a *accountTruth) pay(name string, amount unit.Fen) {
	if _, seen := a.account[name]; !seen {
		a.names = append(a.names, name)
	}
	a.account[name] += amount
}

// money follows the center's facts about accounts: a load is posted, and an account paid for an unload, only where the card
// has committed it; one that is voided was never committed. Source: trust.md M18.
func (c *checks) money(f record.Fact) {
	a := &c.accounts
	switch f := f.(type) {
	case record.AccountToppedUp:
		a.pay(f.Account, f.Amount)
	case record.LoadAuthorised:
		key := purseMove{f.ASN, f.OnlineSN}
		if _, again := a.asked[key]; !again {
			a.pay(f.Account, -f.Amount)
		}
		a.asked[key] = f
	case record.UnloadAuthorised:
		a.asked[purseMove{f.ASN, f.OnlineSN}] = record.LoadAuthorised(f)
	case record.LoadPosted:
		c.ended(purseMove{f.ASN, f.OnlineSN}, 1)
	case record.UnloadPosted:
		if q := c.ended(purseMove{f.ASN, f.OnlineSN}, -1); q.Amount != 0 {
			a.pay(q.Account, q.Amount)
		}
	case record.LoadVoided:
		if q := c.ended(purseMove{f.ASN, f.OnlineSN}, 0); q.Amount != 0 {
			a.pay(q.Account, q.Amount)
		}
	case record.UnloadVoided:
		c.ended(purseMove{f.ASN, f.OnlineSN}, 0)
	}
}

// ended compares the end of a transfer with what the card has committed: sign times the amount.
func (c *checks) ended(key purseMove, sign unit.Fen) record.LoadAuthorised {
	q := c.accounts.asked[key]
	delete(c.accounts.asked, key)
	c.hold(inv18, c.truth.moves[key] == sign*q.Amount, "card %s, online number %d: the center ends it with %+d times %v, the card has committed %v",
		key.asn, key.sn, int(sign), q.Amount, c.truth.moves[key])
	return q
}

// balances: every account of the center holds what went through its doors, and is not below zero.
func (c *checks) balances(w *World) {
	for _, name := range c.accounts.names {
		shown, err := w.Account(name)
		want := c.accounts.account[name]
		c.hold(inv18, err == nil && shown == want && want >= 0, "account %s: shows %v, its own movements make %v: %v", name, shown, want, err)
	}
}
