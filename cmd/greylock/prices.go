package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/system/center"
	"greylock/system/station"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

func (e *env) centerPrices(addr *string) *cobra.Command {
	group := &cobra.Command{Use: "prices", Short: "油价: 一人提出, 另一人批准 (prices: one proposes, another approves)"}
	group.AddCommand(e.proposePrices(addr), e.decidePrices(addr, true), e.decidePrices(addr, false), e.listProposals(addr), e.priceStatus(addr), e.putPrices(addr), e.showPrices(addr))
	return group
}

// priced reads CODE=YUAN arguments.
func priced(args []string) (list []record.Price, err error) {
	for _, a := range args {
		code, yuan, _ := strings.Cut(a, "=")
		price, err := unit.ParsePrice(yuan)
		if err != nil {
			return nil, cli.Usagef("%q: 应为 油品=单价, 如 1031=7.85 (want code=yuan): %v", a, err)
		}
		list = append(list, record.Price{Product: code, Price: price})
	}
	return list, nil
}

func (e *env) proposePrices(addr *string) *cobra.Command {
	var q center.ProposePrices
	var id string
	c := command(e, addr, "propose CODE=YUAN…", "提出调价, 待另一人批准 (propose a change of prices)", center.PathProposePrices, func(args []string) (_ any, err error) {
		q.Site = record.SiteID(id)
		q.Prices, err = priced(args)
		return q, err
	}, func(w io.Writer, p center.Proposed) {
		fmt.Fprintf(w, "已提出第 %d 号调价, %s 前须由另一人批准 (proposed, approve it before)\n", p.Proposal, civil(p.ExpiresMs))
	})
	c.Args = cobra.MinimumNArgs(1)
	c.Flags().StringVar(&id, "site", "", "四位站点号 (four digits)")
	c.Flags().StringVar(&q.Effective, "effective", "", "生效时间 YYYYMMDDhhmm, 缺省为批准时 (effective at, default at the approval)")
	c.Flags().StringVar(&q.Reason, "reason", "", "理由 (why)")
	by(c, &q.By)
	return c
}

// decidePrices approves or rejects.
func (e *env) decidePrices(addr *string, approve bool) *cobra.Command {
	var q center.DecidePrices
	body := func(args []string) (any, error) {
		n, err := strconv.ParseUint(args[0], 10, 64)
		if err != nil {
			return nil, cli.Usagef("%q 不是调价号, 见 prices list (not the number of a proposal)", args[0])
		}
		q.Proposal = n
		return q, nil
	}
	c := command(e, addr, "reject N", "驳回调价 (reject a change of prices)", center.PathRejectPrices, body,
		func(w io.Writer, _ record.Done) { fmt.Fprintln(w, "已驳回 (rejected)") })
	if approve {
		c = command(e, addr, "approve N", "批准调价并下发 (approve a change of prices)", center.PathApprovePrices, body, showIssued)
	}
	c.Args = cobra.ExactArgs(1)
	c.Flags().StringVar(&q.Reason, "reason", "", "理由; 驳回必填 (why)")
	by(c, &q.By)
	return c
}

func (e *env) listProposals(addr *string) *cobra.Command {
	var q center.AskProposals
	c := command(e, addr, "list", "调价申请 (proposals)", center.PathPriceProposals,
		func([]string) (any, error) { return q, nil }, func(w io.Writer, a center.Proposals) {
			words := map[string]string{"open": "待批准", "approved": "已批准", "rejected": "已驳回", "expired": "已过期"}
			t := cli.Table{Heads: []string{"号", "站点", "生效", "油价", "提出", "理由", "状态", "经办"}}
			for _, p := range a.Proposals {
				var prices []string
				for _, x := range p.Prices {
					prices = append(prices, x.Product+"="+x.Price.String())
				}
				who := ""
				if p.Decided != nil {
					who = p.Decided.By + " " + p.Decided.Reason
				}
				t.Add(p.Proposal, p.Site, p.Effective, strings.Join(prices, " "), p.By, p.Reason, words[p.State], who)
			}
			t.Write(w)
			fmt.Fprintf(w, "待批准 %d 份 (open)\n", a.Open)
		})
	c.Flags().BoolVar(&q.Open, "open", false, "只列待批准的 (only open ones)")
	c.Flags().IntVar(&q.Limit, "limit", 20, "条数 (how many)")
	return c
}

