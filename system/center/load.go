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

// askLoad permits a load: the money leaves the account when the first question of an online number comes; the same
// question again, also with a fresh random number of the card, gets its MAC2 and moves nothing.
// Source: card.md 10, trust.md rows 17, 18.
func (c *Core) askLoad(now clock.Instant, q record.LoadQuestion) outcome {
	if o, ok := c.outletAsks(q.Outlet); !ok {
		return o
	}
	switch {
	case q.Amount <= 0 || q.Amount > maxLoad:
		return bad("amount_fen", q.Amount)
	case q.Balance < 0 || q.Balance > maxPurse-q.Amount:
		return bad("balance_fen", q.Balance)
	case len(q.Rand) != 4:
		return bad("rand", q.Rand)
	}
	holder, ok := c.books.cards.get(q.ASN)
	switch {
	case !ok:
		return refuse(UnknownCard)
	case holder.state != "issued":
		return refuse(CardNotIssued)
	}
	if code := c.loadMAC1(q); code != "" {
		return refuse(code)
	}
	l, known := c.books.loads.get(onlineKey{q.ASN, q.OnlineSN})
	switch {
	case known && l.phase == done:
		return refuse(AlreadyLoaded)
	case known && l.phase == open && l.amount != q.Amount:
		return refuseOver(AmountDiffers, "%s", l.amount)
	case known && len(l.attempts) >= maxAttempts:
		return refuse(TooManyTries)
	case known && l.phase == voided && l.used(rand4(q.Rand)):
		return refuse(LoadWasVoided) // the permission that was given back, asked late
	case known && l.phase == open:
		return c.loadAgain(now, q, l)
	case holder.open != nil:
		return refuseOver(LoadOpen, "%d", *holder.open)
	case q.OnlineSN < holder.next:
		return c.sequenceBack(now, q.ASN, refuse(SequenceBack))
	case c.books.accounts.at(holder.account).balance < q.Amount:
		return refuseOver(InsufficientAccount, "%s", c.books.accounts.at(holder.account).balance)
	}
	at := civilStamp(now)
	facts := append(c.loadAlarms(now, q, holder), authorised(now, q, holder.account, at))
	return c.loadAnswer(q, at, facts...)
}

// loadAgain answers a question for an online number that has its money.
func (c *Core) loadAgain(now clock.Instant, q record.LoadQuestion, l load) outcome {
	for _, a := range l.attempts {
		if a == (attempt{q.TID, q.Balance, rand4(q.Rand), q.Version, q.Alg, q.Outlet}) {
			return c.loadAnswer(q, l.time)
		}
	}
	return c.loadAnswer(q, l.time, authorised(now, q, l.account, l.time))
}

func authorised(now clock.Instant, q record.LoadQuestion, account string, at [7]byte) record.LoadAuthorised {
	return record.LoadAuthorised{
		TimeMs: now.Milli(), ASN: q.ASN, Account: account, OnlineSN: q.OnlineSN, Amount: q.Amount, Before: q.Balance, TID: q.TID,
		Version: q.Version, Alg: q.Alg, Rand: q.Rand, MAC1: q.MAC1, Date: at[:4], Time: at[4:], Outlet: q.Outlet,
	}
}

func (c *Core) loadAnswer(q record.LoadQuestion, at [7]byte, facts ...record.Fact) outcome {
	mac2, err := c.cfg.Keys.LoadMAC(c.cardOf(q.ASN, q.Version, q.Alg), rand4(q.Rand), q.OnlineSN,
		fuelcard.LoadMAC2Data(q.Amount, fuelcard.TypeLoadED, q.TID, at))
	if err != nil {
		return refuse(KeyUnknown)
	}
	return reply(record.LoadAnswer{Date: at[:4], Time: at[4:], MAC2: mac2}, facts...)
}

// loadMAC1 checks that the card itself asks: "" or the code of the refusal.
func (c *Core) loadMAC1(q record.LoadQuestion) string {
	if len(q.Rand) != 4 {
		return BadValue
	}
	mac1, err := c.cfg.Keys.LoadMAC(c.cardOf(q.ASN, q.Version, q.Alg), rand4(q.Rand), q.OnlineSN,
		fuelcard.LoadMAC1Data(q.Balance, q.Amount, fuelcard.TypeLoadED, q.TID))
	switch {
	case err != nil:
		return KeyUnknown
	case !mac1.Equal(q.MAC1):
		return MAC1Wrong
	}
	return ""
}

// loadAlarms says what a permitted load shows of the card that people must look at.
func (c *Core) loadAlarms(now clock.Instant, q record.LoadQuestion, holder card) (facts []record.Fact) {
	if q.OnlineSN > holder.next {
		facts = append(facts, alarm(now, "online-gap", q.ASN.String(), "卡联机序号有缺口: 有未经中心的联机交易",
			"online numbers missing: an online transaction that the center does not know"))
	}
	if q.Balance > c.books.shadow(q.ASN) {
		facts = append(facts, alarm(now, "balance-above-books", q.ASN.String(), "卡余额高于账面: 疑似回滚或复制",
			"the card has more than the books: rolled back or copied"))
	}
	return facts
}

