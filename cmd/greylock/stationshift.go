package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/system/center"
	"greylock/system/clock"
	"greylock/system/station"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// stationShift is the shifts of a station.
func (e *env) stationShift(addr *string) *cobra.Command {
	group := &cobra.Command{Use: "shift", Short: "班次: 开班, 交接, 交班, 中间报表, 班报 (shifts)"}
	group.AddCommand(e.openShift(addr), e.handOver(addr), e.closeShift(addr), e.xReport(addr), e.listShifts(addr), e.showZ(addr), e.shiftDuty(addr), e.dropCash(addr))
	return group
}

// drawer reads amounts and dips from flags.
type drawer struct {
	float, counted string
	dips, explain  []string
}

func (d *drawer) flags(c *cobra.Command, opens, closes bool) {
	if opens {
		c.Flags().StringVar(&d.float, "float", "0", "接班备用金, 元 (cash in the drawer)")
	}
	if closes {
		c.Flags().StringVar(&d.counted, "counted", "", "点钞金额, 元; 盲点必填 (cash by count)")
		c.Flags().StringArrayVar(&d.explain, "explain", nil, "差额原因 枪号=test-draw|missing-record|board-replaced|other[:说明] (why a difference)")
	}
	c.Flags().StringArrayVar(&d.dips, "dip", nil, "量油 罐号=升; 不写则自己读液位仪 (tank=litres; the gauge is read where nothing is said)")
}

// read fills what the flags say.
func (d *drawer) read(float *unit.Fen, q *station.CloseShift) (err error) {
	if float != nil {
		if *float, err = unit.ParseFen(d.float); err != nil {
			return cli.Usagef("--float: %v", err)
		}
	}
	if d.counted != "" {
		m, err := unit.ParseFen(d.counted)
		if err != nil {
			return cli.Usagef("--counted: %v", err)
		}
		q.Counted = &m
	}
	for _, text := range d.dips {
		tank, litres, _ := strings.Cut(text, "=")
		n, err := strconv.Atoi(tank)
		v, bad := unit.ParseQuantity(litres)
		if err != nil || bad != nil {
			return cli.Usagef("--dip %q: 应为 罐号=升, 如 1=12000.00 (want tank=litres)", text)
		}
		q.Dips = append(q.Dips, record.Dip{Tank: n, Quantity: v})
	}
	for _, text := range d.explain {
		nozzle, why, _ := strings.Cut(text, "=")
		kind, note, _ := strings.Cut(why, ":")
		n, err := strconv.Atoi(nozzle)
		if err != nil {
			return cli.Usagef("--explain %q: 应为 枪号=原因[:说明] (want nozzle=reason)", text)
		}
		q.Reasons = append(q.Reasons, record.MeterReason{Nozzle: record.Nozzle(n), Kind: kind, Note: note})
	}
	return nil
}

func (e *env) openShift(addr *string) *cobra.Command {
	var q station.OpenShift
	var d drawer
	c := command(e, addr, "open", "开班 (open a shift)", station.PathOpenShift, func([]string) (any, error) {
		var x station.CloseShift
		err := d.read(&q.Float, &x)
		q.Dips = x.Dips
		return q, err
	}, showShift)
	by(c, &q.By)
	c.Flags().BoolVar(&q.Blind, "blind", false, "盲点: 交班前不显示应有现金 (count the cash before its figure is shown)")
	d.flags(c, true, false)
	return c
}

func (e *env) handOver(addr *string) *cobra.Command {
	var q station.HandOver
	var d drawer
	c := command(e, addr, "handover", "交接班: 交一班, 开一班 (hand over)", station.PathHandOver, func([]string) (any, error) {
		err := d.read(&q.Float, &q.CloseShift)
		return q, err
	}, showShift)
	by(c, &q.By)
	c.Flags().StringVar(&q.To, "to", "", "接班人 (who takes over)")
	c.Flags().BoolVar(&q.Blind, "blind", false, "下一班盲点 (blind count in the next shift)")
	c.Flags().Uint64Var(&q.Number, "shift", 0, "班次号, 缺省为当前班 (which shift)")
	d.flags(c, true, true)
	return c
}

