package features

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"greylock/system/wire/fuelcard"
)

// report is one way to tell about a run.
type report interface {
	result(r Result)
	summary(s Summary) error
}

// reports is all that were asked for.
type reports struct {
	list  []report
	files []*os.File
}

// openReports opens pretty, progress, junit:FILE, cucumber:FILE, several with commas.
func openReports(opt Options) (*reports, error) {
	all := &reports{}
	format := opt.Format
	if format == "" {
		format = "pretty"
	}
	for _, f := range strings.Split(format, ",") {
		name, file, toFile := strings.Cut(f, ":")
		out := opt.Out
		if toFile {
			err := os.MkdirAll(filepath.Dir(file), 0o755)
			if err != nil {
				return nil, errors.Join(fmt.Errorf("%w: %w", ErrOptions, err), all.close())
			}
			w, err := os.Create(file)
			if err != nil {
				return nil, errors.Join(fmt.Errorf("%w: %w", ErrOptions, err), all.close())
			}
			all.files = append(all.files, w)
			out = w
		}
		switch name {
		case "pretty":
			all.list = append(all.list, &pretty{out: out})
		case "progress":
			all.list = append(all.list, &progress{out: out})
		case "junit":
			all.list = append(all.list, &junit{out: out})
		case "cucumber":
			all.list = append(all.list, &cucumber{out: out})
		default:
			return nil, errors.Join(fmt.Errorf("%w: format %q: pretty, progress, junit:FILE, cucumber:FILE", ErrOptions, f), all.close())
		}
	}
	return all, nil
}

func (a *reports) result(r Result) {
	for _, x := range a.list {
		x.result(r)
	}
}

func (a *reports) summary(s Summary) (err error) {
	for _, x := range a.list {
		err = errors.Join(err, x.summary(s))
	}
	return err
}

func (a *reports) close() (err error) {
	for _, f := range a.files {
		err = errors.Join(err, f.Close())
	}
	return err
}

// pretty prints every step of every scenario.
type pretty struct {
	out     io.Writer
	feature string
}

var marks = map[Status]string{Passed: "✓", Failed: "✗", Skipped: "-", Pending: "…", Undefined: "?", Ambiguous: "‼"}

func (p *pretty) result(r Result) {
	if r.Feature != p.feature {
		p.feature = r.Feature
		fmt.Fprintf(p.out, "\n功能: %s\n", r.Feature)
	}
	fmt.Fprintf(p.out, "\n  %s 场景: %s  # %s%s %v\n", marks[r.Status], r.Title, r.Place, attempt(r), r.Took.Round(time.Millisecond))
	for _, s := range r.Steps {
		fmt.Fprintf(p.out, "    %s %s%s\n", marks[s.Status], s.Keyword, s.Text)
	}
	failure(p.out, r)
}

func attempt(r Result) string {
	if r.Attempts < 2 {
		return ""
	}
	return fmt.Sprintf(" 第 %d/%d 次", r.Attempt, r.Attempts)
}

// failure prints why, and the evidence.
func failure(out io.Writer, r Result) {
	if r.Status == Passed {
		return
	}
	fmt.Fprintf(out, "    失败 (%s): %v\n", r.Status, r.Err)
	again := fmt.Sprintf("greylab run %s --seed %d", r.Place, r.Seed)
	if r.Profile != "" && r.Profile != fuelcard.National().Name {
		again += " --profile " + r.Profile
	}
	fmt.Fprintf(out, "      再跑一次 (again): %s\n", again)
	for _, l := range strings.Split(strings.TrimRight(r.Evidence, "\n"), "\n") {
		fmt.Fprintf(out, "      %s\n", l)
	}
}

func (p *pretty) summary(s Summary) error { return closing(p.out, s) }

func closing(out io.Writer, s Summary) error {
	_, err := fmt.Fprintf(out, "\n%d 个场景 (%d 通过, %d 失败), %d 步, %v\n", s.Scenarios, s.Passed, s.Failed, s.Steps, s.Took.Round(time.Millisecond))
	return err
}

// progress prints a sign for each scenario, and failures at the end.
type progress struct {
	out    io.Writer
	failed []Result
	n      int
}

const progressWidth = 70

func (p *progress) result(r Result) {
	sign := "."
	if r.Status != Passed {
		sign = "F"
		p.failed = append(p.failed, r)
	}
	if p.n++; p.n%progressWidth == 0 {
		sign += "\n"
	}
	fmt.Fprint(p.out, sign)
}

func (p *progress) summary(s Summary) error {
	fmt.Fprintln(p.out)
	for _, r := range p.failed {
		fmt.Fprintf(p.out, "\n  ✗ %s: %s  # %s%s\n", r.Feature, r.Title, r.Place, attempt(r))
		for _, x := range r.Steps {
			if x.Status != Passed && x.Status != Skipped {
				fmt.Fprintf(p.out, "    %s %s%s\n", marks[x.Status], x.Keyword, x.Text)
			}
		}
		failure(p.out, r)
	}
	return closing(p.out, s)
}

