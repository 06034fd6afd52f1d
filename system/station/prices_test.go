package station

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"time"

	"greylock/system/wire/fa"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

func (r *rig) placed() {
	r.put(record.TopicLayout, 1, record.Layout{Name: "站", Superior: make(record.Hex, 4), Station: make(record.Hex, 4),
		Ports: []record.PortPlan{{Port: 1, POSP: 1, Nozzle: 1, NZN: 1, Product: "1031"}}})
}

func table(effective string, now, next unit.Price) record.PriceTable {
	return record.PriceTable{Effective: effective, Now: []record.Price{{Product: "1031", Price: now}}, Next: []record.Price{{Product: "1031", Price: next}}}
}

// has lets the board say which versions it has.
func (r *rig) has(prices byte) {
	r.t.Helper()
	r.board(&fa.Info{Maker: fa.MakerOf("TEST"), Time: fa.StampOf(r.now.Civil()), Nozzles: []fa.NZN{1}, Versions: fa.Versions{Price: prices, Station: 1}})
	r.flush()
}

func (r *rig) pass(d time.Duration) {
	r.now = r.now.Add(d)
	r.c.Wake(r.now)
	r.take()
	r.flush()
}

func (r *rig) prices() (a Prices) {
	r.t.Helper()
	r.c.Serve(r.now, 1, PathPrices, nil)
	r.take()
	if err := json.Unmarshal(r.last.Body, &a); err != nil || r.last.Status != http.StatusOK || len(a.Nozzles) != 1 {
		r.t.Fatalf("%d %s", r.last.Status, r.last.Body)
	}
	return a
}

// station is the station info that the board would fetch now.
func (r *rig) station() fa.StationInfo {
	r.t.Helper()
	o, err := r.c.orders.forPort(1, r.c.port(1).pricing)
	if err != nil {
		r.t.Fatal(err)
	}
	s, err := fa.ParseStationInfo(o.Files[fa.ContentStation])
	if err != nil || s.Version != o.Versions.Station {
		r.t.Fatalf("%+v, announced %d: %v", s, o.Versions.Station, err)
	}
	return s
}

// TestNozzleWithoutPricesIsShut: at the minute of a change a board that has not said that it has it gets a station info without
// its nozzle, and an alarm; once it has, the nozzle is free again. All of it survives replay.
func TestNozzleWithoutPricesIsShut(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.placed()
	r.put(record.TopicPrices, 1, table("202611221600", 785, 785))
	r.has(1)
	if a := r.prices(); a.Nozzles[0].Acknowledged != 1 || !a.Current || !a.InForce {
		t.Fatalf("acknowledged: %+v", a)
	}
	r.put(record.TopicPrices, 2, table("202611221710", 785, 799))
	r.pass(5 * time.Minute)
	if a := r.prices(); a.Current || a.InForce || a.Nozzles[0].Shut || r.facts("price.nozzle-shut") != 0 {
		t.Fatalf("before the minute: %+v", a)
	}
	r.pass(5*time.Minute - time.Second)
	r.board(&fa.Poll{}) // it is there, and can be told
	r.pass(time.Second)
	r.pass(time.Second)
	if a := r.prices(); !a.InForce || !a.Nozzles[0].Shut || r.facts("price.nozzle-shut") != 1 || r.facts("alarm") == 0 {
		t.Fatalf("at the minute: %+v, %d shut", a, r.facts("price.nozzle-shut"))
	}
	if s := r.station(); len(s.Nozzles) != 0 || s.Version != 2 {
		t.Fatalf("station info while shut: %+v", s)
	}
	r.board(&fa.Poll{})
	r.has(1) // still the old ones
	if a := r.prices(); !a.Nozzles[0].Shut {
		t.Fatalf("freed by old prices: %+v", a)
	}
	r.has(2)
	if a := r.prices(); !a.Current || a.Nozzles[0].Shut || a.Nozzles[0].Acknowledged != 2 {
		t.Fatalf("freed: %+v", a)
	}
	if s := r.station(); len(s.Nozzles) != 1 || s.Version != 3 {
		t.Fatalf("station info: %+v", s)
	}
	again := newRig(t)
	for i, f := range r.log {
		again.c.Apply(uint64(i+1), f)
	}
	again.now = r.now
	before, after := r.prices(), again.prices()
	before.Nozzles[0].Online, after.Nozzles[0].Online = false, false // the line is not the journal's
	if x, y := toJSON(t, before), toJSON(t, after); x != y || again.c.port(1).pricing.turns != 2 {
		t.Errorf("after replay %s, before %s", y, x)
	}
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestBoardThatIsAskedInTimeIsNotShut: before the minute of a change the board is asked which version it has.
func TestBoardThatIsAskedInTimeIsNotShut(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.placed()
	r.has(0)
	r.put(record.TopicPrices, 1, table("202611221710", 785, 799))
	r.pass(9*time.Minute + 40*time.Second)
	r.board(&fa.Poll{})
	r.has(0)
	r.sent[1] = nil
	for range 8 {
		r.pass(time.Second)
	}
	asked := 0
	for _, f := range r.sent[1] {
		if m, err := fa.Parse(f); err == nil && m.Word() == fa.WordInfo {
			asked++
		}
	}
	r.has(1)
	r.pass(13 * time.Second)
	if a := r.prices(); a.Nozzles[0].Shut || !a.Current || asked == 0 {
		t.Errorf("%+v, asked %d times", a, asked)
	}
}

// TestSaleNamesItsPrices: each sale carries the version by which it was authorised; one by outdated prices is alarmed.
func TestSaleNamesItsPrices(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.placed()
	r.put(record.TopicPrices, 4, table("202611221500", 785, 785))
	r.has(4)
	r.put(record.TopicPrices, 5, table("202611221800", 785, 799))
	sell := func(ttc fa.POSTTC, price unit.Price) record.DispenserRecord {
		t.Helper()
		x := sale(ttc)
		x.Price = price
		x.Amount, _ = unit.Amount(x.Volume, price)
		x.Time = fa.StampOf(r.now.Civil())
		x.Product = fa.Product{0x10, 0x31}
		r.board(&fa.Upload{Record: x})
		r.flush()
		for i := len(r.log) - 1; i >= 0; i-- {
			if f, ok := r.log[i].(record.DispenserRecord); ok {
				return f
			}
		}
		t.Fatal("no record")
		return record.DispenserRecord{}
	}
	stale := func() (n int) {
		for _, f := range r.log {
			if a, ok := f.(record.Alarm); ok && a.Kind == "price-stale" {
				n++
			}
		}
		return n
	}
	if f := sell(1, 785); f.PriceVersion != 4 || stale() != 0 {
		t.Errorf("by the acknowledged prices: version %d, %d alarms", f.PriceVersion, stale())
	}
	r.now = r.now.Add(30 * time.Minute)
	r.has(5)
	if f := sell(2, 785); f.PriceVersion != 5 || stale() != 0 {
		t.Errorf("by the next ones before their minute: version %d, %d alarms", f.PriceVersion, stale())
	}
	r.now = r.now.Add(31 * time.Minute)
	if f := sell(3, 799); f.PriceVersion != 5 || stale() != 0 {
		t.Errorf("after their minute: version %d, %d alarms", f.PriceVersion, stale())
	}
	r.now = r.now.Add(5 * time.Minute)
	if f := sell(4, 785); f.PriceVersion != 4 || stale() != 1 {
		t.Errorf("by the old ones after it: version %d, %d alarms", f.PriceVersion, stale())
	}
	if f := sell(5, 123); f.PriceVersion != 0 || stale() != 1 {
		t.Errorf("by none: version %d, %d alarms", f.PriceVersion, stale())
	}
}

// TestNozzleOutOfReachSellsOn: a board that does not answer can not be closed: that is what is said, until it is there again.
func TestNozzleOutOfReachSellsOn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.placed()
	r.put(record.TopicPrices, 1, table("202611221600", 785, 785))
	r.has(1)
	r.put(record.TopicPrices, 2, table("202611221710", 785, 799))
	for range 11 {
		r.pass(time.Minute) // nobody answers
	}
	a, kinds := r.prices().Nozzles[0], r.alarms()
	if a.Shut || !a.Open || a.Acknowledged != 1 || !slices.Contains(kinds, "price-unreached") || slices.Contains(kinds, "price-missing") {
		t.Fatalf("out of reach: %+v, alarms %v", a, kinds)
	}
	var f record.NozzleShut
	for _, x := range r.log {
		if x, ok := x.(record.NozzleShut); ok {
			f = x
		}
	}
	if !f.Unreached || f.Version != 2 {
		t.Errorf("fact %+v", f)
	}
	r.has(1) // there again, with its old prices: it is given a station info without its nozzle
	if a := r.prices().Nozzles[0]; !a.Shut || a.Open || len(r.station().Nozzles) != 0 {
		t.Errorf("reached: %+v", a)
	}
	r.has(2)
	if a := r.prices().Nozzles[0]; a.Shut || a.Open || a.Acknowledged != 2 {
		t.Errorf("freed: %+v", a)
	}
}

