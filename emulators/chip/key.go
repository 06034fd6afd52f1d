package chip

import (
	"greylock/system/wire/apdu"
)

// Body of a key file: records of type1 id1 use1 change1 a1 b1 len1 value, ended by type 00 with id and length 00, or by
// the end of the file. FMCOS books eight bytes and the value for each; ours are smaller, so a file made for FMCOS holds
// at least as many.
const keyHead = 7

// Key is one record of a key file. a and b are version and algorithm, or next state and retry counter, by type.
// Source: card.md 4.4, section 11.
type Key struct {
	Type, ID    byte
	Use, Change Right
	A, B        byte
	Value       []byte
	off         int
}

// KeysOf returns the key file of a DF, nil if it has none.
func (t *Tree) KeysOf(df *File) *File { return t.In(df, Keys, 0x0000) }

// FindKey returns the first key of the DF's key file that satisfies ok.
func (t *Tree) FindKey(df *File, ok func(Key) bool) (Key, bool) {
	f := t.KeysOf(df)
	if f == nil {
		return Key{}, false
	}
	for off, end := f.Body(), f.Body()+f.Size; off+keyHead <= end; {
		h := t.Bytes(off, keyHead)
		n := int(h[6])
		if n == 0 {
			break
		}
		k := Key{Type: h[0], ID: h[1], Use: Right(h[2]), Change: Right(h[3]), A: h[4], B: h[5], Value: t.Bytes(off+keyHead, n), off: off}
		if ok(k) {
			return k, true
		}
		off += keyHead + n
	}
	return Key{}, false
}

// AddKey appends a key; 6A84 without room.
func (t *Tree) AddKey(x *Tx, df *File, k Key) apdu.SW {
	f := t.KeysOf(df)
	if f == nil {
		return apdu.FileNotFound
	}
	off := f.Body()
	t.FindKey(df, func(o Key) bool { off = o.off + keyHead + len(o.Value); return false })
	if off+keyHead+len(k.Value) > f.Body()+f.Size {
		return apdu.NoSpace
	}
	k.off = off
	k.put(x)
	return apdu.OK
}

// ReplaceKey overwrites a key by one of the same value length.
func (t *Tree) ReplaceKey(x *Tx, old, k Key) apdu.SW {
	if len(old.Value) != len(k.Value) {
		return apdu.WrongLength
	}
	k.off = old.off
	k.put(x)
	return apdu.OK
}

func (k Key) put(x *Tx) {
	x.Put(k.off, append([]byte{k.Type, k.ID, byte(k.Use), byte(k.Change), k.A, k.B, byte(len(k.Value))}, k.Value...)...)
}

// SetB changes the last parameter byte, the retry counter: high nibble the most tries, low nibble those left.
func (k Key) SetB(x *Tx, b byte) { x.Put(k.off+5, b) }

// Tries are the tries left. Source: card.md 4.4.
func (k Key) Tries() byte { return k.B & 0x0F }

// SetValue changes the value to one of the same length.
func (k Key) SetValue(x *Tx, v []byte) { x.Put(k.off+keyHead, v[:len(k.Value)]...) }
