package world

import (
	"errors"
	"os"
	"testing"

	"greylock/emulators/fault"
)

// smallDay is a station with both families, a till and two tanks.
func smallDay(d DayPlan) Scenario {
	tank := func(n int, product string) TankPlan {
		return TankPlan{Number: n, Product: product, Diameter: 2500, Length: 6100, Fuel: "15000.00", Reorder: "4000.00", Water: 10, MostWet: 50, Degrees: 15}
	}
	return Scenario{
		Name: "小站", Seed: 5, Calm: true, Start: "2026-11-22 00:00:00", Company: "示范公司",
		Products: []ProductPlan{{Code: "1031", Name: "92#汽油", Unit: "L", Price: "7.85"}, {Code: "2011", Name: "0#柴油", Unit: "L", Price: "7.45"}},
		Stations: []StationPlan{{ID: "0001", Name: "小站", Nozzles: []string{"1031", "2011"}, Plain: [][]string{{"1031"}}, Tills: 1, UPS: true,
			Tanks: []TankPlan{tank(1, "1031"), tank(2, "2011")}}},
		Day: &d,
	}
}

func played(t testing.TB, s Scenario) DayReport {
	t.Helper()
	p, err := NewDay(s, Options{Keep: 100})
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.Play()
	if err != nil {
		t.Fatalf("seed %d: %v", s.Seed, err)
	}
	return r
}

// TestDay: whatever goes wrong in a day, the meters say what the records say, and every invariant holds; the same day again is
// the same to the last bit, another seed is another day. What a station does every day has been done.
func TestDay(t *testing.T) {
	t.Parallel()
	s := smallDay(DayPlan{Cars: 120, Faults: true})
	r := played(t, s)
	if least := len(fault.Table) / 2; r.Felt < least || len(r.Faults) < r.Felt {
		t.Errorf("%d of %d faults were felt, want %d", r.Felt, len(fault.Table), least)
	}
	if r.Served < 105 || r.Posted < r.Served || r.PulledOff == 0 || r.Served+r.GaveUp != r.Cars || len(r.Sales) < 5 {
		t.Errorf("%+v", r)
	}
	if r.Shifts != 3 || r.Days != 1 || r.Trucks < 2 || r.Measured < 2 || r.Priced < 2 || r.Black != 1 || r.White != 1 || r.Thieves != 1 || r.Loads == 0 {
		t.Errorf("what happens every day: %+v", r)
	}
	if again := played(t, s); again.Run.TraceHash != r.Run.TraceHash {
		t.Errorf("two runs of seed 5: %s, %s", r.Run.TraceHash, again.Run.TraceHash)
	}
	s.Seed = 6
	if other := played(t, s); other.Run.TraceHash == r.Run.TraceHash {
		t.Error("seeds 5 and 6 are one run")
	}
}

// TestDaysOffline: the center away for days; afterwards it has everything.
func TestDaysOffline(t *testing.T) {
	t.Parallel()
	r := played(t, smallDay(DayPlan{Cars: 25, Days: 3, Offline: true}))
	if r.Served < 60 || r.Posted < r.Served || r.Days != 3 || r.Shifts != 9 || r.Black != 3 {
		t.Errorf("%+v", r)
	}
}

func TestDayRefuses(t *testing.T) {
	t.Parallel()
	for _, d := range []DayPlan{{Cars: -1}, {Cars: 6000}, {Cars: 1, Days: 400}, {Cars: 1, Days: -1}} {
		if _, err := NewDay(smallDay(d), Options{}); !errors.Is(err, ErrDay) {
			t.Errorf("%+v: %v", d, err)
		}
	}
	if _, err := NewDay(Scenario{Day: &DayPlan{Cars: 1}}, Options{}); !errors.Is(err, ErrDay) {
		t.Errorf("no station: %v", err)
	}
}

// BenchmarkDay is a busy day of sixteen nozzles: 1500 cars, every fault of the vocabulary, every checker.
func BenchmarkDay(b *testing.B) {
	s := busyDay(b)
	s.Day.Cars = 1500
	var events uint64
	for b.Loop() {
		events += played(b, s).Run.Events
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "station-days/s")
}

func busyDay(t testing.TB) Scenario {
	s, err := Load(os.DirFS("../../scenarios"), "busy-day.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return s
}
