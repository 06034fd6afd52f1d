package terminal

import (
	"errors"
	"slices"
	"testing"

	"greylock/fixtures"
	"greylock/system/card"
	"greylock/system/clock"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/samcard"
	"greylock/system/wire/unit"
)

// Minimal models of a user card and a PSAM, written from card.md 7.3 and 8.2 for these tests alone. Persistent fields keep
// their value over power; on() is what a reset forgets.

type fakeCard struct {
	t       testing.TB
	profile fuelcard.Profile
	log     *fakeLog
	asn     pboc.ASN
	issuer  pboc.Issuer
	keys    map[string]pboc.Key
	rnd     byte

	balance   unit.Fen
	ctc       pboc.CTC
	sn        pboc.OnlineSN
	proof     fuelcard.LockProof
	session   pboc.Session
	lockCTC   pboc.CTC
	history   []fuelcard.LogRecord
	unlockErr int
	loadTAC   pboc.MAC
	mac3      pboc.MAC // of the last unload
	buyTAC    pboc.MAC // of the last purchase
	buyCTC    pboc.CTC
	limits    fuelcard.Limits
	blocked   bool
	pinLeft   int
	refuse    map[byte]apdu.SW // by INS: what the card answers instead of obeying

	selected, pin bool
	pending       byte
	rand          [4]byte
	loading       fuelcard.InitForLoad
	buying        fuelcard.InitForPurchase
	lockTID       pboc.TID
	challenge     []byte
}

func (c *fakeCard) on() { c.selected, c.pin, c.pending, c.challenge = false, false, 0, nil }

func (c *fakeCard) key(name string) pboc.Key { return c.keys[name] }

func (c *fakeCard) random() (r [4]byte) {
	c.rnd++
	return [4]byte{0x5A, 0x5A, 0x00, c.rnd}
}

var errFake = errors.New("fake")

func (c *fakeCard) Transmit(b []byte) ([]byte, error) {
	cmd, err := apdu.ParseCommand(b)
	if err != nil {
		return apdu.Answer{SW: apdu.WrongLength}.Bytes(), nil
	}
	if sw, ok := c.refuse[cmd.INS]; ok {
		return apdu.Answer{SW: sw}.Bytes(), nil
	}
	data, sw := c.obey(cmd)
	if sw == 0 {
		sw = apdu.OK
	}
	return apdu.Answer{Data: data, SW: sw}.Bytes(), nil
}

func (c *fakeCard) obey(cmd apdu.Command) ([]byte, apdu.SW) {
	if cmd.INS == 0xA4 {
		c.on()
		c.selected = cmd.P1 == 4
		if c.selected && string(cmd.Data) != string(c.profile.AIDPetrol) {
			return nil, apdu.FileNotFound
		}
		return nil, 0
	}
	if !c.selected {
		return nil, apdu.WrongState
	}
	switch [2]byte{cmd.INS, cmd.P1} {
	case [2]byte{0x20, 0}:
		return c.verify(cmd)
	case [2]byte{0xB2, cmd.P1}:
		return c.readLog(cmd)
	case [2]byte{0x5C, 0}:
		return fuelcard.BalanceAnswer{Balance: c.balance}.Bytes(), 0
	case [2]byte{0xCA, 0}:
		return c.proof.Bytes(), 0
	case [2]byte{0xCA, 1}:
		return c.clear()
	case [2]byte{0x7A, 8}:
		return c.initGrey(cmd)
	case [2]byte{0x7C, 8}:
		return c.greyLock(cmd)
	case [2]byte{0x7E, 8}:
		return c.debit(cmd)
	case [2]byte{0x7A, 9}:
		return c.initUnlock(cmd)
	case [2]byte{0x7E, 9}:
		return c.unlock(cmd)
	case [2]byte{0x50, 0}:
		return c.initLoad(cmd)
	case [2]byte{0x52, 0}:
		return c.credit(cmd)
	case [2]byte{0x50, 5}:
		return c.initUnload(cmd)
	case [2]byte{0x50, 1}:
		return c.initPurchase(cmd)
	case [2]byte{0x54, 1}:
		return c.debitForPurchase(cmd)
	case [2]byte{0x54, 3}:
		return c.debitForUnload(cmd)
	case [2]byte{0x5A, 0}:
		return c.prove(cmd)
	case [2]byte{0x88, 0}:
		suite, _ := c.profile.Suite()
		x := suite.Authenticate(c.key("DIK"), [8]byte(cmd.Data))
		return x[:], 0
	}
	if cmd.INS == 0xB0 {
		return c.readBinary(cmd)
	}
	return nil, apdu.UnknownINS
}

