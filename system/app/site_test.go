package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"greylock/system/clock"
	"greylock/system/journal"
	"greylock/system/journal/faultfile"
	"greylock/system/link"
	"greylock/system/wire/record"
)

// echo is a core that notes each request as an alarm and answers after it is durable.
type echo struct {
	link.Outbox
	applied []string
	log     []string
}

func (e *echo) Apply(seq uint64, f record.Fact) {
	if a, ok := f.(record.Alarm); ok {
		e.applied = append(e.applied, fmt.Sprintf("%d %s", seq, a.Subject))
	}
}
func (e *echo) Start(clock.Instant) { e.log = append(e.log, "start") }
func (e *echo) Line(_ clock.Instant, line int, up bool) {
	e.log = append(e.log, fmt.Sprint("line ", line, up))
}
func (e *echo) Wake(clock.Instant) { e.log = append(e.log, "wake") }
func (e *echo) Durable(_ clock.Instant, id link.ActID) {
	e.log = append(e.log, fmt.Sprint("durable ", id))
}
func (e *echo) Receive(_ clock.Instant, line int, d []byte) {
	act := e.Append(record.Alarm{Kind: "received", Subject: string(d)}, record.Alarm{Kind: "received", Subject: string(d) + "'"})
	e.Send(line, []byte("now"), 0)
	e.Send(line, []byte("ack "+string(d)), act)
}
func (e *echo) Serve(_ clock.Instant, id uint64, path string, body []byte) {
	act := e.Append(record.Alarm{Kind: "served", Subject: path})
	e.Reply(id, http.StatusOK, body, act)
}
func (e *echo) Answered(_ clock.Instant, id uint64, status int, body []byte, err error) {
	e.log = append(e.log, fmt.Sprint("answered ", id, status, string(body), err))
}

// fakeDoors writes down what leaves.
type fakeDoors struct {
	out     []string
	commits int
	wake    clock.Instant
}

func (d *fakeDoors) Send(line int, data []byte) {
	d.out = append(d.out, fmt.Sprintf("send %d %s", line, data))
}
func (d *fakeDoors) Call(c link.Call)        { d.out = append(d.out, "call "+c.Path) }
func (d *fakeDoors) Reply(r link.Reply)      { d.out = append(d.out, fmt.Sprintf("reply %d", r.ID)) }
func (d *fakeDoors) WakeAt(at clock.Instant) { d.wake = at }
func (d *fakeDoors) Commit()                 { d.commits++ }
func (d *fakeDoors) End(why string)          { d.out = append(d.out, "end "+why) }

var first = record.SiteOpened{Site: "0001", Kind: record.KindStation, Realm: record.Training}

func open(t *testing.T, dir journal.Dir) (*Site, *echo, *fakeDoors) {
	t.Helper()
	j, _, err := journal.Open(dir, journal.Options{Reserve: 4096})
	if err != nil {
		t.Fatal(err)
	}
	core, d := &echo{}, &fakeDoors{}
	s, err := Open(core, j, d, first)
	if err != nil {
		t.Fatal(err)
	}
	return s, core, d
}

func TestNothingLeavesBeforeItsActIsDurable(t *testing.T) {
	disk := faultfile.New()
	s, core, d := open(t, disk)
	if err := s.Receive(0, 3, []byte("a")); err != nil {
		t.Fatal(err)
	}
	if err := s.Receive(0, 4, []byte("b")); err != nil {
		t.Fatal(err)
	}
	if want := []string{"send 3 now", "send 4 now"}; !slices.Equal(d.out, want) || d.commits != 1 {
		t.Fatalf("before the flush: %q, %d commits", d.out, d.commits)
	}
	if len(core.applied) != 0 {
		t.Fatalf("applied before durable: %q", core.applied)
	}
	d.out = nil
	if err := s.Committed(1, s.Journal().Commit()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"send 3 ack a"}; !slices.Equal(d.out, want) || d.commits != 2 {
		t.Fatalf("after the first flush: %q, %d commits", d.out, d.commits)
	}
	if err := s.Committed(2, s.Journal().Commit()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"send 3 ack a", "send 4 ack b"}; !slices.Equal(d.out, want) || !s.Idle() {
		t.Fatalf("at the end: %q", d.out)
	}
	if want := []string{"2 a", "3 a'", "4 b", "5 b'"}; !slices.Equal(core.applied, want) {
		t.Fatalf("applied %q", core.applied)
	}
	again, replayed, _ := open(t, disk.Crash(1))
	if !slices.Equal(replayed.applied, core.applied) || again.Err() != nil {
		t.Fatalf("replayed %q", replayed.applied)
	}
}

