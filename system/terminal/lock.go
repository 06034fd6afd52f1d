package terminal

import (
	"fmt"

	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/samcard"
	"greylock/system/wire/unit"
)

// Lock is a card that is grey under a sale of this terminal's PSAM.
type Lock struct {
	Sale    record.SaleID
	PSAM    pboc.ASN
	ASN     pboc.ASN
	Issuer  pboc.Issuer
	CTC     pboc.CTC // before the card's increment
	Balance unit.Fen
	Stamp   [7]byte // date and time of the lock
	Version byte    // of the consume key
	Alg     byte
	GTAC    pboc.MAC
	MAC2    pboc.MAC
	Nozzle  byte
}

// Entry begins a log entry about the lock.
func (l Lock) Entry(k Kind) Entry {
	return Entry{Kind: k, Sale: l.Sale, PSAM: l.PSAM, ASN: l.ASN, CTC: l.CTC, Balance: l.Balance, Stamp: l.Stamp,
		GTAC: l.GTAC, Nozzle: l.Nozzle}
}

// Cap is what may be debited for an amount: never more than the balance at the lock. Source: card.md 12.1, trust.md M3.
func (l Lock) Cap(amount unit.Fen) unit.Fen { return min(amount, l.Balance) }

// LastTTC is the last counter that a PSAM may use; past it the terminal refuses, long before the counter would begin again.
// Source: trust.md row 28.
const LastTTC pboc.PSAMTTC = 0xFFFFFFF0

// maxBurned bounds how many TTCs may be missing between the log and the PSAM: a power cut burns one, so a leap of many says
// that this PSAM has worked elsewhere and a person must explain it (trust.md row 27).
const maxBurned = 64

// Lock makes the card grey: INIT GREY LOCK, INIT_SAM_GREY_LOCK, BEGIN durable, GREY LOCK, CERTIFICATE. The PIN must have
// been verified. Source: card.md 12.1 steps 10 to 13, 12.2.
//
// Errors: ErrNotLocked (with its cause): the card is not grey and the TTC is cancelled; Lock may be called again after the
// application was selected and the PIN verified anew. ErrUnknown: the card has gone, its next proof decides; nothing may be
// fuelled. ErrSuspect: no fuel, the host decides. ErrPSAM: the card is grey but the PSAM failed; Recover releases it.
// Any other error came before GREY LOCK was sent. The Lock returned with ErrUnknown, ErrSuspect and ErrPSAM names the sale.
func (t *Terminal) Lock(id Identity, nozzle byte) (Lock, error) {
	if t.PSAM == nil || t.SAM == (SAM{}) {
		return Lock{}, ErrPSAM
	}
	init, err := ask(t.Card, "灰锁初始化 (INIT GREY LOCK)", fuelcard.InitGreyLock{Purse: fuelcard.ED,
		KeyID: t.SAM.Application.KeyIndex, TID: t.SAM.TID}, fuelcard.ParseInitGreyLockAnswer)
	if err != nil {
		return Lock{}, err
	}
	l := Lock{PSAM: t.SAM.Number, ASN: id.ASN, Issuer: id.Public.Issuer, CTC: init.CTC, Balance: init.Balance,
		Stamp: t.Clock().Civil().Stamp(), Version: init.KeyVersion, Alg: init.Alg, Nozzle: nozzle}
	sam, err := t.initSAM(&l, init.Rand)
	if err != nil {
		return Lock{}, err
	}
	if _, err := t.Note(l.Entry(Begin)); err != nil {
		return Lock{}, err
	}
	ans, err := ask(t.Card, "灰锁 (GREY LOCK)", fuelcard.GreyLock{TTC: l.Sale.TTC, TermRand: sam.TermRand, Time: l.Stamp,
		MAC1: sam.MAC1}, fuelcard.ParseGreyLockAnswer)
	if err != nil {
		return t.lockByProof(l, err)
	}
	l.GTAC, l.MAC2 = ans.GTAC, ans.MAC2
	return t.locked(l)
}

// locked ends a lock with CERTIFICATE; a profile that leaves it to the end has Sign do it. Source: card.md 12.1, certificate_at.
func (t *Terminal) locked(l Lock) (Lock, error) {
	if t.Profile.CertificateAt == fuelcard.CertificateAtEnd {
		return l, nil
	}
	return t.certify(l, WrongMAC2)
}

