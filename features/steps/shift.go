package steps

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"greylock/system/center"
	"greylock/system/clock"
	stationprogram "greylock/system/station"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// shiftSteps are shifts, days and what both ends say of them.
func (s *Scene) shiftSteps() []Step {
	return []Step{
		{`^"([^"]+)" 开班, 备用金 ([\d.]+) 元$`, func(who, float string) error { return s.openShift(who, float, false) }},
		{`^"([^"]+)" 开班, 备用金 ([\d.]+) 元, 盲点$`, func(who, float string) error { return s.openShift(who, float, true) }},
		{`^"([^"]+)" 交班, 点钞 ([\d.]+) 元$`, func(who, counted string) error { return s.closeShift(who, counted) }},
		{`^"([^"]+)" 交班, 点钞 ([\d.]+) 元, (\d+) 号枪的差额注明 "([^"]+)"$`, s.closeExplained},
		{`^"([^"]+)" 不点钞就交班$`, s.closeUncounted},
		{`^"([^"]+)" 交班给 "([^"]+)", 点钞 ([\d.]+) 元$`, s.handOver},
		{`^"([^"]+)" 再交第 (\d+) 班$`, s.closeAgain},
		{`^"([^"]+)" 交班途中站级程序被杀死, 再启动$`, s.killInClose},
		{`^加油站不许, 说 "([^"]+)"$`, s.stationRefused},
		{`^中间报表有 (\d+) 笔, 没有 Z 号$`, s.xShows},
		{`^中间报表不写应有现金$`, s.xBlind},
		{`^第 (\d+) 班的班报有 (\d+) 笔, 各枪泵码差等于记录之和$`, s.zTies},
		{`^第 (\d+) 班的班报由 "([^"]+)" 开、"([^"]+)" 交$`, s.zBy},
		{`^第 (\d+) 班 (\d+) 号枪的差额 (-?[\d.]+) 升, 注明 "([^"]+)"$`, s.zLine},
		{`^第 (\d+) 班记着迟到的记录, 油出在第 (\d+) 班$`, s.zLate},
		{`^第 (\d+) 班(长款|短款) ([\d.]+) 元$`, s.zCash},
		{`^第 (\d+) 班按 "([^"]+)" 有 ([\d.]+) 升$`, s.zStaff},
		{`^班报一共 (\d+) 份, 号码相连, 记录首尾相接$`, s.zChain},
		{`^(\d+) 号枪的下一笔记录在途中被扣下$`, func(n int) error { return s.Town.Faults().HoldRecord(nozzle(n), true) }},
		{`^(\d+) 号枪被扣下的记录放行$`, func(n int) error { return s.Town.Faults().HoldRecord(nozzle(n), false) }},
		{`^(\d+) 号枪的泵码将多走 ([\d.]+) 升$`, s.drawUnseen},
		{`^(\d+) 号枪当班的是 "([^"]+)"$`, s.duty},
		{`^"([^"]+)" 投币 ([\d.]+) 元, 封包 "([^"]+)"$`, func(who, amount, bag string) error { return s.dropCash(who, amount, "safe", bag) }},
		{`^"([^"]+)" 缴款 ([\d.]+) 元, 单号 "([^"]+)"$`, func(who, amount, bag string) error { return s.dropCash(who, amount, "bank", bag) }},
		{`^抽屉里应有 ([\d.]+) 元$`, s.drawerHolds},
		{`^第 (\d+) 班现金销售 ([\d.]+) 元, 投币缴款 ([\d.]+) 元$`, s.zDrawer},
		{`^第 (\d+) 班以"(现金|挂账|银行卡|油票|刷卡)"收款 (\d+) 笔$`, s.zTender},
		{`^第 (\d+) 班有 (\d+) 笔, 现金销售 ([\d.]+) 元$`, s.zSales},
		{`^"([^"]+)" 交班, 点钞 ([\d.]+) 元, 量油 (\d+) 号罐 ([\d.]+) 升$`, s.closeDipped},
		{`^第 (\d+) 班(接班|交班) (\d+) 号罐约 (\d+) 升, 来自(液位仪|人工量油)$`, s.zDip},
		{`^第 (\d+) 班(接班|交班)没有 (\d+) 号罐的量油$`, s.zNoDip},
		{`^(\d+) 号枪换了主板$`, func(n int) error { return s.Town.Faults().ReplaceBoard(nozzle(n)) }},
		{`^"([^"]+)" 日结 ([\d-]+)$`, s.closeDate},
		{`^"([^"]+)" 月结 (\d{6})$`, s.closeMonthOf},
		{`^过到 (\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d)$`, s.passTo},
		{`^(\d{6}) 的月报有 (\d+) 天 (\d+) 笔, 等于各日日结之和, 中心各日一致$`, s.monthTies},
		{`^营业日在 (\d+) 分钟后换日$`, s.cutIn},
		{`^离换日还有 (\d+) 秒$`, s.cutAhead},
		{`^换日的时刻已过$`, s.cutPassed},
		{`^到换日前 (\d+) 毫秒$`, s.beforeCut},
		{`^"([^"]+)" 日结换日前的营业日$`, s.closeDay},
		{`^站和中心的日结一致, (\d+) 笔$`, s.dayTies},
		{`^中心写明日结后迟到 (\d+) 笔$`, s.dayLate},
		{`^换日前后各 (\d+) 笔, 两头的营业日相同$`, s.sameDays},
		{`^"([^"]+)" 月结本月$`, s.closeMonth},
		{`^第 (\d+) 班的结算方式、员工和营业日各有 ([\d.]+) 升, ([\d.]+) 公斤, ([\d.]+) 立方米$`, s.zUnits},
		{`^站的日结、月报和中心的日结各有 ([\d.]+) 升, ([\d.]+) 公斤, ([\d.]+) 立方米$`, s.dayUnits},
		{`^转到 (\d{4}) 站$`, s.goTo},
	}
}

