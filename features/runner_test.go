package features

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"greylock/emulators/world"
	"greylock/features/steps"
	"greylock/system/clock"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// village is the smallest town that steps can act in: time passes in it, and its dispensers show so many yuan.
type village struct {
	steps.Town // what no scenario of these tests may touch
	seed       int64
	shows      unit.Fen
	pass       func(time.Duration)
	finish     error
	closing    error
}

func (v *village) Pass(d time.Duration) { v.pass(d) }
func (v *village) Query() world.Query   { return glance{shows: v.shows} }
func (v *village) Close() error         { return v.closing }
func (v *village) Finish() (world.Report, error) {
	return world.Report{Seed: v.seed, Events: 7, TraceHash: "abc"}, v.finish
}

type glance struct {
	world.Query // what no scenario of these tests may ask
	shows       unit.Fen
}

func (g glance) Display(record.Nozzle) world.Display { return world.Display{Amount: g.shows} }

// busy lets two milliseconds of the real clock go by.
func busy(time.Duration) {
	for begin := (clock.System{}).Now(); (clock.System{}).Now().Sub(begin) < 2*time.Millisecond; {
	}
}

// town builds villages; what a scenario calls its town says what is wrong with it.
func town(name string, seed int64) (steps.Town, error) {
	v := &village{seed: seed, shows: 500, pass: busy}
	switch name {
	case "none":
		return nil, errors.New("没有这个城镇 (no such town)")
	case "violated":
		v.finish = errors.New("INV-01 violated")
	case "leaky":
		v.closing = errors.New("left open")
	case "panics":
		v.pass = func(time.Duration) { panic("a bug of ours") }
	}
	return v, nil
}

// write makes a feature file.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte("# language: zh-CN\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// run1 runs features in villages.
func run1(t *testing.T, opt Options) (Summary, string, error) {
	t.Helper()
	var out strings.Builder
	opt.Out = &out
	if opt.Town == nil {
		opt.Town = town
	}
	sum, err := Run(t.Context(), opt)
	return sum, out.String(), err
}

const story = `功能: 一日 <"&>
  背景:
    假如按 "village" 建成城镇

  @快
  场景: 过一会儿
    当过了 1 秒
    那么1 号枪显示 5.00 元

  @慢
  @错
  场景: 看错 <"&>
    那么1 号枪显示 9.00 元
    当过了 1 秒

  @快 @行
  场景大纲: 几秒
    当过了 <秒> 秒
    那么1 号枪显示 <元> 元

    例子:
      | 秒 | 元   |
      | 1  | 5.00 |
      | 2  | 5.00 |

    @错
    例子:
      | 秒 | 元   |
      | 3  | 6.00 |
`

