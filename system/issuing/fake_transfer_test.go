package issuing_test

import (
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

func (c *plastic) initUnload(cmd apdu.Command) ([]byte, apdu.SW) {
	q, err := fuelcard.ParseInitForUnload(cmd)
	switch {
	case err != nil || c.proof.State == fuelcard.Grey:
		return nil, apdu.Conditions
	case q.Amount > c.balance:
		return nil, apdu.BalanceTooLow
	}
	c.load, c.rand, c.pending = fuelcard.InitForLoad{Amount: q.Amount, TID: q.TID}, [4]byte(c.random(4)), 0x54
	mac := pboc.TDES.MAC(c.session("DULK"), fuelcard.UnloadMAC1Data(c.balance, q.Amount, q.TID))
	return fuelcard.InitForUnloadAnswer{Balance: c.balance, OnlineSN: c.sn, KeyVersion: 1, Rand: c.rand, MAC1: mac}.Bytes(), apdu.OK
}

func (c *plastic) debitForUnload(cmd apdu.Command) ([]byte, apdu.SW) {
	q, err := fuelcard.ParseDebitForUnload(cmd)
	was, l, s := c.pending, c.load, c.session("DULK")
	c.pending = 0
	switch {
	case err != nil || was != 0x54:
		return nil, apdu.WrongState
	case pboc.TDES.MAC(s, fuelcard.UnloadMAC2Data(l.Amount, l.TID, q.Time)) != q.MAC2:
		return nil, apdu.MACWrong
	}
	c.balance -= l.Amount
	c.mac3 = pboc.TDES.MAC(s, fuelcard.UnloadMAC3Data(c.balance, c.sn, l.Amount, l.TID, q.Time))
	c.history = append(c.history, fuelcard.LogRecord{Serial: uint16(c.sn), Amount: l.Amount, Type: fuelcard.TypeUnload, TID: l.TID, Time: q.Time})
	c.lastSN[1] = c.sn
	c.sn++
	return fuelcard.DebitForUnloadAnswer{MAC3: c.mac3}.Bytes(), apdu.OK
}

func (c *plastic) prove(cmd apdu.Command) ([]byte, apdu.SW) {
	q, err := fuelcard.ParseGetTransactionProve(cmd)
	a, sn := fuelcard.TransactionProveAnswer{TAC: c.tac}, c.lastSN[0]
	if q.Type == fuelcard.TypeUnload {
		a, sn = fuelcard.TransactionProveAnswer{MAC: c.mac3}, c.lastSN[1]
	}
	if err != nil || a == (fuelcard.TransactionProveAnswer{}) || q.SN != uint16(sn) {
		return nil, apdu.ProofNotAvailable
	}
	return a.Bytes(), apdu.OK
}

// loading is a load or an unload at the center.
type loading struct {
	unload         bool
	amount, before unit.Fen
	rands          map[string]bool
	tid            pboc.TID
	state          string // open, done, voided
	code           pboc.MAC
}

func (b *bank) sessionMAC(unload bool, rand [4]byte, sn pboc.OnlineSN, data []byte) pboc.MAC {
	b.t.Helper()
	if unload {
		return b.must(b.keys.UnloadMAC(b.card, rand, sn, data))
	}
	return b.must(b.keys.LoadMAC(b.card, rand, sn, data))
}

func (b *bank) transfer(q record.LoadQuestion, unload bool) (any, error) {
	rand := [4]byte(q.Rand)
	mac1, mac2 := fuelcard.LoadMAC1Data(q.Balance, q.Amount, fuelcard.TypeLoadED, q.TID), fuelcard.LoadMAC2Data(q.Amount, fuelcard.TypeLoadED, q.TID, stamp)
	if unload {
		mac1, mac2 = fuelcard.UnloadMAC1Data(q.Balance, q.Amount, q.TID), fuelcard.UnloadMAC2Data(q.Amount, q.TID, stamp)
	}
	if b.sessionMAC(unload, rand, q.OnlineSN, mac1) != q.MAC1 {
		return nil, refusal("MAC1_WRONG")
	}
	for sn, l := range b.loads {
		if l.state == "open" && (sn != q.OnlineSN || l.unload != unload) {
			return nil, refusal(map[bool]string{false: "LOAD_OPEN", true: "UNLOAD_OPEN"}[l.unload])
		}
	}
	l := b.loads[q.OnlineSN]
	switch {
	case l != nil && l.state == "done":
		return nil, refusal("ALREADY_LOADED")
	case l != nil && l.state == "open" && l.amount != q.Amount:
		return nil, refusal("AMOUNT_DIFFERS")
	case l == nil || l.state == "voided":
		if !unload && b.account < q.Amount {
			return nil, refusal("INSUFFICIENT_ACCOUNT")
		}
		rands := map[string]bool{}
		if l != nil {
			rands = l.rands
		}
		l = &loading{unload: unload, amount: q.Amount, before: q.Balance, rands: rands, tid: q.TID, state: "open"}
		b.loads[q.OnlineSN] = l
		if !unload {
			b.account -= q.Amount
			b.pending += q.Amount
		}
	}
	l.rands[string(q.Rand)] = true
	return record.LoadAnswer{Date: stamp[:4], Time: stamp[4:], MAC2: b.sessionMAC(unload, rand, q.OnlineSN, mac2)}, nil
}

// left is what some desk has left open.
func (b *bank) left() (a record.CardAnswer) {
	for sn, l := range b.loads {
		if l.state == "open" {
			a.Open = &record.OpenTransfer{Unload: l.unload, OnlineSN: sn, Amount: l.amount}
		}
	}
	return a
}

func (b *bank) loadEnd(q record.LoadEndQuestion, unload bool) (any, error) {
	l := b.loads[q.OnlineSN]
	if l == nil || l.unload != unload {
		return nil, refusal(map[bool]string{false: "LOAD_UNKNOWN", true: "UNLOAD_UNKNOWN"}[unload])
	}
	if q.Loaded {
		return record.Done{OK: true}, b.post(q.OnlineSN, q.TAC)
	}
	a := q.Absent
	switch {
	case l.state == "done":
		return nil, refusal(map[bool]string{false: "ALREADY_LOADED", true: "ALREADY_UNLOADED"}[unload])
	case l.state == "voided":
		return record.Done{OK: true}, nil
	case a == nil || a.OnlineSN != q.OnlineSN || l.rands[string(a.Rand)]:
		return nil, refusal("EVIDENCE_OLD")
	}
	if b.sessionMAC(false, [4]byte(a.Rand), a.OnlineSN, fuelcard.LoadMAC1Data(a.Balance, a.Amount, fuelcard.TypeLoadED, a.TID)) != a.MAC1 {
		return nil, refusal("MAC1_WRONG")
	}
	l.state = "voided"
	if !unload {
		b.account += l.amount
		b.pending -= l.amount
	}
	return record.Done{OK: true}, nil
}

// post takes the card's code, from a question or from the journal.
func (b *bank) post(sn pboc.OnlineSN, code pboc.MAC) error {
	l := b.loads[sn]
	if l.state != "open" {
		return nil
	}
	if l.unload {
		for rand := range l.rands {
			if b.sessionMAC(true, [4]byte([]byte(rand)), sn, fuelcard.UnloadMAC3Data(l.before-l.amount, sn, l.amount, l.tid, stamp)) == code {
				l.state, l.code = "done", code
				b.account += l.amount
				return nil
			}
		}
		return refusal("MAC3_WRONG")
	}
	if b.must(b.keys.TAC(b.card, fuelcard.LoadTACData(l.before+l.amount, sn, l.amount, fuelcard.TypeLoadED, l.tid, stamp))) != code {
		return refusal("TAC_WRONG")
	}
	l.state, l.code = "done", code
	b.pending -= l.amount
	return nil
}
