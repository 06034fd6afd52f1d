package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/cmd/internal/replay"
	"greylock/system/link/serial"
	"greylock/system/link/tape"
)

// lineFlags are what the commands at a line are told.
type lineFlags struct {
	baud     int
	parity   string
	locks    string
	protocol string

	hex, from string
	tap       string
	out       string
	raw       bool
	frames    int
	length    time.Duration
}

func (f *lineFlags) port(c *cobra.Command) {
	c.Flags().IntVar(&f.baud, "baud", 9600, "波特率 (bits per second)")
	c.Flags().StringVar(&f.parity, "parity", "none", "none, even, odd (parity)")
	cli.Values(c, "parity", "none", "even", "odd")
	c.Flags().StringVar(&f.locks, "locks", "", "锁文件目录, 缺省 /run/lock (lock directory)")
}

func (f *lineFlags) serial(path string) serial.Config {
	return serial.Config{Path: path, Baud: f.baud, Parity: serial.Parity(f.parity), LockDir: f.locks}
}

func (e *env) line() *cobra.Command {
	group := &cobra.Command{Use: "line", Short: "看、录、放加油机通讯线 (see, record, replay a dispenser line)"}
	f := &lineFlags{}
	capture := &cobra.Command{Use: "capture PORT", Short: "解码显示一条线, 可录到文件 (a line decoded as it speaks, recordable)", Args: cobra.ExactArgs(1),
		Long: "只听不说。运行中的站级程序占着的端口打不开: 在线上并接监听口。PORT 听加油机说的, --tap 听站方说的; 没有 --tap 就只有收到的一边。\n" +
			"卡号在屏幕和录音里都隐去, --raw 才保留; 隐去卡号的录音逐帧重算校验, 帧以外的字节不留。Ctrl-C 结束。\n" +
			"Listens only. A port that a running station holds can not be opened: tap the line. PORT hears the dispenser, --tap the station.\n" +
			"Card numbers are masked on the screen and on the tape unless --raw. Ctrl-C ends.",
		RunE: func(c *cobra.Command, args []string) error { return e.lineCapture(c.Context(), args[0], f) }}
	f.port(capture)
	capture.Flags().StringVar(&f.protocol, "protocol", string(tape.FA), "fa, lf")
	cli.Values(capture, "protocol", "fa", "lf")
	capture.Flags().StringVar(&f.tap, "tap", "", "听站方一侧的端口 (port that hears the station's side)")
	capture.Flags().StringVar(&f.out, "out", "", "录到新文件 (record to a new file)")
	capture.Flags().BoolVar(&f.raw, "raw", false, "保留卡号 (keep card numbers)")
	capture.Flags().IntVar(&f.frames, "frames", 0, "收到这么多帧后结束, 0 不限 (end after so many frames)")
	capture.Flags().DurationVar(&f.length, "for", 0, "多久后结束, 0 不限 (end after)")
	describe := &cobra.Command{Use: "describe [FILE]", Short: "逐帧解释录音或十六进制 (read a tape, or hexadecimal, aloud)", Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 1 && f.hex == "":
				return e.lineDescribe(args[0], f.raw)
			case len(args) == 0 && f.hex != "":
				return e.hexDescribe(f)
			}
			return cli.Usagef("录音文件或 --hex, 二选一 (a tape or --hex)")
		}}
	describe.Flags().BoolVar(&f.raw, "raw", false, "显示卡号 (show card numbers)")
	describe.Flags().StringVar(&f.hex, "hex", "", "十六进制的帧 (frames in hexadecimal)")
	describe.Flags().StringVar(&f.protocol, "protocol", string(tape.FA), "--hex: fa, lf")
	cli.Values(describe, "protocol", "fa", "lf")
	describe.Flags().StringVar(&f.from, "from", "station", "--hex 的 lf 帧由谁发出 (who sent LF frames): station, dispenser")
	cli.Values(describe, "from", "station", "dispenser")
	group.AddCommand(capture, describe, e.lineReplay())
	return group
}

// heard is what a line brought, or why it is silent.
type heard struct {
	tape.Piece
	trouble *serial.Error
}

// portTrouble tells why a port is not open, Chinese first.
func portTrouble(t *serial.Error) error {
	e := &cli.Error{Exit: cli.Device, Detail: t.Path + ": " + t.Err.Error(), Err: t}
	e.Code, e.Zh, e.En, e.NextZh, e.NextEn = "E404", t.Zh, t.En, t.NextZh, t.NextEn
	return e
}

