package gauge_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"greylock/emulators/gauge"
	"greylock/system/clock"
	"greylock/system/wire/tls350"
	"greylock/system/wire/unit"
)

var start = clock.At(2026, 11, 22, 8, 0, 0)

func plan() gauge.Plan {
	return gauge.Plan{Number: 1, Product: '1', Diameter: 2500, Length: 6100, Fuel: 1000000, Water: 120, Degrees: 2000, Reorder: 500000, MostWet: 500}
}

func console(t *testing.T, plans ...gauge.Plan) *gauge.Gauge {
	t.Helper()
	g, err := gauge.New(gauge.Config{Tanks: plans, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	g.PowerOn(start)
	return g
}

// ask puts a question and takes the answer.
func ask(t *testing.T, g *gauge.Gauge, now clock.Instant, f tls350.Function) tls350.Answer {
	t.Helper()
	b, err := tls350.Request{Function: f}.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	g.Receive(now, b[:3])
	g.Receive(now, b[3:])
	due := g.Due()
	if due == clock.Never || due < now {
		t.Fatalf("due %v", due)
	}
	g.Wake(due)
	out := g.Take()
	if len(out) != 1 {
		t.Fatalf("%d answers", len(out))
	}
	a, err := tls350.Parse(out[0])
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func level(t *testing.T, g *gauge.Gauge, now clock.Instant) tls350.Level {
	t.Helper()
	return ask(t, g, now, tls350.FuncInventory).(*tls350.Inventory).Tanks[0]
}

// The table is that of the formula in any textbook: r² acos((r−h)/r) − (r−h) √(2rh−h²), times the length.
func TestTableIsACylinder(t *testing.T) {
	t.Parallel()
	g := console(t, plan())
	table, err := g.Table(1, 50)
	if err != nil {
		t.Fatal(err)
	}
	const r, length = 1.25, 6.1
	for i, got := range table {
		h := float64(i) * 0.05
		want := (r*r*math.Acos((r-h)/r) - (r-h)*math.Sqrt(max(0, 2*r*h-h*h))) * length * 1000 * 100
		if math.Abs(float64(got)-want) > 20 { // 0.2 L
			t.Errorf("%d mm: %v, want %.2f", i*50, got, want/100)
		}
	}
}

func TestPumpTruckAndLeakMoveTheLevel(t *testing.T) {
	t.Parallel()
	g := console(t, plan())
	first := level(t, g, start)
	if d := first.Volume - 1000000; abs(d) > 500 || first.Temperature != 2000 || first.Water < 118 || first.Water > 120 {
		t.Fatalf("%+v", first)
	}
	if err := g.Draw(1, 20000); err != nil {
		t.Fatal(err)
	}
	second := level(t, g, start.Add(time.Minute))
	if d := first.Volume - second.Volume - 20000; abs(d) > 800 {
		t.Errorf("drew 200 L: %v to %v", first.Volume, second.Volume)
	}
	if err := g.Unload(start.Add(time.Minute), 1, 500000, 1000, 1000); err != nil {
		t.Fatal(err)
	}
	if err := g.Unload(start.Add(time.Minute), 1, 1, 1000, 1000); err == nil {
		t.Error("two trucks at one tank")
	}
	busy := level(t, g, start.Add(3*time.Minute))
	if busy.Status&tls350.Delivering == 0 || busy.Volume <= second.Volume {
		t.Errorf("truck: %+v", busy)
	}
	full := level(t, g, start.Add(10*time.Minute))
	if full.Status != 0 || full.Temperature >= 2000 || full.Temperature < 1500 {
		t.Errorf("after the truck: %+v", full)
	}
	d := ask(t, g, start.Add(11*time.Minute), tls350.FuncDeliveries).(*tls350.Deliveries).Tanks[0].Deliveries
	if len(d) != 1 || d[0].After.Volume-d[0].Before.Volume < 490000 {
		t.Errorf("%+v", d)
	}
	if err := g.Leak(start.Add(11*time.Minute), 1, 10000); err != nil {
		t.Fatal(err)
	}
	last := level(t, g, start.Add(11*time.Minute+time.Hour))
	if lost := full.Compensated - last.Compensated - 10000; abs(lost) > 800 {
		t.Errorf("leak of 100 L: %v to %v", full.Compensated, last.Compensated)
	}
}

// Warmth swells the fuel; the compensated volume stays.
func TestWarmth(t *testing.T) {
	t.Parallel()
	g := console(t, plan())
	cold := level(t, g, start)
	if err := g.Warm(1, 3000); err != nil {
		t.Fatal(err)
	}
	warm := level(t, g, start.Add(time.Minute))
	if swell := warm.Volume - cold.Volume - 11928; abs(swell) > 800 { // 10 000 L × 1200 ppm × 10 degrees / 1.006
		t.Errorf("swells by %v", warm.Volume-cold.Volume)
	}
	if d := warm.Compensated - cold.Compensated; abs(d) > 800 {
		t.Errorf("compensated moves by %v", d)
	}
}

func TestProbesAndWays(t *testing.T) {
	t.Parallel()
	g := console(t, plan())
	frozen := level(t, g, start)
	if err := g.Probe(start, 1, gauge.Stuck); err != nil {
		t.Fatal(err)
	}
	if err := g.Draw(1, 100000); err != nil {
		t.Fatal(err)
	}
	if got := level(t, g, start.Add(time.Hour)); got.Volume-frozen.Volume > 500 || frozen.Volume-got.Volume > 500 {
		t.Errorf("stuck: %+v", got)
	}
	if err := g.Probe(start, 1, gauge.Out); err != nil {
		t.Fatal(err)
	}
	if got := level(t, g, start.Add(time.Hour)); got.Volume != 0 || got.Status != tls350.InvalidHeight {
		t.Errorf("out: %+v", got)
	}
	s := ask(t, g, start.Add(time.Hour), tls350.FuncStatus).(*tls350.Status)
	if len(s.Tanks[0].Alarms) != 1 || s.Tanks[0].Alarms[0] != tls350.ProbeOut {
		t.Errorf("alarms %+v", s)
	}
	g.Set(gauge.Garbage)
	q := []byte("\x01i20100")
	g.Receive(start, q)
	g.Wake(g.Due())
	if _, err := tls350.Parse(g.Take()[0]); err == nil {
		t.Error("garbage is no garbage")
	}
	g.Set(gauge.Dead)
	g.Receive(start, q)
	if g.Due() != clock.Never {
		t.Error("a dead console answers")
	}
	g.Set(gauge.Normal)
	g.Receive(start, []byte("\x01I20100\x01i20109\x01i99900"))
	g.Wake(g.Due())
	for _, b := range g.Take() {
		if _, err := tls350.Parse(b); !errors.Is(err, tls350.ErrUnknown) {
			t.Errorf("%q: %v", b, err)
		}
	}
}

func TestWaterAndReorder(t *testing.T) {
	t.Parallel()
	p := plan()
	p.Fuel = 400000
	g := console(t, p)
	if err := g.Wet(1, 600); err != nil {
		t.Fatal(err)
	}
	s := ask(t, g, start, tls350.FuncStatus).(*tls350.Status)
	if a := s.Tanks[0].Alarms; len(a) != 2 || a[0] != tls350.HighWater || a[1] != tls350.DeliveryNeeded {
		t.Errorf("%+v", s)
	}
	fuel, net, surface, err := g.Truth(start, 1)
	if err != nil || fuel != 400000 || net >= fuel || surface == 0 {
		t.Errorf("%v %v %v %v", fuel, net, surface, err)
	}
}

func TestWrongPlans(t *testing.T) {
	t.Parallel()
	over := plan()
	over.Fuel = unit.Quantity(9000000)
	thin := plan()
	thin.Diameter = 10
	for _, plans := range [][]gauge.Plan{nil, {over}, {thin}, make([]gauge.Plan, 17)} {
		if _, err := gauge.New(gauge.Config{Tanks: plans}); err == nil {
			t.Errorf("%d tanks: no error", len(plans))
		}
	}
	g := console(t, plan())
	if err := errors.Join(g.Draw(2, 1)); err == nil {
		t.Error("tank 2")
	}
}

func abs(q unit.Quantity) unit.Quantity { return max(q, -q) }
