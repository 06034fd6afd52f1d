package main

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/emulators/fault"
	"greylock/emulators/world"
	"greylock/system/clock"
)

// dayRun is a day's report with how long it took here; that is no part of what must be equal.
type dayRun struct {
	world.DayReport
	BuildMs int64 `json:"build_ms"`
	WallMs  int64 `json:"wall_ms"`
}

// simulated is what a simulation of this page needs: how to build it, play it and show it.
type simulated[R any] struct {
	build  func() (played[R], error)
	usage  error // wrapped by refusals of its values
	print  func(w io.Writer, r R, building, took time.Duration)
	json   func(r R, building, took time.Duration) any
	failed cli.Error
}

// played is a town that plays by itself.
type played[R any] interface{ Play() (R, error) }

// simulate builds, plays and prints; the report is printed also when the books do not close.
func simulate[R any](l *lab, s simulated[R]) error {
	defer debug.SetGCPercent(debug.SetGCPercent(memoryForTime))
	wall := clock.System{}
	began := wall.Now()
	p, err := s.build()
	switch {
	case errors.Is(err, s.usage):
		return cli.Usagef("%v", err)
	case err != nil:
		return err
	}
	built := wall.Now()
	r, err := p.Play()
	building, took := built.Sub(began), wall.Now().Sub(built)
	if l.JSON {
		if printErr := l.PrintLine(s.json(r, building, took)); printErr != nil {
			return errors.Join(err, printErr)
		}
	} else {
		s.print(l.Out, r, building, took)
	}
	if err != nil {
		s.failed.Exit, s.failed.Detail, s.failed.Err = cli.Failed, err.Error(), err
		return &s.failed
	}
	return nil
}

// memoryForTime lets the heap grow to so many percent of what lives before it is cleaned: a simulation lives on little, and makes
// much that is gone at once. It is a sixth of its time.
const memoryForTime = 400

// busyDay is the scenario that plays when none is named.
const busyDay = "busy-day"

func (l *lab) simRun() *cobra.Command {
	var change dayChange
	var profile, out, speed string
	var seed int64
	var hash bool
	c := &cobra.Command{Use: "run [SCENARIO]", Aliases: []string{"day"}, Short: "演一个场景: 一天或许多天, 带故障 (plays a scenario: a day or many, with faults)", Args: cobra.MaximumNArgs(1),
		Long: "内置场景的名字, 或 .yaml 文件; 不写为 busy-day: 顾客按早晚高峰到来, 有人加油中拔卡; IC 卡加油机自己卖, 站控油枪由员工或站级终端放行;\n" +
			"三班倒, 调价, 名单, 卸油, 故障词表里的每一种都来一遍。所有检查器始终在查; 结束时泵码与记录逐枪核对, 中心与站两边账相等。\n" +
			"同一种子, 同一散列。另有 " + builtIn() + "\n" +
			"A built-in scenario by name, or a .yaml file; busy-day if none is named. Every checker runs; the same seed gives the same hash.",
		RunE: func(c *cobra.Command, args []string) error {
			name := busyDay
			if len(args) > 0 {
				name = args[0]
			}
			p, err := profileNamed(profile)
			if err != nil {
				return err
			}
			o := world.Options{Profile: p, Keep: 200, Dir: out, Seed: seed}
			if o.Wall, o.Speed, err = paced(speed); err != nil {
				return err
			}
			s, err := loadScenario(name)
			if err != nil {
				return err
			}
			if err := change.apply(c, &s); err != nil {
				return err
			}
			return l.play(name, s, o, hash)
		}}
	f := c.Flags()
	f.IntVar(&change.Cars, "cars", 0, "每天来车, 缺省照场景 (cars a day; the scenario's)")
	f.IntVar(&change.Days, "days", 0, "天数, 缺省照场景 (days; the scenario's)")
	f.BoolVar(&change.calm, "calm", false, "没有故障 (no faults)")
	f.Int64Var(&seed, "seed", 0, "种子, 缺省照场景 (0: the scenario's)")
	f.StringVar(&speed, "speed", "max", "max 尽快, 1 与真实时间同步, 10 为十倍 (as fast as it goes, or so many times real time)")
	f.BoolVar(&hash, "hash", false, "只印散列 (print the hash only)")
	f.StringVar(&out, "out", "", "把各站日志留在此目录 (leave the journals here)")
	profileFlag(c, &profile)
	cli.Values(c, "speed", "max", "1", "10")
	return c
}

// paced is the clock that a run follows.
func paced(speed string) (clock.Clock, int, error) {
	if speed == "max" {
		return nil, 0, nil
	}
	n, err := strconv.Atoi(speed)
	if err != nil || n < 1 || n > 10_000 {
		return nil, 0, cli.Usagef("--speed %q: 应为 max 或 1 到 10000 的整数 (want max, or a whole number)", speed)
	}
	return clock.System{}, n, nil
}

// dayChange is what the command line changes in a scenario's day.
type dayChange struct {
	world.DayPlan
	calm bool
}

