package journaltest

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"testing"

	"greylock/system/journal"
)

// breaking makes any Dir fail its next sync or write.
type breaking struct {
	journal.Dir
	sync, write *bool
}

func (b breaking) Open(name string) (journal.File, error) {
	f, err := b.Dir.Open(name)
	return breakingFile{f, b}, err
}

type breakingFile struct {
	journal.File
	b breaking
}

var errDisk = errors.New("the disk says no")

func (f breakingFile) Sync() error {
	if *f.b.sync {
		return errDisk
	}
	return f.File.Sync()
}

func (f breakingFile) WriteAt(p []byte, off int64) (int, error) {
	if *f.b.write {
		n, _ := f.File.WriteAt(p[:len(p)/2], off)
		return n, io.ErrShortWrite
	}
	return f.File.WriteAt(p, off)
}

func failedSync(t *testing.T, m Medium) {
	closed(t, open(t, m.Dir))
	var sync, write bool
	stopped(t, m, breaking{m.Dir, &sync, &write}, &sync, errDisk)
}

func shortWrite(t *testing.T, m Medium) {
	closed(t, open(t, m.Dir))
	var sync, write bool
	stopped(t, m, breaking{m.Dir, &sync, &write}, &write, io.ErrShortWrite)
}

// stopped: one failure ends the journal, although the disk is well again; opening it again brings it back.
func stopped(t *testing.T, m Medium, dir journal.Dir, fault *bool, cause error) {
	j := open(t, dir)
	if _, err := j.Append([]byte("acknowledged")); err != nil {
		t.Fatal(err)
	}
	*fault = true
	if _, err := j.Append([]byte("lost"), []byte("lost too")); !errors.Is(err, journal.ErrFailed) || !errors.Is(err, cause) {
		t.Errorf("append with the fault: %v", err)
	}
	*fault = false
	if _, err := j.Append([]byte("late")); !errors.Is(err, journal.ErrFailed) {
		t.Errorf("append after the fault: %v", err)
	}
	if err := j.Commit(); !errors.Is(err, journal.ErrFailed) {
		t.Errorf("commit after the fault: %v", err)
	}
	if got := read(t, j); len(got) != 1 || string(got[0].Body) != "acknowledged" {
		t.Errorf("read after the fault: %v", got)
	}
	if seq, _ := j.Head(); seq != 1 {
		t.Errorf("head after the fault: %d", seq)
	}
	if err := j.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if r := report(t, m.Dir); r.Sealed || r.Damage != nil {
		t.Errorf("a failed journal was sealed: %+v", r)
	}
	j = open(t, dir)
	defer closed(t, j)
	got := read(t, j)
	if len(got) != 1 && len(got) != 3 || string(got[0].Body) != "acknowledged" {
		t.Errorf("after replay: %v", got)
	}
	if first, err := j.Append([]byte("again")); err != nil || first != uint64(len(got)+1) {
		t.Errorf("append after replay: %d, %v", first, err)
	}
}

// withVersion writes another version into a header, in place, with its checksum.
func withVersion(b []byte, v byte) []byte {
	b[19] = v
	binary.BigEndian.PutUint32(b[28:], crc32.Checksum(b[:28], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

func open(t *testing.T, dir journal.Dir) *journal.Journal {
	t.Helper()
	j, _, err := journal.Open(dir, small)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return j
}

func closed(t *testing.T, j *journal.Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func read(t *testing.T, j *journal.Journal) (all []journal.Record) {
	t.Helper()
	if err := j.Read(1, func(r journal.Record) error { all = append(all, r); return nil }); err != nil {
		t.Fatalf("read: %v", err)
	}
	return all
}

func report(t *testing.T, dir journal.Dir) journal.Report {
	t.Helper()
	r, err := journal.Verify(dir)
	if err != nil {
		t.Fatalf("verify: %v", err)
	}
	return r
}

// wantDamage asks Open and Verify for the same finding, and that the file stays as it is.
func wantDamage(t *testing.T, m Medium, what string, seq uint64, offset int64) {
	t.Helper()
	before := m.Bytes(name)
	_, _, err := journal.Open(m.Dir, small)
	var d *journal.Damage
	if !errors.As(err, &d) || !errors.Is(err, journal.ErrDamaged) || d.Seq != seq || d.Offset != offset {
		t.Fatalf("%s: open: %v, want damage in record %d at byte %d", what, err, seq, offset)
	}
	if r := report(t, m.Dir); r.Damage == nil || *r.Damage != *d {
		t.Fatalf("%s: verify: %+v", what, r)
	}
	if string(m.Bytes(name)) != string(before) {
		t.Fatalf("%s: a damaged journal was changed", what)
	}
}
