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

// Transfer is a load or an unload that this desk has begun.
type Transfer struct {
	Unload bool
	record.LoadBegun
}

// Moved is the outcome of a load or an unload.
type Moved struct {
	ASN      pboc.ASN
	OnlineSN pboc.OnlineSN
	Amount   unit.Fen
	Balance  unit.Fen // of the card, after
	Code     pboc.MAC // TAC of a load, MAC3 of an unload
	Reported bool     // the center has the code; if not, the journal brings it
}

// flow is what differs between a load and an unload; everything else is one piece of code.
type flow struct {
	typ         fuelcard.TxType
	sign        unit.Fen // of what the card gets
	kind        string   // first word of its alarms
	zh, en      string
	ask, askEnd string
	begin       func(*terminal.Terminal, pboc.ASN, unit.Fen, pboc.TID) (terminal.Loading, error)
	finish      func(*terminal.Terminal, record.LoadAnswer) (pboc.MAC, error)
	begun       func(record.LoadBegun) record.Fact
	ended       func(record.LoadEnded) record.Fact
	end         func(record.LoadEndQuestion) any
}

var loading = flow{
	typ: fuelcard.TypeLoadED, sign: 1, kind: "load", zh: "圈存", en: "load", ask: record.PathAskLoad, askEnd: record.PathAskLoadEnd,
	begin: (*terminal.Terminal).InitForLoad, finish: (*terminal.Terminal).CreditForLoad,
	begun: func(b record.LoadBegun) record.Fact { return b },
	ended: func(e record.LoadEnded) record.Fact { return e },
	end:   func(q record.LoadEndQuestion) any { return q },
}

var unloading = flow{
	typ: fuelcard.TypeUnload, sign: -1, kind: "unload", zh: "圈提", en: "unload", ask: record.PathAskUnload, askEnd: record.PathAskUnldEnd,
	begin: (*terminal.Terminal).InitForUnload, finish: (*terminal.Terminal).DebitForUnload,
	begun: func(b record.LoadBegun) record.Fact { return record.UnloadBegun(b) },
	ended: func(e record.LoadEnded) record.Fact {
		return record.UnloadEnded{TimeMs: e.TimeMs, ASN: e.ASN, OnlineSN: e.OnlineSN, Debited: e.Loaded, MAC3: e.TAC, How: e.How}
	},
	end: func(q record.LoadEndQuestion) any {
		return record.UnloadEndQuestion{Outlet: q.Outlet, ASN: q.ASN, OnlineSN: q.OnlineSN, Debited: q.Loaded, MAC3: q.TAC, Absent: q.Absent}
	},
}

func flowOf(unload bool) *flow {
	if unload {
		return &unloading
	}
	return &loading
}

// Codes of the center that this desk acts on. Source: system/center, which keeps them stable.
const (
	codeLoadOpen        = "LOAD_OPEN"
	codeUnloadOpen      = "UNLOAD_OPEN"
	codeAmountDiffers   = "AMOUNT_DIFFERS"
	codeLoadUnknown     = "LOAD_UNKNOWN"
	codeUnloadUnknown   = "UNLOAD_UNKNOWN"
	codeAlreadyLoaded   = "ALREADY_LOADED"
	codeAlreadyUnloaded = "ALREADY_UNLOADED"
)

// transferTries: once, and once more after one that another desk left open was settled.
const transferTries = 2

// Load moves money from the account to the card (圈存). The desk's note is durable before the center is asked, so before the
// card is credited: whatever is lost after it, the next insert settles. ErrGrey; ErrOpen; ErrPIN; record.Refusal, nothing moved;
// terminal.ErrUnknown or a transport's error, the load is open. Source: card.md section 10; trust.md rows 17, 18.
func (v *Visit) Load(amount unit.Fen) (Moved, error) { return v.transfer(&loading, amount) }

