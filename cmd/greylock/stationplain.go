package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/system/station"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// stationPlain are the commands of the nozzles that the station runs, and of the emergency stop.
func (e *env) stationPlain(addr *string) []*cobra.Command {
	return []*cobra.Command{e.stationAuthorise(addr), e.stationNozzle(addr), e.stationStop(addr), e.stationRelease(addr), e.stationPlainSales(addr)}
}

// nozzleFlag names a nozzle by the number of the layout.
func nozzleFlag(c *cobra.Command, to *record.Nozzle, required bool) {
	c.Flags().IntVar((*int)(to), "nozzle", 0, "枪号, 见 status (nozzle)")
	if required {
		_ = c.MarkFlagRequired("nozzle") // the flag is there
	}
}

func (e *env) stationAuthorise(addr *string) *cobra.Command {
	var q station.AskAuthorise
	var yuan, litres string
	c := command(e, addr, "authorise", "授权站控油枪: 定金额, 定升数, 或提枪后加满 (let a plain nozzle deliver)", station.PathAuthorise, func([]string) (any, error) {
		var err error
		if yuan != "" {
			if q.Money, err = unit.ParseFen(yuan); err != nil {
				return nil, cli.Usagef("--yuan %q: 应为金额, 如 100 或 99.50 (want yuan)", yuan)
			}
		}
		if litres != "" {
			if q.Volume, err = unit.ParseQuantity(litres); err != nil {
				return nil, cli.Usagef("--litres %q: 应为升数, 如 20 或 30.50 (want litres)", litres)
			}
		}
		return q, nil
	}, func(w io.Writer, _ record.Done) {
		fmt.Fprintf(w, "%d 号枪已授权 (nozzle %d may deliver)\n", q.Nozzle, q.Nozzle)
	})
	nozzleFlag(c, &q.Nozzle, true)
	c.Flags().StringVar(&yuan, "yuan", "", "加到多少元为止 (stop at so many yuan)")
	c.Flags().StringVar(&litres, "litres", "", "加到多少升为止 (stop at so many litres)")
	c.MarkFlagsMutuallyExclusive("yuan", "litres")
	c.Flags().StringVar(&q.Way, "way", "cash", "收款方式: cash 现金, account 挂账, bank 银行卡, voucher 油票 (way of paying)")
	cli.Values(c, "way", "cash", "account", "bank", "voucher")
	by(c, &q.By)
	return c
}

// stationNozzle are the acts on one plain nozzle.
func (e *env) stationNozzle(addr *string) *cobra.Command {
	group := &cobra.Command{Use: "nozzle", Short: "站控油枪: 停, 继续, 解锁 (plain nozzles: stop, resume, unlock)"}
	simple := func(use, short, path, done string) *cobra.Command {
		var q station.AskNozzle
		c := command(e, addr, use, short, path, func([]string) (any, error) { return q, nil }, func(w io.Writer, _ record.Done) {
			fmt.Fprintf(w, "%d 号枪%s\n", q.Nozzle, done)
		})
		nozzleFlag(c, &q.Nozzle, true)
		by(c, &q.By)
		c.Flags().StringVar(&q.Reason, "reason", "", "原因 (reason)")
		return c
	}
	var q station.AskUnlock
	var second string
	unlock := command(e, addr, "unlock", "解锁停用的油枪: 两人核对泵码后 (unlock after two persons have compared the totals)", station.PathUnlock,
		func([]string) (any, error) {
			q.By[1] = second
			return q, nil
		}, func(w io.Writer, _ record.Done) { fmt.Fprintf(w, "%d 号枪已解锁 (unlocked)\n", q.Nozzle) })
	nozzleFlag(unlock, &q.Nozzle, true)
	by(unlock, &q.By[0])
	unlock.Flags().StringVar(&second, "second", "", "另一位核对人 (the other person)")
	unlock.Flags().StringVar(&q.Reason, "reason", "", "原因 (reason)")
	group.AddCommand(
		simple("stop", "停一支枪, 可以继续 (stop a nozzle; it may go on)", station.PathNozzleStop, "已发停止命令 (told to stop)"),
		simple("resume", "让停下的枪继续 (let it go on)", station.PathResume, "继续 (goes on)"), unlock)
	return group
}