// mostHeard pieces wait for a slow screen; a line at 115200 brings fewer in seconds.
const mostHeard = 4096

// listen opens a port and passes on what it brings. Nothing is ever written.
func listen(cfg serial.Config, way tape.Way, began time.Time, to chan<- heard) (*serial.Line, error) {
	return serial.Open(cfg, serial.Handler{
		Data: func(b []byte) {
			to <- heard{Piece: tape.Piece{At: time.Since(began), Way: way, Data: append([]byte(nil), b...)}}
		},
		Up:      func(bool) {},
		Trouble: func(err *serial.Error) { to <- heard{trouble: err} },
	})
}

// captured is what is shown at the end.
type captured struct {
	Port   string      `json:"port"`
	Out    string      `json:"out,omitempty"`
	Masked bool        `json:"masked"`
	Counts tape.Counts `json:"counts"`
}

func (e *env) lineCapture(ctx context.Context, port string, f *lineFlags) (err error) {
	h := tape.Header{Port: port, Baud: f.baud, Parity: f.parity, Protocol: tape.Protocol(f.protocol), Masked: !f.raw && f.protocol == string(tape.FA)}
	if h.Protocol != tape.FA && h.Protocol != tape.LF {
		return cli.Usagef("--protocol %q: fa 或 lf (want fa or lf)", f.protocol)
	}
	if f.length > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, f.length)
		defer stop()
	}
	to := io.Discard
	if f.out != "" {
		file, err := os.OpenFile(f.out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, file.Sync(), file.Close()) }()
		to = file
	}
	w, err := tape.NewWriter(to, h)
	if err != nil {
		return err
	}
	began, pieces := time.Now(), make(chan heard, mostHeard)
	for path, way := range map[string]tape.Way{port: tape.FromDispenser, f.tap: tape.ToDispenser} {
		if path == "" {
			continue
		}
		l, err := listen(f.serial(path), way, began, pieces)
		if err != nil {
			return cli.Usagef("%v", err)
		}
		defer func() { _ = l.Close() }() // nothing was written that could be lost
	}
	counts, err := e.follow(ctx, pieces, w, h.Protocol, f)
	if err != nil {
		return err
	}
	c := captured{port, f.out, h.Masked, counts}
	if e.JSON {
		return e.PrintLine(c)
	}
	fmt.Fprintf(e.Out, "%s: %d 帧, 坏帧 %d, 断帧 %d, 帧外 %d 字节 (frames, bad, cut short, bytes outside)\n", port, counts.Good, counts.Bad, counts.Cut, counts.Noise)
	return nil
}

// follow shows and records until it is enough. A port that can not be opened at all ends it.
func (e *env) follow(ctx context.Context, pieces <-chan heard, w *tape.Writer, protocol tape.Protocol, f *lineFlags) (tape.Counts, error) {
	c, seen := tape.NewCutter(protocol), 0
	for {
		select {
		case <-ctx.Done():
			return c.Counts(), nil // whoever ends it has seen what there was
		case p := <-pieces:
			if t := p.trouble; t != nil {
				if t.Code != serial.CodeHangUp && t.Code != serial.CodeNoPort || seen == 0 && t.Code == serial.CodeNoPort {
					return c.Counts(), portTrouble(t)
				}
				fmt.Fprintln(e.Err, t.Chinese(), "("+t.Error()+")")
				continue
			}
			if err := w.Write(p.Piece); err != nil {
				return c.Counts(), err
			}
			for _, frame := range c.Cut(p.Piece) {
				if err := e.shownFrame(frame.Show(f.raw)); err != nil {
					return c.Counts(), err
				}
				if seen++; seen == f.frames {
					return c.Counts(), nil
				}
			}
		}
	}
}

// shownFrame prints a frame: a line for people, or a line of JSON.
func (e *env) shownFrame(s tape.Shown) error {
	if e.JSON {
		return tape.PrintLine(e.Out, s)
	}
	_, err := fmt.Fprintln(e.Out, s)
	return err
}

