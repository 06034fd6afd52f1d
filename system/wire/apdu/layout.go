package apdu

import (
	"fmt"
	"strings"
)

// Layout is the one declaration of a command, an answer or a file: it encodes, decodes and describes. It points into
// the struct it was made for, so it is made anew for every use.
type Layout struct {
	Zh, En string
	Head   Head // of a command
	Fields []Field
}

// Head is a command's header. Le is what is sent; LeVar, if set, is the number of bytes asked for and overrides it.
// A decoder ignores Le otherwise: over T=0 it does not travel with data.
type Head struct {
	CLA, INS byte
	P1, P2   Param
	Le       int
	LeVar    *int
}

// Param is P1 or P2: a constant, or a value behind a pointer.
type Param struct {
	zh, en      string
	least, most byte  // the constant twice, or the range of the value
	value       param // nil for a constant
}

// Field is a stretch of bytes with a name. At most one field of a layout has no fixed width.
type Field struct {
	zh, en string
	width  int16 // -1: the rest, least..most bytes
	least  int16
	most   int16
	secret bool
	raw    []byte // of a fixed array
	value  value  // of everything else
	show   func() string
	check  func(b []byte) error
}

// param and value are implemented by structs of one pointer, so that a layout costs no allocation per field.
type (
	param interface {
		put() byte
		wire(v byte) byte // of a value as show prints it
		take(b byte) bool
		show() string
	}
	value interface {
		put(b []byte, width int) []byte
		text(s string, width int) ([]byte, error) // of a value as a person writes it
		take(b []byte)
		show(width int) string
	}
)

// Named is one described value.
type Named struct{ Zh, En, Value string }

// Description says in words what a command or answer is. Secrets and card numbers are masked.
type Description struct {
	Zh, En string
	Fields []Named
}

// String prints one line, Chinese names first.
func (d Description) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", d.Zh, d.En)
	for _, f := range d.Fields {
		fmt.Fprintf(&b, " · %s(%s)=%s", f.Zh, f.En, f.Value)
	}
	return b.String()
}

// Line prints one line in one language: "en", or Chinese for anything else.
func (d Description) Line(lang string) string {
	var b strings.Builder
	if lang == "en" {
		b.WriteString(d.En)
	} else {
		b.WriteString(d.Zh)
	}
	for _, f := range d.Fields {
		name := f.Zh
		if lang == "en" {
			name = f.En
		}
		fmt.Fprintf(&b, " · %s=%s", name, f.Value)
	}
	return b.String()
}

// Command encodes.
func (l Layout) Command() Command {
	c := Command{CLA: l.Head.CLA, INS: l.Head.INS, P1: l.Head.P1.put(), P2: l.Head.P2.put(), Le: l.Head.Le}
	if l.Head.LeVar != nil {
		c.Le = *l.Head.LeVar
	}
	c.Data = l.Bytes()
	return c
}

// ReadCommand decodes. Its error wraps the status word that a card answers, checked in the order of card.md 6.3:
// UnknownCLA, UnknownINS, WrongP1P2, WrongLength, WrongData.
func (l Layout) ReadCommand(c Command) error {
	switch h := l.Head; {
	case c.CLA != h.CLA:
		return fmt.Errorf("%s: CLA %02X, want %02X: %w", l.En, c.CLA, h.CLA, UnknownCLA)
	case c.INS != h.INS:
		return fmt.Errorf("%s: INS %02X, want %02X: %w", l.En, c.INS, h.INS, UnknownINS)
	case !h.P1.take(c.P1) || !h.P2.take(c.P2):
		return fmt.Errorf("%s: P1 P2 %02X %02X: %w", l.En, c.P1, c.P2, WrongP1P2)
	case !l.fits(len(c.Data)):
		return fmt.Errorf("%s: %d bytes of data: %w", l.En, len(c.Data), WrongLength)
	case h.LeVar != nil:
		*h.LeVar = c.Le
	}
	if err := l.take(c.Data); err != nil {
		return fmt.Errorf("%s: %w: %w", l.En, err, WrongData)
	}
	return nil
}

