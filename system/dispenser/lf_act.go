package dispenser

import (
	"greylock/system/clock"
	"greylock/system/wire/lf"
)

// act moves a nozzle by a status that is believed.
func (d *LF) act(now clock.Instant, n *lfNozzle, s lf.Status, certain bool) {
	up, flow := s.State&lf.NozzleUp != 0, s.State&lf.Fuelling != 0
	if n.read.on && (flow || up != n.read.up) {
		n.read = lfReading{}
	}
	if n.open != nil && !n.read.on {
		d.deliver(now, n, s, certain)
		return
	}
	fuel := up && s.Litres > 0 && !n.old(s)
	switch {
	case n.open != nil: // its end is being read
	case flow || fuel:
		d.wildFlow(now, n, s)
	case up && n.view.State == SuspendedFuelling: // booked, and still off the hook
		d.step(n, StepHalted)
	case up:
		n.wild = 0
		d.step(n, StepCalled)
	default:
		n.wild = 0
		if n.view.State == SuspendedFuelling || certain && n.known && !n.old(s) && !figureless(s) {
			n.auditAt = now
		}
		d.step(n, StepHung)
		if now >= n.auditAt && !n.read.on {
			n.startReading(now, lfAuditing, false)
		}
	}
}

// wildFlow takes fuel that nobody has authorised: two frames in a row make it a fact. It is alarmed, stopped and counted.
// Source: dispenser.md 4.3; trust.md row 39.
func (d *LF) wildFlow(now clock.Instant, n *lfNozzle, s lf.Status) {
	n.pollAt = min(n.pollAt, now.Add(d.cfg.Timing.Fuelling))
	if n.wild++; n.wild < 2 {
		return
	}
	n.wild = 0
	d.event(Unauthorised{n.index})
	if s.State&lf.Fuelling != 0 {
		d.stop(n, now)
	}
	if n.open == nil {
		n.open = &lfDelivery{origin: Unlicensed, lifted: true, started: true, price: n.price}
	}
	n.open.suspended = 0
	d.step(n, StepWild)
	d.figures(n, s)
}

// figures shows the running figures.
func (d *LF) figures(n *lfNozzle, s lf.Status) {
	if n.open.litres == 0 && n.old(s) {
		s.Litres, s.Cash = 0, 0
	}
	n.open.litres, n.open.cash = s.Litres, s.Cash
	n.view.Volume, n.view.Amount = s.Litres, s.Cash
}

// deliver moves a nozzle with an open delivery.
func (d *LF) deliver(now clock.Instant, n *lfNozzle, s lf.Status, certain bool) {
	o := n.open
	up, flow := s.State&lf.NozzleUp != 0, s.State&lf.Fuelling != 0
	fuel := s.Litres > 0 && (o.litres > 0 || !n.old(s))
	if up && !o.lifted {
		o.lifted = true
		if o.early {
			o.first = now
		}
	}
	switch {
	case flow:
		d.flowing(now, n, s, fuel)
	case up && (o.started || fuel):
		d.halted(now, n, s, fuel, certain)
	case up:
		d.step(n, StepCalled)
		d.waiting(now, n, certain)
	case o.started || fuel:
		if fuel {
			d.figures(n, s)
		}
		n.startReading(now.Add(lfSettle), lfClose, false)
	default:
		d.step(n, StepHung)
		if o.lifted && !o.failing { // hung again without fuel: a preset may still be armed
			d.fail(n, now)
		}
		d.waiting(now, n, certain)
	}
}

// flowing takes an open valve.
func (d *LF) flowing(now clock.Instant, n *lfNozzle, s lf.Status, fuel bool) {
	o := n.open
	switch n.view.State {
	case SuspendedStarted, SuspendedFuelling:
		if !o.resume {
			d.wildFlow(now, n, s)
			return
		}
		d.step(n, StepResumed)
	case Idle, Calling: // the command was obeyed, its echo lost
		d.step(n, StepArmed)
	}
	n.wild = 0
	o.started, o.armed, o.send, o.resume, o.suspended = true, true, false, false, 0
	d.figures(n, s)
	if fuel || n.view.State == Fuelling {
		d.step(n, StepFlow)
	} else {
		d.step(n, StepValve)
	}
}

