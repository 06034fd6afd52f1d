package features

import (
	"fmt"
	"slices"
	"strings"
)

// ParseTags reads a tag expression: tags joined by and (&&), or (||, a comma), not (~, !) and parentheses. Nothing matches
// everything.
func ParseTags(text string) (func(tags []string) bool, error) {
	p := tagParser{words: tagWords(text)}
	if len(p.words) == 0 {
		return func([]string) bool { return true }, nil
	}
	match, err := p.or()
	if err == nil && len(p.words) > 0 {
		err = fmt.Errorf("%q 多余 (left over)", p.words[0])
	}
	if err != nil {
		return nil, fmt.Errorf("%w: 标签表达式 (tags) %q: %w", ErrOptions, text, err)
	}
	return match, nil
}

type tagParser struct{ words []string }

type tagMatch = func([]string) bool

// tagWords cuts an expression into words and signs.
func tagWords(text string) []string {
	for _, sign := range []string{"&&", "||", "(", ")", "~", "!", ","} {
		text = strings.ReplaceAll(text, sign, " "+sign+" ")
	}
	return strings.Fields(text)
}

func (p *tagParser) take(words ...string) bool {
	if len(p.words) > 0 && slices.Contains(words, p.words[0]) {
		p.words = p.words[1:]
		return true
	}
	return false
}

func (p *tagParser) or() (tagMatch, error) {
	left, err := p.and()
	for err == nil && p.take("or", "||", ",") {
		var right tagMatch
		a := left
		right, err = p.and()
		left = func(t []string) bool { return a(t) || right(t) }
	}
	return left, err
}

func (p *tagParser) and() (tagMatch, error) {
	left, err := p.not()
	for err == nil && p.take("and", "&&") {
		var right tagMatch
		a := left
		right, err = p.not()
		left = func(t []string) bool { return a(t) && right(t) }
	}
	return left, err
}

func (p *tagParser) not() (tagMatch, error) {
	if p.take("not", "~", "!") {
		m, err := p.not()
		return func(t []string) bool { return !m(t) }, err
	}
	if p.take("(") {
		m, err := p.or()
		if err == nil && !p.take(")") {
			err = fmt.Errorf("缺少右括号 (a closing parenthesis is missing)")
		}
		return m, err
	}
	if len(p.words) == 0 {
		return nil, fmt.Errorf("到此为止 (it ends here)")
	}
	tag := p.words[0]
	if !strings.HasPrefix(tag, "@") || len(tag) < 2 {
		return nil, fmt.Errorf("%q 不是标签 (no tag)", tag)
	}
	p.words = p.words[1:]
	return func(t []string) bool { return slices.Contains(t, tag) }, nil
}
