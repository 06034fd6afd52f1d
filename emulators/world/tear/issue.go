package tear

import (
	"fmt"

	"greylock/emulators/world"
	"greylock/system/issuing"
	"greylock/system/wire/fuelcard"
)

// fresh is a town whose card is made and belongs to nobody yet.
func fresh() world.Scenario {
	s := town
	s.Cards = []world.CardPlan{{Name: holder, PIN: "123456"}}
	return s
}

// order is the customer of the issuing flow.
func (l *lab) order() (issuing.Order, error) {
	limits := fuelcard.NoLimits()
	limits.FillsPerDay = 5
	pin, err := l.pin()
	return issuing.Order{Account: account, Name: "张三", Holder: "张三", Plate: "粤B12345", Limits: limits, PIN: pin}, err
}

func issue(x *session) error {
	v, err := x.insert()
	if err != nil {
		return err
	}
	o, err := x.order()
	if err != nil {
		return err
	}
	_, err = v.Open(o)
	return err
}

// issueOpen: nobody can spend with a card that is half issued.
func issueOpen(l *lab, _, s *state) error {
	o, err := l.look(s)
	if err != nil {
		return err
	}
	if o.Balance != 0 || o.Grey != fuelcard.NotGrey || o.Tries != 3 {
		return fmt.Errorf("a card that is being issued: %+v", o)
	}
	return nil
}

// issued: the card carries what the order says, its PIN opens it, and it can be loaded.
func issued(l *lab, _, s *state) (string, error) {
	x, err := l.open(s.clone(), cut{})
	if err != nil {
		return "", err
	}
	v, err := x.insert()
	if err != nil {
		return "", err
	}
	pin, err := l.pin()
	if err != nil {
		return "", err
	}
	view, err := v.Read(pin)
	if err != nil {
		return "", err
	}
	o, err := l.order()
	if err != nil {
		return "", err
	}
	limits := v.Identity().Limits
	if view.Holder != o.Holder || view.Plate != o.Plate || !view.UserPIN || limits.FillsPerDay != o.Limits.FillsPerDay || view.Unsettled != "" {
		return "", fmt.Errorf("the card reads %+v, the order was %+v", view, o)
	}
	return "已发卡 issued", nil
}
