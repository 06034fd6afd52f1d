package center

import (
	"slices"

	"greylock/system/ledger"
	"greylock/system/wire/pboc"
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

// transferAuthorised notes a permission; the money of a load leaves the account once per online number, a further attempt
// only adds itself.
func (b *books) transferAuthorised(w direction, f record.LoadAuthorised) {
	key := onlineKey{f.ASN, f.OnlineSN}
	at := attempt{f.TID, f.Before, rand4(f.Rand), f.Version, f.Alg, f.Outlet}
	l, ok := b.transfers.get(key)
	if ok && l.phase == open {
		l.attempts = with(l.attempts, at)
		b.transfers.put(key, l)
		return
	}
	// Random numbers of voided permissions stay: their INIT answers prove nothing any more.
	l.way, l.phase, l.account, l.amount, l.time = w, open, f.Account, f.Amount, stamp(f.Date, f.Time)
	l.attempts = with(l.attempts, at)
	b.transfers.put(key, l)
	c := b.cards.at(f.ASN)
	sn := f.OnlineSN
	c.open = &sn
	b.cards.put(f.ASN, c)
	if w == toAccount {
		return
	}
	b.enter(ledger.LoadAuthorised(f.Account, f.Amount))
	a := b.accounts.at(f.Account)
	a.balance -= f.Amount
	a.pending += f.Amount
	asn := f.ASN
	b.move(f.Account, a, StatementLine{TimeMs: f.TimeMs, Kind: "load", Amount: -f.Amount, ASN: &asn})
}

// transferPosted ends a transfer that the card has proven.
func (b *books) transferPosted(timeMs int64, asn pboc.ASN, sn pboc.OnlineSN, code pboc.MAC) {
	key := onlineKey{asn, sn}
	l, ok := b.transfers.get(key)
	if !ok || l.phase != open {
		return
	}
	l.phase, l.code = done, code
	b.transfers.put(key, l)
	c := b.cards.at(asn)
	c.open, c.next = nil, sn+1
	b.cards.put(asn, c)
	a := b.accounts.at(l.account)
	if l.way == toAccount {
		b.enter(ledger.UnloadPosted(asn, l.account, l.amount))
		a.balance += l.amount
		b.move(l.account, a, StatementLine{TimeMs: timeMs, Kind: "unload", Amount: l.amount, ASN: &asn})
		return
	}
	b.enter(ledger.LoadPosted(asn, l.amount))
	a.pending -= l.amount
	b.accounts.put(l.account, a)
}

// transferVoided ends a transfer that did not happen.
func (b *books) transferVoided(f record.LoadVoided) {
	key := onlineKey{f.ASN, f.OnlineSN}
	l, ok := b.transfers.get(key)
	if !ok || l.phase != open {
		return
	}
	l.phase = voided
	b.transfers.put(key, l)
	c := b.cards.at(f.ASN)
	c.open = nil
	b.cards.put(f.ASN, c)
	if l.way == toAccount {
		return
	}
	b.enter(ledger.LoadVoided(l.account, l.amount))
	a := b.accounts.at(l.account)
	a.balance += l.amount
	a.pending -= l.amount
	asn := f.ASN
	b.move(l.account, a, StatementLine{TimeMs: f.TimeMs, Kind: "load-voided", Amount: l.amount, ASN: &asn})
}

func (b *books) unlockAuthorised(f record.UnlockAuthorised) {
	key := onlineKey{f.ASN, f.OnlineSN}
	u, ok := b.unlocks.get(key)
	if !ok || u.phase == open && (u.ctc != f.CTC || u.forced != nil && f.Forced == nil) {
		u = unlock{sale: saleID(f.Sale, place{}), of: f.Sale, ctc: f.CTC, amount: f.Amount, time: stamp(f.Date, f.Time), forced: f.Forced}
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
	if u.forced != nil {
		b.forced.put(u.sale, true) // what a record may say later stays owed
		return
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
