package dispenser

import (
	"time"

	"greylock/system/clock"
	"greylock/system/wire/lf"
	"greylock/system/wire/unit"
)

// lfPhase is how far a nozzle has been found.
type lfPhase int

const (
	lfAbsent   lfPhase = iota // answers too seldom
	lfGreeting                // control, totals
	lfHere
)

// lfTry is a command that is sent until something proves it.
type lfTry struct {
	on    bool
	tries int
	at    clock.Instant
}

// lfNozzle is one nozzle and everything that is under way with it.
type lfNozzle struct {
	index int
	cfg   LFNozzle
	view  View
	shown View
	phase lfPhase
	shut  bool    // the station has not opened it
	lock  Trouble // needs a person; 0 if not

	misses, goods int
	odd           int // senseless frames in a row
	wrong         int // answers of another nozzle in a row
	wild          int // polls in a row with unauthorised flow
	free          int // polls in a row without the station's control
	barred        int // polls in a row of a pump that has locked itself

	pollAt   clock.Instant
	auditAt  clock.Instant
	control  lfTry
	stopping lfTry
	pricing  lfTry
	read     lfReading
	open     *lfDelivery

	price     unit.Price // read twice alike; 0 if unknown
	candidate unit.Price // another price that was read once
	want      unit.Price // ordered; 0 for any
	priced    bool       // the ordered price was told to read back

	last     lf.Status // the last plausible one
	lastAt   clock.Instant
	register lf.Status // figures of the last sale
	known    bool      // register is known
	meter    Meter
	metered  bool
}

// lfDelivery is an authorisation and what has come of it, from the first frame to the booked sale.
type lfDelivery struct {
	origin      Origin
	preset      Authorisation
	price       unit.Price // frozen with the first command; 0 if unknown
	send        bool       // a command is to be sent at next
	tries       int
	first       clock.Instant // of the commands, or the lift of an armed nozzle
	next        clock.Instant
	armed       bool // echoed
	early       bool // armed before the lift
	lifted      bool
	started     bool // the valve was seen open, or fuel
	resume      bool // a resume is under way
	failing     bool // it is being cancelled
	broken      bool // frames made no sense
	interrupted bool
	suspended   clock.Instant // since when; 0 if not
	litres      unit.Quantity
	cash        unit.Fen
}

func newLFNozzle(i int, cfg LFNozzle) *lfNozzle {
	n := &lfNozzle{index: i, cfg: cfg, shut: true, want: cfg.Price, view: View{State: Inoperative}}
	n.shown = n.view
	if cfg.Meter != nil {
		n.meter, n.metered = *cfg.Meter, true
	}
	if cfg.Open != nil {
		n.open = &lfDelivery{origin: Ordered, preset: *cfg.Open, tries: lfTries, started: true, interrupted: true}
	}
	return n
}

// step moves the nine states. A step that the model does not list is not made, and told.
func (d *LF) step(n *lfNozzle, s Step) {
	to, err := n.view.State.Next(s)
	if err != nil {
		d.event(Strange{n.index, TroubleState})
		return
	}
	n.view.State = to
	switch n.view.State {
	case Idle, Calling, Closed:
		if n.open == nil {
			d.rest(n)
		}
	}
}

// rest applies what waits for a nozzle without a delivery: a lock, a closing, an opening.
func (d *LF) rest(n *lfNozzle) {
	step := StepOpened
	switch {
	case n.lock != 0:
		step = StepLocked
	case n.shut:
		step = StepShut
	case n.phase != lfHere:
		step = 0
	}
	n.view.State, _ = n.view.State.Next(step) // where it is not listed it waits for its state
	if n.view.State == Idle || n.view.State == Closed || n.view.State == Inoperative {
		n.view.Amount, n.view.Volume = 0, 0
	}
}

// lose forgets the contact. What was authorised stays open.
func (d *LF) lose(n *lfNozzle, now clock.Instant) {
	here := n.phase == lfHere
	n.phase, n.misses, n.goods, n.odd, n.wrong, n.wild, n.free, n.barred = lfAbsent, 0, 0, 0, 0, 0, 0, 0
	n.read, n.control, n.pricing = lfReading{}, lfTry{}, lfTry{}
	n.pollAt = now.Add(lfProbe)
	n.view = View{State: Inoperative}
	if o := n.open; o != nil && o.send && o.tries == 0 { // the command never left
		n.open = nil
		d.event(Refused{n.index})
	}
	if n.open != nil {
		n.open.interrupted, n.open.send, n.open.resume, n.open.suspended = true, false, false, 0
		n.open.tries = lfTries // whether the last command arrived, nobody knows: it is never repeated
	}
	if here {
		d.event(Offline{n.index, d.wire.looped})
	}
}

