package terminal

import (
	"errors"
	"fmt"
	"testing"

	"greylock/system/card"
	"greylock/system/card/cardtest"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

const price unit.Fen = 1234

// saleOf is a number of the bench's PSAM.
func saleOf(b *bench, ttc pboc.PSAMTTC) record.SaleID {
	return record.SaleID{TID: b.psam.tid, TTC: ttc}
}

// buyer is a bench with the card identified.
func buyer(t testing.TB, b *bench, user, psam card.Transport) (*Terminal, Identity) {
	t.Helper()
	term := b.terminal(user, psam)
	if _, err := term.ReadPSAM(); err != nil {
		t.Fatal(err)
	}
	id, err := term.Identify()
	if err != nil {
		t.Fatal(err)
	}
	return term, id
}

func TestBuy(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	term, id := buyer(t, b, b.card, b.psam)
	before := b.card.balance
	got, err := term.Buy(id, fuelcard.ED, price)
	if err != nil {
		t.Fatal(err)
	}
	if got.TAC != b.card.buyTAC || got.FromProof || before-b.card.balance != price || got.Sale.TTC != 1 || !b.log.has(Bought, 1) {
		t.Errorf("%+v, the card has %v of %v", got, b.card.balance, before)
	}
	if v := b.log.evidence(id.ASN); v.Found {
		t.Errorf("a purchase counts as a lock: %+v", v)
	}
}

// TestBuyRefused: nothing moves, and every number of the PSAM that was used has its end.
func TestBuyRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		amount unit.Fen
		ready  func(b *bench)
		want   error
		kinds  []Kind
	}{
		{"nothing to pay", 0, nil, ErrAmount, nil},
		{"negative", -1, nil, ErrAmount, nil},
		{"more than the card has", 10001, nil, apdu.BalanceTooLow, nil},
		{"grey", price, func(b *bench) { b.card.proof.State = fuelcard.Grey }, apdu.Conditions, nil},
		{"the card declines", price, func(b *bench) { b.card.refuse = map[byte]apdu.SW{0x54: apdu.MACWrong} }, apdu.MACWrong, []Kind{Buy, Cancel}},
		{"the log is gone", price, func(b *bench) { b.log.cut = func(func()) error { return errFake } }, errFake, nil},
		{"PSAM at its end", price, func(b *bench) {
			b.log.entries = []Entry{{Kind: Cancel, Sale: saleOf(b, LastTTC)}}
			b.psam.ttc = LastTTC
		}, ErrTTC,
			[]Kind{Cancel, Cancel}},
		{"PSAM does not take MAC2", price, func(b *bench) { b.psam.refuse = map[byte]apdu.SW{0x72: apdu.MACWrong} }, ErrSuspect, []Kind{Buy, Bought}},
	} {
		b := newBench(t)
		if c.ready != nil {
			c.ready(b)
		}
		before := b.card.balance
		term, id := buyer(t, b, b.card, b.psam)
		if _, err := term.Buy(id, fuelcard.ED, c.amount); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if paid := before - b.card.balance; paid != 0 && !errors.Is(c.want, ErrSuspect) {
			t.Errorf("%s: the card has paid %v", c.name, paid)
		}
		var kinds []Kind
		for _, e := range b.log.entries {
			kinds = append(kinds, e.Kind)
		}
		if len(kinds) != len(c.kinds) {
			t.Errorf("%s: log %v, want %v", c.name, kinds, c.kinds)
			continue
		}
		for i := range kinds {
			if kinds[i] != c.kinds[i] {
				t.Errorf("%s: log %v, want %v", c.name, kinds, c.kinds)
			}
		}
	}
}

// TestBuyTorn: the card leaves before and after each command. It pays once or not at all, and the log knows in the end.
func TestBuyTorn(t *testing.T) {
	t.Parallel()
	cuts := 0
	for n := 1; ; n++ {
		done := false
		for _, after := range []bool{false, true} {
			b := newBench(t)
			before := b.card.balance
			phase := cardtest.Before
			if after {
				phase = cardtest.After
			}
			torn := &cardtest.Tear{Card: b.card, At: n, Phase: phase}
			term := b.terminal(torn, b.psam)
			if _, err := term.ReadPSAM(); err != nil {
				t.Fatal(err)
			}
			id, err := term.Identify()
			if err == nil {
				_, err = term.Buy(id, fuelcard.ED, price)
			}
			if err == nil {
				done = true
				continue
			}
			cuts++
			settleBuy(t, b, n, after)
			paid := before - b.card.balance
			if paid != 0 && paid != price {
				t.Fatalf("command %d, after %v: paid %v", n, after, paid)
			}
			if bought := b.log.has(Bought, 1); bought != (paid == price) {
				t.Errorf("command %d, after %v: paid %v, the log says %v", n, after, paid, bought)
			}
		}
		if done {
			break
		}
	}
	if cuts < 12 {
		t.Errorf("only %d cuts", cuts)
	}
}

// settleBuy is the next insertion.
func settleBuy(t *testing.T, b *bench, n int, after bool) {
	t.Helper()
	term, id := buyer(t, b, b.card, b.psam)
	open := Entry{}
	for _, e := range b.log.entries {
		switch e.Kind {
		case Buy:
			open = e
		case Bought, Cancel:
			open = Entry{}
		}
	}
	if open.Kind != Buy {
		return
	}
	got, paid, err := term.SettlePurchase(id, open)
	if err != nil || paid && (!got.FromProof || got.TAC != b.card.buyTAC) {
		t.Errorf("command %d, after %v: %+v %v %v", n, after, got, paid, err)
	}
}

