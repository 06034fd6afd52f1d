// Package gauge emulates a tank gauge console (TLS-350) with its tanks: lying cylinders with fuel that warms and cools, water at the
// bottom, a truck that unloads, a leak, and probes that fail. A state machine without I/O; physics in integers (microlitres).
//
// Source: dispenser.md 7.3.
package gauge

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"time"

	"greylock/system/clock"
	"greylock/system/wire/tls350"
	"greylock/system/wire/unit"
)

// Plan is a tank as it was built and filled.
type Plan struct {
	Number   int
	Product  byte // a character of the console's
	Diameter int  // millimetres
	Length   int  // millimetres
	Fuel     unit.Quantity
	Water    unit.Length
	Degrees  unit.Degrees  // of the fuel
	PPM      int           // expansion per degree, millionths; 0: 1200, petrol
	Reorder  unit.Quantity // below it the console says that a delivery is needed
	MostWet  unit.Length   // water above it is an alarm
}

// Config of a console.
type Config struct {
	Tanks  []Plan
	Seed   uint64
	Answer time.Duration // until it answers; 0: 200 ms
	// Before is called before the console looks at its tanks: whoever draws fuel does it now. nil for nobody.
	Before func(now clock.Instant)
}

// Probe is how the probe of a tank works.
type Probe int

// The ways of a probe.
const (
	Works Probe = iota
	Out         // off: no height, an alarm
	Stuck       // it shows for ever what it showed
)

// Way is how the whole console works.
type Way int

// The ways of a console.
const (
	Normal  Way = iota
	Dead        // it does not answer
	Garbage     // its answers have a wrong checksum
	Slow        // it answers after the station has given up
)

const (
	answerTime  = 200 * time.Millisecond
	slowTime    = 8 * time.Second
	reference   = unit.Degrees(1500) // of the compensated volume, 15 °C
	petrolPPM   = 1200
	probeNoise  = 2 // tenths of a millimetre, both ways together
	deliveryEnd = time.Minute
	maxQueue    = 8 // questions that wait: a master has one under way
	microlitre  = 10_000
)

// tank is the truth.
type tank struct {
	Plan
	c       cylinder
	net     int64 // microlitres of fuel at the reference temperature
	wet     int64 // microlitres of water
	degrees unit.Degrees
	probe   Probe
	frozen  tls350.Level

	lost   int64 // microlitres leaked, at the reference temperature
	truck  *truck
	leak   int64 // microlitres an hour at the reference temperature
	at     clock.Instant
	events []tls350.Delivery
	begun  tls350.Delivery // the delivery that is under way
	ended  clock.Instant   // of the truck's hose
	active bool            // a delivery is under way by the console's word
}

// truck unloads at a steady flow.
type truck struct {
	left    int64 // microlitres at its temperature
	perSec  int64
	degrees unit.Degrees
}

// Gauge is the console.
type Gauge struct {
	cfg     Config
	tanks   []*tank
	way     Way
	on      bool
	rnd     *rand.Rand
	in      tls350.Requests
	pending []pending
	out     [][]byte
}

// pending is a question that is being answered.
type pending struct {
	at clock.Instant
	q  []byte
}

// New returns a console without power. Tanks of a wrong shape are an error.
func New(cfg Config) (*Gauge, error) {
	if cfg.Answer == 0 {
		cfg.Answer = answerTime
	}
	g := &Gauge{cfg: cfg, rnd: rand.New(rand.NewPCG(cfg.Seed, 350))}
	if n := len(cfg.Tanks); n < 1 || n > tls350.MaxTanks {
		return nil, fmt.Errorf("gauge: %d 个油罐, 应为 1…%d (tanks)", n, tls350.MaxTanks)
	}
	for _, p := range cfg.Tanks {
		const most = 4000 * 1000
		if p.Number < 1 || p.Number > 99 || p.Diameter < 500 || p.Diameter > 4000 || p.Length < 500 || p.Diameter*p.Length > 8*most {
			return nil, fmt.Errorf("gauge: %d 号罐: 直径 %d 长 %d 毫米 (tank: diameter and length)", p.Number, p.Diameter, p.Length)
		}
		if p.PPM == 0 {
			p.PPM = petrolPPM
		}
		t := &tank{Plan: p, c: newCylinder(p.Diameter, p.Length), degrees: p.Degrees}
		t.net = t.shrink(int64(p.Fuel)*microlitre, p.Degrees)
		t.wet = t.c.below(p.Water)
		if t.gross()+t.wet > t.c.full() {
			return nil, fmt.Errorf("gauge: %d 号罐装不下 %v 升 (tank holds less)", p.Number, p.Fuel)
		}
		g.tanks = append(g.tanks, t)
	}
	return g, nil
}

