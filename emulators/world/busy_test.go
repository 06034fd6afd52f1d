package world

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkBusyHour is an hour of a station with eight nozzles and forty card sales (some 960 a day), from card in to posting at
// the center, polls between them and checkers on.
func BenchmarkBusyHour(b *testing.B) {
	s, err := Parse([]byte(firstSale))
	if err != nil {
		b.Fatal(err)
	}
	s.Stations[0].Nozzles = []string{"1031", "1031", "1031", "1031", "2011", "2011", "2011", "2011"}
	s.Cards, s.Visits, s.Expect = nil, nil, nil
	for n := range 8 {
		s.Cards = append(s.Cards, CardPlan{Name: fmt.Sprint("卡", n), Account: fmt.Sprintf("A%04d", n), Holder: "张三", PIN: "123456", Load: "90000.00"})
	}
	const sales = 40
	for n := range sales {
		s.Visits = append(s.Visits, Visit{AfterSeconds: n * 3600 / (sales + 2), Card: s.Cards[n%8].Name, Nozzle: n%8 + 1, PIN: "123456", Preset: "100元"})
	}
	w, err := Start(s, Options{Keep: 100})
	if err != nil {
		b.Fatal(err)
	}
	from := w.count
	for b.Loop() {
		end := w.now.Add(time.Hour)
		if err := w.PlayVisits(); err != nil {
			b.Fatal(err)
		}
		w.Pass(end.Sub(w.now))
	}
	seconds := b.Elapsed().Seconds()
	if err := w.Violation(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(w.count-from)/seconds, "events/s")
	b.ReportMetric(float64(b.N)*sales/seconds, "sales/s")
	b.ReportMetric(float64(b.N)/24/seconds, "station-days/s")
}
