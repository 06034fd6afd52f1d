package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/system/station"
	"greylock/system/tank"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

func (e *env) stationTank(addr *string) *cobra.Command {
	group := &cobra.Command{Use: "tank", Short: "油罐: 罐存, 量油, 进油, 对账 (tanks)"}
	group.AddCommand(
		command(e, addr, "list", "各罐罐存 (what lies in the tanks)", station.PathTanks, nothing, showTanks),
		e.tankDip(addr), e.tankDelivery(addr), e.tankDeliveries(addr), e.tankReconcile(addr),
	)
	return group
}

func showTanks(w io.Writer, a station.Tanks) {
	fmt.Fprintf(w, "%s (gauge %s)\n", a.Zh, a.Gauge)
	t := cli.Table{Heads: []string{"罐", "油品", "枪", "罐容", "油量", "标准油量", "空容", "油高mm", "水高mm", "油温", "时间", "来源", "告警"}}
	for _, x := range a.Tanks {
		from := "无量油"
		switch {
		case x.Live:
			from = "液位仪"
		case x.Known:
			from = "最近量油"
		}
		if x.Delivery != 0 {
			from += fmt.Sprintf(", 进油 #%d", x.Delivery)
		}
		when := ""
		if x.Known {
			when = civil(x.AtMs)
		}
		t.Add(x.Tank, x.Product, guns(x.Nozzles), x.Capacity, x.Volume, x.Net, x.Ullage, x.Height, x.Water, x.Temperature, when, from, strings.Join(x.Alarms, " "))
	}
	t.Write(w)
}

func guns(list []record.Nozzle) string {
	var words []string
	for _, n := range list {
		words = append(words, strconv.Itoa(int(n)))
	}
	return strings.Join(words, ",")
}

// tankNumber reads the number of a tank.
func tankNumber(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, cli.Usagef("%q 不是罐号, 见 tank list (not the number of a tank)", text)
	}
	return n, nil
}

// tenths reads millimetres with at most one decimal.
func tenths(name, text string) (unit.Length, error) {
	q, err := unit.ParseQuantity(text)
	if err != nil || q%10 != 0 {
		return 0, cli.Usagef("--%s %q: 毫米, 至多一位小数 (millimetres, at most one decimal)", name, text)
	}
	return unit.Length(q / 10), nil
}

func (e *env) tankDip(addr *string) *cobra.Command {
	var q station.DipTank
	var height, water, temperature, litres string
	c := command(e, addr, "dip TANK", "量油: 读液位仪, 或登记人工量油 (--height) (a dip: of the gauge, or by hand)", station.PathTankDip, func(args []string) (_ any, err error) {
		if q.Tank, err = tankNumber(args[0]); err != nil {
			return nil, err
		}
		if q.Hand = height != "" || litres != ""; !q.Hand {
			return q, nil
		}
		if height != "" {
			if q.Height, err = tenths("height", height); err != nil {
				return nil, err
			}
		}
		if q.Water, err = tenths("water", water); err != nil {
			return nil, err
		}
		d, err := unit.ParseQuantity(strings.TrimPrefix(temperature, "-"))
		if err != nil {
			return nil, cli.Usagef("--temperature %q: 度, 至多两位小数 (degrees, at most two decimals)", temperature)
		}
		if q.Temperature = unit.Degrees(d); strings.HasPrefix(temperature, "-") {
			q.Temperature = -q.Temperature
		}
		if litres != "" {
			v, err := unit.ParseQuantity(litres)
			if err != nil {
				return nil, cli.Usagef("--litres: %v", err)
			}
			q.Volume = &v
		}
		return q, nil
	}, func(w io.Writer, d record.TankDip) {
		fmt.Fprintf(w, "%d 号罐 (tank): %v 升, 标准油量 %v 升, 油高 %v 毫米, 水高 %v 毫米, %v 度\n", d.Tank, d.Volume, d.Net, d.Height, d.Water, d.Temperature)
	})
	c.Args = cobra.ExactArgs(1)
	by(c, &q.By)
	c.Flags().StringVar(&height, "height", "", "人工量油: 油高, 毫米 (by hand: surface, millimetres)")
	c.Flags().StringVar(&water, "water", "0", "人工量油: 水高, 毫米 (by hand: water, millimetres)")
	c.Flags().StringVar(&temperature, "temperature", "15", "人工量油: 油温, 度 (by hand: temperature, degrees)")
	c.Flags().StringVar(&litres, "litres", "", "人工量油: 无容积表时写升数 (by hand: litres, where the tank has no table)")
	return c
}

