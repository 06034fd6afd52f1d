package main

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/emulators/dispenser"
	"greylock/emulators/hub"
	"greylock/emulators/ups"
	"greylock/system/clock"
	wire "greylock/system/wire/ups"
)

// upsName is the stable name of the UPS's port.
const upsName = "ups"

func (l *lab) emulateUPS() *cobra.Command {
	f, lasts := &single{name: upsName, title: "UPS", move: moveUPS}, time.Duration(0)
	c := &cobra.Command{Use: "ups", Short: "伪终端后面的 UPS (a UPS behind a pseudo-terminal)", Args: cobra.NoArgs,
		Long: "后备式 UPS (Megatec, 也叫 Q1), 端口名为 目录/ups, 任何程序都可当串口打开。输出通断时会报一行。\n" +
			"运行中可输入: mains off|on 市电; battery low|full|40 电池电量 (百分之); way normal|silent|garbage|slow|deaf 应答 (deaf: 不听关机命令);\n" +
			"off/on 整机关与开, cut/join 断线与接线, noise 5 千分之五的误码; Ctrl-C 结束。\n" +
			"A UPS that speaks Megatec (Q1) at the pseudo-terminal DIR/ups, which any program opens like a serial port.\n" +
			"While it runs: the words above; it says when its output goes off or on. Ctrl-C ends.",
		RunE: func(c *cobra.Command, _ []string) error { return l.runUPS(c.Context(), f, lasts) }}
	f.flags(c.Flags(), wire.Baud)
	c.Flags().DurationVar(&lasts, "lasts", 10*time.Minute, "满电能用多久 (how long a full battery lasts)")
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

func (l *lab) runUPS(ctx context.Context, f *single, lasts time.Duration) error {
	if err := f.check(); err != nil {
		return err
	}
	if lasts < time.Second || lasts > 24*time.Hour {
		return cli.Usagef("--lasts %v: 1s…24h", lasts)
	}
	said := make(chan string, 16)
	f.said, f.device = said, supply{ups.New(ups.Config{Lasts: lasts, Low: lasts / 5, Seed: f.seed}), func(on bool) {
		select {
		case said <- "输出 (output): " + map[bool]string{true: "on", false: "off"}[on]:
		default: // nobody reads that fast, and the next one tells
		}
	}}
	return l.runSingle(ctx, f)
}

var errUPSHand = errors.New("应为 mains on|off, battery low|full|N, way normal|silent|garbage|slow|deaf, off, on, cut, join 或 noise N (want one of these words)")

var (
	talks   = map[string]ups.Way{"normal": ups.Normal, "silent": ups.Silent, "garbage": ups.Garbage, "slow": ups.Slow, "deaf": ups.Deaf}
	charges = map[string]int{"low": 10, "full": 100}
)

// moveUPS does one typed line.
func moveUPS(h *hub.Hub, words []string) error {
	switch text := strings.Join(words, " "); text {
	case "mains off", "mains on":
		return atUPS(h, func(now clock.Instant, u *ups.UPS) { u.Mains(now, text == "mains on") })
	}
	if len(words) != 2 {
		return errUPSHand
	}
	n, err := strconv.Atoi(words[1])
	switch words[0] {
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
