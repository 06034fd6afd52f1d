package main

import (
	"encoding/json"
	"strings"
	"testing"

	"greylock/cmd/internal/cli"
	"greylock/emulators/world/tear"
)

// TestSimTear: the last line of --json is the whole matrix, with the cards of a profile; unknown words are usage.
func TestSimTear(t *testing.T) {
	t.Parallel()
	code, out, stderr := call(t, "sim", "tear", "--flow", "load", "--profile", "dahua", "--json")
	var r tear.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != cli.OK || r.Cases == 0 || r.Illegal != 0 || len(r.Rows) != 1 || r.Rows[0].Flow != "load" {
		t.Errorf("exit %d, %v: %s%s", code, err, out, stderr)
	}
	for _, c := range [][]string{{"--profile", "visa"}, {"--flow", "swim"}} {
		if code, _, stderr := call(t, append([]string{"sim", "tear"}, c...)...); code != cli.Usage || !strings.Contains(stderr, c[1]) {
			t.Errorf("%v: exit %d: %s", c, code, stderr)
		}
	}
}
