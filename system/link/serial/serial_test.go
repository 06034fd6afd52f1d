//go:build linux

package serial

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// peer is the other end of a pseudo-terminal.
type peer struct {
	*os.File
	name string
}

func openPeer(t *testing.T) *peer {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	p := &peer{os.NewFile(uintptr(fd), "ptmx"), fmt.Sprintf("/dev/pts/%d", n)}
	t.Cleanup(func() { _ = p.Close() }) // a test may have closed it
	return p
}

// event is one call of a handler.
type event struct {
	up, down bool
	trouble  *Error
	data     []byte
}

type harness struct {
	t      *testing.T
	line   *Line
	events chan event
}

func start(t *testing.T, cfg Config, limit time.Duration) *harness {
	t.Helper()
	h := &harness{t: t, events: make(chan event, 1000)}
	if cfg.LockDir == "" {
		cfg.LockDir = t.TempDir()
	}
	line, err := open(cfg, Handler{
		Data:    func(b []byte) { h.events <- event{data: append([]byte(nil), b...)} },
		Up:      func(up bool) { h.events <- event{up: up, down: !up} },
		Trouble: func(e *Error) { h.events <- event{trouble: e} },
	}, limit)
	if err != nil {
		t.Fatal(err)
	}
	h.line = line
	t.Cleanup(func() { _ = line.Close() }) // a test may have closed it
	return h
}

func (h *harness) next() event {
	h.t.Helper()
	select {
	case e := <-h.events:
		return e
	case <-time.After(60 * time.Second):
		h.t.Fatal("nothing happens")
		return event{}
	}
}

func (h *harness) wantUp() {
	h.t.Helper()
	if e := h.next(); !e.up {
		h.t.Fatalf("want up, got %+v", e)
	}
}

func (h *harness) wantTrouble(code Code) *Error {
	h.t.Helper()
	e := h.next()
	if e.trouble == nil || e.trouble.Code != code {
		h.t.Fatalf("want trouble %s, got %+v", code, e)
	}
	return e.trouble
}

func (h *harness) wantData(want []byte) {
	h.t.Helper()
	var got []byte
	for len(got) < len(want) {
		e := h.next()
		if e.data == nil {
			h.t.Fatalf("want data, got %+v", e)
		}
		got = append(got, e.data...)
	}
	if !bytes.Equal(got, want) {
		h.t.Fatalf("got %X, want %X", got, want)
	}
}

func (p *peer) wantData(t *testing.T, want []byte) {
	t.Helper()
	if err := p.SetReadDeadline(time.Now().Add(60 * time.Second)); err != nil {
		t.Fatal(err)
	}
	var got []byte
	buf := make([]byte, 4096)
	for len(got) < len(want) {
		n, err := p.Read(buf)
		if err != nil {
			t.Fatalf("got %X: %v", got, err)
		}
		got = append(got, buf[:n]...)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("got %X, want %X", got, want)
	}
}

