package conform

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"greylock/system/wire/pboc"
)

// CaseFormat says what a table of cases is, for the help of a command.
const CaseFormat = `案例文件 (case files): 每行一项; # 注释; 行首空白为续行 (one item a line, # remark, a leading blank goes on)
  state NAME            到达某状态的步骤, 供案例引用 (steps to a state that cases begin in)
  case NAME 标题        一个案例 (one case)
  source TEXT           出处: "card.md 7.3" 或 "ours" (specification section, or ours)
  need STATE            从此状态开始; blank 与 made 由卡的提供者给出 (begins there; blank and made come from the maker)
  when FLAG VALUE       仅适用于参数为此值的方案, 可多行 (only for profiles with this value)
  set NAME HEX          制卡时的计数器: ctc sn ttc (a counter of the card as made)
  rand HEX              卡随后取出的随机数 (what the card draws next)
  let NAME = FORMULA    计算一个值 (computes a value)
  reset                 断电再上电 (power off and on)
  > TOKENS              命令: 十六进制, {公式}, [ … ] 前置一字节长度 (command; [ ] puts a length byte in front)
  < TOKENS SW           应答: 十六进制, {公式}, NAME:N 取 N 字节, ?N 任意 N 字节, * 其余任意; 最后是状态字
                        (answer; NAME:N takes N bytes, ?N any N, * any rest; the status word last)
未用的取值、未知的名称都是错误 (an unused value or unknown name is an error).`

// Kit is what a table of cases knows of the card that it meets: the card's arithmetic, its keys and constants by name, and
// the values of profile flags.
type Kit struct {
	Suite  pboc.Suite
	Values map[string][]byte
	Flag   func(name string) string
}

// The states that a Maker gives.
const (
	Blank = "blank" // as the factory delivers: the transport key alone
	Made  = "made"  // personalised with the test keys, nothing on it
)

// Table is cases and the states that they begin in.
type Table struct {
	Cases  []*Case
	states map[string]*Case
	order  []*Case // states and cases as written
}

// Case is one case, or a state.
type Case struct {
	Name, Title, Source string
	File                string
	Line                int
	need                string
	when                [][2]string
	set                 map[string]uint32
	steps               []step
	names               map[string]*name // values that it takes or computes
	state               bool
}

type name struct {
	line int
	used bool
}

// step is one line of a case.
type step struct {
	line    int
	behind  int // line of the answer
	kind    stepKind
	let     string  // stepLet
	formula Formula // stepLet
	bytes   []byte  // stepRand
	command []token // stepSend
	answer  []token // stepSend
	sw      token   // stepSend: two bytes
	want    string  // the answer as written
}

type stepKind byte

const (
	stepSend stepKind = iota
	stepLet
	stepRand
	stepReset
)

type token struct {
	kind    tokenKind
	bytes   []byte
	formula Formula
	name    string
	n       int
	inner   []token
}

type tokenKind byte

const (
	tokenBytes tokenKind = iota
	tokenFormula
	tokenTake // NAME:N
	tokenAny  // ?N
	tokenRest // *
	tokenSized
)

// ErrTable is wrapped when a case file is wrong; the error names file and line.
var ErrTable = errors.New("case file")

// Load reads the case files that match, in the order of their names, and checks every name against the kit. A case needs a
// title, a source and a command. It returns ErrTable with file and line.
func Load(files fs.FS, pattern string, kit Kit) (*Table, error) {
	found, err := fs.Glob(files, pattern)
	if err != nil || len(found) == 0 {
		return nil, fmt.Errorf("没有案例文件 %s (no case files): %w", pattern, errors.Join(err, ErrTable))
	}
	slices.Sort(found)
	t := &Table{states: map[string]*Case{}}
	for _, file := range found {
		text, err := fs.ReadFile(files, file)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", err, ErrTable)
		}
		r := &reader{table: t, file: file, known: CaseFunctions()}
		if err := r.read(string(text)); err != nil {
			return nil, fmt.Errorf("%s:%d: %w: %w", file, r.line, err, ErrTable)
		}
	}
	if err := t.check(kit); err != nil {
		return nil, err
	}
	if len(t.Cases) == 0 {
		return nil, fmt.Errorf("%s: 没有案例 (no cases): %w", pattern, ErrTable)
	}
	return t, nil
}

// reader reads one file.
type reader struct {
	table *Table
	file  string
	line  int
	known Functions
	now   *Case
	ask   bool // a command waits for its answer
}

func (r *reader) read(text string) error {
	var whole string // a line with its continuations
	at := 0
	flush := func() error {
		s, line := whole, r.line
		whole, r.line = "", at
		if err := r.item(s); s != "" && err != nil {
			return err
		}
		r.line = line
		return nil
	}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		r.line++
		raw := lines.Text()
		if i := strings.Index(raw, "#"); i >= 0 {
			raw = raw[:i]
		}
		s := strings.TrimSpace(raw)
		switch {
		case s == "":
			continue
		case raw[0] == ' ' || raw[0] == '\t':
			whole += " " + s
			continue
		}
		if err := flush(); err != nil {
			return err
		}
		whole, at = s, r.line
	}
	if err := flush(); err != nil {
		return err
	}
	return r.close()
}

