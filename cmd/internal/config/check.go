package config

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"greylock/system/clock"
	"greylock/system/exchange/cert"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Role is the program that is to run on a configuration.
type Role string

// The roles that have a configuration.
const (
	RoleCenter  Role = "center"
	RoleStation Role = "station"
	RoleIssue   Role = "issue"
	RoleMaking  Role = "making"
)

// Bounds of a log: files that an editor still opens, and fewer than people would count.
const (
	mostLog  = 1024
	mostLogs = 100
)

// maxPorts is four 16-port hubs.
const maxPorts = 64

// Check names everything that keeps a program of this role from starting; nothing of a file that Load could not read.
func (c Config) Check(role Role) error {
	if c.unread {
		return nil
	}
	k := &checker{c: &c}
	k.digits("site.id", c.Site.ID, 4)
	k.need("site.name", c.Site.Name)
	if c.Site.Realm != "training" && c.Site.Realm != "production" {
		k.bad("site.realm", "%q: 应为 training 或 production (want one of these)", c.Site.Realm)
	}
	k.need("data", c.Data)
	k.cards()
	if l := c.Log; l.File != "" && (l.MB < 1 || l.MB > mostLog || l.Keep < 0 || l.Keep > mostLogs) {
		k.bad("log.mb", "%d, log.keep %d: 应为 1…%d MB, 保留 0…%d 份 (want so many megabytes, so many files)", l.MB, l.Keep, mostLog, mostLogs)
	}
	if x := c.Site.Cleartext; x != "" && (x != Allowed || c.Site.Realm == "production") {
		k.bad("site.cleartext", "%q: 只能为空, 教学环境可为 %s (empty; in training perhaps %s)", x, Allowed, Allowed)
	}
	switch role {
	case RoleCenter:
		k.address("center.listen", c.Center.Listen, false)
		k.listenLink(c.Center)
		k.address("center.operator", c.Center.Operator, true)
		k.file("center.vault", c.Center.Vault)
		k.secret("center.secret", c.Center.Secret)
		if c.Center.Prices != TwoPersons && c.Center.Prices != OnePerson {
			k.bad("center.prices", "%q: 应为 %s 或 %s (who changes prices)", c.Center.Prices, TwoPersons, OnePerson)
		}
	case RoleStation:
		k.callLink("station", c.Station.Center, c.Station.TLS)
		if b, err := hex.DecodeString(c.Station.CenterKey); err != nil || len(b) != 32 {
			k.bad("station.center_key", "应为 64 位十六进制, 由 greylock center key 给出 (want 64 hexadecimal digits, as `greylock center key` prints)")
		}
		k.address("station.operator", c.Station.Operator, true)
		k.ports(c.Station.Ports)
		k.tills(c.Station.Tills)
		k.contactor(c.Station)
		k.gauge(c.Station.Gauge, c.Station.Ports)
		k.ups(c.Station)
		k.litres("station.most_flow", c.Station.MostFlow)
		k.litres("station.most_fill", c.Station.MostFill)
		k.span("station.lists.warn", c.Station.Lists.Warn)
		k.span("station.lists.refuse", c.Station.Lists.Refuse)
	case RoleIssue:
		k.callLink("issue", c.Issue.Center, c.Issue.TLS)
		k.file("issue.vault", c.Issue.Vault)
		k.secret("issue.secret", c.Issue.Secret)
		k.digits("issue.tid", c.Issue.TID, 12)
	case RoleMaking:
		k.callLink("making", c.Making.Center, c.Making.TLS)
		k.file("making.vault", c.Making.Vault)
		k.secret("making.secret", c.Making.Secret)
		k.secret("making.transport", c.Making.Transport)
		k.digits("making.company", c.Making.Company, 2)
		k.digits("making.province", c.Making.Province, 2)
	}
	if len(k.problems) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrConfig, errors.Join(k.problems...))
}

// litres wants more than none of them.
func (k *checker) litres(key, text string) {
	if q, err := unit.ParseQuantity(text); err != nil || q <= 0 {
		k.bad(key, "%q: 应为升数, 大于 0 (want litres, more than 0)", text)
	}
}

type checker struct {
	c        *Config
	problems []error
}

// cards checks profile and flags; each flag by itself was checked when it was read.
func (k *checker) cards() {
	var names []string
	for _, p := range fuelcard.Profiles() {
		names = append(names, p.Name)
	}
	if name := k.c.Card.Profile; name != "" && !slices.Contains(names, name) {
		k.bad("card.profile", "%q: 没有这个卡片方案, 可选 %s (no such profile); 是否 %s (did you mean)?", name, strings.Join(names, " "), nearest(name, names))
		return
	}
	if _, err := k.c.Cards(); err != nil {
		k.bad("card.flags", "%v", err)
	}
}

// bad names where the value stands: its line, or the variable that overrides it.
func (k *checker) bad(key, format string, args ...any) {
	p := Problem{File: k.c.file, Key: key, Line: k.c.lines[key], Text: fmt.Sprintf(format, args...)}
	if _, ok := os.LookupEnv(Env(key)); ok || p.File == "" {
		p.File, p.Line = "environment "+Env(key), 0
	}
	k.problems = append(k.problems, p)
}

