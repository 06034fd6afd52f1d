//go:build !windows

package app

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"greylock/system/clock"
	"greylock/system/journal"
	"greylock/system/journal/faultfile"
	"greylock/system/link"
)

// manager is a service manager's socket.
func manager(t *testing.T) (Service, *net.UnixConn) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return Service{Socket: path}, c
}

// hears waits for a state.
func hears(t *testing.T, c *net.UnixConn, want string) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	for b := make([]byte, 4096); ; {
		n, err := c.Read(b)
		if err != nil {
			t.Fatalf("no %s: %v", want, err)
		}
		if strings.HasPrefix(string(b[:n]), want) {
			return
		}
	}
}

// TestService: ready, the watchdog fed as long as loop and disk answer and no longer, the end.
func TestService(t *testing.T) {
	t.Parallel()
	s, heard := manager(t)
	s.Watchdog = 60 * time.Millisecond
	core := &lame{}
	p, err := openProgram(Identity{"0001", "x", "training"}, "station", faultfile.New(), nil, nil, 0,
		func(*journal.Journal) (link.Core, error) { return core, nil })
	if err != nil {
		t.Fatal(err)
	}
	p.Serve(s)
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- p.Run(ctx) }()
	hears(t, heard, "READY=1\nSTATUS=station 0001")
	hears(t, heard, "WATCHDOG=1")
	let, in := make(chan struct{}), make(chan struct{})
	p.runner.post(func(clock.Instant) error { close(in); <-let; return nil })
	<-in
	listen := func(d time.Duration) (n int) { // how often it is said to be well
		if err := heard.SetReadDeadline(time.Now().Add(d)); err != nil {
			t.Fatal(err)
		}
		for b := make([]byte, 4096); ; n++ {
			if _, err := heard.Read(b); err != nil {
				return n // the deadline
			}
		}
	}
	listen(15 * s.Watchdog) // what was on its way
	if n := listen(5 * s.Watchdog); n > 0 {
		t.Errorf("a loop that stands is said to be well %d times", n)
	}
	close(let)
	hears(t, heard, "WATCHDOG=1")
	stop()
	hears(t, heard, "STOPPING=1")
	if err := errors.Join(<-ran, p.Close()); err != nil {
		t.Fatal(err)
	}
	Service{}.notify("READY=1")
	Service{Socket: filepath.Join(t.TempDir(), "none")}.notify("READY=1") // nobody there: no trouble
}