func (e *env) closeShift(addr *string) *cobra.Command {
	var q station.CloseShift
	var d drawer
	c := command(e, addr, "close", "交班, 出班报 Z (close the shift)", station.PathCloseShift, func([]string) (any, error) {
		err := d.read(nil, &q)
		return q, err
	}, showShift)
	by(c, &q.By)
	c.Flags().Uint64Var(&q.Number, "shift", 0, "班次号, 缺省为当前班 (which shift)")
	d.flags(c, false, true)
	return c
}

func (e *env) xReport(addr *string) *cobra.Command {
	return command(e, addr, "x", "中间报表 X, 随时可看 (X report)", station.PathShift, nothing, showShift)
}

func (e *env) showZ(addr *string) *cobra.Command {
	c := command(e, addr, "show N", "重看第 N 班的班报 (a Z again)", station.PathShift, func(args []string) (any, error) {
		n, err := strconv.ParseUint(args[0], 10, 64)
		if err != nil || n == 0 {
			return nil, cli.Usagef("%q 不是班次号, 见 shift list (not the number of a shift)", args[0])
		}
		return station.AskShift{Number: n}, nil
	}, showShift)
	c.Args = cobra.ExactArgs(1)
	return c
}

func (e *env) listShifts(addr *string) *cobra.Command {
	var q station.AskShifts
	c := command(e, addr, "list", "已交的班 (closed shifts)", station.PathShifts, func([]string) (any, error) { return q, nil }, func(w io.Writer, a station.Shifts) {
		t := cli.Table{Heads: []string{"班", "开班", "交班", "交班人", "记录", "金额", "长短款"}}
		for _, r := range a.Shifts {
			sum := total(r.Tenders)
			difference := "未点"
			if r.Cash != nil && r.Cash.Counted != nil {
				difference = r.Cash.Difference.String()
			}
			t.Add(r.Number, civil(r.OpenedMs), civil(r.ClosedMs), r.ClosedBy, fmt.Sprintf("%d–%d", r.From, r.To), sum.Amount, difference)
		}
		t.Write(w)
		if a.Open != nil {
			fmt.Fprintf(w, "第 %d 班由 %s 开着 (open)\n", a.Open.Number, a.Open.By)
		}
	})
	c.Flags().IntVar(&q.Limit, "limit", 20, "条数 (how many)")
	return c
}

func (e *env) shiftDuty(addr *string) *cobra.Command {
	var q station.AskDuty
	n := 0
	c := command(e, addr, "duty", "某枪由谁当班 (who serves a nozzle)", station.PathShiftDuty, func([]string) (any, error) {
		q.Nozzle = record.Nozzle(n)
		return q, nil
	}, func(w io.Writer, _ record.Done) { fmt.Fprintln(w, "已登记 (noted)") })
	by(c, &q.By)
	c.Flags().IntVar(&n, "nozzle", 0, "枪号 (nozzle)")
	c.Flags().StringVar(&q.Person, "person", "", "加油员, 空为无人 (attendant)")
	return c
}

// cashPlaceWords are where a drop goes.
var cashPlaceWords = map[string]string{"safe": "投币入保险柜", "bank": "缴款到银行"}

func (e *env) dropCash(addr *string) *cobra.Command {
	var q station.DropCash
	amount := ""
	c := command(e, addr, "drop", "投币或缴款: 现金装封包离开抽屉 (cash leaves the drawer)", station.PathShiftDrop, func([]string) (_ any, err error) {
		if q.Amount, err = unit.ParseFen(amount); err != nil {
			return nil, cli.Usagef("--amount: %v", err)
		}
		return q, nil
	}, func(w io.Writer, f record.CashDropped) {
		fmt.Fprintf(w, "第 %d 班: %s %v 元, 封包 %s, %s (noted)\n", f.Shift, worded(cashPlaceWords, f.To), f.Amount, f.Bag, f.By)
	})
	by(c, &q.By)
	c.Flags().StringVar(&amount, "amount", "", "金额, 元 (yuan)")
	c.Flags().StringVar(&q.To, "to", "safe", "safe 保险柜, bank 银行 (where it goes)")
	c.Flags().StringVar(&q.Bag, "bag", "", "封包号或缴款单号, 一班只用一次 (number of bag or slip)")
	return c
}

