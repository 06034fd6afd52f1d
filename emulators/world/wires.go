package world

import (
	"fmt"
	"os"

	"greylock/emulators/line"
	"greylock/system/clock"
	"greylock/system/wire/record"
)

// memWire is a line in virtual time between a board and a station of this world.
type memWire struct {
	w       *World
	station *site
	port    int
	board   func(data []byte)        // takes what the station has sent
	plant   func(data []byte) []byte // rewrites it first; nil in an honest town
	m       *line.Mem
	wake    *event
}

// newMemWire joins a board to a port of a station; where names the line's stream of chance.
func newMemWire(w *World, station *site, port int, where string, board func([]byte), cfg line.Config) *memWire {
	x := &memWire{w: w, station: station, port: port, board: board, m: line.NewMem(cfg, w.stream("line "+where))}
	x.wake = w.timer(x.arrive)
	station.lines[port] = func(data []byte) {
		if x.plant != nil {
			data = x.plant(data)
		}
		x.m.Write(w.now, line.Station, data)
		x.plan()
	}
	w.at(w.now, func() { station.lineIs(port, true) })
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
			x.board(d.Data)
		} else {
			x.station.receive(x.port, d.Data)
		}
	}
	x.plan()
}

func (x *memWire) with(f func(now clock.Instant, m *line.Mem)) {
	f(x.w.now, x.m)
	x.plan()
}

func (x *memWire) waiting() int { return x.m.Waiting(line.Station) }
func (x *memWire) close() error { return nil }

// ptyWire is a line behind a pseudo-terminal that the station's process opens.
type ptyWire struct {
	pty  *line.Pty
	path string
}

// openPty opens the pseudo-terminal of a port.
func (w *World) openPty(site record.SiteID, port int, where string, board func([]byte)) (*ptyWire, error) {
	x := &ptyWire{path: w.portLink(string(site), port)}
	if err := os.MkdirAll(w.ptyDir(), 0o700); err != nil {
		return nil, fmt.Errorf("world: directory of pseudo-terminals: %w", err)
	}
	pty, err := line.OpenPty(line.PtyConfig{
		Link: x.path, Rand: w.stream("line " + where),
		Received: func(data []byte) {
			data = append([]byte(nil), data...)
			w.post(func() { board(data) })
		},
	})
	x.pty = pty
	return x, err
}

// join puts a board on its port: in virtual time on the station's line, else behind a pseudo-terminal.
func (w *World) join(site record.SiteID, port int, where string, board func([]byte)) (wire, error) {
	if w.opt.Lines == "pty" {
		return w.openPty(site, port, where, board)
	}
	return newMemWire(w, w.stations[site], port, where, board, line.Config{Chunk: w.opt.Chunk}), nil
}

func (x *ptyWire) fromBoard(_ clock.Instant, data []byte) { x.pty.Write(data) }

func (x *ptyWire) with(f func(now clock.Instant, m *line.Mem)) { x.pty.With(f) }

func (x *ptyWire) waiting() (n int) {
	x.pty.With(func(_ clock.Instant, m *line.Mem) { n = m.Waiting(line.Station) })
	return n
}

func (x *ptyWire) close() error { return x.pty.Close() }

// cut opens a line or joins it again.
func cut(x wire, on bool) {
	x.with(func(_ clock.Instant, m *line.Mem) {
		if on {
			m.Cut()
		} else {
			m.Restore()
		}
	})
}

// damage counts how often a fault of the line has struck.
func damage(x wire) (n int) {
	x.with(func(_ clock.Instant, m *line.Mem) { n = int(m.Damaged()) })
	return n
}
