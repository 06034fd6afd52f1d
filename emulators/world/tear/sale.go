package tear

import (
	"errors"
	"fmt"

	"greylock/system/card"
	"greylock/system/terminal"
	"greylock/system/vault"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// buy is what the customer fuels, buyMost more than the card holds.
const (
	buy     unit.Fen = 5000
	buyMost unit.Fen = 60000
)

// errGrey says that a terminal does not know what a grey card owes.
var errGrey = errors.New("tear: the terminal does not know this grey card's sale")

// visit is one insertion at a terminal with a PSAM: settle what is open, then sell, if there is something to sell.
func (x *session) visit(amount unit.Fen) error {
	if _, err := x.term.ReadPSAM(); err != nil {
		return err
	}
	id, err := x.term.Identify()
	if err != nil {
		return err
	}
	for range 5 { // an own matter, another's, the TAC unread after it, and a margin
		v := x.s.evidence(id.ASN)
		d := terminal.Recover(id.ASN, id.Proof, v)
		switch d.Action {
		case terminal.GoOn:
			if amount == 0 {
				return nil
			}
			return x.sell(id, amount)
		case terminal.AskStation, terminal.Refuse:
			return errGrey
		}
		if err := x.settle(id, v, d); err != nil {
			return fmt.Errorf("%v: %w", d.Action, err)
		}
		if id, err = x.term.Identify(); err != nil {
			return err
		}
	}
	return errors.New("tear: recovery does not end")
}

func (x *session) settle(id terminal.Identity, v terminal.Evidence, d terminal.Decision) error {
	switch d.Action {
	case terminal.Abandon:
		return x.note(terminal.Entry{Kind: terminal.Cancel, Sale: v.Sale, PSAM: v.PSAM, ASN: v.ASN, Reason: "not-locked"})
	case terminal.Count:
		return x.note(x.counted(v.Lock(id.Public.Issuer, id.Proof)))
	case terminal.Bill:
		return x.note(bill(v.Lock(id.Public.Issuer, id.Proof), v.Amount, terminal.Signature{GMAC: v.GMAC, PSAMTAC: v.PSAMTAC}))
	case terminal.ClearOnly:
		done, _ := v.Recorded(id.Proof)
		return x.term.ClearTACUF(done)
	}
	if err := x.verify(x.Profile.PINUnlock && id.Proof.State == fuelcard.Grey); err != nil {
		return err
	}
	paid, err := x.term.Settle(d, id, v)
	if err != nil {
		return err
	}
	return x.done(paid)
}

// verify lets the holder key the PIN where it is wanted, once.
func (x *session) verify(wanted bool) error {
	if !wanted || x.term.Verified() {
		return nil
	}
	pin, err := x.pin()
	if err != nil {
		return err
	}
	return x.term.VerifyPIN(pin)
}

func (x *session) note(e terminal.Entry) error {
	_, err := x.term.Note(e)
	return err
}

// counted is FUEL_END as the pump's register says it.
func (x *session) counted(l terminal.Lock) terminal.Entry {
	e := l.Entry(terminal.FuelEnd)
	for _, f := range x.s.fuel {
		if f.ttc == l.Sale.TTC {
			e.Amount = l.Cap(f.amount)
		}
	}
	return e
}

func bill(l terminal.Lock, amount unit.Fen, s terminal.Signature) terminal.Entry {
	e := l.Entry(terminal.Escape)
	e.Amount, e.GMAC, e.PSAMTAC, e.TType = amount, s.GMAC, s.PSAMTAC, terminal.TTypeEscape
	return e
}

func (x *session) done(paid terminal.Paid) error {
	done, err := x.term.Note(paid.Entry())
	if err != nil {
		return err
	}
	if err := x.term.ClearTACUF(done); err != nil {
		return err
	}
	_, err = x.term.TMAC(make([]byte, 91)) // card.md 5.3: the span of T_MAC
	return err
}

// sell is a sale from the PIN to the cleared flag.
func (x *session) sell(id terminal.Identity, amount unit.Fen) error {
	if err := x.verify(true); err != nil {
		return err
	}
	if err := x.term.Reveal(&id); err != nil {
		return err
	}
	history, err := x.term.Today()
	if err != nil {
		return err
	}
	if _, refused := x.term.Allow(id, history, terminal.Place{}); refused != nil {
		return refused
	}
	l, err := x.term.Lock(id, 1)
	if err != nil {
		return err
	}
	if amount < 0 { // the customer changes his mind: nothing is ever authorised
		return nil
	}
	if err := x.note(l.Entry(terminal.FuelStart)); err != nil {
		return err
	}
	x.s.fuel = append(x.s.fuel, fuelled{l.Sale.TTC, amount})
	ended, err := x.term.Note(x.counted(l))
	if err != nil {
		return err
	}
	sig, err := x.term.Sign(l, ended)
	if err != nil {
		return err
	}
	paid, err := x.term.Debit(l, sig)
	if card.Lost(err) {
		return errors.Join(err, x.note(bill(l, sig.Amount, sig)))
	}
	if err != nil {
		return err
	}
	return x.done(paid)
}

// soldOnce is the town's state with one sale behind it, so that the terminal knows its PSAM.
func soldOnce(l *lab) (*state, error) {
	s := l.state()
	x, err := l.open(s, cut{})
	if err != nil {
		return nil, err
	}
	if err := x.visit(buy); err != nil {
		return nil, err
	}
	return s, x.close()
}

// openSale: a card that is grey has one open sale, and the terminal's log names it.
func openSale(l *lab, _, s *state) error {
	o, err := l.look(s)
	if err != nil {
		return err
	}
	v := s.evidence(l.card.ASN)
	switch {
	case o.Grey != fuelcard.Grey:
		return nil
	case !v.Found || v.Closed || v.Sale.TID != l.sam.TID || v.Sale.TTC != o.LockTTC || v.CTC != o.LockCTC:
		return fmt.Errorf("grey under TTC %d, but the log's open sale is %v", o.LockTTC, v.Sale)
	}
	return nil
}

// saleSettled checks the money of a terminal's sales, then sells once more: nothing is stuck, and every number of the PSAM
// has one end.
func saleSettled(l *lab, from, s *state) (string, error) {
	if err := l.soldRight(from, s); err != nil {
		return "", err
	}
	outcome := saleOutcome(from, s)
	again := s.clone()
	x, err := l.open(again, cut{})
	if err != nil {
		return "", err
	}
	if err := x.visit(buy); err != nil {
		return "", fmt.Errorf("the next sale: %w", err)
	}
	if err := x.close(); err != nil {
		return "", err
	}
	if err := l.soldRight(from, again); err != nil {
		return "", fmt.Errorf("after the next sale: %w", err)
	}
	return outcome, l.numbers(again)
}

// soldRight: the card has paid exactly what was fuelled (M1 to M5), its counter fits (M7), the TACs are the card's.
func (l *lab) soldRight(from, s *state) error {
	was, err := l.look(from)
	if err != nil {
		return err
	}
	now, err := l.look(s)
	if err != nil {
		return err
	}
	if now.Grey != fuelcard.NotGrey {
		return fmt.Errorf("M4: the card is in state %02X with nothing owed", byte(now.Grey))
	}
	paid := map[pboc.PSAMTTC]unit.Fen{}
	locks := 0
	for _, e := range s.log[len(from.log):] {
		if e.Kind != terminal.Done {
			continue
		}
		if _, twice := paid[e.Sale.TTC]; twice {
			return fmt.Errorf("M2: sale %v has two ends", e.Sale)
		}
		paid[e.Sale.TTC] = e.Amount
		locks++
		if err := l.genuine(e); err != nil {
			return err
		}
	}
	var sum unit.Fen
	for _, f := range s.fuel[len(from.fuel):] {
		amount, ok := paid[f.ttc]
		if e, known := begun(s, f.ttc); !ok || !known || amount != min(f.amount, e.Balance) {
			return fmt.Errorf("M3, M4: TTC %d: fuel for %v, paid %v (%v)", f.ttc, f.amount, amount, ok)
		}
		sum += amount
		delete(paid, f.ttc)
	}
	for ttc, amount := range paid {
		if amount != 0 {
			return fmt.Errorf("M5: TTC %d: paid %v without fuel", ttc, amount)
		}
	}
	if was.Balance-now.Balance != sum {
		return fmt.Errorf("M1: the card went from %v to %v, the fuel was %v", was.Balance, now.Balance, sum)
	}
	if int(now.CTC-was.CTC) != locks {
		return fmt.Errorf("M7: the card counts %d locks, the log %d", now.CTC-was.CTC, locks)
	}
	return nil
}

func begun(s *state, ttc pboc.PSAMTTC) (terminal.Entry, bool) {
	for _, e := range s.log {
		if e.Kind == terminal.Begin && e.Sale.TTC == ttc {
			return e, true
		}
	}
	return terminal.Entry{}, false
}

// genuine recomputes a TAC with the center's keys.
func (l *lab) genuine(e terminal.Entry) error {
	c := vault.Card{ASN: l.card.ASN, Issuer: l.issuer(), Alg: l.Profile.Alg, Version: l.Profile.KeyVersion}
	tac, err := l.Center.Keys.TAC(c, fuelcard.UnlockTACData(e.Amount, fuelcard.TypeUnlockED, e.Sale.TID, l.Profile.UnlockTTC(e.Sale.TTC), e.Stamp))
	if err != nil {
		return err
	}
	if tac != e.TAC {
		return fmt.Errorf("M9: sale %v: the TAC is not the card's", e.Sale)
	}
	return nil
}

// numbers: every number of the PSAM has exactly one end (M6).
func (l *lab) numbers(s *state) error {
	sam, err := l.lookSAM(s)
	if err != nil {
		return err
	}
	for ttc := l.firstTTC() + 1; ttc <= sam.TTC; ttc++ {
		if ends := s.endsOf(ttc); ends != 1 {
			return fmt.Errorf("M6: PSAM number %d of %d has %d ends", ttc, sam.TTC, ends)
		}
	}
	return nil
}

// endsOf counts the entries that end a number.
func (s *state) endsOf(ttc pboc.PSAMTTC) (n int) {
	for _, e := range s.log {
		if e.Sale.TTC == ttc && (e.Kind == terminal.Done || e.Kind == terminal.Cancel || e.Kind == terminal.Bought) {
			n++
		}
	}
	return n
}

// firstTTC is the number that the PSAM had reached in the town, before this terminal's log began.
func (l *lab) firstTTC() pboc.PSAMTTC {
	o, err := l.lookSAM(&state{sam: l.sam.Memory})
	if err != nil {
		return 0
	}
	return o.TTC
}

func saleOutcome(from, s *state) string {
	last := "未开始 nothing begun"
	for _, e := range s.log[len(from.log):] {
		switch {
		case e.Kind == terminal.Begin:
			last = "取消 burned"
		case e.Kind == terminal.Cancel:
			last = "取消 cancelled"
		case e.Kind == terminal.Done && e.Amount == 0:
			last = "零额解灰 released with 0"
		case e.Kind == terminal.Done:
			last = map[byte]string{terminal.TTypeSale: "正常 paid", terminal.TTypeTopUp: "补扣 top-up debit", terminal.TTypeSupplement: "补充 supplement"}[e.TType]
		}
	}
	return last
}

// issuer is the issuer id of the town's cards.
func (l *lab) issuer() pboc.Issuer { return record.Training.Issuer(l.Company) }

// spentSettled is saleSettled for a card that may be empty afterwards: there is no next sale.
func spentSettled(l *lab, from, s *state) (string, error) {
	return saleOutcome(from, s), l.soldRight(from, s)
}
