package cert

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"greylock/system/clock"
	"greylock/system/wire/record"
)

// Files are what a site has for the link: PEM files. The zero value is a link without TLS.
type Files struct {
	CA   string `json:"ca"`   // certificate of the company's authority
	Cert string `json:"cert"` // the site's own
	Key  string `json:"key"`  // its private key

	Revoked string `json:"revoked,omitempty"` // of the center: list of numbers of certificates that are no longer taken, one a line
}

// Used says that the link has TLS.
func (f Files) Used() bool { return f.CA != "" || f.Cert != "" || f.Key != "" }

// load reads the files; ErrFiles.
func (f Files) load() (pair tls.Certificate, pool *x509.CertPool, err error) {
	text, err := os.ReadFile(f.CA)
	if err != nil {
		return pair, nil, fmt.Errorf("%w: %w", ErrFiles, err)
	}
	ca, err := parse(text)
	if err != nil {
		return pair, nil, fmt.Errorf("%s: %w", f.CA, err)
	}
	pool = x509.NewCertPool()
	pool.AddCert(ca)
	if pair, err = tls.LoadX509KeyPair(f.Cert, f.Key); err != nil {
		return pair, nil, fmt.Errorf("%w: %s, %s: %w", ErrFiles, f.Cert, f.Key, err)
	}
	return pair, pool, nil
}

func wall(c clock.Clock) func() time.Time {
	return func() time.Time { return time.Unix(0, int64(c.Now())) }
}

// Client is how a site calls the center; ErrFiles.
func (f Files) Client(c clock.Clock) (*tls.Config, error) {
	pair, pool, err := f.load()
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, RootCAs: pool, Certificates: []tls.Certificate{pair}, ServerName: name(CenterSite), Time: wall(c),
	}, nil
}

// Server is how the center listens: nobody comes in without a certificate of a site; ErrFiles.
func (f Files) Server(c clock.Clock) (*tls.Config, error) {
	pair, pool, err := f.load()
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert, Certificates: []tls.Certificate{pair}, Time: wall(c),
	}, nil
}

// Caller is the site at the other end of a connection to the center. It fails if its certificate has been revoked, or the list
// of revoked ones can not be read.
func (f Files) Caller(s *tls.ConnectionState) (record.SiteID, error) {
	if s == nil || len(s.PeerCertificates) == 0 {
		return "", errors.New("no certificate")
	}
	c := s.PeerCertificates[0]
	if f.Revoked == "" {
		return Site(c), nil
	}
	list, err := os.ReadFile(f.Revoked)
	if err != nil {
		return "", fmt.Errorf("list of revoked certificates: %w", err)
	}
	for line := range bytes.Lines(list) {
		if number, _, _ := strings.Cut(strings.TrimSpace(string(line)), " "); strings.EqualFold(number, Serial(c)) {
			return "", fmt.Errorf("certificate %s of site %s is revoked", Serial(c), Site(c))
		}
	}
	return Site(c), nil
}

// Ends is when the site's own certificate is over; ErrFiles.
func (f Files) Ends() (clock.Instant, error) {
	pair, _, err := f.load()
	if err != nil {
		return 0, err
	}
	return clock.Instant(pair.Leaf.NotAfter.UnixNano()), nil
}

// State is how a site's certificate stands.
type State struct {
	Site   record.SiteID
	Serial string
	Ends   clock.Instant
}

// Check reads the files of a site and holds them against each other, the site and the time: ErrFiles, ErrExpired.
func (f Files) Check(site record.SiteID, now clock.Instant) (s State, err error) {
	pair, pool, err := f.load()
	if err != nil {
		return s, err
	}
	s = State{Site(pair.Leaf), Serial(pair.Leaf), clock.Instant(pair.Leaf.NotAfter.UnixNano())}
	if s.Site != site {
		return s, fmt.Errorf("%w: %s 是 %q 站的证书, 不是 %s 站的 (another site's certificate)", ErrFiles, f.Cert, s.Site, site)
	}
	usage := x509.ExtKeyUsageClientAuth
	if site == CenterSite {
		usage = x509.ExtKeyUsageServerAuth
	}
	_, err = pair.Leaf.Verify(x509.VerifyOptions{Roots: pool, CurrentTime: time.Unix(0, int64(now)), KeyUsages: []x509.ExtKeyUsage{usage}})
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return s, fmt.Errorf("%w: %s, 有效期至 (valid until) %v", ErrExpired, f.Cert, s.Ends)
	case err != nil:
		return s, fmt.Errorf("%w: %s 不是 %s 签发的 (not signed by it): %w", ErrFiles, f.Cert, f.CA, err)
	}
	return s, nil
}

// spokenTLS is how Go's HTTP server tells a client without TLS.
const spokenTLS = "Client sent an HTTP request to an HTTPS server"

// Spoken is ErrTLS if an answer says that the peer wanted TLS.
func Spoken(status int, body []byte) error {
	if status == http.StatusBadRequest && bytes.HasPrefix(body, []byte(spokenTLS)) {
		return ErrTLS
	}
	return nil
}

// Explain says what of the certificates made a call fail; other errors stay as they are.
func Explain(err error) error {
	var op *net.OpError
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var verify *tls.CertificateVerificationError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, http.ErrSchemeMismatch):
		return fmt.Errorf("%w: %w", ErrPlain, err)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Errorf("%w: %w", ErrExpired, err)
	case errors.As(err, &unknown), errors.As(err, &host), errors.As(err, &invalid), errors.As(err, &verify):
		return fmt.Errorf("%w: %w", ErrUntrusted, err)
	case errors.As(err, &op) && op.Op == "remote error":
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}