func (c *fakeCard) readBinary(cmd apdu.Command) ([]byte, apdu.SW) {
	switch cmd.P1 & 0x1F {
	case fuelcard.SFIPublic:
		return fuelcard.PublicData{Issuer: c.issuer, AppType: fuelcard.AppPetrol, AppVersion: 1, ASN: c.asn,
			Start: [4]byte{0x20, 0x20, 0x01, 0x01}, Expiry: [4]byte{0x20, 0x30, 0x12, 0x31}, SetVersion: 1}.Bytes(), 0
	case fuelcard.SFIHolder:
		return fuelcard.HolderData{CardType: 1}.Bytes(), 0
	case fuelcard.SFIOrdinary:
		return fuelcard.OrdinaryData{}.Bytes(), 0
	case fuelcard.SFILimits:
		return c.limits.Bytes(), 0
	}
	return nil, apdu.FileNotFound
}

func (c *fakeCard) verify(cmd apdu.Command) ([]byte, apdu.SW) {
	if c.pinLeft == 0 {
		return nil, apdu.AuthBlocked
	}
	if string(cmd.Data) != string(c.profile.DefaultPIN) {
		c.pinLeft--
		return nil, 0x63C0 + apdu.SW(c.pinLeft)
	}
	c.pin, c.pinLeft = true, 3
	return nil, 0
}

func (c *fakeCard) readLog(cmd apdu.Command) ([]byte, apdu.SW) {
	switch {
	case !c.pin:
		return nil, apdu.SecurityState
	case int(cmd.P1) > len(c.history):
		return nil, apdu.RecordNotFound
	}
	return c.history[cmd.P1-1].Bytes(), 0
}

func (c *fakeCard) initGrey(cmd apdu.Command) ([]byte, apdu.SW) {
	x, err := fuelcard.ParseInitGreyLock(cmd)
	switch {
	case err != nil:
		return nil, apdu.WrongData
	case !c.pin:
		return nil, apdu.SecurityState
	case c.proof.State != fuelcard.NotGrey:
		return nil, apdu.Conditions
	}
	c.pending, c.rand, c.lockTID = 0x7C, c.random(), x.TID
	return fuelcard.InitGreyLockAnswer{Balance: c.balance, CTC: c.ctc, KeyVersion: 1, Alg: c.profile.Alg, Rand: c.rand}.Bytes(), 0
}

func (c *fakeCard) greyLock(cmd apdu.Command) ([]byte, apdu.SW) {
	x, err := fuelcard.ParseGreyLock(cmd)
	if err != nil || c.pending != 0x7C {
		return nil, apdu.WrongState
	}
	c.pending = 0
	if !c.log.has(Begin, x.TTC) {
		c.t.Errorf("GREY LOCK under TTC %d without a durable BEGIN", x.TTC)
	}
	suite, _ := c.profile.Suite()
	ses := suite.GreySession(c.key("DPK"), c.rand, c.ctc, x.TTC, x.TermRand)
	if suite.MAC(ses, fuelcard.GreyMAC1Data(fuelcard.TypeGreyED, c.lockTID, x.Time)) != x.MAC1 {
		return nil, apdu.MACWrong
	}
	gtac := suite.TAC(c.key("DTK"), c.profile.GTACData(c.balance, c.ctc, fuelcard.TypeGreyED, c.lockTID, x.TTC, x.Time))
	mac2 := suite.MAC(ses, fuelcard.GreyMAC2Data(c.balance, c.ctc))
	c.proof = fuelcard.LockProof{State: fuelcard.Grey, Type: fuelcard.TypeGreyED, Wallet: fuelcard.ED, Balance: c.balance,
		Serial: uint16(c.ctc), TID: c.lockTID, Time: x.Time, Detail: mac2, Code: gtac}
	c.session, c.lockCTC = ses, c.ctc
	c.ctc++
	return fuelcard.GreyLockAnswer{GTAC: gtac, MAC2: mac2}.Bytes(), 0
}