// shiftScene is what a scene remembers of shifts and days.
type shiftScene struct {
	site    record.SiteID // where the steps are; "" for the one station of the stories
	refused string
	cut     clock.Instant
	minute  int
}

func (s *Scene) goTo(site string) { s.shift.site = record.SiteID(site) }

// here is the station where the steps are.
func (s *Scene) here() record.SiteID {
	if s.shift.site == "" {
		return station
	}
	return s.shift.site
}

// stationAct asks the station's operator door and keeps what it refuses with.
func (s *Scene) stationAct(path string, body, into any) error {
	s.shift.refused = ""
	status, text, err := s.Town.Operator().Command(s.here(), path, body)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		s.shift.refused = string(text)
		return nil
	}
	return json.Unmarshal(text, into)
}

func (s *Scene) openShift(who, float string, blind bool) error {
	m, err := money(float)
	if err != nil {
		return err
	}
	return s.stationAct(stationprogram.PathOpenShift, stationprogram.OpenShift{By: who, Float: m, Blind: blind}, &stationprogram.ShiftView{})
}

// calmly waits until no record is under way: whoever closes a shift does so, or has to explain what is missing.
func (s *Scene) calmly() error { return s.Town.Settle(calm) }

func (s *Scene) closeShift(who, counted string, reasons ...record.MeterReason) error {
	m, err := money(counted)
	if err != nil {
		return err
	}
	return s.stationAct(stationprogram.PathCloseShift, stationprogram.CloseShift{By: who, Counted: &m, Reasons: reasons}, &stationprogram.ShiftView{})
}

// reasonWords are the reasons that a person may give, as people say them.
var reasonWords = map[string]string{"验泵": "test-draw", "缺记录": "missing-record", "换板": "board-replaced", "其他": "other", "迟到": "late-record", "记录与走字不符": "register"}

func (s *Scene) closeExplained(who, counted string, n int, reason string) error {
	return s.closeShift(who, counted, record.MeterReason{Nozzle: nozzle(n), Kind: reasonWords[reason]})
}

func (s *Scene) closeUncounted(who string) error {
	return s.stationAct(stationprogram.PathCloseShift, stationprogram.CloseShift{By: who}, &stationprogram.ShiftView{})
}

