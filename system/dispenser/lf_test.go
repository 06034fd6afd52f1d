package dispenser_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"greylock/system/clock"
	"greylock/system/dispenser"
	"greylock/system/wire/lf"
	"greylock/system/wire/unit"
)

func TestLFStart(t *testing.T) {
	t.Parallel()
	b := newLFBench(t, dispenser.LFConfig{})
	if b.d.Due() != clock.Never || b.view().State != dispenser.Inoperative {
		t.Errorf("before the line is open: due %v, %+v", b.d.Due(), b.view())
	}
	b.d.Line(b.now, true)
	b.run(4 * time.Second)
	b.state(dispenser.Closed)
	if got, want := b.words()[:27], "B8 B8 B8 A0 B8 AD AC B8 AD "; got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
	if got := b.told(); got != "Online Priced" {
		t.Errorf("told %s", got)
	}
	b.d.Open(b.now, 0, true)
	b.state(dispenser.Idle)
	b.run(5 * time.Second)
	b.state(dispenser.Idle)
}

// The sale of dispenser.md 2.7: preset 200.00 yuan with the nozzle down, at 7.85.
func TestLFWholeSale(t *testing.T) {
	t.Parallel()
	b := newLFBench(t, dispenser.LFConfig{}).up()
	n := b.n()
	b.authorise(dispenser.Authorisation{Money: 20000})
	b.run(time.Second)
	b.state(dispenser.Authorised)
	n.lift()
	b.run(time.Second)
	b.state(dispenser.Authorised)
	n.valve()
	b.run(200 * time.Millisecond)
	b.state(dispenser.Started)
	b.pump(time.Second)
	b.state(dispenser.Fuelling)
	b.pump(45 * time.Second)
	b.state(dispenser.SuspendedFuelling)
	if v := b.view(); v.Volume != 2547 || v.Amount != 20000 || v.Price != 785 {
		t.Errorf("%+v", v)
	}
	n.hang()
	b.run(3 * time.Second)
	b.state(dispenser.Idle)
	sales := b.sales()
	if len(sales) != 1 {
		t.Fatalf("%d sales; %s", len(sales), b.told())
	}
	s := sales[0]
	if s.Volume != 2547 || s.Amount != 20000 || s.Moved != 2547 || s.MovedCash != 20000 || s.Verdict != dispenser.Agreed ||
		s.Origin != dispenser.Ordered || s.Preset.Money != 20000 || s.Meter.Litres != 11747973+2547 {
		t.Errorf("%+v", s)
	}
	if b.asked(lf.FuelCash) != 1 {
		t.Errorf("authorised %d times", b.asked(lf.FuelCash))
	}
	if got := b.told(); got != "Sold" {
		t.Errorf("told %s", got)
	}
}

func TestLFLiftedThenAuthorised(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		a    dispenser.Authorisation
		cmd  lf.Command
	}{
		{"full", dispenser.Authorisation{}, lf.Fuel}, {"money", dispenser.Authorisation{Money: 5000}, lf.FuelCash},
		{"litres", dispenser.Authorisation{Volume: 3000}, lf.FuelLitres},
	} {
		b := newLFBench(t, dispenser.LFConfig{}).up()
		b.n().lift()
		b.run(time.Second)
		b.state(dispenser.Calling)
		b.authorise(c.a)
		b.run(200 * time.Millisecond)
		b.state(dispenser.Authorised)
		b.n().valve()
		b.run(800 * time.Millisecond)
		b.state(dispenser.Started)
		b.pump(2 * time.Second)
		b.n().hang()
		b.run(3 * time.Second)
		b.state(dispenser.Idle)
		if s := b.sales(); len(s) != 1 || s[0].Volume != 120 || s[0].Amount != 942 || s[0].Verdict != dispenser.Agreed {
			t.Errorf("%s: %+v", c.name, s)
		}
		if b.asked(c.cmd) != 1 {
			t.Errorf("%s: authorised %d times", c.name, b.asked(c.cmd))
		}
	}
}

