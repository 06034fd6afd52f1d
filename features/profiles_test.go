package features

import (
	"strings"
	"testing"

	"greylock/system/wire/fuelcard"
)

// TestProfiles plays the core stories with the cards of every other profile; TestSuite plays all with the national ones, and
// `greylab run --profile` all with any.
func TestProfiles(t *testing.T) {
	t.Parallel()
	for _, p := range fuelcard.Profiles() {
		if p.Name == fuelcard.National().Name {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			sum, err := Run(t.Context(), Options{Profile: p, Tags: "@核心", Out: &out, Format: "progress"})
			if err != nil {
				t.Fatalf("%v\n%s", err, out.String())
			}
			if sum.Passed < 20 {
				t.Fatalf("only %d scenarios: the core is missing", sum.Passed)
			}
		})
	}
}