func everyByte() []byte {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// What a handler says is missing costs time, never bytes: not in a stream that goes on, not when it says so at the end of one,
// and closing waits for none of it.
func TestMissingBytesAreWaitedFor(t *testing.T) {
	t.Parallel()
	p := openPeer(t)
	got := make(chan []byte, 1000)
	up := make(chan bool, 10)
	l, err := Open(Config{Path: p.name, Baud: 300, LockDir: t.TempDir()}, Handler{
		Data:    func(b []byte) { got <- bytes.Clone(b) },
		Up:      func(on bool) { up <- on },
		Missing: func([]byte) int { return 1 << 20 },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // closed below
	<-up
	var all []byte
	for _, piece := range [][]byte{everyByte()[:1], everyByte()[1:100], everyByte()[100:]} {
		if _, err := p.Write(piece); err != nil {
			t.Fatal(err)
		}
		want := len(all) + len(piece)
		for len(all) < want {
			select {
			case b := <-got:
				all = append(all, b...)
			case <-time.After(60 * time.Second):
				t.Fatalf("%d of %d bytes", len(all), want)
			}
		}
	}
	if !bytes.Equal(all, everyByte()) {
		t.Errorf("%X", all)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func TestTooManyDescriptors(t *testing.T) { // not parallel: it takes the low descriptors of the whole process
	p := openPeer(t)
	var fill []*os.File
	defer func() {
		for _, f := range fill {
			_ = f.Close()
		}
	}()
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatalf("this system does not let a process open 1024 files: %v", err)
		}
		fill = append(fill, f)
		if f.Fd() >= 1024 {
			break
		}
	}
	h := start(t, Config{Path: p.name}, time.Second)
	if e := h.wantTrouble(CodeDescriptor); !strings.Contains(e.Error(), "1023") {
		t.Errorf("%v", e)
	}
	if err := h.line.Close(); err != nil {
		t.Error(err)
	}
}

func TestEveryByteBothWays(t *testing.T) {
	t.Parallel()
	p := openPeer(t)
	h := start(t, Config{Path: p.name, Baud: 9600, Parity: ParityNone}, time.Second)
	h.wantUp()
	if _, err := p.Write(everyByte()); err != nil {
		t.Fatal(err)
	}
	h.wantData(everyByte())
	for i := range 4 {
		if err := h.line.Write(everyByte()[64*i : 64*i+64]); err != nil {
			t.Fatal(err)
		}
	}
	p.wantData(t, everyByte())
	if h.line.Trouble() != nil {
		t.Errorf("%v", h.line.Trouble())
	}
	if err := h.line.Close(); err != nil {
		t.Error(err)
	}
	if e := h.next(); !e.down {
		t.Errorf("closed: %+v", e)
	}
	if err := h.line.Write([]byte{1}); !errors.Is(err, ErrDown) {
		t.Errorf("write after Close: %v", err)
	}
}

func TestAnswerFromTheHandler(t *testing.T) {
	t.Parallel()
	p := openPeer(t)
	ready := make(chan *Line, 1)
	up := make(chan bool, 10)
	l, err := Open(Config{Path: p.name, LockDir: t.TempDir()}, Handler{
		Data: func(b []byte) {
			line := <-ready
			ready <- line
			if err := line.Write(b); err != nil {
				t.Error(err)
			}
		},
		Up: func(b bool) { up <- b },
	})
	if err != nil {
		t.Fatal(err)
	}
	ready <- l
	if !<-up {
		t.Fatal("not up")
	}
	if _, err := p.Write([]byte("ping")); err != nil {
		t.Fatal(err)
	}
	p.wantData(t, []byte("ping"))
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func TestHangUpAndReturnUnderAnotherName(t *testing.T) {
	t.Parallel()
	link := filepath.Join(t.TempDir(), "port01")
	first := openPeer(t)
	if err := os.Symlink(first.name, link); err != nil {
		t.Fatal(err)
	}
	h := start(t, Config{Path: link}, time.Second)
	h.wantUp()
	second := openPeer(t) // before the first goes, so that it gets another name
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if e := h.next(); !e.down {
		t.Fatalf("hang-up: %+v", e)
	}
	h.wantTrouble(CodeHangUp)
	if err := h.line.Write([]byte("lost")); !errors.Is(err, ErrDown) {
		t.Errorf("write while down: %v", err)
	}
	h.wantTrouble(CodeNoPort)
	if err := os.Symlink(second.name, link); err != nil {
		t.Fatal(err)
	}
	h.wantUp()
	if err := h.line.Write([]byte("here")); err != nil {
		t.Fatal(err)
	}
	second.wantData(t, []byte("here"))
}

// TestSixteenPortsOneUnplugged: fifteen go on, the sixteenth is back within two seconds of its name, however long the pause
// between openings has become.
func TestSixteenPortsOneUnplugged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	link := func(i int) string { return filepath.Join(dir, fmt.Sprintf("port%02d", i+1)) }
	var peers [16]*peer
	var lines [16]*harness
	for i := range peers {
		peers[i] = openPeer(t)
		if err := os.Symlink(peers[i].name, link(i)); err != nil {
			t.Fatal(err)
		}
		lines[i] = start(t, Config{Path: link(i), LockDir: dir}, time.Second)
		lines[i].wantUp()
	}
	const gone = 6
	if err := errors.Join(os.Remove(link(gone)), peers[gone].Close()); err != nil {
		t.Fatal(err)
	}
	if e := lines[gone].next(); !e.down {
		t.Fatalf("%+v", e)
	}
	lines[gone].wantTrouble(CodeHangUp)
	lines[gone].wantTrouble(CodeNoPort)
	talk := func(i int, word string) {
		t.Helper()
		if _, err := peers[i].Write([]byte(word)); err != nil {
			t.Fatal(err)
		}
		lines[i].wantData([]byte(word))
	}
	longest := time.NewTimer(retryFirst + 2*retryFirst + 4*retryFirst + 8*retryFirst) // now the pause is seconds
	defer longest.Stop()
	for waiting := true; waiting; {
		select {
		case <-longest.C:
			waiting = false
		default:
		}
		for i := range peers {
			if i != gone {
				talk(i, "here")
			}
		}
	}
	peers[gone] = openPeer(t)
	began := time.Now()
	if err := os.Symlink(peers[gone].name, link(gone)); err != nil {
		t.Fatal(err)
	}
	lines[gone].wantUp()
	t.Logf("back after %v", time.Since(began)) // the aim is 2 s, by pauses of 200 ms and twice as long each time
	talk(gone, "back")
}

func TestNoSuchPort(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "port99")
	h := start(t, Config{Path: path}, time.Second)
	e := h.wantTrouble(CodeNoPort)
	if !errors.Is(e, fs.ErrNotExist) || !strings.Contains(e.Error(), path) || !strings.Contains(e.Chinese(), path) || e.NextZh == "" || e.NextEn == "" {
		t.Errorf("%v / %s", e, e.Chinese())
	}
	if got := h.line.Trouble(); got == nil || got.Code != CodeNoPort {
		t.Errorf("%v", got)
	}
}

func TestNotASerialPort(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, Config{Path: path}, time.Second).wantTrouble(CodeNoSerial)
}

func TestBusyByItsLockFileUnderAnyName(t *testing.T) {
	t.Parallel()
	p := openPeer(t)
	dir := t.TempDir()
	link := filepath.Join(dir, "port01")
	if err := os.Symlink(p.name, link); err != nil {
		t.Fatal(err)
	}
	first := start(t, Config{Path: p.name, LockDir: dir}, time.Second)
	first.wantUp()
	second := start(t, Config{Path: link, LockDir: dir}, time.Second)
	e := second.wantTrouble(CodeBusy)
	if !strings.Contains(e.Error(), fmt.Sprint(os.Getpid())) {
		t.Errorf("who has it? %v", e)
	}
	if err := first.line.Write([]byte("mine")); err != nil {
		t.Fatal(err)
	}
	p.wantData(t, []byte("mine"))
	if err := first.line.Close(); err != nil {
		t.Fatal(err)
	}
	second.wantUp() // once it is free
}

func TestLockDirectoryMissing(t *testing.T) {
	t.Parallel()
	p := openPeer(t)
	h := start(t, Config{Path: p.name, LockDir: filepath.Join(t.TempDir(), "none")}, time.Second)
	if e := h.wantTrouble(CodeLock); !strings.Contains(e.Error(), "none") {
		t.Errorf("%v", e)
	}
}

func TestStuckWriteIsReportedAndEnds(t *testing.T) {
	t.Parallel()
	p := openPeer(t)
	h := start(t, Config{Path: p.name}, 200*time.Millisecond)
	h.wantUp()
	for range 40 { // nobody reads: the kernel takes about 17 KB. Source: dispenser.md 6.3 row 4
		if err := h.line.Write(make([]byte, 1000)); err != nil {
			break
		}
	}
	if e := h.next(); !e.down {
		t.Fatalf("stuck: %+v", e)
	}
	h.wantTrouble(CodeStuck)
	if _, err := p.Read(make([]byte, 4096)); err != nil { // the peer wakes up: the line comes back
		t.Fatal(err)
	}
	for {
		e := h.next()
		if e.up {
			break
		}
		if e.trouble == nil {
			t.Fatalf("%+v", e)
		}
		buf := make([]byte, 1<<16)
		for { // drain
			if err := p.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			if _, err := p.Read(buf); err != nil {
				break
			}
		}
	}
}

func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	h := start(t, Config{Path: openPeer(t).name}, 300*time.Millisecond)
	h.wantUp()
	for range 10 * queued {
		if err := h.line.Write(make([]byte, 1000)); err != nil {
			if !errors.Is(err, ErrFull) {
				t.Error(err)
			}
			return
		}
	}
	t.Error("nobody reads, and yet every write was taken")
}

