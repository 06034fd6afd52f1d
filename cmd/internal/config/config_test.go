package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "station.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestUnknownKeyNamesFileLineAndSuggestion(t *testing.T) {
	path := write(t, "site:\n  id: \"0001\"\n  nmae: 示范\n")
	_, _, err := Load(path)
	var p Problem
	if !errors.Is(err, ErrConfig) || !errors.As(err, &p) {
		t.Fatalf("error %v", err)
	}
	if p.File != path || p.Line != 3 || p.Key != "site.nmae" || !strings.Contains(p.Text, "site.name") {
		t.Errorf("problem %+v", p)
	}
}

func TestUnquotedCodeIsRefused(t *testing.T) {
	c, _, err := Load(write(t, "site:\n  id: 0017\n  name: x\n  realm: training\ndata: d\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Check(RoleStation); err == nil || !strings.Contains(err.Error(), "site.id") {
		t.Errorf("octal code accepted: %v", err)
	}
}

func TestEveryKeyHasAnEnvironmentOverride(t *testing.T) {
	path := write(t, "data: d\n")
	for _, key := range Keys() {
		if key == "station.ports" {
			continue // a list of records: files only
		}
		t.Setenv(Env(key), "from-"+key)
	}
	c, origins, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if c.Site.ID != "from-site.id" || c.Issue.TID != "from-issue.tid" || c.Station.Locks != "from-station.locks" {
		t.Errorf("overrides not seen: %+v", c)
	}
	n := 0
	for _, o := range origins {
		if strings.HasPrefix(o.From, "env ") {
			if n++; o.Value != "from-"+o.Key {
				t.Errorf("%s = %q from %s", o.Key, o.Value, o.From)
			}
		}
	}
	if n != len(Keys())-1 {
		t.Errorf("%d of %d keys have an override", n, len(Keys())-1)
	}
}

func TestUnknownVariable(t *testing.T) {
	t.Setenv("GREYLOCK_SITE_NMAE", "x")
	if _, _, err := Load(write(t, "data: d\n")); err == nil || !strings.Contains(err.Error(), "GREYLOCK_SITE_NAME") {
		t.Errorf("error %v", err)
	}
}

func TestCheckNamesAllProblemsAtOnce(t *testing.T) {
	c := Config{Station: Station{Ports: []Port{{Number: 1, Path: "/dev/a"}, {Number: 1, Path: "/dev/a", Baud: 7, Parity: "odd"}}}}
	err := c.Check(RoleStation)
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"site.id", "site.name", "site.realm", "data", "station.center", "station.center_key", "ports[1].number", "ports[1].path", "ports[1].baud", "ports[1].parity"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not named in %v", want, err)
		}
	}
	c = Config{Center: Center{Listen: "0.0.0.0:1", Operator: "0.0.0.0:2"}}
	if err := c.Check(RoleCenter); err == nil || !strings.Contains(err.Error(), "center.operator") {
		t.Errorf("operator door open to the network: %v", err)
	}
}

func TestBrokenYAML(t *testing.T) {
	for _, text := range []string{"site: [", "data: a\ndata: b\n", "station:\n  ports: 3\n"} {
		if _, _, err := Load(write(t, text)); !errors.Is(err, ErrConfig) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, _, err := Load(filepath.Join(t.TempDir(), "none.yaml")); !errors.Is(err, ErrConfig) {
		t.Errorf("missing file: %v", err)
	}
}
