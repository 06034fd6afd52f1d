package steps

import (
	"fmt"
	"strings"

	"greylock/emulators/world"
	"greylock/system/wire/unit"
)

// shownSteps are what a dispenser shows and prints.
func (s *Scene) shownSteps() []Step {
	return []Step{
		{`^(\d+) 号枪提示 "([^"]+)"$`, s.says},
		{`^(\d+) 号枪状态为 "([^"]+)"$`, s.stateIs},
		{`^(\d+) 号枪显示的金额等于升数乘单价$`, s.amountFits},
		{`^(\d+) 号枪显示 ([\d.]+) 元$`, s.showsAmount},
		{`^(\d+) 号枪显示 ([\d.]+) (?:升|公斤|立方米)$`, s.showsQuantity},
		{`^(\d+) 号枪显示单价 ([\d.]+) 元$`, s.showsPrice},
		{`^(\d+) 号枪显示的金额不超过 ([\d.]+) 元, 且再加一个脉冲就会超过$`, s.amountAtMost},
		{`^(\d+) 号枪的凭条与显示一致$`, s.receiptFits},
		{`^(\d+) 号枪的凭条写着 "([^"]+)"$`, s.receiptSays},
		{`^(\d+) 号枪没有出油$`, s.noFuel},
		{`^(\d+) 号枪至少有 (\d+) 条记录尚未上传$`, s.unsent},
	}
}

func (s *Scene) stateIs(n int, state string) error {
	err := s.Town.Until(fmt.Sprintf("%d 号枪状态为 %s", n, state), func() bool { return s.display(n).State == state }, soon)
	if err != nil {
		return fmt.Errorf("%d 号枪状态 %s: %w", n, s.display(n).State, err)
	}
	return nil
}

// owed is what a quantity costs, by the display itself.
func owed(d world.Display) (unit.Fen, error) { return unit.Amount(d.Quantity, d.Price) }

func (s *Scene) amountFits(n int) error {
	d := s.display(n)
	a, err := owed(d)
	if err != nil {
		return err
	}
	if d.Quantity == 0 {
		return fmt.Errorf("%d 号枪显示 0 升 (nothing was fuelled)", n)
	}
	return want("金额", d.Amount, a)
}

func (s *Scene) showsAmount(n int, text string) error {
	m, err := money(text)
	if err != nil {
		return err
	}
	return want("金额", s.display(n).Amount, m)
}

func (s *Scene) showsQuantity(n int, text string) error {
	v, err := litres(text)
	if err != nil {
		return err
	}
	return want("升数", s.display(n).Quantity, v)
}

func (s *Scene) showsPrice(n int, text string) error {
	p, err := unit.ParsePrice(text)
	if err != nil {
		return err
	}
	err = s.Town.Until(fmt.Sprintf("%d 号枪显示单价 %v", n, p), func() bool { return s.display(n).Price == p }, calm)
	if err != nil {
		return fmt.Errorf("单价 %v: %w", s.display(n).Price, err)
	}
	return nil
}

// amountAtMost: the fill stopped at the last pulse that the money pays for.
func (s *Scene) amountAtMost(n int, text string) error {
	m, err := money(text)
	if err != nil {
		return err
	}
	d := s.display(n)
	d.Quantity++
	more, err := owed(d)
	if err != nil {
		return err
	}
	if d.Amount > m || more <= m {
		return fmt.Errorf("金额 %v, 再加一个脉冲 %v, 应刚好不超过 %v (amount, one pulse more, want just below)", d.Amount, more, m)
	}
	return nil
}

func (s *Scene) receiptFits(n int) error {
	r, err := s.receipt(n)
	if err != nil {
		return err
	}
	d := s.display(n)
	_, word, _ := strings.Cut(r["数量"], " ")
	return first(
		func() error { return want("凭条单价", r["单价"], d.Price.String()+" 元/"+word) },
		func() error { return want("凭条数量", r["数量"], d.Quantity.String()+" "+word) },
		func() error { return want("凭条金额", r["金额"], d.Amount.String()+" 元") },
	)
}

func (s *Scene) receiptSays(n int, text string) error {
	all := strings.Join(s.Town.Query().Receipt(nozzle(n)), "\n")
	if !strings.Contains(all, text) {
		return fmt.Errorf("凭条没有 %q (the receipt does not say it):\n%s", text, all)
	}
	return nil
}

// noFuel: the totalizer stands where it stood.
func (s *Scene) noFuel(n int) error {
	before, seen := s.totals[nozzle(n)]
	if !seen {
		return fmt.Errorf("%d 号枪没有插过卡 (no card was inserted there)", n)
	}
	return want("累计数", s.display(n).Total, before)
}

func (s *Scene) unsent(n, count int) error {
	err := s.Town.Until(fmt.Sprintf("%d 号枪至少有 %d 条未上传", n, count), func() bool { return s.display(n).Unsent >= count }, soon)
	if err != nil {
		return fmt.Errorf("未上传 %d 条: %w", s.display(n).Unsent, err)
	}
	return nil
}
