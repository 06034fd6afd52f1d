package chip_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"greylock/emulators/chip"
	"greylock/system/card"
	"greylock/system/wire/apdu"
)

// Source: card.md 3.1.
func TestRight(t *testing.T) {
	for _, r := range []struct {
		right  chip.Right
		mf, df byte
		want   bool
	}{
		{0xF0, 0, 0, true}, {0xF1, 0, 0, false}, {0xF1, 0, 1, true}, {0xF1, 0, 15, true}, {0xEF, 15, 15, false}, {0xEF, 15, 14, false},
		{0x00, 0, 0, true}, {0x03, 2, 15, false}, {0x03, 3, 0, true}, {0x32, 0, 1, false}, {0x32, 0, 2, true}, {0x32, 0, 3, true}, {0x32, 0, 4, false},
	} {
		if got := r.right.Allows(r.mf, r.df); got != r.want {
			t.Errorf("%02X in MF state %d, DF state %d: %v", byte(r.right), r.mf, r.df, got)
		}
	}
	if !chip.Right(0xEF).Never() || chip.Right(0xF0).Never() || chip.Right(0x0F).Never() {
		t.Error("Never")
	}
}

func open(t *testing.T, nv chip.NV) *chip.Store {
	t.Helper()
	s, err := chip.Open(nv)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTransaction(t *testing.T) {
	m := chip.NewMem(2048)
	s := open(t, m)
	x := s.Begin()
	x.Put(chip.Home, 1, 2, 3)
	x.Put(chip.Home+100, 4)
	if s.Byte(chip.Home) != 0 {
		t.Fatal("seen before the commit")
	}
	s.Begin() // a transaction that is not committed leaves nothing
	if err := s.Begin().Commit(); err != nil || m.Writes() != 0 {
		t.Fatalf("an empty transaction made %d writes: %v", m.Writes(), err)
	}
	x = s.Begin()
	x.Put(chip.Home, 1, 2, 3)
	x.Put(chip.Home+100, 4)
	if err := x.Commit(); err != nil || s.Byte(chip.Home+2) != 3 || s.Byte(chip.Home+100) != 4 {
		t.Fatal(err)
	}
	if got := m.Image(); got[chip.Home+1] != 2 || got[0] != 0 || got[1] != 0 {
		t.Fatal("not brought home, or the redo area is not empty")
	}
}

// A memory that wears out in any write of a transaction: either nothing has happened, or all has, also for the next
// power-up; a later transaction fails. Source: trust.md 2 row 21.
func TestWornAnywhere(t *testing.T) {
	for n := range 6 {
		m := chip.NewMem(2048)
		s := open(t, m)
		m.WearAfter(n)
		x := s.Begin()
		x.Put(chip.Home, 7)
		x.Put(chip.Home+9, 7)
		err := x.Commit()
		if want := byte(7); err != nil {
			if !errors.Is(err, chip.ErrWorn) || n != 0 {
				t.Fatalf("%d: %v", n, err)
			}
		} else if again := open(t, m); s.Byte(chip.Home) != want || again.Byte(chip.Home) != want || again.Byte(chip.Home+9) != want {
			t.Fatalf("worn after %d writes: committed and lost", n)
		}
		x = s.Begin()
		x.Put(chip.Home, 8)
		if err := x.Commit(); n < 4 && !errors.Is(err, chip.ErrWorn) || n >= 5 && s.Byte(chip.Home) != 8 && err == nil {
			t.Fatalf("worn after %d writes: %v", n, err)
		}
	}
}

func TestMem(t *testing.T) {
	m := chip.NewMem(64)
	if err := m.Write(60, make([]byte, 5)); !errors.Is(err, chip.ErrBounds) {
		t.Fatal(err)
	}
	if err := m.Read(-1, make([]byte, 1)); !errors.Is(err, chip.ErrBounds) {
		t.Fatal(err)
	}
	if err := m.SetImage(make([]byte, 63)); !errors.Is(err, chip.ErrBounds) {
		t.Fatal(err)
	}
	if _, err := chip.Open(m); !errors.Is(err, chip.ErrBounds) {
		t.Fatal(err)
	}
	m.CutAfter(1, 2)
	if err := m.Write(0, []byte{1, 1, 1}); err != nil {
		t.Fatal(err)
	}
	err := m.Write(0, []byte{2, 2, 2})
	if !errors.Is(err, chip.ErrTorn) || !card.Lost(err) || !bytes.Equal(m.Image()[:3], []byte{2, 2, 1}) || m.Disarm() || m.LastWrite() != 3 {
		t.Fatalf("%v %X", err, m.Image()[:3])
	}
	m.Weak(rand.NewPCG(1, 2))
	m.CutAfter(0, 0)
	_ = m.Write(8, []byte{0xFF})
	seen := map[byte]bool{}
	for range 64 {
		b := make([]byte, 1)
		if err := m.Read(8, b); err != nil {
			t.Fatal(err)
		}
		seen[b[0]] = true
	}
	if len(seen) < 10 {
		t.Fatalf("a weak byte read %d values", len(seen))
	}
	if err := m.Write(8, []byte{5}); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1)
	if err := m.Read(8, b); err != nil || b[0] != 5 {
		t.Fatalf("%X %v", b, err)
	}
}

