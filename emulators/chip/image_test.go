package chip_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"greylock/emulators/chip"
)

// A file of every kind of damage is refused by name; a good one comes back as it went.
func TestImage(t *testing.T) {
	t.Parallel()
	want := chip.Image{Kind: chip.PSAMImage, Profile: "company-sm4", Memory: bytes.Repeat([]byte{1, 2, 3, 0}, 200)}
	path := filepath.Join(t.TempDir(), "chip.img")
	if err := want.Save(path); err != nil {
		t.Fatal(err)
	}
	got, err := chip.LoadImage(path, chip.PSAMImage, "company-sm4")
	if err != nil || got.Kind != want.Kind || got.Profile != want.Profile || !bytes.Equal(got.Memory, want.Memory) {
		t.Fatalf("%v %q %d bytes: %v", got.Kind, got.Profile, len(got.Memory), err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("keys that others may read: %v %v", info.Mode(), err)
	}
	if _, err := chip.LoadImage(path, chip.CardImage, ""); !errors.Is(err, chip.ErrKind) {
		t.Errorf("a PSAM as a card: %v", err)
	}
	if _, err := chip.LoadImage(path, chip.PSAMImage, "national"); !errors.Is(err, chip.ErrProfile) {
		t.Errorf("another profile: %v", err)
	}
	if _, err := chip.LoadImage(path+"x", chip.PSAMImage, ""); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	file := want.Bytes()
	damage := func(at int, to byte) []byte {
		b := append([]byte(nil), file...)
		b[at] = to
		return b
	}
	for _, d := range []struct {
		name string
		file []byte
		want error
	}{
		{"empty", nil, chip.ErrMagic}, {"other file", []byte("%PDF-1.7 and more"), chip.ErrMagic}, {"version", damage(8, 2), chip.ErrVersion},
		{"kind", damage(9, 1), chip.ErrChecksum}, {"profile", damage(10, 'x'), chip.ErrChecksum}, {"length", damage(37, 9), chip.ErrChecksum},
		{"memory", damage(500, 9), chip.ErrChecksum}, {"short", file[:len(file)-1], chip.ErrChecksum}, {"head only", file[:20], chip.ErrChecksum},
		{"long", append(append([]byte(nil), file...), 0), chip.ErrChecksum},
		{"no kind", chip.Image{Kind: 9, Profile: "national"}.Bytes(), chip.ErrKind},
	} {
		if _, err := chip.ParseImage(d.file); !errors.Is(err, d.want) {
			t.Errorf("%s: %v, want %v", d.name, err, d.want)
		}
	}
}

// A write that cannot be kept leaves the file before it, and no litter.
func TestImageSaveFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "d")
	if err := os.MkdirAll(filepath.Join(path, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := (chip.Image{Kind: chip.CardImage}).Save(path); err == nil {
		t.Error("a directory was replaced")
	}
	if err := (chip.Image{Kind: chip.CardImage}).Save(filepath.Join(dir, "none", "x")); err == nil {
		t.Error("written into no directory")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("%v left behind: %v", left, err)
	}
}

// A chip in a file is at every moment the chip in memory; a cut write is in the file as torn as in memory, and a disk that
// fails is a worn memory.
func TestFiled(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "card.img")
	if err := (chip.Image{Kind: chip.CardImage, Profile: "national", Memory: make([]byte, 2048)}).Save(path); err != nil {
		t.Fatal(err)
	}
	f, err := chip.OpenFiled(path, chip.CardImage, "")
	if err != nil || f.Profile() != "national" {
		t.Fatal(f, err)
	}
	kept := func() []byte {
		t.Helper()
		i, err := chip.LoadImage(path, chip.CardImage, "national")
		if err != nil {
			t.Fatal(err)
		}
		return i.Memory
	}
	s := open(t, f)
	x := s.Begin()
	x.Put(chip.Home+7, 1, 2, 3)
	if err := x.Commit(); err != nil || !bytes.Equal(kept(), f.Image()) || kept()[chip.Home+8] != 2 {
		t.Fatal(err)
	}
	f.CutAfter(0, 15)
	x = s.Begin()
	x.Put(chip.Home+7, 4, 5, 6, 7, 8, 9)
	if err := x.Commit(); !errors.Is(err, chip.ErrTorn) || !bytes.Equal(kept(), f.Image()) {
		t.Fatal(err)
	}
	if s = open(t, f); s.Byte(chip.Home+7) != 1 || !bytes.Equal(kept(), f.Image()) {
		t.Fatal("the torn act is half there")
	}
	if err := os.RemoveAll(filepath.Dir(path)); err != nil {
		t.Fatal(err)
	}
	x = s.Begin()
	x.Put(chip.Home+7, 9)
	if err := x.Commit(); !errors.Is(err, chip.ErrWorn) || s.Byte(chip.Home+7) != 1 {
		t.Fatalf("a disk that fails: %v", err)
	}
}

// A worn chip keeps its old state in the file as well, and goes on being read. Source: trust.md 2 row 21.
func TestFiledWorn(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "card.img")
	if err := (chip.Image{Kind: chip.CardImage, Profile: "national", Memory: make([]byte, 2048)}).Save(path); err != nil {
		t.Fatal(err)
	}
	f, err := chip.OpenFiled(path, chip.CardImage, "national")
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, f)
	f.WearAfter(0)
	x := s.Begin()
	x.Put(chip.Home, 9)
	if err := x.Commit(); !errors.Is(err, chip.ErrWorn) || s.Byte(chip.Home) != 0 {
		t.Fatal(err)
	}
	if err := f.Write(2047, []byte{1, 2}); !errors.Is(err, chip.ErrBounds) {
		t.Fatal(err)
	}
	if i, err := chip.LoadImage(path, chip.CardImage, ""); err != nil || !bytes.Equal(i.Memory, make([]byte, 2048)) {
		t.Fatal(err)
	}
}
