package world

import (
	"encoding/hex"
	"errors"
	"fmt"

	"greylock/system/cardmaking"
	"greylock/system/issuing"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// staffKinds are the internal cards that a scenario may ask for. Source: card.md 3.7.
var staffKinds = map[string]byte{"employee": fuelcard.CardEmployee, "test": fuelcard.CardPumpTest, "service": fuelcard.CardService}

// making is what the making room is asked for.
func (c CardPlan) making() (o cardmaking.CardOrder, err error) {
	kind, staff := staffKinds[c.Kind]
	if !staff {
		return cardmaking.CardOrder{Kind: fuelcard.CardUser, Gas: c.Gas}, nil
	}
	o = cardmaking.CardOrder{Kind: kind, Employee: byte(c.Employee)}
	if c.Kind != "employee" {
		return o, nil
	}
	pin, err := hex.DecodeString(c.PIN)
	if err != nil || len(pin) != len(o.Password) {
		return o, errors.New("员工卡的密码是四位数字 (the PIN of an employee card has four digits)")
	}
	copy(o.Password[:], pin)
	return o, nil
}

// unitOf is the unit of what a dispenser sells.
func (w *World) unitOf(p *pump) unit.Unit {
	for _, s := range w.scenario.Stations {
		if record.SiteID(s.ID) != p.site || p.port > len(s.Nozzles) {
			continue
		}
		for _, x := range w.scenario.Products {
			if x.Code == s.Nozzles[p.port-1] {
				return unit.Unit(x.Unit)
			}
		}
	}
	return unit.Litre
}

// SetVessel registers a vessel of which nothing but the dates matters.
func (w *World) SetVessel(name, inspection, scrap string) error {
	x := fuelcard.VesselData{Kind: fuelcard.VesselCNG, Litres: 80, Number: [16]byte([]byte("LN-2026-00001234")), Made: [4]byte{0x20, 0x20, 0x01, 0x01}}
	for to, text := range map[*[4]byte]string{&x.Inspection: inspection, &x.Scrap: scrap} {
		b, err := hex.DecodeString(text)
		if err != nil || len(b) != len(to) {
			return fmt.Errorf("日期 %q 应为 YYYYMMDD (want YYYYMMDD)", text)
		}
		copy(to[:], b)
	}
	return w.onReader(name, func(_ *plastic, v *issuing.Visit) error {
		return v.SetVessel(x, "粤A12345", supervisor, "气瓶使用登记证")
	})
}
