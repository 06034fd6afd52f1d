package fa

import (
	"errors"
	"fmt"

	"greylock/system/clock"
)

// Word is a command word, the first data byte. Source: dispenser.md 3.3.
type Word byte

// The command words. Source: dispenser.md 3.3.
const (
	WordPoll     Word = 0x30 // board: poll · PC: clock and versions
	WordLive     Word = 0x31 // board: real-time state, no answer
	WordRecord   Word = 0x32 // board: completed record · PC: acknowledge
	WordDownload Word = 0x33 // board: ask to start a download · PC: total length
	WordSegments Word = 0x34 // board: ask for segments · PC: segments
	WordGrey     Word = 0x35 // board: grey-record query · PC: answer
	WordList     Word = 0x36 // board: black/white list query · PC: answer
	WordTotals   Word = 0x38 // PC: ask for totalisers · board: totalisers
	WordInfo     Word = 0x3A // PC: ask for information · board: information
	WordFault    Word = 0x3B // board: internal error report, answered with 3C
	WordLinkAck  Word = 0x3C // both: link acknowledge
	WordReread   Word = 0x3E // PC: re-read a record by POS-TTC
	WordNoRecord Word = 0x3F // board: no such record
)

// String is two hexadecimal digits and H.
func (w Word) String() string { return fmt.Sprintf("%02XH", byte(w)) }

// NZN is a nozzle number on a board's wire. Source: dispenser.md 3.5.
type NZN byte

// POSTTC is the board's running number of records. It is not the PSAM's counter. Source: dispenser.md 3.6.
type POSTTC uint32

// Since returns how many records t is ahead of an earlier number, roll-over included.
func (t POSTTC) Since(earlier POSTTC) uint32 { return uint32(t) - uint32(earlier) }

// Stamp is YYYYMMDDhhmmss in packed BCD, civil time, kept as it was sent. Source: dispenser.md 3.4.
type Stamp [7]byte

// StampOf returns the stamp of a civil time.
func StampOf(c clock.Civil) Stamp { return c.Stamp() }

// Civil reads the stamp; an error for anything that is no date and time.
func (s Stamp) Civil() (clock.Civil, error) { return clock.ParseStamp(s) }

// String prints the date and time, or the bytes if they are none.
func (s Stamp) String() string {
	c, err := s.Civil()
	if err != nil {
		return fmt.Sprintf("%X", s[:])
	}
	return c.String()
}

// Product is the product code, two BCD bytes, opaque (1031). Source: dispenser.md 3.6 G-CODE.
type Product [2]byte

// ParseProduct reads four digits.
func ParseProduct(s string) (p Product, err error) {
	if len(s) != 4 {
		return p, fmt.Errorf("fa: product %q: want four digits", s)
	}
	for i := range 4 {
		if s[i] < '0' || s[i] > '9' {
			return p, fmt.Errorf("fa: product %q: want four digits", s)
		}
		p[i/2] = p[i/2]<<4 | (s[i] - '0')
	}
	return p, nil
}

// String returns the four digits.
func (p Product) String() string { return fmt.Sprintf("%X", p[:]) }

// Errors of the codecs. They are wrapped with the field that was being read or written.
var (
	ErrUnknown = errors.New("fa: unknown command word")
	ErrLength  = errors.New("fa: wrong length")
	ErrRange   = errors.New("fa: value does not fit its field")
	ErrValue   = errors.New("fa: value not allowed")
)