func TestFailedFlushEndsTheSite(t *testing.T) {
	disk := faultfile.New()
	s, _, d := open(t, disk)
	disk.FailSync(1)
	if err := s.Receive(0, 1, []byte("a")); err != nil {
		t.Fatal(err)
	}
	if err := s.Committed(1, s.Journal().Commit()); !errors.Is(err, ErrStopped) {
		t.Fatalf("error %v", err)
	}
	if err := s.Receive(2, 1, []byte("b")); !errors.Is(err, ErrStopped) {
		t.Fatalf("goes on after a failed flush: %v", err)
	}
	if slices.Contains(d.out, "send 1 ack a") {
		t.Fatal("acknowledged what may be lost")
	}
}

func TestForeignJournalIsRefused(t *testing.T) {
	disk := faultfile.New()
	open(t, disk)
	j, _, err := journal.Open(disk.Kill(), journal.Options{Reserve: 4096})
	if err != nil {
		t.Fatal(err)
	}
	other := first
	other.Realm = record.Production
	if _, err := Open(&echo{}, j, &fakeDoors{}, other); err == nil || !strings.Contains(err.Error(), "another site") {
		t.Fatalf("error %v", err)
	}
}

func TestRunnerServesAndStopsCleanly(t *testing.T) {
	j, _, err := journal.Open(journal.OS(t.TempDir()), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	core := &echo{}
	r, err := NewRunner(core, j, first, clock.System{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	srv := httptest.NewServer(r.Handler("/op/"))
	defer srv.Close()
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{http.MethodPost, "/op/x", `{"a":1}`, http.StatusOK},
		{http.MethodGet, "/op/x", "", http.StatusMethodNotAllowed},
		{http.MethodPost, "/other", "", http.StatusNotFound},
		{http.MethodPost, "/op/big", strings.Repeat("x", MaxBody+1), http.StatusRequestEntityTooLarge},
	} {
		req, err := http.NewRequest(c.method, srv.URL+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != c.status {
			t.Errorf("%s %s: status %d, want %d (%v)", c.method, c.path, resp.StatusCode, c.status, err)
		}
		var refusal record.Refusal
		if c.status == http.StatusOK && string(body) != c.body {
			t.Errorf("answer %s", body)
		} else if c.status >= 400 && (json.Unmarshal(body, &refusal) != nil || refusal.Code == "" || refusal.Zh == "") {
			t.Errorf("%s: refusal %s says nothing", c.path, body)
		}
	}
	r.LineIs(2, true)
	r.Received(2, []byte("z"))
	if !r.Do(func(clock.Instant) {}) {
		t.Fatal("the runner stopped by itself")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if want := []string{"2 /op/x", "3 z", "4 z'"}; !slices.Equal(core.applied, want) {
		t.Errorf("applied %q: an act queued before the stop is missing", core.applied)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCallsToPeers(t *testing.T) {
	peer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		_, _ = w.Write(append([]byte(req.URL.Path+" "), body...))
	}))
	defer peer.Close()
	j, _, err := journal.Open(journal.OS(t.TempDir()), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	core := &echo{}
	r, err := NewRunner(core, j, first, clock.System{}, map[string]string{"center": peer.URL})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	answered := func(n int) (log []string) {
		for len(log) < n {
			r.Do(func(clock.Instant) {
				log = log[:0]
				for _, l := range core.log {
					if strings.HasPrefix(l, "answered") {
						log = append(log, l)
					}
				}
			})
		}
		return log
	}
	r.Do(func(clock.Instant) {
		doors{r}.Call(link.Call{ID: 7, Peer: "center", Path: "/x", Body: []byte("y")})
	})
	answered(1)
	r.Do(func(clock.Instant) { doors{r}.Call(link.Call{ID: 8, Peer: "moon", Path: "/x"}) })
	log := answered(2)
	if log[0] != "answered 7 200/x y<nil>" || !strings.Contains(log[1], `peer "moon"`) {
		t.Errorf("log %q", log)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}
