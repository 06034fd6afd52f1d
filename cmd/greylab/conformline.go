package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/emulators/conform/lines"
	"greylock/emulators/dispenser"
	"greylock/emulators/hub"
	"greylock/emulators/line"
	"greylock/system/card"
	"greylock/system/clock"
	"greylock/system/link/serial"
	"greylock/system/wire/fa"
)

// lineCheck is what `conform dispenser` and `conform station` are told.
type lineCheck struct {
	protocol, port, parity, hands, locks string
	baud, nozzle                         int
	reply                                time.Duration
	slow                                 bool
	only                                 string
	cases                                *regexp.Regexp
	says                                 io.Writer // what is waited for
}

func (f *lineCheck) add(c *cobra.Command) {
	p := c.Flags()
	p.StringVar(&f.protocol, "protocol", "lf", "lf, fa")
	cli.Values(c, "protocol", "lf", "fa")
	p.IntVar(&f.baud, "baud", line.DefaultBaud, "波特率 (bits per second)")
	p.StringVar(&f.only, "cases", "", "只做名称与此正则式相符的案例 (only cases whose name matches)")
	p.BoolVar(&f.slow, "slow", false, "在实时的线上也做要几分钟的案例 (cases of minutes on a real line too)")
}

func (f *lineCheck) check() (err error) {
	if f.only != "" {
		if f.cases, err = regexp.Compile(f.only); err != nil {
			return cli.Usagef("--cases: %v", err)
		}
	}
	switch {
	case f.protocol != "lf" && f.protocol != "fa":
		return cli.Usagef("--protocol %q: lf 或 fa (lf or fa)", f.protocol)
	case f.baud < slowest || f.baud > fastest:
		return cli.Usagef("--baud %d: %d…%d", f.baud, slowest, fastest)
	case f.nozzle < 0 || f.nozzle > 98:
		return cli.Usagef("--nozzle %d: 1…98", f.nozzle)
	}
	return nil
}

func (l *lab) conformDispenser() *cobra.Command {
	f := &lineCheck{}
	c := &cobra.Command{Use: "dispenser", Short: "扮作站方, 逐条核对加油机 (a station asks a dispenser, case by case)", Args: cobra.NoArgs,
		Long: "对着串口上的任何加油机或程序, 按规范逐条提问; 每行注明规范的节。--port mem: 我们的加油机, 虚拟时间; pty: 我们的加油机, 真实的伪终端; 路径: 您的加油机。\n" +
			"路径上的加油机要处于空闲, 单价与版本会被改动。提枪与断电的案例要有 --hands: 一个文件或管道, 案例把 lift 1, squeeze 1 1000, hang 1, off 1, on 1 写进去 (greylab emulate dispenser 的输入)。\n" +
			"Asks any dispenser or program on a tty what system/doc/lines.md says of it; each row names the section of the specification. mem: our boards in virtual time;\n" +
			"pty: the same behind a pseudo-terminal; a path: yours, idle; prices and versions will be changed. Cases with hands write the words above to --hands.\n" +
			"有不符时退出码为 1 (exit 1 when a case fails)。",
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			r, err := f.askDispenser(c.Context())
			if err != nil {
				return err
			}
			return l.linesChecked("dispenser", f, r)
		}}
	f.add(c)
	p := c.Flags()
	p.StringVar(&f.port, "port", "mem", "mem, pty 或串口 (or a tty)")
	p.StringVar(&f.parity, "parity", "none", "none, even, odd (parity)")
	cli.Values(c, "parity", "none", "even", "odd")
	p.StringVar(&f.locks, "locks", "", "锁文件目录, 缺省 /run/lock (lock directory)")
	p.StringVar(&f.hands, "hands", "", "写入动作的文件或管道 (file or pipe that takes the words for hands)")
	p.DurationVar(&f.reply, "reply", 0, "lf: 应答时限, 缺省 250 ms 加传输 (time for an answer)")
	p.IntVar(&f.nozzle, "nozzle", 1, "lf: 枪号 (nozzle number)")
	return c
}

// shownLines is a suite for programs.
type shownLines struct {
	Suite    string `json:"suite"`
	Protocol string `json:"protocol"`
	Port     string `json:"port"`
	lines.Report
}

func (l *lab) linesChecked(suite string, f *lineCheck, r lines.Report) error {
	if r.Cases == 0 {
		return cli.Usagef("--cases %q: 没有这样的案例 (no such case)", f.only)
	}
	shown := shownLines{suite, f.protocol, f.port, r}
	if err := l.Print(shown, func(w io.Writer) { shown.print(w) }); err != nil {
		return err
	}
	return differs(r.Failed, r.Cases)
}

