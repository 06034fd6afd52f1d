package world

import "testing"

// BenchmarkDay is a busy day of sixteen nozzles: 1500 cars, faults, price change, every checker.
func BenchmarkDay(b *testing.B) {
	for b.Loop() {
		d, err := NewDay(Day{Cars: 1500, Nozzles: 16}, Options{Keep: 100})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := d.Play(); err != nil {
			b.Fatal(err)
		}
	}
}