// initSAM takes the next TTC from the PSAM and sees that the log knows what became of every one before it.
func (t *Terminal) initSAM(l *Lock, rand [4]byte) (samcard.InitGreyLockAnswer, error) {
	sam, err := ask(t.PSAM, "PSAM 灰锁初始化 (INIT_SAM_GREY_LOCK)", samcard.InitGreyLock{Rand: rand, CTC: l.CTC,
		Balance: l.Balance, Type: samcard.TypeGreyED, Time: l.Stamp, KeyVersion: l.Version, Alg: l.Alg,
		Factors: t.factors(dpk, l.Issuer, l.ASN)}, samcard.ParseInitGreyLockAnswer)
	if err != nil {
		return sam, err
	}
	l.Sale = record.SaleID{TID: t.SAM.TID, TTC: sam.TTC}
	return sam, t.takeTTC(l.Entry(Cancel))
}

// takeTTC lets the log account for every number before the one that the PSAM has just given, and refuses the last ones.
func (t *Terminal) takeTTC(e Entry) error {
	if err := t.closeGap(e.Sale.TTC); err != nil {
		return err
	}
	if e.Sale.TTC <= LastTTC {
		return nil
	}
	e.Kind, e.Reason = Cancel, "ttc-exhausted"
	if _, err := t.Note(e); err != nil {
		return err
	}
	return fmt.Errorf("PSAM 序号 %d, 须更换 PSAM (replace the PSAM): %w", e.Sale.TTC, ErrTTC)
}

// closeGap cancels the TTCs that the PSAM has passed without a BEGIN: they were burned before GREY LOCK. A PSAM that stores its
// counter at the certificate gives the number of a lock that never came to it once more. Source: trust.md 1.1; card.md 8.1,
// psam_ttc_at.
func (t *Terminal) closeGap(ttc pboc.PSAMTTC) error {
	high, known := t.Log.High(t.SAM.TID)
	if !known {
		return nil
	}
	if ttc == high && t.Profile.PSAMTTCAt == fuelcard.TTCAtCertificate {
		return nil
	}
	if ttc <= high || ttc-high > maxBurned {
		return fmt.Errorf("PSAM %d, 本机 (log) %d: %w", ttc, high, ErrTTC)
	}
	for burned := high + 1; burned < ttc; burned++ {
		e := Entry{Kind: Cancel, Sale: record.SaleID{TID: t.SAM.TID, TTC: burned}, PSAM: t.SAM.Number, Reason: "burned"}
		if _, err := t.Note(e); err != nil {
			return err
		}
	}
	return nil
}

// lockByProof goes on when GREY LOCK was not answered with 9000: the card's proof says what it did. Source: card.md 12.2.
func (t *Terminal) lockByProof(l Lock, cause error) (Lock, error) {
	proof, err := t.again(l.ASN)
	if err != nil {
		return l, fmt.Errorf("%w: %w", ErrUnknown, cause)
	}
	if l.holds(proof) {
		l.GTAC, l.MAC2 = proof.Code, proof.MAC2()
		return t.locked(l)
	}
	e := l.Entry(Cancel)
	e.Reason = NotLocked
	if _, err := t.Note(e); err != nil {
		return l, err
	}
	return l, fmt.Errorf("%w: %w", ErrNotLocked, cause)
}

// holds reports that the proof is of this very lock.
func (l Lock) holds(p fuelcard.LockProof) bool {
	return p.State == fuelcard.Grey && p.CTC() == l.CTC && p.Balance == l.Balance && p.Time == l.Stamp &&
		p.TID == l.Sale.TID && (l.GTAC == pboc.MAC{} || l.GTAC == p.Code)
}

// certify lets the PSAM check the card's MAC2. A wrong one is never tried twice: three lock the PSAM. Source: card.md 8.2, 12.2.
func (t *Terminal) certify(l Lock, wrong string) (Lock, error) {
	_, err := send(t.PSAM, "PSAM 验证灰锁 (CERTIFICATE_SAM_GREY_LOCK)", samcard.CertificateGreyLock{MAC2: l.MAC2})
	sw, no := refused(err)
	_, counted := sw.TriesLeft()
	switch {
	case err == nil:
		return l, nil
	case no && (sw == apdu.MACWrong || counted):
		e := l.Entry(Suspect)
		e.Reason = wrong
		if _, err := t.Note(e); err != nil {
			return l, err
		}
		return l, fmt.Errorf("%w: %w", ErrSuspect, err)
	}
	return l, fmt.Errorf("%w: %w", ErrPSAM, err)
}

