package terminal

import (
	"fmt"

	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Loading is a load, or an unload, that the card has begun. It lives until the next INIT, SELECT or reset of the card.
type Loading struct {
	ASN    pboc.ASN
	TID    pboc.TID // of the desk
	Amount unit.Fen
	fuelcard.InitForLoadAnswer
}

// Question asks the center for MAC2.
func (l Loading) Question(outlet record.SiteID) record.LoadQuestion {
	return record.LoadQuestion{Outlet: outlet, ASN: l.ASN, Amount: l.Amount, TID: l.TID, Balance: l.Balance, OnlineSN: l.OnlineSN,
		Version: l.KeyVersion, Alg: l.Alg, Rand: l.Rand[:], MAC1: l.MAC1}
}

// InitForLoad begins a load of ED, which the card refuses with 6985 while it is grey. Nothing moves yet. Source: card.md 6.2, section 10.
func (t *Terminal) InitForLoad(asn pboc.ASN, amount unit.Fen, tid pboc.TID) (Loading, error) {
	if amount <= 0 || amount > fuelcard.MaxAmount {
		return Loading{}, fmt.Errorf("圈存 %s 元 (yuan to load): %w", amount, ErrAmount)
	}
	a, err := ask(t.Card, "圈存初始化 (INITIALIZE FOR LOAD)", fuelcard.InitForLoad{Purse: fuelcard.ED, KeyID: t.Profile.KeyID,
		Amount: amount, TID: tid}, fuelcard.ParseInitForLoadAnswer)
	return Loading{asn, tid, amount, a}, err
}

// CreditForLoad shows the center's MAC2 and returns the card's TAC. LoadBegun must be durable before. ErrUnknown: the card
// has gone or its answer was lost; SettleTransfer finds out at its next insert. An apdu.SW: the card declined, nothing moved.
func (t *Terminal) CreditForLoad(a record.LoadAnswer) (pboc.MAC, error) {
	stamp, err := stampOf(a.Date, a.Time)
	if err != nil {
		return pboc.MAC{}, err
	}
	x, err := ask(t.Card, "圈存 (CREDIT FOR LOAD)", fuelcard.CreditForLoad{Time: stamp, MAC2: a.MAC2}, fuelcard.ParseCreditForLoadAnswer)
	return x.TAC, unknown(err)
}

// InitForUnload begins an unload of ED (圈提), which the card refuses with 6985 while it is grey and with 9401 above its
// balance. Nothing moves yet. Source: card.md 6.2.
func (t *Terminal) InitForUnload(asn pboc.ASN, amount unit.Fen, tid pboc.TID) (Loading, error) {
	if amount <= 0 || amount > fuelcard.MaxAmount {
		return Loading{}, fmt.Errorf("圈提 %s 元 (yuan to unload): %w", amount, ErrAmount)
	}
	a, err := ask(t.Card, "圈提初始化 (INITIALIZE FOR UNLOAD)", fuelcard.InitForUnload{KeyID: t.Profile.KeyID, Amount: amount, TID: tid},
		fuelcard.ParseInitForUnloadAnswer)
	return Loading{asn, tid, amount, fuelcard.InitForLoadAnswer(a)}, err
}

// DebitForUnload shows the center's MAC2 and returns the card's MAC3, with which the account gets its money. UnloadBegun must
// be durable before. Its errors are those of CreditForLoad.
func (t *Terminal) DebitForUnload(a record.LoadAnswer) (pboc.MAC, error) {
	stamp, err := stampOf(a.Date, a.Time)
	if err != nil {
		return pboc.MAC{}, err
	}
	x, err := ask(t.Card, "圈提 (DEBIT FOR UNLOAD)", fuelcard.DebitForUnload{Time: stamp, MAC2: a.MAC2}, fuelcard.ParseDebitForUnloadAnswer)
	return x.MAC3, unknown(err)
}

// TransferProof is what the card says about a load or an unload that was left open.
type TransferProof struct {
	Moved bool
	Code  pboc.MAC // Moved: TAC of the load or MAC3 of the unload, still to be verified by the center
	Fresh Loading  // an INIT FOR LOAD of now: not Moved, its MAC1 proves that the online SN stands where it stood
}

// SettleTransfer finds out whether the load (01) or unload (03) begun under the online serial sn happened: a fresh INITIALIZE
// FOR LOAD, which a card of any balance grants, shows where the serial stands, which both count, and GET TRANSACTION PROVE
// gives the code, asked by the serial before and after its increment, since cards differ. The center checks the code: a card
// whose serial was moved by something else has none that fits. ErrLoadOpen: the card has gone further and its proof is
// overwritten; Fresh is set. Source: card.md 6.2 prove_serial, section 10; trust.md rows 17, 18.
func (t *Terminal) SettleTransfer(typ fuelcard.TxType, asn pboc.ASN, sn pboc.OnlineSN, amount unit.Fen, tid pboc.TID) (p TransferProof, err error) {
	if p.Fresh, err = t.InitForLoad(asn, amount, tid); err != nil {
		return p, err
	}
	switch {
	case p.Fresh.OnlineSN == sn:
		return p, nil
	case p.Fresh.OnlineSN != sn+1:
		return p, fmt.Errorf("联机序号 (online SN) %d, 该笔 (this one) %d: %w", p.Fresh.OnlineSN, sn, ErrLoadOpen)
	}
	p.Code, err = t.prove(typ, uint16(sn))
	p.Moved = err == nil
	return p, err
}

// prove asks for the code of a transaction by the serial before its increment, then by the one after, or by the only one that
// the profile's cards take. Source: card.md 6.2, prove_serial.
func (t *Terminal) prove(typ fuelcard.TxType, before uint16) (pboc.MAC, error) {
	serials := []uint16{before, before + 1}
	switch t.Profile.ProveSerial {
	case fuelcard.ProveBefore:
		serials = serials[:1]
	case fuelcard.ProveAfter:
		serials = serials[1:]
	}
	for _, sn := range serials {
		a, err := ask(t.Card, "取交易认证 (GET TRANSACTION PROVE)", fuelcard.GetTransactionProve{Type: typ, SN: sn},
			fuelcard.ParseTransactionProveAnswer)
		if sw, no := refused(err); no && sw == apdu.ProofNotAvailable {
			continue
		}
		if typ == fuelcard.TypeUnload {
			return a.MAC, err
		}
		return a.TAC, err
	}
	return pboc.MAC{}, ErrLoadOpen
}