// jobs lists what a nozzle wants to ask; clock.Never for what it does not.
func (d *LF) jobs(n *lfNozzle) (jobs [lfPoll + 1]lfJob) {
	for k := range jobs {
		jobs[k] = lfJob{lfKind(k), clock.Never, lf.Request{Nozzle: n.cfg.Number}}
	}
	set := func(k lfKind, at clock.Instant, c lf.Command) { jobs[k].at, jobs[k].req.Command = at, c }
	set(lfPoll, n.pollAt, lf.Query)
	if n.stopping.on && n.stopping.tries < lfTries {
		set(lfStop, n.stopping.at, lf.Stop)
	}
	if n.phase == lfAbsent {
		return jobs
	}
	w := &d.wire
	if now := max(n.pollAt, w.quiet); n.proofWanted() && !w.inStep(now, lfStateForm) {
		switch {
		case w.inStep(now, lfLitresForm):
			set(lfBarrier, n.pollAt, lf.TotalLitres)
		case w.inStep(now, lfCashForm):
			set(lfBarrier, n.pollAt, lf.TotalCash)
		}
	}
	if n.open != nil && n.open.send {
		set(lfAuthorise, n.open.next, lf.Fuel)
		jobs[lfAuthorise].req.Command, jobs[lfAuthorise].req.Value = n.open.command(n.price)
	}
	if n.read.on {
		set(lfRead, n.read.at, n.read.command())
	}
	if n.control.on {
		set(lfControl, n.control.at, lf.Control)
	}
	if d.priceDue(n) {
		set(lfPrice, n.pricing.at, lf.SetPrice)
		jobs[lfPrice].req.Value = int64(n.want)
	}
	return jobs
}

// proofWanted reports whether something is decided by the next poll, so that it must not be an older one's reply.
func (n *lfNozzle) proofWanted() bool {
	return n.stopping.on && n.stopping.tries > 0 || n.open != nil && (!n.open.started || n.open.resume)
}

// command returns the word and data that authorise what is left of a delivery.
func (o *lfDelivery) command(price unit.Price) (lf.Command, int64) {
	switch {
	case o.preset == Authorisation{}:
		return lf.Fuel, 0
	case o.resume:
		return lf.FuelLitres, int64(o.left(price))
	case o.preset.Money > 0:
		return lf.FuelCash, int64(o.preset.Money)
	}
	return lf.FuelLitres, int64(o.preset.Volume)
}

// left is the volume that is still to deliver. Source: dispenser.md 4.2; that money is turned into volume is ours.
func (o *lfDelivery) left(price unit.Price) unit.Quantity {
	if o.preset.Money > 0 {
		return max(0, unit.Affordable(o.preset.Money, price)-o.litres)
	}
	return max(0, o.preset.Volume-o.litres)
}

// sent plans what follows a request.
func (d *LF) sent(now clock.Instant, n *lfNozzle, j lfJob) {
	again := func(t *lfTry, pause clock.Instant) { t.tries, t.at = t.tries+1, pause }
	switch j.kind {
	case lfStop:
		again(&n.stopping, now.Add(lfStopVerify))
		n.pollAt = min(n.pollAt, now.Add(d.cfg.Timing.Fuelling))
	case lfAuthorise:
		o := n.open
		if o.tries == 0 {
			o.first = now
		}
		o.tries, o.send, o.next = o.tries+1, false, now.Add(lfVerify)
		n.pollAt = o.next
	case lfControl:
		again(&n.control, now.Add(lfVerify))
		if n.control.tries >= lfTries {
			n.control.at = now.Add(lfAgain)
		}
	case lfPrice:
		again(&n.pricing, now.Add(lfPriceRetry))
	case lfPoll:
		n.pollAt = now.Add(d.cadence(n))
	}
}

func (d *LF) cadence(n *lfNozzle) time.Duration {
	switch n.view.State {
	case Started, Fuelling:
		return d.cfg.Timing.Fuelling
	}
	return d.cfg.Timing.Poll
}

// missed takes a request that nobody answered. Only polls tell whether a nozzle is there: of other commands no source says
// that every board answers them.
func (d *LF) missed(now clock.Instant, n *lfNozzle, j lfJob) {
	switch j.kind {
	case lfRead:
		d.readMissed(now, n)
	case lfPoll, lfBarrier:
		if n.stopping.on && n.stopping.tries >= lfTries && now >= n.stopping.at {
			n.stopping.on = false
			d.event(NotStopped{n.index})
		}
		n.misses++
		n.goods = 0
		switch {
		case n.phase == lfAbsent:
			n.pollAt = now.Add(lfProbe)
		case n.misses >= LFOfflineAfter:
			d.lose(n, now)
		default:
			n.view.Suspect = n.misses >= LFOfflineAfter-1
			n.pollAt = now
		}
	}
}

