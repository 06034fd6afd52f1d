// Package station is the program of a fuel station: it takes what the dispensers' boards have sold, keeps it, ships it to the
// center, and gives the boards their place, their prices and answers about cards.
//
// Core is a link.Core; line n is port n of the hub. A record is acknowledged only when its fact is durable; state changes only
// in Apply. Source: design.md 4, 9; dispenser.md 4; trust.md 1.1.
package station

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"

	"greylock/system/alarm"
	"greylock/system/clock"
	"greylock/system/dispenser"
	"greylock/system/exchange"
	"greylock/system/link"
	"greylock/system/shift"
	"greylock/system/station/till"
	"greylock/system/wire/fa"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Config is what a station needs to know.
type Config struct {
	Site      record.SiteID
	Realm     record.Realm
	CenterKey ed25519.PublicKey // signs the directives
	Ports     []Port            // the hub's ports that are there
	Contactor *Contactor        // nil: none, and card dispensers can not be stopped from here
	Plausible Plausible
	Lists     ListPolicy
	Tills     []TillPort       // card terminals that the station runs
	Products  []string         // product codes in the order that the masks of a card's limits count in (card.md 3.5)
	Cards     fuelcard.Profile // of the tills' cards; the zero value is fuelcard.National()
	Source    exchange.Source  // the own journal
	Rand      *rand.Rand       // jitter of the exchange only
	Gauge     bool             // a tank gauge is on GaugeLine
	UPS       *UPSPolicy       // a UPS is on UPSLine; nil: none
}

// Protocol is what is spoken on a port.
type Protocol string

// The protocols. Source: dispenser.md 1.3.
const (
	FA Protocol = "fa" // a card dispenser that polls the station and sells by itself
	LF Protocol = "lf" // a plain dispenser that the station polls and commands
)

// Port is one port of the hub.
type Port struct {
	Number   int // 1…
	Protocol Protocol
	Timing   dispenser.LFTiming // of a plain board; the zero value is dispenser.md 4.1's
}

// Core is the station.
type Core struct {
	cfg        Config
	out        link.Outbox
	ports      []*port // by number
	orders     orders
	ship       *exchange.Shipper
	sales      []taken // in order
	alarms     alarm.List
	modes      modes
	holders    holders
	examined   map[record.Nozzle]examined // last commissioning of a nozzle
	silent     map[[2]string]int          // repeated alarms that were not written, by kind and subject
	ordered    bool                       // a directive has come into force
	confirming bool                       // a ListConfirmed is under way
	applied    uint64                     // facts applied
	tanks      tanks
	asks       map[uint64]greyCall       // questions to the center that are under way
	blocks     map[uint64]*till.Till     // tills that have asked the center to block a listed card
	seen       map[record.SaleID]settled // what is known of a sale

	now        clock.Instant // of the event that is being carried out at a till
	tills      []*till.Till  // as Config.Tills
	pricesAt   clock.Instant // when the plain boards' prices change next
	plains     map[plainKey]*plain
	plainSales []plainSale                               // in order
	fuelled    map[record.SaleID]record.PlainSold        // the fuel of a till's sale
	estops     map[record.Nozzle]record.EmergencyStopped // in force; 0: all nozzles
	waiting    map[link.ActID][]func(clock.Instant)      // what waits for an act, in this life of the program
	stops      []stopCall                                // operators who wait to hear whether a valve is shut
	stopping   map[record.Nozzle]bool                    // stops whose fact is under way
	contactor  *contactor                                // nil: none
	beside     []*beside
	power      power

	feed    feed
	shifts  shift.Book
	closing *closing // a close of the shift that is under way
}

// port is one line, its driver and what it has delivered.
type port struct {
	number   int
	drive    dispenser.Driver
	fa       *dispenser.FA     // drive, if the port speaks FA
	lf       *dispenser.LF     // drive, if it speaks LF and the layout says what stands there
	plans    []record.PortPlan // of lf, in the order of its nozzles
	timing   dispenser.LFTiming
	priced   []unit.Price // ordered last, by nozzle of lf
	intake   *intake
	pending  map[recordKey][]byte       // staged, not yet durable
	refusing map[[sha256.Size]byte]bool // refusals, the same
	totals   map[fa.NZN]record.TotalsRead
	names    []fa.NZN // what the board last called itself
	up       bool
	echo     bool // an alarm about the wiring was raised in this contact
	pricing  boardPrices
	lists    boardLists
	still    *still // its pump has no power; nil: it has
	fed      bool   // the journal says that its pump may have power
}

// taken is one record of the station, for its screens.
type taken struct {
	seq  uint64
	port int
	rec  fa.Record

	prices uint64 // version by which it was sold
}

// settled says how far a sale has come.
type settled struct {
	escape  *fa.Record // T-TYPE 1: what is owed
	paid    bool       // a record shows the debit
	metered *fa.Record // the record of its fuel
}

// greyCall is a 35H query that went on to the center.
type greyCall struct {
	ask  fa.GreyAsk
	then func(now clock.Instant, a *fa.GreyAnswer)
}

