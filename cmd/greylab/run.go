package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/emulators/world"
	"greylock/features"
)

func (l *lab) run() *cobra.Command {
	opt := features.Options{Program: world.Self}
	var profile string
	c := &cobra.Command{Use: "run [PATH…]", Short: "运行中文场景 (run the features)",
		Long: "运行内置的场景, 或给出的 .feature 文件、目录、文件:行号。没有选中场景、步骤未定义或未使用, 都算失败。\n" +
			"Runs the embedded features, or files, directories, file:line. Nothing selected, undefined or unused steps fail.",
		RunE: func(c *cobra.Command, args []string) (err error) {
			if opt.Profile, err = profileNamed(profile); err != nil {
				return err
			}
			opt.Paths, opt.Out = args, l.Out
			sum, err := features.Run(c.Context(), opt)
			if l.JSON {
				err = errors.Join(err, l.PrintLine(shownSummary{sum.Scenarios, sum.Passed, sum.Failed, sum.Steps, sum.Seed, sum.Took.Milliseconds()}))
			}
			return explain(c.Context(), err)
		}}
	f := c.Flags()
	f.StringVar(&opt.Tags, "tags", "", "标签表达式, 如 '@T2 and not @慢' (tag expression)")
	f.StringVar(&opt.Name, "name", "", "场景名的一部分 (part of a scenario's name)")
	f.StringVar(&opt.Cards, "cards", "mem", "mem, 或 vpcd: 卡命令经真实 PC/SC 服务, 须以 -tags pcsc 编译 (cards behind a real PC/SC service)")
	f.StringVar(&opt.Trace, "trace", "", "每个场景的卡命令写成一个文件, 放入此目录 (directory for the card commands of each scenario)")
	f.StringVar(&opt.Lines, "lines", "mem", "mem 或 pty (station as its own process on pseudo-terminals)")
	f.Int64Var(&opt.Seed, "seed", 0, "种子, 0 为场景自带 (0: the scenario's)")
	f.StringVar(&opt.Format, "format", "pretty", "pretty, progress, junit:FILE, cucumber:FILE, 以逗号分隔 (several with commas)")
	f.IntVar(&opt.Repeat, "repeat", 1, "每个场景的次数 (times)")
	f.StringVar(&opt.Order, "order", "defined", "defined 或 random")
	f.IntVar(&opt.Parallel, "parallel", 0, "同时运行的场景数, 0 自动 (scenarios at a time)")
	profileFlag(c, &profile)
	cli.Values(c, "lines", "mem", "pty")
	cli.Values(c, "order", "defined", "random")
	cli.Values(c, "format", "pretty", "progress", "junit:", "cucumber:")
	return c
}

// shownSummary is a run for programs.
type shownSummary struct {
	Scenarios int   `json:"scenarios"`
	Passed    int   `json:"passed"`
	Failed    int   `json:"failed"`
	Steps     int   `json:"steps"`
	Seed      int64 `json:"seed"`
	TookMs    int64 `json:"took_ms"`
}

// explain gives a run's errors their exit codes.
func explain(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, features.ErrOptions):
		return cli.Usagef("%v", err)
	case errors.Is(err, features.ErrFailed):
		return &cli.Error{Exit: cli.Failed, Code: "E102", Zh: "有场景未通过", En: "scenarios failed",
			NextZh: "用所示种子重放该场景", NextEn: "run the scenario again with the seed shown", Detail: err.Error(), Err: err}
	}
	return err
}
