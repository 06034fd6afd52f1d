package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/emulators/world"
)

func (l *lab) simStorm() *cobra.Command {
	s := world.Storm{}
	var dir, profile string
	c := &cobra.Command{Use: "storm", Short: "真实进程: 各枪不停加油时反复杀死站级程序 (kill -9 of the station while every nozzle sells)", Args: cobra.NoArgs,
		Long: "站级程序是一个单独的进程, 经真实伪终端与各枪相连, 在随机时刻被 kill -9 (也在它启动时), 马上再启动; 中途拔掉一个端口;\n" +
			"--fill 时日志所在的盘 (小盘, 例如 tmpfs) 满一次。结束后: 一条不丢, 一条不重, 逐枪泵码等于记录, 日志链完好, 检查器全部通过。\n" +
			"The station is a process of its own on real pseudo-terminals, killed at random instants and started again; one port is\n" +
			"unplugged in between, and with --fill the journals' disk is full once. Then: nothing lost, nothing double, books equal meters.",
		RunE: func(*cobra.Command, []string) error {
			p, err := profileNamed(profile)
			if err != nil {
				return err
			}
			return l.runStorm(s, world.Options{Profile: p, Keep: 2000, Dir: dir, Program: world.Self})
		}}
	f := c.Flags()
	f.IntVar(&s.Nozzles, "nozzles", 16, "油枪 (nozzles)")
	f.IntVar(&s.Kills, "kills", 50, "次数 (how often)")
	f.Int64Var(&s.Seed, "seed", 1, "种子 (seed)")
	f.BoolVar(&s.Fill, "fill", false, "中途把 --dir 所在的盘填满一次 (fill the disk of --dir up once)")
	f.StringVar(&dir, "dir", "", "伪终端和日志的目录, 缺省为临时目录 (where ports and journals are)")
	profileFlag(c, &profile)
	return c
}

func (l *lab) runStorm(s world.Storm, o world.Options) error {
	return simulate(l, simulated[world.StormReport]{
		build: func() (played[world.StormReport], error) { return world.NewStorm(s, o) },
		usage: world.ErrStorm,
		print: printStorm,
		json:  func(r world.StormReport, _, _ time.Duration) any { return r },
		failed: cli.Error{Code: "E121", Zh: "压力试验后账不平", En: "the books do not close after the storm",
			NextZh: "用 --dir 留下日志, 再用 greylock audit verify 查看", NextEn: "keep the journals with --dir and look at them with greylock audit verify"},
	})
}

func printStorm(w io.Writer, r world.StormReport, _, took time.Duration) {
	fmt.Fprintf(w, "kill -9 %d 次, 拔端口 (port unplugged) %d, 盘满 (disk full) %d, 因此停止 (ended by it) %d, 用时 (took) %v\n", r.Kills, r.Unplugged, r.DiskFull, r.NoSpace, took.Round(time.Second))
	fmt.Fprintf(w, "加完 (served) %d, 未办成 (gave up) %d; 站内记录 (records) %d, 重复 (twice) %d; 中心入账 (posted) %d 笔 %v 元\n",
		r.Sales, r.GaveUp, r.Records, r.Twice, r.Posted, r.Amount)
	printNozzles(w, r.Nozzles)
	printChecks(w, r.Checks)
}
