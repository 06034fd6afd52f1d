package chip

import (
	"encoding/binary"

	"greylock/system/wire/apdu"
)

// Body of a DF: create1 erase1 space2 used2 block1 nameLen1 name16, then the emulator's own data.
const (
	dfCreate  = 0
	dfErase   = 1
	dfSpace   = 2
	dfUsed    = 4
	dfBlock   = 6
	dfNameLen = 7
	dfName    = 8
	maxName   = 16
	// DFData is the offset of the emulator's own data in the body of a DF.
	DFData = dfName + maxName
)

// Block is how an application is blocked. Source: card.md 7.2.
type Block byte

// How an application is blocked.
const (
	Unblocked   Block = 0
	Temporarily Block = 1
	Permanently Block = 2
)

// DFBody makes the first content of a DF with extra bytes of the emulator's own data.
func DFBody(create, erase Right, space uint16, name []byte, extra int) []byte {
	b := make([]byte, DFData+extra)
	b[dfCreate], b[dfErase] = byte(create), byte(erase)
	binary.BigEndian.PutUint16(b[dfSpace:], space)
	b[dfNameLen] = byte(copy(b[dfName:DFData], name))
	return b
}

func nameIn(body []byte) []byte { return body[dfName : dfName+int(body[dfNameLen])] }

// Name is the name of a DF.
func (t *Tree) Name(df *File) []byte {
	b := t.Bytes(df.Body(), DFData)
	return b[dfName : dfName+min(int(b[dfNameLen]), maxName)]
}

// Create is the right to make files in a DF.
func (t *Tree) Create(df *File) Right { return Right(t.Byte(df.Body() + dfCreate)) }

// Blocked tells how a DF is blocked.
func (t *Tree) Blocked(df *File) Block { return Block(t.Byte(df.Body() + dfBlock)) }

// SetBlocked changes it.
func (t *Tree) SetBlocked(x *Tx, df *File, b Block) { x.Put(df.Body()+dfBlock, byte(b)) }

// charge books n bytes against the space that a DF was made with; FFFF is the whole memory. Source: card.md section 11.
func (t *Tree) charge(x *Tx, df *File, n int) apdu.SW {
	b := t.Bytes(df.Body(), DFData)
	space, used := int(binary.BigEndian.Uint16(b[dfSpace:])), int(binary.BigEndian.Uint16(b[dfUsed:]))
	if space != 0xFFFF && used+n > space {
		return apdu.NoSpace
	}
	if space != 0xFFFF {
		x.Put(df.Body()+dfUsed, binary.BigEndian.AppendUint16(nil, uint16(used+n))...)
	}
	return apdu.OK
}

// FCI is the answer to SELECT: with the content of file 0015 of a DF that has one, else in the form of the MF's. Source: card.md 3.1.
func (t *Tree) FCI(df *File) []byte {
	name := t.Name(df)
	prop := []byte{0x88, 0x01, 0x01}
	if public := t.In(df, Binary, 0x0015); public != nil && df != t.MF() {
		content := t.Bytes(public.Body(), min(public.Size, 0x1E))
		prop = append([]byte{0x9F, 0x0C, byte(len(content))}, content...)
	}
	b := append([]byte{0x6F, byte(2 + len(name) + 2 + len(prop)), 0x84, byte(len(name))}, name...)
	return append(append(b, 0xA5, byte(len(prop))), prop...)
}
