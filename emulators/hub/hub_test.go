package hub

import (
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"greylock/emulators/dispenser"
	"greylock/emulators/line"
	"greylock/system/clock"
	"greylock/system/wire/lf"
	"greylock/system/wire/unit"
)

// plainPort is a plain board whose memory outlives its power.
func plainPort(cfg dispenser.PlainConfig) Port {
	nv := &dispenser.Memory{}
	return Port{New: func() (Device, Hands, error) {
		b, err := dispenser.NewPlain(cfg, nv)
		return b, nil, err
	}}
}

// master is a program that opened a port.
type master struct {
	t *testing.T
	f *os.File
}

func openPort(t *testing.T, link string) master {
	t.Helper()
	f, err := os.OpenFile(link, os.O_RDWR|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return master{t, f}
}

// ask sends a request as a master does, again each second until it is answered or wait is over: a board drops a frame in which
// the machine has paused.
func (m master) ask(r lf.Request, wait time.Duration) (reply lf.Frame, err error) {
	m.t.Helper()
	f, err := r.Frame()
	if err != nil {
		m.t.Fatal(err)
	}
	for begin := time.Now(); ; {
		m.drain()
		if _, err := m.f.Write(f[:]); err != nil {
			m.t.Fatal(err)
		}
		if err := m.f.SetReadDeadline(time.Now().Add(min(wait, time.Second))); err != nil {
			m.t.Fatal(err)
		}
		if _, err = io.ReadFull(m.f, reply[:]); err == nil || time.Since(begin) >= wait {
			return reply, err
		}
	}
}

// drain throws away what came late.
func (m master) drain() {
	m.t.Helper()
	if err := m.f.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		m.t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, m.f); !errors.Is(err, os.ErrDeadlineExceeded) {
		m.t.Fatal(err)
	}
}

// TestHubServesAnyProgram: real pseudo-terminals with stable names, each with its own board.
func TestHubServesAnyProgram(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var ports []Port
	for i := range 3 {
		ports = append(ports, plainPort(dispenser.PlainConfig{Boot: 1, Nozzles: []dispenser.PlainNozzle{{Number: 1, Price: unit.Price(700 + i)}}}))
	}
	h, err := Open(Config{Dir: dir, Baud: 115200, Seed: 1, Ports: ports})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	const wait = 60 * time.Second
	for i := range 3 {
		if want := filepath.Join(dir, []string{"port01", "port02", "port03"}[i]); h.Link(i) != want {
			t.Errorf("port %d is %s", i, h.Link(i))
		}
		m := openPort(t, h.Link(i))
		reply, err := m.ask(lf.Request{Nozzle: 1, Command: lf.Query}, wait)
		if s, bad := lf.ParseStatus(reply); err != nil || bad != nil || s.Price != unit.Price(700+i) || s.State != 0x01 {
			t.Errorf("port %d: %X, %v", i, reply, err)
		}
	}
	m := openPort(t, h.Link(0))
	if _, err := m.ask(lf.Request{Nozzle: 1, Command: lf.SetPrice, Value: 811}, wait); err != nil {
		t.Fatal(err)
	}
	if !h.Do(0, func(now clock.Instant, d Device) { d.(*dispenser.Plain).Lift(now, 1) }) {
		t.Error("no power")
	}
	for _, on := range []bool{false, false, true} {
		if err := h.Power(0, on); err != nil {
			t.Fatal(err)
		}
	}
	if reply, err := m.ask(lf.Request{Nozzle: 1, Command: lf.Query}, wait); err != nil || reply[2] != 0x08 || reply[3] != 0x11 {
		t.Errorf("after a power cut: %X, %v", reply, err)
	}
	if err := h.Power(0, false); err != nil || h.Do(0, func(clock.Instant, Device) { t.Error("no power") }) {
		t.Errorf("a board without power: %v", err)
	}
	h.Line(1, func(l *line.Mem) { l.Cut() })
	if reply, err := openPort(t, h.Link(1)).ask(lf.Request{Nozzle: 1, Command: lf.Query}, 100*time.Millisecond); err == nil {
		t.Errorf("over a cut line: %X", reply)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "port01")); !os.IsNotExist(err) {
		t.Errorf("the name stays: %v", err)
	}
}

func TestHubIsBounded(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, MostPorts + 1} {
		if h, err := Open(Config{Dir: t.TempDir(), Ports: make([]Port, n)}); err == nil {
			_ = h.Close()
			t.Errorf("%d ports", n)
		}
	}
	dir := t.TempDir()
	bad := Port{New: func() (Device, Hands, error) { return nil, nil, os.ErrInvalid }}
	if _, err := Open(Config{Dir: dir, Ports: []Port{plainPort(dispenser.PlainConfig{}), bad}}); err == nil {
		t.Error("a port without a board")
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestPlainCustomers in virtual time, at a board that stands alone: they come, fill and go, each by the seed.
func TestPlainCustomers(t *testing.T) {
	t.Parallel()
	hour := func(seed uint64) ([]dispenser.PlainView, int) {
		b, err := dispenser.NewPlain(dispenser.PlainConfig{Seed: seed, Nozzles: []dispenser.PlainNozzle{{Number: 1, Price: 785}, {Number: 2, Price: 785}}}, &dispenser.Memory{})
		if err != nil {
			t.Fatal(err)
		}
		now := clock.At(2026, 11, 22, 9, 0, 0)
		b.PowerOn(now)
		c := NewPlainCustomers(b, rand.New(rand.NewPCG(seed, 1)))
		sales, moves := 0, now
		for end := now.Add(time.Hour); now < end; {
			fx := b.Take()
			for _, e := range fx.Events {
				if e.Word == "done" {
					sales++
				}
			}
			now = min(fx.Wake, moves)
			b.Wake(now)
			if moves <= now {
				moves = c.Act(now)
			}
		}
		return b.Views(), sales
	}
	a, sales := hour(1)
	if sales < 20 {
		t.Errorf("%d sales in an hour", sales)
	}
	for _, v := range a {
		if v.Total < 20000 || unit.Quantity(v.Total) != v.Flowed {
			t.Errorf("%+v", v)
		}
	}
	again, _ := hour(1)
	other, _ := hour(2)
	if a[0] != again[0] || a[1] != again[1] {
		t.Error("the same seed, another hour")
	}
	if a[0].Total == other[0].Total {
		t.Error("another seed, the same hour")
	}
}
