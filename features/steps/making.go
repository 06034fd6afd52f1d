package steps

import (
	"errors"
	"fmt"

	"greylock/emulators/world"
	"greylock/system/wire/record"
)

// makingSteps are the first issue: blanks become ours.
func (s *Scene) makingSteps() []Step {
	return []Step{
		{`^一张白卡 "([^"]+)"$`, s.blank},
		{`^制卡中心把 "([^"]+)" 制成用户卡$`, s.makeCard},
		{`^制卡中心把 "([^"]+)" 制成 PSAM$`, s.makePSAM},
		{`^制成的卡有卡号和有效期$`, s.made},
		{`^"([^"]+)" 在网点读出的卡号与制卡记录一致$`, s.numberFits},
		{`^制成的 PSAM 有终端号, 与此前的都不同$`, s.madePSAM},
	}
}

// making is the making room of this scene.
type making struct {
	world.Making
	card record.CardMade
	psam record.PSAMMade
	tids []string
}

func (s *Scene) making() world.Making {
	if s.maker.Making == nil {
		s.maker.Making = s.Town.Making()
	}
	return s.maker.Making
}

func (s *Scene) blank(card string) error {
	return s.Town.Operator().OpenCard(world.CardPlan{Name: card, Kind: "blank"})
}

func (s *Scene) makeCard(card string) error {
	made, err := s.making().Card(card)
	if err == nil {
		s.maker.card = made
	}
	s.refuse = err
	return nil
}

func (s *Scene) makePSAM(name string) error {
	made, err := s.making().PSAM(name)
	if err == nil {
		s.maker.psam = made
		s.maker.tids = append(s.maker.tids, made.TID.String())
	}
	s.refuse = err
	return nil
}

func (s *Scene) made() error {
	c := s.maker.card
	switch {
	case s.refuse != nil:
		return s.refuse
	case len(c.ASN.Digits()) != 20:
		return fmt.Errorf("卡号 %q 不是 20 位 (the number has not 20 digits)", c.ASN)
	case len(c.ValidFrom) != 8 || len(c.ValidTo) != 8 || c.ValidFrom >= c.ValidTo:
		return fmt.Errorf("有效期 %q 到 %q (validity)", c.ValidFrom, c.ValidTo)
	}
	return nil
}

func (s *Scene) numberFits(card string) error {
	r, err := s.Town.Query().CardAtDesk(card)
	if err != nil {
		return err
	}
	return want("卡号", r.ASN, s.maker.card.ASN.Digits())
}

func (s *Scene) madePSAM() error {
	switch n := len(s.maker.tids); {
	case s.refuse != nil:
		return s.refuse
	case n == 0:
		return errors.New("没有制成 PSAM (no PSAM was made)")
	case n > 1 && s.maker.tids[n-1] == s.maker.tids[n-2]:
		return fmt.Errorf("终端号重复 (a terminal number twice): %s", s.maker.tids[n-1])
	}
	return nil
}
