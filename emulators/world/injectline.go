package world

import (
	"fmt"
	"strconv"

	"greylock/emulators/fault"
	"greylock/emulators/line"
	"greylock/system/clock"
	"greylock/system/wire/record"
)

// numbered is the nozzle that a fault names; 0, which is none, for a name.
func numbered(f fault.Fault) record.Nozzle {
	n, err := strconv.Atoi(f.Place)
	if err != nil {
		return 0
	}
	return record.Nozzle(n)
}

// wired finds the line of a nozzle, of either family.
func (w *World) wired(n record.Nozzle) (wire, error) {
	if p := w.pumps[n]; p != nil {
		return p.line, nil
	}
	if h, ok := w.plain[n]; ok {
		return h.p.line, nil
	}
	return nil, fmt.Errorf("没有 %d 号枪 (no such nozzle)", n)
}

// lineInjectors are the faults of the wire.
func lineInjectors() map[pair]injector {
	all := map[pair]injector{}
	for k, d := range map[fault.Kind]line.Kind{
		"flip": line.Flip, "drop": line.Drop, "insert": line.Insert, "lose": line.Lose, "garbage": line.Babble, "delayed": line.Delay,
		"duplicate": line.Duplicate, "reorder": line.Reorder, "stale": line.Stale, "echo": line.Echo, "tear-byte": line.Tear,
	} {
		all[pair{fault.Line, k}] = damaging(d)
	}
	for k, do := range map[fault.Kind]func(now clock.Instant, m *line.Mem, on bool){
		"off": func(_ clock.Instant, m *line.Mem, on bool) {
			if on {
				m.Cut()
			} else {
				m.Restore()
			}
		},
		"half":   func(_ clock.Instant, m *line.Mem, on bool) { m.Half(line.Station, on) },
		"baud":   func(_ clock.Instant, m *line.Mem, on bool) { set(m, on, line.UART{Baud: line.DefaultBaud / 2}) },
		"parity": func(_ clock.Instant, m *line.Mem, on bool) { set(m, on, line.UART{Parity: line.Even}) },
		"break":  func(now clock.Instant, m *line.Mem, on bool) { m.Break(now, line.Station, on) },
	} {
		all[pair{fault.Line, k}] = standing(do)
	}
	all[pair{fault.Line, "noise"}] = noisy
	all[pair{fault.Line, "intermittent"}] = intermittent
	all[pair{fault.Line, "crossed"}] = crossed
	all[pair{fault.Line, "wrong"}] = func(w *World, f fault.Fault, x *injured) error { return w.counted(x, "upload flipped", flipUpload)(f) }
	return all
}

// set sets the dispenser's side otherwise than the station's, or as it was.
func set(m *line.Mem, on bool, u line.UART) {
	if !on {
		u = m.UART(line.Station)
	}
	m.Set(line.Device, u)
}

// damaging is damage of both directions.
func damaging(k line.Kind) injector {
	return func(w *World, f fault.Fault, x *injured) error {
		wire, err := w.wired(numbered(f))
		if err != nil {
			return err
		}
		d := line.Fault{Kind: k, PerMille: f.Permill, Times: f.Times, Delay: lateBy, At: f.At}
		switch {
		case k == line.Echo || k == line.Tear && f.Times > 0 || d.PerMille == 0 && f.Times > 0:
			d.PerMille = 1000
		case d.PerMille == 0:
			d.PerMille = usual
		}
		var all []*line.Fault
		wire.with(func(_ clock.Instant, m *line.Mem) {
			for _, to := range []line.Side{line.Station, line.Device} {
				all = append(all, m.Add(to, d))
			}
		})
		x.struck = func() (n int) {
			wire.with(func(clock.Instant, *line.Mem) {
				for _, d := range all {
					n += d.Struck
				}
			})
			return n
		}
		x.end = func() {
			wire.with(func(_ clock.Instant, m *line.Mem) {
				for _, d := range all {
					m.Remove(d)
				}
			})
		}
		return nil
	}
}

// noisy counts bytes, so that a line is as bad whatever the size of its pieces.
func noisy(w *World, f fault.Fault, x *injured) error {
	wire, err := w.wired(numbered(f))
	if err != nil {
		return err
	}
	before := uint64(0)
	wire.with(func(_ clock.Instant, m *line.Mem) {
		before = m.Damaged()
		m.Noise(f.Permill)
	})
	x.struck = func() (n int) {
		wire.with(func(_ clock.Instant, m *line.Mem) { n = int(m.Damaged() - before) })
		return n
	}
	x.end = func() { wire.with(func(_ clock.Instant, m *line.Mem) { m.Noise(0) }) }
	return nil
}

// standing is a state of the wire that lasts until it is mended.
func standing(do func(now clock.Instant, m *line.Mem, on bool)) injector {
	return func(w *World, f fault.Fault, x *injured) error {
		wire, err := w.wired(numbered(f))
		if err != nil {
			return err
		}
		wire.with(func(now clock.Instant, m *line.Mem) { do(now, m, true) })
		x.end = func() { wire.with(func(now clock.Instant, m *line.Mem) { do(now, m, false) }) }
		return nil
	}
}

// intermittent cuts and joins the line again and again.
func intermittent(w *World, f fault.Fault, x *injured) error {
	wire, err := w.wired(numbered(f))
	if err != nil {
		return err
	}
	cuts := 0
	var cut func()
	cut = func() {
		if x.ended {
			return
		}
		cuts++
		wire.with(func(_ clock.Instant, m *line.Mem) { m.Cut() })
		w.at(w.now.Add(contactLost), func() { wire.with(func(_ clock.Instant, m *line.Mem) { m.Restore() }) })
		w.at(w.now.Add(contact), cut)
	}
	cut()
	x.struck = func() int { return cuts }
	return nil
}

// crossed swaps the cables of two nozzles.
func crossed(w *World, f fault.Fault, x *injured) error {
	a, b := numbered(f), record.Nozzle(f.At)
	x.end = func() {
		if err := w.SwapCables(a, b); err != nil {
			w.note("fault", err.Error())
		}
	}
	return w.SwapCables(a, b)
}
