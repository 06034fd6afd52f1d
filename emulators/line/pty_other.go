//go:build !linux

package line

import (
	"errors"
	"fmt"

	"greylock/system/clock"
)

// ErrNoPty says that this system has no pseudo-terminals as dispensers need them.
var ErrNoPty = errors.New("此系统没有伪终端, 虚拟串口只在 Linux 上 (no pseudo-terminals here: virtual serial ports are for Linux; everything in memory works)")

// Pty can not be had on this system.
type Pty struct{}

// OpenPty is ErrNoPty.
func OpenPty(cfg PtyConfig) (*Pty, error) { return nil, fmt.Errorf("line %s: %w", cfg.Link, ErrNoPty) }

// Name is of a line that nobody has.
func (*Pty) Name() string { return "" }

// Write drops the bytes.
func (*Pty) Write([]byte) {}

// With does nothing.
func (*Pty) With(func(now clock.Instant, m *Mem)) {}

// Unread is nothing.
func (*Pty) Unread() uint64 { return 0 }

// Release has nothing to take off.
func (*Pty) Release() error { return nil }

// Close has nothing to end.
func (*Pty) Close() error { return nil }
