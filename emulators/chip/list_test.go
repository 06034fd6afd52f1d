package chip_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"greylock/emulators/chip"
	"greylock/system/wire/apdu"
)

// A list shows every file with its content, and of a key everything but the value; the memory stays as it was.
func TestList(t *testing.T) {
	t.Parallel()
	m := chip.NewMem(2048)
	if files, err := chip.List(m); err != nil || len(files) != 0 {
		t.Fatalf("an empty memory has %d files: %v", len(files), err)
	}
	tree, err := chip.OpenTree(m)
	if err != nil {
		t.Fatal(err)
	}
	act := func(do func(*chip.Tx) apdu.SW) {
		t.Helper()
		x := tree.Begin()
		if sw := do(x); sw != apdu.OK {
			t.Fatal(sw)
		}
		if err := x.Commit(); err != nil {
			t.Fatal(err)
		}
		tree.Refresh()
	}
	secret := bytes.Repeat([]byte{0xA5}, 16)
	act(func(x *chip.Tx) apdu.SW {
		return tree.Make(x, nil, chip.Spec{Kind: chip.DF, ID: chip.MFID, Body: chip.DFBody(3, 3, 0xFFFF, []byte("MF"), 4)})
	})
	for _, s := range []chip.Spec{
		{Kind: chip.Keys, Write: 3, Body: make([]byte, 64)},
		{Kind: chip.Binary, Protect: chip.WriteMAC, ID: 5, Read: 0xF0, Write: 0xF1, Body: make([]byte, 4)},
		{Kind: chip.Cyclic, ID: 6, Body: chip.CyclicBody(2, 1)},
		{Kind: chip.Record, ID: 7, Body: make([]byte, 9)},
	} {
		act(func(x *chip.Tx) apdu.SW { return tree.Make(x, tree.MF(), s) })
	}
	act(func(x *chip.Tx) apdu.SW {
		tree.SetBlocked(x, tree.MF(), chip.Temporarily)
		return tree.AddKey(x, tree.MF(), chip.Key{Type: 0xFE, ID: 1, Use: 0xF0, Change: 0xF3, A: 1, B: 4, Value: secret})
	})
	act(func(x *chip.Tx) apdu.SW {
		return tree.UpdateBinary(x, tree.In(tree.MF(), chip.Binary, 5), 0, []byte{1, 2})
	})
	for n := range byte(3) {
		act(func(x *chip.Tx) apdu.SW { return tree.Append(x, tree.In(tree.MF(), chip.Cyclic, 6), []byte{n}) })
	}
	act(func(x *chip.Tx) apdu.SW { return tree.Append(x, tree.In(tree.MF(), chip.Record, 7), []byte{7, 8}) })
	before := m.Image()
	files, err := chip.List(m)
	if err != nil || len(files) != 5 || !bytes.Equal(before, m.Image()) {
		t.Fatalf("%d files: %v", len(files), err)
	}
	if d := files[0]; d.Kind != chip.DF || d.DF != 0 || string(d.Name) != "MF" || d.Create != 3 || d.Blocked != chip.Temporarily {
		t.Errorf("%+v", d)
	}
	if k := files[1]; k.DF != chip.MFID || len(k.Keys) != 1 || k.Keys[0] != (chip.ListedKey{Type: 0xFE, ID: 1, Use: 0xF0, Change: 0xF3, A: 1, B: 4, Length: 16}) || k.Data != nil {
		t.Errorf("%+v", k)
	}
	if b := files[2]; !b.Written || !bytes.Equal(b.Data, []byte{1, 2, 0, 0}) || b.Protect != chip.WriteMAC || b.Read != 0xF0 || b.Write != 0xF1 {
		t.Errorf("%+v", b)
	}
	if r := files[3].Records; len(r) != 2 || r[0][0] != 2 || r[1][0] != 1 {
		t.Errorf("%X", r)
	}
	if r := files[4].Records; len(r) != 1 || !bytes.Equal(r[0], []byte{7, 8}) {
		t.Errorf("%X", r)
	}
	if text := fmt.Sprintf("%+v", files); strings.Contains(text, "165 165") {
		t.Error("a key value is in the list")
	}
}
