package dispenser

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"greylock/system/clock"
	"greylock/system/wire/unit"
)

// run is a fill of the bare meter: nozzle up, arm, squeeze, until it stops by itself. It returns the board.
func run(t testing.TB, cfg Config, price unit.Price, preset unit.Fen, limit unit.Quantity, balance unit.Fen, squeeze int) (*Board, time.Duration) {
	t.Helper()
	b := New(cfg, &Memory{})
	now := clock.At(2026, 11, 22, 9, 0, 0)
	b.PowerOn(now)
	b.Lift(now)
	b.fill.price, b.fill.preset, b.fill.balance = price, preset, balance
	now = now.Add(debounce)
	b.Wake(now)
	b.arm(limit)
	b.Squeeze(now, squeeze)
	began := clock.Instant(0)
	for end := now.Add(time.Hour); b.fill.phase != fillNone; {
		if now = max(now, b.flowDue()); now > end {
			t.Fatal("the fill does not end")
		}
		b.Wake(now)
		if b.fill.phase == fillRunning && began == 0 {
			began = now
		}
	}
	return b, now.Sub(began)
}

// TestPresetStopsExactly: over many seeds, prices and presets the small valve stops on the pulse, and cash on the fen.
func TestPresetStopsExactly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		price := unit.Price(rapid.IntRange(1, 2000).Draw(rt, "price"))
		squeeze := rapid.IntRange(300, 1000).Draw(rt, "squeeze")
		if rapid.Bool().Draw(rt, "by volume") {
			want := unit.Quantity(rapid.IntRange(31, 3000).Draw(rt, "volume"))
			b, _ := run(t, Config{Seed: seed}, price, 0, want, 1<<40, squeeze)
			amount, _ := unit.Amount(b.fill.volume, price)
			if b.fill.volume != want || b.fill.amount != amount {
				rt.Fatalf("%v L, %v yuan, want %v L", b.fill.volume, b.fill.amount, want)
			}
			return
		}
		volume := rapid.IntRange(31, 3000).Draw(rt, "about volume")
		cash := unit.Fen(volume*int(price)/100 + 1)
		limit := unit.Affordable(cash, price)
		if limit < 1 {
			return
		}
		b, _ := run(t, Config{Seed: seed}, price, cash, limit, cash, squeeze)
		if b.fill.amount != cash || b.fill.volume != limit {
			rt.Fatalf("%v yuan, %v L, want %v yuan, %v L", b.fill.amount, b.fill.volume, cash, limit)
		}
	})
}

// TestOvershoot: without the small valve the flow runs on; the meter says so and the debit does not exceed the balance.
func TestOvershoot(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		phys     Physics
		min, max unit.Quantity
	}{
		{"two-stage", Physics{}, 0, 0},
		{"no prevalve", Physics{Prevalve: -1}, 2, 25},
		{"truck, no prevalve", Physics{Prevalve: -1, MaxFlow: 120_000}, 8, 25},
		{"truck", Physics{MaxFlow: 120_000}, 0, 1},
	} {
		for seed := range uint64(50) {
			b, _ := run(t, Config{Physics: c.phys, Seed: seed}, 785, 0, 1000, 7850, 1000)
			if over := b.fill.volume - 1000; over < c.min || over > c.max {
				t.Errorf("%s, seed %d: %v L too much", c.name, seed, over)
			}
			if b.fill.amount > 7850 || b.mem.total != unit.Totalizer(b.fill.volume) {
				t.Errorf("%s, seed %d: %v yuan, totalizer %v, volume %v", c.name, seed, b.fill.amount, b.mem.total, b.fill.volume)
			}
		}
	}
}

func TestFlowCurve(t *testing.T) {
	t.Parallel()
	_, took := run(t, Config{Seed: 3}, 785, 0, 3800, 1<<40, 1000)
	// 38 L at 38 L/min, 0.4 s of suction, 1.5 s of ramp, the last 0.3 L at 3 L/min.
	if took < 64*time.Second || took > 69*time.Second {
		t.Errorf("38 L took %v", took)
	}
	p := newPump(Physics{}, 1)
	p.up, p.small, p.big, p.squeeze = true, true, true, 1000
	for i := range suction {
		if p.step(); p.flow != 0 {
			t.Fatalf("flow after %d ticks", i)
		}
	}
	for range 2 * rampTicks {
		p.step()
	}
	if q := p.flow * perTick / 1000; q < 36_800 || q > 39_200 {
		t.Errorf("full flow %d mL/min", q)
	}
	p.small, p.big = false, false
	for range 6 { // 60 ms: 1/e
		p.step()
	}
	if q := p.flow * perTick / 1000; q < 12_500 || q > 15_500 {
		t.Errorf("60 ms after closing %d mL/min", q)
	}
	for range 100 {
		p.step()
	}
	if p.flow != 0 || !p.still() {
		t.Errorf("a second after closing %d µL per tick", p.flow)
	}
}

func TestOwed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		volume          unit.Quantity
		price           unit.Price
		preset, balance unit.Fen
		want            unit.Fen
	}{
		{2547, 785, 20000, 50000, 20000}, // 199.94: less than a pulse below the preset
		{2548, 785, 20000, 50000, 20000}, // 200.02
		{2546, 785, 20000, 50000, 19986}, // more than a pulse: what the meter says
		{2547, 785, 0, 50000, 19994},
		{2548, 785, 0, 20000, 20000}, // never more than the balance
		{0, 785, 5, 50000, 0},        // no charge without fuel
		{1, 50, 0, 50000, 1},         // half a fen up
	} {
		if got := owed(c.volume, c.price, c.preset, c.balance); got != c.want {
			t.Errorf("owed(%v, %v, %v, %v) = %v, want %v", c.volume, c.price, c.preset, c.balance, got, c.want)
		}
	}
}

