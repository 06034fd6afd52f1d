package tear

import (
	"fmt"
	"sort"
	"testing"
)

// TestMatrix: at every instant, torn or dark, the money comes out right.
func TestMatrix(t *testing.T) {
	t.Parallel()
	r, err := Run(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range r.Rows {
		t.Log(text(row))
		for _, s := range row.Illegal {
			t.Errorf("%s: %s", row.Flow, s)
		}
	}
	t.Logf("%d cases, %d illegal, %.1f s", r.Cases, r.Illegal, r.Seconds)
	const least = 5000 // what the matrix is promised to hold
	if r.Cases < least || r.Illegal != 0 {
		t.Errorf("%d cases, %d illegal; want at least %d, none illegal", r.Cases, r.Illegal, least)
	}
}

func text(r Row) string {
	var words []string
	for w, n := range r.Outcomes {
		words = append(words, fmt.Sprintf("%s %d", w, n))
	}
	sort.Strings(words)
	return fmt.Sprintf("%-10s %3d steps %6d cases (+%d power-ups) %5d sessions %4d states: %v", r.Flow, r.Steps, r.Cases, r.PowerUps, r.Sessions, r.States, words)
}