// TestVersionNumbersWrap: 255 orders later a number means another version. A board that was away so long is offered another number than
// it holds, and is not taken to have what it never fetched; the same after replay.
func TestVersionNumbersWrap(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.placed()
	r.put(record.TopicPrices, 1, table("202611221600", 785, 785))
	r.has(1)
	for v := uint64(2); v <= 256; v++ {
		r.put(record.TopicPrices, v, table("202611221600", unit.Price(600+v), unit.Price(600+v)))
	}
	r.has(1)
	if a := r.prices(); a.Version != 256 || a.Nozzles[0].Acknowledged != 1 || a.Current {
		t.Fatalf("the old number is taken for the new version: %+v", a)
	}
	o, err := r.c.orders.forPort(1, r.c.port(1).pricing)
	if err != nil || o.Versions.Price != 2 || o.Files[fa.ContentPrice][0] != 2 {
		t.Fatalf("offered %+v %v", o.Versions, err)
	}
	r.has(2)
	if a := r.prices(); a.Nozzles[0].Acknowledged != 256 || !a.Current {
		t.Fatalf("not acknowledged: %+v", a)
	}
	for v := uint64(257); v <= 258; v++ {
		r.put(record.TopicPrices, v, table("202611221600", unit.Price(600+v), unit.Price(600+v)))
		o, err := r.c.orders.forPort(1, r.c.port(1).pricing)
		if err != nil || o.Versions.Price == r.c.port(1).pricing.has {
			t.Fatalf("version %d is offered under the number that the board holds: %+v %v", v, o.Versions, err)
		}
		r.has(o.Versions.Price)
		if a := r.prices(); a.Nozzles[0].Acknowledged != v {
			t.Fatalf("version %d: %+v", v, a)
		}
	}
	again := newRig(t)
	for i, f := range r.log {
		again.c.Apply(uint64(i+1), f)
	}
	if x, y := again.c.port(1).pricing, r.c.port(1).pricing; x.has != y.has || x.acked() != y.acked() {
		t.Errorf("after replay %d %d, before %d %d", x.has, x.acked(), y.has, y.acked())
	}
}
