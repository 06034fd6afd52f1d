package store

import (
	"fmt"
	"io"
	"path/filepath"
	"testing"

	"github.com/tidwall/buntdb"

	"greylock/system/journal"
)

func BenchmarkPut(b *testing.B) {
	s := New()
	i := uint64(0)
	for b.Loop() {
		i++
		if err := s.Update(func(tx *Tx) error {
			sales.Put(tx, Key(Number(i)), sale{Card: "00019901110000000017", Amount: i % 1000})
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGet(b *testing.B) {
	s := New()
	const rows = 100_000
	if err := s.Update(func(tx *Tx) error {
		for i := range uint64(rows) {
			sales.Put(tx, Key(Number(i)), sale{Card: "00019901110000000017", Amount: i % 1000})
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	i := uint64(0)
	for b.Loop() {
		i++
		if err := s.View(func(tx *Tx) error {
			if _, ok := sales.Get(tx, Key(Number(i*7919%rows))); !ok {
				return fmt.Errorf("row %d is not there", i)
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
}

// The next two write the same 256 bytes to the same kind of directory and wait for the disk: why the truth is a journal of
// our own and not a file of buntdb is in libraries.md 4.6; that it costs no speed is shown here.

func BenchmarkDurableBuntdbAlways(b *testing.B) {
	db, err := buntdb.Open(filepath.Join(b.TempDir(), "file"))
	if err != nil {
		b.Fatal(err)
	}
	defer closed(b, db)
	if err := db.SetConfig(buntdb.Config{SyncPolicy: buntdb.Always}); err != nil {
		b.Fatal(err)
	}
	value := string(make([]byte, 256))
	i := 0
	for b.Loop() {
		i++
		if err := db.Update(func(tx *buntdb.Tx) error {
			_, _, err := tx.Set(Number(uint64(i)), value, nil)
			return err
		}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkDurableJournal(b *testing.B) {
	j, _, err := journal.Open(journal.OS(b.TempDir()), journal.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer closed(b, j)
	value := make([]byte, 256)
	for b.Loop() {
		if _, err := j.Append(value); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

func closed(b *testing.B, c io.Closer) {
	if err := c.Close(); err != nil {
		b.Error(err)
	}
}
