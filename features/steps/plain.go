package steps

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"greylock/system/dispenser"
	stationprogram "greylock/system/station"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// plainSteps are the plain nozzles: staff let them run, people fuel, the station reads what was sold.
func (s *Scene) plainSteps() []Step {
	return []Step{
		{`^员工 (\d+) 授权站控 (\d+) 号枪加满$`, s.allowFull},
		{`^员工 (\d+) 授权站控 (\d+) 号枪加 ([\d.]+) (元|升)$`, s.allow},
		{`^员工 (\d+) 授权站控 (\d+) 号枪加 ([\d.]+) (元|升), 以"(现金|挂账|银行卡|油票)"收款$`, s.allowPaid},
		{`^站控 (\d+) 号枪至 (\d+) 号枪已就绪$`, s.plainReady},
		{`^提起站控 (\d+) 号枪$`, s.liftPlain},
		{`^站控 (\d+) 号枪开枪$`, s.plainSqueeze},
		{`^提起站控 (\d+) 号枪加油$`, s.fuelPlain},
		{`^站控 (\d+) 号枪加到 ([\d.]+) 升$`, s.plainUntil},
		{`^站控 (\d+) 号枪自动停枪$`, s.plainEnds},
		{`^挂回站控 (\d+) 号枪$`, s.plainHang},
		{`^员工 (\d+) 停止站控 (\d+) 号枪$`, s.plainStop},
		{`^员工 (\d+) 让站控 (\d+) 号枪继续$`, s.plainResume},
		{`^员工 (\d+) 和 (\d+) 核对泵码, 解锁站控 (\d+) 号枪, 原因 "([^"]*)"$`, s.plainUnlock},
		{`^只有员工 (\d+) 核对泵码, 解锁站控 (\d+) 号枪$`, s.plainUnlockAlone},
		{`^没有报姓名的人停止站控 (\d+) 号枪$`, s.plainStopNobody},
		{`^加油站拒绝, 说 "([^"]+)"$`, s.plainRefused},
		{`^加油站显示 (\d+) 号枪 "([^"]+)"$`, s.stationShows},
		{`^站控 (\d+) 号枪售出 ([\d.]+) 升 ([\d.]+) 元$`, s.plainSold},
		{`^站控 (\d+) 号枪售出的与该枪显示一致, 收款方式 "(现金|挂账|银行卡|油票)", 授权人 (\d+)$`, s.plainFits},
		{`^站控 (\d+) 号枪各笔之和等于泵码走数$`, s.plainTotals},
	}
}

// ways are the ways of paying as people call them.
var ways = map[string]string{"现金": "cash", "挂账": "account", "银行卡": "bank", "油票": "voucher"}

// plainAct asks the station's operator door and keeps what it refuses with.
func (s *Scene) plainAct(path string, body any) error {
	s.plain.refused = ""
	status, text, err := s.Town.Operator().Command(station, path, body)
	if err == nil && status != http.StatusOK {
		s.plain.refused = string(text)
	}
	return err
}

func (s *Scene) plainRefused(text string) error {
	got := s.plain.refused
	if s.plain.refused = ""; !strings.Contains(got, text) {
		return fmt.Errorf("加油站答 %q, 应拒绝并说 %q (the station did not refuse so)", got, text)
	}
	return nil
}

// plainOrder is what a scene remembers of plain nozzles.
type plainOrder struct {
	refused string                           // the station's last refusal
	first   map[record.Nozzle]unit.Totalizer // before the first authorisation
}

func (s *Scene) allowFull(by, n int) error {
	return s.let(stationprogram.AskAuthorise{Nozzle: nozzle(n), By: fmt.Sprint(by)})
}

func (s *Scene) allow(by, n int, amount, what string) error {
	return s.allowPaid(by, n, amount, what, "现金")
}

func (s *Scene) allowPaid(by, n int, amount, what, way string) error {
	q := stationprogram.AskAuthorise{Nozzle: nozzle(n), By: fmt.Sprint(by), Way: ways[way]}
	var err error
	if what == "元" {
		q.Money, err = money(amount)
	} else {
		q.Volume, err = litres(amount)
	}
	if err != nil {
		return err
	}
	return s.let(q)
}

// plainReady waits until the station has the nozzles under control and their prices set.
func (s *Scene) plainReady(from, to int) error {
	for n := from; n <= to; n++ {
		if _, err := s.nozzleStatus(n, "就绪", func(x stationprogram.NozzleStatus) bool { return x.State == int(dispenser.Idle) && x.Price > 0 }); err != nil {
			return err
		}
	}
	return nil
}

// let lets a nozzle run, and tries again while it is told to.
func (s *Scene) let(q stationprogram.AskAuthorise) error {
	if s.plain.first == nil {
		s.plain.first = map[record.Nozzle]unit.Totalizer{}
	}
	if _, seen := s.plain.first[q.Nozzle]; !seen {
		s.plain.first[q.Nozzle] = s.display(int(q.Nozzle)).Total
	}
	for range mostTries {
		if err := s.plainAct(stationprogram.PathAuthorise, q); err != nil || !strings.Contains(s.plain.refused, "再试") {
			return err
		}
		s.Town.Pass(time.Second)
	}
	return nil
}

// mostTries of somebody who is told to try again.
const mostTries = 30

