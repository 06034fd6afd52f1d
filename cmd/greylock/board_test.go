//go:build linux

package main

import (
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"greylock/emulators/cardos"
	"greylock/emulators/dispenser"
	"greylock/emulators/line"
	"greylock/emulators/psam"
	"greylock/system/card"
	"greylock/system/clock"
	"greylock/system/link/tape"
	"greylock/system/wire/fa"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
)

// board is a dispenser in real time behind a pseudo-terminal. Everything happens in its one goroutine.
type board struct {
	t     *testing.T
	hear  func(way tape.Way, data []byte)
	path  string // the port, by its stable name
	pty   *line.Pty
	b     *dispenser.Board
	sam   card.Slot
	in    card.Slot // the card in the slot
	work  chan func()
	quit  chan struct{}
	ended chan struct{}
}

// newBoard puts a dispenser with this PSAM on a line.
func newBoard(t *testing.T, dir string, sam card.Slot, product string, cards fuelcard.Profile) *board {
	t.Helper()
	return newBoardHeard(t, dir, sam, product, cards, func(tape.Way, []byte) {})
}

// newBoardHeard lets somebody hear both ways of the line.
func newBoardHeard(t *testing.T, dir string, sam card.Slot, product string, cards fuelcard.Profile, hear func(way tape.Way, data []byte)) *board {
	t.Helper()
	p, err := fa.ParseProduct(product)
	if err != nil {
		t.Fatal(err)
	}
	x := &board{t: t, hear: hear, path: filepath.Join(dir, "port01"), sam: sam, work: make(chan func(), 64), quit: make(chan struct{}), ended: make(chan struct{})}
	cfg := dispenser.Config{Profile: cards, LogSize: 64, Boot: 10 * time.Millisecond, Seed: 1, Products: []fa.Product{p},
		Physics: dispenser.Physics{MaxFlow: 24_000, Prevalve: 5}}
	x.b = dispenser.New(cfg, &dispenser.Memory{})
	x.pty, err = line.OpenPty(line.PtyConfig{Link: x.path, Rand: rand.New(rand.NewPCG(1, 1)), Received: func(data []byte) {
		data = append([]byte(nil), data...)
		hear(tape.ToDispenser, data)
		x.do(func(now clock.Instant) { x.b.Receive(now, data) })
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sam.Reset(); err != nil {
		t.Fatal(err)
	}
	go x.run()
	x.do(x.b.PowerOn)
	t.Cleanup(func() {
		close(x.quit)
		<-x.ended
		if err := x.pty.Close(); err != nil {
			t.Error(err)
		}
	})
	return x
}

// do lets something happen at the board and waits for it.
func (x *board) do(f func(now clock.Instant)) {
	done := make(chan struct{})
	select {
	case x.work <- func() { f(clock.System{}.Now()); close(done) }:
	case <-x.quit:
		return
	}
	select {
	case <-done:
	case <-x.quit:
	}
}

func (x *board) run() {
	defer close(x.ended)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case f := <-x.work:
			f()
		case <-timer.C:
			x.b.Wake(clock.System{}.Now())
		case <-x.quit:
			return
		}
		if due := x.settle(); due != clock.Never {
			timer.Reset(max(0, due.Sub(clock.System{}.Now())))
		}
	}
}

// settle carries out what the board wants, and tells when it wants to be woken.
func (x *board) settle() clock.Instant {
	for {
		fx := x.b.Take()
		for _, data := range fx.Send {
			x.hear(tape.FromDispenser, data)
			x.pty.Write(data)
		}
		if len(fx.Transmit) == 0 {
			return fx.Wake
		}
		for _, c := range fx.Transmit {
			slot := x.in
			if c.Slot == dispenser.SlotPSAM {
				slot = x.sam
			}
			r := card.Reply{Err: card.ErrAbsent}
			if slot != nil {
				r.Data, r.Err = slot.Transmit(c.Command)
			}
			x.b.Answer(clock.System{}.Now(), c.ID, r)
		}
	}
}

func (x *board) view() (v dispenser.View) {
	x.do(func(clock.Instant) { v = x.b.View() })
	return v
}

// until waits for the board to show something.
func (x *board) until(what string, cond func(v dispenser.View) bool) {
	x.t.Helper()
	eventually(x.t, what, func() bool { return cond(x.view()) })
}

func (x *board) keys(text string) {
	for _, k := range []byte(text) {
		x.do(func(now clock.Instant) { x.b.Key(now, dispenser.Key(k)) })
	}
}

// sell is one visit: card in, PIN, so many yuan, fuel, hang, card out. meanwhile happens while fuel flows.
func (x *board) sell(c card.Slot, pin, yuan string, meanwhile func()) dispenser.View {
	x.t.Helper()
	if _, err := c.Reset(); err != nil {
		x.t.Fatal(err)
	}
	x.until("请插卡", func(v dispenser.View) bool { return !v.Card && v.Confirmed && v.Price > 0 })
	x.do(func(now clock.Instant) { x.in = c; x.b.Inserted(now) })
	x.until("请输入密码", func(v dispenser.View) bool { return v.Prompt.En == "enter PIN, then OK" })
	x.keys(pin + string(rune(dispenser.KeyOK)))
	x.until("ready", func(v dispenser.View) bool { return v.Stage == "ready" })
	x.keys(yuan + string(rune(dispenser.KeyYuan)))
	x.do(x.b.Lift)
	x.until("fuelling", func(v dispenser.View) bool { return v.State == dispenser.StateFuelling })
	x.do(func(now clock.Instant) { x.b.Squeeze(now, 1000) })
	meanwhile()
	x.until("stop", func(v dispenser.View) bool { return v.State != dispenser.StateFuelling })
	x.do(func(now clock.Instant) { x.b.Squeeze(now, 0); x.b.Hang(now) })
	x.until("paid", func(v dispenser.View) bool { return v.Prompt.En == "done, take your card" && !v.NozzleUp })
	v := x.view()
	x.do(func(now clock.Instant) { x.in = nil; x.b.Pulled(now) })
	if err := c.Off(); err != nil {
		x.t.Fatal(err)
	}
	return v
}

// blanks are cards of the vendor, under one transport key.
type blanks struct {
	transport pboc.Key
	profile   fuelcard.Profile
}

func (b blanks) card(t *testing.T, seed byte) *cardos.Card {
	t.Helper()
	c, err := cardos.Blank(cardos.NewMemNV(), rand.NewChaCha8([32]byte{seed}), b.profile, b.transport)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (b blanks) psam(t *testing.T, seed byte) *psam.PSAM {
	t.Helper()
	s, err := psam.Blank(psam.NewMemNV(), rand.NewChaCha8([32]byte{seed}), b.profile, b.transport)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
