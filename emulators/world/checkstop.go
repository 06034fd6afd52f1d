package world

import (
	"fmt"
	"time"

	"greylock/emulators/dispenser"
	"greylock/system/clock"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// stopTruth is what emergency stops hold, by the stations' own facts, and what has flowed meanwhile by the meters. While a stop holds
// nothing flows, unless the station has said that it can not stop it. Source: features.md T12; design.md 9.16.
type stopTruth struct {
	stops   map[stopKey]bool // in force; nozzle 0: all of the site's
	watched []*stopWatch
	said    map[record.SiteID]map[string]bool // subjects of the alarm valve-not-stopped
	tick    *event
}

type stopKey struct {
	site   record.SiteID
	nozzle record.Nozzle
}

// stopWatch is one nozzle under a stop.
type stopWatch struct {
	hose   stopHose
	since  clock.Instant
	seen   bool // base is known
	base   unit.Quantity
	broke  clock.Instant // when more than base was seen first; 0: never
	volume unit.Quantity
	board  *dispenser.Plain // whose count it is
}

// stopHose is a card dispenser or a nozzle of a plain one.
type stopHose struct {
	card  *pump
	plain *plainPump
	i     int
}

// Times of a stop.
const (
	stopRunsOut = 3 * time.Second  // the flow decays, the valves are tried again
	stopTold    = 10 * time.Second // by then the station has said what it can not stop
	stopLook    = time.Second
	stopSeeps   = unit.Quantity(5)
)

func newStopTruth() stopTruth {
	return stopTruth{stops: map[stopKey]bool{}, said: map[record.SiteID]map[string]bool{}}
}

// hoses are the nozzles of a site, by the station's numbers.
func (w *World) stopHoses(site record.SiteID, nozzle record.Nozzle) (list []stopHose) {
	fits := func(n record.Nozzle) bool { return nozzle == 0 || n%100 == nozzle }
	for _, p := range w.pumpList {
		if p.site == site && fits(p.nozzle) {
			list = append(list, stopHose{card: p})
		}
	}
	for _, p := range w.plainList {
		for i, n := range p.nozzles {
			if p.site == site && fits(n) {
				list = append(list, stopHose{plain: p, i: i})
			}
		}
	}
	return list
}

// subject is how the station's alarms call it.
func (h stopHose) subject() string {
	if h.card != nil {
		return fmt.Sprintf("port %d", h.card.port)
	}
	return fmt.Sprintf("port %d nozzle %d", h.plain.port, h.plain.cfg.Nozzles[h.i].Number)
}

// site is where it stands.
func (h stopHose) site() record.SiteID {
	if h.card != nil {
		return h.card.site
	}
	return h.plain.site
}

// flowed is what its meter has let through; ok is false without power, when nothing flows.
func (h stopHose) flowed() (q unit.Quantity, board *dispenser.Plain, ok bool) {
	if h.card != nil {
		return h.card.moved(), nil, h.card.board != nil
	}
	if h.plain.board == nil {
		return 0, nil, false
	}
	return (plainHand{h.plain, h.i}).view().Flowed, h.plain.board, true
}

// stopFact follows a station's stops; at is when the fact was made.
func (c *checks) stopFact(w *World, site record.SiteID, at clock.Instant, f record.Fact) {
	t := &c.stops
	switch f := f.(type) {
	case record.EmergencyStopped:
		t.stops[stopKey{site, f.Nozzle}] = true
		for _, h := range w.stopHoses(site, f.Nozzle) {
			if t.watch(h) == nil {
				t.watched = append(t.watched, &stopWatch{hose: h, since: w.now})
			}
		}
		if t.tick == nil {
			t.tick = w.timer(func() { c.stopTick(w) })
		}
		if len(t.watched) > 0 && t.tick.place == gone {
			w.set(t.tick, w.now.Add(stopLook))
		}
	case record.EmergencyEnded:
		delete(t.stops, stopKey{site, f.Nozzle})
		for k := range t.stops {
			if k.site == site && f.Nozzle == 0 {
				delete(t.stops, k)
			}
		}
		c.stopsOver(w, at, func(h stopHose) bool { return h.site() == site && !t.holds(w, h) })
	case record.Alarm:
		if f.Kind != "valve-not-stopped" {
			return
		}
		if t.said[site] == nil {
			t.said[site] = map[string]bool{}
		}
		t.said[site][f.Subject] = true
	}
}

// stopShipped takes a fact of a station that is a process of its own from its batch: it was made some time ago.
func (c *checks) stopShipped(w *World, site record.SiteID, f record.Fact) {
	at := w.now
	if x, ok := f.(record.EmergencyEnded); ok {
		at = clock.FromMilli(x.TimeMs)
	}
	c.stopFact(w, site, at, f)
}

func (t *stopTruth) watch(h stopHose) *stopWatch {
	for _, x := range t.watched {
		if x.hose == h {
			return x
		}
	}
	return nil
}

// holds says that a stop is in force for a nozzle.
func (t *stopTruth) holds(w *World, h stopHose) bool {
	if t.stops[stopKey{h.site(), 0}] {
		return true
	}
	for k := range t.stops {
		if k.site != h.site() {
			continue
		}
		for _, x := range w.stopHoses(k.site, k.nozzle) {
			if x == h {
				return true
			}
		}
	}
	return false
}

// stopTick looks at every nozzle that is held.
func (c *checks) stopTick(w *World) {
	for _, x := range c.stops.watched {
		q, board, ok := x.hose.flowed()
		switch {
		case !ok || w.now.Sub(x.since) < stopRunsOut:
		case !x.seen || board != x.board:
			x.seen, x.base, x.board = true, q, board
		case q > x.base+stopSeeps && x.broke == 0:
			x.broke, x.volume = w.now, q-x.base
		}
	}
	if len(c.stops.watched) > 0 {
		w.set(c.stops.tick, w.now.Add(stopLook))
	}
}

// stopsOver judges the nozzles that are released, or that the run ends with.
func (c *checks) stopsOver(w *World, at clock.Instant, over func(stopHose) bool) {
	open := c.stops.watched[:0]
	for _, x := range c.stops.watched {
		if !over(x.hose) {
			open = append(open, x)
			continue
		}
		said := c.stops.said[x.hose.site()][x.hose.subject()]
		flowed := x.broke != 0 && x.broke < at && at.Sub(x.since) >= stopTold
		c.hold(invStop, !flowed || said, "%s %s: %v have flowed since %v under an emergency stop of %v, and the station has not said so",
			x.hose.site(), x.hose.subject(), x.volume, x.broke, x.since)
	}
	c.stops.watched = open
	if len(open) == 0 && c.stops.tick != nil {
		w.drop(c.stops.tick)
	}
}
