package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/cmd/internal/config"
	"greylock/system/app"
	"greylock/system/center"
	"greylock/system/clock"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

func (e *env) center() *cobra.Command {
	var path, addr string
	run := func(c *cobra.Command, _ []string) error { return e.runCenter(c.Context(), path) }
	group := &cobra.Command{Use: "center", Short: "中心 (center): 运行, 登记, 下发, 查询", Args: cobra.NoArgs, RunE: run}
	group.PersistentFlags().StringVar(&path, "config", "center.yaml", "中心的配置 (configuration)")
	group.PersistentFlags().StringVar(&addr, "addr", "127.0.0.1:7101", "运行中的中心程序 (the running program's operator door)")
	group.AddCommand(
		&cobra.Command{Use: "run", Short: "运行中心程序 (run the center's program)", Args: cobra.NoArgs, RunE: run},
		&cobra.Command{Use: "key", Short: "指令公钥, 写入各站 center_key (public key for the stations)", Args: cobra.NoArgs,
			RunE: func(*cobra.Command, []string) error { return e.centerKey(path) }},
		e.centerCertificate(), e.service(config.RoleCenter, &path),
		e.centerSite(&addr), e.centerProduct(&addr), e.centerLayout(&addr), e.centerPrices(&addr), e.centerList(&addr), e.centerSales(&addr), e.centerSale(&addr),
		e.centerDay(&addr), e.centerAlarms(&addr), e.centerAlarm(&addr),
	)
	group.AddCommand(e.centerLists(&addr)...)
	return group
}

func (e *env) runCenter(ctx context.Context, path string) error {
	c, err := load(path, config.RoleCenter)
	if err != nil {
		return err
	}
	cards, err := c.Cards()
	if err != nil {
		return err
	}
	id := identity(c)
	log, err := e.logger(c)
	if err != nil {
		return err
	}
	p, err := app.Center(app.CenterConfig{
		Site: id, Cards: cards, Data: c.Data, Listen: c.Center.Listen, Operator: c.Center.Operator, Vault: c.Center.Vault, Secret: c.Center.Secret, TLS: centerFiles(c.Center),
		OnePerson: c.Center.Prices == config.OnePerson, Log: log,
	})
	return e.serve(ctx, p, err, id)
}

func (e *env) centerKey(path string) error {
	c, err := load(path, config.RoleCenter)
	if err != nil {
		return err
	}
	cards, err := c.Cards()
	if err != nil {
		return err
	}
	v, err := app.OpenVault(c.Center.Vault, c.Center.Secret, record.KindCenter, identity(c), cards)
	if err != nil {
		return err
	}
	key := fmt.Sprintf("%x", v.PublicKey())
	return e.Print(map[string]string{"center_key": key}, func(w io.Writer) { fmt.Fprintln(w, key) })
}

// by is who gives an order, for the journal.
func by(c *cobra.Command, to *string) {
	c.Flags().StringVar(to, "by", os.Getenv("USER"), "经办人 (who orders it)")
}

func (e *env) centerSite(addr *string) *cobra.Command {
	group := &cobra.Command{Use: "site", Short: "站点 (sites)"}
	var q center.PutSite
	var id, kind string
	put := command(e, addr, "put", "登记或更改站点 (register or change a site)", center.PathPutSite, func([]string) (any, error) {
		q.Site, q.Kind = record.SiteID(id), record.Kind(kind)
		return q, nil
	}, showDone)
	put.Flags().StringVar(&id, "site", "", "四位站点号 (four digits)")
	put.Flags().StringVar(&kind, "kind", "station", "station, outlet 或 making")
	cli.Values(put, "kind", "station", "outlet", "making")
	put.Flags().StringVar(&q.Name, "name", "", "名称 (name)")
	by(put, &q.By)
	list := command(e, addr, "list", "列出站点 (list sites)", center.PathSites, nothing, func(w io.Writer, a center.Sites) {
		t := cli.Table{Heads: []string{"站点", "类别", "名称", "已收记录"}}
		for _, s := range a.Sites {
			t.Add(s.Site, s.Kind, s.Name, s.Seq)
		}
		t.Write(w)
	})
	versions := command(e, addr, "versions", "各站下发与应用的版本 (versions ordered and applied)", center.PathVersions, nothing, func(w io.Writer, a center.Versions) {
		t := cli.Table{Heads: []string{"站点", "内容", "下发", "应用"}}
		for _, v := range a.Versions {
			t.Add(v.Site, v.Topic, v.Ordered, v.Applied)
		}
		t.Write(w)
	})
	group.AddCommand(put, list, versions)
	return group
}

