package world

import (
	"errors"
	"testing"
	"time"

	"greylock/emulators/fault"
)

// TestInjectors: the town can do what the vocabulary says, and nothing else.
func TestInjectors(t *testing.T) {
	t.Parallel()
	all := injectors()
	for _, p := range fault.Table {
		if all[pair{p.Device, p.Kind}] == nil {
			t.Errorf("%s %s: nobody can do it", p.Device, p.Kind)
		}
	}
	if len(all) != len(fault.Table) {
		t.Errorf("%d injectors for %d pairs", len(all), len(fault.Table))
	}
}

// TestInject: a fault begins when its time comes, lasts as long as it says, and strangers are refused by name.
func TestInject(t *testing.T) {
	t.Parallel()
	w := town(t, Options{})
	f := w.Faults()
	for text, want := range map[string]error{"line 1: sync": fault.ErrPair, "line 1:": fault.ErrText} {
		if err := f.Inject(text); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
	for _, text := range []string{"line 77: off", "dispenser 77: off", "card 无名: slow", "station 0077: stuck", "hub 0077: off", "psam 77: off"} {
		if err := f.Inject(text); err == nil {
			t.Errorf("%s: nobody missed it", text)
		}
	}
	if err := f.Inject("dispenser 1: off after 10s for 20s"); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		pass   time.Duration
		power  bool
		struck int
	}{{9 * time.Second, true, 0}, {2 * time.Second, false, 1}, {18 * time.Second, false, 1}, {2 * time.Second, true, 1}} {
		w.Pass(x.pass)
		n, err := f.Struck("dispenser 1: off")
		if on := w.pumps[1].board != nil; err != nil || on != x.power || n != x.struck {
			t.Errorf("at %v: power %v, struck %d, %v; want %+v", w.Now(), on, n, err, x)
		}
	}
	if err := errors.Join(f.Inject("dispenser 1: off after 1h"), f.Inject("line 1: off"), f.Relieve()); err != nil {
		t.Fatal(err)
	}
	w.Pass(2 * time.Hour)
	if w.pumps[1].board == nil || w.Settle(time.Minute) != nil {
		t.Error("relieved, and yet there")
	}
}
