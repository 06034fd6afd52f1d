package station

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"greylock/system/clock"
	"greylock/system/dispenser"
	"greylock/system/gauge"
	"greylock/system/link"
	"greylock/system/tank"
	"greylock/system/wire/fa"
	"greylock/system/wire/record"
	"greylock/system/wire/tls350"
	"greylock/system/wire/unit"
)

// GaugeLine is the line of the tank gauge; the hub's ports are 1…64.
const GaugeLine = 1000

// Paths of the tanks.
const (
	PathTanks         = "/op/station/tanks"           // {} → Tanks
	PathTankDip       = "/op/station/tank/dip"        // DipTank → record.TankDip
	PathTankDelivery  = "/op/station/tank/delivery"   // NoteDelivery → tank.Delivery
	PathDeliveries    = "/op/station/tank/deliveries" // AskDeliveries → Deliveries, newest first
	PathTankReconcile = "/op/station/tank/reconcile"  // AskPeriod → Periods
)

// Tanks is what lies in the ground.
type Tanks struct {
	Gauge  string       `json:"gauge"` // none, online, offline
	Zh     string       `json:"zh"`
	Tanks  []TankStatus `json:"tanks"`
	Strays int          `json:"strange"` // answers of the gauge that were not acted on
}

// TankStatus is one tank: by the gauge if it has been heard, else by the last dip.
type TankStatus struct {
	Tank        int             `json:"tank"`
	Product     string          `json:"product"`
	Nozzles     []record.Nozzle `json:"nozzles"`
	Capacity    unit.Quantity   `json:"capacity_hundredths"`
	Volume      unit.Quantity   `json:"volume_hundredths"`
	Net         unit.Quantity   `json:"net_hundredths"`
	Ullage      unit.Quantity   `json:"ullage_hundredths"`
	Height      unit.Length     `json:"height_tenths_mm"`
	Water       unit.Length     `json:"water_tenths_mm"`
	Temperature unit.Degrees    `json:"temperature_hundredths"`
	Known       bool            `json:"known"`
	Live        bool            `json:"live"`               // by the gauge, now
	AtMs        int64           `json:"at_ms"`              // of the figures
	Delivery    int             `json:"delivery,omitempty"` // under way
	Alarms      []string        `json:"alarms"`             // of the gauge, zh
}

// DipTank is a dip: of the gauge, or with height, water and temperature of a person's stick. A height needs the tank's table in
// the layout; a person may name the litres instead.
type DipTank struct {
	Tank        int            `json:"tank"`
	By          string         `json:"by"`
	Hand        bool           `json:"hand,omitempty"`
	Height      unit.Length    `json:"height_tenths_mm,omitempty"`
	Water       unit.Length    `json:"water_tenths_mm,omitempty"`
	Temperature unit.Degrees   `json:"temperature_hundredths,omitempty"`
	Volume      *unit.Quantity `json:"volume_hundredths,omitempty"` // fuel without water
}

// NoteDelivery puts the paper to a delivery of a tank: the one named, or the oldest that has none.
type NoteDelivery struct {
	Tank     int           `json:"tank"`
	Delivery int           `json:"delivery,omitempty"`
	Note     string        `json:"note"`
	Net      unit.Quantity `json:"net_hundredths"` // litres at 15 °C by the note
	By       string        `json:"by"`
}

// AskDeliveries filters the deliveries; tank 0 is all; limit 0 is 100, the most is 500.
type AskDeliveries struct {
	Tank  int `json:"tank,omitempty"`
	Limit int `json:"limit,omitempty"`
}

// Deliveries lists them.
type Deliveries struct {
	Deliveries []tank.Delivery `json:"deliveries"`
}

// AskPeriod asks for the balance of the tanks; tank 0 is all, to 0 is now, from 0 is Days before, days 0 is 31.
type AskPeriod struct {
	Tank   int   `json:"tank,omitempty"`
	FromMs int64 `json:"from_ms,omitempty"`
	ToMs   int64 `json:"to_ms,omitempty"`
	Days   int   `json:"days,omitempty"`
}

// Periods are the balances.
type Periods struct {
	OK      bool          `json:"ok"` // all within their tolerance
	Periods []tank.Period `json:"periods"`
	Missing []int         `json:"missing"` // tanks without two dips in the time
}

