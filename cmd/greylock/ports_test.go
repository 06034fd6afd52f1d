//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"greylock/cmd/internal/cli"
	"greylock/cmd/internal/config"
	"greylock/emulators/dispenser"
	"greylock/emulators/hub"
	"greylock/system/wire/fuelcard"
)

// plainHub is so many plain (LF) dispensers behind ports of a directory.
func plainHub(t *testing.T, dir string, n int) *hub.Hub {
	t.Helper()
	cfg := hub.Config{Dir: dir, Baud: 115200, Seed: 1}
	for i := range n {
		nv := &dispenser.Memory{}
		cfg.Ports = append(cfg.Ports, hub.Port{New: func() (hub.Device, hub.Hands, error) {
			b, err := dispenser.NewPlain(dispenser.PlainConfig{Seed: uint64(i), Boot: 1e6, Nozzles: []dispenser.PlainNozzle{{Number: 1, Price: 785}}}, nv)
			return b, nil, err
		}})
	}
	h, err := hub.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// TestPortsAreFoundAndWritten: by stable name; free ones are asked for their protocol; one in use and one of the configuration
// are not opened; what is written is a part of a configuration.
func TestPortsAreFoundAndWritten(t *testing.T) {
	t.Parallel()
	plain, cards := t.TempDir(), t.TempDir()
	plainHub(t, plain, 2)
	b := newBoard(t, cards, blanks{profile: fuelcard.National()}.psam(t, 1), "1031", fuelcard.National())
	if err := os.Rename(b.path, filepath.Join(cards, "port03")); err != nil {
		t.Fatal(err)
	}
	b.path = filepath.Join(cards, "port03")
	args := []string{"station", "ports", "--scan", "--dir", plain, "--dir", cards, "--json"}

	looked := into[[]shownPort](t, call(t, append(args, "--locks", cards)...))
	if len(looked) != 3 || looked[0].State != "free" || looked[0].Protocol != "" || looked[2].Number != 3 || looked[2].Path != b.path || looked[2].Device == "" {
		t.Fatalf("without asking: %+v", looked)
	}
	out := filepath.Join(cards, "ports.yaml")
	asked := into[[]shownPort](t, call(t, append(args, "--locks", cards, "--probe", "--baud", "115200", "--write", out)...))
	for i, want := range []string{"lf", "lf", "fa"} {
		if asked[i].Protocol != want || asked[i].Parity != "none" || asked[i].State != "free" {
			t.Errorf("asked: %+v", asked[i])
		}
	}
	c, _, err := config.Load(out)
	if err != nil || len(c.Station.Ports) != 3 || c.Station.Ports[2].Number != 3 || c.Station.Ports[2].Path != b.path || c.Station.Ports[0].Baud != 115200 || c.Station.Ports[0].Protocol != "lf" {
		t.Errorf("%v: %+v", err, c.Station.Ports)
	}
	call(t, append(args, "--write", out)...).want(t, cli.Failed, "E104")

	cfg := stationAlone(t, b.path)
	p := launch(t, nil, "station", "--config", cfg)
	p.says(`"open":true`)
	args = append(args, "--config", cfg, "--probe", "--baud", "115200")
	running := into[[]shownPort](t, call(t, args...))
	if x := running[2]; x.State != "in-use" || x.By == "" || x.Protocol != "" || x.Number != 1 {
		t.Errorf("a running station's port: %+v", x)
	}
	call(t, "station", "ports", "--config", cfg).want(t, cli.OK, b.path, "占用")
	p.signal(syscall.SIGTERM)
	rest := into[[]shownPort](t, call(t, args...))
	if x := rest[2]; x.State != "configured" || x.Protocol != "" {
		t.Errorf("a port of the configuration: %+v", x)
	}
	call(t, "station", "ports", "--config", cfg).want(t, cli.OK, b.path, "空闲")
	call(t, "station", "ports", "--config", filepath.Join(cards, "none.yaml")).want(t, cli.Config, "none.yaml")
	call(t, "station", "ports", "--probe").want(t, cli.Usage, "--scan")
	call(t, "station", "ports", "--scan", "--glob", "[").want(t, cli.Usage, "[")
	call(t, "station", "ports", "--config", stationAlone(t, filepath.Join(cards, "gone"))).want(t, cli.OK, "没有这个串口")
}

func TestUdevRulesOfACard(t *testing.T) {
	t.Parallel()
	r := call(t, "station", "udev", "--card", "mp", "--ports", "16").want(t, cli.OK, `KERNEL=="ttyMP15"`, "hub/port16")
	if strings.Count(r.out, "SYMLINK") != 16 {
		t.Error(r.out)
	}
	call(t, "station", "udev").want(t, cli.Usage, "ID_PATH")
	call(t, "station", "udev", "--card", "ftdi", "--path", "pci-0000:00:14.0-usb-0:4").want(t, cli.OK, "latency_timer")
}