// Matches reports that a command's header is of this layout; it may change the struct the layout points to.
func (l Layout) Matches(c Command) bool {
	return c.CLA == l.Head.CLA && c.INS == l.Head.INS && l.Head.P1.take(c.P1) && l.Head.P2.take(c.P2)
}

// Bytes encodes the fields; nil when there are none.
func (l Layout) Bytes() []byte {
	if len(l.Fields) == 0 {
		return nil
	}
	b := make([]byte, 0, usualLength)
	for i := range l.Fields {
		b = l.Fields[i].put(b)
	}
	return b
}

// usualLength holds the data of every money command and answer, so that encoding allocates once.
const usualLength = 48

// Read decodes the fields of an answer or file. Its error wraps ErrLength or names the wrong field.
func (l Layout) Read(b []byte) error {
	if !l.fits(len(b)) {
		return fmt.Errorf("%s: %d bytes: %w", l.En, len(b), ErrLength)
	}
	if err := l.take(b); err != nil {
		return fmt.Errorf("%s: %w", l.En, err)
	}
	return nil
}

// Describe names every field.
func (l Layout) Describe() Description {
	d := Description{Zh: l.Zh, En: l.En}
	for _, p := range []Param{l.Head.P1, l.Head.P2} {
		if p.value != nil {
			d.Fields = append(d.Fields, Named{p.zh, p.en, p.value.show()})
		}
	}
	for _, f := range l.Fields {
		if f.zh != "" {
			d.Fields = append(d.Fields, Named{f.zh, f.en, f.words()})
		}
	}
	return d
}

// Hex prints a command of this layout as hexadecimal text with its secret bytes starred.
func (l Layout) Hex() string {
	c := l.Command()
	var b strings.Builder
	fmt.Fprintf(&b, "%02X%02X%02X%02X", c.CLA, c.INS, c.P1, c.P2)
	if len(c.Data) > 0 {
		fmt.Fprintf(&b, "%02X", len(c.Data))
	}
	for i := range l.Fields {
		bytes := l.Fields[i].put(nil)
		if l.Fields[i].secret {
			b.WriteString(strings.Repeat("**", len(bytes)))
		} else {
			fmt.Fprintf(&b, "%X", bytes)
		}
	}
	if c.Le != NoLe {
		fmt.Fprintf(&b, "%02X", byte(c.Le))
	}
	return b.String()
}

func (l Layout) fits(n int) bool {
	low, high := 0, 0
	for i := range l.Fields {
		least, most := l.Fields[i].span()
		low, high = low+least, high+most
	}
	return low <= n && n <= high
}

func (l Layout) take(b []byte) error {
	rest := len(b)
	for i := range l.Fields {
		rest -= max(int(l.Fields[i].width), 0)
	}
	for i := range l.Fields {
		f, n := &l.Fields[i], rest
		if f.width >= 0 {
			n = int(f.width)
		}
		if err := f.take(b[:n]); err != nil {
			return fmt.Errorf("%s: %w", f.en, err)
		}
		b = b[n:]
	}
	return nil
}

func (f *Field) put(b []byte) []byte {
	if f.value == nil {
		return append(b, f.raw...)
	}
	return f.value.put(b, int(f.width))
}

func (f *Field) take(b []byte) error {
	if f.check != nil {
		if err := f.check(b); err != nil {
			return err
		}
	}
	if f.value == nil {
		copy(f.raw, b)
		return nil
	}
	f.value.take(b)
	return nil
}

func (f *Field) words() string {
	switch {
	case f.secret:
		return "***"
	case f.show != nil:
		return f.show()
	case f.value == nil:
		return fmt.Sprintf("%X", f.raw)
	}
	return f.value.show(int(f.width))
}

func (p Param) put() byte {
	if p.value == nil {
		return p.least
	}
	return p.value.put()
}

func (p Param) take(b byte) bool {
	if b < p.least || b > p.most {
		return false
	}
	return p.value == nil || p.value.take(b)
}