// total adds sums up.
func total(list []record.ShiftSum) (all record.DaySum) {
	for _, x := range list {
		all = all.Plus(x.DaySum)
	}
	return all
}

// lineKinds are the words of a difference.
var lineKinds = map[string]string{"missing-record": "缺记录", "unrecorded": "无记录, 未说明", "late-record": "迟到记录", "board-replaced": "换板",
	"register": "记录与走字不符", "test-draw": "验泵", "other": "其他"}

// tenderWords are the ways of paying.
var tenderWords = map[string]string{"cash": "现金", "card": "IC 卡", "account": "账户", "bank": "银行卡", "voucher": "油票", "owed": "逃卡未付", "test": "验泵", "other": "其他"}

// typeWords are T-TYPE.
var typeWords = map[string]string{"0": "正常加油", "1": "逃卡", "3": "补扣", "4": "补充", "7": "无卡加油"}

func worded(words map[string]string, key string) string {
	if w, ok := words[key]; ok {
		return w
	}
	return key
}

// showShift prints a 班报.
func showShift(w io.Writer, v station.ShiftView) {
	r := v.Report
	title := fmt.Sprintf("班报 Z %04d", r.Number)
	if v.Kind == "X" {
		title = fmt.Sprintf("中间报表 X (第 %d 班)", r.Number)
	}
	fmt.Fprintf(w, "%s %s  %s\n", v.Site, v.Name, title)
	opened := "未开班 (no shift is open)"
	if r.OpenedMs != 0 {
		opened = fmt.Sprintf("开班 %s %s", civil(r.OpenedMs), r.OpenedBy)
	}
	fmt.Fprintf(w, "%s  至 %s %s  记录 %d–%d\n", opened, civil(r.ClosedMs), r.ClosedBy, r.From, r.To)
	showMeters(w, r.Meters)
	for _, part := range []struct {
		head  string
		words map[string]string
		list  []record.ShiftSum
	}{{"油品", nil, r.Products}, {"结算方式", tenderWords, r.Tenders}, {"交易类型", typeWords, r.Types}, {"员工", nil, r.Staff}} {
		showSums(w, part.head, part.words, part.list)
	}
	for _, x := range r.Late {
		fmt.Fprintf(w, "迟到: %d 口 %d 号枪 流水 %d, %s, %v, %v 元, 出在第 %d 班\n", x.Port, x.Nozzle, x.Number, x.Time, x.Unit.Of(x.Quantity), x.Amount, x.Shift)
	}
	showDrawer(w, v)
	showDips(w, "接班", r.Opening)
	showDips(w, "交班", r.Closing)
}

func showDips(w io.Writer, when string, list []record.Dip) {
	for _, d := range list {
		from := "人工量油"
		if d.Gauge {
			from = "液位仪"
		}
		fmt.Fprintf(w, "%s%s: %d 号罐 %v 升\n", when, from, d.Tank, d.Quantity)
	}
}

func showMeters(w io.Writer, list []record.ShiftMeter) {
	t := cli.Table{Heads: []string{"枪", "口", "单位", "起码", "止码", "走字", "售出", "金额", "笔", "差额"}}
	for _, m := range list {
		zh, _ := m.Unit.Words()
		t.Add(m.Nozzle, m.Port, zh, unit.Quantity(m.Open), unit.Quantity(m.Close), m.Ran, m.Sold, m.Amount, m.Count, m.Ran-m.Sold)
	}
	t.Write(w)
	for _, m := range list {
		for _, l := range m.Lines {
			fmt.Fprintf(w, "  %d 号枪 %v: %s%s %s\n", m.Nozzle, m.Unit.Of(l.Quantity), worded(lineKinds, l.Kind), numbers(l), l.Note)
		}
		if m.Beyond != 0 {
			fmt.Fprintf(w, "  %d 号枪 在加或未到 %v, 属下一班\n", m.Nozzle, m.Unit.Of(m.Beyond))
		}
	}
}

