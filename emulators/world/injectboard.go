package world

import (
	"fmt"
	"time"

	"greylock/emulators/dispenser"
	"greylock/emulators/fault"
	"greylock/system/clock"
	"greylock/system/wire/unit"
)

// pumped finds the card dispenser of a nozzle.
func (w *World) pumped(f fault.Fault) (*pump, error) {
	if p := w.pumps[numbered(f)]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("没有 %s 号枪, 或它不是 IC 卡加油机 (no such nozzle, or no IC-card dispenser)", f.Place)
}

// Figures of sick dispensers.
const (
	slowFlow   = 5_000 // mL/min
	wornValve  = 2000  // µL per 10 ms
	badBounce  = 60 * time.Millisecond
	nearlyFull = 2   // clicks
	jitter     = 300 // permille of the pulses
)

// ailments are the mechanical faults that dispensers of both families have.
var ailments = map[fault.Kind]func(p *dispenser.Physics, on bool){
	"stuck":      func(p *dispenser.Physics, on bool) { p.Stuck = on },
	"slow":       func(p *dispenser.Physics, on bool) { p.MaxFlow = either(on, slowFlow) },
	"bounce":     func(p *dispenser.Physics, on bool) { p.Bounce = time.Duration(either(on, int(badBounce))) },
	"hook-stuck": func(p *dispenser.Physics, on bool) { p.HookStuck = on },
	"clicks":     func(p *dispenser.Physics, on bool) { p.Clicks = either(on, nearlyFull) },
	"reverse":    func(p *dispenser.Physics, on bool) { p.Reverse = either(on, jitter) },
}

// pumpInjectors are the faults of card dispensers.
func pumpInjectors() map[pair]injector {
	all := map[pair]injector{}
	for k, change := range ailments {
		all[pair{fault.Dispenser, k}] = sick(change)
	}
	all[pair{fault.Dispenser, "leak"}] = sick(func(p *dispenser.Physics, on bool) { p.Leak = either(on, wornValve) })
	litres := func(n int) unit.Quantity { return unit.Quantity(n * 100) }
	for k, do := range map[fault.Kind]func(b *dispenser.Board, now clock.Instant, n int){
		"total-leap":   func(b *dispenser.Board, now clock.Instant, n int) { b.JumpTotal(now, litres(n)) },
		"total-back":   func(b *dispenser.Board, now clock.Instant, n int) { b.JumpTotal(now, -litres(n)) },
		"unauthorised": func(b *dispenser.Board, now clock.Instant, n int) { b.Manual(now, litres(n)) },
	} {
		all[pair{fault.Dispenser, k}] = once(do)
	}
	all[pair{fault.Dispenser, "off"}] = unpowered
	all[pair{fault.Dispenser, "duplicate"}] = func(w *World, f fault.Fault, x *injured) error {
		return w.counted(x, "upload repeated", repeatUpload)(f)
	}
	all[pair{fault.Dispenser, "replay"}] = func(w *World, f fault.Fault, _ *injured) error {
		p, err := w.pumped(f)
		if err != nil {
			return err
		}
		return w.ReplaySale(p.nozzle)
	}
	all[pair{fault.Dispenser, "add-previous"}] = func(w *World, f fault.Fault, x *injured) error {
		p, err := w.pumped(f)
		if err != nil {
			return err
		}
		before := w.faults["previous sale added"]
		x.struck = func() int { return w.faults["previous sale added"] - before }
		return w.AddPreviousSale(p.nozzle)
	}
	all[pair{fault.Dispenser, "deaf"}] = func(w *World, f fault.Fault, x *injured) error {
		p, err := w.pumped(f)
		if err != nil {
			return err
		}
		before := w.faults["prices swallowed"]
		x.struck = func() int { return w.faults["prices swallowed"] - before }
		x.end = func() { p.mangle = nil }
		p.mangle = func(data []byte) []byte {
			if !asksPrices(data) {
				return data
			}
			w.happened("prices swallowed")
			return nil
		}
		return nil
	}
	return all
}

func either(on bool, n int) int {
	if on {
		return n
	}
	return 0
}

// sick changes the physics of a dispenser, over power cuts too. A pump that has locked itself has been to service when it is
// mended.
func sick(change func(p *dispenser.Physics, on bool)) injector {
	return func(w *World, f fault.Fault, x *injured) error {
		p, err := w.pumped(f)
		if err != nil {
			return err
		}
		turn := func(on bool) {
			change(&p.cfg.Physics, on)
			if p.board == nil {
				return
			}
			p.board.SetPhysics(w.now, p.cfg.Physics)
			if !on && p.board.State() == dispenser.StateLocked {
				p.board.Initialise(w.now)
			}
			p.settle()
		}
		turn(true)
		x.end = func() { turn(false) }
		return nil
	}
}

// once does something to the board.
func once(do func(b *dispenser.Board, now clock.Instant, n int)) injector {
	return func(w *World, f fault.Fault, _ *injured) error {
		p, err := w.pumped(f)
		switch {
		case err != nil:
		case p.board == nil:
			err = fmt.Errorf("%s 没有电 (no power)", p.where)
		case !p.idle(): // its fill is what the totalizer has moved: the customer would pay for the fault
			err = fmt.Errorf("%s 正在加油 (a fill is under way)", p.where)
		}
		if err != nil {
			return err
		}
		if f.Kind == "unauthorised" {
			do(p.board, w.now, f.At)
		} else {
			w.unfuelled(p.site, func() { do(p.board, w.now, f.At) })
		}
		p.settle()
		return nil
	}
}

func unpowered(w *World, f fault.Fault, x *injured) error {
	p, err := w.pumped(f)
	if err != nil {
		return err
	}
	p.powerOff()
	x.end = func() {
		if p.board == nil {
			p.powerOn()
		}
	}
	return nil
}