// tanks is the gauge's line and the books. The books change only by facts.
type tanks struct {
	drive   *gauge.Driver // nil: no gauge
	book    tank.Book
	shown   map[int]*shown // by tank
	strange int
}

// shown is a tank as the gauge shows it.
type shown struct {
	level   tls350.Level
	at      clock.Instant
	alarms  []tls350.Alarm
	watch   tank.Watch
	writing bool // facts of the tank are not durable yet: nothing is judged meanwhile
}

const (
	freshLevel  = time.Minute // a level that is older is no live one
	mostDays    = 366
	mostHeight  = unit.Length(60_000) // 6 m: no tank here is higher
	mostDegrees = unit.Degrees(8_000)
	defaultDays = 31
	mostVolume  = unit.Quantity(100_000_000) // a million litres
)

func newTanks(with bool) tanks {
	t := tanks{shown: map[int]*shown{}}
	if with {
		t.drive = gauge.New()
	}
	return t
}

// at is what is shown of a tank, made if it is not there.
func (t *tanks) at(n int) *shown {
	s := t.shown[n]
	if s == nil {
		s = &shown{}
		t.shown[n] = s
	}
	return s
}

// gaugeEvents carries out what the driver has to say.
func (c *Core) gaugeEvents(now clock.Instant) {
	frames, events := c.tanks.drive.Take()
	for _, f := range frames {
		c.out.Send(GaugeLine, f, 0)
	}
	for _, e := range events {
		switch e := e.(type) {
		case gauge.Offline:
			c.alarm(now, "gauge-offline", "gauge", "液位仪无应答: 改用人工量油", "the gauge does not answer: dip by hand")
		case gauge.Strange:
			c.tanks.strange++
			c.alarm(now, "gauge-strange", "gauge", "液位仪的应答有误, 未采用: "+e.Err.Error(), "an answer of the gauge was not taken: "+e.Err.Error())
		case gauge.Dip:
			c.level(now, e.Level)
		case gauge.Alarms:
			c.gaugeAlarms(now, e)
		}
	}
}

// gaugeAlarms tells what the console alarms; water and stock are judged here by the layout's own limits.
func (c *Core) gaugeAlarms(now clock.Instant, e gauge.Alarms) {
	c.tanks.at(e.Tank).alarms = e.Active
	for _, a := range e.Active {
		if a == tls350.HighWater || a == tls350.DeliveryNeeded || a == tls350.LowProduct {
			continue
		}
		zh, en := a.Words()
		c.alarm(now, "gauge-alarm", fmt.Sprintf("tank %d", e.Tank), fmt.Sprintf("%d 号罐: 液位仪告警 %s", e.Tank, zh), fmt.Sprintf("tank %d: the gauge says %s", e.Tank, en))
	}
}

// level takes a tank's level. One that can not be is shown to nobody.
func (c *Core) level(now clock.Instant, l tls350.Level) {
	t := c.tanks.book.Tank(l.Tank)
	if t == nil {
		return // not in the layout
	}
	if l.Status&tls350.InvalidHeight != 0 {
		return // its alarm tells
	}
	if l.Volume < 0 || l.Volume > t.Plan.Capacity || l.Height < 0 || l.Water < 0 || l.Water > l.Height {
		c.tanks.strange++
		c.alarm(now, "gauge-strange", fmt.Sprintf("tank %d", l.Tank), fmt.Sprintf("%d 号罐液位不可能: %v 升, 高 %v 毫米", l.Tank, l.Volume, l.Height),
			fmt.Sprintf("tank %d can not hold %v L at %v mm", l.Tank, l.Volume, l.Height))
		return
	}
	s := c.tanks.at(l.Tank)
	s.level, s.at = l, now
	if s.writing {
		return
	}
	facts, wrong := s.watch.Look(now, &c.tanks.book, t, c.live(t, l))
	c.write(now, s, facts, wrong)
}

// write appends facts of a tank as one act and raises what is wrong.
func (c *Core) write(now clock.Instant, s *shown, facts []record.Fact, wrong []tank.Trouble) link.ActID {
	for _, a := range wrong {
		c.alarm(now, a.Kind, a.Subject, a.Zh, a.En)
	}
	if len(facts) == 0 {
		return 0
	}
	s.writing = true
	return c.out.Append(facts...)
}

