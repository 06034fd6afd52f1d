package app

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"greylock/system/journal/faultfile"
	"greylock/system/wire/record"
)

// TestASiteSpeaksForItself: behind TLS a body names the site of the certificate, in whatever way it names one; nothing else reaches
// the core.
func TestASiteSpeaksForItself(t *testing.T) {
	t.Parallel()
	p, core, _, end := opened(t, faultfile.New(), usual())
	for body, want := range map[string]int{
		`{"site":"0001"}`: 200, `{"outlet":"0001"}`: 200, `{"outlet":"0001","x":{"site":"0002"}}`: 200,
		`{"site":"0002"}`: 403, `{"outlet":"0002"}`: 403, `{"site":"0001","outlet":"0002"}`: 403, `{"site":"0001","Site":"0002"}`: 403,
		`{"site":"0001","SITE":"0002"}`: 403, `{"site":"0001","site":"0002"}`: 403, `{}`: 403, `{"site":null}`: 403, `[]`: 400, ``: 400, `{"site":1}`: 400,
	} {
		w := httptest.NewRecorder()
		h := p.runner.handler(func(*tls.ConnectionState) (record.SiteID, error) { return "0001", nil }, []string{"/op/"})
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/op/x", strings.NewReader(body)))
		if w.Code != want {
			t.Errorf("%s: %d %s, want %d", body, w.Code, w.Body, want)
		}
	}
	w := httptest.NewRecorder()
	h := p.runner.handler(func(*tls.ConnectionState) (record.SiteID, error) { return "", errors.New("gone") }, []string{"/op/"})
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/op/x", strings.NewReader(`{"site":""}`)))
	if text, err := io.ReadAll(w.Body); err != nil || w.Code != http.StatusForbidden || !strings.Contains(string(text), "CERTIFICATE_REVOKED") {
		t.Errorf("%d %s %v", w.Code, text, err)
	}
	if err := end(); err != nil {
		t.Fatal(err)
	}
	if len(core.applied) != 3 {
		t.Errorf("the core heard %q", core.applied)
	}
}

// TestTroubleIsToldOnce: a peer that ceases to answer is told of, and its return; not every call.
func TestTroubleIsToldOnce(t *testing.T) {
	t.Parallel()
	var told []string
	r := &Runner{quit: make(chan struct{}), broken: map[string]string{}, trouble: func(peer, text string) { told = append(told, peer+": "+text) }}
	for _, status := range []int{200, 0, 0, 503, 200, 409, 403, 200} {
		var err error
		if status == 0 {
			err = errors.New("gone")
		}
		r.noted("center", status, []byte(`{"code":"C","zh":"z","en":"e"}`), err)
	}
	if len(told) != 4 || told[0] != "center: gone" || told[1] != "center: " || !strings.Contains(told[2], "403") || told[3] != "center: " {
		t.Errorf("%q", told)
	}
}