func TestLFAuthoriseIsRepeatedOnlyAfterProof(t *testing.T) {
	t.Parallel()
	b := newLFBench(t, dispenser.LFConfig{}).up()
	b.n().deafTo = map[lf.Command]bool{lf.Fuel: true}
	b.n().lift()
	b.run(time.Second)
	b.requests, b.sentAt = nil, nil
	b.authorise(dispenser.Authorisation{})
	b.run(15 * time.Second)
	if got := b.asked(lf.Fuel); got < 2 || got > 5 {
		t.Errorf("authorised %d times", got)
	}
	for i, r := range b.requests { // between two there is a poll that was answered
		if r.Command != lf.Fuel || i+1 == len(b.requests) {
			continue
		}
		if next := b.requests[i+1].Command; next == lf.Fuel {
			t.Errorf("authorised twice without a poll: %s", b.words())
		}
	}
	if got := b.told(); got != "Stopped Refused" {
		t.Errorf("told %s", got)
	}
	b.state(dispenser.Calling)
}

func TestLFMutedAfterAuthorisation(t *testing.T) {
	t.Parallel()
	b := newLFBench(t, dispenser.LFConfig{}).up()
	b.n().lift()
	b.run(time.Second)
	b.authorise(dispenser.Authorisation{Money: 10000})
	b.run(time.Millisecond)
	b.run(160 * time.Millisecond)
	b.mute = true
	b.run(5 * time.Second)
	b.state(dispenser.Inoperative)
	b.n().valve()
	b.n().pump(500)
	b.mute = false
	b.run(6 * time.Second)
	b.state(dispenser.Fuelling)
	b.pump(5 * time.Second)
	b.n().hang()
	b.run(3 * time.Second)
	if s := b.sales(); len(s) != 1 || s[0].Volume != 800 || s[0].Verdict != dispenser.Agreed || !s[0].Interrupted {
		t.Errorf("%+v", s)
	}
	if b.asked(lf.FuelCash) != 1 {
		t.Errorf("authorised %d times over a dead line", b.asked(lf.FuelCash))
	}
	b.state(dispenser.Idle)
}

// The whole sale passes while the line is dead.
func TestLFSaleBehindADeadLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		forgets bool
		want    dispenser.Verdict
		volume  unit.Quantity
	}{{"kept", false, dispenser.Agreed, 800}, {"forgotten", true, dispenser.Forgotten, 0}} {
		b := newLFBench(t, dispenser.LFConfig{}).up()
		b.n().lift()
		b.run(time.Second)
		b.authorise(dispenser.Authorisation{Money: 10000})
		b.run(time.Second)
		b.mute = true
		b.n().valve()
		b.run(5 * time.Second)
		b.n().pump(800)
		b.n().hang()
		if c.forgets {
			b.n().litres, b.n().cash, b.n().controlled = 0, 0, false
		}
		b.mute = false
		b.run(12 * time.Second)
		b.state(dispenser.Idle)
		if s := b.sales(); len(s) != 1 || s[0].Volume != c.volume || s[0].Moved != 800 || s[0].Verdict != c.want || !s[0].Interrupted {
			t.Errorf("%s: %+v", c.name, s)
		}
	}
}

func TestLFStop(t *testing.T) {
	t.Parallel()
	b := newLFBench(t, dispenser.LFConfig{}).up()
	b.n().lift()
	b.run(time.Second)
	b.authorise(dispenser.Authorisation{Money: 10000})
	b.run(500 * time.Millisecond)
	b.n().valve()
	b.run(time.Second)
	b.pump(2 * time.Second)
	b.d.Stop(b.now, 0)
	b.run(300 * time.Millisecond)
	if b.n().flowing {
		t.Error("still flowing")
	}
	b.state(dispenser.SuspendedFuelling)
	if got := b.told(); got != "Stopped" {
		t.Errorf("told %s", got)
	}
	if err := b.d.Resume(b.now, 0); err != nil {
		t.Fatal(err)
	}
	b.run(300 * time.Millisecond)
	b.n().valve()
	b.run(time.Second)
	b.pump(40 * time.Second)
	b.state(dispenser.SuspendedFuelling)
	if v := b.view(); v.Volume != unit.Affordable(10000, 785) {
		t.Errorf("%+v", v)
	}
	b.n().hang()
	b.run(3 * time.Second)
	if s := b.sales(); len(s) != 1 || s[0].Volume != unit.Affordable(10000, 785) || s[0].Verdict != dispenser.Agreed {
		t.Errorf("%+v", s)
	}
	if got := b.told(); got != "Sold" {
		t.Errorf("told %s", got)
	}
}

