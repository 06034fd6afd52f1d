//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"greylock/cmd/internal/cli"
	"greylock/system/wire/fuelcard"
)

// TestBackupAndRestore: of a running station and its center, on another directory with the same head; never over a journal, never
// older than what the center has; an audit against the manifest finds what was cut off.
func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	x := newTown(t, fuelcard.National())
	_, tid := x.psam()
	x.orders(tid)
	cfg := x.stationConfig(filepath.Join(x.dir, "port01"))
	s := launch(t, nil, "station", "--config", cfg)
	s.door("operator")
	sent := func() bool {
		_, text := get(t, s.door("operator"), "/metrics")
		return strings.Contains(text, "greylock_exchange_unsent 0\n") && strings.Contains(text, "greylock_center_heard_seconds")
	}
	eventually(t, "the center has it all", sent)
	first := x.path("first.tar")
	b := into[backedUp](t, call(t, "backup", "--config", cfg, "--out", first, "--json"))
	if b.Site != "0001" || b.Records < 3 || len(b.Head) != 64 || strings.Join(b.Files, " ") != "journal config.yaml" {
		t.Errorf("%+v", b)
	}
	call(t, "backup", "--config", cfg, "--out", first).want(t, cli.Failed, "E104")
	center := into[backedUp](t, call(t, "backup", "--config", x.path("center.yaml"), "--out", x.dir, "--json"))
	if strings.Join(center.Files, " ") != "journal config.yaml vault" || len(center.LeftOut) != 1 || strings.Contains(text(t, center.File), text(t, x.path("center.secret"))) {
		t.Errorf("%+v", center)
	}

	moved := x.path("moved")
	call(t, "restore", first, "--data", moved, "--files", x.path("files")).want(t, cli.OK, "没有与中心对照")
	if text(t, filepath.Join(x.path("files"), "config.yaml")) != text(t, cfg) {
		t.Error("another configuration")
	}
	a := into[[]verdict](t, call(t, "audit", "verify", moved, "--json", "--manifest", first))
	if len(a) != 1 || a[0].Head != b.Head || a[0].Records != b.Records {
		t.Errorf("%+v", a)
	}
	call(t, "restore", first, "--data", moved).want(t, cli.Failed, "E104", "不覆盖")
	call(t, "restore", first, "--config", x.path("issue.yaml")).want(t, cli.Config, "E302", "9101")
	call(t, "restore", first).want(t, cli.Usage, "--data")
	call(t, "restore", cfg, "--data", x.path("none")).want(t, cli.Integrity, "E503")

	x.ask("center", "list", "add", "01000199000000000001", "--foreign", "--reason", "外地", "--by", "1001").want(t, cli.OK)
	eventually(t, "a newer record at the center", func() bool {
		_, text := get(t, s.door("operator"), "/metrics")
		return sent() && !strings.Contains(text, `{head="`+b.Head)
	})
	if code := s.signal(syscall.SIGTERM); code != cli.OK {
		t.Fatalf("exit %d:\n%s", code, s.said())
	}
	second := x.path("second.tar")
	call(t, "backup", "--config", cfg, "--out", second).want(t, cli.OK)
	call(t, "restore", second, "--config", cfg).want(t, cli.Failed, "E104") // its directory has a journal
	data := x.path("data-station")
	last := into[[]verdict](t, call(t, "audit", "verify", data, "--json", "--head", b.Head))[0]
	if last.Records <= b.Records || !last.Sealed {
		t.Fatalf("%+v", last)
	}
	call(t, "audit", "verify", moved, "--head", last.Head).want(t, cli.Integrity, "E501", "被截短")
	if err := os.Rename(data, x.path("lost")); err != nil {
		t.Fatal(err)
	}
	call(t, "restore", first, "--config", cfg).want(t, cli.Integrity, "E504", "--from-center")
	if code := x.center.signal(syscall.SIGTERM); code != cli.OK {
		t.Fatal(code)
	}
	call(t, "restore", first, "--config", cfg).want(t, cli.Peer, "E701", "--data")
	r := into[backedUp](t, call(t, "restore", "--from-center", x.path("data-center"), "--site", "0001", "--config", cfg, "--json"))
	if r.Records <= b.Records || r.Records > last.Records { // what it wrote last the center may not have
		t.Errorf("from the center %+v, was %+v", r, last)
	}
	call(t, "audit", "verify", x.path("lost"), "--head", r.Head).want(t, cli.OK)
	call(t, "restore", "--from-center", x.path("data-center"), "--site", "0001", "--config", cfg).want(t, cli.Failed, "E104")
	call(t, "restore", "--from-center", x.path("data-center"), "--site", "0077", "--data", x.path("nobody")).want(t, cli.Failed, "E110")
	x.startCenter()
	s = launch(t, nil, "station", "--config", cfg)
	eventually(t, "the station goes on on what the center gave back", sent)
}

// TestAuditFindsACut: a journal that was closed in order and then cut at the end of an act looks whole, or torn, but for who knows its
// head.
func TestAuditFindsACut(t *testing.T) {
	t.Parallel()
	cfg := stationAlone(t, filepath.Join(t.TempDir(), "none"))
	p := launch(t, nil, "station", "--config", cfg)
	p.says("已启动")
	if code := p.signal(syscall.SIGTERM); code != cli.OK {
		t.Fatal(code)
	}
	dir := filepath.Join(filepath.Dir(cfg), "data")
	v := into[[]verdict](t, call(t, "audit", "verify", dir, "--json"))[0]
	tar := filepath.Join(filepath.Dir(cfg), "b.tar")
	call(t, "backup", "--config", cfg, "--out", tar).want(t, cli.OK)
	call(t, "audit", "verify", dir, "--manifest", tar).want(t, cli.OK)
	path := filepath.Join(dir, "journal")
	cut := int(v.Bytes) * 2 / 3
	if err := os.WriteFile(path, []byte(text(t, path)[:cut]), 0o600); err != nil {
		t.Fatal(err)
	}
	call(t, "audit", "verify", dir).want(t, cli.OK)
	call(t, "audit", "verify", dir, "--manifest", tar).want(t, cli.Integrity, "E501", "被截短")
	call(t, "audit", "verify", dir, "--head", v.Head).want(t, cli.Integrity, "E501")
	call(t, "audit", "verify", dir, "--head", "12").want(t, cli.Usage, "--head")
	call(t, "audit", "verify", dir, "--head", v.Head, "--manifest", tar).want(t, cli.Usage, "--manifest")
	call(t, "audit", "verify", dir, "--manifest", path).want(t, cli.Integrity, "E503")
}
