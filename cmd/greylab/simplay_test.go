package main

import (
	"encoding/json"
	"strings"
	"testing"

	"greylock/cmd/internal/cli"
	"greylock/emulators/world"
)

// TestSimRun: a scenario is played to its end, twice to the same hash, by its name or its file; what it can not play is usage.
func TestSimRun(t *testing.T) {
	t.Parallel()
	code, out, stderr := call(t, "sim", "run", "first-sale", "--json")
	var r world.DayReport
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != cli.OK || r.Served != 1 || r.Posted != 1 || len(r.Run.TraceHash) != 64 {
		t.Fatalf("exit %d, %v: %s%s", code, err, out, stderr)
	}
	for _, name := range []string{"scenarios/first-sale", "../../scenarios/first-sale.yaml"} {
		if code, again, stderr := call(t, "sim", "run", name, "--hash"); code != cli.OK || again != r.Run.TraceHash+"\n" {
			t.Errorf("%s: exit %d, %s%s; before %s", name, code, again, stderr, r.Run.TraceHash)
		}
	}
	if code, other, _ := call(t, "sim", "run", "first-sale", "--hash", "--seed", "77"); code != cli.OK || other == r.Run.TraceHash+"\n" {
		t.Errorf("another seed: exit %d, %s", code, other)
	}
	if code, out, stderr := call(t, "sim", "day", "--cars", "3", "--calm"); code != cli.OK || !strings.Contains(out, "来车 (cars) 3") {
		t.Errorf("exit %d: %s%s", code, out, stderr)
	}
	for _, c := range [][]string{{"nowhere"}, {"--cars", "9999"}, {"--days", "1000"}, {"--speed", "fast"}, {"--speed", "0"}, {"--profile", "visa"}} {
		if code, _, stderr := call(t, append([]string{"sim", "run"}, c...)...); code != cli.Usage || !strings.Contains(stderr, c[len(c)-1]) {
			t.Errorf("%v: exit %d: %s", c, code, stderr)
		}
	}
}