func (c *fakeCard) debit(cmd apdu.Command) ([]byte, apdu.SW) {
	x, err := fuelcard.ParseDebitForUnlock(cmd)
	suite, _ := c.profile.Suite()
	switch {
	case err != nil:
		return nil, apdu.WrongLength
	case c.proof.State != fuelcard.Grey:
		return nil, apdu.Conditions
	case x.CTC != c.lockCTC && x.CTC != c.lockCTC+1:
		return nil, apdu.ProofNotAvailable
	case x.Amount > c.balance:
		return nil, apdu.BalanceTooLow
	case suite.MAC(c.session, fuelcard.GMACData(x.Amount)) != x.GMAC:
		if c.unlockErr++; c.unlockErr == 3 {
			c.blocked = true
		}
		return nil, apdu.MACWrong
	}
	ttc := x.TTC
	if c.profile.CTCPlusOne {
		ttc--
	}
	if !c.log.ended(ttc, x.TID, x.Amount) {
		c.t.Errorf("DEBIT FOR UNLOCK under TTC %d without a durable FUEL_END or VOID of %s", x.TTC, x.Amount)
	}
	tac := suite.TAC(c.key("DTK"), fuelcard.UnlockTACData(x.Amount, fuelcard.TypeUnlockED, x.TID, x.TTC, x.Time))
	c.leave(fuelcard.TypeUnlockED, x.Amount, uint16(c.lockCTC), x.TID, x.Time, tac)
	c.unlockErr = 0
	return fuelcard.DebitForUnlockAnswer{TAC: tac}.Bytes(), 0
}

func (c *fakeCard) leave(typ fuelcard.TxType, amount unit.Fen, serial uint16, tid pboc.TID, time [7]byte, code pboc.MAC) {
	c.balance -= amount
	c.history = slices.Insert(c.history, 0, fuelcard.LogRecord{Serial: serial, Amount: amount, Type: typ, TID: tid, Time: time})
	c.proof = fuelcard.LockProof{State: fuelcard.TACUnread, Type: typ, Wallet: fuelcard.ED, Balance: c.balance, Serial: serial,
		TID: tid, Time: time, Code: code}
	c.proof.SetAmount(amount)
	c.session = pboc.Session{}
}

func (c *fakeCard) initUnlock(cmd apdu.Command) ([]byte, apdu.SW) {
	x, err := fuelcard.ParseInitGreyUnlock(cmd)
	if err != nil || c.proof.State != fuelcard.Grey {
		return nil, apdu.Conditions
	}
	c.pending, c.rand, c.lockTID = 0x7E, c.random(), x.TID
	suite, _ := c.profile.Suite()
	ses := suite.LoadSession(c.key("DUGK"), c.rand, c.sn)
	return fuelcard.InitGreyUnlockAnswer{Balance: c.balance, CTC: c.ctc, OnlineSN: c.sn, KeyVersion: 1, Alg: c.profile.Alg, Rand: c.rand,
		MAC1: suite.MAC(ses, fuelcard.OnlineMAC1Data(c.balance, c.ctc, fuelcard.TypeOnlineED, x.TID))}.Bytes(), 0
}

func (c *fakeCard) unlock(cmd apdu.Command) ([]byte, apdu.SW) {
	x, err := fuelcard.ParseGreyUnlock(cmd)
	if err != nil || c.pending != 0x7E {
		return nil, apdu.WrongState
	}
	c.pending = 0
	suite, _ := c.profile.Suite()
	ses := suite.LoadSession(c.key("DUGK"), c.rand, c.sn)
	if suite.MAC(ses, fuelcard.OnlineMAC2Data(x.Amount, fuelcard.TypeOnlineED, c.lockTID, x.Time)) != x.MAC2 {
		return nil, apdu.MACWrong
	}
	mac3 := suite.MAC(ses, fuelcard.OnlineMAC3Data(c.balance-x.Amount, c.sn, x.Amount, fuelcard.TypeOnlineED, c.lockTID, x.Time))
	c.leave(fuelcard.TypeOnlineED, x.Amount, uint16(c.sn), c.lockTID, x.Time, mac3)
	c.sn++
	return fuelcard.GreyUnlockAnswer{MAC3: mac3}.Bytes(), 0
}

