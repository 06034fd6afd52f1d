package dispenser

import (
	"testing"
	"time"

	"greylock/system/wire/lf"
	"greylock/system/wire/unit"
)

// sell is a sale of so many litres, hung; false if the pump did not deliver.
func (r *plainRig) sell(want unit.Quantity) bool {
	r.t.Helper()
	f, _ := lf.Request{Nozzle: 1, Command: lf.FuelLitres, Value: int64(want)}.Frame()
	if got, ok := r.ask(1, lf.FuelLitres, int64(want)); !ok || got != f {
		return false
	}
	r.lift(1)
	r.squeeze(1, 1000)
	r.state(1, 0xC2, 4*time.Second)
	r.state(1, 0xC1, 10*time.Minute)
	r.hang(1)
	for range 10 {
		if s := r.poll(1); s.State&lf.NozzleUp == 0 {
			return s.Litres >= want
		}
	}
	return false
}

// TestPlainLocksOnGain: five sales beyond ±0.6 % lock the pump: neither bit 0 nor bit 1, silent to A1, until service comes.
// Source: dispenser.md 5.1.
func TestPlainLocksOnGain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		gain  int
		locks bool
	}{{10_000, false}, {10_055, false}, {9_945, false}, {10_070, true}, {9_930, true}, {10_400, true}} {
		r := controlled(t, PlainConfig{Extensions: true, Nozzles: []PlainNozzle{{Number: 1, Gain: c.gain}}})
		for i := range maxErrors {
			if s := r.poll(1); s.State != 0x41 {
				t.Fatalf("gain %d, before sale %d: %+v", c.gain, i+1, s)
			}
			if i == 2 {
				r.power() // the errors are in NV
				r.echoed(1, lf.Control, 0)
			}
			r.echoed(1, lf.FuelLitres, 1000)
			r.lift(1)
			r.squeeze(1, 1000)
			r.state(1, 0xC6, 4*time.Second)
			for r.poll(1).State&lf.Fuelling != 0 {
			}
			r.hang(1)
			r.pass(time.Second)
		}
		v := r.view(1)
		if (v.State == StateLocked) != c.locks || r.saw(EventFault, "E08") != c.locks || (v.Fault.Zh != "") != c.locks {
			t.Errorf("gain %d: %+v", c.gain, v)
		}
		if !c.locks {
			continue
		}
		r.power() // the lock survives
		r.echoed(1, lf.Control, 0)
		if s := r.poll(1); s.State != 0x60 || !s.State.Locked() {
			t.Errorf("gain %d: %+v", c.gain, s)
		}
		r.lift(1)
		r.pass(3 * time.Second)
		if f, ok := r.ask(1, lf.Fuel, 0); ok {
			t.Errorf("gain %d: A1 is answered with %X", c.gain, f)
		}
		if s := r.poll(1); s.State != 0xE0 {
			t.Errorf("gain %d: %+v", c.gain, s)
		}
		r.refused(1, lf.FuelLitres, 1000)
		r.hang(1)
		r.pass(time.Second)
		r.board.SetPhysics(r.now, 1, Physics{}, trueGain)
		r.board.Initialise(r.now, 1)
		r.settle()
		if s := r.poll(1); s.State != 0x41 {
			t.Errorf("gain %d, after service: %+v", c.gain, s)
		}
	}
}

// A pump that locks itself does not deliver in stand-alone mode either.
func TestPlainLockedStandsStill(t *testing.T) {
	t.Parallel()
	r := newPlainRig(t, PlainConfig{})
	r.board.nozzle(1).state.Lock = lockError
	r.lift(1)
	r.squeeze(1, 1000)
	r.pass(10 * time.Second)
	if s := r.poll(1); s.State != 0x80 || r.view(1).Flowed != 0 {
		t.Errorf("%+v", s)
	}
}

// TestPlainLocksOnForeignEncoder: a replaced encoder, or a board from another dispenser, sells three times.
func TestPlainLocksOnForeignEncoder(t *testing.T) {
	t.Parallel()
	r := controlled(t, PlainConfig{Nozzles: []PlainNozzle{{Number: 1, Encoder: 4711}}})
	if !r.sell(100) {
		t.Fatal("the first sale")
	}
	r.cfg.Nozzles[0].Encoder = 4712
	r.power()
	r.echoed(1, lf.Control, 0)
	for i := range maxForeign {
		if !r.sell(100) {
			t.Fatalf("sale %d with a foreign encoder", i+1)
		}
	}
	if r.sell(100) || r.poll(1).State != 0x40 || !r.saw(EventFault, "E09") {
		t.Errorf("%+v", r.view(1))
	}
	r.board.Initialise(r.now, 1)
	r.settle()
	for i := range maxForeign + 1 {
		if !r.sell(100) {
			t.Fatalf("sale %d after initialisation", i+1)
		}
	}
}

