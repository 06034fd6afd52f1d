package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/emulators/dispenser"
	"greylock/emulators/hub"
	"greylock/emulators/line"
	"greylock/system/card"
	"greylock/system/clock"
	"greylock/system/wire/fa"
	"greylock/system/wire/unit"
)

// pumpFlags are what `emulate dispenser` is told.
type pumpFlags struct {
	protocol, dir, price, pin, profile, state string
	ports, nozzles, baud, perHub              int // perHub: of `emulate hub`, 0 else
	seed                                      uint64
	boot                                      time.Duration
	autoplay, strict                          bool
	psams, cards, products                    []string
}

func (l *lab) emulateDispenser() *cobra.Command {
	f := &pumpFlags{}
	c := &cobra.Command{Use: "dispenser", Short: "伪终端后面的加油机 (dispensers behind pseudo-terminals)", Args: cobra.NoArgs,
		Long: "每个端口是一个伪终端, 名为 目录/port01, port02 …, 任何程序都可当串口打开; 给出 --state 则加油机内存保留到下次。\n" +
			"lf: 普通加油机, 一个端口可有多条枪, 由站方轮询和授权。fa: IC 卡加油机, 自带读卡器, 由它轮询站方。\n" +
			"运行中可输入: lift 1 提枪, squeeze 1 1000 扣扳机, hang 1 挂枪 (第二条枪写 1.2); off/on 1 断电与上电; cut/join 1 断线与接线; noise 1 5 千分之五的误码;\n" +
			"insert/pull 1 插卡与拔卡, keys 1 50Y 按键 (Y 元, L 升, F 加满, C 清除, E 确认); Ctrl-C 结束。\n" +
			"Each port is a pseudo-terminal DIR/port01, port02 … that any program opens like a serial port; --state keeps the boards' memory.\n" +
			"lf: plain dispensers, several nozzles on a port, polled and authorised by the station. fa: IC-card dispensers, which poll the station.\n" +
			"While it runs: the words above; Ctrl-C ends.",
		RunE: func(c *cobra.Command, _ []string) error { return l.runDispensers(c.Context(), f) }}
	f.add(c)
	p := c.Flags()
	p.IntVar(&f.ports, "ports", 8, "端口数 (ports)")
	p.IntVar(&f.nozzles, "nozzles", 1, "每个端口的枪数, 只用于 lf (nozzles on a port, lf only)")
	return c
}

// add are the flags that a hub and a single dispenser share.
func (f *pumpFlags) add(c *cobra.Command) {
	p := c.Flags()
	p.StringVar(&f.protocol, "protocol", "lf", "lf, fa")
	cli.Values(c, "protocol", "lf", "fa")
	p.StringVar(&f.dir, "dir", "", "放端口名的目录 (directory of the stable names)")
	p.IntVar(&f.baud, "baud", line.DefaultBaud, "波特率 (bits per second)")
	p.BoolVar(&f.strict, "strict", false, "站方波特率、校验位设错则收到乱码, 如真串口 (a wrong speed or parity gives garbage, as a real port does)")
	p.Uint64Var(&f.seed, "seed", 1, "随机种子 (seed)")
	p.DurationVar(&f.boot, "boot", 3*time.Second, "上电后多久才应答 (silence after power comes)")
	p.StringVar(&f.price, "price", "7.85", "出厂单价, 只用于 lf (price until the station sets one, lf only)")
	p.BoolVar(&f.autoplay, "autoplay", false, "顾客自己来加油; fa 要有 --psam 和 --card (customers come by themselves; fa needs --psam and --card)")
	p.StringSliceVar(&f.psams, "psam", nil, "各端口的 PSAM 映像, 只用于 fa (PSAM images, port by port, fa only)")
	p.StringSliceVar(&f.cards, "card", nil, "各端口顾客的卡映像, 只用于 fa (card images of the customers, port by port, fa only)")
	p.StringVar(&f.pin, "pin", "", "顾客的密码 (the customers' PIN)")
	p.StringSliceVar(&f.products, "products", []string{"1031", "1041", "2011"}, "油品代码表, 只用于 fa (product table, fa only)")
	p.StringVar(&f.state, "state", "", "存放加油机内存的目录 (directory that keeps the boards' memory)")
	profileFlag(c, &f.profile)
}

