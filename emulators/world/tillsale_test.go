package world

import (
	"testing"
	"time"

	"greylock/emulators/dispenser"
	"greylock/system/wire/unit"
)

func tillWorld(t *testing.T) *World {
	t.Helper()
	s, err := Parse([]byte(plainTown))
	if err != nil {
		t.Fatal(err)
	}
	s.Stations[0].Tills = 1
	w, err := Start(s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	waitFor(t, w, "plain nozzles are idle", func() bool { return nozzleState(t, w, 2) == 3 && nozzleState(t, w, 3) == 3 })
	return w
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func tillWaits(t *testing.T, w *World, what string) {
	t.Helper()
	waitFor(t, w, "the till waits for "+what, func() bool { v, err := w.Till(1); return err == nil && v.Waits == what })
}

// begin brings a card to the point where fuel may flow for 100 yuan at nozzle 2.
func begin(t *testing.T, w *World) {
	t.Helper()
	must(t, w.PutOnTill("张三的卡", 1))
	tillWaits(t, w, "pin")
	must(t, w.KeyPINAtTill(1, "123456"))
	tillWaits(t, w, "order")
	must(t, w.OrderAtTill(1, 2, 10000, 0))
	tillWaits(t, w, "pump")
}

// TestTillSale: a card pays at the station's own terminal for fuel of a plain dispenser; the center posts it as any card sale.
func TestTillSale(t *testing.T) {
	t.Parallel()
	w := tillWorld(t)
	h := w.Hands()
	begin(t, w)
	must(t, h.Lift(2), h.Squeeze(2, 1000))
	waitFor(t, w, "the preset is reached", func() bool { v := w.plain[2].view(); return v.Stop == "preset" && v.State != dispenser.StateFuelling })
	must(t, h.Squeeze(2, 0), h.Hang(2))
	waitFor(t, w, "a receipt", func() bool { v, err := w.Till(1); return err == nil && len(v.Receipt) > 0 })
	must(t, w.TakeFromTill(1), w.Settle(5*time.Minute))
	sales, err := w.Sales("0001")
	if err != nil || len(sales) != 1 {
		t.Fatal(sales, err)
	}
	if s := sales[0]; s.Amount != 10000 || s.Quantity != 1273 || s.TType != 0 || s.State != "posted" || !s.TACOK || s.Balance != 40000 {
		t.Errorf("%+v", s)
	}
	if _, err := w.Finish(); err != nil {
		t.Error(err)
	}
}

// TestTillStationKilled: the station dies at every moment of a card sale at its till. Nothing is lost or double: the card comes
// back and pays what has flowed.
func TestTillStationKilled(t *testing.T) {
	t.Parallel()
	for ms := 50; ms < 28_000; ms += 50 + ms/8 {
		w := tillWorld(t)
		h := w.Hands()
		must(t, w.PutOnTill("张三的卡", 1))
		tillWaits(t, w, "pin")
		must(t, w.KeyPINAtTill(1, "123456"))
		tillWaits(t, w, "order")
		w.After(time.Duration(ms)*time.Millisecond, func() {
			must(t, w.Kill("0001"))
			w.After(2*time.Second, func() { must(t, w.Restart("0001")) })
		})
		must(t, w.OrderAtTill(1, 2, 10000, 0))
		w.Pass(2 * time.Second)
		must(t, h.Lift(2), h.Squeeze(2, 1000))
		w.Pass(35 * time.Second)
		must(t, h.Squeeze(2, 0), h.Hang(2))
		w.Pass(30 * time.Second)
		for range 3 { // the card comes back until nothing is open
			if v, err := w.Till(1); err != nil || v.Waits == "order" {
				break
			}
			if v, _ := w.Till(1); v.Waits == "pin" {
				must(t, w.KeyPINAtTill(1, "123456"))
				w.Pass(10 * time.Second)
				continue
			}
			must(t, w.TakeFromTill(1))
			w.Pass(10 * time.Second)
			must(t, w.PutOnTill("张三的卡", 1))
			w.Pass(10 * time.Second)
		}
		if _, err := w.Finish(); err != nil {
			v, _ := w.Till(1)
			q, _ := w.Quarantine()
			t.Fatalf("killed after %d ms: %v; the till: %+v; quarantine %+v", ms, err, v, q)
			continue
		}
		sales, err := w.Sales("0001")
		must(t, err)
		var sum unit.Quantity
		for _, s := range sales {
			if s.TType != 9 {
				sum += s.Quantity
			}
		}
		if flowed := w.plain[2].view().Flowed; flowed != sum {
			t.Errorf("killed after %d ms: %v flowed, %v posted: %+v", ms, flowed, sum, sales)
		}
	}
}

// TestTillBillsByItself: the card leaves while fuel flows and the station dies; started again, the till bills the sale although
// nobody comes back.
func TestTillBillsByItself(t *testing.T) {
	t.Parallel()
	w := tillWorld(t)
	h := w.Hands()
	begin(t, w)
	must(t, h.Lift(2), h.Squeeze(2, 1000))
	waitFor(t, w, "fuel flows", func() bool { return w.plain[2].view().Quantity > 200 })
	must(t, w.Kill("0001"), w.TakeFromTill(1))
	w.Pass(5 * time.Second)
	must(t, w.Restart("0001"))
	w.Pass(20 * time.Second)
	must(t, h.Squeeze(2, 0), h.Hang(2))
	w.Pass(time.Minute)
	must(t, w.Settle(5*time.Minute))
	sales, err := w.Sales("0001")
	if err != nil || len(sales) != 1 || sales[0].TType != 1 || sales[0].Quantity != w.plain[2].view().Flowed {
		t.Fatalf("%v %+v, %v flowed", err, sales, w.plain[2].view().Flowed)
	}
	if _, err := w.Finish(); err != nil {
		t.Error(err)
	}
}
