package dispenser

import (
	"encoding/binary"

	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/samcard"
	"greylock/system/wire/unit"
)

// The keys of the bench: any will do, card and PSAM have the same masters. Source of the scheme: card.md 4.2.
var bench = struct{ dpk, dtk, dik, samtac, tmac pboc.Key }{
	pboc.Key{0xA0, 1}, pboc.Key{0xC0, 2}, pboc.Key{0x90, 3}, pboc.Key{0x80, 4}, pboc.Key{0x70, 5}}

var benchIssuer = pboc.Issuer{0x44, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}

// chipCard is a user card as far as a sale goes. Source: card.md 7.3.
type chipCard struct {
	asn       pboc.ASN
	balance   unit.Fen
	ctc       pboc.CTC
	pin       []byte // nil: default
	tries     int
	proof     fuelcard.LockProof
	session   pboc.Session
	foreign   bool
	limits    fuelcard.Limits
	verified  bool
	rand      [4]byte
	pending   *fuelcard.InitGreyLock
	debits    int
	debited   unit.Fen
	wrongPINs int
}

func newCard(serial byte, balance unit.Fen) *chipCard {
	return &chipCard{asn: pboc.ASN{0x01, 0x00, 0x01, 0x14, 0x40, 0x00, 0x00, 0x00, 0x12, serial}, balance: balance, tries: 3,
		limits: fuelcard.NoLimits()}
}

func (c *chipCard) reset() { c.verified, c.pending = false, nil }

func (c *chipCard) key(master pboc.Key) pboc.Key {
	return pboc.TDES.Diversify(master, benchIssuer, c.asn.Factor())
}

func (c *chipCard) obey(raw []byte) []byte {
	cmd, err := apdu.ParseCommand(raw)
	if err != nil {
		return []byte{0x67, 0x00}
	}
	data, sw := c.command(cmd)
	return apdu.Answer{Data: data, SW: sw}.Bytes()
}

func (c *chipCard) command(cmd apdu.Command) ([]byte, apdu.SW) {
	switch cmd.INS {
	case 0xA4:
		c.reset()
		return nil, apdu.OK
	case 0xB0:
		return c.file(cmd.P1 & 0x1F), apdu.OK
	case 0xB2:
		return nil, apdu.RecordNotFound
	case 0x5C:
		return binary.BigEndian.AppendUint32(nil, uint32(c.balance)), apdu.OK
	case 0x20:
		return nil, c.verify(cmd.Data)
	case 0x88:
		a := pboc.TDES.Authenticate(c.key(bench.dik), [8]byte(cmd.Data))
		if c.foreign {
			a[0]++
		}
		return a[:], apdu.OK
	case 0xCA:
		if cmd.P1 == 1 {
			if c.proof.State == fuelcard.Grey {
				return nil, apdu.Conditions
			}
			c.proof.State = fuelcard.NotGrey
			return nil, apdu.OK
		}
		return c.proof.Bytes(), apdu.OK
	case 0x7A:
		return c.initLock(cmd)
	case 0x7C:
		return c.lock(cmd)
	case 0x7E:
		return c.debit(cmd)
	}
	return nil, apdu.UnknownINS
}

func (c *chipCard) file(sfi byte) []byte {
	switch sfi {
	case fuelcard.SFIPublic:
		return fuelcard.PublicData{Issuer: benchIssuer, AppType: fuelcard.AppPetrol, AppVersion: 1, ASN: c.asn,
			Start: [4]byte{0x20, 0x26, 0x01, 0x01}, Expiry: [4]byte{0x20, 0x36, 0x12, 0x31}, SetVersion: 1}.Bytes()
	case fuelcard.SFIHolder:
		return fuelcard.HolderData{CardType: fuelcard.CardUser}.Bytes()
	case fuelcard.SFIOrdinary:
		var o fuelcard.OrdinaryData
		if c.pin != nil {
			o.UserPIN = 1
		}
		return o.Bytes()
	}
	return c.limits.Bytes()
}

func (c *chipCard) verify(pin []byte) apdu.SW {
	want := c.pin
	if want == nil {
		want = []byte{0x99, 0x99, 0x99}
	}
	if c.tries == 0 {
		return apdu.AuthBlocked
	}
	if string(pin) != string(want) {
		c.tries--
		c.wrongPINs++
		return apdu.SW(0x63C0 + c.tries)
	}
	c.tries, c.verified = 3, true
	return apdu.OK
}

