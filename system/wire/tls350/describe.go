package tls350

import (
	"fmt"
	"strings"
)

// Field is one field of a message as people read it. Source: dispenser.md 7.3.
type Field struct {
	Offset, Length int    // within the message
	Name           string // the specification's word
	Zh, En         string // what it is
	Value          string
	MeansZh        string // what the value means, if it is a code
	MeansEn        string
}

// Description is a message as people read it. Source: dispenser.md 7.3.
type Description struct {
	Zh, En string // what the message is
	Fields []Field
	Err    error // why it must not be acted on
}

// String is one line: what the message is, then name=value of each field with what a code means, in Chinese.
// Source: dispenser.md 7.3.
func (d Description) String() string {
	var b strings.Builder
	b.WriteString(strings.TrimSpace(d.Zh + " " + d.En))
	for _, f := range d.Fields {
		fmt.Fprintf(&b, " · %s=%s", f.Name, strings.TrimSpace(f.Value+" "+f.MeansZh))
	}
	if d.Err != nil {
		fmt.Fprintf(&b, " · %v", d.Err)
	}
	return b.String()
}

// kind is a row of the table of functions.
type kind struct {
	function Function
	zh, en   string
}

// kinds are the functions. Source: dispenser.md 7.3.
var kinds = [...]kind{
	{FuncInventory, "罐存", "inventory"},
	{FuncDeliveries, "进油", "deliveries"},
	{FuncStatus, "罐告警", "alarms of tanks"},
}

func (f Function) kind() *kind {
	for i := range kinds {
		if kinds[i].function == f {
			return &kinds[i]
		}
	}
	return nil
}

// DescribeRequest names the fields of a question. Source: dispenser.md 7.3.
func DescribeRequest(b []byte) Description {
	r, err := ParseRequest(b)
	d := Description{Zh: "未知命令", En: "unknown command", Err: err}
	if err != nil {
		return d
	}
	if k := r.Function.kind(); k != nil {
		d.Zh, d.En = "查询"+k.zh, "ask for "+k.en
	}
	d.Fields = []Field{{Offset: 2, Length: 3, Name: "function", Zh: "功能", En: "function", Value: fmt.Sprint(int(r.Function))},
		{Offset: 5, Length: 2, Name: "TT", Zh: "罐, 00 为全部", En: "tank, 00 all", Value: fmt.Sprintf("%02d", r.Tank)}}
	return d
}

// DescribeAnswer names the fields of an answer, of a malformed one as far as they go. Source: dispenser.md 7.3.
func DescribeAnswer(frame []byte) Description {
	if string(frame) == unknown {
		return Description{Zh: "不认识的命令", En: "command not known", Err: ErrUnknown}
	}
	d := Description{Zh: "未知应答", En: "unknown answer"}
	body, err := open(frame)
	if err != nil {
		d.Err = err
		return d
	}
	f := functionOf(body)
	a := fresh(f)
	if a == nil {
		d.Err = fmt.Errorf("answer %.7q: %w", body, ErrForm)
		return d
	}
	d.Zh, d.En = f.kind().zh, f.kind().en
	c := codec{text: body, at: 1, naming: true}
	a.walk(&c)
	d.Fields, d.Err = c.fields, c.err
	return d
}

// meaning is implemented by codes that can say what they mean.
type meaning interface{ Words() (zh, en string) }

// name notes the n characters that were just taken, when naming.
func (c *codec) name(n int, word, zh, en string, v any) {
	if !c.naming {
		return
	}
	f := Field{Offset: c.at - n, Length: n, Name: word, Zh: zh, En: en, Value: fmt.Sprint(v)}
	if m, ok := v.(meaning); ok {
		f.MeansZh, f.MeansEn = m.Words()
		f.Value = string(c.text[c.at-n : c.at])
	}
	c.fields = append(c.fields, f)
}

// Words says what an alarm is. Source: manual 576013-635, function 205.
func (a Alarm) Words() (zh, en string) {
	switch a {
	case HighWater:
		return "水位过高", "high water"
	case Overfill:
		return "溢油", "overfill"
	case LowProduct:
		return "油位过低", "low product"
	case SuddenLoss:
		return "油量骤减", "sudden loss"
	case HighProduct:
		return "油位过高", "high product"
	case InvalidLevel:
		return "液位无效", "invalid fuel level"
	case ProbeOut:
		return "探棒故障", "probe out"
	case DeliveryNeeded:
		return "需要进油", "delivery needed"
	}
	return fmt.Sprintf("告警 %02X", byte(a)), fmt.Sprintf("alarm %02X", byte(a))
}
