package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// Copy writes the first bytes of a journal's file, header and all: as many as a Report of Verify or Visit says. A program may hold
// the journal and go on: what is there is never changed, only added to. It needs no lock.
func Copy(dir Dir, to io.Writer, r Report) (err error) {
	file, err := dir.Open(fileName)
	if err != nil {
		return fmt.Errorf("journal: open %s: %w", r.File, err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	n, err := io.Copy(to, io.NewSectionReader(file, 0, r.Bytes))
	if err == nil && n != r.Bytes {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return fmt.Errorf("journal: copy %s: %w", r.File, err)
	}
	return nil
}

// Restore makes a journal of what Copy wrote. It appears under its name only when it is whole and verified; visit sees
// every record on the way, and check has the last word on what was found. fs.ErrExist if the directory has one: a journal is never overwritten.
func Restore(dir Dir, from io.Reader, visit func(Record), check func(Report) error) (err error) {
	lock, err := dir.Lock(lockName)
	if err != nil {
		return fmt.Errorf("journal: lock %s: %w", path(dir), err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if old, e := dir.Open(fileName); e == nil {
		return errors.Join(fmt.Errorf("journal: %s: %w", path(dir), fs.ErrExist), old.Close())
	} else if !errors.Is(e, fs.ErrNotExist) {
		return fmt.Errorf("journal: open %s: %w", path(dir), e)
	}
	file, err := dir.Create(tempName)
	if err != nil {
		return fmt.Errorf("journal: create %s: %w", path(dir), err)
	}
	_, err = io.Copy(io.NewOffsetWriter(file, 0), from)
	err = errors.Join(err, file.Sync())
	var r Report
	if err == nil {
		r, err = verify(file, path(dir), visit)
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("journal: restore %s: %w", path(dir), err)
	}
	switch {
	case r.Damage != nil:
		return r.Damage
	case r.Torn != nil:
		return &Damage{File: r.File, Seq: r.Torn.Seq, Offset: r.Torn.Offset, Reason: "the copy ends inside an act"}
	}
	if err := check(r); err != nil {
		return err
	}
	if err := dir.Rename(tempName, fileName); err != nil {
		return fmt.Errorf("journal: restore %s: %w", path(dir), err)
	}
	return dir.SyncDir()
}
