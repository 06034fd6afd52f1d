package center

import (
	"slices"

	"greylock/system/ledger"
	"greylock/system/wire/record"
)

// issued binds a card to its account; once bound it stays.
func (b *books) issued(f record.CardIssued) {
	c, ok := b.cards.get(f.ASN)
	if !ok {
		return
	}
	c.state, c.account, c.holder, c.plate, c.limits = "issued", f.Account, f.Holder, f.Plate, f.Limits
	b.cards.put(f.ASN, c)
	if a := b.accounts.at(f.Account); !slices.Contains(a.cards, f.ASN) {
		a.cards = with(a.cards, f.ASN)
		b.accounts.put(f.Account, a)
	}
}

// loadAuthorised takes the money of a load once per online number; a further attempt only adds itself.
func (b *books) loadAuthorised(f record.LoadAuthorised) {
	key := onlineKey{f.ASN, f.OnlineSN}
	at := attempt{f.TID, f.Before, rand4(f.Rand), f.Version, f.Alg, f.Outlet}
	l, ok := b.loads.get(key)
	if ok && l.phase == open {
		l.attempts = with(l.attempts, at)
		b.loads.put(key, l)
		return
	}
	// Random numbers of voided permissions stay: their INIT answers prove nothing any more.
	l.phase, l.account, l.amount, l.time = open, f.Account, f.Amount, stamp(f.Date, f.Time)
	l.attempts = with(l.attempts, at)
	b.loads.put(key, l)
	c := b.cards.at(f.ASN)
	sn := f.OnlineSN
	c.open = &sn
	b.cards.put(f.ASN, c)
	b.enter(ledger.LoadAuthorised(f.Account, f.Amount))
	a := b.accounts.at(f.Account)
	a.balance -= f.Amount
	a.pending += f.Amount
	asn := f.ASN
	b.move(f.Account, a, StatementLine{TimeMs: f.TimeMs, Kind: "load", Amount: -f.Amount, ASN: &asn})
}

func (b *books) loadPosted(f record.LoadPosted) {
	key := onlineKey{f.ASN, f.OnlineSN}
	l, ok := b.loads.get(key)
	if !ok || l.phase != open {
		return
	}
	l.phase, l.tac = done, f.TAC
	b.loads.put(key, l)
	b.enter(ledger.LoadPosted(f.ASN, l.amount))
	a := b.accounts.at(l.account)
	a.pending -= l.amount
	b.accounts.put(l.account, a)
	c := b.cards.at(f.ASN)
	c.open, c.next = nil, f.OnlineSN+1
	b.cards.put(f.ASN, c)
}

func (b *books) loadVoided(f record.LoadVoided) {
	key := onlineKey{f.ASN, f.OnlineSN}
	l, ok := b.loads.get(key)
	if !ok || l.phase != open {
		return
	}
	l.phase = voided
	b.loads.put(key, l)
	b.enter(ledger.LoadVoided(l.account, l.amount))
	c := b.cards.at(f.ASN)
	c.open = nil
	b.cards.put(f.ASN, c)
	a := b.accounts.at(l.account)
	a.balance += l.amount
	a.pending -= l.amount
	asn := f.ASN
	b.move(l.account, a, StatementLine{TimeMs: f.TimeMs, Kind: "load-voided", Amount: l.amount, ASN: &asn})
}

func (b *books) unlockAuthorised(f record.UnlockAuthorised) {
	key := onlineKey{f.ASN, f.OnlineSN}
	u, ok := b.unlocks.get(key)
	if !ok || u.phase == open && u.ctc != f.CTC {
		u = unlock{sale: saleID(f.Sale, place{}), ctc: f.CTC, amount: f.Amount, time: stamp(f.Date, f.Time)}
	}
	u.attempts = with(u.attempts, attempt{f.TID, f.Before, rand4(f.Rand), f.Version, f.Alg, f.Outlet})
	b.unlocks.put(key, u)
}

func (b *books) unlockPosted(f record.UnlockPosted) {
	key := onlineKey{f.ASN, f.OnlineSN}
	u, ok := b.unlocks.get(key)
	if !ok || u.phase != open {
		return
	}
	u.phase, u.mac3 = done, f.MAC3
	b.unlocks.put(key, u)
	if c := b.cards.at(f.ASN); f.OnlineSN >= c.next {
		c.next = f.OnlineSN + 1
		b.cards.put(f.ASN, c)
	}
	s, ok := b.sales.get(u.sale)
	if !ok || s.state != ledger.Owed {
		return
	}
	entries := ledger.Unlocked(f.ASN, u.amount)
	b.enter(entries)
	s.state = ledger.Settled
	s.settled = &SettlementView{How: "online-unlock", TimeMs: f.TimeMs, TAC: f.MAC3}
	s.entries = with(s.entries, entries...)
	b.sales.put(u.sale, s)
	b.paid(s)
}

func rand4(h record.Hex) (r [4]byte) {
	if len(h) == 4 {
		copy(r[:], h)
	}
	return r
}

func receiptKey(outlet record.SiteID, receipt string) string { return string(outlet) + "/" + receipt }
