package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/emulators/conform/lines"
	"greylock/emulators/line"
	"greylock/system/clock"
	station "greylock/system/dispenser"
	"greylock/system/link/serial"
	"greylock/system/wire/fa"
	"greylock/system/wire/unit"
)

func (l *lab) conformStation() *cobra.Command {
	f := &lineCheck{}
	wait := time.Duration(0)
	c := &cobra.Command{Use: "station", Short: "扮作加油机, 逐条核对站方 (a dispenser watches a station, case by case)", Args: cobra.NoArgs,
		Long: "站方说的每一帧都按规范检查, 每行注明规范的节。--port mem: 我们站级程序的驱动, 虚拟时间; 别的路径: 没有就在那里造一个伪终端, 让您的站级程序打开它; 有就当串口打开。\n" +
			"运行中的站要配这一个端口: 一块主板 (fa), 或已由中心下达布局的 1 号枪 (lf; 没有布局的站不说话); 授权与调价的案例只在 mem 中做。\n" +
			"Every frame of a station is held to system/doc/lines.md; each row names the section of the specification. mem: the driver of our station in virtual time;\n" +
			"another path: a pseudo-terminal is made there, for your station to open; a tty that exists is opened. An LF station has to know its nozzle 1:\n" +
			"one without a layout says nothing. Orders of people are in mem alone.\n" +
			"有不符时退出码为 1 (exit 1 when a case fails)。",
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			f.says = l.Err
			r, err := f.watchStation(c.Context(), wait)
			if err != nil {
				return err
			}
			return l.linesChecked("station", f, r)
		}}
	f.add(c)
	p := c.Flags()
	p.StringVar(&f.port, "port", "mem", "mem, 或端口的路径 (or the path of a port)")
	p.DurationVar(&f.reply, "answer", 0, "fa: 应答轮询的时限, 缺省 2s, mem 为 200ms (time for an answer to a poll)")
	p.DurationVar(&wait, "wait", 0, "等站方先开口多久, 缺省 10s, 端口 1m (for the station's first word)")
	p.IntVar(&f.nozzle, "nozzle", 1, "lf: 枪号 (nozzle number)")
	return c
}

func (f *lineCheck) watchStation(ctx context.Context, wait time.Duration) (r lines.Report, err error) {
	o := lines.StationOptions{Nozzle: byte(f.nozzle), Answer: f.reply, Wait: wait, Pick: lines.Pick{Have: lines.Orders, Only: f.cases}}
	make := func() (lines.Station, error) {
		return driven(f.protocol, byte(f.nozzle), func(p lines.Peer) lines.Peer { return p })
	}
	if f.port == "mem" {
		if o.Answer == 0 {
			o.Answer = 200 * time.Millisecond
		}
	} else {
		if o.Have = lines.Site; o.Wait == 0 {
			o.Wait = time.Minute
		}
		w, end, failed := f.atStation(ctx, o.Wait)
		if failed != nil {
			return r, failed
		}
		defer func() { // err is what the caller gets
			if m, ok := w.(*made); ok && m.silent() {
				err = &cli.Error{Exit: cli.Device, Code: "E443", Zh: "端口上没有站方", En: "no station at the port",
					NextZh: "让站级程序在 --wait 之内打开它", NextEn: "let a station open it within --wait", Detail: f.port}
			}
			err = errors.Join(cmp.Or(ctx.Err(), err), end())
		}()
		make = func() (lines.Station, error) { return lines.Station{Wire: w}, nil }
	}
	if f.protocol == "fa" {
		return lines.CheckFAStation(o, make), nil
	}
	return lines.CheckLFStation(o, make), nil
}

// atStation is the wire to a running station.
func (f *lineCheck) atStation(ctx context.Context, wait time.Duration) (lines.Wire, func() error, error) {
	if _, err := os.Stat(f.port); err == nil {
		w, err := openTTY(ctx, serial.Config{Path: f.port, Baud: f.baud, Parity: serial.ParityNone, LockDir: f.locks})
		if err != nil {
			return nil, nil, err
		}
		return w, w.line.Close, nil
	}
	w := &made{in: make(chan []byte, mostChunks), done: ctx.Done(), giveUp: clock.System{}.Now().Add(wait)}
	var err error
	fmt.Fprintf(f.says, "等站方打开 (waiting for a station at) %s\n", f.port)
	w.pty, err = line.OpenPty(line.PtyConfig{Config: line.Config{Baud: f.baud}, Link: f.port, Rand: rand.New(rand.NewPCG(1, 1)),
		Received: func(b []byte) { w.in <- append([]byte(nil), b...) }})
	if err != nil {
		return nil, nil, err
	}
	return w, w.pty.Close, nil
}

