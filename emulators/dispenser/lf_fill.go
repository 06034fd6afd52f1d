package dispenser

import (
	"math"

	"greylock/system/clock"
	"greylock/system/wire/lf"
	"greylock/system/wire/unit"
)

// plain is one nozzle of a plain board.
type plain struct {
	board *Plain
	index int
	cfg   PlainNozzle
	state plainState
	seq   uint32
	slot  int
	hook  hook
	pump  pump

	controlled bool
	heard      clock.Instant // a request named this nozzle
	online     bool
	barred     bool // lifted without power: nothing flows before it was hung
	leaking    bool // locked by the creep guard until power or service comes
	fault      Text

	grant   grant
	value   int64         // of the grant
	keyed   keyed         // on the pad
	sale    bool          // the valve has opened since the lift; the totals are not final
	running bool          // valve open
	limit   unit.Quantity // the valve closes here
	preset  unit.Fen      // cash preset of the sale so far, 0 for none
	bounded bool          // the limit is the station's
	volume  unit.Quantity // figures of the display
	amount  unit.Fen
	stop    string        // why the valve closed: hang, preset, no-flow, stop, link
	at      clock.Instant // physics has run up to here
	pulse   clock.Instant // the last one
	creep   int           // pulses with the valve closed and no flow
	flowed  unit.Quantity // what the sale has really delivered
	through unit.Quantity // what has really passed since the board was made
	odd     int           // remainder of the pulser's gain
}

// grant is what a nozzle may deliver when it is up and its self-test over.
type grant byte

const (
	grantNone   grant = iota
	grantFull         // A1, or a lift in stand-alone mode
	grantCash         // A2
	grantLitres       // A3
)

const (
	maxFigure = 999_999 // six digits of display and wire
	overshoot = 100     // kept free below it
)

func newPlain(b *Plain, i int, cfg PlainNozzle) *plain {
	n := &plain{board: b, index: i, cfg: cfg, pump: newPump(cfg.Physics, b.cfg.Seed+uint64(cfg.Number)<<32)}
	n.load()
	return n
}

// Lift takes a nozzle off the hook.
func (b *Plain) Lift(now clock.Instant, nozzle byte) { b.lever(now, nozzle, true) }

// Hang puts it back. The valve closes at once.
func (b *Plain) Hang(now clock.Instant, nozzle byte) { b.lever(now, nozzle, false) }

func (b *Plain) lever(now clock.Instant, nozzle byte, up bool) {
	n := b.hand(now, nozzle)
	if n == nil || n.hook.hand == up {
		return
	}
	n.hook.move(b.now, up, n.pump.phys)
	n.pump.up = up
	if !up {
		n.pump.squeeze = 0
	} else if b.now < b.ready {
		n.barred = true
	}
}

// Squeeze sets the trigger, permille of full flow; 0 lets go.
func (b *Plain) Squeeze(now clock.Instant, nozzle byte, permille int) {
	if n := b.hand(now, nozzle); n != nil {
		n.pump.squeeze = max(0, min(permille, 1000))
		if !n.hook.hand {
			n.pump.squeeze = 0
		}
	}
}

// SetPhysics changes hydraulics and the pulser's gain (1/10 000): a fault that comes or goes while the board runs. The
// pre-valve stays as A6 has set it.
func (b *Plain) SetPhysics(now clock.Instant, nozzle byte, p Physics, gain int) {
	if n := b.hand(now, nozzle); n != nil {
		n.pump.phys = newPump(p, 0).phys
		n.pump.phys.Prevalve = n.state.Prevalve
		n.cfg.Gain = max(gain, 0)
		n.hook.mended(b.now, n.pump.phys)
	}
}

// JumpTotal moves the litre total by so much without fuel: a fault. Source: dispenser.md 5.2.
func (b *Plain) JumpTotal(now clock.Instant, nozzle byte, by unit.Quantity) {
	if n := b.hand(now, nozzle); n != nil {
		n.state.Litres = ((n.state.Litres+lf.Total(by))%lf.TotalWrap + lf.TotalWrap) % lf.TotalWrap
		n.commit()
	}
}

