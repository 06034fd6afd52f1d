// Package store holds the views of a site: ordered tables with indexes, in memory, made from the journal and thrown away at
// will. They change only by Apply, one fact after the other, each whole or not at all. No decision is made on them: the journal is
// the truth, and a view that is lost is read again.
//
// It is the only door to buntdb, which nothing outside sees. Rules that its behaviour asks for: no file, no expiry (it
// follows the machine's clock), index keys of our own (its JSON indexes cost ten times as much), no change while it iterates.
//
// Source: design.md 4; libraries.md 4.6, 10.3.
package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/tidwall/buntdb"

	"greylock/system/wire/record"
)

// View is one reader of the journal: it turns a fact into changes of its tables. It must not keep anything outside of them.
type View interface {
	Apply(tx *Tx, seq uint64, f record.Fact) error
}

// ErrOrder is returned for a fact that is not the next one.
var ErrOrder = errors.New("store: facts out of order")

// Store is the tables of one site. Update and View may be called from several goroutines.
type Store struct {
	db    *buntdb.DB
	views []View
	seq   uint64
}

// New returns empty tables that the views fill. The store is closed when nothing refers to it any more; a ticker of the
// library ends within a second of that.
func New(views ...View) *Store {
	db, err := buntdb.Open(":memory:")
	if err != nil {
		panic("store: " + err.Error()) // without a file nothing can fail
	}
	s := &Store{db: db, views: views}
	runtime.AddCleanup(s, func(db *buntdb.DB) { _ = db.Close() }, db)
	return s
}

// Seq is the sequence of the last fact applied; 0 before the first.
func (s *Store) Seq() uint64 { return s.seq }

// Apply shows a durable fact to all views, in sequence: 1, 2, 3 … without a gap. If one of them fails, none has changed
// anything and the fact is not applied. It is called by one goroutine.
func (s *Store) Apply(seq uint64, f record.Fact) error {
	if seq != s.seq+1 {
		return fmt.Errorf("record %d after %d: %w", seq, s.seq, ErrOrder)
	}
	err := s.Update(func(tx *Tx) error {
		for _, v := range s.views {
			if err := v.Apply(tx, seq, f); err != nil {
				return fmt.Errorf("store: record %d (%s): %w", seq, f.FactType(), err)
			}
		}
		return nil
	})
	if err == nil {
		s.seq = seq
	}
	return err
}

// Update runs fn and keeps its changes, all or, if it returns an error, none.
func (s *Store) Update(fn func(*Tx) error) error {
	return s.db.Update(func(btx *buntdb.Tx) error { return run(btx, fn) })
}

// View runs fn, which must not change anything.
func (s *Store) View(fn func(*Tx) error) error {
	return s.db.View(func(btx *buntdb.Tx) error { return run(btx, fn) })
}

func run(btx *buntdb.Tx, fn func(*Tx) error) error {
	tx := &Tx{btx: btx}
	if err := fn(tx); err != nil {
		return err
	}
	return tx.err
}

// Tx is one Update or View. What goes wrong inside it (a value that can not be written, a change in a View) is
// returned by Update or View, and nothing is kept.
type Tx struct {
	btx *buntdb.Tx
	err error
}

func (tx *Tx) get(key string) (string, bool) {
	v, err := tx.btx.Get(key)
	if err != nil && !errors.Is(err, buntdb.ErrNotFound) {
		tx.fail(err)
	}
	return v, err == nil
}

func (tx *Tx) set(key, value string) {
	if _, _, err := tx.btx.Set(key, value, nil); err != nil {
		tx.fail(err)
	}
}

func (tx *Tx) remove(key string) {
	if _, err := tx.btx.Delete(key); err != nil && !errors.Is(err, buntdb.ErrNotFound) {
		tx.fail(err)
	}
}

func (tx *Tx) fail(err error) {
	if tx.err == nil {
		tx.err = fmt.Errorf("store: %w", err)
	}
}

// page bounds what a walk reads ahead, so that its function may change tables and a walk over all costs little memory.
const page = 128

type entry struct{ key, value string }

// walk calls fn for the keys that begin with prefix and come behind after (empty: all), in order or in falling order, until it
// returns false.
func (tx *Tx) walk(prefix, after string, falling bool, fn func(key, value string) bool) {
	started := after != ""
	if falling && !started { // begin behind the last key with this prefix; a prefix begins with a table's name, so it has such a byte
		last := len(prefix) - 1
		for prefix[last] == 0xFF {
			last--
		}
		after, started = prefix[:last]+string([]byte{prefix[last] + 1}), true
	}
	for {
		var found []entry
		more := func(key, value string) bool {
			if started && key == after {
				return true
			}
			if !strings.HasPrefix(key, prefix) {
				return false
			}
			found = append(found, entry{key, value})
			return len(found) < page
		}
		var err error
		switch {
		case falling:
			err = tx.btx.DescendLessOrEqual("", after, more)
		case started:
			err = tx.btx.AscendGreaterOrEqual("", after, more)
		default:
			err = tx.btx.AscendGreaterOrEqual("", prefix, more)
		}
		if err != nil {
			tx.fail(err)
			return
		}
		for _, e := range found {
			if !fn(e.key, e.value) {
				return
			}
		}
		if len(found) < page {
			return
		}
		after, started = found[len(found)-1].key, true
	}
}

func encode(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}
