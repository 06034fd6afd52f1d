package world

import (
	"testing"
	"time"
)

// BenchmarkBuild is a town of two nozzles and one card, ceremony included.
func BenchmarkBuild(b *testing.B) {
	s, err := Parse([]byte(firstSale))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		w, err := Start(s, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStationHour is an idle hour of a station with eight nozzles: the polls alone, checkers on.
func BenchmarkStationHour(b *testing.B) {
	s, err := Parse([]byte(firstSale))
	if err != nil {
		b.Fatal(err)
	}
	s.Stations[0].Nozzles = []string{"1031", "1031", "1031", "1031", "2011", "2011", "2011", "2011"}
	w, err := Start(s, Options{Keep: 100})
	if err != nil {
		b.Fatal(err)
	}
	from := w.count
	for b.Loop() {
		w.Pass(time.Hour)
	}
	seconds := b.Elapsed().Seconds()
	b.ReportMetric(float64(w.count-from)/seconds, "events/s")
	b.ReportMetric(float64(b.N)/24/seconds, "station-days/s")
}
