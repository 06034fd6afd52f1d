package app

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"greylock/system/clock"
	"greylock/system/link"
)

// Paths of the operator door for a monitor, by GET. Source: features.md P6.
const (
	PathMetrics = "/metrics" // Prometheus' text form
	PathHealth  = "/healthz" // 200: loop and disk answer; 503 says why not
	PathReady   = "/readyz"  // 200: the site can do its work; 503 says what it lacks
)

// Why a program is not well.
var (
	errStuck = errors.New("程序的循环没有应答 (the loop does not answer)")
	errDisk  = errors.New("磁盘没有应答 (the disk does not answer)")
)

// lookLimit is how long a monitor waits for the loop; ours. Longer is stuck.
const lookLimit = 3 * time.Second

// syncBounds are the buckets of a commit's time in milliseconds: a record's acknowledge waits for one, and boards ask again after 2 s.
var syncBounds = []int64{1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500}

// syncs counts commits by how long they took.
type syncs struct {
	counts [12]atomic.Uint64         // one more than syncBounds
	sum    atomic.Uint64             // microseconds
	began  atomic.Pointer[time.Time] // of the commit under way; nil: none
}

// commit times one commit.
func (s *syncs) commit(do func() error) error {
	began := time.Now()
	s.began.Store(&began)
	err := do()
	s.began.Store(nil)
	s.took(time.Since(began))
	return err
}

// longest is how long the commit under way has been going on; 0 without one.
func (s *syncs) longest() time.Duration {
	if began := s.began.Load(); began != nil {
		return time.Since(*began)
	}
	return 0
}

func (s *syncs) took(d time.Duration) {
	i := 0
	for i < len(syncBounds) && d > time.Duration(syncBounds[i])*time.Millisecond {
		i++
	}
	s.counts[i].Add(1)
	s.sum.Add(uint64(d / time.Microsecond))
}

func (s *syncs) measure(m *link.Meter) {
	counts := make([]uint64, len(s.counts))
	for i := range s.counts {
		counts[i] = s.counts[i].Load()
	}
	m.Histogram("greylock_journal_commit_seconds", "Time of a commit: one write and one sync.", syncBounds, counts, s.sum.Load())
}

// watched answers a monitor's questions before a door's own handler. Like it, it answers no page of somebody's browser; an address
// that a person has typed into one is answered.
func (r *Runner) watched(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		from := req.Header.Get("Sec-Fetch-Site")
		answer := map[string]func(http.ResponseWriter){PathMetrics: r.metrics, PathHealth: r.healthz, PathReady: r.readyz}[req.URL.Path]
		if answer == nil || req.Method != http.MethodGet || req.Header.Get("Origin") != "" || from != "" && from != "none" {
			h.ServeHTTP(w, req)
			return
		}
		answer(w)
	})
}

// look runs f in the loop; false if it does not get to it in time or the site has ended.
func (r *Runner) look(limit time.Duration, f func(now clock.Instant)) bool {
	done := make(chan struct{})
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case r.events <- func(now clock.Instant) error { f(now); close(done); return nil }:
	case <-timer.C:
		return false
	case <-r.quit:
		return false
	}
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	case <-r.quit:
		return false
	}
}

func (r *Runner) metrics(w http.ResponseWriter) {
	text := ""
	if !r.look(lookLimit, func(now clock.Instant) { text = r.measure(now) }) {
		stuck(w)
		return
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = io.WriteString(w, text) // a client that has gone needs no answer
}

// measure runs in the loop.
func (r *Runner) measure(now clock.Instant) string {
	m := &link.Meter{}
	r.site.Measure(now, m)
	r.syncs.measure(m)
	if r.certificate != 0 {
		m.Gauge("greylock_certificate_left_seconds", "Until the certificate of the link is over.", int64(r.certificate.Sub(now)/time.Second))
	}
	m.Gauge("greylock_events_waiting", "Events that wait for the loop.", int64(len(r.events)))
	return m.String()
}

// Measure tells a monitor how journal and core stand.
func (s *Site) Measure(now clock.Instant, m *link.Meter) {
	seq, chain := s.journal.Head()
	m.Gauge("greylock_journal_head_info", "Chain hash of the journal's last durable record.", 1, "head", hex.EncodeToString(chain[:]))
	m.Counter("greylock_journal_records_total", "Durable records of the journal.", seq)
	m.Gauge("greylock_journal_bytes", "Length of the durable journal.", s.journal.Bytes())
	if c, ok := s.core.(link.Measured); ok {
		c.Measure(now, m)
	}
}

// Unready says what keeps the site from its work; nothing if it can.
func (s *Site) Unready(now clock.Instant) (why []string) {
	if c, ok := s.core.(link.Measured); ok {
		why = c.Unready(now)
	}
	if s.failed != nil {
		why = append(why, s.failed.Error())
	}
	return why
}

// healthy says whether loop and disk answer; the service's watchdog asks the same.
func (r *Runner) healthy(limit time.Duration) error {
	var failed error
	if !r.look(limit, func(clock.Instant) { failed = r.site.Err() }) {
		return errStuck
	}
	if failed == nil && r.syncs.longest() > limit {
		return errDisk
	}
	return failed
}

func (r *Runner) healthz(w http.ResponseWriter) {
	if err := r.healthy(lookLimit); err != nil {
		unwell(w, err.Error())
		return
	}
	_, _ = io.WriteString(w, "ok\n") // a client that has gone needs no answer
}

func (r *Runner) readyz(w http.ResponseWriter) {
	var why []string
	ok := r.look(lookLimit, func(now clock.Instant) { why = r.site.Unready(now) })
	switch {
	case !ok:
		stuck(w)
	case len(why) > 0:
		unwell(w, strings.Join(why, "\n"))
	default:
		_, _ = io.WriteString(w, "ready\n") // a client that has gone needs no answer
	}
}

func stuck(w http.ResponseWriter) { unwell(w, errStuck.Error()) }

func unwell(w http.ResponseWriter, why string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = fmt.Fprintln(w, why) // a client that has gone needs no answer
}
