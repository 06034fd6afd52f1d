package keymgmt_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"greylock/system/journal"
	"greylock/system/journal/faultfile"
	"greylock/system/keymgmt"
	"greylock/system/vault"
	"greylock/system/wire/record"
)

// steps cuts the power before the n-th thing done to the disk or the journal.
type steps struct {
	*faultfile.Disk
	left int
}

func (d *steps) step() error {
	if d.left--; d.left < 0 {
		return faultfile.ErrPower
	}
	return nil
}

func (d *steps) Create(name string) (journal.File, error) {
	if err := d.step(); err != nil {
		return nil, err
	}
	f, err := d.Disk.Create(name)
	return &stepFile{f, d}, err
}

func (d *steps) Rename(from, to string) error {
	if err := d.step(); err != nil {
		return err
	}
	return d.Disk.Rename(from, to)
}

func (d *steps) SyncDir() error {
	if err := d.step(); err != nil {
		return err
	}
	return d.Disk.SyncDir()
}

type stepFile struct {
	journal.File
	disk *steps
}

func (f *stepFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.disk.step(); err != nil {
		return 0, err
	}
	return f.File.WriteAt(p, off)
}

func (f *stepFile) Sync() error {
	if err := f.disk.step(); err != nil {
		return err
	}
	return f.File.Sync()
}

// A cut before every step, the disk left in several states: after the restart there is either nothing, and a ceremony can
// be held, or one whole set of keys that opens with both passwords, and none can. Source: trust.md row 69.
func TestPowerCutAtEveryStep(t *testing.T) {
	t.Parallel()
	finished, nothing, whole := false, 0, 0
	for n := 0; !finished; n++ {
		for seed := range uint64(4) {
			disk := &steps{faultfile.New(), n}
			s := started(t, disk)
			s.fail = disk.step
			minutes, err := s.hold(zhang, chen)
			finished = err == nil
			after := disk.Disk.Crash(seed)
			next, err := open(t, after, s.facts...)
			if err != nil {
				t.Fatalf("cut before step %d, disk %d: start: %v", n, seed, err)
			}
			if after.Bytes("master.vault") == nil {
				nothing++
				if len(next.facts) != 0 {
					t.Fatalf("cut before step %d, disk %d: facts %v without a file", n, seed, next.facts)
				}
				if _, err := next.hold(zhang, chen); err != nil {
					t.Fatalf("cut before step %d, disk %d: the next ceremony: %v", n, seed, err)
				}
				continue
			}
			whole++
			if _, err := next.room.Unlock(both); err != nil {
				t.Fatalf("cut before step %d, disk %d: %v", n, seed, err)
			}
			if _, err := next.hold(zhang, chen); !errors.Is(err, keymgmt.ErrHeld) {
				t.Fatalf("cut before step %d, disk %d: a second ceremony: %v", n, seed, err)
			}
			healed, err := next.room.Minutes()
			if err != nil || finished && healed.Text() != minutes.Text() {
				t.Fatalf("cut before step %d, disk %d: minutes %v %v", n, seed, healed, err)
			}
		}
	}
	if nothing == 0 || whole < 8 {
		t.Errorf("%d cuts left nothing, %d left everything: the test cuts nothing", nothing, whole)
	}
}

func TestCutInsideTheFile(t *testing.T) {
	t.Parallel()
	whole := faultfile.New()
	if _, err := started(t, whole).hold(zhang, chen); err != nil {
		t.Fatal(err)
	}
	size := int64(len(whole.Bytes("master.vault")))
	for _, n := range []int64{0, 1, 100, 511, 512, 513, size / 2, size - 1} {
		disk := faultfile.New()
		s := started(t, disk)
		disk.CutAfter(n)
		if _, err := s.hold(zhang, chen); err == nil {
			t.Fatalf("cut after %d bytes was not noticed", n)
		}
		next := started(t, disk.Crash(uint64(n)), s.facts...)
		if _, err := next.hold(zhang, chen); err != nil {
			t.Errorf("cut after %d bytes: the next ceremony: %v", n, err)
		}
	}
}