func (s *Scene) handOver(who, to, counted string) error {
	m, err := money(counted)
	if err != nil {
		return err
	}
	q := stationprogram.HandOver{CloseShift: stationprogram.CloseShift{By: who, Counted: &m}, To: to, Float: m}
	return s.stationAct(stationprogram.PathHandOver, q, &stationprogram.ShiftView{})
}

func (s *Scene) closeAgain(who string, number int) error {
	return s.stationAct(stationprogram.PathCloseShift, stationprogram.CloseShift{By: who, Number: uint64(number)}, &stationprogram.ShiftView{})
}

// killInClose kills the program while it closes. Where the close was not durable, it never was; the person closes again.
func (s *Scene) killInClose(who string) error {
	if err := s.calmly(); err != nil {
		return err
	}
	if err := s.Town.Faults().KillAsking(s.here(), stationprogram.PathCloseShift, stationprogram.CloseShift{By: who, Number: 1}); err != nil {
		return err
	}
	return s.restart()
}

func (s *Scene) stationRefused(text string) error {
	if !strings.Contains(s.shift.refused, text) {
		return fmt.Errorf("加油站答 %q, 应拒绝并说 %q (the station did not refuse so)", s.shift.refused, text)
	}
	return nil
}

func (s *Scene) askX() (v stationprogram.ShiftView, err error) {
	if err := s.calmly(); err != nil {
		return v, err
	}
	err = s.command(s.here(), stationprogram.PathShift, stationprogram.AskShift{}, &v)
	return v, err
}

func (s *Scene) xShows(count int) error {
	v, err := s.askX()
	if err != nil {
		return err
	}
	sum := 0
	for _, m := range v.Report.Meters {
		sum += m.Count
	}
	return first(func() error { return want("笔数", sum, count) }, func() error { return want("报表", v.Kind, "X") },
		func() error { return want("末号", v.Report.To, uint64(0)) })
}

func (s *Scene) xBlind() error {
	v, err := s.askX()
	if err != nil {
		return err
	}
	return first(func() error { return want("写了现金", v.Report.Cash != nil, false) }, func() error { return want("写了结算方式", len(v.Report.Tenders) > 0, false) })
}

// z fetches a closed shift's report.
func (s *Scene) z(n int) (record.ShiftReport, error) {
	if s.shift.refused != "" {
		return record.ShiftReport{}, fmt.Errorf("加油站拒绝了 (the station refused): %s", s.shift.refused)
	}
	var v stationprogram.ShiftView
	err := s.command(s.here(), stationprogram.PathShift, stationprogram.AskShift{Number: uint64(n)}, &v)
	return v.Report, err
}

func (s *Scene) zTies(n, count int) error {
	r, err := s.z(n)
	if err != nil {
		return err
	}
	sum := 0
	for _, m := range r.Meters {
		sum += m.Count
		if m.Ran != m.Sold || len(m.Lines) > 0 {
			return fmt.Errorf("%d 号枪走字 %v, 售出 %v (ran, sold): %+v", m.Nozzle, m.Ran, m.Sold, m.Lines)
		}
	}
	return want("笔数", sum, count)
}

func (s *Scene) zBy(n int, opened, closed string) error {
	r, err := s.z(n)
	if err != nil {
		return err
	}
	return first(func() error { return want("开班", r.OpenedBy, opened) }, func() error { return want("交班", r.ClosedBy, closed) })
}

func (s *Scene) zLine(n, at int, quantity, reason string) error {
	r, err := s.z(n)
	if err != nil {
		return err
	}
	negative := strings.HasPrefix(quantity, "-")
	q, err := unit.ParseQuantity(strings.TrimPrefix(quantity, "-"))
	if err != nil {
		return err
	}
	if negative {
		q = -q
	}
	for _, m := range r.Meters {
		for _, l := range m.Lines {
			if m.Nozzle == nozzle(at) && l.Kind == reasonWords[reason] && near(l.Quantity, q) && m.Ran-m.Sold == l.Quantity {
				return nil
			}
		}
	}
	return fmt.Errorf("第 %d 班 %d 号枪没有这样的差额 (no such line): %+v", n, at, r.Meters)
}

