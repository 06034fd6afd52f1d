package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/cmd/internal/config"
	"greylock/system/app"
	"greylock/system/station"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

func (e *env) station() *cobra.Command {
	var path, addr string
	run := func(c *cobra.Command, _ []string) error { return e.runStation(c.Context(), path) }
	group := &cobra.Command{Use: "station", Short: "加油站 (station): 运行, 查询", Args: cobra.NoArgs, RunE: run}
	group.PersistentFlags().StringVar(&path, "config", "station.yaml", "加油站的配置 (configuration)")
	group.PersistentFlags().StringVar(&addr, "addr", "127.0.0.1:7102", "运行中的站级程序 (the running program's operator door)")
	limit := 0
	sales := command(e, &addr, "sales", "最近的加油记录 (newest records)", station.PathSales,
		func([]string) (any, error) { return station.AskSales{Limit: limit}, nil }, showStationSales)
	sales.Flags().IntVar(&limit, "limit", 20, "条数 (how many)")
	group.AddCommand(e.stationTill(&addr), e.service(config.RoleStation, &path),
		&cobra.Command{Use: "run", Short: "运行站级程序 (run the station's program)", Args: cobra.NoArgs, RunE: run},
		command(e, &addr, "status", "油枪状态 (nozzles)", station.PathStatus, nothing, showStation),
		sales, e.stationWatch(&addr),
		e.stationShift(&addr), e.stationDay(&addr), e.stationMonth(&addr),
		command(e, &addr, "lists", "黑白名单: 版本, 年龄, 各枪是否已用上 (lists: versions, age, boards)", station.PathLists, nothing, showStationLists),
		e.stationAlarms(&addr), e.stationAlarm(&addr), e.stationPrices(&addr),
		e.stationHub(&addr), e.stationTank(&addr), e.stationUPS(&addr), e.stationCommission(&addr), e.stationPorts(&path), e.stationUdev(),
	)
	group.AddCommand(e.stationModes(&addr)...)
	group.AddCommand(e.stationWhy(&addr))
	group.AddCommand(e.stationPlain(&addr)...)
	return group
}

func (e *env) runStation(ctx context.Context, path string) error {
	c, err := load(path, config.RoleStation)
	if err != nil {
		return err
	}
	key, err := hex.DecodeString(c.Station.CenterKey)
	if err != nil {
		return fmt.Errorf("%w: station.center_key: %w", config.ErrConfig, err)
	}
	cfg := app.StationConfig{
		Site: identity(c), Data: c.Data, Center: c.Station.Center, TLS: c.Station.TLS.Files(), CenterKey: key, Operator: c.Station.Operator, Locks: c.Station.Locks,
	}
	if cfg.Log, err = e.logger(c); err != nil {
		return err
	}
	if cfg.Plausible.MostFlow, err = unit.ParseQuantity(c.Station.MostFlow); err != nil {
		return fmt.Errorf("%w: station.most_flow: %w", config.ErrConfig, err)
	}
	if cfg.Plausible.MostFill, err = unit.ParseQuantity(c.Station.MostFill); err != nil {
		return fmt.Errorf("%w: station.most_fill: %w", config.ErrConfig, err)
	}
	if cfg.Lists.Warn, err = config.Span(c.Station.Lists.Warn); err == nil {
		cfg.Lists.Refuse, err = config.Span(c.Station.Lists.Refuse)
	}
	if err != nil {
		return fmt.Errorf("%w: station.lists: %w", config.ErrConfig, err)
	}
	if g := c.Station.Gauge; g.Path != "" {
		cfg.Gauge = &app.Port{Path: g.Path, Baud: g.Baud, Parity: g.Parity}
	}
	if cfg.UPS, err = supply(c.Station.UPS); err != nil {
		return err
	}
	if cfg.Cards, err = c.Cards(); err != nil {
		return err
	}
	if c.Station.Products != "" {
		cfg.Products = strings.Split(c.Station.Products, ",")
	}
	for _, t := range c.Station.Tills {
		cfg.Tills = append(cfg.Tills, app.Till{Number: t.Number, Reader: t.Reader, PSAM: t.PSAM})
	}
	for _, p := range c.Station.Ports {
		cfg.Ports = append(cfg.Ports, app.Port{Number: p.Number, Path: p.Path, Baud: p.Baud, Parity: p.Parity, Protocol: station.Protocol(p.Protocol)})
	}
	if cfg.Contactor, err = contactor(c.Station.Contactor); err != nil {
		return err
	}
	p, err := app.Station(cfg)
	return e.serve(ctx, p, err, cfg.Site)
}

// contactor is the relay board of the configuration, nil if it names none.
func contactor(x config.Contactor) (*app.Contactor, error) {
	if x.Path == "" {
		return nil, nil
	}
	out := &app.Contactor{Path: x.Path, Parity: x.Parity, Contactor: station.Contactor{Address: byte(x.Address), Baud: x.Baud}}
	coils, err := config.Coils(x.Coils)
	if err != nil {
		return nil, err
	}
	for _, port := range slices.Sorted(maps.Keys(coils)) {
		out.Coils = append(out.Coils, station.Coil{Port: port, Coil: coils[port]})
	}
	return out, nil
}

// supply is the UPS of the configuration, nil if it names none.
func supply(u config.UPS) (*app.UPS, error) {
	if u.Path == "" {
		return nil, nil
	}
	most, err := config.Span(u.Most)
	if err != nil {
		return nil, fmt.Errorf("%w: station.ups.most: %w", config.ErrConfig, err)
	}
	return &app.UPS{Path: u.Path, Baud: u.Baud, Parity: u.Parity, UPSPolicy: station.UPSPolicy{Most: most}}, nil
}

// serve runs a program until it is told to stop; that is no interruption but its end.
func (e *env) serve(ctx context.Context, p *app.Program, err error, id app.Identity) error {
	if err != nil {
		return err
	}
	if id.Realm == record.Training {
		fmt.Fprintln(e.Err, "教学模式 · 模拟密钥 · 不作凭证 (training: not valid as a receipt)")
	}
	p.Serve(manager())
	return errors.Join(p.Run(ctx), p.Close())
}

func showStation(w io.Writer, s station.Status) {
	fmt.Fprintf(w, "%s %s (%s): %d 条加油记录 (records)\n", s.Site, s.Name, s.Realm, s.Records)
	fmt.Fprintln(w, listsLine(s.Lists))
	if s.NoMains {
		fmt.Fprintln(w, "停电, 不开新单: 见 station ups (no mains: no new sale, see station ups)")
	}
	t := cli.Table{Heads: []string{"口", "枪", "状态", "串口", "金额", "数量", "单位", "单价", "泵码", "缺号"}}
	for _, n := range s.Nozzles {
		line := "断"
		if n.Line {
			line = "通"
		}
		t.Add(n.Port, n.Nozzle, n.Zh, line, n.Amount, n.Quantity, unitWord(n.Unit), n.Price, n.Total, n.Missing)
	}
	t.Write(w)
}

func showStationSales(w io.Writer, s station.Sales) {
	t := cli.Table{Heads: []string{"记录", "口", "时间", "类型", "卡", "油品", "单价", "数量", "单位", "金额", "交易"}}
	for _, x := range s.Sales {
		t.Add(x.Seq, x.Port, x.Time, x.Zh, x.ASN, x.Product, x.Price, x.Quantity, unitWord(x.Unit), x.Amount, x.Sale)
	}
	t.Write(w)
}
