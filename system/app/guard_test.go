package app

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"greylock/system/clock"
	"greylock/system/journal"
	"greylock/system/wire/record"
)

// authority is a center's signing key.
func authority(b byte) (ed25519.PublicKey, ed25519.PrivateKey) {
	key := ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune(b)), ed25519.SeedSize)))
	return key.Public().(ed25519.PublicKey), key
}

// ordered is a layout with these ports, in force.
func ordered(t *testing.T, key ed25519.PrivateKey, at clock.Instant, ports ...int) record.Fact {
	t.Helper()
	l := record.Layout{Name: "示范加油站"}
	for _, n := range ports {
		l.Ports = append(l.Ports, record.PortPlan{Port: n, Nozzle: record.Nozzle(n)})
	}
	body, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	line, err := record.Directive{Site: "0001", Topic: record.TopicLayout, Version: 1, Realm: record.Training, Body: body}.Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	return record.DirectiveApplied{TimeMs: at.Milli(), Directive: line}
}

// TestStationRefusesToStart on a clock that stands behind the journal or before the program, on another center's key, and on
// ports that do not fit the layout; it says what, and leaves the journal whole and free.
func TestStationRefusesToStart(t *testing.T) {
	t.Parallel()
	now := clock.System{}.Now()
	ours, private := authority('a')
	theirs, _ := authority('b')
	dev := t.TempDir()
	for _, name := range []string{"tty1", "tty2"} {
		if err := os.WriteFile(filepath.Join(dev, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("tty1", filepath.Join(dev, "again")); err != nil {
		t.Fatal(err)
	}
	at := func(names ...string) (ports []Port) {
		for i, n := range names {
			ports = append(ports, Port{Number: i + 1, Path: filepath.Join(dev, n)})
		}
		return ports
	}
	for _, c := range []struct {
		name  string
		last  clock.Instant
		key   ed25519.PublicKey
		ports []Port
		want  error
		says  string
	}{
		{"all well", now, ours, at("tty1", "tty2"), nil, ""},
		{"a little ahead", now.Add(MostBack - time.Minute), ours, at("tty1", "tty2"), nil, ""},
		{"a port more than the layout", now, ours, at("tty1", "tty2", "tty3"), nil, ""},
		{"ahead", now.Add(MostBack + time.Minute), ours, at("tty1", "tty2"), ErrClock, "第 2 条记录"},
		{"another key", now, theirs, at("tty1", "tty2"), ErrKey, "layout"},
		{"another protocol", now, ours, []Port{{Number: 1, Path: "a"}, {Number: 2, Path: "b", Protocol: "lf"}}, ErrPortMap, "2 号口是 fa, 配置是 lf"},
		{"a port missing", now, ours, at("tty1"), ErrPortMap, "2 号口"},
		{"two names of one device", now, ours, at("tty1", "again"), ErrPortMap, "同一个设备"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			j, _, err := journal.Open(journal.OS(dir), journal.Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range []record.Fact{
				record.SiteOpened{TimeMs: now.Add(-time.Hour).Milli(), Site: "0001", Kind: record.KindStation, Name: "示范加油站", Realm: record.Training},
				ordered(t, private, c.last, 1, 2),
			} {
				line, err := record.Encode(f)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := j.Append(line); err != nil {
					t.Fatal(err)
				}
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			p, err := Station(StationConfig{Site: Identity{"0001", "示范加油站", record.Training}, Data: dir, CenterKey: record.Hex(c.key), Operator: "127.0.0.1:0", Ports: c.ports})
			if err == nil {
				err = p.Close()
			}
			if !errors.Is(err, c.want) || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v", err)
			}
			if r, err := journal.Verify(journal.OS(dir)); err != nil || !r.OK() || r.Records != 2 || journal.Held(dir) {
				t.Errorf("afterwards: %+v %v", r, err)
			}
		})
	}
	if err := (&Past{}).CheckClock(clock.At(1970, 1, 1, 0, 0, 0)); !errors.Is(err, ErrClock) || !strings.Contains(err.Error(), "1970") {
		t.Errorf("a machine without a battery: %v", err)
	}
}
