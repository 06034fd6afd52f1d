package station

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greylock/system/tank"
	"greylock/system/wire/record"
	"greylock/system/wire/tls350"
	"greylock/system/wire/unit"
)

// tanked is a station with one tank, without a gauge unless it is asked for.
func tanked(t *testing.T, withGauge bool) *rig {
	t.Helper()
	r := newRig(t)
	r.c.tanks = newTanks(withGauge)
	r.c.beside = r.c.devices()
	r.put(record.TopicLayout, 1, record.Layout{Name: "站", Superior: make(record.Hex, 4), Station: make(record.Hex, 4),
		Ports: []record.PortPlan{{Port: 1, POSP: 1, Nozzle: 1, NZN: 1, Product: "1031"}},
		Tanks: []record.TankPlan{{Tank: 1, Product: "1031", Capacity: 3000000, Nozzles: []record.Nozzle{1}, Reorder: 300000, MostWater: 500,
			TableStep: 1000, Table: []unit.Quantity{0, 100000, 300000, 600000, 1000000}}}})
	return r
}

// asks puts a question at the operator door and makes what it writes durable.
func asks[A any](r *rig, path string, body any) (a A) {
	r.t.Helper()
	line, err := json.Marshal(body)
	if err != nil {
		r.t.Fatal(err)
	}
	r.c.Serve(r.now, 1, path, line)
	r.take()
	r.flush()
	if err := json.Unmarshal(r.last.Body, &a); err != nil || r.last.Status != http.StatusOK {
		r.t.Fatalf("%s: %d %s", path, r.last.Status, r.last.Body)
	}
	return a
}

// refuses wants a code.
func (r *rig) refuses(path string, body any, code string) {
	r.t.Helper()
	line, err := json.Marshal(body)
	if err != nil {
		r.t.Fatal(err)
	}
	acts := len(r.acts)
	r.c.Serve(r.now, 1, path, line)
	r.take()
	if r.last.Status == http.StatusOK || !strings.Contains(string(r.last.Body), `"`+code+`"`) || len(r.acts) != acts {
		r.t.Errorf("%s %+v: %d %s, want %s", path, body, r.last.Status, r.last.Body, code)
	}
}

func (r *rig) dips(height unit.Length) record.TankDip {
	r.now = r.now.Add(time.Hour)
	return asks[record.TankDip](r, PathTankDip, DipTank{Tank: 1, By: "1001", Hand: true, Height: height, Temperature: 1500})
}

func TestTankByHand(t *testing.T) {
	t.Parallel()
	r := tanked(t, false)
	if a := asks[Tanks](r, PathTanks, struct{}{}); a.Gauge != "none" || len(a.Tanks) != 1 || a.Tanks[0].Known {
		t.Errorf("%+v", a)
	}
	if p := asks[Periods](r, PathTankReconcile, AskPeriod{}); p.OK || len(p.Missing) != 1 {
		t.Errorf("no dips: %+v", p)
	}
	if d := r.dips(2000); d.Volume != 300000 || d.Net != 300000 || d.Why != record.DipHand || d.By != "1001" {
		t.Errorf("%+v", d)
	}
	r.c.Apply(100, record.PlainSold{TimeMs: r.now.Milli() + 1, Nozzle: 1, Quantity: 19000, Moved: 20000})
	r.c.Apply(101, record.TestReturned{TimeMs: r.now.Milli() + 2, Nozzle: 1, Quantity: 10000})
	r.now = r.now.Add(time.Minute)
	r.refuses(PathTankDelivery, NoteDelivery{Tank: 1, Note: "1", Net: 100, By: "1001"}, "NO_DELIVERY")
	r.dips(3500) // 8000 L: 5100 came
	list := asks[Deliveries](r, PathDeliveries, AskDeliveries{}).Deliveries
	if len(list) != 1 || list[0].Net != 510000 || list[0].Sold != 10000 || list[0].ClosedMs == 0 {
		t.Fatalf("%+v", list)
	}
	d := asks[tank.Delivery](r, PathTankDelivery, NoteDelivery{Tank: 1, Note: "017", Net: 520000, By: "1001"})
	if d.Short != 10000 || r.alarms()[len(r.alarms())-1] != "delivery-short" {
		t.Errorf("%+v %v", d, r.alarms())
	}
	r.refuses(PathTankDelivery, NoteDelivery{Tank: 1, Delivery: 1, Note: "018", Net: 520000, By: "1001"}, "NOTED")
	p := asks[Periods](r, PathTankReconcile, AskPeriod{Tank: 1})
	if !p.OK || p.Periods[0].Difference != 0 || p.Periods[0].Metered != 10000 || p.Periods[0].Delivered != 510000 {
		t.Errorf("%+v", p)
	}
	if a := asks[Tanks](r, PathTanks, struct{}{}); !a.Tanks[0].Known || a.Tanks[0].Live || a.Tanks[0].Ullage != 2200000 {
		t.Errorf("%+v", a)
	}
}