// nozzleStatus waits until the station shows a nozzle so.
func (s *Scene) nozzleStatus(n int, what string, fit func(stationprogram.NozzleStatus) bool) (found stationprogram.NozzleStatus, err error) {
	var failed error
	err = s.Town.Until(fmt.Sprintf("加油站显示 %d 号枪 %s", n, what), func() bool {
		var a stationprogram.Status
		if failed = s.command(station, stationprogram.PathStatus, struct{}{}, &a); failed != nil {
			return true
		}
		for _, x := range a.Nozzles {
			if x.Nozzle == nozzle(n) {
				found = x
				return fit(x)
			}
		}
		return false
	}, calm)
	if failed != nil {
		return found, failed
	}
	if err != nil {
		err = fmt.Errorf("%w: %+v", err, found)
	}
	return found, err
}

func (s *Scene) stationShows(n int, word string) error {
	_, err := s.nozzleStatus(n, word, func(x stationprogram.NozzleStatus) bool { return x.Zh == word })
	return err
}

func (s *Scene) liftPlain(n int) error { return s.Town.Hands().Lift(nozzle(n)) }

// plainSqueeze opens the gun. A refusal that no step has spoken of is a failure here.
func (s *Scene) plainSqueeze(n int) error {
	if s.plain.refused != "" {
		return fmt.Errorf("加油站拒绝了 (the station has refused): %s", s.plain.refused)
	}
	return s.Town.Hands().Squeeze(nozzle(n), 1000)
}

func (s *Scene) fuelPlain(n int) error {
	return first(
		func() error { return s.liftPlain(n) },
		func() error { return s.plainSqueeze(n) },
	)
}

func (s *Scene) plainUntil(n int, text string) error {
	v, err := litres(text)
	if err != nil {
		return err
	}
	return s.Town.Until(fmt.Sprintf("站控 %d 号枪加到 %v 升", n, v), func() bool { return s.display(n).Quantity >= v }, filling)
}

func (s *Scene) plainEnds(n int) error {
	ran := false // the display keeps the last sale until the next begins
	return s.Town.Until(fmt.Sprintf("站控 %d 号枪自动停枪", n), func() bool {
		flows := s.display(n).State == "加油中"
		ran = ran || flows
		return ran && !flows
	}, filling)
}

func (s *Scene) plainStop(by, n int) error {
	return s.plainAct(stationprogram.PathNozzleStop, stationprogram.AskNozzle{Nozzle: nozzle(n), By: fmt.Sprint(by), Reason: "顾客要求"})
}

func (s *Scene) plainResume(by, n int) error {
	return s.plainAct(stationprogram.PathResume, stationprogram.AskNozzle{Nozzle: nozzle(n), By: fmt.Sprint(by)})
}

func (s *Scene) plainStopNobody(n int) error {
	return s.plainAct(stationprogram.PathNozzleStop, stationprogram.AskNozzle{Nozzle: nozzle(n)})
}

func (s *Scene) plainUnlock(one, other, n int, reason string) error {
	return s.plainAct(stationprogram.PathUnlock, stationprogram.AskUnlock{Nozzle: nozzle(n), By: [2]string{fmt.Sprint(one), fmt.Sprint(other)}, Reason: reason})
}

func (s *Scene) plainUnlockAlone(one, n int) error {
	return s.plainAct(stationprogram.PathUnlock, stationprogram.AskUnlock{Nozzle: nozzle(n), By: [2]string{fmt.Sprint(one)}, Reason: "泵码已核对"})
}

// plainList is what the station has of a nozzle, newest first, once nothing is under way.
func (s *Scene) plainList(n int) (list []stationprogram.PlainSaleView, err error) {
	if err := s.Town.Settle(calm); err != nil {
		return nil, err
	}
	status, text, err := s.Town.Operator().Command(station, stationprogram.PathPlainSales, stationprogram.AskSales{Limit: 500})
	if err != nil || status != http.StatusOK {
		return nil, fmt.Errorf("%d %s: %w", status, text, err)
	}
	var a stationprogram.PlainSales
	if err := json.Unmarshal(text, &a); err != nil {
		return nil, err
	}
	for _, x := range a.Sales {
		if x.Nozzle == nozzle(n) {
			list = append(list, x)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("加油站没有 %d 号枪的销售 (no delivery of this nozzle): %+v", n, a.Sales)
	}
	return list, nil
}

func (s *Scene) plainSold(n int, volume, amount string) error {
	v, err := litres(volume)
	if err != nil {
		return err
	}
	m, err := money(amount)
	if err != nil {
		return err
	}
	list, err := s.plainList(n)
	if err != nil {
		return err
	}
	return first(
		func() error { return want("升数", list[0].Quantity, v) },
		func() error { return want("金额", list[0].Amount, m) },
	)
}

func (s *Scene) plainFits(n int, way string, by int) error {
	list, err := s.plainList(n)
	if err != nil {
		return err
	}
	x, d := list[0], s.display(n)
	return first(
		func() error { return want("升数", x.Quantity, d.Quantity) },
		func() error { return want("金额", x.Amount, d.Amount) },
		func() error { return want("泵码走数", x.Moved, x.Quantity) },
		func() error { return want("收款方式", x.Way, ways[way]) },
		func() error { return want("授权人", x.By, fmt.Sprint(by)) },
	)
}

// plainTotals: what was sold is what the meter has moved.
func (s *Scene) plainTotals(n int) error {
	list, err := s.plainList(n)
	if err != nil {
		return err
	}
	before, seen := s.plain.first[nozzle(n)]
	if !seen {
		return fmt.Errorf("%d 号枪没有授权过 (it was never authorised)", n)
	}
	var sum unit.Quantity
	for _, x := range list {
		sum += x.Moved
	}
	return want("泵码走数", s.display(n).Total.Since(before), sum)
}
