package dispenser

import (
	"errors"

	"greylock/system/wire/lf"
	"greylock/system/wire/unit"
)

func isBCD(err error) bool { return errors.Is(err, lf.ErrBCD) }

// obey carries out a request and returns its reply: the echo, the figures it asks for, or the state form where it can not be
// obeyed now. ok is false where the pump stays silent. Source: dispenser.md 2.3.
func (n *plain) obey(r lf.Request) (reply lf.Frame, ok bool) {
	s := &n.state
	switch r.Command {
	case lf.Query:
		return n.status(), true
	case lf.TotalLitres:
		return must(lf.TotalReply{Nozzle: r.Nozzle, Command: r.Command, Total: s.Litres}.Frame()), true
	case lf.TotalCash:
		return must(lf.TotalReply{Nozzle: r.Nozzle, Command: r.Command, Total: s.Cash}.Frame()), true
	case lf.QueryShift:
		return must(lf.ShiftReply{Nozzle: r.Nozzle, Cash: unit.Fen(s.ShiftCash), Litres: unit.Quantity(s.ShiftLitres)}.Frame()), true
	case lf.Fuel:
		if n.locked() {
			return lf.Frame{}, false
		}
	}
	if !n.carry(r) {
		return n.status(), true
	}
	return must(r.Frame()), true
}

// carry does what a command says; false where it can not be obeyed now.
func (n *plain) carry(r lf.Request) bool {
	s := &n.state
	switch r.Command {
	case lf.Control:
		if !n.controlled {
			n.controlled, n.grant = true, grantNone // a lifted nozzle waits from now on
		}
	case lf.Uncontrol:
		if n.controlled {
			n.controlled, n.grant = false, grantNone
		}
	case lf.Fuel:
		if n.running && n.controlled {
			return true
		}
		return n.hook.up && n.authorise(grantFull, 0)
	case lf.FuelCash:
		return unit.Affordable(unit.Fen(r.Value), s.Price) > 0 && n.authorise(grantCash, r.Value)
	case lf.FuelLitres:
		return r.Value > 0 && n.authorise(grantLitres, r.Value)
	case lf.Stop:
		n.grant = grantNone
		n.shut("stop")
	case lf.SetPrice:
		if r.Value == 0 || n.hook.up || n.sale || n.grant != grantNone {
			return false
		}
		s.Price = unit.Price(r.Value)
		n.commit()
	case lf.SetPreValve:
		s.Prevalve = unit.Quantity(r.Value)
		n.pump.phys.Prevalve = s.Prevalve
		n.commit()
	case lf.ClearShift:
		s.ShiftLitres, s.ShiftCash = 0, 0
		n.commit()
	}
	n.board.changed()
	return true
}

// authorise takes A1, A2 or A3: it arms the nozzle, or goes on with the sale that was stopped in this lift. What is armed is
// replaced, but a preset is never taken away. Source: dispenser.md 2.3, 2.4, 4.2.
func (n *plain) authorise(g grant, value int64) bool {
	switch {
	case !n.controlled, n.running, n.locked(), n.barred, n.state.Price == 0, n.sale && !n.hook.up:
		return false
	case g == grantFull && n.grant != grantNone:
		return true
	}
	n.grant, n.value = g, value
	if !n.sale {
		n.volume, n.amount = 0, 0
	}
	n.event(EventStage, "armed", "已授权", "armed")
	n.opening()
	return true
}

// status is the state form. Source: dispenser.md 2.2, 2.4.
func (n *plain) status() lf.Frame {
	return must(lf.Status{Nozzle: n.cfg.Number, Price: n.state.Price, Cash: min(n.amount, maxFigure),
		Litres: min(n.volume, maxFigure), State: n.byte()}.Frame())
}

// byte is the state byte. Source: dispenser.md 2.4, 5.1.
func (n *plain) byte() (s lf.State) {
	switch {
	case n.locked() && !n.running:
	case n.running:
		s |= lf.Fuelling
	default:
		s |= lf.Stopped
	}
	if n.hook.up || n.sale && !n.board.cfg.Habits.EarlyIdle {
		s |= lf.NozzleUp
	}
	if n.controlled {
		s |= lf.Controlled
	}
	if n.board.cfg.Extensions {
		s |= n.extension()
	}
	return s
}

// extension is bits 5 to 2. Source: dispenser.md 2.4.
func (n *plain) extension() (s lf.State) {
	if n.fault != (Text{}) || n.locked() {
		s |= lf.Fault
	}
	if n.state.PowerFail {
		s |= lf.PowerFail
	}
	if n.running && n.pump.small && !n.pump.big {
		s |= lf.SmallValve
	}
	if n.grant == grantCash || n.grant == grantLitres || n.running && n.bounded {
		s |= lf.PresetLoaded
	}
	return s
}

// must is for figures that are kept within their fields: anything else is our own bug.
func must(f lf.Frame, err error) lf.Frame {
	if err != nil {
		panic("dispenser: own reply: " + err.Error())
	}
	return f
}