func TestLFStopThatDoesNotHelp(t *testing.T) {
	t.Parallel()
	b := newLFBench(t, dispenser.LFConfig{}).up()
	b.n().deafTo = map[lf.Command]bool{lf.Stop: true}
	b.n().lift()
	b.run(time.Second)
	b.authorise(dispenser.Authorisation{})
	b.run(time.Second)
	b.n().valve()
	b.pump(time.Second)
	b.d.Stop(b.now, 0)
	b.pump(10 * time.Second)
	if got := b.told(); got != "NotStopped" || b.asked(lf.Stop) != 5 {
		t.Errorf("told %s after %d stops", got, b.asked(lf.Stop))
	}
	b.mute = true
	b.d.EmergencyStop(b.now)
	b.run(20 * time.Second)
	if got := b.told(); got != "Offline NotStopped" {
		t.Errorf("muted: told %s", got)
	}
}

func TestLFEmergencyStopOfFourNozzles(t *testing.T) {
	t.Parallel()
	var cfg dispenser.LFConfig
	for n := byte(1); n <= 4; n++ {
		cfg.Nozzles = append(cfg.Nozzles, dispenser.LFNozzle{Number: n})
	}
	b := newLFBench(t, cfg)
	b.d.Line(b.now, true)
	for i := range 4 {
		b.d.Open(b.now, i, true)
	}
	b.run(10 * time.Second)
	for i := range 4 {
		b.board[byte(i+1)].lift()
	}
	b.run(2 * time.Second)
	for i := range 4 {
		if err := b.d.Authorise(b.now, i, dispenser.Authorisation{}); err != nil {
			t.Fatal(err)
		}
	}
	b.run(3 * time.Second)
	for _, n := range b.board {
		n.valve()
	}
	b.pump(2 * time.Second)
	b.events, b.requests, b.sentAt = nil, nil, nil
	b.mute = true // an answer is outstanding that never comes
	b.run(200 * time.Millisecond)
	b.mute = false
	at := b.now
	b.d.EmergencyStop(b.now)
	b.run(500 * time.Millisecond)
	for i, n := range b.board {
		if n.flowing {
			t.Errorf("nozzle %d flows %v after the emergency stop", i, b.now.Sub(at))
		}
	}
	b.run(3 * time.Second)
	if got := b.told(); got != "Stopped Stopped Stopped Stopped" {
		t.Errorf("told %s", got)
	}
	for _, n := range b.board {
		n.hang()
	}
	b.run(10 * time.Second)
	for i, v := range b.d.Views() {
		if v.State != dispenser.Closed {
			t.Errorf("nozzle %d: %+v", i, v)
		}
	}
	if s := b.sales(); len(s) != 4 {
		t.Errorf("%d sales", len(s))
	}
}

func TestLFOffline(t *testing.T) {
	t.Parallel()
	b := newLFBench(t, dispenser.LFConfig{}).up()
	b.mute = true
	at := b.now
	for b.view().State != dispenser.Inoperative {
		b.run(10 * time.Millisecond)
	}
	if d := b.now.Sub(at); d < 500*time.Millisecond || d > time.Second {
		t.Errorf("offline after %v", d)
	}
	if n := b.asked(lf.Query); n < 3 || n > 4 || b.told() != "Offline" {
		t.Errorf("after %d polls", n)
	}
	b.run(time.Minute)
	if n := b.asked(lf.Query); n < 30 || n > 45 {
		t.Errorf("%d probes a minute", n)
	}
	b.mute = false
	b.run(6 * time.Second)
	b.state(dispenser.Idle)
	if got := b.told(); got != "Online Priced" {
		t.Errorf("told %s", got)
	}
	b.d.Line(b.now, false)
	b.drain()
	if got := b.told(); got != "Offline" || b.d.Due() != clock.Never {
		t.Errorf("line lost: %s", got)
	}
}

