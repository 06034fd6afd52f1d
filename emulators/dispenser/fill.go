package dispenser

import (
	"time"

	"greylock/system/clock"
	"greylock/system/wire/fa"
	"greylock/system/wire/unit"
)

// refresh is how often figures move on the display while fuel flows; between two of them physics runs tick by tick.
const refresh = 100 * time.Millisecond

// hook is the nozzle switch behind its debounce.
type hook struct {
	hand    bool // where the nozzle really is: off the hook
	raw, up bool
	since   clock.Instant // of the last change of raw
	bounces int           // changes of raw that still come, an even number
	tested  clock.Instant // the self-test of this lift is over
	steps   [2]clock.Instant
}

// move is the nozzle off the hook or back on it; a stuck switch does not follow it back.
func (h *hook) move(now clock.Instant, up bool, phys Physics) {
	h.hand = up
	if h.raw == up || phys.HookStuck && !up {
		return
	}
	h.raw, h.since = up, now
	h.bounces = int(phys.Bounce/chatter) / 2 * 2
}

// mended lets a switch that is not stuck any more follow the nozzle.
func (h *hook) mended(now clock.Instant, phys Physics) {
	if h.bounces == 0 {
		h.move(now, h.hand, phys)
	}
}

// bounce lets the contacts chatter up to now.
func (h *hook) bounce(now clock.Instant) {
	for h.bounces > 0 && now.Sub(h.since) >= chatter {
		h.raw, h.since, h.bounces = !h.raw, h.since.Add(chatter), h.bounces-1
	}
}

func (h *hook) due() clock.Instant {
	switch {
	case h.bounces > 0:
		return h.since.Add(chatter)
	case h.raw != h.up:
		return h.since.Add(debounce)
	}
	return clock.Never
}

// fillPhase is where a fill is.
type fillPhase byte

const (
	fillNone    fillPhase = iota
	fillArmed             // authorised, waiting for nozzle and self-test
	fillRunning           // valve open
	fillClosing           // valve closed; what is in the hose still comes
)

// fill is the meter's side of one sale, and after it the figures on the display.
type fill struct {
	phase   fillPhase
	price   unit.Price // frozen when the sale was authorised
	product fa.Product
	limit   unit.Quantity // the valve closes here
	preset  unit.Fen      // cash preset, 0 for none
	balance unit.Fen      // the debit is at most this
	start   unit.Totalizer
	volume  unit.Quantity
	amount  unit.Fen
	stop    string // why the valve closed: hang, preset, no-flow, card, power, leak, stop

	at     clock.Instant // physics has run up to here
	opened clock.Instant
	pulse  clock.Instant // the last one
	shut   clock.Instant // valve closed and flow at rest since
	shown  clock.Instant // the next refresh of the display
	creep  int           // pulses with the valve closed
	flowed unit.Quantity // what the meter has really let through in this fill
	odd    int           // remainder of the pulser's gain
}

// owed is what the card is debited: volume × price, or the cash preset where that differs by less than one pulse, and never
// more than the balance of the lock. The volume is the meter's. Source: design.md 9.7, trust.md M3, M5.
func owed(volume unit.Quantity, p unit.Price, preset, balance unit.Fen) unit.Fen {
	a, err := unit.Amount(volume, p)
	if err != nil || volume == 0 {
		return 0
	}
	if preset > 0 {
		if d := max(preset-a, a-preset); int64(d)*100 < int64(p) {
			a = preset
		}
	}
	return min(a, balance)
}

// Lift takes the nozzle off the hook.
func (b *Board) Lift(now clock.Instant) { b.lever(now, true) }

// Hang puts it back. The valve closes at once.
func (b *Board) Hang(now clock.Instant) { b.lever(now, false) }

func (b *Board) lever(now clock.Instant, up bool) {
	if !b.enter(now) || b.hook.hand == up {
		return
	}
	b.hook.move(b.now, up, b.pump.phys)
	b.pump.up = up
	if !up {
		b.pump.squeeze = 0
	}
	b.idle()
}

// Squeeze sets the trigger, permille of full flow; 0 lets go.
func (b *Board) Squeeze(now clock.Instant, permille int) {
	if b.enter(now) {
		b.pump.squeeze = max(0, min(permille, 1000))
		if !b.hook.hand {
			b.pump.squeeze = 0
		}
	}
}

// SetPhysics changes hydraulics and pulser: a fault that comes or goes while the board runs.
func (b *Board) SetPhysics(now clock.Instant, p Physics) {
	if b.enter(now) {
		next := newPump(p, b.cfg.Seed)
		b.pump.phys = next.phys
		b.hook.mended(b.now, b.pump.phys)
	}
}

// hooked follows the switch once it has been still for long enough.
func (b *Board) hooked() {
	h := &b.hook
	h.bounce(b.now)
	if h.raw == h.up || b.now.Sub(h.since) < debounce {
		return
	}
	h.up = h.raw
	b.changed()
	if !h.up {
		b.hung()
		return
	}
	h.tested = h.since.Add(debounce + selfTest)
	h.steps = [2]clock.Instant{h.since.Add(debounce + testBlank), h.since.Add(debounce + testZero)}
	if b.fill.phase == fillNone {
		b.fill.volume, b.fill.amount, b.fill.stop = 0, 0, ""
	}
	b.event(Event{Kind: EventBeep})
	b.lifted()
}

