package station

import (
	"fmt"
	"slices"
	"time"

	"greylock/system/clock"
	"greylock/system/dispenser"
	"greylock/system/relay"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// ContactorLine is the line of the contactors' relay board; the hub's ports begin at 1.
const ContactorLine = 0

// Contactor is a relay board whose coils hold the contactors between the mains and the pumps of card dispensers: a card
// dispenser has no command to stop. A coil that is on lets the pump run, so that a board without power stops every pump; the
// dispenser's electronics stand before the contactor and go on. Source: design.md 9.16.
type Contactor struct {
	Address byte   `json:"address"`
	Baud    int    `json:"baud,omitempty"` // 0: 9600
	Coils   []Coil `json:"coils"`
}

// Coil says which port's pump a coil holds.
type Coil struct {
	Port int    `json:"port"`
	Coil uint16 `json:"coil"` // on the wire: the first is 0
}

// Check says what is wrong with the board among these ports: relay.ErrConfig.
func (k Contactor) Check(ports []Port) error {
	seen := map[int]bool{}
	for _, x := range k.Coils {
		if seen[x.Port] || !slices.ContainsFunc(ports, func(p Port) bool { return p.Number == x.Port && p.Protocol == FA }) {
			return fmt.Errorf("coil %d: port %d has no card dispenser, or another coil: %w", x.Coil, x.Port, relay.ErrConfig)
		}
		seen[x.Port] = true
	}
	_, err := k.driver()
	return err
}

func (k Contactor) driver() (*relay.Driver, error) {
	cfg := relay.Config{Address: k.Address, Baud: k.Baud}
	for _, x := range k.Coils {
		cfg.Coils = append(cfg.Coils, x.Coil)
	}
	return relay.New(cfg)
}

// contactor is the board and what was ordered of it.
type contactor struct {
	drive *relay.Driver
	ports []*port // by the driver's coils
	coils []coilState
	dark  bool // the last life of the program ended without mains
}

// coilState is what the station has ordered and seen of a coil in this life of the program.
type coilState struct {
	order   coilOrder
	found   bool // the first reading has shown it …
	on      bool // … so
	feeding bool // a PumpFed is on its way to the disk
}

// coilOrder is what was ordered last.
type coilOrder int

const (
	coilLeft coilOrder = iota // nothing: it stands as the last life of the program has left it
	coilOff
	coilOn
)

// newContactor makes the board's driver; nil if the station has none. What Check refuses must not come here.
func (c *Core) newContactor(k *Contactor) *contactor {
	if k == nil {
		return nil
	}
	d, err := k.driver()
	if err != nil {
		panic("station: " + err.Error())
	}
	x := &contactor{drive: d, coils: make([]coilState, len(k.Coils))}
	for _, y := range k.Coils {
		x.ports = append(x.ports, c.port(y.Port))
	}
	return x
}

// coil is the coil of a port.
func (x *contactor) coil(p *port) (i int, ok bool) {
	if x == nil {
		return 0, false
	}
	i = slices.Index(x.ports, p)
	return i, i >= 0
}

// contact switches every pump as the emergency stops have it, and prices that its board can not be told. A pump that is in no layout stands still. What is to be still is
// switched at once; what is to run waits for the first reading, which may tell of a stop, and for the disk.
func (c *Core) contact(now clock.Instant) {
	x := c.contactor
	if x == nil {
		return
	}
	for i, p := range x.ports {
		plan, ok := c.orders.plan(p.number)
		k := &x.coils[i]
		switch {
		case ok && (c.stopped(plan.Nozzle) || p.pricing.shut && p.pricing.cut), !ok && (k.order == coilOn || k.found && k.on):
			c.pumpOff(now, i)
		case !ok:
		case k.order == coilOn || k.order == coilLeft && !k.found || k.feeding:
		case !p.fed:
			k.feeding = true
			c.then(c.out.Append(record.PumpFed{TimeMs: now.Milli(), Port: p.number, Nozzle: plan.Nozzle}), func(now clock.Instant) {
				k.feeding = false
				c.contact(now)
			})
		default:
			k.order, p.still = coilOn, nil
			x.drive.Switch(now, i, true)
		}
	}
	c.contactorEvents(now)
}

// pumpOff switches a coil off, unless that was ordered last.
func (c *Core) pumpOff(now clock.Instant, i int) {
	if k := &c.contactor.coils[i]; k.order != coilOff {
		k.order = coilOff
		c.contactor.drive.Switch(now, i, false)
	}
}

// pumpsFound judges the first reading after a start. A pump that the journal says has power, and that has none though no stop is in
// the journal, was switched off by an order whose fact was lost when the program died (or its board was without power meanwhile: the
// reading does not tell; a journal that ends without mains does). Nobody knows of how many nozzles that order was: the whole station is stopped until a person releases it.
func (c *Core) pumpsFound(now clock.Instant) {
	var lost []record.Nozzle
	for i, p := range c.contactor.ports {
		plan, ok := c.orders.plan(p.number)
		k := c.contactor.coils[i]
		switch off := k.found && !k.on && k.order == coilLeft; {
		case off && p.pricing.shut: // its board could not be told of its prices: it stays so until it has them
			p.pricing.cut = true
		case off && p.fed && ok && !c.stopped(plan.Nozzle) && !c.contactor.dark:
			lost = append(lost, plan.Nozzle)
		}
	}
	if len(lost) > 0 {
		c.recallStop(now, lost)
	}
	c.contact(now)
}

// stopPump takes the power of a card dispenser's pump. Without a contactor nothing can stop it from here.
func (c *Core) stopPump(now clock.Instant, p *port, nozzle record.Nozzle, call *stopCall) {
	plan, ok := c.orders.plan(p.number)
	if !ok || nozzle != 0 && nozzle != plan.Nozzle {
		return
	}
	i, ok := c.contactor.coil(p)
	if !ok {
		call.told.Not = append(call.told.Not, plan.Nozzle)
		c.alarm(now, "valve-not-stopped", fmt.Sprintf("port %d", p.number), "该枪没有接触器, 站控停不了: 请立即切断该枪电源",
			"this nozzle has no contactor, the station can not stop it: cut its power at once")
		return
	}
	call.waits[plan.Nozzle] = true
	c.contactor.coils[i].order = coilOff
	c.contactor.drive.Switch(now, i, false)
}

// contactorEvents carries out what the board's driver has to say.
func (c *Core) contactorEvents(now clock.Instant) {
	frames, events := c.contactor.drive.Take()
	for _, f := range frames {
		c.out.Send(ContactorLine, f, 0)
	}
	seen := false
	for _, e := range events {
		_, first := e.(relay.Found)
		seen = seen || first
		c.contactorEvent(now, e)
	}
	if seen {
		c.pumpsFound(now)
	}
}

func (c *Core) contactorEvent(now clock.Instant, e relay.Event) {
	const subject = "contactor"
	switch e := e.(type) {
	case relay.Online:
	case relay.Found:
		k := &c.contactor.coils[e.Coil]
		k.found, k.on = true, e.On
	case relay.Offline:
		c.alarm(now, "contactor-offline", subject, "接触器板无应答: 卡机的紧急停机无效, 检查供电和连线", "the contactors do not answer: card dispensers can not be stopped; check power and cable")
	case relay.Proven:
		if !e.On {
			c.pumpTold(now, e.Coil, true)
		}
	case relay.Failed:
		if e.On {
			c.alarm(now, "contactor-failed", c.pumpSubject(e.Coil), "接触器没有吸合: 该枪不能加油, 报修", "the contactor does not close: the nozzle can not fuel, call maintenance")
			return
		}
		c.pumpTold(now, e.Coil, false)
		c.alarm(now, "valve-not-stopped", c.pumpSubject(e.Coil), "停机无效: 请立即切断该枪电源", "the stop did not help: cut the nozzle's power at once")
	case relay.Fell:
		c.alarm(now, "contactor-fell", c.pumpSubject(e.Coil), "接触器状态自行改变, 已重新控制: 查接触器板供电", "a contactor moved by itself and was switched again: look at the board's power")
	case relay.Strange:
		zh, en := "应答与命令不符", "answers do not fit the orders"
		if e.Refused != 0 {
			zh, en = e.Refused.Words()
		}
		c.alarm(now, "contactor-strange", c.pumpSubject(e.Coil), "接触器板应答异常: "+zh, "the contactors' board answers strangely: "+en)
	}
}

func (c *Core) pumpSubject(coil int) string {
	return fmt.Sprintf("port %d", c.contactor.ports[coil].number)
}

// pumpTold takes what is proven of a pump that had to stop. From then on its dispenser's figures must not move any more.
func (c *Core) pumpTold(now clock.Instant, coil int, shut bool) {
	p := c.contactor.ports[coil]
	if plan, ok := c.orders.plan(p.number); ok {
		c.stopTold(plan.Nozzle, shut)
	}
	if shut {
		p.still = &still{from: now.Add(runsOut)}
	}
}

// runsOut is how long figures may still move after the contactor is open: the flow decays, and a board tells every second.
// Source: dispenser.md 3.2, 5.1.
const (
	runsOut = 3 * time.Second
	seeps   = unit.Quantity(5) // hundredths of a litre
)

// still watches a pump without power.
type still struct {
	from   clock.Instant
	seen   bool
	volume unit.Quantity
}

// watchStill raises the alarm if a dispenser goes on delivering behind an open coil: the contactor is welded.
func (c *Core) watchStill(now clock.Instant, p *port) {
	v := p.drive.Views()[0]
	switch s := p.still; {
	case s == nil || now < s.from:
	case v.State != dispenser.Fuelling:
		s.seen = false
	case !s.seen:
		s.seen, s.volume = true, v.Volume
	case v.Volume > s.volume+seeps:
		s.volume = v.Volume
		c.alarm(now, "valve-not-stopped", fmt.Sprintf("port %d", p.number), "接触器已断开, 仍在出油 (触点粘连): 请立即切断该枪电源",
			"the contactor is open and fuel flows on (welded contacts): cut the nozzle's power at once")
	}
}