func (c *fakeCard) clear() ([]byte, apdu.SW) {
	switch c.proof.State {
	case fuelcard.Grey:
		return nil, apdu.Conditions
	case fuelcard.TACUnread:
		if !c.log.holdsTAC(c.proof.Code) {
			c.t.Errorf("TACUF cleared, but TAC %s is not durable", c.proof.Code)
		}
		c.proof.State = fuelcard.NotGrey
	}
	return nil, 0
}

func (c *fakeCard) initLoad(cmd apdu.Command) ([]byte, apdu.SW) {
	x, err := fuelcard.ParseInitForLoad(cmd)
	if err != nil || c.proof.State == fuelcard.Grey {
		return nil, apdu.Conditions
	}
	c.pending, c.rand, c.loading = 0x52, c.random(), x
	suite, _ := c.profile.Suite()
	ses := suite.LoadSession(c.key("DLK"), c.rand, c.sn)
	return fuelcard.InitForLoadAnswer{Balance: c.balance, OnlineSN: c.sn, KeyVersion: 1, Alg: c.profile.Alg, Rand: c.rand,
		MAC1: suite.MAC(ses, fuelcard.LoadMAC1Data(c.balance, x.Amount, fuelcard.TypeLoadED, x.TID))}.Bytes(), 0
}

func (c *fakeCard) credit(cmd apdu.Command) ([]byte, apdu.SW) {
	x, err := fuelcard.ParseCreditForLoad(cmd)
	if err != nil || c.pending != 0x52 {
		return nil, apdu.WrongState
	}
	c.pending = 0
	suite, _ := c.profile.Suite()
	ses := suite.LoadSession(c.key("DLK"), c.rand, c.sn)
	if suite.MAC(ses, fuelcard.LoadMAC2Data(c.loading.Amount, fuelcard.TypeLoadED, c.loading.TID, x.Time)) != x.MAC2 {
		return nil, apdu.MACWrong
	}
	c.balance += c.loading.Amount
	c.loadTAC = suite.TAC(c.key("DTK"), fuelcard.LoadTACData(c.balance, c.sn, c.loading.Amount, fuelcard.TypeLoadED, c.loading.TID, x.Time))
	c.sn++
	return fuelcard.CreditForLoadAnswer{TAC: c.loadTAC}.Bytes(), 0
}

type fakePSAM struct {
	profile fuelcard.Profile
	number  pboc.ASN
	tid     pboc.TID
	keys    map[string]pboc.Key
	forget  bool // psam_ctx_nvm off

	ttc     pboc.PSAMTTC
	stage   byte // 0 none, 1 INIT, 2 CERT, 3 DONE
	last    samcard.InitGreyLock
	session pboc.Session
	signed  unit.Fen
	mac2Err int
	refuse  map[byte]apdu.SW

	selected bool
	factors  samcard.Factors
	usage    samcard.Usage
}

func (p *fakePSAM) on() {
	p.selected = false
	if p.forget && p.stage != 3 {
		p.stage = 0
	}
}

func (p *fakePSAM) Transmit(b []byte) ([]byte, error) {
	cmd, err := apdu.ParseCommand(b)
	if err != nil {
		return nil, errFake
	}
	if sw, ok := p.refuse[cmd.INS]; ok {
		return apdu.Answer{SW: sw}.Bytes(), nil
	}
	data, sw := p.obey(cmd)
	if sw == 0 {
		sw = apdu.OK
	}
	return apdu.Answer{Data: data, SW: sw}.Bytes(), nil
}