func (k *checker) need(key, value string) {
	if strings.TrimSpace(value) == "" {
		k.bad(key, "不能为空 (must be set)")
	}
}

func (k *checker) digits(key, value string, n int) {
	if len(value) != n || strings.Trim(value, "0123456789") != "" {
		k.bad(key, "%q: 应为 %d 位数字, 请加引号 (want %d digits, quoted)", value, n, n)
	}
}

func (k *checker) file(key, path string) fs.FileInfo {
	if path == "" {
		k.bad(key, "不能为空 (must be set)")
		return nil
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		k.bad(key, "%s: 没有这个文件 (no such file)", path)
	case err != nil:
		k.bad(key, "%v", err)
	case info.IsDir():
		k.bad(key, "%s: 是目录, 应为文件 (a directory, want a file)", path)
	default:
		return info
	}
	return nil
}

// secret is a file that its owner alone may read.
func (k *checker) secret(key, path string) {
	if info := k.file(key, path); info != nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		k.bad(key, "%s: 权限 %o 过宽, 请 chmod 600 (others may read this secret)", path, info.Mode().Perm())
	}
}

// callLink is how a site calls the center: over TLS, unless the center is this machine's or a training realm says so.
func (k *checker) callLink(role, center string, t TLS) {
	u, err := url.Parse(center)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		k.bad(role+".center", "%q: 应为 https://主机:端口, 本机或教学可为 http (want https://host:port; http on this machine or in training)", center)
		return
	}
	files := t.Files()
	switch {
	case u.Scheme == "https":
		k.certificates(role+".tls", t, record.SiteID(k.c.Site.ID))
	case files.Used():
		k.bad(role+".center", "%q: 已给出 %s.tls, 应为 https:// (there are certificates: want https://)", center, role)
	case !here(u.Hostname()) && k.c.Site.Cleartext != Allowed:
		k.bad(role+".center", "%q: 不加密的 http 只能在本机; 请用 https 与 %s.tls (greylock center certificate), 教学环境可设 site.cleartext: %s "+
			"(cleartext beyond this machine: use https and certificates, or in training allow it)", center, role, Allowed)
	}
}

// listenLink is the same at the center's end.
func (k *checker) listenLink(c Center) {
	if c.TLS.Files().Used() {
		k.certificates("center.tls", c.TLS, cert.CenterSite)
	} else if host, _, err := net.SplitHostPort(c.Listen); err == nil && !here(host) && k.c.Site.Cleartext != Allowed {
		k.bad("center.listen", "%q: 不加密只能监听本机; 请给出 center.tls (greylock center certificate), 教学环境可设 site.cleartext: %s "+
			"(cleartext beyond this machine: give center.tls, or in training allow it)", c.Listen, Allowed)
	}
	if c.Revoked != "" {
		k.file("center.revoked", c.Revoked)
	}
}

// certificates must be there, belong together and be the site's.
func (k *checker) certificates(key string, t TLS, site record.SiteID) {
	before := len(k.problems)
	k.file(key+".ca", t.CA)
	k.file(key+".cert", t.Cert)
	k.secret(key+".key", t.Key)
	if len(k.problems) > before {
		return
	}
	if _, err := t.Files().Check(site, clock.System{}.Now()); err != nil {
		k.bad(key+".cert", "%v: greylock center certificate 另签 (makes another)", err)
	}
}

// here says that a host is this machine.
func here(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (k *checker) address(key, value string, loopback bool) {
	host, port, err := net.SplitHostPort(value)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		k.bad(key, "%q: 应为 主机:端口, 端口 0…65535 (want host:port)", value)
		return
	}
	if loopback && !here(host) {
		k.bad(key, "%q: 只能是本机地址 (loopback only)", value)
	}
}

// Span reads a span of time, as 24h or 90m; empty is none.
func Span(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	return time.ParseDuration(text)
}

// span is a span of at most a year.
func (k *checker) span(key, text string) {
	const year = 366 * 24 * time.Hour
	if d, err := Span(text); err != nil || d < 0 || d > year {
		k.bad(key, "%q: 应为时长, 如 24h, 至多一年 (want a span such as 24h)", text)
	}
}

func (k *checker) tills(tills []Till) {
	numbers, readers := map[int]bool{}, map[string]bool{}
	for i, t := range tills {
		key := fmt.Sprintf("station.tills[%d]", i)
		if t.Number < 1 || t.Number > maxPorts || numbers[t.Number] {
			k.bad(key+".number", "%d: 应为 1…%d, 不重复 (want, each once)", t.Number, maxPorts)
		}
		for _, x := range [][2]string{{"reader", t.Reader}, {"psam", t.PSAM}} {
			name := x[1]
			if name == "" || readers[name] {
				k.bad(key+"."+x[0], "%q: 应为读卡器名, 不重复, 见 greylock doctor (want a reader's name, each once)", name)
			}
			readers[name] = true
		}
		numbers[t.Number] = true
	}
}

