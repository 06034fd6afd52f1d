package chip

import (
	"bytes"
	"encoding/binary"

	"greylock/system/wire/apdu"
)

// The memory after the redo area: a root (end of allocation 2, life 1, spare 1), then the files one after the other.
// A file is a header of headSize bytes and a body: kind1 FID2 parent2 size2 read1 write1 keybits1 flags1 spare1.
const (
	rootSize = 4
	headSize = 12

	rootEnd  = Home
	rootLife = Home + 2
	firstOff = Home + rootSize
)

// Kind is a file's type byte without its line-protection bits. Source: card.md 3.1, section 11.
type Kind byte

// File kinds.
const (
	Binary Kind = 0x28
	Record Kind = 0x2C // linear, variable length
	Cyclic Kind = 0x2E
	Purse  Kind = 0x2F
	DF     Kind = 0x38
	Keys   Kind = 0x3F
)

// Line protection of writes: bits of the file type and of a key type. Source: card.md 3.1.
const (
	WriteMAC    = 0x80
	WriteCipher = 0x40
)

// MFID is the file id of the master file. Source: card.md 3.1.
const MFID = 0x3F00

// Right is an access byte: 0Y = MF state ≥ Y; XY = Y ≤ DF state ≤ X; X < Y = never. Source: card.md 3.1.
type Right byte

// Allows reports whether the states of MF and current DF satisfy the right.
func (r Right) Allows(mf, df byte) bool {
	x, y := byte(r)>>4, byte(r)&0x0F
	if x == 0 {
		return mf >= y
	}
	return y <= df && df <= x
}

// Never reports that no state satisfies the right.
func (r Right) Never() bool { return r>>4 != 0 && r>>4 < r&0x0F }

// File is one file of the tree. Everything in it but the flags is fixed when the file is made.
type File struct {
	Kind        Kind
	Protect     byte // WriteMAC, WriteCipher
	ID          uint16
	Read, Write Right
	KeyBits     byte
	Spare       byte // log SFI of a purse
	off         int  // of the header
	parent      int  // header of the DF; 0 for the MF itself
	Size        int  // of the body
}

// SFI is the short id, the low five bits of the file id. Source: card.md 3.1.
func (f *File) SFI() byte { return byte(f.ID) & 0x1F }

// Body is the offset of the body.
func (f *File) Body() int { return f.off + headSize }

// Tree is the file system of a chip.
type Tree struct {
	*Store
	files []*File // in order of creation; the MF is the first
}

// OpenTree powers up the memory and reads the tree.
func OpenTree(nv NV) (*Tree, error) {
	s, err := Open(nv)
	if err != nil {
		return nil, err
	}
	t := &Tree{Store: s}
	t.scan()
	return t, nil
}

// Format erases the memory's allocation; it takes effect with the first file.
func (t *Tree) Format() { t.files = nil }

// Life is the life-cycle byte of the chip, for the emulator's own use.
func (t *Tree) Life() byte { return t.Byte(rootLife) }

// SetLife changes the life-cycle byte with the transaction.
func (t *Tree) SetLife(x *Tx, life byte) { x.Put(rootLife, life) }

func (t *Tree) scan() {
	t.files = nil
	end := min(int(binary.BigEndian.Uint16(t.Bytes(rootEnd, 2))), len(t.mem))
	for off := firstOff; off+headSize <= end; {
		h := t.Bytes(off, headSize)
		f := &File{
			Kind: Kind(h[0] & 0x3F), Protect: h[0] & 0xC0, ID: binary.BigEndian.Uint16(h[1:]),
			off: off, parent: int(binary.BigEndian.Uint16(h[3:])), Size: int(binary.BigEndian.Uint16(h[5:])),
			Read: Right(h[7]), Write: Right(h[8]), KeyBits: h[9], Spare: h[11],
		}
		if off += headSize + f.Size; off > end {
			return
		}
		t.files = append(t.files, f)
	}
}

// MF is the master file; nil in a memory without files.
func (t *Tree) MF() *File {
	if len(t.files) == 0 {
		return nil
	}
	return t.files[0]
}

// find returns the first file that satisfies ok.
func (t *Tree) find(ok func(*File) bool) *File {
	for _, f := range t.files {
		if ok(f) {
			return f
		}
	}
	return nil
}

// DF finds a dedicated file, or the MF, by file id.
func (t *Tree) DF(id uint16) *File {
	return t.find(func(f *File) bool { return f.Kind == DF && f.ID == id })
}