// pumps are the dispensers of one run.
type pumps struct {
	hub *hub.Hub
	nv  []*dispenser.FileNV // kept memories
	fa  bool
	in  []card.Slot // the customers' cards by port, nil for none

	lines chan string // for people; a reader who is slow holds up no board
}

// maxLines wait for a slow reader; more are lost.
const maxLines = 1000

func (l *lab) runDispensers(ctx context.Context, f *pumpFlags) error {
	began := clock.System{}.Now()
	ps, err := openDispensers(f)
	if err != nil {
		return err
	}
	unname, err := f.nameNozzles()
	if err != nil {
		return errors.Join(err, unname(), ps.close())
	}
	for i := range ps.hub.Ports() {
		ps.say("端口 %d (port): %s", i+1, ps.hub.Link(i))
	}
	ps.say("就绪 (ready): %d 口, %d 毫秒 (ms)", ps.hub.Ports(), clock.System{}.Now().Sub(began).Milliseconds())
	go func() {
		lines := bufio.NewScanner(l.In)
		for lines.Scan() {
			if words := strings.Fields(lines.Text()); len(words) > 0 {
				if err := ps.move(words); err != nil {
					fmt.Fprintf(l.Err, "%v\n", err)
				}
			}
		}
	}()
	for {
		select {
		case line := <-ps.lines:
			fmt.Fprintln(l.Out, line)
		case <-ctx.Done():
			return errors.Join(unname(), ps.close())
		}
	}
}

// close ends the lines, then the memories.
func (ps *pumps) close() error {
	err := ps.hub.Close()
	for _, nv := range ps.nv {
		err = errors.Join(err, nv.Close())
	}
	return err
}

// memory of the board at a port: a file where it is to be kept.
func (ps *pumps) memory(f *pumpFlags, i int) (dispenser.NV, error) {
	if f.state == "" {
		return &dispenser.Memory{}, nil
	}
	if err := os.MkdirAll(f.state, 0o700); err != nil {
		return nil, fmt.Errorf("--state: %w", err)
	}
	nv, err := dispenser.OpenNV(filepath.Join(f.state, fmt.Sprintf("%s%02d.nv", f.protocol, i+1)))
	if err == nil {
		ps.nv = append(ps.nv, nv)
	}
	return nv, err
}

// say tells people.
func (ps *pumps) say(format string, args ...any) {
	select {
	case ps.lines <- fmt.Sprintf(format, args...):
	default:
	}
}

// heard tells what a board tells; the display is for a page.
func (ps *pumps) heard(port int) func(dispenser.Event) {
	return func(e dispenser.Event) {
		where := strconv.Itoa(port + 1)
		if e.Nozzle != 0 {
			where += "." + strconv.Itoa(int(e.Nozzle))
		}
		switch e.Kind {
		case dispenser.EventDisplay, dispenser.EventBeep:
		case dispenser.EventRecord:
			ps.say("%s 记录 (record) %X", where, e.Record)
		case dispenser.EventReceipt:
			ps.say("%s 小票 (receipt): %s", where, strings.Join(e.Lines, " | "))
		default:
			ps.say("%s %s: %s (%s)", where, e.Kind, e.Zh, e.En)
		}
	}
}

