package tank

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greylock/system/clock"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

var start = clock.At(2026, 11, 22, 8, 0, 0)

// rig is a tank of 30 000 L, what really lies in it (at 15 °C, where a litre is a litre), and its watch.
type rig struct {
	t    *testing.T
	b    Book
	w    Watch
	now  clock.Instant
	fuel unit.Quantity
	live Live
	said []string
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t, now: start, fuel: 1000000}
	r.live = Live{Temperature: reference, Height: 12000, Water: 100}
	r.b.Configure([]record.TankPlan{{Tank: 1, Product: "1031", Capacity: 3000000, Nozzles: []record.Nozzle{1, 2}, Reorder: 400000, MostWater: 500,
		TableStep: 200, Table: []unit.Quantity{0, 10000, 30000}}})
	return r
}

// apply takes facts as the station does once they are durable.
func (r *rig) apply(facts []record.Fact, wrong []Trouble) {
	for _, f := range facts {
		switch f := f.(type) {
		case record.TankDip:
			r.b.Dipped(f)
		case record.DeliveryOpened:
			r.b.Opened(f)
		case record.DeliveryClosed:
			r.b.Closed(f)
		}
	}
	for _, a := range wrong {
		r.said = append(r.said, a.Kind)
	}
}

// pass lets the gauge look every 20 seconds; each look gains or loses so much.
func (r *rig) pass(d time.Duration, each unit.Quantity) {
	for end := r.now.Add(d); r.now < end; {
		r.now = r.now.Add(20 * time.Second)
		r.fuel += each
		r.live.Volume, r.live.Net = r.fuel, r.fuel
		r.apply(r.w.Look(r.now, &r.b, r.b.Tank(1), r.live))
	}
}

// sell draws fuel and books it.
func (r *rig) sell(n record.Nozzle, q unit.Quantity) {
	r.fuel -= q
	r.now++
	r.b.Sold(n, r.now.Milli()+1, r.now.Milli()+1, q)
}

func (r *rig) hears(want ...string) {
	r.t.Helper()
	if d := cmp.Diff(want, r.said); d != "" {
		r.t.Errorf("at %v:\n%s", r.now.Sub(start), d)
	}
	r.said = nil
}

func (r *rig) period() Period {
	r.t.Helper()
	p, ok := r.b.Tank(1).Period(0, r.now.Milli())
	if !ok {
		r.t.Fatal("no period")
	}
	return p
}

func TestHourlyDipsBalance(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for range 24 {
		r.sell(1, 4000)
		r.sell(2, 2500)
		r.pass(time.Hour, 0)
	}
	p := r.period()
	if p.Dips < 22 || p.Difference != 0 || !p.OK || p.Metered < 22*6500 || p.Tolerance != gaugeBase+p.Sold*3/1000 {
		t.Errorf("%+v", p)
	}
	r.hears()
}

func TestDeliveryWithSales(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.pass(30*time.Minute, 0)
	r.pass(time.Minute, 30000)
	d, under := r.b.Under(1)
	if !under || d.Number != 1 {
		t.Fatalf("%+v %v", d, under)
	}
	r.b.Noted(record.DeliveryNoted{Tank: 1, Delivery: 1, Note: "017", Net: 530000, By: "1001"})
	r.sell(1, 6000)
	r.pass(5*time.Minute, 30000)
	r.sell(2, 3000)
	r.pass(10*time.Minute, 0)
	d, _ = r.b.Delivery(1)
	if d.ClosedMs == 0 || d.Net != 540000 || d.Sold != 9000 || d.Measured != 540000 || d.Short != 0 {
		t.Errorf("%+v", d)
	}
	r.sell(1, 6000)
	r.pass(2*time.Hour, 0)
	if p := r.period(); p.Difference != 0 || p.Delivered != 540000 || p.Sold != 15000 {
		t.Errorf("%+v", p)
	}
	if _, ok := r.b.Unnoted(1); ok || r.b.Next() != 2 || len(r.b.Deliveries(1, 9)) != 1 || len(r.b.Deliveries(2, 9)) != 0 {
		t.Error("the delivery has its note")
	}
	r.hears()
}