func showDone(w io.Writer, _ record.Done) { fmt.Fprintln(w, "已登记 (done)") }

func showIssued(w io.Writer, i center.Issued) {
	fmt.Fprintf(w, "已下发 (ordered): 站点 %s, %s 第 %d 版\n", i.Site, i.Topic, i.Version)
}

func (e *env) centerProduct(addr *string) *cobra.Command {
	group := &cobra.Command{Use: "product", Short: "油品 (products)"}
	var q center.PutProduct
	var u string
	put := command(e, addr, "put", "登记或更改油品 (register or change a product)", center.PathPutProduct, func([]string) (any, error) {
		q.Unit = unit.Unit(u)
		return q, nil
	}, showDone)
	put.Flags().StringVar(&q.Code, "code", "", "四位油品编码 (four digits)")
	put.Flags().StringVar(&q.Name, "name", "", "名称 (name)")
	put.Flags().StringVar(&u, "unit", "L", "计量单位 (unit)")
	by(put, &q.By)
	list := command(e, addr, "list", "列出油品 (list products)", center.PathProducts, nothing, func(w io.Writer, a center.Products) {
		t := cli.Table{Heads: []string{"编码", "名称", "单位"}}
		for _, p := range a.Products {
			t.Add(p.Code, p.Name, p.Unit)
		}
		t.Write(w)
	})
	group.AddCommand(put, list)
	return group
}

func (e *env) centerLayout(addr *string) *cobra.Command {
	group := &cobra.Command{Use: "layout", Short: "站内布局: 端口、油枪、PSAM (station layout)"}
	var q center.PutLayout
	var id, file string
	put := command(e, addr, "put", "下发布局 (order a layout)", center.PathPutLayout, func([]string) (any, error) {
		q.Site = record.SiteID(id)
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, cli.Usagef("--file: %v", err)
		}
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&q.Layout); err != nil {
			return nil, cli.Usagef("--file %s: %v", file, err)
		}
		return q, nil
	}, showIssued)
	put.Flags().StringVar(&id, "site", "", "四位站点号 (four digits)")
	put.Flags().StringVar(&file, "file", "", "布局, JSON, 同 layout show 所示 (as `layout show --json` prints)")
	by(put, &q.By)
	show := command(e, addr, "show", "显示布局 (show the layout)", center.PathLayout,
		func([]string) (any, error) { return center.AskSite{Site: record.SiteID(id)}, nil }, func(w io.Writer, l center.LayoutView) {
			fmt.Fprintf(w, "站点 %s %s: 第 %d 版, 站内应用第 %d 版 (ordered, applied)\n", l.Site, l.Layout.Name, l.Version, l.Applied)
			t := cli.Table{Heads: []string{"口", "枪", "油品", "PSAM"}}
			for _, p := range l.Layout.Ports {
				t.Add(p.Port, p.Nozzle, p.Product, p.TID)
			}
			t.Write(w)
		})
	show.Flags().StringVar(&id, "site", "", "四位站点号 (four digits)")
	group.AddCommand(put, show)
	return group
}

func (e *env) centerSales(addr *string) *cobra.Command {
	var site, asn string
	limit := 0
	c := command(e, addr, "sales", "加油记录 (sales)", center.PathSales, func([]string) (any, error) {
		q := center.AskSales{Site: record.SiteID(site), Limit: limit}
		if asn != "" {
			a, err := pboc.ParseASN(asn)
			if err != nil {
				return nil, cli.Usagef("--card %q: %v", asn, err)
			}
			q.ASN = &a
		}
		return q, nil
	}, func(w io.Writer, a center.Sales) {
		t := cli.Table{Heads: []string{"交易", "站点", "时间", "卡", "油品", "单价", "数量", "单位", "金额", "状态"}}
		for _, s := range a.Sales {
			t.Add(s.ID, s.Site, s.Time, s.ASN, s.Product, s.Price, s.Quantity, unitWord(s.Unit), s.Amount, s.State)
		}
		t.Write(w)
	})
	c.Flags().StringVar(&site, "site", "", "只列一个站点 (one site)")
	c.Flags().StringVar(&asn, "card", "", "只列一张卡 (one card)")
	c.Flags().IntVar(&limit, "limit", 20, "条数 (how many)")
	return c
}

