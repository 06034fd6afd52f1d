package steps

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"greylock/emulators/gauge"
	stationprogram "greylock/system/station"
	"greylock/system/tank"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// tankSteps are what lies in the ground: dips, trucks, leaks, the gauge, and the balance.
func (s *Scene) tankSteps() []Step {
	return []Step{
		{`^加油站的液位仪(在线|离线)$`, s.gaugeIs},
		{`^加油站显示 (\d+) 号罐约有 ([\d.]+) 升, 来自(液位仪|最近量油)$`, s.tankShows},
		{`^"([^"]+)" 读 (\d+) 号罐的液位仪$`, s.dipByGauge},
		{`^"([^"]+)" 人工量 (\d+) 号罐$`, s.dipByHand},
		{`^加油站拒绝量油, 说 "([^"]+)"$`, s.tankRefused},
		{`^加油站拒绝登记进油单, 说 "([^"]+)"$`, s.tankRefused},
		{`^油罐车往 (\d+) 号罐卸 ([\d.]+) 升, 每分钟 (\d+) 升$`, s.truck},
		{`^(\d+) 号罐卸油结束$`, s.unloaded},
		{`^"([^"]+)" 登记 (\d+) 号罐的进油单 "([^"]+)", ([\d.]+) 升$`, s.noteDelivery},
		{`^加油站的第 (\d+) 次进油在 (\d+) 号罐, 实收约 ([\d.]+) 升, 其间售出 ([\d.]+) 升$`, s.delivered},
		{`^加油站的第 (\d+) 次进油(与单相符|比单少约 ([\d.]+) 升)$`, s.noteFits},
		{`^(\d+) 号罐水高 (\d+) 毫米$`, s.wet},
		{`^(\d+) 号罐每小时漏 ([\d.]+) 升$`, s.leak},
		{`^(\d+) 号罐油温变为 (\d+) 度$`, s.warm},
		{`^(\d+) 号罐的探棒(卡住|断开|恢复)$`, s.probe},
		{`^液位仪(死机|应答乱码|迟答|恢复正常)$`, s.console},
		{`^(\d+) 号枪的表多计千分之 (\d+)$`, s.skew},
		{`^加油站的告警表上有 "([^"]+)", 对象 "([^"]+)"$`, s.alarmedAt},
		{`^加油站的告警表上没有 "([^"]+)"$`, s.notAlarmed},
		{`^油罐对账(相符|不符)$`, s.balances},
		{`^(\d+) 号罐对账短少约 ([\d.]+) 升, 超出允许$`, s.short},
		{`^过了 (\d+) 天, 每天 "([^"]+)" 在 (\d+) 号枪加油 (\d+) 次, 每次 ([\d.]+) 升$`, s.passDays},
		{`^过了 (\d+) 天, 早中晚各开一次门, 每次 "([^"]+)" 在 1 号枪加油 ([\d.]+) 升, 在 2 号枪加油 ([\d.]+) 升, 中午油温高 (\d+) 度$`, s.openDays},
		{`^油罐对账有 (\d+) 次进油, 共约 ([\d.]+) 升, 售出约 ([\d.]+) 升$`, s.balanced},
		{`^对账显示 (\d+) 号枪的表多计约千分之 (\d+)$`, s.drifts},
	}
}

// Limits of waiting for tanks: truth moves in minutes, dips come every hour.
const (
	gaugeSoon  = 3 * time.Minute
	truckLimit = time.Hour
	dipLimit   = 3 * time.Hour
)

// about compares litres: off is what the reading of a probe may be wrong by.
func about(what string, got unit.Quantity, text string, off unit.Quantity) error {
	q, err := litres(text)
	if err != nil {
		return err
	}
	if d := got - q; d > off || d < -off {
		return fmt.Errorf("%s: 是 %v, 应约为 %v (is, want about)", what, got, q)
	}
	return nil
}

const (
	twoDips = unit.Quantity(30 * 100)
	byStick = unit.Quantity(80 * 100)

	overshoot = unit.Quantity(100) // of a gun that people close by hand
)

func (s *Scene) tanks() (a stationprogram.Tanks, err error) {
	err = s.command(station, stationprogram.PathTanks, struct{}{}, &a)
	return a, err
}

func (s *Scene) tank(n int) (stationprogram.TankStatus, error) {
	a, err := s.tanks()
	for _, t := range a.Tanks {
		if t.Tank == n {
			return t, err
		}
	}
	return stationprogram.TankStatus{}, errors.Join(err, fmt.Errorf("加油站没有 %d 号罐 (no such tank)", n))
}

func (s *Scene) gaugeIs(word string) error {
	return s.Town.Until("液位仪"+word, func() bool {
		a, err := s.tanks()
		if err != nil || word == "离线" {
			return err == nil && a.Gauge == "offline"
		}
		for _, t := range a.Tanks {
			if !t.Live {
				return false
			}
		}
		return a.Gauge == "online" && len(a.Tanks) > 0
	}, gaugeSoon)
}

