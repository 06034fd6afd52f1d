package journal

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

// flock holds as long as the open file lives, so a killed process leaves no lock behind.
func flock(f *os.File) error {
	err := lockByte(f, windows.LOCKFILE_EXCLUSIVE_LOCK)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return ErrLocked
	}
	return err
}

func lockByte(f *os.File, how uint32) error {
	return windows.LockFileEx(windows.Handle(f.Fd()), how|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{})
}

func isReadOnly(err error) bool { return errors.Is(err, windows.ERROR_WRITE_PROTECT) }

func full(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL) || errors.Is(err, syscall.ENOSPC)
}

// taken says whether somebody holds the lock for writing; closing the file gives back what was taken to find out.
func taken(f *os.File) bool { return lockByte(f, 0) != nil }

// syncDir has nothing to do: names are in the file system's own journal, and a directory can not be flushed here.
func syncDir(*os.File) error { return nil }
