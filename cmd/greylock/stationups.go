package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/system/station"
)

func (e *env) stationUPS(addr *string) *cobra.Command {
	return command(e, addr, "ups", "供电: 市电或电池, UPS 是否在线, 是否开新单 (mains or battery, and what the station does)", station.PathUPS, nothing, showUPS)
}

func showUPS(w io.Writer, a station.UPS) {
	fmt.Fprintf(w, "%s (%s)\n", a.Zh, a.En)
	open := "照常营业 (selling)"
	if a.Closed {
		open = "停电, 不开新单 (no mains: no new sale)"
	}
	fmt.Fprintf(w, "%s; 在加 %d 支枪 (deliveries that run)\n", open, a.Fills)
	if a.EndsMs != 0 {
		fmt.Fprintf(w, "%s 起用电池, 至迟 %s 存盘关站 (on battery since, ends at the latest)\n", civil(a.SinceMs), civil(a.EndsMs))
	}
	if a.HeardMs == 0 {
		return
	}
	t := cli.Table{Heads: []string{"型号", "输入V", "输出V", "负载%", "电池V", "温度", "状态", "最近应答"}}
	t.Add(a.Model, figure(a.Input, 10), figure(a.Output, 10), figure(a.Load, 1), figure(a.Battery, 100), figure(a.Temperature, 10), a.Flags, civil(a.HeardMs))
	t.Write(w)
}

// figure prints a number that counts parts of a unit; what the UPS does not say is a dash.
func figure(n, parts int) string {
	switch {
	case n < 0:
		return "-"
	case parts == 1:
		return fmt.Sprint(n)
	case parts == 10:
		return fmt.Sprintf("%d.%d", n/10, n%10)
	}
	return fmt.Sprintf("%d.%02d", n/parts, n%parts)
}
