package dispenser

import (
	"greylock/system/clock"
	"greylock/system/wire/unit"
)

// metered is what the pulser makes of what has really flowed.
func (b *Board) metered(really int) int {
	f := &b.fill
	if f.phase != fillNone {
		f.flowed += unit.Quantity(really)
	}
	f.odd += really * b.cfg.Gain
	counted := f.odd / trueGain
	f.odd %= trueGain
	return counted
}

// verify compares encoder and meter after a fill: the pump locks itself when they have differed too often.
// Source: dispenser.md 5.1 (JJG 443).
func (b *Board) verify() {
	f, s := &b.fill, &b.mem.state
	off := max(f.volume-f.flowed, f.flowed-f.volume)
	if off <= 1 || off*1000 <= 6*f.flowed || s.Errors >= maxErrors {
		return
	}
	s.Errors++
	if b.kill(b.mem.commit()) || s.Errors < maxErrors {
		return
	}
	b.fault("E07 PULSER", "编码器超差, 已锁机, 请报修", "encoder beyond ±0.6 %: pump locked, call service")
}

// locked reports whether the pump has locked itself; a lock of metrology outlives the power.
func (b *Board) locked() bool { return b.face.locked || b.mem.state.Errors >= maxErrors }

// Initialise is the act of metrology and service: the pulser is the right one, and no lock holds. Source: dispenser.md 5.1.
func (b *Board) Initialise(now clock.Instant) {
	if b.enter(now) {
		b.mem.state.Errors, b.face.locked, b.fill.creep, b.face.fault = 0, false, 0, Text{}
		b.kill(b.mem.commit())
		b.changed()
	}
}

// SetGain changes the pulser's gain (1/10 000): somebody has tampered with it, or puts it right.
func (b *Board) SetGain(now clock.Instant, gain int) {
	if b.enter(now) {
		b.cfg.Gain = max(gain, 1)
	}
}

// JumpTotal moves the totalizer by so much without fuel: a fault. Source: dispenser.md 5.2.
func (b *Board) JumpTotal(now clock.Instant, by unit.Quantity) {
	if b.enter(now) {
		was := b.mem.total
		b.kill(b.mem.register(unit.Totalizer(max(0, int64(was)+int64(by)))))
		b.stray += unit.Quantity(int64(b.mem.total) - int64(was))
		b.changed()
	}
}

// Manual lets fuel flow past the board's control, as with the nozzle switched to manual: the meter counts, there is no sale.
// Source: trust.md row 39.
func (b *Board) Manual(now clock.Instant, volume unit.Quantity) {
	if b.enter(now) {
		b.kill(b.mem.count(int(volume)))
		b.stray += volume
		b.changed()
	}
}
