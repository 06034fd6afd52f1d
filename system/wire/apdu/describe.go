package apdu

import "fmt"

// Shape is a command in a table of descriptions: a fresh layout, what it may do to the card, and what its answer data are.
type Shape struct {
	Layout func() Layout
	Act    Act
	Answer func(c Command, data []byte) (Description, error) // nil: no data
}

// Shapes is the table of a card's commands.
type Shapes []Shape

// Describe names a command and its fields. Secrets and card numbers are masked; of a command that is not in the table
// or is malformed only header and length are told, since its data may hold a secret.
func (t Shapes) Describe(c Command) Description {
	for _, s := range t {
		l := s.Layout()
		if !l.Matches(c) {
			continue
		}
		if err := l.ReadCommand(c); err != nil {
			return opaque(l.Zh+"(格式错误)", l.En+" (malformed)", c)
		}
		return l.Describe()
	}
	return opaque("未知命令", "unknown command", c)
}

// DescribeAnswer names an answer to a command: status word and fields.
func (t Shapes) DescribeAnswer(c Command, a Answer) Description {
	zh, en := a.SW.Words()
	d := Description{Zh: "应答", En: "answer"}
	if len(a.Data) > 0 {
		d.Fields = []Named{{"数据长度", "data length", fmt.Sprint(len(a.Data))}}
	}
	for _, s := range t {
		l := s.Layout()
		if !l.Matches(c) || s.Answer == nil || len(a.Data) == 0 || l.ReadCommand(c) != nil {
			continue
		}
		if known, err := s.Answer(c, a.Data); err == nil {
			d = known
		}
		break
	}
	d.Fields = append(d.Fields, Named{"状态字", "SW", fmt.Sprintf("%04X %s (%s)", uint16(a.SW), zh, en)})
	return d
}

// Hex prints a command as hexadecimal text for a trace, secret bytes starred; of one that is not in the table or is
// malformed, only the header and the length.
func (t Shapes) Hex(c Command) string {
	for _, s := range t {
		l := s.Layout()
		if l.Matches(c) && l.ReadCommand(c) == nil {
			l.Head.Le, l.Head.LeVar = c.Le, nil
			return l.Hex()
		}
	}
	return fmt.Sprintf("%02X%02X%02X%02X[%d]", c.CLA, c.INS, c.P1, c.P2, len(c.Data))
}

func opaque(zh, en string, c Command) Description {
	return Description{zh, en, []Named{
		{"命令头", "header", fmt.Sprintf("%02X %02X %02X %02X", c.CLA, c.INS, c.P1, c.P2)},
		{"数据长度", "data length", fmt.Sprint(len(c.Data))}}}
}