// numbers are the record numbers of a line.
func numbers(l record.MeterLine) string {
	switch {
	case l.First == 0:
		return ""
	case l.First == l.Last:
		return fmt.Sprintf(" (流水 %d)", l.First)
	}
	return fmt.Sprintf(" (流水 %d–%d)", l.First, l.Last)
}

func showSums(w io.Writer, head string, words map[string]string, list []record.ShiftSum) {
	if len(list) == 0 {
		return
	}
	t := cli.Table{Heads: []string{head, "笔", "数量", "金额"}}
	for _, x := range list {
		t.Add(worded(words, x.Key), x.Count, x.Quantity, x.Amount)
	}
	t.Write(w)
}

func showDrawer(w io.Writer, v station.ShiftView) {
	k := v.Report.Cash
	if k == nil {
		fmt.Fprintln(w, "现金: 盲点, 交班后显示 (blind count)")
		return
	}
	for _, d := range k.Drops {
		fmt.Fprintf(w, "%s: %v 元, 封包 %s, %s %s\n", worded(cashPlaceWords, d.To), d.Amount, d.Bag, civil(d.TimeMs), d.By)
	}
	fmt.Fprintf(w, "现金: 备用金 %v + 现金销售 %v - 投币缴款 %v = 应有 %v", k.Float, k.Sales, k.Dropped, k.Expected)
	switch {
	case k.Counted == nil:
		fmt.Fprintln(w, ", 未点")
	case k.Difference < 0:
		fmt.Fprintf(w, ", 点钞 %v, 短款 %v\n", *k.Counted, -k.Difference)
	case k.Difference > 0:
		fmt.Fprintf(w, ", 点钞 %v, 长款 %v\n", *k.Counted, k.Difference)
	default:
		fmt.Fprintf(w, ", 点钞 %v, 平\n", *k.Counted)
	}
}

// dated reads YYYYMMDD or YYYY-MM-DD.
func dated(text string) (clock.BusinessDay, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(strings.ReplaceAll(text, "-", ""))
	if d := clock.BusinessDay(n); err == nil && d.Valid() {
		return d, nil
	}
	return 0, cli.Usagef("%q 不是日期, 写成 2026-11-22 (not a date)", text)
}

// stationDay is the business days of a station.
func (e *env) stationDay(addr *string) *cobra.Command {
	group := &cobra.Command{Use: "day", Short: "营业日与日结 (business days)"}
	var date, by1 string
	shut := command(e, addr, "close", "日结: 该日的班都已交 (close a business day)", station.PathCloseDay, func([]string) (any, error) {
		d, err := dated(date)
		return station.CloseDay{Day: d, By: by1}, err
	}, showStationDay)
	shut.Flags().StringVar(&date, "date", "", "营业日 YYYY-MM-DD (business day)")
	_ = shut.MarkFlagRequired("date") // the flag is defined above
	by(shut, &by1)
	show := command(e, addr, "show", "看一个营业日, 缺省今日 (a business day)", station.PathDay, func([]string) (any, error) {
		d, err := dated(date)
		return station.AskDay{Day: d}, err
	}, showStationDay)
	show.Flags().StringVar(&date, "date", "", "营业日 YYYY-MM-DD (business day)")
	group.AddCommand(shut, show)
	return group
}

func showStationDay(w io.Writer, v station.DayView) {
	state := "未日结 (open)"
	if v.Number > 0 {
		state = fmt.Sprintf("日结 %04d (closed)", v.Number)
	}
	fmt.Fprintf(w, "%s %s  营业日 %v  %s\n", v.Site, v.Name, v.Day.Day, state)
	fmt.Fprintf(w, "已交班 %d 笔, %v, %v 元, 在班次 %v\n", v.Count, v.Quantity, v.Amount, v.Shifts)
	showSums(w, "结算方式", tenderWords, v.Tenders)
	if v.Open.Count > 0 {
		fmt.Fprintf(w, "未交班 %d 笔, %v, %v 元\n", v.Open.Count, v.Open.Quantity, v.Open.Amount)
	}
	if v.Late.Count > 0 {
		fmt.Fprintf(w, "日结后迟到 %d 笔, %v, %v 元\n", v.Late.Count, v.Late.Quantity, v.Late.Amount)
	}
}

