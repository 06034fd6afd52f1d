package keymgmt_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greylock/system/clock"
	"greylock/system/journal"
	"greylock/system/journal/faultfile"
	"greylock/system/keymgmt"
	"greylock/system/vault"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/record"
)

const scope = "示范石油"

var (
	cheap   = vault.Cost{Time: 1, MemoryKiB: 64, Threads: 1}
	zhang   = keymgmt.Entry{Custodian: "张建国", Password: []byte("correct horse 1234"), Again: []byte("correct horse 1234"), Words: keymgmt.Words(scope)}
	chen    = keymgmt.Entry{Custodian: "陈丽", Password: []byte("battery staple 567"), Again: []byte("battery staple 567"), Words: keymgmt.Words(scope)}
	both    = vault.Passwords{zhang.Password, chen.Password}
	swapped = vault.Passwords{chen.Password, zhang.Password}
)

// site is a key room on a disk with the facts of its journal.
type site struct {
	t     *testing.T
	dir   journal.Dir
	room  *keymgmt.Room
	now   clock.Instant
	facts []record.Fact
	lines [][]byte // as the journal keeps them
	fail  func() error
}

func (s *site) Now() clock.Instant { return s.now }

func (s *site) Append(facts ...record.Fact) error {
	if s.fail != nil {
		if err := s.fail(); err != nil {
			return err
		}
	}
	for _, f := range facts {
		line, err := record.Encode(f)
		if err != nil {
			s.t.Fatal(err)
		}
		s.lines = append(s.lines, line)
		s.facts = append(s.facts, f)
		s.room.Apply(uint64(len(s.facts)), f)
	}
	return nil
}

func open(t *testing.T, dir journal.Dir, facts ...record.Fact) (*site, error) {
	t.Helper()
	s := &site{t: t, dir: dir, facts: facts, now: clock.At(2026, time.November, 22, 9, 30, 0)}
	var seed [32]byte
	seed[0] = byte(len(facts) + 1)
	s.room = keymgmt.New(keymgmt.Config{
		Scope: scope, Realm: record.Training, Profile: fuelcard.National(), Files: dir, Random: rand.NewChaCha8(seed), Cost: cheap,
	})
	for i, f := range facts {
		s.room.Apply(uint64(i+1), f)
	}
	return s, s.room.Start(s)
}

