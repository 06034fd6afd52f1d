package steps

import (
	"errors"
	"fmt"
	"strings"

	"greylock/system/wire/unit"
)

// tillSteps are what people do and see at a card terminal that the station runs, and at the plain nozzles beside it.
func (s *Scene) tillSteps() []Step {
	return []Step{
		{`^把 "([^"]+)" 放上 (\d+) 号终端$`, func(card string, n int) error { return s.Town.PutOnTill(card, n) }},
		{`^从 (\d+) 号终端取走卡$`, func(n int) error { return s.Town.TakeFromTill(n) }},
		{`^在 (\d+) 号终端输入密码 (\d+)$`, s.tillPIN},
		{`^在 (\d+) 号终端为 (\d+) 号枪选择 (\d+) (元|升)$`, s.tillOrder},
		{`^在 (\d+) 号终端为 (\d+) 号枪选择加满$`, func(n, at int) error { return s.tillKeys(n, at, 0, 0) }},
		{`^在 (\d+) 号终端为 (\d+) 号枪选择 (\d+) 元被拒绝, 说 "([^"]+)"$`, s.tillRefuses},
		{`^(\d+) 号终端提示 "([^"]+)"$`, s.tillSays},
		{`^(\d+) 号终端的凭条写着 "([^"]+)"$`, s.tillReceipt},
		{`^(\d+) 号站控枪提枪加到自动停枪$`, s.plainToStop},
		{`^(\d+) 号站控枪提枪加出 ([\d.]+) 升$`, s.plainFuel},
		{`^挂回 (\d+) 号站控枪$`, s.plainHang},
		{`^(\d+) 号终端的读卡器断开$`, func(n int) error { return s.Town.UnplugTill(n) }},
		{`^(\d+) 号终端的读卡器接好$`, func(n int) error { return s.Town.PlugTill(n) }},
		{`^加油站的读卡器服务停止$`, func() error { return s.Town.StopTillReaders(station) }},
		{`^加油站的读卡器服务恢复$`, func() error { return s.Town.StartTillReaders(station) }},
	}
}

// tillWaits lets time pass until a till waits for this.
func (s *Scene) tillWaits(n int, what string) error {
	return s.Town.Until(fmt.Sprintf("%d 号终端等待 %s", n, what), func() bool {
		v, err := s.Town.Till(n)
		return err == nil && v.Waits == what
	}, soon)
}

func (s *Scene) tillPIN(n int, pin string) error {
	if err := s.tillWaits(n, "pin"); err != nil {
		return err
	}
	return s.Town.KeyPINAtTill(n, pin)
}

func (s *Scene) tillOrder(n, at, amount int, what string) error {
	if what == "元" {
		return s.tillKeys(n, at, unit.Fen(amount*100), 0)
	}
	return s.tillKeys(n, at, 0, unit.Quantity(amount*100))
}

func (s *Scene) tillKeys(n, at int, money unit.Fen, volume unit.Quantity) error {
	if err := s.tillWaits(n, "order"); err != nil {
		return err
	}
	return s.Town.OrderAtTill(n, nozzle(at), money, volume)
}

func (s *Scene) tillRefuses(n, at, yuan int, want string) error {
	if err := s.tillWaits(n, "order"); err != nil {
		return err
	}
	err := s.Town.OrderAtTill(n, nozzle(at), unit.Fen(yuan*100), 0)
	if err == nil {
		return s.tillSays(n, want)
	}
	if !strings.Contains(err.Error(), want) {
		return fmt.Errorf("拒绝的话是 %w, 应含 %q", err, want)
	}
	return nil
}

func (s *Scene) tillSays(n int, want string) error {
	said := ""
	err := s.Town.Until(fmt.Sprintf("%d 号终端提示 %q", n, want), func() bool {
		v, err := s.Town.Till(n)
		said = v.Zh
		return err == nil && strings.Contains(v.Zh, want)
	}, filling)
	if err != nil {
		return fmt.Errorf("终端说 %q: %w", said, err)
	}
	return nil
}

func (s *Scene) tillReceipt(n int, want string) error {
	return s.Town.Until(fmt.Sprintf("%d 号终端的凭条写着 %q", n, want), func() bool {
		v, err := s.Town.Till(n)
		return err == nil && strings.Contains(strings.Join(v.Receipt, "\n"), want)
	}, filling)
}

// plainLift lifts a plain nozzle and opens the gun.
func (s *Scene) plainLift(n int) error {
	h := s.Town.Hands()
	return errors.Join(h.Lift(nozzle(n)), h.Squeeze(nozzle(n), 1000))
}

// fuelling and calling are states of the nine. Source: dispenser.md 4.3.
const (
	calling  = 4
	fuelling = 8
)

// plainToStop fuels until the preset is reached.
func (s *Scene) plainToStop(n int) error {
	if err := s.plainLift(n); err != nil {
		return err
	}
	was := false
	if err := s.Town.Until(fmt.Sprintf("%d 号站控枪加满预置", n), func() bool {
		v, err := s.Town.Forecourt(nozzle(n))
		was = was || v.State == fuelling
		return err == nil && was && v.State != fuelling
	}, filling); err != nil {
		return err
	}
	return s.plainHang(n)
}

func (s *Scene) plainFuel(n int, amount string) error {
	want, err := litres(amount)
	if err != nil {
		return err
	}
	if err := s.plainLift(n); err != nil {
		return err
	}
	return s.Town.Until(fmt.Sprintf("%d 号站控枪加出 %v 升", n, want), func() bool {
		v, err := s.Town.Forecourt(nozzle(n))
		return err == nil && v.Quantity >= want
	}, filling)
}

func (s *Scene) plainHang(n int) error {
	h := s.Town.Hands()
	return errors.Join(h.Squeeze(nozzle(n), 0), h.Hang(nozzle(n)))
}
