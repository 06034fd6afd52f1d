package cardos

import "greylock/system/wire/apdu"

// A lenient card imitates sloppy firmware. It differs from a strict one in this list and nothing else; MACs, counters,
// amounts, tries, rights, grey state and the wholeness of every act are never relaxed. All [ours].
//
//   - CLA: the two bits of the logical channel are not looked at.
//   - Lc: bytes behind the data of a money or grey command, or of EXTERNAL AUTHENTICATION, are ignored.
//   - Le: a larger one than there is gets what there is, with 9000; a smaller one gets the beginning. There is no 6Cxx.
//   - A file never written reads with 9000, not 6281.
//   - A challenge lives until the next GET CHALLENGE or the reset.
//   - SELECT of the application that is selected keeps the security state, the PIN among it.
//   - DEBIT FOR PURCHASE of a grey card answers 6901, not 6985.
//   - A compound purchase needs no record.
func (c *Card) lenient(cmd apdu.Command) ([]byte, apdu.SW) {
	const channel = 0x03
	cmd.CLA &^= channel
	if n := dataLength(cmd); n > 0 && len(cmd.Data) > n {
		cmd.Data = cmd.Data[:n]
	}
	le := cmd.Le
	data, sw := c.strict(cmd)
	if sw&0xFF00 == exactLe { // reads alone answer this, and change nothing
		cmd.Le = 0
		data, sw = c.strict(cmd)
	}
	if sw == apdu.NeverWritten {
		sw = apdu.OK
	}
	if le > 0 && le < len(data) {
		data = data[:le]
	}
	return data, sw
}

const exactLe apdu.SW = 0x6C00 // Source: card.md section 9

// dataLength is Lc of a command that has one; 0 for the others. Source: card.md 6.2, 6.4.
func dataLength(cmd apdu.Command) int {
	switch uint32(cmd.CLA)<<16 | uint32(cmd.INS)<<8 | uint32(cmd.P1) {
	case 0x805000, 0x805001, 0x805002, 0x805003, 0x805005, 0x805200, 0x805403:
		return 0x0B
	case 0x805004, 0xE07A08, 0xE07A09:
		return 0x07
	case 0x805401, 0xE07E09:
		return 0x0F
	case 0x805800:
		return 0x0E
	case 0x805A00:
		return 0x02
	case 0xE07C08:
		return 0x13
	case 0xE07E08:
		return 0x1B
	case 0x008200:
		return 0x08
	}
	return 0
}
