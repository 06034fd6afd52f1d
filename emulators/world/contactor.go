package world

import (
	"fmt"

	"greylock/emulators/relay"
	"greylock/system/clock"
	"greylock/system/station"
	"greylock/system/wire/record"
)

// ContactorFaults break the contactors of a station's card dispensers.
type ContactorFaults interface {
	// BreakContactors lets a station's relay board be mute, deaf, stuck (no coil moves), wrong-echo or without power (dark);
	// "" mends it.
	BreakContactors(site record.SiteID, how string) error
	// Weld lets a nozzle's contactor stay closed whatever its coil does.
	Weld(nozzle record.Nozzle) error
	// Contactor says whether the coil of a nozzle's contactor is on: somebody looks at the lamp of the board.
	Contactor(nozzle record.Nozzle) (on bool, err error)
}

// contactorAddress is the relay board's address in the town.
const contactorAddress = 1

// contactor is a station's relay board, and the contactors on it: coil i holds the pump on port i+1.
type contactor struct {
	w       *World
	site    record.SiteID
	where   string
	out, to string // in the trace
	board   *relay.Board
	line    wire
	wake    *event
	pumps   []*pump
}

// contactor is the station's configuration of its relay board, nil if it has none.
func (s StationPlan) contactor() *station.Contactor {
	if !s.Contactor {
		return nil
	}
	k := &station.Contactor{Address: contactorAddress}
	for i := range s.Nozzles {
		k.Coils = append(k.Coils, station.Coil{Port: i + 1, Coil: uint16(i)})
	}
	return k
}

// buildContactors puts the relay boards on their lines. Until a coil is on, its pump has no power.
func (w *World) buildContactors() (err error) {
	for _, s := range w.scenario.Stations {
		if !s.Contactor {
			continue
		}
		x := &contactor{w: w, site: record.SiteID(s.ID), where: s.ID + "站接触器", board: relay.New(relay.Config{Address: contactorAddress, Coils: max(8, len(s.Nozzles))})}
		x.out, x.to = x.where+" →", x.where+" ←"
		x.wake = w.timer(x.woken)
		for _, p := range w.pumpList {
			if p.site == x.site {
				x.pumps = append(x.pumps, p)
				p.contactor = x
			}
		}
		w.contactors[x.site] = x
		if x.line, err = w.join(x.site, station.ContactorLine, x.where, x.receive); err != nil {
			return err
		}
		x.board.PowerOn()
	}
	return nil
}

// feeds says whether a pump has power.
func (x *contactor) feeds(p *pump) bool { return x == nil || p.welded || x.board.On(p.port-1) }

func (x *contactor) receive(data []byte) {
	x.w.trace.add(x.w.now, "frame", x.to, data)
	x.board.Receive(x.w.now, data)
	x.settle()
}

func (x *contactor) woken() {
	x.board.Wake(x.w.now)
	x.settle()
}

// settle carries out what the board wants.
func (x *contactor) settle() {
	fx := x.board.Take()
	for _, c := range fx.Changed {
		if c.Coil < len(x.pumps) {
			x.pumps[c.Coil].feed()
		}
	}
	for _, data := range fx.Send {
		x.w.trace.add(x.w.now, "frame", x.out, data)
		x.line.fromBoard(x.w.now, data)
	}
	if fx.Wake == clock.Never {
		x.w.drop(x.wake)
	} else {
		x.w.set(x.wake, fx.Wake)
	}
}

// feed gives the pump the power that its contactor lets through.
func (p *pump) feed() {
	if p.board == nil {
		return
	}
	p.board.PumpPower(p.w.now, p.contactor.feeds(p))
	p.settle()
}

func (f faults) BreakContactors(site record.SiteID, how string) error {
	x := f.w.contactors[site]
	if x == nil {
		return fmt.Errorf("站点 %s 没有接触器 (no contactors)", site)
	}
	stuck := map[int]bool{}
	for i := range x.pumps {
		stuck[i] = true
	}
	kinds := map[string]relay.Faults{"": {}, "mute": {Mute: true}, "deaf": {Deaf: true}, "stuck": {Stuck: stuck}, "wrong-echo": {WrongEcho: true}, "dark": {}}
	fault, ok := kinds[how]
	if !ok {
		return fmt.Errorf("没有故障 %q (no such fault)", how)
	}
	if x.board.Break(fault); how == "dark" {
		x.board.PowerOff()
	} else {
		x.board.PowerOn()
	}
	f.w.happened("contactors broken")
	x.settle()
	return nil
}

func (f faults) Weld(n record.Nozzle) error {
	return f.at(n, func(p *pump) {
		f.w.happened("contactor welded")
		p.welded = true
		p.feed()
	})
}

func (f faults) Contactor(n record.Nozzle) (on bool, err error) {
	err = f.at(n, func(p *pump) {
		if p.contactor != nil {
			on = p.contactor.board.On(p.port - 1)
		}
	})
	return on, err
}