// New returns a station; the journal is replayed into Apply before Start.
func New(cfg Config) *Core {
	cfg.Plausible = cfg.Plausible.orDefault()
	c := &Core{
		cfg: cfg, orders: orders{versions: map[record.Topic]uint64{}, places: map[int]place{}, deadlines: map[uint64]clock.Instant{}},
		asks: map[uint64]greyCall{}, blocks: map[uint64]*till.Till{}, seen: map[record.SaleID]settled{}, silent: map[[2]string]int{}, modes: newModes(), tanks: newTanks(cfg.Gauge),
		plains: map[plainKey]*plain{}, fuelled: map[record.SaleID]record.PlainSold{}, estops: map[record.Nozzle]record.EmergencyStopped{},
		waiting: map[link.ActID][]func(clock.Instant){}, examined: map[record.Nozzle]examined{}, stopping: map[record.Nozzle]bool{},
	}
	for _, x := range cfg.Ports {
		c.ports = append(c.ports, newPort(x))
	}
	if c.cfg.Cards.Name == "" {
		c.cfg.Cards = fuelcard.National()
	}
	for _, x := range cfg.Tills {
		c.tills = append(c.tills, c.newTill(x))
	}
	c.contactor = c.newContactor(cfg.Contactor)
	c.power = newPower(cfg.UPS)
	c.beside = c.devices()
	c.ship = exchange.NewShipper(exchange.ShipperConfig{
		Site: cfg.Site, Realm: cfg.Realm, CenterKey: cfg.CenterKey, Source: cfg.Source, Rand: cfg.Rand, Poll: listPoll,
	})
	return c
}

func newPort(x Port) *port {
	p := &port{number: x.Number, timing: x.Timing, intake: newIntake(x.Number), pending: map[recordKey][]byte{}, refusing: map[[sha256.Size]byte]bool{}, totals: map[fa.NZN]record.TotalsRead{}}
	if x.Protocol == LF {
		p.drive = dispenser.Silent{} // until the layout says what stands there
		return p
	}
	p.fa = dispenser.NewFA()
	p.drive = p.fa
	return p
}

// Take hands over what is to be done.
func (c *Core) Take() link.Effects { return c.out.Take() }

// Start begins the work: boards are announced their orders, the exchange asks for news.
func (c *Core) Start(now clock.Instant) {
	if c.contactor != nil {
		c.contactor.dark = shuts(c.power.state)
	}
	c.order(now)
	c.startPower(now)
	c.startTills(now)
	c.ship.Start(now, &c.out)
	c.finishReport(now)
	c.plan(now)
}

// Line says that a port was opened or lost.
func (c *Core) Line(now clock.Instant, line int, up bool) {
	if b := c.deviceAt(line); b != nil {
		b.connect(now, up)
		c.plan(now)
		return
	}
	p := c.port(line)
	if p == nil || p.up == up {
		return
	}
	p.up = up
	p.drive.Line(now, up)
	if !up {
		c.alarm(now, "line-lost", fmt.Sprintf("port %d", line), "串口断开: 请检查集线器端口和连线", "serial port lost: check hub port and cable")
	}
	c.events(now, p)
	c.plan(now)
}

// Receive takes bytes from a port.
func (c *Core) Receive(now clock.Instant, line int, data []byte) {
	if b := c.deviceAt(line); b != nil {
		b.receive(now, data)
		c.plan(now)
		return
	}
	if p := c.port(line); p != nil {
		p.drive.Receive(now, data)
		c.events(now, p)
		c.plan(now)
	}
}

// Wake looks after silence, questions and the exchange.
func (c *Core) Wake(now clock.Instant) {
	for _, b := range c.beside {
		b.wake(now)
	}
	c.wakePower(now)
	for _, p := range c.ports {
		if p.drive.Due() <= now {
			p.drive.Wake(now)
			c.events(now, p)
		}
	}
	c.watchPrices(now)
	c.watchClose(now)
	if c.pricesAt <= now {
		c.reprice(now)
	}
	c.wakeTills(now)
	c.ship.Wake(now, &c.out)
	c.judgeLists(now)
	c.plan(now)
}

// Durable goes on with what waited for the disk: the exchange has something to ship, gaps are asked for.
func (c *Core) Durable(now clock.Instant, id link.ActID) {
	for _, do := range c.waiting[id] {
		do(now)
	}
	delete(c.waiting, id)
	c.now = now
	for _, t := range c.tills {
		t.Durable(now, id)
	}
	c.ship.Kick(now, &c.out)
	if c.ordered {
		c.ordered = false
		c.order(now)
		c.ship.Ask(now, &c.out) // there may be more of a list
	}
	for _, p := range c.ports {
		p.askMissing(now)
	}
	c.plan(now)
}

// askMissing asks an FA board for the numbers that are not there.
func (p *port) askMissing(now clock.Instant) {
	if p.fa == nil {
		return
	}
	for _, n := range p.intake.missing {
		p.fa.AskRecord(now, n)
	}
}

