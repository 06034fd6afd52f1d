package features

import (
	"strings"
	"testing"
)

// TestSuite runs the whole embedded suite in memory: every scenario in a world of its own.
func TestSuite(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	sum, err := Run(t.Context(), Options{Out: &out, Format: "progress"})
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	t.Log(out.String())
	if sum.Passed < 22 {
		t.Fatalf("only %d scenarios: the stories are missing", sum.Passed)
	}
}