func TestBytesBeforeTheOpeningAreFlushed(t *testing.T) {
	t.Parallel()
	p := openPeer(t)
	slave, err := os.OpenFile(p.name, os.O_RDWR|unix.O_NOCTTY, 0) // somebody was there before and did not read
	if err != nil {
		t.Fatal(err)
	}
	defer slave.Close()
	if _, err := p.Write([]byte("stale\n")); err != nil {
		t.Fatal(err)
	}
	h := start(t, Config{Path: p.name}, time.Second)
	h.wantUp()
	if _, err := p.Write([]byte("fresh")); err != nil {
		t.Fatal(err)
	}
	h.wantData([]byte("fresh"))
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	h := Handler{Data: func([]byte) {}, Up: func(bool) {}}
	for name, cfg := range map[string]Config{
		"no path": {}, "parity": {Path: "/dev/x", Parity: "strange"}, "baud": {Path: "/dev/x", Baud: -1},
	} {
		if _, err := Open(cfg, h); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
	if _, err := Open(Config{Path: "/dev/x"}, Handler{}); err == nil {
		t.Error("opened without a handler")
	}
	for _, parity := range []Parity{"", ParityNone, ParityEven, ParityOdd} {
		m, err := Config{Parity: parity}.mode()
		if err != nil || m.BaudRate != 9600 || m.DataBits != 8 {
			t.Errorf("%q: %+v, %v", parity, m, err)
		}
	}
}

func TestReasons(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want Code
	}{
		{syscall.ENOENT, CodeNoPort}, {syscall.ENODEV, CodeNoPort}, {syscall.ENXIO, CodeNoPort},
		{syscall.EACCES, CodePermission}, {syscall.EPERM, CodePermission}, {syscall.EBUSY, CodeBusy},
		{syscall.EIO, CodeHangUp}, {syscall.EMFILE, CodeDescriptor}, {syscall.EINVAL, CodeOther},
		{errLocked, CodeBusy}, {errLockFile, CodeLock}, {errStopped, CodeClosed}, {errStuck, CodeStuck},
	} {
		e := explain("/dev/x", fmt.Errorf("wrapped: %w", c.err))
		if e.Code != c.want || e.Zh == "" || e.En == "" || e.NextZh == "" || e.NextEn == "" || !errors.Is(e, c.err) {
			t.Errorf("%v: %+v, want %s", c.err, e, c.want)
		}
	}
	if len(words) != 10 {
		t.Errorf("%d reasons have words", len(words))
	}
}
