package station

import (
	"fmt"
	"net/http"

	"greylock/system/clock"
	"greylock/system/wire/fa"
	"greylock/system/wire/record"
)

// locked says why the nozzle of a card dispenser is out of use; "": it is not.
func (c *Core) locked(p *port) string {
	plan, ok := c.orders.plan(p.number)
	if !ok {
		return ""
	}
	return c.plainAt(p.number, plan.NZN).locked
}

// lockFor is the lock of a nozzle whose totalizer went back: nothing is sold there until two persons have compared it. The board
// is told by a station info without the nozzle; a fill that runs goes on. Source: trust.md row 36; design.md 9.16.
func (c *Core) lockFor(now clock.Instant, p *port, en string) []record.Fact {
	plan, ok := c.orders.plan(p.number)
	if !ok || c.locked(p) != "" {
		return nil
	}
	return []record.Fact{
		record.NozzleLocked{TimeMs: now.Milli(), Port: p.number, NZN: plan.NZN, Nozzle: plan.Nozzle, Why: "totalizer went back: " + en},
		record.Alarm{TimeMs: now.Milli(), Kind: "nozzle-locked", Subject: fmt.Sprintf("port %d nozzle %d", p.number, plan.NZN),
			Zh: "泵码倒退, 油枪已停用: 两人核对泵码后恢复", En: "the totalizer went back, the nozzle is out of use until two persons have compared it"},
	}
}

// turnLocked makes a board fetch its place again when its nozzle was locked or unlocked.
func (c *Core) turnLocked(port int) {
	if p := c.port(port); p != nil && p.fa != nil {
		p.pricing.turns++
		c.ordered = true
	}
}

// unlockCard takes the nozzle of a card dispenser back into use; false: the nozzle is none of those.
func (c *Core) unlockCard(now clock.Instant, id uint64, q AskUnlock) bool {
	for _, plan := range c.orders.layout.Ports {
		p := c.port(plan.Port)
		if plan.Nozzle != q.Nozzle || p == nil || p.fa == nil {
			continue
		}
		switch {
		case !two(q.By) || !word(q.Reason):
			c.refuse(id, http.StatusForbidden, "TWO_PERSONS", "须由两个不同的人核对泵码并写明原因", "two different persons compare the totals and say why")
		case c.locked(p) == "":
			c.refuse(id, http.StatusConflict, "NOT_LOCKED", "该枪没有停用", "the nozzle is not locked")
		default:
			c.reply(id, record.Done{OK: true}, c.out.Append(record.NozzleUnlocked{
				TimeMs: now.Milli(), Port: p.number, NZN: plan.NZN, Nozzle: plan.Nozzle, By: q.By, Reason: q.Reason}))
		}
		return true
	}
	return false
}

// readBack: the board's totalizer can not be behind that of its last record. Source: dispenser.md 4.5.
func (c *Core) readBack(now clock.Instant, p *port, n fa.NozzleTotal) {
	if len(p.intake.meter) == 0 {
		return
	}
	last := p.intake.meter[len(p.intake.meter)-1]
	if last.NZN != n.NZN || n.Total.Since(last.Total) < wentBack {
		return
	}
	en := fmt.Sprintf("it reads %v, the last record has %v", n.Total, last.Total)
	c.alarm(now, "totalizer-back", fmt.Sprintf("port %d", p.number), fmt.Sprintf("泵码读数 %v 小于最后一笔的 %v", n.Total, last.Total), en)
	if facts := c.lockFor(now, p, en); len(facts) > 0 {
		c.out.Append(facts...)
	}
}
