package dispenser_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"greylock/system/clock"
	"greylock/system/dispenser"
	"greylock/system/wire/lf"
	"greylock/system/wire/unit"
)

// plainNozzle is what a plain board holds of one nozzle: the least that dispenser.md 2 demands of one, driven by the test.
type plainNozzle struct {
	price          unit.Price
	litres         unit.Quantity
	cash           unit.Fen
	totL, totC     lf.Total
	up, controlled bool
	armed, flowing bool
	started        bool // fuel was set free in this lift
	target         unit.Quantity
	money          unit.Fen
	refusePrice    bool
	selfLocked     bool // neither stopped nor fuelling, silent to A1
	deafTo         map[lf.Command]bool
}

func (n *plainNozzle) status(number byte) lf.Status {
	s := lf.Status{Nozzle: number, Price: n.price, Cash: n.cash, Litres: n.litres, State: lf.Stopped}
	if n.flowing {
		s.State = lf.Fuelling
	}
	if n.selfLocked {
		s.State = 0
	}
	if n.up {
		s.State |= lf.NozzleUp
	}
	if n.controlled {
		s.State |= lf.Controlled
	}
	return s
}

func (n *plainNozzle) lift() {
	n.up, n.started, n.litres, n.cash = true, false, 0, 0
	if !n.controlled {
		n.flowing = true
	}
}

func (n *plainNozzle) hang() { n.up, n.flowing, n.armed, n.started = false, false, false, false }

// valve opens what is armed: the self-test is over.
func (n *plainNozzle) valve() {
	if n.up && n.armed {
		n.armed, n.flowing, n.started = false, true, true
	}
}

// pump delivers up to v, and shuts at the preset.
func (n *plainNozzle) pump(v unit.Quantity) {
	if !n.flowing {
		return
	}
	if n.target > 0 && n.litres+v >= n.target {
		v = n.target - n.litres
		n.flowing = false
	}
	was := n.cash
	n.litres += v
	n.cash, _ = unit.Amount(n.litres, n.price)
	if n.money > 0 && !n.flowing {
		n.cash = n.money
	}
	n.totL += lf.Total(v)
	n.totC += lf.Total(n.cash - was)
}

func (n *plainNozzle) obey(r lf.Request) (lf.Frame, bool) {
	echo, _ := r.Frame()
	refusal, _ := n.status(r.Nozzle).Frame()
	if n.deafTo[r.Command] || n.selfLocked && r.Command == lf.Fuel {
		return lf.Frame{}, false
	}
	switch r.Command {
	case lf.Query:
		return refusal, true
	case lf.TotalLitres, lf.TotalCash:
		t := n.totL
		if r.Command == lf.TotalCash {
			t = n.totC
		}
		f, _ := lf.TotalReply{Nozzle: r.Nozzle, Command: r.Command, Total: t}.Frame()
		return f, true
	case lf.Control:
		n.controlled = true
	case lf.Stop:
		n.flowing, n.armed = false, false
	case lf.Fuel, lf.FuelCash, lf.FuelLitres:
		if n.flowing && r.Command != lf.Fuel || !n.controlled || r.Command == lf.Fuel && !n.up {
			return refusal, true
		}
		if n.flowing {
			return echo, true
		}
		if !n.started {
			n.litres, n.cash = 0, 0
		}
		n.armed, n.target, n.money = true, 0, 0
		switch r.Command {
		case lf.FuelLitres:
			n.target = n.litres + unit.Quantity(r.Value)
		case lf.FuelCash:
			n.money, n.target = unit.Fen(r.Value), unit.Affordable(unit.Fen(r.Value), n.price)
		}
	case lf.SetPrice:
		if n.up {
			return refusal, true
		}
		if !n.refusePrice {
			n.price = unit.Price(r.Value)
		}
	}
	return echo, true
}

// lfBench is a driver, its board and the wire between them in virtual time.
type lfBench struct {
	t        testing.TB
	d        *dispenser.LF
	now      clock.Instant
	board    map[byte]*plainNozzle
	delay    time.Duration
	mute     bool
	loop     bool                                        // own frames come back first
	damage   func(lf.Frame) [][]byte                     // of replies
	tamper   func(lf.Request, lf.Frame) (lf.Frame, bool) // replaces a reply
	late     func(lf.Request) time.Duration              // how much later than usual a reply comes; the order is kept
	lastAt   clock.Instant
	tick     func() // before each request is obeyed
	pending  []delivery
	requests []lf.Request
	sentAt   []clock.Instant
	events   []dispenser.Event
}

type delivery struct {
	at   clock.Instant
	data []byte
}

func newLFBench(t testing.TB, cfg dispenser.LFConfig) *lfBench {
	t.Helper()
	b := &lfBench{t: t, now: start, board: map[byte]*plainNozzle{}, delay: 26 * time.Millisecond}
	if len(cfg.Nozzles) == 0 {
		cfg.Nozzles = []dispenser.LFNozzle{{Number: 1, Price: 785}}
	}
	for _, n := range cfg.Nozzles {
		b.board[n.Number] = &plainNozzle{price: 785, totL: 11747973, totC: 91234567}
	}
	d, err := dispenser.NewLF(cfg)
	if err != nil {
		t.Fatal(err)
	}
	b.d = d
	return b
}

