//go:build unix

package serial

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// defaultLockDir is where programs of serial ports keep their locks. Source: dispenser.md 6.3 row 7.
const defaultLockDir = "/run/lock"

// lockFile is LCK..name of the device behind the configured name, so that two names of one port meet.
func lockFile(cfg Config) (string, error) {
	device, err := filepath.EvalSymlinks(cfg.Path)
	if err != nil {
		return "", err
	}
	dir := cfg.LockDir
	if dir == "" {
		dir = defaultLockDir
		if _, err := os.Stat(dir); err != nil {
			dir = os.TempDir()
		}
	}
	return filepath.Join(dir, "LCK.."+strings.ReplaceAll(strings.TrimPrefix(device, "/dev/"), "/", "_")), nil
}

// Held says whether a program holds the lock of a port, and which process. It opens the lock file alone, never the port; a
// program that opens the port in the same instant tries again by itself.
func Held(cfg Config) (holder string, held bool) {
	name, err := lockFile(cfg)
	if err != nil {
		return "", false
	}
	f, err := os.Open(name)
	if err != nil {
		return "", false // nobody has ever locked it
	}
	defer f.Close()
	if unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB) == nil {
		return "", false // closing gives it back
	}
	text := make([]byte, 20)
	n, _ := f.Read(text) // the holder's number is a courtesy
	return cmp.Or(strings.TrimSpace(string(text[:n])), "?"), true
}

// lock takes the port's lock file.
// The library's own lock is no help: root ignores it, and any Close takes it off. Source: dispenser.md 6.3 row 7.
func lock(cfg Config) (unlock func(), err error) {
	name, err := lockFile(cfg)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if errors.Is(err, fs.ErrPermission) {
		f, err = os.Open(name) // another user's file: it can be locked all the same
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errLockFile, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		holder := make([]byte, 20)
		n, _ := f.Read(holder) // the holder's number is a courtesy: an older file may be empty
		return nil, errors.Join(fmt.Errorf("%s is held by process %s: %w", name, strings.TrimSpace(string(holder[:n])), errLocked), f.Close())
	}
	if err := f.Truncate(0); err == nil {
		_, _ = fmt.Fprintf(f, "%10d\n", os.Getpid()) // the lock is the flock; the number only helps people
	}
	return func() { _ = f.Close() }, nil // closing frees the lock; the file stays, removing it would race
}
