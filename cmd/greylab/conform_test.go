package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"greylock/cmd/internal/cli"
	"greylock/emulators/conform"
)

const vectorFile = "../../fixtures/vectors/card.json"

// Both tables pass from the command line, under a profile and under a single flag, and say how much was run.
func TestConformCards(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args  []string
		least int
	}{
		{[]string{"card"}, 450},
		{[]string{"psam"}, 240},
		{[]string{"card", "--profile", "dahua-sm4"}, 400},
		{[]string{"psam", "--set", "psam_mac2_sw=63Cx", "--set", "psam_ctx_nvm=off"}, 240},
	} {
		code, out, stderr := call(t, append([]string{"conform", "--json"}, c.args...)...)
		var r shownTable
		if err := json.Unmarshal([]byte(out), &r); err != nil || code != cli.OK {
			t.Fatalf("%v: exit %d, %v\n%s", c.args, code, err, stderr)
		}
		if r.Suite != c.args[0] || r.Cards != "mem" || r.Passed < c.least || r.Failed != 0 || len(r.Results) != r.Cases {
			t.Errorf("%v: %s %s %d passed, %d failed of %d", c.args, r.Suite, r.Cards, r.Passed, r.Failed, r.Cases)
		}
	}
	code, out, _ := call(t, "conform", "psam")
	if lines := strings.Split(strings.TrimSpace(out), "\n"); code != cli.OK || !strings.Contains(lines[len(lines)-1], "不符 (failed) 0") || !strings.Contains(out, "psam.chain-c") {
		t.Errorf("exit %d\n%s", code, out)
	}
}

func TestConformErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	wrong := file("wrong.json", string(bytes.Replace(good, []byte("9B1D924E05595603"), []byte("9B1D924E05595604"), 1)))
	strange := file("strange.json", string(bytes.Replace(good, []byte("key_load("), []byte("key_lode("), 1)))
	for what, c := range map[string]struct {
		args []string
		code cli.Exit
		says string
	}{
		"unbuilt vpcd":     {[]string{"card", "--cards", "vpcd"}, cli.Device, "E408"},
		"unbuilt pcsc":     {[]string{"psam", "--cards", "pcsc", "--reader", "X"}, cli.Device, "E408"},
		"unknown cards":    {[]string{"card", "--cards", "paper"}, cli.Usage, "paper"},
		"reader of mem":    {[]string{"card", "--reader", "X"}, cli.Usage, "--reader"},
		"unknown profile":  {[]string{"card", "--profile", "moon"}, cli.Usage, "moon"},
		"unknown flag":     {[]string{"card", "--set", "colour=red"}, cli.Usage, "colour"},
		"unknown value":    {[]string{"card", "--set", "strict_ctc=maybe"}, cli.Usage, "maybe"},
		"no such suite":    {[]string{"phone"}, cli.Usage, "phone"},
		"no file":          {[]string{"vectors"}, cli.Usage, "arg"},
		"missing file":     {[]string{"vectors", dir + "/none.json"}, cli.Failed, "none.json"},
		"not vectors":      {[]string{"vectors", file("not.json", "{}")}, cli.Failed, "not.json"},
		"a wrong value":    {[]string{"vectors", wrong}, cli.Failed, "1 / "},
		"unknown function": {[]string{"vectors", strange}, cli.Failed, "1 / "},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			code, out, stderr := call(t, append([]string{"conform"}, c.args...)...)
			if code != c.code || !strings.Contains(stderr, c.says) || !strings.Contains(stderr, "下一步") {
				t.Errorf("exit %d:\n%s%s", code, out, stderr)
			}
			if what == "unknown function" && !strings.Contains(out, "key_lode") {
				t.Errorf("the function is not named:\n%s", out)
			}
		})
	}
}

func TestConformVectors(t *testing.T) {
	t.Parallel()
	code, out, stderr := call(t, "conform", "vectors", vectorFile, "--json")
	var r conform.VectorReport
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != cli.OK || r.Passed < 101 || r.Failed != 0 {
		t.Fatalf("exit %d, %v, %d passed\n%s", code, err, r.Passed, stderr)
	}
	code, out, _ = call(t, "conform", "vectors", "--help")
	for _, word := range []string{`"inputs"`, "key_grey(key, rand, ctc, ttc, term_rand)", "sm4_mac(", "||"} {
		if code != cli.OK || !strings.Contains(out, word) {
			t.Errorf("help does not say %s:\n%s", word, out)
		}
	}
}
