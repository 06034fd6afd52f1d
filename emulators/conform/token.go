package conform

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// tokens reads the bytes of a command, or the pattern of an answer.
func (r *reader) tokens(s string, answer bool) (list []token, err error) {
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		var t token
		switch s[0] {
		case '{':
			text, rest, closed := strings.Cut(s[1:], "}")
			if !closed {
				return nil, errors.New("缺少 } (brace not closed)")
			}
			t.kind, s = tokenFormula, rest
			if t.formula, err = ParseFormula(strings.TrimSpace(text), r.known); err != nil {
				return nil, err
			}
		case '[':
			text, rest, closed := strings.Cut(s[1:], "]")
			if !closed || answer {
				return nil, errors.New("[ … ] 仅用于命令 (brackets are for commands)")
			}
			t.kind, s = tokenSized, rest
			if t.inner, err = r.tokens(text, false); err != nil {
				return nil, err
			}
		default:
			word, rest := s, ""
			if i := strings.IndexAny(s, " {["); i >= 0 {
				word, rest = s[:i], s[i:]
			}
			s = rest
			if t, err = r.word(word, answer); err != nil {
				return nil, err
			}
		}
		list = append(list, t)
	}
	return list, nil
}

func (r *reader) word(word string, answer bool) (t token, err error) {
	id, length, take := strings.Cut(word, ":")
	switch {
	case answer && word == "*":
		return token{kind: tokenRest}, nil
	case answer && strings.HasPrefix(word, "?"):
		t.kind = tokenAny
		t.n, err = strconv.Atoi(word[1:])
	case answer && take:
		t.kind, t.name = tokenTake, id
		if t.n, err = strconv.Atoi(length); err == nil {
			err = r.define(id)
		}
	default:
		if t.bytes, err = unhex(word); err != nil {
			return t, fmt.Errorf("%q: 应为十六进制 (want hexadecimal): %w", word, err)
		}
		return t, nil
	}
	if err == nil && t.n <= 0 {
		err = fmt.Errorf("%q: 长度 (length)", word)
	}
	return t, err
}

// names calls f for every value that tokens need.
func names(list []token, f func(string)) {
	for _, t := range list {
		t.formula.Names(f)
		names(t.inner, f)
	}
}

// check holds every case to the kit and to itself: states that exist, names that are known where they are used, values that
// somebody uses.
func (t *Table) check(kit Kit) error {
	wanted := map[string]bool{}
	for _, c := range t.order {
		wanted[c.need] = true
		if err := t.resolve(c, kit); err != nil {
			return err
		}
	}
	for _, c := range t.order {
		if c.state && !wanted[c.Name] {
			return fmt.Errorf("%s:%d: 状态 %s 无人使用 (state not used): %w", c.File, c.Line, c.Name, ErrTable)
		}
		if id, n := c.idle(); n != nil {
			return fmt.Errorf("%s:%d: 取值 %s 未使用 (value not used): %w", c.File, n.line, id, ErrTable)
		}
	}
	return nil
}

// idle is the first value of a case that nobody uses.
func (c *Case) idle() (id string, first *name) {
	for k, n := range c.names {
		if !n.used && (first == nil || n.line < first.line || n.line == first.line && k < id) {
			id, first = k, n
		}
	}
	return id, first
}

// chain lists the states that lead to a case, the first first, and the base that a Maker gives.
func (t *Table) chain(c *Case) (base string, states []*Case, err error) {
	for base = c.need; base != Blank && base != Made; base = states[0].need {
		s := t.states[base]
		if s == nil || len(states) > len(t.states) {
			return "", nil, fmt.Errorf("%s:%d: 没有状态 %q, 或状态成环 (no such state, or a ring): %w", c.File, c.Line, base, ErrTable)
		}
		states = append([]*Case{s}, states...)
	}
	return base, states, nil
}

func (t *Table) resolve(c *Case, kit Kit) error {
	_, states, err := t.chain(c)
	if err != nil {
		return err
	}
	for _, w := range c.when {
		if kit.Flag(w[0]) == "" {
			return fmt.Errorf("%s:%d: 没有参数 %s (no such flag): %w", c.File, c.Line, w[0], ErrTable)
		}
	}
	for _, s := range c.steps {
		use := func(line int) func(string) {
			return func(id string) { err = errors.Join(err, t.use(c, states, kit, id, line)) }
		}
		s.formula.Names(use(s.line))
		names(s.command, use(s.line))
		names(s.answer, use(s.behind))
		s.sw.formula.Names(use(s.line))
		if err != nil {
			return err
		}
	}
	return nil
}

// use finds what a name in a line of a case means: a value of its own from before, of a state that led there, or the kit's.
func (t *Table) use(c *Case, states []*Case, kit Kit, id string, line int) error {
	if own := c.names[id]; own != nil && own.line <= line {
		own.used = true
		return nil
	}
	for _, state := range states {
		if n := state.names[id]; n != nil {
			n.used = true
			return nil
		}
	}
	if kit.Values[id] == nil {
		return fmt.Errorf("%s:%d: 没有名为 %s 的值或密钥 (no value or key %s): %w", c.File, line, id, id, ErrTable)
	}
	return nil
}
