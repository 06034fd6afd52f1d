//go:build !unix && !windows

package journal

import (
	"errors"
	"os"
	"syscall"
)

// flock refuses: without a lock that dies with its process, two processes could write one journal.
func flock(*os.File) error { return errors.New("file locks are not supported on this system") }

func isReadOnly(error) bool { return false }

func full(err error) bool { return errors.Is(err, syscall.ENOSPC) }

// taken can not tell here: no program of ours holds a journal on this system.
func taken(*os.File) bool { return false }

// syncDir makes names durable.
func syncDir(f *os.File) error { return f.Sync() }
