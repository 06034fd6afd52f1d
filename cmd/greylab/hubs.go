package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
)

// emulateHub is several hubs of 8 or 16 ports with a board behind each port.
func (l *lab) emulateHub() *cobra.Command {
	f := &pumpFlags{nozzles: 1}
	all := 0
	c := &cobra.Command{Use: "hub", Aliases: []string{"up"}, Short: "集线器和它后面的加油机 (hubs and the dispensers behind them)", Args: cobra.NoArgs,
		Long: "每个集线器 8 口或 16 口, 一口一枪; 枪数超过口数就再加一个集线器。端口名为 目录/hub1/port01 …, 每把枪另有 目录/nozzle01 … 指向它的端口。\n" +
			"运行中可输入的话同 emulate dispenser, 端口按枪号。\n" +
			"Hubs of 8 or 16 ports, one nozzle to a port; more nozzles make more hubs. Ports are DIR/hub1/port01 …, and DIR/nozzle01 … name them by nozzle.\n" +
			"While it runs: the words of emulate dispenser; the port is the nozzle's number.",
		RunE: func(c *cobra.Command, _ []string) error { return l.runHubs(c.Context(), f, all) }}
	f.add(c)
	c.Flags().IntVar(&f.perHub, "ports", 16, "每个集线器的端口数 (ports of one hub)")
	cli.Values(c, "ports", "8", "16")
	c.Flags().IntVar(&all, "nozzles", 16, "枪数 (nozzles)")
	return c
}

func (l *lab) runHubs(ctx context.Context, f *pumpFlags, nozzles int) error {
	if f.perHub != 8 && f.perHub != 16 {
		return cli.Usagef("--ports %d: 集线器有 8 口和 16 口两种 (a hub has 8 or 16 ports)", f.perHub)
	}
	f.ports = nozzles
	return l.runDispensers(ctx, f)
}

// portName is the stable name of a port in the directory.
func (f *pumpFlags) portName(i int) string {
	if f.perHub == 0 {
		return fmt.Sprintf("port%02d", i+1)
	}
	return filepath.Join(fmt.Sprintf("hub%d", i/f.perHub+1), fmt.Sprintf("port%02d", i%f.perHub+1))
}

// nameNozzles gives each nozzle behind hubs a name of its own; end takes the names away.
func (f *pumpFlags) nameNozzles() (end func() error, err error) {
	if f.perHub == 0 {
		return func() error { return nil }, nil
	}
	var made []string
	end = func() (err error) {
		for _, name := range made {
			if bad := os.Remove(name); err == nil {
				err = bad
			}
		}
		return err
	}
	for i := range f.ports {
		name := filepath.Join(f.dir, fmt.Sprintf("nozzle%02d", i+1))
		if to, err := os.Readlink(name); err == nil && to == f.portName(i) {
			_ = os.Remove(name) // of a run that was killed
		}
		if err := os.Symlink(f.portName(i), name); err != nil {
			return end, fmt.Errorf("--dir: %w", err)
		}
		made = append(made, name)
	}
	return end, nil
}

// part is a thing that the system is made of, and what plays it where it is not there.
type part struct {
	Zh       string   `json:"zh"`
	En       string   `json:"en"`
	Emulator string   `json:"emulator,omitempty"` // package; "" none yet
	Command  string   `json:"command,omitempty"`  // that runs it alone; "" it runs in the towns
	Features []string `json:"features,omitempty"` // stories in which it plays
}

// parts is the list of the seed text (LT IC2000, hardware).
var parts = []part{
	{"集线器 (8 口, 16 口)", "hub (8 and 16 ports)", "emulators/hub", "greylab emulate hub", []string{"hub.feature", "fault.feature"}},
	{"多串口卡与串口线", "multi-port card and serial lines", "emulators/line", "greylab emulate hub", []string{"hub.feature", "link.feature"}},
	{"IC 卡加油机 (FA)", "IC-card dispenser (FA)", "emulators/dispenser", "greylab emulate dispenser --protocol fa", []string{"sale.feature", "dispenser.feature", "fault.feature"}},
	{"普通加油机 (LF)", "plain dispenser (LF)", "emulators/dispenser", "greylab emulate dispenser --protocol lf", []string{"till.feature", "fault.feature"}},
	{"加油机的密码键盘与显示", "PIN keys and display of the dispenser", "emulators/dispenser", "greylab demo", []string{"sale.feature"}},
	{"用户卡", "user card", "emulators/cardos", "greylab emulate card", []string{"card.feature", "sale.feature"}},
	{"PSAM 卡", "PSAM", "emulators/psam", "greylab emulate card", []string{"making.feature", "mutual.feature"}},
	{"IC 卡读写器", "card reader", "emulators/reader", "greylab emulate card", []string{"reader.feature"}},
	{"液位仪", "tank gauge", "emulators/gauge", "greylab emulate gauge", []string{"tank.feature"}},
	{"密码键盘 (发卡用)", "PIN pad of the desk", "", "", nil},
	{"票据打印机", "receipt printer", "", "", nil},
	{"报表打印机", "report printer", "", "", nil},
	{"UPS", "UPS", "emulators/ups", "greylab emulate ups", []string{"ups.feature", "ups-till.feature", "fault.feature"}},
	{"Modem", "modem", "", "", nil},
}

func (l *lab) emulateList() *cobra.Command {
	return &cobra.Command{Use: "list", Short: "系统的各个部件由什么仿真 (what plays each part of the system)", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return l.Print(parts, func(w io.Writer) {
				t := cli.Table{Heads: []string{"部件 (part)", "仿真 (emulator)", "单独运行 (alone)", "场景 (stories)"}}
				for _, p := range parts {
					emulator := p.Emulator
					if emulator == "" {
						emulator = "尚无 (none yet)"
					}
					t.Add(fmt.Sprintf("%s (%s)", p.Zh, p.En), emulator, p.Command, strings.Join(p.Features, " "))
				}
				t.Write(w)
			})
		}}
}
