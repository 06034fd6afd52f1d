package center

import (
	"greylock/system/clock"
	"greylock/system/vault"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

const (
	maxLoad     unit.Fen = 10_000_000    // 100 000 yuan at once: more is a slip of the finger
	maxPurse    unit.Fen = 0x7FFF_FFFF   // four bytes on the card, with room for its sign
	maxPayment  unit.Fen = 1_000_000_000 // 10 million yuan over the counter: more is a slip of the finger
	maxAttempts          = 64            // INITs of one online number: more is a machine gone wild
)

// direction is that of money between account and card. Both are one transfer in two phases under the card's online number,
// which it counts for both; one card has at most one open. Source: card.md 10; trust.md rows 17, 18, M18.
type direction int

const (
	toCard    direction = iota // load (圈存): the account is debited with the permission, the card is credited by its TAC
	toAccount                  // unload (圈提): nothing moves with the permission, both move by the card's MAC3
)

// codes of the refusals that name the direction.
var codes = map[direction]struct{ open, unknown, done, voided, proof string }{
	toCard:    {LoadOpen, LoadUnknown, AlreadyLoaded, LoadWasVoided, TACWrong},
	toAccount: {UnloadOpen, UnloadUnknown, AlreadyUnloaded, UnloadWasVoided, MAC3Wrong},
}

// askLoad permits a load: the money leaves the account when the first question of an online number comes; the same
// question again, also with a fresh random number of the card, gets its MAC2 and moves nothing.
func (c *Core) askLoad(now clock.Instant, q record.LoadQuestion) outcome {
	return c.askTransfer(now, toCard, q)
}

// askUnload permits an unload; the account gets the money when the card has proven that it paid.
func (c *Core) askUnload(now clock.Instant, q record.UnloadQuestion) outcome {
	return c.askTransfer(now, toAccount, record.LoadQuestion(q))
}

func (c *Core) askTransfer(now clock.Instant, w direction, q record.LoadQuestion) outcome {
	if o, ok := c.outletAsks(q.Outlet); !ok {
		return o
	}
	if o, ok := w.plausible(q); !ok {
		return o
	}
	holder, ok := c.books.cards.get(q.ASN)
	switch {
	case !ok:
		return refuse(UnknownCard)
	case holder.state != "issued":
		return refuse(CardNotIssued)
	}
	if code := c.mac1(w, q); code != "" {
		return refuse(code)
	}
	if c.books.black(q.ASN) {
		return c.listedAtOutlet(now, q.Outlet, q.ASN)
	}
	l, known := c.books.transfers.get(onlineKey{q.ASN, q.OnlineSN})
	switch {
	case known && l.phase == done:
		return refuse(codes[l.way].done)
	case known && l.phase == open && l.way != w:
		return refuseOver(codes[l.way].open, "%d", q.OnlineSN)
	case known && l.phase == open && l.amount != q.Amount:
		return refuseOver(AmountDiffers, "%s", l.amount)
	case known && len(l.attempts) >= maxAttempts:
		return refuse(TooManyTries)
	case known && l.phase == voided && l.used(rand4(q.Rand)):
		return refuse(codes[w].voided) // the permission that was given back, asked late
	case known && l.phase == open:
		return c.transferAgain(now, q, l)
	case holder.open != nil:
		before := c.books.transfers.at(onlineKey{q.ASN, *holder.open})
		return refuseOver(codes[before.way].open, "%d", *holder.open)
	case q.OnlineSN < holder.next:
		return c.sequenceBack(now, q.ASN, refuse(SequenceBack))
	}
	if o, ok := c.covered(now, w, q, holder); !ok {
		return o
	}
	at := civilStamp(now)
	facts := append(c.transferAlarms(now, q, holder), w.authorised(now, q, holder.account, at))
	return c.transferAnswer(w, q, at, facts...)
}

// plausible looks at the numbers of a question alone.
func (w direction) plausible(q record.LoadQuestion) (outcome, bool) {
	most := maxLoad
	if w == toAccount {
		most = q.Balance
	}
	switch {
	case q.Balance < 0 || q.Balance > maxPurse:
		return bad("balance_fen", q.Balance), false
	case q.Amount <= 0 || q.Amount > most:
		return bad("amount_fen", q.Amount), false
	case w == toCard && q.Balance > maxPurse-q.Amount:
		return bad("balance_fen", q.Balance), false
	case len(q.Rand) != 4:
		return bad("rand", q.Rand), false
	}
	return outcome{}, true
}

// covered says whether the money is there: in the account for a load; for an unload on the card, by the books too. A card that
// has more than the books was rolled back or copied, and is paid nothing. Source: trust.md row 10, M10.
func (c *Core) covered(now clock.Instant, w direction, q record.LoadQuestion, holder card) (outcome, bool) {
	switch {
	case w == toCard && c.books.accounts.at(holder.account).balance < q.Amount:
		return refuseOver(InsufficientAccount, "%s", c.books.accounts.at(holder.account).balance), false
	case w == toAccount && q.Balance > c.books.shadow(q.ASN):
		o := refuse(BalanceAboveBooks)
		o.facts = c.transferAlarms(now, q, holder)
		return o, false
	}
	return outcome{}, true
}

// transferAgain answers a question for an online number that was permitted.
func (c *Core) transferAgain(now clock.Instant, q record.LoadQuestion, l transfer) outcome {
	for _, a := range l.attempts {
		if a == (attempt{q.TID, q.Balance, rand4(q.Rand), q.Version, q.Alg, q.Outlet}) {
			return c.transferAnswer(l.way, q, l.time)
		}
	}
	return c.transferAnswer(l.way, q, l.time, l.way.authorised(now, q, l.account, l.time))
}

func (w direction) authorised(now clock.Instant, q record.LoadQuestion, account string, at [7]byte) record.Fact {
	f := record.LoadAuthorised{
		TimeMs: now.Milli(), ASN: q.ASN, Account: account, OnlineSN: q.OnlineSN, Amount: q.Amount, Before: q.Balance, TID: q.TID,
		Version: q.Version, Alg: q.Alg, Rand: q.Rand, MAC1: q.MAC1, Date: at[:4], Time: at[4:], Outlet: q.Outlet,
	}
	if w == toAccount {
		return record.UnloadAuthorised(f)
	}
	return f
}

func (c *Core) transferAnswer(w direction, q record.LoadQuestion, at [7]byte, facts ...record.Fact) outcome {
	data := fuelcard.LoadMAC2Data(q.Amount, fuelcard.TypeLoadED, q.TID, at)
	if w == toAccount {
		data = fuelcard.UnloadMAC2Data(q.Amount, q.TID, at)
	}
	mac2, err := c.sessionMAC(w, c.cardOf(q.ASN, q.Version, q.Alg), rand4(q.Rand), q.OnlineSN, data)
	if err != nil {
		return refuse(KeyUnknown)
	}
	return reply(record.LoadAnswer{Date: at[:4], Time: at[4:], MAC2: mac2}, facts...)
}

func (c *Core) sessionMAC(w direction, k vault.Card, rand [4]byte, sn pboc.OnlineSN, data []byte) (pboc.MAC, error) {
	if w == toAccount {
		return c.cfg.Keys.UnloadMAC(k, rand, sn, data)
	}
	return c.cfg.Keys.LoadMAC(k, rand, sn, data)
}

// mac1 checks that the card itself asks: "" or the code of the refusal.
func (c *Core) mac1(w direction, q record.LoadQuestion) string {
	if len(q.Rand) != 4 {
		return BadValue
	}
	data := fuelcard.LoadMAC1Data(q.Balance, q.Amount, fuelcard.TypeLoadED, q.TID)
	if w == toAccount {
		data = fuelcard.UnloadMAC1Data(q.Balance, q.Amount, q.TID)
	}
	mac1, err := c.sessionMAC(w, c.cardOf(q.ASN, q.Version, q.Alg), rand4(q.Rand), q.OnlineSN, data)
	switch {
	case err != nil:
		return KeyUnknown
	case !mac1.Equal(q.MAC1):
		return MAC1Wrong
	}
	return ""
}

// transferAlarms says what a question shows of the card that people must look at.
func (c *Core) transferAlarms(now clock.Instant, q record.LoadQuestion, holder card) (facts []record.Fact) {
	if q.OnlineSN > holder.next {
		facts = append(facts, raise(now, "online-gap", q.ASN.String(), "卡联机序号有缺口: 有未经中心的联机交易",
			"online numbers missing: an online transaction that the center does not know"))
	}
	if q.Balance > c.books.shadow(q.ASN) {
		facts = append(facts, raise(now, "balance-above-books", q.ASN.String(), "卡余额高于账面: 疑似回滚或复制",
			"the card has more than the books: rolled back or copied"))
	}
	return facts
}

// sequenceBack refuses and writes an alarm: an online number that the card has proven can not come again.
func (c *Core) sequenceBack(now clock.Instant, asn pboc.ASN, o outcome) outcome {
	o.facts = append(o.facts, raise(now, "card-sequence", asn.String(), "卡联机序号倒退: 疑似回滚或复制",
		"the card's online number went back: rolled back or copied"))
	return o
}

func raise(now clock.Instant, kind, subject, zh, en string) record.Alarm {
	return record.Alarm{TimeMs: now.Milli(), Kind: kind, Subject: subject, Zh: zh, En: en}
}

// loadEnd takes the outlet's word of how a load ended, with the card's proof of it.
func (c *Core) loadEnd(now clock.Instant, q record.LoadEndQuestion) outcome {
	return c.transferEnd(now, toCard, q)
}

// unloadEnd takes the outlet's word of how an unload ended, with the card's proof of it.
func (c *Core) unloadEnd(now clock.Instant, q record.UnloadEndQuestion) outcome {
	return c.transferEnd(now, toAccount, record.LoadEndQuestion{Outlet: q.Outlet, ASN: q.ASN, OnlineSN: q.OnlineSN, Loaded: q.Debited,
		TAC: q.MAC3, Absent: q.Absent})
}

func (c *Core) transferEnd(now clock.Instant, w direction, q record.LoadEndQuestion) outcome {
	if o, ok := c.outletAsks(q.Outlet); !ok {
		return o
	}
	if q.Loaded {
		facts, code := c.proven(c.books, w, q.ASN, q.OnlineSN, q.TAC, now.Milli())
		if code != "" {
			return refuse(code)
		}
		return reply(record.Done{OK: true}, facts...)
	}
	l, ok := c.books.transfers.get(onlineKey{q.ASN, q.OnlineSN})
	switch {
	case !ok || l.way != w:
		return refuse(codes[w].unknown)
	case l.phase == done:
		return refuse(codes[w].done)
	case l.phase == voided:
		return reply(record.Done{OK: true})
	case q.Absent == nil:
		return bad("absent", "null")
	}
	return c.absent(now, q, l)
}

// absent ends a transfer that did not happen; a load's money goes back. A fresh INIT FOR LOAD answer of the card, under a
// random number for which no MAC2 was given, shows the old online number; the INIT has ended every session before it.
func (c *Core) absent(now clock.Instant, q record.LoadEndQuestion, l transfer) outcome {
	a := *q.Absent
	switch {
	case a.ASN != q.ASN || a.OnlineSN != q.OnlineSN:
		return bad("absent.online_sn", a.OnlineSN)
	case a.Amount < 0 || a.Amount > maxPurse || a.Balance < 0 || a.Balance > maxPurse:
		return bad("absent.amount_fen", a.Amount)
	}
	if code := c.mac1(toCard, a); code != "" {
		return refuse(code)
	}
	if l.used(rand4(a.Rand)) {
		return refuse(EvidenceOld)
	}
	init := fuelcard.InitForLoadAnswer{Balance: a.Balance, OnlineSN: a.OnlineSN, KeyVersion: a.Version, Alg: a.Alg,
		Rand: rand4(a.Rand), MAC1: a.MAC1}
	return reply(record.Done{OK: true}, l.way.voided(now.Milli(), q.ASN, q.OnlineSN, init.Bytes()))
}

func (w direction) voided(nowMs int64, asn pboc.ASN, sn pboc.OnlineSN, evidence record.Hex) record.Fact {
	f := record.LoadVoided{TimeMs: nowMs, ASN: asn, OnlineSN: sn, Evidence: evidence}
	if w == toAccount {
		return record.UnloadVoided(f)
	}
	return f
}

// used says that MAC2 was given for this random number.
func (l transfer) used(rand [4]byte) bool {
	for _, a := range l.attempts {
		if a.rand == rand {
			return true
		}
	}
	return false
}

// proven posts a transfer whose code, the TAC of a load or the MAC3 of an unload, verifies for one of its permissions; one
// that is posted by the same code is no news. The code returned is that of a refusal, "" where the transfer is proven.
func (c *Core) proven(b *books, w direction, asn pboc.ASN, sn pboc.OnlineSN, code pboc.MAC, nowMs int64) ([]record.Fact, string) {
	l, ok := b.transfers.get(onlineKey{asn, sn})
	switch {
	case !ok || l.way != w:
		return nil, codes[w].unknown
	case l.phase == done && l.code.Equal(code):
		return nil, ""
	case l.phase == done:
		return nil, codes[w].proof
	}
	for i := len(l.attempts) - 1; i >= 0; i-- {
		if want, err := c.codeOf(b, asn, sn, l, l.attempts[i]); err == nil && want.Equal(code) {
			return posted(asn, sn, code, l, nowMs), ""
		}
	}
	return nil, codes[w].proof
}

// codeOf is what the card answers if the transfer was made with this permission.
func (c *Core) codeOf(b *books, asn pboc.ASN, sn pboc.OnlineSN, l transfer, a attempt) (pboc.MAC, error) {
	k := c.issuerOf(b, asn, a.version, a.alg)
	if l.way == toAccount {
		return c.cfg.Keys.UnloadMAC(k, a.rand, sn, fuelcard.UnloadMAC3Data(a.before-l.amount, sn, l.amount, a.tid, l.time))
	}
	return c.cfg.Keys.TAC(k, fuelcard.LoadTACData(a.before+l.amount, sn, l.amount, fuelcard.TypeLoadED, a.tid, l.time))
}

// posted is the end of a transfer. One that was voided on false evidence is proven all the same: people must look.
func posted(asn pboc.ASN, sn pboc.OnlineSN, code pboc.MAC, l transfer, nowMs int64) []record.Fact {
	switch {
	case l.phase == voided && l.way == toAccount:
		return []record.Fact{record.Alarm{TimeMs: nowMs, Kind: "unload-after-void", Subject: asn.String(),
			Zh: "已撤销的圈提又被卡证明完成: 金额 " + l.amount.String(), En: "a voided unload was proven by the card: " + l.amount.String()}}
	case l.phase == voided:
		return []record.Fact{record.Alarm{TimeMs: nowMs, Kind: "load-after-void", Subject: asn.String(),
			Zh: "已撤销的圈存又被卡证明完成: 金额 " + l.amount.String(), En: "a voided load was proven by the card: " + l.amount.String()}}
	case l.way == toAccount:
		return []record.Fact{record.UnloadPosted{TimeMs: nowMs, ASN: asn, OnlineSN: sn, MAC3: code}}
	}
	return []record.Fact{record.LoadPosted{TimeMs: nowMs, ASN: asn, OnlineSN: sn, TAC: code}}
}

// askCard tells a desk which transfer of a card is open, so that any desk can settle it from the card.
func (c *Core) askCard(_ clock.Instant, q record.CardQuestion) outcome {
	if o, ok := c.outletAsks(q.Outlet); !ok {
		return o
	}
	holder, ok := c.books.cards.get(q.ASN)
	switch {
	case !ok:
		return refuse(UnknownCard)
	case holder.open == nil:
		return reply(record.CardAnswer{})
	}
	l := c.books.transfers.at(onlineKey{q.ASN, *holder.open})
	return reply(record.CardAnswer{Open: &record.OpenTransfer{Unload: l.way == toAccount, OnlineSN: *holder.open, Amount: l.amount}})
}

func (c *Core) cardOf(asn pboc.ASN, version, alg byte) vault.Card {
	return c.issuerOf(c.books, asn, version, alg)
}

func (c *Core) issuerOf(b *books, asn pboc.ASN, version, alg byte) vault.Card {
	return vault.Card{ASN: asn, Issuer: b.cards.at(asn).issuer, Alg: alg, Version: version}
}

// civilStamp is the date and time that the center chooses for a card: civil, to the second.
func civilStamp(now clock.Instant) [7]byte { return now.Civil().Stamp() }
