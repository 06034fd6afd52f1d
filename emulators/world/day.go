package world

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"greylock/system/journal"
	"greylock/system/wire/fa"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Day is a busy day at one station: who comes when, and what goes wrong meanwhile. Equal values are equal days.
type Day struct {
	Cars    int   // sales that customers come for
	Nozzles int   // card dispensers, one port each
	Days    int   // how many days in a row; 0 is 1
	Seed    int64 // 0 is 1
	Calm    bool  // no faults
	Offline bool  // the center is away from the first hour of the first day to the last hour of the last
}

// arrivals is the share of the day's cars in each hour, in 1000: a quiet night, the rush before and after work.
var arrivals = [24]int{6, 4, 3, 3, 5, 14, 40, 74, 78, 62, 50, 46, 44, 42, 44, 50, 62, 80, 82, 66, 52, 40, 32, 21}

// Bounds of a day.
const (
	maxCars       = 5000 // of a day: one every 17 s
	maxDayNozzles = 64
	visitsPerCard = 10 // of one card in all the days: it holds what they cost
	dayLoad       = "4000.00"
	forgetful     = 25               // customers in 1000 who pull the card while fuel flows
	closing       = 30 * time.Minute // after the last day: the last customers leave, what is left is delivered
	faultGap      = 500              // seconds between two faults, about
)

// A day of a forecourt is mostly polls of idle boards. They poll as rarely as boards in the field do, and a frame arrives whole when
// its last byte has crossed: what frames in pieces do is told by the stories.
const (
	dayPoll  = time.Second
	dayChunk = 100 * time.Millisecond
)

// ErrDay is wrapped by every refusal of a Day's values.
var ErrDay = errors.New("模拟日参数有误 (values of the simulated day)")

// check fills the defaults.
func (d *Day) check() error {
	if d.Days == 0 {
		d.Days = 1
	}
	if d.Seed == 0 {
		d.Seed = 1
	}
	switch {
	case d.Cars < 1 || d.Cars > maxCars:
		return fmt.Errorf("%w: cars %d: 1…%d", ErrDay, d.Cars, maxCars)
	case d.Nozzles < 1 || d.Nozzles > maxDayNozzles:
		return fmt.Errorf("%w: nozzles %d: 1…%d", ErrDay, d.Nozzles, maxDayNozzles)
	case d.Days < 1 || d.Days > 366:
		return fmt.Errorf("%w: days %d: 1…366", ErrDay, d.Days)
	}
	return nil
}

// DayReport is what a day has brought.
type DayReport struct {
	Cars      int           `json:"cars"`
	Served    int           `json:"served"`
	GaveUp    int           `json:"gave_up"`    // customers who did not get through, for the faults
	PulledOff int           `json:"pulled_off"` // customers who pulled the card while fuel flowed
	Posted    int           `json:"posted"`     // card sales in the center's books
	Amount    unit.Fen      `json:"amount_fen"` // of these
	Litres    unit.Quantity `json:"hundredths"` // of these
	Faults    []FaultCount  `json:"faults"`     // what went wrong, how often
	Price     int           `json:"new_prices"` // price changes
	Virtual   time.Duration `json:"virtual_ns"` // simulated time
	Run       Report        `json:"run"`
	Nozzles   []NozzleDay   `json:"per_nozzle"`
}

// FaultCount is how often something went wrong.
type FaultCount struct {
	Fault string `json:"fault"`
	Times int    `json:"times"`
}

// NozzleDay is one nozzle's day: the meter against the books.
type NozzleDay struct {
	Nozzle  record.Nozzle `json:"nozzle"`
	Metered unit.Quantity `json:"metered_hundredths"`
	Booked  unit.Quantity `json:"booked_hundredths"`
}

