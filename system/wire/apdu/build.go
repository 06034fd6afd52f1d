package apdu

import (
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Act is what a command may do to a card that taking away its power does not undo. Whoever sends commands by hand asks
// for leave by these words.
type Act string

// The acts. An Unknown command is in no table: nobody can say what it does.
const (
	Reads         Act = "read"        // nothing
	Authenticates Act = "auth"        // a wrong value costs a try of a key
	PINs          Act = "pin"         // costs a try of the PIN, changes it, frees it
	Loads         Act = "load"        // money comes
	Debits        Act = "debit"       // money goes, a card is locked grey or released, a serial is used up, a proof is given up
	Blocks        Act = "block"       // application or card
	Writes        Act = "write"       // files, records, limits
	Personalises  Act = "personalise" // files and keys are made
	Unknown       Act = "unknown"
)

// Acts are all acts that need leave, in the order people are told.
func Acts() []Act {
	return []Act{Authenticates, PINs, Loads, Debits, Blocks, Writes, Personalises, Unknown}
}

// ActOf is what a command may do: that of the first of the table that has its header, well-formed or not.
func (t Shapes) ActOf(c Command) Act {
	for _, s := range t {
		if s.Layout().Matches(c) {
			return s.Act
		}
	}
	return Unknown
}

// Errors of Build.
var (
	ErrName = errors.New("没有这个命令 (no such command)")
	ErrArg  = errors.New("命令参数有误 (argument of a command)")
)

// Form is a command as people write it: its name, then name=value for its parameters.
type Form struct {
	Name   string
	Zh, En string
	Act    Act
	Params []FormParam
}

// FormParam is one parameter of Least to Most bytes. Without a Needed one Build refuses the command.
type FormParam struct {
	Name, Zh    string
	Least, Most int
	Needed      bool
	Secret      bool
}

// dashed makes a word for the command line of a name in a table.
func dashed(s string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '_' || r == '/' || r == ',':
			return '-'
		case r == '(' || r == ')' || r == '.':
			return -1
		}
		return r
	}, s), "-")
}

// CommandName is how a command is written by name: GET-BALANCE.
func CommandName(en string) string { return strings.ToUpper(dashed(en)) }

func paramName(en string) string {
	return strings.ReplaceAll(strings.ToLower(dashed(en)), "--", "-")
}

// leName is the parameter for the number of bytes asked for, where a command leaves it open.
const leName = "le"

// Forms lists the table's commands as people write them.
func (t Shapes) Forms() []Form {
	forms := make([]Form, 0, len(t))
	for _, s := range t {
		l := s.Layout()
		f := Form{Name: CommandName(l.En), Zh: l.Zh, En: l.En, Act: s.Act}
		for _, p := range []Param{l.Head.P1, l.Head.P2} {
			if p.value != nil {
				f.Params = append(f.Params, FormParam{paramName(p.en), p.zh, 1, 1, false, false})
			}
		}
		for _, x := range l.Fields {
			if x.zh != "" {
				least, most := x.span()
				f.Params = append(f.Params, FormParam{paramName(x.en), x.zh, least, most, least > 0, x.secret})
			}
		}
		if l.Head.LeVar != nil {
			f.Params = append(f.Params, FormParam{leName, "应答长度", 1, 1, false, false})
		}
		forms = append(forms, f)
	}
	return forms
}

// Build makes a command from its name and parameters: amounts in yuan, times as YYYYMMDDhhmmss, all else hexadecimal. A
// parameter of the header that is not given has its least value. ErrName, ErrArg.
func (t Shapes) Build(name string, args map[string]string) (Command, error) {
	want := CommandName(name)
	for _, s := range t {
		if l := s.Layout(); CommandName(l.En) == want {
			c, err := l.build(maps.Clone(args))
			if err != nil {
				return Command{}, fmt.Errorf("%s: %w: %w", want, ErrArg, err)
			}
			return c, nil
		}
	}
	return Command{}, fmt.Errorf("%s: %w", want, ErrName)
}

