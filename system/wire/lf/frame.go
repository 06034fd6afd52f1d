// Package lf is the wire of Lanfeng / Bluesky dispensers (LF): 12-byte frames without start byte, length or escape, their
// checksum, the commands and the two forms of a reply. Formats only: who says what and when is decided elsewhere.
//
// Source: dispenser.md 2.
package lf

import (
	"errors"
	"fmt"

	"greylock/system/wire/unit"
)

// Size is the length of every frame in both directions. Source: dispenser.md 2.1.
const Size = 12

// Frame is one frame as it is on the wire: nozzle, Data1 (00 in requests and echoes), command, eight bytes of data, checksum.
// Source: dispenser.md 2.2.
type Frame [Size]byte

// Errors of a frame that must not be acted on. Source: dispenser.md 2.1, 2.2.
var (
	ErrSum   = errors.New("lf: wrong checksum")
	ErrBCD   = errors.New("lf: digit above 9")
	ErrForm  = errors.New("lf: no such form")
	ErrRange = errors.New("lf: value does not fit its field")
)

// Sum returns the checksum that bytes 1..10 want: the two's complement of their 8-bit sum. The nozzle number is not in it.
// Source: dispenser.md 2.2.
func (f Frame) Sum() byte {
	var s byte
	for _, b := range f[1 : Size-1] {
		s -= b
	}
	return s
}

// Good reports whether the checksum is right. That is no proof: two errors may cancel out.
// Source: dispenser.md 2.1, 2.2.
func (f Frame) Good() bool { return f[Size-1] == f.Sum() }

// Command is what a request asks for. Source: dispenser.md 2.3.
type Command byte

// The commands. Source: dispenser.md 2.3.
const (
	Query        Command = 0xB8 // answered in state form
	Control      Command = 0xA0
	Uncontrol    Command = 0xB0
	Fuel         Command = 0xA1 // authorise without a preset
	Stop         Command = 0xB1
	FuelCash     Command = 0xA2
	FuelLitres   Command = 0xA3
	SetPrice     Command = 0xA4
	SetPreValve  Command = 0xA6
	ClearShift   Command = 0xA8
	QueryShift   Command = 0xA9
	TotalCash    Command = 0xAC
	TotalLitres  Command = 0xAD
	firstCommand byte    = 0xA0 // an echo has at least this in byte 2, a state reply a price of at most 99
)

// Known reports whether the command is in the table. Source: dispenser.md 2.3.
func (c Command) Known() bool { return c.kind() != nil }

// String names the command with its byte. Source: dispenser.md 2.3.
func (c Command) String() string {
	if k := c.kind(); k != nil {
		return fmt.Sprintf("%02X %s", byte(c), k.en)
	}
	return fmt.Sprintf("%02X", byte(c))
}

// State is byte 10 of a state reply. Source: dispenser.md 2.4.
type State byte

// Bits of the state. The extension bits are 0 unless the board has them. Source: dispenser.md 2.4.
const (
	NozzleUp     State = 0x80
	Controlled   State = 0x40
	Fault        State = 0x20 // extension
	PowerFail    State = 0x10 // extension: the last sale was interrupted
	SmallValve   State = 0x08 // extension
	PresetLoaded State = 0x04 // extension
	Fuelling     State = 0x02
	Stopped      State = 0x01

	Extensions = Fault | PowerFail | SmallValve | PresetLoaded
)

// Listed reports whether the state without its extension bits is one of the table: 41, C1, C2, 01, 81, 82, or one of a pump
// that is Locked: 40, C0, 00, 80. Source: dispenser.md 2.4, 5.1.
func (s State) Listed() bool {
	switch s &^ (Extensions | Controlled) {
	case Stopped, NozzleUp | Stopped, NozzleUp | Fuelling, 0, NozzleUp:
		return true
	}
	return false
}

// Locked reports whether the pump has locked itself: neither stopped nor fuelling. Source: dispenser.md 5.1.
func (s State) Locked() bool { return s&(Fuelling|Stopped) == 0 }

// Total is a running total, 0 .. 9 999 999 999.99 (litres or yuan). Source: dispenser.md 2.2, 4.5.
type Total int64

// TotalWrap is one more than the greatest Total. Source: dispenser.md 4.5.
const TotalWrap Total = 1e12

// Since returns how far the total has run from an earlier reading; a reading below it counts as rolled over.
// Source: dispenser.md 4.5.
func (t Total) Since(earlier Total) int64 { return int64((t - earlier + TotalWrap) % TotalWrap) }

// String prints the total with two decimals. Source: dispenser.md 2.2.
func (t Total) String() string { return unit.Quantity(t).String() }
