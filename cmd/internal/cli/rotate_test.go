package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRotating: no entry is cut or lost but with the oldest file, and a program that starts again goes on in the same file.
func TestRotating(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "greylock.log")
	for n := range 10 { // ten programs, one entry each: 12 bytes
		r, err := OpenRotating(path, 30, 2)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(r, "entry %05d\n", n); err != nil || r.Close() != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"": "entry 00008\nentry 00009\n", ".1": "entry 00006\nentry 00007\n", ".2": "entry 00004\nentry 00005\n"} {
		if text, err := os.ReadFile(path + name); err != nil || string(text) != want {
			t.Errorf("%s: %q %v", name, text, err)
		}
	}
	if all, err := filepath.Glob(path + "*"); err != nil || len(all) != 3 {
		t.Errorf("%v %v", all, err)
	}
	r, err := OpenRotating(path, 30, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range []string{strings.Repeat("long", 20) + "\n", "short\n"} { // an entry that is longer than a file has one for itself
		if _, err := r.Write([]byte(entry)); err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(path); err != nil || string(text) != entry {
			t.Errorf("%q %v", text, err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenRotating(t.TempDir(), 30, 2); err == nil {
		t.Error("a directory is no log")
	}
}
