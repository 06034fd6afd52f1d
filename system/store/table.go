package store

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Key makes a key of parts: keys sort by the first part, then the second …, and Key(a) is a prefix of Key(a, b) and of no
// other key. Any bytes may be in a part. Numbers go in by Number.
func Key(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(strings.ReplaceAll(p, "\x00", "\x00\xFE"))
		b.WriteString("\x00\x01")
	}
	return b.String()
}

// Number is a part of a key that sorts as the number does.
func Number(n uint64) string { return fmt.Sprintf("%020d", n) }

// Index finds rows by something else than their key. Of may give several keys for a row, or none. The name is unique
// within the table.
type Index[V any] struct {
	Name string
	Of   func(V) []string // made by Key
}

// Table is rows of V by key, in order. It is a description: the rows are in the Store, and a Table may be a package's own
// constant-like value. V is stored as JSON.
type Table[V any] struct {
	name    string
	indexes []Index[V]
}

// NewTable describes a table; the name is unique within the store.
func NewTable[V any](name string, indexes ...Index[V]) Table[V] { return Table[V]{name, indexes} }

func (t Table[V]) rows() string             { return Key(t.name, "") }
func (t Table[V]) index(name string) string { return Key(t.name, "by "+name) }

// Get returns a row.
func (t Table[V]) Get(tx *Tx, key string) (v V, ok bool) {
	text, ok := tx.get(t.rows() + key)
	if ok {
		ok = t.decode(tx, text, &v)
	}
	return v, ok
}

// Put makes or replaces a row and its index entries.
func (t Table[V]) Put(tx *Tx, key string, v V) {
	text, err := encode(v)
	if err != nil {
		tx.fail(fmt.Errorf("table %s: %w", t.name, err))
		return
	}
	t.unlist(tx, key)
	tx.set(t.rows()+key, text)
	if len(t.indexes) == 0 {
		return
	}
	var stored V // as Delete will read it: JSON changes what is not UTF-8
	if !t.decode(tx, text, &stored) {
		return
	}
	for _, i := range t.indexes {
		for _, at := range i.Of(stored) {
			tx.set(t.index(i.Name)+at+Key(key), key)
		}
	}
}

// Delete removes a row if it is there.
func (t Table[V]) Delete(tx *Tx, key string) {
	t.unlist(tx, key)
	tx.remove(t.rows() + key)
}

func (t Table[V]) unlist(tx *Tx, key string) {
	if len(t.indexes) == 0 {
		return
	}
	old, ok := t.Get(tx, key)
	if !ok {
		return
	}
	for _, i := range t.indexes {
		for _, at := range i.Of(old) {
			tx.remove(t.index(i.Name) + at + Key(key))
		}
	}
}

// Ascend calls fn for the rows whose keys begin with prefix, lowest first, until it returns false. fn may change tables; it
// then may or may not see its own changes ahead.
func (t Table[V]) Ascend(tx *Tx, prefix string, fn func(key string, v V) bool) {
	t.walk(tx, prefix, "", false, fn)
}

// Descend is Ascend, highest first, of the rows whose keys are below before; empty: all.
func (t Table[V]) Descend(tx *Tx, prefix, before string, fn func(key string, v V) bool) {
	if before != "" {
		before = t.rows() + before
	}
	t.walk(tx, prefix, before, true, fn)
}

func (t Table[V]) walk(tx *Tx, prefix, after string, falling bool, fn func(string, V) bool) {
	rows := t.rows()
	tx.walk(rows+prefix, after, falling, func(key, text string) bool {
		var v V
		return t.decode(tx, text, &v) && fn(key[len(rows):], v)
	})
}

// AscendBy calls fn for the rows that an index lists under prefix, lowest index key first, then lowest key.
func (t Table[V]) AscendBy(tx *Tx, index, prefix string, fn func(key string, v V) bool) {
	t.walkBy(tx, index, prefix, "", false, fn)
}

// DescendBy is AscendBy, highest first: the newest sales of a card. With before, the key of a row, prefix is the whole key
// that the index gives, and only rows below that one are walked: the next page.
func (t Table[V]) DescendBy(tx *Tx, index, prefix, before string, fn func(key string, v V) bool) {
	if before != "" {
		before = t.index(index) + prefix + Key(before)
	}
	t.walkBy(tx, index, prefix, before, true, fn)
}

func (t Table[V]) walkBy(tx *Tx, index, prefix, after string, falling bool, fn func(string, V) bool) {
	tx.walk(t.index(index)+prefix, after, falling, func(_, key string) bool {
		v, ok := t.Get(tx, key)
		return !ok || fn(key, v) // deleted by fn, ahead of the walk
	})
}

// Len counts the rows.
func (t Table[V]) Len(tx *Tx) (n int) {
	tx.walk(t.rows(), "", false, func(string, string) bool {
		n++
		return true
	})
	return n
}

func (t Table[V]) decode(tx *Tx, text string, v *V) bool {
	if err := json.Unmarshal([]byte(text), v); err != nil {
		tx.fail(fmt.Errorf("table %s: %w", t.name, err))
		return false
	}
	return true
}
