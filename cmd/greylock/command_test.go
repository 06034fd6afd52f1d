package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"greylock/cmd/internal/cli"
	"greylock/cmd/internal/config"
)

func each(c *cobra.Command, visit func(c *cobra.Command)) {
	visit(c)
	for _, sub := range c.Commands() {
		each(sub, visit)
	}
}

// TestEveryCommandSpeaksBothLanguages: short texts, flags, and help that exits 0; a word or a flag that is none exits 2.
func TestEveryCommandSpeaksBothLanguages(t *testing.T) {
	t.Parallel()
	root := (&env{}).root()
	n := 0
	each(root, func(c *cobra.Command) {
		path := strings.Fields(c.CommandPath())[1:]
		n++
		if c.Short == "" || !han(c.Short) || !latin(c.Short) {
			t.Errorf("%s: short text %q, want Chinese and English", c.CommandPath(), c.Short)
		}
		if help := call(t, append(path, "--help")...).want(t, cli.OK); c.Runnable() && !strings.Contains(help.out, c.UseLine()) {
			t.Errorf("%s --help:\n%s", c.CommandPath(), help.out)
		}
		call(t, append(path, "--nonsense")...).want(t, cli.Usage, "E201", "nonsense")
		if c.HasSubCommands() || c.Use == c.Name() && c.Runnable() {
			call(t, append(path, "nonsense")...).want(t, cli.Usage, "E201", "nonsense")
		}
	})
	if n < 35 {
		t.Errorf("only %d commands seen", n)
	}
	call(t).want(t, cli.Usage, "缺少命令")
	call(t, "keys").want(t, cli.Usage, "ceremony")
	r := call(t, "--json", "nonsense").want(t, cli.Usage)
	if e, ok := jsonError(r.err); !ok || e.Code != "E201" {
		t.Errorf("an error in JSON: %s", r.err)
	}
}

func han(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r >= 0x4E00 && r <= 0x9FFF })
}

func latin(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r >= 'a' && r <= 'z' })
}

// TestExitCodesAreThoseOfTheREADME: the table that people read, the help text and the constants are one.
func TestExitCodesAreThoseOfTheREADME(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(readme), "## Exit codes")
	table, _, _ = strings.Cut(table, "\n## ")
	help := call(t, "help", "exit-codes").want(t, cli.OK).out
	for _, code := range []cli.Exit{cli.OK, cli.Failed, cli.Usage, cli.Config, cli.Device, cli.Integrity, cli.Permission, cli.Peer, cli.Interrupted} {
		if !strings.Contains(table, fmt.Sprintf("| %d |", code)) {
			t.Errorf("%d is not in the README", code)
		}
		if !strings.Contains(help, fmt.Sprintf("\n  %-3d ", code)) {
			t.Errorf("%d is not in the help:\n%s", code, help)
		}
	}
	for _, key := range config.Keys() {
		if !strings.Contains(string(readme), "`"+key+"`") {
			t.Errorf("the README's table lacks the key %s", key)
		}
	}
}

// TestVersion: what was built, for people and programs; the built program says the same as its own build information.
func TestVersion(t *testing.T) {
	t.Parallel()
	v := into[cli.Version](t, run(t, nil, "", "version", "--json"))
	if !strings.HasPrefix(v.Go, "go1.") || v.Version == "" || v.PCSC {
		t.Errorf("%+v", v)
	}
	for _, args := range [][]string{{"version"}, {"--version"}} {
		run(t, nil, "", args...).want(t, cli.OK, v.Go, "commit", "pcsc no")
	}
	call(t, "version", "extra").want(t, cli.Usage)
}

// TestCompletion: bash takes the script, and values are offered where they are few.
func TestCompletion(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		call(t, "completion", shell).want(t, cli.OK, "greylock")
	}
	if bash, err := exec.LookPath("bash"); err == nil {
		path := file(t, filepath.Join(t.TempDir(), "greylock.bash"), call(t, "completion", "bash").out)
		var out bytes.Buffer
		cmd := exec.Command(bash, "-n", path)
		cmd.Stderr = &out
		if err := begin(cmd); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("bash: %v %s", err, out.String())
		}
	}
	for typed, want := range map[string]string{
		"key": "keys", "keys cer": "ceremony", "keys ceremony --realm ": "production", "keys export --role ": "outlet", "config check --role ": "making",
		"version --lang ": "en", "center site put --kind ": "station",
	} {
		args := strings.Split(typed, " ")
		call(t, append([]string{cobra.ShellCompNoDescRequestCmd}, args...)...).want(t, cli.OK, want+"\n")
	}
}

const goodStation = `site: {id: "0001", name: 示范加油站, realm: training}
data: /var/lib/greylock
station:
  center: "http://127.0.0.1:7100"
  center_key: "abababababababababababababababababababababababababababababababab"
  ports:
    - {number: 1, path: /dev/hub/port01}
`

