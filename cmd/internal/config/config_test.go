package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
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

// TestTextWithoutQuotes: YAML takes 0017 for fifteen, 12e3 for a float, no for a truth value of old; a code keeps its digits or
// is refused, never changed.
func TestTextWithoutQuotes(t *testing.T) {
	for _, id := range []string{"0017", "0001", "1001", "12e3", "0x17", "1_000", "true", "~", "[1]", "2026-11-22"} {
		c, _, err := Load(write(t, "site:\n  id: "+id+"\n"))
		var p Problem
		if !errors.Is(err, ErrConfig) || !errors.As(err, &p) || p.Line != 2 || p.Key != "site.id" || !strings.Contains(p.Text, "引号") {
			t.Errorf("id: %s: read as %q, %v", id, c.Site.ID, err)
		}
	}
	if c, _, err := Load(write(t, "site:\n  id: \"0017\"\n")); err != nil || c.Site.ID != "0017" {
		t.Errorf("quoted: %q, %v", c.Site.ID, err)
	}
}

func TestEveryKeyHasAnEnvironmentOverride(t *testing.T) {
	numbers := map[string]string{"log.mb": "7", "log.keep": "7", "station.contactor.baud": "19200", "station.contactor.address": "7", "station.ups.baud": "4800"}
	path := write(t, "data: d\nstation:\n  ports: [{number: 9, path: /dev/file}]\n")
	for _, key := range Keys() {
		value := "from-" + key
		if key == "station.ports" {
			value = "[{number: 1, path: /dev/a}, {number: 2, path: /dev/b, baud: 1200, parity: even}]"
		}
		if key == "station.tills" {
			value = "[{number: 1, reader: A 00, psam: B 00}]"
		}
		if key == "station.gauge.baud" {
			value = "2400"
		}
		if key == "card.flags" {
			value = `{tmac_alg: xor, levels.dpk: asn, levels: "asn"}`
		}
		if n, ok := numbers[key]; ok {
			value = n
		}
		t.Setenv(Env(key), value)
	}
	c, origins, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, o := range origins {
		want := "from-" + o.Key
		if o.Key == "station.ports" {
			want = "1=/dev/a@9600/none 2=/dev/b@1200/even"
		}
		if o.Key == "station.tills" {
			want = "1=A 00|B 00"
		}
		if o.Key == "station.gauge.baud" {
			want = "2400"
		}
		if o.Key == "card.flags" {
			want = "levels=asn levels.dpk=asn tmac_alg=xor"
		}
		if n, ok := numbers[o.Key]; ok {
			want = n
		}
		if n++; o.Value != want || o.From != "env "+Env(o.Key) {
			t.Errorf("%s = %q from %s, want %q", o.Key, o.Value, o.From, want)
		}
	}
	if n != len(Keys()) || n < 20 {
		t.Errorf("%d of %d keys have an override", n, len(Keys()))
	}
	// what is shown is what is read: walk the values themselves
	var walk func(v reflect.Value, key string)
	walk = func(v reflect.Value, key string) {
		for _, f := range fields(v.Type()) {
			k, x := strings.TrimPrefix(key+"."+f.Tag.Get("mapstructure"), "."), v.FieldByIndex(f.Index)
			switch {
			case x.Kind() == reflect.Struct:
				walk(x, k)
			case x.Kind() == reflect.String && x.String() != "from-"+k:
				t.Errorf("%s is read as %q", k, x)
			}
		}
	}
	walk(reflect.ValueOf(c), "")
	if len(c.Station.Ports) != 2 || c.Station.Ports[1] != (Port{Number: 2, Path: "/dev/b", Baud: 1200, Parity: "even"}) {
		t.Errorf("ports %+v", c.Station.Ports)
	}
	if g := c.Station.Gauge; g != (Gauge{"from-station.gauge.path", 2400, "from-station.gauge.parity"}) {
		t.Errorf("gauge %+v", g)
	}
	if u := c.Station.UPS; u != (UPS{"from-station.ups.path", 4800, "from-station.ups.parity", "from-station.ups.most"}) {
		t.Errorf("ups %+v", u)
	}
	if x := c.Station.Contactor; x.Baud != 19200 || x.Address != 7 {
		t.Errorf("contactor %+v", x)
	}
}

