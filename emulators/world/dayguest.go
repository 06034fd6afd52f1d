package world

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"greylock/emulators/dispenser"
	"greylock/system/clock"
	"greylock/system/station"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// guest is a customer at a plain nozzle: staff let it run and take the money, or the card lies at a till. Like a customer he does
// the next thing as soon as he sees that it can be done.
type guest struct {
	p      *PlayedDay
	v      Visit
	h      plainHand
	nozzle record.Nozzle
	till   *tillPlace // nil: staff
	money  unit.Fen
	volume unit.Quantity
	pullAt unit.Quantity
	act    func(*guest) (acted bool, err error)
	seen   clock.Instant // when something was done last
	ran    bool          // fuel has flowed
	shown  unit.Quantity // at the last look
	asking Pending
	asked  clock.Instant
	done   func(error)
}

// Times of a guest.
const (
	askLimit = 10 * time.Second // a program that has not answered so long was killed
	dryGun   = 8 * time.Second  // without flow; then the gun is squeezed anew
)

func (p *PlayedDay) comePlain(v Visit, pull unit.Quantity, gone func(error)) {
	g := &guest{p: p, v: v, h: p.w.plain[record.Nozzle(v.Nozzle)], nozzle: record.Nozzle(v.Nozzle), pullAt: pull, act: (*guest).arrive}
	var err error
	if g.money, g.volume, err = v.preset(); err != nil {
		p.fail(err)
	}
	if v.Card != "" {
		g.till = p.w.tillOf(p.site, 1)
	}
	g.done = func(err error) {
		if err != nil {
			g.away()
		}
		p.served[g.nozzle] = false
		if g.till != nil {
			p.till[g.till.number] = false
		}
		gone(err)
	}
	g.look()
}

// look is his glance at nozzle and till, again and again.
func (g *guest) look() {
	w := g.p.w
	acted, err := g.act(g)
	switch {
	case acted || g.seen == 0:
		g.seen = w.now
	case err == nil && w.now.Sub(g.seen) > patience:
		err = fmt.Errorf("%w: %d 号枪 %s (gave up)", ErrVisit, g.nozzle, g.h.view().State)
	}
	if err != nil || g.act == nil {
		done := g.done
		done(err)
		return
	}
	w.After(thinkTime, g.look)
}

// ask puts a question to the station and says when the answer is there; one that a dead program has taken along is put again.
func (g *guest) ask(path string, body any, into any) (status int, done bool) {
	w := g.p.w
	if g.asking == nil {
		var err error
		if g.asking, err = w.Begin(g.p.site, path, body); err != nil {
			g.asking = nil
			return 0, false
		}
		g.asked = w.now
	}
	status, text, err, done := g.asking()
	switch {
	case !done && w.now.Sub(g.asked) < askLimit:
		return 0, false
	case !done || err != nil:
		g.asking = nil
		return 0, false
	}
	g.asking = nil
	if into != nil && status == http.StatusOK && json.Unmarshal(text, into) != nil {
		return 0, false
	}
	return status, true
}

// arrive waits for the nozzle, and for the till.
func (g *guest) arrive() (bool, error) {
	p := g.p
	v := g.h.view()
	free := !p.served[g.nozzle] && v.State == dispenser.StateIdle && !v.NozzleUp && (g.till == nil || !p.till[g.till.number] && g.till.in == nil)
	if !free {
		g.seen = p.w.now // a queue is no reason to leave
		return false, nil
	}
	p.served[g.nozzle] = true
	if g.till == nil {
		g.act = (*guest).authorised
		return true, nil
	}
	p.till[g.till.number] = true
	g.act = (*guest).identified
	return true, p.w.PutOnTill(g.v.Card, p.w.tillNumber(g.till))
}

// authorised is the attendant at the station's screen, who tries again when the station says "not now".
func (g *guest) authorised() (bool, error) {
	way := []string{"cash", "account", "bank", "voucher"}[int(g.nozzle+record.Nozzle(g.money/100))%4]
	status, done := g.ask(station.PathAuthorise, station.AskAuthorise{Nozzle: g.nozzle % 100, Money: g.money, Volume: g.volume, Way: way, By: g.p.onDuty()}, nil)
	if !done || status != http.StatusOK {
		return false, nil
	}
	g.act = (*guest).lift
	return true, nil
}