// Initialise is the act of metrology and service: the mounted encoder is the right one, and no lock holds.
// Source: dispenser.md 5.1.
func (b *Plain) Initialise(now clock.Instant, nozzle byte) {
	if n := b.hand(now, nozzle); n != nil {
		s := &n.state
		s.Encoder, s.Errors, s.Foreign, s.Lock = n.cfg.Encoder, 0, 0, lockNone
		n.leaking, n.creep, n.fault = false, 0, Text{}
		n.commit()
		b.changed()
	}
}

// locked reports whether the pump has locked itself.
func (n *plain) locked() bool { return n.leaking || n.state.Lock != lockNone }

// advance brings the nozzle to the board's time.
func (n *plain) advance() {
	n.opening()
	n.flow()
	n.hooked()
	n.opening()
	n.lonely()
	n.settle()
}

// hooked follows the switch once it has been still for long enough.
func (n *plain) hooked() {
	h := &n.hook
	h.bounce(n.board.now)
	if h.raw == h.up || n.board.now.Sub(h.since) < debounce {
		return
	}
	h.up = h.raw
	n.board.changed()
	if !h.up {
		n.barred, n.grant, n.keyed = false, grantNone, keyed{}
		n.shut("hang")
		return
	}
	h.tested = h.since.Add(debounce + selfTest)
	h.steps = [2]clock.Instant{h.since.Add(debounce + testBlank), h.since.Add(debounce + testZero)}
	if !n.sale && !n.barred {
		n.volume, n.amount, n.stop = 0, 0, ""
	}
	if !n.locked() {
		n.fault = Text{}
	}
	n.event(EventStage, "lifted", "提枪", "lifted")
	if !n.controlled && n.grant == grantNone && !n.locked() && n.state.Price > 0 {
		n.grant, n.value = n.keyed.grant()
	}
}

// opening opens the valve for what was granted when the nozzle is up and its self-test over.
func (n *plain) opening() {
	b := n.board
	if n.grant == grantNone || !n.hook.up || !n.hook.raw || n.barred || n.locked() || b.now < n.hook.tested || b.dead {
		return
	}
	if !n.sale {
		n.sale, n.volume, n.amount, n.flowed = true, 0, 0, 0
		n.state.PowerFail = false
		if !n.write() {
			return
		}
	}
	full := min(maxFigure, unit.Affordable(maxFigure, n.state.Price)) - overshoot
	n.limit, n.preset, n.bounded = full, 0, n.grant != grantFull
	switch n.grant {
	case grantCash:
		n.preset = n.amount + unit.Fen(n.value)
		n.limit = min(full, unit.Affordable(n.preset, n.state.Price))
	case grantLitres:
		n.limit = min(full, n.volume+unit.Quantity(n.value))
	}
	n.grant, n.running, n.stop = grantNone, true, ""
	if n.pump.still() {
		n.at = b.now
	}
	n.pulse = n.at
	n.event(EventStage, "fuelling", "加油中", "fuelling")
}

// moving says that physics has to run.
func (n *plain) moving() bool { return n.running || !n.pump.still() }

// flow runs physics up to now and makes durable what it did.
func (n *plain) flow() {
	pulses := unit.Quantity(0)
	for n.moving() && n.board.now.Sub(n.at) >= tick {
		n.at = n.at.Add(tick)
		pulses += n.pulses()
	}
	if !n.moving() {
		n.at = n.board.now
	}
	if pulses > 0 {
		n.state.Litres = (n.state.Litres + lf.Total(pulses)) % lf.TotalWrap
		n.write()
		n.board.changed()
	}
}

// pulses is one tick of physics and of the valve control; it returns what the meter counts.
func (n *plain) pulses() unit.Quantity {
	n.pump.steer(n.running && n.hook.raw, n.volume, n.limit)
	really := n.pump.step()
	n.odd += really * n.cfg.Gain
	counted := unit.Quantity(n.odd / trueGain)
	n.odd %= trueGain
	n.through += unit.Quantity(really)
	if n.pump.flow == 0 && !n.pump.small && really > 0 {
		n.creeping(really)
	}
	if n.sale {
		n.flowed += unit.Quantity(really)
		if n.volume += counted; counted > 0 {
			n.amount = owed(n.volume, n.state.Price, n.preset, math.MaxInt64>>8)
			n.pulse = n.at
		}
	}
	switch {
	case !n.running:
	case n.volume >= n.limit:
		n.shut("preset")
	case n.at.Sub(n.pulse) >= noFlow:
		n.shut("no-flow")
		if n.pump.squeeze > 0 {
			n.trouble("E07", "无脉冲, 请报修", "no pulses: call service")
		}
	}
	return counted
}

