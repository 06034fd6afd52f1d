package cardos

import (
	"math"

	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/unit"
)

// initUpdate is INITIALIZE FOR UPDATE 80 50 04 01, of the overdraft limit. Source: card.md 6.2, 5.3.
func (c *Card) initUpdate(cmd apdu.Command) ([]byte, apdu.SW) {
	q, err := fuelcard.ParseInitForUpdate(cmd)
	if sw := c.admit(err); sw != apdu.OK {
		return nil, sw
	}
	p, k, sw := c.begin(fuelcard.ED, fuelcard.KeyOverdraft, q.KeyID)
	switch {
	case sw != apdu.OK:
		return nil, sw
	case p.sn == math.MaxUint16:
		return nil, apdu.Conditions
	}
	a := fuelcard.InitForUpdateAnswer{Balance: p.fen(), OnlineSN: p.sn, Overdraft: p.limit(), KeyVersion: k.A, Alg: k.B}
	if a.Rand, sw = c.random(); sw != apdu.OK {
		return nil, sw
	}
	s := c.suite(k)
	ses := s.LoadSession(keyOf(k), a.Rand, p.sn)
	a.MAC1 = s.MAC(ses, fuelcard.OverdraftMAC1Data(p.fen(), p.limit(), q.TID))
	c.pending = pending{kind: update, purse: fuelcard.ED, key: k, tid: q.TID, ses: ses}
	return a.Bytes(), apdu.OK
}

// updateOverdraw is UPDATE OVERDRAW LIMIT 80 58: 9302 for a wrong MAC2, 9401 for a limit below what is overdrawn, 6985 for
// a balance that would run over. The balance holds the limit, so it moves with it. Source: card.md 6.2, 5.3; adr/0008.
func (c *Card) updateOverdraw(cmd apdu.Command) ([]byte, apdu.SW) {
	now := c.take()
	q, err := fuelcard.ParseUpdateOverdraw(cmd)
	if sw := c.admit(err); sw != apdu.OK {
		return nil, sw
	}
	if sw := c.tradable(fuelcard.ED); sw != apdu.OK {
		return nil, sw
	}
	if now.kind != update {
		return nil, apdu.WrongState
	}
	tk, ok := c.key(fuelcard.KeyTAC, 0)
	p, sw := c.purse(fuelcard.ED)
	balance := int64(p.balance) - int64(p.overdraft) + int64(q.Limit)
	switch {
	case sw != apdu.OK:
		return nil, sw
	case !ok:
		return nil, apdu.KeyIndexMissing
	case !c.suite(now.key).MAC(now.ses, fuelcard.OverdraftMAC2Data(q.Limit, now.tid, q.Time)).Equal(q.MAC2):
		return nil, apdu.MACWrong
	case balance < 0:
		return nil, apdu.BalanceTooLow
	case balance > math.MaxUint32:
		return nil, apdu.Conditions
	}
	before := p.sn
	p.balance, p.overdraft = uint32(balance), uint32(q.Limit)
	p.sn++
	tac := c.profile.OverdraftTAC(c.suite(tk), keyOf(tk), fuelcard.OverdraftTACData(unit.Fen(balance), before, q.Limit, now.tid, q.Time))
	x := c.tree.Begin()
	p.put(x)
	p.prove(x, fuelcard.TypeOverdraft, uint16(before), [4]byte{}, tac)
	c.log(x, p, fuelcard.LogRecord{Serial: uint16(before), Type: fuelcard.TypeOverdraft, TID: now.tid, Time: q.Time})
	return fuelcard.UpdateOverdrawAnswer{TAC: tac}.Bytes(), c.commit(x)
}