// halted takes a shut valve behind fuel, or behind an open valve, with the nozzle up. Source: dispenser.md 4.2.
func (d *LF) halted(now clock.Instant, n *lfNozzle, s lf.Status, fuel, certain bool) {
	o := n.open
	o.started, n.wild = true, 0
	if n.view.State == Idle || n.view.State == Calling {
		d.step(n, StepArmed)
	}
	if o.suspended == 0 {
		o.suspended = now
	}
	d.figures(n, s)
	if fuel || n.view.State == Fuelling || n.view.State == SuspendedFuelling {
		d.step(n, StepHalted)
	} else {
		d.step(n, StepCalled)
	}
	switch {
	case o.resume:
		d.waiting(now, n, certain)
	case now.Sub(o.suspended) >= lfSuspend && !n.stopping.on:
		n.startReading(now, lfClose, true)
	}
}

// waiting looks after a command that has not opened the valve: again only when no echo has come and a poll proves that nothing
// started (an echo is acceptance, and what is repeated behind a short preset would deliver it twice), and not for
// ever; then it is cancelled, and the totals say whether it did nothing. Source: dispenser.md 2.5; design.md 9.9.
func (d *LF) waiting(now clock.Instant, n *lfNozzle, certain bool) {
	o := n.open
	down := n.last.State&lf.NozzleUp == 0
	switch {
	case o.send:
	case o.failing:
		if !n.stopping.on {
			n.startReading(now.Add(lfSettle), lfClose, !down)
		}
	case down && o.armed && !o.resume: // armed, the nozzle may be lifted at any time
	case now.Sub(o.first) >= lfStartLimit:
		if o.resume {
			o.resume = false
		} else {
			o.failing = true
		}
		d.stop(n, now)
	case certain && now >= o.next && o.tries < lfTries && !o.armed:
		o.send, o.next = true, now
	}
}

// stop wants the valve shut, at once and until it is proved.
func (d *LF) stop(n *lfNozzle, now clock.Instant) {
	n.stopping = lfTry{on: true, at: now}
	if n.open != nil {
		n.open.send, n.open.resume = false, false
	}
}

// fail cancels an authorisation whose fate nobody knows.
func (d *LF) fail(n *lfNozzle, now clock.Instant) {
	if n.open != nil && !n.open.started {
		n.open.failing = true
	}
	d.stop(n, now)
}

// proveStop ends a stop that a poll has proved.
func (d *LF) proveStop(now clock.Instant, n *lfNozzle, s lf.Status, certain bool) {
	t := &n.stopping
	switch {
	case !t.on || t.tries == 0 || !certain:
	case s.State&lf.Fuelling == 0:
		t.on = false
		d.event(Stopped{n.index})
	case t.tries >= lfTries && now >= t.at:
		t.on = false
		d.event(NotStopped{n.index})
	}
}

// quiet reports whether a nozzle hangs and nothing of a delivery is open.
func (n *lfNozzle) quiet() bool {
	return n.phase == lfAbsent || n.phase == lfHere && n.open == nil && n.last.State&lf.NozzleUp == 0
}

// priceDue reports whether the ordered price is to be sent: only when every nozzle of the board is idle.
// Source: dispenser.md 2.3, 4.1.
func (d *LF) priceDue(n *lfNozzle) bool {
	if n.want == 0 || n.want == n.price || n.phase != lfHere || n.read.on || n.pricing.tries >= lfTries { // the next poll gives up
		return false
	}
	for _, m := range d.nozzles {
		if !m.quiet() {
			return false
		}
	}
	return n.lock == 0 || n.lock == TroublePrice
}

// provePrice looks at the price that polls show, and locks the nozzle when five orders have not helped.
func (d *LF) provePrice(now clock.Instant, n *lfNozzle) {
	switch {
	case n.want == 0:
	case n.want == n.price:
		n.pricing = lfTry{}
		if !n.priced {
			n.priced = true
			d.event(Priced{n.index, n.price})
		}
		if n.lock == TroublePrice {
			n.lock = 0
			if n.view.State == Inoperative {
				d.step(n, StepGreeted)
			}
		}
	case n.pricing.tries >= lfTries && now >= n.pricing.at:
		n.pricing = lfTry{at: now.Add(lfPriceAgain)}
		d.lock(n, TroublePrice)
	default:
		n.priced = false
	}
}

// lock takes a nozzle out of use until a person has looked at it.
func (d *LF) lock(n *lfNozzle, why Trouble) {
	if n.lock == 0 {
		n.lock = why
		d.event(Locked{n.index, why})
	}
	if n.open == nil {
		d.rest(n)
	}
}
