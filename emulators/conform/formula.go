package conform

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"greylock/system/wire/pboc"
)

// Formula is an expression of the language of card.md section 15: names, functions of names, and || between them. Bytes may
// be written too, in hexadecimal between single quotes.
type Formula struct {
	text  string
	parts []term
}

// term is one operand of ||.
type term struct {
	bytes []byte // a literal, when name is ""
	name  string
	call  *function // nil: the name of a value
	args  []Formula
}

// ErrFormula is wrapped when a formula cannot be read or names what does not exist.
var ErrFormula = errors.New("formula")

func wrongFormula(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, ErrFormula)...)
}

// ParseFormula reads a formula over these functions; an unknown function is named in the error.
func ParseFormula(text string, known Functions) (Formula, error) {
	p := &formulaParser{rest: text, known: known}
	f, err := p.concatenation()
	if err == nil && p.rest != "" {
		err = wrongFormula("%q: 多余的 %q (not expected)", text, p.rest)
	}
	return f, err
}

type formulaParser struct {
	rest  string
	known Functions
}

func (p *formulaParser) space() { p.rest = strings.TrimLeft(p.rest, " \t") }

func (p *formulaParser) take(prefix string) bool {
	p.space()
	rest, ok := strings.CutPrefix(p.rest, prefix)
	if ok {
		p.rest = rest
		p.space()
	}
	return ok
}

func (p *formulaParser) concatenation() (Formula, error) {
	start := p.rest
	var f Formula
	for {
		t, err := p.term()
		if err != nil {
			return f, err
		}
		f.parts = append(f.parts, t)
		if !p.take("||") {
			f.text = strings.TrimSpace(strings.TrimSuffix(start, p.rest))
			return f, nil
		}
	}
}

func (p *formulaParser) term() (t term, err error) {
	if p.take("'") {
		literal, rest, closed := strings.Cut(p.rest, "'")
		if !closed {
			return t, wrongFormula("%q: 引号未闭合 (quote not closed)", p.rest)
		}
		p.rest = rest
		p.space()
		if t.bytes, err = unhex(literal); err != nil {
			return t, wrongFormula("%q: %v", literal, err)
		}
		return t, nil
	}
	n := strings.IndexFunc(p.rest, func(r rune) bool { return !nameRune(r) })
	if n < 0 {
		n = len(p.rest)
	}
	if t.name, p.rest = p.rest[:n], p.rest[n:]; t.name == "" {
		return t, wrongFormula("%q: 此处应为名称、函数或 '十六进制' (want a name, a function or 'hexadecimal')", p.rest)
	}
	if !p.take("(") {
		return t, nil
	}
	return t, p.arguments(&t)
}

func (p *formulaParser) arguments(t *term) error {
	f, ok := p.known[t.name]
	if !ok {
		return wrongFormula("没有函数 %s (unknown function %s)", t.name, t.name)
	}
	t.call = &f
	for {
		a, err := p.concatenation()
		if err != nil {
			return err
		}
		t.args = append(t.args, a)
		if p.take(")") {
			break
		}
		if !p.take(",") {
			return wrongFormula("%s: %q 处缺少逗号或右括号 (comma or bracket missing)", t.name, p.rest)
		}
	}
	if n := len(t.args); n < f.least || n > f.most {
		return wrongFormula("%s: %d 个参数, 应为 %s (arguments)", t.name, n, f.arity())
	}
	return nil
}

func nameRune(r rune) bool {
	return r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}

// Names calls f for every value that the formula needs.
func (f Formula) Names(each func(string)) {
	for _, t := range f.parts {
		switch {
		case t.call != nil:
			for _, a := range t.args {
				a.Names(each)
			}
		case t.name != "":
			each(t.name)
		}
	}
}

// Function is the name of the outermost function, "||" where there is none.
func (f Formula) Function() string {
	if len(f.parts) == 1 && f.parts[0].call != nil {
		return f.parts[0].name
	}
	return "||"
}

// String is the formula as it was written.
func (f Formula) String() string { return f.text }

// Eval computes. Functions without a prefix use the suite; value gives the bytes of a name. The error names what is missing
// or has a wrong length.
func (f Formula) Eval(suite pboc.Suite, value func(string) ([]byte, bool)) ([]byte, error) {
	var out []byte
	for _, t := range f.parts {
		b, err := t.eval(suite, value)
		if err != nil {
			return nil, err
		}
		out = append(out, b...)
	}
	return out, nil
}

func (t term) eval(suite pboc.Suite, value func(string) ([]byte, bool)) ([]byte, error) {
	switch {
	case t.call != nil:
		a := args{function: t.name}
		for _, f := range t.args {
			b, err := f.Eval(suite, value)
			if err != nil {
				return nil, err
			}
			a.list = append(a.list, b)
		}
		return a.apply(suite, *t.call)
	case t.name == "":
		return t.bytes, nil
	}
	b, ok := value(t.name)
	if !ok {
		return nil, wrongFormula("没有名为 %s 的值 (no value %s)", t.name, t.name)
	}
	return b, nil
}

// unhex reads hexadecimal with blanks where they please.
func unhex(s string) ([]byte, error) { return hex.DecodeString(strings.Join(strings.Fields(s), "")) }
