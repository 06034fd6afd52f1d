package features

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sold runs one scenario with a sale and leaves its card commands in dir.
func sold(t *testing.T, dir string) string {
	t.Helper()
	sum, err := Run(t.Context(), Options{Name: "首笔加油", Trace: dir})
	if err != nil || sum.Passed != 1 {
		t.Fatalf("%+v %v", sum, err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"+traceEnd))
	if err != nil || len(files) != 1 {
		t.Fatalf("%q %v", files, err)
	}
	return files[0]
}

// TestTraces: two runs send the same commands; only what Normal names may differ; no secret is in a trace.
func TestTraces(t *testing.T) {
	t.Parallel()
	a, b := t.TempDir(), t.TempDir()
	path := sold(t, a)
	other := sold(t, b)
	diff := func() (int, int, string) {
		t.Helper()
		var out bytes.Buffer
		differ, compared, err := DiffTraces(a, b, &out)
		if err != nil {
			t.Fatal(err)
		}
		return differ, compared, out.String()
	}
	differ, compared, _ := diff()
	if differ != 0 || compared < 1000 {
		t.Errorf("%d of %d lines differ", differ, compared)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"9001 PSAM\n> 00A40000023F00\n< 6F15", " 张三的卡\n> ", "> 0020000003******", "> E07E0801"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not in the trace", want)
		}
	}
	if strings.Contains(string(text), "0020000003123456") {
		t.Error("a PIN is in the trace")
	}
	later := strings.Replace(string(text), "@ 2026-11-22 08:00:00", "@ 2026-11-23 09:00:00", 1)
	changed := strings.Replace(later, "> 00A40000023F00", "> 00A40000023F01", 1)
	for _, c := range []struct {
		text  string
		lines int
		say   string
	}{{later, 0, ""}, {changed, 1, "+ > 00A40000023F01"}, {changed + "@ 2026-11-23 09:00:00 9001 x\n> 00\n< 9000\n", 4, "- \n+ @ 9001 x"}, {"", compared, "+ \n"}} {
		if err := os.WriteFile(other, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if differ, _, out := diff(); differ != c.lines || !strings.Contains(out, c.say) {
			t.Errorf("%d lines differ, want %d:\n%s", differ, c.lines, out)
		}
	}
}

func TestTracesThatCanNotBeCompared(t *testing.T) {
	t.Parallel()
	empty, full, none := t.TempDir(), t.TempDir(), t.TempDir()
	for _, path := range []string{filepath.Join(full, "a"+traceEnd), filepath.Join(none, "a"+traceEnd)} {
		text := "@ 2026-11-22 08:00:00 x\n> 00\n< 9000\n"
		if strings.HasPrefix(path, none) {
			text = ""
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for what, c := range map[string][2]string{"nothing": {empty, empty}, "one side": {full, empty}, "no command": {none, none}} {
		if _, _, err := DiffTraces(c[0], c[1], &bytes.Buffer{}); !errors.Is(err, ErrTraces) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, _, err := DiffTraces(full, filepath.Join(full, "none"), &bytes.Buffer{}); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if sum, err := Run(t.Context(), Options{Name: "首笔加油", Trace: filepath.Join(full, "a"+traceEnd)}); !errors.Is(err, ErrFailed) || sum.Results[0].Err == nil {
		t.Errorf("a trace that can not be written: %v", err)
	}
}

func TestCardsOption(t *testing.T) {
	t.Parallel()
	for _, opt := range []Options{{Cards: "plastic"}, {Cards: CardsVPCD, Parallel: 2}} {
		if _, err := Run(t.Context(), opt); !errors.Is(err, ErrOptions) {
			t.Errorf("%+v: %v", opt, err)
		}
	}
}
