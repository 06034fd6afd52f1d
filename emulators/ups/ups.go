// Package ups emulates an uninterruptible power supply on a serial line (Megatec, also called Q1): mains that fail and come back, a
// battery that drains and charges, an output that can be ordered off and comes on again with the mains. A state machine without
// I/O; the battery is counted in the time that it still lasts.
//
// Source: Network UPS Tools, as cited in greylock/system/wire/ups.
package ups

import (
	"math/rand/v2"
	"time"

	"greylock/system/clock"
	"greylock/system/wire/ups"
)

// Config of a UPS.
type Config struct {
	Lasts time.Duration // its battery, when it is full; 0: 10 min
	Low   time.Duration // what is left when it calls the battery low; 0: 2 min
	Think time.Duration // until it answers; 0: 50 ms
	Seed  uint64        // of the garbage
}

// Way is how the UPS talks.
type Way int

// The ways.
const (
	Normal  Way = iota
	Silent      // it says nothing; orders are obeyed
	Garbage     // damaged answers
	Slow        // it answers after the station has given up
	Deaf        // it answers, and obeys no order
)

const (
	lasts    = 10 * time.Minute
	low      = 2 * time.Minute
	think    = 50 * time.Millisecond
	slow     = 3 * time.Second
	recharge = 4                // times as long as it lasts
	restart  = 10 * time.Second // until the output is on after the mains have come back to a dead UPS
	maxQueue = 8
	mainsOn  = 2260 // tenths of a volt
	mainsSag = 1500 // that the input had when it failed
	fullVolt = 2740 // hundredths of a volt
	deadVolt = 2100
)

// Effects is what the UPS wants done.
type Effects struct {
	Send     [][]byte
	Switched []bool // what the output was switched to, in order
	Wake     clock.Instant
}

// UPS is one of them; New gives one without power at its input and with a full battery, switched off.
type UPS struct {
	cfg     Config
	way     Way
	on      bool // its switch
	mains   bool
	output  bool
	charge  time.Duration
	at      clock.Instant // of charge
	off     clock.Instant // the output goes off; Never
	back    clock.Instant // it comes on; Never
	restore time.Duration // of the shutdown that was ordered
	stay    bool
	sag     int
	lies    int // so many answers that tell the contrary of the mains
	rnd     *rand.Rand
	in      ups.Decoder
	pending []pending
	out     Effects
}

// pending is an answer that waits for its time.
type pending struct {
	at   clock.Instant
	line []byte
}

// New makes one.
func New(cfg Config) *UPS {
	if cfg.Lasts <= 0 {
		cfg.Lasts = lasts
	}
	if cfg.Low <= 0 {
		cfg.Low = low
	}
	if cfg.Think <= 0 {
		cfg.Think = think
	}
	return &UPS{cfg: cfg, charge: cfg.Lasts, off: clock.Never, back: clock.Never, sag: mainsOn, rnd: rand.New(rand.NewPCG(cfg.Seed, 2400))}
}

// PowerOn turns its switch, with the mains there.
func (u *UPS) PowerOn(now clock.Instant) {
	u.at, u.on, u.mains = now, true, true
	u.set(true)
}

// Off turns its switch: the output is off, and it says nothing.
func (u *UPS) Off() {
	u.on, u.pending, u.off, u.back = false, nil, clock.Never, clock.Never
	u.in.Reset()
	u.set(false)
}

// Talk chooses how it talks.
func (u *UPS) Talk(w Way) { u.way = w }

// Lie lets the next statuses tell the contrary of the mains.
func (u *UPS) Lie(answers int) { u.lies = answers }

// Lies is how many of them are still to come.
func (u *UPS) Lies() int { return u.lies }

// Mains lets the mains fail or come back.
func (u *UPS) Mains(now clock.Instant, on bool) {
	u.run(now)
	if u.mains == on {
		return
	}
	if u.mains = on; !on {
		u.sag, u.back = mainsSag, clock.Never
		if u.output && u.charge == 0 {
			u.die()
		}
		return
	}
	if u.on && !u.output && !u.stay {
		u.back = now.Add(max(u.restore, restart))
	}
}

// Charge sets what is left in the battery, in per cent.
func (u *UPS) Charge(now clock.Instant, percent int) {
	u.run(now)
	u.charge = u.cfg.Lasts * time.Duration(min(max(percent, 0), 100)) / 100
	if u.charge == 0 && u.output && !u.mains {
		u.die()
	}
}

// Output says whether it gives power.
func (u *UPS) Output() bool { return u.output }

// Left is how long the battery lasts.
func (u *UPS) Left(now clock.Instant) time.Duration {
	u.run(now)
	return u.charge
}

func (u *UPS) set(on bool) {
	if u.output != on {
		u.output = on
		u.out.Switched = append(u.out.Switched, on)
	}
}