func (s *Scene) zLate(n, from int) error {
	r, err := s.z(n)
	if err != nil {
		return err
	}
	if len(r.Late) != 1 || r.Late[0].Shift != uint64(from) || r.Late[0].Number == 0 || r.Late[0].Quantity == 0 {
		return fmt.Errorf("第 %d 班的迟到记录 (late records): %+v", n, r.Late)
	}
	return nil
}

func (s *Scene) zCash(n int, way, amount string) error {
	r, err := s.z(n)
	if err != nil {
		return err
	}
	m, err := money(amount)
	if err != nil {
		return err
	}
	if way == "短款" {
		m = -m
	}
	if r.Cash == nil {
		return fmt.Errorf("第 %d 班没有现金 (no cash)", n)
	}
	return want(way, r.Cash.Difference, m)
}

func (s *Scene) zStaff(n int, who, litresText string) error {
	r, err := s.z(n)
	if err != nil {
		return err
	}
	v, err := litres(litresText)
	if err != nil {
		return err
	}
	for _, x := range r.Staff {
		if x.Key == who && near(x.Quantity.Litres, v) {
			return nil
		}
	}
	return fmt.Errorf("第 %d 班的员工 (staff): %+v", n, r.Staff)
}

// apart says that each of the sums holds so much of each unit, as a pump gives it.
func apart(litres, kilograms, cubic string, sums map[string]unit.Volumes) error {
	var want [3]unit.Quantity
	for i, text := range []string{litres, kilograms, cubic} {
		var err error
		if want[i], err = unit.ParseQuantity(text); err != nil {
			return err
		}
	}
	for what, v := range sums {
		if !near(v.Litres, want[0]) || !near(v.Kilograms, want[1]) || !near(v.CubicMetres, want[2]) {
			return fmt.Errorf("%s: %v, 应各有 %v (want of each unit)", what, v, want)
		}
	}
	return nil
}

func (s *Scene) zUnits(n int, litres, kilograms, cubic string) error {
	r, err := s.z(n)
	if err != nil {
		return err
	}
	sums := map[string]unit.Volumes{}
	add := func(what string, v unit.Volumes) { sums[what] = sums[what].Plus(v) }
	for _, x := range r.Tenders {
		add("结算方式", x.Quantity)
	}
	for _, x := range r.Staff {
		add("员工", x.Quantity)
	}
	for _, x := range r.Days {
		add("营业日", x.Quantity)
	}
	for _, m := range r.Meters {
		add("油枪", m.Unit.Of(m.Sold))
	}
	return apart(litres, kilograms, cubic, sums)
}

func (s *Scene) dayUnits(litres, kilograms, cubic string) error {
	v, err := s.centerDay()
	if err != nil {
		return err
	}
	var d stationprogram.DayView
	if err := s.command(s.here(), stationprogram.PathDay, stationprogram.AskDay{Day: s.before()}, &d); err != nil {
		return err
	}
	var m stationprogram.MonthView
	if err := s.command(s.here(), stationprogram.PathMonth, stationprogram.AskMonth{Month: s.before().Month()}, &m); err != nil {
		return err
	}
	return apart(litres, kilograms, cubic, map[string]unit.Volumes{"中心": v.Books.Quantity, "中心收到的日结": v.Station.Quantity, "站的日结": d.Quantity, "月报": m.Quantity})
}

func (s *Scene) zChain(count int) error {
	var a stationprogram.Shifts
	if err := s.command(s.here(), stationprogram.PathShifts, stationprogram.AskShifts{}, &a); err != nil {
		return err
	}
	next := uint64(1)
	for i := len(a.Shifts) - 1; i >= 0; i-- {
		z := a.Shifts[i]
		if z.Number != uint64(len(a.Shifts)-i) || z.From != next || z.To < z.From {
			return fmt.Errorf("Z %d 的记录 %d 至 %d, 应从 %d 起 (records, should begin at)", z.Number, z.From, z.To, next)
		}
		next = z.To + 1
	}
	return want("班报", len(a.Shifts), count)
}