func TestSettlePurchaseErrors(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	term, id := buyer(t, b, b.card, b.psam)
	buy := Entry{Kind: Buy, ASN: id.ASN, CTC: b.card.ctc, Amount: price, Purse: fuelcard.ED, Sale: saleOf(b, 1)}
	if _, _, err := term.SettlePurchase(id, Entry{Kind: Begin}); !errors.Is(err, ErrOrder) {
		t.Error(err)
	}
	other := buy
	other.ASN[9] ^= 1
	if _, _, err := term.SettlePurchase(id, other); !errors.Is(err, ErrOtherCard) {
		t.Error(err)
	}
	b.card.ctc += 5 // later transactions have overwritten the proof
	if _, _, err := term.SettlePurchase(id, buy); !errors.Is(err, ErrPurchaseOpen) {
		t.Error(err)
	}
	b.card.ctc -= 4 // one further, by something that has left no trace
	if _, _, err := term.SettlePurchase(id, buy); !errors.Is(err, ErrPurchaseOpen) {
		t.Error(err)
	}
}

// TestSettlePurchaseAfterOthers: what the card has done since, or just before, is never taken for the purchase in question,
// and hides it from nobody, whichever serial the card takes.
func TestSettlePurchaseAfterOthers(t *testing.T) {
	t.Parallel()
	const earlier, this, later = "earlier purchase", "this purchase", "later grey sale"
	for _, serial := range []fuelcard.ProveSerial{fuelcard.ProveEither, fuelcard.ProveBefore, fuelcard.ProveAfter} {
		for _, c := range []struct {
			acts []string
			grey bool // the later sale is not paid yet
			paid bool
		}{
			{[]string{}, false, false},
			{[]string{earlier}, false, false},
			{[]string{this}, false, true},
			{[]string{earlier, this}, false, true},
			{[]string{later}, false, false},
			{[]string{later}, true, false},
			{[]string{earlier, later}, false, false},
			{[]string{earlier, later}, true, false},
			{[]string{this, later}, false, true},
			{[]string{this, later}, true, true},
			{[]string{earlier, this, later}, false, true},
		} {
			name := fmt.Sprintf("%s, %v, grey %v", serial, c.acts, c.grey)
			b := newBench(t)
			b.card.profile.ProveSerial = serial
			term, id := buyer(t, b, b.card, b.psam)
			buy := Entry{Kind: Buy, ASN: id.ASN, Amount: price, Purse: fuelcard.ED, Sale: saleOf(b, 99)}
			ours := pboc.MAC{}
			fixed := false
			for _, a := range c.acts {
				if a != earlier && !fixed {
					buy.CTC, fixed = b.card.ctc, true
				}
				if a == later {
					laterSale(t, b, c.grey)
					continue
				}
				got, err := term.Buy(id, fuelcard.ED, price)
				if err != nil {
					t.Fatal(name, err)
				}
				if a == this {
					ours = got.TAC
				}
			}
			if !fixed {
				buy.CTC = b.card.ctc
			}
			term, id = buyer(t, b, b.card, b.psam)
			got, paid, err := term.SettlePurchase(id, buy)
			if err != nil || paid != c.paid || paid && (got.TAC != ours || !got.FromProof) || !paid && !b.log.has(Cancel, 99) {
				t.Errorf("%s: paid %v, %+v, %v", name, paid, got, err)
			}
		}
	}
}

// laterSale locks the card for fuel, and lets it pay 10.00 unless it is to stay grey.
func laterSale(t *testing.T, b *bench, grey bool) {
	t.Helper()
	l, err := lockAgain(t, b)
	if err != nil {
		t.Fatal(err)
	}
	if grey {
		return
	}
	sig, err := b.term.Sign(l, endOfFuel(t, b, l, 1000))
	if err != nil {
		t.Fatal(err)
	}
	paid, err := b.term.Debit(l, sig)
	if err != nil {
		t.Fatal(err)
	}
	done, err := b.term.Note(paid.Entry())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.term.ClearTACUF(done); err != nil {
		t.Fatal(err)
	}
}

// TestSettlePurchaseByLog: several sales later only the card's log can tell that a grey lock took the serial.
func TestSettlePurchaseByLog(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	buy := Entry{Kind: Buy, ASN: b.card.asn, CTC: b.card.ctc, Amount: price, Purse: fuelcard.ED, Sale: saleOf(b, 99)}
	laterSale(t, b, false)
	laterSale(t, b, false)
	term, id := buyer(t, b, b.card, b.psam)
	if _, _, err := term.SettlePurchase(id, buy); !errors.Is(err, ErrPurchaseOpen) {
		t.Errorf("without PIN: %v", err)
	}
	if err := term.VerifyPIN(term.Profile.DefaultPIN); err != nil {
		t.Fatal(err)
	}
	if _, paid, err := term.SettlePurchase(id, buy); err != nil || paid || !b.log.has(Cancel, 99) {
		t.Errorf("paid %v, %v", paid, err)
	}
	buy.Sale = saleOf(b, 98)
	b.card.history = b.card.history[:1]
	if _, _, err := term.SettlePurchase(id, buy); !errors.Is(err, ErrPurchaseOpen) {
		t.Errorf("out of the log's memory: %v", err)
	}
}