func (p *fakePSAM) obey(cmd apdu.Command) ([]byte, apdu.SW) {
	suite, _ := p.profile.Suite()
	switch cmd.INS {
	case 0xA4:
		p.selected = cmd.P1 == 4
		return nil, 0
	case 0xB0:
		switch cmd.P1 & 0x1F {
		case samcard.SFIPublic:
			return samcard.SAMPublic{Number: p.number, Version: 1, KeyType: 1, SetVersion: 1}.Bytes(), 0
		case samcard.SFITerminal:
			return samcard.SAMTerminal{TID: p.tid}.Bytes(), 0
		}
		return samcard.SAMApplication{KeyIndex: 1, Start: [4]byte{0x20, 0x20, 1, 1}, Expiry: [4]byte{0x20, 0x30, 1, 1}}.Bytes(), 0
	}
	if !p.selected {
		return nil, apdu.WrongState
	}
	switch cmd.INS {
	case 0x1A:
		x, _ := samcard.ParseDeliveryKey(cmd)
		p.factors, p.usage = x.Factors, x.Usage
		return nil, 0
	case 0xFA:
		return p.cipher(suite, cmd)
	case 0x40:
		return p.init(suite, cmd)
	case 0x42:
		x, _ := samcard.ParseCertificateGreyLock(cmd)
		if p.stage != 1 {
			return nil, apdu.WrongState
		}
		if suite.MAC(p.session, fuelcard.GreyMAC2Data(p.last.Balance, p.last.CTC)) != x.MAC2 {
			p.mac2Err++
			return nil, apdu.MACWrong
		}
		p.stage = 2
		return nil, 0
	case 0x44:
		return p.debit(suite, cmd)
	case 0x70:
		return p.initPurchase(suite, cmd)
	case 0x72:
		return p.creditPurchase(suite, cmd)
	case 0x46:
		x, _ := samcard.ParseGetGMAC(cmd)
		if x.TTC != p.ttc || p.stage != 3 {
			return nil, apdu.ProofNotAvailable
		}
		return p.gmac(suite), 0
	}
	return nil, apdu.UnknownINS
}

func (p *fakePSAM) cipher(suite pboc.Suite, cmd apdu.Command) ([]byte, apdu.SW) {
	x, _ := samcard.ParseCipherData(cmd)
	if p.usage == samcard.UsageTMAC {
		n := suite.Block()
		mac, err := suite.BlockMAC(p.keys["TMAC"], x.Data[:n], x.Data[n:])
		if err != nil {
			return nil, apdu.WrongData
		}
		return mac[:], 0
	}
	out, err := suite.ECB(suite.Diversify(p.keys["DIK"], p.factors.IssuerFirst()...), x.Data)
	if err != nil {
		return nil, apdu.WrongData
	}
	return out, 0
}

func (p *fakePSAM) init(suite pboc.Suite, cmd apdu.Command) ([]byte, apdu.SW) {
	x, err := samcard.ParseInitGreyLock(cmd)
	if err != nil {
		return nil, apdu.WrongLength
	}
	p.ttc++
	rand := [4]byte{0xC3, 0xC3, 0, byte(p.ttc)}
	p.session = suite.GreySession(suite.Diversify(p.keys["DPK"], x.Factors.IssuerFirst()...), x.Rand, x.CTC, p.ttc, rand)
	p.stage, p.last = 1, x
	return samcard.InitGreyLockAnswer{TTC: p.ttc, TermRand: rand,
		MAC1: suite.MAC(p.session, fuelcard.GreyMAC1Data(fuelcard.TypeGreyED, p.tid, x.Time))}.Bytes(), 0
}

func (p *fakePSAM) debit(suite pboc.Suite, cmd apdu.Command) ([]byte, apdu.SW) {
	x, _ := samcard.ParseDebitGreyLock(cmd)
	switch {
	case p.stage < 2 || p.stage == 9: // 9: a purchase is under way
		return nil, apdu.WrongState
	case x.ASN8 != p.last.Factors[0] || x.CTC != p.last.CTC:
		return nil, apdu.ProofNotAvailable
	case p.stage == 3 && x.Amount != p.signed:
		return nil, apdu.Conditions
	}
	p.stage, p.signed = 3, x.Amount
	return p.gmac(suite), 0
}

func (p *fakePSAM) gmac(suite pboc.Suite) []byte {
	own := suite.Diversify(p.keys["SAMTAC"], p.number.Factor())
	return samcard.GMACAnswer{GMAC: suite.MAC(p.session, fuelcard.GMACData(p.signed)),
		TAC: suite.TAC(own, samcard.TACData(p.signed, samcard.TypeUnlockED, p.tid, p.ttc, p.last.Time))}.Bytes()
}

