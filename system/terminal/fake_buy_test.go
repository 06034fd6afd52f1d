package terminal

import (
	"slices"

	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/samcard"
)

// The purchase of the model card and PSAM, written from card.md 5.3, 6.2 and 8.1.

func (c *fakeCard) initPurchase(cmd apdu.Command) ([]byte, apdu.SW) {
	x, err := fuelcard.ParseInitForPurchase(cmd)
	switch {
	case err != nil || c.proof.State == fuelcard.Grey:
		return nil, apdu.Conditions
	case x.Amount > c.balance:
		return nil, apdu.BalanceTooLow
	}
	c.pending, c.rand, c.buying = 0x55, c.random(), x
	return fuelcard.InitForPurchaseAnswer{Balance: c.balance, CTC: c.ctc, KeyVersion: 1, Alg: c.profile.Alg, Rand: c.rand}.Bytes(), 0
}

func (c *fakeCard) debitForPurchase(cmd apdu.Command) ([]byte, apdu.SW) {
	x, err := fuelcard.ParseDebitForPurchase(cmd)
	if err != nil || c.pending != 0x55 {
		return nil, apdu.WrongState
	}
	c.pending = 0
	if !c.log.has(Buy, x.TTC) {
		c.t.Errorf("DEBIT FOR PURCHASE before its BUY is durable")
	}
	suite, _ := c.profile.Suite()
	ses := suite.PurchaseSession(c.key("DPK"), c.rand, c.ctc, x.TTC)
	b := c.buying
	typ := b.Purse.PurchaseType()
	if suite.MAC(ses, fuelcard.PurchaseMAC1Data(b.Amount, typ, b.TID, x.Time)) != x.MAC1 {
		return nil, apdu.MACWrong
	}
	c.balance -= b.Amount
	c.buyTAC, c.buyCTC = suite.TAC(c.key("DTK"), fuelcard.PurchaseTACData(b.Amount, typ, b.TID, x.TTC, x.Time)), c.ctc
	c.history = slices.Insert(c.history, 0, fuelcard.LogRecord{Serial: uint16(c.ctc), Amount: b.Amount, Type: typ, TID: b.TID, Time: x.Time})
	c.ctc++
	return fuelcard.DebitForPurchaseAnswer{TAC: c.buyTAC, MAC2: suite.MAC(ses, fuelcard.PurchaseMAC2Data(b.Amount))}.Bytes(), 0
}

func (c *fakeCard) provePurchase(x fuelcard.GetTransactionProve) ([]byte, apdu.SW) {
	before := x.SN == uint16(c.buyCTC) && c.profile.ProveSerial != fuelcard.ProveAfter
	after := x.SN == uint16(c.buyCTC)+1 && c.profile.ProveSerial != fuelcard.ProveBefore
	if c.buyTAC == (pboc.MAC{}) || !before && !after {
		return nil, apdu.ProofNotAvailable
	}
	return fuelcard.TransactionProveAnswer{TAC: c.buyTAC}.Bytes(), 0
}

func (p *fakePSAM) initPurchase(suite pboc.Suite, cmd apdu.Command) ([]byte, apdu.SW) {
	x, err := samcard.ParseInitForPurchase(cmd)
	if err != nil {
		return nil, apdu.WrongLength
	}
	p.ttc++
	p.session = suite.PurchaseSession(suite.Diversify(p.keys["DPK"], x.Factors.IssuerFirst()...), x.Rand, x.CTC, p.ttc)
	p.stage, p.signed = 9, x.Amount
	return samcard.InitForPurchaseAnswer{TTC: p.ttc,
		MAC1: suite.MAC(p.session, fuelcard.PurchaseMAC1Data(x.Amount, fuelcard.TxType(x.Type), p.tid, x.Time))}.Bytes(), 0
}

func (p *fakePSAM) creditPurchase(suite pboc.Suite, cmd apdu.Command) ([]byte, apdu.SW) {
	x, err := samcard.ParseCreditForPurchase(cmd)
	switch {
	case err != nil || p.stage != 9:
		return nil, apdu.WrongState
	case suite.MAC(p.session, fuelcard.PurchaseMAC2Data(p.signed)) != x.MAC2:
		return nil, apdu.MACWrong
	}
	p.stage = 0
	return nil, 0
}
