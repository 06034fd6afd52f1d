package panel

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"html/template"
	"io"
	"net/http"
	"sync"
	"time"
)

//go:embed page
var files embed.FS

// Bounds of what the page takes and how many may look at it.
const (
	maxBody     = 1 << 10 // the longest act is 200 bytes
	maxWatchers = 32
	backlog     = 64               // updates that a slow browser may be behind: five seconds
	heartbeat   = 15 * time.Second // libraries.md 4.10
)

// security are the headers of everything: nothing is loaded from anywhere else, nothing is kept, nobody frames the page.
var security = [...][2]string{
	{"Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
	{"X-Content-Type-Options", "nosniff"},
	{"Referrer-Policy", "no-referrer"},
	{"Cache-Control", "no-store"},
}

// render writes the page in Chinese; page.js changes the words when asked.
func render() ([]byte, error) {
	t, err := template.New("page.html").Funcs(template.FuncMap{
		// t is a word that changes with the language
		"t": func(key string) (template.HTML, error) {
			s, ok := texts[key]
			if !ok {
				return "", fmt.Errorf("no text %q", key)
			}
			return template.HTML(`<span data-t="` + key + `">` + html.EscapeString(s.Zh) + `</span>`), nil
		},
		// zh is the Chinese word alone, for attributes
		"zh": func(key string) (string, error) {
			s, ok := texts[key]
			if !ok {
				return "", fmt.Errorf("no text %q", key)
			}
			return s.Zh, nil
		},
	}).ParseFS(files, "page/page.html")
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, nil); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// handler serves the page and takes what people do.
func (p *panel) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(p.page) // a browser that has gone needs no page
	})
	for _, name := range []string{"page.css", "page.js", "icon.svg"} {
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) {
			http.ServeFileFS(w, r, files, "page/"+name)
		})
	}
	mux.HandleFunc("GET /texts.json", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, texts) })
	mux.HandleFunc("GET /state", p.getState)
	mux.HandleFunc("GET /live", p.getLive)
	mux.HandleFunc("/hands/{do}", p.post(func(r *http.Request, body []byte) (func() error, error) {
		var a act
		err := read(body, &a)
		a.Do = r.PathValue("do")
		return func() error { return p.do(a) }, err
	}))
	mux.HandleFunc("/time/{do}", p.post(func(r *http.Request, body []byte) (func() error, error) {
		var a struct {
			Speed string `json:"speed"`
		}
		err := read(body, &a)
		return func() error { return p.time(r.PathValue("do"), a.Speed) }, err
	}))
	mux.HandleFunc("/customers", p.post(func(_ *http.Request, body []byte) (func() error, error) {
		var a struct {
			On bool `json:"on"`
		}
		err := read(body, &a)
		return func() error { p.customers.on = a.On; return nil }, err
	}))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fail(w, refuse(http.StatusNotFound, "没有这一页", "there is no such page"))
	})
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fail(w, refuse(http.StatusForbidden, "只接受本页发出的请求", "only requests of this page itself are taken"))
	}))
	inner := guard.Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, h := range security {
			w.Header().Set(h[0], h[1])
		}
		inner.ServeHTTP(w, r)
	})
}

// post wraps an act: method, type and size are checked, the act is done inside the town.
func (p *panel) post(parse func(r *http.Request, body []byte) (func() error, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			fail(w, refuse(http.StatusMethodNotAllowed, "请用 POST", "use POST"))
			return
		}
		if r.Header.Get("Content-Type") != "application/json" {
			fail(w, refuse(http.StatusUnsupportedMediaType, "只接受 application/json", "only application/json is taken"))
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		var big *http.MaxBytesError
		switch {
		case errors.As(err, &big):
			fail(w, refuse(http.StatusRequestEntityTooLarge, "请求太大", "the request is too big"))
			return
		case err != nil:
			fail(w, refuse(http.StatusBadRequest, "请求不完整", "the request is incomplete"))
			return
		}
		do, err := parse(r, body)
		if err == nil {
			var refused error
			if err = p.enter(r.Context(), func() { refused = do() }); err == nil {
				err = refused
			}
		}
		if err != nil {
			fail(w, err)
			return
		}
		answer(w, http.StatusOK, struct {
			OK bool `json:"ok"`
		}{true})
	}
}

// read takes one JSON object of known keys, and nothing after it.
func read(body []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return refuse(http.StatusBadRequest, "请求看不懂: "+err.Error(), "the request can not be read: "+err.Error())
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return refuse(http.StatusBadRequest, "请求之后还有多余内容", "there is something after the request")
	}
	return nil
}

func answer(w http.ResponseWriter, status int, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"zh":"内部错误","en":"internal error"}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b) // a browser that has gone needs no answer
}

func fail(w http.ResponseWriter, err error) {
	status, words := sentence(err)
	answer(w, status, words)
}

// getState answers with everything that the page shows now.
func (p *panel) getState(w http.ResponseWriter, r *http.Request) {
	var m message
	if err := p.enter(r.Context(), func() { m = p.whole() }); err != nil {
		fail(w, err)
		return
	}
	answer(w, http.StatusOK, m)
}

// getLive streams what happens, as server-sent events. It begins when the town is built.
func (p *panel) getLive(w http.ResponseWriter, r *http.Request) {
	flush := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	_, _ = io.WriteString(w, "retry: 1000\n\n") // errors show at the flush
	if flush.Flush() != nil {
		return
	}
	select {
	case <-p.ready:
	case <-r.Context().Done():
		return
	}
	var first message
	var updates chan []byte
	if p.enter(r.Context(), func() { first, updates = p.whole(), p.hub.add() }) != nil || updates == nil {
		return
	}
	defer p.hub.remove(updates)
	whole, err := json.Marshal(first)
	if err != nil {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for next := whole; ; {
		if _, err := fmt.Fprintf(w, "data: %s\n\n", next); err != nil || flush.Flush() != nil {
			return
		}
		var ok bool
		select {
		case next, ok = <-updates:
			if !ok {
				return // too slow: the browser comes back and gets everything
			}
		case <-beat.C:
			next = []byte("null")
		case <-r.Context().Done():
			return
		}
	}
}

// hub hands every update to everybody who watches.
type hub struct {
	mu       *sync.Mutex
	watchers map[chan []byte]bool
}

func newHub() hub { return hub{&sync.Mutex{}, map[chan []byte]bool{}} }

// count is how many watch.
func (h hub) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.watchers)
}

// add is a new watcher, nil if there are too many.
func (h hub) add() chan []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.watchers) >= maxWatchers {
		return nil
	}
	c := make(chan []byte, backlog)
	h.watchers[c] = true
	return c
}

func (h hub) remove(c chan []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.watchers, c)
}

// send never waits: a watcher who is too far behind is let go.
func (h hub) send(m message) {
	b, err := json.Marshal(m)
	if err != nil {
		return // plain text and numbers always marshal
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.watchers {
		select {
		case c <- b:
		default:
			close(c)
			delete(h.watchers, c)
		}
	}
}
