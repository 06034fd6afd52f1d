package dispenser

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"greylock/system/wire/lf"
	"greylock/system/wire/unit"
)

// anyPhysics is a car, a truck or a dribble, with a gun that clicks and an encoder that jitters.
func anyPhysics(rt *rapid.T) Physics {
	return Physics{MaxFlow: rapid.IntRange(5_000, 120_000).Draw(rt, "max flow"), SmallFlow: rapid.IntRange(2_000, 4_000).Draw(rt, "small flow"),
		Clicks: rapid.IntRange(0, 3).Draw(rt, "clicks"), Reverse: rapid.SampledFrom([]int{0, 50, 1000}).Draw(rt, "reverse")}
}

// within: a preset of money is met to the fen and the pulse, one of volume to the pulse. Source: features.md H6.
func within(rt *rapid.T, volume, limit unit.Quantity, amount, cash unit.Fen, price unit.Price) {
	if volume < limit || volume > limit+1 {
		rt.Fatalf("%v L for a limit of %v", volume, limit)
	}
	if cash > 0 && (amount < cash-1 || amount > cash+1) && volume == limit {
		rt.Fatalf("%v yuan for a preset of %v at %v", amount, cash, price)
	}
}

// TestPresetAtAnyFlow: both families stop at what was preset, whatever the flow, the gun and the encoder do.
func TestPresetAtAnyFlow(t *testing.T) {
	t.Parallel()
	t.Run("fa", rapid.MakeCheck(func(rt *rapid.T) {
		phys, price := anyPhysics(rt), unit.Price(rapid.IntRange(300, 2000).Draw(rt, "price"))
		cash := unit.Fen(100 * rapid.IntRange(10, 60).Draw(rt, "yuan"))
		limit := unit.Affordable(cash, price)
		b, _ := run(t, Config{Seed: rapid.Uint64().Draw(rt, "seed"), Physics: phys}, price, cash, limit, 1<<40, 1000)
		within(rt, b.fill.volume, limit, b.fill.amount, cash, price)
		if b.mem.total != unit.Totalizer(b.fill.volume) || b.fill.flowed != b.fill.volume {
			rt.Fatalf("totalizer %v, %v have flowed, the sale says %v", b.mem.total, b.fill.flowed, b.fill.volume)
		}
	}))
	t.Run("lf", rapid.MakeCheck(func(rt *rapid.T) {
		phys, price := anyPhysics(rt), unit.Price(rapid.IntRange(300, 2000).Draw(rt, "price"))
		r := controlled(t, PlainConfig{Seed: rapid.Uint64().Draw(rt, "seed"), Lost: -1, Nozzles: []PlainNozzle{{Number: 1, Price: price, Physics: phys}}})
		command, value, cash := lf.FuelLitres, int64(rapid.IntRange(31, 1500).Draw(rt, "volume")), unit.Fen(0)
		limit := unit.Quantity(value)
		if rapid.Bool().Draw(rt, "by money") {
			cash = unit.Fen(100 * rapid.IntRange(10, 60).Draw(rt, "yuan"))
			command, value, limit = lf.FuelCash, int64(cash), unit.Affordable(cash, price)
		}
		r.echoed(1, command, value)
		r.lift(1)
		r.squeeze(1, 1000)
		for range 60 { // 15 L at 5 L/min, and some clicks
			if r.pass(10 * time.Second); r.view(1).Stop != "" {
				break
			}
		}
		r.hang(1)
		r.pass(time.Second)
		v := r.view(1)
		within(rt, v.Quantity, limit, v.Amount, cash, price)
		if v.Stop != "preset" || v.Total != lf.Total(v.Quantity) || v.Flowed != v.Quantity {
			rt.Fatalf("stopped by %q, total %v, %v have flowed, the sale says %v", v.Stop, v.Total, v.Flowed, v.Quantity)
		}
	}))
}

