package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
)

// Rotating is a log file that begins anew when it is full: FILE.1 is the one before, FILE.2 the one before that. One program
// writes it.
type Rotating struct {
	path string
	most int64 // bytes of one file
	keep int   // files beside the newest

	mu   sync.Mutex
	file *os.File
	size int64
}

// OpenRotating goes on with the log or begins it.
func OpenRotating(path string, most int64, keep int) (*Rotating, error) {
	r := &Rotating{path: path, most: most, keep: keep}
	if err := r.open(); err != nil {
		return nil, fmt.Errorf("日志文件 (log file): %w", err)
	}
	return r, nil
}

func (r *Rotating) open() error {
	f, err := os.OpenFile(r.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	r.file, r.size = f, info.Size()
	return nil
}

// Write writes one entry. A log that can not be turned over grows on: what happened is worth more than a bound.
func (r *Rotating) Write(entry []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.size > 0 && r.size+int64(len(entry)) > r.most {
		if err := r.turn(); err != nil && r.file == nil {
			return 0, err
		}
	}
	n, err := r.file.Write(entry)
	r.size += int64(n)
	return n, err
}

// turn moves every file one place on; the oldest is overwritten.
func (r *Rotating) turn() error {
	err := r.file.Close()
	r.file = nil
	name := func(i int) string {
		if i == 0 {
			return r.path
		}
		return fmt.Sprintf("%s.%d", r.path, i)
	}
	for i := r.keep; i > 0; i-- {
		if e := os.Rename(name(i-1), name(i)); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	if r.keep == 0 {
		err = errors.Join(err, os.Truncate(r.path, 0))
	}
	return errors.Join(err, r.open())
}

// Close ends the log.
func (r *Rotating) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.file.Close()
}
