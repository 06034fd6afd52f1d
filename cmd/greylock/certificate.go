package main

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/cmd/internal/config"
	"greylock/system/clock"
	"greylock/system/exchange/cert"
	"greylock/system/wire/record"
)

// The files of a company's certificates, in one directory: the authority's, SITE.crt and SITE.key of each site, the list of revoked ones.
const (
	authorityCert = "ca.crt"
	authorityKey  = "ca.key"
	revokedList   = "revoked"
)

// certificateFlags are what the certificate commands are told.
type certificateFlags struct {
	dir, company string
	days         int
	renew        bool
}

// issuedCert is one certificate for people.
type issuedCert struct {
	Site   record.SiteID `json:"site"`
	Cert   string        `json:"cert"`
	Key    string        `json:"key"`
	Serial string        `json:"serial"`
	Ends   string        `json:"ends"`
}

func (e *env) centerCertificate() *cobra.Command {
	f := &certificateFlags{}
	c := &cobra.Command{Use: "certificate SITE…", Short: "签发站点间加密用的证书 (certificates for the link between sites)", Args: cobra.MinimumNArgs(1),
		Long: "为中心 (0000) 与各站、网点签发证书, 有效期见 --days。第一次运行时建立本公司的签发机构 ca.crt, ca.key; ca.key 请离线保存。\n" +
			"每个站点得到 ca.crt, 站点号.crt, 站点号.key, 写入其配置的 tls.ca, tls.cert, tls.key。\n" +
			"Certificates for the center (0000) and each site. The first run makes the company's authority; keep ca.key off line.",
		RunE: func(_ *cobra.Command, args []string) error { return e.certificates(f, args) }}
	c.PersistentFlags().StringVar(&f.dir, "dir", "tls", "证书的目录 (directory)")
	c.Flags().StringVar(&f.company, "company", "", "公司名, 用于签发机构 (company's name, for the authority)")
	c.Flags().IntVar(&f.days, "days", cert.SiteDays, "有效天数 (days)")
	c.Flags().BoolVar(&f.renew, "renew", false, "替换已有的证书 (replace those that are there)")
	c.AddCommand(&cobra.Command{Use: "revoke SITE…", Short: "吊销: 号码写入 revoked 文件, 由 center.revoked 引用 (no longer taken; center.revoked names the list)",
		Args: cobra.MinimumNArgs(1), RunE: func(_ *cobra.Command, args []string) error { return e.revoke(f, args) }})
	return c
}

func (e *env) certificates(f *certificateFlags, args []string) error {
	sites, err := siteNumbers(args)
	if err != nil {
		return err
	}
	if f.days < 1 || f.days > cert.AuthorityDays {
		return cli.Usagef("--days %d: 1…%d", f.days, cert.AuthorityDays)
	}
	now := clock.System{}.Now()
	authority, err := e.authority(f, now)
	if err != nil {
		return err
	}
	var list []issuedCert
	for _, site := range sites {
		x := issuedCert{Site: site, Cert: filepath.Join(f.dir, string(site)+".crt"), Key: filepath.Join(f.dir, string(site)+".key")}
		if _, err := os.Stat(x.Cert); err == nil && !f.renew {
			return fmt.Errorf("%s: %w; --renew 替换 (replaces it)", x.Cert, fs.ErrExist)
		}
		pair, err := authority.Issue(site, f.days, now, e.random)
		if err != nil {
			return err
		}
		if err := writePair(pair, x.Cert, x.Key); err != nil {
			return err
		}
		s, err := cert.Files{CA: filepath.Join(f.dir, authorityCert), Cert: x.Cert, Key: x.Key}.Check(site, now)
		if err != nil {
			return err
		}
		x.Serial, x.Ends = s.Serial, s.Ends.String()
		list = append(list, x)
	}
	return e.Print(list, func(w io.Writer) {
		t := cli.Table{Heads: []string{"站点", "证书", "私钥", "号码", "有效期至"}}
		for _, x := range list {
			t.Add(x.Site, x.Cert, x.Key, x.Serial, x.Ends)
		}
		t.Write(w)
	})
}

func siteNumbers(args []string) (sites []record.SiteID, err error) {
	for _, a := range args {
		if len(a) != 4 || strings.Trim(a, "0123456789") != "" {
			return nil, cli.Usagef("%q: 应为四位站点号, 中心是 0000 (want four digits; the center is 0000)", a)
		}
		sites = append(sites, record.SiteID(a))
	}
	return sites, nil
}

// authority reads the company's authority, or founds it.
func (e *env) authority(f *certificateFlags, now clock.Instant) (*cert.Authority, error) {
	certPath, keyPath := filepath.Join(f.dir, authorityCert), filepath.Join(f.dir, authorityKey)
	_, err := os.Stat(certPath)
	if errors.Is(err, fs.ErrNotExist) {
		if f.company == "" {
			return nil, cli.Usagef("请给出 --company: %s 中还没有签发机构 (there is no authority yet: name the company)", f.dir)
		}
		pair, err := cert.NewAuthority(f.company, now, e.random)
		if err != nil {
			return nil, err
		}
		if err := os.MkdirAll(f.dir, 0o700); err != nil {
			return nil, err
		}
		if err := writePair(pair, certPath, keyPath); err != nil {
			return nil, err
		}
		return cert.ReadAuthority(pair)
	}
	var pair cert.Pair
	if pair.Cert, err = os.ReadFile(certPath); err != nil {
		return nil, err
	}
	if pair.Key, err = os.ReadFile(keyPath); err != nil {
		return nil, err
	}
	a, err := cert.ReadAuthority(pair)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", config.ErrConfig, f.dir, err)
	}
	return a, nil
}

// writePair puts both files there, the key first: a certificate that is there has its key.
func writePair(p cert.Pair, certPath, keyPath string) error {
	if err := replaceFile(keyPath, p.Key, 0o600); err != nil {
		return err
	}
	return replaceFile(certPath, p.Cert, 0o644)
}

// replaceFile puts a file in the place of another, whole or not at all.
func replaceFile(path string, text []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func (e *env) revoke(f *certificateFlags, args []string) error {
	sites, err := siteNumbers(args)
	if err != nil {
		return err
	}
	path := filepath.Join(f.dir, revokedList)
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, site := range sites {
		pemText, err := os.ReadFile(filepath.Join(f.dir, string(site)+".crt"))
		if err != nil {
			return err
		}
		block, _ := pem.Decode(pemText)
		if block == nil {
			return fmt.Errorf("%w: %s.crt", cert.ErrFiles, site)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return fmt.Errorf("%w: %s.crt: %w", cert.ErrFiles, site, err)
		}
		text = fmt.Appendf(text, "%s %s %s\n", cert.Serial(c), site, clock.System{}.Now())
	}
	if err := replaceFile(path, text, 0o644); err != nil {
		return err
	}
	return e.Print(map[string]any{"revoked": sites, "list": path}, func(w io.Writer) {
		fmt.Fprintf(w, "已吊销 (revoked): %v; 中心的 center.revoked 指向 %s, 即刻生效 (takes effect at once)\n", args, path)
	})
}

// centerFiles are the certificates of the center's door.
func centerFiles(c config.Center) cert.Files {
	f := c.TLS.Files()
	f.Revoked = c.Revoked
	return f
}
