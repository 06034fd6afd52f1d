package line

import "math/rand/v2"

// PtyConfig of a pseudo-terminal line.
type PtyConfig struct {
	Config
	Link string     // stable name, made as a symbolic link and replaced atomically; "" for none
	Rand *rand.Rand // decides which bytes a fault strikes
	// Strict takes the client's own speed and parity, as it has set them on the pseudo-terminal: one that is set otherwise than
	// the device is not understood. Of parity only a hint is left: that errors are looked for, and whether it is odd.
	// Source: dispenser.md 6.4 row 5.
	Strict bool
	// Received takes the bytes that have crossed the wire to the device. It is called from the line's own goroutine and
	// may call Write.
	Received func([]byte)
}
