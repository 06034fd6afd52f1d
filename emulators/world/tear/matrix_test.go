package tear

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
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
			r, err := Run(p, nil, "sale", "till")
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range r.Rows {
				t.Log(text(row))
				if row.Cases < 1000 || row.Wrong != 0 {
					t.Errorf("%d cases, %d illegal: %v", row.Cases, row.Wrong, row.Illegal)
				}
			}
		})
	}
}

// TestSaleOfEveryFlag: a sale and a purchase, torn everywhere, for every value of every flag that a terminal or a PSAM knows. Two
// values can not keep what the matrix asks for, by what they are: a PSAM that forgets its stage leaves a card to the outlet, and
// one that stores its counter at the certificate gives a number to two attempts. What is wrong with them is only that.
func TestSaleOfEveryFlag(t *testing.T) {
	t.Parallel()
	known := map[string][]string{"psam_ctx_nvm=off": {"联机解扣", "unlock it at an outlet"}, "psam_ttc_at=certificate": {"M6: "}}
	values := 0
	for _, f := range fuelcard.Flags() {
		if f.Field == "" || !slices.Contains(f.Acts, fuelcard.OnTerminal) && !slices.Contains(f.Acts, fuelcard.OnPSAM) {
			continue
		}
		for _, v := range f.Values[1:] {
			p := fuelcard.National()
			if err := p.Set(f.Name, v); err != nil || p.Check() != nil {
				continue // a value that wants others beside it: TestSaleOfEveryProfile
			}
			values++
			name := f.Name + "=" + v
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				r, err := Run(p, nil, "sale", "purchase", "till")
				if err != nil {
					t.Fatal(err)
				}
				for _, row := range r.Rows {
					for _, s := range row.Illegal {
						if !slices.ContainsFunc(known[name], func(k string) bool { return strings.Contains(s, k) }) {
							t.Errorf("%s: %s", row.Flow, s)
						}
					}
				}
			})
		}
	}
	const least = 20 // card.md 17.1
	if values < least {
		t.Errorf("only %d values", values)
	}
}

// TestPlanted: a terminal that does not keep one of its steps is caught, at the latest by a cut.
func TestPlanted(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"sale", "till"} {
		f := flows[slices.IndexFunc(flows, func(f flow) bool { return f.name == name })]
		for _, k := range []terminal.Kind{terminal.Begin, terminal.FuelStart, terminal.FuelEnd, terminal.Done} {
			l, err := labOf(town, fuelcard.National())
			if err != nil {
				t.Fatal(err)
			}
			l.forget = k
			m := newMatrix(l, f)
			err = m.run()
			t.Logf("%s: %v forgotten: %d of %d cases illegal; %v %v", name, k, m.row.Wrong, m.row.Cases, err, m.row.Illegal)
			if err == nil && m.row.Wrong == 0 {
				t.Errorf("%s: %v forgotten, and nobody notices", name, k)
			}
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