// factor is how much larger fuel is at a temperature than at the reference, in 10⁸ parts.
func (t *tank) factor(d unit.Degrees) int64 { return 100_000_000 + int64(t.PPM)*int64(d-reference) }

// shrink is the volume at the reference temperature.
func (t *tank) shrink(volume int64, d unit.Degrees) int64 {
	return scale(volume, 100_000_000, t.factor(d))
}

// scale is volume × by / over, to the nearest, without overflow; all are positive.
func scale(volume, by, over int64) int64 {
	hi, lo := bits.Mul64(uint64(volume), uint64(by))
	lo, carry := bits.Add64(lo, uint64(over)/2, 0)
	q, _ := bits.Div64(hi+carry, lo, uint64(over))
	return int64(q)
}

// gross is the fuel's volume as warm as it is.
func (t *tank) gross() int64 { return scale(t.net, t.factor(t.degrees), 100_000_000) }

// PowerOn and Off switch the console; tanks go on.
func (g *Gauge) PowerOn(now clock.Instant) {
	g.on = true
	g.settle(now)
}

// Off takes the power.
func (g *Gauge) Off() {
	g.on, g.pending, g.out = false, nil, nil
	g.in.Reset()
}

// Set chooses how the console works.
func (g *Gauge) Set(w Way) { g.way = w }

// tank is a tank by its number; an error says that there is none.
func (g *Gauge) tank(n int) (*tank, error) {
	for _, t := range g.tanks {
		if t.Number == n {
			return t, nil
		}
	}
	return nil, fmt.Errorf("没有 %d 号罐 (no such tank)", n)
}

// Probe chooses how a tank's probe works.
func (g *Gauge) Probe(now clock.Instant, n int, p Probe) error {
	t, err := g.tank(n)
	if err != nil {
		return err
	}
	g.settle(now)
	t.frozen = g.level(t)
	t.probe = p
	return nil
}

// Draw takes fuel that a pump has metered, as warm as the tank is.
func (g *Gauge) Draw(n int, q unit.Quantity) error {
	t, err := g.tank(n)
	if err == nil {
		t.net = max(0, t.net-t.shrink(int64(q)*microlitre, t.degrees))
	}
	return err
}

// Unload lets a truck pour so much in at litres per minute; the fuel has the truck's temperature.
func (g *Gauge) Unload(now clock.Instant, n int, q unit.Quantity, perMinute int, d unit.Degrees) error {
	t, err := g.tank(n)
	switch {
	case err != nil:
		return err
	case t.truck != nil:
		return fmt.Errorf("%d 号罐正在卸油 (a truck is there already)", n)
	case perMinute < 1 || q < 1:
		return fmt.Errorf("卸油 %v 升, 每分钟 %d 升 (nothing to unload)", q, perMinute)
	}
	g.settle(now)
	if int64(q)*microlitre+t.gross()+t.wet > t.c.full() {
		return fmt.Errorf("%d 号罐装不下 %v 升 (tank holds less)", n, q)
	}
	t.truck = &truck{int64(q) * microlitre, int64(perMinute) * 100 * microlitre / 60, d}
	t.begin(g, now)
	return nil
}

// Unloading reports whether a truck still pours.
func (g *Gauge) Unloading(n int) bool {
	t, err := g.tank(n)
	return err == nil && t.truck != nil
}

// Leak lets a tank lose so much an hour; 0 ends it.
func (g *Gauge) Leak(now clock.Instant, n int, perHour unit.Quantity) error {
	t, err := g.tank(n)
	if err == nil {
		g.settle(now)
		t.leak = int64(perHour) * microlitre
	}
	return err
}

// Wet sets the height of the water.
func (g *Gauge) Wet(n int, h unit.Length) error {
	t, err := g.tank(n)
	if err == nil {
		t.wet = t.c.below(h)
	}
	return err
}