func (s *Scene) drawUnseen(n int, quantity string) error {
	q, err := litres(quantity)
	if err != nil {
		return err
	}
	return s.Town.Faults().DrawUnseen(nozzle(n), q)
}

func (s *Scene) duty(n int, who string) error {
	return s.stationAct(stationprogram.PathShiftDuty, stationprogram.AskDuty{Nozzle: nozzle(n), Person: who, By: "站长"}, &record.Done{})
}

func (s *Scene) dropCash(who, amount, to, bag string) error {
	m, err := money(amount)
	if err != nil {
		return err
	}
	return s.stationAct(stationprogram.PathShiftDrop, stationprogram.DropCash{By: who, Amount: m, To: to, Bag: bag}, &record.CashDropped{})
}

func (s *Scene) drawerHolds(amount string) error {
	m, err := money(amount)
	if err != nil {
		return err
	}
	v, err := s.askX()
	if err != nil || v.Report.Cash == nil {
		return errors.Join(err, fmt.Errorf("中间报表不写现金 (no cash): %+v", v))
	}
	return want("应有现金", v.Report.Cash.Expected, m)
}

// zDrawer: what came into the drawer by sales and left it in bags; the drops sum up.
func (s *Scene) zDrawer(n int, sales, dropped string) error {
	r, err := s.z(n)
	if err != nil {
		return err
	}
	in, err := money(sales)
	if err != nil {
		return err
	}
	out, err := money(dropped)
	if err != nil || r.Cash == nil {
		return errors.Join(err, fmt.Errorf("第 %d 班: %+v", n, r.Cash))
	}
	var sum unit.Fen
	for _, d := range r.Cash.Drops {
		sum += d.Amount
	}
	return first(func() error { return want("现金销售", r.Cash.Sales, in) }, func() error { return want("投币缴款", r.Cash.Dropped, out) },
		func() error { return want("各次之和", sum, out) }, func() error { return want("应有", r.Cash.Expected, r.Cash.Float+in-out) })
}

func (s *Scene) closeDipped(who, counted string, n int, text string) error {
	m, err := money(counted)
	if err != nil {
		return err
	}
	q, err := litres(text)
	if err != nil {
		return err
	}
	ask := stationprogram.CloseShift{By: who, Counted: &m, Dips: []record.Dip{{Tank: n, Quantity: q}}}
	return s.stationAct(stationprogram.PathCloseShift, ask, &stationprogram.ShiftView{})
}

// zDips are the dips at one end of a shift, by tank.
func (s *Scene) zDips(n int, end string) (map[int]record.Dip, error) {
	r, err := s.z(n)
	list := r.Opening
	if end == "交班" {
		list = r.Closing
	}
	dips := map[int]record.Dip{}
	for _, d := range list {
		dips[d.Tank] = d
	}
	if err == nil && len(dips) != len(list) {
		err = fmt.Errorf("第 %d 班%s: 一罐有两次 (a tank stands twice): %+v", n, end, list)
	}
	return dips, err
}

func (s *Scene) zDip(n int, end string, tank int, text, from string) error {
	dips, err := s.zDips(n, end)
	if err != nil {
		return err
	}
	d, ok := dips[tank]
	return first(func() error { return want("有量油", ok, true) }, func() error { return want("来自液位仪", d.Gauge, from == "液位仪") },
		func() error { return about("油量", d.Quantity, text, twoDips) })
}

func (s *Scene) zNoDip(n int, end string, tank int) error {
	dips, err := s.zDips(n, end)
	if err != nil {
		return err
	}
	_, ok := dips[tank]
	return want("有量油", ok, false)
}

func (s *Scene) zTender(n int, way string, count int) error {
	r, err := s.z(n)
	if err != nil {
		return err
	}
	key := ways[way]
	if way == "刷卡" {
		key = "card"
	}
	for _, x := range r.Tenders {
		if x.Key == key {
			return want(way, x.Count, count)
		}
	}
	return fmt.Errorf("第 %d 班没有 %s (no such tender): %+v", n, way, r.Tenders)
}

