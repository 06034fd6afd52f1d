package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/system/station"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// stationTill groups the card terminals that the station runs for plain dispensers.
func (e *env) stationTill(addr *string) *cobra.Command {
	group := &cobra.Command{Use: "till", Short: "收银终端: 站控油枪的刷卡加油 (the station's own card terminals)", Args: cobra.NoArgs}
	till := 1
	group.PersistentFlags().IntVar(&till, "till", 1, "终端号 (which till)")
	ask := func(use, short, path string, by *string) *cobra.Command {
		c := command(e, addr, use, short, path, func([]string) (any, error) { return station.TillAsk{Till: till, By: *by}, nil }, showTillDone)
		c.Flags().StringVar(by, "by", "", "操作人工号 (who)")
		return c
	}
	var plate, cancel string
	status := command(e, addr, "status", "各终端 (tills)", station.PathTills, nothing, showTills)
	group.AddCommand(status, e.tillOrder(addr, &till), e.tillPIN(addr, &till), e.tillConfirm(addr, &till),
		ask("plate", "车牌已核对 (the plate fits)", station.PathTillPlate, &plate),
		ask("cancel", "取消 (forget the order)", station.PathTillCancel, &cancel))
	return group
}

func (e *env) tillOrder(addr *string, till *int) *cobra.Command {
	var nozzle int
	var yuan, litres, by string
	c := command(e, addr, "order", "选枪和金额、升数, 都不给即加满 (nozzle and preset; none: full)", station.PathTillOrder,
		func([]string) (any, error) {
			q := station.TillOrder{Till: *till, Nozzle: record.Nozzle(nozzle), By: by}
			var err error
			switch {
			case yuan != "" && litres != "":
				return nil, cli.Usagef("--yuan 与 --litres 只给一个 (one of them)")
			case yuan != "":
				q.Money, err = unit.ParseFen(yuan)
			case litres != "":
				q.Volume, err = unit.ParseQuantity(litres)
			}
			if err != nil {
				return nil, cli.Usagef("%v", err)
			}
			return q, nil
		}, showTillDone)
	f := c.Flags()
	f.IntVar(&nozzle, "nozzle", 0, "枪号 (nozzle)")
	f.StringVar(&yuan, "yuan", "", "元 (money)")
	f.StringVar(&litres, "litres", "", "升 (volume)")
	f.StringVar(&by, "by", "", "操作人工号 (who)")
	return c
}

// tillPIN reads the digits from the keyboard without showing them; they are never an argument, which others can see.
func (e *env) tillPIN(addr *string, till *int) *cobra.Command {
	stdin := false
	c := command(e, addr, "pin", "输入持卡人密码 (key the holder's PIN)", station.PathTillPIN,
		func([]string) (any, error) {
			a, err := cli.NewAsker(&e.Options, stdin)
			if err != nil {
				return nil, err
			}
			digits, err := a.Hidden(context.Background(), "密码 (PIN)")
			return station.TillPIN{Till: *till, Digits: string(digits)}, err
		}, showTillDone)
	c.Flags().BoolVar(&stdin, "stdin", false, "从标准输入读一行 (take a line of the standard input)")
	return c
}

func (e *env) tillConfirm(addr *string, till *int) *cobra.Command {
	var litres string
	var by [2]string
	c := command(e, addr, "confirm", "两人确认有疑问的油量 (two persons confirm a volume in doubt)", station.PathTillConfirm,
		func([]string) (any, error) {
			q, err := unit.ParseQuantity(litres)
			if err != nil {
				return nil, cli.Usagef("--litres %v", err)
			}
			return station.TillConfirm{Till: *till, Volume: q, By: by}, nil
		}, showTillDone)
	f := c.Flags()
	f.StringVar(&litres, "litres", "", "按泵码核对的升数 (as the totals say)")
	f.StringVar(&by[0], "by", "", "第一人 (first person)")
	f.StringVar(&by[1], "with", "", "第二人 (second person)")
	return c
}

func showTillDone(w io.Writer, a station.TillDone) {
	showTills(w, station.Tills{Tills: []station.TillView{a.Till}})
}

func showTills(w io.Writer, a station.Tills) {
	t := cli.Table{Heads: []string{"终端", "卡", "余额", "枪", "等待", "步骤", "PSAM", "提示"}}
	for _, x := range a.Tills {
		t.Add(x.Till, x.ASN, x.Balance, x.Nozzle, x.Waits, x.Step, x.PSAM, x.Zh)
	}
	t.Write(w)
	for _, x := range a.Tills {
		for _, line := range x.Receipt {
			fmt.Fprintln(w, line)
		}
	}
}