func (e *env) centerSale(addr *string) *cobra.Command {
	c := command(e, addr, "sale ID", "一笔交易及其凭据 (one sale and its evidence)", center.PathSale,
		func(args []string) (any, error) { return center.AskSale{ID: args[0]}, nil },
		func(w io.Writer, s center.SaleProof) {
			fmt.Fprintf(w, "%s  %s  %s %s × %s = %s 元  %s\n", s.ID, s.Time, s.Quantity, unitWord(s.Unit), s.Price, s.Amount, s.State)
			for _, f := range s.Suspect {
				zh, en := f.Words()
				fmt.Fprintf(w, "油站存疑 (the station doubts): %s %s (%s)\n", f, zh, en)
			}
			t := cli.Table{Heads: []string{"检查", "结果", "说明"}}
			for _, ev := range s.Evidence {
				for _, k := range ev.Checks {
					t.Add(k.Name, okWord(k.OK), k.Zh)
				}
			}
			t.Write(w)
		})
	c.Args = cobra.ExactArgs(1)
	return c
}

func okWord(ok bool) string {
	if ok {
		return "符合"
	}
	return "不符"
}

// centerLists are the questions without parameters.
func (e *env) centerLists(addr *string) []*cobra.Command {
	return []*cobra.Command{
		command(e, addr, "status", "中心一览 (overview)", center.PathStatus, nothing, func(w io.Writer, s center.Status) {
			fmt.Fprintf(w, "%s %s (%s): 站点 %d, 卡 %d, 交易 %d, 隔离 %d, 告警 %d, 借贷平衡 %s\n",
				s.Site, s.Name, s.Realm, s.Sites, s.Cards, s.Sales, s.Quarantine, s.Alarms, okWord(s.Balanced))
		}),
		e.centerQuarantine(addr, command(e, addr, "quarantine", "未入账的记录 (records not posted)", center.PathQuarantine, nothing, func(w io.Writer, a center.Quarantine) {
			t := cli.Table{Heads: []string{"时间", "站点", "记录", "交易", "原因", "说明"}}
			for _, q := range a.Quarantine {
				t.Add(civil(q.TimeMs), q.Site, q.Seq, q.Sale, q.Reason, q.Zh)
			}
			t.Write(w)
		})),
		command(e, addr, "cards", "卡 (cards)", center.PathCards, nothing, func(w io.Writer, a center.Cards) {
			t := cli.Table{Heads: []string{"卡", "状态", "账户", "持卡人", "账面余额", "欠款", "笔数"}}
			for _, c := range a.Cards {
				t.Add(c.ASN, c.State, c.Account, c.Holder, c.Shadow, c.Owed, c.Sales)
			}
			t.Write(w)
		}),
		command(e, addr, "accounts", "账户 (accounts)", center.PathAccounts, nothing, func(w io.Writer, a center.Accounts) {
			t := cli.Table{Heads: []string{"账户", "户名", "余额", "在途", "卡数"}}
			for _, x := range a.Accounts {
				t.Add(x.Account, x.Name, x.Balance, x.Pending, len(x.Cards))
			}
			t.Write(w)
		}),
		command(e, addr, "trial-balance", "试算平衡 (trial balance)", center.PathTrialBalance, nothing, func(w io.Writer, a center.TrialBalance) {
			t := cli.Table{Heads: []string{"科目", "余额 (借正贷负)"}}
			for _, l := range a.Classes {
				t.Add(l.Account, l.Balance)
			}
			t.Add("合计", a.Sum)
			t.Write(w)
		}),
	}
}

func civil(ms int64) string { return clock.FromMilli(ms).Civil().String() }