// identified keys the PIN and the preset at the till, and lifts the gun when it says so.
func (g *guest) identified() (bool, error) {
	v, done := g.terminal()
	if !done {
		return false, nil
	}
	switch v.Waits {
	case "pin":
		g.act = (*guest).keyed
		return true, nil
	case "order":
		g.act = (*guest).ordered
		return true, nil
	case "pump":
		g.act = (*guest).lift
		return true, nil
	}
	return false, nil
}

func (g *guest) keyed() (bool, error) {
	_, done := g.ask(station.PathTillPIN, station.TillPIN{Till: g.till.number, Digits: g.v.PIN}, nil)
	if done {
		g.act = (*guest).identified
	}
	return done, nil
}

func (g *guest) ordered() (bool, error) {
	g.till.nozzle, g.till.money = g.nozzle, g.money > 0
	status, done := g.ask(station.PathTillOrder, station.TillOrder{Till: g.till.number, Nozzle: g.nozzle % 100, Money: g.money, Volume: g.volume, By: g.p.onDuty()}, nil)
	if done {
		g.act = (*guest).identified
	}
	return done && status == http.StatusOK, nil
}

// terminal is what the till shows.
func (g *guest) terminal() (v station.TillView, done bool) {
	var all station.Tills
	if _, done = g.ask(station.PathTills, struct{}{}, &all); !done {
		return v, false
	}
	for _, x := range all.Tills {
		if x.Till == g.till.number {
			return x, true
		}
	}
	return v, false
}

// lift takes the gun and squeezes it.
func (g *guest) lift() (bool, error) {
	h := g.p.w.Hands()
	powered := errors.Join(h.Lift(g.nozzle), h.Squeeze(g.nozzle, 1000)) == nil
	if powered {
		g.act = (*guest).fuel
	}
	return powered, nil
}

// fuel waits until the pump has stopped. A gun that has clicked off is squeezed anew; a forgetful guest takes the card too early.
func (g *guest) fuel() (bool, error) {
	v, w := g.h.view(), g.p.w
	flows := v.State == dispenser.StateFuelling
	g.ran = g.ran || flows
	switch {
	case g.till != nil && g.till.in != nil && g.pullAt > 0 && g.ran && v.Quantity >= g.pullAt && v.Quantity < g.pullAt+500:
		g.act = (*guest).hang
		return true, w.TakeFromTill(w.tillNumber(g.till))
	case flows && v.Quantity != g.shown:
		g.shown = v.Quantity
		return true, nil
	case flows && w.now.Sub(g.seen) > dryGun:
		h := w.Hands()
		return false, errors.Join(h.Squeeze(g.nozzle, 0), h.Squeeze(g.nozzle, 1000))
	case g.ran && !flows:
		g.act = (*guest).hang
		return true, nil
	}
	return false, nil
}

// hang hangs the gun up, and waits for the receipt if a till makes one.
func (g *guest) hang() (bool, error) {
	h := g.p.w.Hands()
	powered := errors.Join(h.Squeeze(g.nozzle, 0), h.Hang(g.nozzle)) == nil
	switch {
	case !powered:
	case g.till != nil && g.till.in != nil:
		g.act = (*guest).paid
	default:
		g.act = nil
	}
	return powered, nil
}

// paid takes the card off the till when the sale is settled.
func (g *guest) paid() (bool, error) {
	v, done := g.terminal()
	if !done || v.Step != "" || v.Waits == "pump" || v.Waits == "grey" {
		return false, nil
	}
	g.act = nil
	return true, g.p.w.TakeFromTill(g.p.w.tillNumber(g.till))
}

// away takes a guest who gave up off the forecourt: the card in the pocket at once, the gun hung as soon as there is power.
func (g *guest) away() {
	w := g.p.w
	if g.till != nil && g.till.in != nil && g.till.in.name == g.v.Card {
		g.p.fail(w.takeFromTill(g.till))
	}
	w.hangUp(g.nozzle)
}

// hangUp hangs a gun that somebody has left, as soon as its dispenser has power.
func (w *World) hangUp(n record.Nozzle) {
	h := w.Hands()
	x, plain := w.plain[n]
	if up := plain && x.view().NozzleUp || !plain && w.pumps[n].view().NozzleUp; up && errors.Join(h.Squeeze(n, 0), h.Hang(n)) != nil {
		w.After(thinkTime, func() { w.hangUp(n) })
	}
}

// tillNumber is the town's number of a till.
func (w *World) tillNumber(t *tillPlace) int {
	for n, x := range w.tills {
		if x == t {
			return n
		}
	}
	return 0
}
