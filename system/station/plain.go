package station

import (
	"fmt"
	"slices"

	"greylock/system/clock"
	"greylock/system/dispenser"
	"greylock/system/link"
	"greylock/system/pricebook"
	"greylock/system/wire/lf"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// plain is what the journal knows of one nozzle of a plain dispenser. It changes only by facts.
type plain struct {
	port   int
	nzn    byte
	number uint32                  // of the last delivery
	open   *record.PlainAuthorised // a delivery was authorised and its end is not known
	meter  *dispenser.Meter        // the last trusted reading
	locked string                  // why it needs a person

	arming bool // an authorisation waits for the disk; it lives as long as the process
}

// plainKey names a nozzle of a plain board.
type plainKey struct {
	port int
	nzn  byte
}

// plainAt is the journal's knowledge of a nozzle.
func (c *Core) plainAt(port int, nzn byte) *plain {
	k := plainKey{port, nzn}
	if c.plains[k] == nil {
		c.plains[k] = &plain{port: port, nzn: nzn}
	}
	return c.plains[k]
}

// applyPlain takes the facts of plain dispensers.
func (c *Core) applyPlain(seq uint64, f record.Fact) {
	switch f := f.(type) {
	case record.PlainAuthorised:
		n := c.plainAt(f.Port, f.NZN)
		n.number, n.open = f.Number, &f
	case record.PlainSold:
		n := c.plainAt(f.Port, f.NZN)
		n.number, n.open = max(n.number, f.Number), nil
		if f.Origin != originRefused {
			n.meter = &dispenser.Meter{At: clock.FromMilli(f.TimeMs), Litres: lf.Total(f.Litres), Cash: lf.Total(f.Cash)}
		}
		c.plainSales = append(c.plainSales, plainSale{seq, f})
		if f.Card != (record.SaleID{}) {
			c.fuelled[f.Card] = f
		}
	case record.PlainMetered:
		c.plainAt(f.Port, f.NZN).meter = &dispenser.Meter{At: clock.FromMilli(f.TimeMs), Litres: lf.Total(f.Litres), Cash: lf.Total(f.Cash)}
	case record.NozzleLocked:
		c.plainAt(f.Port, f.NZN).locked = f.Why
		c.turnLocked(f.Port)
	case record.NozzleUnlocked:
		c.plainAt(f.Port, f.NZN).locked = ""
		c.turnLocked(f.Port)
	}
}

// plainSale is one delivery for the screens.
type plainSale struct {
	seq  uint64
	sold record.PlainSold
}

// rig makes the drivers of the plain boards that the layout names, and makes one anew when what stands there has changed and
// nothing is under way. A port without nozzles in the layout is not spoken to.
func (c *Core) rig(now clock.Instant) {
	for _, p := range c.ports {
		if p.fa != nil {
			continue
		}
		plans := c.orders.plans(p.number)
		if slices.Equal(plans, p.plans) || slices.ContainsFunc(p.plans, func(x record.PortPlan) bool { return c.plainAt(p.number, x.NZN).open != nil }) && p.lf != nil {
			continue
		}
		c.rigPort(now, p, plans)
	}
}

func (c *Core) rigPort(now clock.Instant, p *port, plans []record.PortPlan) {
	p.plans, p.lf, p.drive = plans, nil, dispenser.Silent{}
	if len(plans) == 0 {
		return
	}
	cfg := dispenser.LFConfig{Timing: p.timing}
	for _, x := range plans {
		k := c.plainAt(p.number, x.NZN)
		n := dispenser.LFNozzle{Number: x.NZN, Price: c.orders.priceNow(x.Product, now), Meter: k.meter}
		if k.open != nil {
			n.Open = &dispenser.Authorisation{Money: k.open.Money, Volume: k.open.Volume}
		}
		cfg.Nozzles = append(cfg.Nozzles, n)
	}
	d, err := dispenser.NewLF(cfg)
	if err != nil {
		c.alarm(now, "order-broken", fmt.Sprintf("port %d", p.number), "下发数据有误: "+err.Error(), "orders can not be made: "+err.Error())
		return
	}
	p.lf, p.drive, p.priced = d, d, make([]unit.Price, len(plans))
	for i := range plans {
		p.priced[i] = cfg.Nozzles[i].Price
	}
	if p.up {
		d.Line(now, true)
	}
	c.openPlain(now, p)
}

// openPlain opens the nozzles that may sell: not those of an emergency stop.
func (c *Core) openPlain(now clock.Instant, p *port) {
	for i, x := range p.plans {
		_ = p.lf.Open(now, i, !c.stopped(x.Nozzle)) // the index is the driver's own
	}
	c.events(now, p)
}

// plans are the nozzles on a port, in the order of the layout.
func (o *orders) plans(port int) (list []record.PortPlan) {
	for _, p := range o.layout.Ports {
		if p.Port == port {
			list = append(list, p)
		}
	}
	return list
}

// priceNow is a product's price at a moment, by the newest table; 0 if it has none.
func (o *orders) priceNow(product string, now clock.Instant) unit.Price {
	price, _ := pricebook.At(o.prices, product, pricebook.Minute(now))
	return price
}

// reprice orders the prices that have come into force to the plain boards, which know no minute of their own.
func (c *Core) reprice(now clock.Instant) {
	for _, p := range c.ports {
		if p.lf == nil {
			continue
		}
		for i, x := range p.plans {
			price := c.orders.priceNow(x.Product, now)
			if price == 0 || price == p.priced[i] {
				continue
			}
			if err := p.lf.SetPrice(now, i, price); err == nil {
				p.priced[i] = price
			}
		}
		c.events(now, p)
	}
}

// repriceAt is when the prices change next; Never if no change is known.
func (c *Core) repriceAt(now clock.Instant) clock.Instant {
	if c.orders.start > now {
		return c.orders.start
	}
	return clock.Never
}

// Words of origins and verdicts in the journal.
const originRefused = "refused"

var (
	originWords  = map[dispenser.Origin]string{dispenser.Ordered: "ordered", dispenser.Unlicensed: "unlicensed", dispenser.Unaccounted: "unaccounted"}
	verdictWords = map[dispenser.Verdict]string{dispenser.Agreed: "agreed", dispenser.Forgotten: "forgotten", dispenser.Disagreed: "disagreed",
		dispenser.Unmeasured: "unmeasured"}
)

// plainEvent carries out what a plain board's driver tells.
func (c *Core) plainEvent(now clock.Instant, p *port, e dispenser.Event) {
	switch e := e.(type) {
	case dispenser.Sold:
		c.plainSold(now, p, e.Nozzle, e.Sale, "")
	case dispenser.Refused:
		c.plainSold(now, p, e.Nozzle, dispenser.Sale{Verdict: dispenser.Agreed}, originRefused)
	case dispenser.Stopped:
		c.stopTold(p.plans[e.Nozzle].Nozzle, true)
	case dispenser.NotStopped:
		c.stopTold(p.plans[e.Nozzle].Nozzle, false)
		c.nozzleAlarm(now, p, e.Nozzle, "valve-not-stopped", "停机无效: 请立即切断该枪电源", "the stop did not help: cut the nozzle's power at once")
	case dispenser.Unauthorised:
		c.nozzleAlarm(now, p, e.Nozzle, "unauthorised-flow", "未经授权出油: 已发停机, 请检查该枪", "fuel flows without authorisation: stop sent, look at the nozzle")
	case dispenser.Rebooted:
		c.nozzleAlarm(now, p, e.Nozzle, "board-rebooted", "加油机重启, 已重新控制", "the board came back without our control: taken again")
	case dispenser.Metered:
		c.plainMetered(now, p, e)
	case dispenser.Locked:
		c.plainLocked(now, p, e)
	case dispenser.Strange:
		zh, en := e.Why.Words()
		c.nozzleAlarm(now, p, e.Nozzle, "frames-strange", "反复出现无意义的帧: "+zh, "frames that make no sense, again and again: "+en)
	}
}

func (c *Core) nozzleAlarm(now clock.Instant, p *port, i int, kind, zh, en string) {
	c.alarm(now, kind, fmt.Sprintf("port %d nozzle %d", p.number, p.plans[i].NZN), zh, en)
}

// plainSold stores the end of a delivery. It closes the open authorisation, if there is one.
func (c *Core) plainSold(now clock.Instant, p *port, i int, s dispenser.Sale, origin string) {
	plan, k := p.plans[i], c.plainAt(p.number, p.plans[i].NZN)
	if origin == "" {
		origin = originWords[s.Origin]
	}
	f := record.PlainSold{
		TimeMs: now.Milli(), Port: p.number, NZN: plan.NZN, Nozzle: plan.Nozzle, Number: k.number + 1, Product: plan.Product, Price: s.Price,
		Quantity: s.Volume, Amount: s.Amount, Moved: s.Moved, MovedCash: s.MovedCash, Litres: int64(s.Meter.Litres), Cash: int64(s.Meter.Cash),
		Origin: origin, Verdict: verdictWords[s.Verdict], Interrupted: s.Interrupted, Way: "cash",
		BusinessDay: now.Civil().BusinessDay(c.orders.layout.DayCut),
	}
	if o := k.open; o != nil && s.Origin != dispenser.Unlicensed && s.Origin != dispenser.Unaccounted {
		f.Number, f.Way, f.By, f.Card = o.Number, o.Way, o.By, o.Card
		if f.Card != (record.SaleID{}) {
			f.BusinessDay = c.lockDay(*o)
		}
	}
	began := now
	if k.open != nil {
		began = clock.FromMilli(k.open.TimeMs)
	}
	if s.Volume > 0 {
		f.PriceVersion = c.orders.book.Ordered(plan.Product, s.Price, began)
	}
	facts := []record.Fact{f}
	subject := fmt.Sprintf("port %d nozzle %d", p.number, plan.NZN)
	if s.Verdict != dispenser.Agreed || origin == originWords[dispenser.Unaccounted] {
		facts = append(facts, record.Alarm{TimeMs: now.Milli(), Kind: "sale-in-doubt", Subject: subject,
			Zh: fmt.Sprintf("加油数据有疑问 (%s): 记录 %v 升 %v 元, 泵码走了 %v 升, 请两人核对", f.Verdict, f.Quantity, f.Amount, f.Moved),
			En: fmt.Sprintf("figures of a delivery in doubt (%s): %v L, %v yuan, the total moved %v L: two persons compare them", f.Verdict, f.Quantity, f.Amount, f.Moved)})
	}
	if act := c.out.Append(facts...); f.Card != (record.SaleID{}) {
		c.then(act, func(now clock.Instant) { c.tillSold(now, f) })
	}
}

// plainMetered keeps a reading that is news.
func (c *Core) plainMetered(now clock.Instant, p *port, e dispenser.Metered) {
	plan := p.plans[e.Nozzle]
	if k := c.plainAt(p.number, plan.NZN); k.meter != nil && k.meter.Litres == e.Meter.Litres && k.meter.Cash == e.Meter.Cash {
		return
	}
	c.out.Append(record.PlainMetered{TimeMs: now.Milli(), Port: p.number, NZN: plan.NZN, Nozzle: plan.Nozzle, Litres: int64(e.Meter.Litres), Cash: int64(e.Meter.Cash)})
}

func (c *Core) plainLocked(now clock.Instant, p *port, e dispenser.Locked) {
	plan := p.plans[e.Nozzle]
	zh, en := e.Why.Words()
	c.out.Append(
		record.NozzleLocked{TimeMs: now.Milli(), Port: p.number, NZN: plan.NZN, Nozzle: plan.Nozzle, Why: en},
		record.Alarm{TimeMs: now.Milli(), Kind: "nozzle-locked", Subject: fmt.Sprintf("port %d nozzle %d", p.number, plan.NZN), Zh: "油枪已停用: " + zh, En: "the nozzle is out of use: " + en})
}

// then does something once an act is durable, in this life of the program.
func (c *Core) then(act link.ActID, do func(now clock.Instant)) {
	c.waiting[act] = append(c.waiting[act], do)
}

// plainNozzle finds a nozzle of a plain board.
func (c *Core) plainNozzle(n record.Nozzle) (p *port, i int, ok bool) {
	for _, p := range c.ports {
		if p.lf == nil {
			continue
		}
		if i := slices.IndexFunc(p.plans, func(x record.PortPlan) bool { return x.Nozzle == n }); i >= 0 {
			return p, i, true
		}
	}
	return nil, 0, false
}

// letRun notes that a nozzle may deliver and lets it run once that is durable; ran tells whether the board was told.
func (c *Core) letRun(now clock.Instant, p *port, i int, f record.PlainAuthorised, ran func(now clock.Instant, err error)) {
	plan, k := p.plans[i], c.plainAt(p.number, p.plans[i].NZN)
	f.TimeMs, f.Port, f.NZN, f.Nozzle, f.Number = now.Milli(), p.number, plan.NZN, plan.Nozzle, k.number+1
	k.arming = true
	c.then(c.out.Append(f), func(now clock.Instant) {
		err := error(errNozzle{fmt.Sprintf("%d 号枪刚被停机", plan.Nozzle), "the nozzle was stopped meanwhile"})
		if c.power.closed() {
			err = errNoMains
		} else if k.arming && !c.stopped(plan.Nozzle) {
			err = p.lf.Authorise(now, i, dispenser.Authorisation{Money: f.Money, Volume: f.Volume})
		}
		k.arming = false
		if err != nil { // nothing was sent: the delivery ends before it began
			c.plainSold(now, p, i, dispenser.Sale{Verdict: dispenser.Agreed}, originRefused)
		}
		ran(now, err)
		c.events(now, p)
	})
}