// scenario is the town of the day.
func (d Day) scenario() Scenario {
	s := Scenario{
		Name: "忙碌的一天", Text: "一座加油站的一天: 早晚高峰, 拔卡的顾客, 坏线路, 停电, 程序被杀, 调价。", Seed: d.Seed,
		Start: "2026-11-22 00:00:00", Company: "示范公司",
		Products: []ProductPlan{{Code: "1031", Name: "92#汽油", Unit: "L", Price: "7.85"}, {Code: "1041", Name: "95#汽油", Unit: "L", Price: "8.33"},
			{Code: "2011", Name: "0#柴油", Unit: "L", Price: "7.45"}},
	}
	station := StationPlan{ID: "0001", Name: "示范加油站"}
	for n := range d.Nozzles {
		station.Nozzles = append(station.Nozzles, s.Products[n%len(s.Products)].Code)
	}
	s.Stations = []StationPlan{station}
	for n := range max(d.Cars*d.Days/visitsPerCard, d.Nozzles) {
		s.Cards = append(s.Cards, CardPlan{Name: fmt.Sprintf("卡%03d", n), Account: fmt.Sprintf("A%04d", n), Holder: "顾客", PIN: "123456", Load: dayLoad})
	}
	return s
}

// visits are the day's customers, in order of their coming. The card of a customer was away for hours.
func (d Day) visits(s Scenario, rnd *rand.Rand, day int) []Visit {
	var list []Visit
	for n := range d.Cars {
		at := 24*3600*day + arrival(rnd)
		v := Visit{AfterSeconds: at, Card: s.Cards[(day*d.Cars+n)%len(s.Cards)].Name, Nozzle: 1 + rnd.IntN(d.Nozzles), PIN: "123456", Preset: wish(rnd)}
		if rnd.IntN(1000) < forgetful && !d.Calm {
			v.PullAfter = fmt.Sprintf("%d.00", 1+rnd.IntN(5))
		}
		list = append(list, v)
	}
	return list
}

// arrival is a second of the day, by the curve.
func arrival(rnd *rand.Rand) int {
	sum := 0
	for _, share := range arrivals {
		sum += share
	}
	at := rnd.IntN(sum)
	for hour, share := range arrivals {
		if at < share {
			return hour*3600 + rnd.IntN(3600)
		}
		at -= share
	}
	return 0
}

// wish is what a customer keys.
func wish(rnd *rand.Rand) string {
	switch rnd.IntN(4) {
	case 0:
		return fmt.Sprintf("%d升", 10+rnd.IntN(30))
	case 1:
		return []string{"50元", "100元", "150元"}[rnd.IntN(3)]
	}
	return []string{"200元", "300元"}[rnd.IntN(2)]
}

// PlayedDay is a Day with its town.
type PlayedDay struct {
	Day
	w      *World
	town   Scenario
	rnd    *rand.Rand
	site   record.SiteID
	report DayReport
	faults map[string]int
	err    error
	busy   map[string]bool // cards that are in somebody's hands at a nozzle
}

// NewDay builds the day's town. ErrDay for values that make no sense.
func NewDay(d Day, opt Options) (*PlayedDay, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	s := d.scenario()
	opt.Seed, opt.Poll, opt.Chunk = d.Seed, dayPoll, dayChunk
	w, err := Start(s, opt)
	if err != nil {
		return nil, err
	}
	return &PlayedDay{Day: d, w: w, town: s, rnd: w.stream("day"), site: record.SiteID(s.Stations[0].ID), faults: map[string]int{}, busy: map[string]bool{}}, nil
}

// Play plays the day and closes the books. The report is there also when an invariant broke.
func (p *PlayedDay) Play() (DayReport, error) {
	err := p.play()
	for _, t := range troubles {
		if n := p.faults[t.name]; n > 0 {
			p.report.Faults = append(p.report.Faults, FaultCount{t.name, n})
		}
	}
	return p.report, errors.Join(err, p.w.Close())
}

