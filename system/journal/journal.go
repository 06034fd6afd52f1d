// Package journal keeps the truth of a site: numbered records in one append-only file, a CRC-32C each, a SHA-256 chain
// over all, group commit, an exclusive lock. One business act is one Append: whole or not at all, and on the disk when
// Append returns. A failed write or sync ends the journal's life; it starts again by Open, which replays what is there.
//
// Source: trust.md 1.1, rows 43-52; design.md 4. The bytes of the file are described in frame.go.
package journal

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
)

// Bounds, so that neither a wrong length in a file nor a runaway caller can eat the memory.
const (
	MaxBody   = 2 << 20  // a center's record carries a whole batch (≤ 1 MiB) as JSON inside JSON
	MaxAct    = 1024     // records; the longest real act is a handful
	MaxStaged = 16 << 20 // bytes waiting for one Commit
)

const (
	fileName = "journal"
	tempName = "journal.new"
	lockName = "LOCK"

	defaultReserve = 256 << 10 // finishes some hundred open acts of about 500 bytes on a full disk
	zeroPiece      = 256 << 10 // zeros are written in pieces of this
	spareMax       = 256 << 10 // one giant batch must not keep its memory for ever
	indexStep      = 64        // one offset is remembered for so many records
)

// Errors that callers decide on.
var (
	ErrLocked  = errors.New("journal: another process holds it")
	ErrDamaged = errors.New("journal: damaged")                                // see Damage
	ErrVersion = errors.New("journal: written by another version of greylock") // nothing was changed
	ErrFailed  = errors.New("journal: stopped after a failed write; open it again")
	ErrFull    = errors.New("journal: disk full: open acts can be finished, new ones not") // StageNew only
	ErrNoSpace = errors.New("journal: disk full and the reserve used up")
	ErrTooBig  = errors.New("journal: act too big")
	ErrClosed  = errors.New("journal: closed")
)

// Record is one record as it is on the disk. Body is the caller's to keep and must not be changed.
type Record struct {
	Seq    uint64   // 1, 2, 3 … without a gap
	Body   []byte   // 1…MaxBody bytes
	Chain  [32]byte // SHA-256 of the previous record's Chain (zeros before the first) and Body
	ActEnd bool     // the last record of its act
}

// Chain is the one step of the hash chain. Genesis is 32 zero bytes.
func Chain(prev [32]byte, body []byte) (next [32]byte) {
	h := sha256.New()
	h.Write(prev[:])
	h.Write(body)
	h.Sum(next[:0])
	return next
}

// Options of Open. The zero value is right for production.
type Options struct {
	// Reserve is kept free in the file for open acts on a full disk, and the file grows by as much at a time, so that a
	// usual commit changes no file size. Bytes; 0 means 256 KiB.
	Reserve int64
}

// Recovery says what Open found.
type Recovery struct {
	Created bool // there was no journal
	Records uint64
	Cut     *Cut // nil when the tail was whole
}

// Cut is a torn tail that Open removed: bytes of an act that was never acknowledged.
type Cut struct {
	Seq    uint64 // the first sequence that is gone
	Offset int64  // where in the file
	Bytes  int64
	Reason string
}

// Journal is an open journal. All methods may be called from several goroutines.
type Journal struct {
	file    File
	lock    io.Closer
	reserve int64

	commit sync.Mutex // held during one write and sync
	spare  []byte     // the buffer of the commit before, used again

	mu      sync.Mutex
	err     error // once set, everything is refused
	staged  []byte
	group   uint64   // the first sequence in staged
	groupAt int64    // where staged goes in the file
	tip     position // after what is staged
	durable position // after what is on the disk
	size    int64    // of the file: zeros from tip to here
	sealed  bool     // the file ends with a seal
	index   []int64  // offset of record 1, 1+indexStep, …
}

// position is a place between two acts.
type position struct {
	seq    uint64
	chain  [32]byte
	offset int64
}

// Open takes the lock, reads the whole journal, cuts a torn tail and makes sure that what is left is on the disk. A new
// directory gets an empty journal. Errors: ErrLocked; *Damage (ErrDamaged) for damage that no power cut explains, with
// nothing changed; ErrVersion.
func Open(dir Dir, opt Options) (*Journal, Recovery, error) {
	lock, err := dir.Lock(lockName)
	if err != nil {
		return nil, Recovery{}, fmt.Errorf("journal: lock %s: %w", path(dir), err)
	}
	j := &Journal{lock: lock, reserve: opt.Reserve}
	if j.reserve == 0 {
		j.reserve = defaultReserve
	}
	rec, err := j.open(dir)
	if err != nil {
		if j.file != nil {
			err = errors.Join(err, j.file.Close())
		}
		return nil, Recovery{}, errors.Join(err, lock.Close())
	}
	return j, rec, nil
}

