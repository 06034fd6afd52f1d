package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// File is the little that a journal needs of a file. Reads and writes may come from several goroutines.
type File interface {
	io.ReaderAt
	// WriteAt writes all of p or returns an error; a full disk is syscall.ENOSPC.
	io.WriterAt
	// Sync returns when everything written is on the disk. After an error nobody knows what is.
	Sync() error
	Size() (int64, error)
	io.Closer
}

// Dir is the directory that a journal lives in. The production one is OS; faultfile has the unkind one.
type Dir interface {
	// Open opens a file that is there, for reading and writing; fs.ErrNotExist.
	Open(name string) (File, error)
	// Create makes a new empty file in the place of an old one.
	Create(name string) (File, error)
	Rename(from, to string) error
	// SyncDir makes names durable.
	SyncDir() error
	// Lock takes a lock that ends with the process at the latest; ErrLocked if somebody holds it.
	Lock(name string) (io.Closer, error)
}

// Held says whether a program holds the journal in a directory. It opens the lock file alone, and gives it back at once.
func Held(dir string) bool {
	f, err := os.Open(filepath.Join(dir, lockName))
	if err != nil {
		return false // nobody has ever opened it
	}
	defer f.Close()
	return taken(f)
}

// OS is a directory of the machine; it is made if it is not there.
func OS(dir string) Dir { return osDir(dir) }

type osDir string

func (d osDir) String() string { return string(d) }

func (d osDir) Open(name string) (File, error) {
	f, err := os.OpenFile(filepath.Join(string(d), name), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrPermission) || isReadOnly(err) {
		f, err = os.Open(filepath.Join(string(d), name)) // an auditor's copy on a medium that can not be written
	}
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (d osDir) Create(name string) (File, error) {
	f, err := os.OpenFile(filepath.Join(string(d), name), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (d osDir) Rename(from, to string) error {
	return os.Rename(filepath.Join(string(d), from), filepath.Join(string(d), to))
}

func (d osDir) SyncDir() error {
	f, err := os.Open(string(d))
	if err != nil {
		return err
	}
	return errors.Join(syncDir(f), f.Close())
}

func (d osDir) Lock(name string) (io.Closer, error) {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(string(d), name), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := flock(f); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", f.Name(), err), f.Close())
	}
	return f, nil
}

type osFile struct{ *os.File }

func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
