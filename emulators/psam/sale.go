package psam

import (
	"encoding/binary"
	"math"

	"greylock/emulators/chip"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/samcard"
	"greylock/system/wire/unit"
)

// sale is what the PSAM keeps of its counter and of the last transaction, in the MF. Source: card.md 8.2.
type sale struct {
	ttc     pboc.PSAMTTC // the counter
	mac2Err byte         // wrong MAC2 in a row; three lock the PSAM
	stage   stage
	kind    byte   // kindGrey, kindPurchase
	app     uint16 // application in which it began: its certificate and debit are taken nowhere else
	last    pboc.PSAMTTC
	asn8    [8]byte
	ctc     pboc.CTC
	base    uint32 // balance at the lock; amount of a purchase
	alg     byte
	ses     [16]byte
	sesLen  byte
	typ     byte
	time    [7]byte
	tid     pboc.TID
	amount  uint32
	gmac    pboc.MAC
	tac     pboc.MAC
}

type stage byte

// Stages of a transaction. Source: card.md 8.2.
const (
	stageNone stage = iota
	stageInit
	stageCert
	stageDone
)

const (
	kindGrey     = 1
	kindPurchase = 2

	saleSize = 4 + 1 + 1 + 1 + 2 + 4 + 8 + 2 + 4 + 1 + 16 + 1 + 1 + 7 + 6 + 4 + 4 + 4

	maxMAC2Err = 3 // Source: card.md 8.1

	// fixedInit is the data of an INIT before the diversification factors; version and algorithm are its last two bytes.
	fixedInit = 0x14
	maxFactor = 7 // Source: card.md 4.1: three bits of the usage
)

func (s *PSAM) saleAt() int { return s.at(s.tree.MF(), dfData) }

// sale reads the stored transaction.
func (s *PSAM) sale() (v sale) {
	b := s.tree.Bytes(s.saleAt(), saleSize)
	four := func() (u uint32) { u = binary.BigEndian.Uint32(b); b = b[4:]; return u }
	one := func() (c byte) { c = b[0]; b = b[1:]; return c }
	v.ttc = pboc.PSAMTTC(four())
	v.mac2Err, v.stage, v.kind = one(), stage(one()), one()
	v.app = binary.BigEndian.Uint16(b)
	b = b[2:]
	v.last = pboc.PSAMTTC(four())
	b = b[copy(v.asn8[:], b):]
	v.ctc = pboc.CTC(binary.BigEndian.Uint16(b))
	b = b[2:]
	v.base, v.alg = four(), one()
	b = b[copy(v.ses[:], b):]
	v.sesLen, v.typ = one(), one()
	b = b[copy(v.time[:], b):]
	b = b[copy(v.tid[:], b):]
	v.amount = four()
	b = b[copy(v.gmac[:], b):]
	copy(v.tac[:], b)
	if s.lost {
		v.stage = stageNone
	}
	return v
}

func (s *PSAM) keep(x *chip.Tx, v sale) {
	b := make([]byte, 0, saleSize)
	b = binary.BigEndian.AppendUint32(b, uint32(v.ttc))
	b = append(b, v.mac2Err, byte(v.stage), v.kind)
	b = binary.BigEndian.AppendUint16(b, v.app)
	b = binary.BigEndian.AppendUint32(b, uint32(v.last))
	b = append(b, v.asn8[:]...)
	b = binary.BigEndian.AppendUint16(b, uint16(v.ctc))
	b = append(binary.BigEndian.AppendUint32(b, v.base), v.alg)
	b = append(append(b, v.ses[:]...), v.sesLen, v.typ)
	b = append(append(b, v.time[:]...), v.tid[:]...)
	b = binary.BigEndian.AppendUint32(b, v.amount)
	b = append(append(b, v.gmac[:]...), v.tac[:]...)
	x.Put(s.saleAt(), b...)
}

