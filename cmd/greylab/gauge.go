package main

import (
	"context"
	"errors"
	"strconv"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/emulators/dispenser"
	"greylock/emulators/gauge"
	"greylock/emulators/hub"
	"greylock/emulators/line"
	"greylock/system/clock"
	"greylock/system/wire/tls350"
	"greylock/system/wire/unit"
)

// gaugeName is the stable name of the console's port.
const gaugeName = "gauge"

func (l *lab) emulateGauge() *cobra.Command {
	f, tanks := &single{name: gaugeName, title: "液位仪 (gauge)", move: moveGauge}, 0
	c := &cobra.Command{Use: "gauge", Short: "伪终端后面的液位仪 (a tank gauge behind a pseudo-terminal)", Args: cobra.NoArgs,
		Long: "TLS-350 液位仪, 端口名为 目录/gauge, 任何程序都可当串口打开。每罐直径 2.5 米、长 6.1 米, 先有 1 万升油。\n" +
			"运行中可输入: draw 1 200 加油机抽走 200 升, truck 1 5000 卸油 5000 升, leak 1 5 每小时漏 5 升, wet 1 60 水高 60 毫米, warm 1 25 油温 25 度;\n" +
			"probe 1 works|out|stuck 探棒; way normal|dead|garbage|slow 整机; off/on 断电与上电, cut/join 断线与接线, noise 5 千分之五的误码; Ctrl-C 结束。\n" +
			"A TLS-350 console at the pseudo-terminal DIR/gauge, which any program opens like a serial port.\n" +
			"While it runs: the words above; Ctrl-C ends.",
		RunE: func(c *cobra.Command, _ []string) error { return l.runGauge(c.Context(), f, tanks) }}
	f.flags(c.Flags(), line.DefaultBaud)
	c.Flags().IntVar(&tanks, "tanks", 3, "油罐数 (tanks)")
	return c
}

// console is a gauge as a device of the hub.
type console struct{ *gauge.Gauge }

func (c console) Take() dispenser.Effects {
	return dispenser.Effects{Send: c.Gauge.Take(), Wake: c.Due()}
}

func (l *lab) runGauge(ctx context.Context, f *single, tanks int) error {
	if err := f.check(); err != nil {
		return err
	}
	if tanks < 1 || tanks > tls350.MaxTanks {
		return cli.Usagef("--tanks %d: 1…%d", tanks, tls350.MaxTanks)
	}
	cfg := gauge.Config{Seed: f.seed}
	for n := range tanks {
		cfg.Tanks = append(cfg.Tanks, gauge.Plan{Number: n + 1, Product: byte('1' + n%9), Diameter: 2500, Length: 6100, Fuel: 1000000,
			Degrees: 1800, Reorder: 400000, MostWet: 500})
	}
	g, err := gauge.New(cfg)
	if err != nil {
		return err
	}
	f.device = console{g}
	return l.runSingle(ctx, f)
}

var errGaugeHand = errors.New("应为 draw, truck, leak, wet, warm 罐 数值, probe 罐 works|out|stuck, way normal|dead|garbage|slow, off, on, cut, join 或 noise N " +
	"(want one of these words)")

var (
	probes = map[string]gauge.Probe{"works": gauge.Works, "out": gauge.Out, "stuck": gauge.Stuck}
	ways   = map[string]gauge.Way{"normal": gauge.Normal, "dead": gauge.Dead, "garbage": gauge.Garbage, "slow": gauge.Slow}
)

// moveGauge does one typed line at the console or a tank.
func moveGauge(h *hub.Hub, words []string) error {
	word, args := words[0], words[1:]
	switch {
	case word == "way" && len(args) == 1:
		way, ok := ways[args[0]]
		if !ok {
			return errGaugeHand
		}
		return atGauge(h, func(_ clock.Instant, g *gauge.Gauge) error { g.Set(way); return nil })
	case len(args) == 2:
		return moveTank(h, word, args[0], args[1])
	}
	return errGaugeHand
}

// moveTank does something at one tank.
func moveTank(h *hub.Hub, word, tank, value string) error {
	n, err := strconv.Atoi(tank)
	if err != nil {
		return errGaugeHand
	}
	if probe, ok := probes[value]; ok && word == "probe" {
		return atGauge(h, func(now clock.Instant, g *gauge.Gauge) error { return g.Probe(now, n, probe) })
	}
	q, err := unit.ParseQuantity(value)
	if err != nil {
		return errGaugeHand
	}
	const flow, warmth = 1000, 1800 // litres a minute; what a truck brings
	return atGauge(h, func(now clock.Instant, g *gauge.Gauge) error {
		switch word {
		case "draw":
			return g.Draw(n, q)
		case "truck":
			return g.Unload(now, n, q, flow, warmth)
		case "leak":
			return g.Leak(now, n, q)
		case "wet":
			return g.Wet(n, unit.Length(q/10))
		case "warm":
			return g.Warm(n, unit.Degrees(q))
		}
		return errGaugeHand
	})
}

func atGauge(h *hub.Hub, act func(now clock.Instant, g *gauge.Gauge) error) error {
	err := errDark
	h.Do(0, func(now clock.Instant, d hub.Device) { err = act(now, d.(console).Gauge) })
	return err
}