// made is a wire to whoever opens our pseudo-terminal.
type made struct {
	pty    *line.Pty
	in     chan []byte
	done   <-chan struct{}
	giveUp clock.Instant // when nobody has said anything by then, nobody is there
	heard  bool
}

// Now implements lines.Wire.
func (w *made) Now() clock.Instant { return clock.System{}.Now() }

// Send implements lines.Wire.
func (w *made) Send(b []byte) error {
	w.pty.Write(b)
	return nil
}

// Receive implements lines.Wire.
func (w *made) Receive(until clock.Instant) ([]byte, error) {
	if w.heard {
		return receive(w.in, nil, w.done, until)
	}
	b, err := receive(w.in, nil, w.done, min(until, w.giveUp))
	w.heard = len(b) > 0
	if err == nil && w.silent() {
		err = errNobody
	}
	return b, err
}

// silent says that nobody has opened the pseudo-terminal in time, or that he says nothing.
func (w *made) silent() bool { return !w.heard && w.Now() >= w.giveUp }

var errNobody = errors.New("没有站方 (no station)")

// drive is a driver of our station in virtual time, with what the station itself answers to a board.
type drive struct{ station.Driver }

// Take implements lines.Peer.
func (d drive) Take() (send [][]byte, due clock.Instant) {
	send, events := d.Driver.Take()
	board, _ := d.Driver.(*station.FA)
	for _, e := range events {
		switch e := e.(type) {
		case station.Taken:
			if !e.Asked {
				send = append(send, board.Ack(e.To, fa.RecordCorrect))
			}
		case station.GreyAsked:
			send = append(send, board.AnswerGrey(e.To, fa.GreyAnswer{Flag: fa.NotFound}))
		case station.ListAsked:
			send = append(send, board.AnswerList(e.To, fa.ListAnswer{Flag: fa.NotFound, ASN: e.ASN}))
		}
	}
	return send, d.Due()
}

// driven is a new driver in memory: FA with a file of prices and one of a list, LF with one nozzle; between may bend the line.
func driven(protocol string, nozzle byte, between func(lines.Peer) lines.Peer) (s lines.Station, err error) {
	now := clock.At(2026, 11, 22, 17, 0, 0)
	if protocol == "fa" {
		d := station.NewFA()
		orders, err := testOrders()
		if err != nil {
			return s, err
		}
		d.SetOrders(orders)
		d.Line(now, true)
		s.Wire = lines.NewVirtual(now, between(drive{d}))
		return s, nil
	}
	d, err := station.NewLF(station.LFConfig{Nozzles: []station.LFNozzle{{Number: nozzle}}})
	if err != nil {
		return s, err
	}
	d.Line(now, true)
	v := lines.NewVirtual(now, between(drive{d}))
	return lines.Station{Wire: v, Desk: desk{d, v}}, nil
}

// testOrders are a price table and a blacklist of a hundred cards.
func testOrders() (o station.Orders, err error) {
	price := fa.NozzlePrice{NZN: 1, Product: fa.Product{0x10, 0x31}, Prices: []unit.Price{785}}
	o = station.Orders{Versions: fa.Versions{Base: 0x01FA, Price: 0xFA}, Files: map[fa.Content][]byte{}}
	o.Files[fa.ContentPrice], err = fa.PriceTable{Version: 0xFA, Effective: fa.Minute{0x20, 0x26, 0x11, 0x22, 0x17, 0}, Now: []fa.NozzlePrice{price}, Next: []fa.NozzlePrice{price}}.Bytes()
	if err != nil {
		return o, err
	}
	list := fa.ListFile{Version: 0x01FA, From: fa.Date{0x20, 0x26, 1, 1}, To: fa.Date{0x20, 0x36, 1, 1}, Area: fa.Area{0xFF, 0xFF}}
	card := testSet().ASN
	for i := range 100 {
		card[8], card[9] = byte(i/10), byte(i%10)
		list.Cards = append(list.Cards, card)
	}
	o.Files[fa.ContentBase], err = list.Bytes()
	return o, err
}

// desk is a person at the one nozzle of a driver.
type desk struct {
	lf *station.LF
	at *lines.Virtual
}

var _ lines.Desk = desk{}

// Open implements lines.Desk.
func (d desk) Open() error { return d.lf.Open(d.at.Now(), 0, true) }

// Authorise implements lines.Desk.
func (d desk) Authorise(money, litres int64) error {
	return d.lf.Authorise(d.at.Now(), 0, station.Authorisation{Money: unit.Fen(money), Volume: unit.Quantity(litres)})
}

// SetPrice implements lines.Desk.
func (d desk) SetPrice(price int64) error { return d.lf.SetPrice(d.at.Now(), 0, unit.Price(price)) }

// Stop implements lines.Desk.
func (d desk) Stop() error { return d.lf.Stop(d.at.Now(), 0) }
