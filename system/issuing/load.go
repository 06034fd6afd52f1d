package issuing

import (
	"errors"
	"fmt"

	"greylock/system/terminal"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Loaded is the outcome of a load.
type Loaded struct {
	ASN      pboc.ASN
	OnlineSN pboc.OnlineSN
	Amount   unit.Fen
	Balance  unit.Fen // of the card, after
	TAC      pboc.MAC
	Reported bool // the center has the TAC; if not, the journal brings it
}

// Codes of the center that this desk acts on. Source: system/center, which keeps them stable.
const (
	codeLoadOpen      = "LOAD_OPEN"
	codeAmountDiffers = "AMOUNT_DIFFERS"
	codeLoadUnknown   = "LOAD_UNKNOWN"
)

// loadTries: once, and once more after a load that another desk left open was settled.
const loadTries = 2

// Load moves money from the account to the card (圈存). The desk's note is durable before the center is asked, so before the
// card is credited: whatever is lost after it, the next insert settles. ErrGrey; ErrOpen; record.Refusal, nothing moved;
// terminal.ErrUnknown or a transport's error, the load is open. Source: card.md section 10; trust.md rows 17, 18.
func (v *Visit) Load(amount unit.Fen) (Loaded, error) {
	switch {
	case v.id.Proof.State == fuelcard.Grey:
		return Loaded{}, ErrGrey
	case v.Unsettled() != nil:
		return Loaded{}, v.Unsettled()
	}
	for try := 1; ; try++ {
		done, err := v.load(amount)
		r, refused := refusal(err)
		if err == nil || !refused || try == loadTries {
			return done, err
		}
		if healed := v.heal(r, amount); healed != nil {
			return done, errors.Join(err, healed)
		}
	}
}

func (v *Visit) load(amount unit.Fen) (Loaded, error) {
	l, err := v.term.InitForLoad(v.id.ASN, amount, v.desk.cfg.TID)
	if err != nil {
		return Loaded{}, err
	}
	begun := record.LoadBegun{
		TimeMs: v.door.Now().Milli(), ASN: l.ASN, OnlineSN: l.OnlineSN, Amount: amount, Before: l.Balance, TID: l.TID,
	}
	if err := v.note(begun); err != nil {
		return Loaded{}, err
	}
	answer, err := ask[record.LoadAnswer](v.door, record.PathAskLoad, l.Question(v.desk.cfg.Site))
	if _, refused := refusal(err); refused {
		return Loaded{}, errors.Join(err, v.ended(begun, record.LoadEnded{How: "refused"}))
	}
	if err != nil {
		return Loaded{}, err
	}
	tac, err := v.term.CreditForLoad(answer)
	var sw apdu.SW
	if errors.As(err, &sw) && !errors.Is(err, terminal.ErrUnknown) { // the card declined: nothing has moved, and it proves it
		return Loaded{}, errors.Join(err, v.settleLoad())
	}
	if err != nil {
		return Loaded{}, err
	}
	if err := v.ended(begun, record.LoadEnded{Loaded: true, TAC: tac, How: "answer"}); err != nil {
		return Loaded{}, err
	}
	v.id.Balance = l.Balance + amount
	_, err = ask[record.Done](v.door, record.PathAskLoadEnd, record.LoadEndQuestion{
		Outlet: v.desk.cfg.Site, ASN: l.ASN, OnlineSN: l.OnlineSN, Loaded: true, TAC: tac,
	})
	if r, refused := refusal(err); refused { // the center does not take this TAC: people must look
		return Loaded{}, errors.Join(r, v.alarm("load-tac", "圈存 TAC 被中心拒绝: "+r.Zh, "the center refused the TAC of a load: "+r.En))
	}
	return Loaded{ASN: l.ASN, OnlineSN: l.OnlineSN, Amount: amount, Balance: v.id.Balance, TAC: tac, Reported: err == nil}, nil
}

func (v *Visit) ended(b record.LoadBegun, e record.LoadEnded) error {
	e.TimeMs, e.ASN, e.OnlineSN = v.door.Now().Milli(), b.ASN, b.OnlineSN
	return v.note(e)
}

func (v *Visit) alarm(kind, zh, en string) error {
	return v.note(record.Alarm{TimeMs: v.door.Now().Milli(), Kind: kind, Subject: v.id.ASN.Digits(), Zh: zh, En: en})
}

// settleLoad ends the load that this desk has open for the card: the card shows whether it happened.
func (v *Visit) settleLoad() error {
	b, open := v.desk.open[v.id.ASN]
	if !open {
		return nil
	}
	proof, err := v.term.SettleLoad(b.ASN, b.OnlineSN, b.Amount, v.desk.cfg.TID)
	if errors.Is(err, terminal.ErrLoadOpen) {
		return errors.Join(err, v.alarm("load-unproven", "圈存结果无凭证, 须人工核对", "no proof of a load is left: a person must check"))
	}
	if err != nil {
		return err
	}
	if proof.Loaded {
		// The fact is enough: the journal brings it to the center, should the question not arrive.
		if err := v.ended(b, record.LoadEnded{Loaded: true, TAC: proof.TAC, How: "proof"}); err != nil {
			return err
		}
		return v.report(proof, b.OnlineSN, true)
	}
	// The money must be back in the account before the desk forgets it.
	if err := v.report(proof, b.OnlineSN, false); err != nil {
		return err
	}
	return v.ended(b, record.LoadEnded{How: "absent"})
}

// report tells the center how a load ended; ErrOpen if it does not agree. A load that it has never heard of needs no end; lost
// says that the question may get lost.
func (v *Visit) report(p terminal.LoadProof, sn pboc.OnlineSN, lost bool) error {
	_, err := ask[record.Done](v.door, record.PathAskLoadEnd, p.End(v.desk.cfg.Site, v.id.ASN, sn))
	r, refused := refusal(err)
	switch {
	case err == nil, refused && r.Code == codeLoadUnknown && !p.Loaded, !refused && lost:
		return nil
	case refused && p.Loaded:
		return errors.Join(err, v.alarm("load-tac", "圈存 TAC 被中心拒绝: "+r.Zh, "the center refused the TAC of a load: "+r.En))
	}
	return fmt.Errorf("%w: %w", ErrOpen, err)
}

// heal settles a load that the center holds open for this card and this desk knows nothing of: of another desk, or of a
// question that was lost. LOAD_OPEN is the serial before, AMOUNT_DIFFERS this one. Any other refusal stands.
func (v *Visit) heal(r record.Refusal, amount unit.Fen) error {
	switch r.Code {
	case codeLoadOpen, codeAmountDiffers:
	default:
		return r
	}
	now, err := v.term.InitForLoad(v.id.ASN, amount, v.desk.cfg.TID)
	if err != nil {
		return err
	}
	if r.Code == codeAmountDiffers {
		return v.report(terminal.LoadProof{Absent: now}, now.OnlineSN, false)
	}
	if now.OnlineSN == 0 {
		return r
	}
	proof, err := v.term.SettleLoad(v.id.ASN, now.OnlineSN-1, amount, v.desk.cfg.TID)
	if err != nil {
		return err
	}
	return v.report(proof, now.OnlineSN-1, false)
}
