package dispenser

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"greylock/system/wire/lf"
	"greylock/system/wire/unit"
)

// TestPlainWholeSale is the dialogue of dispenser.md 2.7, state by state.
func TestPlainWholeSale(t *testing.T) {
	t.Parallel()
	r := controlled(t, PlainConfig{})
	if s := r.poll(1); s != (lf.Status{Nozzle: 1, Price: 785, State: 0x41}) {
		t.Fatalf("idle: %+v", s)
	}
	r.echoed(1, lf.FuelCash, 20000)
	if s := r.poll(1); s.State != 0x41 {
		t.Errorf("armed, nozzle down: %+v", s)
	}
	r.lift(1)
	r.squeeze(1, 1000)
	if s := r.state(1, 0xC1, time.Second); s.Litres != 0 {
		t.Errorf("self-test: %+v", s)
	}
	last := r.state(1, 0xC2, 3*time.Second)
	for {
		s := r.poll(1)
		if s.State != 0xC2 && s.State != 0xC1 || !s.Follows(last) || !s.Adds() {
			t.Fatalf("%+v after %+v", s, last)
		}
		if last = s; s.State == 0xC1 {
			break
		}
	}
	if r.pass(2 * time.Second); r.poll(1).Cash != 20000 || r.poll(1).Litres < last.Litres {
		t.Errorf("preset reached: %+v after %+v", r.poll(1), last)
	}
	r.hang(1)
	s := r.state(1, 0x41, time.Second)
	if s.Cash != 20000 || s.Litres < 2547 || s.Litres > 2548 {
		t.Errorf("end of sale: %+v", s)
	}
	if l, c := r.total(1, lf.TotalLitres), r.total(1, lf.TotalCash); l != lf.Total(s.Litres) || c != 20000 {
		t.Errorf("totals %v, %v", l, c)
	}
	if again := r.poll(1); again != s {
		t.Errorf("figures of the sale: %+v, then %+v", s, again)
	}
	if v := r.view(1); v.Stop != "preset" || unit.Quantity(v.Total) != v.Flowed || v.ShiftCash != 20000 || v.ShiftLitres != s.Litres {
		t.Errorf("%+v", v)
	}
	r.lift(1)
	if s := r.state(1, 0xC1, time.Second); s.Litres != 0 || s.Cash != 0 {
		t.Errorf("the figures stay after the next lift: %+v", s)
	}
}

// Totals, figures and shift agree from the first 41 on, whatever was preset and however the hand moves.
func TestPlainPresetsAreExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		price := unit.Price(rapid.IntRange(100, 2000).Draw(rt, "price"))
		r := controlled(t, PlainConfig{Seed: rapid.Uint64().Draw(rt, "seed"), Nozzles: []PlainNozzle{{Number: 1, Price: price}}})
		want := unit.Quantity(rapid.IntRange(31, 1500).Draw(rt, "litres"))
		squeeze := rapid.IntRange(300, 1000).Draw(rt, "squeeze")
		cash, _ := unit.Amount(want, price)
		byCash := rapid.Bool().Draw(rt, "by cash")
		if byCash {
			r.echoed(1, lf.FuelCash, int64(cash))
		} else {
			r.echoed(1, lf.FuelLitres, int64(want))
		}
		r.lift(1)
		r.squeeze(1, squeeze)
		r.state(1, 0xC2, 4*time.Second)
		r.state(1, 0xC1, 10*time.Minute)
		r.hang(1)
		s := r.state(1, 0x41, time.Second)
		if s.Cash != cash || s.Litres < want-1 || s.Litres > want+1 {
			rt.Fatalf("%+v, want %v L, %v yuan", s, want, cash)
		}
		if l, c := r.total(1, lf.TotalLitres), r.total(1, lf.TotalCash); l != lf.Total(s.Litres) || c != lf.Total(s.Cash) {
			rt.Fatalf("totals %v, %v of %+v", l, c, s)
		}
	})
}

func TestPlainFullTank(t *testing.T) {
	t.Parallel()
	r := controlled(t, PlainConfig{})
	r.refused(1, lf.Fuel, 0) // the nozzle is down
	r.lift(1)
	r.state(1, 0xC1, time.Second)
	r.echoed(1, lf.Fuel, 0) // in the self-test: armed
	r.squeeze(1, 1000)
	r.state(1, 0xC2, 3*time.Second)
	r.echoed(1, lf.Fuel, 0) // harmless
	for range 60 {
		r.poll(1)
	}
	r.squeeze(1, 0)
	if s := r.poll(1); s.State != 0xC2 || s.Litres < 300 {
		t.Errorf("%+v", s)
	}
	r.hang(1)
	s := r.state(1, 0x41, 2*time.Second)
	amount, _ := unit.Amount(s.Litres, 785)
	if s.Cash != amount || r.total(1, lf.TotalLitres) != lf.Total(s.Litres) || r.view(1).Stop != "hang" {
		t.Errorf("%+v", s)
	}
}

