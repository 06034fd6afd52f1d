// Package pcscd runs a PC/SC service of one's own: Debian's pcscd in a mount namespace with a private socket, whose readers
// are vpcd's, so that test runs disturb neither each other nor a service of the machine. It needs root, the packages pcscd
// and vsmartcard-vpcd, and Linux. Source: libraries.md 4.4, 10.1.
//
// vpcd listens on every address: test machines only.
package pcscd

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Driver is vpcd's driver as Debian installs it.
const Driver = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so"

// SocketVariable names the socket of the service for a program's PC/SC library; it is read once, at the first call.
const SocketVariable = "PCSCLITE_CSOCK_NAME"

// MaxReaders is how many readers of two slots a service takes. Source: libraries.md 10.1.
const MaxReaders = 8

// Slots is the number of slots of each reader: vpcd's.
const Slots = 2

// Reader is one reader of the service.
type Reader struct {
	Port  int           // of the first slot; the second is the next
	Names [Slots]string // by which PC/SC knows the slots
}

// Service is a PC/SC service that is ours alone.
type Service struct {
	dir     string
	readers []Reader

	mu   sync.Mutex
	cmd  *exec.Cmd     // nil while it does not run
	gone chan struct{} // closed when the process has ended
	log  []string      // the end of it, once gone
}

// logLines is how much of the service's log is kept for an error message.
const logLines = 40

// Missing says what this machine lacks for Start; nil if nothing.
func Missing() error {
	var errs []error
	if os.Geteuid() != 0 {
		errs = append(errs, errors.New("需要 root (root is needed)"))
	}
	for _, name := range []string{"pcscd", "unshare"} {
		if _, err := exec.LookPath(name); err != nil {
			errs = append(errs, err)
		}
	}
	if _, err := os.Stat(Driver); err != nil {
		errs = append(errs, err)
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("pcscd: apt-get install pcscd vsmartcard-vpcd: %w", errors.Join(errs...))
}

// Start runs a service with this many readers. dir is an empty directory of the caller's, short enough for a socket name.
func Start(dir string, readers int) (*Service, error) {
	if err := Missing(); err != nil {
		return nil, err
	}
	if readers < 1 || readers > MaxReaders {
		return nil, fmt.Errorf("pcscd: %d readers, want 1 to %d", readers, MaxReaders)
	}
	s := &Service{dir: dir}
	for _, sub := range []string{s.run(), s.conf()} {
		if err := os.MkdirAll(sub, 0o755); err != nil {
			return nil, fmt.Errorf("pcscd: %w", err)
		}
	}
	for i := range readers {
		if err := s.configure(i); err != nil {
			return nil, err
		}
	}
	return s, s.Run()
}

func (s *Service) run() string  { return filepath.Join(s.dir, "run") }
func (s *Service) conf() string { return filepath.Join(s.dir, "conf") }

// Socket is where clients find the service.
func (s *Service) Socket() string { return filepath.Join(s.run(), "pcscd.comm") }

// Readers are the service's readers.
func (s *Service) Readers() []Reader { return s.readers }

// configure writes one reader's entry. Each has a copy of the driver of its own: two entries that share one show no card.
func (s *Service) configure(i int) error {
	port, err := freePorts()
	if err != nil {
		return err
	}
	driver := filepath.Join(s.dir, fmt.Sprintf("vpcd%d.so", i))
	text, err := os.ReadFile(Driver)
	if err == nil {
		err = os.WriteFile(driver, text, 0o755)
	}
	if err != nil {
		return fmt.Errorf("pcscd: driver: %w", err)
	}
	name := fmt.Sprintf("Greylock %d", i)
	s.readers = append(s.readers, Reader{port, [Slots]string{name + " 00 00", name + " 00 01"}})
	entry := fmt.Sprintf("FRIENDLYNAME %q\nDEVICENAME /dev/null:0x%04X\nLIBPATH %s\nCHANNELID 0x%04X\n", name, port, driver, port)
	if err := os.WriteFile(s.entry(i), []byte(entry), 0o644); err != nil {
		return fmt.Errorf("pcscd: %w", err)
	}
	return nil
}

// freePorts finds two neighbouring ports that nobody listens at.
func freePorts() (int, error) {
	for range 100 {
		first, err := net.Listen("tcp", ":0")
		if err != nil {
			return 0, fmt.Errorf("pcscd: %w", err)
		}
		port := first.Addr().(*net.TCPAddr).Port
		second, err := net.Listen("tcp", fmt.Sprintf(":%d", port+1))
		_ = first.Close()
		if err == nil {
			return port, second.Close()
		}
	}
	return 0, errors.New("pcscd: no two neighbouring free ports")
}

// inNamespace puts the private directory where pcscd keeps its socket, and becomes pcscd.
const inNamespace = `mkdir -p /run/pcscd && mount --bind "$0" /run/pcscd && exec pcscd --foreground --info --config "$1"`

// Run starts the service again after Stop or Kill and returns when it is ready.
func (s *Service) Run() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		return errors.New("pcscd: it runs")
	}
	for _, left := range []string{s.Socket(), filepath.Join(s.run(), "pcscd.pid")} {
		_ = os.Remove(left) // of a service that was killed; pcscd would refuse to start
	}
	cmd := exec.Command("unshare", "--mount", "sh", "-c", inNamespace, s.run(), s.conf())
	out, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, in
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("pcscd: %w", err)
	}
	s.cmd, s.gone = cmd, make(chan struct{})
	logged := make(chan []string, 1)
	go func() { logged <- tailOf(out) }()
	go func(gone chan struct{}) {
		_ = cmd.Wait()
		_ = in.Close()
		s.log = <-logged
		close(gone)
	}(s.gone)
	again := time.NewTicker(knock)
	defer again.Stop()
	for { // it listens once its readers are there; what it logs comes before
		select {
		case <-s.gone:
			s.cmd = nil
			return fmt.Errorf("pcscd: it ended at once:\n%s", strings.Join(s.log, "\n"))
		case <-again.C:
			if s.listens() {
				return nil
			}
		}
	}
}

