package world

import (
	"strings"
	"testing"

	"greylock/system/wire/fuelcard"
	"greylock/system/wire/unit"
)

// TestEveryFlag builds a town for every value of every flag of the card profiles, on every vendor's profile that takes it, and lets
// it live: a sale, a card pulled while fuel flows, its top-up at the next visit, a load, an unload, an online unlock of a card
// that escaped. The checkers watch. So a real card that differs in one point works by setting one flag.
// Source: card.md section 17.
func TestEveryFlag(t *testing.T) {
	t.Parallel()
	values := 0
	for _, f := range fuelcard.Flags() {
		if f.Field == "" || strings.HasPrefix(f.Name, "key_type.") {
			continue // one value so far; and the bytes of key types come as a vendor's whole set
		}
		for _, v := range f.Values {
			values++
			t.Run(f.Name+"="+v, func(t *testing.T) {
				t.Parallel()
				p := fuelcard.National()
				if err := p.Set(f.Name, v); err != nil {
					t.Fatal(err)
				}
				if p.Check() != nil { // a PIN of two bytes wants a default PIN of two bytes
					if err := p.Set("default_pin", "9999"); err != nil {
						t.Fatal(err)
					}
				}
				if err := p.Check(); err != nil {
					t.Fatal(err)
				}
				livesWith(t, p)
			})
		}
	}
	for _, p := range fuelcard.Profiles() {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			livesWith(t, p)
		})
	}
	const least = 60 // flags with values, card.md 17
	if values < least {
		t.Errorf("only %d values", values)
	}
}

// livesWith plays a town's little life on a profile.
func livesWith(t *testing.T, p fuelcard.Profile) {
	t.Helper()
	pin := "123456"
	if !p.PINFits(len(pin) / 2) {
		pin = "1234"
	}
	s, err := Parse([]byte(strings.ReplaceAll(firstSale, "123456", pin)))
	if err != nil {
		t.Fatal(err)
	}
	w, err := Start(s, Options{Profile: p})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}()
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	play := func(what string, v Visit) {
		t.Helper()
		v.Card, v.Nozzle, v.PIN = zhang, 1, pin
		w.scenario.Visits = []Visit{v}
		must(what, w.PlayVisits())
	}
	play("sale", Visit{Preset: "20元"})
	play("pulled while fuel flows", Visit{Preset: "50元", PullAfter: "1.00"})
	play("top-up, then a sale", Visit{Preset: "10元"})
	must("cash", w.TopUp("A0001", 5000))
	must("load", w.Load(zhang, 5000))
	must("unload", w.Unload(zhang, 1000))
	play("pulled again", Visit{Preset: "50元", PullAfter: "2.00"})
	must("everything uploaded", w.Settle(patience))
	paid, err := w.UnlockOnline(zhang)
	must("online unlock", err)
	if paid == 0 {
		t.Error("unlocked for nothing")
	}
	r, err := w.CardAtDesk(zhang)
	must("read", err)
	sales, err := w.Sales("0001")
	must("books", err)
	var sold unit.Fen
	for _, s := range sales {
		sold += s.Amount
		if !s.Posted {
			t.Errorf("not posted: %+v", s)
		}
	}
	if len(sales) != 4 || r.Grey || r.Balance != 50000+5000-1000-sold {
		t.Errorf("%d sales of %v, card %+v", len(sales), sold, r)
	}
	rep, err := w.Finish()
	must("end", err)
	if rep.Checks[0].Evaluations == 0 {
		t.Error("the checkers have seen nothing")
	}
}
