package features

import (
	"regexp"
	"slices"
	"testing"

	"greylock/emulators/fault"
)

var faultStep = regexp.MustCompile(`^故障 "([^"]+)"$`)
var alarmStep = regexp.MustCompile(`^加油站或中心的告警表上有 "([^"]+)"$`)

// TestFaultsHaveStories: every pair that `greylab fault list` names has exactly one story, which ends as the list says, and no
// story has a fault that the list does not name.
func TestFaultsHaveStories(t *testing.T) {
	t.Parallel()
	all, err := parseFS(Embedded)
	if err != nil {
		t.Fatal(err)
	}
	told := map[fault.Pair]int{}
	for _, s := range all {
		if s.file != "fault.feature" {
			continue
		}
		var f fault.Fault
		ends := fault.Books
		for _, x := range s.steps {
			if m := faultStep.FindStringSubmatch(x.text); m != nil {
				if f, err = fault.Parse(m[1]); err != nil {
					t.Errorf("%s: %v", s.place(), err)
				}
			}
			if m := alarmStep.FindStringSubmatch(x.text); m != nil {
				ends = m[1]
			}
		}
		p, ok := fault.Find(f.Device, f.Kind)
		if !ok || !slices.Contains(s.tags, "@E7") {
			t.Errorf("%s: a story without a fault of the list, or without @E7", s.place())
		}
		if told[p]++; p.Ends != ends {
			t.Errorf("%s: ends with %q, the list says %q", s.place(), ends, p.Ends)
		}
	}
	for _, p := range fault.Table {
		if told[p] != 1 {
			t.Errorf("%s %s has %d stories, want 1", p.Device, p.Kind, told[p])
		}
	}
}