func TestShortDelivery(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.pass(time.Minute, 0)
	r.pass(time.Minute, 100000)
	r.b.Noted(record.DeliveryNoted{Tank: 1, Delivery: 1, Note: "018", Net: 310000, By: "1001"})
	r.pass(5*time.Minute, 0)
	r.hears("delivery-short")
	if d, _ := r.b.Delivery(1); d.Short != 10000 {
		t.Errorf("%+v", d)
	}
	late, _ := r.b.Delivery(1)
	if late = late.With(record.DeliveryNoted{Note: "019", Net: 303000}); late.Short != 0 {
		t.Errorf("within the tolerance: %+v", late)
	}
}

func TestLeakIsHeardOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.pass(time.Hour, 0)
	r.pass(3*time.Hour, -10) // 18 L an hour
	r.hears("tank-leak", "tank-loss")
}

func TestLossWhileSelling(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for range 6 {
		r.sell(1, 4000)
		r.pass(time.Hour, -5)
	}
	r.hears("tank-loss")
	r.live.Blind = true // a board is off line: what is missing may still come
	r.pass(4*time.Hour, -5)
	r.hears()
	r = newRig(t)
	for range 6 {
		r.sell(1, 4000)
		r.pass(time.Hour, 5)
	}
	r.hears("tank-gain")
}

// TestSlowLeak: what loses less in a day than a day may be wrong by is heard after a week, once, and says of how many days.
func TestSlowLeak(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for range 6 * 24 {
		r.pass(time.Hour-20*time.Second, 0)
		r.pass(20*time.Second, -40) // 9.6 L a day
	}
	if d := cmp.Diff([]string{"tank-loss"}, r.said); d != "" {
		t.Error(d)
	}
	now := r.now.Milli()
	if p, ok := r.b.Tank(1).Period(now-day.Milliseconds(), now); !ok || !p.OK {
		t.Errorf("a day alone shows nothing: %+v", p)
	}
}

// TestLossIsSaidOnceAndAnew: a loss is one case while the week and the month that hold it are out; another one is another case.
func TestLossIsSaidOnceAndAnew(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	hour := func(lost unit.Quantity) {
		r.pass(time.Hour-20*time.Second, 0)
		r.b.Sold(1, r.now.Milli(), r.now.Milli(), lost) // fuel that the meter says was drawn, and the tank gave more
		r.pass(20*time.Second, -2*lost)
	}
	for h := range 5 * 24 {
		lost := unit.Quantity(0)
		if h == 10 || h == 80 {
			lost = 6000 // 60 L sold, 120 L gone
		}
		hour(lost)
	}
	if d := cmp.Diff([]string{"tank-loss", "tank-loss"}, r.said); d != "" {
		t.Error(d)
	}
	for range 31 * 24 {
		hour(0)
	}
	if len(r.said) != 2 {
		t.Errorf("said again: %q", r.said)
	}
}

func TestNozzleDrift(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for range 40 {
		r.sell(1, 4000)
		r.fuel += 120 // the meter shows 3 % more than it gives
		r.pass(time.Hour, 0)
		r.sell(2, 1000)
		r.pass(time.Hour, 0)
	}
	heard := map[string]bool{}
	for _, k := range r.said {
		heard[k] = true
	}
	p := r.period()
	if !heard["nozzle-drift"] || len(p.Drift) != 2 || p.Drift[0].Permille != -30 || p.Drift[1].Permille != 0 {
		t.Errorf("%v %+v", r.said, p.Drift)
	}
}

func TestLimitsAndStuckProbe(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.pass(time.Minute, 0)
	r.live.Water = 600
	r.pass(time.Minute, 0)
	r.live.Water = 100
	r.pass(time.Minute, 0)
	r.live.Water = 501
	r.pass(time.Minute, 0)
	r.hears("tank-water", "tank-water")
	r.live.Water = 0
	stood := r.fuel
	for range 4 {
		r.sell(1, 4000)
		r.fuel = stood
		r.pass(time.Hour, 0)
	}
	r.hears("gauge-stuck")
	r.fuel = stood - 16000
	r.pass(2*time.Minute, 0)
	if p := r.period(); p.Difference != 0 {
		t.Errorf("no dip of a stuck probe counts: %+v", p)
	}
	r.fuel = 399999
	r.pass(time.Minute, 0)
	r.hears("tank-reorder")
}

