package tear

import (
	"errors"
	"time"

	"greylock/emulators/world"
	"greylock/system/wire/fuelcard"
)

// holder is the card that everything is tried with.
const holder = "张三的卡"

// town is where the first state comes from: one station, one card, one escape.
var town = world.Scenario{
	Name: "撕卡", Seed: 1, Start: "2026-11-22 08:00:00", Company: "示范公司",
	Products: []world.ProductPlan{{Code: "1031", Name: "92#汽油", Unit: "L", Price: "7.85"}},
	Stations: []world.StationPlan{{ID: "0001", Name: "示范加油站", Nozzles: []string{"1031"}}},
	Cards:    []world.CardPlan{{Name: holder, Account: "A0001", Holder: "张三", PIN: "123456", Load: "500.00"}},
}

// labOf builds a scenario's town with cards of a profile, plays its visits, if it has any, lets everything settle, and takes the town apart.
func labOf(s world.Scenario, profile fuelcard.Profile) (l *lab, err error) {
	w, err := world.Start(s, world.Options{Profile: profile})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	if len(s.Visits) > 0 {
		if err := w.PlayVisits(); err != nil {
			return nil, err
		}
	}
	const limit = 5 * time.Minute
	if err := w.Settle(limit); err != nil {
		return nil, err
	}
	p, err := w.Parts()
	if err != nil {
		return nil, err
	}
	return &lab{Parts: p, card: p.Cards[holder], sam: p.PSAMs[0]}, nil
}

// state is where the town stands.
func (l *lab) state() *state {
	s := state{card: l.card.Memory, sam: l.sam.Memory, now: l.Now, center: l.Center.Facts, desk: l.Outlet.Facts, making: l.Making.Facts}
	return s.clone() // flows share the town, not its end
}

// asItIs begins where the town stands.
func asItIs(l *lab) (*state, error) { return l.state(), nil }
