package dispenser

import (
	"greylock/system/clock"
	"greylock/system/wire/lf"
	"greylock/system/wire/unit"
)

// lfWhy is what a reading is for.
type lfWhy int

const (
	lfGreet lfWhy = iota
	lfAuditing
	lfClose
)

// lfReading is AD, AC, B8, AD, AC: both totals twice, the last-sale register between them.
type lfReading struct {
	on     bool
	why    lfWhy
	up     bool // the nozzle is off the hook
	at     clock.Instant
	step   int
	tries  int
	rounds int
	told   bool // that it does not succeed
	litres [2]lf.Total
	cash   [2]lf.Total
	s      lf.Status
}

const lfReadPoll = 2 // the step that asks for the register

var lfReadSteps = [...]lf.Command{lf.TotalLitres, lf.TotalCash, lf.Query, lf.TotalLitres, lf.TotalCash}

func (r *lfReading) command() lf.Command { return lfReadSteps[r.step] }

// startReading begins a reading unless one is under way.
func (n *lfNozzle) startReading(at clock.Instant, why lfWhy, up bool) {
	if !n.read.on {
		n.read = lfReading{on: true, why: why, up: up, at: at}
	}
}

// again begins a reading anew, after a while.
func (r *lfReading) again(at clock.Instant) {
	r.step, r.tries, r.at = 0, 0, at
	r.rounds++
}

// readMissed repeats a step of a reading; after enough of it the trouble is told, and the reading goes on slowly. Between two
// tries polls have their turn.
func (d *LF) readMissed(now clock.Instant, n *lfNozzle) {
	r := &n.read
	if !r.on {
		return
	}
	r.at = now.Add(d.cfg.Timing.Pause)
	if r.tries++; r.tries >= lfTries {
		d.unreadable(n)
		r.at = now.Add(lfAgain)
	}
}

func (d *LF) unreadable(n *lfNozzle) {
	if !n.read.told {
		n.read.told = true
		d.event(Strange{n.index, TroubleTotals})
	}
}

// gotTotal takes a total. One that may answer an older request is asked again.
func (d *LF) gotTotal(now clock.Instant, n *lfNozzle, c lf.Command, t lf.Total, certain bool) {
	r := &n.read
	if d.wire.job.kind != lfRead || !r.on {
		return
	}
	r.at = now
	if !certain {
		d.readMissed(now, n)
		return
	}
	r.tries = 0
	second := 0
	if r.step > lfReadPoll {
		second = 1
	}
	if c == lf.TotalLitres {
		r.litres[second] = t
	} else {
		r.cash[second] = t
	}
	if r.step++; r.step == len(lfReadSteps) {
		d.judgeReading(now, n)
	}
}

// status takes the register in the middle of a reading; false if the nozzle has moved, and the reading is over.
func (r *lfReading) status(now clock.Instant, s lf.Status, certain bool) bool {
	if s.State&lf.Fuelling != 0 || (s.State&lf.NozzleUp != 0) != r.up {
		*r = lfReading{}
		return false
	}
	if r.at = now; !certain {
		r.step = 0
		return true
	}
	r.s = s
	r.step++
	return true
}

// judgeReading ends a reading. Totals that differ, and a verdict other than Agreed, are read again before they are believed:
// a board writes its totals a while after the hang. Source: dispenser.md 4.5, 5.1; trust.md row 30.
func (d *LF) judgeReading(now clock.Instant, n *lfNozzle) {
	r := &n.read
	if r.litres[0] != r.litres[1] || r.cash[0] != r.cash[1] {
		if r.rounds >= lfRounds {
			d.unreadable(n)
			r.again(now.Add(lfAgain))
			return
		}
		r.again(now.Add(lfSettle))
		return
	}
	m := Meter{now, r.litres[0], r.cash[0]}
	sale := n.sale(m, r.s)
	if (sale.Verdict == Forgotten || sale.Verdict == Disagreed || n.unmoved(sale)) && r.rounds < lfRounds {
		r.again(now.Add(lfSettle))
		return
	}
	if n.unwritten(sale) {
		n.read, n.open.suspended = lfReading{}, now
		return
	}
	d.book(now, n, sale, m)
}

// unwritten reports whether the board still keeps the delivery open: the nozzle is up, and the register's money is not in the totals.
// It is booked when the nozzle is hung, else it would be booked now and then once more. Source: dispenser.md 4.2, 5.1.
func (n *lfNozzle) unwritten(s Sale) bool {
	return n.read.up && n.open != nil && n.open.started && s.Verdict != Unmeasured && s.Amount > 0 && s.MovedCash == 0
}

