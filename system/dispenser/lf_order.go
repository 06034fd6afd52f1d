package dispenser

import (
	"fmt"

	"greylock/system/clock"
	"greylock/system/wire/unit"
)

// nozzle returns a nozzle that is there; ErrValue for an index that is not.
func (d *LF) nozzle(i int) (*lfNozzle, error) {
	if i < 0 || i >= len(d.nozzles) {
		return nil, fmt.Errorf("LF nozzle index %d of %d: %w", i, len(d.nozzles), ErrValue)
	}
	return d.nozzles[i], nil
}

// Authorise lets a nozzle deliver: with the nozzle up, or a preset with the nozzle down. What comes of it are the View and a
// Sold or a Refused, one of them for certain. ErrValue for a preset that the board can not take, ErrNotNow in any other state,
// before a first reading of the totals, and while the ordered price is not read back.
// Source: dispenser.md 2.3, 2.5.
func (d *LF) Authorise(now clock.Instant, i int, a Authorisation) error {
	now = d.time(now)
	n, err := d.nozzle(i)
	if err != nil {
		return err
	}
	if a.Money < 0 || a.Volume < 0 || a.Money > 0 && a.Volume > 0 || a.Money > lfMaxCash || a.Volume > lfMaxLitres ||
		a.Money > 0 && unit.Affordable(a.Money, n.price) == 0 {
		return fmt.Errorf("preset %v yuan, %v L: %w", a.Money, a.Volume, ErrValue)
	}
	if !d.takes(n, a) {
		_, en := n.view.State.Words()
		return fmt.Errorf("authorise LF nozzle %d, %s: %w", n.cfg.Number, en, ErrNotNow)
	}
	n.read = lfReading{}
	n.open = &lfDelivery{origin: Ordered, preset: a, price: n.price, send: true, next: now, lifted: n.view.State == Calling}
	d.work(now)
	return nil
}

// Takes says whether Authorise would be taken now.
func (d *LF) Takes(i int, a Authorisation) bool {
	n, err := d.nozzle(i)
	return err == nil && d.takes(n, a)
}

func (d *LF) takes(n *lfNozzle, a Authorisation) bool {
	switch {
	case n.phase != lfHere || n.open != nil || n.stopping.on || !n.metered || n.view.Suspect || n.free > 0:
	case n.price == 0 || n.want != 0 && n.want != n.price || d.pricing():
	case n.view.State == Calling, n.view.State == Idle && a != Authorisation{}:
		return true
	}
	return false
}

// pricing reports whether a price is on its way to any nozzle of the board.
func (d *LF) pricing() bool {
	for _, n := range d.nozzles {
		if n.pricing.tries > 0 {
			return true
		}
	}
	return false
}

// Resume goes on with a suspended delivery: what is left of its preset. ErrNotNow if nothing is suspended or left.
// Source: dispenser.md 4.2.
func (d *LF) Resume(now clock.Instant, i int) error {
	now = d.time(now)
	n, err := d.nozzle(i)
	if err != nil {
		return err
	}
	o := n.open
	suspended := n.view.State == SuspendedFuelling || n.view.State == SuspendedStarted
	if !suspended || o == nil || o.origin != Ordered || o.resume || o.broken || n.read.on || n.stopping.on || n.shut ||
		o.preset != (Authorisation{}) && o.left(n.price) == 0 {
		return fmt.Errorf("resume LF nozzle %d: %w", n.cfg.Number, ErrNotNow)
	}
	o.resume, o.send, o.tries, o.next, o.suspended = true, true, 0, now, now
	d.work(now)
	return nil
}

// Stop shuts the valve of a nozzle, and cancels what is armed. Stopped or NotStopped follows. Source: dispenser.md 2.3, 2.5.
func (d *LF) Stop(now clock.Instant, i int) error {
	now = d.time(now)
	n, err := d.nozzle(i)
	if err != nil {
		return err
	}
	d.fail(n, now)
	d.work(now)
	return nil
}

// EmergencyStop shuts every valve of the board, whatever else is under way, and closes the nozzles until they are opened again.
// A lost contact does not keep it from trying. Stopped or NotStopped follows for each nozzle.
func (d *LF) EmergencyStop(now clock.Instant) {
	now = d.time(now)
	for _, n := range d.nozzles {
		n.shut = true
		d.fail(n, now)
		if n.open == nil {
			d.rest(n)
		}
	}
	d.told()
	d.work(now)
}

// Open lets a nozzle be used, or closes it; a delivery that is under way ends first.
func (d *LF) Open(now clock.Instant, i int, open bool) error {
	d.time(now)
	n, err := d.nozzle(i)
	if err != nil {
		return err
	}
	n.shut = !open
	if n.open == nil && (n.view.State == Idle || n.view.State == Calling || n.view.State == Closed) {
		d.rest(n)
	}
	d.told()
	return nil
}

// SetPrice orders a price: it is sent when every nozzle of the board is idle, and nothing is authorised before it reads back.
// Priced follows, or Locked. ErrValue for 0 and for what does not fit. Source: dispenser.md 4.1.
func (d *LF) SetPrice(now clock.Instant, i int, p unit.Price) error {
	now = d.time(now)
	n, err := d.nozzle(i)
	if err != nil {
		return err
	}
	if p <= 0 || p > lfMaxPrice {
		return fmt.Errorf("price %v: %w", p, ErrValue)
	}
	n.want, n.priced, n.pricing = p, false, lfTry{at: now}
	d.work(now)
	return nil
}

// Unlock takes a locked nozzle back into use when a person has compared its totals: they count from the last reading. A lock
// for a price ends only when the price reads back.
func (d *LF) Unlock(now clock.Instant, i int) error {
	d.time(now)
	n, err := d.nozzle(i)
	if err != nil {
		return err
	}
	if n.lock == 0 || n.lock == TroublePrice || n.phase != lfHere || n.view.State != Inoperative {
		return fmt.Errorf("unlock LF nozzle %d: %w", n.cfg.Number, ErrNotNow)
	}
	n.lock = 0
	d.step(n, StepGreeted)
	d.told()
	return nil
}

// Lock returns why a nozzle needs a person, 0 if it does not.
func (d *LF) Lock(i int) Trouble {
	n, err := d.nozzle(i)
	if err != nil {
		return 0
	}
	return n.lock
}