func (p *PlayedDay) play() error {
	w, begin := p.w, p.w.now
	from := p.totals()
	open := 0
	for n := range p.Days {
		for _, v := range p.visits(p.town, p.rnd, n) {
			open++
			p.report.Cars++
			w.After(time.Duration(v.AfterSeconds)*time.Second, func() { p.come(v, func() { open-- }) })
		}
		p.prices(n)
		p.troubles(n)
	}
	if p.Offline {
		p.isolate()
	}
	end := begin.Add(time.Duration(p.Days)*24*time.Hour + closing)
	w.advance(end, func() bool { return w.checks.first != nil || p.err != nil })
	if open > 0 && p.err == nil && w.checks.first == nil {
		p.err = fmt.Errorf("%w: %d 位顾客没有离开 (customers never left)", ErrVisit, open)
	}
	run, err := w.Finish()
	p.report.Run, p.report.Virtual = run, w.now.Sub(begin)
	return errors.Join(p.err, err, p.books(from))
}

// come is one customer's visit. The card is in one place at a time: whoever finds it away does not come.
func (p *PlayedDay) come(v Visit, gone func()) {
	if p.busy[v.Card] {
		p.report.GaveUp++
		gone()
		return
	}
	p.busy[v.Card] = true
	c := &customer{w: p.w, v: v, nozzle: record.Nozzle(v.Nozzle), act: (*customer).insert}
	if v.PullAfter != "" {
		q, err := unit.ParseQuantity(v.PullAfter)
		if err != nil {
			panic("world: " + err.Error()) // made here
		}
		c.pullAt = q
		p.report.PulledOff++
	}
	c.done = func(err error) {
		p.busy[v.Card] = false
		gone()
		if err == nil {
			p.report.Served++
			return
		}
		p.report.GaveUp++
		p.away(c)
	}
	c.look()
}

// away takes a customer who gave up off the forecourt: gun hung, card in the pocket.
func (p *PlayedDay) away(c *customer) {
	h := p.w.Hands()
	b := p.w.pumps[c.nozzle]
	if b.view().NozzleUp {
		p.fail(errors.Join(h.Squeeze(c.nozzle, 0), h.Hang(c.nozzle)))
	}
	if b.in != nil && b.in.name == c.v.Card {
		p.fail(h.Pull(c.nozzle))
	}
}

func (p *PlayedDay) fail(err error) {
	if err != nil && p.err == nil {
		p.err = err
	}
}

// at does something at a second of a day.
func (p *PlayedDay) at(dayNo, second int, f func()) {
	p.w.After(time.Duration(24*3600*dayNo+second)*time.Second, f)
}

// prices changes the prices at noon, ordered an hour before; an isolated station hears of it afterwards.
func (p *PlayedDay) prices(dayNo int) {
	p.at(dayNo, 11*3600, func() {
		raised := unit.Price(dayNo % 20)
		err := p.w.SetPrices(p.site, p.w.now.Add(time.Hour), map[string]unit.Price{"1031": 790 + raised, "1041": 838 + raised, "2011": 750 + raised})
		p.fail(err)
		p.report.Price++
	})
}

// isolate cuts the center off for all the days but their first and last hour.
func (p *PlayedDay) isolate() {
	p.at(0, 3600, func() { p.fail(p.w.Faults().CutCenter(p.site)) })
	p.at(p.Days-1, 23*3600, func() { p.fail(p.w.Faults().MendCenter(p.site)) })
}

// trouble is one kind of thing that goes wrong, and how long.
type trouble struct {
	name string
	from func(p *PlayedDay, n record.Nozzle) error
	to   func(p *PlayedDay, n record.Nozzle) error
	last time.Duration
}