// Unload moves money from the card to its account (圈提). The account gets it when the card's MAC3, from its answer or from
// its transaction proof at the next insert, has proven that the card paid. Errors as of Load; apdu.BalanceTooLow where the card
// has less. Source: card.md 5.3, 6.2; trust.md M1, M18.
func (v *Visit) Unload(amount unit.Fen) (Moved, error) { return v.transfer(&unloading, amount) }

func (v *Visit) transfer(f *flow, amount unit.Fen) (Moved, error) {
	if err := v.usable(); err != nil {
		return Moved{}, err
	}
	if err := v.Unsettled(); err != nil {
		return Moved{}, err
	}
	for try := 1; ; try++ {
		done, err := v.move(f, amount)
		r, refused := refusal(err)
		if err == nil || !refused || try == transferTries {
			return done, err
		}
		if healed := v.heal(r); healed != nil {
			return done, errors.Join(err, healed)
		}
	}
}

func (v *Visit) move(f *flow, amount unit.Fen) (Moved, error) {
	if err := v.forPurse(); err != nil {
		return Moved{}, err
	}
	l, err := f.begin(v.term, v.id.ASN, amount, v.desk.cfg.TID)
	if err != nil {
		return Moved{}, err
	}
	begun := record.LoadBegun{
		TimeMs: v.door.Now().Milli(), ASN: l.ASN, OnlineSN: l.OnlineSN, Amount: amount, Before: l.Balance, TID: l.TID,
	}
	if err := v.note(f.begun(begun)); err != nil {
		return Moved{}, err
	}
	answer, err := ask[record.LoadAnswer](v.door, f.ask, l.Question(v.desk.cfg.Site))
	if _, refused := refusal(err); refused {
		return Moved{}, errors.Join(err, v.ended(f, begun, record.LoadEnded{How: "refused"}))
	}
	if err != nil {
		return Moved{}, err
	}
	code, err := f.finish(v.term, answer)
	var sw apdu.SW
	if errors.As(err, &sw) && !errors.Is(err, terminal.ErrUnknown) { // the card declined: nothing has moved, and it proves it
		return Moved{}, errors.Join(err, v.settleTransfer())
	}
	if err != nil {
		return Moved{}, err
	}
	if err := v.ended(f, begun, record.LoadEnded{Loaded: true, TAC: code, How: "answer"}); err != nil {
		return Moved{}, err
	}
	v.id.Balance = l.Balance + f.sign*amount
	end := record.LoadEndQuestion{Outlet: v.desk.cfg.Site, ASN: l.ASN, OnlineSN: l.OnlineSN, Loaded: true, TAC: code}
	_, err = ask[record.Done](v.door, f.askEnd, f.end(end))
	if r, refused := refusal(err); refused { // the center does not take this code: people must look
		return Moved{}, errors.Join(r, v.disputed(f, r))
	}
	return Moved{ASN: l.ASN, OnlineSN: l.OnlineSN, Amount: amount, Balance: v.id.Balance, Code: code, Reported: err == nil}, nil
}

func (v *Visit) ended(f *flow, b record.LoadBegun, e record.LoadEnded) error {
	e.TimeMs, e.ASN, e.OnlineSN = v.door.Now().Milli(), b.ASN, b.OnlineSN
	return v.note(f.ended(e))
}

func (v *Visit) alarm(kind, zh, en string) error {
	return v.note(record.Alarm{TimeMs: v.door.Now().Milli(), Kind: kind, Subject: v.id.ASN.Digits(), Zh: zh, En: en})
}

// disputed is the alarm about a code that the center refuses.
func (v *Visit) disputed(f *flow, r record.Refusal) error {
	return v.alarm(f.kind+"-tac", f.zh+"凭证被中心拒绝: "+r.Zh, "the center refused the proof of a "+f.en+": "+r.En)
}