// fakeLog is a log in memory; cut, if set, does the write or not.
type fakeLog struct {
	entries []Entry
	cut     func(write func()) error
}

func (l *fakeLog) Append(e Entry) error {
	write := func() { l.entries = append(l.entries, e) }
	if l.cut != nil {
		return l.cut(write)
	}
	write()
	return nil
}

func (l *fakeLog) High(tid pboc.TID) (high pboc.PSAMTTC, known bool) {
	for _, e := range l.entries {
		if e.Sale.TID == tid {
			high = max(high, e.Sale.TTC)
		}
	}
	return high, true // the PSAM was new when it was put in
}

func (l *fakeLog) has(k Kind, ttc pboc.PSAMTTC) bool {
	return slices.ContainsFunc(l.entries, func(e Entry) bool { return e.Kind == k && e.Sale.TTC == ttc })
}

func (l *fakeLog) ended(ttc pboc.PSAMTTC, tid pboc.TID, amount unit.Fen) bool {
	return slices.ContainsFunc(l.entries, func(e Entry) bool {
		return (e.Kind == FuelEnd || e.Kind == Void) && e.Sale.TTC == ttc && e.Sale.TID == tid && e.Amount == amount
	})
}

func (l *fakeLog) holdsTAC(tac pboc.MAC) bool {
	return slices.ContainsFunc(l.entries, func(e Entry) bool { return e.Kind == Done && e.TAC == tac })
}

// evidence folds the entries of the card's newest sale, an open one before a closed one.
func (l *fakeLog) evidence(asn pboc.ASN) (v Evidence) {
	var order []pboc.PSAMTTC
	sales := map[pboc.PSAMTTC]*Evidence{}
	for _, e := range l.entries {
		if sales[e.Sale.TTC] == nil {
			sales[e.Sale.TTC] = &Evidence{}
			order = append(order, e.Sale.TTC)
		}
		sales[e.Sale.TTC].Take(e)
	}
	for _, ttc := range order {
		if s := *sales[ttc]; s.ASN == asn && (!s.Closed || v.Closed || !v.Found) {
			v = s
		}
	}
	return v
}

// bench is a card, a PSAM and a log that belong together.
type bench struct {
	card *fakeCard
	psam *fakePSAM
	log  *fakeLog
	term *Terminal
}

var benchTime = clock.At(2026, 11, 22, 10, 20, 30)

func newBench(t testing.TB) *bench {
	set, cards := fixtures.TestKeys(), fixtures.TestCards()
	profile := fuelcard.National()
	suite, err := profile.Suite()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{log: &fakeLog{}}
	b.card = &fakeCard{t: t, profile: profile, log: b.log, asn: cards.Users[0], issuer: cards.Issuer, keys: map[string]pboc.Key{},
		balance: 10000, pinLeft: 3, limits: noLimits()}
	for _, name := range []string{"DPK", "DLK", "DTK", "DUGK", "DIK"} {
		b.card.keys[name] = suite.Diversify(set.Masters[profile.MasterOf(name)], profile.Factors(name, cards.Issuer, b.card.asn)...)
	}
	b.psam = &fakePSAM{profile: profile, number: cards.PSAMs[0].Number, tid: cards.PSAMs[0].TID, keys: set.Masters}
	b.term = b.terminal(b.card, b.psam)
	return b
}

// terminal is a terminal that has just been switched on.
func (b *bench) terminal(user, psam card.Transport) *Terminal {
	b.card.on()
	b.psam.on()
	return &Terminal{Card: user, PSAM: psam, Profile: b.card.profile, Clock: func() clock.Instant { return benchTime },
		Rand: zeroes{}, Log: b.log}
}

type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func noLimits() fuelcard.Limits {
	l := fuelcard.Limits{Products: 0xFFFF, RegionMode: fuelcard.RegionAny, PerFill: 0xFFFF, FillsPerDay: 0xFF, FenPerDay: 0xFFFFFFFF}
	l.Plate[0] = 0xFF
	return l
}