func TestFailedSyncMakesNothing(t *testing.T) {
	t.Parallel()
	disk := faultfile.New()
	s := started(t, disk)
	disk.FailSync(1)
	if _, err := s.hold(zhang, chen); !errors.Is(err, faultfile.ErrSync) {
		t.Fatalf("%v, want the sync error", err)
	}
	if disk.Bytes("master.vault") != nil || len(s.facts) != 0 {
		t.Error("keys after a failed sync")
	}
}

// A flipped bit anywhere in the file is found at the start, without a password, and names the damage.
func TestDamagedFile(t *testing.T) {
	t.Parallel()
	disk := faultfile.New()
	s := started(t, disk)
	if _, err := s.hold(zhang, chen); err != nil {
		t.Fatal(err)
	}
	file := disk.Bytes("master.vault")
	for bit := int64(0); bit < int64(len(file))*8; bit += 101 {
		bad := faultfile.New()
		bad.Put("master.vault", file)
		bad.Flip("master.vault", bit)
		next, err := open(t, bad, s.facts...)
		if !errors.Is(err, vault.ErrDamaged) {
			t.Fatalf("bit %d: start %v, want ErrDamaged", bit, err)
		}
		if err := next.room.Verify(); !errors.Is(err, vault.ErrDamaged) {
			t.Fatalf("bit %d: verify %v, want ErrDamaged", bit, err)
		}
		if _, err := next.room.Unlock(both); !errors.Is(err, vault.ErrDamaged) {
			t.Fatalf("bit %d: unlock %v, want ErrDamaged", bit, err)
		}
		if _, err := next.hold(zhang, chen); !errors.Is(err, keymgmt.ErrHeld) {
			t.Fatalf("bit %d: a second ceremony: %v", bit, err)
		}
	}
}

func TestForeignFile(t *testing.T) {
	t.Parallel()
	ours, theirs := started(t, faultfile.New()), started(t, faultfile.New(), record.SiteOpened{})
	for _, s := range []*site{ours, theirs} {
		if _, err := s.hold(zhang, chen); err != nil {
			t.Fatal(err)
		}
	}
	disk := faultfile.New()
	disk.Put("master.vault", theirs.dir.(*faultfile.Disk).Bytes("master.vault"))
	next, err := open(t, disk, ours.facts...)
	if !errors.Is(err, keymgmt.ErrForeign) {
		t.Errorf("start with the file of another ceremony: %v, want ErrForeign", err)
	}
	if _, err := next.room.Unlock(both); !errors.Is(err, keymgmt.ErrForeign) {
		t.Errorf("unlock: %v, want ErrForeign", err)
	}
}

// Canary: neither passwords nor keys are in the journal, the files, the minutes or the errors.
func TestNoSecretLeaves(t *testing.T) {
	t.Parallel()
	disk := faultfile.New()
	s := started(t, disk)
	_, slip := s.hold(zhang, with(chen, func(e *keymgmt.Entry) { e.Again = []byte("slipped slipped 1") }))
	minutes, err := s.hold(zhang, chen)
	if err != nil {
		t.Fatal(err)
	}
	_, wrong := s.room.Unlock(swapped)
	ex, err := s.room.Export(both, record.KindMaking, "0002")
	if err != nil {
		t.Fatal(err)
	}
	v, err := s.room.Unlock(both)
	if err != nil {
		t.Fatal(err)
	}
	all := bytes.Join(s.lines, []byte("\n"))
	all = append(all, disk.Bytes("master.vault")...)
	all = append(all, ex.File...)
	all = append(all, fmt.Sprint(slip, wrong, v, minutes, s.room)...)
	all = append(all, minutes.Text()...)
	for _, secret := range []string{string(zhang.Password), string(chen.Password), "slipped", string(ex.Secret)} {
		if bytes.Contains(all, []byte(secret)) || strings.Contains(strings.ToLower(string(all)), fmt.Sprintf("%x", secret)) {
			t.Errorf("%q shows", secret)
		}
	}
}
