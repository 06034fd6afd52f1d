package record

import (
	"bytes"
	"slices"
	"testing"

	"greylock/system/wire/pboc"
)

func TestCardsPack(t *testing.T) {
	t.Parallel()
	a, b, far := pboc.ASN{0x01, 9: 0x07}, pboc.ASN{0x01, 8: 0x99, 9: 0x99}, pboc.ASN{0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99}
	for _, list := range []Cards{nil, {a}, {{}, a, b, far}, {far}} {
		text, err := list.MarshalText()
		var back Cards
		if err != nil || back.UnmarshalText(text) != nil || !slices.Equal(back, list) {
			t.Errorf("%v became %q and %v: %v", list, text, back, err)
		}
	}
	for _, list := range []Cards{{b, a}, {a, a}, {{9: 0x0A}}, {{0xA0}}} {
		if text, err := list.MarshalText(); err == nil {
			t.Errorf("%v: %s", list, text)
		}
	}
}

func TestListPlace(t *testing.T) {
	t.Parallel()
	for _, s := range []ListStep{{Version: 7, From: 3}, {Version: 7, Piece: 2, Pieces: 3}, {Version: 7, Piece: 3, Pieces: 3}} {
		version, pieces, whole := ListPlace(s.Directive())
		if version != 7 || whole != (s.Piece == s.Pieces) || !whole && pieces != s.Piece {
			t.Errorf("%+v: version %d, %d pieces, whole %v", s, version, pieces, whole)
		}
	}
	if v, _, whole := ListPlace(0); v != 0 || !whole || ListAt(0) != 0 {
		t.Error("nothing is not the whole of version 0")
	}
}

// FuzzCards: what unpacks packs to the same text.
func FuzzCards(f *testing.F) {
	text, err := Cards{{0x01, 9: 0x07}, {0x44, 9: 0x09}}.MarshalText()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("AAAAAAAA"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var c Cards
		if c.UnmarshalText(text) != nil {
			return
		}
		if again, err := c.MarshalText(); err != nil || !bytes.Equal(again, text) {
			t.Errorf("%q became %q: %v", text, again, err)
		}
	})
}
