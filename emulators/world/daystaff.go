package world

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"greylock/system/station"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// crew are the shifts of a day, in the order of their turns.
var crew = [...]string{"王强", "赵六", "钱七"}

// Seconds of a day at which its staff do what they do every day.
const (
	opening     = 5 * 60 // of the first shift
	turn        = 8 * 3600
	lossTime    = 10 * 3600 // a card is reported lost
	foundAt     = 15 * 3600 // and somebody tries it
	ordered     = 11 * 3600 // new prices, for noon
	effective   = 12 * 3600
	truckOne    = 3 * 3600
	truckTwo    = 14*3600 + 1800
	dayClose    = 24*3600 + 20*60
	patientFor  = 3 // times that a close is refused for a difference; then whoever closes says why
	mostRetries = 60
	cashFloat   = 500_00
)

// staff plans a day's work: hand-overs, prices, lists, trucks, and the close of the day.
func (p *PlayedDay) staff(day int) {
	if day == 0 {
		p.at(0, opening, func() {
			p.retry("开班", time.Minute, func() error {
				return p.command(station.PathOpenShift, station.OpenShift{By: crew[0], Float: cashFloat}, nil)
			})
			p.duty = crew[0]
		})
	}
	for n := range 3 {
		p.at(day, turn*(n+1), func() { p.handOver(crew[n], crew[(n+1)%len(crew)]) })
	}
	p.at(day, ordered, func() { p.newPrices(day) })
	p.at(day, lossTime, func() { p.loseCard(day) })
	for _, at := range []int{truckOne, truckTwo} {
		p.at(day, at, p.truck)
	}
	p.at(day, dayClose, func() {
		over := p.begin.Add(time.Duration(day) * 24 * time.Hour).Civil().BusinessDay(0)
		p.retry("日结", time.Minute, func() error {
			return p.command(station.PathCloseDay, station.CloseDay{Day: over, By: "站长"}, nil)
		})
	})
}

// onDuty is who serves; before the first shift nobody knows.
func (p *PlayedDay) onDuty() string {
	if p.duty == "" {
		return "站长"
	}
	return p.duty
}

// command asks the station; anything but 200 is an error.
func (p *PlayedDay) command(path string, body, into any) error {
	status, text, err := p.w.Command(p.site, path, body)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s: %d %s", path, status, text)
	}
	if err != nil || into == nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// retry does what may fail while something is broken, until it has worked.
func (p *PlayedDay) retry(what string, pause time.Duration, act func() error) {
	p.tries(what, pause, mostRetries, act)
}

func (p *PlayedDay) tries(what string, pause time.Duration, left int, act func() error) {
	err := act()
	switch {
	case err == nil:
	case left == 0:
		p.fail(fmt.Errorf("%s 办不成 (in vain): %w", what, err))
	default:
		p.w.After(pause, func() { p.tries(what, pause, left-1, act) })
	}
}

// handOver closes the shift of one person and opens the next one's: the cash is counted, and a difference between totalizer and
// records that does not go away is given a reason.
func (p *PlayedDay) handOver(from, to string) {
	refused := 0
	p.retry("交班", time.Minute, func() error {
		var v station.ShiftView
		if err := p.command(station.PathShift, station.AskShift{}, &v); err != nil {
			return err
		}
		q := station.HandOver{CloseShift: station.CloseShift{By: from, Number: v.Report.Number}, To: to, Float: cashFloat}
		if v.Report.Cash != nil {
			q.Counted = &v.Report.Cash.Expected
		}
		for _, m := range v.Report.Meters {
			if refused >= patientFor && len(m.Lines) > 0 {
				q.Reasons = append(q.Reasons, record.MeterReason{Nozzle: m.Nozzle, Kind: "other", Note: "模拟故障"})
			}
		}
		err := p.command(station.PathHandOver, q, nil)
		if err == nil || p.handed(v.Report.Number) {
			p.duty = to
			return nil
		}
		refused++
		return err
	})
}

