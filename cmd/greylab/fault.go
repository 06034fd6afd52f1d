package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/emulators/fault"
)

// fault groups what is said about faults; stories and worlds bring them about.
func (l *lab) fault() *cobra.Command {
	group := &cobra.Command{Use: "fault", Short: "故障词表 (the vocabulary of faults)",
		Long: "写法 (text): 设备 编号: 故障 [N%] [times N] [at N] [after 10s] [for 30s], 如 \"line 3: noise 2% for 30s\", \"1 号枪: 断电 10秒后 持续5秒\"。"}
	list := &cobra.Command{Use: "list", Short: "每种设备可有的故障 (what each device can suffer)", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return l.listFaults() }}
	check := &cobra.Command{Use: "check TEXT", Short: "检查一句故障 (check one text)", Args: cobra.ExactArgs(1),
		Long: "设备没有这种故障, 或不收这个选项, 退出码不为 0。\nAn unsupported pair or option ends with another exit code than 0.",
		RunE: func(_ *cobra.Command, args []string) error {
			f, err := fault.Parse(args[0])
			if err != nil {
				return cli.Usagef("%v", err)
			}
			p, _ := fault.Find(f.Device, f.Kind)
			return l.Print(map[string]any{"text": f.String(), "pair": p}, func(w io.Writer) { fmt.Fprintf(w, "%s\n%s (%s)\n", f, p.Zh, p.En) })
		}}
	group.AddCommand(list, check)
	return group
}

// faultRow is one pair as --json shows it.
type faultRow struct {
	fault.Pair
	Takes string `json:"takes"`
}

func (l *lab) listFaults() error {
	rows := make([]faultRow, 0, len(fault.Table))
	for _, p := range fault.Table {
		rows = append(rows, faultRow{p, p.Takes.String()})
	}
	return l.Print(rows, func(w io.Writer) {
		t := cli.Table{Heads: []string{"设备 (device)", "故障 (kind)", "选项 (options)", "结局 (ends)", "含义 (meaning)"}}
		for _, r := range rows {
			t.Add(r.Device, fmt.Sprintf("%s %s", r.Kind, r.Alias), r.Takes, r.Ends, fmt.Sprintf("%s (%s)", r.Zh, r.En))
		}
		t.Write(w)
		fmt.Fprintf(w, "%d 种 (pairs)\n", len(rows))
	})
}
