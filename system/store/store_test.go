package store

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"greylock/system/wire/record"
)

type sale struct {
	Card   string
	Amount uint64
	Tags   []string
}

var sales = NewTable("sales",
	Index[sale]{"amount", func(s sale) []string { return []string{Key(Number(s.Amount))} }},
	Index[sale]{"card", func(s sale) []string { return []string{Key(s.Card)} }},
	Index[sale]{"tag", func(s sale) []string {
		var keys []string
		for _, tag := range s.Tags {
			keys = append(keys, Key(tag))
		}
		return keys
	}},
)

// neighbours have names that would collide without care.
var neighbours = []Table[sale]{NewTable[sale]("sale"), NewTable[sale]("sales\x00"), NewTable[sale]("sales by card")}

// TestTableIsASortedMap: a table answers as a map that is sorted each time, through any changes and roll-backs.
func TestTableIsASortedMap(t *testing.T) {
	t.Parallel()
	word := rapid.SampledFrom([]string{"", "a", "ab", "b", "\x00", "a\x00", "a\x00\x01", "a\x00\xFE", "\xFF", "\xFF\xFF\xFF", "加油"})
	rapid.Check(t, func(t *rapid.T) {
		s := New()
		model := map[string]sale{}
		for range rapid.IntRange(1, 15).Draw(t, "updates") {
			next := maps.Clone(model)
			fails := rapid.IntRange(0, 3).Draw(t, "fails") == 0
			err := s.Update(func(tx *Tx) error {
				for range rapid.IntRange(0, 8).Draw(t, "changes") {
					key := Key(word.Draw(t, "key"), word.Draw(t, "key"))
					if rapid.IntRange(0, 3).Draw(t, "what") == 0 {
						sales.Delete(tx, key)
						delete(next, key)
					} else {
						v := sale{word.Filter(utf8).Draw(t, "card"), rapid.Uint64Range(0, 20).Draw(t, "amount"), []string{"x", word.Filter(utf8).Draw(t, "tag")}}
						sales.Put(tx, key, v)
						next[key] = v
					}
					for _, n := range neighbours {
						n.Put(tx, key, sale{})
					}
				}
				compare(t, tx, next, word.Draw(t, "prefix"))
				if fails {
					return errors.New("no")
				}
				return nil
			})
			if (err != nil) != fails {
				t.Fatalf("update: %v", err)
			}
			if !fails {
				model = next
			}
			if err := s.View(func(tx *Tx) error { compare(t, tx, model, word.Draw(t, "prefix")); return nil }); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func utf8(s string) bool { return s == strings.ToValidUTF8(s, "") }

// compare asks the table in every way.
func compare(t *rapid.T, tx *Tx, model map[string]sale, word string) {
	for _, prefix := range []string{"", Key(word), word} {
		var want []string
		for _, k := range slices.Sorted(maps.Keys(model)) {
			if strings.HasPrefix(k, prefix) {
				want = append(want, k)
			}
		}
		var up, down []string
		sales.Ascend(tx, prefix, func(k string, v sale) bool {
			if cmp.Diff(v, model[k]) != "" {
				t.Fatalf("row %q is %v, want %v", k, v, model[k])
			}
			up = append(up, k)
			return true
		})
		sales.Descend(tx, prefix, "", func(k string, _ sale) bool { down = append(down, k); return true })
		slices.Reverse(down)
		for n, before := range want { // the page below each row
			var below []string
			sales.Descend(tx, prefix, before, func(k string, _ sale) bool { below = append(below, k); return true })
			slices.Reverse(below)
			if !slices.Equal(below, want[:n]) {
				t.Fatalf("prefix %q below %q: %q, want %q", prefix, before, below, want[:n])
			}
		}
		if !slices.Equal(up, want) || !slices.Equal(down, want) {
			t.Fatalf("prefix %q: up %q, down %q, want %q", prefix, up, down, want)
		}
	}
	if n := sales.Len(tx); n != len(model) {
		t.Fatalf("%d rows, want %d", n, len(model))
	}
	for index, has := range map[string]func(sale) bool{
		"card": func(s sale) bool { return s.Card == word },
		"tag":  func(s sale) bool { return slices.Contains(s.Tags, word) },
	} {
		var want, got []string
		for _, k := range slices.Sorted(maps.Keys(model)) {
			if has(model[k]) {
				want = append(want, k)
			}
		}
		sales.AscendBy(tx, index, Key(word), func(k string, _ sale) bool { got = append(got, k); return true })
		if !slices.Equal(got, want) {
			t.Fatalf("by %s %q: %q, want %q", index, word, got, want)
		}
		for n, before := range want {
			var below []string
			sales.DescendBy(tx, index, Key(word), before, func(k string, _ sale) bool { below = append(below, k); return true })
			slices.Reverse(below)
			if !slices.Equal(below, want[:n]) {
				t.Fatalf("by %s %q below %q: %q, want %q", index, word, before, below, want[:n])
			}
		}
	}
	last := uint64(1 << 63)
	n := 0
	sales.DescendBy(tx, "amount", "", "", func(_ string, v sale) bool {
		if v.Amount > last {
			t.Fatalf("amount %d behind %d", v.Amount, last)
		}
		last = v.Amount
		n++
		return true
	})
	if n != len(model) {
		t.Fatalf("by amount: %d rows, want %d", n, len(model))
	}
}

// TestWalkManyWhileChanging: a walk over more than a page, whose function changes the table.
func TestWalkManyWhileChanging(t *testing.T) {
	t.Parallel()
	s := New()
	const rows = 3*page + 7
	err := s.Update(func(tx *Tx) error {
		for i := range uint64(rows) {
			sales.Put(tx, Key(Number(i)), sale{Card: "c", Amount: i})
		}
		n := uint64(0)
		sales.Ascend(tx, "", func(key string, v sale) bool {
			if v.Amount != n {
				t.Fatalf("row %d is %d", n, v.Amount)
			}
			n++
			sales.Put(tx, key, sale{Card: "d", Amount: v.Amount})
			return true
		})
		if n != rows {
			t.Errorf("walked %d rows of %d", n, rows)
		}
		n = 0
		sales.AscendBy(tx, "card", Key("d"), func(key string, _ sale) bool {
			n++
			sales.Delete(tx, key)
			return n < rows-1
		})
		if got := sales.Len(tx); n != rows-1 || got != 1 {
			t.Errorf("%d deleted, %d left", n, got)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestIndexOfDirtyText: a row whose text JSON changes leaves no index entry behind.
func TestIndexOfDirtyText(t *testing.T) {
	t.Parallel()
	if err := New().Update(func(tx *Tx) error {
		sales.Put(tx, "a", sale{Card: "x\xFF"})
		sales.Delete(tx, "a")
		sales.Put(tx, "a", sale{Card: "y"})
		n := 0
		sales.AscendBy(tx, "card", "", func(string, sale) bool { n++; return true })
		if n != 1 {
			return fmt.Errorf("%d rows by card, want 1", n)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func TestMistakesAreErrors(t *testing.T) {
	t.Parallel()
	s := New()
	bad := NewTable[map[string]any]("bad")
	if err := s.Update(func(tx *Tx) error {
		sales.Put(tx, "a", sale{})
		bad.Put(tx, "a", map[string]any{"f": func() {}})
		return nil
	}); err == nil {
		t.Error("a value that is no JSON was written")
	}
	if err := s.View(func(tx *Tx) error { sales.Put(tx, "a", sale{}); return nil }); err == nil {
		t.Error("a View changed a table")
	}
	other := NewTable[int]("sales")
	if err := s.Update(func(tx *Tx) error { other.Put(tx, "a", 7); return nil }); err != nil {
		t.Fatal(err)
	}
	if err := s.View(func(tx *Tx) error { sales.Get(tx, "a"); return nil }); err == nil {
		t.Error("a number was read as a sale")
	}
}

// counting is a view that counts facts by type and fails on demand.
type counting struct {
	table Table[int]
	fail  *string
}

func (c counting) Apply(tx *Tx, _ uint64, f record.Fact) error {
	n, _ := c.table.Get(tx, Key(f.FactType()))
	c.table.Put(tx, Key(f.FactType()), n+1)
	if *c.fail == f.FactType() {
		return errors.New("told to")
	}
	return nil
}

func TestApplyInOrder(t *testing.T) {
	t.Parallel()
	fail := ""
	first, second := counting{NewTable[int]("first"), new(string)}, counting{NewTable[int]("second"), &fail}
	s := New(first, second)
	want := func(n int) {
		t.Helper()
		if err := s.View(func(tx *Tx) error {
			for _, c := range []counting{first, second} {
				if got, _ := c.table.Get(tx, Key("alarm")); got != n {
					return fmt.Errorf("%d alarms, want %d", got, n)
				}
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	}
	for _, seq := range []uint64{0, 2} {
		if err := s.Apply(seq, record.Alarm{}); !errors.Is(err, ErrOrder) {
			t.Errorf("fact %d first: %v", seq, err)
		}
	}
	if err := s.Apply(1, record.Alarm{}); err != nil || s.Seq() != 1 {
		t.Fatal(err)
	}
	want(1)
	fail = "alarm"
	if err := s.Apply(2, record.Alarm{}); err == nil || s.Seq() != 1 {
		t.Errorf("a failed view: %v, at %d", err, s.Seq())
	}
	want(1)
	fail = ""
	if err := s.Apply(1, record.Alarm{}); !errors.Is(err, ErrOrder) {
		t.Errorf("a fact twice: %v", err)
	}
	if err := s.Apply(2, record.Alarm{}); err != nil {
		t.Error(err)
	}
	want(2)
}

// TestReadersBesideAWriter: pages read while facts arrive, and see each fact whole.
func TestReadersBesideAWriter(t *testing.T) {
	t.Parallel()
	s := New()
	var wg sync.WaitGroup
	for range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 100 {
				if err := s.View(func(tx *Tx) error {
					if a, b := sales.Len(tx), neighbours[0].Len(tx); a != b {
						return fmt.Errorf("%d and %d rows", a, b)
					}
					return nil
				}); err != nil {
					t.Error(err)
					return
				}
			}
		}()
	}
	for i := range uint64(100) {
		if err := s.Update(func(tx *Tx) error {
			sales.Put(tx, Number(i), sale{Amount: i})
			neighbours[0].Put(tx, Number(i), sale{})
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
}