func (e *env) priceStatus(addr *string) *cobra.Command {
	return command(e, addr, "status", "最新油价各枪确认到何处 (how far the newest prices are)", center.PathPriceStatus, nothing, func(w io.Writer, a center.PriceStatus) {
		percent := 100
		if a.Nozzles > 0 {
			percent = 100 * a.Acknowledged / a.Nozzles
		}
		fmt.Fprintf(w, "已确认 %d / %d 枪 (%d%%)\n", a.Acknowledged, a.Nozzles, percent)
		if len(a.Late) == 0 {
			return
		}
		t := cli.Table{Heads: []string{"站点", "口", "枪", "下发", "已有", "状态"}}
		for _, l := range a.Late {
			state := "等待确认 (waiting)"
			switch {
			case l.Shut:
				state = "已停用 (closed)"
			case l.Open:
				state = "断线, 仍按旧价 (not reached, sells at its old price)"
			}
			t.Add(l.Site, l.Port, l.Nozzle, l.Ordered, l.Has, state)
		}
		t.Write(w)
	})
}

func (e *env) putPrices(addr *string) *cobra.Command {
	var q center.PutPrices
	var id string
	put := command(e, addr, "put CODE=YUAN…", "下发站点的首份油价; 单人公司也用它调价 (the first prices of a station)", center.PathPutPrices, func(args []string) (_ any, err error) {
		q.Site = record.SiteID(id)
		q.Prices, err = priced(args)
		return q, err
	}, showIssued)
	put.Args = cobra.MinimumNArgs(1)
	put.Flags().StringVar(&id, "site", "", "四位站点号 (four digits)")
	put.Flags().StringVar(&q.Effective, "effective", "", "生效时间 YYYYMMDDhhmm, 缺省立即 (effective at, default at once)")
	by(put, &q.By)
	return put
}

func (e *env) showPrices(addr *string) *cobra.Command {
	var id string
	show := command(e, addr, "show", "显示油价 (show prices)", center.PathPrices,
		func([]string) (any, error) { return center.AskSite{Site: record.SiteID(id)}, nil }, func(w io.Writer, p center.PricesView) {
			fmt.Fprintf(w, "站点 %s: 第 %d 版, 站内应用第 %d 版 (ordered, applied), 新价生效 %s\n", p.Site, p.Version, p.Applied, p.Table.Effective)
			t := cli.Table{Heads: []string{"油品", "生效前", "生效后"}}
			for i, x := range p.Table.Next[:min(len(p.Table.Next), len(p.Table.Now))] { // both hold every product, in order
				t.Add(x.Product, p.Table.Now[i].Price, x.Price)
			}
			t.Write(w)
		})
	show.Flags().StringVar(&id, "site", "", "四位站点号 (four digits)")
	return show
}

func (e *env) stationPrices(addr *string) *cobra.Command {
	return command(e, addr, "prices", "油价: 各枪确认的版本 (prices: the version that each nozzle has acknowledged)", station.PathPrices, nothing, showStationPrices)
}

func showStationPrices(w io.Writer, p station.Prices) {
	when := "待生效 (to come)"
	if p.InForce {
		when = "已生效 (in force)"
	}
	fmt.Fprintf(w, "第 %d 版油价, %s 起, %s\n", p.Version, p.Effective, when)
	t := cli.Table{Heads: []string{"口", "枪", "油品", "此前", "此后", "已确认", "状态"}}
	for _, n := range p.Nozzles {
		t.Add(n.Port, n.Nozzle, n.Product, n.Now, n.Next, n.Acknowledged, priceState(n, p.Version))
	}
	t.Write(w)
}

func priceState(n station.NozzlePrice, ordered uint64) string {
	state := "已确认"
	switch {
	case n.Open:
		state = "未确认, 够不着, 仍按旧价 (not reached, sells at its old price)"
	case n.Shut:
		state = "未确认, 已停用 (closed)"
	case n.Acknowledged != ordered:
		state = "等待确认 (waiting)"
	}
	if !n.Online {
		state += ", 离线 (off line)"
	}
	return state
}
