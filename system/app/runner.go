package app

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"greylock/system/clock"
	"greylock/system/exchange/cert"
	"greylock/system/journal"
	"greylock/system/link"
	"greylock/system/wire/record"
)

// Limits of a site's doors to the network, each against a peer that is slow, huge or hostile.
const (
	MaxBody     = 4 << 20          // a batch is at most 1 MiB of lines; JSON and hexadecimal may double it
	callTime    = 15 * time.Second // a call that takes longer has failed; its core asks again
	serveTime   = 30 * time.Second // a request that its core does not answer by then gets 503
	maxRequests = 256              // requests in flight; more get 429
	maxEvents   = 1024             // events that wait for the loop; lines and timers block beyond
)

// LineWriter takes bytes for a line; it must not block for long and may drop what a dead line can not take.
type LineWriter interface{ Write(data []byte) }

// Runner drives a Site in real time: one loop, and goroutines only at the doors.
type Runner struct {
	site   *Site
	clock  clock.Clock
	events chan func(now clock.Instant) error
	quit   chan struct{}
	once   sync.Once
	wakeAt clock.Instant
	ended  string // why the site has asked for its end; "": it has not
	lines  map[int]LineWriter
	peers  map[string]string
	client *http.Client
	syncs  syncs

	certificate clock.Instant           // when the link's is over; 0: it has none
	trouble     func(peer, text string) // a peer does not answer any more, or for another reason; "": it answers again. nil: nobody listens
	broken      map[string]string       // peers that do not answer, and why
	mu          sync.Mutex
	nextID      uint64
	replies     map[uint64]chan link.Reply
	calls       sync.WaitGroup
}

// NewRunner opens the site over its journal. Peers maps the names that cores call ("center") to base URLs.
func NewRunner(core link.Core, j *journal.Journal, first record.SiteOpened, c clock.Clock, peers map[string]string) (*Runner, error) {
	r := &Runner{
		clock:   c,
		events:  make(chan func(clock.Instant) error, maxEvents),
		quit:    make(chan struct{}),
		wakeAt:  clock.Never,
		lines:   map[int]LineWriter{},
		peers:   peers,
		client:  &http.Client{Timeout: callTime},
		replies: map[uint64]chan link.Reply{},
		broken:  map[string]string{},
	}
	s, err := Open(core, j, doors{r}, first)
	if err != nil {
		return nil, err
	}
	r.site = s
	return r, nil
}

// Site returns the site; its state may be read only inside Do or when Run has returned.
func (r *Runner) Site() *Site { return r.site }

// Secure makes every call one over TLS; call it before Run. A program calls its center and nobody else: no proxy of the
// environment stands between.
func (r *Runner) Secure(c *tls.Config) {
	r.client.Transport = &http.Transport{TLSClientConfig: c, TLSHandshakeTimeout: callTime, IdleConnTimeout: usual().idle, MaxIdleConnsPerHost: 4}
}

// Attach gives a line to the runner; call it before Run.
func (r *Runner) Attach(line int, w LineWriter) { r.lines[line] = w }

// Received brings bytes from a line; any goroutine may call it.
func (r *Runner) Received(line int, data []byte) {
	data = bytes.Clone(data)
	r.post(func(now clock.Instant) error { return r.site.Receive(now, line, data) })
}

// LineIs says that a line came up or went down; any goroutine may call it.
func (r *Runner) LineIs(line int, up bool) {
	r.post(func(now clock.Instant) error { return r.site.Line(now, line, up) })
}

// Do runs f inside the loop and waits for it; false when the runner has stopped.
func (r *Runner) Do(f func(now clock.Instant)) bool {
	done := make(chan struct{})
	if !r.post(func(now clock.Instant) error { f(now); close(done); return nil }) {
		return false
	}
	select {
	case <-done:
		return true
	case <-r.quit:
		return false
	}
}

func (r *Runner) post(f func(clock.Instant) error) bool {
	select {
	case r.events <- f:
		return true
	case <-r.quit:
		return false
	}
}

// ErrEnded wraps why a program has ended by itself: nothing is wrong and nothing is lost, and it must not be started again at once.
var ErrEnded = errors.New("程序已自行正常结束 (the program has ended by itself, cleanly)")

