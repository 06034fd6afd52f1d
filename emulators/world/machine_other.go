//go:build !linux

package world

import (
	"errors"
	"fmt"
	"os"
)

// freeze can not be done on this system.
func freeze(*os.Process, bool) error {
	return errors.New("此系统上不能让进程停住 (a process can not be stopped on this system)")
}

// small can not ask how big a disk is on this system: none is filled up.
func small(dir string) error {
	return fmt.Errorf("%w: %s: 此系统上查不到盘的大小 (the size of a disk can not be asked for on this system)", ErrStorm, dir)
}