// handed says that a shift is closed, although nobody has heard the answer.
func (p *PlayedDay) handed(number uint64) bool {
	var v station.ShiftView
	return p.command(station.PathShift, station.AskShift{Number: number}, &v) == nil && v.Kind == "Z"
}

// newPrices are ordered by one person and approved by another, for a minute of the day.
func (p *PlayedDay) newPrices(day int) {
	p.fail(p.w.SetPrices(p.site, p.w.now.Add((effective-ordered)*time.Second), p.prices(5+day)))
}

// prices are those of the scenario and some fen more.
func (p *PlayedDay) prices(more int) map[string]unit.Price {
	prices := map[string]unit.Price{}
	for i, x := range p.town.Products {
		price, err := unit.ParsePrice(x.Price)
		p.fail(err)
		prices[x.Code] = price + unit.Price((more+i)%20)
	}
	return prices
}

// lostCard is the card that is reported lost on a day.
func lostCard(day int) string { return fmt.Sprintf("挂失卡%02d", day) }

// loseCard puts a card on the black list and another one on the white list; hours later somebody tries the lost one.
func (p *PlayedDay) loseCard(day int) {
	p.fail(errors.Join(
		p.w.List(record.TopicBlack, "挂失", lostCard(day)),
		p.w.List(record.TopicWhite, "车队", p.crowd[day%len(p.crowd)]),
	))
	if len(p.town.Stations[0].Nozzles) > 0 {
		p.w.After((foundAt-lossTime)*time.Second, func() {
			p.report.Thieves++
			v := Visit{Card: lostCard(day), Nozzle: 1, PIN: dayPIN, Preset: "100元"}
			c := &customer{w: p.w, v: v, nozzle: 1, act: (*customer).insert}
			p.open++
			c.done = func(err error) {
				p.open--
				if err == nil && !p.Offline {
					p.fail(fmt.Errorf("%s: 列入黑名单 %d 小时后仍可加油 (a listed card was served)", v.Card, (foundAt-lossTime)/3600))
				}
				p.fail(c.away())
			}
			c.look()
		})
	}
}

// truck fills up the tank that holds least.
func (p *PlayedDay) truck() {
	const full, least, perMinute = 85, 2000_00, 1000
	d := p.w.depots[p.site]
	if d == nil {
		return
	}
	tank, room := 0, unit.Quantity(0)
	for _, x := range d.plans {
		d.look(p.w.now)
		gross, _, _, err := d.g.Truth(p.w.now, x.Number)
		if r := d.tanks[x.Number].capacity*full/100 - gross; err == nil && r > room && !d.g.Unloading(x.Number) {
			tank, room = x.Number, r
		}
	}
	if room < least {
		return
	}
	p.report.Trucks++
	p.fail(p.w.Truck(p.site, tank, room/100*100, perMinute, 1500))
}

// atDesk lets a customer load a card at the desk: something happens while he pays, and what it leaves open is settled there.
func (p *PlayedDay) atDesk(meanwhile func()) {
	name := ""
	for _, c := range p.crowd {
		if !p.busy[c] && p.w.cards[c].in == 0 && p.w.cards[c].till == nil && p.w.look(p.w.cards[c]).Grey == 0 {
			name = c
			break
		}
	}
	if p.desk || name == "" {
		p.w.After(time.Minute, func() { p.atDesk(meanwhile) })
		return
	}
	p.desk, p.busy[name] = true, true
	defer func() { p.desk, p.busy[name] = false, false }()
	const amount = 50_00
	p.fail(p.w.TopUp(p.w.cards[name].account, amount))
	meanwhile()
	before := p.w.look(p.w.cards[name]).Balance
	var err error
	for range patientFor * 2 {
		err = p.w.Load(name, amount)
		if r, bad := p.w.InsertAtDesk(name); bad == nil && r.Balance == before+amount {
			p.report.Loads++
			return
		}
	}
	p.fail(fmt.Errorf("%s: 圈存不成 (not loaded): %w", name, err))
}
