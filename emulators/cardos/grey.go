package cardos

import (
	"encoding/binary"
	"math"

	"greylock/emulators/chip"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// The data of an application behind its DF: wrong secure-messaging MACs1, unlockErr1, and the grey lock: the proof as
// E0 CA answers it, the locked purse1, CTC2 and TTC4 of the lock, suite1, length1 and session key16. Byte 0 of the proof is the grey
// state. Source: card.md 7.1.
const (
	appSMFails   = 0
	appUnlockErr = 1
	appProof     = 2
	appPurse     = appProof + fuelcard.LockProofLength
	appCTC       = appPurse + 1
	appTTC       = appCTC + 2
	appAlg       = appTTC + 4
	appSession   = appAlg + 1
	maxSession   = 16
	appSize      = appSession + 1 + maxSession

	maxUnlockErr = 3 // Source: card.md 7.2
)

// app is the offset of an item of the current application's data.
func (c *Card) app(item int) int { return c.df.Body() + chip.DFData + item }

func (c *Card) greyState() fuelcard.GreyState {
	return fuelcard.GreyState(c.tree.Byte(c.app(appProof)))
}

// lockedPurse is the purse of the lock, also of one that was debited. Source: card.md 6.4, proof_wallet.
func (c *Card) lockedPurse() fuelcard.Purse {
	return fuelcard.Purse(c.tree.Byte(c.app(appProof) + 2))
}

// lock is what a grey card keeps besides the proof.
type lock struct {
	purse fuelcard.Purse
	ctc   pboc.CTC
	ttc   pboc.PSAMTTC
	suite pboc.Suite
	ses   pboc.Session
}

func (l lock) put(x *chip.Tx, at int) {
	ses := l.ses.Bytes()
	b := binary.BigEndian.AppendUint16([]byte{byte(l.purse)}, uint16(l.ctc))
	b = binary.BigEndian.AppendUint32(b, uint32(l.ttc))
	b = append(b, l.suite.Alg(), byte(len(ses)))
	b = append(b, ses...)
	x.Put(at, append(b, make([]byte, maxSession-len(ses))...)...)
}

// lock reads the lock of a grey card; 6F00 if the memory holds none that makes sense.
func (c *Card) lock() (lock, apdu.SW) {
	b := c.tree.Bytes(c.app(appPurse), appSize-appPurse)
	l := lock{purse: fuelcard.Purse(b[0]), ctc: pboc.CTC(binary.BigEndian.Uint16(b[1:])), ttc: pboc.PSAMTTC(binary.BigEndian.Uint32(b[3:]))}
	b = b[appAlg-appPurse:]
	n := int(b[1])
	l.suite = c.arithmetic(b[0])
	if l.suite == nil || n > maxSession {
		return l, apdu.UnknownFailure
	}
	var err error
	if l.ses, err = pboc.SessionOf(b[2 : 2+n]); err != nil {
		return l, apdu.UnknownFailure
	}
	return l, apdu.OK
}

// erase wipes the session key with the act that ends the lock.
func (c *Card) erase(x *chip.Tx) { x.Put(c.app(appPurse), make([]byte, appSize-appPurse)...) }

// greyInit is E0 7A: P1 08 INIT GREY LOCK, 09 INIT GREY UNLOCK. Source: card.md 7.3.
func (c *Card) greyInit(cmd apdu.Command) ([]byte, apdu.SW) {
	c.pending = pending{}
	switch cmd.P1 {
	case 8:
		return c.initGreyLock(cmd)
	case 9:
		return c.initGreyUnlock(cmd)
	}
	return nil, apdu.WrongP1P2
}

// greyEnd is E0 7E: P1 08 DEBIT FOR UNLOCK, 09 GREY UNLOCK. Source: card.md 7.3.
func (c *Card) greyEnd(cmd apdu.Command) ([]byte, apdu.SW) {
	switch cmd.P1 {
	case 8:
		return c.debitForUnlock(cmd)
	case 9:
		return c.greyUnlock(cmd)
	}
	c.pending = pending{}
	return nil, apdu.WrongP1P2
}

// initGreyLock is INIT GREY LOCK: the PIN first (6982), then grey state (6985), key (9403), counter (6985).
// Source: card.md 7.3, 7.4.
func (c *Card) initGreyLock(cmd apdu.Command) ([]byte, apdu.SW) {
	q, err := fuelcard.ParseInitGreyLock(cmd)
	if sw := c.admit(err); sw != apdu.OK {
		return nil, sw
	}
	p, sw := c.purse(q.Purse)
	switch {
	case sw != apdu.OK:
		return nil, sw
	case q.Purse == fuelcard.EP && !c.profile.EPGrey:
		return nil, apdu.FunctionOrBlocked
	}
	k, ok := c.key(fuelcard.KeyConsume, q.KeyID)
	switch {
	case !c.pinGiven() || !c.allows(p.file.Read):
		return nil, apdu.SecurityState
	case c.greyState() != fuelcard.NotGrey:
		return nil, apdu.Conditions
	case !ok:
		return nil, apdu.KeyIndexMissing
	case !c.allows(k.Use):
		return nil, apdu.SecurityState
	case p.ctc == math.MaxUint16:
		return nil, apdu.Conditions
	}
	a := fuelcard.InitGreyLockAnswer{Balance: p.fen(), CTC: p.ctc, Overdraft: unit.Fen(p.overdraft), KeyVersion: k.A, Alg: k.B}
	if a.Rand, sw = c.random(); sw != apdu.OK {
		return nil, sw
	}
	c.pending = pending{kind: grey, purse: q.Purse, key: k, tid: q.TID, rand: a.Rand}
	return a.Bytes(), apdu.OK
}

// greyLock is GREY LOCK: MAC1 of the PSAM (9302), then in one act grey state 01, its session key and proof, CTC + 1.
// Source: card.md 7.3.
func (c *Card) greyLock(cmd apdu.Command) ([]byte, apdu.SW) {
	now := c.take()
	if cmd.P1 != 8 || cmd.P2 != 0 {
		return nil, apdu.WrongP1P2
	}
	if sw := c.admit(nil); sw != apdu.OK {
		return nil, sw
	}
	if now.kind != grey {
		return nil, apdu.WrongState
	}
	q, err := fuelcard.ParseGreyLock(cmd)
	if err != nil {
		return nil, status(err)
	}
	tk, ok := c.key(fuelcard.KeyTAC, 0)
	p, sw := c.purse(now.purse)
	s, t := c.suite(now.key), now.purse.GreyType()
	ses := s.GreySession(keyOf(now.key), now.rand, p.ctc, q.TTC, q.TermRand)
	switch {
	case sw != apdu.OK:
		return nil, sw
	case !ok:
		return nil, apdu.KeyIndexMissing
	case !s.MAC(ses, fuelcard.GreyMAC1Data(t, now.tid, q.Time)).Equal(q.MAC1):
		return nil, apdu.MACWrong
	}
	a := fuelcard.GreyLockAnswer{
		GTAC: c.tac(tk, c.profile.GTACData(p.fen(), p.ctc, t, now.tid, q.TTC, q.Time)),
		MAC2: s.MAC(ses, fuelcard.GreyMAC2Data(p.fen(), p.ctc)),
	}
	proof := fuelcard.LockProof{State: fuelcard.Grey, Type: t, Wallet: now.purse, Balance: p.fen(), Serial: uint16(p.ctc),
		TID: now.tid, Time: q.Time, Detail: a.MAC2, Code: a.GTAC}
	x := c.tree.Begin()
	x.Put(c.app(appProof), proof.Bytes()...)
	lock{purse: now.purse, ctc: p.ctc, ttc: q.TTC, suite: s, ses: ses}.put(x, c.app(appPurse))
	p.ctc++
	p.put(x)
	return a.Bytes(), c.commit(x)
}

// debitForUnlock is DEBIT FOR UNLOCK. It checks CTC (9406), balance (9401), GMAC (9302, counted; the third blocks the
// application temporarily) and nothing else of the command; the rest enters the TAC and the log. In one act: debit, log,
// state 10 with its proof, session key erased. Source: card.md 7.3, 5.3.
func (c *Card) debitForUnlock(cmd apdu.Command) ([]byte, apdu.SW) {
	c.pending = pending{}
	which := fuelcard.Purse(cmd.P2)
	if !which.Valid() {
		return nil, apdu.WrongP1P2
	}
	if sw := c.admit(nil); sw != apdu.OK {
		return nil, sw
	}
	switch {
	case c.profile.PINUnlock && !c.pinGiven():
		return nil, apdu.SecurityState
	case c.greyState() != fuelcard.Grey:
		return nil, apdu.Conditions
	}
	l, sw := c.lock()
	switch {
	case sw != apdu.OK:
		return nil, sw
	case which != l.purse:
		return nil, apdu.Conditions
	}
	q, err := fuelcard.ParseDebitForUnlock(cmd)
	if err != nil {
		return nil, status(err)
	}
	p, sw := c.purse(which)
	tk, ok := c.key(fuelcard.KeyTAC, 0)
	switch {
	case sw != apdu.OK:
		return nil, sw
	case !ok:
		return nil, apdu.KeyIndexMissing
	case q.CTC != l.ctc && (q.CTC != l.ctc+1 || c.profile.StrictCTC):
		return nil, apdu.ProofNotAvailable
	case !p.covers(q.Amount):
		return nil, apdu.BalanceTooLow
	case !l.suite.MAC(l.ses, fuelcard.GMACData(q.Amount)).Equal(q.GMAC):
		return nil, c.unlockFailed()
	}
	t := which.UnlockType()
	tac := c.tac(tk, fuelcard.UnlockTACData(q.Amount, t, q.TID, q.TTC, q.Time))
	proof := fuelcard.LockProof{State: fuelcard.TACUnread, Type: t, Wallet: which, Balance: c.shown(p, q.Amount),
		Serial: uint16(l.ctc), TID: q.TID, Time: q.Time, Code: tac}
	p.balance -= uint32(q.Amount)
	proof.SetAmount(q.Amount)
	x := c.tree.Begin()
	p.put(x)
	c.log(x, p, fuelcard.LogRecord{Serial: uint16(l.ctc), Amount: q.Amount, Type: t, TID: q.TID, Time: q.Time})
	x.Put(c.app(appProof), proof.Bytes()...)
	c.erase(x)
	x.Put(c.app(appUnlockErr), 0)
	return fuelcard.DebitForUnlockAnswer{TAC: tac}.Bytes(), c.commit(x)
}

// shown is the balance that a proof of state 10 shows for a debit. Source: card.md 6.4, proof_balance.
func (c *Card) shown(before purse, amount unit.Fen) unit.Fen {
	if c.profile.ProofBalance == fuelcard.BalanceBefore {
		return before.fen()
	}
	return before.fen() - amount
}

// unlockFailed counts a wrong GMAC.
func (c *Card) unlockFailed() apdu.SW {
	n := c.tree.Byte(c.app(appUnlockErr)) + 1
	x := c.tree.Begin()
	x.Put(c.app(appUnlockErr), n)
	if n >= maxUnlockErr {
		c.tree.SetBlocked(x, c.df, chip.Temporarily)
	}
	if sw := c.commit(x); sw != apdu.OK {
		return sw
	}
	return apdu.MACWrong
}

// initGreyUnlock is INIT GREY UNLOCK (online). Source: card.md 7.3.
func (c *Card) initGreyUnlock(cmd apdu.Command) ([]byte, apdu.SW) {
	q, err := fuelcard.ParseInitGreyUnlock(cmd)
	if sw := c.admit(err); sw != apdu.OK {
		return nil, sw
	}
	switch {
	case c.profile.PINUnlock && !c.pinGiven():
		return nil, apdu.SecurityState
	case c.greyState() != fuelcard.Grey || fuelcard.Purse(c.tree.Byte(c.app(appPurse))) != q.Purse:
		return nil, apdu.Conditions
	}
	p, sw := c.purse(q.Purse)
	k, ok := c.key(fuelcard.KeyOnlineUnlock, q.KeyID)
	switch {
	case sw != apdu.OK:
		return nil, sw
	case !ok:
		return nil, apdu.KeyIndexMissing
	case !c.allows(k.Use):
		return nil, apdu.SecurityState
	case p.sn == math.MaxUint16:
		return nil, apdu.Conditions
	}
	a := fuelcard.InitGreyUnlockAnswer{Balance: p.fen(), CTC: p.ctc, OnlineSN: p.sn, KeyVersion: k.A, Alg: k.B}
	if a.Rand, sw = c.random(); sw != apdu.OK {
		return nil, sw
	}
	s := c.suite(k)
	ses := s.LoadSession(keyOf(k), a.Rand, p.sn)
	a.MAC1 = s.MAC(ses, fuelcard.OnlineMAC1Data(p.fen(), p.ctc, q.Purse.OnlineType(), q.TID))
	c.pending = pending{kind: greyUnlock, purse: q.Purse, key: k, tid: q.TID, ses: ses}
	return a.Bytes(), apdu.OK
}

// greyUnlock is GREY UNLOCK (online): MAC2 of the host (9302), balance (9401; 0 is allowed), then in one act debit, log,
// online SN + 1, state 10 with MAC3 in the proof. Source: card.md 7.3.
func (c *Card) greyUnlock(cmd apdu.Command) ([]byte, apdu.SW) {
	now := c.take()
	if cmd.P2 != 0 {
		return nil, apdu.WrongP1P2
	}
	if sw := c.admit(nil); sw != apdu.OK {
		return nil, sw
	}
	if now.kind != greyUnlock {
		return nil, apdu.WrongState
	}
	q, err := fuelcard.ParseGreyUnlock(cmd)
	if err != nil {
		return nil, status(err)
	}
	p, sw := c.purse(now.purse)
	s, t := c.suite(now.key), now.purse.OnlineType()
	switch {
	case sw != apdu.OK:
		return nil, sw
	case !s.MAC(now.ses, fuelcard.OnlineMAC2Data(q.Amount, t, now.tid, q.Time)).Equal(q.MAC2):
		return nil, apdu.MACWrong
	case !p.covers(q.Amount):
		return nil, apdu.BalanceTooLow
	}
	before, shows := p.sn, c.shown(p, q.Amount)
	p.balance -= uint32(q.Amount)
	p.sn++
	mac3 := s.MAC(now.ses, fuelcard.OnlineMAC3Data(p.fen(), before, q.Amount, t, now.tid, q.Time))
	proof := fuelcard.LockProof{State: fuelcard.TACUnread, Type: t, Wallet: now.purse, Balance: shows, Serial: uint16(before),
		TID: now.tid, Time: q.Time, Code: mac3}
	proof.SetAmount(q.Amount)
	x := c.tree.Begin()
	p.put(x)
	c.log(x, p, fuelcard.LogRecord{Serial: uint16(before), Amount: q.Amount, Type: t, TID: now.tid, Time: q.Time})
	x.Put(c.app(appProof), proof.Bytes()...)
	c.erase(x)
	x.Put(c.app(appUnlockErr), 0)
	return fuelcard.GreyUnlockAnswer{MAC3: mac3}.Bytes(), c.commit(x)
}

// lockProof is E0 CA: P1 00 GET LOCK PROOF, 30 bytes, zeros for a card never locked; P1 01 CLEAR TACUF, which keeps the
// proof readable as history. Source: card.md 6.4, 7.3.
func (c *Card) lockProof(cmd apdu.Command) ([]byte, apdu.SW) {
	switch {
	case cmd.P1 > 1 || cmd.P2 != 0:
		return nil, apdu.WrongP1P2
	case len(cmd.Data) > 0:
		return nil, apdu.WrongLength
	}
	if sw := c.admit(nil); sw != apdu.OK {
		return nil, sw
	}
	if cmd.P1 == 0 {
		if sw := exact(cmd.Le, fuelcard.LockProofLength); sw != apdu.OK {
			return nil, sw
		}
		proof := c.tree.Bytes(c.app(appProof), fuelcard.LockProofLength)
		if never := c.profile.NeverUsedProof; never != 0 && proof[0] == 0 && proof[1] == 0 {
			return proof, never
		}
		return proof, apdu.OK
	}
	switch c.greyState() {
	case fuelcard.Grey:
		return nil, apdu.Conditions
	case fuelcard.TACUnread:
		x := c.tree.Begin()
		x.Put(c.app(appProof), byte(fuelcard.NotGrey))
		return nil, c.commit(x)
	}
	return nil, apdu.OK
}
