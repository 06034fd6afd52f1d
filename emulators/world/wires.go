package world

import (
	"fmt"
	"os"
	"path/filepath"

	"greylock/emulators/line"
	"greylock/system/clock"
)

// memWire is a line in virtual time between a board and a station of this world.
type memWire struct {
	w    *World
	p    *pump
	m    *line.Mem
	wake *event
}

func newMemWire(w *World, p *pump, cfg line.Config) *memWire {
	x := &memWire{w: w, p: p, m: line.NewMem(cfg, w.stream("line "+p.where))}
	x.wake = w.timer(x.arrive)
	p.station.lines[p.port] = func(data []byte) {
		if w.plant.toPump != nil {
			data = w.plant.toPump(p, data)
		}
		x.m.Write(w.now, line.Station, data)
		x.plan()
	}
	w.at(w.now, func() { p.station.lineIs(p.port, true) })
	return x
}

func (x *memWire) fromBoard(now clock.Instant, data []byte) {
	x.m.Write(now, line.Device, data)
	x.plan()
}

// plan asks to be called when the next bytes have crossed.
func (x *memWire) plan() {
	at, ok := x.m.Next()
	if ok && x.wake.at == at && x.wake.place != gone {
		return
	}
	if !ok {
		x.w.drop(x.wake)
		return
	}
	x.w.set(x.wake, at)
}

// arrive hands over what has crossed.
func (x *memWire) arrive() {
	for _, d := range x.m.Deliver(x.w.now) {
		if d.To == line.Device {
			x.p.receive(d.Data)
		} else {
			x.p.station.receive(x.p.port, d.Data)
		}
	}
	x.plan()
}

func (x *memWire) cut(on bool) {
	if on {
		x.m.Cut()
	} else {
		x.m.Restore()
	}
	x.plan()
}

func (x *memWire) noise(permille int) {
	x.m.Noise(permille)
}

func (x *memWire) damaged() int { return int(x.m.Damaged()) }
func (x *memWire) waiting() int { return x.m.Waiting(line.Station) }
func (x *memWire) close() error { return nil }

// ptyWire is a line behind a pseudo-terminal that the station's process opens.
type ptyWire struct {
	pty  *line.Pty
	path string
}

func (w *World) openPty(p *pump) error {
	x := &ptyWire{path: filepath.Join(w.ptyDir(), fmt.Sprintf("port%02d", p.port))}
	if err := os.MkdirAll(w.ptyDir(), 0o700); err != nil {
		return fmt.Errorf("world: directory of pseudo-terminals: %w", err)
	}
	pty, err := line.OpenPty(line.PtyConfig{
		Link: x.path, Rand: w.stream("line " + p.where),
		Received: func(data []byte) {
			data = append([]byte(nil), data...)
			w.post(func() { p.receive(data) })
		},
	})
	if err != nil {
		return err
	}
	x.pty, p.line = pty, x
	return nil
}

func (x *ptyWire) fromBoard(_ clock.Instant, data []byte) { x.pty.Write(data) }

func (x *ptyWire) cut(on bool) {
	x.pty.With(func(_ clock.Instant, m *line.Mem) {
		if on {
			m.Cut()
		} else {
			m.Restore()
		}
	})
}

func (x *ptyWire) noise(permille int) {
	x.pty.With(func(_ clock.Instant, m *line.Mem) {
		m.Noise(permille)
	})
}

func (x *ptyWire) damaged() (n int) {
	x.pty.With(func(_ clock.Instant, m *line.Mem) { n = int(m.Damaged()) })
	return n
}

func (x *ptyWire) waiting() (n int) {
	x.pty.With(func(_ clock.Instant, m *line.Mem) { n = m.Waiting(line.Station) })
	return n
}

func (x *ptyWire) close() error { return x.pty.Close() }
