package steps

import (
	"fmt"

	"greylock/emulators/world"
	stationprogram "greylock/system/station"
	"greylock/system/wire/unit"
)

// gasSteps are what differs where gas is sold: units, and the vessel it goes into.
func (s *Scene) gasSteps() []Step {
	return []Step{
		{`^网点给 "([^"]+)" 登记气瓶, 检验到 (\d{8}), 报废 (\d{8})$`, s.setVessel},
		{`^网点为 "([^"]+)" 开户发加气卡 "([^"]+)", 账户 "([^"]+)", 密码 (\d+), 圈存 ([\d.]+) 元$`, s.openGasCard},
		{`^加油站售出 ([\d.]+) (升|公斤|立方米), (\d+) 笔, ([\d.]+) 元$`, s.soldByUnit},
		{`^加油站的数量有 (\d+) 种单位, 互不相加$`, s.unitsApart},
		{`^该笔的单位为 "(升|公斤|立方米)"$`, s.saleUnit},
	}
}

func (s *Scene) setVessel(card, inspection, scrap string) error {
	s.refuse = s.Town.Operator().SetVessel(card, inspection, scrap)
	return nil
}

func (s *Scene) openGasCard(holder, card, account, pin, load string) error {
	s.pins[card] = pin
	return s.Town.Operator().OpenCard(world.CardPlan{Name: card, Account: account, Holder: holder, PIN: pin, Load: load, Gas: true})
}

// units are the words of the story.
var units = map[string]unit.Unit{"升": unit.Litre, "公斤": unit.Kilogram, "立方米": unit.CubicMetre}

func (s *Scene) volumes() (a stationprogram.Volumes, err error) {
	if err := s.Town.Settle(calm); err != nil {
		return a, err
	}
	err = s.command(station, stationprogram.PathVolumes, struct{}{}, &a)
	return a, err
}

func (s *Scene) soldByUnit(quantity, word string, fills int, amount string) error {
	q, err := litres(quantity)
	if err != nil {
		return err
	}
	m, err := money(amount)
	if err != nil {
		return err
	}
	a, err := s.volumes()
	if err != nil {
		return err
	}
	for _, v := range a.Units {
		if v.Unit == units[word] {
			return first(
				func() error { return want("数量", v.Quantity, q) },
				func() error { return want("笔数", v.Fills, fills) },
				func() error { return want("金额", v.Amount, m) },
			)
		}
	}
	return fmt.Errorf("没有以%s计的售出 (nothing was sold in this unit): %+v", word, a)
}

// unitsApart: each unit has a sum of its own, made of the products in that unit alone.
func (s *Scene) unitsApart(n int) error {
	a, err := s.volumes()
	if err != nil {
		return err
	}
	sums := map[unit.Unit]unit.Quantity{}
	for _, v := range a.Products {
		sums[v.Unit] += v.Quantity
	}
	for _, v := range a.Units {
		if err := want(string(v.Unit), v.Quantity, sums[v.Unit]); err != nil {
			return err
		}
	}
	return want("单位", len(a.Units), n)
}

func (s *Scene) saleUnit(word string) error {
	return first(s.known, func() error { return want("单位", s.last.Unit, units[word]) })
}
