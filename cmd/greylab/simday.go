package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/emulators/world"
	"greylock/system/clock"
)

// dayRun is a day's report with how long it took here; that is no part of what must be equal.
type dayRun struct {
	world.DayReport
	BuildMs int64 `json:"build_ms"`
	WallMs  int64 `json:"wall_ms"`
}

func (l *lab) simDay() *cobra.Command {
	d := world.Day{}
	var profile, out string
	c := &cobra.Command{Use: "day", Short: "一座站忙碌的一天或许多天, 带故障 (a busy day or many at one station, with faults)", Args: cobra.NoArgs,
		Long: "顾客按早晚高峰到来, 有人加油中拔卡; 线路断开和受干扰, 加油机断电, 站级程序被杀, 中心断线, 记录和批次重复, 中午调价。\n" +
			"所有检查器始终在查; 结束时泵码与记录逐枪核对, 中心与站两边账相等。同一种子, 同一散列。\n" +
			"Customers come by the hour; lines, boards, programs and the center fail; every checker runs; the same seed gives the same hash.",
		RunE: func(*cobra.Command, []string) error {
			p, err := profileNamed(profile)
			if err != nil {
				return err
			}
			return l.runDay(d, world.Options{Profile: p, Keep: 200, Dir: out})
		}}
	f := c.Flags()
	f.IntVar(&d.Cars, "cars", 600, "每天来车 (cars a day)")
	f.IntVar(&d.Nozzles, "nozzles", 16, "油枪 (nozzles)")
	f.IntVar(&d.Days, "days", 1, "天数 (days)")
	f.Int64Var(&d.Seed, "seed", 1, "种子 (seed)")
	f.BoolVar(&d.Calm, "calm", false, "没有故障 (no faults)")
	f.BoolVar(&d.Offline, "offline", false, "从第一小时到最后一小时中心都不在线 (the center is away all the time)")
	f.StringVar(&out, "out", "", "把各站日志留在此目录 (leave the journals here)")
	profileFlag(c, &profile)
	return c
}

func (l *lab) runDay(d world.Day, o world.Options) error {
	wall := clock.System{}
	began := wall.Now()
	played, err := world.NewDay(d, o)
	switch {
	case errors.Is(err, world.ErrDay):
		return cli.Usagef("%v", err)
	case err != nil:
		return err
	}
	built := wall.Now()
	report, err := played.Play()
	r := dayRun{DayReport: report, BuildMs: built.Sub(began).Milliseconds(), WallMs: wall.Now().Sub(built).Milliseconds()}
	if printErr := l.printDay(r); printErr != nil {
		return errors.Join(err, printErr)
	}
	if err != nil {
		return &cli.Error{Exit: cli.Failed, Code: "E120", Zh: "模拟日的账不平, 或有不变式被破坏", En: "the day's books do not close, or an invariant broke",
			NextZh: fmt.Sprintf("用 --seed %d 重放; 用 --out 留下日志", d.Seed), NextEn: fmt.Sprintf("replay with --seed %d, keep the journals with --out", d.Seed), Detail: err.Error()}
	}
	return nil
}

func (l *lab) printDay(r dayRun) error {
	if l.JSON {
		return l.PrintLine(r)
	}
	w := l.Out
	fmt.Fprintf(w, "来车 (cars) %d, 加完 (served) %d, 未办成 (gave up) %d, 加油中拔卡 (pulled the card) %d\n", r.Cars, r.Served, r.GaveUp, r.PulledOff)
	fmt.Fprintf(w, "中心入账 (posted) %d 笔, %v 元, %v 升; 调价 (price changes) %d\n", r.Posted, r.Amount, r.Litres, r.Price)
	t := cli.Table{Heads: []string{"故障 (fault)", "次数 (times)"}}
	for _, x := range r.Faults {
		t.Add(x.Fault, x.Times)
	}
	t.Write(w)
	t = cli.Table{Heads: []string{"枪", "泵码 (metered)", "记录 (booked)"}}
	for _, n := range r.Nozzles {
		t.Add(n.Nozzle, n.Metered, n.Booked)
	}
	t.Write(w)
	t = cli.Table{Heads: []string{"检查器 (checker)", "次数 (evaluations)", "违反 (violation)"}}
	for _, x := range r.Run.Checks {
		t.Add(x.Name, x.Evaluations, x.Violation)
	}
	t.Write(w)
	_, err := fmt.Fprintf(w, "%v 的模拟 (simulated), 用时 (took) %v, 建城 (building) %v, %d 个事件 (events), %.0f 事件/秒 (events/s)\n散列 (hash) %s\n",
		r.Virtual.Round(time.Minute), time.Duration(r.WallMs)*time.Millisecond, time.Duration(r.BuildMs)*time.Millisecond, r.Run.Events,
		float64(r.Run.Events)/(float64(max(r.WallMs, 1))/1000), r.Run.TraceHash)
	return err
}
