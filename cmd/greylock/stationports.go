package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/cmd/internal/config"
	"greylock/system/link/ports"
	"greylock/system/link/serial"
	"greylock/system/station"
)

// portFlags are what `station ports` is told.
type portFlags struct {
	scan, probe bool
	globs, dirs []string
	locks       string
	baud        int
	write       string
}

// shownPort is one port for people and programs.
type shownPort struct {
	Number   int    `json:"number"`
	Path     string `json:"path"`
	Device   string `json:"device,omitempty"`
	Kind     string `json:"kind"`
	Driver   string `json:"driver,omitempty"`
	State    string `json:"state"` // free, in-use, configured, missing
	By       string `json:"by,omitempty"`
	Protocol string `json:"protocol,omitempty"`
	Parity   string `json:"parity,omitempty"`
	Baud     int    `json:"baud,omitempty"`
	Note     string `json:"note,omitempty"`
}

func (e *env) stationPorts(cfg *string) *cobra.Command {
	f := &portFlags{}
	c := &cobra.Command{Use: "ports", Short: "串口: 配置的, 或找出本机全部 (ports: the configured, or all of this machine)", Args: cobra.NoArgs,
		Long: "--scan 按固定名找出全部串口: /dev/hub, by-path, 多串口卡, 有芯片的 ttyS, --glob 与 --dir 所给的; 不打开任何端口。\n" +
			"--probe 另在空闲端口上查问加油机的协议与校验位 (只问不改); 被占用的和已在配置中的从不打开。--write 写成新的配置片段。\n" +
			"--scan finds all ports by their stable names and opens none; --probe asks at the free ones which protocol is spoken; a port in use or\n" +
			"in the given configuration is never opened. --write makes a new file with the station's ports.",
		RunE: func(c *cobra.Command, _ []string) error {
			if !f.scan && (f.probe || f.write != "") {
				return cli.Usagef("--probe, --write: 只与 --scan 一起用 (with --scan only)")
			}
			return e.listPorts(c.Context(), *cfg, c.Flags().Changed("config") || c.InheritedFlags().Changed("config"), f)
		}}
	p := c.Flags()
	p.BoolVar(&f.scan, "scan", false, "找出本机全部串口 (find all ports of this machine)")
	p.BoolVar(&f.probe, "probe", false, "查问空闲端口 (ask at the free ports)")
	p.StringSliceVar(&f.globs, "glob", nil, "另找这些名字 (more names, with * and ?)")
	p.StringSliceVar(&f.dirs, "dir", nil, "另找目录中的 portNN, 例如仿真器的 (portNN of these directories)")
	p.StringVar(&f.locks, "locks", "", "锁文件目录, 缺省为配置中的或 /run/lock (lock directory)")
	p.IntVar(&f.baud, "baud", 9600, "查问用的波特率 (bits per second for --probe)")
	p.StringVar(&f.write, "write", "", "把 station.ports 写到新文件 (write station.ports to a new file)")
	return c
}

func (e *env) listPorts(ctx context.Context, path string, named bool, f *portFlags) error {
	c, _, err := config.Load(path)
	if err != nil && (named || !f.scan) {
		return err // a scan needs no configuration, but one that was named must be read
	}
	if f.locks == "" {
		f.locks = c.Station.Locks
	}
	search := ports.Search{Root: e.machine, Globs: f.globs, Dirs: f.dirs, Locks: f.locks}
	if !f.scan {
		return e.printPorts(configured(search, c.Station.Ports))
	}
	list, err := scan(search, c.Station.Ports)
	if err != nil {
		return cli.Usagef("%v", err)
	}
	if f.probe {
		probeFree(ctx, list, f)
	}
	if f.write != "" {
		if err := writePorts(f.write, list); err != nil {
			return err
		}
	}
	return e.printPorts(list)
}

// configured tells how the ports of a configuration stand.
func configured(search ports.Search, list []config.Port) (shown []shownPort) {
	for _, p := range list {
		s := shownPort{Number: p.Number, Path: p.Path, Kind: string(ports.Named), State: "free", Baud: p.Baud, Parity: p.Parity}
		found, err := search.Look(p.Path)
		switch s.Device, s.Driver = found.Device, found.Driver; {
		case err != nil:
			s.State, s.Note = "missing", "没有这个串口: 检查集线器电源与连线 (no such port: check the hub's power and cable)"
		case found.Busy != "":
			s.State, s.By = "in-use", found.Busy
		}
		shown = append(shown, s)
	}
	return shown
}

// scan finds the ports; those of the configuration keep their numbers.
func scan(search ports.Search, known []config.Port) ([]shownPort, error) {
	found, err := search.Find()
	if err != nil {
		return nil, err
	}
	byDevice := map[string]int{}
	for _, p := range known {
		if device, err := filepath.EvalSymlinks(p.Path); err == nil {
			byDevice[device] = p.Number
		}
	}
	numbers := ports.Numbers(found, byDevice)
	shown := make([]shownPort, 0, len(found))
	for i, c := range found {
		s := shownPort{Number: numbers[i], Path: c.Path, Device: c.Device, Kind: string(c.Kind), Driver: c.Driver, State: "free", By: c.Busy, Note: c.Note}
		if byDevice[c.Device] != 0 {
			s.State = "configured"
		}
		if c.Busy != "" {
			s.State = "in-use"
		}
		shown = append(shown, s)
	}
	return shown, nil
}