// A nozzle that is lifted and hung again sells nothing, and what was authorised is over.
func TestPlainLiftWithoutFuel(t *testing.T) {
	t.Parallel()
	r := controlled(t, PlainConfig{})
	r.echoed(1, lf.FuelLitres, 1000)
	r.lift(1)
	r.state(1, 0xC1, time.Second)
	r.hang(1)
	r.state(1, 0x41, time.Second)
	r.lift(1)
	r.squeeze(1, 1000)
	for range 40 {
		if s := r.poll(1); s.State == 0xC2 {
			t.Fatal("fuel without an authorisation")
		}
	}
	if r.total(1, lf.TotalLitres) != 0 {
		t.Error("fuel has flowed")
	}
}

// Stop, then resume in the same lift: one sale. Source: dispenser.md 4.2.
func TestPlainStopAndResume(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		resume lf.Command
		value  func(s lf.Status) int64
		want   unit.Quantity
	}{
		{lf.FuelLitres, func(s lf.Status) int64 { return 2000 - int64(s.Litres) }, 2000},
		{lf.FuelCash, func(s lf.Status) int64 { return 15700 - int64(s.Cash) }, 2000},
		{lf.Fuel, func(lf.Status) int64 { return 0 }, 0},
	} {
		r := controlled(t, PlainConfig{})
		r.echoed(1, lf.FuelLitres, 2000)
		r.lift(1)
		r.squeeze(1, 1000)
		r.state(1, 0xC2, 4*time.Second)
		for r.poll(1).Litres < 500 {
		}
		r.echoed(1, lf.Stop, 0)
		r.state(1, 0xC1, 0)
		r.pass(2 * time.Second)
		s := r.poll(1)
		if s.Litres < 500 || s.Litres > 600 || r.view(1).Stop != "stop" {
			t.Fatalf("stopped at %+v", s)
		}
		if r.echoed(1, lf.Stop, 0); r.poll(1) != s {
			t.Error("a second stop changes something")
		}
		r.echoed(1, c.resume, c.value(s))
		next := r.poll(1)
		if next.State != 0xC2 || next.Litres < s.Litres || next.Cash < s.Cash {
			t.Fatalf("resumed: %+v after %+v", next, s)
		}
		if c.resume == lf.Fuel {
			r.pass(2 * time.Second)
		} else {
			r.state(1, 0xC1, 2*time.Minute)
		}
		r.hang(1)
		end := r.state(1, 0x41, 2*time.Second)
		if c.want > 0 && end.Litres != c.want || !end.Adds() || r.total(1, lf.TotalLitres) != lf.Total(end.Litres) ||
			r.total(1, lf.TotalCash) != lf.Total(end.Cash) {
			t.Errorf("%v: %+v", c.resume, end)
		}
	}
}

func TestPlainStandAlone(t *testing.T) {
	t.Parallel()
	r := newPlainRig(t, PlainConfig{})
	if s := r.poll(1); s.State != 0x01 {
		t.Fatalf("after power: %+v", s)
	}
	for _, c := range []lf.Command{lf.Fuel, lf.FuelCash, lf.FuelLitres} {
		r.refused(1, c, map[lf.Command]int64{lf.FuelCash: 5000, lf.FuelLitres: 1000}[c])
	}
	r.lift(1)
	r.squeeze(1, 1000)
	if s := r.state(1, 0x81, time.Second); s.Litres != 0 {
		t.Errorf("%+v", s)
	}
	r.state(1, 0x82, 3*time.Second)
	r.refused(1, lf.Fuel, 0)
	r.pass(2 * time.Second)
	r.echoed(1, lf.Control, 0)
	if s := r.poll(1); s.State != 0xC2 || s.Litres == 0 {
		t.Errorf("control taken in the middle: %+v", s)
	}
	r.echoed(1, lf.Stop, 0)
	r.state(1, 0xC1, 0)
	r.hang(1)
	s := r.state(1, 0x41, 2*time.Second)
	if r.total(1, lf.TotalLitres) != lf.Total(s.Litres) || s.Litres == 0 {
		t.Errorf("%+v", s)
	}
	r.echoed(1, lf.Uncontrol, 0)
	r.echoed(1, lf.Uncontrol, 0)
	r.state(1, 0x01, 0)
}

