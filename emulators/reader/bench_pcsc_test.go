//go:build pcsc

package reader_test

import (
	"slices"
	"testing"
	"time"

	"greylock/emulators/reader"
	"greylock/emulators/reader/pcscd"
	"greylock/system/card/pcsc"
)

// BenchmarkRoundTrip is one command and its answer: program, goroutine, libpcsclite, pcscd, vpcd, socket, card, and back.
// Aim: 0.15 ms in the median, 6000/s.
func BenchmarkRoundTrip(b *testing.B) {
	x := service1.Readers()[0]
	v := reader.NewVirtual("127.0.0.1", x.Port, pcscd.Slots)
	v.Plug()
	defer func() { _ = v.Close() }()
	if err := v.Slots[0].Insert(petrol(b)); err != nil {
		b.Fatal(err)
	}
	if err := pcsc.Wait(b.Context(), x.Names[0], true); err != nil {
		b.Fatal(err)
	}
	r, err := pcsc.Open(x.Names[0])
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if _, err := r.Reset(); err != nil {
		b.Fatal(err)
	}
	if _, err := r.Transmit(enter); err != nil {
		b.Fatal(err)
	}
	took := make([]time.Duration, 0, 1<<16)
	for b.Loop() {
		start := time.Now()
		if answer, err := r.Transmit(inside); err != nil || len(answer) != 6 {
			b.Fatalf("%X %v", answer, err)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e6, "ms-median")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1e6, "ms-p99")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "APDU/s")
}