// TestContactor: the relay board is there when it has a path, and then whole.
func TestContactor(t *testing.T) {
	ports := []Port{{Number: 1, Path: "/dev/a"}, {Number: 2, Path: "/dev/b", Protocol: "lf"}, {Number: 3, Path: "/dev/c"}}
	for _, c := range []struct {
		x    Contactor
		want string
	}{
		{Contactor{}, ""},
		{Contactor{Path: "/dev/k", Address: 1, Coils: "1=0 3=255"}, ""},
		{Contactor{Path: "/dev/k", Address: 248, Coils: "1=0"}, "contactor.address"},
		{Contactor{Path: "/dev/a", Address: 1, Coils: "1=0"}, "contactor.path"},
		{Contactor{Address: 1, Coils: "1=0"}, "contactor.path"},
		{Contactor{Path: "/dev/k", Address: 1, Coils: "1=0", Baud: 7}, "contactor.baud"},
		{Contactor{Path: "/dev/k", Address: 1}, "contactor.coils"},
		{Contactor{Path: "/dev/k", Address: 1, Coils: "1=0 3=0"}, "contactor.coils"},
		{Contactor{Path: "/dev/k", Address: 1, Coils: "1=0 1=1"}, "contactor.coils"},
		{Contactor{Path: "/dev/k", Address: 1, Coils: "1=256"}, "contactor.coils"},
		{Contactor{Path: "/dev/k", Address: 1, Coils: "1"}, "contactor.coils"},
		{Contactor{Path: "/dev/k", Address: 1, Coils: "2=0"}, "2 号口没有卡机"},
	} {
		err := Config{Station: Station{Ports: ports, Contactor: c.x}}.Check(RoleStation)
		if c.want == "" && strings.Contains(err.Error(), "contactor") || c.want != "" && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: want %q in %v", c.x, c.want, err)
		}
	}
}

// TestBadListInTheEnvironment: a list in a variable is read as strictly as one in a file.
func TestBadListInTheEnvironment(t *testing.T) {
	for text, want := range map[string]string{
		"[{number: 1, pth: /dev/a}]": "station.ports[0].path", "1=/dev/a": "列表", "[{number: one}]": "整数", "[": "YAML",
	} {
		t.Setenv(Env("station.ports"), text)
		if _, _, err := Load(write(t, "data: d\n")); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "GREYLOCK_STATION_PORTS") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestCardFlags: flags of the file, whose names have dots; a variable is put in the place of all of them.
func TestCardFlags(t *testing.T) {
	path := write(t, "card:\n  profile: dahua\n  flags:\n    levels: asn\n    levels.dpk: asn_asn\n    aid.petrol: A000000003 \"PETROCHINA\"\n    tmac_span: \"95\"\n")
	c, origins, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Cards()
	if err != nil || p.Name != "dahua" || p.Levels != "asn" || p.LevelsDPK != "asn_asn" || p.TMACSpan != 95 || string(p.AIDPetrol[5:]) != "PETROCHINA" {
		t.Errorf("%+v %v", p, err)
	}
	for _, o := range origins {
		if o.Key == "card.flags" && (o.From != "file station.yaml" || o.Value != `aid.petrol=A000000003 "PETROCHINA" levels=asn levels.dpk=asn_asn tmac_span=95`) {
			t.Errorf("%+v", o)
		}
	}
	t.Setenv(Env("card.flags"), "{gtac_string: fmcos_zero}")
	t.Setenv(Env("card.profile"), "company-sm4")
	c, _, err = Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := c.Cards(); err != nil || p.Name != "company-sm4" || p.Levels != "asn" || p.TMACSpan != 91 || p.GTACString != "fmcos_zero" || len(c.Card.Flags) != 1 {
		t.Errorf("%+v %v", p, err)
	}
	if p, err := (Config{}).Cards(); err != nil || p.Name != "national" {
		t.Errorf("without a configuration: %s %v", p.Name, err)
	}
}

// TestBadCards: every mistake names file, line and the nearest right word.
func TestBadCards(t *testing.T) {
	for _, c := range []struct{ card, where string }{
		{"profile: nationl", ":2: card.profile: \"nationl\""}, {"profile: nationl", "是否 national (did"},
		{"profile: 7", "card.profile: \"7\": 应为文字"}, {"profil: national", "card.profil: 没有这个键 (unknown key); 是否 card.profile"},
		{"flags: [a]", ":2: card.flags: 应为 参数"}, {"flags: {tmac_alq: xor}", ":2: card.flags.tmac_alq: 没有这个卡片参数 (unknown flag); 是否 tmac_alg"},
		{"flags: {tmac_alg: retial}", "可选 retail des_left xor (no such value); 是否 retail"}, {"flags: {tmac_span: 95}", "card.flags.tmac_span: \"95\": 应为文字, 请加引号"},
		{"flags: {default_pin: \"99\"}", "card.flags.default_pin: "}, {"flags: {alg: \"00\", alg: \"04\"}", "card.flags.alg: 与第 2 行重复"},
		{"flags: {sm4_alg_id: \"05\"}", "是否 04"},
		{"flags: {pin_length: \"2\"}", ":2: card.flags: 默认密码 3 字节"}, {"flags: {strict_ctc: \"on\", ctc_plus_one: \"on\"}", "strict_ctc 与 ctc_plus_one"},
	} {
		path := write(t, "card:\n  "+c.card+"\n")
		cfg, _, err := Load(path)
		err = errors.Join(err, cfg.Check(RoleStation))
		if !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), c.where) {
			t.Errorf("%s: %v", c.card, err)
		}
	}
	for text, want := range map[string]string{"{levls: asn}": "是否 levels", "levels=asn": "参数", "{": "YAML"} {
		t.Setenv(Env("card.flags"), text)
		if _, _, err := Load(write(t, "data: d\n")); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "GREYLOCK_CARD_FLAGS") {
			t.Errorf("%s: %v", text, err)
		}
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
	c = Config{Center: Center{Listen: "127.0.0.1:65536", Operator: "127.0.0.1:http"}}
	if err := c.Check(RoleCenter); err == nil || strings.Count(err.Error(), "0…65535") != 2 {
		t.Errorf("ports that are none: %v", err)
	}
}