// stationMonth is the months of a station.
func (e *env) stationMonth(addr *string) *cobra.Command {
	month := 0
	show := func(w io.Writer, v station.MonthView) {
		fmt.Fprintf(w, "%s %s  %d 月: %d 个营业日已日结, %d 笔, %v, %v 元\n", v.Site, v.Name, v.Month, v.Days, v.Count, v.Quantity, v.Amount)
		showSums(w, "结算方式", tenderWords, v.Tenders)
		if v.Late.Count > 0 {
			fmt.Fprintf(w, "其中日结后迟到另有 %d 笔, %v, %v 元\n", v.Late.Count, v.Late.Quantity, v.Late.Amount)
		}
	}
	c := command(e, addr, "month", "月报 (a month)", station.PathMonth, func([]string) (any, error) { return station.AskMonth{Month: month}, nil }, show)
	c.PersistentFlags().IntVar(&month, "month", 0, "YYYYMM, 缺省本月 (default this month)")
	var who string
	shut := command(e, addr, "close", "月结: 该月各日都已日结 (close a month)", station.PathCloseMonth,
		func([]string) (any, error) { return station.CloseMonth{Month: month, By: who}, nil }, show)
	by(shut, &who)
	c.AddCommand(shut)
	return c
}

// centerDay is a station's business day by the center's books.
func (e *env) centerDay(addr *string) *cobra.Command {
	var site, date string
	c := command(e, addr, "day", "某站的营业日: 中心逐笔之和与站的日结 (a station's day, by record and by its Z)", center.PathDay, func([]string) (any, error) {
		d, err := dated(date)
		return center.AskDay{Site: record.SiteID(site), Day: d}, err
	}, showCenterDay)
	c.Flags().StringVar(&site, "site", "", "四位站点号 (four digits)")
	c.Flags().StringVar(&date, "date", "", "营业日 YYYY-MM-DD, 缺省今日 (business day)")
	return c
}

func showCenterDay(w io.Writer, v center.DayView) {
	fmt.Fprintf(w, "%s %s  营业日 %v\n", v.Site, v.Name, v.Day)
	t := cli.Table{Heads: []string{"", "笔", "数量", "金额"}}
	add := func(what string, s record.DaySum) { t.Add(what, s.Count, s.Quantity, s.Amount) }
	add("中心账上", v.Books)
	if v.Station != nil {
		add("站日结", v.Station.DaySum)
		add("差额", v.Difference)
	}
	add("日结后迟到", v.Late)
	t.Write(w)
	for _, h := range v.Held {
		fmt.Fprintf(w, "未入账: 记录 %d, %s, %v, %v 元\n", h.Seq, h.Reason, h.Quantity, h.Amount)
	}
	for _, a := range v.Absorbed {
		fmt.Fprintf(w, "终端 %s: 加油机示数 %v, %v 元, 入账 %v, %v 元 (register and books; a card pays at most its balance)\n", a.ID, a.Fuel.Quantity, a.Fuel.Amount, a.Books.Quantity, a.Books.Amount)
	}
	for _, m := range v.Moved {
		fmt.Fprintf(w, "营业日不同: %s 记录 %d, 站记 %v\n", m.ID, m.Seq, m.StationDay)
	}
	switch {
	case v.Station == nil:
		fmt.Fprintln(w, "站尚未日结, 或日结还没到中心 (the station has not closed it, or it is not here yet)")
	case v.Tied:
		fmt.Fprintln(w, "一致: 差额都有记录可查 (tied)")
	default:
		fmt.Fprintln(w, "不一致: 有差额没有记录说明 (not tied)")
	}
}
