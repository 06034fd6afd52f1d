package journal

import (
	"errors"
	"fmt"
)

// Commit puts everything staged on the disk with one write and one sync. It may run while others Stage. After an error
// nothing more is accepted: the caller ends the program and opens the journal again (trust.md row 45).
func (j *Journal) Commit() error {
	j.commit.Lock()
	defer j.commit.Unlock()
	j.mu.Lock()
	if j.err != nil || len(j.staged) == 0 {
		defer j.mu.Unlock()
		return j.err
	}
	buf, at, to := j.staged, j.groupAt, j.tip
	j.staged, j.spare = j.spare[:0], nil
	j.mu.Unlock()

	err := j.write(buf, at)

	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil {
		return j.fail(err)
	}
	j.durable, j.sealed, j.spare = to, false, buf
	if cap(j.spare) > spareMax {
		j.spare = nil
	}
	return nil
}

func (j *Journal) write(buf []byte, at int64) error {
	if _, err := j.file.WriteAt(buf, at); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if err := j.file.Sync(); err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	return nil
}

// fail ends the journal's life. mu is held.
func (j *Journal) fail(err error) error {
	if j.err == nil {
		j.err = fmt.Errorf("%w: %w", ErrFailed, err)
	}
	return j.err
}

// room sees that an act of need bytes fits into what the file already owns, with the reserve left over. mu is held.
func (j *Journal) room(need int64, begins bool) error {
	if j.size-j.tip.offset-need >= j.reserve {
		return nil
	}
	err := j.grow(need)
	switch left := j.size - j.tip.offset - need; {
	case err == nil || left >= j.reserve:
		return nil
	case !full(err):
		return j.fail(fmt.Errorf("grow: %w", err))
	case begins:
		return ErrFull
	case left < sealSize:
		return ErrNoSpace
	}
	return nil
}

// grow writes zeros ahead until need bytes and twice the reserve fit. The next commit's sync covers them.
func (j *Journal) grow(need int64) error {
	target := j.tip.offset + need + 2*j.reserve
	for j.size < target {
		piece := min(target-j.size, zeroPiece)
		if err := zeros(j.file, j.size, j.size+piece); err != nil {
			if size, e := j.file.Size(); e == nil && size > j.size {
				j.size = size // a part was written
			}
			return err
		}
		j.size += piece
	}
	return nil
}

func zeros(f File, from, to int64) error {
	zero := make([]byte, min(to-from, zeroPiece))
	for from < to {
		n, err := f.WriteAt(zero[:min(to-from, int64(len(zero)))], from)
		if err != nil {
			return err
		}
		from += int64(n)
	}
	return nil
}

// Full tells whether the disk is so full that StageNew would refuse an act of need bytes. It tries to get room first.
func (j *Journal) Full(need int) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err != nil || j.room(int64(frameSize(need)), true) != nil
}

// Head returns the last durable sequence and its chain hash; 0 and zeros for an empty journal.
func (j *Journal) Head() (seq uint64, chain [32]byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.durable.seq, j.durable.chain
}

// Bytes is how long the durable journal is in its file.
func (j *Journal) Bytes() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.durable.offset
}

// Read calls fn for each durable record from sequence from (1 or more) on, in order, and stops at fn's first error,
// which it returns. Appends made meanwhile are not read.
func (j *Journal) Read(from uint64, fn func(Record) error) error {
	j.mu.Lock()
	to, err := j.durable, j.err
	i := (max(from, 1) - 1) / indexStep
	if from > to.seq || errors.Is(err, ErrClosed) {
		j.mu.Unlock()
		if errors.Is(err, ErrClosed) {
			return err
		}
		return nil
	}
	w := window{file: j.file, at: j.index[i], end: to.offset}
	j.mu.Unlock()
	for w.at < to.offset {
		at := w.at
		f, ok, err := w.next()
		if err != nil {
			return fmt.Errorf("journal: read: %w", err)
		}
		if !ok {
			return &Damage{Seq: from, Offset: at, Reason: "unreadable since it was opened"}
		}
		if f.flags == flagSeal || f.seq < from {
			continue
		}
		from = f.seq + 1
		if err := fn(Record{f.seq, f.body, f.chain, f.flags == flagActEnd}); err != nil {
			return err
		}
	}
	return nil
}

// Close drops what is staged, seals what is durable and gives the lock back. A sealed journal opens without doubt: damage
// in it, even in its last record, is never taken for a torn tail. Close is not needed for durability.
func (j *Journal) Close() error {
	j.commit.Lock()
	defer j.commit.Unlock()
	j.mu.Lock()
	defer j.mu.Unlock()
	if errors.Is(j.err, ErrClosed) {
		return nil
	}
	var seal error
	if j.err == nil && !j.sealed && j.durable.seq > 0 {
		f := frame{flags: flagSeal, seq: j.durable.seq, group: j.durable.seq + 1, chain: j.durable.chain}
		seal = j.write(f.append(nil), j.durable.offset)
	}
	j.err = ErrClosed
	return errors.Join(seal, j.file.Close(), j.lock.Close())
}