// knock is how often the service is asked whether it listens.
const knock = 2 * time.Millisecond

func (s *Service) listens() bool {
	conn, err := net.Dial("unix", s.Socket())
	return err == nil && conn.Close() == nil
}

// tailOf keeps the end of the log.
func tailOf(out io.Reader) (tail []string) {
	for lines := bufio.NewScanner(out); lines.Scan(); {
		tail = append(tail, lines.Text())
		tail = tail[max(0, len(tail)-logLines):]
	}
	return tail
}

// Attach and Detach put a reader on the machine and take it off; the service sees it when it runs the next time (on Linux it
// hears of nothing but USB while it runs).
func (s *Service) Attach(i int) error { return os.Rename(s.hidden(i), s.entry(i)) }

// Detach takes it off.
func (s *Service) Detach(i int) error { return os.Rename(s.entry(i), s.hidden(i)) }

func (s *Service) entry(i int) string  { return filepath.Join(s.conf(), fmt.Sprintf("reader%d", i)) }
func (s *Service) hidden(i int) string { return filepath.Join(s.conf(), fmt.Sprintf(".reader%d", i)) } // the service skips it

// Running reports that the service was not ended.
func (s *Service) Running() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cmd != nil
}

// Kill ends the service as a crash does.
func (s *Service) Kill() error { return s.end(os.Kill) }

// Stop ends the service in order.
func (s *Service) Stop() error { return s.end(os.Interrupt) }

func (s *Service) end(sig os.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return nil
	}
	err := s.cmd.Process.Signal(sig)
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	if err != nil {
		return err
	}
	late := time.NewTimer(endTime)
	defer late.Stop()
	select {
	case <-s.gone:
	case <-late.C: // it hangs in a driver
		_ = s.cmd.Process.Kill()
		<-s.gone
	}
	s.cmd = nil
	return nil
}

// endTime is how long the service may take to end in order.
const endTime = 3 * time.Second
