package world

import (
	"errors"
	"testing"
)

func played(t testing.TB, d Day) DayReport {
	t.Helper()
	p, err := NewDay(d, Options{Keep: 100})
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.Play()
	if err != nil {
		t.Fatalf("seed %d: %v", d.Seed, err)
	}
	return r
}

// TestDay: whatever goes wrong in a day, the meters say what the records say, and every invariant holds; the same day again is
// the same to the last bit, another seed is another day.
func TestDay(t *testing.T) {
	t.Parallel()
	d := Day{Cars: 60, Nozzles: 2, Seed: 5}
	r := played(t, d)
	for _, f := range troubles {
		found := false
		for _, x := range r.Faults {
			found = found || x.Fault == f.name
		}
		if !found {
			t.Errorf("no %s in the whole day", f.name)
		}
	}
	if r.Served < 50 || r.Posted < r.Served || r.PulledOff == 0 || r.Served+r.GaveUp != r.Cars {
		t.Errorf("%+v", r)
	}
	if again := played(t, d); again.Run.TraceHash != r.Run.TraceHash {
		t.Errorf("two runs of seed 5: %s, %s", r.Run.TraceHash, again.Run.TraceHash)
	}
	d.Seed = 6
	if other := played(t, d); other.Run.TraceHash == r.Run.TraceHash {
		t.Error("seeds 5 and 6 are one run")
	}
}

// TestDaysOffline: the center away for days; afterwards it has everything.
func TestDaysOffline(t *testing.T) {
	t.Parallel()
	r := played(t, Day{Cars: 25, Nozzles: 1, Days: 3, Offline: true})
	if r.Served < 60 || r.Posted < r.Served {
		t.Errorf("%d served, %d posted", r.Served, r.Posted)
	}
}

func TestDayRefuses(t *testing.T) {
	t.Parallel()
	for _, d := range []Day{{Nozzles: 1}, {Cars: 1}, {Cars: 6000, Nozzles: 1}, {Cars: 1, Nozzles: 65}, {Cars: 1, Nozzles: 1, Days: 400}} {
		if _, err := NewDay(d, Options{}); !errors.Is(err, ErrDay) {
			t.Errorf("%+v: %v", d, err)
		}
	}
}

// BenchmarkDay is a busy day of sixteen nozzles: 1500 cars, faults, price change, every checker.
func BenchmarkDay(b *testing.B) {
	var events uint64
	for b.Loop() {
		events += played(b, Day{Cars: 1500, Nozzles: 16}).Run.Events
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "station-days/s")
}