// The space that a DF was made with is a bound; FFFF is the whole memory. Source: card.md section 11.
func TestSpace(t *testing.T) {
	tree, err := chip.OpenTree(chip.NewMem(2048))
	if err != nil {
		t.Fatal(err)
	}
	make1 := func(df *chip.File, s chip.Spec) apdu.SW {
		x := tree.Begin()
		sw := tree.Make(x, df, s)
		if sw == apdu.OK {
			if err := x.Commit(); err != nil {
				t.Fatal(err)
			}
			tree.Refresh()
		}
		return sw
	}
	body := func(n int) []byte { return make([]byte, n) }
	steps := []struct {
		in   uint16
		s    chip.Spec
		want apdu.SW
	}{
		{0, chip.Spec{Kind: chip.DF, ID: chip.MFID, Body: chip.DFBody(0, 0, 0xFFFF, []byte("MF"), 0)}, apdu.OK},
		{chip.MFID, chip.Spec{Kind: chip.DF, ID: 0x3F01, Body: chip.DFBody(0, 0, 100, []byte("A"), 0)}, apdu.OK},
		{chip.MFID, chip.Spec{Kind: chip.DF, ID: 0x3F02, Body: chip.DFBody(0, 0, 100, []byte("A"), 0)}, apdu.WrongData}, // name taken
		{chip.MFID, chip.Spec{Kind: chip.DF, ID: 0x3F01, Body: chip.DFBody(0, 0, 100, []byte("B"), 0)}, apdu.WrongData}, // id taken
		{0x3F01, chip.Spec{Kind: chip.Binary, ID: 5, Body: body(60)}, apdu.OK},
		{0x3F01, chip.Spec{Kind: chip.Binary, ID: 6, Body: body(41)}, apdu.NoSpace},
		{0x3F01, chip.Spec{Kind: chip.Binary, ID: 5, Body: body(1)}, apdu.WrongData},
		{0x3F01, chip.Spec{Kind: chip.Binary, ID: 6, Body: body(40)}, apdu.OK},
		{chip.MFID, chip.Spec{Kind: chip.Binary, ID: 5, Body: body(2000)}, apdu.NoSpace},
		{chip.MFID, chip.Spec{Kind: chip.Binary, ID: 5, Body: body(200)}, apdu.OK},
	}
	for i, s := range steps {
		var df *chip.File
		if s.in != 0 {
			df = tree.DF(s.in)
		}
		if got := make1(df, s.s); got != s.want {
			t.Fatalf("step %d: %v, want %v", i, got, s.want)
		}
	}
}

// FuzzOpen: whatever a memory holds, power-up ends, and a second one finds the same.
func FuzzOpen(f *testing.F) {
	f.Add([]byte{0, 5, 0, 0, 1, 2, 3, 4, 2, 0, 0, 1, 9}, []byte{})
	f.Add([]byte{}, []byte{2, 16, 0, 0, 0x38, 0x3F, 0})
	f.Fuzz(func(t *testing.T, redo, home []byte) {
		image := make([]byte, 2048)
		copy(image[:chip.Home], redo)
		copy(image[chip.Home:], home)
		m := chip.NewMem(len(image))
		if err := m.SetImage(image); err != nil {
			t.Fatal(err)
		}
		if _, err := chip.OpenTree(m); err != nil {
			t.Fatal(err)
		}
		first := m.Image()
		if _, err := chip.OpenTree(m); err != nil || !bytes.Equal(first, m.Image()) {
			t.Fatalf("the second power-up found another memory (%v)", err)
		}
	})
}

// FuzzImage: what is not an image is refused, and what is one comes back byte for byte.
func FuzzImage(f *testing.F) {
	f.Add(chip.Image{Kind: chip.CardImage, Profile: "national", Memory: []byte{1, 2, 3}}.Bytes())
	f.Add([]byte("GREYCHIP\x01\x01"))
	f.Fuzz(func(t *testing.T, file []byte) {
		i, err := chip.ParseImage(file)
		if err != nil {
			return
		}
		if back := i.Bytes(); !bytes.Equal(back, file) {
			t.Fatalf("%X comes back as %X", file, back)
		}
	})
}

// Cells wear by the writes of each: the transaction that meets a tired cell has not happened. Source: trust.md 2 row 21.
func TestEndurance(t *testing.T) {
	t.Parallel()
	m := chip.NewMem(2048)
	m.Endurance(20)
	s := open(t, m)
	done := byte(0)
	var err error
	for err == nil {
		x := s.Begin()
		x.Put(chip.Home+5, done+1)
		if err = x.Commit(); err == nil {
			done++
		}
	}
	if !errors.Is(err, chip.ErrWorn) || done < 5 || done > 20 {
		t.Fatalf("after %d transactions: %v", done, err)
	}
	if again := open(t, m); s.Byte(chip.Home+5) != done || again.Byte(chip.Home+5) != done {
		t.Fatalf("%d transactions happened, memory says %d", done, s.Byte(chip.Home+5))
	}
	if err := m.Write(1000, []byte{1}); err != nil {
		t.Fatal("a fresh cell is worn:", err)
	}
	m.Endurance(0)
	x := s.Begin()
	x.Put(chip.Home+5, 0xEE)
	if err := x.Commit(); err != nil || s.Byte(chip.Home+5) != 0xEE {
		t.Fatal(err)
	}
}