func (s *Scene) tankShows(n int, text, from string) error {
	var t stationprogram.TankStatus
	err := s.Town.Until("罐存来自"+from, func() bool {
		var err error
		t, err = s.tank(n)
		return err == nil && t.Known && t.Live == (from == "液位仪")
	}, gaugeSoon)
	if err != nil {
		return err
	}
	return about(fmt.Sprintf("%d 号罐油量", n), t.Volume, text, byStick)
}

// tankAct asks the station and keeps what it refuses with.
func (s *Scene) tankAct(path string, body any) error {
	s.refusedTank = ""
	status, text, err := s.Town.Operator().Command(station, path, body)
	if err == nil && status != http.StatusOK {
		s.refusedTank = string(text)
	}
	return err
}

func (s *Scene) dipByGauge(who string, n int) error {
	return s.tankAct(stationprogram.PathTankDip, stationprogram.DipTank{Tank: n, By: who})
}

func (s *Scene) dipByHand(who string, n int) error {
	surface, water, degrees, err := s.Town.Stick(station, n)
	if err != nil {
		return err
	}
	return s.tankAct(stationprogram.PathTankDip, stationprogram.DipTank{Tank: n, By: who, Hand: true, Height: surface, Water: water, Temperature: degrees})
}

func (s *Scene) tankRefused(text string) error {
	if !strings.Contains(s.refusedTank, text) {
		return fmt.Errorf("加油站答 %q, 应拒绝并说 %q (the station did not refuse so)", s.refusedTank, text)
	}
	return nil
}

func (s *Scene) truck(n int, text string, perMinute int) error {
	q, err := litres(text)
	if err != nil {
		return err
	}
	const warmth = 1500 // as the note counts
	return s.Town.Truck(station, n, q, perMinute, warmth)
}

func (s *Scene) unloaded(n int) error {
	err := s.Town.Until("卸完", func() bool { return !s.Town.Unloading(station, n) }, truckLimit)
	if err != nil {
		return err
	}
	a, err := s.tanks()
	if err != nil || a.Gauge != "online" {
		return err // nobody measures it by himself
	}
	return s.Town.Until("进油记录", func() bool {
		t, err := s.tank(n)
		list, err2 := s.deliveries()
		return err == nil && err2 == nil && t.Delivery == 0 && len(list) > 0 && list[0].Tank == n
	}, truckLimit)
}

func (s *Scene) deliveries() ([]tank.Delivery, error) {
	var a stationprogram.Deliveries
	err := s.command(station, stationprogram.PathDeliveries, stationprogram.AskDeliveries{}, &a)
	return a.Deliveries, err
}

func (s *Scene) delivery(number int) (tank.Delivery, error) {
	list, err := s.deliveries()
	for _, d := range list {
		if d.Number == number {
			return d, err
		}
	}
	return tank.Delivery{}, errors.Join(err, fmt.Errorf("没有第 %d 次进油 (no such delivery): %+v", number, list))
}

func (s *Scene) noteDelivery(who string, n int, note, text string) error {
	q, err := litres(text)
	if err != nil {
		return err
	}
	return s.tankAct(stationprogram.PathTankDelivery, stationprogram.NoteDelivery{Tank: n, Note: note, Net: q, By: who})
}

func (s *Scene) delivered(number, n int, came, sold string) error {
	d, err := s.delivery(number)
	if err != nil {
		return err
	}
	off := twoDips
	if a, err := s.tanks(); err == nil && a.Gauge != "online" {
		off = byStick
	}
	return first(
		func() error { return want("罐", d.Tank, n) },
		func() error { return want("已结束", d.ClosedMs != 0, true) },
		func() error { return about("其间售出", d.Sold, sold, overshoot) },
		func() error { return about("实收 (15 度)", d.Net, came, off) },
	)
}

func (s *Scene) noteFits(number int, how, text string) error {
	d, err := s.delivery(number)
	if err != nil {
		return err
	}
	if how == "与单相符" {
		return first(
			func() error { return want("有单", d.Note != "", true) },
			func() error { return want("短少", d.Short, 0) },
		)
	}
	return about("短少", d.Short, text, twoDips)
}

func (s *Scene) wet(n, mm int) error { return s.Town.Wet(station, n, unit.Length(mm*10)) }

func (s *Scene) leak(n int, text string) error {
	q, err := litres(text)
	if err != nil {
		return err
	}
	return s.Town.Leak(station, n, q)
}

func (s *Scene) warm(n, degrees int) error {
	return s.Town.Warm(station, n, unit.Degrees(degrees*100))
}

func (s *Scene) probe(n int, how string) error {
	return s.Town.Probe(station, n, map[string]gauge.Probe{"卡住": gauge.Stuck, "断开": gauge.Out, "恢复": gauge.Works}[how])
}

func (s *Scene) console(how string) error {
	return s.Town.Console(station, map[string]gauge.Way{"死机": gauge.Dead, "应答乱码": gauge.Garbage, "迟答": gauge.Slow, "恢复正常": gauge.Normal}[how])
}

func (s *Scene) skew(n, permille int) error { return s.Town.Skew(nozzle(n), permille) }

