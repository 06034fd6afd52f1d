package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greylock/cmd/internal/cli"
	"greylock/system/center"
	"greylock/system/clock"
	"greylock/system/shift"
	"greylock/system/station"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// TestShiftPrint: the printed 班报 of a shift with all that it can hold.
func TestShiftPrint(t *testing.T) {
	t.Parallel()
	counted := unit.Fen(390_00)
	at := clock.At(2026, 11, 22, 8, 0, 0)
	v := station.ShiftView{Site: "0001", Name: "示范加油站", Kind: "Z", Report: record.ShiftReport{
		Number: 12, From: 4001, To: 4310, OpenedMs: at.Milli(), ClosedMs: at.Add(8 * 3600e9).Milli(), OpenedBy: "王强", ClosedBy: "李梅",
		Meters: []record.ShiftMeter{{Port: 1, Nozzle: 1, Open: 1234567, Close: 1239567, Ran: 5000, Sold: 4900, Amount: 38465, Count: 2, Beyond: 7,
			Lines: []record.MeterLine{{Kind: "missing-record", Quantity: 100, First: 17, Last: 18, Note: "已报修"}}}},
		Products: []record.ShiftSum{{Key: "1031", DaySum: record.DaySum{Count: 2, Quantity: unit.Litre.Of(4900), Amount: 38465}}},
		Tenders:  []record.ShiftSum{{Key: "card", DaySum: record.DaySum{Count: 2, Quantity: unit.Litre.Of(4900), Amount: 38465}}},
		Types:    []record.ShiftSum{{Key: "0", DaySum: record.DaySum{Count: 2, Quantity: unit.Litre.Of(4900), Amount: 38465}}},
		Staff:    []record.ShiftSum{{Key: "员工 7", DaySum: record.DaySum{Count: 2, Quantity: unit.Litre.Of(4900), Amount: 38465}}},
		Late:     []record.LateRecord{{Seq: 4100, Port: 1, Nozzle: 1, Number: 16, Time: "2026-11-22 07:59:00", Shift: 11, Quantity: 100, Amount: 785}},
		Cash: &record.ShiftCash{Float: 500_00, Dropped: 100_00, Expected: 400_00, Counted: &counted, Difference: -10_00,
			Drops: []record.CashDropped{{TimeMs: at.Milli(), Shift: 12, By: "王强", Amount: 100_00, To: "safe", Bag: "B-1"}}},
		Opening: []record.Dip{{Tank: 1, Quantity: 1200000}}, Closing: []record.Dip{{Tank: 1, Quantity: 1195000, Gauge: true}},
	}}
	const want = `0001 示范加油站  班报 Z 0012
开班 2026-11-22 08:00:00 王强  至 2026-11-22 16:00:00 李梅  记录 4001–4310
枪  口  单位  起码      止码      走字   售出   金额    笔  差额
1   1   升    12345.67  12395.67  50.00  49.00  384.65  2   1.00
  1 号枪 1.00 升: 缺记录 (流水 17–18) 已报修
  1 号枪 在加或未到 0.07 升, 属下一班
油品  笔  数量      金额
1031  2   49.00 升  384.65
结算方式  笔  数量      金额
IC 卡     2   49.00 升  384.65
交易类型  笔  数量      金额
正常加油  2   49.00 升  384.65
员工    笔  数量      金额
员工 7  2   49.00 升  384.65
迟到: 1 口 1 号枪 流水 16, 2026-11-22 07:59:00, 1.00 升, 7.85 元, 出在第 11 班
投币入保险柜: 100.00 元, 封包 B-1, 2026-11-22 08:00:00 王强
现金: 备用金 500.00 + 现金销售 0.00 - 投币缴款 100.00 = 应有 400.00, 点钞 390.00, 短款 10.00
接班人工量油: 1 号罐 12000.00 升
交班液位仪: 1 号罐 11950.00 升
`
	var out strings.Builder
	showShift(&out, v)
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	out.Reset()
	v.Kind, v.Report = "X", shift.Hidden(v.Report)
	showShift(&out, v)
	if s := out.String(); !strings.Contains(s, "中间报表 X (第 12 班)") || !strings.Contains(s, "盲点") || strings.Contains(s, "384.65") {
		t.Error(s)
	}
}

