package journal_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"greylock/system/journal"
)

// A record of 256 bytes, as trust.md 7.3 measures. The directory is the machine's own, with its real sync.

func BenchmarkRawAppendSync(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "raw"))
	if err != nil {
		b.Fatal(err)
	}
	defer closed(b, f)
	body := make([]byte, 256)
	for b.Loop() {
		if _, err := f.Write(body); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkAppendDurable(b *testing.B) {
	for _, group := range []int{1, 100} {
		b.Run(fmt.Sprintf("acts=%d", group), func(b *testing.B) {
			j := open(b, journal.OS(b.TempDir()), journal.Options{})
			defer closed(b, j)
			body := make([]byte, 256)
			for b.Loop() {
				for range group {
					if _, err := j.Stage(body); err != nil {
						b.Fatal(err)
					}
				}
				if err := j.Commit(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(group)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// BenchmarkAppendWriters: 32 writers that each wait for their own act.
func BenchmarkAppendWriters(b *testing.B) {
	j := open(b, journal.OS(b.TempDir()), journal.Options{})
	defer closed(b, j)
	body := make([]byte, 256)
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := j.Append(body); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkOpen reads and checks 150 000 records, about a month of a station.
func BenchmarkOpen(b *testing.B) {
	dir := journal.OS(b.TempDir())
	j := open(b, dir, journal.Options{})
	body := make([]byte, 350)
	for range 150_000 {
		if _, err := j.Stage(body); err != nil {
			if err = j.Commit(); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := j.Commit(); err != nil {
		b.Fatal(err)
	}
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		j := open(b, dir, journal.Options{})
		if err := j.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