// sequenceBack refuses and writes an alarm: an online number that the card has proven can not come again.
func (c *Core) sequenceBack(now clock.Instant, asn pboc.ASN, o outcome) outcome {
	o.facts = append(o.facts, alarm(now, "card-sequence", asn.String(), "卡联机序号倒退: 疑似回滚或复制",
		"the card's online number went back: rolled back or copied"))
	return o
}

func alarm(now clock.Instant, kind, subject, zh, en string) record.Alarm {
	return record.Alarm{TimeMs: now.Milli(), Kind: kind, Subject: subject, Zh: zh, En: en}
}

// loadEnd takes the outlet's word of how a load ended, with the card's proof of it.
func (c *Core) loadEnd(now clock.Instant, q record.LoadEndQuestion) outcome {
	if o, ok := c.outletAsks(q.Outlet); !ok {
		return o
	}
	if q.Loaded {
		facts, code := c.loadProven(&c.books, q.ASN, q.OnlineSN, q.TAC, now.Milli())
		if code != "" {
			return refuse(code)
		}
		return reply(record.Done{OK: true}, facts...)
	}
	l, ok := c.books.loads.get(onlineKey{q.ASN, q.OnlineSN})
	switch {
	case !ok:
		return refuse(LoadUnknown)
	case l.phase == done:
		return refuse(AlreadyLoaded)
	case l.phase == voided:
		return reply(record.Done{OK: true})
	case q.Absent == nil:
		return bad("absent", "null")
	}
	return c.loadAbsent(now, q, l)
}

// loadAbsent gives the money back: a fresh INIT answer of the card, under a random number for which no MAC2 was given, shows
// the old online number; the INIT has ended every session before it.
func (c *Core) loadAbsent(now clock.Instant, q record.LoadEndQuestion, l load) outcome {
	a := *q.Absent
	switch {
	case a.ASN != q.ASN || a.OnlineSN != q.OnlineSN:
		return bad("absent.online_sn", a.OnlineSN)
	case a.Amount < 0 || a.Amount > maxPurse || a.Balance < 0 || a.Balance > maxPurse:
		return bad("absent.amount_fen", a.Amount)
	}
	if code := c.loadMAC1(a); code != "" {
		return refuse(code)
	}
	if l.used(rand4(a.Rand)) {
		return refuse(EvidenceOld)
	}
	init := fuelcard.InitForLoadAnswer{Balance: a.Balance, OnlineSN: a.OnlineSN, KeyVersion: a.Version, Alg: a.Alg,
		Rand: rand4(a.Rand), MAC1: a.MAC1}
	return reply(record.Done{OK: true},
		record.LoadVoided{TimeMs: now.Milli(), ASN: q.ASN, OnlineSN: q.OnlineSN, Evidence: init.Bytes()})
}

// used says that MAC2 was given for this random number.
func (l load) used(rand [4]byte) bool {
	for _, a := range l.attempts {
		if a.rand == rand {
			return true
		}
	}
	return false
}

// loadProven posts a load whose TAC verifies for one of its permissions; a load that is posted by the same TAC is no news.
// The code is that of a refusal, "" where the load is proven.
func (c *Core) loadProven(b *books, asn pboc.ASN, sn pboc.OnlineSN, tac pboc.MAC, nowMs int64) ([]record.Fact, string) {
	l, ok := b.loads.get(onlineKey{asn, sn})
	switch {
	case !ok:
		return nil, LoadUnknown
	case l.phase == done && l.tac.Equal(tac):
		return nil, ""
	case l.phase == done:
		return nil, TACWrong
	}
	for i := len(l.attempts) - 1; i >= 0; i-- {
		a := l.attempts[i]
		want, err := c.cfg.Keys.TAC(c.issuerOf(b, asn, a.version, a.alg),
			fuelcard.LoadTACData(a.before+l.amount, sn, l.amount, fuelcard.TypeLoadED, a.tid, l.time))
		if err == nil && want.Equal(tac) {
			return posted(asn, sn, tac, l, nowMs), ""
		}
	}
	return nil, TACWrong
}

// posted is the end of a load. A load that was voided on false evidence is proven all the same: people must look.
func posted(asn pboc.ASN, sn pboc.OnlineSN, tac pboc.MAC, l load, nowMs int64) []record.Fact {
	if l.phase == voided {
		return []record.Fact{record.Alarm{TimeMs: nowMs, Kind: "load-after-void", Subject: asn.String(),
			Zh: "已撤销的圈存又被卡证明完成: 金额 " + l.amount.String(), En: "a voided load was proven by the card: " + l.amount.String()}}
	}
	return []record.Fact{record.LoadPosted{TimeMs: nowMs, ASN: asn, OnlineSN: sn, TAC: tac}}
}

func (c *Core) cardOf(asn pboc.ASN, version, alg byte) vault.Card {
	return c.issuerOf(&c.books, asn, version, alg)
}

func (c *Core) issuerOf(b *books, asn pboc.ASN, version, alg byte) vault.Card {
	return vault.Card{ASN: asn, Issuer: b.cards.at(asn).issuer, Alg: alg, Version: version}
}

// civilStamp is the date and time that the center chooses for a card: civil, to the second.
func civilStamp(now clock.Instant) [7]byte { return now.Civil().Stamp() }
