package cert

import (
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"greylock/system/clock"
	"greylock/system/wire/record"
)

var now = clock.At(2026, 11, 28, 9, 0, 0)

// fixed is a clock that stands.
type fixed clock.Instant

func (f fixed) Now() clock.Instant { return clock.Instant(f) }

// company is an authority whose pairs lie in a directory.
type company struct {
	t   *testing.T
	dir string
	a   *Authority
}

func newCompany(t *testing.T) company {
	t.Helper()
	pair, err := NewAuthority("示范公司", now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a, err := ReadAuthority(pair)
	if err != nil {
		t.Fatal(err)
	}
	c := company{t, t.TempDir(), a}
	c.write("ca.crt", pair.Cert)
	return c
}

func (c company) write(name string, text []byte) string {
	c.t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		c.t.Fatal(err)
	}
	return path
}

func (c company) site(id record.SiteID) Files {
	c.t.Helper()
	pair, err := c.a.Issue(id, 90, now, rand.Reader)
	if err != nil {
		c.t.Fatal(err)
	}
	return Files{CA: filepath.Join(c.dir, "ca.crt"), Cert: c.write(string(id)+".crt", pair.Cert), Key: c.write(string(id)+".key", pair.Key)}
}

// center serves who comes, and tells the site that it takes it for.
func (c company) center(f Files, at clock.Instant) *httptest.Server {
	c.t.Helper()
	cfg, err := f.Server(fixed(at))
	if err != nil {
		c.t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		site, err := f.Caller(r.TLS)
		if err != nil {
			w.WriteHeader(http.StatusForbidden)
		}
		fmt.Fprint(w, string(site))
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Listener = tls.NewListener(s.Listener, cfg)
	s.Start()
	c.t.Cleanup(s.Close)
	return s
}

func call(t *testing.T, scheme, address string, cfg *tls.Config) (status int, text string, err error) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{TLSClientConfig: cfg, DisableKeepAlives: true}, Timeout: time.Minute}
	r, err := client.Get(scheme + "://" + address)
	if err != nil {
		return 0, "", Explain(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = Spoken(r.StatusCode, body)
	}
	return r.StatusCode, string(body), err
}

// TestLink: the two ends know each other by the company's authority; each wrong end is told apart.
func TestLink(t *testing.T) {
	t.Parallel()
	ours, other := newCompany(t), newCompany(t)
	center, station := ours.site(CenterSite), ours.site("0001")
	door := ours.center(center, now).Listener.Addr().String()
	client := func(f Files, at clock.Instant) *tls.Config {
		cfg, err := f.Client(fixed(at))
		if err != nil {
			t.Fatal(err)
		}
		return cfg
	}
	status, text, err := call(t, "https", door, client(station, now))
	if err != nil || status != http.StatusOK || text != "0001" {
		t.Fatalf("%d %q %v", status, text, err)
	}
	nobody := client(station, now)
	nobody.Certificates = nil
	old := client(station, now)
	old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	mixed := other.site("0001")
	mixed.CA = station.CA
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	late := now.Add(91 * 24 * time.Hour)
	for what, c := range map[string]struct {
		scheme, door string
		cfg          *tls.Config
		want         error
	}{
		"another company's center":            {"https", other.center(other.site(CenterSite), now).Listener.Addr().String(), client(station, now), ErrUntrusted},
		"a station that plays the center":     {"https", ours.center(ours.site("0002"), now).Listener.Addr().String(), client(station, now), ErrUntrusted},
		"a center whose certificate is over":  {"https", door, client(station, late), ErrExpired},
		"a clock before the certificate":      {"https", door, client(station, now.Add(-48*time.Hour)), ErrExpired},
		"a station whose certificate is over": {"https", ours.center(center, late).Listener.Addr().String(), client(station, now), ErrRefused},
		"another company's station":           {"https", door, client(mixed, now), ErrRefused},
		"no certificate":                      {"https", door, nobody, ErrRefused},
		"an older TLS":                        {"https", door, old, ErrRefused},
		"TLS to a plain door":                 {"https", plain.Listener.Addr().String(), client(station, now), ErrPlain},
		"plain to a TLS door":                 {"http", door, nil, ErrTLS},
	} {
		if _, _, err := call(t, c.scheme, c.door, c.cfg); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", what, err, c.want)
		}
	}
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	_, _, err = call(t, "https", gone.Addr().String(), client(station, now))
	for _, e := range []error{ErrUntrusted, ErrExpired, ErrRefused, ErrPlain, ErrTLS} {
		if err == nil || errors.Is(err, e) {
			t.Errorf("nobody there: %v", err)
		}
	}
}

