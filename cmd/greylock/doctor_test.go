//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"greylock/cmd/internal/cli"
	"greylock/system/card"
	"greylock/system/clock"
	"greylock/system/journal"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/record"
)

// rows is what `doctor` says, whatever its exit code.
func rows(t *testing.T, r result) (x report) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.out), &x); err != nil {
		t.Fatalf("%v in:\n%s%s", err, r.out, r.err)
	}
	for _, f := range x.Rows {
		if f.Part == "" || f.Zh == "" || f.En == "" || (f.Health == fail || f.Health == warn) && (f.NextZh == "" || f.NextEn == "") {
			t.Errorf("a row without a part: %+v", f)
		}
	}
	return x
}

// row is the row of a part and subject.
func (r report) row(t *testing.T, part, subject string) finding {
	t.Helper()
	for _, f := range r.Rows {
		if f.Part == part && (subject == "" || f.Subject == subject) {
			return f
		}
	}
	t.Fatalf("no row %s %s in %+v", part, subject, r.Rows)
	return finding{}
}

// TestDoctorAtAStation: before the start it asks at the free ports; while the station runs it asks the station, which loses
// nothing by it; each trouble has its row and the exit code is the worst of them.
func TestDoctorAtAStation(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := newBoard(t, dir, blanks{profile: fuelcard.National()}.psam(t, 1), "1031", fuelcard.National())
	cfg := stationAlone(t, b.path)
	doctor := func(args ...string) result {
		t.Helper()
		return call(t, append([]string{"doctor", "--config", cfg, "--json"}, args...)...)
	}
	before := rows(t, doctor())
	if x := before.row(t, "boards", "1"); x.Health != fine || !strings.Contains(x.Zh, "fa") {
		t.Errorf("a dispenser on a free port: %+v", x)
	}
	for part, want := range map[string]health{
		"configuration": fine, "ports": fine, "hub": fine, "disk": fine, "journal": absent, "center": warn, "reader": fine, "PSAM": absent,
		"printer": absent, "receipt printer": optional, "UPS": absent, "modem": optional, "PIN pad": optional,
	} {
		if x := before.row(t, part, ""); x.Health != want {
			t.Errorf("%+v, want %s", x, want)
		}
	}
	text, err := os.ReadFile(cfg)
	if err != nil {
		t.Fatal(err)
	}
	other := file(t, filepath.Join(dir, "lf.yaml"), strings.Replace(string(text), "{number: 1,", "{number: 1, protocol: lf,", 1))
	call(t, "doctor", "--config", other).want(t, cli.Device, "应答的协议是 fa, 配置的是 lf")
	if before.Health != warn || before.Running {
		t.Errorf("before the start: %s, running %v", before.Health, before.Running)
	}
	doctor("--probe=false").want(t, cli.Failed, "E142")

	p := launch(t, nil, "station", "--config", cfg)
	door := p.door("operator")
	eventually(t, "the board answers the station", func() bool {
		return slices.ContainsFunc(rows(t, doctor("--addr", door)).Rows, func(f finding) bool { return f.Part == "boards" && f.Health != fail })
	})
	running := rows(t, doctor("--addr", door))
	if x := running.row(t, "ports", "1"); !running.Running || x.Health != fine || !strings.Contains(x.Zh, "由站级程序打开") {
		t.Errorf("while it runs: %+v", x)
	}
	if x := running.row(t, "journal", ""); x.Health != fine {
		t.Errorf("its journal: %+v", x)
	}
	if x := running.row(t, "boards", "1"); x.Health != warn || !strings.Contains(x.Zh, "布局") {
		t.Errorf("a board without a layout: %+v", x)
	}
	hidden := rows(t, doctor()) // its door is not known: the lock is
	if x := hidden.row(t, "ports", "1"); x.Health != warn || !strings.Contains(x.Zh, fmt.Sprint(p.cmd.Process.Pid)) {
		t.Errorf("a port that somebody has: %+v", x)
	}
	if x := hidden.row(t, "journal", ""); x.Health != warn {
		t.Errorf("a journal that somebody has: %+v", x)
	}
	if code := p.signal(syscall.SIGTERM); code != cli.OK || strings.Contains(p.said(), `"open":false`) && strings.Count(p.said(), `"open":true`) > 1 {
		t.Errorf("exit %d, disturbed:\n%s", code, p.said())
	}
	flip(t, filepath.Join(filepath.Dir(cfg), "data", "journal"), 100)
	doctor("--probe=false").want(t, cli.Device, "E441", "journal")
}

