package panel

import (
	"bufio"
	"context"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	for _, c := range []struct {
		method, path, body string
		header             []string
		status             int
		en                 string
	}{
		{"GET", "/nothing", "", nil, 404, "no such page"},
		{"GET", "/hands/lift", "", nil, 405, "use POST"},
		{"POST", "/hands/lift", "{}", []string{"Content-Type", "text/plain"}, 415, "application/json"},
		{"POST", "/hands/lift", "{}", []string{"Sec-Fetch-Site", "cross-site"}, 403, "this page itself"},
		{"POST", "/hands/lift", "{}", []string{"Sec-Fetch-Site", "", "Origin", "http://elsewhere.example"}, 403, "this page itself"},
		{"POST", "/hands/lift", strings.Repeat(" ", maxBody+1), nil, 413, "too big"},
		{"POST", "/hands/lift", "", nil, 400, "can not be read"},
		{"POST", "/hands/lift", "{", nil, 400, "can not be read"},
		{"POST", "/hands/lift", `{"nozzle":"1"}`, nil, 400, "can not be read"},
		{"POST", "/hands/lift", `{"nozzle":1,"amount":5}`, nil, 400, "can not be read"},
		{"POST", "/hands/lift", `{"nozzle":1}{}`, nil, 400, "something after"},
		{"POST", "/hands/lift", `{"nozzle":9}`, nil, 404, "no nozzle 9"},
		{"POST", "/hands/dance", `{"nozzle":1}`, nil, 404, "no such act"},
		{"POST", "/hands/keys", `{"nozzle":1,"keys":""}`, nil, 400, "one to 16"},
		{"POST", "/hands/keys", `{"nozzle":1,"keys":"11111111111111111"}`, nil, 400, "one to 16"},
		{"POST", "/hands/keys", `{"nozzle":1,"keys":"x"}`, nil, 409, "no such key"},
		{"POST", "/hands/insert", `{"nozzle":1,"card":"x"}`, nil, 409, "no such card"},
		{"POST", "/hands/pull", `{"nozzle":1}`, nil, 409, "slot is empty"},
		{"POST", "/hands/hang", `{"nozzle":1}`, nil, 409, "lift it first"},
		{"POST", "/hands/squeeze", `{"nozzle":1,"permille":1}`, nil, 409, "lift it first"},
		{"POST", "/hands/squeeze", `{"nozzle":1,"permille":-1}`, nil, 409, "thousandths"},
		{"POST", "/time/step", `{}`, nil, 409, "pause before"},
		{"POST", "/time/speed", `{"speed":"3"}`, nil, 400, "no such speed"},
		{"POST", "/time/speed", `{}`, nil, 400, "no such speed"},
		{"POST", "/time/back", `{}`, nil, 404, "no such act"},
		{"POST", "/customers", `{"on":1}`, nil, 400, "can not be read"},
	} {
		w := r.request(c.method, c.path, c.body, c.header...)
		var words said
		if err := json.Unmarshal(w.Body.Bytes(), &words); err != nil || w.Code != c.status || !strings.Contains(words.En, c.en) || words.Zh == "" {
			t.Errorf("%s %s %.40s: %d %s, want %d %q", c.method, c.path, c.body, w.Code, w.Body, c.status, c.en)
		}
		if csp := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'self';") {
			t.Errorf("%s: CSP %q", c.path, csp)
		}
	}
	r.post("/hands/lift", `{"nozzle":1}`)
	r.pass(time.Second)
	if w := r.request("POST", "/hands/lift", `{"nozzle":1}`); w.Code != http.StatusConflict {
		t.Errorf("lifted twice: %d", w.Code)
	}
}

// While the town is being built the page is there, and people are told to wait.
func TestBuilding(t *testing.T) {
	t.Parallel()
	p, err := newPanel(Options{Scenario: load(t, "two-nozzles")}, &fakeWall{})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{T: t, p: p, h: p.handler()}
	if w := r.request("GET", "/", ""); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "教学模式 · 模拟密钥 · 不作凭证") {
		t.Errorf("page: %d", w.Code)
	}
	if w := r.request("POST", "/hands/lift", `{"nozzle":1}`); w.Code != http.StatusServiceUnavailable {
		t.Errorf("lift: %d %s", w.Code, w.Body)
	}
	if w := r.request("GET", "/state", ""); w.Code != http.StatusServiceUnavailable {
		t.Errorf("state: %d", w.Code)
	}
}

