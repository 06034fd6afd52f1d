// Package serial is the thin runner of a real serial port: one goroutine owns the port, opens it by its configured name,
// flushes it, reads, and opens it again after a hang-up; beside it another writes, so that an answer never waits for a read to
// end. It knows nothing of frames. It is the only door to go.bug.st/serial.
//
// Source: dispenser.md 6.3, 6.7.
package serial

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	bugst "go.bug.st/serial"
)

// Parity of a port.
type Parity string

// The parities that forecourt lines use. Source: dispenser.md 3.1, 7.1.
const (
	ParityNone Parity = "none"
	ParityEven Parity = "even"
	ParityOdd  Parity = "odd"
)

// Config of a port.
type Config struct {
	Path    string // a stable name such as /dev/hub/port01; resolved again at each opening
	Baud    int    // 0 = 9600. Source: dispenser.md 3.1
	Parity  Parity // "" = none
	LockDir string // where lock files are; "" = /run/lock, or the temporary directory where that does not exist
}

// Handler takes what happens on a line. The functions are called one at a time and must return soon; they may call Write,
// not Close.
type Handler struct {
	Data    func(data []byte) // bytes as they come; valid during the call
	Up      func(up bool)     // the line was opened or lost
	Trouble func(err *Error)  // why the line is not open, once for each new reason; may be nil
	// Missing says how many bytes of a frame that data begins, or goes on with, are still on the wire; nil where that is unknown.
	// The line leaves them their time instead of waking for every piece: a frame costs two reads instead of fifteen.
	Missing func(data []byte) int
}

const (
	defaultBaud = 9600
	firstWait   = 20 * time.Millisecond  // of the read that shows that the port can be waited for
	readWait    = 200 * time.Millisecond // how long a read may block, and so how long Close may take
	writeLimit  = 2 * time.Second        // a frame takes at most 0.6 s at 9600; longer means that nobody takes the bytes
	retryFirst  = 200 * time.Millisecond
	retryMost   = 5 * time.Second
	wireMost    = 100 * time.Millisecond // bytes that are missing get no longer, whatever a damaged header says
	wireEarly   = 3 * time.Millisecond   // a timer comes late, the last bytes must not wait for it
	lookAgain   = 250 * time.Millisecond // how often a name that is gone is looked for meanwhile; nothing is opened
	queued      = 64                     // writes that may wait: a station has a handful of frames under way per line
	readSize    = 4096                   // more than a kernel hands over in one read
)

// Errors of Write.
var (
	ErrDown = errors.New("serial: the line is down")
	ErrFull = errors.New("serial: too many writes are waiting")
)

// Line is one serial port that is kept open. Its methods are safe for concurrent use.
type Line struct {
	cfg      Config
	h        Handler
	limit    time.Duration
	byteTime time.Duration
	writes   chan []byte
	stop     chan struct{}
	stopped  chan struct{}
	once     sync.Once

	calls   sync.Mutex // keeps the handler's calls apart: the owner's and the watchdog's
	closing bool       // guarded by calls

	mu      sync.Mutex // guards what follows; never held during a call
	up      bool
	trouble *Error // why the line is not open
}

// Open starts the line and returns at once; the port is opened, and opened again, until Close.
func Open(cfg Config, h Handler) (*Line, error) { return open(cfg, h, writeLimit) }

