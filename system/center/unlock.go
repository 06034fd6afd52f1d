package center

import (
	"slices"
	"strings"
	"time"

	"greylock/system/clock"
	"greylock/system/ledger"
	"greylock/system/wire/fa"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// askUnlock permits an online unlock. The amount is never the outlet's: it is that of the record that proves this very lock
// by card, CTC, PSAM and GTAC; without a record there is no unlock, and 0 only where the record says 0 or the board has
// reported the lock's TTC as cancelled before fuel. Source: card.md 10, 12.3; design.md 9.8; trust.md rows 63, 64.
func (c *Core) askUnlock(now clock.Instant, q record.UnlockQuestion) outcome {
	if o, ok := c.outletAsks(q.Outlet); !ok {
		return o
	}
	proof, err := fuelcard.ParseLockProof(q.Proof)
	switch {
	case err != nil || proof.State != fuelcard.Grey || proof.Type != fuelcard.TypeGreyED:
		return bad("proof", q.Proof)
	case len(q.Rand) != 4:
		return bad("rand", q.Rand)
	case q.Balance != proof.Balance || q.Balance < 0 || q.CTC != proof.CTC()+1:
		return refuse(ProofWrong)
	}
	if holder, ok := c.books.cards.get(q.ASN); !ok || holder.state != "issued" {
		return refuse(UnknownCard)
	}
	mac1, err := c.cfg.Keys.UnlockMAC(c.cardOf(q.ASN, q.Version, q.Alg), rand4(q.Rand), q.OnlineSN,
		fuelcard.OnlineMAC1Data(q.Balance, q.CTC, fuelcard.TypeOnlineED, q.TID))
	switch {
	case err != nil:
		return refuse(KeyUnknown)
	case !mac1.Equal(q.MAC1):
		return refuse(MAC1Wrong)
	}
	sale, amount, code := c.lockEvidence(q, proof)
	u, ok := c.books.unlocks.get(onlineKey{q.ASN, q.OnlineSN})
	overtaken := ok && u.phase == open && (u.ctc != proof.CTC() || u.forced != nil && code == "")
	if ok && !overtaken {
		return c.unlockAgain(now, q, proof, u)
	}
	if q.OnlineSN < c.books.cards.at(q.ASN).next {
		return c.sequenceBack(now, q.ASN, refuse(SequenceBack))
	}
	at := civilStamp(now)
	switch {
	case code == NoEvidence && q.Forced != nil:
		return c.unlockForced(now, q, proof, at)
	case code != "":
		return refuse(code)
	}
	q.Forced = nil // there is evidence, so nothing needs force
	return c.unlockAnswer(q, amount, at, c.permitted(now, q, proof, sale, amount, at))
}

const (
	forcedAfter = 48 * time.Hour // Source: trust.md requirement 25, row 64
	forcedReach = 4096           // how far a PSAM may have counted beyond what has arrived: months of one nozzle out of reach
)

// unlockForced undoes a lock of which no record has arrived: after 48 hours, by two persons, with a reason and an amount of 0.
// The lock itself is proven: its GTAC verifies under a TTC of that PSAM which no record accounts for, so its time is the card's
// own, and a record that comes later is owed under the very number. A hold of a listed card is no case for force.
// Source: trust.md requirement 25, row 64; card.md 12.3, 17.1 blacklist_lock.
func (c *Core) unlockForced(now clock.Instant, q record.UnlockQuestion, proof fuelcard.LockProof, at [7]byte) outcome {
	f := *q.Forced
	switch {
	case !word(f.By[0], false) || !word(f.By[1], false) || samePerson(f.By[0], f.By[1]) || samePerson(f.By[0], "") || samePerson(f.By[1], ""):
		return refuse(TwoPersons)
	case !word(f.Reason, false):
		return bad("forced.reason", f.Reason)
	}
	locked, err := clock.ParseStamp(proof.Time)
	if err != nil {
		return refuse(ProofWrong)
	}
	if since := now.Sub(locked.Instant()); since < forcedAfter {
		return refuseOver(TooEarly, "%s", locked)
	}
	for _, id := range c.books.cards.at(q.ASN).cancelled {
		if s := c.books.sales.at(id); c.lockedUnder(q, proof, s.posted.Sale.TTC) && s.posted.Sale.TID == proof.TID {
			return refuse(LockHeld)
		}
	}
	high := c.books.psams.at(proof.TID).ttcs
	for _, g := range append(slices.Clone(high.gaps), gap{high.at, high.at + forcedReach}) {
		for ttc := g.from; ttc != g.to; ttc++ {
			if !c.lockedUnder(q, proof, pboc.PSAMTTC(ttc+1)) {
				continue
			}
			sale := record.SaleID{TID: proof.TID, TTC: pboc.PSAMTTC(ttc + 1)}
			return c.unlockAnswer(q, 0, at, c.permitted(now, q, proof, sale, 0, at), raise(now, "forced-unlock", q.ASN.String(),
				"强制解灰, "+f.By[0]+"、"+f.By[1]+": "+f.Reason, "unlocked by force: no record of the lock "+sale.String()))
		}
	}
	return refuse(ProofWrong)
}

// samePerson compares names as people read them: without spaces and capitals.
func samePerson(a, b string) bool {
	plain := func(s string) string { return strings.Join(strings.Fields(s), "") }
	return strings.EqualFold(plain(a), plain(b))
}

// lockedUnder says that the card's GTAC is that of a lock under this TTC.
func (c *Core) lockedUnder(q record.UnlockQuestion, proof fuelcard.LockProof, ttc pboc.PSAMTTC) bool {
	gtac, err := c.cfg.Keys.TAC(c.cardOf(q.ASN, q.Version, q.Alg), c.cfg.Profile.GTACData(
		proof.Balance, proof.CTC(), fuelcard.TypeGreyED, proof.TID, ttc, proof.Time))
	return err == nil && gtac.Equal(proof.Code)
}

// lockEvidence finds what the card owes for the lock that its proof shows.
func (c *Core) lockEvidence(q record.UnlockQuestion, proof fuelcard.LockProof) (record.SaleID, unit.Fen, string) {
	id, ok := c.books.locks.get(lockKey{q.ASN, proof.CTC()})
	if !ok {
		return c.cancelledLock(q, proof)
	}
	s := c.books.sales.at(id)
	switch {
	case s.state == ledger.Settled || s.state == ledger.Posted:
		return record.SaleID{}, 0, AlreadySettled
	case s.rec.TID != proof.TID || s.rec.TAC != proof.Code || s.rec.Balance != proof.Balance || s.rec.Time != proof.Time:
		return record.SaleID{}, 0, ProofWrong
	}
	return s.posted.Sale, s.posted.Amount, ""
}

// ttcCancelled is the error code of a T_TYPE 9 record that says: this TTC was burned, or its lock never let the pump run.
// heldAsListed says that the lock is the grey hold of a listed card, which an outlet undoes once the card is off the list. Other
// codes (a suspect card) give no right to an unlock.
// Source: design.md 9.6, 9.8; dispenser.md 3.11; card.md 17.1 blacklist_lock.
var (
	ttcCancelled = pboc.MAC{0x00, 0x00, 0x30, 0x01}
	heldAsListed = pboc.MAC{0x00, 0x00, 0x00, 0x01}
)

// cancelledLock looks for a TTC of this card that its board has reported as burned, or as a grey hold, and that made this very
// lock: nothing was sold under it. A hold stays while the card is on the black list.
func (c *Core) cancelledLock(q record.UnlockQuestion, proof fuelcard.LockProof) (record.SaleID, unit.Fen, string) {
	for _, id := range c.books.cards.at(q.ASN).cancelled {
		s := c.books.sales.at(id)
		held := s.rec.TAC == heldAsListed
		if s.state != ledger.Cancelled || s.rec.TAC != ttcCancelled && !held || s.posted.Sale.TID != proof.TID {
			continue
		}
		if !c.lockedUnder(q, proof, s.posted.Sale.TTC) {
			continue
		}
		if held && c.books.black(q.ASN) {
			return record.SaleID{}, 0, LockHeld
		}
		return s.posted.Sale, 0, ""
	}
	return record.SaleID{}, 0, NoEvidence
}

// unlockAgain answers a question for an online number that was permitted before: the same amount, the same time. A permission
// for an earlier lock is overtaken: that lock was settled at a terminal, and the card shows that the number was not used.
func (c *Core) unlockAgain(now clock.Instant, q record.UnlockQuestion, proof fuelcard.LockProof, u unlock) outcome {
	switch {
	case u.phase == done:
		return refuse(AlreadySettled)
	case len(u.attempts) >= maxAttempts:
		return refuse(TooManyTries)
	}
	for _, a := range u.attempts {
		if a == (attempt{q.TID, q.Balance, rand4(q.Rand), q.Version, q.Alg, q.Outlet}) {
			return c.unlockAnswer(q, u.amount, u.time)
		}
	}
	q.Forced = u.forced
	return c.unlockAnswer(q, u.amount, u.time, c.permitted(now, q, proof, u.of, u.amount, u.time))
}

func (c *Core) permitted(now clock.Instant, q record.UnlockQuestion, proof fuelcard.LockProof, sale record.SaleID, amount unit.Fen,
	at [7]byte) record.UnlockAuthorised {
	return record.UnlockAuthorised{
		TimeMs: now.Milli(), ASN: q.ASN, CTC: proof.CTC(), OnlineSN: q.OnlineSN, Sale: sale, Amount: amount, Before: q.Balance,
		TID: q.TID, Version: q.Version, Alg: q.Alg, Rand: q.Rand, MAC1: q.MAC1, Date: at[:4], Time: at[4:], Outlet: q.Outlet,
		Forced: q.Forced,
	}
}

func (c *Core) unlockAnswer(q record.UnlockQuestion, amount unit.Fen, at [7]byte, facts ...record.Fact) outcome {
	mac2, err := c.cfg.Keys.UnlockMAC(c.cardOf(q.ASN, q.Version, q.Alg), rand4(q.Rand), q.OnlineSN,
		fuelcard.OnlineMAC2Data(amount, fuelcard.TypeOnlineED, q.TID, at))
	if err != nil {
		return refuse(KeyUnknown)
	}
	return reply(record.UnlockAnswer{Amount: amount, Date: at[:4], Time: at[4:], MAC2: mac2}, facts...)
}

// unlockEnd takes the card's MAC3.
func (c *Core) unlockEnd(now clock.Instant, q record.UnlockEndQuestion) outcome {
	if o, ok := c.outletAsks(q.Outlet); !ok {
		return o
	}
	facts, code := c.unlockProven(c.books, q.ASN, q.OnlineSN, q.MAC3, now.Milli())
	if code != "" {
		return refuse(code)
	}
	return reply(record.Done{OK: true}, facts...)
}

// unlockProven posts an unlock whose MAC3 verifies for one of its permissions.
func (c *Core) unlockProven(b *books, asn pboc.ASN, sn pboc.OnlineSN, mac3 pboc.MAC, nowMs int64) ([]record.Fact, string) {
	u, ok := b.unlocks.get(onlineKey{asn, sn})
	switch {
	case !ok:
		return nil, UnlockUnknown
	case u.phase == done && u.mac3.Equal(mac3):
		return nil, ""
	case u.phase == done:
		return nil, MAC3Wrong
	}
	for i := len(u.attempts) - 1; i >= 0; i-- {
		a := u.attempts[i]
		want, err := c.cfg.Keys.UnlockMAC(c.issuerOf(b, asn, a.version, a.alg), a.rand, sn,
			fuelcard.OnlineMAC3Data(a.before-u.amount, sn, u.amount, fuelcard.TypeOnlineED, a.tid, u.time))
		if err != nil || !want.Equal(mac3) {
			continue
		}
		facts := []record.Fact{record.UnlockPosted{TimeMs: nowMs, ASN: asn, OnlineSN: sn, MAC3: mac3}}
		if l := b.transfers.at(onlineKey{asn, sn}); l.phase == open && len(l.attempts) > 0 { // this number was the unlock's alone
			facts = append(facts, l.way.voided(nowMs, asn, sn, mac3[:]))
		}
		if s := b.sales.at(u.sale); s.state == ledger.Settled {
			facts = append(facts, record.Alarm{TimeMs: nowMs, Kind: "settled-twice", Subject: u.sale,
				Zh: "联机解扣时该笔已结清: 两次扣款?", En: "unlocked online after it was settled: debited twice?"})
		}
		return facts, ""
	}
	return nil, MAC3Wrong
}

// askGrey is the 35H query beyond the station: what a card owes, from the record of its escape. All five values must match.
// Source: dispenser.md 3.9, card.md 12.3.
func (c *Core) askGrey(_ clock.Instant, q record.GreyQuestion) outcome {
	if s, ok := c.books.sites.get(q.Site); !ok || s.kind != record.KindStation {
		return refuse(UnknownSite)
	}
	if len(q.Time) != 7 {
		return bad("time", q.Time)
	}
	s, ok := c.books.sales.get(c.books.locks.at(lockKey{q.ASN, q.CTC}))
	match := ok && s.state == ledger.Owed && s.rec.Balance == q.Balance && s.rec.DS == q.DS && s.rec.Time == fa.Stamp(q.Time)
	if !match || s.rec.GMAC == (pboc.MAC{}) {
		return reply(record.GreyAnswer{})
	}
	return reply(record.GreyAnswer{Found: true, Amount: s.posted.Amount, GMAC: s.rec.GMAC, Sale: s.posted.Sale})
}