// The page is whole: every file is served with the policy, names no other host, holds nothing inline, and finds its words.
func TestPageFiles(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	outside := regexp.MustCompile(`(?i)(https?:)?//[a-z0-9-]+\.[a-z]`)
	inline := regexp.MustCompile(`(?i)\s(style|on[a-z]+)=|<style|<script>|@import|url\(`)
	list, err := fs.Glob(files, "page/*")
	if err != nil || len(list) != 4 {
		t.Fatalf("files %v: %v", list, err)
	}
	all := ""
	for _, path := range append(list, "page/texts.json", "page/") {
		path = strings.TrimPrefix(path, "page")
		if path == "/page.html" {
			continue // a template: served as /
		}
		w := r.request("GET", path, "")
		body := strings.ReplaceAll(w.Body.String(), "http://www.w3.org/2000/svg", "")
		if w.Code != http.StatusOK || w.Header().Get("Content-Security-Policy") == "" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
		if at := outside.FindString(body); at != "" {
			t.Errorf("%s names another host: %s", path, at)
		}
		if at := inline.FindString(body); at != "" && path != "/texts.json" {
			t.Errorf("%s has something inline: %s", path, at)
		}
		if path != "/texts.json" {
			all += body
		}
	}
	for _, m := range regexp.MustCompile(`\bt\('(\w+)'\)|data-[tl]="(\w+)"`).FindAllStringSubmatch(all, -1) {
		if key := m[1] + m[2]; texts[key].Zh == "" || texts[key].En == "" {
			t.Errorf("no text %q", key)
		}
	}
	for key := range texts {
		if !regexp.MustCompile(`['"]` + key + `['"]|texts\.` + key + `\b`).MatchString(all) {
			t.Errorf("text %q is used nowhere", key)
		}
	}
}

func TestTwoBrowsers(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	server := httptest.NewServer(r.h)
	t.Cleanup(server.Close)
	watch := func(ctx context.Context) *bufio.Scanner {
		q, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/live", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = answer.Body.Close() })
		s := bufio.NewScanner(answer.Body)
		s.Buffer(nil, 4<<20)
		if m := next(t, s); len(m.State) == 0 {
			t.Fatal("a browser that comes gets everything")
		}
		return s
	}
	shortly, leave := context.WithCancel(t.Context())
	one, two := watch(t.Context()), watch(shortly)
	r.post("/hands/insert", `{"nozzle":1,"card":"张三的卡"}`)
	_ = r.p.enter(t.Context(), r.p.show)
	for _, s := range []*bufio.Scanner{one, two} {
		m := next(t, s)
		if !strings.Contains(string(m.State), `"card":"张三的卡"`) || len(m.Lines) == 0 {
			t.Errorf("an update without the card: %s %v", m.State, m.Lines)
		}
	}
	leave()
	for r.p.hub.count() != 1 { // the server notices the closed connection
		_ = r.p.enter(t.Context(), r.p.show)
		next(t, one)
	}
	r.post("/hands/pull", `{"nozzle":1}`)
	_ = r.p.enter(t.Context(), r.p.show)
	if m := next(t, one); len(m.State) == 0 || strings.Contains(string(m.State), `"card":"张三的卡"`) {
		t.Errorf("the browser that stayed does not see the card go: %s", m.State)
	}
}

func TestHub(t *testing.T) {
	t.Parallel()
	h := newHub()
	quick, slow := h.add(), h.add()
	for i := range backlog + 1 {
		h.send(message{Skipped: i})
		<-quick
	}
	n := 0
	for range slow {
		n++
	}
	if n != backlog || h.count() != 1 {
		t.Errorf("a slow browser got %d updates, %d watch", n, h.count())
	}
	for range maxWatchers - 1 {
		if h.add() == nil {
			t.Fatal("turned away too early")
		}
	}
	if h.add() != nil {
		t.Error("more watchers than allowed")
	}
	h.remove(quick)
	h.remove(quick)
	if h.count() != maxWatchers-1 {
		t.Errorf("%d watch", h.count())
	}
}
