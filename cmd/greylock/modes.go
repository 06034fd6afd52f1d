package main

import (
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/system/station"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// stationModes are the commands about what is no sale to a card.
func (e *env) stationModes(addr *string) []*cobra.Command {
	test := &cobra.Command{Use: "test", Short: "验泵 (test draws)"}
	var q station.ReturnTest
	back := command(e, addr, "return DRAW", "登记验泵油已回罐 (the fuel of a test draw is back in the tank)", station.PathTestReturn, func(args []string) (any, error) {
		n, err := strconv.ParseUint(args[0], 10, 64)
		if err != nil {
			return nil, cli.Usagef("验泵编号 %q 不是数字, 编号见 tests (not the number of a test draw)", args[0])
		}
		q.Draw = n
		return q, nil
	}, func(w io.Writer, _ record.Done) { fmt.Fprintln(w, "已登记回罐 (returned)") })
	back.Args = cobra.ExactArgs(1)
	by(back, &q.By)
	test.AddCommand(back)
	return []*cobra.Command{
		command(e, addr, "volumes", "售出数量, 按油气品和单位 (what was sold, by product and by unit)", station.PathVolumes, nothing, showVolumes),
		command(e, addr, "duty", "各枪当班员工 (who is on duty)", station.PathDuty, nothing, showDuty),
		command(e, addr, "tests", "验泵记录, 是否已回罐 (test draws, and whether the fuel is back)", station.PathTests, nothing, showTests),
		test,
	}
}

func showDuty(w io.Writer, d station.Duty) {
	t := cli.Table{Heads: []string{"口", "枪", "员工", "员工卡", "上班", "上班泵码", "此后走量"}}
	for _, n := range d.Nozzles {
		who := "无人"
		if n.Employee != 0 {
			who = strconv.Itoa(n.Employee)
		}
		t.Add(n.Port, n.Nozzle, who, n.ASN, n.Since, n.Start, n.Moved)
	}
	t.Write(w)
}

func showTests(w io.Writer, a station.Tests) {
	t := cli.Table{Heads: []string{"编号", "枪", "时间", "验泵卡", "油品", "数量", "回罐"}}
	for _, x := range a.Tests {
		back := "未回罐"
		if x.Returned != "" {
			back = x.Returned
		}
		t.Add(x.Draw, x.Nozzle, x.Time, x.ASN, x.Product, x.Quantity, back)
	}
	t.Write(w)
	fmt.Fprintf(w, "未回罐 %d 笔 (open)\n", a.Open)
}

func unitWord(u unit.Unit) string { zh, _ := u.Words(); return zh }

func showVolumes(w io.Writer, a station.Volumes) {
	t := cli.Table{Heads: []string{"油气品", "单位", "笔数", "数量", "金额", "验泵"}}
	for _, v := range a.Products {
		t.Add(v.Product, unitWord(v.Unit), v.Fills, v.Quantity, v.Amount, v.Tests)
	}
	for _, v := range a.Units {
		t.Add("合计", unitWord(v.Unit), v.Fills, v.Quantity, v.Amount, v.Tests)
	}
	t.Write(w)
}
