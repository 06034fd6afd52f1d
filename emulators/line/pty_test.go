//go:build linux

package line

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"greylock/system/clock"
)

// inbox keeps what the device got.
type inbox struct {
	mu     sync.Mutex
	got    []byte
	pieces int
	more   chan struct{}
}

func newInbox() *inbox { return &inbox{more: make(chan struct{}, 1000)} }

func (i *inbox) take(b []byte) {
	i.mu.Lock()
	i.got = append(i.got, b...)
	i.pieces++
	i.mu.Unlock()
	i.more <- struct{}{}
}

// wait returns what is there once it has n bytes.
func (i *inbox) wait(t *testing.T, n int) []byte {
	t.Helper()
	limit := time.After(60 * time.Second)
	for {
		i.mu.Lock()
		got := append([]byte(nil), i.got...)
		i.mu.Unlock()
		if len(got) >= n {
			return got
		}
		select {
		case <-i.more:
		case <-limit:
			t.Fatalf("%d of %d bytes", len(got), n)
		}
	}
}

func openTestPty(t *testing.T, cfg PtyConfig) *Pty {
	t.Helper()
	cfg.Rand = rand.New(rand.NewPCG(1, 1))
	if cfg.Baud == 0 {
		cfg.Baud = 115200
	}
	p, err := OpenPty(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// client opens the slave as a program would, without touching its settings.
func client(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.OpenFile(name, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() }) // a test may have closed it
	return f
}

func readAll(t *testing.T, f *os.File, n int) []byte {
	t.Helper()
	if err := f.SetReadDeadline(time.Now().Add(60 * time.Second)); err != nil {
		t.Fatal(err)
	}
	var got []byte
	buf := make([]byte, 4096)
	for len(got) < n {
		k, err := f.Read(buf)
		if err != nil {
			t.Fatalf("%d of %d bytes: %v", len(got), n, err)
		}
		got = append(got, buf[:k]...)
	}
	return got
}

func TestPtyCarriesEveryByteBothWays(t *testing.T) {
	t.Parallel()
	in := newInbox()
	p := openTestPty(t, PtyConfig{Received: in.take, Link: filepath.Join(t.TempDir(), "hub", "port01")})
	all := numbers(256)
	p.Write(all) // before anybody has opened it: raw from the first byte, nothing echoed
	c := client(t, p.cfg.Link)
	if got := readAll(t, c, 256); !bytes.Equal(got, all) {
		t.Errorf("to the station: %X", got)
	}
	if _, err := c.Write(all); err != nil {
		t.Fatal(err)
	}
	if got := in.wait(t, 256); !bytes.Equal(got, all) {
		t.Errorf("to the device: %X", got)
	}
}

func TestPtyIsPaced(t *testing.T) {
	t.Parallel()
	in := newInbox()
	p := openTestPty(t, PtyConfig{Config: Config{Baud: 9600}, Received: in.take})
	c := client(t, p.Name())
	start := time.Now()
	if _, err := c.Write(numbers(96)); err != nil {
		t.Fatal(err)
	}
	in.wait(t, 96)
	if took := time.Since(start); took < 100*time.Millisecond {
		t.Errorf("96 bytes at 9600 took %v", took)
	}
	if in.pieces < 24 {
		t.Errorf("96 bytes came in %d pieces, want at least 24 of four", in.pieces)
	}
}

func TestPtyOutlivesItsClients(t *testing.T) {
	t.Parallel()
	in := newInbox()
	p := openTestPty(t, PtyConfig{Received: in.take})
	for i := range 3 {
		c := client(t, p.Name())
		if _, err := c.Write([]byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
		if got := in.wait(t, i+1); got[i] != byte(i) {
			t.Errorf("client %d: %X", i, got)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPtyReleaseTakesOffALeftLock(t *testing.T) {
	t.Parallel()
	p := openTestPty(t, PtyConfig{Received: newInbox().take})
	c := client(t, p.Name())
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) { err = unix.IoctlSetInt(int(fd), unix.TIOCEXCL, 0) }); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Release(); err != nil {
		t.Fatal(err)
	}
	var exclusive int
	if err := raw.Control(func(fd uintptr) { exclusive, err = unix.IoctlGetInt(int(fd), unix.TIOCGEXCL) }); err != nil || exclusive != 0 {
		t.Errorf("exclusive %d, %v", exclusive, err)
	}
}

func TestPtyCutAndFaults(t *testing.T) {
	t.Parallel()
	in := newInbox()
	p := openTestPty(t, PtyConfig{Received: in.take})
	c := client(t, p.Name())
	p.With(func(_ clock.Instant, m *Mem) { m.Cut() })
	p.Write(numbers(5))
	p.With(func(_ clock.Instant, m *Mem) {
		if n := m.Counters(Station); n.Lost != 5 || n.Bytes != 0 {
			t.Errorf("a cut line: %+v", n)
		}
	})
	p.With(func(_ clock.Instant, m *Mem) {
		m.Restore()
		m.Faults(Station, Fault{Kind: Flip, PerMille: 1000, Times: 1})
	})
	p.Write([]byte{0x55})
	if got := readAll(t, c, 1); got[0] == 0x55 {
		t.Error("the fault did not strike")
	}
	p.Write([]byte{0x55})
	if got := readAll(t, c, 1); got[0] != 0x55 {
		t.Errorf("%X after the fault's end", got)
	}
}

func TestPtyCloseHangsUpAndFreesTheLink(t *testing.T) {
	t.Parallel()
	link := filepath.Join(t.TempDir(), "port01")
	p := openTestPty(t, PtyConfig{Received: newInbox().take, Link: link})
	c := client(t, link)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
	if n, err := c.Read(make([]byte, 10)); err == nil {
		t.Errorf("%d bytes from a closed line", n)
	}
	if _, err := os.Lstat(link); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the link is left behind: %v", err)
	}
	again := openTestPty(t, PtyConfig{Received: newInbox().take, Link: link})
	if to, err := os.Readlink(link); err != nil || to != again.Name() {
		t.Errorf("%s, %v, want %s", to, err, again.Name())
	}
	third := openTestPty(t, PtyConfig{Received: newInbox().take, Link: link}) // takes the name over
	if to, err := os.Readlink(link); err != nil || to != third.Name() {
		t.Errorf("%s, %v, want %s", to, err, third.Name())
	}
}

func TestPtyNeedsItsParts(t *testing.T) {
	t.Parallel()
	if _, err := OpenPty(PtyConfig{}); err == nil {
		t.Error("opened without Rand and Received")
	}
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := OpenPty(PtyConfig{Rand: rand.New(rand.NewPCG(1, 1)), Received: newInbox().take, Link: filepath.Join(blocked, "port01")})
	if err == nil {
		t.Error("made a link below a file")
	}
}

// setTTY sets speed, parity check and odd parity of a pseudo-terminal as a client does.
func setTTY(t *testing.T, f *os.File, speed, iflag, cflag uint32) {
	t.Helper()
	raw, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		x, bad := unix.IoctlGetTermios(int(fd), unix.TCGETS2)
		if bad == nil {
			x.Cflag = x.Cflag&^(unix.CBAUD|unix.PARODD) | unix.BOTHER | cflag
			x.Iflag = x.Iflag&^unix.INPCK | iflag
			x.Ispeed, x.Ospeed = speed, speed
			bad = unix.IoctlSetTermios(int(fd), unix.TCSETS2, x)
		}
		if bad != nil {
			t.Error(bad)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestPtyStrict: a client that has set another speed or parity is not understood; one that sets it right is.
func TestPtyStrict(t *testing.T) {
	t.Parallel()
	text := []byte("0123456789")
	for _, x := range []struct {
		speed, iflag, cflag uint32
		good                bool
	}{{9600, 0, 0, true}, {4800, 0, 0, false}, {19200, 0, 0, false}, {9600, unix.INPCK, 0, false}, {9600, unix.INPCK, unix.PARODD, false}} {
		got := make(chan []byte, 100)
		p, err := OpenPty(PtyConfig{Config: Config{Baud: 9600}, Rand: rand.New(rand.NewPCG(1, 1)), Strict: true, Received: func(b []byte) { got <- bytes.Clone(b) }})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		f, err := os.OpenFile(p.Name(), os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		setTTY(t, f, x.speed, x.iflag, x.cflag)
		if _, err := f.Write(text); err != nil {
			t.Fatal(err)
		}
		first := <-got // now the line knows how the client is set
		p.Write(text)
		all := make([]byte, 0, len(text))
		for len(all) < len(text) && bytes.HasPrefix(text, all) {
			if err := f.SetReadDeadline(time.Now().Add(60 * time.Second)); err != nil {
				t.Fatal(err)
			}
			n, err := f.Read(all[len(all):cap(all)])
			if all = all[:len(all)+n]; err != nil {
				t.Fatalf("%+v: only %q has come: %v", x, all, err)
			}
		}
		if x.good != bytes.Equal(all, text) || x.good && !bytes.HasPrefix(text, first) {
			t.Errorf("%+v: the device heard %q, the client %q", x, first, all)
		}
	}
}
