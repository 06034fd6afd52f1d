//go:build linux

package line

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"greylock/system/clock"
)

const (
	// ptyChunk: bursts of four bytes at 9600 cost less processor time than single bytes. Source: dispenser.md 6.6.
	ptyChunk = 4200 * time.Microsecond
	// stuckAfter: a client that reads nothing for so long has its bytes thrown away, as an RS-232 line would.
	stuckAfter = time.Second
	// goneAfter: nothing from the client for so long may mean that it was killed: its exclusive lock is taken off.
	// Source: dispenser.md 6.3 row 8.
	goneAfter = 2 * time.Second
	// ptyMode of the slave: the user and the group that may open serial ports. Source: dispenser.md 6.4 row 8.
	ptyMode = 0o660
)

// Pty is a line whose station side is a pseudo-terminal that any program opens like a serial port. Its methods are safe
// for concurrent use.
type Pty struct {
	cfg    PtyConfig
	master *os.File // non-blocking: deadlines and Close work; Fd must not be called on it
	slave  *os.File // held open, or the master reads EIO for ever once the client leaves
	kick   chan struct{}
	done   chan struct{}
	once   sync.Once
	ended  error
	wg     sync.WaitGroup

	mu   sync.Mutex
	mem  *Mem
	lost uint64 // bytes that a stuck client did not read
}

// OpenPty opens a pseudo-terminal, raw from the first byte, and starts to serve it.
func OpenPty(cfg PtyConfig) (*Pty, error) {
	if cfg.Chunk <= 0 {
		cfg.Chunk = ptyChunk
	}
	if cfg.Rand == nil || cfg.Received == nil {
		return nil, errors.New("line: a pseudo-terminal line needs Rand and Received")
	}
	master, slave, err := openPair()
	if err != nil {
		return nil, fmt.Errorf("line: open a pseudo-terminal: %w", err)
	}
	p := &Pty{
		cfg: cfg, master: master, slave: slave, mem: NewMem(cfg.Config, cfg.Rand),
		kick: make(chan struct{}, 1), done: make(chan struct{}),
	}
	if err := p.publish(); err != nil {
		return nil, errors.Join(err, master.Close(), slave.Close())
	}
	p.wg.Add(2)
	go p.read()
	go p.deliver()
	return p, nil
}

// openPair returns a master whose deadlines and Close work, and the slave, raw and held open. Source: dispenser.md 6.4.
func openPair() (master, slave *os.File, err error) {
	m, s, err := pty.Open()
	if err != nil {
		return nil, nil, err
	}
	defer m.Close()
	if _, err := term.MakeRaw(int(s.Fd())); err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	fd, err := unix.FcntlInt(m.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err == nil {
		err = unix.SetNonblock(fd, true) // before NewFile, so that the poller takes it
	}
	if err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	return os.NewFile(uintptr(fd), "ptmx"), s, nil
}

// publish gives the slave its mode and its stable name.
func (p *Pty) publish() error {
	if err := os.Chmod(p.Name(), ptyMode); err != nil {
		return fmt.Errorf("line: %w", err)
	}
	if p.cfg.Link == "" {
		return nil
	}
	next := p.cfg.Link + ".new"
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("line: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(p.cfg.Link), 0o755); err != nil {
		return fmt.Errorf("line: %w", err)
	}
	if err := os.Symlink(p.Name(), next); err != nil {
		return fmt.Errorf("line: %w", err)
	}
	if err := os.Rename(next, p.cfg.Link); err != nil {
		return fmt.Errorf("line: %w", err)
	}
	return nil
}

// Name is the slave's present name; Link is the stable one.
func (p *Pty) Name() string { return p.slave.Name() }

// Write sends bytes of the device to the station. It never blocks.
func (p *Pty) Write(data []byte) {
	p.With(func(now clock.Instant, m *Mem) { m.Write(now, Device, data) })
}

// With calls f with the line behind the pseudo-terminal: to cut and restore it, to set faults, to read counters.
func (p *Pty) With(f func(now clock.Instant, m *Mem)) {
	p.mu.Lock()
	f(clock.System{}.Now(), p.mem)
	p.mu.Unlock()
	select {
	case p.kick <- struct{}{}:
	default:
	}
}

// Unread counts the bytes that were thrown away because the client did not read.
func (p *Pty) Unread() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost
}

