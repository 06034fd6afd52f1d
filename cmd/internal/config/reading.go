package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"greylock/system/wire/fuelcard"
)

// reading compares a YAML text with the types that it is meant for, before anything is decoded: only the text knows lines and
// quotes.
type reading struct {
	file     string
	lines    map[string]int // of every key seen
	problems []error
	root     *yaml.Node
	flags    Flags // of the card profile
}

// text reads one document for a value of type t under a key. The error is for a text that is no YAML at all; what is wrong
// with its content is in problems.
func (r *reading) text(text []byte, t reflect.Type, key string) error {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil // nothing in it: every value comes from elsewhere
	} else if err != nil {
		return r.broken(err)
	}
	var more yaml.Node
	if err := dec.Decode(&more); err == nil {
		r.bad(&more, "", "文件中有第二份文档, 请只留一份 (a second document: keep one)")
	} else if !errors.Is(err, io.EOF) {
		return r.broken(err)
	}
	r.root = doc.Content[0]
	r.value(r.root, t, key)
	return nil
}

// broken is the reader's own word for what is no YAML; it names the line.
func (r *reading) broken(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	return Problem{File: r.file, Text: "不是 YAML (no YAML): " + text}
}

func (r *reading) bad(n *yaml.Node, key, format string, args ...any) {
	r.problems = append(r.problems, Problem{File: r.file, Key: key, Line: n.Line, Text: fmt.Sprintf(format, args...)})
}

// value checks one value against its type.
func (r *reading) value(n *yaml.Node, t reflect.Type, key string) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" && t.Kind() != reflect.String {
		return // a heading with nothing under it
	}
	switch t.Kind() {
	case reflect.Struct:
		r.mapping(n, t, key)
	case reflect.Map:
		r.cardFlags(n, key)
	case reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			r.bad(n, key, "应为列表, 每项以 - 开头 (want a list)")
			return
		}
		for i, x := range n.Content {
			r.value(x, t.Elem(), fmt.Sprintf("%s[%d]", key, i))
		}
	case reflect.Int:
		if n.Kind == yaml.ScalarNode && n.Tag == "!!float" && wholeNumber(n.Value) {
			r.bad(n, key, "%s: 数太大 (the number is too large)", n.Value)
		} else if n.Kind != yaml.ScalarNode || n.Tag != "!!int" {
			r.bad(n, key, "%q: 应为整数, 不加引号 (want a whole number, not quoted)", n.Value)
		}
	default:
		if n.Kind != yaml.ScalarNode || n.Tag != "!!str" {
			r.bad(n, key, "%q: 应为文字, 请加引号 (want a text: put it in quotes)", n.Value)
		}
	}
}

// wholeNumber says that a text is digits alone.
func wholeNumber(s string) bool {
	return s != "" && strings.Trim(strings.TrimLeft(s, "+-"), "0123456789") == ""
}

func (r *reading) mapping(n *yaml.Node, t reflect.Type, key string) {
	if n.Kind != yaml.MappingNode {
		r.bad(n, key, "应为 键: 值 (want keys and values)")
		return
	}
	if key != "" {
		key += "."
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		name := strings.ToLower(k.Value)
		if first := seen[name]; first > 0 {
			r.bad(k, key+name, "与第 %d 行重复 (given twice, first in this line)", first)
			continue
		}
		seen[name], r.lines[key+name] = k.Line, k.Line
		all := fields(t)
		f := slices.IndexFunc(all, func(f reflect.StructField) bool { return f.Tag.Get("mapstructure") == name })
		if f < 0 {
			known := Keys()
			for _, f := range all {
				known = append(known, key+f.Tag.Get("mapstructure"))
			}
			r.bad(k, key+name, "没有这个键 (unknown key); 是否 %s (did you mean)?", nearest(key+name, known))
			continue
		}
		r.value(v, all[f].Type, key+name)
	}
}

// cardFlags reads flags of a card profile: each must exist and have that value. Whether they make sense together is Check's.
func (r *reading) cardFlags(n *yaml.Node, key string) {
	if n.Kind != yaml.MappingNode {
		r.bad(n, key, "应为 参数: \"取值\" (want flags and values); 参数表见 greylock cards profiles")
		return
	}
	r.flags = Flags{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		at := key + "." + k.Value
		if first := r.lines[at]; first > 0 {
			r.bad(k, at, "与第 %d 行重复 (given twice, first in this line)", first)
			continue
		}
		r.lines[at] = k.Line
		if v.Kind != yaml.ScalarNode || v.Tag != "!!str" {
			r.bad(v, at, "%q: 应为文字, 请加引号 (want a text: put it in quotes)", v.Value)
			continue
		}
		if text := wrongFlag(k.Value, v.Value); text != "" {
			r.bad(v, at, "%s", text)
			continue
		}
		r.flags[k.Value] = v.Value
	}
}

// wrongFlag says what is wrong with a flag or its value; "" if nothing is.
func wrongFlag(name, value string) string {
	var names []string
	for _, f := range fuelcard.Flags() {
		names = append(names, f.Name)
		if f.Name != name {
			continue
		}
		p := fuelcard.National()
		err := p.Set(name, value)
		switch {
		case err == nil:
			return ""
		case f.Form != "":
			return err.Error()
		}
		return fmt.Sprintf("%q: 没有这个取值, 可选 %s (no such value); 是否 %s (did you mean)?", value, strings.Join(f.Values, " "), nearest(value, f.Values))
	}
	return fmt.Sprintf("没有这个卡片参数 (unknown flag); 是否 %s (did you mean)?", nearest(name, names))
}

// listOf decodes a list that was read: the fields' names are the keys in lower case, as the format's library has it.
func listOf[T any](r reading) (list []T, err error) {
	if r.root == nil {
		return nil, nil
	}
	return list, r.root.Decode(&list)
}