// mac makes a code under the stored session key; false when memory holds none that makes sense.
func (s *PSAM) mac(v sale, data []byte) (pboc.MAC, bool) {
	suite := s.arithmetic(v.alg)
	if suite == nil || int(v.sesLen) > len(v.ses) {
		return pboc.MAC{}, false
	}
	ses, err := pboc.SessionOf(v.ses[:v.sesLen])
	if err != nil {
		return pboc.MAC{}, false
	}
	return suite.MAC(ses, data), true
}

// own reads the PSAM's number and terminal id from the MF. Source: card.md 3.9.
func (s *PSAM) own() (number pboc.ASN, tid pboc.TID, sw apdu.SW) {
	public := s.tree.In(s.tree.MF(), chip.Binary, 0x0015)
	terminal := s.tree.In(s.tree.MF(), chip.Binary, 0x0016)
	if public == nil || terminal == nil || public.Size < len(number) || terminal.Size < len(tid) {
		return number, tid, apdu.FileNotFound
	}
	copy(number[:], s.tree.Bytes(public.Body(), len(number)))
	copy(tid[:], s.tree.Bytes(terminal.Body(), len(tid)))
	return number, tid, apdu.OK
}

// ordered returns diversification factors in the order in which they are applied. Source: card.md 4.2, factor_order.
func (s *PSAM) ordered(f samcard.Factors) [][8]byte {
	if s.profile.FactorOrder == fuelcard.AsGiven {
		return f
	}
	return f.IssuerFirst()
}

// consume finds the consume key of an INIT and checks the length against its levels, in the order of card.md 8.2:
// locked 6983, key 9403, length 6700.
func (s *PSAM) consume(cmd apdu.Command) (chip.Key, apdu.SW) {
	n := len(cmd.Data)
	switch {
	case cmd.P1 != 0 || cmd.P2 != 0:
		return chip.Key{}, apdu.WrongP1P2
	case s.sale().mac2Err >= maxMAC2Err:
		return chip.Key{}, apdu.AuthBlocked
	case n < fixedInit || n > fixedInit+8*maxFactor:
		return chip.Key{}, apdu.WrongLength
	}
	version, alg := cmd.Data[fixedInit-2], cmd.Data[fixedInit-1]
	k, ok := s.find(func(k chip.Key) bool { return usage(k).Type() == samcard.TypeConsume && k.ID == version && k.B == alg })
	switch {
	case !ok:
		return k, s.profile.PSAMKeySW
	case n != fixedInit+8*usage(k).Levels():
		return k, apdu.WrongLength
	}
	return k, apdu.OK
}

// inner is the factor of the innermost level, the card's number: the last that is applied. Source: card.md 8.1.
func (s *PSAM) inner(f samcard.Factors) [8]byte { o := s.ordered(f); return o[len(o)-1] }

// under reports that the stored transaction is of a kind and of the current application.
func (s *PSAM) under(v sale, kind byte) bool { return v.kind == kind && v.app == s.df.ID }

// start takes the next TTC and makes it durable with the new transaction before anything is answered. With psam_ttc_at =
// certificate the counter itself moves only at the certificate. 6985 when the counter is used up. Source: card.md 8.1, 8.2.
func (s *PSAM) start(v sale, ses pboc.Session) apdu.SW {
	v.app, v.sesLen = s.df.ID, byte(copy(v.ses[:], ses.Bytes()))
	if s.profile.PSAMTTCAt != fuelcard.TTCAtCertificate {
		v.ttc = v.last
	}
	x := s.tree.Begin()
	s.keep(x, v)
	sw := s.commit(x)
	if sw == apdu.OK {
		s.lost = false
	}
	return sw
}

