package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"greylock/cmd/internal/cli"
)

// call runs a command in this process.
func call(t *testing.T, args ...string) (code cli.Exit, out, stderr string) {
	t.Helper()
	var o, e bytes.Buffer
	l := &lab{Options: cli.Options{Streams: cli.Streams{In: strings.NewReader(""), Out: &o, Err: &e}}}
	code = cli.Run(t.Context(), l.root(), &l.Options, args)
	return code, o.String(), e.String()
}

// TestRunExits: what keeps a run from starting is a usage error that names it; a red run and an empty one are failures.
func TestRunExits(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	red := filepath.Join(dir, "red.feature")
	text := "# language: zh-CN\n功能: 红\n  场景: 红\n    假如按 \"two-nozzles\" 建成城镇\n    那么1 号枪显示 9.00 元\n"
	undefined := filepath.Join(dir, "undefined.feature")
	for path, text := range map[string]string{red: text, undefined: strings.Replace(text, "显示 9.00 元", "唱歌", 1), filepath.Join(dir, "broken.feature"): "功能"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for what, c := range map[string]struct {
		args []string
		code cli.Exit
		says string
	}{
		"unknown path":    {[]string{"no/such.feature"}, cli.Usage, "no/such.feature"},
		"unknown line":    {[]string{red + ":1"}, cli.Usage, "第 1 行"},
		"bad tags":        {[]string{"--tags", "@a and ("}, cli.Usage, "@a and ("},
		"bad format":      {[]string{"--format", "html"}, cli.Usage, "html"},
		"unwritable file": {[]string{"--format", "junit:/dev/null/none/r.xml"}, cli.Usage, "/dev/null"},
		"bad lines":       {[]string{"--lines", "usb"}, cli.Usage, "usb"},
		"bad order":       {[]string{"--order", "up"}, cli.Usage, "up"},
		"bad flag":        {[]string{"--repeat", "many"}, cli.Usage, "many"},
		"bad profile":     {[]string{"--profile", "visa"}, cli.Usage, "dahua-sm4"},
		"nothing":         {[]string{"--tags", "@没有"}, cli.Failed, "没有选中任何场景"},
		"undefined step":  {[]string{undefined}, cli.Failed, "undefined.feature:5: 没有这个步骤"},
		"broken file":     {[]string{filepath.Join(dir, "broken.feature")}, cli.Failed, "broken.feature"},
		"red":             {[]string{red}, cli.Failed, "E102"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			code, out, stderr := call(t, append([]string{"run"}, c.args...)...)
			if code != c.code || !strings.Contains(stderr, c.says) || !strings.Contains(stderr, "下一步") || strings.Contains(out+stderr, "panic:") {
				t.Errorf("exit %d:\n%s%s", code, out, stderr)
			}
		})
	}
	if _, out, _ := call(t, "run", red, "--profile", "company-sm4"); !strings.Contains(out, "red.feature:3 --seed 0 --profile company-sm4") {
		t.Errorf("to run it again takes the same cards:\n%s", out)
	}
	code, out, stderr := call(t, "run", red, "--seed", "9", "--json", "--format", "progress")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var sum shownSummary
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &sum); err != nil || code != cli.Failed || sum.Scenarios != 1 || sum.Failed != 1 || sum.Steps != 2 {
		t.Errorf("exit %d, %v, %+v:\n%s", code, err, sum, stderr)
	}
	if !strings.Contains(out, "种子 (seed): 9") || !strings.Contains(stderr, `"exit":1`) {
		t.Errorf("output %s, errors %s", out, stderr)
	}
}

// TestKeysShowsCheckValuesOnly: the public set is known by its check values; its keys are not printed.
func TestKeysShowsCheckValuesOnly(t *testing.T) {
	t.Parallel()
	code, out, _ := call(t, "keys", "--json")
	var list []shownKey
	if err := json.Unmarshal([]byte(out), &list); err != nil || code != cli.OK || len(list) < 15 {
		t.Fatalf("exit %d, %v:\n%s", code, err, out)
	}
	for _, k := range list {
		if len(k.KCV) != 6 {
			t.Errorf("%s: %s", k.Name, k.KCV)
		}
	}
	if code, out, _ := call(t, "keys"); code != cli.OK || !strings.Contains(out, "TEST") {
		t.Errorf("exit %d: %s", code, out)
	}
	if code, _, stderr := call(t, "nonsense"); code != cli.Usage || !strings.Contains(stderr, "nonsense") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}