// Taking control in the self-test of a stand-alone lift makes the nozzle wait; giving it up frees nothing before the next lift.
func TestPlainModeChangesBeforeFuel(t *testing.T) {
	t.Parallel()
	r := newPlainRig(t, PlainConfig{})
	r.lift(1)
	r.squeeze(1, 1000)
	r.state(1, 0x81, time.Second)
	r.echoed(1, lf.Control, 0)
	for range 30 {
		if s := r.poll(1); s.State != 0xC1 {
			t.Fatalf("%+v", s)
		}
	}
	r.echoed(1, lf.Uncontrol, 0)
	for range 30 {
		if s := r.poll(1); s.State != 0x81 {
			t.Fatalf("%+v", s)
		}
	}
	r.hang(1)
	r.state(1, 0x01, time.Second)
	r.echoed(1, lf.Control, 0)
	r.echoed(1, lf.FuelLitres, 1000)
	r.echoed(1, lf.Uncontrol, 0)
	r.echoed(1, lf.Control, 0)
	r.lift(1)
	r.squeeze(1, 1000)
	for range 30 {
		if s := r.poll(1); s.State == 0xC2 {
			t.Fatal("the preset outlived the change of mode")
		}
	}
}

// Several nozzles on one port do not know of each other.
func TestPlainSeveralNozzles(t *testing.T) {
	t.Parallel()
	r := controlled(t, PlainConfig{Nozzles: []PlainNozzle{{Number: 1, Price: 785}, {Number: 2, Price: 811}, {Number: 16, Price: 699}}})
	r.echoed(2, lf.FuelLitres, 500)
	r.echoed(16, lf.FuelCash, 3000)
	for _, n := range []byte{1, 2, 16} {
		r.lift(n)
		r.squeeze(n, 1000)
	}
	r.state(2, 0xC2, 5*time.Second)
	r.state(16, 0xC2, 0)
	if s := r.state(1, 0xC1, 0); s.Litres != 0 || s.Price != 785 {
		t.Errorf("nozzle 1: %+v", s)
	}
	for busy := true; busy; {
		two, sixteen := r.poll(2), r.poll(16)
		busy = two.State == 0xC2 || sixteen.State == 0xC2
		r.poll(1)
	}
	for _, n := range []byte{1, 2, 16} {
		r.hang(n)
	}
	r.pass(2 * time.Second)
	if s := r.poll(2); s.Litres != 500 || s.Cash != 4055 || s.Price != 811 || s.Nozzle != 2 {
		t.Errorf("nozzle 2: %+v", s)
	}
	if s := r.poll(16); s.Cash != 3000 || s.Price != 699 || s.Nozzle != 16 {
		t.Errorf("nozzle 16: %+v", s)
	}
	if r.total(1, lf.TotalLitres) != 0 || r.total(2, lf.TotalLitres) != 500 || r.total(16, lf.TotalCash) != 3000 {
		t.Error("totals are mixed")
	}
}

// A full display ends the sale; it never shows more than six digits.
func TestPlainDisplayIsFinite(t *testing.T) {
	t.Parallel()
	r := controlled(t, PlainConfig{Lost: -1, Nozzles: []PlainNozzle{{Number: 1, Price: 9999, Physics: Physics{MaxFlow: 120_000, Prevalve: -1}}}})
	r.fill(lf.FuelLitres, 999999)
	r.hang(1)
	s := r.state(1, 0x41, time.Second)
	if s.Cash > 999999 || s.Cash < 980000 || !s.Adds() || r.total(1, lf.TotalCash) != lf.Total(s.Cash) {
		t.Errorf("%+v", s)
	}
}

// At 120 L/min fuel still comes for half a second after the hang: it is in the total when the nozzle shows as hung.
func TestPlainHungAtFullFlow(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		r := controlled(t, PlainConfig{Seed: seed + 1, Nozzles: []PlainNozzle{{Number: 1, Physics: Physics{MaxFlow: 240_000}}}})
		r.echoed(1, lf.FuelLitres, 90000)
		r.lift(1)
		r.squeeze(1, 1000)
		r.state(1, 0xC2, 4*time.Second)
		for r.poll(1).Litres < 1000 {
		}
		r.pass(time.Duration(seed) * 3 * time.Millisecond)
		r.hang(1)
		for r.board.nozzle(1).byte() != 0x41 {
			r.pass(time.Millisecond)
		}
		v := r.view(1)
		if unit.Quantity(v.Total) != v.Flowed || v.Quantity != v.Flowed || lf.Total(v.Amount) != v.Cash {
			t.Fatalf("seed %d: %+v", seed, v)
		}
		if r.pass(time.Second); r.view(1) != v {
			t.Fatalf("seed %d: %+v after %+v", seed, r.view(1), v)
		}
	}
}