func (s shownLines) print(w io.Writer) {
	t := cli.Table{Heads: []string{"案例 (case)", "内容", "(what)", "出处 (source)", "结果 (result)"}}
	for _, c := range s.Results {
		result := "ok"
		switch {
		case c.NotRun != "":
			result = "未运行 (not run)"
		case !c.OK:
			result = "不符 (failed)"
		}
		t.Add(c.Name, c.Zh, c.En, c.Source, result)
	}
	t.Write(w)
	for _, c := range s.Results {
		if !c.OK {
			fmt.Fprintf(w, "%s: %s%s\n", c.Name, c.NotRun, c.Error)
		}
	}
	fmt.Fprintf(w, "%s %s %s: 案例 (cases) %d, 通过 (passed) %d, 不符 (failed) %d, 未运行 (not run) %d, 发出的帧 (frames sent) %d\n",
		s.Suite, s.Protocol, s.Port, s.Cases, s.Passed, s.Failed, s.NotRun, s.Frames)
}

// askDispenser runs the suite against what stands at the port.
func (f *lineCheck) askDispenser(ctx context.Context) (r lines.Report, err error) {
	pick := lines.Pick{Only: f.cases}
	if f.slow || f.port == "mem" {
		pick.Have |= lines.Minutes
	}
	make := func() (lines.Dispenser, error) { return ours(f.protocol, byte(f.nozzle)) }
	switch f.port {
	case "mem":
		pick.Have |= lines.Hands
	default:
		d, end, failed := f.real(ctx)
		if failed != nil {
			return r, failed
		}
		defer func() { err = errors.Join(cmp.Or(ctx.Err(), err), end()) }()
		if d.Hands != nil {
			pick.Have |= lines.Hands
		}
		make = func() (lines.Dispenser, error) { return d, nil }
	}
	if f.protocol == "fa" {
		return lines.CheckFADispenser(pick, make), nil
	}
	return lines.CheckLFDispenser(lines.LFOptions{Nozzle: byte(f.nozzle), Reply: f.reply, Pick: pick}, make), nil
}

// real is the dispenser at a tty: ours behind a pseudo-terminal of its own, or somebody's.
func (f *lineCheck) real(ctx context.Context) (d lines.Dispenser, end func() error, err error) {
	path, ends := f.port, []func() error{}
	end = func() (err error) {
		for i := len(ends) - 1; i >= 0; i-- {
			err = errors.Join(err, ends[i]())
		}
		return err
	}
	place := fmt.Sprintf("1.%d", f.nozzle)
	switch {
	case f.port == "pty":
		dir, err := os.MkdirTemp("", "conform")
		if err != nil {
			return d, end, err
		}
		ends = append(ends, func() error { return os.RemoveAll(dir) })
		p := &pumpFlags{protocol: f.protocol, dir: dir, ports: 1, nozzles: 1, baud: f.baud, seed: 1, boot: 100 * time.Millisecond, price: "7.85", profile: "national", products: []string{"1031"}}
		if f.protocol == "lf" {
			p.nozzles = f.nozzle
		}
		ps, err := openDispensers(p)
		if err != nil {
			return d, end, errors.Join(err, end())
		}
		ends = append(ends, ps.close)
		path, f.locks = ps.hub.Link(0), dir
		d.Hands = func(words string) error { return ps.move(handWords(words, place)) }
	case f.hands != "":
		to, err := os.OpenFile(f.hands, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			return d, end, fmt.Errorf("--hands: %w", err)
		}
		ends = append(ends, to.Close)
		d.Hands = func(words string) error {
			_, err := fmt.Fprintln(to, strings.Join(handWords(words, place), " "))
			return err
		}
	}
	w, err := openTTY(ctx, serial.Config{Path: path, Baud: f.baud, Parity: serial.Parity(f.parity), LockDir: f.locks})
	if err != nil {
		return d, end, errors.Join(err, end())
	}
	ends = append(ends, w.line.Close)
	d.Wire = w
	return d, end, nil
}

// handWords puts the place behind the word.
func handWords(words, place string) []string {
	w := strings.Fields(words)
	if w[0] == "off" || w[0] == "on" {
		place, _, _ = strings.Cut(place, ".")
	}
	return append([]string{w[0], place}, w[1:]...)
}

// tty is a wire to a serial port in real time.
type tty struct {
	line *serial.Line
	in   chan []byte
	lost chan error
	done <-chan struct{} // closed when somebody ends the command
}

// mostChunks of bytes wait for a case; a line at 115200 brings fewer in a minute.
const mostChunks = 1 << 16