func TestHookBounceIsIgnored(t *testing.T) {
	t.Parallel()
	b := New(Config{}, &Memory{})
	now := clock.At(2026, 11, 22, 9, 0, 0)
	b.PowerOn(now)
	for range 5 {
		now = now.Add(30 * time.Millisecond)
		b.Lift(now)
		now = now.Add(30 * time.Millisecond)
		b.Hang(now)
	}
	b.Wake(now.Add(time.Second))
	if b.View().NozzleUp {
		t.Fatal("a bounce counts as a lift")
	}
	now = now.Add(2 * time.Second)
	b.Lift(now)
	b.Wake(now.Add(debounce - 1))
	if b.View().NozzleUp {
		t.Error("lifted before the debounce")
	}
	b.Wake(now.Add(debounce))
	if v := b.View(); !v.NozzleUp || v.AmountLine != "8888.88" || v.PriceLine != "88.88" {
		t.Errorf("self-test shows %q", v.AmountLine)
	}
	b.Wake(now.Add(debounce + testBlank))
	if v := b.View(); v.AmountLine != "" {
		t.Errorf("blank shows %q", v.AmountLine)
	}
	b.Wake(now.Add(debounce + testZero))
	if v := b.View(); v.AmountLine != "0.00" {
		t.Errorf("zero shows %q", v.AmountLine)
	}
}

// TestStuckPulser: no pulses for 60 s end the fill and call for service.
func TestStuckPulser(t *testing.T) {
	t.Parallel()
	b, took := run(t, Config{Physics: Physics{Stuck: true}}, 785, 0, 1000, 1<<40, 1000)
	if b.fill.stop != "no-flow" || took < noFlow || took > noFlow+2*time.Second || b.View().Fault.En == "" {
		t.Errorf("stopped by %q after %v, fault %v", b.fill.stop, took, b.View().Fault)
	}
}

// TestLeakLocksThePump: pulses with the valve closed are counted, and lock.
func TestLeakLocksThePump(t *testing.T) {
	t.Parallel()
	b := New(Config{Physics: Physics{Leak: 100}}, &Memory{})
	now := clock.At(2026, 11, 22, 9, 0, 0)
	b.PowerOn(now)
	b.Lift(now)
	b.Wake(now.Add(5 * time.Second))
	if b.State() == StateLocked || b.View().Total == 0 {
		t.Fatalf("after 5 s: %s, total %v", b.State(), b.View().Total)
	}
	b.Wake(now.Add(10 * time.Second))
	if b.State() != StateLocked {
		t.Errorf("after 10 s of leaking: %s, total %v", b.State(), b.View().Total)
	}
}

// TestIdleBoardsAreCheap: a board with nothing to do is woken about twice a second.
func TestIdleBoardsAreCheap(t *testing.T) {
	t.Parallel()
	r := readyRig(t)
	r.wakes = 0
	r.pass(time.Minute)
	if r.wakes > 125 {
		t.Errorf("%d wakes in a minute", r.wakes)
	}
}

func BenchmarkFill(b *testing.B) {
	for b.Loop() {
		run(b, Config{Seed: 1}, 785, 0, 4000, 1<<40, 1000)
	}
}

// A contactor takes the pump's power in mid-fill: the fill ends as it stands and is paid; without power nothing begins, and what
// was tried without it does not begin when it is back.
func TestPumpPower(t *testing.T) {
	t.Parallel()
	r := readyRig(t)
	c := newCard(0x57, 50000)
	r.insert(c)
	r.stage("ready")
	r.lift()
	r.until("fuelling", time.Minute, func() bool { return r.board.fill.phase == fillRunning })
	r.squeeze(1000)
	r.until("5 litres", time.Minute, func() bool { return r.board.View().Quantity >= 500 })
	at := r.board.View().Quantity
	r.do(func() { r.board.PumpPower(r.now, false) })
	r.until("the sale ends with the gun up and open", 10*time.Second, func() bool { return c.debits == 1 })
	v := r.board.View()
	if r.board.fill.stop != "stop" || v.SmallOpen || v.BigValve || v.Quantity < at || v.Quantity > at+15 {
		t.Errorf("stopped by %q at %v L, cut at %v L", r.board.fill.stop, v.Quantity, at)
	}
	if rec := r.uploaded(1)[0]; rec.Volume != v.Quantity || rec.Amount != c.debited {
		t.Errorf("record %v L %v yuan, debited %v", rec.Volume, rec.Amount, c.debited)
	}
	total := v.Total
	r.hang()
	r.pull()
	r.insert(c)
	r.stage("ready")
	r.lift()
	r.squeeze(1000)
	r.pass(20 * time.Second)
	r.do(func() { r.board.PumpPower(r.now, true) })
	r.pass(20 * time.Second)
	if got := r.board.View().Total; got != total {
		t.Errorf("without power the totalizer moved from %v to %v", total, got)
	}
	r.hang()
	r.pull()
	r.insert(newCard(0x58, 50000))
	r.stage("ready")
	r.lift()
	r.until("fuelling", time.Minute, func() bool { return r.board.fill.phase == fillRunning })
	r.squeeze(1000)
	r.until("fuel flows again", time.Minute, func() bool { return r.board.View().Quantity >= 100 })
}
