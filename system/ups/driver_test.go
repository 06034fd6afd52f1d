package ups_test

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"greylock/system/clock"
	"greylock/system/ups"
	wire "greylock/system/wire/ups"
)

var start = clock.At(2026, 11, 28, 9, 0, 0)

const think = 200 * time.Millisecond // both ways and the UPS's own time

// rig is a driver and a UPS that does as the test says.
type rig struct {
	t      *testing.T
	d      *ups.Driver
	now    clock.Instant
	status wire.Status
	answer func(c wire.Command) []string // nil: the right one
	deaf   bool                          // obeys no order
	told   []ups.Event
	asked  []wire.Command
	queue  []reply
}

type reply struct {
	at   clock.Instant
	text string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, d: ups.New(), now: start, status: wire.Status{Input: 2260, Fault: 1950, Output: 2260, Load: 14, Frequency: 500, Battery: 2750, Temperature: 250,
		Flags: wire.Standby}}
	r.d.Line(r.now, true)
	r.take()
	return r
}

// take carries frames to the UPS.
func (r *rig) take() {
	frames, events := r.d.Take()
	r.told = append(r.told, events...)
	for _, f := range frames {
		text, ended := strings.CutSuffix(string(f), "\r")
		c, err := wire.ParseCommand([]byte(text))
		if err != nil || !ended {
			r.t.Fatalf("asks %q: %v", f, err)
		}
		r.asked = append(r.asked, c)
		answers := r.right(c)
		if r.answer != nil {
			answers = r.answer(c)
		}
		for _, a := range answers {
			r.queue = append(r.queue, reply{r.now.Add(think), a})
		}
	}
}

// right is what a good UPS answers.
func (r *rig) right(c wire.Command) []string {
	switch c.Kind {
	case wire.AskStatus:
		line, err := r.status.Line()
		if err != nil {
			r.t.Fatal(err)
		}
		return []string{string(line)}
	case wire.AskIdentity:
		return []string{"#NOT_A_LIVE_UPS  TESTING    TESTING   \r"}
	}
	if !r.deaf {
		r.status.Flags &^= wire.ShutdownActive
		if c.Kind == wire.Shutdown {
			r.status.Flags |= wire.ShutdownActive
		}
	}
	return nil
}

// pass lets time pass.
func (r *rig) pass(d time.Duration) {
	end := r.now.Add(d)
	for {
		at := r.d.Due()
		if len(r.queue) > 0 {
			at = min(at, r.queue[0].at)
		}
		if at > end {
			r.now = end
			return
		}
		r.now = max(r.now, at)
		if len(r.queue) > 0 && r.queue[0].at <= r.now {
			text := r.queue[0].text
			r.queue = r.queue[1:]
			r.d.Receive(r.now, []byte(text))
		} else {
			r.d.Wake(r.now)
		}
		r.take()
	}
}

// has wants just these events since it was asked last.
func (r *rig) has(want ...ups.Event) {
	r.t.Helper()
	got := r.told
	r.told = nil
	if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
		r.t.Errorf("told %#v, want %#v", got, want)
	}
}

func TestMainsBatteryLowAndBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.pass(5 * time.Second)
	r.has(ups.Online{}, ups.Changed{Power: ups.Mains})
	if x := r.d.Identity(); x.Company != "NOT_A_LIVE_UPS" || !r.d.Online() {
		t.Errorf("identity %+v", x)
	}
	r.status.Flags |= wire.UtilityFail
	before := r.now
	for len(r.told) == 0 && r.now < before.Add(time.Minute) {
		r.pass(100 * time.Millisecond)
	}
	r.has(ups.Changed{Power: ups.Battery})
	if took := r.now.Sub(before); took > ups.Poll+time.Second {
		t.Errorf("a power cut is known after %v", took)
	}
	r.status.Flags |= wire.BatteryLow
	r.pass(5 * time.Second)
	r.has(ups.Changed{Power: ups.Low})
	r.status.Flags &^= wire.BatteryLow // without load it recovers
	r.pass(10 * time.Second)
	r.has()
	r.status.Flags &^= wire.UtilityFail
	r.pass(5 * time.Second)
	r.has(ups.Changed{Power: ups.Mains})
	if s, at, ok := r.d.Status(); !ok || s != r.status || r.now.Sub(at) > ups.Poll {
		t.Errorf("status %+v of %v", s, at)
	}
}

// TestOneWrongAnswerIsNoChange: without a checksum a single bit says anything.
func TestOneWrongAnswerIsNoChange(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.pass(5 * time.Second)
	r.has(ups.Online{}, ups.Changed{Power: ups.Mains})
	n := 0
	r.answer = func(c wire.Command) []string {
		s := r.status
		if n++; n%2 == 0 {
			s.Flags ^= wire.UtilityFail | wire.BatteryLow | wire.Failed
		}
		line, err := s.Line()
		if err != nil {
			t.Fatal(err)
		}
		return []string{string(line)}
	}
	r.pass(time.Minute)
	r.has()
	if n < 20 {
		t.Errorf("%d answers only", n)
	}
}

func TestSilenceAndReturn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.pass(5 * time.Second)
	r.has(ups.Online{}, ups.Changed{Power: ups.Mains})
	r.answer = func(wire.Command) []string { return nil }
	r.pass(30 * time.Second)
	r.has(ups.Offline{})
	r.answer = nil
	r.status.Flags |= wire.UtilityFail
	r.pass(10 * time.Second)
	r.has(ups.Online{}, ups.Changed{Power: ups.Battery})
	r.d.Line(r.now, false)
	r.take()
	r.has(ups.Offline{})
	if r.d.Due() != clock.Never || r.d.Power() != ups.Battery {
		t.Errorf("due %v, power %v", r.d.Due(), r.d.Power())
	}
	r.d.Receive(r.now, []byte("(226.0 195.0 226.0 014 49.0 27.5 30.0 00001000\r"))
	r.take()
	r.has()
}

