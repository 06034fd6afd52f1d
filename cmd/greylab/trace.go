package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/features"
)

// trace groups what is done with the card commands that runs leave.
func (l *lab) trace() *cobra.Command {
	c := &cobra.Command{Use: "trace", Short: "卡命令轨迹 (traces of card commands)"}
	c.AddCommand(l.traceDiff())
	return c
}

// shownDiff is a comparison for programs.
type shownDiff struct {
	Differ     int      `json:"differ"`
	Compared   int      `json:"compared"`
	Normalised []string `json:"normalised"`
}

func (l *lab) traceDiff() *cobra.Command {
	long := "比较 greylab run --trace 的两个目录, 例如 --cards mem 与 --cards vpcd。不比较的只有:\n" +
		"Compares two directories of greylab run --trace. All that is not compared:\n"
	names := []string{}
	for _, n := range features.Normal() {
		long += fmt.Sprintf("  %s  %s (%s)\n", n.Name, n.Zh, n.En)
		names = append(names, n.Name)
	}
	return &cobra.Command{Use: "diff A B", Short: "逐行比较两次运行的卡命令 (compare the card commands of two runs)", Long: long, Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			differ, compared, err := features.DiffTraces(args[0], args[1], l.Out)
			if err != nil {
				return err
			}
			if l.JSON {
				err = l.PrintLine(shownDiff{differ, compared, names})
			} else {
				fmt.Fprintf(l.Out, "比较 %d 行, 不同 %d 行 (lines compared, different)\n", compared, differ)
			}
			if differ > 0 {
				return &cli.Error{Exit: cli.Failed, Code: "E106", Zh: "两次运行的卡命令不同", En: "the runs' card commands differ",
					NextZh: "看所列文件的第一处不同", NextEn: "see the first difference of each file", Detail: fmt.Sprintf("%d / %d", differ, compared)}
			}
			return err
		}}
}
