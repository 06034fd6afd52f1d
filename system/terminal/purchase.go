package terminal

import (
	"errors"
	"fmt"
	"slices"

	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/samcard"
	"greylock/system/wire/unit"
)

// ErrPurchaseOpen says that the card's counter has moved past the purchase in question and its proof is gone.
var ErrPurchaseOpen = errors.New("该笔消费已无凭证, 须人工核对 (no proof of this purchase is left: a person must check)")

// Bargain is a purchase that the card has paid.
type Bargain struct {
	Entry     // the Bought entry, as it is in the log
	FromProof bool
}

// Buy pays an amount that is known, with ED or EP: INIT FOR PURCHASE, INIT_SAM_FOR_PURCHASE, BUY durable, DEBIT FOR PURCHASE,
// BOUGHT durable, CREDIT_SAM_FOR_PURCHASE. A profile that wants the PIN for it must have it verified before.
//
// Errors: ErrUnknown: the card has gone or its answer was lost; SettlePurchase finds out at its next insert, and nothing is
// debited again meanwhile. An apdu.SW of the card: declined, the TTC is cancelled. ErrSuspect: the card has paid and the
// PSAM does not take its MAC2; the host decides by the TAC. Source: card.md 6.2, 8.1; trust.md M1, M6.
func (t *Terminal) Buy(id Identity, purse fuelcard.Purse, amount unit.Fen) (Bargain, error) {
	switch {
	case t.PSAM == nil || t.SAM == (SAM{}):
		return Bargain{}, ErrPSAM
	case amount <= 0 || amount > fuelcard.MaxAmount:
		return Bargain{}, fmt.Errorf("%s 元 (yuan): %w", amount, ErrAmount)
	}
	init, err := t.initPurchase(purse, amount)
	if err != nil {
		return Bargain{}, err
	}
	e := Entry{Kind: Buy, PSAM: t.SAM.Number, ASN: id.ASN, CTC: init.CTC, Balance: init.Balance, Stamp: t.Clock().Civil().Stamp(), Amount: amount,
		Purse: purse}
	sam, err := ask(t.PSAM, "PSAM 消费初始化 (INIT_SAM_FOR_PURCHASE)", samcard.InitForPurchase{Rand: init.Rand, CTC: init.CTC, Amount: amount,
		Type: byte(purse.PurchaseType()), Time: e.Stamp, KeyVersion: init.KeyVersion, Alg: init.Alg,
		Factors: t.factors(dpk, id.Public.Issuer, id.ASN)}, samcard.ParseInitForPurchaseAnswer)
	if err != nil {
		return Bargain{}, err
	}
	e.Sale = record.SaleID{TID: t.SAM.TID, TTC: sam.TTC}
	if err := t.takeTTC(e); err != nil {
		return Bargain{}, err
	}
	if _, err := t.Note(e); err != nil {
		return Bargain{}, err
	}
	return t.pay(e, sam.MAC1)
}

func (t *Terminal) initPurchase(purse fuelcard.Purse, amount unit.Fen) (fuelcard.InitForPurchaseAnswer, error) {
	return ask(t.Card, "消费初始化 (INITIALIZE FOR PURCHASE)", fuelcard.InitForPurchase{Purse: purse, KeyID: t.SAM.Application.KeyIndex,
		Amount: amount, TID: t.SAM.TID}, fuelcard.ParseInitForPurchaseAnswer)
}

// pay shows the PSAM's MAC1 to the card. A card that declines has not moved, which its counter proves; anything else is left
// to SettlePurchase.
func (t *Terminal) pay(e Entry, mac1 pboc.MAC) (Bargain, error) {
	a, err := ask(t.Card, "消费 (DEBIT FOR PURCHASE)", fuelcard.DebitForPurchase{TTC: e.Sale.TTC, Time: e.Stamp, MAC1: mac1},
		fuelcard.ParseDebitForPurchaseAnswer)
	if _, no := refused(err); no {
		return Bargain{}, errors.Join(err, t.cancelPurchase(e, "declined"))
	}
	if err != nil {
		return Bargain{}, unknown(err)
	}
	b, err := t.bought(e, a.TAC, false)
	if err != nil {
		return b, err
	}
	if _, err := send(t.PSAM, "PSAM 验证消费 (CREDIT_SAM_FOR_PURCHASE)", samcard.CreditForPurchase{MAC2: a.MAC2}); err != nil {
		return b, fmt.Errorf("%w: %w", ErrSuspect, err)
	}
	return b, nil
}

