package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/emulators/dispenser"
	"greylock/emulators/hub"
	"greylock/emulators/line"
	"greylock/emulators/ups"
	"greylock/system/clock"
	wire "greylock/system/wire/ups"
)

// upsName is the stable name of the UPS's port.
const upsName = "ups"

// upsFlags are what `emulate ups` is told.
type upsFlags struct {
	dir   string
	baud  int
	seed  uint64
	lasts time.Duration
}

func (l *lab) emulateUPS() *cobra.Command {
	f := &upsFlags{}
	c := &cobra.Command{Use: "ups", Short: "伪终端后面的 UPS (a UPS behind a pseudo-terminal)", Args: cobra.NoArgs,
		Long: "后备式 UPS (Megatec, 也叫 Q1), 端口名为 目录/ups, 任何程序都可当串口打开。输出通断时会报一行。\n" +
			"运行中可输入: mains off|on 市电; battery low|full|40 电池电量 (百分之); way normal|silent|garbage|slow|deaf 应答 (deaf: 不听关机命令);\n" +
			"off/on 整机关与开, cut/join 断线与接线, noise 5 千分之五的误码; Ctrl-C 结束。\n" +
			"A UPS that speaks Megatec (Q1) at the pseudo-terminal DIR/ups, which any program opens like a serial port.\n" +
			"While it runs: the words above; it says when its output goes off or on. Ctrl-C ends.",
		RunE: func(c *cobra.Command, _ []string) error { return l.runUPS(c.Context(), f) }}
	p := c.Flags()
	p.StringVar(&f.dir, "dir", "", "放端口名的目录 (directory of the stable name)")
	p.DurationVar(&f.lasts, "lasts", 10*time.Minute, "满电能用多久 (how long a full battery lasts)")
	p.IntVar(&f.baud, "baud", wire.Baud, "波特率 (bits per second)")
	p.Uint64Var(&f.seed, "seed", 1, "随机种子 (seed)")
	return c
}

// supply is a UPS as a device of the hub; told hears of its output.
type supply struct {
	*ups.UPS
	told func(on bool)
}

func (s supply) Take() dispenser.Effects {
	fx := s.UPS.Take()
	for _, on := range fx.Switched {
		s.told(on)
	}
	return dispenser.Effects{Send: fx.Send, Wake: fx.Wake}
}

func (l *lab) runUPS(ctx context.Context, f *upsFlags) error {
	switch {
	case f.dir == "":
		return cli.Usagef("--dir: 端口名放在哪个目录 (a directory for the stable name)")
	case f.baud < slowest || f.baud > fastest:
		return cli.Usagef("--baud %d: %d…%d", f.baud, slowest, fastest)
	case f.lasts < time.Second || f.lasts > 24*time.Hour:
		return cli.Usagef("--lasts %v: 1s…24h", f.lasts)
	}
	said := make(chan bool, 16)
	u := supply{ups.New(ups.Config{Lasts: f.lasts, Low: f.lasts / 5, Seed: f.seed}), func(on bool) {
		select {
		case said <- on:
		default: // nobody reads that fast, and the next one tells
		}
	}}
	h, err := hub.Open(hub.Config{Dir: f.dir, Baud: f.baud, Seed: f.seed,
		Ports: []hub.Port{{Name: upsName, New: func() (hub.Device, hub.Hands, error) { return u, nil, nil }}}})
	if err != nil {
		return err
	}
	fmt.Fprintf(l.Out, "UPS: %s\n", h.Link(0))
	typed := make(chan string)
	go func() {
		lines := bufio.NewScanner(l.In)
		for lines.Scan() {
			select {
			case typed <- lines.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return h.Close()
		case on := <-said:
			fmt.Fprintf(l.Out, "输出 (output): %s\n", map[bool]string{true: "on", false: "off"}[on])
		case text := <-typed:
			words := strings.Fields(text)
			if len(words) == 0 {
				continue
			}
			if err := moveUPS(h, words); err != nil {
				fmt.Fprintf(l.Err, "%v\n", err)
				continue
			}
			fmt.Fprintln(l.Out, strings.Join(words, " "))
		}
	}
}

var errUPSHand = errors.New("应为 mains on|off, battery low|full|N, way normal|silent|garbage|slow|deaf, off, on, cut, join 或 noise N (want one of these words)")

var (
	talks   = map[string]ups.Way{"normal": ups.Normal, "silent": ups.Silent, "garbage": ups.Garbage, "slow": ups.Slow, "deaf": ups.Deaf}
	charges = map[string]int{"low": 10, "full": 100}
)

// moveUPS does one typed line.
func moveUPS(h *hub.Hub, words []string) error {
	switch text := strings.Join(words, " "); text {
	case "off", "on":
		return h.Power(0, text == "on")
	case "cut":
		h.Line(0, (*line.Mem).Cut)
		return nil
	case "join":
		h.Line(0, (*line.Mem).Restore)
		return nil
	case "mains off", "mains on":
		return atUPS(h, func(now clock.Instant, u *ups.UPS) { u.Mains(now, text == "mains on") })
	}
	if len(words) != 2 {
		return errUPSHand
	}
	n, err := strconv.Atoi(words[1])
	switch words[0] {
	case "noise":
		if err != nil || n < 0 || n > 1000 {
			return fmt.Errorf("noise %q: 应为 0…1000 (want thousandths)", words[1])
		}
		h.Line(0, func(m *line.Mem) { m.Noise(n) })
		return nil
	case "way":
		if way, ok := talks[words[1]]; ok {
			return atUPS(h, func(_ clock.Instant, u *ups.UPS) { u.Talk(way) })
		}
	case "battery":
		if percent, ok := charges[words[1]]; ok {
			n, err = percent, nil
		}
		if err == nil && n >= 0 && n <= 100 {
			return atUPS(h, func(now clock.Instant, u *ups.UPS) { u.Charge(now, n) })
		}
	}
	return errUPSHand
}

func atUPS(h *hub.Hub, act func(now clock.Instant, u *ups.UPS)) error {
	if !h.Do(0, func(now clock.Instant, d hub.Device) { act(now, d.(supply).UPS) }) {
		return errDark
	}
	return nil
}
