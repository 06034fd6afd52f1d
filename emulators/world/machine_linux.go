package world

import (
	"fmt"
	"os"
	"syscall"
)

// freeze lets a process stand still, or go on.
func freeze(p *os.Process, on bool) error {
	if on {
		return p.Signal(syscall.SIGSTOP)
	}
	return p.Signal(syscall.SIGCONT)
}

// small refuses to fill a disk that is not there to be filled.
func small(dir string) error {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrStorm, dir, err)
	}
	if size := int64(fs.Blocks) * fs.Bsize; size > maxFillDisk {
		return fmt.Errorf("%w: %s 在一个 %d MB 的盘上, 只填满不超过 %d MB 的盘, 例如 tmpfs (this disk is not small enough to be filled up)",
			ErrStorm, dir, size>>20, maxFillDisk>>20)
	}
	return nil
}
