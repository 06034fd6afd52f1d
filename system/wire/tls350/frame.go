// Package tls350 is the wire of Veeder-Root TLS-350 tank gauges: requests and answers in the computer format, ASCII between
// SOH and ETX with a 16-bit checksum. Formats only: who asks what and when is decided elsewhere.
//
// The link carries IEEE-754 floats in hexadecimal; here they become integers at once, and nowhere else is a float of a tank:
// hundredths of a litre, tenths of a millimetre, hundredths of a degree. A console is set to metric units.
//
// Source: dispenser.md 7.3; manual 576013-635, function codes 201, 202, 205.
package tls350

import (
	"errors"
	"fmt"
)

// The bytes around a message. Source: dispenser.md 7.3.
const (
	SOH = 0x01
	ETX = 0x03
)

// Bounds, so that no length is trusted. Source: dispenser.md 7.3.
const (
	MaxTanks      = 16                                                       // that a console of this family has
	MaxDeliveries = 10                                                       // that an answer tells of one tank
	MaxAlarms     = 32                                                       // of one tank; the table has fewer kinds
	MaxFrame      = 1 + 16 + MaxTanks*(5+MaxDeliveries*deliveryText) + 6 + 1 // the longest answer: all deliveries of all tanks
	deliveryText  = 10 + 10 + 2 + deliveryFloats*8                           // two minutes, a count, the floats
	RequestSize   = 1 + 6                                                    // SOH i 201 00
	mostFloat     = 1e7                                                      // litres, millimetres or degrees beyond this are no reading
)

// Errors of a message that must not be acted on. Source: dispenser.md 7.3.
var (
	ErrSum     = errors.New("tls350: wrong checksum")
	ErrForm    = errors.New("tls350: no such form")
	ErrRange   = errors.New("tls350: value out of range")
	ErrUnknown = errors.New("tls350: the console does not know the command (9999FF1B)")
)

// Function is what is asked for. Source: dispenser.md 7.3.
type Function int

// The functions. Source: dispenser.md 7.3.
const (
	FuncInventory  Function = 201
	FuncDeliveries Function = 202
	FuncStatus     Function = 205
)

// Known reports whether the function is in the table. Source: dispenser.md 7.3.
func (f Function) Known() bool { return f.kind() != nil }

// Request is a question of the station. It has no end mark and no checksum. Source: dispenser.md 7.3.
type Request struct {
	Function Function
	Tank     int // 1…; 0 asks for all
}

// Bytes is the request on the wire; ErrRange for a number that does not fit. Source: dispenser.md 7.3.
func (r Request) Bytes() ([]byte, error) {
	if r.Function < 0 || r.Function > 999 || r.Tank < 0 || r.Tank > 99 {
		return nil, fmt.Errorf("request %d of tank %d: %w", r.Function, r.Tank, ErrRange)
	}
	return fmt.Appendf([]byte{SOH}, "i%03d%02d", r.Function, r.Tank), nil
}

// ParseRequest reads a request. Only the computer format is one: a console that is asked for print (upper-case I), or for what
// has no decimal number, answers that it does not know. Source: dispenser.md 7.3.
func ParseRequest(b []byte) (Request, error) {
	if len(b) != RequestSize || b[0] != SOH || b[1] != 'i' {
		return Request{}, fmt.Errorf("request %q: %w", b, ErrForm)
	}
	for _, x := range b[2:] {
		if x < '0' || x > '9' {
			return Request{}, fmt.Errorf("request %q: %w", b, ErrForm)
		}
	}
	return Request{Function(int(b[2]-'0')*100 + int(b[3]-'0')*10 + int(b[4]-'0')), int(b[5]-'0')*10 + int(b[6]-'0')}, nil
}

// Sum is the checksum that a message wants: the two's complement of the 16-bit sum of its bytes from SOH to the checksum.
// Source: dispenser.md 7.3.
func Sum(message []byte) uint16 {
	var s uint16
	for _, b := range message {
		s -= uint16(b)
	}
	return s
}

// unknown is what a console says to a command that it does not know. Source: dispenser.md 7.3.
const unknown = "\x019999FF1B\x03"

// Unknown is the console's answer to a command that it does not know. Source: dispenser.md 7.3.
func Unknown() []byte { return []byte(unknown) }
