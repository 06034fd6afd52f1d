// Package faultfile is a directory in memory for a journal, and it is unkind: what was not synced is lost, kept or torn
// per sector when the power goes, a failed sync loses its pages for ever, the disk fills up, bits rot, writes come short,
// names need SyncDir. It is deterministic by the seeds handed in, and it never sleeps: it reports how long it was busy.
//
// Source: trust.md 4.3 and rows 43-53; pages of a failed sync as ext4 treats them.
package faultfile

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"
	"time"

	"greylock/system/journal"
)

// Sector is the unit that reaches the disk or does not.
const Sector = 512

// Errors of a disk that has no power or a bad day.
var (
	ErrPower = errors.New("faultfile: no power")
	ErrSync  = fmt.Errorf("faultfile: sync: %w", syscall.EIO)
)

// Disk is a directory. It is a journal.Dir; all methods may be called from several goroutines.
type Disk struct {
	mu      sync.Mutex
	names   map[string]*inode
	durable map[string]*inode
	changes []change // of names since the last SyncDir, in order
	locked  map[string]bool
	dead    bool

	limit     int64 // bytes of all files together; < 0 no limit
	power     int64 // bytes that can still be written; < 0 no limit
	failSyncs int   // 1: the next sync fails, 2: the one after …
	short     bool  // the next write comes short
	slow      time.Duration
	latency   time.Duration
	misplace  int64 // the next write lands so many bytes off
	syncs     int
}

type change struct {
	from, to string // from is empty for a new file
	ino      *inode
}

// New returns an empty disk without faults.
func New() *Disk {
	return &Disk{
		names: map[string]*inode{}, durable: map[string]*inode{}, locked: map[string]bool{},
		limit: -1, power: -1,
	}
}

// Limit makes the disk full when all files together have n bytes; n < 0 takes the limit away.
func (d *Disk) Limit(n int64) { d.with(func() { d.limit = n }) }

// CutAfter cuts the power after n more written bytes, within a write if it falls there. From then on everything fails
// with ErrPower; Crash gives the disk back.
func (d *Disk) CutAfter(n int64) { d.with(func() { d.power = n }) }

// FailSync makes the n-th sync from now fail (1 is the next). Its pages look written, are marked clean and are lost.
func (d *Disk) FailSync(n int) { d.with(func() { d.failSyncs = n }) }

// ShortWrite makes the next write stop halfway with io.ErrShortWrite.
func (d *Disk) ShortWrite() { d.with(func() { d.short = true }) }

// Misdirect makes the next write land so many bytes away from where it belongs (at 0 at the lowest) and report success.
func (d *Disk) Misdirect(by int64) { d.with(func() { d.misplace = by }) }

// Slow makes each sync take t on the caller's clock; see Latency.
func (d *Disk) Slow(t time.Duration) { d.with(func() { d.slow = t }) }

// Latency returns how long the disk was busy since the last call, by Slow.
func (d *Disk) Latency() (t time.Duration) {
	d.with(func() { t, d.latency = d.latency, 0 })
	return t
}

// Syncs returns how many syncs succeeded: the number of commits of a journal, and a few more.
func (d *Disk) Syncs() (n int) {
	d.with(func() { n = d.syncs })
	return n
}

// Flip turns one bit of a file, on the disk and in what programs see, as rot would. It tells whether the bit exists.
func (d *Disk) Flip(name string, bit int64) (done bool) {
	d.with(func() {
		ino := d.names[name]
		if done = ino != nil && bit >= 0 && bit/8 < int64(len(ino.cache)); !done {
			return
		}
		ino.cache[bit/8] ^= 1 << (bit % 8)
		if bit/8 < int64(len(ino.disk)) {
			ino.disk[bit/8] ^= 1 << (bit % 8)
		}
	})
	return done
}

// Evict forgets what programs see and goes back to what is on the disk, as memory pressure after a failed sync would.
// Dirty pages stay.
func (d *Disk) Evict() {
	d.with(func() {
		for _, ino := range d.names {
			ino.evict()
		}
	})
}

// Bytes returns a copy of a file as programs see it; nil if there is none.
func (d *Disk) Bytes(name string) (b []byte) {
	d.with(func() {
		if ino := d.names[name]; ino != nil {
			b = slices.Clone(ino.cache)
		}
	})
	return b
}

// Put makes a file, durable at once: a backup that somebody restores, a file cut short.
func (d *Disk) Put(name string, content []byte) {
	d.with(func() {
		ino := &inode{cache: slices.Clone(content), disk: slices.Clone(content), dirty: make([]bool, sectors(len(content)))}
		d.names[name], d.durable[name] = ino, ino
	})
}

// Crash cuts the power, if it is not cut yet, and returns the disk as the next start finds it: of each sector that was not
// synced the old content, the new, or the beginning of the new, by seed; of the changes of names since SyncDir the first
// few. Limit and Slow stay, other faults and locks are gone. Handles of the old disk are dead.
func (d *Disk) Crash(seed uint64) *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = true
	rnd := rand.New(rand.NewPCG(seed, 0x6661756c74)) // the second word only tells this stream from others
	next := New()
	next.limit, next.slow = d.limit, d.slow
	names := d.durable
	for _, c := range d.changes[:rnd.IntN(len(d.changes)+1)] {
		names[c.to] = c.ino
		if c.from != "" {
			delete(names, c.from)
		}
	}
	for _, name := range sorted(names) {
		b := names[name].crash(rnd)
		next.names[name] = &inode{cache: b, disk: slices.Clone(b), dirty: make([]bool, sectors(len(b)))}
		next.durable[name] = next.names[name]
	}
	return next
}

// Kill ends the process without a power loss: what was written is there, locks are gone, handles are dead.
func (d *Disk) Kill() *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = true
	return &Disk{
		names: d.names, durable: d.durable, changes: d.changes, locked: map[string]bool{},
		limit: d.limit, power: -1, slow: d.slow,
	}
}

func (d *Disk) with(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

func sorted(m map[string]*inode) []string {
	var names []string
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

func sectors(n int) int { return (n + Sector - 1) / Sector }

var _ journal.Dir = (*Disk)(nil)
