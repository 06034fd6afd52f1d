package features

import (
	"io/fs"
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

// TestWhyVirtual: a story is kept off the pseudo-terminals only for a reason, which stands in a comment above its tags.
func TestWhyVirtual(t *testing.T) {
	t.Parallel()
	names, err := fs.Glob(Embedded, "*.feature")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range names {
		text, err := fs.ReadFile(Embedded, name)
		if err != nil {
			t.Fatal(err)
		}
		above := ""
		for i, line := range strings.Split(string(text), "\n") {
			line = strings.TrimSpace(line)
			if strings.HasPrefix(line, "@") && strings.Contains(line, virtualOnly) {
				if found++; !strings.HasPrefix(above, "#") {
					t.Errorf("%s:%d: why is it %s? the line above does not say", name, i+1, virtualOnly)
				}
			}
			above = line
		}
	}
	if found == 0 {
		t.Error("no story is virtual: the test reads nothing")
	}
}
