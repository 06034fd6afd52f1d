package world

import (
	"fmt"
	"time"

	"greylock/emulators/ups"
	"greylock/system/clock"
	"greylock/system/station"
	"greylock/system/wire/record"
)

// PowerHands is what happens to the mains of a station and to its UPS. Dispensers hang on a supply of their own.
type PowerHands interface {
	// Mains lets the mains of a station's machine fail or come back.
	Mains(site record.SiteID, on bool) error
	// Battery sets what is left in the UPS's battery, in per cent; at nothing without mains the machine is dark.
	Battery(site record.SiteID, percent int) error
	// UPSTalks chooses how the UPS talks.
	UPSTalks(site record.SiteID, way ups.Way) error
	// Lit says whether the station's machine has power.
	Lit(site record.SiteID) bool
	// Ended says why the station's program, which runs inside this world, has ended by itself since it was started last; "": it has not.
	Ended(site record.SiteID) string
}

// Times of a station's machine.
const (
	bootTime = 20 * time.Second // from its power to its program
	upsLasts = 10 * time.Minute
	upsLow   = 2 * time.Minute
)

// supply is a station's UPS, and the machine that hangs on it.
type supply struct {
	w       *World
	site    record.SiteID
	where   string
	out, to string // in the trace
	u       *ups.UPS
	line    wire
	wake    *event
	boots   int // counts the times that the machine got power or lost it
}

// ups is the station's policy, nil if it has none.
func (s StationPlan) ups() *station.UPSPolicy {
	if !s.UPS {
		return nil
	}
	return &station.UPSPolicy{}
}

// buildUPS puts the UPSes on their lines. The machines run already.
func (w *World) buildUPS() (err error) {
	for _, s := range w.scenario.Stations {
		if !s.UPS {
			continue
		}
		x := &supply{w: w, site: record.SiteID(s.ID), where: s.ID + "站UPS", u: ups.New(ups.Config{Lasts: upsLasts, Low: upsLow, Seed: uint64(w.stream("ups " + s.ID).Int64())})}
		x.out, x.to = x.where+" →", x.where+" ←"
		x.wake = w.timer(func() {
			x.u.Wake(w.now)
			x.settle()
		})
		w.supplies[x.site] = x
		x.u.PowerOn(w.now)
		x.u.Take()
		if x.line, err = w.join(x.site, station.UPSLine, x.where, x.receive); err != nil {
			return err
		}
	}
	return nil
}

func (x *supply) receive(data []byte) {
	x.w.trace.add(x.w.now, "frame", x.to, data)
	x.u.Receive(x.w.now, data)
	x.settle()
}

// settle carries out what the UPS wants.
func (x *supply) settle() {
	fx := x.u.Take()
	for _, data := range fx.Send {
		x.w.trace.add(x.w.now, "frame", x.out, data)
		x.line.fromBoard(x.w.now, data)
	}
	for _, on := range fx.Switched {
		x.machine(on)
	}
	if fx.Wake == clock.Never {
		x.w.drop(x.wake)
	} else {
		x.w.set(x.wake, max(fx.Wake, x.w.now))
	}
}

// machine gives the station's machine power, and its program starts in a while; or takes it, and the program is gone at once.
func (x *supply) machine(on bool) {
	w := x.w
	x.boots++
	boot := x.boots
	w.note(x.where, map[bool]string{true: "output on", false: "output off"}[on])
	if !on {
		w.happened("machine dark")
		if !w.running(x.site) {
			return
		}
		if err := w.Kill(x.site); err != nil {
			w.note(x.where, err.Error())
		}
		return
	}
	w.at(w.now.Add(bootTime), func() {
		if x.boots != boot || w.running(x.site) {
			return
		}
		if err := w.Restart(x.site); err != nil {
			w.note(x.where, err.Error())
			return
		}
		w.happened("machine booted")
	})
}

// running says whether a station's program runs.
func (w *World) running(id record.SiteID) bool {
	if p := w.external[id]; p != nil {
		return p.process != nil
	}
	return w.stations[id] != nil && w.stations[id].run != nil
}

func (w *World) atUPS(id record.SiteID, act func(x *supply)) error {
	x := w.supplies[id]
	if x == nil {
		return fmt.Errorf("站点 %s 没有 UPS (no UPS)", id)
	}
	act(x)
	x.settle()
	return nil
}

// Mains fails or comes back.
func (w *World) Mains(id record.SiteID, on bool) error {
	return w.atUPS(id, func(x *supply) {
		w.happened(map[bool]string{true: "mains back", false: "mains off"}[on])
		x.u.Mains(w.now, on)
	})
}

// Battery sets the charge.
func (w *World) Battery(id record.SiteID, percent int) error {
	return w.atUPS(id, func(x *supply) { x.u.Charge(w.now, percent) })
}

// UPSTalks chooses how it talks.
func (w *World) UPSTalks(id record.SiteID, way ups.Way) error {
	return w.atUPS(id, func(x *supply) { x.u.Talk(way) })
}

// Lit says whether the machine has power.
func (w *World) Lit(id record.SiteID) bool {
	x := w.supplies[id]
	return x == nil || x.u.Output()
}

// Ended says why a program has ended by itself.
func (w *World) Ended(id record.SiteID) string {
	if s := w.stations[id]; s != nil {
		return s.ended
	}
	return ""
}

// finish is the program's own end: everything that it has said is on the disk.
func (s *site) finish(why string) {
	s.w.checks.endedItself(s)
	if err := s.run.Journal().Close(); err != nil {
		s.w.note("site "+string(s.open.Site), err.Error())
	}
	s.run, s.frozen, s.waiting, s.ended = nil, false, nil, why
	s.life++
	s.w.drop(s.wake)
	s.w.happened("ended by itself")
}

// powerTruth is the power of the stations by their own facts: while it is not the mains no sale begins.
type powerTruth struct{ state map[record.SiteID]string }

// powerFact follows it.
func (c *checks) powerFact(site record.SiteID, f record.Fact) {
	state := c.power.state[site]
	switch f := f.(type) {
	case record.StationPower:
		c.hold(invPower, f.State != record.PowerEnding || state == record.PowerBattery || state == record.PowerLow, "site %s: power %q after %q", site, f.State, state)
		c.power.state[site] = f.State
	case record.PlainAuthorised:
		c.hold(invPower, state == "" || state == record.PowerMains || state == record.PowerUnwatched,
			"site %s: nozzle %d was let run while the power was %q", site, f.Nozzle, state)
	}
}

// endedItself looks at a program that ends by itself: it has said so, and nothing waits for the disk.
func (c *checks) endedItself(s *site) {
	c.hold(invPower, s.run.Idle(), "site %s: ended with acts that are not durable", s.open.Site)
	c.hold(invPower, c.power.state[s.open.Site] == record.PowerEnding, "site %s: ended by itself, its journal says %q", s.open.Site, c.power.state[s.open.Site])
}
