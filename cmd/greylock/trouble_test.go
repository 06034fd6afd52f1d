//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"greylock/cmd/internal/cli"
	"greylock/system/center"
	"greylock/system/journal"
	at "greylock/system/station"
	"greylock/system/wire/record"
)

// small is a center alone, not started.
type small struct {
	t   *testing.T
	dir string
}

func newSmall(t *testing.T) *small {
	t.Helper()
	x := &small{t: t, dir: t.TempDir()}
	export(t, newKeys(t), "center", "0000", x.path("center"), bothWords).want(t, cli.OK)
	x.config("127.0.0.1:0", "127.0.0.1:0")
	return x
}

func (x *small) path(name string) string { return filepath.Join(x.dir, name) }

func (x *small) config(listen, operator string) string {
	x.t.Helper()
	return file(x.t, x.path("center.yaml"), fmt.Sprintf(
		"site: {id: \"0000\", name: 示范公司, realm: training}\ndata: %q\ncenter: {listen: %q, operator: %q, vault: %q, secret: %q}\n",
		x.path("data"), listen, operator, x.path("center.vault"), x.path("center.secret")))
}

// run runs the center's program to its end.
func (x *small) run(env ...string) result {
	x.t.Helper()
	return run(x.t, env, "", "center", "--config", x.path("center.yaml"))
}

// started is the running center.
func (x *small) started() *process {
	x.t.Helper()
	p := launch(x.t, nil, "center", "--config", x.path("center.yaml"))
	p.says("已启动")
	return p
}

