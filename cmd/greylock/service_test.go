//go:build linux

package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"greylock/cmd/internal/cli"
	"greylock/system/wire/fuelcard"
)

// TestServiceUnit: a unit after the configuration.
func TestServiceUnit(t *testing.T) {
	t.Parallel()
	cfg := stationAlone(t, filepath.Join(t.TempDir(), "none"))
	data := filepath.Join(filepath.Dir(cfg), "data")
	call(t, "station", "service", "--config", cfg, "--program", "/usr/bin/greylock", "--user", "pump").want(t, cli.OK,
		"Type=notify\n", "WatchdogSec=20\n", "Restart=always\n", "RestartSec=1\n", "StartLimitIntervalSec=0\n", "User=pump\n", "SupplementaryGroups=dialout\n",
		"ExecStartPre=+/usr/bin/install -d -m 700 -o pump "+data+"\n", "ExecStart=/usr/bin/greylock station --config "+cfg+"\n", "ReadWritePaths="+data+" ", "ProtectSystem=strict\n", "NoNewPrivileges=yes\n", "LimitCORE=0\n")
	call(t, "station", "service", "--config", cfg, "--user", "a b").want(t, cli.Usage, "--user")
	if r := call(t, "station", "service", "--config", cfg); strings.Contains(r.out, "ProtectClock") || strings.Contains(r.out, "PrivateDevices") || strings.Contains(r.out, "DevicePolicy") {
		t.Error("serial ports are shut out")
	}
	if text, err := os.ReadFile(cfg); err != nil {
		t.Fatal(err)
	} else if r := call(t, "station", "service", "--config", cfg).want(t, cli.OK); strings.Contains(r.out, "poweroff") {
		t.Error("a station without a UPS shuts its machine down")
	} else {
		with := file(t, cfg+".ups.yaml", string(text)+"  ups: {path: /dev/hub/ups}\n")
		call(t, "station", "service", "--config", with).want(t, cli.OK, "RestartPreventExitStatus=8\n", "SuccessExitStatus=8\n",
			`ExecStopPost=+/bin/sh -c 'if [ "$$EXIT_STATUS" = 8 ]; then systemctl poweroff; fi'`+"\n")
	}
	x := newSmall(t)
	if r := call(t, "center", "service", "--config", x.path("center.yaml")).want(t, cli.OK, " center --config "); strings.Contains(r.out, "dialout") {
		t.Error("a center has no ports")
	}
	call(t, "station", "service", "--config", cfg, "--program", "/opt/my programs/greylock").want(t, cli.Usage, "空格")
	call(t, "station", "service", "--config", cfg+"x").want(t, cli.Config)
}

// TestServiceIsBackAfterEachKill: a manager that starts the station again whenever it is gone: it is ready again by itself each time, the
// watchdog is fed, and of what was sold meanwhile nothing is lost or double.
func TestServiceIsBackAfterEachKill(t *testing.T) {
	t.Parallel()
	x := newTown(t, fuelcard.National())
	sam, tid := x.psam()
	c, _ := x.card("100.00")
	x.orders(tid)
	b := newBoard(t, x.dir, sam, "1031", fuelcard.National())
	cfg := x.stationConfig(b.path)
	socket := filepath.Join(x.dir, "notify")
	heard, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer heard.Close()
	hears := func(want string) {
		t.Helper()
		if err := heard.SetReadDeadline(time.Now().Add(2 * patience)); err != nil {
			t.Fatal(err)
		}
		for text := make([]byte, 4096); ; {
			n, err := heard.Read(text)
			if err != nil {
				t.Fatalf("no %s: %v", want, err)
			}
			if strings.HasPrefix(string(text[:n]), want) {
				return
			}
		}
	}
	start := func() *process {
		t.Helper()
		p := launch(t, []string{"NOTIFY_SOCKET=" + socket, "WATCHDOG_USEC=300000"}, "station", "--config", cfg)
		hears("READY=1")
		return p
	}
	s := start()
	const kills = 3
	for n := range kills {
		hears("WATCHDOG=1")
		began := time.Now()
		b.sell(c, "123456", "5", func() {
			s.signal(syscall.SIGKILL)
			began = time.Now()
		})
		s = start()
		t.Logf("kill %d: ready after %v, the sale included", n+1, time.Since(began).Round(time.Millisecond))
	}
	door := s.door("operator")
	eventually(t, "every sale at the station", func() bool { return len(fuelled(t, door)) == kills })
	eventually(t, "every sale in the ledger", func() bool { return len(x.sales().Sales) == kills })
	x.ask("center", "trial-balance").want(t, cli.OK, "合计      0.00")
	if got := x.balance(c); got != 10000-kills*500 {
		t.Errorf("the card holds %v", got)
	}
	if code := s.signal(syscall.SIGTERM); code != cli.OK {
		t.Errorf("exit %d:\n%s", code, s.said())
	}
	hears("STOPPING=1")
}