// up opens the line and waits until every nozzle is idle and open.
func (b *lfBench) up() *lfBench {
	b.t.Helper()
	b.d.Line(b.now, true)
	for i := range b.d.Views() {
		if err := b.d.Open(b.now, i, true); err != nil {
			b.t.Fatal(err)
		}
	}
	b.run(4 * time.Second)
	for i, v := range b.d.Views() {
		if v.State != dispenser.Idle {
			b.t.Fatalf("nozzle %d after start: %+v, %s", i, v, b.kinds())
		}
	}
	b.events, b.requests, b.sentAt = nil, nil, nil
	return b
}

func (b *lfBench) n() *plainNozzle { return b.board[1] }

func (b *lfBench) view() dispenser.View { return b.d.Views()[0] }

// drain carries what the driver sends to the board.
func (b *lfBench) drain() {
	frames, events := b.d.Take()
	b.events = append(b.events, events...)
	for _, f := range frames {
		req, err := lf.ParseRequest(lf.Frame(f))
		if err != nil {
			b.t.Fatalf("sent %X: %v", f, err)
		}
		b.requests, b.sentAt = append(b.requests, req), append(b.sentAt, b.now)
		if b.loop {
			b.pending = append(b.pending, delivery{b.now.Add(b.delay / 2), bytes.Clone(f)})
		}
		if b.tick != nil {
			b.tick()
		}
		n := b.board[req.Nozzle]
		if b.mute || n == nil {
			continue
		}
		reply, ok := n.obey(req)
		if b.tamper != nil {
			if r, hit := b.tamper(req, reply); hit {
				reply, ok = r, true
			}
		}
		if !ok {
			continue
		}
		pieces := [][]byte{reply[:]}
		if b.damage != nil {
			pieces = b.damage(reply)
		}
		for i, p := range pieces {
			at := b.now.Add(b.delay + time.Duration(i)*time.Millisecond)
			if b.late != nil {
				at = at.Add(b.late(req))
			}
			b.lastAt = max(b.lastAt+1, at)
			b.pending = append(b.pending, delivery{b.lastAt, bytes.Clone(p)})
		}
	}
}

// run lets time pass.
func (b *lfBench) run(d time.Duration) {
	b.t.Helper()
	end := b.now.Add(d)
	for range 200000 {
		b.drain()
		at, first := b.d.Due(), -1
		for i, p := range b.pending {
			if first < 0 && p.at <= at || first >= 0 && p.at < b.pending[first].at {
				first = i
			}
		}
		if first >= 0 {
			at = b.pending[first].at
		}
		if at > end {
			b.now = end
			return
		}
		b.now = max(b.now, at)
		if first < 0 {
			b.d.Wake(b.now)
			continue
		}
		p := b.pending[first]
		b.pending = append(b.pending[:first:first], b.pending[first+1:]...)
		b.d.Receive(b.now, p.data)
	}
	b.t.Fatalf("no end: now %v, due %v", b.now, b.d.Due())
}

// pump runs for d while fuel flows at 0.60 L a second.
func (b *lfBench) pump(d time.Duration) {
	b.t.Helper()
	for ; d > 0; d -= 100 * time.Millisecond {
		for _, n := range b.board {
			n.pump(6)
		}
		b.run(100 * time.Millisecond)
	}
}

func (b *lfBench) kinds() string { return kinds(b.events) }

// told returns the events without Changed and Metered, and forgets them.
func (b *lfBench) told() string {
	var some []dispenser.Event
	for _, e := range b.events {
		switch e.(type) {
		case dispenser.Changed, dispenser.Metered:
		default:
			some = append(some, e)
		}
	}
	b.events = nil
	return kinds(some)
}

// sales returns the sales that were told.
func (b *lfBench) sales() (all []dispenser.Sale) {
	for _, e := range b.events {
		if s, ok := e.(dispenser.Sold); ok {
			all = append(all, s.Sale)
		}
	}
	return all
}

// asked counts the requests with a command.
func (b *lfBench) asked(c lf.Command) (n int) {
	for _, r := range b.requests {
		if r.Command == c {
			n++
		}
	}
	return n
}

func (b *lfBench) state(want dispenser.State) {
	b.t.Helper()
	if got := b.view().State; got != want {
		_, a := got.Words()
		_, w := want.Words()
		b.t.Fatalf("state %d %s, want %d %s; events %s; requests %s", got, a, want, w, b.kinds(), b.words())
	}
}

func (b *lfBench) words() (s string) {
	for _, r := range b.requests {
		s += fmt.Sprintf("%02X ", byte(r.Command))
	}
	return s
}

func (b *lfBench) authorise(a dispenser.Authorisation) {
	b.t.Helper()
	if err := b.d.Authorise(b.now, 0, a); err != nil {
		b.t.Fatal(err)
	}
}
