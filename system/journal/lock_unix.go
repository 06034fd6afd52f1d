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