func openTTY(ctx context.Context, cfg serial.Config) (*tty, error) {
	w := &tty{in: make(chan []byte, mostChunks), lost: make(chan error, 1), done: ctx.Done()}
	up := make(chan struct{}, 1)
	var err error
	w.line, err = serial.Open(cfg, serial.Handler{
		Data: func(b []byte) { w.in <- append([]byte(nil), b...) },
		Up: func(is bool) {
			if is {
				select {
				case up <- struct{}{}:
				default:
				}
			}
		},
		Trouble: func(err *serial.Error) {
			select {
			case w.lost <- portError(err):
			default:
			}
		},
	})
	if err != nil {
		return nil, err
	}
	select {
	case <-up:
		return w, nil
	case err = <-w.lost:
	case <-ctx.Done():
		err = ctx.Err()
	}
	return nil, errors.Join(err, w.line.Close())
}

// portError tells why a port is not open, Chinese first.
func portError(t *serial.Error) error {
	return &cli.Error{Exit: cli.Device, Code: "E404", Zh: t.Zh, En: t.En, NextZh: t.NextZh, NextEn: t.NextEn, Detail: t.Path + ": " + t.Err.Error(), Err: t}
}

// Now implements lines.Wire.
func (w *tty) Now() clock.Instant { return clock.System{}.Now() }

// Send implements lines.Wire.
func (w *tty) Send(b []byte) error { return w.line.Write(b) }

// Receive implements lines.Wire.
func (w *tty) Receive(until clock.Instant) ([]byte, error) {
	return receive(w.in, w.lost, w.done, until)
}

func receive(in <-chan []byte, lost <-chan error, done <-chan struct{}, until clock.Instant) ([]byte, error) {
	select { // what is there comes first
	case b := <-in:
		return b, nil
	default:
	}
	timer := time.NewTimer(until.Sub(clock.System{}.Now()))
	defer timer.Stop()
	select {
	case b := <-in:
		return b, nil
	case err := <-lost:
		return nil, err
	case <-done:
		return nil, context.Canceled
	case <-timer.C:
		return nil, nil
	}
}

// rig is one of our boards in virtual time, with hands and a switch.
type rig struct {
	make func() (hub.Device, error)
	d    hub.Device // nil without power
}

// Receive implements lines.Peer.
func (r *rig) Receive(now clock.Instant, data []byte) {
	if r.d != nil {
		r.d.Receive(now, data)
	}
}

// Wake implements lines.Peer.
func (r *rig) Wake(now clock.Instant) {
	if r.d != nil {
		r.d.Wake(now)
	}
}

// Take implements lines.Peer; no card and no PSAM is in a slot.
func (r *rig) Take() (send [][]byte, due clock.Instant) {
	for due = clock.Never; r.d != nil; {
		fx := r.d.Take()
		send, due = append(send, fx.Send...), fx.Wake
		if len(fx.Transmit) == 0 {
			break
		}
		for _, t := range fx.Transmit {
			r.d.(*dispenser.Board).Answer(due, t.ID, card.Reply{Err: card.ErrRemoved})
		}
	}
	return send, due
}

func (r *rig) power(now clock.Instant, on bool) (err error) {
	if r.d != nil {
		r.d.Off()
		r.d = nil
	}
	if on {
		if r.d, err = r.make(); err == nil {
			r.d.PowerOn(now)
		}
	}
	return err
}

// ours is a new board of ours in memory.
func ours(protocol string, nozzle byte) (lines.Dispenser, error) {
	nv := &dispenser.Memory{}
	r := &rig{make: func() (hub.Device, error) {
		if protocol == "fa" {
			product, err := fa.ParseProduct("1031")
			return dispenser.New(dispenser.Config{Seed: 1, Products: []fa.Product{product}}, nv), err
		}
		return dispenser.NewPlain(dispenser.PlainConfig{Seed: 1, Nozzles: []dispenser.PlainNozzle{{Number: nozzle, Price: 785}}}, nv)
	}}
	start := clock.At(2026, 11, 22, 17, 0, 0)
	v := lines.NewVirtual(start, r)
	hands := func(words string) error {
		w := append(strings.Fields(words), "")
		if w[0] == "off" || w[0] == "on" {
			return r.power(v.Now(), w[0] == "on")
		}
		var g gun
		switch b := r.d.(type) {
		case *dispenser.Plain:
			g = plainGun{b, nozzle}
		case *dispenser.Board:
			g = b
		default:
			return errDark
		}
		return moveGun(g, v.Now(), w[0], w[1])
	}
	return lines.Dispenser{Wire: v, Hands: hands}, r.power(start, true)
}

func moveGun(g gun, now clock.Instant, word, value string) error {
	switch word {
	case "lift":
		g.Lift(now)
	case "hang":
		g.Hang(now)
	case "squeeze":
		var permille int
		if _, err := fmt.Sscan(value, &permille); err != nil {
			return fmt.Errorf("squeeze %q: %w", value, err)
		}
		g.Squeeze(now, permille)
	default:
		return errPumpHand
	}
	return nil
}