func open(cfg Config, h Handler, limit time.Duration) (*Line, error) {
	if cfg.Path == "" || h.Data == nil || h.Up == nil {
		return nil, errors.New("serial: a line needs a path and a handler for data and up")
	}
	mode, err := cfg.mode()
	if err != nil {
		return nil, err
	}
	l := &Line{
		cfg: cfg, h: h, limit: limit, byteTime: 10 * time.Second / time.Duration(mode.BaudRate),
		writes: make(chan []byte, queued), stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	go l.own()
	return l, nil
}

// mode states every field: zero values would mean other things. Source: dispenser.md 6.3 row 14.
func (c Config) mode() (*bugst.Mode, error) {
	m := &bugst.Mode{BaudRate: c.Baud, DataBits: 8, StopBits: bugst.OneStopBit}
	if m.BaudRate == 0 {
		m.BaudRate = defaultBaud
	}
	if m.BaudRate < 0 {
		return nil, fmt.Errorf("serial: %s: baud rate %d", c.Path, c.Baud)
	}
	switch c.Parity {
	case "", ParityNone:
		m.Parity = bugst.NoParity
	case ParityEven:
		m.Parity = bugst.EvenParity
	case ParityOdd:
		m.Parity = bugst.OddParity
	default:
		return nil, fmt.Errorf("serial: %s: parity %q: want none, even or odd", c.Path, c.Parity)
	}
	return m, nil
}

// Write queues bytes and returns at once. ErrDown when the port is not open, ErrFull when too much is waiting.
func (l *Line) Write(data []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.up {
		return ErrDown
	}
	select {
	case l.writes <- append([]byte(nil), data...):
		return nil
	default:
		return ErrFull
	}
}

// Trouble says why the line is not open; nil while it is.
func (l *Line) Trouble() *Error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.trouble
}

// Close ends the line. No handler is called after it returned. An error if the port hangs in a write for good.
func (l *Line) Close() error {
	l.once.Do(func() { close(l.stop) })
	timer := time.NewTimer(2 * l.limit)
	defer timer.Stop()
	var err error
	select {
	case <-l.stopped:
	case <-timer.C:
		err = explain(l.cfg.Path, errStuck)
	}
	l.calls.Lock()
	l.closing = true
	l.calls.Unlock()
	return err
}

// own is the one goroutine that touches the port: open, serve, and again after a pause that grows.
func (l *Line) own() {
	defer close(l.stopped)
	pause := retryFirst
	for {
		began := time.Now()
		err := l.session()
		l.down(explain(l.cfg.Path, err))
		if time.Since(began) >= retryMost {
			pause = retryFirst
		}
		if !l.rest(pause) {
			return
		}
		pause = min(2*pause, retryMost)
	}
}

// rest waits before the next opening, but not once a name that was gone is there again: a port that is plugged back works within
// two seconds, however long it was away. False when the line is to be closed.
func (l *Line) rest(pause time.Duration) bool {
	timer, look := time.NewTimer(pause), time.NewTicker(min(pause, lookAgain))
	defer timer.Stop()
	defer look.Stop()
	there := l.there()
	for {
		select {
		case <-l.stop:
			return false
		case <-timer.C:
			return true
		case <-look.C:
			was := there
			if there = l.there(); there && !was {
				return true
			}
		}
	}
}

// there says that the port's name leads somewhere.
func (l *Line) there() bool {
	_, err := os.Stat(l.cfg.Path)
	return err == nil
}

var (
	errStopped = errors.New("the line was closed")
	errStuck   = errors.New("the port takes no bytes")
)

// descriptorError is the library's panic for a descriptor that select can not hold. Source: dispenser.md 6.3 row 5.
type descriptorError struct{ what any }

func (e descriptorError) Error() string {
	return fmt.Sprintf("the port's descriptor is beyond 1023: %v", e.what)
}

// session opens the port and serves it until something ends it.
func (l *Line) session() (err error) {
	unlock, err := lock(l.cfg)
	if err != nil {
		return err
	}
	defer unlock()
	mode, err := l.cfg.mode()
	if err != nil {
		return err
	}
	port, err := bugst.Open(l.cfg.Path, mode)
	if err != nil {
		return err
	}
	defer func() {
		if p := recover(); p != nil {
			err = descriptorError{p}
		}
		err = errors.Join(err, port.Close())
	}()
	if err := port.SetReadTimeout(firstWait); err != nil { // between reads: one under way would not notice. Source: 6.3 row 2
		return err
	}
	if err := port.ResetInputBuffer(); err != nil { // what came while nobody listened. Source: 6.3 row 11
		return err
	}
	return l.serve(port)
}

