// Package apdu holds ISO 7816-4 commands and answers in the short form that petrol cards use, byte for byte.
package apdu

import (
	"errors"
	"fmt"
)

// NoLe says that a command asks for no data.
const NoLe = -1

// MaxData is the longest command or answer data of the card operating system. Source: card.md 6.1.
const MaxData = 0xEF

// Command is one short command APDU. Le is NoLe, or 0..255 as printed in P3; 0 asks for the maximum.
type Command struct {
	CLA, INS, P1, P2 byte
	Data             []byte // 0..255 bytes
	Le               int
}

// ErrLength is wrapped by every error about the length of an APDU.
var ErrLength = errors.New("wrong length")

// ParseCommand reads a short APDU of the four ISO cases. Data aliases b.
func ParseCommand(b []byte) (Command, error) {
	if len(b) < 4 {
		return Command{}, fmt.Errorf("apdu: command of %d bytes, want at least 4: %w", len(b), ErrLength)
	}
	c := Command{CLA: b[0], INS: b[1], P1: b[2], P2: b[3], Le: NoLe}
	switch body := b[4:]; {
	case len(body) == 0:
	case len(body) == 1:
		c.Le = int(body[0])
	default:
		lc := int(body[0])
		switch {
		case lc == 0 || len(body) < 1+lc || len(body) > 2+lc:
			return Command{}, fmt.Errorf("apdu: Lc %02X but %d bytes follow: %w", lc, len(body)-1, ErrLength)
		case len(body) == 2+lc:
			c.Le = int(body[1+lc])
		}
		c.Data = body[1 : 1+lc]
	}
	return c, nil
}

// Bytes returns the APDU as sent. It panics for data above 255 bytes, which no caller can have got from outside.
func (c Command) Bytes() []byte {
	if len(c.Data) > 255 {
		panic(fmt.Sprintf("apdu: %d bytes of command data", len(c.Data)))
	}
	b := make([]byte, 4, 6+len(c.Data))
	b[0], b[1], b[2], b[3] = c.CLA, c.INS, c.P1, c.P2
	if len(c.Data) > 0 {
		b = append(append(b, byte(len(c.Data))), c.Data...)
	}
	if c.Le != NoLe {
		b = append(b, byte(c.Le))
	}
	return b
}

// Answer is one response APDU.
type Answer struct {
	Data []byte
	SW   SW
}

// ParseAnswer splits an answer into data and status word. Data aliases b.
func ParseAnswer(b []byte) (Answer, error) {
	if len(b) < 2 {
		return Answer{}, fmt.Errorf("apdu: answer of %d bytes, want at least 2: %w", len(b), ErrLength)
	}
	n := len(b) - 2
	return Answer{Data: b[:n], SW: SW(b[n])<<8 | SW(b[n+1])}, nil
}

// Bytes returns data and status word as sent.
func (a Answer) Bytes() []byte {
	b := make([]byte, 0, len(a.Data)+2)
	return append(append(b, a.Data...), byte(a.SW>>8), byte(a.SW))
}
