//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"greylock/cmd/internal/cli"
	"greylock/system/center"
	"greylock/system/wire/fuelcard"
)

// withTLS is the text of a configuration whose link to the center has the certificates of a site.
func withTLS(text, dir, site string) string {
	return strings.NewReplacer(`center: "http://`, fmt.Sprintf(`tls: {ca: %q, cert: %q, key: %q}, center: "https://`,
		filepath.Join(dir, "ca.crt"), filepath.Join(dir, site+".crt"), filepath.Join(dir, site+".key"))).Replace(text)
}

func text(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestLinkWithTLS: the built programs know each other by certificates that the program itself has made; every wrong one is told
// apart, a site speaks for itself alone, and a revoked certificate is out at once.
func TestLinkWithTLS(t *testing.T) {
	t.Parallel()
	x := newTown(t, fuelcard.National())
	_, tid := x.psam()
	tls := x.path("tls")
	call(t, "center", "certificate", "0000", "--dir", tls).want(t, cli.Usage, "--company")
	list := into[[]issuedCert](t, call(t, "center", "certificate", "0000", "0001", "9101", "--dir", tls, "--company", "示范公司", "--json"))
	if len(list) != 3 || list[1].Site != "0001" || len(list[1].Serial) != 32 {
		t.Fatalf("%+v", list)
	}
	call(t, "center", "certificate", "0001", "--dir", tls).want(t, cli.Failed, "E104", "--renew")
	call(t, "center", "certificate", "one", "--dir", tls).want(t, cli.Usage, "四位")
	for _, name := range []string{"ca.key", "0001.key"} {
		if info, err := os.Stat(filepath.Join(tls, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
	desk := func(name, site string, change ...string) []string {
		path := file(t, x.path(name), strings.NewReplacer(change...).Replace(withTLS(text(t, x.path("issue.yaml")), tls, site)))
		return []string{"issue", "top-up", "--account", "A0001", "--amount", "1.00", "--receipt", name, "--config", path}
	}
	call(t, desk("early.yaml", "9101")...).want(t, cli.Peer, "E706", "center.tls") // the center has no TLS yet
	file(t, x.path("revoked"), "")
	plainCenter := text(t, x.path("center.yaml"))
	file(t, x.path("center.yaml"), strings.Replace(plainCenter, "center: {", fmt.Sprintf("center: {revoked: %q, tls: {ca: %q, cert: %q, key: %q}, ",
		x.path("revoked"), filepath.Join(tls, "ca.crt"), filepath.Join(tls, "0000.crt"), filepath.Join(tls, "0000.key")), 1))
	if code := x.center.signal(syscall.SIGTERM); code != cli.OK {
		t.Fatalf("exit %d:\n%s", code, x.center.said())
	}
	x.startCenter()
	x.center.says(`"door":"exchange"`, `"tls":true`)

	plain := append(desk("plain.yaml", "9101")[:8], "--config", x.path("issue.yaml"))
	call(t, plain...).want(t, cli.Peer, "E707", "tls.ca")
	call(t, "doctor", "--config", x.path("issue.yaml")).want(t, cli.Device, "E707")
	foreign := x.path("foreign")
	call(t, "center", "certificate", "0000", "9101", "--dir", foreign, "--company", "别家").want(t, cli.OK)
	call(t, desk("foreign.yaml", "9101", tls, foreign)...).want(t, cli.Peer, "E703")
	call(t, desk("other.yaml", "0001")...).want(t, cli.Config, "E301", "0001", "9101") // before anything is sent
	good := desk("good.yaml", "9101")
	call(t, good...).want(t, cli.Failed, "UNKNOWN_ACCOUNT") // it answers: there is no such account

	cfg := x.stationConfig(filepath.Join(x.dir, "port01"))
	file(t, cfg, strings.Replace(text(t, cfg), "  center: \"http://", fmt.Sprintf("  tls: {ca: %q, cert: %q, key: %q}\n  center: \"https://",
		filepath.Join(tls, "ca.crt"), filepath.Join(tls, "0001.crt"), filepath.Join(tls, "0001.key")), 1))
	x.orders(tid)
	s := launch(t, nil, "station", "--config", cfg)
	s.door("operator")
	eventually(t, "the station applies what it was ordered, over TLS", func() bool {
		v := into[center.Versions](t, x.ask("center", "site", "versions", "--json")).Versions
		return len(v) > 0 && v[0].Applied > 0
	})
	if r := rows(t, call(t, "doctor", "--config", cfg, "--probe=false", "--json")); r.row(t, "center", "").Health != fine || r.row(t, "certificates", "").Health != fine {
		t.Errorf("%+v", r)
	}
	for _, door := range []string{s.door("operator"), x.operator} {
		if _, text := get(t, door, "/metrics"); !strings.Contains(text, "greylock_certificate_left_seconds 3") {
			t.Errorf("no end of the certificate in\n%s", text)
		}
	}
	if strings.Contains(s.said(), "证书将到期") {
		t.Error(s.said())
	}
	call(t, "center", "certificate", "--renew", "--days", "9", "0001", "--dir", tls).want(t, cli.OK)
	soon := launch(t, []string{"GREYLOCK_DATA=" + x.path("soon")}, "station", "--config", cfg)
	soon.says("证书将到期", "--renew")
	soon.signal(syscall.SIGTERM)
	call(t, "doctor", "--config", cfg, "--probe=false").want(t, cli.Device, "ends soon")
	call(t, "center", "certificate", "revoke", "0001", "--dir", tls).want(t, cli.OK, "revoked")
	file(t, x.path("revoked"), text(t, filepath.Join(tls, "revoked")))
	call(t, "doctor", "--config", cfg, "--probe=false").want(t, cli.Device, "证书已吊销")
	if code := s.signal(syscall.SIGTERM); code != cli.OK {
		t.Errorf("exit %d:\n%s", code, s.said())
	}
}

// TestCleartextIsRefused: http beyond this machine needs a training realm that allows it.
func TestCleartextIsRefused(t *testing.T) {
	t.Parallel()
	far := strings.Replace(goodStation, "127.0.0.1:7100", "10.0.0.1:7100", 1)
	allowed := strings.Replace(far, "realm: training", "realm: training, cleartext: allowed", 1)
	dir := t.TempDir()
	check := func(text string) result {
		return call(t, "config", "check", file(t, filepath.Join(dir, "s.yaml"), text))
	}
	check(far).want(t, cli.Config, "E301", ":4: station.center", "greylock center certificate")
	check(allowed).want(t, cli.OK)
	check(strings.Replace(allowed, "training", "production", 1)).want(t, cli.Config, "site.cleartext")
	check(strings.Replace(far, "http:", "https:", 1)).want(t, cli.Config, "station.tls.ca", "station.tls.cert", "station.tls.key")
	door := fmt.Sprintf("site: {id: \"0000\", name: 示范, realm: training}\ndata: d\ncenter: {listen: %q}\n", "0.0.0.0:7100")
	check(door).want(t, cli.Config, ":3: center.listen", "center.tls")
}
