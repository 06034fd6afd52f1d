package world

import (
	"fmt"
	"math/rand/v2"

	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// crowd is a station that is a process of its own on pseudo-terminals, and a customer at every one of its card dispensers: when he
// has left, the next one comes.
type crowd struct {
	w       *World
	rnd     *rand.Rand
	site    record.SiteID
	p       *program
	over    bool // no customer begins any more
	selling int
	served  int
	gaveUp  int
}

// newCrowd builds the station in real time, with so many card dispensers and plain ones of one nozzle. opt.Program starts its process.
func newCrowd(nozzles, plain int, opt Options) (*crowd, error) {
	s := Scenario{
		Name: "满场加油", Text: "一座加油站, 每把枪都不停地有人加油。", Seed: opt.Seed,
		Start: "2026-11-22 00:00:00", Company: "示范公司",
		Products: []ProductPlan{{Code: "1031", Name: "92#汽油", Unit: "L", Price: "7.85"}, {Code: "1041", Name: "95#汽油", Unit: "L", Price: "8.33"},
			{Code: "2011", Name: "0#柴油", Unit: "L", Price: "7.45"}},
		Stations: []StationPlan{{ID: "0001", Name: "示范加油站"}},
	}
	for n := range nozzles {
		s.Stations[0].Nozzles = append(s.Stations[0].Nozzles, s.Products[n%len(s.Products)].Code)
		s.Cards = append(s.Cards, customerCard(fmt.Sprintf("卡%03d", n), n))
	}
	for range plain {
		s.Stations[0].Plain = append(s.Stations[0].Plain, []string{"1031"})
	}
	opt.Lines = "pty"
	w, err := Start(s, opt)
	if err != nil {
		return nil, err
	}
	site := record.SiteID(s.Stations[0].ID)
	return &crowd{w: w, rnd: w.stream("storm"), site: site, p: w.external[site]}, nil
}

// next lets the next customer come to a nozzle, with the nozzle's own card.
func (s *crowd) next(p *pump) {
	if s.over {
		return
	}
	card := s.w.scenario.Cards[int(p.nozzle)-1].Name
	v := Visit{Card: card, Nozzle: int(p.nozzle), PIN: dayPIN, Preset: fmt.Sprintf("%d元", 10+s.rnd.IntN(40))}
	c := &customer{w: s.w, v: v, nozzle: p.nozzle, act: (*customer).insert}
	if s.rnd.IntN(1000) < forgetful {
		c.pullAt = unit.Quantity(50 + s.rnd.IntN(100))
	}
	s.selling++
	c.done = func(err error) {
		s.selling--
		if err != nil {
			s.gaveUp++
		} else {
			s.served++
		}
		s.w.After(thinkTime, func() { s.next(p) })
	}
	c.look()
}
