package world

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"greylock/emulators/dispenser"
	"greylock/emulators/line"
	"greylock/system/clock"
	station "greylock/system/dispenser"
	"greylock/system/wire/lf"
	"greylock/system/wire/unit"
)

// plainLine is the station's driver and the virtual plain board with a 9600 baud line between them.
type plainLine struct {
	t      *testing.T
	now    clock.Instant
	d      *station.LF
	cfg    dispenser.PlainConfig
	nv     *dispenser.Memory
	board  *dispenser.Plain
	wake   clock.Instant
	wire   *line.Mem
	events []station.Event
	done   int
}

func newPlainLine(t *testing.T, seed uint64, cfg dispenser.PlainConfig) *plainLine {
	t.Helper()
	if len(cfg.Nozzles) == 0 {
		cfg.Nozzles = []dispenser.PlainNozzle{{Number: 1, Price: 785}, {Number: 2, Price: 811}}
	}
	cfg.Seed = seed
	p := &plainLine{t: t, now: clock.At(2026, 11, 22, 9, 0, 0), cfg: cfg, nv: &dispenser.Memory{},
		wire: line.NewMem(line.Config{}, rand.New(rand.NewPCG(seed, 9)))}
	var nozzles []station.LFNozzle
	for _, n := range cfg.Nozzles {
		nozzles = append(nozzles, station.LFNozzle{Number: n.Number, Price: n.Price})
	}
	d, err := station.NewLF(station.LFConfig{Nozzles: nozzles})
	if err != nil {
		t.Fatal(err)
	}
	p.d = d
	p.power()
	d.Line(p.now, true)
	for i := range nozzles {
		if err := d.Open(p.now, i, true); err != nil {
			t.Fatal(err)
		}
	}
	p.until("idle", time.Minute, func() bool { return p.all(station.Idle) })
	p.events = nil
	return p
}

func (p *plainLine) power() {
	b, err := dispenser.NewPlain(p.cfg, p.nv)
	if err != nil {
		p.t.Fatal(err)
	}
	p.board = b
	b.PowerOn(p.now)
}

func (p *plainLine) all(s station.State) bool {
	for _, v := range p.d.Views() {
		if v.State != s {
			return false
		}
	}
	return true
}

// settle carries bytes and notes events until nothing is to be done at once.
func (p *plainLine) settle() {
	frames, events := p.d.Take()
	p.events = append(p.events, events...)
	for _, f := range frames {
		p.wire.Write(p.now, line.Station, f)
	}
	fx := p.board.Take()
	p.wake = fx.Wake
	for _, s := range fx.Send {
		p.wire.Write(p.now, line.Device, s)
	}
	for _, e := range fx.Events {
		if e.Word == "done" {
			p.done++
		}
	}
}

// step runs the next thing that is due.
func (p *plainLine) step() {
	p.settle()
	at := min(p.d.Due(), p.wake)
	if next, ok := p.wire.Next(); ok {
		at = min(at, next)
	}
	if at < p.now {
		at = p.now
	}
	p.now = at
	for _, x := range p.wire.Deliver(p.now) {
		if x.To == line.Device {
			p.board.Receive(p.now, x.Data)
		} else {
			p.d.Receive(p.now, x.Data)
		}
	}
	if p.wake <= p.now {
		p.board.Wake(p.now)
	}
	if p.d.Due() <= p.now {
		p.d.Wake(p.now)
	}
}

func (p *plainLine) until(what string, limit time.Duration, cond func() bool) {
	p.t.Helper()
	for end := p.now.Add(limit); !cond(); p.step() {
		if p.now > end {
			p.t.Fatalf("%s did not come in %v: %+v, board %+v, told %s", what, limit, p.d.Views(), p.board.Views(), p.told())
		}
	}
	p.settle()
}

func (p *plainLine) run(d time.Duration) {
	p.t.Helper()
	end := p.now.Add(d)
	p.until("the end", d+time.Minute, func() bool { return p.now >= end })
}

