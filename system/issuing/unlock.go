package issuing

import (
	"greylock/system/terminal"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Unlocked is the outcome of an online unlock.
type Unlocked struct {
	ASN     pboc.ASN
	Amount  unit.Fen // what the card has paid; the center decides it
	Balance unit.Fen // after
	MAC3    pboc.MAC
}

// Unlock frees a grey card (联机解扣): the center finds what is owed for this very lock and permits one amount. Without a
// record of the lock it refuses; UnlockForced is for a lock whose record is lost. terminal.ErrOrder for a card that is not grey; record.Refusal; terminal.ErrUnknown: the card
// has gone, its next insert tells. Source: card.md section 10, 12.3.
func (v *Visit) Unlock() (Unlocked, error) { return v.unlock(nil) }

// UnlockForced frees a grey card with an amount of 0 where no record of its lock has come within 48 hours (强制解灰): two persons
// permit it and say why, and what a record may say later is owed. The center decides; where it has a record after all, the
// amount is that of the record. Source: trust.md requirement 25.
func (v *Visit) UnlockForced(f record.Forced) (Unlocked, error) { return v.unlock(&f) }

func (v *Visit) unlock(forced *record.Forced) (Unlocked, error) {
	if v.block != terminal.Unblocked {
		return Unlocked{}, ErrBlocked
	}
	if err := v.verify(v.desk.cfg.Profile.PINUnlock); err != nil {
		return Unlocked{}, err
	}
	u, err := v.term.InitOnlineUnlock(v.id, v.desk.cfg.TID)
	if err != nil {
		return Unlocked{}, err
	}
	q := u.Question(v.desk.cfg.Site)
	q.Forced = forced
	answer, err := ask[record.UnlockAnswer](v.door, record.PathAskUnlock, q)
	if err != nil {
		return Unlocked{}, err
	}
	paid, err := v.term.OnlineUnlock(u, answer)
	if err != nil {
		return Unlocked{}, err
	}
	// The proof, not the answer, is what the journal keeps: it holds all that the center needs.
	if v.id.Proof, err = v.term.Proof(); err != nil {
		return Unlocked{}, err
	}
	if v.id.Proof.State != fuelcard.TACUnread || v.id.Proof.Code != paid.TAC {
		return Unlocked{}, terminal.ErrOtherCard
	}
	v.id.Balance = paid.Balance
	done := Unlocked{ASN: paid.ASN, Amount: paid.Amount, Balance: paid.Balance, MAC3: paid.TAC}
	return done, v.settle()
}

// unlockEnded tells the center the MAC3 of an online unlock. It may get lost: the proof is in the journal and brings it.
func (v *Visit) unlockEnded(sn pboc.OnlineSN, mac3 pboc.MAC) {
	_, _ = ask[record.Done](v.door, record.PathAskUnlEnd, record.UnlockEndQuestion{
		Outlet: v.desk.cfg.Site, ASN: v.id.ASN, OnlineSN: sn, MAC3: mac3,
	})
}