// Signature is the PSAM's authorisation of one amount for one lock. It is the same for ever: one GMAC per lock.
type Signature struct {
	Sale    record.SaleID
	Amount  unit.Fen
	GMAC    pboc.MAC
	PSAMTAC pboc.MAC
}

// Sign takes the GMAC for the amount that a FuelEnd or Void entry of this lock made durable. A PSAM that was reset or whose
// answer was lost is asked again: it gives the same answer for the same amount. ErrNoGMAC: it no longer knows the lock.
// Source: card.md 8.1, 8.2, 12.2.
func (t *Terminal) Sign(l Lock, ended Durable) (Signature, error) {
	e := ended.entry
	if (e.Kind != FuelEnd && e.Kind != Void) || e.Sale != l.Sale {
		return Signature{}, ErrOrder
	}
	if e.Amount < 0 || e.Amount > l.Balance || (e.Kind == Void && e.Amount != 0) {
		return Signature{}, fmt.Errorf("%s 元 (yuan): %w", e.Amount, ErrAmount)
	}
	if t.PSAM == nil || t.SAM.TID != l.Sale.TID {
		return Signature{}, ErrPSAM
	}
	answer, err := t.signature(l, e.Amount)
	if _, no := refused(err); err != nil && !no {
		// The PSAM was reset or its answer lost: bring it back and ask once more.
		was := t.SAM
		now, again := t.ReadPSAM()
		t.SAM = was
		if again != nil || now.Number != was.Number {
			return Signature{}, fmt.Errorf("%w: %w", ErrPSAM, err)
		}
		answer, err = t.signature(l, e.Amount)
	}
	if err != nil {
		return Signature{}, err
	}
	return Signature{l.Sale, e.Amount, answer.GMAC, answer.TAC}, nil
}

// signature asks the PSAM, which may stand anywhere in this sale or be past it. DEBIT_SAM_GREY_LOCK does not name the TTC, so
// it is asked only about the PSAM's last sale.
func (t *Terminal) signature(l Lock, amount unit.Fen) (samcard.GMACAnswer, error) {
	if high, known := t.Log.High(l.Sale.TID); known && high != l.Sale.TTC {
		return t.getGMAC(l)
	}
	answer, err := t.debitSAM(l, amount)
	if sw, no := refused(err); no && (sw == apdu.WrongState || sw == apdu.Conditions || sw == apdu.ProofNotAvailable || sw == t.Profile.PSAMMismatchSW) {
		return t.recallGMAC(l, amount, sw)
	}
	return answer, err
}

func (t *Terminal) debitSAM(l Lock, amount unit.Fen) (samcard.GMACAnswer, error) {
	return ask(t.PSAM, "PSAM 灰锁扣款 (DEBIT_SAM_GREY_LOCK)", samcard.DebitGreyLock{Type: samcard.TypeUnlockED,
		ASN8: l.ASN.Factor(), CTC: l.CTC, Amount: amount}, samcard.ParseGMACAnswer)
}

// recallGMAC finds the signature of a lock that the PSAM does not hold open: done already (GET_GMAC), or locked but never
// certified because the card's answer was lost. 6985 says that another amount was signed: that is never taken.
func (t *Terminal) recallGMAC(l Lock, amount unit.Fen, sw apdu.SW) (samcard.GMACAnswer, error) {
	if sw == apdu.Conditions {
		return samcard.GMACAnswer{}, fmt.Errorf("PSAM 已签发另一金额 (another amount is signed): %w: %w", ErrAmount, sw)
	}
	answer, err := t.getGMAC(l)
	if _, no := refused(err); !no || sw != apdu.WrongState || l.MAC2 == (pboc.MAC{}) {
		return answer, err
	}
	// The PSAM may have taken another card's INIT that a power cut kept out of the log: then this MAC2 is wrong there, and
	// counts against it. certify notes it, so that it is never shown again.
	if _, err := t.certify(l, LateMAC2); err != nil {
		return answer, fmt.Errorf("%w: %w", ErrNoGMAC, err)
	}
	return t.debitSAM(l, amount)
}

func (t *Terminal) getGMAC(l Lock) (samcard.GMACAnswer, error) {
	answer, err := ask(t.PSAM, "PSAM 取 GMAC (GET_GMAC)", samcard.GetGMAC{TTC: l.Sale.TTC}, samcard.ParseGMACAnswer)
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrNoGMAC, err)
	}
	return answer, err
}
