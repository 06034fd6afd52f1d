package main

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"greylock/emulators/world"
)

// TestMain lets the test binary be the station's process too, as greylab is.
func TestMain(m *testing.M) {
	if exit, ours := world.StationProcess(); ours {
		os.Exit(exit)
	}
	os.Exit(m.Run())
}

// BenchmarkStation is a station's own process with so many card dispensers on pseudo-terminals at 9600 baud, all of them selling:
// as boards poll, and as fast as the lines can. The rates are against the line's own limit, the processor share is of one core.
func BenchmarkStation(b *testing.B) {
	for _, pace := range []struct {
		name string
		poll time.Duration
	}{{"usual", 0}, {"flat-out", 1}} {
		for _, ports := range []int{1, 16, 64, 208} { // 13 hubs of 16: the boards' addresses end at 223
			b.Run(fmt.Sprintf("%s-%d", pace.name, ports), func(b *testing.B) {
				r, err := world.Measure(world.Rush{Nozzles: ports, For: 10 * time.Second, Poll: pace.poll}, world.Options{Keep: 100, Program: world.Self})
				if err != nil {
					b.Fatal(err)
				}
				if r.Violated != nil {
					b.Fatal(r.Violated)
				}
				ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(r.Rate, "polls/s/line")
				b.ReportMetric(100*r.Busy, "%of-line")
				b.ReportMetric(100*r.CPU, "%cpu")
				b.ReportMetric(ms(r.PollP50), "poll-p50-ms")
				b.ReportMetric(ms(r.PollP99), "poll-p99-ms")
				b.ReportMetric(ms(r.AckP50), "ack-p50-ms")
				b.ReportMetric(ms(r.AckP99), "ack-p99-ms")
				b.ReportMetric(float64(r.Records), "records")
				b.ReportMetric(float64(r.RSS)/1024, "rss-MiB")
				b.ReportMetric(ms(r.Start), "start-ms")
			})
		}
	}
}

// BenchmarkPlainStation is the same with plain dispensers, which the station polls, all of them fuelling.
func BenchmarkPlainStation(b *testing.B) {
	for _, lines := range []int{1, 16, 64, 255} { // and one card dispenser, which nobody uses
		b.Run(strconv.Itoa(lines), func(b *testing.B) {
			r, err := world.MeasurePlain(world.PlainRush{Lines: lines, For: 10 * time.Second}, world.Options{Keep: 100, Program: world.Self})
			if err != nil {
				b.Fatal(err)
			}
			if r.Violated != nil {
				b.Fatal(r.Violated)
			}
			ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(r.Rate, "polls/s/line")
			b.ReportMetric(100*r.Busy, "%of-line")
			b.ReportMetric(100*r.CPU, "%cpu")
			b.ReportMetric(ms(r.GapP50), "gap-p50-ms")
			b.ReportMetric(ms(r.GapP99), "gap-p99-ms")
			b.ReportMetric(float64(r.RSS)/1024, "rss-MiB")
			b.ReportMetric(ms(r.Start), "start-ms")
		})
	}
}
