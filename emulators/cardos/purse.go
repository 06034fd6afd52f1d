package cardos

import (
	"encoding/binary"

	"greylock/emulators/chip"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// Body of a purse: bal4 overdraft3 CTC2 onlineSN2, then the last transaction of each kind as done1 SN2 MAC4 TAC4. The
// balance holds the overdraft limit, see adr/0008.
const (
	purseHead = 11
	proveSize = 11
	purseSize = purseHead + proveKinds*proveSize
)

// purse is the head of a purse file. Source: card.md 7.1.
type purse struct {
	file      *chip.File
	balance   uint32
	overdraft uint32 // limit, 3 bytes
	ctc       pboc.CTC
	sn        pboc.OnlineSN
}

// purse reads ED or EP of the current DF.
func (c *Card) purse(p fuelcard.Purse) (purse, apdu.SW) {
	id := fuelcard.FIDED
	if p == fuelcard.EP {
		id = fuelcard.FIDEP
	}
	f := c.tree.In(c.df, chip.Purse, id)
	if f == nil {
		return purse{}, apdu.FileNotFound
	}
	b := c.tree.Bytes(f.Body(), purseHead)
	return purse{
		file: f, balance: binary.BigEndian.Uint32(b), overdraft: uint32(b[4])<<16 | uint32(b[5])<<8 | uint32(b[6]),
		ctc: pboc.CTC(binary.BigEndian.Uint16(b[7:])), sn: pboc.OnlineSN(binary.BigEndian.Uint16(b[9:])),
	}, apdu.OK
}

// covers reports whether the balance, which holds the overdraft limit, holds the amount. Source: card.md 7.3.
func (p purse) covers(amount unit.Fen) bool { return amount <= p.fen() }

// owns reports whether the amount is the holder's own, without the overdraft limit.
func (p purse) owns(amount unit.Fen) bool { return amount+p.limit() <= p.fen() }

func (p purse) fen() unit.Fen   { return unit.Fen(p.balance) }
func (p purse) limit() unit.Fen { return unit.Fen(p.overdraft) }

// put writes the head.
func (p purse) put(x *chip.Tx) {
	b := binary.BigEndian.AppendUint32(nil, p.balance)
	b = append(b, byte(p.overdraft>>16), byte(p.overdraft>>8), byte(p.overdraft))
	b = binary.BigEndian.AppendUint16(b, uint16(p.ctc))
	b = binary.BigEndian.AppendUint16(b, uint16(p.sn))
	x.Put(p.file.Body(), b...)
}

// log appends a record to the purse's log file, if it has one. Source: card.md 3.6.
func (c *Card) log(x *chip.Tx, p purse, r fuelcard.LogRecord) {
	f := c.tree.Short(c.df, p.file.Spare&0x1F)
	if r.Amount == 0 && !c.profile.LogZero || f == nil || f.Kind != chip.Cyclic || c.tree.RecordLength(f) != fuelcard.LogLength {
		return
	}
	r.Overdraft = unit.Fen(p.overdraft)
	c.tree.Append(x, f, r.Bytes())
}

// proveKinds is how many kinds of transaction a purse keeps the last one of.
const proveKinds = 6

// proven says which purse keeps the last transaction of a type, and in which place. Source: card.md 6.2.
func proven(t fuelcard.TxType) (which fuelcard.Purse, place int, ok bool) {
	switch t {
	case fuelcard.TypeLoadED:
		return fuelcard.ED, 0, true
	case fuelcard.TypeLoadEP:
		return fuelcard.EP, 0, true
	case fuelcard.TypeUnload:
		return fuelcard.ED, 1, true
	case fuelcard.TypePurchaseED:
		return fuelcard.ED, 2, true
	case fuelcard.TypePurchaseEP:
		return fuelcard.EP, 2, true
	case fuelcard.TypeCash:
		return fuelcard.ED, 3, true
	case fuelcard.TypeOverdraft:
		return fuelcard.ED, 4, true
	case fuelcard.TypeCAPP:
		return fuelcard.EP, 5, true
	}
	return 0, 0, false
}

// prove keeps the codes of a transaction for GET TRANSACTION PROVE.
func (p purse) prove(x *chip.Tx, t fuelcard.TxType, sn uint16, mac, tac pboc.MAC) {
	_, place, _ := proven(t)
	b := binary.BigEndian.AppendUint16([]byte{1}, sn)
	b = append(append(b, mac[:]...), tac[:]...)
	x.Put(p.file.Body()+purseHead+place*proveSize, b...)
}

// getBalance is GET BALANCE 80 5C 00 purse 04, free unless balance_pin is on. Source: card.md 6.2.
func (c *Card) getBalance(cmd apdu.Command) ([]byte, apdu.SW) {
	x, err := fuelcard.ParseGetBalance(cmd)
	if sw := c.admit(err); sw != apdu.OK {
		return nil, sw
	}
	if c.profile.BalancePIN && x.Purse == fuelcard.ED && !c.pinGiven() {
		return nil, apdu.SecurityState
	}
	p, sw := c.purse(x.Purse)
	if sw == apdu.OK {
		sw = exact(cmd.Le, 4)
	}
	if sw != apdu.OK {
		return nil, sw
	}
	return binary.BigEndian.AppendUint32(nil, p.balance), apdu.OK
}

// transactionProve is GET TRANSACTION PROVE 80 5A 00 type 02 SN: MAC and TAC of the last transaction of that type, 9406
// for any other. Source: card.md 6.2, prove_serial.
func (c *Card) transactionProve(cmd apdu.Command) ([]byte, apdu.SW) {
	q, err := fuelcard.ParseGetTransactionProve(cmd)
	if sw := c.admit(err); sw != apdu.OK {
		return nil, sw
	}
	which, place, ok := proven(q.Type)
	if !ok {
		return nil, apdu.ProofNotAvailable
	}
	p, sw := c.purse(which)
	if sw != apdu.OK {
		return nil, sw
	}
	b := c.tree.Bytes(p.file.Body()+purseHead+place*proveSize, proveSize)
	before := binary.BigEndian.Uint16(b[1:])
	isBefore := q.SN == before && c.profile.ProveSerial != fuelcard.ProveAfter
	isAfter := q.SN == before+1 && c.profile.ProveSerial != fuelcard.ProveBefore
	if b[0] == 0 || !isBefore && !isAfter {
		return nil, apdu.ProofNotAvailable
	}
	return b[3:], apdu.OK
}

// tac makes a code under the card's TAC key, which is id 00. Source: card.md 4.1, 5.1.
func (c *Card) tac(k chip.Key, data []byte) pboc.MAC { return c.suite(k).TAC(keyOf(k), data) }