func (e *env) stationStop(addr *string) *cobra.Command {
	var q station.AskStop
	c := command(e, addr, "estop", "紧急停机: 全站, 或一支枪 (emergency stop of all nozzles, or of one)", station.PathStop,
		func([]string) (any, error) { return q, nil }, showStop)
	nozzleFlag(c, &q.Nozzle, false)
	by(c, &q.By)
	c.Flags().StringVar(&q.Reason, "reason", "", "原因 (reason)")
	e.untilAnswered(c)
	return c
}

// How long a stop is repeated to a program that does not answer, and how often.
const (
	stopRepeats = 2 * time.Minute
	stopAgain   = 500 * time.Millisecond
)

// untilAnswered lets a command that may be repeated be so: a program that dies between an emergency stop and its answer starts
// again, and the order must not be lost with it.
func (e *env) untilAnswered(c *cobra.Command) {
	once := c.RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		limit, again := time.NewTimer(stopRepeats), time.NewTicker(stopAgain)
		defer limit.Stop()
		defer again.Stop()
		for said := false; ; said = true {
			err := once(c, args)
			if !unanswered(err) {
				return err
			}
			if !said {
				fmt.Fprintln(e.Err, "!! 站级程序没有应答, 正在反复发出停机: 不要等, 立即切断电源 (no answer, the stop is repeated: do not wait, cut the power)")
			}
			select {
			case <-again.C:
			case <-limit.C:
				return err
			case <-c.Context().Done():
				return err
			}
		}
	}
}

// unanswered says that nobody has answered, or no longer.
func unanswered(err error) bool {
	var u *url.Error
	return errors.As(err, &u) && !errors.Is(err, context.Canceled) || errors.Is(err, io.ErrUnexpectedEOF)
}

// showStop says first what did not help: there somebody has to run.
func showStop(w io.Writer, a station.StopAnswer) {
	if len(a.Not) > 0 {
		fmt.Fprintf(w, "!! 停不住 %s 号枪: 立即切断电源 (not stopped: cut the power at once)\n", nozzles(a.Not))
	}
	if len(a.Shut) > 0 {
		fmt.Fprintf(w, "已证实停住 %s 号枪 (proven shut)\n", nozzles(a.Shut))
	}
	fmt.Fprintln(w, "现场安全后用 greylock station release 恢复 (when the place is safe, release)")
}

func nozzles(list []record.Nozzle) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = fmt.Sprint(n)
	}
	return strings.Join(words, ", ")
}

func (e *env) stationRelease(addr *string) *cobra.Command {
	var q station.AskStop
	c := command(e, addr, "release", "恢复紧急停机的油枪 (take nozzles back into use)", station.PathRelease,
		func([]string) (any, error) { return q, nil }, func(w io.Writer, _ record.Done) { fmt.Fprintln(w, "已恢复 (released)") })
	nozzleFlag(c, &q.Nozzle, false)
	by(c, &q.By)
	c.Flags().StringVar(&q.Reason, "reason", "", "原因 (reason)")
	return c
}

func (e *env) stationPlainSales(addr *string) *cobra.Command {
	var q station.AskSales
	c := command(e, addr, "plain-sales", "站控油枪的销售 (deliveries of plain nozzles, newest first)", station.PathPlainSales,
		func([]string) (any, error) { return q, nil }, showPlainSales)
	c.Flags().IntVar(&q.Limit, "limit", 20, "条数 (how many)")
	return c
}

func showPlainSales(w io.Writer, a station.PlainSales) {
	t := cli.Table{Heads: []string{"记录", "口", "枪", "笔", "油品", "单价", "升数", "金额", "泵码走数", "方式", "授权人", "来源", "核对"}}
	for _, x := range a.Sales {
		t.Add(x.Seq, x.Port, x.Nozzle, x.Number, x.Product, x.Price, x.Quantity, x.Amount, x.Moved, x.Way, x.By, x.Origin, x.Verdict)
	}
	t.Write(w)
}
