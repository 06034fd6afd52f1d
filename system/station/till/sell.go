package till

import (
	"bytes"
	"errors"
	"fmt"

	"greylock/system/card"
	"greylock/system/terminal"
	"greylock/system/wire/fa"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// sell is lock, fuel, debit, record. Each Note is durable before the next thing in the world happens (trust.md 1.1).
func (v *visitor) sell() {
	t := v.t
	if !v.close() {
		return
	}
	t.say(Text{"灰锁中, 请勿拔卡", "locking the card: leave it in"})
	l, err := v.term.Lock(v.id, byte(t.plan.order.Nozzle))
	if err != nil {
		v.unlocked(err)
		return
	}
	if t.lost {
		return // never authorised: the next insertion releases it, or the next sale reports its TTC as cancelled
	}
	e := l.Entry(terminal.FuelStart)
	e.Price = t.plan.nozzle.Price
	if _, err := v.term.Note(e); err != nil {
		return
	}
	t.pumped = nil
	if t.lost || t.deps.Authorise(t.plan.order.Nozzle, t.plan.preset, l.Sale) != nil {
		t.pumped = nothing(e) // the nozzle was never told: the lock is released with amount 0
	}
	t.say(Text{fmt.Sprintf("请在 %d 号枪加油", t.plan.order.Nozzle), fmt.Sprintf("please fuel at nozzle %d", t.plan.order.Nozzle)})
	_, _ = v.k.Ask(askPump, nil)
	v.pay(l)
}

// pay ends the fill: FUEL_END, PSAM DEBIT, card, record, TACUF.
func (v *visitor) pay(l terminal.Lock) {
	t := v.t
	t.say(Text{"扣款中, 请勿拔卡", "debiting: leave the card in"})
	ended, err := v.fuelEnd()
	if err != nil {
		return
	}
	sig, err := v.term.Sign(l, ended)
	known := t.book.last
	switch {
	case card.Lost(err): // billed as soon as the PSAM answers: without it no record has a T-MAC
		t.say(Text{"PSAM 无应答, 卡已灰锁, 请检查终端读卡器后重新插卡", "no answer from the PSAM: the card is grey; check the till's reader, then insert the card again"})
		return
	case err != nil:
		v.escape(known, terminal.Signature{})
		t.say(Text{"PSAM 扣款失败, 卡已灰锁, 请到发卡网点", "PSAM failed: the card stays grey, go to an outlet"})
		return
	case t.lost:
		v.escape(known, sig)
		return
	}
	paid, err := v.term.Debit(l, sig)
	if err != nil {
		v.escape(known, sig)
		return
	}
	if v.book(paid, known) {
		t.face.balance = paid.Balance
		t.say(Text{"加油完成, 请取卡", "done, take your card"})
		v.sealAll()
	}
}

// fuelEnd makes the figures final: what the pump's register and totals say alike.
func (v *visitor) fuelEnd() (terminal.Durable, error) {
	t := v.t
	s, ev := *t.pumped, t.book.last.Evidence
	e := entry(ev, terminal.FuelEnd)
	e.Price, e.Quantity, e.Total, e.Amount = ev.Price, s.Volume, totalizer(s), min(s.Amount, ev.Balance)
	d, err := v.term.Note(e)
	if err == nil {
		t.pumped = nil
	}
	return d, err
}

// counted ends a delivery that no visit waits for: the station was stopped while the fuel flowed.
func (v *visitor) counted() {
	if _, err := v.fuelEnd(); err == nil {
		v.t.interrupted()
	}
}

// bill writes the escape record of an interrupted sale whose card did not come.
func (v *visitor) bill() {
	s := v.t.book.last
	if ev := s.Evidence; ev.Found && ev.Ended && !ev.Closed && !ev.Billed && !ev.Voided && v.readPSAM() {
		v.billed(s)
		v.sealAll()
	}
}

// recover settles what is open on the card before anything new. True: the card may be served. Source: card.md 12.2, 12.3.
func (v *visitor) recover() bool {
	var station *sale
	for range maxMatters {
		known := v.t.book.known(v.id.ASN)
		if station != nil {
			known = *station
		}
		d := terminal.Recover(v.id.ASN, v.id.Proof, known.Evidence)
		switch d.Action {
		case terminal.GoOn:
			v.sealAll() // a customer who thinks about his order keeps no record from the center
			return true
		case terminal.AskStation:
			station = v.askStation()
		case terminal.Refuse:
			v.refuse(d.Why)
			return false
		default:
			if !v.matter(d, known) {
				return false
			}
			station = nil
		}
	}
	v.t.say(Text{"卡状态异常, 请到发卡网点", "the card's state does not settle: go to an outlet"})
	return false
}

// matter carries out one decision and looks at the card again.
func (v *visitor) matter(d terminal.Decision, known sale) bool {
	switch d.Action {
	case terminal.Abandon:
		return v.close()
	case terminal.Bill:
		return v.billed(known)
	case terminal.ClearOnly:
		done, ok := known.Recorded(v.id.Proof)
		if !ok {
			return false
		}
		if err := v.term.ClearTACUF(done); err != nil {
			return v.failed("读卡失败", "card can not be read")
		}
		return v.reread()
	case terminal.Release, terminal.Finish, terminal.TopUp:
		if v.t.cfg.Profile.PINUnlock && !v.pin() {
			return false
		}
	case terminal.Complete, terminal.Supplement:
	default:
		v.t.say(Text{"上次交易未处理完, 请稍候再插卡", "the last sale is not settled yet: insert the card again later"})
		return false
	}
	v.t.say(Text{"正在处理上次交易…", "settling the last sale…"})
	paid, err := v.term.Settle(d, v.id, known.Evidence)
	if err != nil {
		return v.unsettled(err)
	}
	if known.Cancelled && paid.Amount == 0 {
		paid.TType = terminal.TTypeSale // a lock released with amount 0, reported as cancelled before (design.md 9.6)
	}
	return v.book(paid, known) && v.reread()
}

// unsettled says where a card goes whose last sale can not be settled here.
func (v *visitor) unsettled(err error) bool {
	if card.Lost(err) || errors.Is(err, terminal.ErrUnknown) {
		return v.failed("上次交易未处理完", "the last sale is not settled")
	}
	v.t.say(Text{"灰卡, 请到发卡网点解灰", "grey card: unlock it at an outlet"})
	return false
}

func (v *visitor) reread() bool {
	proof, err := v.term.Proof()
	if err == nil {
		v.id.Balance, err = v.term.Balance()
	}
	if err != nil {
		return v.failed("读卡失败", "card can not be read")
	}
	v.id.Proof, v.t.face.balance = proof, v.id.Balance
	return true
}

// askStation asks about a grey card of which nothing is known here, as a board does by 35H.
func (v *visitor) askStation() *sale {
	t, p := v.t, v.id.Proof
	q := fa.GreyAsk{ASN: v.id.ASN, Balance: p.Balance, CTC: p.CTC(), Time: p.Time}
	t.say(Text{"灰卡, 正在查询…", "grey card, asking…"})
	t.grey, t.told = nil, false
	t.deps.Grey(q)
	_, _ = v.k.Ask(askGrey, nil)
	a := t.grey
	s := &sale{Evidence: terminal.Evidence{ASN: v.id.ASN, Asked: true}}
	if a == nil || !a.Flag.Found() || a.ASN != q.ASN || a.Balance != q.Balance || a.CTC != q.CTC || a.Time != q.Time {
		return s
	}
	s.Evidence = terminal.Evidence{Found: true, Asked: true, Sale: record.SaleID{TID: a.TID, TTC: a.TTC}, ASN: q.ASN, CTC: q.CTC,
		Balance: q.Balance, Stamp: q.Time, Authorised: true, Ended: true, Amount: a.Amount, Signed: a.GMAC != (pboc.MAC{}), GMAC: a.GMAC,
		Billed: true}
	return s
}

// unlocked says why there was no lock.
func (v *visitor) unlocked(err error) {
	t := v.t
	switch {
	case t.lost:
	case errors.Is(err, terminal.ErrSuspect):
		v.close()
		t.say(Text{"卡可疑, 已灰锁, 请到发卡网点", "suspect card, held grey: go to an outlet"})
	case errors.Is(err, terminal.ErrTTC), errors.Is(err, terminal.ErrPSAM):
		t.say(Text{"PSAM 异常, 请报修", "PSAM fault: call service"})
	default:
		t.say(Text{"灰锁未成功, 请重新插卡", "the card was not locked: insert it again"})
	}
}

// book makes the record of money that the card has given, and forgets TACUF once it is durable. Its number and T-MAC come
// after that: until then the record says that nobody knows whether TACUF was cleared. Source: card.md 12.1; trust.md 1.1.
func (v *visitor) book(p terminal.Paid, known sale) bool {
	t := v.t
	r := t.record(fa.TType(p.TType), known)
	r.Time, r.ASN, r.Balance, r.Amount, r.CTC = p.Stamp, p.ASN, p.Balance, p.Amount, p.CTC
	r.TAC, r.GMAC, r.PSAMTAC, r.PSAMNumber, r.TID, r.TTC = p.TAC, p.GMAC, p.PSAMTAC, p.PSAM, p.Sale.TID, p.Sale.TTC
	if p.TType == terminal.TTypeSupplement && p.Sale.TTC == 0 {
		r.Volume, r.Price = 0, 0
	}
	r.Type |= fa.TType(t.cfg.Profile.TTypeTAC())
	e := p.Entry()
	raw := r.Bytes()
	e.Record = raw[:]
	done, err := v.term.Note(e)
	if err != nil {
		return false
	}
	t.receipt(r)
	if err := v.term.ClearTACUF(done); err != nil {
		return v.failed("请重新插卡", "card can not be read")
	}
	t.cleared = raw
	return true
}

// escape bills the sale of a card that has gone with its lock.
func (v *visitor) escape(known sale, sig terminal.Signature) bool {
	ev := known.Evidence
	r := v.t.record(fa.Escape, known)
	r.Time, r.ASN, r.Balance, r.Amount, r.CTC = ev.Stamp, ev.ASN, ev.Balance, ev.Amount, ev.CTC
	r.TAC, r.GMAC, r.PSAMTAC, r.PSAMNumber, r.TID, r.TTC = ev.GTAC, sig.GMAC, sig.PSAMTAC, ev.PSAM, ev.Sale.TID, ev.Sale.TTC
	e := entry(ev, terminal.Escape)
	e.Price, e.Quantity, e.Total, e.Amount = ev.Price, ev.Quantity, ev.Total, ev.Amount
	e.GMAC, e.PSAMTAC, e.TType = sig.GMAC, sig.PSAMTAC, terminal.TTypeEscape
	raw := r.Bytes()
	e.Record = raw[:]
	if _, err := v.term.Note(e); err != nil {
		return false
	}
	v.t.say(Text{"卡已拔出, 未扣款, 卡已灰锁, 请重新插卡补扣", "card pulled before the debit: it is grey, insert it again"})
	return true
}

// billed bills an own sale whose card is not here: T-TYPE 1 with GTAC, and the PSAM's GMAC if it still has it.
func (v *visitor) billed(known sale) bool {
	l := known.Lock([8]byte{}, fuelcard.LockProof{Code: known.GTAC})
	end := l.Entry(terminal.FuelEnd)
	end.Amount, end.Quantity, end.Total, end.Price = known.Amount, known.Quantity, known.Total, known.Price
	ended, err := v.term.Note(end) // once more: the token is made by Note alone
	if err != nil {
		return false
	}
	sig, err := v.term.Sign(l, ended)
	switch {
	case card.Lost(err):
		return false // tried again: the record wants the PSAM's T-MAC in any case
	case err != nil:
		sig = terminal.Signature{} // it has forgotten this lock. Source: card.md 12.2
	}
	return v.escape(known, sig)
}

// close ends an own sale that is still open before another begins: fuel is billed, a lock that never let the pump run is
// reported as a cancelled TTC (design.md 9.6). Source: trust.md 1.1.
func (v *visitor) close() bool {
	s := v.t.book.last
	ev := s.Evidence
	switch {
	case !ev.Found || ev.Closed || ev.Billed || ev.Hold:
		return true
	case ev.Authorised:
		return ev.Ended && v.billed(s)
	}
	e := entry(ev, terminal.Cancel)
	e.Reason = "cancelled"
	_, err := v.term.Note(e)
	return err == nil
}

// sealAll gives the records that wait their number and T-MAC, oldest first. Each is one act of the journal and one record for
// the center. A PSAM that fails leaves the rest waiting.
func (v *visitor) sealAll() {
	t := v.t
	if !v.readPSAM() {
		return
	}
	for len(t.book.waiting) > 0 {
		r, err := fa.ParseRecord(t.book.waiting[0])
		if err != nil {
			panic("till: own record does not read: " + err.Error())
		}
		if bytes.Equal(t.book.waiting[0], t.cleared[:]) {
			r.Type &^= fa.TType(t.cfg.Profile.TTypeTAC())
		}
		r.POSTTC, r.CType = t.book.next, t.cfg.Profile.CTypeOf(r.ASN)
		if r.TID == (pboc.TID{}) { // written before the PSAM was read
			r.PSAMNumber, r.TID, r.Version = t.sam.Number, t.sam.TID, t.version()
		}
		if t.cfg.Realm == record.Training {
			r.MarkTraining()
		}
		span := r.TMACData()
		if r.TMAC, err = v.term.TMAC(span[:]); err != nil {
			return
		}
		raw := r.Bytes()
		f := record.DispenserRecord{TimeMs: t.now.Milli(), Port: record.TillPort + t.cfg.Number, Nozzle: record.Nozzle(r.NZN),
			POSTTC: uint32(r.POSTTC), Raw: raw[:]}
		if v.k.Append(f) != nil {
			return
		}
	}
}
