package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"greylock/system/clock"
	"greylock/system/link"
	"greylock/system/wire/record"
)

// Handler serves POST requests whose path begins with one of the prefixes by the runner's core. Everything it answers with a
// status of 400 or more is a record.Refusal.
func (r *Runner) Handler(prefixes ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		switch {
		case !allowed(req.URL.Path, prefixes):
			refuse(w, http.StatusNotFound, "UNKNOWN_PATH", "没有这个地址", "no such path")
		case req.Method != http.MethodPost:
			refuse(w, http.StatusMethodNotAllowed, "METHOD", "请用 POST", "use POST")
		default:
			r.serve(w, req)
		}
	})
}

func (r *Runner) serve(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, MaxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		refuse(w, http.StatusRequestEntityTooLarge, "TOO_LARGE", "请求过大", "request body too large")
		return
	case err != nil:
		refuse(w, http.StatusBadRequest, "BODY", "请求未收完整", "request body incomplete")
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

// Serve answers HTTP on a listener until ctx ends, with time-outs against slow clients.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: serveTime + 5*time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = srv.Shutdown(grace) // what does not end in time is cut off
	}()
	err := srv.Serve(l)
	if errors.Is(err, http.ErrServerClosed) {
		<-stopped
		return nil
	}
	return err
}
