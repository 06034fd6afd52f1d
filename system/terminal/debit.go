package terminal

import (
	"errors"
	"fmt"

	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/samcard"
	"greylock/system/wire/unit"
)

// TType is b3-0 of T_TYPE in an upload record. Source: card.md section 14.
const (
	TTypeSale       byte = 0
	TTypeEscape     byte = 1
	TTypeTopUp      byte = 3
	TTypeSupplement byte = 4
)

// Paid is money that the card has given under a lock, with what an upload record needs.
type Paid struct {
	Sale      record.SaleID // TTC 0 for a supplement without a local record: the host finds it
	PSAM      pboc.ASN
	ASN       pboc.ASN
	CTC       pboc.CTC // online SN, where the proof is of an online unlock
	Stamp     [7]byte
	Amount    unit.Fen
	Balance   unit.Fen // after the debit
	TAC       pboc.MAC // MAC3, where the proof is of an online unlock
	GMAC      pboc.MAC // zero where this terminal never had it
	PSAMTAC   pboc.MAC
	GTAC      pboc.MAC
	Nozzle    byte
	TType     byte
	FromProof bool // the TAC is from the lock proof, not from the answer
}

// Entry begins the Done entry; the caller adds the record and what else it keeps.
func (p Paid) Entry() Entry {
	return Entry{Kind: Done, Sale: p.Sale, PSAM: p.PSAM, ASN: p.ASN, CTC: p.CTC, Stamp: p.Stamp, Balance: p.Balance + p.Amount,
		GTAC: p.GTAC, Nozzle: p.Nozzle, Amount: p.Amount, GMAC: p.GMAC, PSAMTAC: p.PSAMTAC, TAC: p.TAC, TType: p.TType}
}

// Debit takes the signed amount from the card: DEBIT FOR UNLOCK. The command is repeated once, byte for byte the same, and
// only after a lock proof that still shows state 01; a card that was debited gives its TAC from the proof. ErrUnknown: the
// card has gone, its next proof decides. An apdu.SW: the card declined and is still grey; the GMAC is not shown again
// (three wrong ones block the application). Source: card.md 12.1 step 16, 12.2; design.md 9.9.
func (t *Terminal) Debit(l Lock, s Signature) (Paid, error) {
	if s.Sale != l.Sale {
		return Paid{}, ErrOrder
	}
	p := Paid{Sale: l.Sale, PSAM: l.PSAM, ASN: l.ASN, CTC: l.CTC, Stamp: l.Stamp, Amount: s.Amount, Balance: l.Balance - s.Amount,
		GMAC: s.GMAC, PSAMTAC: s.PSAMTAC, GTAC: l.GTAC, Nozzle: l.Nozzle, TType: TTypeSale}
	if t.Profile.UnlockClock == fuelcard.ClockNow {
		p.Stamp = t.Clock().Civil().Stamp()
	}
	c := fuelcard.DebitForUnlock{Purse: fuelcard.ED, Amount: s.Amount, CTC: l.CTC, TID: l.Sale.TID, TTC: t.Profile.UnlockTTC(l.Sale.TTC),
		Time: p.Stamp, GMAC: s.GMAC}
	if t.Profile.CTCPlusOne {
		c.CTC++
	}
	const tries = 2
	for try := 1; ; try++ {
		answer, err := ask(t.Card, "解扣 (DEBIT FOR UNLOCK)", c, fuelcard.ParseDebitForUnlockAnswer)
		if err == nil {
			p.TAC = answer.TAC
			return p, nil
		}
		proof, lost := t.again(l.ASN)
		if lost != nil {
			return Paid{}, fmt.Errorf("%w: %w", ErrUnknown, err)
		}
		if took(proof, l.Sale.TID, l.CTC, s.Amount) {
			p.TAC, p.Stamp, p.Balance, p.FromProof = proof.Code, proof.Time, t.remains(proof), true
			return p, nil
		}
		if sw, no := refused(err); no {
			if sw == apdu.MACWrong && t.SAM.TID == l.Sale.TID {
				err = errors.Join(err, t.spoilt(l, s))
			}
			return Paid{}, err
		}
		if !l.holds(proof) || try == tries {
			return Paid{}, fmt.Errorf("%w: %w", ErrUnknown, err)
		}
	}
}

// remains is the balance after the debit that a proof of state 10 or 00 shows. Source: card.md 6.4, proof_balance.
func (t *Terminal) remains(p fuelcard.LockProof) unit.Fen {
	if t.Profile.ProofBalance == fuelcard.BalanceBefore {
		return p.Balance - p.Amount()
	}
	return p.Balance
}

// spoilt notes that the card counts this GMAC of our own PSAM as wrong: it would give the same one for ever, and the third
// showing blocks the card. From then on only the host can unlock it. Source: card.md 7.3, 8.2; trust.md rows 25, 88.
func (t *Terminal) spoilt(l Lock, s Signature) error {
	e := l.Entry(Suspect)
	e.Reason, e.Amount = WrongGMAC, s.Amount
	_, err := t.Note(e)
	return err
}

// took reports that the proof is of a debit of this amount under this lock. A card that was told CTC+1 may show that.
func took(p fuelcard.LockProof, tid pboc.TID, ctc pboc.CTC, amount unit.Fen) bool {
	return debited(p, tid, ctc) && p.Amount() == amount
}

// debited reports that the lock ended in a debit by DEBIT FOR UNLOCK, read or unread.
func debited(p fuelcard.LockProof, tid pboc.TID, ctc pboc.CTC) bool {
	return p.State != fuelcard.Grey && p.Type == fuelcard.TypeUnlockED && p.TID == tid && (p.CTC() == ctc || p.CTC() == ctc+1)
}

// TMAC lets the PSAM make the T_MAC of an upload record: its bytes up to T_MAC, 91 of them. Source: card.md 8.1, 12.1 step 17,
// tmac_span.
func (t *Terminal) TMAC(span []byte) (pboc.MAC, error) {
	if t.PSAM == nil {
		return pboc.MAC{}, ErrPSAM
	}
	suite, err := t.Profile.Suite()
	if err != nil {
		return pboc.MAC{}, err
	}
	key := samcard.DeliveryKey{Usage: samcard.UsageTMAC, KeyVersion: tmacVersion}
	if _, err := send(t.PSAM, "PSAM 通用DES初始化 (DELIVERY_KEY)", key); err != nil {
		return pboc.MAC{}, err
	}
	answer, err := ask(t.PSAM, "PSAM 记录校验 (CIPHER_DATA, T_MAC)", samcard.TMACRequest(suite, t.Profile.TMACData(span)), samcard.ParseCipherMACAnswer)
	return answer.MAC, err
}

// tmacVersion is the version of the T_MAC key, the P2 of 80 1A 08 01. Source: card.md 8.1.
const tmacVersion = 1

// ClearTACUF lets the card forget that its TAC was not read. It needs the durable Done entry that holds this TAC: an unread
// TAC that is nowhere else must never be cleared. It may be repeated. Source: card.md 12.1 step 18, trust.md rule 4.
func (t *Terminal) ClearTACUF(done Durable) error {
	if done.entry.Kind != Done {
		return ErrOrder
	}
	_, err := send(t.Card, "清 TAC 未读标志 (CLEAR TACUF)", fuelcard.ClearTACUF{})
	return err
}
