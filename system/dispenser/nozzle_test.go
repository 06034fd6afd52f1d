package dispenser_test

import (
	"errors"
	"strings"
	"testing"

	"greylock/system/dispenser"
)

// model is the nozzle model once more, as a person reads it from dispenser.md 4.3: a row per state, a column per step, "." for
// a pair that is not listed.
const model = `
     lost greeted opened shut hung called armed dropped valve flow halted resumed wild locked
1    1    2       .      .    1    1      .     .       .     .    1      .       8    1
2    1    2       3      2    2    2      .     .       .     .    2      8       8    1
3    1    .       3      2    3    4      5     .       .     .    .      .       8    1
4    1    .       .      2    3    4      5     .       .     .    .      .       8    1
5    1    .       .      .    5    5      5     3       6     8    9      .       .    1
6    1    .       .      .    3    7      .     3       6     8    9      .       .    1
7    1    .       .      .    3    7      .     3       .     .    9      6       8    1
8    1    .       .      .    3    .      .     .       .     8    9      .       .    1
9    1    .       .      .    3    .      .     .       .     .    9      8       8    1
`

func TestEveryPairOfStateAndStep(t *testing.T) {
	t.Parallel()
	pairs := 0
	for _, line := range strings.Split(strings.TrimSpace(model), "\n")[1:] {
		f := strings.Fields(line)
		from := dispenser.State(f[0][0] - '0')
		for i, cell := range f[1:] {
			step := dispenser.StepLost + dispenser.Step(i)
			got, err := from.Next(step)
			if cell == "." {
				if !errors.Is(err, dispenser.ErrStep) || got != from {
					t.Errorf("%d, %v: %d, %v; want ErrStep and the same state", from, step, got, err)
				}
			} else if err != nil || got != dispenser.State(cell[0]-'0') {
				t.Errorf("%d, %v: %d, %v; want %s", from, step, got, err, cell)
			}
			pairs++
		}
	}
	if pairs != 9*14 {
		t.Errorf("%d pairs", pairs)
	}
	for _, s := range []dispenser.State{0, 10, -1} {
		if _, err := s.Next(dispenser.StepLost); !errors.Is(err, dispenser.ErrStep) {
			t.Errorf("state %d: %v", s, err)
		}
	}
	for _, s := range []dispenser.Step{0, dispenser.StepLocked + 1} {
		if _, err := dispenser.Idle.Next(s); !errors.Is(err, dispenser.ErrStep) {
			t.Errorf("%v: %v", s, err)
		}
	}
}