// creeping counts what comes through a closed valve: more than a drop or two locks the pump. Source: dispenser.md 5.1.
func (n *plain) creeping(pulses int) {
	if n.creep += pulses; n.creep > creepPulses && !n.leaking {
		n.leaking = true
		n.trouble("E06", "阀门渗漏, 已锁机", "valve leaks: pump locked")
	}
}

// shut closes the valve, if it is open.
func (n *plain) shut(why string) {
	if !n.running {
		return
	}
	n.running, n.stop, n.creep = false, why, 0
	n.pump.small, n.pump.big = false, false
	n.event(EventStage, "stopped", "停止", "stopped: "+why)
}

// final is when the totals of a sale are written: some time after the hang, and when nothing flows any more.
// Source: dispenser.md 5.1.
func (n *plain) final() clock.Instant {
	if !n.sale || n.hook.up || n.hook.raw || n.pump.flow > 0 || n.pump.small {
		return clock.Never
	}
	return n.hook.since.Add(afterHang)
}

// settle ends the sale.
func (n *plain) settle() {
	if n.board.dead || n.board.now < n.final() {
		return
	}
	n.sale = false
	n.state.book(n.volume, n.amount)
	n.verify()
	if n.commit() {
		n.event(EventStage, "done", "加油结束 "+n.volume.String()+" 升 "+n.amount.String()+" 元",
			"sold "+n.volume.String()+" L, "+n.amount.String()+" yuan")
	}
}

// write makes the running sale durable, where the board does so.
func (n *plain) write() bool {
	if n.sale {
		if n.board.cfg.Habits.LosesSale {
			return true
		}
		n.state.Volume, n.state.Amount, n.state.Open = n.volume, n.amount, true
	}
	return n.commit()
}

// touch notes that the station is there.
func (n *plain) touch() {
	n.heard = n.board.now
	if !n.online {
		n.online = true
		n.event(EventLink, "online", "联机", "online")
	}
}

// lonely keeps a nozzle from delivering when nobody watches. Source: dispenser.md 4.7.
func (n *plain) lonely() {
	if !n.online || n.board.cfg.Lost < 0 || n.board.now.Sub(n.heard) < n.board.cfg.Lost {
		return
	}
	n.online = false
	n.event(EventLink, "offline", "离线", "offline")
	if n.controlled {
		n.grant = grantNone
		n.shut("link")
		n.controlled = !n.board.cfg.Fallback
	}
}

// due is the next time that the nozzle wants to be woken.
func (n *plain) due() clock.Instant {
	due := min(n.hook.due(), n.final())
	if n.moving() {
		due = min(due, n.at.Add(refresh))
	}
	if n.sale && !n.hook.up && n.pump.flow > 0 {
		due = min(due, n.at.Add(tick))
	}
	if now := n.board.now; n.hook.up && now < n.hook.tested {
		for _, s := range [...]clock.Instant{n.hook.steps[0], n.hook.steps[1], n.hook.tested} {
			if now < s {
				due = min(due, s)
			}
		}
	}
	if n.online && n.board.cfg.Lost > 0 {
		due = min(due, n.heard.Add(n.board.cfg.Lost))
	}
	return due
}

func (n *plain) event(k EventKind, word, zh, en string) {
	n.board.out.Events = append(n.board.out.Events, Event{Kind: k, Word: word, Zh: zh, En: en, Nozzle: n.cfg.Number})
	n.board.changed()
}

// trouble shows an error.
func (n *plain) trouble(code, zh, en string) {
	n.fault = Text{zh, en}
	n.event(EventFault, code, zh, en)
}