func TestDayPrint(t *testing.T) {
	t.Parallel()
	sum := record.DaySum{Count: 2, Quantity: unit.Litre.Of(4900), Amount: 38465}
	one := record.OneSale(100, unit.Litre, 785)
	d := station.DayView{Site: "0001", Name: "示范加油站", Day: shift.Day{DayReport: record.DayReport{Number: 3, Day: 20261122, LastShift: 12, Shifts: []uint64{11, 12}, DaySum: sum,
		Tenders: []record.ShiftSum{{Key: "card", DaySum: record.DaySum{Count: 2, Quantity: unit.Litre.Of(4900), Amount: 38465}}}}, Late: one, Open: one}}
	var out strings.Builder
	showStationDay(&out, d)
	for _, part := range []string{"营业日 2026-11-22  日结 0003", "已交班 2 笔, 49.00 升, 384.65 元, 在班次 [11 12]", "日结后迟到 1 笔, 1.00 升, 7.85 元", "未交班 1 笔"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("no %q in %s", part, out.String())
		}
	}
	for _, c := range []struct {
		v    center.DayView
		want string
	}{
		{center.DayView{Books: sum}, "站尚未日结"},
		{center.DayView{Books: sum, Station: &d.DayReport, Tied: true, Held: []center.HeldRecord{{Seq: 7, Reason: "tac-wrong", DaySum: one}}}, "一致: "},
		{center.DayView{Books: sum, Station: &d.DayReport, Tied: true, Absorbed: []center.AbsorbedSale{{ID: "994400000002-00000001", Seq: 9, Fuel: record.OneSale(1000, unit.Litre, 7850), Books: record.OneSale(1000, unit.Litre, 7840)}}}, "示数 10.00 升, 78.50 元, 入账 10.00 升, 78.40 元"},
		{center.DayView{Books: sum, Station: &d.DayReport, Moved: []center.MovedDay{{ID: "x", StationDay: 20261123}}}, "不一致"},
	} {
		out.Reset()
		showCenterDay(&out, c.v)
		if !strings.Contains(out.String(), c.want) {
			t.Errorf("no %q in %s", c.want, out.String())
		}
	}
}