func (c *chipCard) initLock(cmd apdu.Command) ([]byte, apdu.SW) {
	i, err := fuelcard.ParseInitGreyLock(cmd)
	switch {
	case err != nil:
		return nil, apdu.WrongData
	case !c.verified:
		return nil, apdu.SecurityState
	case c.proof.State != fuelcard.NotGrey:
		return nil, apdu.Conditions
	}
	c.rand[3]++
	c.pending = &i
	return fuelcard.InitGreyLockAnswer{Balance: c.balance, CTC: c.ctc, KeyVersion: 1, Alg: pboc.AlgTDES, Rand: c.rand}.Bytes(), apdu.OK
}

func (c *chipCard) lock(cmd apdu.Command) ([]byte, apdu.SW) {
	g, err := fuelcard.ParseGreyLock(cmd)
	if err != nil || c.pending == nil {
		return nil, apdu.WrongState
	}
	tid := c.pending.TID
	c.pending = nil
	ses := pboc.TDES.GreySession(c.key(bench.dpk), c.rand, c.ctc, g.TTC, g.TermRand)
	if pboc.TDES.MAC(ses, fuelcard.GreyMAC1Data(fuelcard.TypeGreyED, tid, g.Time)) != g.MAC1 {
		return nil, apdu.MACWrong
	}
	gtac := pboc.TDES.TAC(c.key(bench.dtk), fuelcard.National().GTACData(c.balance, c.ctc, fuelcard.TypeGreyED, tid, g.TTC, g.Time))
	mac2 := pboc.TDES.MAC(ses, fuelcard.GreyMAC2Data(c.balance, c.ctc))
	c.session = ses
	c.proof = fuelcard.LockProof{State: fuelcard.Grey, Type: fuelcard.TypeGreyED, Wallet: fuelcard.ED, Balance: c.balance, Serial: uint16(c.ctc),
		TID: tid, Time: g.Time, Detail: mac2, Code: gtac}
	c.ctc++
	return fuelcard.GreyLockAnswer{GTAC: gtac, MAC2: mac2}.Bytes(), apdu.OK
}

func (c *chipCard) debit(cmd apdu.Command) ([]byte, apdu.SW) {
	d, err := fuelcard.ParseDebitForUnlock(cmd)
	switch {
	case err != nil || c.proof.State != fuelcard.Grey:
		return nil, apdu.Conditions
	case d.CTC != c.proof.CTC():
		return nil, apdu.ProofNotAvailable
	case d.Amount > c.balance:
		return nil, apdu.BalanceTooLow
	case pboc.TDES.MAC(c.session, fuelcard.GMACData(d.Amount)) != d.GMAC:
		return nil, apdu.MACWrong
	}
	tac := pboc.TDES.TAC(c.key(bench.dtk), fuelcard.UnlockTACData(d.Amount, fuelcard.TypeUnlockED, d.TID, d.TTC, d.Time))
	c.balance -= d.Amount
	c.debits++
	c.debited += d.Amount
	c.proof = fuelcard.LockProof{State: fuelcard.TACUnread, Type: fuelcard.TypeUnlockED, Wallet: fuelcard.ED, Balance: c.balance, Serial: uint16(d.CTC),
		TID: d.TID, Time: d.Time, Code: tac}
	c.proof.SetAmount(d.Amount)
	return fuelcard.DebitForUnlockAnswer{TAC: tac}.Bytes(), apdu.OK
}

// chipSAM is a PSAM as far as a sale goes. Source: card.md 8.2.
type chipSAM struct {
	number  pboc.ASN
	tid     pboc.TID
	ttc     pboc.PSAMTTC
	stage   int // 0 none, 1 init, 2 certified, 3 done
	init    samcard.InitGreyLock
	session pboc.Session
	amount  unit.Fen
	key     pboc.Key // of DELIVERY_KEY
	mute    bool
}

func newSAM() *chipSAM {
	return &chipSAM{number: pboc.ASN{0x01, 0x00, 0x10, 0x14, 0x40, 0, 0, 0, 0, 0x07}, tid: pboc.TID{0x13, 0x44, 0, 0, 0, 1}}
}

func (s *chipSAM) reset() { s.key = pboc.Key{} }

func (s *chipSAM) obey(raw []byte) []byte {
	cmd, err := apdu.ParseCommand(raw)
	if err != nil || s.mute {
		return []byte{0x6F, 0x00}
	}
	data, sw := s.command(cmd)
	return apdu.Answer{Data: data, SW: sw}.Bytes()
}

