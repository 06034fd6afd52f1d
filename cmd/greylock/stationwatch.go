package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/system/clock"
	"greylock/system/station"
)

// stationWatch is the live forecourt: a table that is drawn anew when something changes, or one JSON line per change.
func (e *env) stationWatch(addr *string) *cobra.Command {
	times := 0
	c := &cobra.Command{
		Use: "watch", Short: "实时看着各枪, 直到 Ctrl-C (the live forecourt, until interrupted)", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return e.watch(c.Context(), *addr, times) },
	}
	c.Flags().IntVar(&times, "times", 0, "看这么多次变化就结束, 0: 一直看 (end after so many changes; 0: never)")
	return c
}

// watch follows the feed. Being interrupted is how it ends.
func (e *env) watch(ctx context.Context, addr string, times int) error {
	shown := map[[2]int]station.NozzleStatus{}
	var after uint64
	for seen := 0; times <= 0 || seen < times; {
		f, err := ask[station.Feed](ctx, addr, station.PathFeed, station.AskFeed{After: after})
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil
		}
		if err != nil {
			return err
		}
		if after = f.Version; len(f.Nozzles) == 0 {
			continue
		}
		seen++
		if e.JSON {
			if err := json.NewEncoder(e.Out).Encode(f); err != nil {
				return err
			}
			continue
		}
		for _, n := range f.Nozzles {
			shown[[2]int{n.Port, int(n.Nozzle)}] = n
		}
		fmt.Fprint(e.Out, "\x1b[H\x1b[2J") // home, clear
		showScreen(e.Out, clock.FromMilli(f.TimeMs), shown)
	}
	return nil
}

func showScreen(w io.Writer, at clock.Instant, shown map[[2]int]station.NozzleStatus) {
	fmt.Fprintln(w, at.Civil())
	t := cli.Table{Heads: []string{"口", "枪", "状态", "卡", "金额", "数量", "单位", "单价", "员工", "串口"}}
	for _, k := range slices.SortedFunc(maps.Keys(shown), func(a, b [2]int) int { return slices.Compare(a[:], b[:]) }) {
		n := shown[k]
		line := "断"
		if n.Line {
			line = "通"
		}
		t.Add(n.Port, n.Nozzle, n.Zh, n.ASN, n.Amount, n.Quantity, unitWord(n.Unit), n.Price, n.Staff, line)
	}
	t.Write(w)
}