// live is a level together with what the nozzles of the tank do.
func (c *Core) live(t *tank.Tank, l tls350.Level) tank.Live {
	pending, busy, blind := c.drawing(t)
	return tank.Live{Volume: l.Volume, Net: l.Compensated, Height: l.Height, Water: l.Water, Temperature: l.Temperature,
		Delivering: l.Status&tls350.Delivering != 0, Pending: pending, Busy: busy, Blind: blind}
}

// drawing is what the nozzles of a tank have drawn that no record tells yet, whether one draws, and whether one is out of sight.
func (c *Core) drawing(t *tank.Tank) (pending unit.Quantity, busy, blind bool) {
	for _, x := range c.orders.layout.Ports {
		p := c.port(x.Port)
		if p == nil || !slices.Contains(t.Plan.Nozzles, x.Nozzle) {
			continue
		}
		i := max(0, slices.IndexFunc(p.plans, func(y record.PortPlan) bool { return y.Nozzle == x.Nozzle })) // an FA board has one
		views := p.drive.Views()
		if i >= len(views) {
			continue
		}
		switch v := views[i]; v.State {
		case dispenser.Inoperative:
			blind = true
		case dispenser.Started, dispenser.Fuelling, dispenser.SuspendedStarted, dispenser.SuspendedFuelling:
			pending, busy = pending+v.Volume, true
		}
	}
	return pending, busy, blind
}

// tankFact takes a durable fact of the tanks.
func (c *Core) tankFact(f record.Fact) {
	switch f := f.(type) {
	case record.TankDip:
		c.tanks.book.Dipped(f)
		c.tanks.at(f.Tank).writing = false
	case record.DeliveryOpened:
		c.tanks.book.Opened(f)
		c.tanks.at(f.Tank).writing = false
	case record.DeliveryClosed:
		c.tanks.book.Closed(f)
	case record.DeliveryNoted:
		c.tanks.book.Noted(f)
	}
}

// tankDrew takes what a record of a card dispenser says that its nozzle has drawn. A till's record is of fuel that a PlainSold
// tells.
func (c *Core) tankDrew(f record.DispenserRecord, r fa.Record) {
	if p := c.port(f.Port); !metered(r) || p == nil || p.fa == nil {
		return
	}
	sold := f.TimeMs
	if civil, err := r.Time.Civil(); err == nil {
		sold = civil.Instant().Milli()
	}
	c.tanks.book.Sold(f.Nozzle, sold, f.TimeMs, r.Volume)
}

// tankPlain takes what a plain dispenser has drawn: what its total ran, whatever was sold. A total that went back is another board's.
func (c *Core) tankPlain(f record.Fact) {
	sold, ok := f.(record.PlainSold)
	if !ok {
		return
	}
	drawn := sold.Moved
	if drawn < 0 {
		drawn = sold.Quantity
	}
	c.tanks.book.Sold(sold.Nozzle, sold.TimeMs, sold.TimeMs, drawn)
}

// tankReturned takes fuel of a test draw that went back into the tank (回罐).
func (c *Core) tankReturned(f record.TestReturned) {
	c.tanks.book.Sold(f.Nozzle, f.TimeMs, f.TimeMs, -f.Quantity)
}

func (c *Core) askTanks(now clock.Instant, _ struct{}) (any, bool) {
	a := Tanks{Gauge: "none", Zh: "未装液位仪", Tanks: []TankStatus{}, Strays: c.tanks.strange}
	if d := c.tanks.drive; d != nil {
		a.Gauge, a.Zh = "offline", "液位仪离线"
		if d.Online() {
			a.Gauge, a.Zh = "online", "液位仪在线"
		}
	}
	for _, t := range c.tanks.book.Tanks() {
		a.Tanks = append(a.Tanks, c.tankStatus(now, t))
	}
	return a, true
}

