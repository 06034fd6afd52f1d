package app

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"greylock/system/clock"
	"greylock/system/journal"
	"greylock/system/journal/faultfile"
	"greylock/system/link"
)

// lame is an echo that says how it stands.
type lame struct {
	echo
	why []string
}

func (l *lame) Measure(_ clock.Instant, m *link.Meter) {
	m.Gauge("greylock_legs", "Legs.", 3, "kind", "lame")
}
func (l *lame) Unready(clock.Instant) []string { return l.why }

// TestMonitor: what a monitor is told of journal, disk and core, and that it is told when loop, disk or site do not answer.
func TestMonitor(t *testing.T) {
	t.Parallel()
	p, _, address, end := opened(t, faultfile.New(), usual())
	watched := p.runner.watched(p.runner.Handler("/op/"))
	get := func(path string, head ...string) (int, string) {
		req := httptest.NewRequest(http.MethodGet, path, nil)
		if len(head) == 2 {
			req.Header.Set(head[0], head[1])
		}
		w := httptest.NewRecorder()
		watched.ServeHTTP(w, req)
		return w.Code, w.Body.String()
	}
	if status, _ := post(t, address, "/op/x", strings.NewReader("{}")); status != http.StatusOK {
		t.Fatal(status)
	}
	status, text := get(PathMetrics)
	for _, want := range []string{"greylock_journal_records_total 2\n", "greylock_journal_commit_seconds_bucket{le=\"+Inf\"} 1\n", `greylock_journal_head_info{head="`, "greylock_journal_bytes ", "greylock_events_waiting 0\n"} {
		if status != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("%d, no %q in\n%s", status, want, text)
		}
	}
	for path, want := range map[string]string{PathHealth: "ok", PathReady: "ready"} {
		if status, text := get(path); status != http.StatusOK || strings.TrimSpace(text) != want {
			t.Errorf("%s: %d %s", path, status, text)
		}
		if status, _ := get(path, "Origin", "http://elsewhere.example"); status == http.StatusOK {
			t.Errorf("%s answers a page", path)
		}
		if status, _ := get(path, "Sec-Fetch-Site", "cross-site"); status == http.StatusOK {
			t.Errorf("%s answers a page", path)
		}
		if status, _ := get(path, "Sec-Fetch-Site", "none"); status != http.StatusOK {
			t.Errorf("%s does not answer an address that was typed", path)
		}
	}
	if status, _ := get("/op/x"); status != http.StatusMethodNotAllowed {
		t.Errorf("GET of a path for operators: %d", status)
	}

	long := time.Now().Add(-time.Hour)
	p.runner.syncs.began.Store(&long)
	if status, text := get(PathHealth); status != http.StatusServiceUnavailable || !strings.Contains(text, "disk") {
		t.Errorf("a disk that does not answer: %d %s", status, text)
	}
	p.runner.syncs.began.Store(nil)
	let := make(chan struct{})
	p.runner.post(func(clock.Instant) error { <-let; return nil })
	if err := p.runner.healthy(10 * time.Millisecond); err == nil || err.Error() != errStuck.Error() {
		t.Errorf("a loop that does not answer: %v", err)
	}
	close(let)
	if err := end(); err != nil {
		t.Fatal(err)
	}
	if status, text := get(PathHealth); status != http.StatusServiceUnavailable {
		t.Errorf("after the end: %d %s", status, text)
	}
}

// TestUnready: a core says what it lacks; the words of all of it reach the monitor.
func TestUnready(t *testing.T) {
	t.Parallel()
	core := &lame{}
	p, err := openProgram(Identity{"0001", "x", "training"}, "station", faultfile.New(), nil, nil, 0,
		func(*journal.Journal) (link.Core, error) { return core, nil })
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	go func() { ran <- p.runner.Run(ctx) }()
	ask := func(path string) (int, string) {
		w := httptest.NewRecorder()
		p.runner.watched(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code, w.Body.String()
	}
	if _, text := ask(PathMetrics); !strings.Contains(text, `greylock_legs{kind="lame"} 3`) {
		t.Error(text)
	}
	if status, _ := ask(PathReady); status != http.StatusOK {
		t.Error(status)
	}
	p.runner.Do(func(clock.Instant) { core.why = []string{"一 (one)", "二 (two)"} })
	if status, text := ask(PathReady); status != http.StatusServiceUnavailable || text != "一 (one)\n二 (two)\n" {
		t.Errorf("%d %q", status, text)
	}
	stop()
	if err := errors.Join(<-ran, p.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestCommitTimes: each commit is in the bucket of its time.
func TestCommitTimes(t *testing.T) {
	t.Parallel()
	var s syncs
	for _, d := range []time.Duration{0, time.Millisecond, 1001 * time.Microsecond, 2500 * time.Millisecond, time.Hour} {
		s.took(d)
	}
	var m link.Meter
	s.measure(&m)
	for _, want := range []string{`{le="0.001"} 2`, `{le="0.002"} 3`, `{le="1"} 3`, `{le="2.5"} 4`, `{le="+Inf"} 5`, "_sum 3602.502001\n", "_count 5\n"} {
		if !strings.Contains(m.String(), want) {
			t.Errorf("no %q in\n%s", want, m.String())
		}
	}
	if err := s.commit(func() error {
		if s.longest() <= 0 {
			t.Error("a commit under way takes no time")
		}
		return nil
	}); err != nil || s.longest() != 0 {
		t.Errorf("%v, %v", err, s.longest())
	}
}
