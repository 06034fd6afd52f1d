package terminal

import (
	"fmt"

	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Action is what a terminal does about the last sale of a card that was inserted.
type Action byte

// The actions. Those of the own log come before the card is served; after Abandon and Bill the caller notes the entry and
// calls Recover again, since the card may hold another matter too.
const (
	GoOn       Action = iota // nothing is open: serve the card
	Abandon                  // own BEGIN, but the card was never locked by it or is free again: note Cancel
	Bill                     // own fuel, and the card no longer holds the lock: note Escape (T_TYPE 1); the host settles
	Count                    // own FUEL_START without FUEL_END: the pump's register must be read first
	ClearOnly                // the TAC is in the log already: clear TACUF
	Complete                 // 01 answered late: the card has paid the own open sale; T_TYPE 0 with the TAC of the proof
	Supplement               // 补充: the card has paid, nobody has read the TAC; T_TYPE 4
	Finish                   // the own sale was never billed and the card is still grey: debit now, T_TYPE 0
	TopUp                    // 补扣: billed as escape, here or elsewhere, and still grey: debit now, T_TYPE 3
	Release                  // locked, but the own log proves that the pump was never authorised: debit 0, T_TYPE 0
	AskStation               // grey, and nothing is known here: ask the station (35H), then Recover with its answer
	Refuse                   // not served: Why says where to go
)

// String is a stable word.
func (a Action) String() string {
	words := [...]string{"go-on", "abandon", "bill", "count", "clear-only", "complete", "supplement", "finish", "top-up", "release",
		"ask-station", "refuse"}
	if int(a) >= len(words) {
		return "?"
	}
	return words[a]
}

// Decision is the outcome of Recover.
type Decision struct {
	Action Action
	TType  byte     // of the record that it leads to
	Amount unit.Fen // that the card pays, or has paid
	Why    *Refusal // Refuse
}

// Recover decides, from the card's proof and from what is known about its last sale here (own log) or at the station, which asks
// the center (35H), what is due. It is a pure function; the card is the arbiter. Source: card.md 12.2,
// 12.3; trust.md rows 2 to 8, 24, 63.
//
//	proof  evidence                                    action
//	00     none, or closed                             GoOn
//	00     own, fuel not counted                       Count, then again
//	00     own, debit shown by the history             Complete (not billed) or GoOn (billed: the unlocking terminal reported it)
//	00     own, fuel, lock gone without a trace        Bill, or GoOn if billed
//	00     own, never authorised                       Abandon
//	00     own, grey hold or suspect, no fuel          GoOn: the host has settled it
//	10     closed with this TAC                        ClearOnly
//	10     own, fuel not counted                       Count, then again
//	10     own, not billed, this debit                 Complete
//	10     own open matter of another lock             as in 00, then again
//	10     anything else, also nothing                 Supplement
//	01     own open matter of another lock             as in 00, then again
//	01     none that matches                           AskStation
//	01     none, the station was asked                 Refuse
//	01     grey hold                                   Refuse, everywhere
//	01     own, suspect: wrong MAC2 or GMAC            Count or Bill the fuel, if there is any; then Refuse
//	01     closed here all the same                    Refuse
//	01     own, never authorised, cancelled or not     Release
//	01     own, fuel not counted                       Count, then again
//	01     own, ended, not billed                      Finish
//	01     ended, billed (own or of the station)       TopUp
//	01     of the station, without GMAC                Refuse
//	01     more owed than was locked                   Refuse: no such GMAC is ever shown
func Recover(asn pboc.ASN, proof fuelcard.LockProof, v Evidence) Decision {
	if v.ASN != asn {
		v = Evidence{Asked: v.Asked}
	}
	open := v.Found && !v.Closed && v.Own
	if proof.State == fuelcard.Grey {
		return recoverLocked(proof, v, open)
	}
	if open {
		d := recoverGone(v)
		if debited(proof, v.Sale.TID, v.CTC) {
			d = recoverDebited(proof, v)
		}
		if d.Action != GoOn {
			return d
		}
	}
	if proof.State != fuelcard.TACUnread {
		return Decision{Action: GoOn}
	}
	if _, recorded := v.Recorded(proof); recorded {
		return Decision{Action: ClearOnly}
	}
	return Decision{Action: Supplement, TType: TTypeSupplement, Amount: proof.Amount()}
}

// recoverLocked decides about a card in state 01.
func recoverLocked(proof fuelcard.LockProof, v Evidence, open bool) Decision {
	if v.matches(proof) {
		return recoverGrey(v)
	}
	if open {
		if d := recoverGone(v); d.Action != GoOn {
			return d
		}
	}
	if v.Asked {
		return outlet("灰卡, 站内无记录", "grey card, its sale is not known at this station")
	}
	return Decision{Action: AskStation}
}

// recoverDebited decides about an own open sale whose card shows the debit under its lock. The amount is the card's.
func recoverDebited(proof fuelcard.LockProof, v Evidence) Decision {
	switch {
	case v.Billed, v.Hold:
		return Decision{Action: GoOn}
	case v.Authorised && !v.Ended:
		return Decision{Action: Count}
	}
	return Decision{Action: Complete, TType: TTypeSale, Amount: proof.Amount()}
}

// recoverGone decides about an own open sale whose lock the card does not hold (any more).
func recoverGone(v Evidence) Decision {
	switch {
	case v.Billed, v.Hold, v.Suspect && !v.Authorised:
		return Decision{Action: GoOn}
	case v.Authorised && !v.Ended:
		return Decision{Action: Count}
	case v.Authorised:
		return Decision{Action: Bill, TType: TTypeEscape, Amount: v.Amount}
	}
	return Decision{Action: Abandon}
}

// recoverGrey decides about a card that is grey under the sale that the evidence names.
func recoverGrey(v Evidence) Decision {
	switch {
	case v.Hold:
		return Decision{Action: Refuse, Why: &Refusal{ReasonBlack, "黑名单卡, 已灰锁", "blacklisted card, held grey"}}
	case v.Suspect:
		if d := recoverGone(v); v.Own && d.Action != GoOn {
			return d
		}
		return outlet("卡可疑, 已灰锁", "suspect card, grey")
	case v.Closed && !v.Cancelled:
		return outlet("灰卡与本机记录不符", "grey card, but the record here is closed")
	case v.Amount > v.Balance:
		return outlet("灰卡, 欠款超过锁定余额", "grey card, more is owed than was locked")
	case !v.Own && v.Signed:
		return Decision{Action: TopUp, TType: TTypeTopUp, Amount: v.Amount}
	case !v.Own:
		return outlet("灰卡, 站内无扣款授权", "grey card, no authorised amount is known at this station")
	case !v.Authorised:
		return Decision{Action: Release, TType: TTypeSale}
	case !v.Ended:
		return Decision{Action: Count}
	case v.Billed:
		return Decision{Action: TopUp, TType: TTypeTopUp, Amount: v.Amount}
	}
	return Decision{Action: Finish, TType: TTypeSale, Amount: v.Amount}
}

// outlet is for a grey card that only the host can free: an online unlock, which is an issuing outlet's. Source: card.md 12.3.
func outlet(zh, en string) Decision {
	return Decision{Action: Refuse, Why: &Refusal{0, zh + ", 请到发卡网点", en + ": go to an outlet"}}
}

// matches reports that the proof, state 01, is of the lock that the evidence names: card number, balance, CTC, date and
// time, terminal, and the GTAC where it is known. Source: card.md 12.3.
func (v Evidence) matches(p fuelcard.LockProof) bool {
	return v.Found && v.CTC == p.CTC() && v.Balance == p.Balance && v.Stamp == p.Time && v.Sale.TID == p.TID &&
		(v.GTAC == pboc.MAC{} || v.GTAC == p.Code)
}

// Recorded returns the token for ClearTACUF if the log already holds the TAC that the proof shows.
func (v Evidence) Recorded(p fuelcard.LockProof) (Durable, bool) {
	if !v.Own || !v.Closed || v.Cancelled || p.State != fuelcard.TACUnread || p.Code != v.TAC {
		return Durable{}, false
	}
	return Durable{Entry{Kind: Done, Sale: v.Sale, PSAM: v.PSAM, ASN: v.ASN, CTC: v.CTC, Amount: v.Amount, TAC: v.TAC}}, true
}

// Lock is the lock that the evidence names, as the card proves it in state 01.
func (v Evidence) Lock(issuer pboc.Issuer, p fuelcard.LockProof) Lock {
	return Lock{Sale: v.Sale, PSAM: v.PSAM, ASN: v.ASN, Issuer: issuer, CTC: v.CTC, Balance: v.Balance, Stamp: v.Stamp,
		GTAC: p.Code, MAC2: p.MAC2(), Nozzle: v.Nozzle}
}

// Settle carries out a decision that ends in money: Release, Finish, TopUp (the card is debited now, a Void is noted before a
// release), Complete and Supplement (the card has paid; nothing is sent). The caller then makes the record, notes Done with
// it, and clears TACUF. What debits wants the PIN verified where the profile has pin_unlock. Its errors are those of Sign and Debit; after any of them the card may come back and Recover goes on.
func (t *Terminal) Settle(d Decision, id Identity, v Evidence) (Paid, error) {
	switch d.Action {
	case Complete, Supplement:
		return t.fromProof(d, id, v), nil
	case Release, Finish, TopUp:
	default:
		return Paid{}, fmt.Errorf("%s: %w", d.Action, ErrOrder)
	}
	if id.Proof.State != fuelcard.Grey || id.ASN != v.ASN || !v.matches(id.Proof) {
		return Paid{}, ErrOrder
	}
	l := v.Lock(id.Public.Issuer, id.Proof)
	sig := Signature{v.Sale, v.Amount, v.GMAC, v.PSAMTAC}
	if d.Action == Release || !v.Signed {
		ended := Durable{l.Entry(FuelEnd)} // the evidence is the log's, so it is durable
		ended.entry.Amount = v.Amount
		if d.Action == Release {
			void := l.Entry(Void)
			void.Reason = "never-authorised"
			var err error
			if ended, err = t.Note(void); err != nil {
				return Paid{}, err
			}
		}
		var err error
		if sig, err = t.Sign(l, ended); err != nil {
			return Paid{}, err
		}
	}
	p, err := t.Debit(l, sig)
	p.TType = d.TType
	return p, err
}

// fromProof makes the payment that state 10, or the history in state 00, shows. Source: card.md 12.2.
func (t *Terminal) fromProof(d Decision, id Identity, v Evidence) Paid {
	q := id.Proof
	p := Paid{Sale: record.SaleID{TID: q.TID}, ASN: id.ASN, CTC: q.CTC(), Stamp: q.Time, Amount: q.Amount(), Balance: t.remains(q),
		TAC: q.Code, TType: d.TType, FromProof: true}
	if v.Found && v.ASN == id.ASN && debited(q, v.Sale.TID, v.CTC) {
		p.Sale, p.PSAM, p.CTC, p.GTAC, p.Nozzle = v.Sale, v.PSAM, v.CTC, v.GTAC, v.Nozzle
		if v.Signed {
			p.GMAC, p.PSAMTAC = v.GMAC, v.PSAMTAC
		}
	}
	return p
}
