package apdu

import (
	"bytes"
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

// Param is P1 or P2.
type Param struct {
	zh, en string // empty for a constant
	put    func() byte
	take   func(byte) bool
	show   func() string
}

// Field is a stretch of bytes with a name. At most one field of a layout has no fixed width.
type Field struct {
	zh, en   string
	width    int // -1: the rest, min..max bytes
	min, max int
	secret   bool
	put      func([]byte) []byte
	take     func([]byte) error
	show     func() string
}

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
	var b []byte
	for _, f := range l.Fields {
		b = f.put(b)
	}
	return b
}

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
		if p.zh != "" {
			d.Fields = append(d.Fields, Named{p.zh, p.en, p.show()})
		}
	}
	for _, f := range l.Fields {
		if f.zh != "" {
			d.Fields = append(d.Fields, Named{f.zh, f.en, f.show()})
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
	for _, f := range l.Fields {
		bytes := f.put(nil)
		if f.secret {
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
	for _, f := range l.Fields {
		if f.width >= 0 {
			low, high = low+f.width, high+f.width
		} else {
			low, high = low+f.min, high+f.max
		}
	}
	return low <= n && n <= high
}

func (l Layout) take(b []byte) error {
	rest := len(b)
	for _, f := range l.Fields {
		rest -= max(f.width, 0)
	}
	for _, f := range l.Fields {
		n := f.width
		if n < 0 {
			n = rest
		}
		if err := f.take(b[:n]); err != nil {
			return fmt.Errorf("%s: %w", f.en, err)
		}
		b = b[n:]
	}
	return nil
}

// Fixed is a P1 or P2 with one value.
func Fixed(v byte) Param {
	return Param{put: func() byte { return v }, take: func(b byte) bool { return b == v }}
}

// Var is a P1 or P2 that carries a value; with allowed values, only those.
func Var[T ~uint8](zh, en string, p *T, allowed ...T) Param {
	return Param{zh: zh, en: en,
		put: func() byte { return byte(*p) },
		take: func(b byte) bool {
			ok := len(allowed) == 0
			for _, a := range allowed {
				ok = ok || b == byte(a)
			}
			if ok {
				*p = T(b)
			}
			return ok
		},
		show: func() string { return fmt.Sprintf("%02X", byte(*p)) },
	}
}

// Half is the high (shift 8) or low (shift 0) byte of a file identifier in P1 P2.
func Half(zh, en string, p *uint16, shift uint) Param {
	return Param{zh: zh, en: en,
		put:  func() byte { return byte(*p >> shift) },
		take: func(b byte) bool { *p = *p&^(0xFF<<shift) | uint16(b)<<shift; return true },
		show: func() string { return fmt.Sprintf("%02X", byte(*p>>shift)) },
	}
}

// ShortID is a short file identifier inside P1 or P2: base | id << shift, 5 bits. Source: card.md 6.2.
func ShortID(p *byte, base byte, shift uint) Param {
	return Param{zh: "短文件标识", en: "SFI",
		put: func() byte { return base | (*p&0x1F)<<shift },
		take: func(b byte) bool {
			id := (b ^ base) >> shift & 0x1F
			if base|id<<shift != b {
				return false
			}
			*p = id
			return true
		},
		show: func() string { return fmt.Sprintf("%02X", *p) },
	}
}

// Num is a big-endian counter or code of 1, 2 or 4 bytes.
func Num[T ~uint8 | ~uint16 | ~uint32](zh, en string, p *T) Field {
	width := 0
	for v := uint32(^T(0)); v != 0; v >>= 8 {
		width++
	}
	return Field{zh: zh, en: en, width: width,
		put: func(b []byte) []byte {
			for i := width - 1; i >= 0; i-- {
				b = append(b, byte(uint32(*p)>>(8*i)))
			}
			return b
		},
		take: func(b []byte) error {
			var v uint32
			for _, x := range b {
				v = v<<8 | uint32(x)
			}
			*p = T(v)
			return nil
		},
		show: func() string { return fmt.Sprintf("%0*X", 2*width, uint32(*p)) },
	}
}

// Money is an amount in fen of 3 or 4 bytes. An amount that does not fit is encoded in 8 bytes: every receiver
// refuses the length and every MAC over it is wrong, so an impossible amount never turns into a possible one.
func Money[T interface {
	~int64
	fmt.Stringer
}](zh, en string, p *T, width int) Field {
	return Field{zh: zh, en: en, width: width,
		put: func(b []byte) []byte { return AppendMoney(b, int64(*p), width) },
		take: func(b []byte) error {
			var v int64
			for _, x := range b {
				v = v<<8 | int64(x)
			}
			*p = T(v)
			return nil
		},
		show: func() string { return (*p).String() },
	}
}

// AppendMoney appends v in width bytes, or in 8 where it does not fit; see Money.
func AppendMoney(b []byte, v int64, width int) []byte {
	if v < 0 || v>>(8*width) != 0 {
		width = 8
	}
	for i := width - 1; i >= 0; i-- {
		b = append(b, byte(v>>(8*i)))
	}
	return b
}

// Raw is a fixed array, given as a slice of it.
func Raw(zh, en string, p []byte) Field {
	return Field{zh: zh, en: en, width: len(p),
		put:  func(b []byte) []byte { return append(b, p...) },
		take: func(b []byte) error { copy(p, b); return nil },
		show: func() string { return fmt.Sprintf("%X", p) },
	}
}

// Stamp is a date and time YYYYMMDDhhmmss in BCD.
func Stamp(zh, en string, p *[7]byte) Field {
	f := Raw(zh, en, p[:])
	f.show = func() string {
		return fmt.Sprintf("%X-%X-%X %X:%X:%X", p[:2], p[2:3], p[3:4], p[4:5], p[5:6], p[6:])
	}
	return f
}

// Const is bytes that are always the same; they are not described.
func Const(en string, want ...byte) Field {
	return Field{en: en, width: len(want),
		put: func(b []byte) []byte { return append(b, want...) },
		take: func(b []byte) error {
			if !bytes.Equal(b, want) {
				return fmt.Errorf("%X, want %X", b, want)
			}
			return nil
		},
	}
}

// Rest is the field that takes what the others leave, least..most bytes. Decoding copies.
func Rest[T ~[]byte](zh, en string, p *T, least, most int) Field {
	return Field{zh: zh, en: en, width: -1, min: least, max: most,
		put:  func(b []byte) []byte { return append(b, *p...) },
		take: func(b []byte) error { *p = append(T(nil), b...); return nil },
		show: func() string { return fmt.Sprintf("%X", []byte(*p)) },
	}
}

// Secret masks a field's value in descriptions and in Hex.
func Secret(f Field) Field {
	f.secret = true
	f.show = func() string { return "***" }
	return f
}

// Shown replaces how a field's value is described.
func Shown(f Field, show func() string) Field {
	f.show = show
	return f
}

// Checked adds a condition to a field's decoder.
func Checked(f Field, check func(b []byte) error) Field {
	take := f.take
	f.take = func(b []byte) error {
		if err := check(b); err != nil {
			return err
		}
		return take(b)
	}
	return f
}