// gotEcho takes the echo of a command.
func (d *LF) gotEcho(now clock.Instant, n *lfNozzle, j lfJob) {
	switch j.kind {
	case lfControl:
		n.control = lfTry{}
	case lfAuthorise:
		o := n.open
		if o == nil || o.resume || o.failing {
			return
		}
		o.armed, o.early = true, o.early || !o.lifted && n.last.State&lf.NozzleUp == 0
		if n.view.State == Idle || n.view.State == Calling {
			d.step(n, StepArmed)
		}
	}
}

// gotStatus takes the answer to a poll, or to the poll inside a reading.
func (d *LF) gotStatus(now clock.Instant, n *lfNozzle, s lf.Status, certain bool) {
	n.misses, n.wrong, n.view.Suspect = 0, 0, false
	if n.phase == lfAbsent {
		n.seePrice(s)
		if n.goods++; n.goods >= LFOfflineAfter {
			n.phase, n.control = lfGreeting, lfTry{on: true, at: now}
		}
		n.pollAt = now.Add(d.cfg.Timing.Poll)
		return
	}
	raw := s
	if t := n.judge(now, s); t != 0 {
		d.counters.Implausible++
		n.odd++
		n.pollAt = min(n.pollAt, now.Add(d.cfg.Timing.Fuelling))
		if n.odd < lfOdd {
			return
		}
		if n.odd == lfOdd {
			d.event(Strange{n.index, t})
		}
		s.Litres, s.Cash = 0, 0 // the state is meant; the figures stay as they were
		if n.open != nil {
			n.open.broken, s.Litres, s.Cash = true, n.open.litres, n.open.cash
		}
		if s.State&lf.Fuelling != 0 && !n.stopping.on {
			d.stop(n, now)
		}
	} else {
		n.odd = 0
		if n.open != nil && !n.old(s) {
			n.open.litres, n.open.cash = s.Litres, s.Cash
		}
	}
	n.last, n.lastAt = s, now
	d.proveStop(now, n, s, certain)
	d.underControl(now, n, s)
	d.selfLocked(n, s)
	if d.wire.job.kind == lfRead && n.read.on && n.read.status(now, raw, certain) {
		return
	}
	if n.phase == lfGreeting {
		d.greet(now, n, s)
		return
	}
	d.act(now, n, s, certain)
	d.provePrice(now, n)
}

// seePrice believes a price that was read twice alike.
func (n *lfNozzle) seePrice(s lf.Status) {
	if s.Price != n.price && s.Price == n.candidate {
		n.price = s.Price
	}
	n.candidate = s.Price
	n.view.Price = n.price
}

// underControl takes back a nozzle that stands alone: its board was restarted, or has never been asked.
// Source: dispenser.md 2.3, 5.2.
func (d *LF) underControl(now clock.Instant, n *lfNozzle, s lf.Status) {
	if s.State&lf.Controlled != 0 {
		n.free = 0
		if n.control.tries > 0 {
			n.control = lfTry{}
		}
		return
	}
	n.free++
	if !n.control.on {
		n.control = lfTry{on: true, at: now}
	}
	if n.free == 2 && n.phase == lfHere {
		d.event(Rebooted{n.index})
		n.auditAt = now
		if n.open != nil {
			n.open.interrupted = true
		}
	}
}

// selfLocked takes a pump that has locked itself, twice in a row: it authorises nothing and needs a person.
// Source: dispenser.md 4.3, 5.1.
func (d *LF) selfLocked(n *lfNozzle, s lf.Status) {
	if !s.State.Locked() {
		n.barred = 0
		return
	}
	if n.barred++; n.barred >= 2 {
		d.lock(n, TroubleSelf)
	}
}

// greet goes on when control is taken: the totals, then online; a nozzle that fuels is taken as it is.
// Source: dispenser.md 2.5, 4.6.
func (d *LF) greet(now clock.Instant, n *lfNozzle, s lf.Status) {
	if n.control.on || n.read.on {
		return
	}
	up, flow := s.State&lf.NozzleUp != 0, s.State&lf.Fuelling != 0
	switch {
	case flow, up && n.open != nil:
		d.arrive(now, n, s)
		d.act(now, n, s, false)
	case n.open != nil:
		n.startReading(now.Add(lfSettle), lfClose, up)
	default:
		n.startReading(now, lfGreet, up)
	}
}

// arrive makes a nozzle one that can be used.
func (d *LF) arrive(now clock.Instant, n *lfNozzle, s lf.Status) {
	n.phase, n.priced, n.auditAt = lfHere, false, now.Add(lfAudit)
	d.event(Online{n.index})
	d.step(n, StepGreeted)
	if o := n.open; o != nil {
		o.first, o.next = now, now
		if s.Litres > 0 && !n.old(s) {
			d.step(n, StepResumed)
			o.litres, o.cash, o.started = s.Litres, s.Cash, true
		} else {
			d.step(n, StepOpened)
			o.started = false
		}
	}
}
