package dispenser

import "errors"

// NV is the board's non-volatile memory, flat bytes addressed from 0, all zero when new. Write may be cut by a power
// failure: then a first part of p (perhaps none, perhaps all) is stored and an error comes back; the board is dead from
// that moment and the next one starts from what is there. A single byte is old or new, never torn.
type NV interface {
	// Read fills p from offset off; bytes never written are zero.
	Read(off int, p []byte)
	// Write stores p at offset off.
	Write(off int, p []byte) error
}

// ErrCut is what an NV returns for a write that the power failure caught.
var ErrCut = errors.New("dispenser: 断电, 写入未完成 (power cut inside a write)")

// page is the unit in which Memory takes memory: a board that uses little of a big ring costs little.
const page = 4096

// Memory is an NV in memory, for worlds and tests. The zero value is a new, empty one. It grows as it is written.
type Memory struct{ pages [][]byte }

// Read implements NV.
func (m *Memory) Read(off int, p []byte) {
	for len(p) > 0 {
		n := min(len(p), page-off%page)
		if i := off / page; i < len(m.pages) && m.pages[i] != nil {
			copy(p[:n], m.pages[i][off%page:])
		} else {
			clear(p[:n])
		}
		off, p = off+n, p[n:]
	}
}

// Write implements NV; it never fails.
func (m *Memory) Write(off int, p []byte) error {
	for len(p) > 0 {
		i, n := off/page, min(len(p), page-off%page)
		for i >= len(m.pages) {
			m.pages = append(m.pages, nil)
		}
		if m.pages[i] == nil {
			m.pages[i] = make([]byte, page)
		}
		copy(m.pages[i][off%page:], p[:n])
		off, p = off+n, p[n:]
	}
	return nil
}

// Clone copies the memory: what a power cut left, or a board moved to another case.
func (m *Memory) Clone() *Memory {
	c := &Memory{pages: make([][]byte, len(m.pages))}
	for i, p := range m.pages {
		c.pages[i] = append([]byte(nil), p...)
	}
	return c
}
