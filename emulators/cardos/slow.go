package cardos

import "time"

// A card's own work, by what a command costs it. Source: trust.md 7.3 (estimates).
const (
	workRead   = 2 * time.Millisecond  // looking up
	workCipher = 6 * time.Millisecond  // a MAC or two
	workWrite  = 8 * time.Millisecond  // one small write
	workLock   = 25 * time.Millisecond // GREY LOCK: MACs and a large write
	workDebit  = 30 * time.Millisecond // DEBIT FOR UNLOCK and its relatives
)

// Work is how long a command keeps the card busy, beside the time of its bytes on the wire. Source: trust.md 7.3.
func Work(command []byte) time.Duration {
	work := workRead
	if len(command) >= 2 {
		switch uint16(command[0])<<8 | uint16(command[1]) {
		case 0xE07A, 0x8050, 0x0088, 0x0082:
			work = workCipher
		case 0x0020, 0x00D6, 0x04D6, 0x00DC, 0x04DC, 0x00E2, 0x04E2, 0x805E, 0x8424, 0x841E, 0x8418, 0x8416, 0x84D4, 0x80D4, 0x80E0:
			work = workWrite
		case 0xE07C:
			work = workLock
		case 0xE07E, 0x8052, 0x8054, 0x8058:
			work = workDebit
		}
	}
	return work
}