// TestConfigCommands: all problems at once, each with file, line, key and what to do; where each value comes from.
func TestConfigCommands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good := file(t, filepath.Join(dir, "station.yaml"), goodStation)
	call(t, "config", "check", good).want(t, cli.OK, "station", "配置无误")
	if r := into[map[string]string](t, call(t, "config", "check", good, "--json")); r["role"] != "station" || r["result"] != "ok" {
		t.Errorf("%v", r)
	}
	call(t, "config", "check", good, "--role", "center").want(t, cli.Config, "center.listen", "center.vault")
	call(t, "config", "check", good, "--role", "shop").want(t, cli.Usage, "shop")
	call(t, "config", "check").want(t, cli.Usage)
	none := filepath.Join(dir, "none.yaml")
	call(t, "config", "check", none).want(t, cli.Config, "E301", none, "没有这个文件")
	call(t, "station", "--config", none).want(t, cli.Config, "E301", none, "--config")

	bad := file(t, filepath.Join(dir, "bad.yaml"), strings.NewReplacer(
		`"0001"`, "0001", "name:", "nmae:", "training", "train", "{number: 1", "{number: one", "center:", "centre:").Replace(goodStation))
	r := call(t, "config", "check", bad, "--role", "station").want(t, cli.Config, "E301",
		bad+":1: site.id", "引号", bad+":1: site.nmae", "site.name", bad+":1: site.realm", bad+":4: station.centre", "station.center (did", bad+":7: station.ports[0].number", "整数")
	if strings.Contains(r.err, "panic") {
		t.Error(r.err)
	}
	broken := file(t, filepath.Join(dir, "broken.yaml"), "site: {id: \"0001\"\ndata: x\n")
	if r := call(t, "config", "check", broken).want(t, cli.Config, broken, "不是 YAML", "line"); strings.Contains(r.err, "must be set") {
		t.Errorf("keys of a file that was not read are missed:\n%s", r.err)
	}

	for _, key := range config.Keys() { // a process each: the environment is a process's own
		value := "x-" + key
		want := value
		switch key {
		case "station.ports":
			value, want = "[{number: 7, path: /dev/seven}]", "7=/dev/seven@9600/none"
		case "station.tills":
			value, want = "[{number: 1, reader: A 00, psam: B 00}]", "1=A 00|B 00"
		case "station.gauge.baud":
			value, want = "2400", "2400"
		case "card.flags":
			value, want = "{levels: asn, levels.dpk: asn_asn}", "levels=asn levels.dpk=asn_asn"
		}
		if strings.HasSuffix(key, ".baud") || strings.HasSuffix(key, ".address") || key == "log.mb" || key == "log.keep" {
			value, want = "7", "7"
		}
		r := run(t, []string{config.Env(key) + "=" + value}, "", "config", "show", good, "--origin", "--json")
		found := false
		for _, s := range into[[]shown](t, r) {
			if s.Key == key {
				found = s.Origin == "env "+config.Env(key) && s.Value == want
			} else if strings.HasPrefix(s.Origin, "env") {
				t.Errorf("%s changes %s", config.Env(key), s.Key)
			}
		}
		if !found {
			t.Errorf("%s does not override:\n%s", config.Env(key), r.out)
		}
	}
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	call(t, "config", "check", file(t, filepath.Join(dir, "station.conf"), string(text))).want(t, cli.OK, "station")
	if r := call(t, "config", "show"); strings.Contains(r.out, "nil") {
		t.Errorf("what is not set:\n%s", r.out)
	}
	call(t, "config", "show", good, "--origin").want(t, cli.OK, "file station.yaml", "default", "1=/dev/hub/port01@9600/none")
	run(t, []string{"GREYLOCK_SITE_NMAE=x"}, "", "config", "show", good).want(t, cli.Config, "GREYLOCK_SITE_NMAE", "GREYLOCK_SITE_NAME")
}

// TestErrorInJSON: an error in JSON has every part.
func TestErrorInJSON(t *testing.T) {
	t.Parallel()
	r := call(t, "config", "check", filepath.Join(t.TempDir(), "none.yaml"), "--json").want(t, cli.Config)
	var e cli.Error
	if err := json.Unmarshal([]byte(r.err), &e); err != nil || e.Exit != cli.Config || e.Code != "E301" || !strings.Contains(e.Detail, "none.yaml") || r.out != "" {
		t.Errorf("%v %+v, output %q", err, e, r.out)
	}
}

// TestNoReader: this build has none, and says what to install.
func TestNoReader(t *testing.T) {
	t.Parallel()
	run(t, nil, "", "cards", "readers").want(t, cli.Device, "E401", "-tags pcsc")
}