func (d dayChange) apply(c *cobra.Command, s *world.Scenario) error {
	plan := world.DayPlan{}
	if s.Day != nil {
		plan = *s.Day
	}
	for name, n := range map[string]int{"cars": d.Cars, "days": d.Days} {
		if c.Flags().Changed(name) && n < 1 {
			return cli.Usagef("--%s %d: 应为 1 或更多 (want at least 1)", name, n)
		}
	}
	if c.Flags().Changed("cars") {
		plan.Cars = d.Cars
	}
	if c.Flags().Changed("days") {
		plan.Days = d.Days
	}
	plan.Faults = plan.Faults && !d.calm
	s.Day = &plan
	return nil
}

func (l *lab) play(name string, s world.Scenario, o world.Options, hash bool) error {
	seed := o.Seed
	if seed == 0 {
		seed = s.Seed
	}
	return simulate(l, simulated[world.DayReport]{
		build: func() (played[world.DayReport], error) { return world.NewDay(s, o) },
		usage: world.ErrDay,
		print: func(w io.Writer, r world.DayReport, building, took time.Duration) {
			if hash {
				fmt.Fprintln(w, r.Run.TraceHash)
				return
			}
			printDay(w, r, building, took)
		},
		json: func(r world.DayReport, building, took time.Duration) any {
			return dayRun{r, building.Milliseconds(), took.Milliseconds()}
		},
		failed: cli.Error{Code: "E120", Zh: "模拟的账不平, 或有不变式被破坏", En: "the simulation's books do not close, or an invariant broke",
			NextZh: fmt.Sprintf("用 sim run %s --seed %d 重放; 用 --out 留下日志", name, seed), NextEn: fmt.Sprintf("replay with sim run %s --seed %d, keep the journals with --out", name, seed)},
	})
}

func printDay(w io.Writer, r world.DayReport, building, took time.Duration) {
	fmt.Fprintf(w, "来车 (cars) %d, 加完 (served) %d, 未办成 (gave up) %d, 加油中拔卡 (pulled the card) %d, 拿挂失卡来 (tried a lost card) %d, 圈存 (loads) %d\n",
		r.Cars, r.Served, r.GaveUp, r.PulledOff, r.Thieves, r.Loads)
	fmt.Fprintf(w, "中心入账 (posted) %d 笔, %v 元, %v 升; 站拒收记录 (refused records) %d\n", r.Posted, r.Amount, r.Litres, r.Refused)
	fmt.Fprintf(w, "班报 (Z reports) %d, 日结 (days closed) %d; 卸油 (trucks) %d, 站自测进油 (deliveries measured) %d; 油价表 (price tables) %d, 版本 (version) %d; 黑名单 (blacklist) %d 版, 白名单 (whitelist) %d 版\n",
		r.Shifts, r.Days, r.Trucks, r.Measured, r.Priced, r.Prices, r.Black, r.White)
	t := cli.Table{Heads: []string{"类别 (kind)", "笔 (sales)", "升 (litres)", "元 (yuan)"}}
	for _, x := range r.Sales {
		t.Add(x.Kind, x.Count, x.Litres, x.Amount)
	}
	t.Write(w)
	if len(r.Faults) > 0 {
		t = cli.Table{Heads: []string{"设备 (device)", "故障 (fault)", "次数 (times)", "生效 (struck)"}}
		for _, x := range r.Faults {
			t.Add(x.Device, fmt.Sprintf("%s %s", x.Kind, x.Zh), x.Times, x.Struck)
		}
		t.Write(w)
		fmt.Fprintf(w, "故障 (faults) %d 种, 生效 (felt) %d, 词表 (vocabulary) %d\n", len(r.Faults), r.Felt, len(fault.Table))
	}
	if len(r.Alarms) > 0 {
		t = cli.Table{Heads: []string{"告警 (alarm)", "次数 (times)"}}
		for _, x := range r.Alarms {
			t.Add(x.Kind, x.Times)
		}
		t.Write(w)
	}
	printNozzles(w, r.Nozzles)
	printChecks(w, r.Run.Checks)
	fmt.Fprintf(w, "%v 的模拟 (simulated), 用时 (took) %v, 建城 (building) %v, %d 个事件 (events), %.0f 事件/秒 (events/s)\n散列 (hash) %s\n",
		r.Virtual.Round(time.Minute), took.Round(time.Millisecond), building.Round(time.Millisecond), r.Run.Events, float64(r.Run.Events)/max(took.Seconds(), 0.001), r.Run.TraceHash)
}

func printNozzles(w io.Writer, list []world.NozzleDay) {
	t := cli.Table{Heads: []string{"枪", "泵码 (metered)", "记录 (booked)", "存疑 (in doubt)"}}
	for _, n := range list {
		t.Add(n.Nozzle, n.Metered, n.Booked, n.Doubtful)
	}
	t.Write(w)
}

func printChecks(w io.Writer, list []world.CheckReport) {
	t := cli.Table{Heads: []string{"检查器 (checker)", "次数 (evaluations)", "违反 (violation)"}}
	for _, x := range list {
		t.Add(x.Name, x.Evaluations, x.Violation)
	}
	t.Write(w)
}