// serve reads, and lets another goroutine write. The port is closed when both have ended: a descriptor that is closed under a
// write may already be another port's. Source: 6.3 row 16.
func (l *Line) serve(port bugst.Port) error {
	buf := make([]byte, readSize)
	n, err := port.Read(buf) // also shows, before the line counts as up, that the descriptor can be waited for
	if err != nil {
		return err
	}
	if err := port.SetReadTimeout(readWait); err != nil {
		return err
	}
	l.opened()
	end, wrote := make(chan struct{}), make(chan error, 1)
	go func() {
		wrote <- l.writing(port, end)
		close(wrote)
	}()
	defer func() {
		close(end)
		for range wrote { // until it has ended; an error has been looked at, or is the session's end
		}
	}()
	for {
		if n > 0 {
			l.received(buf[:n])
		}
		if err := l.crossing(buf[:n], wrote); err != nil {
			return err
		}
		if n, err = port.Read(buf); err != nil { // a time-out is 0 bytes without an error. Source: 6.3 row 1
			return err
		}
	}
}

// crossing leaves the bytes that are missing their time on the wire. It returns what ends the session meanwhile.
func (l *Line) crossing(data []byte, wrote <-chan error) error {
	if l.h.Missing != nil && len(data) > 0 {
		if n := l.h.Missing(data); time.Duration(n)*l.byteTime > wireEarly {
			timer := time.NewTimer(min(time.Duration(n)*l.byteTime, wireMost) - wireEarly)
			defer timer.Stop()
			select {
			case <-l.stop:
				return errStopped
			case err := <-wrote:
				return err
			case <-timer.C:
				return nil
			}
		}
	}
	select {
	case <-l.stop:
		return errStopped
	case err := <-wrote:
		return err
	default:
		return nil
	}
}

// writing writes what is queued until end, or until the port takes no more.
func (l *Line) writing(port bugst.Port, end <-chan struct{}) error {
	for {
		select {
		case <-end:
			return nil
		case data := <-l.writes:
			if err := l.write(port, data); err != nil {
				return err
			}
		}
	}
}

// write writes one frame under a watchdog: the library's Write has no time-out. When nobody takes the bytes the watchdog
// reports the line down and throws away what waits, so that the write ends. Source: dispenser.md 6.3 row 4.
func (l *Line) write(port bugst.Port, data []byte) error {
	watchdog := time.AfterFunc(l.limit, func() {
		l.down(explain(l.cfg.Path, errStuck))
		_ = port.ResetOutputBuffer() // the write's own error tells what comes of it
	})
	for len(data) > 0 {
		n, err := port.Write(data)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			watchdog.Stop()
			return err
		}
		data = data[n:]
	}
	if !watchdog.Stop() {
		return errStuck
	}
	return nil
}

func (l *Line) opened() {
	l.calls.Lock()
	defer l.calls.Unlock()
	l.mu.Lock()
	for len(l.writes) > 0 { // meant for the connection before this one
		<-l.writes
	}
	l.up, l.trouble = true, nil
	l.mu.Unlock()
	if !l.closing {
		l.h.Up(true)
	}
}

func (l *Line) received(data []byte) {
	l.calls.Lock()
	defer l.calls.Unlock()
	if !l.closing {
		l.h.Data(data)
	}
}

// down notes why the line is not open and tells it once.
func (l *Line) down(why *Error) {
	l.calls.Lock()
	defer l.calls.Unlock()
	l.mu.Lock()
	was, before := l.up, l.trouble
	l.up, l.trouble = false, why
	l.mu.Unlock()
	if was && !l.closing {
		l.h.Up(false)
	}
	if l.h.Trouble != nil && !l.closing && why.Code != CodeClosed && (before == nil || before.Code != why.Code) {
		l.h.Trouble(why)
	}
}
