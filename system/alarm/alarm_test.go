package alarm

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greylock/system/wire/record"
)

// raisers are the functions that make an alarm: the first string they are given is its kind.
var raisers = map[string]bool{"alarm": true, "warn": true, "raise": true}

// kinds finds the kinds that a file raises: Kind of a record.Alarm, and the first string given to a raiser.
func kinds(f *ast.File) (list []string) {
	text := func(e ast.Expr) {
		if l, ok := e.(*ast.BasicLit); ok && l.Kind == token.STRING {
			if s, err := strconv.Unquote(l.Value); err == nil {
				list = append(list, s)
			}
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			if t, ok := n.Type.(*ast.SelectorExpr); !ok || t.Sel.Name != "Alarm" {
				return true
			}
			for _, e := range n.Elts {
				if kv, ok := e.(*ast.KeyValueExpr); ok && kv.Key.(*ast.Ident).Name == "Kind" {
					text(kv.Value)
				}
			}
		case *ast.CallExpr:
			called := ""
			switch fn := n.Fun.(type) {
			case *ast.Ident:
				called = fn.Name
			case *ast.SelectorExpr:
				called = fn.Sel.Name
			}
			for i := 0; raisers[called] && i < len(n.Args) && i < 2; i++ { // (kind, …) or (now, kind, …)
				if _, ok := n.Args[i].(*ast.BasicLit); ok {
					text(n.Args[i])
					break
				}
			}
		}
		return true
	})
	return list
}

// TestEveryKindIsInTheCatalogue looks through the source of the system for kinds that tell people nothing of what to do.
func TestEveryKindIsInTheCatalogue(t *testing.T) {
	t.Parallel()
	found := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, k := range kinds(f) {
			found++
			if !Known(k) {
				t.Errorf("%s raises %q: give it severity, owner and advice in system/alarm/catalogue.go", path, k)
			}
		}
		return nil
	})
	if err != nil || found < 20 {
		t.Fatalf("%d kinds found: the search would prove nothing: %v", found, err)
	}
}

func TestAdviceIsComplete(t *testing.T) {
	t.Parallel()
	for kind, a := range catalogue {
		if a.Zh == "" || a.En == "" || a.Severity == "" || a.Owner == "" {
			t.Errorf("%s: %+v", kind, a)
		}
	}
	if a := Of("of a newer program"); a.Severity != Warning || a.Zh == "" {
		t.Errorf("unknown kind: %+v", a)
	}
}

// TestCases: alarms of one subject are one case until somebody takes care of it; the next one is a new case.
func TestCases(t *testing.T) {
	t.Parallel()
	var l List
	raise := func(seq uint64, kind, about string, silent int) {
		l.Raised("0001", seq, record.Alarm{TimeMs: int64(seq), Kind: kind, Subject: about, Zh: "第" + strconv.FormatUint(seq, 10), Silent: silent})
	}
	raise(3, "line-lost", "port 1", 0)
	raise(5, "line-lost", "port 2", 0)
	raise(7, "line-lost", "port 1", 4)
	c, ok := l.Find("0001", 3)
	if !ok || c.Count != 6 || c.FirstMs != 3 || c.LastMs != 7 || c.Zh != "第7" || c.Severity != Warning || c.Owner != Maintenance {
		t.Fatalf("%+v", c)
	}
	if l.OpenCases() != 2 || l.Total() != 7 {
		t.Errorf("%d open, %d in all", l.OpenCases(), l.Total())
	}
	ack := record.AlarmAcknowledged{TimeMs: 8, Site: "0001", Alarm: 3, By: "1001", Note: "换线"}
	l.Acknowledged("0001", ack)
	ack.By = "1002"
	l.Acknowledged("0000", ack) // too late
	l.Acknowledged("0000", record.AlarmAcknowledged{Site: "0001", Alarm: 99})
	c, _ = l.Find("0001", 3)
	if d := cmp.Diff(&Ack{8, "0001", "1001", "换线"}, c.Ack); d != "" {
		t.Error(d)
	}
	raise(9, "line-lost", "port 1", 0)
	if n := len(l.Newest(10, true)); n != 2 || l.Newest(1, false)[0].Seq != 9 {
		t.Errorf("%d open, newest %+v", n, l.Newest(1, false))
	}
}

// TestListIsBounded: acknowledged cases go first, and what is gone is found nowhere.
func TestListIsBounded(t *testing.T) {
	t.Parallel()
	var l List
	for i := range uint64(maxCases + 2) {
		l.Raised("0001", i+1, record.Alarm{Kind: "line-lost", Subject: strconv.FormatUint(i, 10)})
		if i == 4 {
			l.Acknowledged("0001", record.AlarmAcknowledged{Site: "0001", Alarm: 4})
		}
	}
	_, acknowledged := l.Find("0001", 4)
	_, oldest := l.Find("0001", 1)
	if acknowledged || oldest || len(l.cases) != maxCases || len(l.names) != maxCases || l.OpenCases() != maxCases {
		t.Errorf("4 there: %v, 1 there: %v, %d cases, %d names, %d open", acknowledged, oldest, len(l.cases), len(l.names), l.OpenCases())
	}
}
