package steps

import (
	"errors"
	"fmt"
	"strings"

	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// pumpSteps are what people do at a dispenser.
func (s *Scene) pumpSteps() []Step {
	return []Step{
		{`^把 "([^"]+)" 插入 (\d+) 号枪$`, s.insert},
		{`^在 (\d+) 号枪输入密码 (\d+)$`, s.keyPIN},
		{`^在 (\d+) 号枪选择 (\d+) (元|升|公斤|立方米)$`, s.choose},
		{`^在 (\d+) 号枪选择加满$`, s.chooseFull},
		{`^提起 (\d+) 号枪$`, s.lift},
		{`^(\d+) 号枪加出 ([\d.]+) (?:升|公斤|立方米)$`, s.fuel},
		{`^(\d+) 号枪加到自动停枪$`, s.fuelToStop},
		{`^挂回 (\d+) 号枪$`, s.hang},
		{`^从 (\d+) 号枪拔出卡$`, s.pull},
		{`^"([^"]+)" 在 (\d+) 号枪加(?:油|气) ([\d.]+) (?:升|公斤|立方米)$`, s.sale},
		{`^"([^"]+)" 在 (\d+) 号枪加到 ([\d.]+) 升时被拔出$`, s.escape},
	}
}

func (s *Scene) insert(card string, n int) error {
	if _, seen := s.totals[nozzle(n)]; !seen {
		s.totals[nozzle(n)] = s.display(n).Total
	}
	return s.Town.Hands().Insert(card, nozzle(n))
}

func (s *Scene) keyPIN(n int, pin string) error {
	if err := s.Town.Until(fmt.Sprintf("%d 号枪要密码", n), func() bool {
		m := s.display(n).Message
		return strings.Contains(m, "请输入密码") || strings.Contains(m, "还可试")
	}, soon); err != nil {
		return err
	}
	return s.Town.Hands().Keys(nozzle(n), pin+"确")
}

func (s *Scene) choose(n int, amount, what string) error {
	if err := s.says(n, "请选择"); err != nil {
		return err
	}
	if what != "元" {
		what = "升" // the one key for a quantity, whatever the meter counts
	}
	return s.Town.Hands().Keys(nozzle(n), amount+what)
}

func (s *Scene) chooseFull(n int) error {
	if err := s.says(n, "请选择"); err != nil {
		return err
	}
	return s.Town.Hands().Keys(nozzle(n), "满")
}

func (s *Scene) lift(n int) error {
	if err := s.says(n, "请选择"); err != nil {
		return err
	}
	return s.Town.Hands().Lift(nozzle(n))
}

// squeeze opens the gun once the pump runs.
func (s *Scene) squeeze(n int) error {
	if err := s.says(n, "请加油"); err != nil {
		return err
	}
	return s.Town.Hands().Squeeze(nozzle(n), 1000)
}

func (s *Scene) fuel(n int, amount string) error {
	v, err := litres(amount)
	if err != nil {
		return err
	}
	if err := s.squeeze(n); err != nil {
		return err
	}
	if err := s.Town.Until(fmt.Sprintf("%d 号枪加出 %v 升", n, v), func() bool { return s.display(n).Quantity >= v }, filling); err != nil {
		return err
	}
	return s.Town.Hands().Squeeze(nozzle(n), 0)
}

func (s *Scene) fuelToStop(n int) error {
	if err := s.squeeze(n); err != nil {
		return err
	}
	var seen unit.Quantity
	return s.Town.Until(fmt.Sprintf("%d 号枪自动停枪", n), func() bool {
		d := s.display(n)
		seen = max(seen, d.Quantity)
		return seen > 0 && d.State != "加油中"
	}, filling)
}

// hang puts the gun back and waits until nothing is in the middle of a step.
func (s *Scene) hang(n int) error {
	if err := s.Town.Hands().Hang(nozzle(n)); err != nil {
		return err
	}
	return s.Town.Until(fmt.Sprintf("%d 号枪结束", n), func() bool {
		switch s.display(n).State {
		case "加油中", "待扣款", "已授权":
			return false
		}
		return !strings.Contains(s.display(n).Message, "扣款中")
	}, soon)
}

func (s *Scene) pull(n int) error { return s.Town.Hands().Pull(nozzle(n)) }

// toFuel is a visit until fuel flows.
func (s *Scene) toFuel(card string, n int, amount string) error {
	return first(
		func() error { return s.insert(card, n) },
		func() error { return s.keyPIN(n, s.pin(card)) },
		func() error { return s.lift(n) },
		func() error { return s.fuel(n, amount) },
	)
}

// sale is a whole visit: insert, PIN, lift, fuel, hang, take the card.
func (s *Scene) sale(card string, n int, amount string) error {
	return first(
		func() error { return s.toFuel(card, n, amount) },
		func() error { return s.hang(n) },
		func() error { return s.says(n, "加油完成") },
		func() error { return s.pull(n) },
	)
}

// escape is a visit whose card is pulled while fuel flows.
func (s *Scene) escape(card string, n int, amount string) error {
	return first(
		func() error { return s.toFuel(card, n, amount) },
		func() error { return s.pull(n) },
		func() error { return s.hang(n) },
	)
}

func first(acts ...func() error) error {
	for _, act := range acts {
		if err := act(); err != nil {
			return err
		}
	}
	return nil
}

// receipt is the last receipt of a dispenser, by the names of its lines.
func (s *Scene) receipt(n int) (map[string]string, error) {
	lines := s.Town.Query().Receipt(record.Nozzle(n))
	if len(lines) == 0 {
		return nil, errors.New("没有凭条 (no receipt)")
	}
	named := map[string]string{}
	for _, l := range lines {
		if name, rest, ok := strings.Cut(l, " "); ok {
			named[name] = rest
		}
	}
	return named, nil
}
