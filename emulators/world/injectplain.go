package world

import (
	"fmt"
	"time"

	"greylock/emulators/dispenser"
	"greylock/emulators/fault"
	"greylock/system/wire/unit"
)

// replyLate is longer than a station waits for an answer.
const replyLate = 600 * time.Millisecond

// habits are what boards in the field do on the line.
var habits = map[fault.Kind]func(h *dispenser.Habits, on bool){
	"mute":         func(h *dispenser.Habits, on bool) { h.Mute = on },
	"delayed":      func(h *dispenser.Habits, on bool) { h.Delay = time.Duration(either(on, int(replyLate))) },
	"stale":        func(h *dispenser.Habits, on bool) { h.Stale = on },
	"wrong-nozzle": func(h *dispenser.Habits, on bool) { h.WrongNozzle = on },
	"high-bits":    func(h *dispenser.Habits, on bool) { h.NozzleBits = byte(either(on, 0x10)) },
	"echo":         func(h *dispenser.Habits, on bool) { h.Echo = on },
	"early-idle":   func(h *dispenser.Habits, on bool) { h.EarlyIdle = on },
}

// plainInjectors are the faults of plain dispensers.
func plainInjectors() map[pair]injector {
	all := map[pair]injector{}
	for k, change := range habits {
		all[pair{fault.Plain, k}] = turning(func(h plainHand, on bool) {
			change(&h.p.cfg.Habits, on)
			if h.p.board != nil {
				h.p.board.SetHabits(h.p.w.now, h.p.cfg.Habits)
			}
		})
	}
	for k, change := range ailments {
		all[pair{fault.Plain, k}] = turning(func(h plainHand, on bool) {
			n := &h.p.cfg.Nozzles[h.i]
			change(&n.Physics, on)
			if h.p.board != nil {
				h.p.board.SetPhysics(h.p.w.now, n.Number, n.Physics, trueGain)
			}
		})
	}
	all[pair{fault.Plain, "off"}] = turning(func(h plainHand, on bool) {
		if on {
			h.p.powerOff()
		} else if h.p.board == nil {
			h.p.powerOn()
		}
	})
	all[pair{fault.Plain, "forget"}] = turning(func(h plainHand, on bool) {
		h.p.cfg.Habits.ForgetsSale = true // for as long as it has no power: a board looks at its last sale when it comes
		if on {
			h.p.powerOff()
		} else if h.p.board == nil {
			h.p.powerOn()
			h.p.cfg.Habits.ForgetsSale = false
			h.p.board.SetHabits(h.p.w.now, h.p.cfg.Habits)
		}
	})
	all[pair{fault.Plain, "total-leap"}] = func(w *World, f fault.Fault, _ *injured) error {
		h, err := w.plainAt(f)
		if err != nil {
			return err
		}
		w.unfuelled(h.p.site, func() {
			err = h.do(func(b *dispenser.Plain, n byte) { b.JumpTotal(w.now, n, unit.Quantity(f.At*100)) })
		})
		if err == nil {
			h.p.leapt[h.i] += unit.Quantity(f.At * 100)
		}
		return err
	}
	return all
}

// trueGain is a pulser as metrology wants it.
const trueGain = 10_000

// plainAt finds the plain nozzle that a fault names.
func (w *World) plainAt(f fault.Fault) (plainHand, error) {
	h, ok := w.plain[numbered(f)]
	if !ok {
		return h, fmt.Errorf("没有 %s 号枪, 或它不是普通加油机 (no such nozzle, or no plain dispenser)", f.Place)
	}
	return h, nil
}

// turning turns something on and off again.
func turning(turn func(h plainHand, on bool)) injector {
	return func(w *World, f fault.Fault, x *injured) error {
		h, err := w.plainAt(f)
		if err != nil {
			return err
		}
		turn(h, true)
		h.p.settle()
		x.end = func() {
			turn(h, false)
			h.p.settle()
		}
		return nil
	}
}
