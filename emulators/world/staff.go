package world

import (
	"encoding/hex"
	"errors"

	"greylock/system/cardmaking"
	"greylock/system/wire/fuelcard"
)

// staffKinds are the internal cards that a scenario may ask for. Source: card.md 3.7.
var staffKinds = map[string]byte{"employee": fuelcard.CardEmployee, "test": fuelcard.CardPumpTest, "service": fuelcard.CardService}

// making is what the making room is asked for.
func (c CardPlan) making() (o cardmaking.CardOrder, err error) {
	kind, staff := staffKinds[c.Kind]
	if !staff {
		return cardmaking.CardOrder{Kind: fuelcard.CardUser}, nil
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
