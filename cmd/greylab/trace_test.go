package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"greylock/cmd/internal/cli"
)

// TestTraceDiff: equal runs are 0, a difference is 1 and shown, nothing to compare is 1; what is not compared is in the help.
func TestTraceDiff(t *testing.T) {
	t.Parallel()
	a, b := t.TempDir(), t.TempDir()
	for _, dir := range []string{a, b} {
		if code, out, stderr := call(t, "run", "--name", "首笔加油", "--format", "progress", "--trace", dir); code != cli.OK {
			t.Fatalf("exit %d:\n%s%s", code, out, stderr)
		}
	}
	if code, out, _ := call(t, "trace", "diff", a, b); code != cli.OK || !strings.Contains(out, "不同 0 行") {
		t.Errorf("exit %d: %s", code, out)
	}
	var d shownDiff
	code, out, _ := call(t, "trace", "diff", a, b, "--json")
	if err := json.Unmarshal([]byte(out), &d); err != nil || code != cli.OK || d.Differ != 0 || d.Compared < 1000 || len(d.Normalised) != 1 {
		t.Errorf("exit %d, %v: %s", code, err, out)
	}
	if _, out, _ := call(t, "trace", "diff", "--help"); !strings.Contains(out, "time") || !strings.Contains(out, "时刻") {
		t.Errorf("help: %s", out)
	}
	files, err := filepath.Glob(filepath.Join(b, "*.apdu"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	text, err := os.ReadFile(files[0])
	if err == nil {
		err = os.WriteFile(files[0], []byte(strings.Replace(string(text), "< 9000", "< 9001", 1)), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if code, out, stderr := call(t, "trace", "diff", a, b); code != cli.Failed || !strings.Contains(out, "+ < 9001") || !strings.Contains(stderr, "E106") {
		t.Errorf("exit %d: %s%s", code, out, stderr)
	}
	if code, _, stderr := call(t, "trace", "diff", a, t.TempDir()); code != cli.Failed || !strings.Contains(stderr, "不可比") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if code, _, stderr := call(t, "run", "--cards", "plastic"); code != cli.Usage || !strings.Contains(stderr, "plastic") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}