func (t *Terminal) bought(e Entry, tac pboc.MAC, fromProof bool) (Bargain, error) {
	e.Kind, e.TAC = Bought, tac
	_, err := t.Note(e)
	return Bargain{e, fromProof}, err
}

func (t *Terminal) cancelPurchase(e Entry, why string) error {
	e.Kind, e.Reason = Cancel, why
	_, err := t.Note(e)
	return err
}

// SettlePurchase ends a purchase whose BUY entry has no BOUGHT and no CANCEL; paid says whether the card has paid. Nothing is
// debited. The counter comes first: where it stood before, the card has not paid. Then the last purchase that the card can
// prove: if it has this serial, it is this one. Else the lock proof, or the log where the PIN was verified, may show that a
// grey lock took the serial, so this purchase never did. ErrOtherCard; ErrPurchaseOpen; the transport's error leaves it open.
// Source: card.md 3.6, 6.2 prove_serial, 6.4; trust.md rows 5, 7.
func (t *Terminal) SettlePurchase(id Identity, buy Entry) (b Bargain, paid bool, err error) {
	switch {
	case buy.Kind != Buy:
		return b, false, ErrOrder
	case id.ASN != buy.ASN:
		return b, false, ErrOtherCard
	}
	now, err := t.counter(id, buy.Purse)
	switch {
	case err != nil:
		return b, false, err
	case now == buy.CTC:
		return b, false, t.cancelPurchase(buy, "not-paid")
	}
	tac, proved, err := t.provePurchase(buy.Purse, buy.CTC)
	switch {
	case err != nil:
		return b, false, err
	case proved:
		b, err = t.bought(buy, tac, true)
		return b, true, err
	}
	taken := lockedUnder(id.Proof, buy)
	if !taken && t.Verified() {
		if taken, err = t.loggedUnder(buy); err != nil {
			return b, false, err
		}
	}
	if taken {
		return b, false, t.cancelPurchase(buy, "not-paid")
	}
	return b, false, fmt.Errorf("脱机序号 (CTC) %d, 该笔 (this one) %d: %w", now, buy.CTC, ErrPurchaseOpen)
}

// counter is where the purse's CTC stands. A grey card tells it by its lock, any other by an INIT of amount 0, which moves
// nothing. Source: card.md 6.1, 6.2; the amount 0 [ours].
func (t *Terminal) counter(id Identity, purse fuelcard.Purse) (pboc.CTC, error) {
	if id.Proof.State == fuelcard.Grey && id.Proof.Wallet == purse {
		return id.Proof.CTC() + 1, nil
	}
	init, err := t.initPurchase(purse, 0)
	return init.CTC, err
}

// provePurchase asks for the TAC of the purchase with this serial, which is not always the card's last. A card that takes the
// serial before and after its increment shows two purchases for one serial, so it must show the same for both.
// Source: card.md 6.2, prove_serial.
func (t *Terminal) provePurchase(purse fuelcard.Purse, ctc pboc.CTC) (tac pboc.MAC, proved bool, err error) {
	serials := []uint16{uint16(ctc), uint16(ctc) + 1}
	switch t.Profile.ProveSerial {
	case fuelcard.ProveBefore:
		serials = serials[:1]
	case fuelcard.ProveAfter:
		serials = serials[1:]
	}
	for i, sn := range serials {
		a, err := ask(t.Card, "取交易认证 (GET TRANSACTION PROVE)", fuelcard.GetTransactionProve{Type: purse.PurchaseType(), SN: sn},
			fuelcard.ParseTransactionProveAnswer)
		if sw, no := refused(err); no && sw == apdu.ProofNotAvailable {
			return pboc.MAC{}, false, nil
		}
		if err != nil {
			return pboc.MAC{}, false, err
		}
		if i > 0 && a.TAC != tac {
			return pboc.MAC{}, false, nil
		}
		tac = a.TAC
	}
	return tac, true, nil
}

// lockedUnder reports that a grey lock of the same purse has taken the purchase's serial.
func lockedUnder(p fuelcard.LockProof, buy Entry) bool {
	return p.Wallet == buy.Purse && p.CTC() == buy.CTC && (p.Type == buy.Purse.GreyType() || p.Type == buy.Purse.UnlockType())
}

// loggedUnder reports that the card's log holds a debit of a grey lock with the purchase's serial. ED is always logged.
func (t *Terminal) loggedUnder(buy Entry) (bool, error) {
	history, err := t.History()
	return slices.ContainsFunc(history, func(r fuelcard.LogRecord) bool {
		return r.Type == buy.Purse.UnlockType() && r.Serial == uint16(buy.CTC)
	}), err
}
