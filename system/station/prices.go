package station

import (
	"fmt"
	"time"

	"greylock/system/clock"
	"greylock/system/dispenser"
	"greylock/system/pricebook"
	"greylock/system/wire/fa"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// PathPrices is the state of the prices: {} → Prices.
const PathPrices = "/op/station/prices"

// Prices says which prices are ordered and which nozzle works by them.
type Prices struct {
	Version   uint64        `json:"version"` // of the newest order; 0: none
	Effective string        `json:"effective"`
	InForce   bool          `json:"in_force"` // its minute has come
	Current   bool          `json:"current"`  // every nozzle has acknowledged it
	Nozzles   []NozzlePrice `json:"nozzles"`
}

// NozzlePrice is one nozzle. A plain one (LF) is priced by the station: it has the newest prices once they are ordered of its
// board, and nothing is authorised there before the board has read them back.
type NozzlePrice struct {
	Port         int           `json:"port"`
	Nozzle       record.Nozzle `json:"nozzle"`
	Product      string        `json:"product"`
	Now          unit.Price    `json:"now_fen"`         // before the minute
	Next         unit.Price    `json:"next_fen"`        // from the minute on
	Acknowledged uint64        `json:"acknowledged"`    // version that the board has; 0: none
	AtMs         int64         `json:"acknowledged_ms"` // when the station learned it
	Shut         bool          `json:"shut"`            // closed, because it had not acknowledged in time
	Open         bool          `json:"open"`            // it should be closed and can not be: it sells on at its old price until its board is reached
	Online       bool          `json:"online"`
	Plain        bool          `json:"plain,omitempty"`
}

const (
	answerTime = 15 * time.Second // before the minute of a change the boards are asked once more which version they have
	fetchTime  = time.Minute      // what a board is given to fetch prices that hold at once
	unreached  = 10 * time.Second // so long without a board's word, and it can be told nothing
	maxAcks    = 64               // acknowledgements that are remembered per nozzle, for records that come late
)

// boardPrices is what a port's board knows of the prices. It changes only by facts, but for asked and closing.
type boardPrices struct {
	has   byte                       // number on the wire of what it acknowledged last; 0: none
	acks  []record.PriceAcknowledged // oldest first
	shut  bool
	turns uint64 // times that the nozzle was shut or freed
	asked uint64 // version before whose minute the board was asked

	closing uint64        // version for which a NozzleShut is under way
	cut     bool          // it was shut and out of reach: its pump stays without power until it is freed
	heard   clock.Instant // when the board was on line last; at the start: of the start
}

// acked is the version that the board has.
func (p boardPrices) acked() uint64 { return p.ackedAt(clock.Never.Milli()) }

// ackedAt is the version that the board had at a time, UTC ms, as far as the station knew.
func (p boardPrices) ackedAt(ms int64) (v uint64) {
	for _, a := range p.acks {
		if a.TimeMs <= ms {
			v = a.Version
		}
	}
	return v
}

// wire is the number by which a board is offered a version. A number has one byte, and a board fetches only what has another than it
// holds: where the number of a later version is that of the one it has acknowledged (it was away for 255 changes), the next one is
// taken. It follows from the facts alone.
func (p boardPrices) wire(v uint64) byte {
	w := fa.FoldVersion(v)
	if w != 0 && w == p.has && v != p.acked() {
		w = fa.FoldVersion(v + 1)
	}
	return w
}

func (c *Core) acknowledged(f record.PriceAcknowledged) {
	if p := c.port(f.Port); p != nil {
		p.pricing.has = p.pricing.wire(f.Version)
		p.pricing.acks = append(p.pricing.acks[max(0, len(p.pricing.acks)+1-maxAcks):], f)
	}
}

func (c *Core) turned(port int, shut bool) {
	if p := c.port(port); p != nil && p.pricing.shut != shut {
		p.pricing.shut, p.pricing.closing = shut, 0
		p.pricing.turns++
		c.ordered = true
	}
}

// informed takes a board's word of which prices it has, and frees a nozzle that waited for it.
func (c *Core) informed(now clock.Instant, p *port, info fa.Info) {
	plan, ok := c.orders.plan(p.number)
	if !ok || len(c.orders.book) == 0 {
		return
	}
	v := c.versionOf(p.pricing, info.Versions.Price)
	var facts []record.Fact
	if v != p.pricing.acked() {
		facts = append(facts, record.PriceAcknowledged{TimeMs: now.Milli(), Port: p.number, Nozzle: plan.Nozzle, Version: v})
	}
	if p.pricing.shut && v >= c.due(now) {
		facts = append(facts, record.NozzleFreed{TimeMs: now.Milli(), Port: p.number, Nozzle: plan.Nozzle, Version: v})
	}
	if len(facts) > 0 {
		c.out.Append(facts...)
	}
}

// versionOf unfolds a number of the wire: what the board has acknowledged with it, else the newest order that it may mean, 0 if there
// is none.
func (c *Core) versionOf(p boardPrices, wire byte) uint64 {
	if wire == 0 {
		return 0
	}
	if wire == p.has {
		return p.acked()
	}
	for i := len(c.orders.book) - 1; i >= 0; i-- {
		if v := c.orders.book[i].Version; p.wire(v) == wire {
			return v
		}
	}
	return 0
}

// deadline is when every nozzle must have an edition.
func (c *Core) deadline(e pricebook.Edition) clock.Instant { return c.orders.deadlines[e.Version] }

// due is the newest version that every nozzle must have by now.
func (c *Core) due(now clock.Instant) uint64 {
	for i := len(c.orders.book) - 1; i >= 0; i-- {
		if e := c.orders.book[i]; c.deadline(e) <= now {
			return e.Version
		}
	}
	return 0
}

// pricesDue is when a change of prices wants something done.
func (c *Core) pricesDue(now clock.Instant) clock.Instant {
	e := c.orders.book.Newest()
	if e.Version == 0 {
		return clock.Never
	}
	at := c.deadline(e)
	for _, t := range [2]clock.Instant{at.Add(-answerTime), at} {
		if t > now {
			return t
		}
	}
	return clock.Never
}

// watchPrices asks the boards before a change which version they have, and at its minute shuts each nozzle that has not
// acknowledged it: no sale is ever made by an outdated price. A fill that runs goes on at its own.
func (c *Core) watchPrices(now clock.Instant) {
	newest, due := c.orders.book.Newest(), c.due(now)
	for _, p := range c.ports {
		plan, ok := c.orders.plan(p.number)
		if p.fa == nil || !ok {
			continue
		}
		c.hear(now, p)
		if p.pricing.asked != newest.Version && p.pricing.acked() != newest.Version && now >= c.deadline(newest).Add(-answerTime) {
			p.pricing.asked = newest.Version
			p.fa.AskInfo(now)
			c.events(now, p)
		}
		if p.pricing.shut || p.pricing.closing == due || p.pricing.acked() >= due || !c.priced(plan.Product) {
			continue
		}
		p.pricing.closing = due
		c.shutForPrice(now, p, plan, due)
	}
}

// shutForPrice closes a nozzle for its prices. A board that does not answer can not be told: its pump loses its power if there is a
// contactor, else it sells on at its old price, and that is said.
func (c *Core) shutForPrice(now clock.Instant, p *port, plan record.PortPlan, due uint64) {
	a := record.Alarm{TimeMs: now.Milli(), Kind: "price-missing", Subject: fmt.Sprintf("port %d", p.number),
		Zh: fmt.Sprintf("%d 号枪未确认第 %d 版油价, 已停用", plan.Nozzle, due),
		En: fmt.Sprintf("nozzle %d has not acknowledged version %d of the prices and is closed", plan.Nozzle, due)}
	open := c.away(now, p) && !c.cuts(p)
	if open {
		a = c.sellsOn(now, p, plan)
	}
	c.out.Append(record.NozzleShut{TimeMs: now.Milli(), Port: p.number, Nozzle: plan.Nozzle, Version: due, Unreached: open}, a)
}

func (c *Core) sellsOn(now clock.Instant, p *port, plan record.PortPlan) record.Alarm {
	return record.Alarm{TimeMs: now.Milli(), Kind: "price-unreached", Subject: fmt.Sprintf("port %d", p.number),
		Zh: fmt.Sprintf("%d 号枪断线, 未确认新价, 停不了: 仍按旧价售油", plan.Nozzle),
		En: fmt.Sprintf("nozzle %d is off line, has not the new prices and can not be closed: it sells on at its old price", plan.Nozzle)}
}

// away says that a board has not answered for so long that nothing can be told to it.
func (c *Core) away(now clock.Instant, p *port) bool {
	return p.fa.View().State == dispenser.Inoperative && p.pricing.heard != 0 && now.Sub(p.pricing.heard) >= unreached
}

// cuts says that a contactor holds the pump.
func (c *Core) cuts(p *port) bool { _, ok := c.contactor.coil(p); return ok }

// hear notes when a board was there last. One that is shut for its prices and goes away is out of reach again: its pump loses its
// power until it has them, or it is said that it may sell.
func (c *Core) hear(now clock.Instant, p *port) {
	if p.fa.View().State != dispenser.Inoperative || p.pricing.heard == 0 {
		p.pricing.heard, p.pricing.cut = now, p.pricing.cut && p.pricing.shut
		return
	}
	plan, ok := c.orders.plan(p.number)
	if !ok || !p.pricing.shut || p.pricing.cut || !c.away(now, p) {
		return
	}
	p.pricing.cut = true
	if c.cuts(p) {
		c.contact(now)
		return
	}
	a := c.sellsOn(now, p, plan)
	c.alarm(now, a.Kind, a.Subject, a.Zh, a.En)
}

// priced says that a product has a price at all.
func (c *Core) priced(product string) bool {
	_, now := priceOf(c.orders.prices.Now, product)
	_, next := priceOf(c.orders.prices.Next, product)
	return now || next
}

// soldBy is the version of the prices that a record's fuel was sold by; 0: it has none, or none explains it.
func (c *Core) soldBy(p *port, r fa.Record) uint64 {
	v, _ := c.sold(p, r)
	return v
}

func (c *Core) sold(p *port, r fa.Record) (version uint64, fresh bool) {
	at, err := r.Time.Civil()
	if !metered(r) || err != nil {
		return 0, true
	}
	ms := at.Instant()
	return c.orders.book.Sold(r.Product.String(), r.Price, ms, p.pricing.ackedAt(ms.Milli()))
}

func (c *Core) askPrices(now clock.Instant, _ struct{}) (any, bool) {
	newest := c.orders.book.Newest()
	a := Prices{Version: newest.Version, Effective: newest.Table.Effective, Current: newest.Version > 0, Nozzles: []NozzlePrice{},
		InForce: newest.Version > 0 && newest.Table.Effective <= pricebook.Minute(now)}
	for _, p := range c.ports {
		for i, x := range p.plans {
			a.add(newest, c.plainPrice(now, p, i, x, newest.Version))
		}
		plan, ok := c.orders.plan(p.number)
		if p.fa == nil || !ok {
			continue
		}
		open := p.pricing.shut && c.away(now, p) && !c.cuts(p)
		n := NozzlePrice{Port: p.number, Nozzle: plan.Nozzle, Product: plan.Product, Acknowledged: p.pricing.acked(), Shut: p.pricing.shut && !open, Open: open,
			Online: p.fa.View().State != dispenser.Inoperative}
		if k := len(p.pricing.acks); k > 0 {
			n.AtMs = p.pricing.acks[k-1].TimeMs
		}
		a.add(newest, n)
	}
	return a, true
}

// add takes one nozzle into the answer.
func (a *Prices) add(newest pricebook.Edition, n NozzlePrice) {
	n.Now, _ = priceOf(newest.Table.Now, n.Product)
	n.Next, _ = priceOf(newest.Table.Next, n.Product)
	a.Current = a.Current && n.Acknowledged == newest.Version
	a.Nozzles = append(a.Nozzles, n)
}

func (c *Core) plainPrice(now clock.Instant, p *port, i int, x record.PortPlan, newest uint64) NozzlePrice {
	n := NozzlePrice{Port: p.number, Nozzle: x.Nozzle, Product: x.Product, Plain: true}
	if p.lf == nil || i >= len(p.priced) {
		return n
	}
	n.Online = p.lf.Views()[i].State != dispenser.Inoperative
	if price := c.orders.priceNow(x.Product, now); price != 0 && p.priced[i] == price {
		n.Acknowledged = newest
	}
	return n
}
