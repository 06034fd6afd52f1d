package main

import (
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/system/alarm"
	"greylock/system/center"
	"greylock/system/station"
	"greylock/system/wire/record"
)

func (e *env) stationAlarms(addr *string) *cobra.Command {
	var q station.AskAlarms
	c := command(e, addr, "alarms", "告警: 轻重, 归谁, 怎么办 (alarms: severity, owner, advice)", station.PathAlarms,
		func([]string) (any, error) { return q, nil }, func(w io.Writer, a station.Alarms) { showAlarms(w, a.Alarms, a.Open) })
	c.Flags().BoolVar(&q.Open, "open", false, "只列无人处理的 (only open ones)")
	c.Flags().IntVar(&q.Limit, "limit", 20, "条数 (how many)")
	return c
}

func (e *env) stationAlarm(addr *string) *cobra.Command {
	group := &cobra.Command{Use: "alarm", Short: "处理告警 (take care of an alarm)"}
	var q station.AckAlarm
	ack := command(e, addr, "ack SEQ", "确认告警: 谁处理, 怎样处理 (acknowledge)", station.PathAckAlarm, func(args []string) (any, error) {
		n, err := strconv.ParseUint(args[0], 10, 64)
		if err != nil {
			return nil, cli.Usagef("告警序号 %q 不是数字, 序号见 alarms (not the number of an alarm)", args[0])
		}
		q.Seq = n
		return q, nil
	}, showAcknowledged)
	ack.Args = cobra.ExactArgs(1)
	by(ack, &q.By)
	ack.Flags().StringVar(&q.Note, "note", "", "处理情况 (what was done)")
	group.AddCommand(ack)
	return group
}

func (e *env) centerAlarms(addr *string) *cobra.Command {
	var q center.AskAlarms
	c := command(e, addr, "alarms", "各站与中心的告警 (alarms of all sites)", center.PathAlarms,
		func([]string) (any, error) { return q, nil }, func(w io.Writer, a center.Alarms) { showAlarms(w, a.Alarms, a.Open) })
	c.Flags().BoolVar(&q.Open, "open", false, "只列无人处理的 (only open ones)")
	c.Flags().IntVar(&q.Limit, "limit", 20, "条数 (how many)")
	return c
}

func (e *env) centerAlarm(addr *string) *cobra.Command {
	group := &cobra.Command{Use: "alarm", Short: "处理告警 (take care of an alarm)"}
	var q center.AckAlarm
	ack := command(e, addr, "ack SITE SEQ", "确认告警: 谁处理, 怎样处理 (acknowledge)", center.PathAckAlarm, func(args []string) (any, error) {
		n, err := strconv.ParseUint(args[1], 10, 64)
		if err != nil {
			return nil, cli.Usagef("告警序号 %q 不是数字, 序号见 alarms (not the number of an alarm)", args[1])
		}
		q.Site, q.Seq = record.SiteID(args[0]), n
		return q, nil
	}, showAcknowledged)
	ack.Args = cobra.ExactArgs(2)
	by(ack, &q.By)
	ack.Flags().StringVar(&q.Note, "note", "", "处理情况 (what was done)")
	group.AddCommand(ack)
	return group
}

func showAcknowledged(w io.Writer, _ record.Done) { fmt.Fprintln(w, "已确认 (acknowledged)") }

func showAlarms(w io.Writer, list []alarm.Case, open int) {
	t := cli.Table{Heads: []string{"站点", "序号", "时间", "轻重", "归谁", "类别", "对象", "次数", "说明", "怎么办", "处理"}}
	for _, x := range list {
		severity, _ := x.Severity.Words()
		owner, _ := x.Owner.Words()
		done := "未处理"
		if x.Ack != nil {
			done = fmt.Sprintf("%s@%s %s", x.Ack.By, x.Ack.Site, x.Ack.Note)
		}
		t.Add(x.Site, x.Seq, civil(x.LastMs), severity, owner, x.Kind, x.Subject, x.Count, x.Zh, x.AdviceZh, done)
	}
	t.Write(w)
	fmt.Fprintf(w, "无人处理 %d 条 (open)\n", open)
}

// centerQuarantine adds to the list how a person takes a record off it.
func (e *env) centerQuarantine(addr *string, list *cobra.Command) *cobra.Command {
	var q center.Resolve
	c := command(e, addr, "resolve SITE SEQ", "了结隔离区的一条记录: 谁, 怎样 (settle a record in quarantine)", center.PathResolve, func(args []string) (any, error) {
		n, err := strconv.ParseUint(args[1], 10, 64)
		if err != nil {
			return nil, cli.Usagef("记录号 %q 不是数字, 见 quarantine (not the number of a record)", args[1])
		}
		q.Site, q.Seq = record.SiteID(args[0]), n
		return q, nil
	}, func(w io.Writer, _ record.Done) { fmt.Fprintln(w, "已了结 (resolved)") })
	c.Args = cobra.ExactArgs(2)
	by(c, &q.By)
	c.Flags().StringVar(&q.Note, "note", "", "怎样了结 (how)")
	list.AddCommand(c)
	return list
}
