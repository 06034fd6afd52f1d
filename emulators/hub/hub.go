// Package hub runs dispenser boards (and any other Device) in real time behind the ports of a serial hub: pseudo-terminals with stable names that
// any program opens. It moves bytes, time, card slots and hands; what a board does is the board's.
//
// Source: dispenser.md 5, 6.
package hub

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"time"

	"greylock/emulators/dispenser"
	"greylock/emulators/line"
	"greylock/system/card"
	"greylock/system/clock"
)

// MostPorts is how many ports one hub has: several hubs are several programs.
const MostPorts = 64

// Device is a board: a state machine without I/O.
type Device interface {
	PowerOn(now clock.Instant)
	Off()
	Receive(now clock.Instant, data []byte)
	Wake(now clock.Instant)
	Take() dispenser.Effects
}

// answerer is a device with card slots.
type answerer interface {
	Answer(now clock.Instant, id uint64, r card.Reply)
}

// Hands move at a device by themselves. Act returns when they want to move again.
type Hands interface {
	Act(now clock.Instant) clock.Instant
}

// Port is what stands behind one port. Everything of it is called by one goroutine at a time.
type Port struct {
	// New makes the device, and the hands at it or nil, each time power comes. Its memory is the caller's.
	New   func() (Device, Hands, error)
	Name  string                  // of the port in the directory; "": port01, port02 …
	Slots map[string]card.Slot    // by the name that a Transmit carries
	Event func(e dispenser.Event) // nil: nobody looks
}

// Config of a hub.
type Config struct {
	Dir  string // port01, port02 … are made here
	Baud int    // 9600
	// Strict hubs understand only who has set the port to that speed and no parity.
	Strict bool
	Seed   uint64 // of the faults of the lines
	Ports  []Port
}

// Hub is a running hub. Its methods are safe for concurrent use.
type Hub struct{ ports []*port }

// port is one running port.
type port struct {
	cfg  Port
	link string
	pty  *line.Pty
	kick chan struct{}
	done chan struct{}
	wg   sync.WaitGroup

	mu     sync.Mutex
	device Device // nil without power
	hands  Hands
	due    clock.Instant
	moves  clock.Instant // of the hands
}

// Open makes the pseudo-terminals, gives power to the boards and runs them until Close.
func Open(cfg Config) (*Hub, error) {
	if len(cfg.Ports) < 1 || len(cfg.Ports) > MostPorts {
		return nil, fmt.Errorf("hub: %d 个端口, 应为 1…%d (ports: want 1 to %d)", len(cfg.Ports), MostPorts, MostPorts)
	}
	h := &Hub{}
	for i, c := range cfg.Ports {
		if c.Name == "" {
			c.Name = fmt.Sprintf("port%02d", i+1)
		}
		p := &port{cfg: c, link: filepath.Join(cfg.Dir, c.Name), kick: make(chan struct{}, 1), done: make(chan struct{}), due: clock.Never, moves: clock.Never}
		p.mu.Lock() // bytes that come before the board has power wait
		pty, err := line.OpenPty(line.PtyConfig{Config: line.Config{Baud: cfg.Baud}, Link: p.link, Strict: cfg.Strict,
			Rand: rand.New(rand.NewPCG(cfg.Seed, uint64(i))), Received: p.received})
		p.pty = pty
		p.mu.Unlock()
		if err != nil {
			return nil, errors.Join(err, h.Close())
		}
		h.ports = append(h.ports, p)
		if err := h.Power(i, true); err != nil {
			return nil, errors.Join(err, h.Close())
		}
		p.wg.Add(1)
		go p.run()
	}
	return h, nil
}

// Close ends the lines: whoever has a port open sees a hang-up.
func (h *Hub) Close() error {
	var errs []error
	for _, p := range h.ports {
		close(p.done)
		p.wg.Wait()
		errs = append(errs, p.pty.Close())
	}
	h.ports = nil
	return errors.Join(errs...)
}

// Ports is how many there are; they count from 0.
func (h *Hub) Ports() int { return len(h.ports) }

// Link is the stable name of a port.
func (h *Hub) Link(i int) string { return h.ports[i].link }

// Do lets somebody act on the device of a port that has power; false if it has none.
func (h *Hub) Do(i int, act func(now clock.Instant, d Device)) bool {
	p := h.ports[i]
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.device == nil {
		return false
	}
	now := clock.System{}.Now()
	act(now, p.device)
	p.settle(now)
	return true
}

// Line lets somebody cut, restore or damage the line of a port.
func (h *Hub) Line(i int, act func(m *line.Mem)) {
	h.ports[i].pty.With(func(_ clock.Instant, m *line.Mem) { act(m) })
}

// Power switches the power of a port's board; memory stays.
func (h *Hub) Power(i int, on bool) error {
	p := h.ports[i]
	p.mu.Lock()
	defer p.mu.Unlock()
	if on == (p.device != nil) {
		return nil
	}
	if !on {
		p.off()
		return nil
	}
	d, hands, err := p.cfg.New()
	if err != nil {
		return err
	}
	now := clock.System{}.Now()
	p.device, p.hands = d, hands
	if hands != nil {
		p.moves = now
	}
	for name, s := range p.cfg.Slots {
		if _, err := s.Reset(); err != nil {
			return fmt.Errorf("hub: %s %s: %w", p.link, name, err)
		}
	}
	d.PowerOn(now)
	p.settle(now)
	return nil
}

func (p *port) off() {
	p.device.Off()
	p.device, p.hands, p.due, p.moves = nil, nil, clock.Never, clock.Never
}

// received takes bytes that have crossed the line.
func (p *port) received(data []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.device != nil {
		now := clock.System{}.Now()
		p.device.Receive(now, data)
		p.settle(now)
	}
}

// settle carries out what the device wants until it wants nothing at once, and plans the next time.
func (p *port) settle(now clock.Instant) {
	for {
		fx := p.device.Take()
		for _, s := range fx.Send {
			p.pty.Write(s)
		}
		for _, e := range fx.Events {
			if p.cfg.Event != nil {
				p.cfg.Event(e)
			}
		}
		p.due = fx.Wake
		if len(fx.Transmit) == 0 {
			break
		}
		for _, t := range fx.Transmit {
			r := card.Reply{Err: card.ErrRemoved}
			if s := p.cfg.Slots[t.Slot]; s != nil {
				r.Data, r.Err = s.Transmit(t.Command)
			}
			p.device.(answerer).Answer(now, t.ID, r)
		}
	}
	select {
	case p.kick <- struct{}{}:
	default:
	}
}

// run wakes device and hands when they want it.
func (p *port) run() {
	defer p.wg.Done()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-p.done:
			p.mu.Lock()
			if p.device != nil {
				p.off()
			}
			p.mu.Unlock()
			return
		case <-p.kick:
		case <-timer.C:
		}
		if next := p.wake(); next != clock.Never {
			timer.Reset(next.Sub(clock.System{}.Now()))
		}
	}
}

// wake does what is due and returns when something is due again.
func (p *port) wake() clock.Instant {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.device == nil {
		return clock.Never
	}
	now := clock.System{}.Now()
	if p.due <= now {
		p.device.Wake(now)
		p.settle(now)
	}
	if p.moves <= now {
		p.moves = p.hands.Act(now)
		p.settle(now)
	}
	return min(p.due, p.moves)
}
