package world

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"greylock/system/clock"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// DayPlan is what happens day after day at the first station of a town, beside the visits that a scenario tells one by one:
// customers come by the hour, shifts change, a price and the lists change, trucks unload.
type DayPlan struct {
	Cars    int  `yaml:"cars"`    // a day
	Days    int  `yaml:"days"`    // 0 is 1
	Faults  bool `yaml:"faults"`  // everything that the town can suffer, one after the other
	Offline bool `yaml:"offline"` // the center is away from the first hour of the first day to the last hour of the last
}

// arrivals is the share of the day's cars in each hour, in 1000: a quiet night, the rush before and after work.
var arrivals = [24]int{6, 4, 3, 3, 5, 14, 40, 74, 78, 62, 50, 46, 44, 42, 44, 50, 62, 80, 82, 66, 52, 40, 32, 21}

// Bounds of a day.
const (
	maxCars       = 5000 // of a day: one every 17 s
	maxDays       = 366
	maxDayNozzles = 64
	visitsPerCard = 10 // of one card in all the days: it holds what they cost
	dayLoad       = "4000.00"
	dayPIN        = "123456"
	forgetful     = 25               // customers in 1000 who pull the card while fuel flows
	byCard        = 333              // customers of a plain nozzle in 1000 who pay by card at a till, if there is one
	closing       = 90 * time.Minute // after the last day: the last customers leave, the day is closed, disputed records are offered again
)

// A day of a forecourt is mostly polls of idle boards. They poll, and are polled, as rarely as in the field, and a frame arrives
// whole when its last byte has crossed: what frames in pieces do is told by the stories.
const (
	dayPoll  = 2 * time.Second
	dayFuel  = 500 * time.Millisecond // between two polls of a plain nozzle that delivers
	dayChunk = 100 * time.Millisecond
)

// ErrDay is wrapped by every refusal of a plan.
var ErrDay = errors.New("模拟日参数有误 (values of the simulated day)")

func (d DayPlan) check() error {
	switch {
	case d.Cars < 0 || d.Cars > maxCars:
		return fmt.Errorf("%w: cars %d: 0…%d", ErrDay, d.Cars, maxCars)
	case d.Days < 0 || d.Days > maxDays:
		return fmt.Errorf("%w: days %d: 1…%d", ErrDay, d.Days, maxDays)
	}
	return nil
}

// PlayedDay is a scenario that plays by itself.
type PlayedDay struct {
	DayPlan
	w      *World
	town   Scenario
	rnd    *rand.Rand
	site   record.SiteID
	crowd  []string // cards of the customers
	report DayReport
	err    error
	busy   map[string]bool                 // cards that are in somebody's hands
	served map[record.Nozzle]bool          // plain nozzles that a customer stands at
	till   map[int]bool                    // tills that a customer stands at
	open   int                             // customers who have not left
	coming []Visit                         // in order; those in the past are skipped
	deck   deck                            // faults that are still to come
	harm   *injured                        // the last one
	harms  []*injured                      // all of them
	meters map[record.Nozzle]unit.Quantity // at the beginning
	begin  clock.Instant
	desk   bool // somebody is at the desk
	duty   string
}