// mostProbes run together: each holds a thread and a descriptor.
const mostProbes = 16

// probeFree asks at the free ports.
func probeFree(ctx context.Context, list []shownPort, f *portFlags) {
	var wait sync.WaitGroup
	room := make(chan struct{}, mostProbes)
	for i := range list {
		if list[i].State != "free" {
			continue
		}
		wait.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			p := probe(ctx, serial.Config{Path: list[i].Path, Baud: f.baud, LockDir: f.locks}, parities)
			s := &list[i]
			switch {
			case p.Trouble != nil:
				s.Note = p.Trouble.Zh + " (" + p.Trouble.En + ")"
			case p.Protocol != "":
				s.Protocol, s.Parity, s.Baud = p.Protocol, p.Parity, f.baud
			case p.Echo:
				s.Note = "收到自己的帧: 收发线短路 (own frames come back: TX and RX are joined)"
			case p.Bytes > 0:
				s.Note = fmt.Sprintf("收到 %d 字节但听不懂: 波特率不对? (bytes that nobody understands: another baud rate?)", p.Bytes)
			default:
				s.Note = "无人应答: 检查供电与连线 (no answer: check power and cable)"
			}
		})
	}
	wait.Wait()
}

func (e *env) printPorts(list []shownPort) error {
	words := map[string]string{"free": "空闲", "in-use": "占用", "configured": "已配置", "missing": "没有"}
	return e.Print(list, func(w io.Writer) {
		t := cli.Table{Heads: []string{"口", "名称", "设备", "来历", "状态", "进程", "协议", "校验", "说明"}}
		for _, s := range list {
			zh, _ := ports.Kind(s.Kind).Words()
			t.Add(s.Number, s.Path, s.Device, zh, words[s.State], s.By, s.Protocol, s.Parity, s.Note)
		}
		t.Write(w)
	})
}

// writePorts writes the ports as a part of a station's configuration, into a new file.
func writePorts(path string, list []shownPort) (err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	_, err = io.WriteString(file, portsYAML(list))
	return err
}

// portsYAML is the section, a comment beside what people should look at.
func portsYAML(list []shownPort) string {
	var b strings.Builder
	b.WriteString("# greylock station ports --scan\nstation:\n  ports:\n")
	for _, s := range list {
		fmt.Fprintf(&b, "    - {number: %d, path: %q", s.Number, s.Path)
		if s.Baud != 0 {
			fmt.Fprintf(&b, ", baud: %d", s.Baud)
		}
		if s.Parity != "" {
			fmt.Fprintf(&b, ", parity: %s", s.Parity)
		}
		if s.Protocol != "" {
			fmt.Fprintf(&b, ", protocol: %s", s.Protocol)
		}
		b.WriteString("}")
		if s.Note != "" {
			b.WriteString(" # " + s.Note)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func (e *env) stationUdev() *cobra.Command {
	card, count, first, base := "", 8, 1, ""
	var names []string
	long := "打印 udev 规则: 集线器的口固定叫 /dev/hub/portNN。--card:\nPrints udev rules that name the hub's ports /dev/hub/portNN. --card:\n"
	for _, c := range ports.Cards {
		names = append(names, c.Name)
		long += fmt.Sprintf("  %-6s %s (%s)\n", c.Name, c.Zh, c.En)
	}
	c := &cobra.Command{Use: "udev", Short: "8/16 口卡的 udev 规则 (udev rules of an 8- or 16-port card)", Long: long, Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			text, err := ports.Rules(card, count, first, base)
			if err != nil {
				return cli.Usagef("%v", err)
			}
			return e.Print(map[string]string{"card": card, "rules": text}, func(w io.Writer) { fmt.Fprint(w, text) })
		}}
	c.Flags().StringVar(&card, "card", "ftdi", strings.Join(names, ", "))
	cli.Values(c, "card", names...)
	c.Flags().IntVar(&count, "ports", 8, "8 或 16 (ports of the card)")
	c.Flags().IntVar(&first, "first", 1, "第一个口的号码 (number of the first port)")
	c.Flags().StringVar(&base, "path", "", "USB 卡的 ID_PATH, 例如 pci-0000:00:14.0-usb-0:4 (of a USB card)")
	return c
}

// shownHub is the hub in one line: one port per nozzle.
type shownHub struct {
	Ports   int  `json:"ports"`
	Nozzles int  `json:"nozzles"` // of the layout, on these ports
	Open    int  `json:"open"`
	Equal   bool `json:"equal"` // ports == nozzles
}

func (e *env) stationHub(addr *string) *cobra.Command {
	return &cobra.Command{Use: "hub", Short: "集线器: 口数与枪数 (hub: ports and nozzles)", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		s, err := ask[station.Status](c.Context(), *addr, station.PathStatus, struct{}{})
		if err != nil {
			return err
		}
		var h shownHub
		for _, n := range s.Nozzles {
			h.Ports++
			if n.Nozzle != 0 {
				h.Nozzles++
			}
			if n.Line {
				h.Open++
			}
		}
		h.Equal = h.Ports == h.Nozzles
		return e.Print(h, func(w io.Writer) {
			fmt.Fprintf(w, "%d 个口, %d 条枪, 接通 %d (ports, nozzles, open)\n", h.Ports, h.Nozzles, h.Open)
		})
	}}
}
