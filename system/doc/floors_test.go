package doc

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

const module = "greylock/"

// pkg is what `go list -json` says of a package.
type pkg struct {
	ImportPath   string
	Name         string
	Doc          string
	Dir          string
	GoFiles      []string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

var listed = sync.OnceValues(func() ([]pkg, error) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Name,Doc,Dir,GoFiles,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = root()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, errors.New("go list: " + err.Error() + ": " + stderr.String())
	}
	var all []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
})

func root() string { return filepath.Join("..", "..") }

func packages(t *testing.T) []pkg {
	t.Helper()
	all, err := listed()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("only %d packages listed: the check would prove nothing", len(all))
	}
	return all
}

// floors lists every room of system from the ground up; a room may use lower floors and its own subtree.
var floors = [][]string{
	{"system/wire/unit", "system/wire/apdu", "system/wire/pboc", "system/wire/reading", "system/clock"},
	{"system/wire/fuelcard", "system/wire/samcard", "system/wire/fa", "system/wire/lf", "system/wire/tls350", "system/wire/relay", "system/wire/ups"},
	{"system/wire/record"},
	{"system/journal", "system/store", "system/link", "system/card"},
	{"system/vault", "system/terminal", "system/dispenser", "system/gauge", "system/relay", "system/ups", "system/exchange"},
	{"system/ledger", "system/alarm", "system/lists", "system/pricebook", "system/shift", "system/tank"},
	{"system/keymgmt", "system/cardmaking", "system/issuing", "system/center", "system/station"},
	{"system/report", "system/web"},
	{"system/app"},
	{"cmd"},
}

// room returns the room and floor of a package of ours.
func room(path string) (string, int, bool) {
	path = strings.TrimPrefix(path, module)
	for floor, rooms := range floors {
		for _, r := range rooms {
			if path == r || strings.HasPrefix(path, r+"/") {
				return r, floor, true
			}
		}
	}
	return "", 0, false
}

func TestFloors(t *testing.T) {
	for _, p := range packages(t) {
		if !strings.HasPrefix(p.ImportPath, module+"system/") || p.ImportPath == module+"system/doc" {
			continue
		}
		own, floor, ok := room(p.ImportPath)
		if !ok {
			t.Errorf("%s stands on no floor: give it one in floors_test.go and design", p.ImportPath)
			continue
		}
		for _, imp := range p.Imports {
			if !strings.HasPrefix(imp, module) {
				continue
			}
			if !strings.HasPrefix(imp, module+"system/") {
				t.Errorf("%s imports %s: system uses nothing of the lab", p.ImportPath, imp)
				continue
			}
			theirs, below, _ := room(imp)
			if theirs != own && below >= floor {
				t.Errorf("%s (floor %d) imports %s (floor %d): only lower floors and the own subtree", p.ImportPath, floor, imp, below)
			}
		}
	}
}

func TestTestsOfSystemUseNoEmulator(t *testing.T) {
	for _, p := range packages(t) {
		if !strings.HasPrefix(p.ImportPath, module+"system/") {
			continue
		}
		for _, imp := range slices.Concat(p.TestImports, p.XTestImports) {
			if strings.HasPrefix(imp, module+"emulators") || strings.HasPrefix(imp, module+"features") {
				t.Errorf("a test of %s imports %s", p.ImportPath, imp)
			}
		}
	}
}

// emulatorsMay says what an emulator uses of system; the world and the panel meet everything.
var emulatorsMay = map[string][]string{
	"emulators/dispenser":   {"system/wire/", "system/clock", "system/card", "system/terminal"},
	"emulators/hub":         {"system/wire/", "system/clock", "system/card", "emulators/dispenser", "emulators/line"},
	"emulators/world":       {"system/", "emulators/", "fixtures", "scenarios"},
	"emulators/panel":       {"system/wire/", "system/clock", "emulators/world", "emulators/dispenser"},
	"emulators/conform/mem": {"system/wire/", "system/card", "emulators/conform", "emulators/cardos", "emulators/psam", "emulators/chip"}, // makes the cards that cases run against
	"emulators/":            {"system/wire/", "system/clock", "system/card", "emulators/chip"},                                            // chip: memory, files and keys under card and PSAM
}

func TestEmulatorsShareFormatsNotDecisions(t *testing.T) {
	keys := []string{"emulators/conform/mem", "emulators/dispenser", "emulators/hub", "emulators/world", "emulators/panel", "emulators/"}
	for _, p := range packages(t) {
		path := strings.TrimPrefix(p.ImportPath, module)
		if !strings.HasPrefix(path, "emulators/") {
			continue
		}
		i := slices.IndexFunc(keys, func(k string) bool { return strings.HasPrefix(path, k) })
		for _, imp := range p.Imports {
			imp, ours := strings.CutPrefix(imp, module)
			if !ours || strings.HasPrefix(imp, path) {
				continue
			}
			if !slices.ContainsFunc(emulatorsMay[keys[i]], func(ok string) bool { return strings.HasPrefix(imp, ok) }) {
				t.Errorf("%s imports %s", path, imp)
			}
		}
	}
}

// doors: who may open a library. Only _test.go files use the last two.
var doors = map[string][]string{
	"github.com/tidwall/buntdb": {"system/store"},
	"go.bug.st/serial":          {"system/link/serial"},
	"github.com/ebfe/scard":     {"system/card/pcsc"},
	"github.com/creack/pty":     {"emulators/line"},
	"github.com/spf13/viper":    {"cmd"},
	"github.com/spf13/cobra":    {"cmd"},
	"github.com/spf13/pflag":    {"cmd"},
	"github.com/cucumber":       {"features"},
	"crypto/des":                {"system/wire/pboc"},
	"github.com/emmansun/gmsm":  {"system/wire/pboc"},
	"go.yaml.in/yaml":           {"cmd/internal/config", "emulators/world"},
	"pgregory.net/rapid":        {},
	"github.com/google/go-cmp":  {},
}

func TestLibraryDoors(t *testing.T) {
	used := map[string]bool{}
	for _, p := range packages(t) {
		path := strings.TrimPrefix(p.ImportPath, module)
		for _, imp := range p.Imports {
			for lib, rooms := range doors {
				if imp != lib && !strings.HasPrefix(imp, lib+"/") {
					continue
				}
				used[lib] = true
				if !slices.ContainsFunc(rooms, func(r string) bool { return path == r || strings.HasPrefix(path, r+"/") }) {
					t.Errorf("%s imports %s: its door is %v", path, imp, rooms)
				}
			}
		}
	}
	for _, lib := range []string{"github.com/tidwall/buntdb", "go.bug.st/serial", "github.com/creack/pty", "crypto/des"} {
		if !used[lib] {
			t.Errorf("nobody imports %s: the door check would prove nothing", lib)
		}
	}
}

func TestTopLevelIsFixed(t *testing.T) {
	entries, err := os.ReadDir(root())
	if err != nil {
		t.Fatal(err)
	}
	allowed := []string{
		"go.mod", "go.sum", "README.md", "LICENSE", "CHANGELOG.md", "Makefile",
		"system", "emulators", "features", "scenarios", "fixtures", "cmd",
		"out", "bin", // ignored by git: what a run leaves
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(allowed, e.Name()) {
			t.Errorf("%s: the top level is fixed (design)", e.Name())
		}
	}
}