// hung ends a fill; one that never opened its valve ends here too.
func (b *Board) hung() {
	if b.fill.phase == fillArmed || b.fill.phase == fillRunning {
		b.shut("hang")
	}
	b.pad.forget()
}

// arm authorises a fill: the valve opens when the nozzle is up and its self-test over.
func (b *Board) arm(limit unit.Quantity) {
	f := &b.fill
	f.phase, f.limit, f.start, f.stop, f.creep = fillArmed, limit, b.mem.total, "", 0
	f.volume, f.amount, f.flowed = 0, 0, 0
	b.changed()
	switch {
	case b.pump.dead:
		b.shut("stop")
	case !b.hook.up:
		b.shut("hang")
	}
}

// PumpPower takes the power of motor and valves, or gives it back, as a contactor before them does. The electronics stand before
// the contactor and go on: they see the power fail and end a fill as its register stands, also one that has not begun.
func (b *Board) PumpPower(now clock.Instant, on bool) {
	if !b.enter(now) || b.pump.dead != on {
		return
	}
	if b.pump.dead = !on; !on {
		b.shut("stop")
	}
	b.idle()
}

// shut closes the valve for good.
func (b *Board) shut(why string) {
	f := &b.fill
	if f.phase == fillArmed || f.phase == fillRunning {
		f.phase, f.stop, f.shut = fillClosing, why, b.now
		b.pump.small, b.pump.big = false, false
		b.event(Event{Kind: EventStage, Word: "stopped", Zh: "停止", En: "stopped: " + why})
		b.changed()
	}
}

// moving says that physics has to run.
func (b *Board) moving() bool { return b.fill.phase == fillRunning || !b.pump.still() }

// flow runs physics up to now and acts on what it did.
func (b *Board) flow() {
	f := &b.fill
	if f.phase == fillArmed && b.hook.up && b.now >= b.hook.tested {
		f.phase, f.opened, f.pulse, f.shown = fillRunning, b.now, b.now, b.now
		f.at = b.now
		b.event(Event{Kind: EventStage, Word: "fuelling", Zh: "加油中", En: "fuelling"})
	}
	pulses := 0
	for b.moving() && b.now.Sub(f.at) >= tick {
		f.at = f.at.Add(tick)
		pulses += b.pulses()
	}
	if !b.moving() {
		f.at = b.now
	}
	if pulses > 0 {
		if b.kill(b.mem.count(pulses)) {
			return
		}
		b.changed()
	}
	b.settled()
}

// pulses is one tick of physics and of the valve control.
func (b *Board) pulses() int {
	f := &b.fill
	b.pump.steer(f.phase == fillRunning && b.hook.raw, f.volume, f.limit)
	n := b.metered(b.pump.step())
	if f.phase == fillNone {
		b.creeping(n)
		b.stray += unit.Quantity(n)
		return n
	}
	if f.phase == fillArmed {
		b.creeping(n) // the valve is still closed
	}
	if n > 0 {
		f.volume += unit.Quantity(n)
		f.amount = owed(f.volume, f.price, f.preset, f.balance)
		f.pulse = f.at
	}
	switch {
	case f.phase != fillRunning:
		if !b.rested() {
			f.shut = f.at
		}
	case f.volume >= f.limit:
		b.shut("preset")
		f.shut = f.at
	case f.at.Sub(f.pulse) >= noFlow:
		b.shut("no-flow")
		f.shut = f.at
		if b.pump.squeeze > 0 {
			b.fault("E07 PULSER", "无脉冲, 请报修", "no pulses: call service")
		}
	}
	return n
}

// creeping counts what comes through a closed valve: more than a drop or two locks the pump. Source: dispenser.md 5.1.
func (b *Board) creeping(n int) {
	f := &b.fill
	if f.creep += n; f.creep > creepPulses && !b.face.locked {
		b.face.locked = true
		b.fault("E06 LEAK", "阀门渗漏, 已锁机", "valve leaks: pump locked")
		b.shut("leak")
	}
}

// settled ends a fill whose flow has come to rest for long enough that the register is final.
func (b *Board) settled() {
	f := &b.fill
	if f.phase != fillClosing || !b.rested() || b.now.Sub(f.shut) < afterHang {
		return
	}
	f.phase = fillNone
	f.volume = b.mem.total.Since(f.start)
	f.amount = owed(f.volume, f.price, f.preset, f.balance)
	if b.verify(); b.dead {
		return
	}
	b.changed()
	b.filled()
}

// rested: no flow but a leak, which no waiting ends.
func (b *Board) rested() bool { return b.pump.flow == 0 && !b.pump.small && b.pump.back == 0 }

// flowDue is when physics, display or self-test want to be woken.
func (b *Board) flowDue() clock.Instant {
	f := &b.fill
	due := clock.Never
	if b.moving() {
		due = f.at.Add(refresh)
	}
	if f.phase == fillClosing {
		due = min(due, max(f.shut.Add(afterHang), f.at.Add(tick)))
	}
	if f.phase == fillArmed && b.hook.up {
		due = min(due, b.hook.tested)
	}
	if b.hook.up && b.now < b.hook.tested {
		for _, s := range append(b.hook.steps[:], b.hook.tested) {
			if b.now < s {
				due = min(due, s)
			}
		}
	}
	return due
}
