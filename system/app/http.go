package app

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"greylock/system/clock"
	"greylock/system/link"
	"greylock/system/wire/record"
)

// Handler serves POST requests whose path begins with one of the prefixes by the runner's core. Everything it answers with a
// status of 400 or more is a record.Refusal.
func (r *Runner) Handler(prefixes ...string) http.Handler { return r.handler(nil, prefixes) }

// handler is Handler for a door whose callers are known by their certificates; a nil caller knows nobody.
func (r *Runner) handler(caller func(*tls.ConnectionState) (record.SiteID, error), prefixes []string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		switch {
		case !allowed(req.URL.Path, prefixes):
			refuse(w, http.StatusNotFound, "UNKNOWN_PATH", "没有这个地址", "no such path")
		case req.Method != http.MethodPost:
			refuse(w, http.StatusMethodNotAllowed, "METHOD", "请用 POST", "use POST")
		case req.Header.Get("Origin") != "" || req.Header.Get("Sec-Fetch-Site") != "":
			// No page talks to these doors: it is one that somebody has open in a browser of this machine. Source: trust.md row 81.
			refuse(w, http.StatusForbidden, "BROWSER", "不接受网页发来的请求", "requests of web pages are not taken")
		default:
			r.serve(w, req, caller)
		}
	})
}

func (r *Runner) serve(w http.ResponseWriter, req *http.Request, caller func(*tls.ConnectionState) (record.SiteID, error)) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, MaxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		refuse(w, http.StatusRequestEntityTooLarge, "TOO_LARGE", "请求过大", "request body too large")
		return
	case err != nil:
		refuse(w, http.StatusBadRequest, "BODY", "请求未收完整", "request body incomplete")
		return
	case caller != nil && !identified(w, req.TLS, body, caller):
		return
	}
	id, answer, ok := r.expect()
	if !ok {
		refuse(w, http.StatusTooManyRequests, "BUSY", "请求太多, 请稍后再试", "too many requests, try again later")
		return
	}
	defer r.forget(id)
	path := req.URL.Path
	if !r.post(func(now clock.Instant) error { return r.site.Serve(now, id, path, body) }) {
		refuse(w, http.StatusServiceUnavailable, "STOPPED", "站点已停止", "the site has stopped")
		return
	}
	timer := time.NewTimer(serveTime)
	defer timer.Stop()
	select {
	case x := <-answer:
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(x.Status)
		_, _ = w.Write(x.Body) // a client that has gone needs no answer
	case <-r.quit:
		refuse(w, http.StatusServiceUnavailable, "STOPPED", "站点已停止", "the site has stopped")
	case <-timer.C:
		refuse(w, http.StatusServiceUnavailable, "TIMEOUT", "站点无应答, 请稍后再试", "no answer in time, try again later")
	}
}

// identified lets a site speak for itself alone: the site that the body names is that of the certificate. It refuses otherwise.
func identified(w http.ResponseWriter, link *tls.ConnectionState, body []byte, caller func(*tls.ConnectionState) (record.SiteID, error)) bool {
	site, err := caller(link)
	if err != nil {
		refuse(w, http.StatusForbidden, "CERTIFICATE_REVOKED", "证书已吊销", "the certificate is not taken: "+err.Error())
		return false
	}
	var who struct{ Site, Outlet *record.SiteID } // as the core reads it: the last of equal keys, in whatever case
	if json.Unmarshal(body, &who) != nil {
		refuse(w, http.StatusBadRequest, "BODY", "请求无法理解", "the request can not be read")
		return false
	}
	if who.Site == nil && who.Outlet == nil || who.Site != nil && *who.Site != site || who.Outlet != nil && *who.Outlet != site {
		refuse(w, http.StatusForbidden, "CERTIFICATE_SITE", "证书属于 "+string(site)+" 站, 不能代表其他站点", "the certificate is of site "+string(site)+" and speaks for no other")
		return false
	}
	return true
}

func (r *Runner) expect() (uint64, chan link.Reply, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.replies) >= maxRequests {
		return 0, nil, false
	}
	r.nextID++
	c := make(chan link.Reply, 1)
	r.replies[r.nextID] = c
	return r.nextID, c, true
}

func (r *Runner) forget(id uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.replies, id)
}

func allowed(path string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(path, p) {
			return true
		}
	}
	return false
}

func refuse(w http.ResponseWriter, status int, code, zh, en string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(refusalBody(code, zh, en))
}

func refusalBody(code, zh, en string) []byte {
	body, err := json.Marshal(record.Refusal{Code: code, Zh: zh, En: en})
	if err != nil {
		panic(err) // three strings always encode
	}
	return body
}

// refusal reads the body of an answer with a status of 400 or more.
func refusal(status int, body []byte) error {
	var r record.Refusal
	if json.Unmarshal(body, &r) != nil || r.Code == "" {
		return fmt.Errorf("app: status %d without a refusal", status)
	}
	return r
}

// patience is what a door has with its clients.
type patience struct {
	header, read, write, idle, grace time.Duration
	connections                      int // more wait in the kernel's queue, so that they do not use up the descriptors of ports
}

func usual() patience {
	return patience{
		header: 5 * time.Second, read: 30 * time.Second, write: serveTime + 5*time.Second, idle: 2 * time.Minute, grace: 2 * time.Second,
		connections: 256,
	}
}

// Serve answers HTTP on a listener until ctx ends, with time-outs against slow clients and a bound on how many there are.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	return serve(ctx, l, nil, h, usual())
}

func serve(ctx context.Context, l net.Listener, secure *tls.Config, h http.Handler, p patience) error {
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: p.header, ReadTimeout: p.read, WriteTimeout: p.write, IdleTimeout: p.idle, MaxHeaderBytes: 16 << 10,
		ErrorLog: log.New(io.Discard, "", 0), // what strangers send is no event of ours
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.Background(), p.grace)
		defer cancel()
		if srv.Shutdown(grace) != nil {
			_ = srv.Close() // what does not end in time is cut off
		}
	}()
	var in net.Listener = &bounded{Listener: l, slots: make(chan struct{}, p.connections), closed: make(chan struct{})}
	if secure != nil {
		in = tls.NewListener(in, secure)
	}
	err := srv.Serve(in)
	if errors.Is(err, http.ErrServerClosed) {
		<-stopped
		return nil
	}
	return err
}

// bounded lets so many connections in at a time.
type bounded struct {
	net.Listener
	slots  chan struct{}
	closed chan struct{}
	once   sync.Once
}

// Close ends a wait for a slot too. The server calls it after it has noted that it is to end.
func (b *bounded) Close() error {
	b.once.Do(func() { close(b.closed) })
	return b.Listener.Close()
}

// Accept waits for a free slot, then for a client.
func (b *bounded) Accept() (net.Conn, error) {
	select {
	case b.slots <- struct{}{}:
	case <-b.closed:
		return nil, net.ErrClosed
	}
	c, err := b.Listener.Accept()
	if err != nil {
		<-b.slots
		return nil, err
	}
	return &slotted{Conn: c, free: sync.OnceFunc(func() { <-b.slots })}, nil
}

// slotted gives its slot back when it is closed.
type slotted struct {
	net.Conn
	free func()
}

func (c *slotted) Close() error {
	c.free()
	return c.Conn.Close()
}