// TestRunTellsEverything: what passed, what failed and why, what was skipped; names, places, seeds and times.
func TestRunTellsEverything(t *testing.T) {
	t.Parallel()
	path := write(t, "story.feature", story)
	dir := t.TempDir()
	sum, out, err := run1(t, Options{Paths: []string{path}, Seed: 41, Format: "pretty,junit:" + dir + "/r.xml,cucumber:" + dir + "/new/r.json"})
	if !errors.Is(err, ErrFailed) || sum.Scenarios != 5 || sum.Passed != 3 || sum.Failed != 2 || sum.Steps != 15 || len(sum.Results) != 5 {
		t.Fatalf("%+v, %v\n%s", sum, err, out)
	}
	titles := []string{"过一会儿", `看错 <"&>`, "几秒 [秒=1, 元=5.00]", "几秒 [秒=2, 元=5.00]", "几秒 [秒=3, 元=6.00]"}
	lines := []int{7, 13, 24, 25, 30}
	for i, r := range sum.Results {
		if r.Title != titles[i] || r.Place != fmt.Sprintf("%s:%d", path, lines[i]) || r.Seed != 41 {
			t.Errorf("result %d: %s at %s, seed %d", i, r.Title, r.Place, r.Seed)
		}
		var steps time.Duration
		for _, s := range r.Steps {
			steps += s.Took
			if strings.HasPrefix(s.Text, "过了") && s.Status == Passed && s.Took < 2*time.Millisecond {
				t.Errorf("%s: %s took %v", r.Title, s.Text, s.Took)
			}
		}
		if r.Took < steps || r.Took > sum.Took {
			t.Errorf("%s took %v, its steps %v, the run %v", r.Title, r.Took, steps, sum.Took)
		}
	}
	bad := sum.Results[1]
	if bad.Status != Failed || bad.Steps[0].Status != Passed || bad.Steps[1].Status != Failed || bad.Steps[2].Status != Skipped || !strings.Contains(bad.Err.Error(), "应为 9.00") {
		t.Errorf("%+v", bad)
	}
	for _, want := range []string{"5 个场景 (3 通过, 2 失败), 15 步", "种子 (seed): 41", "greylab run " + path + ":13 --seed 41", "✗ 那么1 号枪显示 9.00 元", "- 当过了 1 秒", "几秒 [秒=3, 元=6.00]"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in:\n%s", want, out)
		}
	}
	checkJUnit(t, filepath.Join(dir, "r.xml"), sum)
	checkCucumber(t, filepath.Join(dir, "new", "r.json"), sum)
}

// checkJUnit reads the report as other programs do.
func checkJUnit(t *testing.T, path string, sum Summary) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		XMLName  xml.Name `xml:"testsuites"`
		Tests    int      `xml:"tests,attr"`
		Failures int      `xml:"failures,attr"`
		Time     float64  `xml:"time,attr"`
		Suites   []struct {
			Name     string  `xml:"name,attr"`
			Tests    int     `xml:"tests,attr"`
			Failures int     `xml:"failures,attr"`
			Time     float64 `xml:"time,attr"`
			Cases    []struct {
				Name    string  `xml:"name,attr"`
				Class   string  `xml:"classname,attr"`
				File    string  `xml:"file,attr"`
				Time    float64 `xml:"time,attr"`
				Failure *struct {
					Message string `xml:"message,attr"`
					Type    string `xml:"type,attr"`
					Text    string `xml:",chardata"`
				} `xml:"failure"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(text, &doc); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if doc.Tests != sum.Scenarios || doc.Failures != sum.Failed || len(doc.Suites) != 1 || doc.Suites[0].Name != `一日 <"&>` || doc.Suites[0].Failures != sum.Failed {
		t.Fatalf("%+v", doc)
	}
	total := 0.0
	for i, c := range doc.Suites[0].Cases {
		r := sum.Results[i]
		total += c.Time
		if c.Name != r.Title || c.File != r.Place || c.Time <= 0 || c.Time-r.Took.Seconds() > 1e-6 || r.Took.Seconds()-c.Time > 1e-6 {
			t.Errorf("case %+v of %+v", c, r)
		}
		if (c.Failure != nil) != (r.Status != Passed) || c.Failure != nil && (!strings.Contains(c.Failure.Text, "种子 (seed): 41") || c.Failure.Type != "failed") {
			t.Errorf("failure %+v of %s", c.Failure, r.Status)
		}
	}
	if d := total - doc.Suites[0].Time; d > 1e-5 || d < -1e-5 || doc.Time-sum.Took.Seconds() > 1e-6 {
		t.Errorf("the cases take %f, the suite %f", total, doc.Suites[0].Time)
	}
}