// Run works until ctx ends, the site fails or wants to end; it returns the site's failure, ErrEnded, or nil after a clean stop. On a clean stop it
// carries out what is already queued and flushes the journal, so that nothing acknowledged is missing.
func (r *Runner) Run(ctx context.Context) error {
	defer r.stop()
	if err := r.site.Start(r.clock.Now()); err != nil {
		return err
	}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(r.untilWake())
		var err error
		select {
		case f := <-r.events:
			err = f(r.clock.Now())
		case <-timer.C:
			if now := r.clock.Now(); now >= r.wakeAt {
				r.wakeAt = clock.Never
				err = r.site.Wake(now)
			}
		case <-ctx.Done():
			return r.finish()
		}
		if err != nil {
			return err
		}
		if r.ended != "" {
			return errors.Join(r.finish(), fmt.Errorf("%w: %s", ErrEnded, r.ended))
		}
	}
}

func (r *Runner) untilWake() time.Duration {
	if r.wakeAt == clock.Never {
		return time.Hour
	}
	return max(0, r.wakeAt.Sub(r.clock.Now()))
}

// finish carries out queued events and the flush under way.
func (r *Runner) finish() error {
	const grace = 5 * time.Second
	deadline := r.clock.Now().Add(grace)
	for !r.site.Idle() || len(r.events) > 0 {
		left := deadline.Sub(r.clock.Now())
		if left <= 0 {
			return fmt.Errorf("app: the disk did not answer within %v", grace)
		}
		timer := time.NewTimer(left)
		select {
		case f := <-r.events:
			timer.Stop()
			if err := f(r.clock.Now()); err != nil {
				return err
			}
		case <-timer.C:
		}
	}
	return nil
}

func (r *Runner) stop() {
	r.once.Do(func() { close(r.quit) })
	r.client.CloseIdleConnections()
	r.calls.Wait()
}

// doors carries out effects; every method runs inside the loop.
type doors struct{ r *Runner }

func (d doors) Send(line int, data []byte) {
	if w := d.r.lines[line]; w != nil {
		w.Write(data)
	}
}

func (d doors) WakeAt(at clock.Instant) { d.r.wakeAt = at }

func (d doors) End(why string) { d.r.ended = why }

func (d doors) Commit() {
	r := d.r
	go func() {
		err := r.syncs.commit(r.site.journal.Commit)
		r.post(func(now clock.Instant) error { return r.site.Committed(now, err) })
	}()
}

func (d doors) Call(c link.Call) {
	r := d.r
	r.calls.Add(1)
	go func() {
		defer r.calls.Done()
		status, body, err := r.request(c)
		r.noted(c.Peer, status, body, err)
		r.post(func(now clock.Instant) error { return r.site.Answered(now, c.ID, status, body, err) })
	}()
}

func (d doors) Reply(x link.Reply) {
	r := d.r
	r.mu.Lock()
	waiting := r.replies[x.ID]
	delete(r.replies, x.ID)
	r.mu.Unlock()
	if waiting != nil {
		waiting <- x
	}
}

// noted tells of a peer that begins or ceases to answer.
func (r *Runner) noted(peer string, status int, body []byte, err error) {
	select {
	case <-r.quit:
		return // what is cut off as the program ends is no trouble
	default:
	}
	text := ""
	switch {
	case err != nil:
		text = err.Error()
	case status == http.StatusForbidden, status >= http.StatusInternalServerError:
		text = fmt.Sprintf("status %d: %v", status, refusal(status, body))
	}
	r.mu.Lock()
	before := r.broken[peer]
	r.broken[peer] = text
	r.mu.Unlock()
	if (text == "") != (before == "") && r.trouble != nil {
		r.trouble(peer, text)
	}
}

func (r *Runner) request(c link.Call) (int, []byte, error) {
	base, ok := r.peers[c.Peer]
	if !ok {
		return 0, nil, fmt.Errorf("app: no address for peer %q: set it in the configuration", c.Peer)
	}
	ctx, cancel := context.WithTimeout(context.Background(), callTime)
	defer cancel()
	go func() {
		select {
		case <-r.quit:
			cancel()
		case <-ctx.Done():
		}
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+c.Path, bytes.NewReader(c.Body))
	if err != nil {
		return 0, nil, fmt.Errorf("app: call %s: %w", c.Path, err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := r.client.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("app: call %s: %w", c.Path, cert.Explain(err))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxBody+1))
	if err == nil && len(body) > MaxBody {
		err = errors.New("answer too large")
	}
	if err == nil {
		err = cert.Spoken(resp.StatusCode, body)
	}
	if err != nil {
		return 0, nil, fmt.Errorf("app: call %s: %w", c.Path, err)
	}
	return resp.StatusCode, body, nil
}