func (s *Scene) zSales(n, count int, cash string) error {
	r, err := s.z(n)
	if err != nil {
		return err
	}
	m, err := money(cash)
	if err != nil || r.Cash == nil {
		return errors.Join(err, fmt.Errorf("第 %d 班: %+v", n, r.Cash))
	}
	meters, days := 0, 0
	for _, x := range r.Meters {
		meters += x.Count
	}
	for _, x := range r.Days {
		days += x.Count
	}
	return first(func() error { return want("各枪笔数", meters, count) }, func() error { return want("各日笔数", days, count) },
		func() error { return want("现金销售", r.Cash.Sales, m) })
}

func (s *Scene) closeDate(who, date string) error {
	d, err := strconv.Atoi(strings.ReplaceAll(date, "-", ""))
	if err != nil {
		return err
	}
	return s.stationAct(stationprogram.PathCloseDay, stationprogram.CloseDay{Day: clock.BusinessDay(d), By: who}, &stationprogram.DayView{})
}

func (s *Scene) closeMonthOf(who string, month int) error {
	return s.stationAct(stationprogram.PathCloseMonth, stationprogram.CloseMonth{Month: month, By: who}, &stationprogram.MonthView{})
}

func (s *Scene) passTo(year, month, day, hour, minute int) error {
	at := clock.At(year, time.Month(month), day, hour, minute, 0)
	if wait := at.Sub(s.Town.Now()); wait > 0 {
		s.Town.Pass(wait)
	}
	return nil
}

// monthTies: the month is the sum of its closed days, and the center has each of them.
func (s *Scene) monthTies(month, days, count int) error {
	if err := s.calmly(); err != nil {
		return err
	}
	var m stationprogram.MonthView
	if err := s.command(s.here(), stationprogram.PathMonth, stationprogram.AskMonth{Month: month}, &m); err != nil {
		return err
	}
	var sum record.DaySum
	closed := 0
	for d := clock.BusinessDay(month*100 + 1); d.Valid() && d.Month() == month; d++ {
		var v stationprogram.DayView
		if err := s.command(s.here(), stationprogram.PathDay, stationprogram.AskDay{Day: d}, &v); err != nil {
			return err
		}
		if v.Number == 0 {
			continue
		}
		closed++
		sum = sum.Plus(v.DaySum)
		var c center.DayView
		if err := s.command(record.Center, center.PathDay, center.AskDay{Site: s.here(), Day: d}, &c); err != nil {
			return err
		}
		if c.Station == nil || !c.Tied || c.Books != v.DaySum {
			return fmt.Errorf("%v: 站 %+v, 中心 %+v (station and center differ)", d, v.DaySum, c)
		}
	}
	return first(func() error { return want("日结", closed, days) }, func() error { return want("月报天数", m.Days, days) },
		func() error { return want("月报", m.DaySum, sum) }, func() error { return want("笔数", m.Count, count) })
}

// cutIn orders a layout whose business days end in so many minutes.
func (s *Scene) cutIn(minutes int) error {
	var v center.LayoutView
	if err := s.command(record.Center, center.PathLayout, center.AskSite{Site: s.here()}, &v); err != nil {
		return err
	}
	c := s.Town.Now().Add(time.Duration(minutes) * time.Minute).Civil()
	c.Second = 0
	s.shift.cut, s.shift.minute = c.Instant(), c.Hour*60+c.Minute
	v.Layout.DayCut = s.shift.minute
	if err := s.command(record.Center, center.PathPutLayout, center.PutLayout{Site: s.here(), Layout: v.Layout, By: "城镇"}, &center.Issued{}); err != nil {
		return err
	}
	return s.Town.Until("站用上新的换日时刻", func() bool {
		err := s.command(record.Center, center.PathLayout, center.AskSite{Site: s.here()}, &v)
		return err == nil && v.Applied == v.Version
	}, calm)
}

