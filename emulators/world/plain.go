package world

import (
	"fmt"
	"time"

	"greylock/emulators/dispenser"
	"greylock/system/clock"
	"greylock/system/wire/lf"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// plainPump is one plain dispenser of the town: a board with some nozzles on one port of the station that runs it.
type plainPump struct {
	w       *World
	site    record.SiteID
	port    int
	where   string
	out, to string // in the trace
	cfg     dispenser.PlainConfig
	nv      *dispenser.Memory
	board   *dispenser.Plain // nil without power
	wake    *event
	line    wire
	nozzles []record.Nozzle // the town's numbers, in the order of the board
	first   []lf.Total      // where the totals stood when the world began
	sold    []unit.Quantity // by the station's facts
	leapt   []unit.Quantity // the totals, without fuel, and no fact tells of it yet
	used    clock.Instant   // when a nozzle was in somebody's hand last
	eyes    *eyes           // of a screen; nil
	meter   *plainMeter     // of a PlainRush; nil
}

// plainSettles is how long a station may take to read the end of a delivery: register and totals, each twice.
const plainSettles = 10 * time.Second

// planPlain plans a station's plain dispensers on the ports behind its card dispensers.
func (w *World) planPlain(n int, s StationPlan, l *record.Layout) error {
	number := len(s.Nozzles)
	for i, board := range s.Plain {
		p := &plainPump{w: w, site: record.SiteID(s.ID), port: len(s.Nozzles) + i + 1, nv: &dispenser.Memory{}}
		p.where = fmt.Sprintf("%s站%d口", s.ID, p.port)
		p.out, p.to = p.where+" →", p.where+" ←"
		p.wake = w.timer(p.woken)
		for j, product := range board {
			number++
			l.Ports = append(l.Ports, record.PortPlan{Port: p.port, Nozzle: record.Nozzle(number), NZN: byte(j + 1), Product: product, Protocol: record.ProtocolLF})
			p.nozzles = append(p.nozzles, record.Nozzle(100*n+number))
			p.cfg.Nozzles = append(p.cfg.Nozzles, dispenser.PlainNozzle{Number: byte(j + 1)})
			w.plain[record.Nozzle(100*n+number)] = plainHand{p, j}
		}
		p.first, p.sold, p.leapt = make([]lf.Total, len(board)), make([]unit.Quantity, len(board)), make([]unit.Quantity, len(board))
		w.plainList = append(w.plainList, p)
	}
	return nil
}

// plainHand is a nozzle of a plain board, for people's hands.
type plainHand struct {
	p *plainPump
	i int
}

// buildPlain puts the plain dispensers on their lines and gives them power.
func (w *World) buildPlain() (err error) {
	for _, p := range w.plainList {
		p.cfg.Seed = uint64(w.stream("gun " + p.where).Int64())
		if p.line, err = w.join(p.site, p.port, p.where, p.receive); err != nil {
			return err
		}
		w.at(w.now, p.powerOn)
	}
	return nil
}

// powerOn starts the board on its memory.
func (p *plainPump) powerOn() {
	b, err := dispenser.NewPlain(p.cfg, p.nv)
	if err != nil {
		panic("world: " + err.Error()) // made by planPlain
	}
	p.board = b
	b.PowerOn(p.w.now)
	p.settle()
}

// powerOff is the power cut: memory stays.
func (p *plainPump) powerOff() {
	if p.board != nil {
		p.board.Off()
		p.board = nil
		p.w.drop(p.wake)
	}
}

// settle carries out what the board wants.
func (p *plainPump) settle() {
	if p.board == nil {
		return
	}
	fx := p.board.Take()
	for _, data := range fx.Send {
		p.w.trace.add(p.w.now, "frame", p.out, data)
		p.eyes.saw(p.port, data)
		p.meter.sent(data)
		p.line.fromBoard(p.w.now, data)
	}
	if fx.Wake == clock.Never {
		p.w.drop(p.wake)
	} else {
		p.w.set(p.wake, fx.Wake)
	}
}

func (p *plainPump) woken() {
	p.board.Wake(p.w.now)
	p.settle()
}

// receive brings bytes from the station.
func (p *plainPump) receive(data []byte) {
	p.w.trace.add(p.w.now, "frame", p.to, data)
	p.meter.received(data)
	if p.board != nil {
		p.board.Receive(p.w.now, data)
		p.settle()
	}
}

// view is a nozzle as people see it, without power as its memory holds it.
func (h plainHand) view() dispenser.PlainView {
	b := h.p.board
	if b == nil {
		var err error
		if b, err = dispenser.NewPlain(h.p.cfg, h.p.nv); err != nil {
			panic("world: " + err.Error())
		}
	}
	return b.Views()[h.i]
}

// do lets people act on a nozzle that has power.
func (h plainHand) do(act func(b *dispenser.Plain, number byte)) error {
	if h.p.board == nil {
		return fmt.Errorf("%s 没有电 (no power)", h.p.where)
	}
	act(h.p.board, h.p.cfg.Nozzles[h.i].Number)
	h.p.used = h.p.w.now
	h.p.settle()
	return nil
}

// settled says that nobody uses the board, and that its station has had the time to read what it sold.
func (p *plainPump) settled() bool { return p.idle() && p.w.now.Sub(p.used) >= plainSettles }

// idle says that no nozzle of the board is in use.
func (p *plainPump) idle() bool {
	for i := range p.nozzles {
		if v := (plainHand{p, i}).view(); v.NozzleUp || v.State == dispenser.StateFuelling {
			return false
		}
	}
	return true
}

// plainFact follows what a station writes of its plain dispensers: each delivery once, as much as the meter has moved.
func (c *checks) plainFact(w *World, site record.SiteID, f record.PlainSold) {
	for _, p := range w.plainList {
		if p.site == site && p.port == f.Port && int(f.NZN) >= 1 && int(f.NZN) <= len(p.sold) {
			p.sold[f.NZN-1] += bookedOf(f)
			p.told(int(f.NZN)-1, f)
		}
	}
	if s := c.truth.sales[f.Card]; s != nil && s.plain != nil && !s.closed {
		s.final, s.closed = s.volume(), true
		c.hold(inv03, f.Quantity == s.final, "sale %v: the station says %v, %v have flowed", s.id, f.Quantity, s.final)
	}
	key := fmt.Sprint(site, f.Port, f.NZN, f.Number)
	c.hold(inv02, !c.plain[key], "station %s port %d nozzle %d: delivery %d is written twice", site, f.Port, f.NZN, f.Number)
	c.plain[key] = true
}

// bookedOf is the fuel that a delivery stands for: what the register has forgotten is told by the total.
func bookedOf(f record.PlainSold) unit.Quantity {
	if f.Verdict == "forgotten" {
		return f.Moved
	}
	return f.Quantity
}

// told settles a leap of the total: the station has booked it as fuel that nobody had let flow, or it stands in doubt beside the
// register of a delivery and is no fuel.
func (p *plainPump) told(i int, f record.PlainSold) {
	switch leap := p.leapt[i]; {
	case leap == 0 || f.Moved < leap:
	case f.Moved-bookedOf(f) == leap:
		p.first[i], p.leapt[i] = p.first[i]+lf.Total(leap), 0
	default:
		p.leapt[i] = 0
	}
}

// moved is how far the total of a nozzle has run since the world began, but for leaps that no fact has told yet.
func (p *plainPump) moved(i int) unit.Quantity {
	return unit.Quantity(plainHand{p, i}.view().Total.Since(p.first[i])) - p.leapt[i]
}

// plainQuiescent holds when nothing is under way: what was sold is what the totals moved. Source: trust.md M8.
func (c *checks) plainQuiescent(w *World) {
	for _, p := range w.plainList {
		for i := range p.nozzles {
			if !p.settled() || p.board == nil {
				continue
			}
			moved := p.moved(i)
			c.hold(inv08, p.sold[i] == moved, "%s nozzle %d: deliveries sum to %v, the total moved %v", p.where, i+1, p.sold[i], moved)
		}
	}
}