func TestByHand(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tank := r.b.Tank(1)
	dip := func(q unit.Quantity) {
		r.now = r.now.Add(time.Hour)
		f := record.TankDip{TimeMs: r.now.Milli(), Tank: 1, Why: record.DipHand, Volume: q, Net: q, Temperature: reference, By: "1001"}
		r.apply(r.w.Take(r.now, &r.b, tank, f, false))
	}
	dip(500000)
	r.b.Sold(1, r.now.Milli()+1, r.now.Milli()+1, 20000)
	dip(475000)
	r.hears() // 50 L is what a stick may be wrong by
	r.b.Sold(1, r.now.Milli()+1, r.now.Milli()+1, 5000)
	dip(770000)
	if d, ok := r.b.Delivery(1); !ok || d.Net != 300000 || d.ClosedMs == 0 || d.Sold != 5000 {
		t.Errorf("%+v", d)
	}
	if p := r.period(); p.Difference != 5000 || p.Tolerance < handBase || !p.OK {
		t.Errorf("%+v", p)
	}
	dip(750000)
	r.hears("tank-loss")
}

// A record that comes late counts in the span of its own time.
func TestLateSale(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.pass(time.Minute, 0)
	at := r.now.Milli() + 1
	r.fuel -= 3000
	r.live.Blind = true
	r.pass(3*time.Hour, 0)
	if p := r.period(); p.Difference != 3000 {
		t.Errorf("%+v", p)
	}
	r.b.Sold(1, at, r.now.Milli(), 3000)
	r.b.Sold(1, start.Milli()-1, r.now.Milli(), 3000) // before the first dip
	r.b.Sold(9, at, at, 3000)                         // no such nozzle
	if p := r.period(); p.Difference != 0 {
		t.Errorf("%+v", p)
	}
	r.hears()
}

// What nozzles have drawn and no record tells yet belongs to no one's loss.
func TestPending(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.pass(time.Minute, 0)
	r.live.Busy, r.live.Pending = true, 2000
	r.fuel -= 2000
	r.pass(time.Hour+2*dipLatest, 0) // busy beyond the hour: the dip does not wait for ever
	r.live.Busy, r.live.Pending = false, 0
	r.b.Sold(1, r.now.Milli()+1, r.now.Milli()+1, 2000)
	r.now = r.now.Add(2 * time.Millisecond)
	r.pass(90*time.Minute, 0)
	if p := r.period(); p.Dips != 3 || p.Difference != 0 || p.Metered != 2000 {
		t.Errorf("%+v", p)
	}
	r.hears()
}

func TestTableAndTemperature(t *testing.T) {
	t.Parallel()
	tank := newRig(t).b.Tank(1)
	for h, want := range map[unit.Length]unit.Quantity{0: 0, 100: 5000, 200: 10000, 250: 15000, 400: 30000} {
		if q, ok := tank.Volume(h); !ok || q != want {
			t.Errorf("%v mm: %v %v", h, q, ok)
		}
	}
	for _, h := range []unit.Length{-1, 401, 9999} {
		if q, ok := tank.Volume(h); ok {
			t.Errorf("%v mm: %v", h, q)
		}
	}
	if q := tank.Net(1000000, 2500); q != 988142 { // 10 000 L / 1.012
		t.Errorf("petrol: %v", q)
	}
	tank.Plan.Product = "2011"
	if q := tank.Net(1000000, 500); q != 1008369 { // 10 000 L / 0.9917
		t.Errorf("diesel: %v", q)
	}
	if _, ok := tank.Period(0, 1<<60); ok {
		t.Error("a period without dips")
	}
}

// The memory is bounded, and a layout that drops a tank forgets it.
func TestBounds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for i := range 2 * keepSpans {
		r.b.Dipped(record.TankDip{TimeMs: int64(i), Tank: 1})
	}
	for i := range 2 * keepDeliveries {
		r.b.Opened(record.DeliveryOpened{Delivery: i + 1, Tank: 1})
	}
	if len(r.b.tanks[0].spans) != keepSpans || len(r.b.deliveries) != keepDeliveries || r.b.Next() != 2*keepDeliveries+1 {
		t.Errorf("%d spans, %d deliveries", len(r.b.tanks[0].spans), len(r.b.deliveries))
	}
	r.b.Dipped(record.TankDip{Tank: 7})
	plan := r.b.tanks[0].Plan
	r.b.Configure([]record.TankPlan{plan, {Tank: 2}})
	if len(r.b.Tanks()) != 2 || len(r.b.tanks[0].spans) != keepSpans || r.b.Of(2) != r.b.tanks[0] || r.b.Of(3) != nil {
		t.Error("a new layout keeps the dips of what stays")
	}
	r.b.Configure(nil)
	if r.b.Tank(1) != nil {
		t.Error("a tank that is gone")
	}
}
