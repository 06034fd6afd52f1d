package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"greylock/cmd/internal/cli"
	"greylock/cmd/internal/config"
)

// TestConfigDiff: the switch to real devices changes addresses alone; anything else is named.
func TestConfigDiff(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	demo := goodStation + "    - {number: 2, path: /tmp/hub/port02, protocol: lf}\n  tills:\n    - {number: 1, reader: Virtual 00, psam: Virtual 01}\n"
	a := file(t, filepath.Join(dir, "demo.yaml"), demo)
	diff := func(change ...string) result {
		return call(t, "config", "diff", a, file(t, filepath.Join(dir, "real.yaml"), strings.NewReplacer(change...).Replace(demo)))
	}
	diff().want(t, cli.OK, "只有地址不同", "无 none")
	diff("/tmp/hub/port02", "/dev/hub/port02", "Virtual 00", "ACS ACR38U 00", "127.0.0.1:7100", "127.0.0.1:7200", "/var/lib/greylock", "/srv/greylock").want(t, cli.OK,
		"station.ports[2].path", "/dev/hub/port02", "station.tills[1].reader", "station.center", "data", "地址", "只有地址不同")
	for change, want := range map[[2]string]string{
		{"path: /tmp/hub/port02", "path: /dev/b, baud: 1200"}: "station.ports[2]", {", protocol: lf", ""}: "station.ports[2]", {"number: 2", "number: 3"}: "station.ports[3]",
		{`"0001"`, `"0002"`}: "site.id", {"abab", "cdcd"}: "station.center_key", {"{number: 1, reader", "{number: 2, reader"}: "station.tills[2]",
	} {
		diff(change[0], change[1]).want(t, cli.Failed, "E145", want, "其他")
	}
	r := call(t, "config", "diff", a, a, "--json")
	if x := into[compared](t, r); !x.OnlyAddresses || x.Differences == nil {
		t.Errorf("%+v", x)
	}
	call(t, "config", "diff", a, a+"x").want(t, cli.Config, "E301")
	call(t, "config", "diff", a).want(t, cli.Usage)
	for _, key := range addresses {
		if !slices.Contains(config.Keys(), key) {
			t.Errorf("%s is no key", key)
		}
	}
}