// openDispensers checks what was asked and gives power.
func openDispensers(f *pumpFlags) (*pumps, error) {
	ps := &pumps{fa: f.protocol == "fa", lines: make(chan string, maxLines)}
	switch {
	case f.protocol != "lf" && f.protocol != "fa":
		return nil, cli.Usagef("--protocol %q: lf 或 fa (lf or fa)", f.protocol)
	case f.dir == "":
		return nil, cli.Usagef("--dir: 端口名放在哪个目录 (a directory for the stable names)")
	case f.ports < 1 || f.ports > hub.MostPorts:
		return nil, cli.Usagef("--ports %d: 1…%d", f.ports, hub.MostPorts)
	case f.nozzles < 1 || f.nozzles > mostNozzles || ps.fa && f.nozzles != 1:
		return nil, cli.Usagef("--nozzles %d: lf 1…%d, fa 1", f.nozzles, mostNozzles)
	case f.baud < slowest || f.baud > fastest:
		return nil, cli.Usagef("--baud %d: %d…%d", f.baud, slowest, fastest)
	case f.boot <= 0 || f.boot > time.Minute:
		return nil, cli.Usagef("--boot %v: 至多 1m (at most 1m)", f.boot)
	case !ps.fa && len(f.psams)+len(f.cards) > 0:
		return nil, cli.Usagef("--psam, --card: 只用于 fa (fa only)")
	case len(f.psams) > f.ports || len(f.cards) > f.ports:
		return nil, cli.Usagef("--psam, --card: 映像多于端口 (more images than ports)")
	case ps.fa && f.autoplay && (len(f.cards) == 0 || len(f.psams) < len(f.cards)):
		return nil, cli.Usagef("--autoplay: fa 要有 --psam 和 --card (fa needs --psam and --card)")
	}
	for i, path := range append(append([]string(nil), f.psams...), f.cards...) {
		for _, other := range append(append([]string(nil), f.psams...), f.cards...)[:i] {
			if path == other {
				return nil, cli.Usagef("%s: 一个映像只能用一次 (an image is one chip)", path)
			}
		}
	}
	cfg := hub.Config{Dir: f.dir, Baud: f.baud, Strict: f.strict, Seed: f.seed}
	for i := range f.ports {
		p, err := ps.port(f, i)
		if err != nil {
			return nil, err
		}
		p.Name, p.Event = f.portName(i), ps.heard(i)
		cfg.Ports = append(cfg.Ports, p)
	}
	var err error
	ps.hub, err = hub.Open(cfg)
	return ps, err
}

const (
	mostNozzles = 16 // on one port
	slowest     = 1200
	fastest     = 115200
)

// port is what stands behind one port.
func (ps *pumps) port(f *pumpFlags, i int) (hub.Port, error) {
	if ps.fa {
		return ps.cardPort(f, i)
	}
	price, err := unit.ParsePrice(f.price)
	if err != nil || price > 9999 {
		return hub.Port{}, cli.Usagef("--price %q: 0.00…99.99", f.price)
	}
	cfg := dispenser.PlainConfig{Seed: f.seed + uint64(i), Boot: f.boot}
	nv, err := ps.memory(f, i)
	if err != nil {
		return hub.Port{}, err
	}
	for n := range f.nozzles {
		cfg.Nozzles = append(cfg.Nozzles, dispenser.PlainNozzle{Number: byte(n + 1), Price: price})
	}
	return hub.Port{New: func() (hub.Device, hub.Hands, error) {
		b, err := dispenser.NewPlain(cfg, nv)
		if err != nil || !f.autoplay {
			return b, nil, err
		}
		return b, hub.NewPlainCustomers(b, rand.New(rand.NewPCG(f.seed, uint64(i)))), nil
	}}, nil
}

// cardPort is an IC-card dispenser with its PSAM and its customer's card, where there are images of them.
func (ps *pumps) cardPort(f *pumpFlags, i int) (hub.Port, error) {
	profile, err := profileNamed(f.profile)
	if err != nil {
		return hub.Port{}, err
	}
	cfg := dispenser.Config{Seed: f.seed + uint64(i), Boot: f.boot, Profile: profile}
	nv, err := ps.memory(f, i)
	if err != nil {
		return hub.Port{}, err
	}
	for _, code := range f.products {
		p, err := fa.ParseProduct(code)
		if err != nil {
			return hub.Port{}, cli.Usagef("--products %q: 四位油品代码 (a product code, four digits)", code)
		}
		cfg.Products = append(cfg.Products, p)
	}
	slots := map[string]card.Slot{}
	ps.in = append(ps.in, nil)
	for name, paths := range map[string][]string{dispenser.SlotPSAM: f.psams, dispenser.SlotCard: f.cards} {
		if i >= len(paths) {
			continue
		}
		chip, err := openChip(paths[i])
		if err != nil {
			return hub.Port{}, err
		}
		if slots[name] = chip; name == dispenser.SlotCard {
			ps.in[i] = chip
		}
	}
	in := ps.in[i]
	return hub.Port{Slots: slots, New: func() (hub.Device, hub.Hands, error) {
		b := dispenser.New(cfg, nv)
		if !f.autoplay || in == nil {
			return b, nil, nil
		}
		return b, hub.NewCardCustomer(b, in, f.pin, rand.New(rand.NewPCG(f.seed, uint64(i)))), nil
	}}, nil
}
