package cardos

import (
	"math"

	"greylock/emulators/chip"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// pending is a pair of commands between its two halves. The zero value is none. Source: card.md 7.1.
type pending struct {
	kind   kind
	purse  fuelcard.Purse
	key    chip.Key
	amount unit.Fen
	tid    pboc.TID
	rand   [4]byte
	ses    pboc.Session    // of load, unload, update, online unlock
	typ    fuelcard.TxType // of purchase, cash, compound purchase
	record cappRecord      // of a compound purchase
}

type kind byte

const (
	nothing kind = iota
	load
	unload
	purchase // and cash
	capp
	update
	grey
	greyUnlock
)

// take ends the pending pair, whatever comes of its second command. Source: card.md 7.1.
func (c *Card) take() pending {
	p := c.pending
	c.pending = pending{}
	return p
}

// initialize is 80 50: P1 00 load, 01 purchase, 02 cash, 03 compound purchase, 04 overdraft limit, 05 unload.
// Source: card.md 6.2.
func (c *Card) initialize(cmd apdu.Command) ([]byte, apdu.SW) {
	c.pending = pending{}
	switch cmd.P1 {
	case 0:
		return c.initLoad(cmd)
	case 1, 2, 3:
		return c.initPurchase(cmd)
	case 4:
		return c.initUpdate(cmd)
	case 5:
		return c.initUnload(cmd)
	}
	return nil, apdu.WrongP1P2
}

// debit is 80 54: P1 01 purchase, 03 unload. Source: card.md 6.2.
func (c *Card) debit(cmd apdu.Command) ([]byte, apdu.SW) {
	switch cmd.P1 {
	case 1:
		return c.debitForPurchase(cmd)
	case 3:
		return c.debitForUnload(cmd)
	}
	c.pending = pending{}
	return nil, apdu.WrongP1P2
}

// tradable checks what every change of a purse's balance but the grey commands needs: no grey lock, of either purse unless
// grey_scope is purse. Source: card.md 7.1, 7.2.
func (c *Card) tradable(which fuelcard.Purse) apdu.SW {
	switch state := c.greyState(); {
	case c.profile.GreyScope == fuelcard.GreyPurse && which != c.lockedPurse():
		return apdu.OK
	case state == fuelcard.Grey:
		return apdu.Conditions
	case state == fuelcard.TACUnread && !c.profile.LoadIn10:
		return apdu.Conditions
	}
	return apdu.OK
}

// begin finds the purse and key of an INIT, in the order of card.md 6.3: PIN where the profile asks for it, grey state,
// purse, key (9403).
func (c *Card) begin(which fuelcard.Purse, class, id byte) (purse, chip.Key, apdu.SW) {
	if c.profile.PINScope == fuelcard.PINAllPurse && !c.pinGiven() {
		return purse{}, chip.Key{}, apdu.SecurityState
	}
	if sw := c.tradable(which); sw != apdu.OK {
		return purse{}, chip.Key{}, sw
	}
	p, sw := c.purse(which)
	if sw != apdu.OK {
		return p, chip.Key{}, sw
	}
	k, ok := c.key(class, id)
	if !ok {
		return p, k, apdu.KeyIndexMissing
	}
	if !c.allows(k.Use) {
		return p, k, apdu.SecurityState
	}
	return p, k, apdu.OK
}

// initLoad is INITIALIZE FOR LOAD 80 50 00. 6985 when the serial or the balance would run over. Source: card.md 6.2, 5.3.
func (c *Card) initLoad(cmd apdu.Command) ([]byte, apdu.SW) {
	q, err := fuelcard.ParseInitForLoad(cmd)
	if sw := c.admit(err); sw != apdu.OK {
		return nil, sw
	}
	p, k, sw := c.begin(q.Purse, fuelcard.KeyLoad, q.KeyID)
	switch {
	case sw != apdu.OK:
		return nil, sw
	case p.sn == math.MaxUint16 || int64(p.balance)+int64(q.Amount) > math.MaxUint32:
		return nil, apdu.Conditions
	}
	a := fuelcard.InitForLoadAnswer{Balance: p.fen(), OnlineSN: p.sn, KeyVersion: k.A, Alg: k.B}
	if a.Rand, sw = c.random(); sw != apdu.OK {
		return nil, sw
	}
	s := c.suite(k)
	ses := s.LoadSession(keyOf(k), a.Rand, p.sn)
	a.MAC1 = s.MAC(ses, fuelcard.LoadMAC1Data(p.fen(), q.Amount, q.Purse.LoadType(), q.TID))
	c.pending = pending{kind: load, purse: q.Purse, key: k, amount: q.Amount, tid: q.TID, ses: ses}
	return a.Bytes(), apdu.OK
}

// creditForLoad is CREDIT FOR LOAD 80 52: 9302 for a wrong MAC2. Source: card.md 6.2, 5.3.
func (c *Card) creditForLoad(cmd apdu.Command) ([]byte, apdu.SW) {
	now := c.take()
	q, err := fuelcard.ParseCreditForLoad(cmd)
	if sw := c.admit(err); sw != apdu.OK {
		return nil, sw
	}
	if sw := c.tradable(now.purse); sw != apdu.OK {
		return nil, sw
	}
	tk, ok := c.key(fuelcard.KeyTAC, 0)
	p, sw := c.purse(max(now.purse, fuelcard.ED))
	t := now.purse.LoadType()
	switch {
	case now.kind != load:
		return nil, apdu.WrongState
	case sw != apdu.OK:
		return nil, sw
	case !ok:
		return nil, apdu.KeyIndexMissing
	case !c.suite(now.key).MAC(now.ses, fuelcard.LoadMAC2Data(now.amount, t, now.tid, q.Time)).Equal(q.MAC2):
		return nil, apdu.MACWrong
	}
	before := p.sn
	p.balance += uint32(now.amount)
	p.sn++
	tac := c.tac(tk, fuelcard.LoadTACData(p.fen(), before, now.amount, t, now.tid, q.Time))
	x := c.tree.Begin()
	p.put(x)
	p.prove(x, t, uint16(before), pboc.MAC{}, tac)
	c.log(x, p, fuelcard.LogRecord{Serial: uint16(before), Amount: now.amount, Type: t, TID: now.tid, Time: q.Time})
	return fuelcard.CreditForLoadAnswer{TAC: tac}.Bytes(), c.commit(x)
}

// initUnload is INITIALIZE FOR UNLOAD 80 50 05 01. Source: card.md 6.2, 5.3.
func (c *Card) initUnload(cmd apdu.Command) ([]byte, apdu.SW) {
	q, err := fuelcard.ParseInitForUnload(cmd)
	if sw := c.admit(err); sw != apdu.OK {
		return nil, sw
	}
	p, k, sw := c.begin(fuelcard.ED, fuelcard.KeyUnload, q.KeyID)
	switch {
	case sw != apdu.OK:
		return nil, sw
	case p.sn == math.MaxUint16:
		return nil, apdu.Conditions
	case !p.owns(q.Amount):
		return nil, apdu.BalanceTooLow
	}
	a := fuelcard.InitForUnloadAnswer{Balance: p.fen(), OnlineSN: p.sn, KeyVersion: k.A, Alg: k.B}
	if a.Rand, sw = c.random(); sw != apdu.OK {
		return nil, sw
	}
	s := c.suite(k)
	ses := s.LoadSession(keyOf(k), a.Rand, p.sn)
	a.MAC1 = s.MAC(ses, fuelcard.UnloadMAC1Data(p.fen(), q.Amount, q.TID))
	c.pending = pending{kind: unload, purse: fuelcard.ED, key: k, amount: q.Amount, tid: q.TID, ses: ses}
	return a.Bytes(), apdu.OK
}

// debitForUnload is DEBIT FOR UNLOAD 80 54 03: 9302 for a wrong MAC2. Source: card.md 6.2, 5.3.
func (c *Card) debitForUnload(cmd apdu.Command) ([]byte, apdu.SW) {
	now := c.take()
	q, err := fuelcard.ParseDebitForUnload(cmd)
	if sw := c.admit(err); sw != apdu.OK {
		return nil, sw
	}
	if sw := c.tradable(fuelcard.ED); sw != apdu.OK {
		return nil, sw
	}
	p, sw := c.purse(fuelcard.ED)
	s := c.suite(now.key)
	switch {
	case now.kind != unload:
		return nil, apdu.WrongState
	case sw != apdu.OK:
		return nil, sw
	case !s.MAC(now.ses, fuelcard.UnloadMAC2Data(now.amount, now.tid, q.Time)).Equal(q.MAC2):
		return nil, apdu.MACWrong
	case !p.owns(now.amount):
		return nil, apdu.BalanceTooLow
	}
	before := p.sn
	p.balance -= uint32(now.amount)
	p.sn++
	mac3 := s.MAC(now.ses, fuelcard.UnloadMAC3Data(p.fen(), before, now.amount, now.tid, q.Time))
	x := c.tree.Begin()
	p.put(x)
	p.prove(x, fuelcard.TypeUnload, uint16(before), mac3, pboc.MAC{})
	c.log(x, p, fuelcard.LogRecord{Serial: uint16(before), Amount: now.amount, Type: fuelcard.TypeUnload, TID: now.tid, Time: q.Time})
	return fuelcard.DebitForUnloadAnswer{MAC3: mac3}.Bytes(), c.commit(x)
}

// parsePurchase reads the INIT of a purchase, of cash or of a compound purchase, which have one form.
func parsePurchase(cmd apdu.Command) (q fuelcard.InitForPurchase, t fuelcard.TxType, err error) {
	switch cmd.P1 {
	case 2:
		cash, err := fuelcard.ParseInitForCash(cmd)
		return fuelcard.InitForPurchase{Purse: fuelcard.ED, KeyID: cash.KeyID, Amount: cash.Amount, TID: cash.TID}, fuelcard.TypeCash, err
	case 3:
		compound, err := fuelcard.ParseInitForCAPP(cmd)
		return fuelcard.InitForPurchase{Purse: fuelcard.EP, KeyID: compound.KeyID, Amount: compound.Amount, TID: compound.TID}, fuelcard.TypeCAPP, err
	}
	q, err = fuelcard.ParseInitForPurchase(cmd)
	return q, q.Purse.PurchaseType(), err
}

// initPurchase is INITIALIZE FOR PURCHASE 80 50 01, FOR CASH 80 50 02 01 and FOR CAPP PURCHASE 80 50 03 02.
// Source: card.md 6.2.
func (c *Card) initPurchase(cmd apdu.Command) ([]byte, apdu.SW) {
	q, t, err := parsePurchase(cmd)
	if sw := c.admit(err); sw != apdu.OK {
		return nil, sw
	}
	p, k, sw := c.begin(q.Purse, fuelcard.KeyConsume, q.KeyID)
	switch {
	case sw != apdu.OK:
		return nil, sw
	case p.ctc == math.MaxUint16:
		return nil, apdu.Conditions
	case !p.covers(q.Amount):
		return nil, apdu.BalanceTooLow
	}
	a := fuelcard.InitForPurchaseAnswer{Balance: p.fen(), CTC: p.ctc, Overdraft: p.limit(), KeyVersion: k.A, Alg: k.B}
	if a.Rand, sw = c.random(); sw != apdu.OK {
		return nil, sw
	}
	c.pending = pending{kind: purchase, typ: t, purse: q.Purse, key: k, amount: q.Amount, tid: q.TID, rand: a.Rand}
	if t == fuelcard.TypeCAPP {
		c.pending.kind = capp
	}
	return a.Bytes(), apdu.OK
}

// debitForPurchase is DEBIT FOR PURCHASE 80 54 01: 6985 in grey state 01, 6901 also for a compound purchase without its
// record, 9302 for a wrong MAC1. Source: card.md 6.2, 6.3.
func (c *Card) debitForPurchase(cmd apdu.Command) ([]byte, apdu.SW) {
	now := c.take()
	q, err := fuelcard.ParseDebitForPurchase(cmd)
	if sw := c.admit(err); sw != apdu.OK {
		return nil, sw
	}
	switch sw := c.tradable(now.purse); {
	case sw != apdu.OK && !c.Lenient:
		return nil, sw
	case sw != apdu.OK, now.kind != purchase && (now.kind != capp || now.record.file == nil && !c.Lenient):
		return nil, apdu.WrongState
	}
	tk, ok := c.key(fuelcard.KeyTAC, 0)
	p, sw := c.purse(now.purse)
	s, t := c.suite(now.key), now.typ
	ses := s.PurchaseSession(keyOf(now.key), now.rand, p.ctc, q.TTC)
	switch {
	case sw != apdu.OK:
		return nil, sw
	case !ok:
		return nil, apdu.KeyIndexMissing
	case !s.MAC(ses, fuelcard.PurchaseMAC1Data(now.amount, t, now.tid, q.Time)).Equal(q.MAC1):
		return nil, apdu.MACWrong
	case !p.covers(now.amount):
		return nil, apdu.BalanceTooLow
	}
	a := fuelcard.DebitForPurchaseAnswer{
		TAC:  c.tac(tk, fuelcard.PurchaseTACData(now.amount, t, now.tid, q.TTC, q.Time)),
		MAC2: s.MAC(ses, fuelcard.PurchaseMAC2Data(now.amount)),
	}
	before := p.ctc
	p.balance -= uint32(now.amount)
	p.ctc++
	x := c.tree.Begin()
	p.put(x)
	if sw := now.record.put(c, x); sw != apdu.OK {
		return nil, sw
	}
	p.prove(x, t, uint16(before), a.MAC2, a.TAC)
	c.log(x, p, fuelcard.LogRecord{Serial: uint16(before), Amount: now.amount, Type: t, TID: now.tid, Time: q.Time})
	return a.Bytes(), c.commit(x)
}