// junit writes JUnit XML with true times; the plain engine's are negative at times and its rows have no names.
type junit struct {
	out    io.Writer
	suites []*junitSuite
	all    []Result
}

type junitSuites struct {
	XMLName  xml.Name      `xml:"testsuites"`
	Name     string        `xml:"name,attr"`
	Tests    int           `xml:"tests,attr"`
	Failures int           `xml:"failures,attr"`
	Time     string        `xml:"time,attr"`
	Suites   []*junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
	took     time.Duration
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	File    string        `xml:"file,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitFailure `xml:"failure,omitempty"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

func (j *junit) result(r Result) { j.all = append(j.all, r) }

func (j *junit) suite(name string) *junitSuite {
	for _, s := range j.suites {
		if s.Name == name {
			return s
		}
	}
	s := &junitSuite{Name: name}
	j.suites = append(j.suites, s)
	return s
}

func (j *junit) summary(sum Summary) error {
	for _, r := range j.all {
		s := j.suite(r.Feature)
		c := junitCase{Name: r.Title + attempt(r), Class: r.Feature, File: r.Place, Time: seconds(r.Took)}
		s.Tests++
		s.took += max(0, r.Took)
		if r.Status != Passed {
			s.Failures++
			c.Failure = &junitFailure{Message: fmt.Sprint(r.Err), Type: string(r.Status), Text: r.Evidence}
		}
		s.Cases = append(s.Cases, c)
	}
	for _, s := range j.suites {
		s.Time = seconds(s.took)
	}
	doc := junitSuites{Name: "greylock", Tests: sum.Scenarios, Failures: sum.Failed, Time: seconds(sum.Took), Suites: j.suites}
	text, err := xml.MarshalIndent(doc, "", "  ")
	if err == nil {
		_, err = io.Copy(j.out, io.MultiReader(strings.NewReader(xml.Header), bytes.NewReader(text), strings.NewReader("\n")))
	}
	return err
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.6f", max(0, d).Seconds()) }

// cucumber writes the JSON that Cucumber's tools read.
type cucumber struct {
	out io.Writer
	all []Result
}

type cucumberFeature struct {
	URI      string             `json:"uri"`
	ID       string             `json:"id"`
	Keyword  string             `json:"keyword"`
	Name     string             `json:"name"`
	Elements []cucumberScenario `json:"elements"`
}

type cucumberScenario struct {
	ID      string         `json:"id"`
	Keyword string         `json:"keyword"`
	Name    string         `json:"name"`
	Type    string         `json:"type"`
	Line    int            `json:"line"`
	Tags    []cucumberTag  `json:"tags,omitempty"`
	Steps   []cucumberStep `json:"steps"`
}

type cucumberTag struct {
	Name string `json:"name"`
}

type cucumberStep struct {
	Keyword string `json:"keyword"`
	Name    string `json:"name"`
	Line    int    `json:"line"`
	Result  struct {
		Status   Status `json:"status"`
		Duration int64  `json:"duration"` // nanoseconds
		Error    string `json:"error_message,omitempty"`
	} `json:"result"`
}

func (c *cucumber) result(r Result) { c.all = append(c.all, r) }

func (c *cucumber) summary(Summary) error {
	features := []*cucumberFeature{}
	byFile := map[string]*cucumberFeature{}
	for _, r := range c.all {
		f := byFile[r.File]
		if f == nil {
			f = &cucumberFeature{URI: r.File, ID: r.File, Keyword: "功能", Name: r.Feature}
			byFile[r.File] = f
			features = append(features, f)
		}
		f.Elements = append(f.Elements, element(r))
	}
	enc := json.NewEncoder(c.out)
	enc.SetIndent("", "  ")
	return enc.Encode(features)
}

func element(r Result) cucumberScenario {
	s := cucumberScenario{ID: r.Place, Keyword: "场景", Name: r.Title + attempt(r), Type: "scenario"}
	for _, t := range r.Tags {
		s.Tags = append(s.Tags, cucumberTag{t})
	}
	_, _ = fmt.Sscanf(r.Place[strings.LastIndexByte(r.Place, ':')+1:], "%d", &s.Line) // the place always ends with a line
	for _, x := range r.Steps {
		c := cucumberStep{Keyword: x.Keyword, Name: x.Text, Line: x.Line}
		c.Result.Status, c.Result.Duration = x.Status, int64(x.Took)
		if x.Err != nil {
			c.Result.Error = x.Err.Error()
		}
		s.Steps = append(s.Steps, c)
	}
	if r.Err != nil && len(s.Steps) > 0 { // evidence, and what the checkers said, stand with the last step
		last := &s.Steps[len(s.Steps)-1].Result
		last.Error = strings.TrimSpace(last.Error + "\n" + r.Err.Error() + "\n" + r.Evidence)
		if last.Status == Passed {
			last.Status = Failed
		}
	}
	return s
}