func (c *Core) tankStatus(now clock.Instant, t *tank.Tank) TankStatus {
	p := t.Plan
	x := TankStatus{Tank: p.Tank, Product: p.Product, Nozzles: p.Nozzles, Capacity: p.Capacity, Alarms: []string{}}
	if s := c.tanks.shown[p.Tank]; s != nil {
		for _, alarm := range s.alarms {
			zh, _ := alarm.Words()
			x.Alarms = append(x.Alarms, zh)
		}
		if l := s.level; c.fresh(now, s) {
			x.Known, x.Live, x.AtMs = true, true, s.at.Milli()
			x.Volume, x.Net, x.Height, x.Water, x.Temperature = l.Volume, l.Compensated, l.Height, l.Water, l.Temperature
		}
	}
	if d, ok := t.Last(); ok && !x.Live {
		x.Known, x.AtMs = true, d.TimeMs
		x.Volume, x.Net, x.Height, x.Water, x.Temperature = d.Volume, d.Net, d.Height, d.Water, d.Temperature
	}
	if x.Known {
		x.Ullage = max(0, p.Capacity-x.Volume)
	}
	if d, ok := c.tanks.book.Under(p.Tank); ok {
		x.Delivery = d.Number
	}
	return x
}

// fresh reports whether the gauge shows the tank now.
func (c *Core) fresh(now clock.Instant, s *shown) bool {
	return s.at != 0 && now.Sub(s.at) <= freshLevel && c.tanks.drive != nil && c.tanks.drive.Online()
}

// tankNamed finds a tank for a person, or refuses.
func (c *Core) tankNamed(id uint64, n int, by string) *tank.Tank {
	if strings.TrimSpace(by) == "" || len([]rune(by)) > mostWords {
		c.refuse(id, http.StatusBadRequest, "BY", "请写明经办人 (不超过 100 字)", "say who does it, in at most 100 characters")
		return nil
	}
	t := c.tanks.book.Tank(n)
	if t == nil {
		c.refuse(id, http.StatusNotFound, "UNKNOWN_TANK", fmt.Sprintf("布局里没有 %d 号罐, 罐号见 tank list", n), fmt.Sprintf("there is no tank %d in the layout: see tank list", n))
	}
	return t
}

// dipTank notes a dip, of the gauge or by hand; the answer waits for the disk.
func (c *Core) dipTank(now clock.Instant, id uint64, q DipTank) {
	t := c.tankNamed(id, q.Tank, q.By)
	if t == nil {
		return
	}
	s := c.tanks.at(q.Tank)
	pending, _, blind := c.drawing(t)
	dip := record.TankDip{TimeMs: now.Milli(), Tank: q.Tank, Why: record.DipAsked, Pending: pending, By: q.By}
	switch {
	case s.writing:
		c.refuse(id, http.StatusConflict, "TANK_BUSY", "该罐正在记录, 请再试", "the tank is being written, try again")
		return
	case q.Hand:
		if !c.byHand(id, t, q, &dip) {
			return
		}
	case !c.fresh(now, s):
		c.refuse(id, http.StatusConflict, "GAUGE_OFFLINE", "液位仪没有该罐的读数: 请人工量油 (--height)", "the gauge does not show the tank: dip by hand (--height)")
		return
	default:
		l := s.level
		dip.Volume, dip.Net, dip.Height, dip.Water, dip.Temperature = l.Volume, l.Compensated, l.Height, l.Water, l.Temperature
	}
	facts, wrong := s.watch.Take(now, &c.tanks.book, t, dip, blind)
	c.reply(id, dip, c.write(now, s, facts, wrong))
}

// byHand fills a dip by what a person has measured; false: refused.
func (c *Core) byHand(id uint64, t *tank.Tank, q DipTank, dip *record.TankDip) bool {
	if q.Height < 0 || q.Height > mostHeight || q.Water < 0 || q.Water > q.Height && q.Volume == nil || max(q.Temperature, -q.Temperature) > mostDegrees {
		c.refuse(id, http.StatusBadRequest, "DIP", "油高、水高或油温不合理", "height, water or temperature make no sense")
		return false
	}
	dip.Why, dip.Height, dip.Water, dip.Temperature = record.DipHand, q.Height, q.Water, q.Temperature
	if q.Volume != nil {
		dip.Volume = *q.Volume
	} else {
		whole, ok := t.Volume(q.Height)
		below, known := t.Volume(q.Water)
		if !ok || !known {
			c.refuse(id, http.StatusConflict, "NO_TABLE", "该罐没有这个高度的容积表: 请写明升数", "the tank has no table for this height: say the litres")
			return false
		}
		dip.Volume = whole - below
	}
	if dip.Volume < 0 || dip.Volume > min(t.Plan.Capacity, mostVolume) {
		c.refuse(id, http.StatusBadRequest, "DIP", "油量超过罐容", "more than the tank holds")
		return false
	}
	dip.Net = t.Net(dip.Volume, q.Temperature)
	return true
}

