// Package fa is the wire of the card-pump link V1.1 (卡机联动, FA): frames, escape, CRC, decoder, the commands in both
// directions, the 95-byte record and the downloaded files. Formats only: who says what and when is decided elsewhere.
//
// Source: dispenser.md 3.
package fa

import "fmt"

// Start begins each frame; behind the header it is sent twice. Source: dispenser.md 3.1.
const Start = 0xFA

// Sizes of a frame's data. Source: dispenser.md 3.1.
const (
	MaxSend   = 252 // what we send by ourselves: log analysers assume frames below 260 bytes
	MaxAccept = 500 // what we accept: board firmware asks for 30 segments = 480 bytes
)

const (
	headSize = 5 // dst, src, ctl, length (2)
	crcSize  = 2
)

// Control byte. Source: dispenser.md 3.1.
const (
	FromPC     = 0x40 // bit 6: 1 = sent by the PC, 0 = sent by the board
	NumberMask = 0x3F // bits 5-0: frame number, echoed in answers, never a reason to reject
)

// Addresses. Source: dispenser.md 3.1.
const (
	PCAddress    = 0xE0 // the first PC address (E0..F9)
	Unconfigured = 0xFF // source of a board without station info
	MaxPOSP      = 0xDF // POS_P is given out below the PC addresses
)

// Frame is one frame without start byte, escape and CRC. Data[0] is the command word.
// Source: dispenser.md 3.1.
type Frame struct {
	Dst, Src, Ctl byte
	Data          []byte // 1..MaxAccept bytes
}

// Word returns the command word, 0 for a frame without data.
func (f Frame) Word() Word {
	if len(f.Data) == 0 {
		return 0
	}
	return Word(f.Data[0])
}

// FromPC says that the PC sent the frame (bit 6 of the control byte).
func (f Frame) FromPC() bool { return f.Ctl&FromPC != 0 }

// Number is the frame number 0..63.
func (f Frame) Number() byte { return f.Ctl & NumberMask }

// Encode returns the bytes on the wire: start, header, data and CRC with every FA behind the header doubled.
// Dst, Src and Ctl must not be FA and Data must hold 1..MaxAccept bytes: anything else is the caller's bug and panics.
// Source: dispenser.md 3.1.
func Encode(f Frame) []byte {
	n := len(f.Data)
	if n == 0 || n > MaxAccept || f.Dst == Start || f.Src == Start || f.Ctl == Start {
		panic(fmt.Sprintf("fa: frame %02X %02X %02X with %d data bytes can not be sent", f.Dst, f.Src, f.Ctl, n))
	}
	out := make([]byte, 0, 1+headSize+n+crcSize+8)
	out = append(out, Start, f.Dst, f.Src, f.Ctl, bcd(n/100), bcd(n%100))
	crc := CRC(CRC(0, out[1:]), f.Data)
	for _, b := range f.Data {
		out = escape(out, b)
	}
	return escape(escape(out, byte(crc>>8)), byte(crc))
}

func escape(out []byte, b byte) []byte {
	if b == Start {
		out = append(out, b)
	}
	return append(out, b)
}

func bcd(n int) byte { return byte(n/10<<4 | n%10) }

// CRC continues CRC-16/ARC (reflected A001, first value 0, no final xor) over data. Source: dispenser.md 3.1.
func CRC(crc uint16, data []byte) uint16 {
	for _, b := range data {
		crc = crc>>8 ^ crcTable[byte(crc)^b]
	}
	return crc
}

var crcTable = makeCRCTable()

func makeCRCTable() (t [256]uint16) {
	for i := range t {
		crc := uint16(i)
		for range 8 {
			if crc&1 != 0 {
				crc = crc>>1 ^ 0xA001
			} else {
				crc >>= 1
			}
		}
		t[i] = crc
	}
	return t
}
