package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

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

// gaugeFlags are what `emulate gauge` is told.
type gaugeFlags struct {
	dir         string
	tanks, baud int
	seed        uint64
}

func (l *lab) emulateGauge() *cobra.Command {
	f := &gaugeFlags{}
	c := &cobra.Command{Use: "gauge", Short: "伪终端后面的液位仪 (a tank gauge behind a pseudo-terminal)", Args: cobra.NoArgs,
		Long: "TLS-350 液位仪, 端口名为 目录/gauge, 任何程序都可当串口打开。每罐直径 2.5 米、长 6.1 米, 先有 1 万升油。\n" +
			"运行中可输入: draw 1 200 加油机抽走 200 升, truck 1 5000 卸油 5000 升, leak 1 5 每小时漏 5 升, wet 1 60 水高 60 毫米, warm 1 25 油温 25 度;\n" +
			"probe 1 works|out|stuck 探棒; way normal|dead|garbage|slow 整机; off/on 断电与上电, cut/join 断线与接线, noise 5 千分之五的误码; Ctrl-C 结束。\n" +
			"A TLS-350 console at the pseudo-terminal DIR/gauge, which any program opens like a serial port.\n" +
			"While it runs: the words above; Ctrl-C ends.",
		RunE: func(c *cobra.Command, _ []string) error { return l.runGauge(c.Context(), f) }}
	p := c.Flags()
	p.StringVar(&f.dir, "dir", "", "放端口名的目录 (directory of the stable name)")
	p.IntVar(&f.tanks, "tanks", 3, "油罐数 (tanks)")
	p.IntVar(&f.baud, "baud", line.DefaultBaud, "波特率 (bits per second)")
	p.Uint64Var(&f.seed, "seed", 1, "随机种子 (seed)")
	return c
}

// console is a gauge as a device of the hub.
type console struct{ *gauge.Gauge }

func (c console) Take() dispenser.Effects {
	return dispenser.Effects{Send: c.Gauge.Take(), Wake: c.Due()}
}

func (l *lab) runGauge(ctx context.Context, f *gaugeFlags) error {
	switch {
	case f.dir == "":
		return cli.Usagef("--dir: 端口名放在哪个目录 (a directory for the stable name)")
	case f.tanks < 1 || f.tanks > tls350.MaxTanks:
		return cli.Usagef("--tanks %d: 1…%d", f.tanks, tls350.MaxTanks)
	case f.baud < slowest || f.baud > fastest:
		return cli.Usagef("--baud %d: %d…%d", f.baud, slowest, fastest)
	}
	cfg := gauge.Config{Seed: f.seed}
	for n := range f.tanks {
		cfg.Tanks = append(cfg.Tanks, gauge.Plan{Number: n + 1, Product: byte('1' + n%9), Diameter: 2500, Length: 6100, Fuel: 1000000,
			Degrees: 1800, Reorder: 400000, MostWet: 500})
	}
	g, err := gauge.New(cfg)
	if err != nil {
		return err
	}
	h, err := hub.Open(hub.Config{Dir: f.dir, Baud: f.baud, Seed: f.seed,
		Ports: []hub.Port{{Name: gaugeName, New: func() (hub.Device, hub.Hands, error) { return console{g}, nil, nil }}}})
	if err != nil {
		return err
	}
	fmt.Fprintf(l.Out, "液位仪 (gauge): %s\n", h.Link(0))
	go func() {
		lines := bufio.NewScanner(l.In)
		for lines.Scan() {
			words := strings.Fields(lines.Text())
			if len(words) == 0 {
				continue
			}
			if err := moveGauge(h, words); err != nil {
				fmt.Fprintf(l.Err, "%v\n", err)
				continue
			}
			fmt.Fprintln(l.Out, strings.Join(words, " "))
		}
	}()
	<-ctx.Done()
	return h.Close()
}

var errGaugeHand = errors.New("应为 draw, truck, leak, wet, warm 罐 数值, probe 罐 works|out|stuck, way normal|dead|garbage|slow, off, on, cut, join 或 noise N " +
	"(want one of these words)")

var (
	probes = map[string]gauge.Probe{"works": gauge.Works, "out": gauge.Out, "stuck": gauge.Stuck}
	ways   = map[string]gauge.Way{"normal": gauge.Normal, "dead": gauge.Dead, "garbage": gauge.Garbage, "slow": gauge.Slow}
)

// moveGauge does one typed line.
func moveGauge(h *hub.Hub, words []string) error {
	word, args := words[0], words[1:]
	switch {
	case len(args) == 0:
		switch word {
		case "off", "on":
			return h.Power(0, word == "on")
		case "cut":
			h.Line(0, (*line.Mem).Cut)
			return nil
		case "join":
			h.Line(0, (*line.Mem).Restore)
			return nil
		}
		return errGaugeHand
	case word == "noise" && len(args) == 1:
		n, err := strconv.Atoi(args[0])
		if err != nil || n < 0 || n > 1000 {
			return fmt.Errorf("noise %q: 应为 0…1000 (want thousandths)", args[0])
		}
		h.Line(0, func(m *line.Mem) { m.Noise(n) })
		return nil
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