// TestRevoked: a certificate that is on the list is not taken from then on, nor any when the list can not be read.
func TestRevoked(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	center, station, other := c.site(CenterSite), c.site("0001"), c.site("0002")
	center.Revoked = c.write("revoked", nil)
	door := c.center(center, now).Listener.Addr().String()
	want := func(f Files, want int) {
		t.Helper()
		cfg, err := f.Client(fixed(now))
		if err != nil {
			t.Fatal(err)
		}
		if status, text, err := call(t, "https", door, cfg); err != nil || status != want {
			t.Errorf("%d %q %v, want %d", status, text, err, want)
		}
	}
	want(station, http.StatusOK)
	s, err := station.Check("0001", now)
	if err != nil {
		t.Fatal(err)
	}
	c.write("revoked", []byte("00ff\n"+strings.ToUpper(s.Serial)+" 0001 lost\n"))
	want(station, http.StatusForbidden)
	want(other, http.StatusOK)
	if err := os.Remove(center.Revoked); err != nil {
		t.Fatal(err)
	}
	want(other, http.StatusForbidden)
}

// TestCheck: what does not fit is found before the program starts.
func TestCheck(t *testing.T) {
	t.Parallel()
	ours, other := newCompany(t), newCompany(t)
	good := ours.site("0001")
	s, err := good.Check("0001", now)
	if err != nil || s.Site != "0001" || s.Ends.Sub(now) != 90*24*time.Hour || len(s.Serial) != 32 {
		t.Fatalf("%+v %v", s, err)
	}
	if ends, err := good.Ends(); err != nil || ends != s.Ends {
		t.Errorf("ends %v, %v", ends, err)
	}
	if _, err := ours.site(CenterSite).Check(CenterSite, now); err != nil {
		t.Errorf("the center's: %v", err)
	}
	strange := other.site("0001")
	broken := ours.write("broken", []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
	for what, c := range map[string]struct {
		f    Files
		site record.SiteID
		at   clock.Instant
		want error
	}{
		"another site's":      {good, "0002", now, ErrFiles},
		"over":                {good, "0001", now.Add(91 * 24 * time.Hour), ErrExpired},
		"another authority's": {Files{CA: good.CA, Cert: strange.Cert, Key: strange.Key}, "0001", now, ErrFiles},
		"another's key":       {Files{CA: good.CA, Cert: good.Cert, Key: strange.Key}, "0001", now, ErrFiles},
		"no authority":        {Files{CA: good.CA + "x", Cert: good.Cert, Key: good.Key}, "0001", now, ErrFiles},
		"no PEM":              {Files{CA: good.Key, Cert: good.Cert, Key: good.Key}, "0001", now, ErrFiles},
		"broken":              {Files{CA: broken, Cert: good.Cert, Key: good.Key}, "0001", now, ErrFiles},
	} {
		if _, err := c.f.Check(c.site, c.at); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, p := range map[string]Pair{"no key": {Cert: read(t, good.CA)}, "a site": {read(t, good.Cert), read(t, good.Key)}, "nothing": {}} {
		if _, err := ReadAuthority(p); !errors.Is(err, ErrFiles) {
			t.Errorf("%s as an authority: %v", what, err)
		}
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
