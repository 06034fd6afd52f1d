package center

import (
	"testing"

	"pgregory.net/rapid"
)

func TestChain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pieces [][2]uint32
		want   step
		gaps   []gap
	}{
		"begins anywhere":       {[][2]uint32{{700, 800}}, continues, nil},
		"goes on":               {[][2]uint32{{0, 5}, {5, 9}}, continues, nil},
		"jumps":                 {[][2]uint32{{0, 5}, {7, 9}}, jumps, []gap{{5, 7}}},
		"fills":                 {[][2]uint32{{0, 5}, {7, 9}, {5, 7}}, fills, []gap{}},
		"fills the middle":      {[][2]uint32{{0, 5}, {9, 10}, {6, 8}}, fills, []gap{{5, 6}, {8, 9}}},
		"goes back":             {[][2]uint32{{0, 5}, {3, 6}}, overlaps, nil},
		"beyond a gap":          {[][2]uint32{{0, 5}, {7, 9}, {6, 8}}, overlaps, []gap{{5, 7}}},
		"nothing moved":         {[][2]uint32{{0, 5}, {5, 5}}, continues, nil},
		"nothing moved, late":   {[][2]uint32{{0, 5}, {5, 9}, {3, 3}}, continues, nil},
		"rolls over":            {[][2]uint32{{1<<32 - 4, 1<<32 - 2}, {1<<32 - 2, 3}}, continues, nil},
		"jumps over the end":    {[][2]uint32{{1<<32 - 4, 1<<32 - 2}, {1, 3}}, jumps, []gap{{1<<32 - 2, 1}}},
		"fills over the end":    {[][2]uint32{{1<<32 - 4, 1<<32 - 2}, {1, 3}, {1<<32 - 2, 1}}, fills, []gap{}},
		"back to the beginning": {[][2]uint32{{100, 200}, {0, 50}}, overlaps, nil},
	} {
		var k chain
		var s step
		for _, p := range c.pieces {
			k, s = k.take(p[0], p[1])
		}
		if s != c.want || len(k.gaps) != len(c.gaps) {
			t.Errorf("%s: step %d, gaps %v; want %d, %v", name, s, k.gaps, c.want, c.gaps)
			continue
		}
		for i := range c.gaps {
			if k.gaps[i] != c.gaps[i] {
				t.Errorf("%s: gaps %v, want %v", name, k.gaps, c.gaps)
			}
		}
	}
}

// Whatever the order in which the pieces of a counter come: at the end nothing is missing, and no piece overlapped.
func TestChainTakesPiecesInAnyOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.Uint32Range(1, 1000), 1, 30).Draw(t, "sizes")
		at := rapid.Uint32().Draw(t, "start")
		pieces := make([]gap, len(sizes))
		end := at
		for i, n := range sizes {
			pieces[i] = gap{end, end + n}
			end += n
		}
		c := chain{started: true, at: at}
		for _, p := range rapid.Permutation(pieces).Draw(t, "order") {
			before := append([]gap{}, c.gaps...)
			next, s := c.take(p.from, p.to)
			if s == overlaps {
				t.Fatalf("%v overlaps %v at %d", p, before, c.at)
			}
			for i := range before {
				if i < len(c.gaps) && c.gaps[i] != before[i] {
					t.Fatalf("take changed the chain that it was asked of")
				}
			}
			c = next
		}
		if c.at != end || len(c.gaps) != 0 {
			t.Fatalf("at %d with gaps %v, want %d and none", c.at, c.gaps, end)
		}
	})
}

func TestForkChangesNothingBelow(t *testing.T) {
	t.Parallel()
	var base table[int, string]
	base.put(1, "a")
	fork := base.fork()
	deep := fork.fork()
	fork.put(1, "b")
	deep.put(2, "c")
	if base.at(1) != "a" || base.has(2) || fork.at(1) != "b" || fork.has(2) || deep.at(1) != "b" || deep.at(2) != "c" {
		t.Errorf("base %v, fork %v, deep %v", base.own, fork.own, deep.own)
	}
}
