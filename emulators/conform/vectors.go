package conform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"greylock/system/wire/pboc"
)

// VectorFormat says what a vector file is, for the help of a command.
const VectorFormat = `文件格式 (format): JSON 数组, 每个元素 (a JSON array of)
  {"name": "pub.load.mac1",               名称, 不得重复 (unique)
   "what": "mac_s(ses, balance || amount || type || tid) ; load MAC1",
                                          公式, 再以 " ; " 引出说明 (formula, then " ; " and a remark)
   "inputs": {"ses": "9B1D…", …},         公式中的名称, 十六进制 (the formula's names, hexadecimal)
   "output": "2988AE5A",                  应得的值 (the value it must give)
   "made_by": "…", "source": "…"}         出处, 不核对 (provenance, not checked)
公式: 名称, || 连接, 函数 (names, || joins, functions):`

// Vector is one entry of a vector file. Source: card.md section 15.
type Vector struct {
	Name   string            `json:"name"`
	What   string            `json:"what"` // formula over the inputs, " ; ", remark
	Inputs map[string]string `json:"inputs"`
	Output string            `json:"output"`
	MadeBy string            `json:"made_by"`
	Source string            `json:"source"`
}

// Checked is what came of one vector.
type Checked struct {
	Name     string `json:"name"`
	Function string `json:"function"` // outermost; "||" for a concatenation
	OK       bool   `json:"ok"`
	Want     string `json:"want"`
	Got      string `json:"got,omitempty"`
	Error    string `json:"error,omitempty"` // unknown function or kind, missing input, bad hexadecimal
}

// VectorReport is what came of a file.
type VectorReport struct {
	Vectors int       `json:"vectors"`
	Passed  int       `json:"passed"`
	Failed  int       `json:"failed"`
	Results []Checked `json:"results"`
}

// ErrVectors is wrapped when a file is no vector file.
var ErrVectors = errors.New("vector file")

// CheckVectors computes every vector of a file. Wrong values, unknown functions and missing inputs are in the report; the
// error is for a file that cannot be read at all, or that proves nothing.
func CheckVectors(file []byte) (VectorReport, error) {
	var list []Vector
	d := json.NewDecoder(bytes.NewReader(file))
	d.DisallowUnknownFields()
	if err := d.Decode(&list); err != nil {
		return VectorReport{}, fmt.Errorf("不是向量文件 (not a vector file): %w: %w", err, ErrVectors)
	}
	if d.More() {
		return VectorReport{}, fmt.Errorf("数组之后还有内容 (more behind the array): %w", ErrVectors)
	}
	if len(list) == 0 {
		return VectorReport{}, fmt.Errorf("没有向量 (no vectors): %w", ErrVectors)
	}
	known, seen := VectorFunctions(), map[string]bool{}
	r := VectorReport{Vectors: len(list)}
	for i, v := range list {
		if v.Name == "" {
			v.Name = fmt.Sprintf("#%d", i+1)
		}
		c := v.check(known)
		if seen[v.Name] {
			c.OK, c.Error = false, "名称重复 (name used twice)"
		}
		seen[v.Name] = true
		if c.OK {
			r.Passed++
		} else {
			r.Failed++
		}
		r.Results = append(r.Results, c)
	}
	return r, nil
}

func (v Vector) check(known Functions) Checked {
	c := Checked{Name: v.Name, Want: strings.ToUpper(v.Output)}
	if err := c.compute(v, known); err != nil {
		c.Error = err.Error()
	}
	return c
}

func (c *Checked) compute(v Vector, known Functions) error {
	text, _, _ := strings.Cut(v.What, " ; ")
	if strings.TrimSpace(text) == "" {
		return wrongFormula("未知种类: 没有公式 (unknown kind: no formula)")
	}
	f, err := ParseFormula(strings.TrimSpace(text), known)
	if err != nil {
		return fmt.Errorf("未知种类 (unknown kind): %w", err)
	}
	c.Function = f.Function()
	var bad error
	got, err := f.Eval(pboc.TDES, func(name string) ([]byte, bool) {
		text, ok := v.Inputs[name]
		if !ok {
			return nil, false
		}
		b, err := unhex(text)
		if err != nil {
			bad = fmt.Errorf("%s: %w", name, err)
		}
		return b, err == nil
	})
	if bad != nil {
		return bad
	}
	if err != nil {
		return err
	}
	want, err := unhex(v.Output)
	if err != nil {
		return fmt.Errorf("output: %w", err)
	}
	c.Got = fmt.Sprintf("%X", got)
	c.OK = bytes.Equal(got, want) && len(want) > 0
	return nil
}
