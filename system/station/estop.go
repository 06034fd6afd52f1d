package station

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"greylock/system/clock"
	"greylock/system/link"
	"greylock/system/wire/record"
)

// Paths of the emergency stop.
const (
	PathStop    = "/op/station/estop"         // AskStop → StopAnswer, when every valve has been told of
	PathRelease = "/op/station/estop/release" // AskStop → record.Done
)

// AskStop stops one nozzle, or all of them (0), and says who and why.
type AskStop struct {
	Nozzle record.Nozzle `json:"nozzle,omitempty"`
	By     string        `json:"by"`
	Reason string        `json:"reason"`
}

// StopAnswer says what became of the stop, nozzle by nozzle.
type StopAnswer struct {
	Shut []record.Nozzle `json:"shut"`          // proven shut
	Not  []record.Nozzle `json:"not,omitempty"` // nobody answers, or it flows on: cut the power
}

// stopCall is an operator who waits for the valves.
type stopCall struct {
	id    uint64
	waits map[record.Nozzle]bool
	told  StopAnswer
	act   link.ActID // of its fact
}

// word says that somebody has written something.
func word(s string) bool { s = strings.TrimSpace(s); return s != "" && len([]rune(s)) <= mostWords }

// two says that an act has two different persons.
func two(by [2]string) bool {
	return word(by[0]) && word(by[1]) && !strings.EqualFold(strings.TrimSpace(by[0]), strings.TrimSpace(by[1]))
}

// Stop is one emergency stop that is in force.
type Stop struct {
	TimeMs int64         `json:"time_ms"`
	Nozzle record.Nozzle `json:"nozzle,omitempty"` // 0: all
	By     string        `json:"by"`
	Reason string        `json:"reason"`
}

// stopsInForce lists them, the whole station's first.
func (c *Core) stopsInForce() []Stop {
	list := []Stop{}
	for _, n := range slices.Sorted(maps.Keys(c.estops)) {
		f := c.estops[n]
		list = append(list, Stop{f.TimeMs, n, f.By, f.Reason})
	}
	return list
}

// stopped says that an emergency stop holds a nozzle, or is about to.
func (c *Core) stopped(n record.Nozzle) bool { return c.stopping[0] || c.stopping[n] || c.held(n) }

// held says that a stop in the journal holds a nozzle.
func (c *Core) held(n record.Nozzle) bool { return c.stopNamed(0) || c.stopNamed(n) }

// stopNamed says that there is a stop of just this nozzle, or of all (0).
func (c *Core) stopNamed(n record.Nozzle) bool { _, ok := c.estops[n]; return ok }

// applyStop takes the facts of emergency stops. The end of a stop of all ends every one. A card dispenser's station info names
// no nozzle while it is held; each turn is one version more, as with prices.
func (c *Core) applyStop(f record.Fact) {
	was := c.heldPorts()
	switch f := f.(type) {
	case record.EmergencyStopped:
		c.estops[f.Nozzle] = f
		delete(c.stopping, f.Nozzle)
	case record.EmergencyEnded:
		if f.Nozzle == 0 {
			clear(c.estops)
		}
		delete(c.estops, f.Nozzle)
	}
	for i, held := range c.heldPorts() {
		if held != was[i] {
			c.ports[i].pricing.turns++
			c.ordered = true
		}
	}
	c.unfed()
}

// unfed notes of the pumps that the journal keeps still that it does: found without power, they tell of nothing.
func (c *Core) unfed() {
	for _, p := range c.ports {
		plan, ok := c.orders.plan(p.number)
		p.fed = p.fed && ok && !c.held(plan.Nozzle)
	}
}

// recallStop orders and writes the stop that these pumps tell of.
func (c *Core) recallStop(now clock.Instant, lost []record.Nozzle) {
	c.stopping[0] = true
	for _, p := range c.ports {
		if p.lf != nil {
			p.lf.EmergencyStop(now)
			c.events(now, p)
		}
	}
	names := fmt.Sprint(lost)
	c.out.Append(record.EmergencyStopped{TimeMs: now.Milli(), By: "greylock", Reason: "启动时发现油泵没有电, 日志里没有停机 (found without power at the start): " + names},
		record.Alarm{TimeMs: now.Milli(), Kind: "stop-recalled", Subject: "contactor", Zh: "启动时发现 " + names + " 号枪的油泵没有电, 而日志里没有停机: 全站保持停机",
			En: "nozzles " + names + " were found without power at the start, and no stop is in the journal: the whole station stays stopped"})
}

