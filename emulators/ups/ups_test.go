package ups_test

import (
	"slices"
	"testing"
	"time"

	"greylock/emulators/ups"
	"greylock/system/clock"
	wire "greylock/system/wire/ups"
)

var start = clock.At(2026, 11, 28, 9, 0, 0)

// rig drives a UPS in virtual time.
type rig struct {
	t        *testing.T
	u        *ups.UPS
	now      clock.Instant
	wake     clock.Instant
	sent     []string
	switched []bool
}

func newRig(t *testing.T, cfg ups.Config) *rig {
	t.Helper()
	r := &rig{t: t, u: ups.New(cfg), now: start, wake: clock.Never}
	r.u.PowerOn(r.now)
	r.take()
	return r
}

func (r *rig) take() {
	fx := r.u.Take()
	for _, b := range fx.Send {
		r.sent = append(r.sent, string(b))
	}
	r.switched = append(r.switched, fx.Switched...)
	r.wake = fx.Wake
}

func (r *rig) pass(d time.Duration) {
	end := r.now.Add(d)
	for r.wake <= end {
		r.now = max(r.now, r.wake)
		r.u.Wake(r.now)
		r.take()
	}
	r.now = end
}

// ask sends a line and returns what comes within five seconds.
func (r *rig) ask(line string) []string {
	r.sent = nil
	r.u.Receive(r.now, []byte(line+"\r"))
	r.take()
	r.pass(5 * time.Second)
	return r.sent
}

func (r *rig) status() *wire.Status {
	r.t.Helper()
	got := r.ask("Q1")
	if len(got) != 1 {
		r.t.Fatalf("a status is %q", got)
	}
	a, err := wire.Parse([]byte(got[0][:len(got[0])-1]))
	s, ok := a.(*wire.Status)
	if err != nil || !ok {
		r.t.Fatalf("%q: %v", got, err)
	}
	return s
}

func (r *rig) flags(want wire.Flags) {
	r.t.Helper()
	if s := r.status(); s.Flags != want|wire.Standby {
		r.t.Errorf("at %v: %v, want %v", r.now, s, want|wire.Standby)
	}
}

func TestBatteryDrainsAndDies(t *testing.T) {
	t.Parallel()
	r := newRig(t, ups.Config{Lasts: 5 * time.Minute, Low: time.Minute})
	r.flags(0)
	r.u.Mains(r.now, false)
	r.flags(wire.UtilityFail | wire.Beeper)
	r.pass(4 * time.Minute)
	r.flags(wire.UtilityFail | wire.Beeper | wire.BatteryLow)
	r.pass(time.Minute)
	if r.u.Output() || !slices.Equal(r.switched, []bool{true, false}) {
		t.Errorf("after the battery's end: output %v, switched %v", r.u.Output(), r.switched)
	}
	if got := r.ask("Q1"); got != nil {
		t.Errorf("a dead UPS says %q", got)
	}
	r.u.Mains(r.now, true)
	r.take()
	r.pass(time.Minute)
	if !r.u.Output() {
		t.Error("the mains are back, the output is off")
	}
	r.flags(wire.BatteryLow)
	r.pass(time.Hour)
	r.flags(0)
	if left := r.u.Left(r.now); left != 5*time.Minute {
		t.Errorf("charged to %v", left)
	}
}

func TestShutdownOnBatteryReturnsWithTheMains(t *testing.T) {
	t.Parallel()
	r := newRig(t, ups.Config{})
	r.u.Mains(r.now, false)
	if got := r.ask("S02R0003"); got != nil {
		t.Errorf("a shutdown answers %q", got)
	}
	r.flags(wire.UtilityFail | wire.Beeper | wire.ShutdownActive)
	if r.pass(109 * time.Second); !r.u.Output() {
		t.Error("off too early")
	}
	if r.pass(2 * time.Second); r.u.Output() {
		t.Error("not off")
	}
	r.pass(time.Hour)
	r.u.Mains(r.now, true)
	r.take()
	if r.pass(179 * time.Second); r.u.Output() {
		t.Error("on too early")
	}
	if r.pass(2 * time.Second); !r.u.Output() {
		t.Error("not on")
	}
}

// TestMainsBackWhileTheShutdownRuns: the output goes off all the same, and comes again by itself.
func TestMainsBackWhileTheShutdownRuns(t *testing.T) {
	t.Parallel()
	r := newRig(t, ups.Config{})
	r.u.Mains(r.now, false)
	r.ask("S02R0001")
	r.u.Mains(r.now, true)
	r.pass(2 * time.Minute)
	if r.u.Output() {
		t.Error("the shutdown was forgotten")
	}
	if r.pass(time.Minute); !r.u.Output() {
		t.Error("it does not come again")
	}
	r.ask("S.5R0001")
	r.ask("C")
	r.flags(0)
	if r.pass(time.Hour); !slices.Equal(r.switched, []bool{true, false, true}) {
		t.Errorf("switched %v", r.switched)
	}
	r.ask("S.2R0000")
	if r.pass(time.Hour); r.u.Output() {
		t.Error("for good is for good")
	}
	r.ask("C")
	if r.pass(time.Minute); !r.u.Output() {
		t.Error("C switches it on again")
	}
}

func TestWaysOfTalking(t *testing.T) {
	t.Parallel()
	r := newRig(t, ups.Config{Seed: 7})
	if got := r.ask("Z9"); !slices.Equal(got, []string{"Z9\r"}) {
		t.Errorf("an unknown command comes back as %q", got)
	}
	if got := r.ask("F"); !slices.Equal(got, []string{"#220.0 004 024.0 50.0\r"}) {
		t.Errorf("ratings %q", got)
	}
	if got := r.ask("I"); !slices.Equal(got, []string{"#GREYLAB         UPS-1K     1.0       \r"}) {
		t.Errorf("identity %q", got)
	}
	r.u.Talk(ups.Silent)
	if got := r.ask("Q1"); got != nil {
		t.Errorf("silent, it says %q", got)
	}
	r.u.Talk(ups.Garbage)
	for range 20 {
		got := r.ask("Q1")
		if len(got) != 1 {
			t.Fatalf("garbage is %q", got)
		}
		if a, err := wire.Parse([]byte(got[0][:len(got[0])-1])); err == nil {
			t.Errorf("garbage is read as %v", a)
		}
	}
	r.u.Talk(ups.Slow)
	r.sent = nil
	r.u.Receive(r.now, []byte("Q1\r"))
	r.take()
	if r.pass(2 * time.Second); r.sent != nil {
		t.Error("slow is not slow")
	}
	if r.pass(2 * time.Second); len(r.sent) != 1 {
		t.Error("slow is silent")
	}
	r.u.Talk(ups.Deaf)
	r.ask("S.2R0001")
	r.flags(0)
	r.u.Talk(ups.Normal)
	r.u.Lie(1)
	r.flags(wire.UtilityFail | wire.Beeper)
	r.flags(0)
	r.u.Off()
	r.take()
	if got := r.ask("Q1"); got != nil || r.u.Output() {
		t.Errorf("switched off it says %q", got)
	}
	r.u.PowerOn(r.now)
	r.take()
	r.u.Mains(r.now, false)
	r.u.Charge(r.now, 0)
	r.take()
	if r.u.Output() {
		t.Error("an empty battery gives power")
	}
}
