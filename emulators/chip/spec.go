package chip

import (
	"encoding/binary"

	"greylock/system/wire/apdu"
)

// maxFile bounds a file by the address space of the memory.
const maxFile = 1 << 15

// ParseSpec reads the data of CREATE FILE. dfData is what the emulator keeps in each DF, purse the body of a purse (0: the
// chip has none). Source: card.md section 11.
func ParseSpec(id uint16, d []byte, dfData, purse int) (Spec, apdu.SW) {
	if len(d) < 7 {
		return Spec{}, apdu.WrongLength
	}
	kind, protect := Kind(d[0]&0x3F), d[0]&(WriteMAC|WriteCipher)
	s := Spec{Kind: kind, ID: id}
	n := int(binary.BigEndian.Uint16(d[1:]))
	if kind == DF {
		switch {
		case protect != 0:
			return s, apdu.WrongData
		case len(d) < 9 || len(d) > 8+maxName:
			return s, apdu.WrongLength
		}
		s.Body = DFBody(Right(d[3]), Right(d[4]), uint16(n), d[8:], dfData)
		return s, apdu.OK
	}
	switch {
	case (kind == Binary || kind == Record) && n > 0:
		s.Protect, s.Read, s.Write, s.KeyBits = protect, Right(d[3]), Right(d[4]), d[6]
	case kind == Cyclic && d[1] > 0 && d[2] > 0:
		s.Protect, s.Read, s.Write, s.KeyBits = protect, Right(d[3]), Right(d[4]), d[6]
		n, s.Body = 0, CyclicBody(d[1], d[2])
	case kind == Purse && purse > 0 && protect == 0 && d[1] == 0x02 && d[2] == 0x08 && (id == 1 || id == 2):
		s.Read, s.Write, s.Spare = Right(d[3]), Right(d[3]), d[6]
		n = purse
	case kind == Keys && protect == 0 && id == 0 && n > 0:
		s.Write = Right(d[4])
	default:
		return s, apdu.WrongData
	}
	switch {
	case len(d) != 7:
		return s, apdu.WrongLength
	case n > maxFile:
		return s, apdu.NoSpace
	}
	if s.Body == nil {
		s.Body = make([]byte, n)
	}
	return s, apdu.OK
}
