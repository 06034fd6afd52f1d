package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"greylock/cmd/internal/cli"
	"greylock/emulators/dispenser"
	"greylock/emulators/hub"
	"greylock/emulators/ups"
	"greylock/emulators/world"
	"greylock/system/clock"
	"greylock/system/station"
)

// TestStationUPS: the command shows the power, against a station in virtual time.
func TestStationUPS(t *testing.T) {
	t.Parallel()
	plan, err := world.Load(os.DirFS("../../scenarios"), "ups.yaml")
	if err != nil {
		t.Fatal(err)
	}
	w, err := world.Start(plan, world.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var inside sync.Mutex // one at a time is in the town
	door := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		inside.Lock()
		defer inside.Unlock()
		text, err := io.ReadAll(req.Body)
		status, answer := http.StatusBadGateway, []byte(nil)
		if err == nil {
			status, answer, err = w.Command("0001", req.URL.Path, rawBody(text))
		}
		if err != nil {
			status = http.StatusBadGateway
		}
		rw.WriteHeader(status)
		_, _ = rw.Write(answer)
	}))
	t.Cleanup(func() {
		door.Close()
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	at := []string{"station", "ups", "--addr", strings.TrimPrefix(door.URL, "http://")}
	do := func(f func()) {
		inside.Lock()
		defer inside.Unlock()
		f()
		w.Pass(10 * time.Second)
	}
	do(func() {})
	call(t, at...).want(t, cli.OK, "市电正常", "照常营业", "GREYLAB UPS-1K", "226.0", "后备式")
	do(func() { err = w.Mains("0001", false) })
	if err != nil {
		t.Fatal(err)
	}
	call(t, at...).want(t, cli.OK, "UPS 供电", "不开新单", "至迟", "市电中断")
	a := into[station.UPS](t, call(t, append(at, "--json")...))
	if !a.Closed || a.Power != "battery" || a.State != "battery" || a.EndsMs-a.SinceMs != station.MostOnBattery.Milliseconds() || a.Input != 0 || a.Load != 14 {
		t.Errorf("%+v", a)
	}
	do(func() { err = w.UPSTalks("0001", ups.Silent) })
	if err != nil {
		t.Fatal(err)
	}
	call(t, at...).want(t, cli.OK, "UPS 无应答", "不开新单")
}

// socket is a UPS behind a pseudo-terminal.
type socket struct{ *ups.UPS }

func (s socket) Take() dispenser.Effects {
	fx := s.UPS.Take()
	return dispenser.Effects{Send: fx.Send, Wake: fx.Wake}
}

// aUPS stands behind dir/ups; what is returned does something at it.
func aUPS(t *testing.T, dir string) func(act func(now clock.Instant, u *ups.UPS)) {
	t.Helper()
	u := socket{ups.New(ups.Config{})}
	h, err := hub.Open(hub.Config{Dir: dir, Ports: []hub.Port{{Name: "ups", New: func() (hub.Device, hub.Hands, error) { return u, nil, nil }}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return func(act func(now clock.Instant, u *ups.UPS)) {
		h.Do(0, func(now clock.Instant, d hub.Device) { act(now, d.(socket).UPS) })
	}
}

// TestDoctorAsksTheUPS at its free line, and names what is wrong.
func TestDoctorAsksTheUPS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	move := aUPS(t, dir)
	text, err := os.ReadFile(stationAlone(t, filepath.Join(dir, "port01")))
	if err != nil {
		t.Fatal(err)
	}
	cfg := func(name, path string) string {
		return file(t, filepath.Join(dir, name+".yaml"), string(text)+fmt.Sprintf("  ups: {path: %q, baud: 9600, most: 3m}\n", path))
	}
	here := cfg("here", filepath.Join(dir, "ups"))
	row := func(path string, args ...string) finding {
		t.Helper()
		return rows(t, call(t, append([]string{"doctor", "--config", path, "--json"}, args...)...)).row(t, "UPS", "")
	}
	if x := row(here); x.Health != fine || !strings.Contains(x.Zh, "输入 input 226.0 V") {
		t.Errorf("with the mains: %+v", x)
	}
	if x := row(here, "--probe=false"); x.Health != absent || !strings.Contains(x.Zh, "未查问") {
		t.Errorf("not asked: %+v", x)
	}
	move(func(now clock.Instant, u *ups.UPS) { u.Mains(now, false) })
	if x := row(here); x.Health != warn || !strings.Contains(x.Zh, "市电中断") {
		t.Errorf("without mains: %+v", x)
	}
	move(func(now clock.Instant, u *ups.UPS) { u.Mains(now, true); u.Talk(ups.Silent) })
	if x := row(here); x.Health != fail || !strings.Contains(x.Zh, "无应答") {
		t.Errorf("silent: %+v", x)
	}
	if x := row(cfg("gone", filepath.Join(dir, "gone"))); x.Health != fail || !strings.Contains(x.Zh, "没有这个串口") {
		t.Errorf("no port: %+v", x)
	}
}

// TestStationEndsWithoutMains: a real process on a real line: the battery is low, it flushes, orders the UPS off and ends with a code
// of its own; started again with the mains back it sells.
func TestStationEndsWithoutMains(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	move := aUPS(t, dir)
	text, err := os.ReadFile(stationAlone(t, filepath.Join(dir, "port01")))
	if err != nil {
		t.Fatal(err)
	}
	cfg := file(t, filepath.Join(dir, "station.yaml"), string(text)+fmt.Sprintf("  ups: {path: %q}\n", filepath.Join(dir, "ups")))
	power := func(door, want string) {
		t.Helper()
		eventually(t, "the power is "+want, func() bool {
			return into[station.UPS](t, call(t, "station", "ups", "--json", "--addr", door)).Power == want
		})
	}
	p := launch(t, nil, "station", "--config", cfg)
	power(p.door("operator"), "mains")
	move(func(now clock.Instant, u *ups.UPS) { u.Charge(now, 5); u.Mains(now, false) })
	select {
	case <-p.done:
	case <-time.After(2 * time.Minute):
		t.Fatal("it runs on without mains")
	}
	if code := cli.Exit(p.cmd.ProcessState.ExitCode()); code != cli.Ended || !strings.Contains(p.said(), "E801") {
		t.Errorf("exit %d:\n%s", code, p.said())
	}
	call(t, "audit", "verify", dataOf(t, string(text))).want(t, cli.OK)
	move(func(now clock.Instant, u *ups.UPS) { u.Mains(now, true); u.Charge(now, 100) })
	p = launch(t, nil, "station", "--config", cfg)
	door := p.door("operator")
	power(door, "mains")
	eventually(t, "it sells", func() bool { return !into[station.UPS](t, call(t, "station", "ups", "--json", "--addr", door)).Closed })
}

// dataOf is the journal's directory of a configuration.
func dataOf(t *testing.T, text string) string {
	t.Helper()
	for line := range strings.Lines(text) {
		if path, ok := strings.CutPrefix(line, "data: "); ok {
			return strings.Trim(strings.TrimSpace(path), `"`)
		}
	}
	t.Fatal("no data")
	return ""
}