// NewDay builds the town of a scenario and gives its customers their cards. ErrDay for a plan that makes no sense.
func NewDay(s Scenario, opt Options) (*PlayedDay, error) {
	p := &PlayedDay{busy: map[string]bool{}, served: map[record.Nozzle]bool{}, till: map[int]bool{}}
	if s.Day != nil {
		p.DayPlan = *s.Day
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	if len(s.Stations) == 0 {
		return nil, fmt.Errorf("%w: 没有加油站 (no station)", ErrDay)
	}
	p.Days = max(1, p.Days)
	s.Cards = slices.Clone(s.Cards)
	if p.Cars > 0 {
		for n := range max(p.Cars*p.Days/visitsPerCard, s.Stations[0].nozzles()) {
			p.crowd = append(p.crowd, fmt.Sprintf("卡%03d", n))
		}
		for n := range p.Days {
			s.Cards = append(s.Cards, customerCard(lostCard(n), len(p.crowd)+n))
		}
	}
	for n, name := range p.crowd {
		s.Cards = append(s.Cards, customerCard(name, n))
	}
	var err error
	if p.w, err = Start(s, opt); err != nil {
		return nil, err
	}
	p.town, p.rnd, p.site = s, p.w.stream("day"), record.SiteID(s.Stations[0].ID)
	return p, nil
}

// customerCard is a card of the crowd, with an account of its own.
func customerCard(name string, n int) CardPlan {
	return CardPlan{Name: name, Account: fmt.Sprintf("C%05d", n), Holder: "顾客", PIN: dayPIN, Load: dayLoad}
}

// Town is the world that it plays in.
func (p *PlayedDay) Town() *World { return p.w }

// Play plays the scenario and closes the books. The report is there also when an invariant broke.
func (p *PlayedDay) Play() (DayReport, error) {
	err := p.play()
	return p.report, errors.Join(err, p.w.Close())
}

func (p *PlayedDay) play() error {
	w := p.w
	p.begin, p.meters = w.now, p.totals()
	last := 0
	for _, v := range p.town.Visits {
		p.expect(v)
		last = max(last, v.AfterSeconds)
	}
	end := w.now.Add(time.Duration(last)*time.Second + visitTime)
	if p.Cars > 0 {
		for n := range p.Days {
			p.plan(n)
		}
		if p.Offline {
			p.isolate()
		}
		end = max(end, p.begin.Add(time.Duration(p.Days)*24*time.Hour+closing))
	}
	slices.SortStableFunc(p.coming, func(a, b Visit) int { return a.AfterSeconds - b.AfterSeconds })
	w.advance(end, func() bool {
		return w.checks.first != nil || p.err != nil || p.Cars == 0 && p.open == 0
	})
	if p.open > 0 && p.err == nil && w.checks.first == nil {
		p.err = fmt.Errorf("%w: %d 位顾客没有离开 (customers never left)", ErrVisit, p.open)
	}
	p.mend()
	run, err := w.Finish()
	p.report.Run, p.report.Virtual = run, w.now.Sub(p.begin)
	return errors.Join(p.err, err, p.books())
}

// plan plans a day: its customers, its staff, and what goes wrong.
func (p *PlayedDay) plan(day int) {
	for _, v := range p.visits(day) {
		p.expect(v)
	}
	p.staff(day)
	if p.Faults {
		p.harmful(day)
	}
}

// visits are the day's customers. The card of a customer was away for hours.
func (p *PlayedDay) visits(day int) []Visit {
	s := p.town.Stations[0]
	var list []Visit
	for n := range p.Cars {
		v := Visit{AfterSeconds: 24*3600*day + arrival(p.rnd), Card: p.crowd[(day*p.Cars+n)%len(p.crowd)],
			Nozzle: 1 + p.rnd.IntN(s.nozzles()), PIN: dayPIN, Preset: wish(p.rnd)}
		if p.rnd.IntN(1000) < forgetful && p.Faults {
			v.PullAfter = fmt.Sprintf("%d.00", 1+p.rnd.IntN(5))
		}
		if v.Nozzle > len(s.Nozzles) && (s.Tills == 0 || p.rnd.IntN(1000) >= byCard) {
			v.Card = "" // staff let the nozzle run
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

// expect lets a customer come at the visit's time.
func (p *PlayedDay) expect(v Visit) {
	p.open++
	p.report.Cars++
	p.coming = append(p.coming, v)
	p.w.After(time.Duration(v.AfterSeconds)*time.Second, func() { p.come(v) })
}

// come is one customer's visit. A card is in one place at a time: whoever finds it away does not come.
func (p *PlayedDay) come(v Visit) {
	if v.Card != "" && p.busy[v.Card] {
		p.report.GaveUp++
		p.open--
		return
	}
	p.busy[v.Card] = v.Card != ""
	pull, err := v.pullAt()
	if err != nil {
		p.fail(err)
	}
	if pull > 0 {
		p.report.PulledOff++
	}
	n := record.Nozzle(v.Nozzle)
	gone := func(err error) {
		p.busy[v.Card] = false
		p.open--
		if err == nil {
			p.report.Served++
			return
		}
		p.report.GaveUp++
	}
	if _, plain := p.w.plain[n]; plain {
		p.comePlain(v, pull, gone)
		return
	}
	c := &customer{w: p.w, v: v, nozzle: n, act: (*customer).insert, pullAt: pull}
	c.done = func(err error) {
		if err != nil {
			p.fail(c.away())
		}
		gone(err)
	}
	c.look()
}

// fail keeps the first thing that must not happen.
func (p *PlayedDay) fail(err error) {
	if err != nil && p.err == nil {
		p.err = err
	}
}

// at does something at a second of a day.
func (p *PlayedDay) at(day, second int, f func()) {
	p.w.at(p.begin.Add(time.Duration(24*3600*day+second)*time.Second), f)
}

// isolate cuts the center off for all the days but their first and last hour.
func (p *PlayedDay) isolate() {
	away := fmt.Sprintf("center %s: off", p.site)
	p.at(0, 3600, func() { p.fail(p.w.Faults().Inject(away)) })
	p.at(p.Days-1, 23*3600, func() { p.fail(p.w.Faults().Mend(away)) })
}

// nozzles is how many the station has, of both families.
func (s StationPlan) nozzles() int {
	n := len(s.Nozzles)
	for _, board := range s.Plain {
		n += len(board)
	}
	return n
}

// pullAt reads PullAfter; 0 is never.
func (v Visit) pullAt() (unit.Quantity, error) {
	if v.PullAfter == "" {
		return 0, nil
	}
	q, err := unit.ParseQuantity(v.PullAfter)
	if err != nil {
		return 0, fmt.Errorf("%w: pull_after %q: %w", ErrScenario, v.PullAfter, err)
	}
	return q, nil
}

// preset reads Preset as a till or a person wants it; both 0 is full.
func (v Visit) preset() (money unit.Fen, volume unit.Quantity, err error) {
	var n int
	var what string
	switch _, err = fmt.Sscanf(v.Preset, "%d%s", &n, &what); {
	case v.Preset == "满":
		return 0, 0, nil
	case err == nil && what == "元":
		return unit.Fen(n * 100), 0, nil
	case err == nil && what == "升":
		return 0, unit.Quantity(n * 100), nil
	}
	return 0, 0, fmt.Errorf("%w: preset %q", ErrScenario, v.Preset)
}
