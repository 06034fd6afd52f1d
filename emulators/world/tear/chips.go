package tear

import (
	"fmt"
	"math/rand/v2"

	"greylock/emulators/chip"
)

// write is one write that a chip has asked its memory for.
type write struct {
	off  int
	data []byte
}

// recorder is a memory that keeps what was written to it.
type recorder struct {
	*chip.Mem
	writes []write
}

// Write stores b and keeps a copy.
func (r *recorder) Write(off int, b []byte) error {
	err := r.Mem.Write(off, b)
	if err == nil {
		r.writes = append(r.writes, write{off, append([]byte(nil), b...)})
	}
	return err
}

// image is a chip's raw memory, with a hash that is cheap to keep while bytes change: the XOR of a number per (place, byte).
type image struct {
	cells []byte
	hash  uint64
}

func newImage(cells []byte) *image {
	im := &image{cells: append([]byte(nil), cells...)}
	for off, b := range im.cells {
		im.hash ^= cell(off, b)
	}
	return im
}

func cell(off int, b byte) uint64 {
	x := uint64(off)<<8 | uint64(b)
	x += 0x9e3779b97f4a7c15 // splitmix64
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// set changes one byte and returns what it was.
func (im *image) set(off int, b byte) byte {
	was := im.cells[off]
	if was != b {
		im.hash ^= cell(off, was) ^ cell(off, b)
		im.cells[off] = b
	}
	return was
}

// powerUp is a chip's own recovery: it finds what every raw memory becomes when the power comes back, however often that is
// cut too. It remembers what it has seen, so that a memory is powered up once however many cuts lead to it.
type powerUp struct {
	mem   *chip.Mem
	homes map[uint64]int // raw memory → index of what it becomes
	known [][]byte       // what memories become, after power-up
	cuts  int            // cuts of the recovery that were looked at
}

func newPowerUp() *powerUp { return &powerUp{homes: map[uint64]int{}} }

// home is the number of the state that a raw memory becomes. Every cut of the recovery must end in the same state.
func (p *powerUp) home(im *image) (int, error) {
	if n, seen := p.homes[im.hash]; seen {
		return n, nil
	}
	n, writes, err := p.up(im)
	if err != nil {
		return 0, err
	}
	p.homes[im.hash] = n
	return n, p.again(im, writes, n)
}

// up powers a copy of the memory up.
func (p *powerUp) up(im *image) (n int, writes []write, err error) {
	if p.mem == nil || p.mem.Size() != len(im.cells) {
		p.mem = chip.NewMem(len(im.cells))
	}
	if err := p.mem.SetImage(im.cells); err != nil {
		return 0, nil, err
	}
	rec := &recorder{Mem: p.mem}
	if _, err := chip.Open(rec); err != nil {
		return 0, nil, fmt.Errorf("power-up: %w", err)
	}
	home := atRest(p.mem)
	for i, k := range p.known {
		if string(k) == string(home) {
			return i, rec.writes, nil
		}
	}
	p.known = append(p.known, home)
	return len(p.known) - 1, rec.writes, nil
}

// atRest is a memory with nothing under way: what an old act has left in the redo area means nothing any more.
func atRest(m *chip.Mem) []byte {
	b := m.Image()
	clear(b[:chip.Home])
	return b
}

// again cuts the recovery of a memory at every byte of every write: each of those memories must become the same state.
func (p *powerUp) again(im *image, writes []write, want int) error {
	var undo []func()
	defer func() {
		for i := len(undo) - 1; i >= 0; i-- {
			undo[i]()
		}
	}()
	for _, w := range writes {
		for i, b := range w.data {
			off := w.off + i
			was := im.set(off, b)
			undo = append(undo, func() { im.set(off, was) })
			p.cuts++
			if n, seen := p.homes[im.hash]; seen {
				if n != want {
					return fmt.Errorf("recovery cut at byte %d of a write at %d: state %d, not %d", i, w.off, n, want)
				}
				continue
			}
			n, _, err := p.up(im)
			if err != nil {
				return err
			}
			p.homes[im.hash] = n
			if n != want {
				return fmt.Errorf("recovery cut at byte %d of a write at %d: state %d, not %d", i, w.off, n, want)
			}
		}
	}
	return nil
}

// random is what a chip draws from: another stream for every power-up of every session.
func random(session uint64, chip uint64) *rand.ChaCha8 {
	var seed [32]byte
	for i := range 8 {
		seed[i], seed[8+i] = byte(session>>(8*i)), byte(chip>>(8*i))
	}
	return rand.NewChaCha8(seed)
}
