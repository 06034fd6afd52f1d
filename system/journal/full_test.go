package journal_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"testing"

	"greylock/system/journal"
	"greylock/system/journal/faultfile"
)

func open(t testing.TB, dir journal.Dir, opt journal.Options) *journal.Journal {
	t.Helper()
	j, _, err := journal.Open(dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func closed(t testing.TB, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// TestFullDisk: trust.md row 46. New acts stop before the reserve, open ones go on into it, and more room is noticed.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	disk := faultfile.New()
	j := open(t, disk, journal.Options{Reserve: 4096})
	disk.Limit(20_000)
	body := make([]byte, 139) // 200 bytes in the file
	begun := 0
	var err error
	for ; err == nil && begun < 1000; begun++ {
		if _, err = j.StageNew(body); err == nil {
			err = j.Commit()
		}
	}
	if !errors.Is(err, journal.ErrFull) || !j.Full(len(body)) {
		t.Fatalf("after %d acts: %v", begun, err)
	}
	if used := 20_000 - begun*200; used < 3900 || used > 4400 {
		t.Errorf("new acts stopped with %d bytes left, the reserve is 4096", used)
	}
	finished := 0
	for err = nil; err == nil && finished < 1000; finished++ {
		_, err = j.Append(body)
	}
	if !errors.Is(err, journal.ErrNoSpace) || finished < 19 {
		t.Errorf("the reserve took %d acts: %v", finished, err)
	}
	disk.Limit(-1)
	if j.Full(len(body)) {
		t.Error("still full with room on the disk")
	}
	if _, err := j.StageNew(body); err != nil {
		t.Error(err)
	}
	if err := j.Commit(); err != nil {
		t.Error(err)
	}
	seq, _ := j.Head()
	disk = disk.Crash(1)
	if j := open(t, disk, journal.Options{}); j.Full(1) {
		t.Error("full after a restart")
	} else if got, _ := j.Head(); got != seq {
		t.Errorf("head %d after the restart, want %d", got, seq)
	}
}

// TestOpenOnFullDisk: what is open can be finished also after a restart on a full disk.
func TestOpenOnFullDisk(t *testing.T) {
	t.Parallel()
	disk := faultfile.New()
	j := open(t, disk, journal.Options{Reserve: 4096})
	if _, err := j.Append([]byte("begin")); err != nil {
		t.Fatal(err)
	}
	disk.Limit(0)
	disk = disk.Crash(3)
	j = open(t, disk, journal.Options{Reserve: 16384})
	if _, err := j.StageNew([]byte("new")); !errors.Is(err, journal.ErrFull) {
		t.Errorf("new act: %v", err)
	}
	if _, err := j.Append([]byte("done")); err != nil {
		t.Errorf("open act: %v", err)
	}
}

// TestRot: trust.md row 47, while the power is on and for a write that landed elsewhere.
func TestRot(t *testing.T) {
	t.Parallel()
	disk := faultfile.New()
	j := open(t, disk, journal.Options{})
	for i := range 3 {
		if i == 1 {
			disk.Misdirect(100_000)
		}
		if _, err := j.Append(fmt.Appendf(nil, "act %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	err := j.Read(1, func(journal.Record) error { return nil })
	var d *journal.Damage
	if !errors.As(err, &d) || d.Seq != 2 {
		t.Errorf("read over a misdirected write: %v", err)
	}
	_, _, err = journal.Open(disk.Crash(1), journal.Options{})
	if !errors.As(err, &d) || d.Seq != 2 || d.Offset != 32+66 {
		t.Errorf("open after a misdirected write: %v", err)
	}
	if r, err := journal.Verify(disk); !errors.Is(err, faultfile.ErrPower) {
		t.Errorf("a dead disk was read: %+v, %v", r, err)
	}
}

func TestVerifyWithoutJournal(t *testing.T) {
	t.Parallel()
	if _, err := journal.Verify(journal.OS(t.TempDir())); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// TestGroupCommit: many writers share syncs, and each gets its own gapless place.
func TestGroupCommit(t *testing.T) {
	t.Parallel()
	const writers, each = 16, 50
	disk := faultfile.New()
	j := open(t, disk, journal.Options{})
	var wg sync.WaitGroup
	firsts := make([][]uint64, writers)
	for w := range writers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range each {
				first, err := j.Append(fmt.Appendf(nil, "%d.%d", w, i), []byte("end"))
				if err != nil {
					t.Error(err)
					return
				}
				firsts[w] = append(firsts[w], first)
				if seq, _ := j.Head(); seq < first+1 {
					t.Errorf("act at %d returned, head is %d", first, seq)
				}
			}
		}()
	}
	wg.Wait()
	var bodies []string
	if err := j.Read(1, func(r journal.Record) error { bodies = append(bodies, string(r.Body)); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(bodies) != 2*writers*each {
		t.Fatalf("%d records", len(bodies))
	}
	for w := range writers {
		for i, first := range firsts[w] {
			if bodies[first-1] != fmt.Sprintf("%d.%d", w, i) || bodies[first] != "end" {
				t.Fatalf("writer %d act %d at %d: %q %q", w, i, first, bodies[first-1], bodies[first])
			}
		}
	}
}

// TestStagedIsNotDurable: what is staged is neither in Head nor in Read, and many acts go with one sync.
func TestStagedIsNotDurable(t *testing.T) {
	t.Parallel()
	disk := faultfile.New()
	j := open(t, disk, journal.Options{})
	before := disk.Syncs()
	for i := range 200 {
		if first, err := j.Stage([]byte{byte(i), 1}); err != nil || first != uint64(i+1) {
			t.Fatal(first, err)
		}
	}
	if seq, chain := j.Head(); seq != 0 || chain != [32]byte{} {
		t.Errorf("head %d before the commit", seq)
	}
	if err := j.Read(1, func(journal.Record) error { return errors.New("there is one") }); err != nil {
		t.Errorf("read before the commit: %v", err)
	}
	if err := j.Commit(); err != nil {
		t.Fatal(err)
	}
	if n := disk.Syncs() - before; n != 1 {
		t.Errorf("%d syncs for one commit", n)
	}
	for _, from := range []uint64{0, 1, 64, 65, 66, 128, 129, 200, 201} {
		want := max(from, 1)
		if err := j.Read(from, func(r journal.Record) error {
			if r.Seq != want || r.Body[0] != byte(want-1) {
				t.Errorf("from %d: record %d, want %d", from, r.Seq, want)
			}
			want++
			return nil
		}); err != nil || want != 201 {
			t.Errorf("from %d: ended before %d, %v", from, want, err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Append([]byte("x")); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("append after close: %v", err)
	}
	if err := j.Read(1, nil); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("read after close: %v", err)
	}
}