// plan asks for the next wake-up.
func (c *Core) plan(now clock.Instant) {
	c.pricesAt = c.repriceAt(now)
	c.tellFeed(now)
	at := min(c.feed.due(), c.ship.Due(), c.listDue(now), c.pricesDue(now), c.pricesAt, c.closeDue(), c.power.due())
	for _, b := range c.beside {
		at = min(at, b.drive.Due())
	}
	for _, p := range c.ports {
		at = min(at, p.drive.Due())
	}
	for _, t := range c.tills {
		at = min(at, t.Due())
	}
	c.out.WakeAt(max(at, now+1))
}

func (c *Core) port(number int) *port {
	for _, p := range c.ports {
		if p.number == number {
			return p
		}
	}
	return nil
}

// order gives every port's driver its files; an order that can not be made is an alarm, and the board keeps what it has.
func (c *Core) order(now clock.Instant) {
	for _, p := range c.ports {
		if p.fa == nil {
			continue
		}
		o, err := c.orders.forPort(p.number, c.shutting(p))
		if err != nil {
			c.alarm(now, "order-broken", fmt.Sprintf("port %d", p.number), "下发数据有误: "+err.Error(), "orders can not be made: "+err.Error())
			continue
		}
		p.lists.offer(&o)
		p.fa.SetOrders(o)
	}
	c.rig(now)
	c.reprice(now)
	c.contact(now)
}

// Apply takes a durable fact.
func (c *Core) Apply(seq uint64, f record.Fact) {
	c.applied++
	for _, t := range c.tills {
		t.Apply(f)
	}
	c.applyShift(seq, f)
	switch f := f.(type) {
	case record.DispenserRecord:
		c.took(seq, f)
	case record.GapClosed:
		if p := c.port(f.Port); p != nil {
			p.intake.gone(f)
		}
	case record.RecordConflict:
		c.settle(f.Port, f.Raw)
	case record.RecordRefused:
		if p := c.port(f.Port); p != nil {
			p.intake.refuse(f)
			c.dispute(f.Port, f.Raw)
			delete(p.refusing, sha256.Sum256(f.Raw))
		}
	case record.TotalsRead:
		if p := c.port(f.Port); p != nil {
			p.totals[fa.NZN(f.Nozzle)] = f
		}
	case record.NozzleCommissioned:
		c.examined[f.Nozzle] = examined{seq, f}
	case record.Alarm:
		c.alarms.Raised(c.cfg.Site, seq, f)
	case record.AlarmAcknowledged:
		c.alarms.Acknowledged(c.cfg.Site, f)
	case record.DirectiveApplied:
		c.obey(f)
	case record.ListConfirmed:
		c.orders.lists.confirmed, c.confirming = clock.FromMilli(f.TimeMs), false
	case record.SiteOpened:
		c.orders.lists.opened = clock.FromMilli(f.TimeMs)
	case record.PriceAcknowledged:
		c.acknowledged(f)
	case record.TestReturned:
		c.modes.returned[f.Draw] = f
		c.tankReturned(f)
	case record.TankDip, record.DeliveryOpened, record.DeliveryClosed, record.DeliveryNoted:
		c.tankFact(f)
	case record.NozzleShut:
		c.turned(f.Port, true)
	case record.NozzleFreed:
		c.turned(f.Port, false)
	case record.EmergencyStopped, record.EmergencyEnded:
		c.applyStop(f)
	case record.PumpFed:
		if p := c.port(f.Port); p != nil {
			p.fed = true
		}
	case record.StationPower:
		c.applyPower(f)
	default:
		c.applyPlain(seq, f)
		c.tankPlain(f)
	}
}

// settle forgets that a record is under way.
func (c *Core) settle(number int, raw []byte) {
	p := c.port(number)
	r, err := fa.ParseRecord(raw)
	if p != nil && err == nil {
		delete(p.pending, keyOf(r))
		p.intake.conflicts[string(raw)] = true
	}
}

// obey puts a directive in force that Receive's side has verified; replay trusts the journal.
func (c *Core) obey(f record.DirectiveApplied) {
	d, err := f.Directive.Open(c.cfg.CenterKey)
	if err != nil {
		return // the center's key was changed since: the version stays as it was
	}
	if err := c.orders.take(d, f.TimeMs); err != nil {
		c.ship.Again(d.Topic)
		return
	}
	c.tanks.book.Configure(c.orders.layout.Tanks)
	c.ordered = true
	c.unfed()
	c.ship.Applied(d)
}

func (c *Core) took(seq uint64, f record.DispenserRecord) {
	p := c.port(f.Port)
	r, err := fa.ParseRecord(f.Raw)
	if err != nil {
		return // never written: judge refuses what can not be read
	}
	if p != nil {
		delete(p.pending, keyOf(r))
		p.intake.took(f, r)
	}
	c.sales = append(c.sales, taken{seq, f.Port, r, f.PriceVersion})
	c.modes.took(f.Port, r)
	c.settleDispute(r)
	c.tankDrew(f, r)
	id := record.SaleID{TID: r.TID, TTC: r.TTC}
	s := c.seen[id]
	switch r.Type.Kind() {
	case fa.Escape:
		s.escape = &r
	case fa.Fuelling, fa.TopUpDebit, fa.Supplement:
		s.paid = true
	}
	if metered(r) {
		s.metered = &r
	}
	c.seen[id] = s
}
