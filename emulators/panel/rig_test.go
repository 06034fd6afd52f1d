package panel

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"greylock/emulators/world"
	"greylock/scenarios"
	"greylock/system/clock"
	"greylock/system/wire/record"
)

// fakeWall is a wall clock that a test moves.
type fakeWall struct{ now clock.Instant }

func (f *fakeWall) Now() clock.Instant { return f.now }

// rig is a page over a town whose time the test moves; requests go through the page's own handler.
type rig struct {
	*testing.T
	p    *panel
	wall *fakeWall
	h    http.Handler
}

func load(t *testing.T, name string) world.Scenario {
	t.Helper()
	s, err := world.Load(scenarios.FS, name+".yaml")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newRig(t *testing.T, o Options) *rig {
	t.Helper()
	if o.Scenario.Name == "" {
		o.Scenario = load(t, "two-nozzles")
	}
	if o.Autoplay == "" {
		o.Autoplay = "off"
	}
	r := &rig{T: t, wall: &fakeWall{now: 1}}
	var err error
	if r.p, err = newPanel(o, r.wall); err != nil {
		t.Fatal(err)
	}
	w, err := world.Start(o.Scenario, world.Options{Seed: o.Seed})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	var inside sync.Mutex
	r.p.enter = func(_ context.Context, f func()) error {
		inside.Lock()
		defer inside.Unlock()
		f()
		return nil
	}
	r.p.open(w)
	r.h = r.p.handler()
	return r
}

// pass lets the town live for so long.
func (r *rig) pass(d time.Duration) {
	_ = r.p.enter(r.Context(), func() {
		r.p.w.Play(r.p.w.Now().Add(d), func() bool { return false })
		r.p.w.Verify()
	})
}

// until lets the town live until the page shows it.
func (r *rig) until(what string, cond func(s state) bool) state {
	r.Helper()
	for range 3000 {
		s := r.state()
		if cond(s) {
			return s
		}
		r.pass(100 * time.Millisecond)
	}
	r.Fatalf("waited five minutes of the town's time for %s: %+v", what, r.state().Pumps)
	return state{}
}

// request sends what a browser on this page sends.
func (r *rig) request(method, path, body string, header ...string) *httptest.ResponseRecorder {
	q := httptest.NewRequestWithContext(r.Context(), method, path, strings.NewReader(body))
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i+1 < len(header); i += 2 {
		q.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	r.h.ServeHTTP(w, q)
	return w
}

// post does something that must succeed.
func (r *rig) post(path, body string) {
	r.Helper()
	if w := r.request("POST", path, body); w.Code != http.StatusOK {
		r.Fatalf("%s %s: %d %s", path, body, w.Code, w.Body)
	}
}

func (r *rig) state() state {
	r.Helper()
	w := r.request("GET", "/state", "")
	var m message
	var s state
	if err := errors.Join(json.Unmarshal(w.Body.Bytes(), &m), json.Unmarshal(m.State, &s)); err != nil {
		r.Fatalf("state: %v: %s", err, w.Body)
	}
	return s
}

func (s state) pump(n record.Nozzle) pumpShown {
	for _, p := range s.Pumps {
		if p.Nozzle == n {
			return p
		}
	}
	return pumpShown{}
}

func (s state) card(name string) cardShown {
	for _, c := range s.Cards {
		if c.Name == name {
			return c
		}
	}
	return cardShown{}
}

// fuel brings the card to nozzle 2 and lets fuel flow.
func (r *rig) fuel(preset string) {
	r.Helper()
	at := func(step int) func(state) bool { return func(s state) bool { return s.pump(2).Step == step } }
	r.until("step card", at(1))
	r.post("/hands/insert", `{"nozzle":2,"card":"张三的卡"}`)
	r.until("step PIN", at(2))
	r.post("/hands/keys", `{"nozzle":2,"keys":"123456确"}`)
	r.until("step preset", at(3))
	r.post("/hands/keys", `{"nozzle":2,"keys":"`+preset+`"}`)
	r.until("step lift", at(4))
	r.post("/hands/lift", `{"nozzle":2}`)
	r.until("step fuel", at(5))
	r.post("/hands/squeeze", `{"nozzle":2,"permille":1000}`)
}