func (e *env) lineDescribe(path string, raw bool) error {
	h, pieces, err := replay.Load(path)
	if err != nil {
		return err
	}
	c := tape.NewCutter(h.Protocol)
	for _, p := range pieces {
		for _, frame := range c.Cut(p) {
			if err := e.shownFrame(frame.Show(raw)); err != nil {
				return err
			}
		}
	}
	counts := c.Counts()
	if e.JSON {
		return e.PrintLine(captured{h.Port, path, h.Masked, counts})
	}
	fmt.Fprintf(e.Out, "%s, %s, %d/%s: %d 帧, 坏帧 %d, 断帧 %d, 帧外 %d 字节 (frames, bad, cut short, bytes outside)\n",
		h.Port, h.Protocol, h.Baud, h.Parity, counts.Good, counts.Bad, counts.Cut, counts.Noise)
	return nil
}

// hexDescribe reads frames that somebody has written down; frames of LF lie side by side without a gap.
func (e *env) hexDescribe(f *lineFlags) error {
	bytes, err := hex.DecodeString(strings.Join(strings.Fields(f.hex), ""))
	way := map[string]tape.Way{"station": tape.ToDispenser, "dispenser": tape.FromDispenser}[f.from]
	if p := tape.Protocol(f.protocol); err != nil || way == "" || p != tape.FA && p != tape.LF {
		return cli.Usagef("--hex %q, --protocol %q, --from %q: 十六进制; fa 或 lf; station 或 dispenser (hexadecimal; fa or lf; who sent it)", f.hex, f.protocol, f.from)
	}
	c := tape.NewCutter(tape.Protocol(f.protocol))
	for _, frame := range c.Cut(tape.Piece{Way: way, Data: bytes}) {
		if err := e.shownFrame(frame.Show(f.raw)); err != nil {
			return err
		}
	}
	if n := c.Counts(); n.Good == 0 || n.Bad+n.Cut+n.Noise > 0 {
		return &cli.Error{Exit: cli.Failed, Code: "E171", Zh: "不全是好帧", En: "not good frames alone", NextZh: "见 system/doc/lines.md", NextEn: "see system/doc/lines.md",
			Detail: fmt.Sprintf("好帧 %d, 坏帧 %d, 断帧 %d, 帧外 %d 字节 (frames, bad, cut short, bytes outside)", n.Good, n.Bad, n.Cut, n.Noise)}
	}
	return nil
}

func (e *env) lineReplay() *cobra.Command {
	f, r := &lineFlags{}, &replay.Flags{}
	port := ""
	c := &cobra.Command{Use: "replay FILE", Short: "把录音中加油机的一方放到端口上 (play the recorded dispenser on a port)", Args: cobra.ExactArgs(1),
		Long: "加油机说过的照样说, 站方应说的逐帧核对; 不符即停, 指出录音的行与帧, 退出码 1。超过 2 秒的停顿缩短为 2 秒。\n" +
			"Says what the dispenser said and checks what the other side says; at the first difference it stops, names line and frame, exit 1.",
		RunE: func(c *cobra.Command, args []string) error {
			if port == "" {
				return cli.Usagef("--port: 放到哪个端口 (which port)")
			}
			return e.play(c.Context(), args[0], port, f, r)
		}}
	f.port(c)
	r.Add(c)
	c.Flags().StringVar(&port, "port", "", "对方所在的串口 (the port that the other side is at)")
	return c
}

func (e *env) play(ctx context.Context, path, port string, f *lineFlags, r *replay.Flags) error {
	p, _, err := r.Player(path)
	if err != nil {
		return err
	}
	received, up, failed := make(chan []byte, mostHeard), make(chan struct{}, 1), make(chan *serial.Error, 1)
	l, err := serial.Open(f.serial(port), serial.Handler{
		Data: func(b []byte) { received <- append([]byte(nil), b...) },
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
			case failed <- err:
			default:
			}
		},
	})
	if err != nil {
		return cli.Usagef("%v", err)
	}
	defer func() { _ = l.Close() }() // nothing was written that could be lost
	select {
	case <-up:
	case err := <-failed:
		return portTrouble(err)
	case <-ctx.Done():
		return ctx.Err()
	}
	result, err := r.Run(ctx, p, filepath.Base(path), port, received, func(b []byte) { _ = l.Write(b) }) // what a dead line does not take, the other side misses: it shows
	if err != nil {
		return err
	}
	return e.Print(result, result.Show)
}