func started(t *testing.T, dir journal.Dir, facts ...record.Fact) *site {
	t.Helper()
	s, err := open(t, dir, facts...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// hold plays a whole sitting and returns what Make, or whatever refused before it, says.
func (s *site) hold(entries ...keymgmt.Entry) (keymgmt.Minutes, error) {
	c, err := s.room.Ceremony()
	if err != nil {
		return keymgmt.Minutes{}, err
	}
	for _, e := range entries {
		s.now = s.now.Add(time.Minute)
		if err := c.Enter(e); err != nil {
			return keymgmt.Minutes{}, err
		}
	}
	return c.Make()
}

func with(e keymgmt.Entry, change func(*keymgmt.Entry)) keymgmt.Entry {
	change(&e)
	return e
}

func TestTwoCustodiansMakeTheKeysOnce(t *testing.T) {
	t.Parallel()
	disk := faultfile.New()
	s := started(t, disk)
	minutes, err := s.hold(zhang, chen)
	if err != nil {
		t.Fatal(err)
	}
	if len(minutes.Keys) != len(vault.Names()) || minutes.Custodians != [2]string{"张建国", "陈丽"} {
		t.Errorf("minutes %+v", minutes)
	}
	if len(s.facts) != 1 {
		t.Fatalf("facts %v", s.facts)
	}
	if diff := cmp.Diff(record.Fact(minutes.Fact()), s.facts[0]); diff != "" {
		t.Error(diff)
	}
	for _, want := range []string{"张建国", "陈丽", scope, "KCV", "消费密钥", "2026-11-22"} {
		if !strings.Contains(minutes.Text(), want) {
			t.Errorf("the minutes do not say %s", want)
		}
	}
	if err := s.room.Verify(); err != nil {
		t.Error(err)
	}
	// Refused at once, after a restart, without the journal and without the file.
	again := func(name string, s *site) {
		t.Helper()
		if _, err := s.hold(zhang, chen); !errors.Is(err, keymgmt.ErrHeld) {
			t.Errorf("%s: %v, want ErrHeld", name, err)
		}
		last, ok := s.facts[len(s.facts)-1].(record.CeremonyRefused)
		if !ok || last.Reason != string(keymgmt.AlreadyHeld) {
			t.Errorf("%s: last fact %+v", name, s.facts[len(s.facts)-1])
		}
	}
	again("at once", s)
	s = started(t, disk.Kill(), s.facts[:1]...)
	again("after restart", s)
	lost, err := open(t, faultfile.New(), s.facts[:1]...)
	if !errors.Is(err, keymgmt.ErrMissing) {
		t.Errorf("file lost: %v, want ErrMissing", err)
	}
	again("file lost, or an older backup restored", lost)
	healed := started(t, s.dir.(*faultfile.Disk).Kill())
	if diff := cmp.Diff(s.facts[:1], healed.facts); diff != "" {
		t.Errorf("journal lost: the fact is not healed from the file: %s", diff)
	}
	again("journal lost", healed)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	slow := with(chen, func(e *keymgmt.Entry) {})
	for _, row := range []struct {
		name    string
		first   keymgmt.Entry
		second  keymgmt.Entry
		reason  keymgmt.Reason
		persons int
	}{
		{"same person twice", zhang, with(chen, func(e *keymgmt.Entry) { e.Custodian = zhang.Custodian }), keymgmt.SamePerson, 2},
		{"same entry twice", zhang, zhang, keymgmt.SamePerson, 2},
		{"same person, other spaces", zhang, with(chen, func(e *keymgmt.Entry) { e.Custodian = " 张　建国" }), keymgmt.SamePerson, 2},
		{"same person, capitals", with(zhang, func(e *keymgmt.Entry) { e.Custodian = "Li Wei" }), with(chen, func(e *keymgmt.Entry) { e.Custodian = "LiWEI" }), keymgmt.SamePerson, 2},
		{"a blank name", with(zhang, func(e *keymgmt.Entry) { e.Custodian = "　 " }), chen, keymgmt.WeakPassword, 1},
		{"same password", zhang, with(zhang, func(e *keymgmt.Entry) { e.Custodian = "陈丽" }), keymgmt.SamePerson, 2},
		{"first hand slipped", with(zhang, func(e *keymgmt.Entry) { e.Again = []byte("correct horse 1235") }), chen, keymgmt.WrongPassword, 2},
		{"second hand slipped", zhang, with(chen, func(e *keymgmt.Entry) { e.Again = nil }), keymgmt.WrongPassword, 2},
		{"14 characters", with(zhang, func(e *keymgmt.Entry) { e.Password = []byte("12345678901234") }), chen, keymgmt.WeakPassword, 1},
		{"14 Chinese characters", with(zhang, func(e *keymgmt.Entry) { e.Password = []byte("一二三四五六七八九十一二三四") }), chen, keymgmt.WeakPassword, 1},
		{"a key held down", with(zhang, func(e *keymgmt.Entry) { e.Password = []byte("aaaaaaaaaaaaaaaaaaaa") }), chen, keymgmt.WeakPassword, 1},
		{"no text", with(zhang, func(e *keymgmt.Entry) { e.Password = []byte("\xFF\xFE34567890123456") }), chen, keymgmt.WeakPassword, 1},
		{"no name", with(zhang, func(e *keymgmt.Entry) { e.Custodian = "" }), chen, keymgmt.WeakPassword, 1},
		{"no consent", zhang, with(slow, func(e *keymgmt.Entry) { e.Words = "同意" }), keymgmt.NoConsent, 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			disk := faultfile.New()
			s := started(t, disk)
			_, err := s.hold(row.first, row.second)
			if want := (keymgmt.Refused{Reason: row.reason}); !errors.Is(err, want) {
				t.Fatalf("%v, want %v", err, want)
			}
			fact, ok := s.facts[len(s.facts)-1].(record.CeremonyRefused)
			if !ok || fact.Reason != string(row.reason) || len(fact.Custodians) != row.persons {
				t.Errorf("fact %+v", s.facts[len(s.facts)-1])
			}
			if disk.Bytes("master.vault") != nil || disk.Bytes("master.vault.new") != nil {
				t.Error("a file was made")
			}
			if _, err := s.hold(zhang, chen); err != nil {
				t.Errorf("the next sitting: %v", err)
			}
		})
	}
}

func TestWindow(t *testing.T) {
	t.Parallel()
	s := started(t, faultfile.New())
	c, err := s.room.Ceremony()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Enter(zhang); err != nil {
		t.Fatal(err)
	}
	s.now = s.now.Add(10*time.Minute + 1)
	if err := c.Enter(chen); !errors.Is(err, keymgmt.Refused{Reason: keymgmt.WindowOver}) {
		t.Errorf("late entry: %v", err)
	}
	if _, err := c.Make(); err == nil {
		t.Error("an ended sitting made keys")
	}
	if c, err = s.room.Ceremony(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Enter(zhang), c.Enter(chen)); err != nil {
		t.Fatal(err)
	}
	s.now = s.now.Add(10*time.Minute + 1)
	if _, err := c.Make(); !errors.Is(err, keymgmt.Refused{Reason: keymgmt.WindowOver}) {
		t.Errorf("late make: %v", err)
	}
	if c, err = s.room.Ceremony(); err != nil {
		t.Fatal(err)
	}
	if err := c.Enter(zhang); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Make(); err == nil {
		t.Error("one custodian alone made keys")
	}
	c.Cancel()
	if err := c.Enter(chen); err == nil {
		t.Error("a cancelled sitting takes entries")
	}
}

func TestExport(t *testing.T) {
	t.Parallel()
	s := started(t, faultfile.New())
	if _, err := s.room.Export(both, record.KindCenter, record.Center); !errors.Is(err, keymgmt.ErrNotHeld) {
		t.Errorf("before the ceremony: %v", err)
	}
	minutes, err := s.hold(zhang, chen)
	if err != nil {
		t.Fatal(err)
	}
	ex, err := s.room.Export(both, record.KindCenter, record.Center)
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.OpenWorking(ex.File, ex.Secret)
	if err != nil {
		t.Fatal(err)
	}
	if v.Role() != record.KindCenter || string(v.PublicKey()) != string(minutes.Directive) {
		t.Errorf("exported %v", v)
	}
	fact, ok := s.facts[len(s.facts)-1].(record.VaultExported)
	if !ok || fact.Site != record.Center || len(fact.Keys) != 9 || fact.Custodians != [2]string{"张建国", "陈丽"} {
		t.Errorf("fact %+v", s.facts[len(s.facts)-1])
	}
	if _, err := s.room.Export(both, record.KindStation, "0001"); !errors.Is(err, vault.ErrPurpose) {
		t.Errorf("a station: %v", err)
	}
}

// Wrong passwords are refused alike, counted and slowed down, also over a restart; a right pair ends the count.
func TestWrongPasswordsWait(t *testing.T) {
	t.Parallel()
	disk := faultfile.New()
	s := started(t, disk)
	if _, err := s.hold(zhang, chen); err != nil {
		t.Fatal(err)
	}
	wrong := vault.Passwords{zhang.Password, []byte("not the password 1")}
	refused := keymgmt.Refused{Reason: keymgmt.WrongPassword}
	for i, p := range []vault.Passwords{wrong, swapped} {
		if _, err := s.room.Unlock(p); !errors.Is(err, refused) {
			t.Fatalf("try %d: %v", i, err)
		}
	}
	var wait keymgmt.Wait
	if _, err := s.room.Unlock(both); !errors.As(err, &wait) {
		t.Fatalf("third try at once: %v, want Wait", err)
	}
	if got := wait.Until.Sub(s.now); got != 2*time.Second {
		t.Errorf("wait of %v, want 2 s", got)
	}
	later := started(t, disk.Kill(), s.facts...)
	later.now = s.now
	if _, err := later.room.Unlock(both); !errors.As(err, &wait) {
		t.Fatalf("after restart: %v, want Wait", err)
	}
	for range 12 {
		later.now = wait.Until
		if _, err := later.room.Unlock(wrong); !errors.Is(err, refused) {
			t.Fatal(err)
		}
		if _, err := later.room.Unlock(both); !errors.As(err, &wait) {
			t.Fatalf("%v, want Wait", err)
		}
	}
	if got := wait.Until.Sub(later.now); got != 5*time.Minute {
		t.Errorf("the longest wait is %v, want 5 min", got)
	}
	later.now = wait.Until
	if _, err := later.room.Export(both, record.KindOutlet, "0003"); err != nil {
		t.Fatal(err)
	}
	if _, err := later.room.Unlock(wrong); !errors.Is(err, refused) {
		t.Fatal(err)
	}
	if _, err := later.room.Unlock(both); err != nil {
		t.Errorf("one slip after a success: %v", err)
	}
}

// A vault file that comes into the room after the start, of a backup that somebody restores meanwhile, is not overwritten.
func TestFileThatCameLater(t *testing.T) {
	t.Parallel()
	disk := faultfile.New()
	s := started(t, disk)
	f, err := disk.Create("master.vault")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("of another day"), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := s.hold(zhang, chen); !errors.Is(err, keymgmt.ErrHeld) {
		t.Errorf("%v, want ErrHeld", err)
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	disk := faultfile.New()
	s := started(t, disk)
	if _, err := open(t, disk); !errors.Is(err, journal.ErrLocked) {
		t.Errorf("second process: %v, want ErrLocked", err)
	}
	if err := s.room.Close(); err != nil {
		t.Fatal(err)
	}
	started(t, disk)
}