// initGreyLock is INIT_SAM_GREY_LOCK. Source: card.md 8.2.
func (s *PSAM) initGreyLock(cmd apdu.Command) ([]byte, apdu.SW) {
	k, sw := s.consume(cmd)
	if sw != apdu.OK {
		return nil, sw
	}
	q, err := samcard.ParseInitGreyLock(cmd)
	if err != nil {
		return nil, status(err)
	}
	if q.Type != samcard.TypeGreyED && q.Type != samcard.TypeGreyEP {
		return nil, apdu.WrongData
	}
	_, tid, sw := s.own()
	old := s.sale()
	switch {
	case sw != apdu.OK:
		return nil, sw
	case old.ttc == math.MaxUint32:
		return nil, apdu.Conditions
	}
	r, sw := s.random(4)
	if sw != apdu.OK {
		return nil, sw
	}
	su := s.suite(k)
	card := su.Diversify(keyOf(k), s.ordered(q.Factors)...)
	a := samcard.InitGreyLockAnswer{TTC: old.ttc + 1, TermRand: [4]byte(r)}
	ses := su.GreySession(card, q.Rand, q.CTC, a.TTC, a.TermRand)
	a.MAC1 = su.MAC(ses, fuelcard.GreyMAC1Data(fuelcard.TxType(q.Type), tid, q.Time))
	return a.Bytes(), s.start(sale{ttc: old.ttc, mac2Err: old.mac2Err, stage: stageInit, kind: kindGrey, last: a.TTC, asn8: s.inner(q.Factors),
		ctc: q.CTC, base: uint32(q.Balance), alg: su.Alg(), typ: q.Type, time: q.Time, tid: tid}, ses)
}

// certificate is CERTIFICATE_SAM_GREY_LOCK. Source: card.md 8.2.
func (s *PSAM) certificate(cmd apdu.Command) ([]byte, apdu.SW) {
	q, err := samcard.ParseCertificateGreyLock(cmd)
	if err != nil {
		return nil, status(err)
	}
	return nil, s.check(kindGrey, stageCert, q.MAC2, func(v sale) []byte {
		return fuelcard.GreyMAC2Data(unit.Fen(v.base), v.ctc)
	})
}

// check judges a card's MAC2: three wrong ones in a row lock the PSAM.
func (s *PSAM) check(kind byte, next stage, mac2 pboc.MAC, data func(sale) []byte) apdu.SW {
	v := s.sale()
	switch {
	case v.mac2Err >= maxMAC2Err:
		return apdu.AuthBlocked
	case v.stage != stageInit || !s.under(v, kind):
		return apdu.WrongState
	}
	want, ok := s.mac(v, data(v))
	if !ok {
		return apdu.MemoryFailure
	}
	x := s.tree.Begin()
	if !want.Equal(mac2) {
		v.mac2Err++
		s.keep(x, v)
		if sw := s.commit(x); sw != apdu.OK {
			return sw
		}
		if s.profile.PSAMMAC2SW == 0x63C0 {
			return 0x63C0 | apdu.SW(maxMAC2Err-v.mac2Err)
		}
		return s.profile.PSAMMAC2SW
	}
	v.mac2Err, v.stage = 0, next
	v.ttc = max(v.ttc, v.last)
	s.keep(x, v)
	return s.commit(x)
}

