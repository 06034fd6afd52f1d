package lf

import (
	"fmt"

	"greylock/system/wire/reading"
	"greylock/system/wire/unit"
)

// DescribeRequest names the fields of a frame from the station, of a malformed one as far as they go. Source: dispenser.md 2.3.
func DescribeRequest(f Frame) reading.Frame {
	d := describe(new(Request), f)
	d.Zh, d.En = "未知命令", "unknown command"
	if k := Command(f[2]).kind(); k != nil {
		d.Zh, d.En = k.zh, k.en
	}
	return d
}

// DescribeReply names the fields of a frame from the dispenser: state form, a total, the shift, or the echo of a command.
// Source: dispenser.md 2.2, 2.3.
func DescribeReply(f Frame) reading.Frame {
	k := Command(f[2]).kind()
	if f.IsStatus() {
		d := describe(new(Status), f)
		d.Zh, d.En = "状态", "state"
		return d
	}
	var d reading.Frame
	switch Command(f[2]) {
	case TotalCash, TotalLitres:
		d = describe(new(TotalReply), f)
	case QueryShift:
		d = describe(new(ShiftReply), f)
	case Query: // the state form answers it: this is the station's own frame
		d = describe(new(Request), f)
		d.Zh, d.En = "线路回波", "line echo"
		return d
	default:
		d = describe(new(Request), f)
	}
	d.Zh, d.En = "未知应答", "unknown reply"
	if k != nil {
		d.Zh, d.En = k.zh+"应答", "reply: "+k.en
	}
	return d
}

func describe(w walker, f Frame) reading.Frame {
	c := codec{f: &f, naming: true}
	w.walk(&c)
	if !f.Good() {
		c.err = ErrSum
	}
	c.name(Size-1, 1, "SUM", "校验和", "checksum", hexadecimal(f[Size-1:]))
	return reading.Frame{Fields: c.fields, Err: c.err}
}

type hexadecimal []byte

func (h hexadecimal) String() string { return fmt.Sprintf("%X", []byte(h)) }

// meaning is implemented by codes that can say what they mean.
type meaning interface{ means() (zh, en string) }

// name notes the n bytes at an offset, when naming.
func (c *codec) name(at, n int, word, zh, en string, v any) {
	f := reading.Field{Offset: at, Length: n, Name: word, Zh: zh, En: en, Value: fmt.Sprint(v)}
	if m, ok := v.(meaning); ok {
		f.MeansZh, f.MeansEn = m.means()
		f.Value = hexadecimal(c.f[at : at+n]).String()
	}
	c.fields = append(c.fields, f)
}

// kind is a row of the table of commands.
type kind struct {
	command Command
	zh, en  string
	width   int // BCD bytes of data, from byte 3 on
	value   func(*codec, *int64)
}

func none(*codec, *int64) {}

// cash, litres, perLitre and preValve are the data of the four commands that carry any. Source: dispenser.md 2.2, 2.3.
func cash(c *codec, v *int64) {
	digits(c, 3, 3, "CASH", "金额", "cash", (*unit.Fen)(v))
}

func litres(c *codec, v *int64) {
	digits(c, 3, 3, "LITRES", "升数", "litres", (*unit.Quantity)(v))
}

func perLitre(c *codec, v *int64) {
	digits(c, 3, 2, "PRICE", "单价", "price", (*unit.Price)(v))
}

func preValve(c *codec, v *int64) {
	digits(c, 3, 1, "PREVALVE", "提前关阀量", "pre-valve", (*unit.Quantity)(v))
}

// kinds are the commands. Source: dispenser.md 2.3.
var kinds = [...]kind{
	{Query, "查询状态", "query state", 0, none},
	{Control, "控制加油机", "control", 0, none},
	{Uncontrol, "取消控制", "uncontrol", 0, none},
	{Fuel, "授权加油", "fuel", 0, none},
	{Stop, "停止加油", "stop", 0, none},
	{FuelCash, "定金额加油", "fuel for cash", 3, cash},
	{FuelLitres, "定升数加油", "fuel litres", 3, litres},
	{SetPrice, "设置单价", "set price", 2, perLitre},
	{SetPreValve, "设置提前关阀量", "set pre-valve", 1, preValve},
	{ClearShift, "班累清零", "clear shift", 0, none},
	{QueryShift, "查询班累", "query shift", 0, none},
	{TotalCash, "查询总累金额", "total cash", 0, none},
	{TotalLitres, "查询总累升数", "total litres", 0, none},
}

// kind is the command's row, nil if it is not in the table.
func (c Command) kind() *kind {
	for i := range kinds {
		if kinds[i].command == c {
			return &kinds[i]
		}
	}
	return nil
}

func (c Command) means() (zh, en string) {
	if k := c.kind(); k != nil {
		return k.zh, k.en
	}
	return "未知", "unknown"
}

func (s State) means() (zh, en string) {
	zh, en = "脱机 ", "stand-alone, "
	if s&Controlled != 0 {
		zh, en = "受控 ", "controlled, "
	}
	switch {
	case s&(Fuelling|Stopped) == 0:
		zh, en = zh+"锁机", en+"locked"
	case s&Fuelling != 0:
		zh, en = zh+"加油中", en+"fuelling"
	case s&NozzleUp != 0:
		zh, en = zh+"提枪", en+"nozzle up"
	default:
		zh, en = zh+"空闲", en+"idle"
	}
	for _, x := range [...]struct {
		bit    State
		zh, en string
	}{
		{Fault, "故障", "fault"}, {PowerFail, "掉电恢复", "power-fail recovery"},
		{SmallValve, "小阀", "small valve only"}, {PresetLoaded, "已预置", "preset loaded"},
	} {
		if s&x.bit != 0 {
			zh, en = zh+" "+x.zh, en+", "+x.en
		}
	}
	return zh, en
}