// TestClicks: the gun stops by itself as often as it is told, for half a second to five, and the fill goes on.
func TestClicks(t *testing.T) {
	t.Parallel()
	p := newPump(Physics{Clicks: 3}, 9)
	p.up, p.small, p.big, p.squeeze = true, true, true, 1000
	dry, stops, shortest, longest := 0, 0, 1000, 0
	for i := range 6000 {
		p.step()
		if i < suction+rampTicks {
			continue
		}
		if p.flow == 0 {
			dry++
			continue
		}
		if dry > 0 {
			stops, shortest, longest, dry = stops+1, min(shortest, dry), max(longest, dry), 0
		}
	}
	if stops < 2 || stops > 3 || longest > 500 || p.flow == 0 {
		t.Errorf("%d stops of %d to %d ticks, flow %d", stops, shortest, longest, p.flow)
	}
}

// TestHookBounces: a switch that chatters is one lift and one hang.
func TestHookBounces(t *testing.T) {
	t.Parallel()
	phys := Physics{Bounce: 80 * time.Millisecond}
	r := controlled(t, PlainConfig{Nozzles: []PlainNozzle{{Number: 1, Physics: phys}}})
	r.echoed(1, lf.FuelLitres, 100)
	r.lift(1)
	if r.pass(200 * time.Millisecond); r.view(1).NozzleUp {
		t.Error("up before the switch was still for 150 ms")
	}
	if r.pass(40 * time.Millisecond); !r.view(1).NozzleUp {
		t.Error("not up after the switch was still for 150 ms")
	}
	r.squeeze(1, 1000)
	r.pass(4 * time.Second)
	r.hang(1)
	r.pass(2 * time.Second)
	lifts := 0
	for _, e := range r.seen {
		if e.Kind == EventStage && e.Word == "lifted" {
			lifts++
		}
	}
	if v := r.view(1); lifts != 1 || v.NozzleUp || v.Stop != "hang" || v.Total != lf.Total(v.Quantity) || v.Quantity == 0 {
		t.Errorf("%d lifts, %+v", lifts, v)
	}
}

// TestHookSticks: a nozzle that is hung on a stuck switch ends its sale by the time-out of the flow, on both families, and the
// switch follows once it is mended.
func TestHookSticks(t *testing.T) {
	t.Parallel()
	r := controlled(t, PlainConfig{Lost: -1, Nozzles: []PlainNozzle{{Number: 1, Physics: Physics{HookStuck: true}}}})
	r.echoed(1, lf.FuelLitres, 1000)
	r.lift(1)
	r.squeeze(1, 1000)
	r.pass(5 * time.Second)
	r.hang(1)
	r.pass(noFlow + time.Second)
	if v := r.view(1); v.Stop != "no-flow" || !v.NozzleUp || v.Fault.Zh != "" {
		t.Errorf("stuck: %+v", v)
	}
	r.board.SetPhysics(r.now, 1, Physics{}, trueGain)
	r.settle()
	r.pass(time.Second)
	if v := r.view(1); v.NozzleUp || v.Total != lf.Total(v.Quantity) || v.Quantity == 0 {
		t.Errorf("mended: %+v", v)
	}

	f := readyRig(t)
	c := newCard(0x56, 50000)
	f.do(func() { f.board.SetPhysics(f.now, Physics{HookStuck: true}) })
	f.insert(c)
	f.stage("ready")
	f.lift()
	f.until("fuelling", time.Minute, func() bool { return f.board.fill.phase == fillRunning })
	f.squeeze(1000)
	f.pass(3 * time.Second)
	f.hang()
	f.ended()
	v := f.board.View()
	if rec := f.uploaded(1)[0]; !v.NozzleUp || rec.Volume != v.Quantity || c.balance != 50000-rec.Amount {
		t.Errorf("stuck: %+v, %+v, balance %v", v, rec, c.balance)
	}
	f.do(func() { f.board.SetPhysics(f.now, Physics{}) })
	f.pass(time.Second)
	if f.board.View().NozzleUp {
		t.Error("mended, but up")
	}
}