// build fills the layout; what is left of args is an error.
func (l Layout) build(args map[string]string) (Command, error) {
	for _, p := range []*Param{&l.Head.P1, &l.Head.P2} {
		if err := p.fill(args); err != nil {
			return Command{}, err
		}
	}
	for i := range l.Fields {
		if err := l.Fields[i].fill(args); err != nil {
			return Command{}, err
		}
	}
	if s, ok := args[leName]; ok && l.Head.LeVar != nil {
		v, err := hexByte(s)
		if err != nil {
			return Command{}, fmt.Errorf("%s: %w", leName, err)
		}
		*l.Head.LeVar = int(v)
		delete(args, leName)
	}
	if len(args) > 0 {
		return Command{}, fmt.Errorf("没有参数 %s (no such parameter)", strings.Join(slices.Sorted(maps.Keys(args)), ", "))
	}
	return l.Command(), nil
}

func (p *Param) fill(args map[string]string) error {
	if p.value == nil {
		return nil
	}
	name, v := paramName(p.en), p.least
	s, ok := args[name]
	if ok {
		x, err := hexByte(s)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		v = x
	}
	delete(args, name)
	if !p.take(p.value.wire(v)) {
		return fmt.Errorf("%s: %q 不在范围内 (out of range)", name, s)
	}
	return nil
}

func (f *Field) fill(args map[string]string) error {
	if f.zh == "" {
		return nil // the same in every command
	}
	name := paramName(f.en)
	least, most := f.span()
	s, ok := args[name]
	delete(args, name)
	switch {
	case !ok && least > 0:
		return fmt.Errorf("缺少 %s, %s (missing)", name, f.zh)
	case !ok:
		return nil
	}
	b, err := f.text(s)
	switch {
	case err != nil && f.secret:
		return fmt.Errorf("%s: 应为十六进制 (want hexadecimal)", name) // and not a word of what was written
	case err != nil:
		return fmt.Errorf("%s: %w", name, err)
	}
	if len(b) < least || len(b) > most {
		return fmt.Errorf("%s: %d 字节, 应为 %d 至 %d (bytes): %w", name, len(b), least, most, ErrLength)
	}
	if err := f.take(b); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// span is how many bytes the field takes.
func (f *Field) span() (least, most int) {
	if f.width >= 0 {
		return int(f.width), int(f.width)
	}
	return int(f.least), int(f.most)
}

func (f *Field) text(s string) ([]byte, error) {
	if f.value == nil {
		return hexText(s)
	}
	return f.value.text(s, int(f.width))
}

// hexText reads hexadecimal digits with blanks where they please.
func hexText(s string) ([]byte, error) {
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		return nil, fmt.Errorf("%q: 应为十六进制 (want hexadecimal)", s)
	}
	return b, nil
}

func hexByte(s string) (byte, error) {
	v, err := strconv.ParseUint(s, 16, 8)
	if err != nil {
		return 0, fmt.Errorf("%q: 应为一个十六进制字节 (want one hexadecimal byte)", s)
	}
	return byte(v), nil
}

// text of a number is hexadecimal, leading zeros as one likes.
func (v num[T]) text(s string, width int) ([]byte, error) {
	x, err := strconv.ParseUint(s, 16, 8*width)
	if err != nil {
		return nil, fmt.Errorf("%q: 应为 %d 个十六进制字节 (want hexadecimal bytes)", s, width)
	}
	b := make([]byte, width)
	for i := range b {
		b[i] = byte(x >> (8 * (width - 1 - i)))
	}
	return b, nil
}

// text of money is in yuan, at most two decimals.
func (v money[T]) text(s string, width int) ([]byte, error) {
	yuan, part, _ := strings.Cut(s, ".")
	fen, err := strconv.ParseUint(yuan+(part + "00")[:2], 10, 8*width)
	if err != nil || len(part) > 2 || yuan == "" {
		return nil, fmt.Errorf("%q: 应为金额, 如 100.00 (want an amount)", s)
	}
	return AppendMoney(nil, int64(fen), width), nil
}

// text of a time is its fourteen digits, with separators as one likes.
func (v stamp) text(s string, width int) ([]byte, error) {
	digits := strings.Map(func(r rune) rune {
		if strings.ContainsRune("- :T", r) {
			return -1
		}
		return r
	}, s)
	if len(digits) != 2*width || strings.Trim(digits, "0123456789") != "" {
		return nil, fmt.Errorf("%q: 应为 YYYYMMDDhhmmss (want a time)", s)
	}
	return hexText(digits)
}

func (v rest[T]) text(s string, _ int) ([]byte, error) { return hexText(s) }