// settleTransfer ends the load or unload that this desk has open for the card: the card shows whether it happened.
func (v *Visit) settleTransfer() error {
	b, open := v.desk.open[v.id.ASN]
	if !open {
		return nil
	}
	if err := v.forPurse(); err != nil {
		return err
	}
	f := flowOf(b.Unload)
	proof, err := v.term.SettleTransfer(f.typ, b.ASN, b.OnlineSN, b.Amount, v.desk.cfg.TID)
	if errors.Is(err, terminal.ErrLoadOpen) {
		return v.told(f, b.LoadBegun, proof, err)
	}
	if err != nil {
		return err
	}
	if proof.Moved {
		// The fact is enough: the journal brings it to the center, should the question not arrive.
		if err := v.ended(f, b.LoadBegun, record.LoadEnded{Loaded: true, TAC: proof.Code, How: "proof"}); err != nil {
			return err
		}
		return v.report(f, proof, b.OnlineSN, true)
	}
	// The money must be back in the account before the desk forgets it.
	if err := v.report(f, proof, b.OnlineSN, false); err != nil {
		return err
	}
	return v.ended(f, b.LoadBegun, record.LoadEnded{How: "absent"})
}

// told ends a transfer of which the card has no proof any more, where the center knows how it ended: another desk has settled
// it, or something else was proven to have used its number. Else a person must check.
func (v *Visit) told(f *flow, b record.LoadBegun, proof terminal.TransferProof, lost error) error {
	err := v.report(f, proof, b.OnlineSN, false)
	r, refused := refusal(err)
	moved := r.Code == codeAlreadyLoaded || r.Code == codeAlreadyUnloaded
	switch {
	case err == nil, moved:
		return v.ended(f, b, record.LoadEnded{Loaded: moved, How: "center"})
	case !refused:
		return err
	}
	return errors.Join(lost, v.alarm(f.kind+"-unproven", f.zh+"结果无凭证, 须人工核对", "no proof of the "+f.en+" is left: a person must check"))
}

// report tells the center how a transfer ended; ErrOpen if it does not agree. One that it has never heard of needs no end;
// lost says that the question may get lost.
func (v *Visit) report(f *flow, p terminal.TransferProof, sn pboc.OnlineSN, lost bool) error {
	q := record.LoadEndQuestion{Outlet: v.desk.cfg.Site, ASN: v.id.ASN, OnlineSN: sn, Loaded: p.Moved, TAC: p.Code}
	if !p.Moved {
		fresh := p.Fresh.Question(v.desk.cfg.Site)
		q.Absent = &fresh
	}
	_, err := ask[record.Done](v.door, f.askEnd, f.end(q))
	r, refused := refusal(err)
	switch {
	case err == nil, refused && unheard(r) && !p.Moved, !refused && lost:
		return nil
	case refused && p.Moved:
		return errors.Join(err, v.disputed(f, r))
	}
	return fmt.Errorf("%w: %w", ErrOpen, err)
}

func unheard(r record.Refusal) bool { return r.Code == codeLoadUnknown || r.Code == codeUnloadUnknown }

// elsewhere settles from the card a transfer that the center holds open and this desk knows nothing of: of another desk, or of
// a question that was lost.
func (v *Visit) elsewhere() error {
	a, err := ask[record.CardAnswer](v.door, record.PathAskCard, record.CardQuestion{Outlet: v.desk.cfg.Site, ASN: v.id.ASN})
	if err != nil || a.Open == nil {
		return err
	}
	if err := v.forPurse(); err != nil {
		return err
	}
	f := flowOf(a.Open.Unload)
	proof, err := v.term.SettleTransfer(f.typ, v.id.ASN, a.Open.OnlineSN, a.Open.Amount, v.desk.cfg.TID)
	if err != nil {
		return err
	}
	return v.report(f, proof, a.Open.OnlineSN, false)
}

// heal settles what another desk has begun since this card was inserted here. Any other refusal stands.
func (v *Visit) heal(r record.Refusal) error {
	switch r.Code {
	case codeLoadOpen, codeUnloadOpen, codeAmountDiffers:
		return v.elsewhere()
	}
	return r
}