// TestBoardLocksOnGain: five sales beyond ±0.6 % lock an IC-card dispenser too, over power cuts, until service comes; what
// leaps or flows past the control is on the totalizer. Source: dispenser.md 5.1 (JJG 443).
func TestBoardLocksOnGain(t *testing.T) {
	t.Parallel()
	r := readyRig(t)
	r.do(func() { r.board.SetGain(r.now, 10_100) })
	r.cfg.Gain = 10_100
	for i := range maxErrors {
		if r.board.State() == StateLocked {
			t.Fatalf("locked after %d sales", i)
		}
		c := newCard(byte(0x40+i), 50000)
		r.insert(c)
		r.stage("ready")
		r.keys("10L")
		r.fill(nil)
		r.pull()
		r.pass(2 * time.Second)
		if i == 2 {
			r.cut()
			r.power()
			r.pass(10 * time.Second)
		}
	}
	if r.board.State() != StateLocked || !r.saw(EventFault, "E07") {
		t.Fatalf("not locked after %d sales: %+v", maxErrors, r.board.View())
	}
	r.cut()
	r.power()
	if r.pass(10 * time.Second); r.board.State() != StateLocked {
		t.Error("power has taken the lock away")
	}
	r.do(func() { r.board.Initialise(r.now) })
	before := r.board.View().Total
	r.do(func() { r.board.JumpTotal(r.now, 500); r.board.Manual(r.now, 20); r.board.JumpTotal(r.now, -120) })
	if v := r.board.View(); v.State == StateLocked || v.Total.Since(before) != 400 {
		t.Errorf("after service: %v, the totalizer moved %v", v.State, v.Total.Since(before))
	}
}

// TestPlainPad: a nozzle that stands alone sells what was keyed on its own pad; one under control has its presets from the
// station. Source: dispenser.md 5.1.
func TestPlainPad(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		keys         string
		volume       unit.Quantity
		amount       unit.Fen
		stop, showed string
	}{
		{"50Y", 637, 5000, "preset", "50.00 元"}, {"5L", 500, 3925, "preset", "5.00 升"}, {"5LF", 0, 0, "hang", ""}, {"5L7Y", 89, 700, "preset", "7.00 元"},
		{"99C5L", 500, 3925, "preset", "5.00 升"}, {"0L", 0, 0, "hang", "0.00 升"}, {"5", 0, 0, "hang", "5"}, {"12345L", 0, 0, "hang", "1234.00 升"},
	} {
		r := newPlainRig(t, PlainConfig{Lost: -1})
		for _, k := range []byte(x.keys) {
			r.board.Key(r.now, 1, Key(k))
		}
		r.settle()
		if got := r.view(1).Preset; got != x.showed {
			t.Errorf("%s: shows %q, want %q", x.keys, got, x.showed)
		}
		r.lift(1)
		r.squeeze(1, 1000)
		r.pass(time.Minute)
		r.hang(1)
		r.pass(time.Second)
		v := r.view(1)
		if v.Stop != x.stop || x.volume > 0 && (v.Quantity != x.volume || v.Amount != x.amount) || x.volume == 0 && v.Quantity < 3000 || v.Preset != "" {
			t.Errorf("%s: %v L, %v yuan, stopped by %q, pad %q; want %v, %v, %q", x.keys, v.Quantity, v.Amount, v.Stop, v.Preset, x.volume, x.amount, x.stop)
		}
	}
	r := controlled(t, PlainConfig{Lost: -1})
	r.board.Key(r.now, 1, '5')
	r.board.Key(r.now, 1, KeyLitre)
	r.lift(1)
	r.squeeze(1, 1000)
	if r.pass(time.Minute); r.view(1).Quantity != 0 || r.view(1).Preset != "" {
		t.Errorf("under control: %+v", r.view(1))
	}
}