// heldPorts says of each port whether a stop holds its card dispenser.
func (c *Core) heldPorts() []bool {
	all := make([]bool, len(c.ports))
	for i, p := range c.ports {
		plan, ok := c.orders.plan(p.number)
		all[i] = p.fa != nil && ok && c.held(plan.Nozzle)
	}
	return all
}

// shutting is what a port's station info goes by: a nozzle is shut for its prices, by its totalizer, by an emergency stop or while
// the station runs on its battery.
func (c *Core) shutting(p *port) boardPrices {
	pr := p.pricing
	plan, ok := c.orders.plan(p.number)
	pr.shut = pr.shut || c.locked(p) != "" || shuts(c.power.state) || ok && c.held(plan.Nozzle)
	return pr
}

// stop shuts valves first and writes afterwards: an emergency waits for no disk. The answer comes when the last valve is known to
// be shut or not to be.
func (c *Core) stop(now clock.Instant, id uint64, q AskStop) {
	if !word(q.By) || !word(q.Reason) {
		c.refuse(id, http.StatusBadRequest, "BY", "请写明谁停机, 为什么", "say who stops and why")
		return
	}
	call := stopCall{id: id, waits: map[record.Nozzle]bool{}, told: StopAnswer{Shut: []record.Nozzle{}}}
	for _, p := range c.ports {
		if p.fa != nil {
			c.stopPump(now, p, q.Nozzle, &call)
		} else {
			c.stopPort(now, p, q.Nozzle, &call)
		}
	}
	if c.contactor != nil {
		c.contactorEvents(now)
	}
	if len(call.waits) == 0 && len(call.told.Shut) == 0 && len(call.told.Not) == 0 {
		c.refuse(id, http.StatusNotFound, "NO_NOZZLE", fmt.Sprintf("没有 %d 号枪", q.Nozzle), fmt.Sprintf("there is no nozzle %d", q.Nozzle))
		return
	}
	c.stopping[q.Nozzle] = true
	call.act = c.out.Append(record.EmergencyStopped{TimeMs: now.Milli(), Nozzle: q.Nozzle, By: q.By, Reason: q.Reason},
		record.Alarm{TimeMs: now.Milli(), Kind: "emergency-stop", Subject: fmt.Sprintf("nozzle %d", q.Nozzle), Zh: "紧急停机: " + q.Reason + " (" + q.By + ")",
			En: "emergency stop: " + q.Reason + " (" + q.By + ")"})
	c.stops = append(c.stops, call)
	c.answerStops()
}

// stopPort tells one board; nozzle 0 is all of its nozzles.
func (c *Core) stopPort(now clock.Instant, p *port, nozzle record.Nozzle, call *stopCall) {
	if p.lf == nil {
		return
	}
	for i, x := range p.plans {
		if nozzle == 0 || nozzle == x.Nozzle {
			call.waits[x.Nozzle] = true
			if nozzle != 0 {
				_ = p.lf.Open(now, i, false)
				_ = p.lf.Stop(now, i)
			}
		}
	}
	if nozzle == 0 {
		p.lf.EmergencyStop(now)
	}
	c.events(now, p)
}

// stopTold takes what a driver has proven about a nozzle.
func (c *Core) stopTold(n record.Nozzle, shut bool) {
	for k := range c.stops {
		call := &c.stops[k]
		if !call.waits[n] {
			continue
		}
		delete(call.waits, n)
		if shut {
			call.told.Shut = append(call.told.Shut, n)
		} else {
			call.told.Not = append(call.told.Not, n)
		}
	}
	c.answerStops()
}

func (c *Core) answerStops() {
	open := c.stops[:0]
	for _, call := range c.stops {
		if len(call.waits) > 0 {
			open = append(open, call)
			continue
		}
		c.reply(call.id, call.told, call.act)
	}
	c.stops = open
}

// release takes nozzles back into use.
func (c *Core) release(now clock.Instant, id uint64, q AskStop) {
	switch {
	case !word(q.By) || !word(q.Reason):
		c.refuse(id, http.StatusBadRequest, "BY", "请写明谁恢复, 为什么", "say who releases and why")
	case len(c.estops) == 0 || q.Nozzle != 0 && !c.stopNamed(q.Nozzle):
		c.refuse(id, http.StatusConflict, "NOT_STOPPED", "没有紧急停机", "there is no emergency stop")
	default:
		act := c.out.Append(record.EmergencyEnded{TimeMs: now.Milli(), Nozzle: q.Nozzle, By: q.By, Reason: q.Reason})
		c.then(act, func(now clock.Instant) {
			for _, p := range c.ports {
				if p.lf != nil {
					c.openPlain(now, p)
				}
			}
			c.contact(now)
		})
		c.reply(id, record.Done{OK: true}, act)
	}
}
