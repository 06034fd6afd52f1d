package panel

import (
	"fmt"
	"testing"
	"time"

	"greylock/system/wire/unit"
)

// Customers who come by themselves buy, sometimes pull the card too early and come back, and break no invariant. The same seed
// brings the same customers.
func TestCustomers(t *testing.T) {
	t.Parallel()
	hashes := map[string]bool{}
	for range 2 {
		r := newRig(t, Options{Scenario: load(t, "forecourt"), Autoplay: "customers"})
		owed, most := false, 0
		for range 600 {
			r.pass(time.Second)
			s := r.p.stateNow()
			for _, row := range s.Ledger {
				owed = owed || row.Owed
			}
			most = max(most, len(r.p.customers.here))
		}
		s := r.state()
		if !owed || most < 2 || most > crowd || len(s.Ledger) != ledgerRows || s.Ledger[0].No < 20 {
			t.Errorf("owed %v, at most %d at once, %d sales", owed, most, s.Ledger[0].No)
		}
		if !s.Checks.OK || !s.Autoplay || s.Receipt.Nozzle == 0 {
			t.Errorf("checks %+v", s.Checks)
		}
		for _, c := range s.Cards {
			if b, err := unit.ParseFen(c.Balance); err != nil || c.Kind == "good" && b < 0 {
				t.Errorf("card %+v", c)
			}
		}
		report, err := finish(r)
		if err != nil {
			t.Fatal(err)
		}
		hashes[report] = true
	}
	if len(hashes) != 1 {
		t.Errorf("the same seed twice: %v", hashes)
	}
}

// finish sends the customers home and closes the books.
func finish(r *rig) (hash string, err error) {
	r.post("/customers", `{"on":false}`)
	r.until("everybody has left", func(state) bool { return len(r.p.customers.here) == 0 })
	if err := r.p.w.Settle(5 * time.Minute); err != nil {
		return "", err
	}
	report, err := r.p.w.Finish()
	return report.TraceHash, err
}

// Whoever touches the page has it for himself: the customer at that nozzle steps back, the others finish, nobody comes.
func TestTouchEndsAutoplay(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Scenario: load(t, "forecourt"), Autoplay: "customers"})
	s := r.until("two customers fuelling", func(s state) bool {
		n := 0
		for _, p := range s.Pumps {
			if p.Visitor && p.Flowing {
				n++
			}
		}
		return n >= 2
	})
	var mine pumpShown
	for _, p := range s.Pumps {
		if p.Visitor && p.Flowing {
			mine = p
		}
	}
	others := len(r.p.customers.here) - 1
	r.post("/hands/pull", fmt.Sprintf(`{"nozzle":%d}`, mine.Nozzle))
	if s := r.state(); s.Autoplay || s.pump(mine.Nozzle).Visitor || len(r.p.customers.here) != others || s.card(mine.Card).In != 0 {
		t.Errorf("autoplay %v, %d others of %d", s.Autoplay, len(r.p.customers.here), others)
	}
	r.until("the others have left", func(state) bool { return len(r.p.customers.here) == 0 })
	r.pass(time.Minute)
	if s := r.state(); s.pump(mine.Nozzle).Step != 6 || s.card(mine.Card).Kind != "grey" || len(r.p.customers.here) != 0 {
		t.Errorf("left alone: %+v", s.pump(mine.Nozzle))
	}
	r.post("/customers", `{"on":true}`)
	r.until("a new customer", func(state) bool { return len(r.p.customers.here) > 0 })
}