// noteDelivery puts a note to a delivery; what is short is alarmed now or when the delivery has ended.
func (c *Core) noteDelivery(now clock.Instant, id uint64, q NoteDelivery) {
	t := c.tankNamed(id, q.Tank, q.By)
	if t == nil {
		return
	}
	d, ok := c.tanks.book.Unnoted(q.Tank)
	if q.Delivery != 0 {
		d, ok = c.tanks.book.Delivery(q.Delivery)
		ok = ok && d.Tank == q.Tank
	}
	switch {
	case strings.TrimSpace(q.Note) == "" || len([]rune(q.Note)) > mostWords || q.Net <= 0 || q.Net > mostVolume:
		c.refuse(id, http.StatusBadRequest, "NOTE", "请写明进油单号和升数", "say the note's number and its litres")
	case !ok:
		c.refuse(id, http.StatusConflict, "NO_DELIVERY", fmt.Sprintf("%d 号罐没有待登记的进油: 无液位仪时, 卸油前后各人工量油一次", q.Tank),
			fmt.Sprintf("tank %d has no delivery without a note: without a gauge, dip by hand before and after", q.Tank))
	case d.Note != "":
		c.refuse(id, http.StatusConflict, "NOTED", "这次进油已登记为 "+d.Note, "this delivery is noted as "+d.Note)
	default:
		f := record.DeliveryNoted{TimeMs: now.Milli(), Tank: q.Tank, Delivery: d.Number, Note: q.Note, Net: q.Net, By: q.By}
		d = d.With(f)
		facts := []record.Fact{f}
		if d.Short > 0 {
			facts = append(facts, d.Alarm(now))
		}
		c.reply(id, d, c.out.Append(facts...))
	}
}

func (c *Core) askDeliveries(_ clock.Instant, id uint64, q AskDeliveries) {
	if limit, ok := c.limited(id, q.Limit); ok && c.isTank(id, q.Tank) {
		c.reply(id, Deliveries{c.tanks.book.Deliveries(q.Tank, limit)}, 0)
	}
}

// isTank says whether a tank, or with 0 all, can be asked for, or refuses.
func (c *Core) isTank(id uint64, n int) bool {
	if n != 0 && c.tanks.book.Tank(n) == nil {
		c.refuse(id, http.StatusNotFound, "UNKNOWN_TANK", fmt.Sprintf("布局里没有 %d 号罐, 罐号见 tank list", n), fmt.Sprintf("there is no tank %d in the layout: see tank list", n))
		return false
	}
	return true
}

func (c *Core) askPeriod(now clock.Instant, id uint64, q AskPeriod) {
	if q.Days == 0 {
		q.Days = defaultDays
	}
	if q.ToMs == 0 {
		q.ToMs = now.Milli()
	}
	if q.FromMs == 0 {
		q.FromMs = q.ToMs - (time.Duration(q.Days) * 24 * time.Hour).Milliseconds()
	}
	switch {
	case !c.isTank(id, q.Tank):
		return
	case q.Days < 1 || q.Days > mostDays || q.FromMs > q.ToMs:
		c.refuse(id, http.StatusBadRequest, "DAYS", fmt.Sprintf("对账应为最近 1 至 %d 天, 起点不晚于终点", mostDays), fmt.Sprintf("a balance is of the last 1 to %d days, from before to", mostDays))
		return
	}
	a := Periods{OK: true, Periods: []tank.Period{}, Missing: []int{}}
	for _, t := range c.tanks.book.Tanks() {
		if q.Tank != 0 && t.Plan.Tank != q.Tank {
			continue
		}
		p, ok := t.Period(q.FromMs, q.ToMs)
		if !ok {
			a.Missing = append(a.Missing, t.Plan.Tank)
			a.OK = false
			continue
		}
		a.Periods = append(a.Periods, p)
		a.OK = a.OK && p.OK
	}
	c.reply(id, a, 0)
}