func (s *chipSAM) command(cmd apdu.Command) ([]byte, apdu.SW) {
	switch cmd.INS {
	case 0xA4:
		return nil, apdu.OK
	case 0xB0:
		return s.file(cmd.P1 & 0x1F), apdu.OK
	case 0x1A:
		s.key = bench.tmac
		if cmd.P1 == byte(samcard.UsageInternal) {
			d, err := samcard.ParseDeliveryKey(cmd)
			if err != nil {
				return nil, apdu.WrongData
			}
			s.key = pboc.TDES.Diversify(bench.dik, d.Factors.IssuerFirst()...)
		}
		return nil, apdu.OK
	case 0xFA:
		if cmd.P1 == byte(samcard.CipherMACWithIV) {
			m, err := pboc.TDES.BlockMAC(s.key, cmd.Data[:8], cmd.Data[8:])
			if err != nil {
				return nil, apdu.WrongLength
			}
			return m[:], apdu.OK
		}
		a := pboc.TDES.Authenticate(s.key, [8]byte(cmd.Data))
		return a[:], apdu.OK
	case 0x40:
		return s.initLock(cmd)
	case 0x42:
		c, err := samcard.ParseCertificateGreyLock(cmd)
		if err != nil || s.stage != 1 {
			return nil, apdu.WrongState
		}
		if c.MAC2 != pboc.TDES.MAC(s.session, fuelcard.GreyMAC2Data(s.init.Balance, s.init.CTC)) {
			return nil, apdu.MACWrong
		}
		s.stage = 2
		return nil, apdu.OK
	case 0x44:
		return s.debit(cmd)
	case 0x46:
		g, err := samcard.ParseGetGMAC(cmd)
		if err != nil || s.stage != 3 || g.TTC != s.ttc {
			return nil, apdu.ProofNotAvailable
		}
		return s.signed(), apdu.OK
	}
	return nil, apdu.UnknownINS
}

func (s *chipSAM) file(sfi byte) []byte {
	switch sfi {
	case samcard.SFIPublic:
		return samcard.SAMPublic{Number: s.number, Version: 1, KeyType: 1, SetVersion: 1}.Bytes()
	case samcard.SFITerminal:
		return samcard.SAMTerminal{TID: s.tid}.Bytes()
	}
	return samcard.SAMApplication{KeyIndex: 1, Issuer: benchIssuer, Receiver: benchIssuer, Start: [4]byte{0x20, 0x26, 0x01, 0x01},
		Expiry: [4]byte{0x20, 0x36, 0x12, 0x31}}.Bytes()
}

func (s *chipSAM) initLock(cmd apdu.Command) ([]byte, apdu.SW) {
	i, err := samcard.ParseInitGreyLock(cmd)
	if err != nil {
		return nil, apdu.WrongData
	}
	s.ttc++
	s.init, s.stage = i, 1
	rnd := [4]byte{0xC3, 0xC3, 0, byte(s.ttc)}
	s.session = pboc.TDES.GreySession(pboc.TDES.Diversify(bench.dpk, i.Factors.IssuerFirst()...), i.Rand, i.CTC, s.ttc, rnd)
	mac1 := pboc.TDES.MAC(s.session, fuelcard.GreyMAC1Data(fuelcard.TypeGreyED, s.tid, i.Time))
	return samcard.InitGreyLockAnswer{TTC: s.ttc, TermRand: rnd, MAC1: mac1}.Bytes(), apdu.OK
}

func (s *chipSAM) debit(cmd apdu.Command) ([]byte, apdu.SW) {
	d, err := samcard.ParseDebitGreyLock(cmd)
	switch {
	case err != nil || s.stage < 2:
		return nil, apdu.WrongState
	case s.stage == 3 && d.Amount != s.amount:
		return nil, apdu.Conditions
	}
	s.stage, s.amount = 3, d.Amount
	return s.signed(), apdu.OK
}

func (s *chipSAM) signed() []byte {
	f := s.number.Factor()
	return samcard.GMACAnswer{GMAC: pboc.TDES.MAC(s.session, fuelcard.GMACData(s.amount)),
		TAC: pboc.TDES.TAC(pboc.TDES.Diversify(bench.samtac, f),
			samcard.TACData(s.amount, samcard.TypeUnlockED, s.tid, s.ttc, s.init.Time))}.Bytes()
}
