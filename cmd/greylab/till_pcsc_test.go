//go:build pcsc

package main

import (
	"testing"
	"time"

	"greylock/emulators/world"
	"greylock/scenarios"
	"greylock/system/wire/unit"
)

// tillTown is a town in real time whose station is a process of its own: its plain dispenser stands behind a pseudo-terminal, the
// card and the PSAM of its till behind a PC/SC service.
type tillTown struct {
	*testing.T
	w     *world.World
	hands world.Hands
	sales int
}

const tillLimit = 20 * time.Second // of each wait; it ends when the thing has happened

func openTillTown(t *testing.T) *tillTown {
	t.Helper()
	readers, err := world.OpenReaders()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = readers.Close() })
	plan, err := world.Load(scenarios.FS, "till.yaml")
	if err != nil {
		t.Fatal(err)
	}
	w, err := world.Start(plan, world.Options{Lines: "pty", Dir: t.TempDir(), Readers: readers, Program: world.Self})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	town := &tillTown{T: t, w: w, hands: w.Hands()}
	town.until("plain nozzle 2 is idle", func() bool { v, err := w.Forecourt(2); return err == nil && v.State == 3 && v.Price > 0 })
	return town
}

func (t *tillTown) ok(errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (t *tillTown) until(what string, cond func() bool) {
	t.Helper()
	if err := t.w.Until(what, cond, tillLimit); err != nil {
		v, _ := t.w.Till(1)
		t.Fatalf("%v\nthe till: %+v", err, v)
	}
}

func (t *tillTown) waits(what string) {
	t.Helper()
	t.until("the till waits for "+what, func() bool { v, err := t.w.Till(1); return err == nil && v.Waits == what })
}

// put puts the card on the till and brings it through its PIN.
func (t *tillTown) put() {
	t.Helper()
	t.ok(t.w.PutOnTill("张三的卡", 1))
	t.pin()
}

func (t *tillTown) pin() {
	t.Helper()
	t.waits("pin")
	t.ok(t.w.KeyPINAtTill(1, "123456"))
	t.waits("order")
}

// fuel orders 50 yuan at nozzle 2 and lets it run.
func (t *tillTown) fuel() {
	t.Helper()
	t.ok(t.w.OrderAtTill(1, 2, 5000, 0))
	t.waits("pump")
	t.ok(t.hands.Lift(2), t.hands.Squeeze(2, 1000))
	t.flows(50)
}

func (t *tillTown) flows(least unit.Quantity) {
	t.Helper()
	t.until("fuel flows", func() bool { v, err := t.w.Forecourt(2); return err == nil && v.Quantity >= least && v.State == 8 })
}

func (t *tillTown) hang() {
	t.Helper()
	t.until("the preset is reached", func() bool { v, err := t.w.Forecourt(2); return err == nil && v.Amount == 5000 && v.State != 8 })
	t.stop()
}

func (t *tillTown) stop() {
	t.Helper()
	t.ok(t.hands.Squeeze(2, 0), t.hands.Hang(2))
}

func (t *tillTown) receipt() {
	t.Helper()
	t.until("a receipt", func() bool { v, err := t.w.Till(1); return err == nil && len(v.Receipt) > 0 })
	t.ok(t.w.TakeFromTill(1))
	t.gone()
}

func (t *tillTown) gone() {
	t.Helper()
	t.until("the till sees that the card has gone", func() bool { v, err := t.w.Till(1); return err == nil && !v.Card })
}

// grey waits until an interrupted sale is billed, and sees that the card is still locked.
func (t *tillTown) grey() {
	t.Helper()
	t.until("the sale is billed as escape", func() bool {
		v, err := t.w.Till(1)
		return err == nil && v.Step == ""
	})
	r, err := t.w.CardAtDesk("张三的卡")
	t.ok(err)
	if !r.Grey {
		t.Fatalf("not grey: %+v", r)
	}
}

// books waits until the center has so many more sales.
func (t *tillTown) books(more int, balance unit.Fen) {
	t.Helper()
	t.ok(t.w.Settle(tillLimit))
	t.sales += more
	sales, err := t.w.Sales("0001")
	t.ok(err)
	if len(sales) != t.sales {
		q, _ := t.w.Quarantine()
		v, _ := t.w.Till(1)
		t.Fatalf("%d sales, want %d: %+v\nquarantine: %+v\nthe till: %+v\n%s", len(sales), t.sales, sales, q, v, t.w.Log("0001"))
	}
	r, err := t.w.CardAtDesk("张三的卡")
	t.ok(err)
	if r.Grey || r.Balance != balance {
		t.Fatalf("the card: %+v, want %v", r, balance)
	}
}

// TestTillThroughService: a station's till with card and PSAM behind a PC/SC service, and a plain dispenser on a pseudo-terminal.
func TestTillThroughService(t *testing.T) {
	town := openTillTown(t)
	w := town.w
	town.put()
	town.fuel()
	town.hang()
	town.receipt()
	town.books(1, 45000)

	// the card is pulled while fuel flows: grey; back, it pays what has flowed
	town.put()
	town.fuel()
	town.ok(w.TakeFromTill(1))
	town.gone()
	town.stop()
	town.grey()
	town.put()
	town.receipt()
	r, err := w.CardAtDesk("张三的卡")
	town.ok(err)
	town.books(1, r.Balance)

	// the reader is unplugged while fuel flows, and comes back with the card in it: the sale is settled by itself
	town.put()
	town.fuel()
	town.ok(w.UnplugTill(1))
	town.gone()
	town.stop()
	town.until("the figures are final", func() bool { v, err := w.Till(1); return err == nil && v.Step == "FUEL_END" })
	town.ok(w.PlugTill(1))
	town.pin()
	town.receipt()
	r, err = w.CardAtDesk("张三的卡")
	town.ok(err)
	town.books(1, r.Balance)

	// the service is killed while fuel flows, and started again
	town.put()
	town.fuel()
	town.ok(w.StopTillReaders("0001"))
	town.gone()
	town.stop()
	town.ok(w.StartTillReaders("0001"))
	town.pin()
	town.receipt()
	r, err = w.CardAtDesk("张三的卡")
	town.ok(err)
	town.books(1, r.Balance)

	// and a whole sale afterwards
	town.put()
	town.fuel()
	town.hang()
	town.receipt()
	town.books(1, r.Balance-5000)
	if _, err := w.Finish(); err != nil {
		t.Error(err)
	}
	for _, fault := range []string{"till unplugged", "till service stopped"} {
		if w.Faults().Happened(fault) == 0 {
			t.Errorf("%s did not happen", fault)
		}
	}
}