// TestDoctorNamesEachFailure: the row says what it is and what to do.
func TestDoctorNamesEachFailure(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	port := filepath.Join(dir, "port01")
	cfg := stationAlone(t, port)
	missing := call(t, "doctor", "--config", cfg, "--json").want(t, cli.Device, "E441")
	if x := rows(t, missing).row(t, "ports", "1"); x.Health != fail || !strings.Contains(x.NextZh, "--scan") {
		t.Errorf("a port that is not there: %+v", x)
	}
	call(t, "doctor", "--config", cfg).want(t, cli.Device, "故障 FAIL", "没有这个串口", "下一步")

	text, err := os.ReadFile(cfg)
	if err != nil {
		t.Fatal(err)
	}
	_, tty := console(t)
	for _, name := range []string{"port01", "port02"} {
		if err := os.Symlink(tty.Name(), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	twice := file(t, filepath.Join(dir, "twice.yaml"), string(text)+fmt.Sprintf("    - {number: 2, path: %q}\n", filepath.Join(dir, "port02")))
	call(t, "doctor", "--config", twice, "--probe=false").want(t, cli.Device, "同一个设备")
	call(t, "doctor", "--config", file(t, filepath.Join(dir, "bad.yaml"), string(text)+"strange: 1\n"), "--probe=false").want(t, cli.Device, "strange", "greylock config check")
	call(t, "doctor", "--config", filepath.Join(dir, "none.yaml")).want(t, cli.Device, "没有这个文件")
	call(t, "doctor", "--config", cfg, "--role", "nobody").want(t, cli.Usage, "--role")

	j, _, err := journal.Open(journal.OS(filepath.Join(filepath.Dir(cfg), "data")), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ahead := record.SiteOpened{TimeMs: clock.System{}.Now().Add(48 * time.Hour).Milli(), Site: "0001", Kind: record.KindStation, Name: "示范加油站", Realm: record.Training}
	line, err := record.Encode(ahead)
	if err == nil {
		_, err = j.Append(line)
	}
	if err != nil || j.Close() != nil {
		t.Fatal(err)
	}
	call(t, "doctor", "--config", cfg, "--probe=false").want(t, cli.Device, "时钟不可信", "校时")
	run(t, nil, "", "station", "--config", cfg).want(t, cli.Device, "E442", "第 1 条记录", "校时")
}

// TestDoctorAsksTheCenter: reachable, the site known, its key the configured one.
func TestDoctorAsksTheCenter(t *testing.T) {
	t.Parallel()
	x := newTown(t, fuelcard.National())
	_, tid := x.psam()
	x.orders(tid)
	cfg := x.stationConfig(filepath.Join(x.dir, "port01"))
	if r := rows(t, call(t, "doctor", "--config", cfg, "--probe=false", "--json")).row(t, "center", ""); r.Health != fine {
		t.Errorf("%+v", r)
	}
	text, err := os.ReadFile(cfg)
	if err != nil {
		t.Fatal(err)
	}
	key, _, _ := strings.Cut(string(text[strings.Index(string(text), `center_key: "`)+13:]), `"`)
	other := file(t, filepath.Join(x.dir, "other.yaml"), strings.Replace(string(text), key, strings.Repeat("ab", 32), 1))
	call(t, "doctor", "--config", other, "--probe=false").want(t, cli.Device, "不是 station.center_key 签发")
	stranger := file(t, filepath.Join(x.dir, "stranger.yaml"), strings.Replace(string(text), `id: "0001"`, `id: "0099"`, 1))
	call(t, "doctor", "--config", stranger, "--probe=false").want(t, cli.Device, "中心拒绝")

	desk := []string{"doctor", "--config", x.path("issue.yaml"), "--json"}
	if r := rows(t, slots{x.blanks.card(t, 1)}.call(t, "", desk...)); r.Role != "issue" || r.row(t, "reader", "").Health != fine || r.row(t, "center", "").Health != fine {
		t.Errorf("a desk: %+v", r)
	}
	nothing := run(t, nil, "", desk...).want(t, cli.Device, "E441")
	if r := rows(t, nothing).row(t, "reader", ""); r.Health != fail || !strings.Contains(r.NextEn, "pcsc") {
		t.Errorf("a desk whose program has no readers: %+v", r)
	}
}

// TestDoctorFindsTheOtherDevices of the seed's machine where they are there.
func TestDoctorFindsTheOtherDevices(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for path, text := range map[string]string{
		"dev/usb/lp0": "", "dev/cdc-wdm0": "", "sys/class/power_supply/AC/type": "Mains\n", "sys/class/power_supply/ups0/type": "UPS\n",
	} {
		file(t, filepath.Join(root, path), text)
	}
	d := &doctor{e: &env{readers: func() ([]string, error) { return nil, card.ErrReader }}, root: root, role: "station"}
	d.devices(t.Context())
	r := report{Rows: d.rows}
	for part, subject := range map[string]string{"printer": "/dev/usb/lp0", "modem": "/dev/cdc-wdm0", "UPS": "ups0"} {
		if x := r.row(t, part, subject); x.Health != fine {
			t.Errorf("%+v", x)
		}
	}
	printcap := t.TempDir()
	file(t, filepath.Join(printcap, "etc/printcap"), "# made by cups\nOffice|HP 1010:rm=pc:rp=Office:\n\t:more:\nPOS58:\n")
	q := &doctor{e: d.e, root: printcap, role: "station"}
	q.devices(t.Context())
	if x := (report{Rows: q.rows}).row(t, "printer", ""); x.Health != fine || x.Subject != "Office POS58" {
		t.Errorf("%+v", x)
	}
	if x := r.row(t, "reader", ""); x.Health != absent || !strings.Contains(x.NextZh, "pcscd") {
		t.Errorf("%+v", x)
	}
}