// Warm sets a tank's temperature.
func (g *Gauge) Warm(n int, d unit.Degrees) error {
	t, err := g.tank(n)
	if err == nil {
		t.degrees = d
	}
	return err
}

// Truth is what is really in a tank: fuel now and at the reference temperature, and the height of the surface.
func (g *Gauge) Truth(now clock.Instant, n int) (fuel, net unit.Quantity, surface unit.Length, err error) {
	t, err := g.tank(n)
	if err != nil {
		return 0, 0, 0, err
	}
	g.settle(now)
	return unit.Quantity(t.gross() / microlitre), unit.Quantity(t.net / microlitre), t.c.height(t.gross() + t.wet), nil
}

// Leaked is what a tank has lost, at the reference temperature; 0 for one that is not there.
func (g *Gauge) Leaked(n int) unit.Quantity {
	t, err := g.tank(n)
	if err != nil {
		return 0
	}
	return unit.Quantity(t.lost / microlitre)
}

// Stick is what a person's stick shows: the surface, the water, the temperature.
func (g *Gauge) Stick(now clock.Instant, n int) (surface, water unit.Length, degrees unit.Degrees, err error) {
	t, err := g.tank(n)
	if err != nil {
		return 0, 0, 0, err
	}
	g.settle(now)
	return t.c.height(t.gross() + t.wet), t.c.height(t.wet), t.degrees, nil
}

// Table is the calibration table of a tank: litres in hundredths below each height, a line every so many millimetres.
func (g *Gauge) Table(n, every int) (list []unit.Quantity, err error) {
	t, err := g.tank(n)
	if err != nil {
		return nil, err
	}
	for mm := 0; ; mm += every {
		mm = min(mm, len(t.c)-1)
		list = append(list, unit.Quantity(t.c[mm]/microlitre))
		if mm == len(t.c)-1 {
			return list, nil
		}
	}
}

// settle lets time do its work in the tanks: trucks pour, leaks run.
func (g *Gauge) settle(now clock.Instant) {
	if g.cfg.Before != nil {
		g.cfg.Before(now)
	}
	for _, t := range g.tanks {
		if t.at == 0 {
			t.at = now
		}
		t.run(now, g)
	}
}

// run brings a tank to now.
func (t *tank) run(now clock.Instant, g *Gauge) {
	passed := int64(now.Sub(t.at) / time.Millisecond)
	if passed <= 0 {
		return
	}
	before := t.at
	t.at = t.at.Add(time.Duration(passed) * time.Millisecond)
	if t.leak > 0 {
		gone := min(t.net, t.leak*passed/3600_000)
		t.net, t.lost = t.net-gone, t.lost+gone
	}
	if x := t.truck; x != nil {
		pour := min(x.left, x.perSec*passed/1000)
		add := t.shrink(pour, x.degrees)
		if t.net+add > 0 { // the mixture's temperature
			t.degrees = unit.Degrees((int64(t.degrees)*(t.net/1000) + int64(x.degrees)*(add/1000)) / ((t.net + add) / 1000))
		}
		t.net += add
		if x.left -= pour; x.left <= 0 {
			t.truck, t.ended = nil, before.Add(time.Duration(pour*1000/x.perSec)*time.Millisecond)
		}
	}
	if t.active && t.truck == nil && now.Sub(t.ended) >= deliveryEnd {
		t.end(g, now)
	}
}

func (t *tank) mark(l tls350.Level) tls350.Mark {
	return tls350.Mark{Volume: l.Volume, Compensated: l.Compensated, Water: l.Water, Temperature: l.Temperature}
}

// minute is now on the console's clock.
func minute(now clock.Instant) clock.Civil {
	c := now.Civil()
	c.Second = 0
	return c
}

func (t *tank) begin(g *Gauge, now clock.Instant) {
	l := g.level(t)
	t.active = true
	t.begun = tls350.Delivery{Start: minute(now), Before: t.mark(l), HeightBefore: l.Height}
}

func (t *tank) end(g *Gauge, now clock.Instant) {
	l := g.level(t)
	t.begun.End, t.begun.After, t.begun.HeightAfter = minute(now), t.mark(l), l.Height
	t.active = false
	t.events = append([]tls350.Delivery{t.begun}, t.events[:min(len(t.events), tls350.MaxDeliveries-1)]...)
}

