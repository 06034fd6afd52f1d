package chip

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"greylock/system/card"
)

// NV is a chip's non-volatile memory: it keeps its bytes without power. Source: trust.md 4.3.
type NV interface {
	// Size is the number of bytes.
	Size() int
	// Read fills b from off.
	Read(off int, b []byte) error
	// Write stores b at off. ErrTorn: the power failed on the way and any part of b may be stored.
	// ErrWorn: nothing is stored and nothing will be any more.
	Write(off int, b []byte) error
}

// What a memory may say.
var (
	// ErrTorn is a power cut inside a write; for a terminal it is a card that has gone (card.ErrRemoved).
	ErrTorn = fmt.Errorf("chip: power lost inside a write: %w", card.ErrRemoved)
	// ErrWorn is a memory that takes no more writes.
	ErrWorn = errors.New("chip: memory is worn out")
	// ErrBounds is an access outside the memory.
	ErrBounds = errors.New("chip: outside the memory")
)

// never is the count of a fault that is not planned.
const never = -1

// Mem is an NV in RAM whose faults are planned: a cut at any byte of any write, weak bits, wear.
// It is not safe for concurrent use.
type Mem struct {
	cells    []byte
	doubt    []byte // bits that read at random until they are written again
	rnd      *rand.Rand
	writes   int
	last     int // length of the last write asked for
	cutWrite int // writes still to pass before the cut; never for none
	cutByte  int
	wear     int      // writes still to pass before the memory is worn; never for none
	lasts    int      // writes that a cell takes; 0 for ever
	worn     []uint32 // writes of each cell, counted while cells do not last for ever
}

// NewMem returns an erased memory.
func NewMem(size int) *Mem {
	return &Mem{cells: make([]byte, size), cutWrite: never, wear: never}
}

// CutAfter plans one power cut: writes more writes succeed, of the next one bytes bytes are stored (all of them, if it is
// shorter) and it returns ErrTorn. After that the plan is used up.
func (m *Mem) CutAfter(writes, bytes int) { m.cutWrite, m.cutByte = writes, bytes }

// Disarm drops a planned cut that has not happened and reports whether there was one.
func (m *Mem) Disarm() bool {
	planned := m.cutWrite != never
	m.cutWrite = never
	return planned
}

// Weak makes the byte under a cut undecided: the bits that were to change read 0 or 1 as the dice fall, anew at each read,
// until the byte is written again.
func (m *Mem) Weak(dice rand.Source) {
	m.rnd = rand.New(dice)
	m.doubt = make([]byte, len(m.cells))
}

// WearAfter makes every write after the next n fail with ErrWorn; WearAfter(0) wears the memory out now.
func (m *Mem) WearAfter(n int) { m.wear = n }

// Endurance gives every cell n writes, counted from now: a write that meets a cell without any left stores nothing and fails
// with ErrWorn. EEPROM takes 100 000 or more. 0 makes cells last for ever.
func (m *Mem) Endurance(n int) {
	m.lasts, m.worn = n, nil
	if n > 0 {
		m.worn = make([]uint32, len(m.cells))
	}
}

// wearing books a write of n cells at off, or reports that one of them takes none any more.
func (m *Mem) wearing(off, n int) bool {
	if m.wear == 0 {
		return false
	}
	if m.lasts > 0 {
		cells := m.worn[off : off+n]
		for _, writes := range cells {
			if writes >= uint32(m.lasts) {
				return false
			}
		}
		for i := range cells {
			cells[i]++
		}
	}
	if m.wear != never {
		m.wear--
	}
	return true
}

// Writes counts the writes so far, the torn one included.
func (m *Mem) Writes() int { return m.writes }

// LastWrite is the length of the last write asked for, all of it, also when it was cut.
func (m *Mem) LastWrite() int { return m.last }

// Copy makes the memory one with the same bytes and the same doubtful bits as from, which read as its own dice fall (nil for
// a memory without any); no fault is planned and nothing worn. Both have the same size.
func (m *Mem) Copy(from *Mem, dice rand.Source) {
	copy(m.cells, from.cells)
	m.cutWrite, m.wear, m.rnd, m.doubt = never, never, nil, m.doubt[:0]
	m.lasts, m.worn = 0, nil
	if from.doubt != nil {
		m.rnd = rand.New(dice)
		m.doubt = append(m.doubt, from.doubt...)
	}
}

// Image copies the memory: a clone of the card, or the old state for a roll-back.
func (m *Mem) Image() []byte { return append([]byte(nil), m.cells...) }

// SetImage restores an image of the same size.
func (m *Mem) SetImage(b []byte) error {
	if len(b) != len(m.cells) {
		return fmt.Errorf("chip: image of %d bytes for a memory of %d: %w", len(b), len(m.cells), ErrBounds)
	}
	copy(m.cells, b)
	clear(m.doubt)
	return nil
}

// Size is the number of bytes.
func (m *Mem) Size() int { return len(m.cells) }

// Read fills b from off.
func (m *Mem) Read(off int, b []byte) error {
	if err := m.bounds(off, len(b)); err != nil {
		return err
	}
	copy(b, m.cells[off:])
	if m.rnd == nil {
		return nil
	}
	for i := range b {
		if d := m.doubt[off+i]; d != 0 {
			b[i] ^= byte(m.rnd.Uint32()) & d
		}
	}
	return nil
}

// Write stores b at off, as far as the planned faults let it.
func (m *Mem) Write(off int, b []byte) error {
	if err := m.bounds(off, len(b)); err != nil {
		return err
	}
	if !m.wearing(off, len(b)) {
		return ErrWorn
	}
	m.writes++
	m.last = len(b)
	if m.cutWrite != 0 {
		if m.cutWrite != never {
			m.cutWrite--
		}
		m.store(off, b)
		return nil
	}
	m.cutWrite = never
	n := min(m.cutByte, len(b))
	m.store(off, b[:n])
	if n < len(b) && m.rnd != nil {
		m.doubt[off+n] |= m.cells[off+n] ^ b[n]
	}
	return ErrTorn
}

func (m *Mem) store(off int, b []byte) {
	copy(m.cells[off:], b)
	if m.rnd != nil {
		clear(m.doubt[off : off+len(b)])
	}
}

func (m *Mem) bounds(off, n int) error {
	if off < 0 || off+n > len(m.cells) {
		return fmt.Errorf("chip: %d bytes at %d of %d: %w", n, off, len(m.cells), ErrBounds)
	}
	return nil
}