// Release takes off the exclusive lock that a killed client left on the pseudo-terminal.
func (p *Pty) Release() error {
	raw, err := p.slave.SyscallConn()
	if err != nil {
		return fmt.Errorf("line: release: %w", err)
	}
	var inner error
	err = raw.Control(func(fd uintptr) { inner = unix.IoctlSetInt(int(fd), unix.TIOCNXCL, 0) })
	if err := errors.Join(err, inner); err != nil {
		return fmt.Errorf("line: release: %w", err)
	}
	return nil
}

// Close ends the line: the client sees a hang-up and finds no port until another line takes the link.
func (p *Pty) Close() error {
	p.once.Do(func() {
		close(p.done)
		name := p.Name()
		p.ended = errors.Join(p.master.Close(), p.slave.Close())
		p.wg.Wait()
		if to, err := os.Readlink(p.cfg.Link); err == nil && to == name {
			p.ended = errors.Join(p.ended, os.Remove(p.cfg.Link))
		}
	})
	return p.ended
}

// read moves bytes from the client onto the wire until the line ends.
func (p *Pty) read() {
	defer p.wg.Done()
	buf := make([]byte, 4096) // a read of a pseudo-terminal returns at most 4095. Source: dispenser.md 6.4 row 6.
	for {
		if err := p.master.SetReadDeadline(time.Now().Add(goneAfter)); err != nil {
			return
		}
		n, err := p.master.Read(buf)
		if n > 0 {
			p.adopt()
			p.With(func(now clock.Instant, m *Mem) { m.Write(now, Station, buf[:n]) })
		}
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			if p.Release() != nil {
				return
			}
		case err != nil: // io.EOF, EIO and os.ErrClosed are all normal ends. Source: dispenser.md 6.4 row 9.
			return
		}
	}
}

// adopt sets the station's side as the client has set the pseudo-terminal.
func (p *Pty) adopt() {
	if !p.cfg.Strict {
		return
	}
	var t *unix.Termios
	raw, err := p.slave.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { t, _ = unix.IoctlGetTermios(int(fd), unix.TCGETS2) })
	}
	if err != nil || t == nil {
		return // the line ends
	}
	u := UART{Baud: int(t.Ospeed)}
	switch {
	case t.Iflag&unix.INPCK != 0 && t.Cflag&unix.PARODD != 0:
		u.Parity = Odd
	case t.Iflag&unix.INPCK != 0:
		u.Parity = Even
	}
	p.With(func(_ clock.Instant, m *Mem) {
		if m.UART(Station) != u {
			m.Set(Station, u)
		}
	})
}

// deliver hands over what has crossed the wire, on the absolute schedule of the line.
func (p *Pty) deliver() {
	defer p.wg.Done()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-p.done:
			return
		case <-p.kick:
		case <-timer.C:
		}
		p.mu.Lock()
		now := clock.System{}.Now()
		out := p.mem.Deliver(now)
		next, ok := p.mem.Next()
		p.mu.Unlock()
		for _, d := range out {
			if d.To == Device {
				p.cfg.Received(d.Data)
			} else {
				p.toClient(d.Data)
			}
		}
		if ok {
			timer.Reset(next.Sub(clock.System{}.Now()))
		}
	}
}

// toClient writes to the pseudo-terminal; a client that does not read loses the bytes.
func (p *Pty) toClient(data []byte) {
	n := 0
	err := p.master.SetWriteDeadline(time.Now().Add(stuckAfter))
	if err == nil {
		n, err = p.master.Write(data)
	}
	if err != nil {
		p.mu.Lock()
		p.lost += uint64(len(data) - n)
		p.mu.Unlock()
	}
}
