package center

import (
	"cmp"
	"maps"
	"slices"
)

// table is a map that can be forked: a fork reads through to its parent and writes into itself. Decisions about several
// records of one batch are made on a fork, with the very code that Apply runs, and the fork is thrown away.
type table[K comparable, V any] struct {
	own    map[K]V
	parent *table[K, V]
}

func (t *table[K, V]) get(k K) (V, bool) {
	for ; t != nil; t = t.parent {
		if v, ok := t.own[k]; ok {
			return v, true
		}
	}
	var none V
	return none, false
}

// at is get without the word whether it is there.
func (t *table[K, V]) at(k K) V {
	v, _ := t.get(k)
	return v
}

func (t *table[K, V]) has(k K) bool {
	_, ok := t.get(k)
	return ok
}

func (t *table[K, V]) put(k K, v V) {
	if t.own == nil {
		t.own = map[K]V{}
	}
	t.own[k] = v
}

func (t *table[K, V]) fork() table[K, V] { return table[K, V]{parent: t} }

// sorted lists the keys of a table that is no fork.
func sorted[K cmp.Ordered, V any](t *table[K, V]) []K {
	return slices.Sorted(maps.Keys(t.own))
}

// sortedBy lists the keys of a table that is no fork, in the order of compare.
func sortedBy[K comparable, V any](t *table[K, V], compare func(a, b K) int) []K {
	return slices.SortedFunc(maps.Keys(t.own), compare)
}

// with appends to a copy: values in tables are never changed in place.
func with[T any](list []T, x ...T) []T { return append(slices.Clip(list), x...) }
