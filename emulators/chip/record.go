package chip

import (
	"greylock/system/wire/apdu"
)

// Body of a cyclic file: count1 len1 next1 used1 and the records. Body of a linear file: used1 and records with a length
// byte each.
const cyclicHead = 4

// CyclicBody makes the first content of a cyclic file of count records of length bytes.
func CyclicBody(count, length byte) []byte {
	b := make([]byte, cyclicHead+int(count)*int(length))
	b[0], b[1] = count, length
	return b
}

// RecordLength is the record length of a cyclic file.
func (t *Tree) RecordLength(f *File) int { return int(t.Byte(f.Body() + 1)) }

// ReadRecord returns record n, 1 the newest of a cyclic file and the first of a linear one; 6A83 when there is none.
// Source: card.md 3.6, 6.2.
func (t *Tree) ReadRecord(f *File, n int) ([]byte, apdu.SW) {
	if f.Kind == Record {
		return t.linear(f, n)
	}
	h := t.Bytes(f.Body(), cyclicHead)
	count, length, next, used := int(h[0]), int(h[1]), int(h[2]), int(h[3])
	if n < 1 || n > used {
		return nil, apdu.RecordNotFound
	}
	slot := (next + count - n) % count
	return t.Bytes(f.Body()+cyclicHead+slot*length, length), apdu.OK
}

// Append adds a record: over the oldest of a cyclic file (6700 for another length), behind the last of a linear one
// (6A84 without room).
func (t *Tree) Append(x *Tx, f *File, data []byte) apdu.SW {
	if f.Kind == Record {
		return t.appendLinear(x, f, data)
	}
	h := t.Bytes(f.Body(), cyclicHead)
	count, length, next, used := int(h[0]), int(h[1]), int(h[2]), int(h[3])
	if len(data) != length {
		return apdu.WrongLength
	}
	x.Put(f.Body()+cyclicHead+next*length, data...)
	x.Put(f.Body()+2, byte((next+1)%count), byte(min(used+1, count)))
	return apdu.OK
}

// UpdateRecord replaces record n by one of the same length.
func (t *Tree) UpdateRecord(x *Tx, f *File, n int, data []byte) apdu.SW {
	old, sw := t.ReadRecord(f, n)
	switch {
	case sw != apdu.OK:
		return sw
	case len(old) != len(data):
		return apdu.WrongLength
	}
	x.Put(t.place(f, n), data...)
	return apdu.OK
}

// place is the offset of an existing record's data.
func (t *Tree) place(f *File, n int) int {
	if f.Kind == Cyclic {
		h := t.Bytes(f.Body(), cyclicHead)
		return f.Body() + cyclicHead + (int(h[2])+int(h[0])-n)%int(h[0])*int(h[1])
	}
	off := f.Body() + 1
	for i := 1; i < n; i++ {
		off += 1 + int(t.Byte(off))
	}
	return off + 1
}

func (t *Tree) linear(f *File, n int) ([]byte, apdu.SW) {
	if n < 1 || n > int(t.Byte(f.Body())) {
		return nil, apdu.RecordNotFound
	}
	off := t.place(f, n)
	return t.Bytes(off, int(t.Byte(off-1))), apdu.OK
}

func (t *Tree) appendLinear(x *Tx, f *File, data []byte) apdu.SW {
	used := int(t.Byte(f.Body()))
	off := t.place(f, used+1) - 1
	if used == 0xFF || off+1+len(data) > f.Body()+f.Size {
		return apdu.NoSpace
	}
	x.Put(off, append([]byte{byte(len(data))}, data...)...)
	x.Put(f.Body(), byte(used+1))
	return apdu.OK
}
