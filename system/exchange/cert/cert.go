// Package cert makes and reads the certificates of the link between sites and center: TLS 1.3, both sides named by a private
// authority of the company. A certificate names a site by its number, never by an address, so that addresses may change; only
// the center's is good for a server.
//
// Source: trust.md requirements 26 and 27; which parts of them are ours stands in ADR 0027.
package cert

import (
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"time"

	"greylock/system/clock"
	"greylock/system/wire/record"
)

// Spans of certificates; ours.
const (
	AuthorityDays = 3650
	SiteDays      = 397                 // trust.md wants 90 with automatic renewal: ADR 0027
	Soon          = 30 * 24 * time.Hour // an end that is nearer is told of
	backdated     = time.Hour           // clocks of two machines differ
)

// CenterSite is the site number of the center.
const CenterSite = record.Center

// suffix makes a site number a name that certificates can hold.
const suffix = ".site.greylock"

func name(site record.SiteID) string { return string(site) + suffix }

// Authority signs the certificates of a company's sites.
type Authority struct {
	cert *x509.Certificate
	key  ed25519.PrivateKey
}

// Pair is a certificate and its private key, both PEM.
type Pair struct{ Cert, Key []byte }

// NewAuthority makes an authority for a company.
func NewAuthority(company string, now clock.Instant, random io.Reader) (Pair, error) {
	t := &x509.Certificate{
		Subject: pkix.Name{CommonName: "greylock " + company}, IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	return sign(t, nil, AuthorityDays, now, random)
}

// ReadAuthority reads an authority's pair.
func ReadAuthority(p Pair) (*Authority, error) {
	c, err := parse(p.Cert)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(p.Key)
	if block == nil {
		return nil, fmt.Errorf("%w: 私钥不是 PEM (the key is no PEM)", ErrFiles)
	}
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFiles, err)
	}
	key, ok := k.(ed25519.PrivateKey)
	if pub, isEd := c.PublicKey.(ed25519.PublicKey); !c.IsCA || !ok || !isEd || !pub.Equal(key.Public()) {
		return nil, fmt.Errorf("%w: 不是签发机构, 或私钥不是它的 (no authority, or not its key)", ErrFiles)
	}
	return &Authority{c, key}, nil
}

// Issue makes a site's pair. The center's alone is good for a server, and for nothing else.
func (a *Authority) Issue(site record.SiteID, days int, now clock.Instant, random io.Reader) (Pair, error) {
	usage := x509.ExtKeyUsageClientAuth
	if site == CenterSite {
		usage = x509.ExtKeyUsageServerAuth
	}
	t := &x509.Certificate{
		Subject: pkix.Name{CommonName: "greylock site " + string(site)}, DNSNames: []string{name(site)}, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{usage},
	}
	return sign(t, a, days, now, random)
}

// sign completes a template with a fresh key; by nil it signs itself.
func sign(t *x509.Certificate, by *Authority, days int, now clock.Instant, random io.Reader) (p Pair, err error) {
	public, key, err := ed25519.GenerateKey(random)
	if err != nil {
		return p, fmt.Errorf("cert: key: %w", err)
	}
	serial := make([]byte, 16)
	if _, err := io.ReadFull(random, serial); err != nil {
		return p, fmt.Errorf("cert: serial: %w", err)
	}
	serial[0] = serial[0]&0x7F | 0x40 // positive, and always of one length
	t.SerialNumber = new(big.Int).SetBytes(serial)
	at := time.Unix(0, int64(now)).UTC()
	t.NotBefore, t.NotAfter = at.Add(-backdated), at.AddDate(0, 0, days)
	parent, signer := t, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(random, t, parent, public, signer)
	if err != nil {
		return p, fmt.Errorf("cert: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return p, fmt.Errorf("cert: %w", err)
	}
	p.Cert = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	p.Key = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	return p, nil
}

func parse(text []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("%w: 不是 PEM 证书 (no PEM certificate)", ErrFiles)
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFiles, err)
	}
	return c, nil
}

// Site is the site that a certificate names, "" if none.
func Site(c *x509.Certificate) record.SiteID {
	if len(c.DNSNames) != 1 || !strings.HasSuffix(c.DNSNames[0], suffix) {
		return ""
	}
	return record.SiteID(strings.TrimSuffix(c.DNSNames[0], suffix))
}

// Serial is a certificate's number, as a list of revoked ones holds it: hexadecimal.
func Serial(c *x509.Certificate) string { return c.SerialNumber.Text(16) }

// Errors that callers decide on.
var (
	ErrFiles     = errors.New("证书文件有误 (certificate files)")
	ErrUntrusted = errors.New("对端的证书不是本公司机构签发的 (the peer's certificate is not signed by the company's authority)")
	ErrExpired   = errors.New("证书过期或尚未生效 (a certificate has expired or is not valid yet)")
	ErrRefused   = errors.New("对端拒绝本站的证书 (the peer refuses this site's certificate)")
	ErrPlain     = errors.New("对端不用 TLS (the peer speaks no TLS)")
	ErrTLS       = errors.New("对端只用 TLS (the peer speaks TLS alone)")
)