// TestCenterThatCanNotStart: each says what, where and what next, with its exit code, and leaves a whole journal behind.
func TestCenterThatCanNotStart(t *testing.T) {
	t.Parallel()
	x := newSmall(t)
	p := x.started()
	busy, op := p.door("exchange"), p.door("operator")
	x.run().want(t, cli.Device, "E405", "数据目录正被另一个程序使用", x.path("data"))
	x.run("GREYLOCK_DATA="+x.path("other"), "GREYLOCK_CENTER_LISTEN="+busy).want(t, cli.Device, "E403", busy, "exchange")
	x.run("GREYLOCK_DATA="+x.path("other"), "GREYLOCK_CENTER_OPERATOR="+op).want(t, cli.Device, "E403", op, "operator")
	x.run("GREYLOCK_DATA="+x.path("other"), "GREYLOCK_CENTER_LISTEN=192.0.2.1:1", "GREYLOCK_SITE_CLEARTEXT=allowed").want(t, cli.Device, "E403", "192.0.2.1:1")
	call(t, "audit", "verify", x.path("other")).want(t, cli.OK, "完好")
	if code := p.signal(syscall.SIGTERM); code != cli.OK {
		t.Fatalf("exit %d", code)
	}

	x.run("GREYLOCK_SITE_REALM=production").want(t, cli.Config, "E302", "training", "production", "center.vault")
	x.run("GREYLOCK_SITE_ID=0007").want(t, cli.Config, "E302", "0007")
	x.run("GREYLOCK_CENTER_SECRET="+x.path("center.vault")).want(t, cli.Config, "E302", "center.vault")
	x.run("GREYLOCK_CENTER_VAULT="+x.path("no.vault")).want(t, cli.Config, "E301", "no.vault", "没有这个文件", "GREYLOCK_CENTER_VAULT")
	x.run("GREYLOCK_CENTER_OPERATOR=0.0.0.0:0").want(t, cli.Config, "E301", "本机地址")
	x.run("GREYLOCK_CENTRE_LISTEN=x").want(t, cli.Config, "E301", "GREYLOCK_CENTRE_LISTEN", "GREYLOCK_CENTER_LISTEN")
	x.run("GREYLOCK_DATA="+x.path("center.yaml")).want(t, cli.Failed, "E103", "center.yaml")
	for _, mode := range []os.FileMode{0o644, 0o640, 0o602} {
		if err := os.Chmod(x.path("center.secret"), mode); err != nil {
			t.Fatal(err)
		}
		x.run().want(t, cli.Config, "E301", "chmod 600", "center.secret", ":3:")
	}
	if err := os.Chmod(x.path("center.secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	flip(t, x.path("center.vault"), 200)
	x.run().want(t, cli.Integrity, "E501", "center.vault")
	flip(t, x.path("center.vault"), 200)

	path := filepath.Join(x.path("data"), "journal")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flip(t, path, bytes.Index(text, []byte("示范公司")))
	x.run().want(t, cli.Integrity, "E501", path, "record 1")
	flip(t, path, bytes.Index(text, []byte("示范公司")))
	if code := x.started().signal(syscall.SIGINT); code != cli.OK {
		t.Errorf("exit %d: a program that is told to end has ended well", code)
	}
}

// TestJournalOfAnotherSite: a data directory is one site's for ever.
func TestJournalOfAnotherSite(t *testing.T) {
	t.Parallel()
	cfg := stationAlone(t, filepath.Join(t.TempDir(), "none"))
	p := launch(t, nil, "station", "--config", cfg)
	p.says("已启动")
	p.signal(syscall.SIGTERM)
	run(t, []string{"GREYLOCK_SITE_ID=0002"}, "", "station", "--config", cfg).want(t, cli.Config, "E302", "0001", "0002", "请检查数据目录")
	run(t, []string{"GREYLOCK_SITE_REALM=production"}, "", "station", "--config", cfg).want(t, cli.Config, "E302", "training", "production")
}

// stationAlone is the configuration of a station whose center nobody runs.
func stationAlone(t *testing.T, port string) string {
	t.Helper()
	dir := t.TempDir()
	return file(t, filepath.Join(dir, "station.yaml"), fmt.Sprintf(`site: {id: "0001", name: 示范加油站, realm: training}
data: %q
station:
  center: "http://127.0.0.1:1"
  center_key: %q
  operator: "127.0.0.1:0"
  locks: %q
  ports:
    - {number: 1, path: %q}
`, filepath.Join(dir, "data"), strings.Repeat("ab", 32), filepath.Dir(port), port))
}

// TestPortsThatAreNotThere: a station sells at the ports that it has: it starts, says which port is missing or taken, by whom and
// what to do, and takes it as soon as it comes.
func TestPortsThatAreNotThere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	port := filepath.Join(dir, "port01")
	p := launch(t, nil, "station", "--config", stationAlone(t, port))
	p.says(port, "没有这个串口", "集线器电源", `"code":"no-port"`)
	door := p.door("operator")
	call(t, "station", "status", "--addr", door).want(t, cli.OK, "断")
	_, tty := console(t)
	if err := os.Symlink(tty.Name(), port); err != nil {
		t.Fatal(err)
	}
	p.says("串口", port, `"open":true`)

	q := launch(t, nil, "station", "--config", stationAlone(t, port))
	q.says(port, "串口被其他程序占用", "停止占用", fmt.Sprintf("process %d", p.cmd.Process.Pid))
	p.signal(syscall.SIGKILL)
	q.says(port, `"open":true`)
	if code := q.signal(syscall.SIGTERM); code != cli.OK {
		t.Errorf("exit %d:\n%s", code, q.said())
	}

	plain := file(t, filepath.Join(dir, "plain"), "no port")
	r := launch(t, nil, "station", "--config", stationAlone(t, plain))
	r.says(plain, "不是串口")
}

// TestAuditNamesTheFirstBadRecord: by journal, record, byte and reason; a torn tail is what a power cut leaves, and fails only
// who asks for it.
func TestAuditNamesTheFirstBadRecord(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, site := range []string{"a", "b"} {
		j, _, err := journal.Open(journal.OS(filepath.Join(dir, site)), journal.Options{Reserve: 4096})
		if err != nil {
			t.Fatal(err)
		}
		for n := range 9 {
			if _, err := j.Append(fmt.Appendf(nil, `{"n":"record %d of %s"}`, n+1, site)); err != nil {
				t.Fatal(err)
			}
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	list := into[[]verdict](t, call(t, "audit", "verify", dir, "--json"))
	if len(list) != 2 || !list[0].OK || list[0].Records != 9 || !list[1].Sealed || len(list[1].Head) != 64 {
		t.Errorf("%+v", list)
	}
	path := filepath.Join(dir, "b", "journal")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{2, 5, 8} {
		at := bytes.Index(text, fmt.Appendf(nil, "record %d of b", n))
		flip(t, path, at)
		r := call(t, "audit", "verify", dir, "--json").want(t, cli.Integrity, "E501", fmt.Sprintf("第 %d 条记录", n), filepath.Join(dir, "b"))
		if i := strings.LastIndex(r.out, "]"); !strings.Contains(r.out[:i], fmt.Sprintf(`"bad_seq": %d`, n)) || strings.Count(r.out, `"ok": true`) != 1 {
			t.Errorf("record %d: %s", n, r.out)
		}
		flip(t, path, at)
	}
	call(t, "audit", "verify", dir).want(t, cli.OK, "封存")
	at := bytes.Index(text, []byte("record 9 of b"))
	if err := os.WriteFile(path, text[:at], 0o600); err != nil {
		t.Fatal(err)
	}
	call(t, "audit", "verify", dir).want(t, cli.OK, "未写完")
	call(t, "audit", "verify", dir, "--strict").want(t, cli.Integrity, "E501", filepath.Join(dir, "b"))
	before, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(before, text[:at]) {
		t.Errorf("an audit changed the journal (%v)", err)
	}
	call(t, "audit", "verify", t.TempDir()).want(t, cli.Failed, "没有找到日志")
	call(t, "audit", "verify", filepath.Join(dir, "none")).want(t, cli.Failed, "E103", "none")
	call(t, "audit", "verify").want(t, cli.Usage, "E201")
}

// TestPeerThatIsNoGreylock: nobody there, somebody else there, somebody who says nothing.
func TestPeerThatIsNoGreylock(t *testing.T) {
	t.Parallel()
	call(t, "center", "status", "--addr", "127.0.0.1:1").want(t, cli.Peer, "E701", "127.0.0.1:1", "--addr")
	call(t, "station", "status", "--addr", "no such host:1").want(t, cli.Peer, "E701")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for _, say := range []string{"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "SSH-2.0\r\n\r\n"} {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 4096))
			_, _ = c.Write([]byte(say))
			_ = c.Close()
		}
	}()
	for _, want := range []cli.Exit{cli.Peer, cli.Peer, cli.Peer} {
		call(t, "center", "status", "--addr", l.Addr().String()).want(t, want, l.Addr().String())
	}
}

// rubbish are bodies that no program of ours sends.
func rubbish() map[string]string {
	return map[string]string{
		"cut": `{"site":"0001"`, "list": `[]`, "text": `"x"`, "number": `1e999`, "stranger": `{"no_such_key":1}`, "two": `{} {}`,
		"deep": strings.Repeat("[", 20_000), "not UTF-8": "{\"\xff\xfe\":\x00}", "YAML": "site: 0001", "form": "site=0001&limit=1",
		"huge number": `{"limit":99999999999999999999}`, "negative": `{"limit":-1,"first":-1}`, "wide": `{"a":"` + strings.Repeat("x", 1<<20) + `"}`,
	}
}

// TestRubbishAtEveryDoor: every path of center and station refuses it in both languages, without a word in the journal.
func TestRubbishAtEveryDoor(t *testing.T) {
	t.Parallel()
	p := newSmall(t).started()
	q := launch(t, nil, "station", "--config", stationAlone(t, filepath.Join(t.TempDir(), "none")))
	exchange, op, station := p.door("exchange"), p.door("operator"), q.door("operator")
	n := 0
	for door, paths := range map[string][]string{
		exchange: {record.PathBatch, record.PathDirectives, record.PathAskLoad, record.PathAskLoadEnd, record.PathAskUnlock, record.PathAskUnlEnd,
			record.PathAskGrey, record.PathAskOpen, record.PathAskTopUp, "/ask/none", "/exchange/", "/op/status"},
		op: {center.PathStatus, center.PathSites, center.PathPutSite, center.PathPutProduct, center.PathPutLayout, center.PathPutPrices, center.PathPrices,
			center.PathCard, center.PathAccount, center.PathSales, center.PathSale, center.PathTrialBalance, "/op/none", record.PathBatch},
		station: {at.PathStatus, at.PathSales, at.PathAlarms, "/op/none", "/"},
	} {
		for _, path := range paths {
			for what, body := range rubbish() {
				n++
				resp, err := http.Post("http://"+door+path, "application/json", strings.NewReader(body))
				if err != nil {
					t.Fatalf("%s %s: %v", path, what, err)
				}
				text, err := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				var r record.Refusal
				if err != nil || json.Unmarshal(text, &r) != nil || resp.StatusCode < 400 || resp.StatusCode >= 500 || r.Code == "" || !han(r.Zh) || !latin(r.En) {
					t.Errorf("%s %s: %s %.200s (%v)", path, what, resp.Status, text, err)
				}
			}
		}
	}
	if n < 300 {
		t.Errorf("only %d requests", n)
	}
	call(t, "center", "status", "--addr", op).want(t, cli.OK, "站点 0, 卡 0, 交易 0, 隔离 0")
	call(t, "station", "status", "--addr", station).want(t, cli.OK, "0 条")
	bad := file(t, filepath.Join(t.TempDir(), "layout.json"), `{"ports":[{"prt":1}]}`)
	call(t, "center", "layout", "put", "--site", "0001", "--file", bad, "--addr", op).want(t, cli.Usage, bad, "prt")
	call(t, "center", "layout", "put", "--site", "0001", "--file", bad+".none", "--addr", op).want(t, cli.Usage, bad+".none")
	call(t, "center", "prices", "put", "--site", "0001", "1031=seven", "--addr", op).want(t, cli.Usage, "1031=seven")
	call(t, "center", "prices", "put", "--site", "0001", "--addr", op).want(t, cli.Usage)
	call(t, "center", "prices", "put", "--site", "0001", "1031=7.85", "--addr", op).want(t, cli.Failed, "0001")
	call(t, "center", "site", "put", "--site", "1", "--addr", op).want(t, cli.Failed)
	call(t, "center", "sale", "x", "--addr", op).want(t, cli.Failed)
	for _, x := range []*process{p, q} {
		if code := x.signal(syscall.SIGTERM); code != cli.OK {
			t.Errorf("exit %d:\n%s", code, x.said())
		}
	}
}
