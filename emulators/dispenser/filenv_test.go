package dispenser

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"
)

// TestFileNV: a file and memory are the same NV, and the file is there again after it was closed.
func TestFileNV(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		path := filepath.Join(t.TempDir(), "nv")
		f, err := OpenNV(path)
		if err != nil {
			rt.Fatal(err)
		}
		m := &Memory{}
		for range rapid.IntRange(1, 10).Draw(rt, "writes") {
			off, data := rapid.IntRange(0, 20_000).Draw(rt, "offset"), rapid.SliceOfN(rapid.Byte(), 1, 300).Draw(rt, "data")
			if err := errors.Join(f.Write(off, data), m.Write(off, data)); err != nil {
				rt.Fatal(err)
			}
		}
		if err := f.Close(); err != nil {
			rt.Fatal(err)
		}
		if err := f.Write(0, []byte{1}); !errors.Is(err, ErrCut) {
			rt.Fatalf("written after the end: %v", err)
		}
		if f, err = OpenNV(path); err != nil {
			rt.Fatal(err)
		}
		defer f.Close()
		a, b := bytes.Repeat([]byte{1}, 25_000), bytes.Repeat([]byte{2}, 25_000)
		f.Read(0, a)
		m.Read(0, b)
		if !bytes.Equal(a, b) {
			rt.Fatal("the file is another memory")
		}
	})
}
