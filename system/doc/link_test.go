package doc

import (
	"bytes"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"greylock/fixtures"
)

// deps lists every package that a program links.
func deps(t *testing.T, program string) []string {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "./"+program)
	cmd.Dir = root()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list -deps %s: %v", program, err)
	}
	return strings.Fields(string(out))
}

// labOnly are the rooms, and the libraries, that production has no business with.
var labOnly = []string{
	module + "emulators", module + "fixtures", module + "scenarios", module + "features",
	"github.com/cucumber", "github.com/creack/pty", "pgregory.net/rapid", "github.com/google/go-cmp", "testing",
}

func labRooms(deps []string) (found []string) {
	for _, room := range labOnly {
		if slices.ContainsFunc(deps, func(d string) bool { return d == room || strings.HasPrefix(d, room+"/") }) {
			found = append(found, room)
		}
	}
	return found
}

// TestProductionLinksNothingOfTheLab: by what the linker is given; greylab shows that the question can be answered with yes.
func TestProductionLinksNothingOfTheLab(t *testing.T) {
	t.Parallel()
	if found := labRooms(deps(t, "cmd/greylock")); len(found) > 0 {
		t.Errorf("greylock links %v", found)
	}
	found := labRooms(deps(t, "cmd/greylab"))
	for _, room := range labOnly[:6] {
		if !slices.Contains(found, room) {
			t.Errorf("greylab does not link %s: this test would prove nothing", room)
		}
	}
}

// TestProductionHoldsNoTestKey: by the bytes of the built program. Every key of the public set is looked for as bytes, as
// hexadecimal text in either case and, where it is text, as that; all of it is found in greylab.
func TestProductionHoldsNoTestKey(t *testing.T) {
	t.Parallel()
	greylock, greylab := build(t, "cmd/greylock"), build(t, "cmd/greylab")
	set := fixtures.TestKeys()
	looked := 0
	look := func(what string, forms ...[]byte) {
		t.Helper()
		looked++
		inLab := false
		for _, f := range forms {
			inLab = inLab || bytes.Contains(greylab, f)
			if bytes.Contains(greylock, f) {
				t.Errorf("greylock holds %s, as %q", what, f)
			}
		}
		if !inLab {
			t.Errorf("greylab does not hold %s: this test would prove nothing", what)
		}
	}
	key := func(name string, k [16]byte) {
		t.Helper()
		text := hex.EncodeToString(k[:])
		look("test key "+name, k[:], []byte(text), []byte(strings.ToUpper(text)))
	}
	for name, k := range set.Masters {
		key(name, k)
	}
	key("transport", set.Transport)
	look("the mark of the test set", []byte(set.Mark))
	if looked < 19 {
		t.Errorf("only %d things were looked for", looked)
	}
}

func build(t *testing.T, program string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), filepath.Base(program))
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", path, "./"+program)
	cmd.Dir = root()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", program, err, out)
	}
	binary, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return binary
}
