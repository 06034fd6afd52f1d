package world

import (
	"errors"
	"fmt"

	"greylock/emulators/gauge"
	"greylock/system/clock"
	"greylock/system/station"
	"greylock/system/wire/lf"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// TankPlan is one tank of a station; the nozzles of its product draw from it.
type TankPlan struct {
	Number   int    `yaml:"number"`
	Product  string `yaml:"product"`
	Diameter int    `yaml:"diameter_mm"`
	Length   int    `yaml:"length_mm"`
	Fuel     string `yaml:"fuel"`    // litres at the start
	Reorder  string `yaml:"reorder"` // litres; "" for none
	Water    int    `yaml:"water_mm"`
	MostWet  int    `yaml:"most_water_mm"`
	Degrees  int    `yaml:"degrees"` // of the fuel
}

// TankHands is what trucks, weather and time do to the tanks of a station, and to its gauge.
type TankHands interface {
	// Truck unloads so much into a tank, at litres per minute and degrees.
	Truck(site record.SiteID, tank int, q unit.Quantity, perMinute int, degrees unit.Degrees) error
	// Unloading says that a truck still pours.
	Unloading(site record.SiteID, tank int) bool
	// Leak lets a tank lose so much an hour; 0 ends it.
	Leak(site record.SiteID, tank int, perHour unit.Quantity) error
	// Wet sets the height of the water in a tank.
	Wet(site record.SiteID, tank int, height unit.Length) error
	// Warm sets the temperature of a tank.
	Warm(site record.SiteID, tank int, degrees unit.Degrees) error
	// Probe and Console choose how a tank's probe and the whole gauge work.
	Probe(site record.SiteID, tank int, p gauge.Probe) error
	Console(site record.SiteID, way gauge.Way) error
	// Skew lets a nozzle's meter show so many thousandths more than it gives.
	Skew(nozzle record.Nozzle, permille int) error
	// Stick is what a person's stick in a tank shows: the surface, the water, the temperature.
	Stick(site record.SiteID, tank int) (surface, water unit.Length, degrees unit.Degrees, err error)
}

// depot is the tanks of one station and their gauge.
type depot struct {
	w     *World
	site  record.SiteID
	where string
	plans []TankPlan
	g     *gauge.Gauge
	line  wire
	wake  *event
	hoses []*hose
	tanks map[int]*tankTruth
}

// hose is a nozzle at its tank: where its meter stood when the tank was looked at last.
type hose struct {
	tank  int
	skew  int // the meter shows so many thousandths more
	card  *pump
	plain *plainHand
	total unit.Totalizer
	sum   lf.Total
}

// moved is how far the meter has run since it was asked last.
func (h *hose) moved() unit.Quantity {
	if h.card != nil && h.card.board == nil {
		return 0 // without power nothing flows
	}
	if h.card != nil {
		now := h.card.total()
		q := now.Since(h.total)
		h.total = now
		return q
	}
	now := h.plain.view().Total
	q := unit.Quantity(now.Since(h.sum))
	h.sum = now
	return q
}

// lines of a tank's table that its station has, millimetres.
const tableStep = 20

// planTanks plans the tanks of a station, and says in its layout what stands where.
func (w *World) planTanks(s StationPlan, l *record.Layout) error {
	if len(s.Tanks) == 0 {
		return nil
	}
	d := &depot{w: w, site: record.SiteID(s.ID), where: s.ID + "站液位仪", plans: s.Tanks, tanks: map[int]*tankTruth{}}
	cfg := gauge.Config{Seed: uint64(w.stream("gauge " + s.ID).Int64()), Before: d.look}
	for i, p := range s.Tanks {
		fuel, err := unit.ParseQuantity(p.Fuel)
		if err != nil {
			return err
		}
		plan := gauge.Plan{Number: p.Number, Product: byte('1' + i%9), Diameter: p.Diameter, Length: p.Length, Fuel: fuel,
			Water: unit.Length(p.Water * 10), Degrees: unit.Degrees(p.Degrees * 100), MostWet: unit.Length(p.MostWet * 10)}
		if p.Product[0] == '2' {
			plan.PPM = 830
		}
		if p.Reorder != "" {
			if plan.Reorder, err = unit.ParseQuantity(p.Reorder); err != nil {
				return err
			}
		}
		cfg.Tanks = append(cfg.Tanks, plan)
		l.Tanks = append(l.Tanks, record.TankPlan{Tank: p.Number, Product: p.Product, Reorder: plan.Reorder, MostWater: plan.MostWet,
			Expansion: plan.PPM, TableStep: tableStep * 10})
		d.tanks[p.Number] = &tankTruth{}
	}
	var err error
	if d.g, err = gauge.New(cfg); err != nil {
		return err
	}
	for i := range l.Tanks {
		t := &l.Tanks[i]
		if t.Table, err = d.g.Table(t.Tank, tableStep); err != nil {
			return err
		}
		t.Capacity = t.Table[len(t.Table)-1]
		if last := len(t.Table) - 1; (s.Tanks[i].Diameter)%tableStep != 0 {
			t.Table = t.Table[:last]
		}
		d.tanks[t.Tank].capacity = t.Capacity
		d.attach(t, l.Ports)
	}
	w.depots[d.site] = d
	return nil
}

// attach joins the nozzles of a tank's product to it; the first tank of a product has them all.
func (d *depot) attach(t *record.TankPlan, ports []record.PortPlan) {
	for i := range d.plans {
		if d.plans[i].Product == t.Product && d.plans[i].Number != t.Tank {
			return
		}
		if d.plans[i].Number == t.Tank {
			break
		}
	}
	for _, x := range ports {
		if x.Product != t.Product {
			continue
		}
		t.Nozzles = append(t.Nozzles, x.Nozzle)
		h := &hose{tank: t.Tank}
		for _, p := range d.w.pumpList {
			if p.site == d.site && p.port == x.Port {
				h.card, h.total = p, p.first
			}
		}
		if h.card == nil {
			for _, p := range d.w.plainList {
				if p.site == d.site && p.port == x.Port {
					h.plain = &plainHand{p, int(x.NZN) - 1}
				}
			}
		}
		d.hoses = append(d.hoses, h)
	}
}

// buildTanks puts the gauges on their lines and gives them power.
func (w *World) buildTanks() (err error) {
	for _, id := range w.order {
		d := w.depots[id]
		if d == nil {
			continue
		}
		d.wake = w.timer(func() {
			d.g.Wake(w.now)
			d.settle()
		})
		if d.line, err = w.join(d.site, station.GaugeLine, d.where, d.receive); err != nil {
			return err
		}
		d.g.PowerOn(w.now)
	}
	return nil
}

func (d *depot) receive(data []byte) {
	d.w.trace.add(d.w.now, "frame", d.where+" ←", data)
	d.g.Receive(d.w.now, data)
	d.settle()
}

func (d *depot) settle() {
	for _, data := range d.g.Take() {
		d.w.trace.add(d.w.now, "frame", d.where+" →", data)
		d.line.fromBoard(d.w.now, data)
	}
	if at := d.g.Due(); at == clock.Never {
		d.w.drop(d.wake)
	} else {
		d.w.set(d.wake, at)
	}
}

// look takes out of the tanks what the nozzles have drawn since.
func (d *depot) look(clock.Instant) {
	for _, h := range d.hoses {
		q := h.moved()
		if q == 0 {
			continue
		}
		gave := q * unit.Quantity(1000-h.skew) / 1000
		if err := d.g.Draw(h.tank, gave); err != nil {
			panic("world: " + err.Error()) // planned here
		}
		d.tanks[h.tank].metered += q
		d.tanks[h.tank].gave += gave
	}
}

// unfuelled turns a total without fuel: the tanks do not notice.
func (w *World) unfuelled(site record.SiteID, turn func()) {
	d := w.depots[site]
	if d == nil {
		turn()
		return
	}
	d.look(w.now)
	turn()
	for _, h := range d.hoses {
		h.moved()
	}
}

// at finds a station's tanks.
func (w *World) depot(id record.SiteID) (*depot, error) {
	if d := w.depots[id]; d != nil {
		return d, nil
	}
	return nil, fmt.Errorf("站点 %s 没有油罐 (no tanks)", id)
}

// Truck unloads.
func (w *World) Truck(id record.SiteID, n int, q unit.Quantity, perMinute int, degrees unit.Degrees) error {
	return w.atTanks(id, func(d *depot) error { return d.g.Unload(w.now, n, q, perMinute, degrees) })
}

// Unloading says that a truck pours.
func (w *World) Unloading(id record.SiteID, n int) bool {
	d, err := w.depot(id)
	if err != nil {
		return false
	}
	_, _, _, err = d.g.Truth(w.now, n) // time passes in the tanks when somebody looks
	return err == nil && d.g.Unloading(n)
}

// Leak lets a tank lose fuel.
func (w *World) Leak(id record.SiteID, n int, perHour unit.Quantity) error {
	return w.atTanks(id, func(d *depot) error { return d.g.Leak(w.now, n, perHour) })
}

// Wet sets the water.
func (w *World) Wet(id record.SiteID, n int, height unit.Length) error {
	return w.atTanks(id, func(d *depot) error { return d.g.Wet(n, height) })
}

// Warm sets the temperature.
func (w *World) Warm(id record.SiteID, n int, degrees unit.Degrees) error {
	return w.atTanks(id, func(d *depot) error { return d.g.Warm(n, degrees) })
}

// Probe chooses how a probe works.
func (w *World) Probe(id record.SiteID, n int, p gauge.Probe) error {
	return w.atTanks(id, func(d *depot) error {
		if t := d.tanks[n]; t != nil {
			t.blind = p != gauge.Works
		}
		return d.g.Probe(w.now, n, p)
	})
}

// Console chooses how the gauge works.
func (w *World) Console(id record.SiteID, way gauge.Way) error {
	return w.atTanks(id, func(d *depot) error { d.g.Set(way); return nil })
}

// Skew makes a meter lie.
func (w *World) Skew(n record.Nozzle, permille int) error {
	for _, id := range w.order {
		d := w.depots[id]
		if d == nil {
			continue
		}
		for _, h := range d.hoses {
			if h.card == w.pumps[n] && h.card != nil || h.plain != nil && w.plain[n] == *h.plain {
				d.look(w.now)
				h.skew = permille
				return nil
			}
		}
	}
	return fmt.Errorf("%d 号枪没有油罐 (no tank)", n)
}

// Stick measures a tank by hand, to the millimetre.
func (w *World) Stick(id record.SiteID, n int) (surface, water unit.Length, degrees unit.Degrees, err error) {
	err = w.atTanks(id, func(d *depot) error {
		surface, water, degrees, err = d.g.Stick(w.now, n)
		return err
	})
	return (surface + 5) / 10 * 10, (water + 5) / 10 * 10, degrees, err
}

func (w *World) atTanks(id record.SiteID, act func(d *depot) error) error {
	d, err := w.depot(id)
	if err != nil {
		return err
	}
	d.look(w.now)
	return act(d)
}

// tankTruth is what the world knows of a tank.
type tankTruth struct {
	metered, gave unit.Quantity // by its nozzles, as warm as it was
	blind         bool          // its probe shows nothing true
	capacity      unit.Quantity
	first, last   *tankMark
	delivered     unit.Quantity // by the station's facts, at 15 °C
}

// tankMark is a dip of the station and what was true then.
type tankMark struct {
	dip           record.TankDip
	metered, gave unit.Quantity
	lost          unit.Quantity // leaked, at 15 °C
}

// Tolerances of the checker, hundredths of a litre; those of the product have a word of their own. Source: trust.md M13.
const (
	dipTolerance  = 20 * 100 // probe, thermometer, and what flows between a level and its fact
	bookTolerance = 40 * 100
)

// tankFact follows what a station writes of its tanks. Source: trust.md M13.
func (c *checks) tankFact(w *World, id record.SiteID, f record.Fact) {
	d := w.depots[id]
	if d == nil {
		return
	}
	switch f := f.(type) {
	case record.DeliveryClosed:
		if t := d.tanks[f.Tank]; t != nil {
			t.delivered += f.Net
		}
	case record.TankDip:
		t := d.tanks[f.Tank]
		_, net, _, err := d.g.Truth(w.now, f.Tank)
		if err != nil || t == nil {
			c.hold(inv13, false, "station %s: a dip of tank %d, which is not there: %v", id, f.Tank, err)
			return
		}
		tolerance := unit.Quantity(dipTolerance)
		if f.Why == record.DipHand {
			tolerance *= 3 // a stick shows millimetres
		}
		off := max(f.Net-net, net-f.Net)
		c.hold(inv13, t.blind && f.Why != record.DipHand || off <= tolerance, "station %s tank %d: the dip says %v at 15 °C, %v lie in it", id, f.Tank, f.Net, net)
		m := &tankMark{f, t.metered, t.gave, d.g.Leaked(f.Tank)}
		if t.first == nil {
			t.first = m
		}
		t.last = m
	}
}

// tanks: what lay in each tank, and came, less what its meters showed, is what lies in it, but for what the world itself has let
// leak or given untrue.
func (c *checks) tanks(w *World) {
	for _, id := range w.order {
		d := w.depots[id]
		if d == nil || w.stations[id] == nil {
			continue
		}
		for _, p := range d.plans {
			c.tank(id, p.Number, d.tanks[p.Number])
		}
	}
}

func (c *checks) tank(id record.SiteID, n int, t *tankTruth) {
	a, z := t.first, t.last
	if a == nil || a == z {
		return
	}
	cool := func(q unit.Quantity) unit.Quantity { return q * z.dip.Net / max(1, z.dip.Volume) }
	sold := z.metered - a.metered
	lied := sold - (z.gave - a.gave)
	lost := a.dip.Net + t.delivered - cool(sold) - z.dip.Net
	known := z.lost - a.lost - cool(lied)
	tolerance := bookTolerance + sold*5/1000 + t.delivered*3/1000
	c.hold(inv13, max(lost-known, known-lost) <= tolerance, "station %s tank %d: %v at 15 °C and %v delivered less %v sold are not %v: %v are missing, of which the world knows %v",
		id, n, a.dip.Net, t.delivered, sold, z.dip.Net, lost, known)
}

var errTanks = errors.New("tanks: number, product, shape or fuel")

// check finds what is wrong with a plan.
func (p TankPlan) check(products map[string]bool) error {
	q, err := unit.ParseQuantity(p.Fuel)
	if err != nil || q < 1 || p.Number < 1 || p.Number > 99 || !products[p.Product] {
		return errTanks
	}
	return nil
}
