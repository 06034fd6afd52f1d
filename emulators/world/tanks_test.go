package world

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"greylock/emulators/gauge"
	"greylock/emulators/line"
	"greylock/system/clock"
	"greylock/system/station"
	"greylock/system/wire/record"
)

const tankSite = record.SiteID("0001")

// tankTown is the town of tanks.
func tankTown(t *testing.T, opt Options) *World {
	t.Helper()
	s, err := Load(os.DirFS("../../scenarios"), "tanks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	w, err := Start(s, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// ask calls the station's operator door.
func tankAsk[A any](t *testing.T, w *World, path string, body any) (a A) {
	t.Helper()
	status, text, err := w.Command(tankSite, path, body)
	if err != nil || status != http.StatusOK {
		t.Fatalf("%s: %d %s %v", path, status, text, err)
	}
	if err := json.Unmarshal(text, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

func tankFinish(t *testing.T, w *World) {
	t.Helper()
	r, err := w.Finish()
	if err != nil {
		t.Fatalf("%v\n%v", err, w.Notes())
	}
	for _, c := range r.Checks {
		if c.Name == "INV-13" && c.Evaluations < 4 {
			t.Errorf("INV-13 looked %d times", c.Evaluations)
		}
	}
}

// A truck unloads while a customer fills; both are booked, and the journal gives the same books again.
func TestTanksBookWhatLiesInThem(t *testing.T) {
	t.Parallel()
	w := tankTown(t, Options{Chunk: 100 * time.Millisecond, Poll: time.Second})
	if err := w.Until("量油", func() bool { return tankAsk[station.Tanks](t, w, station.PathTanks, nil).Tanks[1].Live }, time.Minute); err != nil {
		t.Fatal(err)
	}
	w.Pass(10 * time.Minute)
	if err := w.Truck(tankSite, 1, 1000000, 1000, 1500); err != nil {
		t.Fatal(err)
	}
	w.scenario.Visits = []Visit{{Card: "车队的卡", Nozzle: 1, PIN: "123456", Preset: "60升"}}
	if err := w.PlayVisits(); err != nil {
		t.Fatal(err)
	}
	closed := func() bool {
		d := tankAsk[station.Deliveries](t, w, station.PathDeliveries, station.AskDeliveries{}).Deliveries
		return len(d) == 1 && d[0].ClosedMs != 0
	}
	if err := w.Until("卸油结束", closed, time.Hour); err != nil {
		t.Fatal(err)
	}
	d := tankAsk[station.Deliveries](t, w, station.PathDeliveries, station.AskDeliveries{Tank: 1}).Deliveries[0]
	if off := d.Net - 1000000; off > 2000 || off < -2000 || d.Sold != 6000 {
		t.Errorf("10 000 L came at 15 degrees: %+v", d)
	}
	w.Pass(2 * time.Hour)
	p := tankAsk[station.Periods](t, w, station.PathTankReconcile, station.AskPeriod{})
	if !p.OK || len(p.Periods) != 2 || p.Periods[0].Metered != 6000 || p.Periods[0].Dips < 4 {
		t.Errorf("%+v", p)
	}
	before := tankAsk[station.Periods](t, w, station.PathTankReconcile, station.AskPeriod{FromMs: 1, ToMs: w.Now().Milli()})
	if err := w.Kill(tankSite); err != nil {
		t.Fatal(err)
	}
	if err := w.Restart(tankSite); err != nil {
		t.Fatal(err)
	}
	after := tankAsk[station.Periods](t, w, station.PathTankReconcile, station.AskPeriod{FromMs: 1, ToMs: before.Periods[0].ToMs})
	if len(after.Periods) != 2 || after.Periods[0].Difference != before.Periods[0].Difference || after.Periods[0].Delivered != before.Periods[0].Delivered {
		t.Errorf("replayed: %+v\nbefore: %+v", after, before)
	}
	tankFinish(t, w)
}

// TestTankCheckerCatches plants what M13 forbids, one violation in each run.
func TestTankCheckerCatches(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		want string
		do   func(c *checks, w *World, dip record.TankDip)
	}{
		"honest":       {"", func(c *checks, w *World, dip record.TankDip) { c.tankFact(w, tankSite, dip) }},
		"wrong dip":    {"the dip says", func(c *checks, w *World, dip record.TankDip) { dip.Net += 10000; c.tankFact(w, tankSite, dip) }},
		"no such tank": {"not there", func(c *checks, w *World, dip record.TankDip) { dip.Tank = 9; c.tankFact(w, tankSite, dip) }},
		"a delivery that never came": {"are missing", func(c *checks, w *World, dip record.TankDip) {
			c.tankFact(w, tankSite, dip)
			c.tankFact(w, tankSite, record.DeliveryClosed{Tank: 1, Net: 100000})
			c.tankFact(w, tankSite, dip)
			c.tanks(w)
		}},
		"a sale that no fuel left for": {"are missing", func(c *checks, w *World, dip record.TankDip) {
			c.tankFact(w, tankSite, dip)
			w.depots[tankSite].tanks[1].metered += 20000
			w.depots[tankSite].tanks[1].gave += 20000
			c.tankFact(w, tankSite, dip)
			c.tanks(w)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := tankTown(t, Options{Poll: time.Second})
			_, net, _, err := w.depots[tankSite].g.Truth(w.now, 1)
			if err != nil {
				t.Fatal(err)
			}
			*w.depots[tankSite].tanks[1] = tankTruth{}
			c := newChecks()
			x.do(c, w, record.TankDip{TimeMs: w.now.Milli(), Tank: 1, Volume: net, Net: net})
			if got := c.broken[inv13]; (got == "") != (x.want == "") || !strings.Contains(got, x.want) || c.counts[inv13] == 0 {
				t.Errorf("%q, want %q", got, x.want)
			}
		})
	}
}

// Another probe, truck or meter than the books know of is seen: the alarm comes, and the books say by how much.
func TestTanksLoseAndSay(t *testing.T) {
	t.Parallel()
	w := tankTown(t, Options{})
	w.Pass(2 * time.Hour)
	for _, err := range []error{w.Leak(tankSite, 1, 3000), w.Probe(tankSite, 2, gauge.Out), w.Skew(1, 10)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	w.Pass(5 * time.Hour)
	p := tankAsk[station.Periods](t, w, station.PathTankReconcile, station.AskPeriod{Tank: 1})
	if len(p.Periods) != 1 || p.OK || p.Periods[0].Difference < 9000 || p.Periods[0].Difference > 16000 {
		t.Errorf("30 L an hour: %+v", p)
	}
	a := tankAsk[station.Tanks](t, w, station.PathTanks, nil)
	if a.Tanks[1].Live || len(a.Tanks[1].Alarms) != 1 {
		t.Errorf("a tank without a probe: %+v", a.Tanks[1])
	}
	for _, err := range []error{w.Skew(9, 1), w.Leak("0009", 1, 1), w.Leak(tankSite, 9, 1), w.Truck(tankSite, 1, 100000000, 1, 0)} {
		if err == nil {
			t.Error("what is not there can not be done")
		}
	}
	tankFinish(t, w)
}

// Two runs of one seed are one run.
func TestTanksAreDeterministic(t *testing.T) {
	t.Parallel()
	run := func() Report {
		w := tankTown(t, Options{})
		if err := w.Truck(tankSite, 1, 500000, 1000, 900); err != nil {
			t.Fatal(err)
		}
		w.Pass(time.Hour)
		r, err := w.Finish()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if err := Same(run(), run()); err != nil {
		t.Error(err)
	}
}

// A bad line costs polls, never a wrong level: every dip that is booked is what lay in the tank (INV-13), and the driver is back.
func TestGaugeOverABadLine(t *testing.T) {
	t.Parallel()
	w := tankTown(t, Options{})
	w.Pass(time.Minute)
	d := w.depots[tankSite]
	wired := func(f func(m *line.Mem)) { d.line.with(func(_ clock.Instant, m *line.Mem) { f(m) }) }
	wired(func(m *line.Mem) { m.Noise(5) })
	w.Pass(6 * time.Hour)
	hurt := uint64(0)
	wired(func(m *line.Mem) { hurt = m.Damaged() })
	if hurt == 0 || tankAsk[station.Tanks](t, w, station.PathTanks, nil).Strays == 0 {
		t.Error("the noise has hurt nothing")
	}
	wired(func(m *line.Mem) { m.Noise(0) })
	wired((*line.Mem).Cut)
	w.Pass(5 * time.Minute)
	if a := tankAsk[station.Tanks](t, w, station.PathTanks, nil); a.Gauge != "offline" || a.Tanks[0].Live {
		t.Errorf("cut: %+v", a)
	}
	wired((*line.Mem).Restore)
	w.Pass(3 * time.Hour)
	if p := tankAsk[station.Periods](t, w, station.PathTankReconcile, nil); !p.OK || len(p.Periods) != 2 {
		t.Errorf("%+v", p)
	}
	tankFinish(t, w)
}
