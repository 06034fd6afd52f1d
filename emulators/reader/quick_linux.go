package reader

import (
	"net"

	"golang.org/x/sys/unix"
)

// quick asks the kernel to acknowledge what has come at once. It must be said before every read: the kernel forgets it.
// Without it each command waits 44 ms for a delayed acknowledgement. Source: libraries.md 4.4, 10.1.
func quick(conn *net.TCPConn) {
	if raw, err := conn.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) })
	}
}
