package chip

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// The redo area at the start of the memory: length2 (of the entries), 00 00, CRC-32C4 over length and entries, then the
// entries off2 len2 bytes. Eight zero bytes say that nothing is under way.
const (
	redoHead = 8
	// redoSize holds the largest transaction: one full command (239 bytes) with the file header, log record, purse and
	// lock data that may go with it.
	redoSize = 512
	// Home is where the memory proper starts.
	Home = redoSize
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Store is the memory as the card's program sees it: reads are of the last committed state, writes go through a Tx that
// happens as a whole or not at all, wherever the power fails. It is not safe for concurrent use.
type Store struct {
	nv   NV
	mem  []byte // what is committed
	redo []byte // of a committed transaction that a worn memory could not bring home; nil as a rule
	tx   Tx
	none [redoHead]byte // says that nothing is under way
}

// Open reads the memory after power-up and finishes or drops what a power cut interrupted. Run again after a cut of its
// own it comes to the same state: a whole redo record is written anew before it is used, so that weak bits cannot change
// their mind half-way; anything else is erased before the card answers its first command.
func Open(nv NV) (*Store, error) {
	if nv.Size() < Home+rootSize || nv.Size() > 1<<16 {
		return nil, fmt.Errorf("chip: memory of %d bytes: %w", nv.Size(), ErrBounds)
	}
	s := &Store{nv: nv, mem: make([]byte, nv.Size())}
	if err := nv.Read(0, s.mem); err != nil {
		return nil, fmt.Errorf("chip: power-up: %w", err)
	}
	head := s.mem[:redoHead]
	if binary.BigEndian.Uint64(head) == 0 {
		return s, nil
	}
	n := int(binary.BigEndian.Uint16(head))
	if n == 0 || redoHead+n > redoSize || checksum(s.mem[:redoHead+n]) != binary.BigEndian.Uint32(head[4:]) {
		return s, s.forget()
	}
	record := append([]byte(nil), s.mem[:redoHead+n]...)
	if err := nv.Write(0, record); err != nil && !errors.Is(err, ErrWorn) {
		return nil, fmt.Errorf("chip: recovery: %w", err)
	}
	s.apply(record)
	return s, s.bringHome(record)
}

// Bytes returns n committed bytes at off. The caller must not change them.
func (s *Store) Bytes(off, n int) []byte { return s.mem[off : off+n : off+n] }

// Byte returns one committed byte.
func (s *Store) Byte(off int) byte { return s.mem[off] }

// Tx collects the writes of one act. The Store reads the old state until Commit.
type Tx struct {
	store  *Store
	record []byte
}

// Begin starts a transaction and drops one that was not committed.
func (s *Store) Begin() *Tx {
	s.tx.store = s
	s.tx.record = append(s.tx.record[:0], make([]byte, redoHead)...)
	return &s.tx
}

// Put adds a write of b at off. It panics when the act is larger than the redo area, which no command can make.
func (t *Tx) Put(off int, b ...byte) {
	if len(t.record)+4+len(b) > redoSize || off < Home || off+len(b) > len(t.store.mem) {
		panic(fmt.Sprintf("chip: transaction of %d bytes with %d at %d", len(t.record), len(b), off))
	}
	t.record = binary.BigEndian.AppendUint16(t.record, uint16(off))
	t.record = binary.BigEndian.AppendUint16(t.record, uint16(len(b)))
	t.record = append(t.record, b...)
}

// Commit makes the writes durable, all or none. ErrTorn: the power is gone and the next power-up shows which.
// ErrWorn: nothing has changed.
func (t *Tx) Commit() error {
	s := t.store
	if len(t.record) == redoHead {
		return nil
	}
	if s.redo != nil {
		if err := s.bringHome(s.redo); err != nil {
			return err
		}
		if s.redo != nil {
			return ErrWorn
		}
	}
	binary.BigEndian.PutUint16(t.record, uint16(len(t.record)-redoHead))
	binary.BigEndian.PutUint32(t.record[4:], checksum(t.record))
	if err := s.nv.Write(0, t.record); err != nil {
		return fmt.Errorf("chip: commit: %w", err)
	}
	s.apply(t.record)
	return s.bringHome(t.record)
}

// apply changes the RAM copy.
func (s *Store) apply(record []byte) {
	_ = entries(record, func(off int, b []byte) error {
		if off+len(b) <= len(s.mem) {
			copy(s.mem[off:], b)
		}
		return nil
	})
}

// bringHome writes a committed record to its places and erases it. A worn memory keeps the record for the next power-up.
func (s *Store) bringHome(record []byte) error {
	err := entries(record, s.nv.Write)
	if err == nil {
		err = s.forget()
	}
	if errors.Is(err, ErrWorn) {
		s.redo = append([]byte(nil), record...)
		return nil
	}
	s.redo = nil
	return err
}

func (s *Store) forget() error {
	if err := s.nv.Write(0, s.none[:]); err != nil && !errors.Is(err, ErrWorn) {
		return fmt.Errorf("chip: %w", err)
	}
	return nil
}

func checksum(record []byte) uint32 {
	sum := crc32.Update(0, castagnoli, record[:4])
	return crc32.Update(sum, castagnoli, record[redoHead:])
}

// entries walks a record; one that runs over its end or into the redo area stops the walk (it was never committed by us).
func entries(record []byte, do func(off int, b []byte) error) error {
	for rest := record[redoHead:]; len(rest) >= 4; {
		off, n := int(binary.BigEndian.Uint16(rest)), int(binary.BigEndian.Uint16(rest[2:]))
		if n > len(rest)-4 || off < Home {
			return ErrBounds
		}
		if err := do(off, rest[4:4+n]); err != nil {
			return err
		}
		rest = rest[4+n:]
	}
	return nil
}
