package tear

import (
	"errors"
	"fmt"
	"sort"
	"testing"

	"greylock/system/terminal"
	"greylock/system/wire/fuelcard"
)

// TestMatrix: at every instant, torn or dark, the money comes out right.
func TestMatrix(t *testing.T) {
	t.Parallel()
	r, err := Run(fuelcard.National(), nil)
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

// TestSaleOfEveryProfile: a sale of every other profile's cards comes out right; `greylab sim tear --profile` tries all flows.
func TestSaleOfEveryProfile(t *testing.T) {
	t.Parallel()
	for _, p := range fuelcard.Profiles() {
		if p.Name == fuelcard.National().Name {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			r, err := Run(p, nil, "sale")
			if err != nil {
				t.Fatal(err)
			}
			t.Log(text(r.Rows[0]))
			if r.Cases < 1000 || r.Illegal != 0 {
				t.Errorf("%d cases, %d illegal: %v", r.Cases, r.Illegal, r.Rows[0].Illegal)
			}
		})
	}
}

// TestPlanted: a terminal that does not keep one of its steps is caught, at the latest by a cut.
func TestPlanted(t *testing.T) {
	t.Parallel()
	for _, k := range []terminal.Kind{terminal.Begin, terminal.FuelStart, terminal.FuelEnd, terminal.Done} {
		l, err := labOf(town, fuelcard.National())
		if err != nil {
			t.Fatal(err)
		}
		l.forget = k
		m := newMatrix(l, flows[0])
		err = m.run()
		t.Logf("%v forgotten: %d of %d cases illegal; %v %v", k, m.row.Wrong, m.row.Cases, err, m.row.Illegal)
		if err == nil && m.row.Wrong == 0 {
			t.Errorf("%v forgotten, and nobody notices", k)
		}
	}
}

func TestNoSuchFlow(t *testing.T) {
	t.Parallel()
	if _, err := Run(fuelcard.National(), nil, "nothing"); !errors.Is(err, ErrFlow) {
		t.Error(err)
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
