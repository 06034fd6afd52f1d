package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"greylock/cmd/internal/cli"
	"greylock/emulators/fault"
	"greylock/features"
	"greylock/system/wire/lf"
)

// labSays runs a command to its end.
func labSays(t *testing.T, args ...string) (string, cli.Exit) {
	t.Helper()
	var out, errs bytes.Buffer
	lb := &lab{Options: cli.Options{Streams: cli.Streams{In: strings.NewReader(""), Out: &out, Err: &errs}}}
	code := cli.Run(t.Context(), lb.root(), &lb.Options, args)
	return out.String() + errs.String(), code
}

// TestFaultCommands: the list is the table, an unknown pair ends with another code than 0 and says what there is.
func TestFaultCommands(t *testing.T) {
	t.Parallel()
	text, code := labSays(t, "fault", "list", "--json")
	var rows []map[string]any
	if err := json.Unmarshal([]byte(text), &rows); err != nil || code != 0 || len(rows) != len(fault.Table) || len(rows) < 25 {
		t.Errorf("%v, exit %d, %d rows for %d pairs", err, code, len(rows), len(fault.Table))
	}
	if text, code = labSays(t, "fault", "check", "1 号枪: 断电 10秒后 持续5秒"); code != 0 || !strings.Contains(text, "dispenser 1: off after 10s for 5s") {
		t.Errorf("exit %d: %s", code, text)
	}
	for _, bad := range []string{"line 1: sync", "line 1: off 5%", "moon 1: off"} {
		if text, code := labSays(t, "fault", "check", bad); code == 0 || bad == "line 1: sync" && !strings.Contains(text, "intermittent") {
			t.Errorf("%s: exit %d: %s", bad, code, text)
		}
	}
}

// TestEmulateList: what it names is there.
func TestEmulateList(t *testing.T) {
	t.Parallel()
	text, code := labSays(t, "emulate", "list")
	if code != 0 {
		t.Fatalf("exit %d: %s", code, text)
	}
	stories, err := features.Embedded.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		if !strings.Contains(text, p.Zh) {
			t.Errorf("%s is not shown", p.Zh)
		}
		if p.Emulator == "" {
			continue
		}
		if s, err := os.Stat(filepath.Join("..", "..", p.Emulator)); err != nil || !s.IsDir() {
			t.Errorf("%s: no package %s", p.Zh, p.Emulator)
		}
		for _, f := range p.Features {
			if !slices.ContainsFunc(stories, func(d os.DirEntry) bool { return d.Name() == f }) {
				t.Errorf("%s: no %s", p.Zh, f)
			}
		}
	}
}

// TestEmulateHub: nozzles beyond a hub's ports are behind another hub, each has a name, and what a board remembers is there
// when the program comes again.
func TestEmulateHub(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	run := func(price int64) lf.Status {
		d := emulate(t, "hub", "--boot", "1ms", "--ports", "8", "--nozzles", "10", "--protocol", "lf", "--price", "8.11", "--state", state)
		d.says("hub2/port02")
		d.says("就绪 (ready): 10 口")
		if to, err := os.Readlink(filepath.Join(d.dir, "nozzle10")); err != nil || to != "hub2/port02" {
			t.Errorf("nozzle10 is %q, %v", to, err)
		}
		f := d.open("nozzle10")
		if price > 0 {
			d.ask(f, lf.Request{Nozzle: 1, Command: lf.SetPrice, Value: price})
		}
		s, err := lf.ParseStatus(d.ask(f, lf.Request{Nozzle: 1, Command: lf.Query}))
		if code := d.stop(); code != 0 || err != nil {
			t.Errorf("exit %d, %v", code, err)
		}
		if _, err := os.Lstat(filepath.Join(d.dir, "nozzle10")); err == nil {
			t.Error("the name is still there")
		}
		return s
	}
	fresh, changed, later := run(0), run(999), run(0)
	if fresh.Price != 811 || changed.Price != 999 || later.Price != 999 {
		t.Errorf("prices: new %v, changed %v, later %v", fresh.Price, changed.Price, later.Price)
	}
	for _, args := range [][]string{{"--ports", "4"}, {"--nozzles", "65"}, {"--nozzles", "0"}} {
		if _, code := labSays(t, append([]string{"emulate", "hub", "--dir", t.TempDir()}, args...)...); code != cli.Usage {
			t.Errorf("%v: exit %d", args, code)
		}
	}
}

// TestEmulateUp: the whole forecourt by one command, each port under its nozzle's name. Source: features.md E1.
func TestEmulateUp(t *testing.T) {
	t.Parallel()
	d := emulate(t, "up", "--boot", "1ms", "--nozzles", "64")
	d.says("就绪 (ready): 64 口")
	names, err := filepath.Glob(filepath.Join(d.dir, "nozzle*"))
	if err != nil || len(names) != 64 {
		t.Errorf("%d names, %v", len(names), err)
	}
	for _, name := range names {
		if info, err := os.Stat(name); err != nil || info.Mode()&os.ModeCharDevice == 0 {
			t.Errorf("%s is no terminal: %v", name, err)
		}
	}
	if to, err := os.Readlink(filepath.Join(d.dir, "nozzle64")); err != nil || to != "hub4/port16" {
		t.Errorf("nozzle64 is %q, %v", to, err)
	}
	if code := d.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// ask asks until the board answers: it starts, and a port that was just opened may lose a byte.
func (d *dispensers) ask(f *os.File, q lf.Request) (reply lf.Frame) {
	d.t.Helper()
	req, err := q.Frame()
	for limit := time.Now().Add(60 * time.Second); err == nil && time.Now().Before(limit); {
		if _, err = f.Write(req[:]); err == nil {
			err = f.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		}
		if err != nil {
			break
		}
		if _, got := io.ReadFull(f, reply[:]); got == nil {
			return reply
		}
	}
	d.t.Fatalf("no answer to %v: %v", q, err)
	return reply
}