func (e *env) tankDelivery(addr *string) *cobra.Command {
	var q station.NoteDelivery
	var litres string
	c := command(e, addr, "delivery TANK", "登记进油单: 与实收比对 (put the note to a delivery)", station.PathTankDelivery, func(args []string) (_ any, err error) {
		if q.Tank, err = tankNumber(args[0]); err != nil {
			return nil, err
		}
		if q.Net, err = unit.ParseQuantity(litres); err != nil {
			return nil, cli.Usagef("--litres: %v", err)
		}
		return q, nil
	}, func(w io.Writer, d tank.Delivery) { showDeliveries(w, []tank.Delivery{d}) })
	c.Args = cobra.ExactArgs(1)
	by(c, &q.By)
	c.Flags().StringVar(&q.Note, "note", "", "进油单号 (number of the note)")
	c.Flags().StringVar(&litres, "litres", "", "单上升数, 15 度 (litres by the note, at 15 degrees)")
	c.Flags().IntVar(&q.Delivery, "delivery", 0, "第几次进油; 缺省为该罐最早未登记的 (which delivery; default the oldest without a note)")
	return c
}

func showDeliveries(w io.Writer, list []tank.Delivery) {
	t := cli.Table{Heads: []string{"次", "罐", "开始", "结束", "其间售出", "实收", "实收15度", "单号", "单上15度", "少", "经办"}}
	for _, d := range list {
		end := "卸油中"
		if d.ClosedMs != 0 {
			end = civil(d.ClosedMs)
		}
		t.Add(d.Number, d.Tank, civil(d.OpenedMs), end, d.Sold, d.Measured, d.Net, d.Note, d.NoteNet, d.Short, d.By)
	}
	t.Write(w)
}

func (e *env) tankDeliveries(addr *string) *cobra.Command {
	var q station.AskDeliveries
	c := command(e, addr, "deliveries", "进油记录 (deliveries)", station.PathDeliveries, func([]string) (any, error) { return q, nil },
		func(w io.Writer, a station.Deliveries) { showDeliveries(w, a.Deliveries) })
	c.Flags().IntVar(&q.Tank, "tank", 0, "罐号, 缺省全部 (tank, default all)")
	c.Flags().IntVar(&q.Limit, "limit", 20, "条数 (how many)")
	return c
}

// tankReconcile balances the tanks; exit 1 if one is out of its tolerance.
func (e *env) tankReconcile(addr *string) *cobra.Command {
	var q station.AskPeriod
	c := &cobra.Command{Use: "reconcile", Short: "油罐对账: 期初 + 进油 − 售出 = 期末 (balance of the tanks)", Args: cobra.NoArgs}
	c.Flags().IntVar(&q.Tank, "tank", 0, "罐号, 缺省全部 (tank, default all)")
	c.Flags().IntVar(&q.Days, "days", 31, "最近几天 (of so many days)")
	c.RunE = func(c *cobra.Command, _ []string) error {
		a, err := ask[station.Periods](c.Context(), *addr, station.PathTankReconcile, q)
		if err != nil {
			return err
		}
		if err := e.Print(a, func(w io.Writer) { showPeriods(w, a) }); err != nil {
			return err
		}
		if !a.OK {
			return &cli.Error{Exit: cli.Failed, Code: "E109", Zh: "有油罐对不上账, 或没有两次量油", En: "a tank does not balance, or has no two dips",
				NextZh: "见上表; 人工量油复核, 查进油单与枪的计量", NextEn: "see the table; dip by hand, look at delivery notes and meters"}
		}
		return nil
	}
	return c
}

func showPeriods(w io.Writer, a station.Periods) {
	t := cli.Table{Heads: []string{"罐", "油品", "从", "到", "期初", "进油", "售出", "期末", "损(+)溢(−)", "允许", "结果"}}
	for _, p := range a.Periods {
		result := "相符"
		if !p.OK {
			result = "超限"
		}
		t.Add(p.Tank, p.Product, civil(p.FromMs), civil(p.ToMs), p.Open, p.Delivered, p.Sold, p.Close, p.Difference, p.Tolerance, result)
	}
	t.Write(w)
	for _, p := range a.Periods {
		for _, d := range p.Drift {
			if d.Metered > 0 {
				fmt.Fprintf(w, "%d 号枪 (nozzle): 单独出油时计 %v 升, 罐少 %v 升, 相差 %+d‰\n", d.Nozzle, d.Metered, d.Metered+d.Missing, d.Permille)
			}
		}
	}
	for _, n := range a.Missing {
		fmt.Fprintf(w, "%d 号罐: 没有两次量油 (no two dips)\n", n)
	}
}