// A valve that leaks while the nozzle is up locks the pump; the litres are counted.
func TestPlainLeakLocks(t *testing.T) {
	t.Parallel()
	r := controlled(t, PlainConfig{Lost: -1, Nozzles: []PlainNozzle{{Number: 1, Physics: Physics{Leak: 100}}}})
	r.lift(1)
	r.pass(4 * time.Second)
	if r.view(1).State == StateLocked {
		t.Error("locked for a drop")
	}
	r.pass(10 * time.Second)
	if v := r.view(1); v.State != StateLocked || v.Total == 0 || unit.Quantity(v.Total) != v.Flowed || !r.saw(EventFault, "E06") {
		t.Errorf("%+v", v)
	}
	r.board.SetPhysics(r.now, 1, Physics{}, trueGain)
	r.board.Initialise(r.now, 1)
	r.hang(1)
	r.pass(time.Second)
	if s := r.poll(1); s.State != 0x41 {
		t.Errorf("after service: %+v", s)
	}
}

// What was authorised before the pump locked itself is not delivered.
func TestPlainLeakInTheSelfTest(t *testing.T) {
	t.Parallel()
	r := controlled(t, PlainConfig{Nozzles: []PlainNozzle{{Number: 1, Physics: Physics{Leak: 1000}}}})
	r.echoed(1, lf.FuelLitres, 1000)
	r.lift(1)
	r.squeeze(1, 1000)
	r.state(1, 0xC0, 3*time.Second)
	for range 30 {
		if s := r.poll(1); s.State != 0xC0 || s.Litres != 0 {
			t.Fatalf("%+v", s)
		}
	}
}

// Motor on and no pulses: 60 s, then the valve closes and the pump calls for service.
func TestPlainStuckPulser(t *testing.T) {
	t.Parallel()
	r := controlled(t, PlainConfig{Lost: -1, Extensions: true, Nozzles: []PlainNozzle{{Number: 1, Physics: Physics{Stuck: true}}}})
	r.echoed(1, lf.FuelLitres, 1000)
	r.lift(1)
	r.squeeze(1, 1000)
	r.state(1, 0xC6, 4*time.Second)
	r.pass(59 * time.Second)
	if r.view(1).State != StateFuelling {
		t.Error("stopped too early")
	}
	r.pass(3 * time.Second)
	if v := r.view(1); v.Stop != "no-flow" || !r.saw(EventFault, "E07") || v.Byte != 0xE1 {
		t.Errorf("%+v", v)
	}
	r.hang(1)
	if s := r.state(1, 0x61, 2*time.Second); s.Litres != 0 || r.total(1, lf.TotalCash) != 0 {
		t.Errorf("%+v", s)
	}
	r.board.SetPhysics(r.now, 1, Physics{}, trueGain)
	r.lift(1)
	r.state(1, 0xC1, time.Second)
}

// A total that jumps is what AD says from then on.
func TestPlainTotalJump(t *testing.T) {
	t.Parallel()
	r := controlled(t, PlainConfig{})
	r.sell(100)
	r.board.JumpTotal(r.now, 1, 5000)
	if l := r.total(1, lf.TotalLitres); l != 5100 {
		t.Errorf("%v", l)
	}
	r.board.JumpTotal(r.now, 1, -5200)
	if l := r.total(1, lf.TotalLitres); l != lf.TotalWrap-100 {
		t.Errorf("%v", l)
	}
}

// The hook's bounce is no lift, and the self-test shows what it must.
func TestPlainHook(t *testing.T) {
	t.Parallel()
	r := controlled(t, PlainConfig{})
	for range 5 {
		r.lift(1)
		r.pass(40 * time.Millisecond)
		r.hang(1)
		r.pass(40 * time.Millisecond)
	}
	if r.pass(time.Second); r.view(1).NozzleUp || r.saw(EventStage, "lifted") {
		t.Fatal("a bounce counts as a lift")
	}
	r.lift(1)
	for _, c := range []struct {
		at   time.Duration
		line string
	}{{debounce - 1, "0.00"}, {1, "8888.88"}, {testBlank, ""}, {testZero - testBlank, "0.00"}} {
		if r.pass(c.at); r.view(1).AmountLine != c.line {
			t.Errorf("after %v: %q, want %q", c.at, r.view(1).AmountLine, c.line)
		}
	}
}
