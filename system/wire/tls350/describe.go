package tls350

import (
	"fmt"

	"greylock/system/wire/reading"
)

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
func DescribeRequest(b []byte) reading.Frame {
	r, err := ParseRequest(b)
	d := reading.Frame{Zh: "未知命令", En: "unknown command", Err: err}
	if err != nil {
		return d
	}
	if k := r.Function.kind(); k != nil {
		d.Zh, d.En = "查询"+k.zh, "ask for "+k.en
	}
	d.Fields = []reading.Field{{Offset: 2, Length: 3, Name: "function", Zh: "功能", En: "function", Value: fmt.Sprint(int(r.Function))},
		{Offset: 5, Length: 2, Name: "TT", Zh: "罐, 00 为全部", En: "tank, 00 all", Value: fmt.Sprintf("%02d", r.Tank)}}
	return d
}

// DescribeAnswer names the fields of an answer, of a malformed one as far as they go. Source: dispenser.md 7.3.
func DescribeAnswer(frame []byte) reading.Frame {
	if string(frame) == unknown {
		return reading.Frame{Zh: "不认识的命令", En: "command not known", Err: ErrUnknown}
	}
	d := reading.Frame{Zh: "未知应答", En: "unknown answer"}
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
	f := reading.Field{Offset: c.at - n, Length: n, Name: word, Zh: zh, En: en, Value: fmt.Sprint(v)}
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