func (p *plainLine) told() (s string) {
	for _, e := range p.events {
		switch e := e.(type) {
		case station.Changed, station.Metered:
		default:
			s += fmt.Sprintf("%T%+v ", e, e)
		}
	}
	return s
}

func (p *plainLine) sales() (out []station.Sale) {
	for _, e := range p.events {
		if s, ok := e.(station.Sold); ok {
			out = append(out, s.Sale)
		}
	}
	return out
}

// sell is a whole sale at a nozzle, by a customer whose hand the random source is.
func (p *plainLine) sell(i int, rnd *rand.Rand) {
	p.t.Helper()
	number := p.cfg.Nozzles[i].Number
	var a station.Authorisation
	switch rnd.IntN(3) {
	case 0:
		a.Money = unit.Fen(100 * (5 + rnd.IntN(100)))
	case 1:
		a.Volume = unit.Quantity(50 + rnd.IntN(1500))
	}
	p.board.Lift(p.now, number)
	p.until("calling", 10*time.Second, func() bool { return p.d.Views()[i].State == station.Calling })
	if err := p.d.Authorise(p.now, i, a); err != nil {
		p.t.Fatal(err)
	}
	p.board.Squeeze(p.now, number, 500+rnd.IntN(501))
	p.until("fuel", 20*time.Second, func() bool { return p.d.Views()[i].State == station.Fuelling })
	end := p.now.Add(time.Duration(3+rnd.IntN(20)) * time.Second)
	p.until("the stop", 10*time.Minute, func() bool {
		return p.now > end && a == (station.Authorisation{}) || p.d.Views()[i].State == station.SuspendedFuelling
	})
	p.board.Hang(p.now, number)
	p.until("the sale", time.Minute, func() bool { return p.d.Views()[i].State == station.Idle })
}

// TestPlainBoardUnderTheStation: the station's driver sells over the virtual board, and its books equal the board's totals.
func TestPlainBoardUnderTheStation(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]dispenser.Habits{
		"as specified":        {},
		"slow":                {Delay: 150 * time.Millisecond},
		"A1, B1, A4 unheard":  {Silent: []lf.Command{lf.Fuel, lf.Stop, lf.SetPrice}},
		"low half of numbers": {NozzleBits: 0xA0},
		"early idle":          {EarlyIdle: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlainLine(t, 11, dispenser.PlainConfig{Habits: h})
			rnd := rand.New(rand.NewPCG(3, 4))
			for k := range 12 {
				p.sell(k%2, rnd)
			}
			p.books(12)
		})
	}
}

// books compares what the station has told with what the board and its meter say.
func (p *plainLine) books(sold int) {
	p.t.Helper()
	var volume, flowed unit.Quantity
	var amount unit.Fen
	for _, s := range p.sales() {
		if s.Verdict != station.Agreed || s.Origin != station.Ordered || s.Volume != s.Moved {
			p.t.Errorf("%+v", s)
		}
		volume, amount = volume+s.Volume, amount+s.Amount
	}
	var total, cash lf.Total
	for _, v := range p.board.Views() {
		total, cash, flowed = total+v.Total, cash+v.Cash, flowed+v.Flowed
	}
	if len(p.sales()) != sold || p.done != sold || lf.Total(volume) != total || lf.Total(amount) != cash || flowed != volume {
		p.t.Errorf("%d sales told, %d made, %v L %v yuan booked, totals %v %v, %v L flowed: %s", len(p.sales()), p.done, volume, amount, total, cash, flowed, p.told())
	}
}

