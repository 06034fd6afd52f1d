package app

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"greylock/system/clock"
	"greylock/system/journal"
	"greylock/system/journal/faultfile"
	"greylock/system/link"
	"greylock/system/wire/record"
)

// hasty has little patience with slow clients.
func hasty() patience {
	return patience{header: 300 * time.Millisecond, read: 500 * time.Millisecond, write: 5 * time.Second, idle: time.Second, grace: time.Second, connections: 4}
}

// opened is a running site with an echo core behind a door.
func opened(t *testing.T, disk journal.Dir, with patience) (p *Program, core *echo, address string, end func() error) {
	t.Helper()
	core = &echo{}
	p, err := openProgram(Identity{"0001", "x", record.Training}, record.KindStation, disk, nil, nil, 0,
		func(*journal.Journal) (link.Core, error) { return core, nil })
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served, ran := make(chan error, 1), make(chan error, 1)
	go func() { served <- serve(ctx, l, nil, p.runner.Handler("/op/"), with) }()
	go func() { ran <- p.runner.Run(ctx) }()
	return p, core, l.Addr().String(), func() error {
		stop()
		return errors.Join(<-served, <-ran, p.Close())
	}
}

func post(t *testing.T, address, path string, body io.Reader) (int, string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Post("http://"+address+path, "application/json", body)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// TestSlowClients: who sends a head or a body byte by byte, or nothing at all, is put out; more of them than there are slots
// do not keep others away for ever.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	_, core, address, end := opened(t, faultfile.New(), hasty())
	var all []net.Conn
	for range 3 {
		for _, sent := range []string{"", "POST /op/x HTTP/1.1\r\nHost: x\r\nX-A: b", "POST /op/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{"} {
			c, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := io.WriteString(c, sent); err != nil {
				t.Fatal(err)
			}
			all = append(all, c)
		}
	}
	for i, c := range all { // nine clients, four slots
		if err := c.SetReadDeadline(time.Now().Add(60 * time.Second)); err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(c)
		if errors.Is(err, syscall.ECONNRESET) {
			err = nil
		}
		if err != nil || strings.Contains(string(text), "200 OK") {
			t.Errorf("client %d was not put out: %q, %v", i, text, err)
		}
	}
	if status, body := post(t, address, "/op/x", strings.NewReader("{}")); status != http.StatusOK || body != "{}" {
		t.Errorf("status %d, body %s", status, body)
	}
	if err := end(); err != nil {
		t.Fatal(err)
	}
	if len(core.applied) != 1 {
		t.Errorf("a request that never came whole was carried out: %q", core.applied)
	}
}

// endless is a body that never ends; it counts what was taken of it.
type endless struct{ sent atomic.Int64 }

func (e *endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	e.sent.Add(int64(len(b)))
	return len(b), nil
}

