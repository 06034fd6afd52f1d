//go:build unix

package journal

import (
	"errors"
	"os"
	"syscall"
)

// flock holds as long as the open file lives, so a killed process leaves no lock behind.
func flock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrLocked
	}
	return err
}

func isReadOnly(err error) bool { return errors.Is(err, syscall.EROFS) }

func full(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// taken says whether somebody holds the lock for writing; closing the file gives back what was taken to find out.
func taken(f *os.File) bool {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) != nil
}

// syncDir makes names durable.
func syncDir(f *os.File) error { return f.Sync() }