// TestPlainBoardOnABadLine: noise costs time, never a fen.
func TestPlainBoardOnABadLine(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		p := newPlainLine(t, 20+seed, dispenser.PlainConfig{})
		p.wire.Noise(3)
		for i := range 3 {
			n := p.cfg.Nozzles[i%2].Number
			p.board.Lift(p.now, n)
			p.until("calling", time.Minute, func() bool { return p.d.Views()[i%2].State == station.Calling })
			err := p.d.Authorise(p.now, i%2, station.Authorisation{Volume: 700})
			for end := p.now.Add(time.Minute); err != nil && p.now < end; p.step() {
				err = p.d.Authorise(p.now, i%2, station.Authorisation{Volume: 700})
			}
			p.board.Squeeze(p.now, n, 1000)
			p.run(40 * time.Second)
			p.board.Hang(p.now, n)
			p.run(20 * time.Second)
		}
		p.wire.Noise(0)
		p.run(3 * time.Minute)
		var moved, agreed unit.Quantity
		for _, s := range p.sales() {
			moved += s.Moved
			if s.Verdict == station.Agreed {
				agreed += s.Volume
			}
		}
		var total lf.Total
		for _, v := range p.board.Views() {
			total += v.Total
		}
		if lf.Total(moved) != total || lf.Total(agreed) > total || p.wire.Damaged() == 0 {
			t.Errorf("seed %d: totals %v, the station knows of %v, agreed %v: %s", seed, total, moved, agreed, p.told())
		}
	}
}

// TestPlainBoardLosesPower in the middle of a sale: it comes back uncontrolled, the station takes control and accounts for
// every litre.
func TestPlainBoardLosesPower(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]dispenser.Habits{"as specified": {}, "forgets": {ForgetsSale: true}} {
		p := newPlainLine(t, 31, dispenser.PlainConfig{Habits: h})
		p.board.Lift(p.now, 1)
		p.until("calling", 10*time.Second, func() bool { return p.d.Views()[0].State == station.Calling })
		if err := p.d.Authorise(p.now, 0, station.Authorisation{Volume: 3000}); err != nil {
			t.Fatal(err)
		}
		p.board.Squeeze(p.now, 1, 1000)
		p.until("fuel", time.Minute, func() bool { return p.d.Views()[0].Volume > 800 })
		p.board.Off()
		p.run(2 * time.Second)
		p.power()
		p.board.Lift(p.now, 1)
		p.board.Squeeze(p.now, 1, 1000)
		p.run(20 * time.Second)
		total := p.board.Views()[0].Total
		p.board.Hang(p.now, 1)
		p.run(30 * time.Second)
		if p.board.Views()[0].Total != total || !p.all(station.Idle) && p.d.Lock(0) == 0 {
			t.Errorf("%s: %+v, %+v", name, p.board.Views()[0], p.d.Views())
		}
		s := p.sales()
		if len(s) != 1 || lf.Total(s[0].Moved) != total || !s[0].Interrupted {
			t.Fatalf("%s: total %v, told %s", name, total, p.told())
		}
		if (s[0].Verdict == station.Forgotten) != h.ForgetsSale {
			t.Errorf("%s: %+v", name, s[0])
		}
	}
}

// TestPlainBoardLocksItself: after five sales beyond ±0.6 % the station takes the nozzle out of use.
func TestPlainBoardLocksItself(t *testing.T) {
	t.Parallel()
	p := newPlainLine(t, 41, dispenser.PlainConfig{Nozzles: []dispenser.PlainNozzle{{Number: 1, Price: 785, Gain: 9900}}})
	rnd := rand.New(rand.NewPCG(3, 5))
	for range 4 {
		p.sell(0, rnd)
	}
	p.board.Lift(p.now, 1)
	p.until("calling", 10*time.Second, func() bool { return p.d.Views()[0].State == station.Calling })
	if err := p.d.Authorise(p.now, 0, station.Authorisation{Volume: 1000}); err != nil {
		t.Fatal(err)
	}
	p.board.Squeeze(p.now, 1, 1000)
	p.run(40 * time.Second)
	p.board.Hang(p.now, 1)
	p.run(10 * time.Second)
	if why := p.d.Lock(0); why != station.TroubleSelf || p.d.Views()[0].State != station.Inoperative || len(p.sales()) != 5 {
		t.Errorf("locked for %d, %+v, told %s", why, p.d.Views()[0], p.told())
	}
}
