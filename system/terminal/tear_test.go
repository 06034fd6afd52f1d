package terminal

import (
	"errors"
	"fmt"
	"testing"

	"greylock/system/card"
	"greylock/system/card/cardtest"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// board is the caller of terminal in these tests: it sells and recovers as a dispenser does, over the bench's log.
type board struct {
	*bench
	fuelled map[pboc.PSAMTTC]unit.Fen // what the pump's register says of each sale
}

var errGrey = errors.New("grey card is not known here")

// visit is one insertion: settle what is open, then sell, if there is something to sell.
func (b *board) visit(t *Terminal, buy unit.Fen) error {
	if _, err := t.ReadPSAM(); err != nil {
		return err
	}
	id, err := t.Identify()
	if err != nil {
		return err
	}
	for range 5 {
		v := b.log.evidence(id.ASN)
		d := Recover(id.ASN, id.Proof, v)
		switch d.Action {
		case GoOn:
			if buy == 0 {
				return nil
			}
			return b.sell(t, id, buy)
		case AskStation, Refuse:
			return errGrey
		}
		if err := b.settle(t, id, v, d); err != nil {
			return err
		}
		if id, err = t.Identify(); err != nil {
			return err
		}
	}
	return errors.New("recovery does not end")
}

func (b *board) settle(t *Terminal, id Identity, v Evidence, d Decision) error {
	switch d.Action {
	case Abandon:
		_, err := t.Note(Entry{Kind: Cancel, Sale: v.Sale, PSAM: v.PSAM, ASN: v.ASN, Reason: "not-locked"})
		return err
	case Count:
		e := v.Lock(id.Public.Issuer, id.Proof).Entry(FuelEnd)
		e.Amount = b.fuelled[v.Sale.TTC]
		_, err := t.Note(e)
		return err
	case ClearOnly:
		done, _ := v.Recorded(id.Proof)
		return t.ClearTACUF(done)
	case Bill:
		return fmt.Errorf("a sale without its lock: %+v", v)
	}
	paid, err := t.Settle(d, id, v)
	if err != nil {
		return err
	}
	return b.done(t, paid)
}

func (b *board) done(t *Terminal, paid Paid) error {
	done, err := t.Note(paid.Entry())
	if err != nil {
		return err
	}
	if err := t.ClearTACUF(done); err != nil {
		return err
	}
	_, err = t.TMAC(make([]byte, 91))
	return err
}

func (b *board) sell(t *Terminal, id Identity, buy unit.Fen) error {
	if err := t.VerifyPIN(t.Profile.DefaultPIN); err != nil {
		return err
	}
	history, err := t.History()
	if err != nil {
		return err
	}
	if _, refused := t.Allow(id, history, Place{}); refused != nil {
		return refused
	}
	l, err := t.Lock(id, 1)
	if err != nil {
		return err
	}
	if _, err := t.Note(l.Entry(FuelStart)); err != nil {
		return err
	}
	b.fuelled[l.Sale.TTC] = l.Cap(buy)
	e := l.Entry(FuelEnd)
	e.Amount = l.Cap(buy)
	ended, err := t.Note(e)
	if err != nil {
		return err
	}
	sig, err := t.Sign(l, ended)
	if err != nil {
		return err
	}
	paid, err := t.Debit(l, sig)
	if card.Lost(err) {
		bill := l.Entry(Escape)
		bill.Amount, bill.GMAC, bill.PSAMTAC, bill.TType = sig.Amount, sig.GMAC, sig.PSAMTAC, TTypeEscape
		if _, err := t.Note(bill); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	return b.done(t, paid)
}

// check holds after everything has been settled: money, TTCs, TACs, counters.
func (b *board) check(t *testing.T, before unit.Fen) {
	t.Helper()
	var fuelled unit.Fen
	for _, f := range b.fuelled {
		fuelled += f
	}
	if got := before - b.card.balance; got != fuelled {
		t.Errorf("card paid %s, fuel %s", got, fuelled)
	}
	if b.card.proof.State != fuelcard.NotGrey {
		t.Errorf("card is left in state %02X", byte(b.card.proof.State))
	}
	if b.card.unlockErr+b.psam.mac2Err != 0 {
		t.Errorf("wrong GMAC %d times, wrong MAC2 %d times", b.card.unlockErr, b.psam.mac2Err)
	}
	suite, _ := b.card.profile.Suite()
	sales := map[pboc.PSAMTTC]Evidence{}
	for _, e := range b.log.entries {
		v := sales[e.Sale.TTC]
		if v.Closed {
			t.Errorf("TTC %d: %s after its end", e.Sale.TTC, e.Kind)
		}
		v.Take(e)
		sales[e.Sale.TTC] = v
		if e.Kind != Done {
			continue
		}
		if e.Amount != b.fuelled[e.Sale.TTC] {
			t.Errorf("TTC %d: record of %s, fuel %s", e.Sale.TTC, e.Amount, b.fuelled[e.Sale.TTC])
		}
		if v.Billed != (e.TType == TTypeTopUp || e.TType == TTypeSupplement) {
			t.Errorf("TTC %d: T_TYPE %d, billed before: %v", e.Sale.TTC, e.TType, v.Billed)
		}
		want := suite.TAC(b.card.key("DTK"), fuelcard.UnlockTACData(e.Amount, fuelcard.TypeUnlockED, e.Sale.TID, e.Sale.TTC, e.Stamp))
		if e.TAC != want {
			t.Errorf("TTC %d: TAC of the record does not verify", e.Sale.TTC)
		}
	}
	for ttc := pboc.PSAMTTC(1); ttc <= b.psam.ttc; ttc++ {
		if v := sales[ttc]; !v.Closed || v.Cancelled && b.fuelled[ttc] != 0 {
			t.Errorf("TTC %d of %d: closed %v, cancelled %v, fuel %s", ttc, b.psam.ttc, v.Closed, v.Cancelled, b.fuelled[ttc])
		}
	}
}

// TestCardPulledAtEveryAPDU pulls the card before and after each APDU of a sale, brings it back, pulls it again at every
// second APDU of the recovery, brings it back, and sells once more: nobody pays twice, nothing is fuelled for nothing.
func TestCardPulledAtEveryAPDU(t *testing.T) {
	t.Parallel()
	sales := 0
	for _, phase := range []cardtest.Phase{cardtest.Before, cardtest.After} {
		for at, torn := 1, true; torn; at++ {
			for again, tornAgain := 1+at%2, true; tornAgain; again += 2 {
				b := &board{newBench(t), map[pboc.PSAMTTC]unit.Fen{}}
				x := &cardtest.Tear{Card: b.card, At: at, Phase: phase}
				t1 := b.terminal(x, b.psam)
				torn = b.pulled(t, t1, x, 5000)
				x.At = x.Count + again
				x.Phase = cardtest.Phase((at + again) % 2)
				tornAgain = b.pulled(t, t1, x, 0) && torn
				x.At = 0
				if err := b.back(t1, x, 2000); err != nil {
					t.Fatalf("%s APDU %d, then APDU %d of the recovery: %v", phase, at, again, err)
				}
				b.check(t, 10000)
				if t.Failed() {
					t.Fatalf("%s APDU %d, then APDU %d of the recovery", phase, at, again)
				}
				sales++
			}
		}
	}
	if sales < 100 {
		t.Fatalf("only %d ways to tear a sale", sales)
	}
}

// pulled makes one visit with a card that is pulled, and reports whether it was.
func (b *board) pulled(t *testing.T, term *Terminal, x *cardtest.Tear, buy unit.Fen) bool {
	t.Helper()
	err := b.back(term, x, buy)
	if x.Out != card.Lost(err) {
		t.Fatalf("card out: %v, but: %v", x.Out, err)
	}
	if err != nil && !x.Out {
		t.Fatal(err)
	}
	return x.Out
}

// back inserts the card and powers it up.
func (b *board) back(term *Terminal, x *cardtest.Tear, buy unit.Fen) error {
	x.Insert()
	b.card.on()
	return b.visit(term, buy)
}

// errPower is the power of the whole terminal going out.
var errPower = errors.New("power cut")

// power counts what both chips and the log do, and cuts once.
type power struct {
	at, count int
	after     bool
}

func (p *power) step(do func()) error {
	p.count++
	if p.at > 0 && p.count > p.at {
		return errPower
	}
	if p.count != p.at {
		do()
		return nil
	}
	if p.after {
		do()
	}
	return errPower
}

type powered struct {
	p    *power
	chip card.Transport
}

func (c powered) Transmit(command []byte) (answer []byte, err error) {
	if cut := c.p.step(func() { answer, err = c.chip.Transmit(command) }); cut != nil {
		return nil, cut
	}
	return answer, err
}

// TestPowerCutAtEveryStep cuts the terminal's power before and after each APDU of either chip and each log write, and cuts
// it again at every seventh step of the recovery, others each time.
func TestPowerCutAtEveryStep(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		for at, cut := 1, true; cut; at++ {
			for again, cutAgain := 1+at%7, true; cutAgain; again += 7 {
				b := &board{newBench(t), map[pboc.PSAMTTC]unit.Fen{}}
				cut = b.on(t, &power{at: at, after: after}, 5000)
				cutAgain = b.on(t, &power{at: again, after: (at+again)%2 == 0}, 0) && cut
				if b.on(t, &power{}, 2000) {
					t.Fatal("power cut without one")
				}
				b.check(t, 10000)
				if t.Failed() {
					t.Fatalf("cut at step %d (after %v), then at step %d", at, after, again)
				}
			}
		}
	}
}

// on switches a new terminal on for one visit and reports whether its power was cut.
func (b *board) on(t *testing.T, p *power, buy unit.Fen) bool {
	t.Helper()
	b.log.cut = p.step
	err := b.visit(b.terminal(powered{p, b.card}, powered{p, b.psam}), buy)
	if err != nil && !errors.Is(err, errPower) {
		t.Fatalf("step %d: %v", p.at, err)
	}
	return err != nil
}
