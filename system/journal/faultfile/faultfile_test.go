package faultfile

import (
	"bytes"
	"errors"
	"io"
	"syscall"
	"testing"
	"time"
)

func make1(t *testing.T, d *Disk, name string) interface {
	io.WriterAt
	io.ReaderAt
	Sync() error
} {
	t.Helper()
	f, err := d.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func well(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, f io.WriterAt, p []byte, off int64) {
	t.Helper()
	_, err := f.WriteAt(p, off)
	well(t, err)
}

func fill(b byte, n int) []byte { return bytes.Repeat([]byte{b}, n) }

// TestSectors: over many seeds a crash loses, keeps and tears each unsynced sector, and never touches a synced one.
func TestSectors(t *testing.T) {
	t.Parallel()
	var lost, kept, torn, shorter int
	for seed := range uint64(200) {
		d := New()
		f := make1(t, d, "a")
		well(t, d.SyncDir())
		put(t, f, fill('s', 3*Sector), 0)
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
		put(t, f, fill('n', 3*Sector), Sector)
		got := d.Crash(seed).Bytes("a")
		if !bytes.Equal(got[:Sector], fill('s', Sector)) {
			t.Fatalf("seed %d: a synced sector changed", seed)
		}
		switch second := got[Sector : 2*Sector]; {
		case bytes.Equal(second, fill('s', Sector)):
			lost++
		case bytes.Equal(second, fill('n', Sector)):
			kept++
		case second[0] == 'n' && second[Sector-1] == 's':
			torn++
		default:
			t.Fatalf("seed %d: sector %q", seed, second)
		}
		if len(got) == 3*Sector {
			shorter++
		}
	}
	if min(lost, kept, torn, shorter) < 30 {
		t.Errorf("lost %d, kept %d, torn %d, size lost %d of 200", lost, kept, torn, shorter)
	}
}

// TestFailedSyncLosesPages: the page looks written until it is evicted, a later sync does not bring it back, writing it again does.
func TestFailedSyncLosesPages(t *testing.T) {
	t.Parallel()
	for _, again := range []bool{false, true} {
		d := New()
		f := make1(t, d, "a")
		well(t, d.SyncDir())
		put(t, f, []byte("old"), 0)
		well(t, f.Sync())
		put(t, f, []byte("new"), 0)
		d.FailSync(1)
		if err := f.Sync(); !errors.Is(err, syscall.EIO) {
			t.Fatal(err)
		}
		if got := string(d.Bytes("a")); got != "new" {
			t.Errorf("the program sees %q", got)
		}
		want := "old"
		if again {
			put(t, f, []byte("new"), 0)
			want = "new"
		}
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
		d.Evict()
		if got := string(d.Bytes("a")); got != want {
			t.Errorf("after eviction %q, want %q", got, want)
		}
		if got := string(d.Crash(1).Bytes("a")); got != want {
			t.Errorf("after a crash %q, want %q", got, want)
		}
	}
}

// TestNames: a name needs SyncDir. Row 48.
func TestNames(t *testing.T) {
	t.Parallel()
	var old, renamed, none int
	for seed := range uint64(100) {
		d := New()
		f := make1(t, d, "new")
		put(t, f, []byte("x"), 0)
		well(t, f.Sync())
		if err := d.Rename("new", "name"); err != nil {
			t.Fatal(err)
		}
		if seed%2 == 0 {
			well(t, d.SyncDir())
		}
		switch c := d.Crash(seed); {
		case c.Bytes("name") != nil:
			renamed++
		case seed%2 == 0:
			t.Fatalf("seed %d: a synced name is gone", seed)
		case c.Bytes("new") != nil:
			old++
		default:
			none++
		}
	}
	if min(old, none) < 5 || renamed < 55 {
		t.Errorf("renamed %d, old name %d, no name %d", renamed, old, none)
	}
}

func TestWritesThatGoWrong(t *testing.T) {
	t.Parallel()
	d := New()
	f := make1(t, d, "a")
	d.ShortWrite()
	if n, err := f.WriteAt([]byte("abcd"), 0); n != 2 || !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("short: %d, %v", n, err)
	}
	d.Limit(6)
	if n, err := f.WriteAt([]byte("abcdefgh"), 0); n != 6 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("full: %d, %v", n, err)
	}
	if n, err := f.WriteAt([]byte("ABCDEF"), 0); n != 6 || err != nil {
		t.Errorf("over old bytes on a full disk: %d, %v", n, err)
	}
	d.Limit(-1)
	d.Misdirect(2)
	put(t, f, []byte("x"), 0)
	if got := string(d.Bytes("a")); got != "ABxDEF" {
		t.Errorf("misdirected: %q", got)
	}
	if !d.Flip("a", 0) || d.Bytes("a")[0] != 'A'^1 || d.Flip("a", 48) || d.Flip("b", 0) {
		t.Error("flip")
	}
	d.Slow(3 * time.Second)
	well(t, f.Sync())
	well(t, f.Sync())
	if got := d.Latency(); got != 6*time.Second || d.Latency() != 0 {
		t.Errorf("latency %v", got)
	}
	d.CutAfter(3)
	if n, err := f.WriteAt([]byte("12345"), 0); n != 3 || !errors.Is(err, ErrPower) {
		t.Errorf("power: %d, %v", n, err)
	}
	if err := f.Sync(); !errors.Is(err, ErrPower) {
		t.Errorf("sync without power: %v", err)
	}
}