// debitGreyLock is DEBIT_SAM_GREY_LOCK: one GMAC per lock; the same amount gets the same answer again. Source: card.md 8.2.
func (s *PSAM) debitGreyLock(cmd apdu.Command) ([]byte, apdu.SW) {
	q, err := samcard.ParseDebitGreyLock(cmd)
	if err != nil {
		return nil, status(err)
	}
	v := s.sale()
	switch {
	case !s.under(v, kindGrey) || v.stage != stageCert && v.stage != stageDone:
		return nil, apdu.WrongState
	case q.Type != v.typ+2: // 91 → 93, 92 → 94
		return nil, apdu.WrongData
	case q.ASN8 != v.asn8 || q.CTC != v.ctc:
		return nil, s.profile.PSAMMismatchSW
	case v.stage == stageDone && uint32(q.Amount) != v.amount:
		return nil, apdu.Conditions
	case v.stage == stageDone:
		return samcard.GMACAnswer{GMAC: v.gmac, TAC: v.tac}.Bytes(), apdu.OK
	}
	gmac, ok := s.mac(v, fuelcard.GMACData(q.Amount))
	if !ok {
		return nil, apdu.MemoryFailure
	}
	number, _, sw := s.own()
	if sw != apdu.OK {
		return nil, sw
	}
	tk, found := s.find(func(k chip.Key) bool { return usage(k).Type() == samcard.UsageTAC.Type() })
	if !found {
		return nil, s.profile.PSAMKeySW
	}
	key := keyOf(tk)
	for range usage(tk).Levels() { // 0 when the key was diversified as it was made
		key = s.suite(tk).Diversify(key, number.Factor())
	}
	v.gmac, v.amount, v.stage = gmac, uint32(q.Amount), stageDone
	v.tac = s.suite(tk).TAC(key, samcard.TACData(q.Amount, q.Type, v.tid, v.last, v.time))
	x := s.tree.Begin()
	s.keep(x, v)
	return samcard.GMACAnswer{GMAC: v.gmac, TAC: v.tac}.Bytes(), s.commit(x)
}

// getGMAC is GET_GMAC: the answer of the last debit again, 9406 for any other TTC. Source: card.md 8.2.
func (s *PSAM) getGMAC(cmd apdu.Command) ([]byte, apdu.SW) {
	q, err := samcard.ParseGetGMAC(cmd)
	if err != nil {
		return nil, status(err)
	}
	v := s.sale()
	if v.kind != kindGrey || v.stage != stageDone || q.TTC != v.last {
		return nil, apdu.ProofNotAvailable
	}
	return samcard.GMACAnswer{GMAC: v.gmac, TAC: v.tac}.Bytes(), apdu.OK
}

// initPurchase is INIT_SAM_FOR_PURCHASE; cash and compound purchases take the same pair. Source: card.md 8.1, 8.2; their
// types 04 and 09 [std].
func (s *PSAM) initPurchase(cmd apdu.Command) ([]byte, apdu.SW) {
	k, sw := s.consume(cmd)
	if sw != apdu.OK {
		return nil, sw
	}
	q, err := samcard.ParseInitForPurchase(cmd)
	if err != nil {
		return nil, status(err)
	}
	switch q.Type {
	case samcard.TypePurchaseED, samcard.TypePurchaseEP, samcard.TypeCash, samcard.TypeCAPP:
	default:
		return nil, apdu.WrongData
	}
	_, tid, sw := s.own()
	old := s.sale()
	switch {
	case sw != apdu.OK:
		return nil, sw
	case old.ttc == math.MaxUint32:
		return nil, apdu.Conditions
	}
	su := s.suite(k)
	card := su.Diversify(keyOf(k), s.ordered(q.Factors)...)
	a := samcard.InitForPurchaseAnswer{TTC: old.ttc + 1}
	ses := su.PurchaseSession(card, q.Rand, q.CTC, a.TTC)
	a.MAC1 = su.MAC(ses, fuelcard.PurchaseMAC1Data(q.Amount, fuelcard.TxType(q.Type), tid, q.Time))
	return a.Bytes(), s.start(sale{ttc: old.ttc, mac2Err: old.mac2Err, stage: stageInit, kind: kindPurchase, last: a.TTC,
		asn8: s.inner(q.Factors), ctc: q.CTC, base: uint32(q.Amount), alg: su.Alg(), typ: q.Type, time: q.Time, tid: tid}, ses)
}

// creditPurchase is CREDIT_SAM_FOR_PURCHASE. Source: card.md 8.1, 8.2.
func (s *PSAM) creditPurchase(cmd apdu.Command) ([]byte, apdu.SW) {
	q, err := samcard.ParseCreditForPurchase(cmd)
	if err != nil {
		return nil, status(err)
	}
	return nil, s.check(kindPurchase, stageDone, q.MAC2, func(v sale) []byte {
		return fuelcard.PurchaseMAC2Data(unit.Fen(v.base))
	})
}
