package world

import (
	"errors"
	"fmt"
	"time"

	"greylock/emulators/dispenser"
	"greylock/system/clock"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Times of the scenario's customers.
const (
	thinkTime = 700 * time.Millisecond // between seeing what the dispenser shows and doing the next thing
	patience  = 2 * time.Minute        // without anything new to see; then the customer takes the card and leaves
	visitTime = 30 * time.Minute       // longer than any visit, waiting for the nozzle included
)

// ErrVisit wraps a visit that could not be played to its end.
var ErrVisit = errors.New("顾客未能办完 (a customer did not get through)")

// PlayVisits plays the scenario's visits from now on, each at its time, several at once, and returns when the last customer
// has left.
func (w *World) PlayVisits() error {
	open, last := len(w.scenario.Visits), 0
	var failed []error
	for _, v := range w.scenario.Visits {
		last = max(last, v.AfterSeconds)
		c := &customer{w: w, v: v, nozzle: record.Nozzle(v.Nozzle), act: (*customer).insert}
		var err error
		if c.pullAt, err = v.pullAt(); err != nil {
			return err
		}
		c.done = func(err error) {
			open--
			if err != nil {
				failed = append(failed, fmt.Errorf("%w: %s: %w", ErrVisit, v.Card, err))
			}
		}
		w.After(time.Duration(v.AfterSeconds)*time.Second, c.look)
	}
	limit := time.Duration(last)*time.Second + time.Duration(open)*visitTime
	err := w.Until("顾客都已离开 (all customers have left)", func() bool { return open == 0 }, limit)
	return errors.Join(append(failed, err)...)
}

// customer is one visit being played: act is what comes next, done as soon as the dispenser shows that it can be done.
type customer struct {
	w      *World
	v      Visit
	nozzle record.Nozzle
	pullAt unit.Quantity // the card is pulled when so much has flowed; 0 never
	act    func(*customer, dispenser.View) (acted bool, err error)
	seen   clock.Instant // when something was done last
	done   func(error)
}

// look is the customer's glance at the display, again and again.
func (c *customer) look() {
	p := c.w.pumps[c.nozzle]
	if p == nil {
		c.done(fmt.Errorf("没有 %d 号枪 (no such nozzle)", c.nozzle))
		return
	}
	acted, err := c.act(c, p.view())
	switch {
	case acted || c.seen == 0:
		c.seen = c.w.now
	case err == nil && c.w.now.Sub(c.seen) > patience:
		err = fmt.Errorf("%s: 等不及 (gave up): %s %s", p.where, p.view().State, p.view().Prompt.Zh)
	}
	if err != nil || c.act == nil {
		if err != nil && p.in != nil && p.in.name == c.v.Card {
			err = errors.Join(err, c.w.Hands().Pull(c.nozzle))
		}
		c.done(err)
		return
	}
	c.w.After(thinkTime, c.look)
}

// insert waits for a free dispenser that shows a price.
func (c *customer) insert(v dispenser.View) (bool, error) {
	if v.Card || v.State != dispenser.StateIdle || v.Price == 0 {
		c.seen = c.w.now // a queue is no reason to leave
		return false, nil
	}
	c.act = (*customer).identify
	return true, c.w.Hands().Insert(c.v.Card, c.nozzle)
}

// identify keys the PIN if the dispenser asks for it.
func (c *customer) identify(v dispenser.View) (bool, error) {
	switch {
	case v.Stage == "ready":
		c.act = (*customer).choose
		return true, nil
	case v.Prompt.En == "enter PIN, then OK" && v.PINStars == 0:
		return true, c.w.Hands().Keys(c.nozzle, c.v.PIN+"确")
	}
	return false, nil
}

// choose keys the preset and lifts the gun.
func (c *customer) choose(dispenser.View) (bool, error) {
	c.act = (*customer).start
	return true, errors.Join(c.w.Hands().Keys(c.nozzle, c.v.Preset), c.w.Hands().Lift(c.nozzle))
}

// start squeezes the gun as soon as fuel may flow.
func (c *customer) start(v dispenser.View) (bool, error) {
	if v.State != dispenser.StateFuelling {
		return false, nil
	}
	c.act = (*customer).fuel
	return true, c.w.Hands().Squeeze(c.nozzle, 1000)
}

// fuel waits until the dispenser has stopped, or pulls the card.
func (c *customer) fuel(v dispenser.View) (bool, error) {
	switch {
	case c.pullAt > 0 && v.Quantity >= c.pullAt:
		c.act = (*customer).leave
		return true, errors.Join(c.w.Hands().Pull(c.nozzle), c.w.Hands().Squeeze(c.nozzle, 0), c.w.Hands().Hang(c.nozzle))
	case v.State == dispenser.StateFuelling:
		return true, nil // fuel is flowing: there is something to see
	}
	c.act = (*customer).settle
	return true, errors.Join(c.w.Hands().Squeeze(c.nozzle, 0), c.w.Hands().Hang(c.nozzle))
}

// settle takes the card when it is paid.
func (c *customer) settle(v dispenser.View) (bool, error) {
	if v.NozzleUp || v.Prompt.En != "done, take your card" {
		return false, nil
	}
	c.act = (*customer).leave
	return true, c.w.Hands().Pull(c.nozzle)
}

// away takes a customer who gave up off the forecourt: the card in the pocket at once, the gun hung as soon as there is power.
func (c *customer) away() error {
	c.w.hangUp(c.nozzle)
	if b := c.w.pumps[c.nozzle]; b.in != nil && b.in.name == c.v.Card {
		return c.w.Hands().Pull(c.nozzle)
	}
	return nil
}

// leave ends the visit once the dispenser is free again.
func (c *customer) leave(v dispenser.View) (bool, error) {
	if !v.Card && !v.NozzleUp {
		c.act = nil
	}
	return false, nil
}