func TestTankRefusals(t *testing.T) {
	t.Parallel()
	r := tanked(t, false)
	litres := unit.Quantity(5000000)
	for code, q := range map[string]DipTank{
		"BY": {Tank: 1, Hand: true}, "UNKNOWN_TANK": {Tank: 2, By: "x"}, "GAUGE_OFFLINE": {Tank: 1, By: "x"},
		"NO_TABLE": {Tank: 1, By: "x", Hand: true, Height: 5000},
	} {
		r.refuses(PathTankDip, q, code)
	}
	for _, q := range []DipTank{{Height: 1000, Water: 1001}, {Height: -1}, {Height: 100, Temperature: 9000}, {Volume: &litres}} {
		q.Tank, q.By, q.Hand = 1, "x", true
		r.refuses(PathTankDip, q, "DIP")
	}
	r.refuses(PathTankDelivery, NoteDelivery{Tank: 1, By: "x", Net: 1}, "NOTE")
	minus := unit.Quantity(-1)
	r.refuses(PathTankDip, DipTank{Tank: 1, By: "x", Hand: true, Volume: &minus}, "DIP")
	r.refuses(PathTankDip, DipTank{Tank: -1, By: "x", Hand: true, Height: 1}, "UNKNOWN_TANK")
	for _, q := range []NoteDelivery{{Net: -1, Note: "1"}, {Net: mostVolume + 1, Note: "1"}, {Net: 1, Note: strings.Repeat("单", mostWords+1)}} {
		q.Tank, q.By = 1, "x"
		r.refuses(PathTankDelivery, q, "NOTE")
	}
	r.refuses(PathTankDelivery, NoteDelivery{Tank: 1, By: "x", Net: 1, Note: "1", Delivery: 9}, "NO_DELIVERY")
	r.refuses(PathTankDelivery, NoteDelivery{Tank: 1, Net: 1, Note: "1"}, "BY")
	r.refuses(PathTankReconcile, AskPeriod{Days: 400}, "DAYS")
	r.refuses(PathTankReconcile, AskPeriod{Days: -1}, "DAYS")
	r.refuses(PathTankReconcile, AskPeriod{FromMs: 2, ToMs: 1}, "DAYS")
	r.refuses(PathTankReconcile, AskPeriod{Tank: 3}, "UNKNOWN_TANK")
	r.refuses(PathDeliveries, AskDeliveries{Limit: 501}, "LIMIT")
	r.refuses(PathDeliveries, AskDeliveries{Tank: 3}, "UNKNOWN_TANK")
}

// gauges lets the console answer the station's question.
func (r *rig) gauges(a tls350.Answer) {
	r.t.Helper()
	b, err := tls350.Encode(a)
	if err != nil {
		r.t.Fatal(err)
	}
	r.now = r.now.Add(time.Second)
	r.c.Receive(r.now, GaugeLine, b)
	r.take()
	r.flush()
}

func TestTankByGauge(t *testing.T) {
	t.Parallel()
	r := tanked(t, true)
	r.c.Line(r.now, GaugeLine, true)
	r.take()
	at := r.now.Civil()
	at.Second = 0
	level := func(q unit.Quantity, status uint16) *tls350.Inventory {
		return &tls350.Inventory{At: at, Tanks: []tls350.Level{
			{Tank: 1, Product: '1', Status: status, Volume: q, Compensated: q, Height: 12000, Water: 100, Temperature: 1500},
			{Tank: 7, Product: '1', Volume: 1}, // not in the layout
		}}
	}
	status := func(a ...tls350.Alarm) *tls350.Status {
		return &tls350.Status{At: at, Tanks: []tls350.TankStatus{{Tank: 1, Alarms: a}}}
	}
	r.gauges(level(1000000, 0))
	r.gauges(status(tls350.ProbeOut, tls350.HighWater))
	r.gauges(&tls350.Deliveries{At: at})
	a := asks[Tanks](r, PathTanks, struct{}{})
	if a.Gauge != "online" || !a.Tanks[0].Live || a.Tanks[0].Volume != 1000000 || len(a.Tanks[0].Alarms) != 2 || r.facts("tank.dip") != 1 {
		t.Errorf("%+v, %d dips", a, r.facts("tank.dip"))
	}
	if d := asks[record.TankDip](r, PathTankDip, DipTank{Tank: 1, By: "1001"}); d.Why != record.DipAsked || d.Volume != 1000000 {
		t.Errorf("%+v", d)
	}
	round := func(x *tls350.Inventory) {
		r.now = r.c.deviceAt(GaugeLine).drive.Due()
		r.c.Wake(r.now)
		r.take()
		r.gauges(x)
		r.gauges(status())
	}
	round(level(3000001, 0))                 // more than it holds
	round(level(0, tls350.InvalidHeight))    // no height
	round(level(1200000, tls350.Delivering)) // a truck
	if d := asks[Tanks](r, PathTanks, struct{}{}).Tanks[0].Delivery; d != 1 {
		t.Errorf("delivery %d", d)
	}
	before := asks[Deliveries](r, PathDeliveries, AskDeliveries{})
	if diff := cmp.Diff([]string{"gauge-alarm", "gauge-strange"}, r.alarms()); diff != "" {
		t.Error(diff)
	}
	r.c.Line(r.now, GaugeLine, false)
	r.take()
	r.flush()
	if got := r.alarms(); got[len(got)-1] != "gauge-offline" {
		t.Errorf("%v", got)
	}
	again := newRig(t)
	for i, f := range r.log {
		again.c.Apply(uint64(i+1), f)
	}
	again.now = r.now
	if diff := cmp.Diff(before, asks[Deliveries](again, PathDeliveries, AskDeliveries{})); diff != "" {
		t.Errorf("replayed:\n%s", diff)
	}
	if diff := cmp.Diff(asks[Periods](r, PathTankReconcile, AskPeriod{}), asks[Periods](again, PathTankReconcile, AskPeriod{})); diff != "" {
		t.Errorf("replayed:\n%s", diff)
	}
}