func TestLFEcho(t *testing.T) {
	t.Parallel()
	b := newLFBench(t, dispenser.LFConfig{})
	b.loop = true
	b.up() // with echo and answers it works, cancelled
	b.n().lift()
	b.run(time.Second)
	b.authorise(dispenser.Authorisation{Money: 10000})
	b.run(time.Second)
	b.n().valve()
	b.pump(2 * time.Second)
	b.n().hang()
	b.run(3 * time.Second)
	if s := b.sales(); len(s) != 1 || s[0].Verdict != dispenser.Agreed || s[0].Volume != 120 {
		t.Errorf("%+v", s)
	}
	b.mute = true // only the echo is left
	b.events = nil
	b.run(3 * time.Second)
	if len(b.events) == 0 || b.events[0] != (dispenser.Changed{}) {
		t.Errorf("%+v", b.events)
	}
	found := false
	for _, e := range b.events {
		if o, ok := e.(dispenser.Offline); ok {
			found = o.Looped
		}
	}
	if !found || b.view().State != dispenser.Inoperative {
		t.Errorf("%+v", b.events)
	}
	b.d.Line(b.now, true)
	b.events = nil
	b.run(3 * time.Second)
	if got := b.told(); got != "Echo" {
		t.Errorf("a looped line from the start: %s", got)
	}
}

func TestLFUnauthorised(t *testing.T) {
	t.Parallel()
	b := newLFBench(t, dispenser.LFConfig{}).up()
	b.n().up, b.n().flowing = true, true
	b.pump(time.Second)
	if got := b.told(); got != "Unauthorised Stopped" || b.n().flowing {
		t.Errorf("told %s", got)
	}
	b.n().hang()
	b.run(3 * time.Second)
	b.state(dispenser.Idle)
	if s := b.sales(); len(s) != 1 || s[0].Origin != dispenser.Unlicensed || s[0].Verdict != dispenser.Agreed {
		t.Errorf("%+v", s)
	}
}

func TestLFShortUnseenSaleIsFoundByTheTotals(t *testing.T) {
	t.Parallel()
	b := newLFBench(t, dispenser.LFConfig{}).up()
	b.n().lift()
	b.n().flowing = true
	b.n().pump(37)
	b.n().hang()
	b.run(4 * time.Second)
	if s := b.sales(); len(s) != 1 || s[0].Origin != dispenser.Unaccounted || s[0].Moved != 37 || s[0].Volume != 37 {
		t.Errorf("%+v", s)
	}
}

// TestLFNoFuelByTheTotals: a register that nobody can explain is no sale while the litres stand still; money that runs without them is
// a doubt, and no second sale (a board writes its cash total at the hang, its litres before).
func TestLFNoFuelByTheTotals(t *testing.T) {
	t.Parallel()
	b := newLFBench(t, dispenser.LFConfig{}).up()
	b.n().litres, b.n().cash = 1273, 10000
	b.run(4 * time.Second)
	if s := b.sales(); len(s) != 0 {
		t.Errorf("the register alone: %+v", s)
	}
	b.n().litres, b.n().totC = 1274, b.n().totC+10000
	b.run(4 * time.Second)
	if s := b.sales(); len(s) != 1 || s[0].Verdict != dispenser.Disagreed || s[0].Volume != 0 || s[0].Amount != 0 || s[0].MovedCash != 10000 {
		t.Errorf("the cash total alone: %+v", s)
	}
}

func TestLFReboot(t *testing.T) {
	t.Parallel()
	b := newLFBench(t, dispenser.LFConfig{}).up()
	b.n().controlled = false
	b.run(3 * time.Second)
	if got := b.told(); got != "Rebooted" && got != "" {
		t.Errorf("told %s", got)
	}
	if !b.n().controlled {
		t.Error("not taken back")
	}
	b.state(dispenser.Idle)
}

func TestLFRebootInMidFill(t *testing.T) {
	t.Parallel()
	b := newLFBench(t, dispenser.LFConfig{}).up()
	b.n().lift()
	b.run(time.Second)
	b.authorise(dispenser.Authorisation{})
	b.run(time.Second)
	b.n().valve()
	b.run(time.Second)
	b.pump(3 * time.Second)
	b.n().litres, b.n().cash, b.n().controlled, b.n().flowing, b.n().armed = 0, 0, false, false, false
	b.run(3 * time.Second)
	b.n().hang()
	b.run(6 * time.Second)
	if s := b.sales(); len(s) != 1 || s[0].Verdict != dispenser.Forgotten || s[0].Volume != 0 || s[0].Moved != 180 {
		t.Errorf("%+v", s)
	}
}

