package features

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	gherkin "github.com/cucumber/gherkin/go/v26"
	messages "github.com/cucumber/messages/go/v21"
)

// scenario is one scenario, or one example row of an outline, ready to be run.
type scenario struct {
	file    string
	feature string
	name    string // as it stands in the file
	line    int    // of its header
	row     int    // of its example row, 0 if it has none
	values  []value
	tags    []string
	marks   []int // lines of its tags
	steps   []step
}

// value is one cell of an example row.
type value struct{ column, cell string }

// step is one line of a scenario.
type step struct {
	keyword string
	text    string
	doc     *string // doc string
	table   bool
	line    int
}

// title names a scenario for people; a row is named by its values.
func (s *scenario) title() string {
	if s.row == 0 {
		return s.name
	}
	cells := make([]string, len(s.values))
	for i, v := range s.values {
		cells[i] = v.column + "=" + v.cell
	}
	return s.name + " [" + strings.Join(cells, ", ") + "]"
}

// place is file:line for an editor, and what selects exactly this scenario again.
func (s *scenario) place() string {
	line := s.line
	if s.row > 0 {
		line = s.row
	}
	return fmt.Sprintf("%s:%d", s.file, line)
}

// parseFS reads every feature file at the root.
func parseFS(files fs.FS) ([]*scenario, error) {
	names, err := fs.Glob(files, "*.feature")
	if err != nil {
		return nil, err
	}
	var all []*scenario
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("features: %w", err)
		}
		list, err := parse(name, text)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}

// maxLine is what the parser of features reads as one line; it panics beyond.
const maxLine = 64 << 10

// parse reads one feature file.
func parse(file string, text []byte) ([]*scenario, error) {
	for i, line := range bytes.Split(text, []byte{'\n'}) {
		if len(line) >= maxLine || !utf8.Valid(line) {
			return nil, fmt.Errorf("%w: %s:%d: 不是 UTF-8 文字, 或一行过长 (no UTF-8 text, or a line too long)", ErrOptions, file, i+1)
		}
	}
	n := 0
	id := func() string { n++; return strconv.Itoa(n) }
	doc, err := gherkin.ParseGherkinDocument(bytes.NewReader(text), id)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if doc.Feature == nil {
		return nil, fmt.Errorf("%s: 没有功能 (there is no feature in it)", file)
	}
	b := book{steps: map[string]*messages.Step{}, headers: map[string]*messages.Scenario{}, rows: map[string]row{}}
	for _, c := range doc.Feature.Children {
		b.add(c.Background, c.Scenario)
		if c.Rule != nil {
			for _, c := range c.Rule.Children {
				b.add(c.Background, c.Scenario)
			}
		}
	}
	var list []*scenario
	for _, p := range gherkin.Pickles(*doc, file, id) {
		list = append(list, b.scenario(file, doc.Feature.Name, p))
	}
	return list, nil
}

// book finds the lines that a pickle was made of.
type book struct {
	steps   map[string]*messages.Step
	headers map[string]*messages.Scenario
	rows    map[string]row
}

type row struct {
	head, body *messages.TableRow
}

func (b book) add(g *messages.Background, s *messages.Scenario) {
	if g != nil {
		for _, x := range g.Steps {
			b.steps[x.Id] = x
		}
	}
	if s == nil {
		return
	}
	b.headers[s.Id] = s
	for _, x := range s.Steps {
		b.steps[x.Id] = x
	}
	for _, e := range s.Examples {
		for _, r := range e.TableBody {
			b.rows[r.Id] = row{e.TableHeader, r}
		}
	}
}

func (b book) scenario(file, feature string, p *messages.Pickle) *scenario {
	s := &scenario{file: file, feature: feature, name: p.Name}
	for _, id := range p.AstNodeIds {
		if h := b.headers[id]; h != nil {
			s.line = int(h.Location.Line)
			s.name = h.Name
			for _, t := range h.Tags {
				s.marks = append(s.marks, int(t.Location.Line))
			}
		}
		if r, ok := b.rows[id]; ok {
			s.row = int(r.body.Location.Line)
			for i, c := range r.body.Cells {
				s.values = append(s.values, value{r.head.Cells[i].Value, c.Value})
			}
		}
	}
	for _, t := range p.Tags {
		s.tags = append(s.tags, t.Name)
	}
	for _, x := range p.Steps {
		st := step{text: x.Text}
		if a := b.steps[x.AstNodeIds[0]]; a != nil {
			st.keyword, st.line = strings.TrimSpace(a.Keyword), int(a.Location.Line)
		}
		if x.Argument != nil {
			st.table = x.Argument.DataTable != nil
			if x.Argument.DocString != nil {
				st.doc = &x.Argument.DocString.Content
			}
		}
		s.steps = append(s.steps, st)
	}
	return s
}

// selectScenarios applies paths, lines, tags and name.
func selectScenarios(whole []*scenario, opt Options) ([]*scenario, error) {
	match, err := ParseTags(opt.Tags)
	if err != nil {
		return nil, err
	}
	list := whole
	if len(opt.Paths) > 0 {
		if list, err = fromPaths(whole, opt.Paths); err != nil {
			return nil, err
		}
	}
	var out []*scenario
	for _, s := range list {
		if match(s.tags) && strings.Contains(s.title(), opt.Name) {
			out = append(out, s)
		}
	}
	return out, nil
}

// fromPaths reads the files asked for; one that is not there but is embedded under that name is the embedded one.
func fromPaths(whole []*scenario, paths []string) ([]*scenario, error) {
	var out []*scenario
	for _, p := range paths {
		file, line := p, 0
		if i := strings.LastIndexByte(p, ':'); i > 0 {
			if n, err := strconv.Atoi(p[i+1:]); err == nil && n > 0 {
				file, line = p[:i], n
			}
		}
		list, err := fromPath(whole, file)
		if err != nil {
			return nil, err
		}
		if line > 0 {
			if list = atLine(list, line); len(list) == 0 {
				return nil, fmt.Errorf("%w: %s: 第 %d 行不是场景、例子行、标签或步骤 (this line is no scenario, example row, tag or step)", ErrOptions, file, line)
			}
		}
		for _, s := range list {
			if !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	return out, nil
}

func fromPath(whole []*scenario, file string) ([]*scenario, error) {
	info, err := os.Stat(file)
	if err == nil && info.IsDir() {
		return parseFS(os.DirFS(file))
	}
	if err == nil {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("features: %w", err)
		}
		return parse(file, text)
	}
	var out []*scenario
	for _, s := range whole {
		if s.file == path.Base(filepath.ToSlash(file)) {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: %w", ErrOptions, err)
	}
	return out, nil
}

// atLine resolves a line: that of an example row is this row; that of a header or a step is the scenario with all its rows.
func atLine(list []*scenario, line int) (out []*scenario) {
	for _, s := range list {
		if s.row == line {
			return []*scenario{s}
		}
	}
	for _, s := range list {
		on := s.line == line || slices.Contains(s.marks, line)
		for _, x := range s.steps {
			on = on || x.line == line && x.line > s.line // a background's step is everybody's
		}
		if on {
			out = append(out, s)
		}
	}
	return out
}