func TestShiftFlags(t *testing.T) {
	t.Parallel()
	d := drawer{float: "500", counted: "490.5", dips: []string{"1=12000.00"}, explain: []string{"2=test-draw:检定", "3=other"}}
	var float unit.Fen
	var q station.CloseShift
	if err := d.read(&float, &q); err != nil || float != 500_00 || *q.Counted != 490_50 || q.Dips[0] != (record.Dip{Tank: 1, Quantity: 1200000}) ||
		q.Reasons[0] != (record.MeterReason{Nozzle: 2, Kind: "test-draw", Note: "检定"}) || q.Reasons[1].Kind != "other" {
		t.Errorf("%v %+v", err, q)
	}
	for _, bad := range []drawer{{float: "x"}, {float: "1", counted: "-1"}, {float: "1", dips: []string{"a=1"}}, {float: "1", dips: []string{"1"}}, {float: "1", explain: []string{"x"}}} {
		if err := bad.read(&float, &q); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	for text, want := range map[string]clock.BusinessDay{"": 0, "2026-11-22": 20261122, "20261122": 20261122} {
		if got, err := dated(text); err != nil || got != want {
			t.Errorf("%q: %v %v", text, got, err)
		}
	}
	if _, err := dated("2026-02-30"); err == nil {
		t.Error("2026-02-30 exists")
	}
}

// TestShiftVerbs: a shift by commands, and what each of them says to negative, absurd, doubled and untimely input: it changes nothing.
func TestShiftVerbs(t *testing.T) {
	t.Parallel()
	town := newQuickTown(t, "two-nozzles.yaml")
	type row struct {
		args string
		exit cli.Exit
		want string
	}
	try := func(rows []row) {
		t.Helper()
		state := func() station.ShiftView {
			v := into[station.ShiftView](t, call(t, append(town.at("shift", "x"), "--json")...))
			v.Report.ClosedMs = 0
			return v
		}
		before := state()
		for _, x := range rows {
			call(t, town.at(strings.Fields(x.args)...)...).want(t, x.exit, x.want, "下一步")
		}
		if d := cmp.Diff(before, state()); d != "" {
			t.Error(d)
		}
	}
	try([]row{
		{"shift close --by 王强", cli.Failed, "NO_SHIFT"}, {"shift handover --by 王强 --to 李梅", cli.Failed, "NO_SHIFT"}, {"shift drop --by 王强 --amount 1 --bag 1", cli.Failed, "NO_SHIFT"},
		{"shift open --by 王强 --float -5", cli.Usage, "--float"}, {"shift open --by 王强 --float 10000000.01", cli.Failed, "CASH"}, {"shift open --by=", cli.Failed, "BY"},
		{"shift open --by 王强 --dip 1=-3", cli.Usage, "--dip"}, {"shift open --by 王强 --dip 1=3", cli.Failed, "UNKNOWN_TANK"}, {"shift show 1", cli.Failed, "NO_Z"},
		{"shift show 0", cli.Usage, ""}, {"shift list --limit -1", cli.Failed, "LIMIT"}, {"day show --date 2026-02-30", cli.Usage, "2026-11-22"},
		{"day close --by 王强", cli.Usage, "date"}, {"day close --by 王强 --date 2026-11-22", cli.Failed, "DAY_NOT_OVER"}, {"day close --by= --date 2026-11-22", cli.Failed, "BY"},
		{"month --month 202613", cli.Failed, "MONTH"}, {"month --month x", cli.Usage, "--month"}, {"month close --by 王强", cli.Failed, "MONTH"},
		{"month close --by 王强 --month 202611", cli.Failed, "MONTH_NOT_OVER"}, {"month close --by 王强 --month -1", cli.Failed, "MONTH"},
	})
	call(t, town.at("shift", "open", "--by", "王强", "--float", "500")...).want(t, cli.OK, "中间报表 X (第 1 班)")
	call(t, town.at("shift", "drop", "--by", "王强", "--amount", "120.50", "--bag", "B-1")...).want(t, cli.OK, "投币入保险柜 120.50 元, 封包 B-1")
	call(t, town.at("shift", "duty", "--by", "王强", "--nozzle", "2", "--person", "赵六")...).want(t, cli.OK, "已登记")
	try([]row{
		{"shift open --by 李梅", cli.Failed, "SHIFT_OPEN"}, {"shift drop --by 王强 --amount 120.50 --bag B-1", cli.Failed, "DROPPED"}, {"shift drop --by 王强 --amount 0 --bag B-2", cli.Failed, "CASH"},
		{"shift drop --by 王强 --amount -1 --bag B-2", cli.Usage, "--amount"}, {"shift drop --by 王强 --bag B-2", cli.Usage, "--amount"}, {"shift drop --by 王强 --amount 1", cli.Failed, "BAG"},
		{"shift drop --by 王强 --amount 1 --bag B-2 --to pocket", cli.Failed, "BAG"}, {"shift drop --by= --amount 1 --bag B-2", cli.Failed, "BY"},
		{"shift duty --by 王强 --nozzle 9", cli.Failed, "NO_NOZZLE"}, {"shift duty --by 王强 --nozzle -1", cli.Failed, "NO_NOZZLE"}, {"shift duty --by= --nozzle 1", cli.Failed, "BY"},
		{"shift handover --by 赵六 --to 李梅", cli.Failed, "NOT_ON_DUTY"}, {"shift handover --by 王强 --to 王强", cli.Failed, "SAME_PERSON"}, {"shift handover --by 王强", cli.Failed, "TO"},
		{"shift close --by 王强 --counted -1", cli.Usage, "--counted"}, {"shift close --by 王强 --counted 99999999", cli.Failed, "CASH"}, {"shift close --by 王强 --shift 2", cli.Failed, "NO_SHIFT"},
		{"shift close --by 王强 --explain x", cli.Usage, "--explain"}, {"shift close --by 王强 --explain 9=other", cli.Failed, "NO_NOZZLE"}, {"shift close --by 王强 --explain 1=because", cli.Failed, "REASON"},
	})
	call(t, town.at("shift", "handover", "--by", "王强", "--to", "李梅", "--counted", "379.50", "--float", "379.50")...).want(t, cli.OK, "班报 Z 0001", "投币缴款 120.50 = 应有 379.50", "平")
	call(t, town.at("shift", "close", "--by", "李梅", "--counted", "379.00")...).want(t, cli.OK, "班报 Z 0002", "短款 0.50")
	try([]row{{"shift close --by 李梅 --shift 2", cli.Failed, "SHIFT_CLOSED"}, {"shift close --by 李梅", cli.Failed, "NO_SHIFT"}})
	call(t, town.at("shift", "list")...).want(t, cli.OK, "王强", "李梅", "-0.50")
	call(t, town.at("shift", "show", "1")...).want(t, cli.OK, "封包 B-1")
}