func TestLFTotalsBackAndLeap(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		by   lf.Total
		want dispenser.Trouble
	}{{-100, dispenser.TroubleBack}, {10_000_000, dispenser.TroubleLeap}} {
		b := newLFBench(t, dispenser.LFConfig{}).up()
		b.n().totL += c.by
		b.run(2 * time.Minute)
		b.state(dispenser.Inoperative)
		if why := b.d.Lock(0); why != c.want {
			t.Errorf("%v: locked for %v", c.by, why)
		}
		if s := b.sales(); len(s) != 1 || s[0].Verdict == dispenser.Agreed || s[0].Moved != unit.Quantity(c.by) {
			t.Errorf("%+v", s)
		}
		b.n().lift()
		b.run(time.Second)
		if err := b.d.Authorise(b.now, 0, dispenser.Authorisation{}); !errors.Is(err, dispenser.ErrNotNow) {
			t.Errorf("authorised: %v", err)
		}
		b.n().hang()
		b.run(time.Second)
		if err := b.d.Unlock(b.now, 0); err != nil {
			t.Error(err)
		}
		b.run(2 * time.Minute)
		b.state(dispenser.Idle)
	}
}

// A pump that has locked itself needs a person, again and again until service has been there.
func TestLFSelfLockedPump(t *testing.T) {
	t.Parallel()
	b := newLFBench(t, dispenser.LFConfig{}).up()
	b.n().selfLocked = true
	b.run(2 * time.Second)
	b.state(dispenser.Inoperative)
	if why := b.d.Lock(0); why != dispenser.TroubleSelf || b.told() != "Locked" {
		t.Errorf("locked for %v", why)
	}
	if err := b.d.Unlock(b.now, 0); err != nil {
		t.Error(err)
	}
	b.run(2 * time.Second)
	b.state(dispenser.Inoperative)
	b.n().selfLocked = false
	b.run(2 * time.Second)
	b.state(dispenser.Inoperative)
	if err := b.d.Unlock(b.now, 0); err != nil {
		t.Error(err)
	}
	b.run(2 * time.Second)
	b.state(dispenser.Idle)
}

// An authorisation that meets a pump locked by itself ends without fuel.
func TestLFSelfLockedPumpIsNotAuthorised(t *testing.T) {
	t.Parallel()
	b := newLFBench(t, dispenser.LFConfig{}).up()
	b.n().lift()
	b.run(time.Second)
	b.authorise(dispenser.Authorisation{})
	b.n().selfLocked = true
	b.run(8 * time.Second)
	if len(b.sales()) != 0 || !strings.Contains(b.kinds(), "Refused") || !strings.Contains(b.kinds(), "Locked") {
		t.Errorf("told %s", b.kinds())
	}
	b.n().hang()
	b.run(5 * time.Second)
	b.state(dispenser.Inoperative)
}

// The case of 2025: 27.18 L of the sale before are added to the next one.
func TestLFStaleSaleAddedToTheNext(t *testing.T) {
	t.Parallel()
	b := newLFBench(t, dispenser.LFConfig{}).up()
	b.n().lift()
	b.run(time.Second)
	b.authorise(dispenser.Authorisation{})
	b.run(time.Second)
	b.n().valve()
	b.run(time.Second)
	b.pump(10 * time.Second)
	b.n().litres += 2718
	b.n().cash, _ = unit.Amount(b.n().litres, 785)
	b.n().hang()
	b.run(8 * time.Second)
	if s := b.sales(); len(s) != 1 || s[0].Verdict != dispenser.Disagreed || s[0].Moved != 600 {
		t.Errorf("%+v", s)
	}
}

func TestLFPrice(t *testing.T) {
	t.Parallel()
	b := newLFBench(t, dispenser.LFConfig{}).up()
	b.d.SetPrice(b.now, 0, 799)
	b.run(time.Second)
	if got := b.told(); got != "Priced" || b.n().price != 799 || b.view().Price != 799 {
		t.Errorf("told %s, %+v", got, b.view())
	}
	b.n().lift()
	b.run(time.Second)
	b.requests, b.sentAt = nil, nil
	b.d.SetPrice(b.now, 0, 811)
	if err := b.d.Authorise(b.now, 0, dispenser.Authorisation{}); !errors.Is(err, dispenser.ErrNotNow) {
		t.Errorf("authorised at the old price: %v", err)
	}
	b.run(5 * time.Second)
	if b.asked(lf.SetPrice) != 0 {
		t.Error("the price was sent with the nozzle up")
	}
	b.n().refusePrice = true
	b.n().hang()
	b.run(15 * time.Second)
	b.state(dispenser.Inoperative)
	if got := b.told(); got != "Locked" || b.asked(lf.SetPrice) != 5 {
		t.Errorf("told %s after %d tries", got, b.asked(lf.SetPrice))
	}
	b.n().refusePrice = false
	b.run(time.Minute)
	b.state(dispenser.Idle)
	if got := b.told(); got != "Priced" {
		t.Errorf("told %s", got)
	}
}