// unmoved reports whether fuel was seen to flow and the totals have not moved yet.
func (n *lfNozzle) unmoved(s Sale) bool { return n.open != nil && n.open.litres > 0 && s.Moved == 0 }

// moved is how far a total ran; negative if it went back.
func moved(now, before lf.Total) int64 {
	v := now.Since(before)
	if v > int64(lf.TotalWrap)/2 {
		v -= int64(lf.TotalWrap)
	}
	return v
}

// sale says what the totals and the register make of what happened since the last reading. No figure is made up: the volume is
// the register's, or 0 if by the totals nothing flowed. Source: dispenser.md 2.4, 4.5; trust.md rows 31, 33, 35, 36.
func (n *lfNozzle) sale(m Meter, s lf.Status) Sale {
	o := n.open
	v := Sale{Origin: Unaccounted, Volume: s.Litres, Amount: s.Cash, Price: n.price, Meter: m}
	var seen lfDelivery
	if o != nil {
		seen = *o
		v.Origin, v.Preset, v.Interrupted = o.origin, o.preset, o.interrupted
		if o.price != 0 {
			v.Price = o.price
		}
	}
	if !n.metered {
		v.Verdict = Unmeasured
		return v
	}
	v.Moved = unit.Quantity(moved(m.Litres, n.meter.Litres))
	v.MovedCash = unit.Fen(moved(m.Cash, n.meter.Cash))
	stale := figureless(s) || n.old(s) || !n.known
	tolerance := int64(pulse(v.Price))
	switch {
	case v.Moved == 0 && v.MovedCash == 0 && (o == nil || seen.litres == 0 && stale):
		v.Verdict, v.Volume, v.Amount = Agreed, 0, 0
	case v.Moved == 0 && o == nil: // a board that writes its cash total later than its litres: no fuel, whatever its register says
		v.Verdict, v.Volume, v.Amount = Disagreed, 0, 0
	case v.Moved <= 0 || n.leapt(v, n.meter):
		v.Verdict = Disagreed
	case distance(int64(s.Litres), int64(v.Moved)) <= 1 && distance(int64(s.Cash), int64(v.MovedCash)) <= tolerance &&
		s.Litres >= seen.litres && agree(s, v.Price, v.Preset.Money):
		v.Verdict = Agreed
	case stale:
		v.Verdict = Forgotten
	default:
		v.Verdict = Disagreed
	}
	if seen.broken && v.Verdict == Agreed {
		v.Verdict = Disagreed
	}
	return v
}

// leapt reports whether the totals moved more than a pump delivers; a reading from a clock that was set back says nothing.
func (n *lfNozzle) leapt(v Sale, before Meter) bool {
	return before.At <= v.Meter.At && int64(v.Moved) > deliverable(v.Meter.At, before.At)
}

// book ends a delivery, or an audit: one sale at most, the new reading, and the lock that the totals deserve.
func (d *LF) book(now clock.Instant, n *lfNozzle, v Sale, m Meter) {
	r, o, metered := n.read, n.open, n.metered
	leapt := metered && n.leapt(v, n.meter)
	n.read, n.open, n.auditAt = lfReading{}, nil, now.Add(lfAudit)
	n.meter, n.metered, n.register, n.known = m, true, r.s, true
	v.Meter.At = m.At.Add(-d.skew)
	d.event(Metered{n.index, v.Meter})
	nothing := v.Verdict == Agreed && v.Volume == 0
	switch {
	case nothing && o != nil && !o.started:
		d.event(Refused{n.index})
	case o != nil, metered && !nothing:
		d.event(Sold{n.index, v})
	}
	if n.phase == lfGreeting {
		n.last = r.s
		d.arrive(now, n, r.s)
	} else {
		d.ended(n, o, r.up)
	}
	switch {
	case !metered:
	case v.Moved < 0 || v.MovedCash < 0:
		d.lock(n, TroubleBack)
	case leapt:
		d.lock(n, TroubleLeap)
	}
	d.rest(n)
}

// ended moves the nozzle behind its delivery.
func (d *LF) ended(n *lfNozzle, o *lfDelivery, up bool) {
	switch {
	case o == nil:
	case n.view.State == Authorised:
		d.step(n, StepDropped)
	case up && !o.started: // never armed: it is still calling
	case !up:
		d.step(n, StepHung)
	}
}
