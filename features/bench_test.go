package features

import (
	"io"
	"testing"
)

// BenchmarkScenarios is the embedded core suite in virtual time, on as many processors as there are; a scenario is a town of
// its own, ceremony and cards included.
func BenchmarkScenarios(b *testing.B) {
	scenarios, steps := 0, 0
	for b.Loop() {
		sum, err := Run(b.Context(), Options{Tags: "@核心", Format: "progress", Out: io.Discard})
		if err != nil {
			b.Fatal(err)
		}
		scenarios, steps = scenarios+sum.Scenarios, steps+sum.Steps
	}
	b.ReportMetric(float64(scenarios)/b.Elapsed().Seconds(), "scenarios/s")
	b.ReportMetric(float64(steps)/b.Elapsed().Seconds(), "steps/s")
}