// die is the end of the battery: the UPS is dead until the mains come back.
func (u *UPS) die() {
	u.off, u.restore, u.stay, u.pending = clock.Never, 0, false, nil
	u.set(false)
}

// alive says whether its processor has power.
func (u *UPS) alive() bool { return u.on && (u.mains || u.output) }

// run brings it to now: the battery drains or charges, the output goes off and on in its time.
func (u *UPS) run(now clock.Instant) {
	for u.on && u.at < now {
		to := min(now, max(u.at, min(u.off, u.back)))
		draining := !u.mains && u.output
		if draining {
			to = min(to, u.at.Add(u.charge))
		}
		if passed := to.Sub(u.at); draining {
			u.charge -= passed
		} else if u.mains {
			u.charge = min(u.cfg.Lasts, u.charge+passed/recharge)
		}
		u.at = to
		switch {
		case draining && u.charge == 0:
			u.die()
		case to == u.off:
			u.off = clock.Never
			u.set(false)
			if u.mains && !u.stay {
				u.back = to.Add(max(u.restore, restart))
			}
		case to == u.back:
			u.back, u.restore = clock.Never, 0
			u.set(true)
		}
	}
}

// Take hands over what is to be done.
func (u *UPS) Take() Effects {
	out := u.out
	u.out = Effects{}
	out.Wake = clock.Never
	if !u.on {
		return out
	}
	out.Wake = min(u.off, u.back)
	if !u.mains && u.output {
		out.Wake = min(out.Wake, u.at.Add(u.charge))
	}
	if len(u.pending) > 0 {
		out.Wake = min(out.Wake, u.pending[0].at)
	}
	return out
}

// Wake sends the answers whose time has come.
func (u *UPS) Wake(now clock.Instant) {
	u.run(now)
	for len(u.pending) > 0 && u.pending[0].at <= now {
		u.out.Send = append(u.out.Send, u.pending[0].line)
		u.pending = u.pending[1:]
	}
}

// Receive takes bytes from the line, in any pieces.
func (u *UPS) Receive(now clock.Instant, data []byte) {
	u.run(now)
	if !u.alive() {
		return
	}
	u.in.Decode(data, func(line []byte) { u.obey(now, line) })
}

// obey carries out one line. What it does not know it sends back.
func (u *UPS) obey(now clock.Instant, line []byte) {
	c, err := ups.ParseCommand(line)
	var a ups.Answer
	switch {
	case err != nil:
		a = ups.Word(line)
	case c.Kind == ups.AskStatus:
		a = u.status()
	case c.Kind == ups.AskRating:
		a = &ups.Rating{Voltage: 2200, Current: 4, Battery: 240, Frequency: 500}
	case c.Kind == ups.AskIdentity:
		a = &ups.Identity{Company: "GREYLAB", Model: "UPS-1K", Version: "1.0"}
	case u.way == Deaf:
	case c.Kind == ups.Shutdown:
		u.off, u.restore, u.stay = now.Add(c.After), c.Restore, c.Stay
	default:
		u.off, u.restore, u.stay = clock.Never, 0, false
		if !u.output && u.mains {
			u.back = now.Add(restart)
		}
	}
	if a != nil {
		u.say(now, a)
	}
}

// say plans an answer, as the UPS talks.
func (u *UPS) say(now clock.Instant, a ups.Answer) {
	line, err := a.Line()
	if err != nil || u.way == Silent || len(u.pending) >= maxQueue {
		return // a word that can not be sent back is noise
	}
	at := now.Add(u.cfg.Think)
	switch u.way {
	case Slow:
		at = now.Add(slow)
	case Garbage:
		line[u.rnd.IntN(len(line)-1)] = byte(0x80 + u.rnd.IntN(0x80))
	}
	if n := len(u.pending); n > 0 {
		at = max(at, u.pending[n-1].at)
	}
	u.pending = append(u.pending, pending{at, line})
}

// status is how it is.
func (u *UPS) status() *ups.Status {
	s := &ups.Status{Input: mainsOn, Fault: u.sag, Output: mainsOn, Load: 14, Frequency: 500, Temperature: 250, Flags: ups.Standby}
	s.Battery = (deadVolt + int((fullVolt-deadVolt)*u.charge/u.cfg.Lasts)) / 10 * 10
	fails := !u.mains
	if u.lies > 0 {
		u.lies--
		fails = !fails
	}
	if fails {
		s.Input, s.Flags = 0, s.Flags|ups.UtilityFail|ups.Beeper
	}
	if !u.output {
		s.Output, s.Load = 0, 0
	}
	if u.charge < u.cfg.Low {
		s.Flags |= ups.BatteryLow
	}
	if u.off != clock.Never || !u.output {
		s.Flags |= ups.ShutdownActive
	}
	return s
}
