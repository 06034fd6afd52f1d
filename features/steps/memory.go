package steps

import (
	"errors"
	"fmt"
	"strings"
)

// memorySteps are the dispenser's own memory at its end.
func (s *Scene) memorySteps() []Step {
	return []Step{
		{`^"([^"]+)" 在 (\d+) 号枪一次接一次加油, 每次 ([\d.]+) 升, 直到显示 "([^"]+)"$`, s.sellUntil},
		{`^中心账上有刚才的每一笔交易, 不少于 (\d+) 笔$`, s.allOfThem},
	}
}

// mostSold bounds a memory that never fills.
const mostSold = 200

// sellUntil sells until the dispenser takes no more and says so.
func (s *Scene) sellUntil(card string, n int, amount, text string) error {
	for s.sold = 0; s.sold < mostSold; s.sold++ {
		if err := first(func() error { return s.insert(card, n) }, func() error { return s.keyPIN(n, s.pin(card)) }); err != nil {
			return err
		}
		full := func() bool { return strings.Contains(s.display(n).Message, text) }
		asked := func() bool { return strings.Contains(s.display(n).Message, "请选择") || full() }
		if err := s.Town.Until(fmt.Sprintf("%d 号枪请选择, 或 %s", n, text), asked, soon); err != nil {
			return err
		}
		if full() {
			return s.pull(n)
		}
		err := first(
			func() error { return s.lift(n) }, func() error { return s.fuel(n, amount) }, func() error { return s.hang(n) },
			func() error { return s.says(n, "加油完成") }, func() error { return s.pull(n) },
		)
		if err != nil {
			return err
		}
	}
	return errors.New("卖不满 (the memory never fills)")
}

func (s *Scene) allOfThem(least int) error {
	if s.sold < least {
		return fmt.Errorf("只卖了 %d 笔 (sales)", s.sold)
	}
	return first(s.settle, func() error { return s.salesAre(s.sold) })
}