func TestLFTotalsWrittenLate(t *testing.T) {
	t.Parallel()
	b := newLFBench(t, dispenser.LFConfig{}).up()
	b.n().lift()
	b.run(time.Second)
	b.authorise(dispenser.Authorisation{})
	b.run(time.Second)
	b.n().valve()
	b.run(time.Second)
	b.pump(3 * time.Second)
	l, c := b.n().totL, b.n().totC
	b.n().totL, b.n().totC = l-180, c-lf.Total(b.n().cash)
	b.n().hang()
	b.run(1200 * time.Millisecond)
	b.n().totL, b.n().totC = l, c
	b.run(4 * time.Second)
	if s := b.sales(); len(s) != 1 || s[0].Verdict != dispenser.Agreed || s[0].Volume != 180 {
		t.Errorf("%+v", s)
	}
}

func TestLFSuspendedForAMinuteIsOver(t *testing.T) {
	t.Parallel()
	b := newLFBench(t, dispenser.LFConfig{}).up()
	b.n().lift()
	b.run(time.Second)
	b.authorise(dispenser.Authorisation{Volume: 100})
	b.run(time.Second)
	b.n().valve()
	b.run(time.Second)
	b.pump(4 * time.Second)
	b.run(70 * time.Second)
	b.state(dispenser.SuspendedFuelling)
	if s := b.sales(); len(s) != 1 || s[0].Verdict != dispenser.Agreed || s[0].Volume != 100 {
		t.Errorf("%+v", s)
	}
	b.n().hang()
	b.run(5 * time.Second)
	b.state(dispenser.Idle)
	if s := b.sales(); len(s) != 1 {
		t.Errorf("booked again: %+v", s)
	}
}

func TestLFClockSetBack(t *testing.T) {
	t.Parallel()
	b := newLFBench(t, dispenser.LFConfig{}).up()
	b.run(50 * time.Millisecond)
	b.now = b.now.Add(-time.Hour)
	for i := range b.pending {
		b.pending[i].at = b.pending[i].at.Add(-time.Hour)
	}
	b.lastAt = 0
	b.d.Wake(b.now)
	b.run(2 * time.Second)
	b.state(dispenser.Idle)
	if n := b.asked(lf.Query); n < 10 {
		t.Errorf("%d polls in 2 s", n)
	}
}

func TestLFOrdersAreChecked(t *testing.T) {
	t.Parallel()
	for _, cfg := range []dispenser.LFConfig{
		{}, {Nozzles: []dispenser.LFNozzle{{Number: 0}}}, {Nozzles: []dispenser.LFNozzle{{Number: 3}, {Number: 3}}},
		{Nozzles: []dispenser.LFNozzle{{Number: 3, Price: 10000}}}, {Nozzles: make([]dispenser.LFNozzle, 100)},
	} {
		if _, err := dispenser.NewLF(cfg); !errors.Is(err, dispenser.ErrValue) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
	b := newLFBench(t, dispenser.LFConfig{}).up()
	for _, a := range []dispenser.Authorisation{{Money: 1, Volume: 1}, {Money: -1}, {Money: 1000000}, {Volume: 1000000}, {Money: 7}} {
		if err := b.d.Authorise(b.now, 0, a); !errors.Is(err, dispenser.ErrValue) {
			t.Errorf("%+v: %v", a, err)
		}
	}
	for _, err := range []error{
		b.d.Authorise(b.now, 1, dispenser.Authorisation{}), b.d.Stop(b.now, -1), b.d.Open(b.now, 2, true), b.d.SetPrice(b.now, 0, 0),
		b.d.SetPrice(b.now, 3, 1), b.d.Resume(b.now, 9), b.d.Unlock(b.now, 9),
	} {
		if !errors.Is(err, dispenser.ErrValue) {
			t.Errorf("%v", err)
		}
	}
	for _, err := range []error{b.d.Authorise(b.now, 0, dispenser.Authorisation{}), b.d.Resume(b.now, 0), b.d.Unlock(b.now, 0)} {
		if !errors.Is(err, dispenser.ErrNotNow) {
			t.Errorf("%v", err)
		}
	}
}