// Named finds a dedicated file, or the MF, by its whole name.
func (t *Tree) Named(name []byte) *File {
	return t.find(func(f *File) bool { return f.Kind == DF && bytes.Equal(t.Name(f), name) })
}

// In finds a file inside a DF by kind and file id.
func (t *Tree) In(df *File, kind Kind, id uint16) *File {
	return t.find(func(f *File) bool { return f.parent == df.off && f.Kind == kind && f.ID == id })
}

// Short finds a binary or record file inside a DF by its short id.
func (t *Tree) Short(df *File, sfi byte) *File {
	return t.find(func(f *File) bool {
		return f.parent == df.off && f.SFI() == sfi && (f.Kind == Binary || f.Kind == Record || f.Kind == Cyclic)
	})
}

// Spec is a file to be made.
type Spec struct {
	Kind        Kind
	Protect     byte
	ID          uint16
	Read, Write Right
	KeyBits     byte
	Spare       byte
	Body        []byte // first content
}

// Make adds a file to a DF (nil: the MF itself) and answers 6A80 for an id that the DF has, 6A84 without room in the
// memory or in the DF's own space. The file is there after the transaction's Commit and Refresh.
func (t *Tree) Make(x *Tx, df *File, s Spec) apdu.SW {
	end, parent := firstOff, 0
	if df != nil {
		end, parent = int(binary.BigEndian.Uint16(t.Bytes(rootEnd, 2))), df.off
		if t.find(func(f *File) bool { return f.parent == parent && f.ID == s.ID }) != nil ||
			s.Kind == DF && (t.DF(s.ID) != nil || t.Named(nameIn(s.Body)) != nil) {
			return apdu.WrongData
		}
	}
	if end+headSize+len(s.Body) > len(t.mem) {
		return apdu.NoSpace
	}
	if df != nil && s.Kind != DF {
		if sw := t.charge(x, df, len(s.Body)); sw != apdu.OK {
			return sw
		}
	}
	h := make([]byte, headSize)
	h[0] = byte(s.Kind) | s.Protect
	binary.BigEndian.PutUint16(h[1:], s.ID)
	binary.BigEndian.PutUint16(h[3:], uint16(parent))
	binary.BigEndian.PutUint16(h[5:], uint16(len(s.Body)))
	h[7], h[8], h[9], h[11] = byte(s.Read), byte(s.Write), s.KeyBits, s.Spare
	x.Put(end, h...)
	putSparse(x, end+headSize, s.Body)
	x.Put(rootEnd, binary.BigEndian.AppendUint16(nil, uint16(end+headSize+len(s.Body)))...)
	return apdu.OK
}

// putSparse writes what is not zero: fresh memory is zero, and a transaction is smaller than the largest file.
func putSparse(x *Tx, off int, b []byte) {
	if n := len(bytes.TrimRight(b, "\x00")); n > 0 {
		x.Put(off, b[:n]...)
	}
}

// Refresh reads the tree anew after a file was made.
func (t *Tree) Refresh() { t.scan() }

// Written reports whether a binary file was ever written.
func (t *Tree) Written(f *File) bool { return t.Byte(f.off+10)&1 != 0 }

// ReadBinary answers a read of le bytes at off (0: to the end, at most 239): 6B00 behind the end, 6Cxx for more than
// there is, 6281 with the data of a file never written. Source: card.md 6.2.
func (t *Tree) ReadBinary(f *File, off, le int) ([]byte, apdu.SW) {
	if off >= f.Size {
		return nil, apdu.WrongOffset
	}
	rest := min(f.Size-off, apdu.MaxData)
	switch {
	case le == 0:
		le = rest
	case le > rest:
		return nil, ExactLe(rest)
	}
	if !t.Written(f) {
		return t.Bytes(f.Body()+off, le), apdu.NeverWritten
	}
	return t.Bytes(f.Body()+off, le), apdu.OK
}

// UpdateBinary writes at off: 6B00 behind the end, 6700 over the end.
func (t *Tree) UpdateBinary(x *Tx, f *File, off int, data []byte) apdu.SW {
	switch {
	case off >= f.Size:
		return apdu.WrongOffset
	case off+len(data) > f.Size:
		return apdu.WrongLength
	}
	if !t.Written(f) {
		x.Put(f.off+10, t.Byte(f.off+10)|1)
	}
	x.Put(f.Body()+off, data...)
	return apdu.OK
}

// ExactLe is 6Cxx. Source: card.md section 9.
func ExactLe(n int) apdu.SW { return 0x6C00 | apdu.SW(n&0xFF) }
