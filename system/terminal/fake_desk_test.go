package terminal

import (
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
)

func (c *fakeCard) initUnload(cmd apdu.Command) ([]byte, apdu.SW) {
	x, err := fuelcard.ParseInitForUnload(cmd)
	switch {
	case err != nil || c.proof.State == fuelcard.Grey:
		return nil, apdu.Conditions
	case x.Amount > c.balance:
		return nil, apdu.BalanceTooLow
	}
	c.pending, c.rand, c.loading = 0x54, c.random(), fuelcard.InitForLoad{KeyID: x.KeyID, Amount: x.Amount, TID: x.TID}
	suite, _ := c.profile.Suite()
	ses := suite.LoadSession(c.key("DULK"), c.rand, c.sn)
	return fuelcard.InitForUnloadAnswer{Balance: c.balance, OnlineSN: c.sn, KeyVersion: 1, Alg: c.profile.Alg, Rand: c.rand,
		MAC1: suite.MAC(ses, fuelcard.UnloadMAC1Data(c.balance, x.Amount, x.TID))}.Bytes(), 0
}

func (c *fakeCard) debitForUnload(cmd apdu.Command) ([]byte, apdu.SW) {
	x, err := fuelcard.ParseDebitForUnload(cmd)
	if err != nil || c.pending != 0x54 {
		return nil, apdu.WrongState
	}
	c.pending = 0
	suite, _ := c.profile.Suite()
	ses := suite.LoadSession(c.key("DULK"), c.rand, c.sn)
	l := c.loading
	if suite.MAC(ses, fuelcard.UnloadMAC2Data(l.Amount, l.TID, x.Time)) != x.MAC2 {
		return nil, apdu.MACWrong
	}
	c.balance -= l.Amount
	c.mac3 = suite.MAC(ses, fuelcard.UnloadMAC3Data(c.balance, c.sn, l.Amount, l.TID, x.Time))
	c.sn++
	return fuelcard.DebitForUnloadAnswer{MAC3: c.mac3}.Bytes(), 0
}

func (c *fakeCard) prove(cmd apdu.Command) ([]byte, apdu.SW) {
	x, err := fuelcard.ParseGetTransactionProve(cmd)
	if err != nil {
		return nil, apdu.ProofNotAvailable
	}
	if x.Type == fuelcard.TypePurchaseED {
		return c.provePurchase(x)
	}
	a := fuelcard.TransactionProveAnswer{TAC: c.loadTAC}
	if x.Type == fuelcard.TypeUnload {
		a = fuelcard.TransactionProveAnswer{MAC: c.mac3}
	}
	before, after := x.SN == uint16(c.sn-1), x.SN == uint16(c.sn)
	known := before && c.profile.ProveSerial != fuelcard.ProveAfter || after && c.profile.ProveSerial != fuelcard.ProveBefore
	if !known || a == (fuelcard.TransactionProveAnswer{}) {
		return nil, apdu.ProofNotAvailable
	}
	return a.Bytes(), 0
}

// code is what the last load or unload left.
func (c *fakeCard) code(t fuelcard.TxType) pboc.MAC {
	if t == fuelcard.TypeUnload {
		return c.mac3
	}
	return c.loadTAC
}
