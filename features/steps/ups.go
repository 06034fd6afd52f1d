package steps

import (
	"errors"
	"fmt"
	"time"

	"greylock/emulators/ups"
	stationprogram "greylock/system/station"
)

// powerSteps are mains that fail and come back, the UPS between, and what the station makes of it.
func (s *Scene) powerSteps() []Step {
	return []Step{
		{`^市电(中断|恢复)$`, func(word string) error { return s.Town.Mains(station, word == "恢复") }},
		{`^UPS 电池(将尽|耗尽|充满)$`, func(word string) error { return s.Town.Battery(station, charges[word]) }},
		{`^UPS (不应答|应答乱码|迟答|不听命令|恢复正常)$`, func(word string) error { return s.Town.UPSTalks(station, upsWays[word]) }},
		{`^加油站说电源为"(市电|电池|电池将尽)"$`, s.powerIs},
		{`^加油站(不开新单|照常营业)$`, s.opens},
		{`^加油站说 UPS (在线|离线)$`, s.upsIs},
		{`^加油站说有 (\d+) 支枪在加油$`, s.fillsRun},
		{`^站级程序自行正常结束$`, s.endsItself},
		{`^站级程序没有自行结束$`, s.goesOn},
		{`^站级电脑(断电|有电)$`, s.lit},
		{`^站级程序随来电启动$`, s.boots},
	}
}

var (
	charges    = map[string]int{"将尽": 10, "耗尽": 0, "充满": 100}
	upsWays    = map[string]ups.Way{"不应答": ups.Silent, "应答乱码": ups.Garbage, "迟答": ups.Slow, "不听命令": ups.Deaf, "恢复正常": ups.Normal}
	powerWords = map[string]string{"市电": "mains", "电池": "battery", "电池将尽": "low"}
)

// Limits of waiting for power: a change is believed when it was seen twice; a UPS that is ordered off goes off in minutes.
const (
	powerSoon  = 30 * time.Second
	powerLimit = 15 * time.Minute
)

// power waits until the station shows its power so; a program that is down shows nothing.
func (s *Scene) power(what string, limit time.Duration, fit func(stationprogram.UPS) bool) error {
	var a stationprogram.UPS
	var failed error
	err := s.Town.Until(what, func() bool {
		failed = s.command(station, stationprogram.PathUPS, struct{}{}, &a)
		return failed == nil && fit(a)
	}, limit)
	if err != nil {
		return errors.Join(fmt.Errorf("%w: %+v", err, a), failed)
	}
	return nil
}

func (s *Scene) powerIs(word string) error {
	return s.power("电源为"+word, powerSoon, func(a stationprogram.UPS) bool { return a.Power == powerWords[word] })
}

func (s *Scene) opens(word string) error {
	return s.power(word, powerSoon, func(a stationprogram.UPS) bool { return a.Closed == (word == "不开新单") })
}

func (s *Scene) upsIs(word string) error {
	return s.power("UPS "+word, powerSoon, func(a stationprogram.UPS) bool { return a.Fitted && a.Online == (word == "在线") })
}

func (s *Scene) fillsRun(n int) error {
	return s.power(fmt.Sprintf("%d 支枪在加油", n), powerSoon, func(a stationprogram.UPS) bool { return a.Fills == n })
}

func (s *Scene) endsItself() error {
	return s.Town.Until("站级程序自行结束", func() bool { return s.Town.Ended(station) != "" }, powerLimit)
}

func (s *Scene) goesOn() error {
	if why := s.Town.Ended(station); why != "" {
		return fmt.Errorf("站级程序已自行结束 (it has ended by itself): %s", why)
	}
	return s.power("站级程序应答", powerSoon, func(stationprogram.UPS) bool { return true })
}

func (s *Scene) lit(word string) error {
	return s.Town.Until("站级电脑"+word, func() bool { return s.Town.Lit(station) == (word == "有电") }, powerLimit)
}

func (s *Scene) boots() error {
	return s.power("站级程序随来电启动", powerLimit, func(a stationprogram.UPS) bool { return a.Power == "mains" && !a.Closed })
}
