package faultfile

import (
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"syscall"

	"greylock/system/journal"
)

// inode is one file: what programs see and what would be there after a power loss.
type inode struct {
	cache []byte
	disk  []byte
	dirty []bool // by sector of cache
	list  []int  // the dirty ones, in the order of writing
}

func (n *inode) write(p []byte, off int64) {
	end := int(off) + len(p)
	if end > len(n.cache) {
		n.cache = append(n.cache, make([]byte, end-len(n.cache))...)
	}
	copy(n.cache[off:], p)
	n.dirty = append(n.dirty, make([]bool, max(0, sectors(len(n.cache))-len(n.dirty)))...)
	for s := int(off) / Sector; s < sectors(end); s++ {
		if !n.dirty[s] {
			n.dirty[s] = true
			n.list = append(n.list, s)
		}
	}
}

// clean marks all sectors clean; written says whether they reached the disk.
func (n *inode) clean(written bool) {
	if written && len(n.disk) < len(n.cache) {
		n.disk = append(n.disk, make([]byte, len(n.cache)-len(n.disk))...)
	}
	for _, s := range n.list {
		n.dirty[s] = false
		if written {
			copy(n.disk[s*Sector:], n.cache[s*Sector:min((s+1)*Sector, len(n.cache))])
		}
	}
	n.list = n.list[:0]
}

func (n *inode) evict() {
	for s, dirty := range n.dirty {
		if dirty {
			continue
		}
		page := n.cache[s*Sector : min((s+1)*Sector, len(n.cache))]
		clear(page)
		if s*Sector < len(n.disk) {
			copy(page, n.disk[s*Sector:])
		}
	}
}

func (n *inode) crash(rnd *rand.Rand) []byte {
	size := len(n.disk)
	if len(n.cache) > size && rnd.IntN(2) == 0 {
		size = len(n.cache)
	}
	b := make([]byte, size)
	copy(b, n.disk)
	slices.Sort(n.list)
	for _, s := range n.list {
		page := n.cache[s*Sector : min((s+1)*Sector, len(n.cache))]
		switch rnd.IntN(3) {
		case 0: // lost
			continue
		case 1: // torn
			page = page[:rnd.IntN(len(page)+1)]
		}
		if s*Sector < size {
			copy(b[s*Sector:], page)
		}
	}
	return b
}

// Open opens a file; fs.ErrNotExist.
func (d *Disk) Open(name string) (journal.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	ino := d.names[name]
	switch {
	case d.dead:
		return nil, ErrPower
	case ino == nil:
		return nil, fmt.Errorf("faultfile: open %s: %w", name, fs.ErrNotExist)
	}
	return &file{disk: d, ino: ino}, nil
}

// Create makes an empty file; its name is durable after SyncDir.
func (d *Disk) Create(name string) (journal.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return nil, ErrPower
	}
	ino := &inode{}
	d.names[name] = ino
	d.changes = append(d.changes, change{to: name, ino: ino})
	return &file{disk: d, ino: ino}, nil
}

// Rename is durable after SyncDir.
func (d *Disk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	ino := d.names[from]
	switch {
	case d.dead:
		return ErrPower
	case ino == nil:
		return fmt.Errorf("faultfile: rename %s: %w", from, fs.ErrNotExist)
	}
	delete(d.names, from)
	d.names[to] = ino
	d.changes = append(d.changes, change{from, to, ino})
	return nil
}

// SyncDir makes names durable; it can not fail by FailSync.
func (d *Disk) SyncDir() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return ErrPower
	}
	for _, c := range d.changes {
		d.durable[c.to] = c.ino
		delete(d.durable, c.from)
	}
	d.changes = nil
	return nil
}

// Lock holds until it is closed, killed or crashed; journal.ErrLocked.
func (d *Disk) Lock(name string) (io.Closer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.dead:
		return nil, ErrPower
	case d.locked[name]:
		return nil, journal.ErrLocked
	}
	d.locked[name] = true
	return unlock{d, name}, nil
}

type unlock struct {
	disk *Disk
	name string
}

func (u unlock) Close() error {
	u.disk.with(func() { delete(u.disk.locked, u.name) })
	return nil
}

type file struct {
	disk   *Disk
	ino    *inode
	closed bool
}

func (f *file) usable() error {
	switch {
	case f.disk.dead:
		return ErrPower
	case f.closed:
		return fs.ErrClosed
	}
	return nil
}

// ReadAt reads what programs see.
func (f *file) ReadAt(p []byte, off int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.usable(); err != nil {
		return 0, err
	}
	if off >= int64(len(f.ino.cache)) {
		return 0, io.EOF
	}
	n := copy(p, f.ino.cache[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt writes into memory; each fault takes away a part.
func (f *file) WriteAt(p []byte, off int64) (int, error) {
	d := f.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := f.usable(); err != nil {
		return 0, err
	}
	asked := len(p)
	var fault error
	if d.short {
		d.short, p, fault = false, p[:len(p)/2], io.ErrShortWrite
	}
	if more := off + int64(len(p)) - int64(len(f.ino.cache)); d.limit >= 0 && more > 0 {
		if free := max(0, d.limit-d.used()); more > free {
			p, fault = p[:max(0, int64(len(p))-(more-free))], syscall.ENOSPC
		}
	}
	if d.power >= 0 {
		if d.power < int64(len(p)) {
			p, fault, d.dead = p[:d.power], ErrPower, true
		}
		d.power -= int64(len(p))
	}
	off, d.misplace = max(0, off+d.misplace), 0
	if len(p) > 0 {
		f.ino.write(p, off)
	}
	if fault != nil {
		return len(p), fmt.Errorf("faultfile: %d of %d bytes written: %w", len(p), asked, fault)
	}
	return len(p), nil
}

func (d *Disk) used() (sum int64) {
	for _, ino := range d.names {
		sum += int64(len(ino.cache))
	}
	return sum
}

// Sync brings dirty sectors to the disk, or loses them.
func (f *file) Sync() error {
	d := f.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := f.usable(); err != nil {
		return err
	}
	d.latency += d.slow
	if d.failSyncs > 0 {
		if d.failSyncs--; d.failSyncs == 0 {
			f.ino.clean(false)
			return ErrSync
		}
	}
	f.ino.clean(true)
	d.syncs++
	return nil
}

// Size is what programs see.
func (f *file) Size() (int64, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return int64(len(f.ino.cache)), f.usable()
}

// Close syncs nothing.
func (f *file) Close() error {
	f.disk.with(func() { f.closed = true })
	return nil
}
