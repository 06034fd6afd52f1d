package dispenser

import (
	"errors"
	"fmt"

	"greylock/system/card"
	"greylock/system/terminal"
	"greylock/system/wire/fa"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// recover settles what is open on the card before anything new. True: the card may be served. Source: card.md 12.2, 12.3.
func (v *visit) recover() bool {
	var station *sale
	for range maxMatters {
		known := v.b.mem.known(v.id.ASN, v.id.Proof)
		if station != nil {
			known = *station
		}
		d := terminal.Recover(v.id.ASN, v.id.Proof, known.Evidence)
		v.b.face.stage = d.Action.String()
		switch d.Action {
		case terminal.GoOn:
			v.seal()
			return true
		case terminal.AskStation:
			station = v.askStation()
		case terminal.Refuse:
			v.b.face.status = fa.CardGrey
			v.refuse(d.Why, "grey")
			return false
		default:
			if !v.matter(d, known) {
				return false
			}
			station = nil
		}
	}
	v.b.say("grey", Text{"卡状态异常, 请到发卡网点", "the card's state does not settle: go to an outlet"})
	return false
}

// matter carries out one decision and looks at the card again.
func (v *visit) matter(d terminal.Decision, known sale) bool {
	switch d.Action {
	case terminal.Abandon:
		v.close()
		return !v.b.dead
	case terminal.Bill:
		return v.escape(known)
	case terminal.ClearOnly:
		done, ok := known.Evidence.Recorded(v.id.Proof)
		if !ok {
			return false
		}
		return v.clear(done)
	case terminal.Release, terminal.Finish, terminal.TopUp:
		if v.b.cfg.Profile.PINUnlock && !v.pin() {
			return false
		}
	case terminal.Complete, terminal.Supplement:
	default:
		return false
	}
	v.b.face.prompt = Text{"正在处理上次交易…", "settling the last sale…"}
	v.b.changed()
	paid, err := v.term.Settle(d, v.id, known.Evidence)
	if err != nil {
		return v.unsettled(err)
	}
	if known.Evidence.Cancelled && paid.Amount == 0 {
		paid.TType = terminal.TTypeSale // a lock released with amount 0, reported as cancelled before (design.md 9.6)
	}
	if !v.book(paid, known) {
		return false
	}
	v.b.event(Event{Kind: EventStage, Word: d.Action.String(), Zh: "上次交易已处理", En: "last sale settled"})
	v.seal()
	return v.reread()
}

// unsettled says where a card goes whose last sale can not be settled here.
func (v *visit) unsettled(err error) bool {
	if v.b.sess.lost || v.b.dead {
		return false
	}
	if card.Lost(err) || errors.Is(err, terminal.ErrUnknown) {
		return v.failed("上次交易未处理完", "the last sale is not settled", err)
	}
	v.b.face.status = fa.CardGrey
	v.b.say("grey", Text{"灰卡, 请到发卡网点解灰", "grey card: unlock it at an outlet"})
	return false
}

// clear forgets TACUF in the card and reads the proof anew.
func (v *visit) clear(done terminal.Durable) bool {
	if err := v.term.ClearTACUF(done); err != nil {
		return v.failed("读卡失败", "card can not be read", err)
	}
	return v.reread()
}

func (v *visit) reread() bool {
	proof, err := v.term.Proof()
	if err == nil {
		v.id.Balance, err = v.term.Balance()
	}
	if err != nil {
		return v.failed("读卡失败", "card can not be read", err)
	}
	v.id.Proof = proof
	v.b.face.balance, v.b.face.status = v.id.Balance, cardStatus(v.id)
	return true
}

// askStation asks 35H about a grey card of which nothing is known here.
func (v *visit) askStation() *sale {
	p := v.id.Proof
	q := &fa.GreyAsk{ASN: v.id.ASN, Balance: p.Balance, CTC: p.CTC(), Time: p.Time}
	v.b.face.prompt = Text{"灰卡, 正在查询…", "grey card, asking the station…"}
	answer, _ := v.ask(&query{grey: q}).(*fa.GreyAnswer)
	s := &sale{Evidence: terminal.Evidence{ASN: v.id.ASN, Asked: true}}
	if answer == nil || !answer.Flag.Found() {
		return s
	}
	if answer.ASN != q.ASN || answer.Balance != q.Balance || answer.CTC != q.CTC || answer.Time != q.Time {
		return s
	}
	s.Evidence = terminal.Evidence{Found: true, Asked: true, Sale: record.SaleID{TID: answer.TID, TTC: answer.TTC}, ASN: q.ASN,
		CTC: q.CTC, Balance: q.Balance, Stamp: q.Time, Authorised: true, Ended: true, Amount: answer.Amount, Signed: answer.GMAC != (pboc.MAC{}),
		GMAC: answer.GMAC, Billed: true, Nozzle: byte(v.b.nzn())}
	return s
}

// ask waits for the station; nil when it is off line or does not answer.
func (v *visit) ask(q *query) fa.Message {
	b := v.b
	if !b.link.online {
		return nil
	}
	b.link.query, b.sess.answer = q, nil
	_, _ = v.t.Ask(askLine, nil)
	return b.sess.answer
}

// sell is lock, fuel, debit, record. Each Note is durable before the next thing in the world happens (trust.md 1.1).
func (v *visit) sell() {
	b := v.b
	if !v.close() {
		return
	}
	b.freeze()
	b.face.prompt = Text{"灰锁中, 请勿拔卡", "locking the card: leave it in"}
	b.changed()
	l, err := v.term.Lock(v.id, byte(b.sess.plan.nzn))
	if err != nil {
		v.unlocked(err)
		return
	}
	b.face.status, b.face.balance = fa.CardGrey, l.Balance
	if b.sess.lost {
		return // never authorised: the next insertion releases it, or the next sale reports its TTC as cancelled
	}
	e := l.Entry(terminal.FuelStart)
	e.Price = b.sess.plan.price
	b.mem.state.Sale.Version = v.term.SAM.Application.KeyIndex<<4 | l.Version&15
	b.mem.state.Sale.Start = b.mem.total
	if _, err := v.term.Note(e); err != nil {
		return
	}
	b.face.prompt = goOn
	b.fill.balance = l.Balance
	b.arm(b.sess.plan.limit)
	_, _ = v.t.Ask(askPump, nil)
	if b.dead {
		return
	}
	v.pay(l)
}

// pay ends the fill: FUEL_END, PSAM DEBIT, card, record, TACUF.
func (v *visit) pay(l terminal.Lock) {
	b := v.b
	b.face.prompt = Text{"扣款中, 请勿拔卡", "debiting: leave the card in"}
	b.changed()
	ended, err := v.term.Note(b.mem.fuelEnd(l.Entry(terminal.FuelEnd)))
	if err != nil {
		return
	}
	known := b.mem.state.Sale
	sig, err := v.term.Sign(l, ended)
	if err != nil {
		v.bill(known, terminal.Signature{})
		b.say("psam", Text{"PSAM 扣款失败, 卡已灰锁", "PSAM failed: the card stays grey"})
		return
	}
	if b.sess.lost {
		v.bill(known, sig)
		return
	}
	paid, err := v.term.Debit(l, sig)
	if err != nil {
		v.bill(known, sig)
		b.say("grey", Text{"卡已拔出或未扣款, 卡已灰锁, 请重新插卡", "card pulled or not debited: it is grey, insert it again"})
		return
	}
	if v.book(paid, known) {
		b.face.balance, b.face.status = paid.Balance, fa.CardNormal
		b.face.prompt = Text{"加油完成, 请取卡", "done, take your card"}
		v.seal()
	}
}

// unlocked says why there was no lock.
func (v *visit) unlocked(err error) {
	switch {
	case v.b.dead || v.b.sess.lost:
	case errors.Is(err, terminal.ErrSuspect):
		v.close()
		v.b.face.status = fa.CardGrey
		v.b.say("suspect", Text{"卡可疑, 已灰锁, 请到发卡网点", "suspect card, held grey: go to an outlet"})
	case errors.Is(err, terminal.ErrTTC), errors.Is(err, terminal.ErrPSAM):
		v.b.fault("E05 PSAM", "PSAM 异常, 请报修", "PSAM fault: call service")
		v.b.face.prompt = Text{"PSAM 异常, 请换枪加油", "PSAM fault: use another pump"}
	default:
		v.b.say("lock", Text{"灰锁未成功, 请重新插卡", "the card was not locked: insert it again"})
	}
	v.seal()
}

// book makes the record of money that the card has given, and forgets TACUF once it is durable. T-MAC comes after that, when
// the customer may already take his card: until then the record says that nobody knows whether TACUF was cleared, and a
// power cut leaves it so. Source: card.md 12.1 steps 17, 18, section 14; trust.md 1.1; adr/0010.
func (v *visit) book(p terminal.Paid, known sale) bool {
	b := v.b
	r := b.record(fa.TType(p.TType), known)
	r.Time, r.ASN, r.Balance, r.Amount, r.CTC = p.Stamp, p.ASN, p.Balance, p.Amount, p.CTC
	r.TAC, r.GMAC, r.PSAMTAC, r.PSAMNumber, r.TID, r.TTC = p.TAC, p.GMAC, p.PSAMTAC, p.PSAM, p.Sale.TID, p.Sale.TTC
	if p.TType == terminal.TTypeSupplement && p.Sale.TTC == 0 {
		r.Volume, r.Price = 0, 0
	}
	unsure := fa.TType(b.cfg.Profile.TTypeTAC())
	r.Type |= unsure
	if v.local {
		r.Type |= fa.TypeLocal
	}
	e := p.Entry()
	raw := r.Bytes()
	e.Record = raw[:]
	done, err := v.term.Note(e)
	if err != nil {
		return false
	}
	err = v.term.ClearTACUF(done)
	if err == nil {
		b.mem.amend(raw, func(r *fa.Record) { r.Type &^= unsure })
	}
	v.seal()
	if b.dead {
		return false
	}
	b.receipt(r, p.Balance)
	if err != nil {
		return v.failed("请重新插卡", "insert the card again", err)
	}
	return true
}

// note seals the record and makes it durable with its entry.
func (v *visit) note(e terminal.Entry, r fa.Record) (terminal.Durable, error) {
	raw := v.sealed(r)
	e.Record = raw[:]
	return v.term.Note(e)
}

// escape bills an own sale whose card is not here: T-TYPE 1 with GTAC, and the PSAM's GMAC if it still has it.
func (v *visit) escape(known sale) bool {
	ev := known.Evidence
	l := ev.Lock([8]byte{}, fuelcard.LockProof{Code: ev.GTAC})
	end := l.Entry(terminal.FuelEnd)
	end.Amount, end.Quantity, end.Total, end.Price = ev.Amount, ev.Quantity, ev.Total, ev.Price
	ended, err := v.term.Note(end) // once more: the token is made by Note alone
	if err != nil {
		return false
	}
	sig, err := v.term.Sign(l, ended)
	if err != nil {
		sig = terminal.Signature{}
	}
	return v.bill(known, sig)
}

// bill writes the T-TYPE 1 record.
func (v *visit) bill(known sale, sig terminal.Signature) bool {
	b, ev := v.b, known.Evidence
	r := b.record(fa.Escape, known)
	r.Time, r.ASN, r.Balance, r.Amount, r.CTC = ev.Stamp, ev.ASN, ev.Balance, ev.Amount, ev.CTC
	r.TAC, r.GMAC, r.PSAMTAC, r.PSAMNumber, r.TID, r.TTC = ev.GTAC, sig.GMAC, sig.PSAMTAC, ev.PSAM, ev.Sale.TID, ev.Sale.TTC
	e := terminal.Entry{Kind: terminal.Escape, Sale: ev.Sale, PSAM: ev.PSAM, ASN: ev.ASN, CTC: ev.CTC, Balance: ev.Balance,
		Stamp: ev.Stamp, GTAC: ev.GTAC, Nozzle: ev.Nozzle, Price: ev.Price, Quantity: ev.Quantity, Total: ev.Total,
		Amount: ev.Amount, GMAC: sig.GMAC, PSAMTAC: sig.PSAMTAC, TType: terminal.TTypeEscape}
	if _, err := v.note(e, r); err != nil {
		return false
	}
	b.say("escape", Text{"卡已拔出, 未扣款, 卡已灰锁, 请重新插卡补扣", "card pulled before the debit: it is grey, insert it again"})
	return true
}

// close ends an own sale that is still open in the log before another begins: fuel is billed, a lock that never let the pump
// run is reported as a cancelled TTC (design.md 9.6). Source: trust.md 1.1.
func (v *visit) close() bool {
	s := v.b.mem.state.Sale
	ev := s.Evidence
	switch {
	case !ev.Found || ev.Closed || ev.Billed || ev.Hold:
		return !v.b.dead
	case ev.Authorised:
		return v.escape(s)
	}
	e := terminal.Entry{Kind: terminal.Cancel, Sale: ev.Sale, PSAM: ev.PSAM, ASN: ev.ASN, CTC: ev.CTC, Balance: ev.Balance,
		Stamp: ev.Stamp, GTAC: ev.GTAC, Nozzle: ev.Nozzle, Reason: "cancelled"}
	_, err := v.term.Note(e)
	return err == nil
}

// billInterrupted runs when the power came back and the card of the interrupted sale did not.
func (b *Board) billInterrupted(t *card.Talk) {
	v := b.newVisit(t)
	if s := b.mem.state.Sale.Evidence; s.Found && !s.Closed && !s.Billed && s.Ended && !s.Voided && v.sam() {
		v.escape(b.mem.state.Sale)
		v.seal()
	}
}

// sealPending gives waiting records their T-MAC.
func (b *Board) sealPending(t *card.Talk) {
	v := b.newVisit(t)
	if v.sam() {
		v.seal()
		return
	}
	v.flush()
}

// seal stores the records that wait, each with POS-TTC and T-MAC, oldest first.
func (v *visit) seal() { v.drain(v.sealed) }

// flush stores them without T-MAC: the PSAM is not there.
func (v *visit) flush() {
	v.drain(func(r fa.Record) [fa.RecordSize]byte {
		v.number(&r)
		return r.Bytes()
	})
}

func (v *visit) drain(finish func(fa.Record) [fa.RecordSize]byte) {
	mem := v.b.mem
	for len(mem.state.Pending) > 0 && !v.b.dead {
		r, err := fa.ParseRecord(mem.state.Pending[0])
		if err == nil {
			raw := finish(r)
			if v.b.stored(raw[:], func(s *state) { s.Pending = s.Pending[1:] }) != nil {
				return // the board is dead
			}
			continue
		}
		mem.state.Pending = mem.state.Pending[1:]
	}
}

// number gives a record what every stored one has: its running number, and the kind of its card.
func (v *visit) number(r *fa.Record) {
	r.POSTTC, r.CType = v.b.mem.state.Next, v.b.cfg.Profile.CTypeOf(r.ASN)
}

// sealed gives a record its number and T-MAC. A PSAM that fails leaves the T-MAC zero: such a record is uploaded when it is
// two minutes old (dispenser.md 3.2).
func (v *visit) sealed(r fa.Record) [fa.RecordSize]byte {
	v.number(&r)
	r.Total = v.b.mem.total
	if r.TID == (pboc.TID{}) { // written before the PSAM was read
		sam := v.term.SAM
		r.PSAMNumber, r.TID = sam.Number, sam.TID
		r.Version = sam.Application.KeyIndex<<4 | v.b.cfg.Profile.KeyVersion&15
	}
	if v.term.SAM != (terminal.SAM{}) && record.Training.OwnsTID(v.term.SAM.TID) {
		r.MarkTraining()
	}
	span := r.TMACData()
	m, err := v.term.TMAC(span[:])
	if err != nil {
		v.b.fault("E05 PSAM", "PSAM 不可用, 请报修", "PSAM not usable: call service")
	}
	r.TMAC = m
	return r.Bytes()
}

// receipt prints what the customer takes with him.
func (b *Board) receipt(r fa.Record, balance unit.Fen) {
	zh, en := r.Type.Words()
	word, _ := b.cfg.Unit.Words()
	var lines []string
	if record.Training.OwnsTID(b.sess.sam.TID) {
		lines = append(lines, "*** 教学 不作凭证 ***")
	}
	lines = append(lines, "加油凭条 ("+zh+" "+en+")", "时间 "+r.Time.String(), fmt.Sprintf("枪号 %02d  油品 %v", r.NZN, r.Product),
		"卡号 "+r.ASN.String(), "单价 "+r.Price.String()+" 元/"+word, "数量 "+r.Volume.String()+" "+word, "金额 "+r.Amount.String()+" 元",
		"余额 "+balance.String()+" 元", fmt.Sprintf("流水 %d  终端 %v-%d", b.mem.state.Next-1, r.TID, r.TTC), "TAC "+r.TAC.String())
	b.face.receipt = lines
	b.event(Event{Kind: EventReceipt, Lines: lines})
}