// level is what the console shows of a tank.
func (g *Gauge) level(t *tank) tls350.Level {
	l := tls350.Level{Tank: t.Number, Product: t.Product}
	if t.active {
		l.Status |= tls350.Delivering
	}
	switch t.probe {
	case Out:
		l.Status |= tls350.InvalidHeight
		return l
	case Stuck:
		status := l.Status
		l = t.frozen
		l.Status = status
		return l
	}
	noise := unit.Length(g.rnd.IntN(probeNoise+1) - probeNoise/2)
	l.Height = t.c.height(t.gross()+t.wet) + noise
	l.Water = t.c.height(t.wet)
	l.WaterVolume = unit.Quantity(t.c.below(l.Water) / microlitre)
	l.Temperature = t.degrees
	volume := max(0, t.c.below(l.Height)-t.c.below(l.Water))
	l.Volume = unit.Quantity(volume / microlitre)
	l.Compensated = unit.Quantity(t.shrink(volume, t.degrees) / microlitre)
	l.Ullage = max(0, unit.Quantity(t.c.full()/microlitre)-l.Volume-l.WaterVolume)
	return l
}

// alarms of a tank by what the console shows.
func (t *tank) alarms(l tls350.Level) (list []tls350.Alarm) {
	if t.probe == Out {
		return []tls350.Alarm{tls350.ProbeOut}
	}
	if t.MostWet > 0 && l.Water > t.MostWet {
		list = append(list, tls350.HighWater)
	}
	if l.Volume < t.Reorder {
		list = append(list, tls350.DeliveryNeeded)
	}
	return list
}

// Receive takes bytes of the line.
func (g *Gauge) Receive(now clock.Instant, data []byte) {
	if !g.on || g.way == Dead {
		return
	}
	wait := g.cfg.Answer
	if g.way == Slow {
		wait = slowTime
	}
	g.in.Decode(data, func(q []byte) {
		if len(g.pending) < maxQueue {
			g.pending = append(g.pending, pending{now.Add(wait), slices.Clone(q)})
		}
	})
}

// Due is when Wake is wanted.
func (g *Gauge) Due() clock.Instant {
	if len(g.pending) == 0 {
		return clock.Never
	}
	return g.pending[0].at
}

// Wake answers what is due.
func (g *Gauge) Wake(now clock.Instant) {
	for len(g.pending) > 0 && g.pending[0].at <= now {
		q := g.pending[0].q
		g.pending = g.pending[1:]
		g.settle(now)
		b := g.answer(now, q)
		if g.way == Garbage {
			b[1+g.rnd.IntN(len(b)-2)] ^= 0x11
		}
		g.out = append(g.out, b)
	}
}

// Take hands over what the console sends.
func (g *Gauge) Take() [][]byte {
	out := g.out
	g.out = nil
	return out
}

func (g *Gauge) answer(now clock.Instant, q []byte) []byte {
	r, err := tls350.ParseRequest(q)
	var asked []*tank
	for _, t := range g.tanks {
		if r.Tank == 0 || t.Number == r.Tank {
			asked = append(asked, t)
		}
	}
	var a tls350.Answer
	switch {
	case err != nil || len(asked) == 0:
		return tls350.Unknown()
	case r.Function == tls350.FuncInventory:
		x := &tls350.Inventory{Asked: r.Tank, At: minute(now)}
		for _, t := range asked {
			x.Tanks = append(x.Tanks, g.level(t))
		}
		a = x
	case r.Function == tls350.FuncDeliveries:
		x := &tls350.Deliveries{Asked: r.Tank, At: minute(now)}
		for _, t := range asked {
			x.Tanks = append(x.Tanks, tls350.TankDeliveries{Tank: t.Number, Product: t.Product, Deliveries: t.events})
		}
		a = x
	case r.Function == tls350.FuncStatus:
		x := &tls350.Status{Asked: r.Tank, At: minute(now)}
		for _, t := range asked {
			x.Tanks = append(x.Tanks, tls350.TankStatus{Tank: t.Number, Alarms: t.alarms(g.level(t))})
		}
		a = x
	default:
		return tls350.Unknown()
	}
	b, err := tls350.Encode(a)
	if err != nil {
		panic("gauge: " + err.Error()) // a tank that New has taken can be shown
	}
	return b
}
