//go:build !linux && !windows

package main

import "errors"

// synchronised can not be asked for on this system.
func synchronised() (synced, known bool) { return false, false }

// freeSpace can not be asked for on this system.
func freeSpace(string) (int64, error) {
	return 0, errors.New("此系统上查不到剩余空间 (free space can not be asked for on this system)")
}

// mayOpen is found out by opening.
func mayOpen(string) bool { return true }