// TestHostileRequests: each gets a refusal that programs and people can read, nothing of it is carried out, and the site works on.
func TestHostileRequests(t *testing.T) {
	t.Parallel()
	_, core, address, end := opened(t, faultfile.New(), usual())
	var huge endless
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	if resp, err := client.Post("http://"+address+"/op/x", "application/json", &huge); err == nil {
		refusalIn(t, resp, http.StatusRequestEntityTooLarge)
	} else if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) && !strings.Contains(err.Error(), "broken") {
		t.Errorf("an endless body: %v", err)
	}
	if n := huge.sent.Load(); n > 4*MaxBody {
		t.Errorf("%d bytes were taken of a body that never ends", n)
	}
	for raw, status := range map[string]int{
		"GET /op/x HTTP/1.1\r\nHost: x\r\n\r\n":                                                       http.StatusMethodNotAllowed,
		"DELETE /op/x HTTP/1.1\r\nHost: x\r\n\r\n":                                                    http.StatusMethodNotAllowed,
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n":                                     http.StatusNotFound,
		"POST /op/../exchange/x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n":                     http.StatusOK, // a path is a name: the core knows no such one
		"POST /exchange/batch HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}":                     http.StatusNotFound,
		"POST /op/x HTTP/1.1\r\nHost: x\r\nOrigin: http://x\r\nContent-Length: 2\r\n\r\n{}":           http.StatusForbidden,
		"POST /op/x HTTP/1.1\r\nHost: x\r\nSec-Fetch-Site: cross-site\r\nContent-Length: 2\r\n\r\n{}": http.StatusForbidden,
		"POST /op/x HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n":                       http.StatusBadRequest,
		"POST /op/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n":                  http.StatusBadRequest,
	} {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, raw); err != nil {
			t.Fatal(err)
		}
		if err := c.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatalf("%.40q: %v", raw, err)
		}
		if status >= 400 {
			refusalIn(t, resp, status)
		} else if resp.StatusCode != status {
			t.Errorf("%.40q: status %d, want %d", raw, resp.StatusCode, status)
		}
		_ = c.Close()
	}
	for _, raw := range []string{"\x16\x03\x01\x00\xa5", "SSH-2.0-x\r\n\r\n", "POST /op/x HTTP/9.9\r\n\r\n", "POST /op/x HTTP/1.1\r\n" + strings.Repeat("A: b\r\n", 9000) + "\r\n"} {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, raw) // it may be cut off in the middle
		_ = c.(*net.TCPConn).CloseWrite()
		text, _ := io.ReadAll(c)
		if bytes.Contains(text, []byte("200 OK")) {
			t.Errorf("%.20q: %s", raw, text)
		}
		_ = c.Close()
	}
	if status, body := post(t, address, "/op/y", strings.NewReader("{}")); status != http.StatusOK || body != "{}" {
		t.Errorf("afterwards: status %d, body %s", status, body)
	}
	if err := end(); err != nil {
		t.Fatal(err)
	}
	for _, a := range core.applied {
		if !strings.HasSuffix(a, "/op/y") && !strings.HasSuffix(a, "/op/../exchange/x") {
			t.Errorf("carried out: %q", a)
		}
	}
}

func refusalIn(t *testing.T, resp *http.Response, status int) {
	t.Helper()
	defer resp.Body.Close()
	var r record.Refusal
	if err := json.NewDecoder(resp.Body).Decode(&r); err != nil || resp.StatusCode != status || r.Code == "" || r.Zh == "" || r.En == "" {
		t.Errorf("status %d, refusal %+v (%v), want %d", resp.StatusCode, r, err, status)
	}
}

// TestFullDiskAtTheStart: the program says that the disk is full, keeps nothing half, and starts when there is room.
func TestFullDiskAtTheStart(t *testing.T) {
	t.Parallel()
	disk := faultfile.New()
	for _, limit := range []int64{0, 1, 40, 100} {
		disk.Limit(limit)
		_, err := openProgram(Identity{"0001", "x", record.Training}, record.KindStation, disk, nil, nil, 0,
			func(*journal.Journal) (link.Core, error) { return &echo{}, nil })
		if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, journal.ErrNoSpace) {
			t.Errorf("room for %d bytes: %v", limit, err)
		}
		disk = disk.Kill()
	}
	disk.Limit(-1)
	_, _, _, end := opened(t, disk, usual())
	if err := end(); err != nil {
		t.Error(err)
	}
}

// TestFullDiskAtWork: when the reserve is used up the program ends with that error; everything that it acknowledged is there
// afterwards, and nothing else.
func TestFullDiskAtWork(t *testing.T) {
	t.Parallel()
	disk := faultfile.New()
	p, _, address, end := opened(t, disk, usual())
	disk.Limit(int64(len(disk.Bytes("journal"))))
	acked := 0
	body := bytes.Repeat([]byte("x"), 60<<10) // of the answer; the fact holds the path
	for n := range 400 {
		status, _ := post(t, address, "/op/"+strings.Repeat("p", 4000)+fmt.Sprint(n), bytes.NewReader(body))
		if status != http.StatusOK {
			if status != http.StatusServiceUnavailable {
				t.Errorf("status %d", status)
			}
			break
		}
		acked++
	}
	if err := end(); !errors.Is(err, ErrStopped) || !errors.Is(err, journal.ErrNoSpace) {
		t.Errorf("the program ended with %v", err)
	}
	if acked == 0 || acked == 400 || p.runner.site.Err() == nil {
		t.Fatalf("%d acknowledged: the disk was never full", acked)
	}
	disk = disk.Crash(1)
	disk.Limit(-1)
	j, _, err := journal.Open(disk, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	again := &echo{}
	if _, err := NewRunner(again, j, first, clock.System{}, nil); err != nil {
		t.Fatal(err)
	}
	if len(again.applied) != acked {
		t.Errorf("%d acknowledged, %d there", acked, len(again.applied))
	}
}