// TestBrokenFiles: each names the file, and the line where there is one; no key of another section is blamed.
func TestBrokenFiles(t *testing.T) {
	for _, c := range []struct{ text, where string }{
		{"site: [", ": 不是 YAML"},
		{"site:\n  id: \"0001\"\n\tname: x\n", "line 3"},
		{"data: a\nsite:\ndata: b\n", ":3: data: 与第 1 行重复"},
		{"station:\n  ports: 3\n", ":2: station.ports: 应为列表"},
		{"station:\n  ports:\n    - number: \"1\"\n      path: /dev/a\n", ":3: station.ports[0].number"},
		{"station:\n  ports:\n    - number: 1\n      bauds: 9600\n", ":4: station.ports[0].bauds: 没有这个键 (unknown key); 是否 station.ports[0].baud"},
		{"site:\n  name: x\ncenter:\n  name: y\n", ":4: center.name"},
		{"- a\n- b\n", ":1: 应为 键: 值"},
		{"data: a\n---\ndata: b\n", "第二份文档"},
		{"\x00\x01", "不是 YAML"},
		{"a: &x [*x]\n", "a: 没有这个键"},
		{"site: &s {id: \"0001\"}\ncenter: *s\n", "center.id"},
	} {
		path := write(t, c.text)
		_, _, err := Load(path)
		if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), c.where) {
			t.Errorf("%q: %v, want %s", c.text, err, c.where)
		}
	}
	none := filepath.Join(t.TempDir(), "none.yaml")
	if c, _, err := Load(none); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), none) || c.Check(RoleStation) != nil {
		t.Errorf("missing file: %v", err)
	}
	if _, _, err := Load(t.TempDir()); !errors.Is(err, ErrConfig) {
		t.Errorf("directory: %v", err)
	}
	if _, _, err := Load(write(t, "")); err != nil {
		t.Errorf("empty file, everything from the environment: %v", err)
	}
}

// TestAllProblemsAtOnce: keys, types and values of one file in one answer, each with its line.
func TestAllProblemsAtOnce(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	path := write(t, "site:\n  id: 0017\n  nmae: x\n  realm: prod\ncenter:\n  listen: nowhere\n  vault: /no/such/vault\n  secret: "+secret+"\n")
	c, _, err := Load(path)
	err = errors.Join(err, c.Check(RoleCenter))
	for _, want := range []string{":2: site.id", ":3: site.nmae", ":4: site.realm", ":6: center.listen", ":7: center.vault", ":8: center.secret", "chmod 600", path + ": site.name", path + ": data"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in\n%v", want, err)
		}
	}
	t.Setenv("GREYLOCK_SITE_REALM", "prod")
	c, _, _ = Load(write(t, "site:\n  realm: training\n"))
	if err := c.Check(RoleCenter); err == nil || !strings.Contains(err.Error(), "environment GREYLOCK_SITE_REALM") {
		t.Errorf("an override is blamed on the file: %v", err)
	}
}
