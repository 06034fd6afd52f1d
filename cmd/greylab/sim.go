package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/emulators/world/tear"
)

// sim groups the simulations.
func (l *lab) sim() *cobra.Command {
	c := &cobra.Command{Use: "sim", Short: "模拟 (simulations)"}
	c.AddCommand(l.simTear(), l.simRun(), l.simStorm())
	return c
}

func (l *lab) simTear() *cobra.Command {
	var names []string
	var profile string
	c := &cobra.Command{Use: "tear", Short: "在每一瞬间断电, 逐点列举 (a power cut at every instant, enumerated)", Args: cobra.NoArgs,
		Long: "在每条卡命令之前、之中 (每次写的每个字节) 和之后断电, 卡与 PSAM 各一遍, 再在恢复途中断电; 然后由产品自己恢复, 核对每一分钱。\n" +
			"Cuts before, inside (every byte of every write) and after every command, on card and PSAM, and in the recovery too;\n" +
			"then the product's own recovery runs and every fen is checked.\n流程 (flows): " + strings.Join(tear.Flows(), " "),
		RunE: func(*cobra.Command, []string) error {
			p, err := profileNamed(profile)
			if err != nil {
				return err
			}
			r, err := tear.Run(p, nil, names...)
			if err != nil {
				if slices.ContainsFunc(names, func(n string) bool { return !slices.Contains(tear.Flows(), n) }) {
					return cli.Usagef("--flow %v", err)
				}
				return err
			}
			if err := l.printTear(r); err != nil {
				return err
			}
			if r.Illegal > 0 {
				return &cli.Error{Exit: cli.Failed, Code: "E107", Zh: "断电后有不合法的状态", En: "a cut leaves an illegal state",
					NextZh: "看上表所列的步骤", NextEn: "see the steps listed", Detail: fmt.Sprintf("%d / %d", r.Illegal, r.Cases)}
			}
			return nil
		}}
	c.Flags().StringSliceVar(&names, "flow", nil, "只试这些流程 (only these flows)")
	profileFlag(c, &profile)
	return c
}

func (l *lab) printTear(r tear.Report) error {
	if l.JSON {
		return l.PrintLine(r)
	}
	t := cli.Table{Heads: []string{"流程 (flow)", "步 (steps)", "断点 (cases)", "上电断点 (power-up)", "结局 (outcomes)", "不合法 (illegal)"}}
	for _, row := range r.Rows {
		t.Add(row.Flow+" "+row.Zh, row.Steps, row.Cases, row.PowerUps, outcomes(row.Outcomes), row.Wrong)
	}
	t.Write(l.Out)
	for _, row := range r.Rows {
		for _, s := range row.Illegal {
			fmt.Fprintf(l.Out, "%s: %s\n", row.Flow, s)
		}
	}
	_, err := fmt.Fprintf(l.Out, "断点 (cases) %d, 不合法 (illegal) %d, %.1f 秒 (s)\n", r.Cases, r.Illegal, r.Seconds)
	return err
}

func outcomes(m map[string]int) string {
	var words []string
	for w, n := range m {
		words = append(words, fmt.Sprintf("%s %d", w, n))
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}