// TestNeverHeard says so once.
func TestNeverHeard(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.answer = func(wire.Command) []string { return nil }
	r.queue = nil
	r.pass(time.Minute)
	r.has(ups.Offline{})
	if r.d.Power() != ups.Unheard {
		t.Errorf("power %v", r.d.Power())
	}
}

// TestShutdownIsProven by the status, given again if it is not, and taken back.
func TestShutdownIsProven(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.pass(5 * time.Second)
	r.told, r.asked = nil, nil
	if err := r.d.Shutdown(r.now, time.Second, 0); err == nil {
		t.Error("a second is no time of this protocol")
	}
	if err := r.d.Shutdown(r.now, 2*time.Minute, 3*time.Minute); err != nil {
		t.Fatal(err)
	}
	r.take()
	r.pass(3 * time.Second)
	r.has(ups.Obeyed{Off: true})
	r.d.Cancel(r.now)
	r.take()
	r.pass(3 * time.Second)
	r.has(ups.Obeyed{Off: false})
	orders := 0
	for _, c := range r.asked {
		if c.Kind == wire.Shutdown || c.Kind == wire.Cancel {
			orders++
		}
	}
	if orders != 2 {
		t.Errorf("%d orders: %+v", orders, r.asked)
	}
	r.deaf, r.asked = true, nil
	if err := r.d.Shutdown(r.now, 2*time.Minute, 3*time.Minute); err != nil {
		t.Fatal(err)
	}
	r.take()
	r.pass(20 * time.Second)
	r.has(ups.Refused{Off: true})
	r.d.Line(r.now, false)
	r.take()
	r.told = nil
	r.d.Cancel(r.now)
	r.take()
	r.has(ups.Refused{Off: false})
}

func TestComplaints(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.pass(5 * time.Second)
	r.told = nil
	r.status.Flags |= wire.Failed | wire.BatteryLow
	r.pass(30 * time.Second)
	r.has(ups.Fault{}, ups.Weak{})
	r.status.Flags &^= wire.Failed | wire.BatteryLow
	r.pass(10 * time.Second)
	r.status.Flags |= wire.Failed
	r.pass(10 * time.Second)
	r.has(ups.Fault{})
}

// TestStrangeAnswers are told and change nothing; an identity that does not come is no failure.
func TestStrangeAnswers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.answer = func(c wire.Command) []string {
		if c.Kind == wire.AskIdentity {
			return nil
		}
		return r.right(c)
	}
	r.pass(time.Minute)
	r.has(ups.Online{}, ups.Changed{Power: ups.Mains})
	for _, text := range []string{"Q1\r", "#220.0 000 024.0 50.0\r", "(226.0 195\r", "NAK\r"} {
		r.answer = func(wire.Command) []string { return []string{text} }
		r.pass(ups.Poll)
		if len(r.told) == 0 || r.d.Power() != ups.Mains {
			t.Errorf("%q: %+v", text, r.told)
		}
		r.answer, r.told = nil, nil
		r.pass(2 * ups.Poll)
		r.told = nil
	}
	r.d.Receive(r.now, []byte("(226.0 195.0 226.0 014 49.0 27.5 30.0 10001000\r"))
	r.take()
	if len(r.told) != 1 || !r.d.Online() {
		t.Errorf("unasked: %+v", r.told)
	}
}

// TestClockLeaps: set back by hours, the next question comes in its time.
func TestClockLeaps(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.pass(5 * time.Second)
	r.told = nil
	r.now = r.now.Add(-3 * time.Hour)
	r.queue = nil
	r.d.Wake(r.now)
	r.take()
	r.status.Flags |= wire.UtilityFail
	r.pass(10 * time.Second)
	r.has(ups.Changed{Power: ups.Battery})
}

// FuzzLine: whatever comes from the line, the driver asks on and believes nothing that was not said twice in a row.
func FuzzLine(f *testing.F) {
	f.Add(uint64(1), []byte("(226.0 195.0 226.0 014 49.0 27.5 30.0 10001000\r"))
	f.Add(uint64(2), []byte("\r\r(((###ACK\rNAK\rQ1\r"))
	f.Fuzz(func(t *testing.T, seed uint64, noise []byte) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		d := ups.New()
		now := start
		d.Line(now, true)
		asked, fails := 0, 0
		for range 200 {
			frames, events := d.Take()
			for _, e := range events {
				if c, ok := e.(ups.Changed); ok && c.Power >= ups.Battery && fails < ups.Seen {
					t.Fatalf("%+v after %d answers that say so", c, fails)
				}
			}
			asked += len(frames)
			if n := len(noise); n > 0 && rnd.IntN(3) == 0 {
				from := rnd.IntN(n)
				piece := noise[from : from+1+rnd.IntN(n-from)]
				fails += strings.Count(string(piece), "\r")
				d.Receive(now, piece)
			}
			now = now.Add(time.Duration(rnd.IntN(1500)) * time.Millisecond)
			d.Wake(now)
		}
		if asked < 20 {
			t.Errorf("%d questions in %v", asked, now.Sub(start))
		}
	})
}