// close ends the case that is being read.
func (r *reader) close() error {
	c := r.now
	r.now = nil
	switch {
	case c == nil:
		return nil
	case r.ask:
		return errors.New("命令没有应答行 (a command without its answer)")
	case c.need == "":
		return fmt.Errorf("%s: 缺少 need", c.Name)
	case !c.state && (c.Source == "" || c.Title == ""):
		return fmt.Errorf("%s: 缺少标题或 source (title or source missing)", c.Name)
	case !slices.ContainsFunc(c.steps, func(s step) bool { return s.kind == stepSend }):
		return fmt.Errorf("%s: 没有命令 (no command)", c.Name)
	}
	return nil
}

func (r *reader) item(s string) error {
	word, rest, _ := strings.Cut(s, " ")
	rest = strings.TrimSpace(rest)
	switch word {
	case "state", "case":
		return r.open(word, rest)
	case ">", "<":
	default:
		if r.ask {
			return errors.New("命令之后应为应答行 (the answer belongs behind its command)")
		}
	}
	if r.now == nil {
		return fmt.Errorf("%q 之前没有 case 或 state (no case yet)", word)
	}
	switch c := r.now; word {
	case "source":
		c.Source = rest
	case "need":
		c.need = rest
	case "when":
		flag, value, ok := strings.Cut(rest, " ")
		if !ok {
			return errors.New("when FLAG VALUE")
		}
		c.when = append(c.when, [2]string{flag, strings.TrimSpace(value)})
	case "set":
		return c.counter(rest)
	case "rand":
		b, err := unhex(rest)
		c.steps = append(c.steps, step{line: r.line, kind: stepRand, bytes: b})
		return err
	case "reset":
		c.steps = append(c.steps, step{line: r.line, kind: stepReset})
	case "let":
		return r.let(rest)
	case ">":
		return r.command(rest)
	case "<":
		return r.answer(rest)
	default:
		return fmt.Errorf("未知的行 %q (unknown line)", word)
	}
	return nil
}

func (r *reader) open(word, rest string) error {
	if err := r.close(); err != nil {
		return err
	}
	id, title, _ := strings.Cut(rest, " ")
	c := &Case{Name: id, Title: strings.TrimSpace(title), File: r.file, Line: r.line, set: map[string]uint32{},
		names: map[string]*name{}, state: word == "state"}
	if id == "" || r.table.states[id] != nil || id == Blank || id == Made ||
		slices.ContainsFunc(r.table.Cases, func(o *Case) bool { return o.Name == id }) {
		return fmt.Errorf("名称 %q 缺失或重复 (name missing or used twice)", id)
	}
	r.now = c
	r.table.order = append(r.table.order, c)
	if c.state {
		r.table.states[id] = c
	} else {
		r.table.Cases = append(r.table.Cases, c)
	}
	return nil
}

func (c *Case) counter(rest string) error {
	which, value, _ := strings.Cut(rest, " ")
	n, err := strconv.ParseUint(strings.TrimSpace(value), 16, 32)
	if err != nil || which != "ctc" && which != "sn" && which != "ttc" {
		return fmt.Errorf("set %q: 应为 ctc, sn 或 ttc 及十六进制数 (want ctc, sn or ttc and a number)", rest)
	}
	c.set[which] = uint32(n)
	return nil
}

func (r *reader) let(rest string) error {
	id, text, ok := strings.Cut(rest, "=")
	if id = strings.TrimSpace(id); !ok || id == "" {
		return errors.New("let NAME = FORMULA")
	}
	f, err := ParseFormula(strings.TrimSpace(text), r.known)
	if err != nil {
		return err
	}
	r.now.steps = append(r.now.steps, step{line: r.line, kind: stepLet, let: id, formula: f})
	return r.define(id)
}

// define gives a name a meaning, once in a case.
func (r *reader) define(id string) error {
	if strings.IndexFunc(id, func(x rune) bool { return !nameRune(x) }) >= 0 || r.now.names[id] != nil {
		return fmt.Errorf("名称 %q 不合格或重复 (name not possible or used twice)", id)
	}
	r.now.names[id] = &name{line: r.line}
	return nil
}

func (r *reader) command(rest string) error {
	if r.ask {
		return errors.New("命令之后应为应答行 (the answer belongs behind its command)")
	}
	t, err := r.tokens(rest, false)
	r.ask = true
	r.now.steps = append(r.now.steps, step{line: r.line, command: t})
	return err
}

func (r *reader) answer(rest string) error {
	if !r.ask {
		return errors.New("应答之前没有命令 (an answer without a command)")
	}
	r.ask = false
	s := &r.now.steps[len(r.now.steps)-1]
	s.behind, s.want = r.line, rest
	list, err := r.tokens(rest, true)
	if err != nil {
		return err
	}
	last := len(list) - 1
	if last < 0 || list[last].kind != tokenFormula && (list[last].kind != tokenBytes || len(list[last].bytes) != 2) {
		return fmt.Errorf("%q: 应答以状态字结尾 (an answer ends with its status word)", rest)
	}
	s.answer, s.sw = list[:last], list[last]
	for i, t := range s.answer {
		if t.kind == tokenRest && i != last-1 {
			return errors.New("* 之后只能是状态字 (only the status word stands behind *)")
		}
	}
	return nil
}