// troubles of a day. Each is over before the next one comes.
var troubles = []trouble{
	{"线路断开 line cut", func(p *PlayedDay, n record.Nozzle) error { return p.w.Faults().CutLine(n) },
		func(p *PlayedDay, n record.Nozzle) error { return p.w.Faults().Mend(n) }, 90 * time.Second},
	{"线路干扰 line noise", func(p *PlayedDay, n record.Nozzle) error { return p.w.Faults().Noise(n, 20) },
		func(p *PlayedDay, n record.Nozzle) error { return p.w.Faults().Noise(n, 0) }, 120 * time.Second},
	{"加油机断电 board power cut", func(p *PlayedDay, n record.Nozzle) error { return p.w.Faults().PowerCut(n) },
		func(p *PlayedDay, n record.Nozzle) error { return p.w.Faults().PowerOn(n) }, 20 * time.Second},
	{"站级程序被杀 station killed", func(p *PlayedDay, _ record.Nozzle) error { return p.w.Kill(p.site) },
		func(p *PlayedDay, _ record.Nozzle) error { return p.w.Restart(p.site) }, 15 * time.Second},
	{"中心断线 center away", func(p *PlayedDay, _ record.Nozzle) error { return p.w.Faults().CutCenter(p.site) },
		func(p *PlayedDay, _ record.Nozzle) error { return p.w.Faults().MendCenter(p.site) }, 300 * time.Second},
	{"记录重复 record twice", func(p *PlayedDay, n record.Nozzle) error { return p.w.Faults().RepeatUpload(n) }, nil, 0},
	{"批次重复 batch twice", func(p *PlayedDay, _ record.Nozzle) error { return p.w.Faults().RepeatBatch(p.site) }, nil, 0},
}

// troubles plans a day's faults, one after the other.
func (p *PlayedDay) troubles(dayNo int) {
	if p.Calm {
		return
	}
	for second := 600; second < 23*3600; second += faultGap/2 + p.rnd.IntN(faultGap) {
		t := troubles[p.rnd.IntN(len(troubles))]
		n := record.Nozzle(1 + p.rnd.IntN(p.Nozzles))
		if p.Offline && t.last == 300*time.Second {
			continue // the center is away all the time
		}
		p.at(dayNo, second, func() {
			p.faults[t.name]++
			p.fail(t.from(p, n))
			if t.to != nil {
				p.w.After(t.last, func() { p.fail(t.to(p, n)) })
			}
		})
		second += int(t.last / time.Second)
	}
}

// totals are the meters.
func (p *PlayedDay) totals() map[record.Nozzle]unit.Totalizer {
	all := map[record.Nozzle]unit.Totalizer{}
	for n, b := range p.w.pumps {
		all[n] = b.total()
	}
	return all
}

// books compares the meters with what the station took and adds up what the center has posted.
func (p *PlayedDay) books(from map[record.Nozzle]unit.Totalizer) error {
	booked := map[record.Nozzle]unit.Quantity{}
	err := facts(p.w.stations[p.site], func(f record.Fact) {
		if d, ok := f.(record.DispenserRecord); ok {
			if r, err := fa.ParseRecord(d.Raw); err == nil && fuels(r) {
				booked[d.Nozzle] += r.Volume
			}
		}
	})
	err = errors.Join(err, facts(p.w.center, func(f record.Fact) {
		if s, ok := f.(record.SalePosted); ok && s.Quantity > 0 && (s.TType == int(fa.Fuelling) || s.TType == int(fa.Escape)) {
			p.report.Posted++
			p.report.Amount += s.Amount
			p.report.Litres += s.Quantity
		}
	}))
	for n := record.Nozzle(1); int(n) <= p.Nozzles; n++ {
		line := NozzleDay{n, p.w.pumps[n].total().Since(from[n]), booked[n]}
		p.report.Nozzles = append(p.report.Nozzles, line)
		if line.Metered != line.Booked {
			err = errors.Join(err, fmt.Errorf("%d 号枪: 泵码走了 %v, 记录共 %v (the meter moved more or less than the records say)", n, line.Metered, line.Booked))
		}
	}
	return err
}

// facts reads a site's journal from the beginning.
func facts(s *site, take func(record.Fact)) error {
	return s.run.Journal().Read(1, func(r journal.Record) error {
		f, err := record.Decode(r.Body)
		if err == nil {
			take(f)
		}
		return err
	})
}