// cutAhead passes the time up to so many seconds before the cut; too late is a failure: the story wants a sale on either side.
func (s *Scene) cutAhead(seconds int) error {
	wait := s.shift.cut.Sub(s.Town.Now()) - time.Duration(seconds)*time.Second
	if wait < 0 {
		return fmt.Errorf("离换日只剩 %v (the cut is nearer)", s.shift.cut.Sub(s.Town.Now()))
	}
	s.Town.Pass(wait)
	return nil
}

func (s *Scene) cutPassed() error {
	return s.Town.Until("换日", func() bool { return s.Town.Now() >= s.shift.cut }, 10*time.Minute)
}

// beforeCut lets time pass until so many milliseconds before the cut.
func (s *Scene) beforeCut(ms int) error {
	left := s.shift.cut.Add(-time.Duration(ms) * time.Millisecond).Sub(s.Town.Now())
	if left <= 0 {
		return errors.New("换日的时刻已近 (it is too late for that)")
	}
	s.Town.Pass(left)
	return nil
}

// before is the business day that ends at the cut.
func (s *Scene) before() clock.BusinessDay {
	return s.shift.cut.Add(-time.Second).Civil().BusinessDay(s.shift.minute)
}

func (s *Scene) closeDay(who string) error {
	return s.stationAct(stationprogram.PathCloseDay, stationprogram.CloseDay{Day: s.before(), By: who}, &stationprogram.DayView{})
}

// centerDay is the day before the cut by the center's books, once everything is there.
func (s *Scene) centerDay() (v center.DayView, err error) {
	if s.shift.refused != "" {
		return v, fmt.Errorf("加油站拒绝了 (the station refused): %s", s.shift.refused)
	}
	if err := s.calmly(); err != nil {
		return v, err
	}
	err = s.command(record.Center, center.PathDay, center.AskDay{Site: s.here(), Day: s.before()}, &v)
	return v, err
}

func (s *Scene) dayTies(count int) error {
	v, err := s.centerDay()
	if err != nil {
		return err
	}
	if v.Station == nil || !v.Tied || v.Difference != (record.DaySum{}) {
		return fmt.Errorf("站与中心的日结不一致 (the day does not tie): %+v", v)
	}
	return first(func() error { return want("中心笔数", v.Books.Count, count) }, func() error { return want("站笔数", v.Station.Count, count) })
}

func (s *Scene) dayLate(count int) error {
	v, err := s.centerDay()
	if err != nil {
		return err
	}
	var d stationprogram.DayView
	if err := s.command(s.here(), stationprogram.PathDay, stationprogram.AskDay{Day: s.before()}, &d); err != nil {
		return err
	}
	return first(func() error { return want("中心迟到", v.Late.Count, count) }, func() error { return want("站迟到", d.Late, v.Late) })
}

// sameDays compares each sale's day at both ends, and says how many there are on either side of the cut.
func (s *Scene) sameDays(count int) error {
	if err := s.calmly(); err != nil {
		return err
	}
	var list center.Sales
	if err := s.command(record.Center, center.PathSales, center.AskSales{Site: s.here()}, &list); err != nil {
		return err
	}
	before, after := 0, 0
	for _, x := range list.Sales {
		switch {
		case x.StationDay != x.BusinessDay || x.BusinessDay == 0:
			return fmt.Errorf("%s: 站记 %v, 中心记 %v (days of station and center)", x.ID, x.StationDay, x.BusinessDay)
		case x.BusinessDay == s.before():
			before++
		case x.BusinessDay == s.shift.cut.Civil().BusinessDay(s.shift.minute):
			after++
		default:
			return fmt.Errorf("%s: 营业日 %v (business day)", x.ID, x.BusinessDay)
		}
	}
	return first(func() error { return want("换日前", before, count) }, func() error { return want("换日后", after, count) })
}

func (s *Scene) closeMonth(who string) error {
	return s.stationAct(stationprogram.PathCloseMonth, stationprogram.CloseMonth{Month: s.Town.Now().Civil().BusinessDay(0).Month(), By: who}, &stationprogram.MonthView{})
}

// near says that a pump has sold what the customer wanted, and the pulses that it takes to stop.
func near(got, wanted unit.Quantity) bool { return max(got-wanted, wanted-got) <= 50 }