func (s *Scene) alarmedAt(kind, subject string) error {
	return s.Town.Until("告警 "+kind, func() bool {
		c, err := s.stationCase(kind)
		return err == nil && c.Subject == subject && c.Ack == nil
	}, dipLimit)
}

func (s *Scene) notAlarmed(kind string) error {
	if c, err := s.stationCase(kind); err == nil {
		return fmt.Errorf("不应有告警 (no such alarm was wanted): %+v", c)
	}
	return nil
}

func (s *Scene) periods() (a stationprogram.Periods, err error) {
	err = s.command(station, stationprogram.PathTankReconcile, stationprogram.AskPeriod{Days: 60}, &a)
	return a, err
}

func (s *Scene) balances(how string) error {
	a, err := s.periods()
	if err != nil {
		return err
	}
	if a.OK != (how == "相符") {
		return fmt.Errorf("油罐对账应%s (the balance should be otherwise): %+v", how, a)
	}
	return nil
}

func (s *Scene) short(n int, text string) error {
	a, err := s.periods()
	if err != nil {
		return err
	}
	for _, p := range a.Periods {
		if p.Tank == n {
			return first(
				func() error { return want("相符", p.OK, false) },
				func() error { return about("短少", p.Difference, text, twoDips) },
			)
		}
	}
	return fmt.Errorf("%d 号罐没有账 (no balance of the tank): %+v", n, a)
}

// passDays lets customers come at even distances through the day.
func (s *Scene) passDays(days int, card string, n, times int, text string) error {
	const whole = 24 * time.Hour
	for day := range days {
		end := s.Town.Now().Add(whole)
		for k := range times {
			if err := s.sale(card, n, text); err != nil {
				return fmt.Errorf("第 %d 天第 %d 次 (day, time): %w", day+1, k+1, err)
			}
			s.Town.Pass(whole/time.Duration(times+1) - 3*time.Minute)
		}
		if left := end.Sub(s.Town.Now()); left > 0 {
			s.Town.Pass(left)
		}
	}
	return nil
}

// openDays is a station that opens in the morning, at noon and in the evening, for a customer at each nozzle. Its fuel is warmer at noon.
// While it is closed its gauge and its program run alone.
func (s *Scene) openDays(days int, card, first1, second, warmer string) error {
	more, err := strconv.Atoi(warmer)
	if err != nil {
		return err
	}
	for range days {
		for _, warm := range []int{0, more, -more} {
			end := s.Town.Now().Add(8 * time.Hour)
			err := first(func() error { return s.warmAll(warm) }, func() error { return s.openFor(card, first1, second) })
			if err != nil {
				return err
			}
			s.Town.Pass(end.Sub(s.Town.Now()))
		}
	}
	return s.powerAll(true)
}

// warmAll makes the fuel of every tank so many degrees warmer.
func (s *Scene) warmAll(by int) error {
	a, err := s.tanks()
	for _, t := range a.Tanks {
		_, _, degrees, bad := s.Town.Stick(station, t.Tank)
		err = errors.Join(err, bad, s.Town.Warm(station, t.Tank, degrees+unit.Degrees(by*100)))
	}
	return err
}

// openFor gives the dispensers power for one customer at each nozzle.
func (s *Scene) openFor(card, first1, second string) error {
	return first(
		func() error { return s.powerAll(true) },
		func() error { return s.sale(card, 1, first1) },
		func() error { return s.sale(card, 2, second) },
		func() error { return s.Town.Settle(calm) },
		func() error { return s.powerAll(false) },
	)
}

// powerAll turns both dispensers and the network on, and waits until they sell, or off.
func (s *Scene) powerAll(on bool) error {
	if !on {
		return errors.Join(s.cutCenter(), s.powerCut(1), s.powerCut(2))
	}
	if err := errors.Join(s.mendCenter(), s.powerOn(1), s.powerOn(2)); err != nil {
		return err
	}
	return s.Town.Until("开机", func() bool { return s.display(1).State == "空闲" && s.display(2).State == "空闲" }, calm)
}

// balanced: the balance of the tanks holds so many deliveries, what came by them and what was sold.
func (s *Scene) balanced(count int, came, sold string) error {
	a, err := s.periods()
	if err != nil {
		return err
	}
	list, err := s.deliveries()
	if err != nil {
		return err
	}
	var in, out unit.Quantity
	for _, p := range a.Periods {
		in, out = in+p.Delivered, out+p.Metered
	}
	return first(func() error { return want("进油", len(list), count) }, func() error { return about("进油", in, came, 2*twoDips) },
		func() error { return about("售出", out, sold, 2*twoDips) })
}

func (s *Scene) drifts(n, permille int) error {
	a, err := s.periods()
	if err != nil {
		return err
	}
	for _, p := range a.Periods {
		for _, d := range p.Drift {
			if d.Nozzle == record.Nozzle(n) && d.Metered > 0 {
				if off := -d.Permille - permille; off < -10 || off > 10 {
					return fmt.Errorf("%d 号枪: %+v, 应约为千分之 %d (want about)", n, d, permille)
				}
				return nil
			}
		}
	}
	return fmt.Errorf("%d 号枪没有可比的量 (nothing to compare): %+v", n, a)
}