func checkCucumber(t *testing.T, path string, sum Summary) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var features []cucumberFeature
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&features); err != nil || len(features) != 1 || len(features[0].Elements) != sum.Scenarios {
		t.Fatalf("%v\n%s", err, text)
	}
	for i, e := range features[0].Elements {
		r := sum.Results[i]
		if e.Name != r.Title || !strings.HasSuffix(r.Place, fmt.Sprintf(":%d", e.Line)) || len(e.Steps) != len(r.Steps) || len(e.Tags) != len(r.Tags) {
			t.Errorf("%+v of %+v", e, r)
		}
		for n, s := range e.Steps {
			if s.Result.Status != r.Steps[n].Status && r.Status == Passed || s.Result.Duration != int64(r.Steps[n].Took) || s.Line != r.Steps[n].Line {
				t.Errorf("%s: %+v of %+v", e.Name, s, r.Steps[n])
			}
		}
		if last := e.Steps[len(e.Steps)-1].Result; r.Status != Passed && !strings.Contains(last.Error, "种子 (seed): 41") {
			t.Errorf("%s: no evidence: %+v", e.Name, last)
		}
	}
}

// TestEndsThatAreNotGreen: steps that passed are not enough.
func TestEndsThatAreNotGreen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ steps, want string }{
		"violated": {"假如按 \"violated\" 建成城镇", "INV-01"},
		"leaky":    {"假如按 \"leaky\" 建成城镇", "left open"},
		"panics":   {"假如按 \"panics\" 建成城镇\n    当过了 1 秒", "a bug of ours"},
		"none":     {"假如按 \"none\" 建成城镇", "没有这个城镇"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sum, out, err := run1(t, Options{Paths: []string{write(t, "x.feature", "功能: x\n  场景: "+name+"\n    "+c.steps+"\n")}, Format: "progress"})
			if !errors.Is(err, ErrFailed) || sum.Failed != 1 || !strings.Contains(out, c.want) || !strings.Contains(out, "F\n") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	for name, text := range map[string]string{
		"no steps":  "功能: x\n  场景: y\n",
		"undefined": "功能: x\n  场景: y\n    假如按 \"village\" 建成城镇\n    当天上下红雨\n",
		"table":     "功能: x\n  场景: y\n    假如按 \"village\" 建成城镇\n      | a |\n",
	} {
		path := write(t, "x.feature", text)
		sum, out, err := run1(t, Options{Paths: []string{path}})
		if want := map[string]string{"no steps": ":3: 场景没有步骤", "undefined": ":5: 没有这个步骤 (undefined step): 天上下红雨", "table": ":4: 步骤不收表格"}[name]; !errors.Is(err, ErrSuite) || !strings.Contains(err.Error(), path+want) {
			t.Errorf("%s: %v", name, err)
		}
		if sum.Scenarios != 0 || out != "" {
			t.Errorf("%s: something ran: %s", name, out)
		}
	}
	for name, text := range map[string]string{"empty": "", "no scenario": "功能: x\n", "not Gherkin": "功能: x\n  一个句子\n场景 y\n  当|\n  假如\n"} {
		if _, _, err := run1(t, Options{Paths: []string{write(t, "x.feature", text)}}); err == nil {
			t.Errorf("%s: green", name)
		}
	}
	for name, opt := range map[string]Options{"no tag": {Tags: "@没有"}, "no name": {Name: "没有这个名字"}} {
		opt.Paths = []string{write(t, "story.feature", story)}
		if _, _, err := run1(t, opt); !errors.Is(err, ErrNothing) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLibraryIsStrict: steps that are unused, doubled, no pattern or ambiguous are found.
func TestLibraryIsStrict(t *testing.T) {
	t.Parallel()
	all := new(steps.Scene).Steps()
	if err := checkLibrary(nil, nil); !errors.Is(err, ErrSuite) || strings.Count(err.Error(), "unused step") != len(all) {
		t.Errorf("without scenarios every step is unused: %v", err)
	}
	whole, err := parseFS(Embedded)
	if err != nil {
		t.Fatal(err)
	}
	if err := checkLibrary(whole, whole); err != nil {
		t.Error(err)
	}
	lib, err := library([]steps.Step{{Pattern: `^过了 (\d+) 秒$`}, {Pattern: `^过了 (.+) 秒$`}})
	if err != nil {
		t.Fatal(err)
	}
	list, err := parse("x.feature", []byte("# language: zh-CN\n功能: x\n  场景: y\n    当过了 1 秒\n    而且过了 一 秒\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := checkScenario(lib, list[0]); err == nil || !strings.Contains(err.Error(), "x.feature:4: 步骤有歧义") || strings.Contains(err.Error(), ":5:") {
		t.Errorf("%v", err)
	}
	if _, err := library([]steps.Step{{Pattern: `^a$`}, {Pattern: `^b$`}, {Pattern: `^a$`}}); err == nil || !strings.Contains(err.Error(), "defined twice") {
		t.Errorf("doubled: %v", err)
	}
	if _, err := library([]steps.Step{{Pattern: `^(a$`}}); err == nil {
		t.Error("no pattern: accepted")
	}
	for _, s := range all {
		if !strings.HasPrefix(s.Pattern, "^") || !strings.HasSuffix(s.Pattern, "$") {
			t.Errorf("%s matches a part of a step", s.Pattern)
		}
	}
}

// TestSelection: a line chooses a scenario by header, tag or step, a row by its own line; the rest is an error, not nothing.
func TestSelection(t *testing.T) {
	t.Parallel()
	path := write(t, "story.feature", story)
	for what, c := range map[string]struct {
		opt  Options
		want []string
	}{
		"all":          {Options{Paths: []string{path}}, []string{"过一会儿", "看错", "秒=1", "秒=2", "秒=3"}},
		"directory":    {Options{Paths: []string{filepath.Dir(path)}}, []string{"过一会儿", "看错", "秒=1", "秒=2", "秒=3"}},
		"header":       {Options{Paths: []string{path + ":7"}}, []string{"过一会儿"}},
		"tag line":     {Options{Paths: []string{path + ":12"}}, []string{"看错"}},
		"step":         {Options{Paths: []string{path + ":9"}}, []string{"过一会儿"}},
		"outline":      {Options{Paths: []string{path + ":18"}}, []string{"秒=1", "秒=2", "秒=3"}},
		"row":          {Options{Paths: []string{path + ":25"}}, []string{"秒=2"}},
		"twice":        {Options{Paths: []string{path + ":25"}, Tags: "@快", Name: "几秒"}, []string{"秒=2"}},
		"tags":         {Options{Paths: []string{path}, Tags: "@快 and not @错"}, []string{"过一会儿", "秒=1", "秒=2"}},
		"tag of a row": {Options{Paths: []string{path}, Tags: "@行 && @错"}, []string{"秒=3"}},
		"name":         {Options{Paths: []string{path}, Name: "秒=2"}, []string{"秒=2"}},
	} {
		sum, out, err := run1(t, c.opt)
		if err != nil && !errors.Is(err, ErrFailed) || len(sum.Results) != len(c.want) {
			t.Errorf("%s: %v\n%s", what, err, out)
			continue
		}
		for i, r := range sum.Results {
			if !strings.Contains(r.Title, c.want[i]) {
				t.Errorf("%s: %s instead of %s", what, r.Title, c.want[i])
			}
		}
	}
	for what, opt := range map[string]Options{
		"no such line": {Paths: []string{path + ":2"}}, "no such file": {Paths: []string{path + "x"}}, "line 0": {Paths: []string{path + ":0"}},
		"tags": {Paths: []string{path}, Tags: "@a and"}, "lines": {Paths: []string{path}, Lines: "serial"}, "order": {Paths: []string{path}, Order: "reverse"},
		"format": {Paths: []string{path}, Format: "html"}, "no directory": {Paths: []string{path}, Format: "junit:" + path + "/x/r.xml"},
		"empty format": {Paths: []string{path}, Format: "pretty,"}, "repeat": {Paths: []string{path}, Repeat: -1}, "parallel": {Paths: []string{path}, Parallel: -1},
		"endless line": {Paths: []string{write(t, "long.feature", story+strings.Repeat("长", 30_000))}}, "no text": {Paths: []string{write(t, "raw.feature", "功能: \x1b\xff")}},
	} {
		if _, out, err := run1(t, opt); !errors.Is(err, ErrOptions) || out != "" {
			t.Errorf("%s: %v\n%s", what, err, out)
		}
	}
	if _, err := Run(t.Context(), Options{Lines: "pty"}); !errors.Is(err, ErrOptions) {
		t.Errorf("pty without a program: %v", err)
	}
	if list, err := fromPaths(must(parseFS(Embedded)), []string{"features/sale.feature"}); err != nil || len(list) == 0 {
		t.Errorf("an embedded file by its path in the repository: %v", err)
	}
}

func must[A any](a A, err error) A {
	if err != nil {
		panic(err)
	}
	return a
}

// TestOrderAndRepetition: the same seed gives the same order and the same seeds of repetitions; another gives another; nothing
// is lost or doubled.
func TestOrderAndRepetition(t *testing.T) {
	t.Parallel()
	path := write(t, "story.feature", story)
	runs := func(seed int64, order string) (list []string, out string) {
		t.Helper()
		sum, out, err := run1(t, Options{Paths: []string{path}, Tags: "not @错", Repeat: 4, Order: order, Seed: seed, Parallel: 3})
		if err != nil || sum.Scenarios != 12 {
			t.Fatalf("%v\n%s", err, out)
		}
		for _, r := range sum.Results {
			list = append(list, fmt.Sprintf("%s %d/%d seed %d", r.Title, r.Attempt, r.Attempts, r.Seed))
		}
		return list, out
	}
	a, out := runs(7, "random")
	b, _ := runs(7, "random")
	c, _ := runs(8, "random")
	d, _ := runs(7, "defined")
	if !slices.Equal(a, b) || slices.Equal(a, d) || slices.Equal(a, c) {
		t.Errorf("order of seed 7: %v and %v; of 8: %v", a, b, c)
	}
	if !strings.Contains(out, "种子 7 (random order, seed)") || !strings.Contains(out, "第 4/4 次") {
		t.Errorf("the seed of the order is not shown:\n%s", out)
	}
	slices.Sort(a)
	slices.Sort(d)
	if !slices.Equal(a, d) || len(slices.Compact(a)) != 12 || !slices.ContainsFunc(d, func(s string) bool { return strings.Contains(s, "4/4 seed 10") }) {
		t.Errorf("at random %v, in order %v", a, d)
	}
	sum, out, err := run1(t, Options{Paths: []string{path}, Tags: "not @错", Order: "random"})
	if err != nil || sum.Seed == 0 || !strings.Contains(out, fmt.Sprint(sum.Seed)) {
		t.Errorf("without a seed one is drawn and shown: %d, %v\n%s", sum.Seed, err, out)
	}
}

// TestInterruptedRun: what did not run is not green.
func TestInterruptedRun(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	begun := 0
	sum, err := Run(ctx, Options{Paths: []string{write(t, "story.feature", story)}, Tags: "not @错", Parallel: 1, Repeat: 50, Town: func(name string, seed int64) (steps.Town, error) {
		if begun++; begun == 2 {
			cancel()
		}
		return town(name, seed)
	}})
	if !errors.Is(err, ErrFailed) || !errors.Is(err, context.Canceled) || sum.Scenarios >= 150 {
		t.Errorf("%+v, %v", sum, err)
	}
}

// TestTagExpressions is the little language, and what is none of it.
func TestTagExpressions(t *testing.T) {
	t.Parallel()
	tags := []string{"@a", "@b", "@部分-T2"}
	for text, want := range map[string]bool{
		"": true, "  ": true, "@a": true, "@c": false, "@部分-T2": true, "@T2": false, "not @c": true, "~@a": false, "!@c": true, "@a and @b": true, "@a && @c": false,
		"@c or @b": true, "@c || @d": false, "@c,@a": true, "not (@c or @d)": true, "@c or @a and @b": true, "(@c or @a) and not @b": false, "not not @a": true, "~ ~@c": false,
	} {
		match, err := ParseTags(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if got := match(tags); got != want {
			t.Errorf("%q is %v", text, got)
		}
	}
	for _, text := range []string{"a", "@", "@a @b", "@a and", "or @a", "(@a", "@a)", "not", "@a and or @b", "()", ",", "@a & @b", "and"} {
		if _, err := ParseTags(text); !errors.Is(err, ErrOptions) || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestDocStrings: a step's text block reaches the engine as it stands in the file.
func TestDocStrings(t *testing.T) {
	t.Parallel()
	list, err := parse("x.feature", []byte("# language: zh-CN\n功能: x\n  场景: y\n    当z\n      \"\"\"\n      a \\\"\\\"\\\" b\n        c\n      \"\"\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	if s := list[0].steps[0]; s.doc == nil || *s.doc != "a \"\"\" b\n  c" {
		t.Fatalf("%+v", s)
	}
	again, err := parse("x.feature", list[0].alone())
	if err != nil || *again[0].steps[0].doc != *list[0].steps[0].doc {
		t.Errorf("%v %+v", err, again)
	}
}

// TestEvidenceOfARealTown: a failure in a world shows its frames and APDUs in words, its journals and its seed, and no PIN.
func TestEvidenceOfARealTown(t *testing.T) {
	t.Parallel()
	path := write(t, "x.feature", `功能: x
  场景: y
    假如按 "two-nozzles" 建成城镇
    当把 "张三的卡" 插入 1 号枪
    而且在 1 号枪输入密码 123456
    而且在 1 号枪选择 10 元
    那么1 号枪显示 99.00 元
`)
	sum, err := Run(t.Context(), Options{Paths: []string{path}, Seed: 12, Out: io.Discard})
	if !errors.Is(err, ErrFailed) {
		t.Fatal(err)
	}
	e := sum.Results[0].Evidence
	for _, want := range []string{"种子 (seed): 12", "线路与卡 (frames and APDUs)", "日志 (journals)", "1号枪", "9000", "VERIFY", `"type"`} {
		if !strings.Contains(e, want) {
			t.Errorf("%q is not in the evidence:\n%s", want, e)
		}
	}
	for _, secret := range []string{"123456", "313233343536", "12 34 56"} {
		if strings.Contains(e, secret) {
			t.Errorf("the evidence shows the PIN as %q", secret)
		}
	}
	if number := regexp.MustCompile(`0100[0-9]{16}`).FindString(e); number != "" || !strings.Contains(e, "**********") {
		t.Errorf("the evidence shows a card number: %q", number)
	}
}

// TestReportsOfStrangeText: control characters in an error leave valid XML and JSON.
func TestReportsOfStrangeText(t *testing.T) {
	t.Parallel()
	var x, j strings.Builder
	r := Result{File: "a", Feature: "f\x00", Title: "\x1b[31m<]]>&", Place: "a:1", Status: Failed, Err: errors.New("\x00\xff"), Evidence: "]]>\x08", Took: -1, Steps: []StepResult{{Text: "\x01"}}}
	for _, rep := range []report{&junit{out: &x}, &cucumber{out: &j}} {
		rep.result(r)
		if err := rep.summary(Summary{Scenarios: 1, Failed: 1, Took: -5}); err != nil {
			t.Fatal(err)
		}
	}
	if err := xml.Unmarshal([]byte(x.String()), new(junitSuites)); err != nil || strings.Contains(x.String(), `time="-`) {
		t.Errorf("%v in %s", err, x.String())
	}
	if !json.Valid([]byte(j.String())) {
		t.Errorf("no JSON: %s", j.String())
	}
}
