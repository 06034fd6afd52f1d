package dispenser

import (
	"math/rand/v2"
	"time"

	"greylock/system/wire/unit"
)

// Physics is the hydraulics and the pulser of the nozzle. Zero values are the defaults of dispenser.md 5.1.
type Physics struct {
	MaxFlow   int           // mL/min at full squeeze: 38 000; a truck 70 000 to 120 000
	SmallFlow int           // mL/min through the small valve alone: 3 000
	Prevalve  unit.Quantity // the big valve closes this much before the preset: 30; -1 is none
	Stuck     bool          // fault: the motor runs, fuel does not flow, no pulses come
	Leak      int           // fault: µL per 10 ms that a worn valve lets through while it is closed, nozzle up
	Clicks    int           // how often the gun stops by itself in a fill, 0.5 to 5 s each, as near a full tank
	Reverse   int           // fault: permille of the pulses at which the encoder steps back before it goes on
	Bounce    time.Duration // the hook switch chatters for so long at each move
	HookStuck bool          // fault: the hook switch does not follow a nozzle that is hung
}

const (
	tick         = 10 * time.Millisecond // physics advances in these
	microPulse   = 10_000                // µL per pulse: 100 pulses per litre (dispenser.md 5.1)
	defaultMax   = 38_000
	defaultSmall = 3_000
	defaultPre   = 30
	perTick      = 6_000            // mL/min × 1000 / (60 s × 100 ticks): divide mL/min by 6 to get µL per tick
	suction      = 40               // ticks from opening to the first flow: 0.4 s
	rampTicks    = 150              // 0 to full flow in 1.5 s
	handTicks    = 10               // a hand holds its modulation for 100 ms
	handSpread   = 61               // permille from -30 to +30
	decay        = 55_476           // exp(-10/60) in 1/65536: a closed valve's flow falls as exp(-t/60 ms)
	rest         = 4                // µL per tick below which nothing flows
	creepPulses  = 5                // more with the valve closed is a leak: E-leak, the pump locks
	noFlow       = 60 * time.Second // valve open, no pulse
	selfTest     = 2 * time.Second  // 8888.88 for 1.0 s, blank 0.3 s, zero 0.7 s
	testBlank    = 1 * time.Second  //
	testZero     = 1300 * time.Millisecond
	debounce     = 150 * time.Millisecond
	chatter      = 10 * time.Millisecond  // between two contacts of a bouncing switch
	clickFirst   = 50                     // ticks of flow before the gun clicks, at least …
	clickSpread  = 100                    // … and so many more by chance
	clickOff     = 50                     // ticks that it stays shut, at least: 0.5 s …
	clickMore    = 451                    // … and so many more by chance: at most 5 s
	afterHang    = 300 * time.Millisecond // totals and log are written this long after the flow has ended
)

// pump is hydraulics and pulser: what the valves let through, tick by tick.
type pump struct {
	phys       Physics
	rnd        *rand.Rand
	small, big bool // valves
	squeeze    int  // permille
	up         bool // off the hook: a hung nozzle lets nothing through
	dead       bool // motor and valves have no power
	opened     int  // ticks since the small valve opened
	flow       int  // µL per tick
	acc        int  // µL towards the next pulse
	hand       int  // permille around 1000
	held       int  // ticks that the hand stays
	clicks     int  // of the gun, still to come in this fill
	click      int  // ticks until the next one; below 0: until the gun is squeezed again
	place      int  // of the encoder, from the furthest place that was counted
	back       int  // steps that it owes after a step back
}

func newPump(phys Physics, seed uint64) pump {
	if phys.MaxFlow <= 0 {
		phys.MaxFlow = defaultMax
	}
	if phys.SmallFlow <= 0 {
		phys.SmallFlow = defaultSmall
	}
	if phys.Prevalve == 0 {
		phys.Prevalve = defaultPre
	}
	return pump{phys: phys, rnd: rand.New(rand.NewPCG(seed, 0x6F696C)), hand: 1000}
}

// step is one tick; it returns the pulses that came.
func (p *pump) step() (pulses int) {
	p.flow = p.next(p.target())
	through := p.flow
	if !p.small && p.up && !p.dead {
		through += p.phys.Leak
	}
	p.acc += through
	pulses = p.acc / microPulse
	p.acc %= microPulse
	return p.encoded(pulses)
}

// encoded is what the counter makes of the encoder's steps: only those beyond the furthest place count, so that a step back
// and forth again is one pulse and not two.
func (p *pump) encoded(pulses int) int {
	if p.phys.Reverse <= 0 && p.back == 0 {
		return pulses
	}
	p.place += p.back + pulses
	p.back = 0
	if pulses > 0 && p.rnd.IntN(1000) < p.phys.Reverse {
		p.back = 1 + p.rnd.IntN(pulses)
		p.place -= p.back
	}
	counted := max(0, p.place)
	p.place -= counted
	return counted
}

// clicked says that the gun is shut by its own automatic stop.
func (p *pump) clicked() bool {
	if p.clicks == 0 {
		return false
	}
	p.click--
	switch {
	case p.click == 0:
		p.click = -clickOff - p.rnd.IntN(clickMore)
	case p.click < 0:
		if p.click += 2; p.click < 0 {
			return true
		}
		if p.clicks--; p.clicks > 0 {
			p.click = clickFirst + p.rnd.IntN(clickSpread)
		}
		return false
	}
	return p.click < 0
}

// target is the flow that valves and hand aim at.
func (p *pump) target() int {
	if !p.small || !p.up {
		p.opened = 0
		return 0
	}
	if p.opened++; p.opened == 1 && p.phys.Clicks > 0 {
		p.clicks, p.click = p.phys.Clicks, clickFirst+p.rnd.IntN(clickSpread)
	}
	if p.opened <= suction || p.phys.Stuck || p.squeeze > 0 && p.clicked() {
		return 0
	}
	if p.held--; p.held <= 0 {
		p.held, p.hand = handTicks, 1000-handSpread/2+p.rnd.IntN(handSpread)
	}
	aim := p.phys.MaxFlow * 1000 / perTick * p.squeeze / 1000 * p.hand / 1000
	if !p.big {
		aim = min(aim, p.phys.SmallFlow*1000/perTick)
	}
	return aim
}

// next moves the flow towards the aim: up along the ramp, down along the decay.
func (p *pump) next(aim int) int {
	if p.flow < aim {
		return min(aim, p.flow+max(1, p.phys.MaxFlow*1000/perTick/rampTicks))
	}
	over := (p.flow - aim) * decay >> 16
	if over < rest {
		over = 0
	}
	return aim + over
}

// still says that nothing moves and nothing will.
func (p *pump) still() bool {
	return p.flow == 0 && !p.small && p.back == 0 && (p.phys.Leak == 0 || !p.up)
}

// steer sets the valves for what was delivered of a limit: the big one closes prevalve before it, the small one at it.
func (p *pump) steer(open bool, delivered, limit unit.Quantity) {
	p.small = open && !p.dead && delivered < limit
	p.big = p.small && delivered < limit-max(p.phys.Prevalve, 0)
}
