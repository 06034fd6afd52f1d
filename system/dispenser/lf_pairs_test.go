package dispenser_test

import (
	"strings"
	"testing"
	"time"

	"greylock/system/dispenser"
	"greylock/system/wire/lf"
	"greylock/system/wire/unit"
)

// lfStates brings a driver into each of the nine states.
var lfStates = map[dispenser.State]func(b *lfBench){
	dispenser.Inoperative: func(b *lfBench) { b.mute = true; b.run(3 * time.Second); b.mute = false },
	dispenser.Closed:      func(b *lfBench) { b.d.Open(b.now, 0, false) },
	dispenser.Idle:        func(*lfBench) {},
	dispenser.Calling:     func(b *lfBench) { b.n().lift(); b.run(time.Second) },
	dispenser.Authorised: func(b *lfBench) {
		b.authorise(dispenser.Authorisation{Volume: 1000})
		b.run(time.Second)
		b.n().lift()
		b.run(500 * time.Millisecond)
	},
	dispenser.Started:          func(b *lfBench) { lfStarted(b) },
	dispenser.SuspendedStarted: func(b *lfBench) { lfStarted(b); b.d.Stop(b.now, 0); b.run(500 * time.Millisecond) },
	dispenser.Fuelling:         func(b *lfBench) { lfStarted(b); b.pump(2 * time.Second); b.run(200 * time.Millisecond) },
	dispenser.SuspendedFuelling: func(b *lfBench) {
		lfStarted(b)
		b.pump(2 * time.Second)
		b.run(200 * time.Millisecond)
		b.d.Stop(b.now, 0)
		b.run(500 * time.Millisecond)
	},
}

func lfStarted(b *lfBench) {
	b.n().lift()
	b.run(time.Second)
	b.authorise(dispenser.Authorisation{Volume: 1000})
	b.run(time.Second)
	b.n().valve()
	b.run(300 * time.Millisecond)
}

// lfHappenings are what a board can show, and what can happen to the line.
var lfHappenings = []struct {
	name string
	do   func(b *lfBench)
}{
	{"hung", func(b *lfBench) { b.n().hang() }},
	{"called", func(b *lfBench) { n := b.n(); n.up, n.flowing, n.litres, n.cash = true, false, 0, 0 }},
	{"valve", func(b *lfBench) { n := b.n(); n.up, n.flowing, n.litres, n.cash = true, true, 0, 0 }},
	{"flow", func(b *lfBench) { b.n().up, b.n().flowing = true, true; b.n().pump(20) }},
	{"halted", func(b *lfBench) { n := b.n(); n.up, n.flowing, n.target = true, true, 0; n.pump(20); n.flowing = false }},
	{"lost", func(b *lfBench) { b.mute = true }},
	{"closed", func(b *lfBench) { b.d.Line(b.now, false); b.mute = true }},
}

// Every state against everything that a board can show: the state 1.2 s later and what was told. A pair that the model does not
// list is an unauthorised delivery, or a frame that makes no sense. Source: dispenser.md 4.3.
var lfPairs = map[dispenser.State][7]string{
	dispenser.Inoperative:       {"1", "1", "1", "1", "1", "1", "1"},
	dispenser.Closed:            {"2", "2", "9 Unauthorised Stopped", "9 Unauthorised Stopped", "9 Unauthorised", "1 Offline", "1 Offline"},
	dispenser.Idle:              {"3", "4", "9 Unauthorised Stopped", "9 Unauthorised Stopped", "9 Unauthorised", "1 Offline", "1 Offline"},
	dispenser.Calling:           {"3", "4", "9 Unauthorised Stopped", "9 Unauthorised Stopped", "9 Unauthorised", "1 Offline", "1 Offline"},
	dispenser.Authorised:        {"5 Stopped", "5", "6", "8", "9", "1 Offline", "1 Offline"},
	dispenser.Started:           {"6", "7", "6", "8", "9", "1 Offline", "1 Offline"},
	dispenser.SuspendedStarted:  {"7", "7", "9 Unauthorised Stopped", "9 Unauthorised Stopped", "9", "1 Offline", "1 Offline"},
	dispenser.Fuelling:          {"8", "9 Strange", "9 Strange Stopped", "8", "9", "1 Offline", "1 Offline"},
	dispenser.SuspendedFuelling: {"9", "9 Strange", "9 Strange Stopped", "9 Unauthorised Stopped", "9", "1 Offline", "1 Offline"},
}

func TestLFEveryStateAndHappening(t *testing.T) {
	t.Parallel()
	for from, reach := range lfStates {
		for i, h := range lfHappenings {
			b := newLFBench(t, dispenser.LFConfig{}).up()
			reach(b)
			b.state(from)
			b.events = nil
			b.tamper = func(r lf.Request, f lf.Frame) (lf.Frame, bool) { // totals stand still: the end of a sale is another test
				if r.Command != lf.TotalLitres && r.Command != lf.TotalCash {
					return f, false
				}
				return lf.Frame{}, true
			}
			h.do(b)
			b.run(1200 * time.Millisecond)
			got := strings.TrimSpace(string(rune('0'+b.view().State)) + " " + b.told())
			if got != lfPairs[from][i] {
				t.Errorf("%d, %s: %q, want %q", from, h.name, got, lfPairs[from][i])
			}
		}
	}
}

// Every state against every order: nil, or ErrNotNow.
func TestLFEveryStateAndOrder(t *testing.T) {
	t.Parallel()
	orders := map[string]func(b *lfBench) error{
		"full":   func(b *lfBench) error { return b.d.Authorise(b.now, 0, dispenser.Authorisation{}) },
		"preset": func(b *lfBench) error { return b.d.Authorise(b.now, 0, dispenser.Authorisation{Volume: 500}) },
		"resume": func(b *lfBench) error { return b.d.Resume(b.now, 0) },
		"unlock": func(b *lfBench) error { return b.d.Unlock(b.now, 0) },
		"stop":   func(b *lfBench) error { return b.d.Stop(b.now, 0) },
		"price":  func(b *lfBench) error { return b.d.SetPrice(b.now, 0, unit.Price(801)) },
	}
	allowed := map[string]string{"full": "4", "preset": "34", "resume": "79", "unlock": "", "stop": "123456789", "price": "123456789"}
	for from, reach := range lfStates {
		for name, order := range orders {
			b := newLFBench(t, dispenser.LFConfig{}).up()
			reach(b)
			b.state(from)
			err := order(b)
			if want := strings.ContainsRune(allowed[name], rune('0'+from)); (err == nil) != want {
				t.Errorf("%s in state %d: %v", name, from, err)
			}
		}
	}
}
