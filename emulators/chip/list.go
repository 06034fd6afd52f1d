package chip

import (
	"greylock/system/wire/apdu"
)

// Listed is a file of a memory as it may be shown to anybody: a key has a place and a length and no value, a DF does not
// show the emulator's own data, in which a grey lock has its session key.
type Listed struct {
	Kind        Kind
	Protect     byte // WriteMAC, WriteCipher
	ID          uint16
	DF          uint16 // the DF that the file is in; 0 for the MF
	Name        []byte // of a DF
	Create      Right  // of a DF
	Blocked     Block  // of a DF
	Read, Write Right
	KeyBits     byte
	Size        int // bytes of the body
	Written     bool
	Data        []byte   // of a binary file and of a purse
	Records     [][]byte // of a cyclic file (the newest first) and of a linear one
	Keys        []ListedKey
}

// ListedKey is a key without its value.
type ListedKey struct {
	Type, ID    byte
	Use, Change Right
	A, B        byte
	Length      int
}

// List reads what the next power-up would find, in order of creation, and changes nothing. A memory without files has none.
func List(nv NV) ([]Listed, error) {
	t, err := OpenTree(glass{nv})
	if err != nil {
		return nil, err
	}
	var all []Listed
	for _, f := range t.files {
		all = append(all, t.listed(f))
	}
	return all, nil
}

func (t *Tree) listed(f *File) Listed {
	l := Listed{Kind: f.Kind, Protect: f.Protect, ID: f.ID, Read: f.Read, Write: f.Write, KeyBits: f.KeyBits, Size: f.Size}
	df := t.find(func(d *File) bool { return d.Kind == DF && d.off == f.parent })
	if df != nil {
		l.DF = df.ID
	}
	switch {
	case f.Kind == DF:
		l.Name, l.Create, l.Blocked = t.Name(f), t.Create(f), t.Blocked(f)
	case f.Kind == Keys && df != nil:
		t.FindKey(df, func(k Key) bool {
			l.Keys = append(l.Keys, ListedKey{k.Type, k.ID, k.Use, k.Change, k.A, k.B, len(k.Value)})
			return false
		})
	case f.Kind == Cyclic, f.Kind == Record:
		for n := 1; ; n++ {
			r, sw := t.ReadRecord(f, n)
			if sw != apdu.OK {
				break
			}
			l.Records = append(l.Records, r)
		}
	default:
		l.Data, l.Written = t.Bytes(f.Body(), f.Size), f.Kind == Purse || t.Written(f)
	}
	return l
}

// String names a kind as a dump shows it.
func (k Kind) String() string {
	switch k {
	case Binary:
		return "binary"
	case Record:
		return "record"
	case Cyclic:
		return "cyclic"
	case Purse:
		return "purse"
	case DF:
		return "DF"
	case Keys:
		return "keys"
	}
	return "unknown"
}

// glass shows a memory and keeps it as it is.
type glass struct{ NV }

func (glass) Write(int, []byte) error { return nil }