// gauge has a line of its own.
func (k *checker) gauge(g Gauge, ports []Port) {
	for i, p := range ports {
		if g.Path != "" && g.Path == p.Path {
			k.bad("station.gauge.path", "%q 与 ports[%d] 重复 (duplicate path)", g.Path, i)
		}
	}
	if g.Baud != 0 && (g.Baud < 300 || g.Baud > 115200) {
		k.bad("station.gauge.baud", "%d: 应为 300…115200 (want)", g.Baud)
	}
	if g.Parity != "" && g.Parity != "none" && g.Parity != "even" {
		k.bad("station.gauge.parity", "%q: 应为 none 或 even (want)", g.Parity)
	}
}

// mostOnBattery bounds what anybody may want of a battery.
const mostOnBattery = 24 * time.Hour

// ups has a line of its own, too.
func (k *checker) ups(s Station) {
	const key = "station.ups"
	u := s.UPS
	if u.Path != "" && (u.Path == s.Gauge.Path || u.Path == s.Contactor.Path || slices.ContainsFunc(s.Ports, func(p Port) bool { return p.Path == u.Path })) {
		k.bad(key+".path", "%q: 与另一个设备重复 (another device has it)", u.Path)
	}
	k.speed(key, u.Baud, u.Parity)
	if d, err := Span(u.Most); err != nil || u.Most != "" && (d < time.Minute || d > mostOnBattery) {
		k.bad(key+".most", "%q: 应为时长, 如 5m, 1m…24h (want a span such as 5m)", u.Most)
	}
}

func (k *checker) ports(ports []Port) {
	if len(ports) == 0 || len(ports) > maxPorts {
		k.bad("station.ports", "%d 个端口, 应为 1…%d (ports)", len(ports), maxPorts)
	}
	numbers, paths := map[int]int{}, map[string]int{}
	for i, p := range ports {
		key := fmt.Sprintf("station.ports[%d]", i)
		if p.Number < 1 || p.Number > maxPorts {
			k.bad(key+".number", "%d: 应为 1…%d (want)", p.Number, maxPorts)
		} else if j, twice := numbers[p.Number]; twice {
			k.bad(key+".number", "%d 与 ports[%d] 重复 (duplicate port)", p.Number, j)
		}
		if j, twice := paths[p.Path]; twice {
			k.bad(key+".path", "%q 与 ports[%d] 重复 (duplicate path)", p.Path, j)
		}
		numbers[p.Number], paths[p.Path] = i, i
		if p.Path == "" {
			k.bad(key+".path", "不能为空 (must be set)")
		}
		k.speed(key, p.Baud, p.Parity)
		if p.Protocol != "" && p.Protocol != "fa" && p.Protocol != "lf" {
			k.bad(key+".protocol", "%q: 应为 fa 或 lf (want)", p.Protocol)
		}
	}
}

// speed checks how a line is set.
func (k *checker) speed(key string, baud int, parity string) {
	if baud != 0 && (baud < 300 || baud > 115200) {
		k.bad(key+".baud", "%d: 应为 300…115200 (want)", baud)
	}
	if parity != "" && parity != "none" && parity != "even" {
		k.bad(key+".parity", "%q: 应为 none 或 even (want)", parity)
	}
}

// contactor checks the relay board, if there is one.
func (k *checker) contactor(s Station) {
	const key = "station.contactor"
	x := s.Contactor
	if x.Path == "" {
		if x.Coils != "" || x.Address != 0 {
			k.bad(key+".path", "不能为空 (must be set)")
		}
		return
	}
	k.speed(key, x.Baud, x.Parity)
	if x.Address < 1 || x.Address > 247 {
		k.bad(key+".address", "%d: 应为 1…247 (want)", x.Address)
	}
	if slices.ContainsFunc(s.Ports, func(p Port) bool { return p.Path == x.Path }) {
		k.bad(key+".path", "%q: 与端口重复 (a port of the hub)", x.Path)
	}
	coils, err := Coils(x.Coils)
	if err != nil || len(coils) == 0 {
		k.bad(key+".coils", `%q: 应为 端口=线圈, 如 "1=0 2=1", 线圈 0…255, 不可重复 (want port=coil for each, once)`, x.Coils)
	}
	for port := range coils {
		if !slices.ContainsFunc(s.Ports, func(p Port) bool { return p.Number == port && p.Protocol != "lf" }) {
			k.bad(key+".coils", "%d 号口没有卡机 (no card dispenser at this port)", port)
		}
	}
}

// mostCoil is the last coil that a board here may have.
const mostCoil = 255

// Coils reads a list of port=coil; each port and coil is there once.
func Coils(text string) (map[int]uint16, error) {
	coils, used := map[int]uint16{}, map[int]bool{}
	for _, word := range strings.Fields(text) {
		port, coil, _ := strings.Cut(word, "=")
		p, wrong := strconv.Atoi(port)
		n, bad := strconv.Atoi(coil)
		if _, twice := coils[p]; twice || wrong != nil || bad != nil || n < 0 || n > mostCoil || used[n] {
			return nil, fmt.Errorf("%w: %q", ErrConfig, word)
		}
		coils[p], used[n] = uint16(n), true
	}
	return coils, nil
}
