package doc

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestPackageComments(t *testing.T) {
	for _, p := range packages(t) {
		switch {
		case len(p.GoFiles) == 0:
		case p.Name == "main" && p.Doc == "":
			t.Errorf("%s has no package comment", p.ImportPath)
		case p.Name != "main" && !strings.HasPrefix(p.Doc, "Package "+p.Name+" "):
			t.Errorf("%s: the package comment must begin with %q", p.ImportPath, "Package "+p.Name)
		}
	}
}

// goFiles walks our Go files.
func goFiles(t *testing.T, visit func(path string, text []byte)) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(root(), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && (d.Name() == ".git" || d.Name() == "out") {
			if err == nil {
				err = fs.SkipDir
			}
			return err
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		n++
		visit(path, text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if n < 30 {
		t.Fatalf("only %d Go files seen: the check would prove nothing", n)
	}
}

func TestNoUnfinishedWords(t *testing.T) {
	words := regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b`)
	goFiles(t, func(path string, text []byte) {
		for i, line := range strings.Split(string(text), "\n") {
			if words.MatchString(line) {
				t.Errorf("%s:%d: unfinished word: %s", path, i+1, strings.TrimSpace(line))
			}
		}
	})
}

func TestFunctionsAreShort(t *testing.T) {
	const most = 70
	goFiles(t, func(path string, text []byte) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, path, text, parser.SkipObjectResolution)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := set.Position(fn.End()).Line - set.Position(fn.Pos()).Line + 1; n > most {
				t.Errorf("%s: %s has %d lines, the limit is %d", set.Position(fn.Pos()), fn.Name.Name, n, most)
			}
		}
	})
}

// TestWireNamesHaveSources: every exported type of a wire package that stands for something on a wire says where it was read;
// a constant says it by itself, by its block or by its type.
func TestWireNamesHaveSources(t *testing.T) {
	types, constants := 0, 0
	for _, dir := range []string{"fuelcard", "samcard", "fa"} {
		glob, err := filepath.Glob(filepath.Join(root(), "system", "wire", dir, "*.go"))
		if err != nil || len(glob) == 0 {
			t.Fatalf("no files in %s (%v)", dir, err)
		}
		for _, path := range glob {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			set := token.NewFileSet()
			f, err := parser.ParseFile(set, path, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range f.Decls {
				g, ok := d.(*ast.GenDecl)
				if !ok {
					continue
				}
				typed := false // of the constant before, which the next one repeats
				for _, s := range g.Specs {
					var name *ast.Ident
					text := g.Doc.Text()
					switch spec := s.(type) {
					case *ast.TypeSpec:
						name, text = spec.Name, text+spec.Doc.Text()+spec.Comment.Text()
						types++
					case *ast.ValueSpec:
						if spec.Type != nil || len(spec.Values) > 0 {
							id, ok := spec.Type.(*ast.Ident)
							typed = ok && id.IsExported()
						}
						if g.Tok != token.CONST || typed {
							continue
						}
						name, text = spec.Names[0], text+spec.Doc.Text()+spec.Comment.Text()
						constants++
					default:
						continue
					}
					if name.IsExported() && !strings.Contains(text, "Source:") {
						t.Errorf("%s: %s.%s has no Source:", set.Position(s.Pos()), dir, name.Name)
					}
				}
			}
		}
	}
	if types < 40 || constants < 20 {
		t.Fatalf("only %d wire types and %d constants seen: the check would prove nothing", types, constants)
	}
}

func TestChangelogForm(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root(), "CHANGELOG.md"))
	if err != nil {
		t.Fatal(err)
	}
	allowed := map[string]bool{"Money and safety": true, "Features": true, "Internals": true}
	section, lines := "", 0
	for i, line := range strings.Split(string(text), "\n") {
		switch {
		case strings.HasPrefix(line, "### "):
			if section = strings.TrimPrefix(line, "### "); !allowed[section] {
				t.Errorf("CHANGELOG.md:%d: heading %q, want one of Money and safety, Features, Internals", i+1, section)
			}
		case strings.HasPrefix(line, "## "):
			section = ""
		case strings.HasPrefix(line, "- "):
			if lines++; section == "" {
				t.Errorf("CHANGELOG.md:%d: a line outside of a section", i+1)
			}
		}
	}
	if lines == 0 {
		t.Error("CHANGELOG.md holds no line")
	}
}