func (j *Journal) open(dir Dir) (rec Recovery, err error) {
	j.file, err = dir.Open(fileName)
	if errors.Is(err, fs.ErrNotExist) {
		rec.Created = true
		err = j.create(dir)
	}
	if err != nil {
		return rec, fmt.Errorf("journal: open %s: %w", path(dir), err)
	}
	if j.size, err = j.file.Size(); err != nil {
		return rec, fmt.Errorf("journal: size of %s: %w", path(dir), err)
	}
	w := walk{file: j.file, size: j.size}
	if err := w.run(nil); err != nil {
		return rec, fmt.Errorf("journal: read %s: %w", path(dir), err)
	}
	if w.damage != nil {
		w.damage.File = path(dir)
		return rec, w.damage
	}
	rec.Records, rec.Cut = w.whole.seq, w.cut
	j.tip, j.durable, j.index, j.sealed = w.whole, w.whole, w.index, w.sealed
	if err := j.settle(w); err != nil {
		return rec, fmt.Errorf("journal: settle %s: %w", path(dir), err)
	}
	return rec, nil
}

// create makes an empty journal that appears under its name only when it is whole.
func (j *Journal) create(dir Dir) error {
	file, err := dir.Create(tempName)
	if err != nil {
		return err
	}
	_, err = file.WriteAt(header(), 0)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil { // an open file has no new name on Windows
		return err
	}
	if err := dir.Rename(tempName, fileName); err != nil {
		return err
	}
	if err := dir.SyncDir(); err != nil {
		return err
	}
	j.file, err = dir.Open(fileName)
	return err
}

// settle puts zeros over a torn tail and writes the last commit again. A process that ended because of a failed sync
// leaves pages behind that look written, are marked clean and are not on the disk: only writing them again brings them there.
func (j *Journal) settle(w walk) error {
	if w.cut != nil {
		if err := zeros(j.file, w.whole.offset, w.dirtyEnd); err != nil {
			return err
		}
	}
	last := make([]byte, w.whole.offset-w.commitAt)
	if _, err := j.file.ReadAt(last, w.commitAt); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if _, err := j.file.WriteAt(last, w.commitAt); err != nil {
		return err
	}
	if err := j.grow(0); err != nil && !full(err) {
		return err
	}
	return j.file.Sync()
}

// Append writes one act and returns when it is on the disk. It may use the reserve. first is the sequence of bodies[0].
// Appends that wait together share one write and one sync.
func (j *Journal) Append(bodies ...[]byte) (first uint64, err error) {
	if first, err = j.Stage(bodies...); err != nil {
		return 0, err
	}
	return first, j.Commit()
}

// Stage numbers one act and keeps it in memory for the next Commit. It may use the reserve of a full disk. An error other
// than ErrFailed leaves the journal as it was: ErrNoSpace, ErrTooBig, ErrClosed.
func (j *Journal) Stage(bodies ...[]byte) (first uint64, err error) { return j.stage(false, bodies) }

// StageNew is Stage for an act that begins something (a sale, a load): with a full disk it is refused with ErrFull before
// the reserve is touched, so that what is open can still be finished.
func (j *Journal) StageNew(bodies ...[]byte) (first uint64, err error) { return j.stage(true, bodies) }

func (j *Journal) stage(begins bool, bodies [][]byte) (uint64, error) {
	need := 0
	for _, b := range bodies {
		if len(b) == 0 || len(b) > MaxBody {
			return 0, fmt.Errorf("%w: a record of %d bytes, allowed 1 to %d", ErrTooBig, len(b), MaxBody)
		}
		need += frameSize(len(b))
	}
	if len(bodies) == 0 || len(bodies) > MaxAct {
		return 0, fmt.Errorf("%w: %d records, allowed 1 to %d", ErrTooBig, len(bodies), MaxAct)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return 0, j.err
	}
	if len(j.staged)+need > MaxStaged && len(j.staged) > 0 {
		return 0, fmt.Errorf("%w: %d bytes wait for Commit already", ErrTooBig, len(j.staged))
	}
	if err := j.room(int64(need), begins); err != nil {
		return 0, err
	}
	first := j.tip.seq + 1
	if len(j.staged) == 0 {
		j.group, j.groupAt = first, j.tip.offset
	}
	for i, b := range bodies {
		j.tip.seq++
		j.tip.chain = Chain(j.tip.chain, b)
		if j.tip.seq%indexStep == 1 {
			j.index = append(j.index, j.tip.offset)
		}
		f := frame{seq: j.tip.seq, group: j.group, chain: j.tip.chain, body: b}
		if i == len(bodies)-1 {
			f.flags = flagActEnd
		}
		j.staged = f.append(j.staged)
		j.tip.offset += int64(frameSize(len(b)))
	}
	return first, nil
}
