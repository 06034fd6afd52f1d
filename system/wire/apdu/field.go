package apdu

import (
	"bytes"
	"fmt"
)

// Fixed is a P1 or P2 with one value.
func Fixed(v byte) Param { return Param{least: v, most: v} }

// Var is a P1 or P2 that carries any value.
func Var[T ~uint8](zh, en string, p *T) Param { return UpTo(zh, en, p, 0xFF) }

// OneTwo is a P1 or P2 of 1 or 2, a purse.
func OneTwo[T ~uint8](zh, en string, p *T) Param {
	return Param{zh: zh, en: en, least: 1, most: 2, value: anyByte[T]{p}}
}

// UpTo is a P1 or P2 of 0..most.
func UpTo[T ~uint8](zh, en string, p *T, most byte) Param {
	return Param{zh: zh, en: en, most: most, value: anyByte[T]{p}}
}

// ShortID is a short file identifier in P1, 80|id. Source: card.md 6.2.
func ShortID(p *byte) Param {
	return Param{zh: "短文件标识", en: "SFI", most: 0xFF, value: shortID{p}}
}

// RecordID is a short file identifier in P2, id<<3|4. Source: card.md 6.2.
func RecordID(p *byte) Param {
	return Param{zh: "短文件标识", en: "SFI", most: 0xFF, value: recordID{p}}
}

// RecordFile is a short file identifier in P2 without a record mode, id<<3. Source: card.md 6.2, CAPP.
func RecordFile(p *byte) Param {
	return Param{zh: "短文件标识", en: "SFI", most: 0xFF, value: recordFile{p}}
}

// High and Low are the bytes of a file identifier in P1 P2.
func High(p *uint16) Param {
	return Param{zh: "文件标识(高)", en: "FID high", most: 0xFF, value: high{p}}
}

// Low is described with High.
func Low(p *uint16) Param {
	return Param{zh: "文件标识(低)", en: "FID low", most: 0xFF, value: low{p}}
}

// Num is a big-endian counter or code of 1, 2 or 4 bytes.
func Num[T ~uint8 | ~uint16 | ~uint32](zh, en string, p *T) Field {
	width := int16(0)
	for v := uint32(^T(0)); v != 0; v >>= 8 {
		width++
	}
	return Field{zh: zh, en: en, width: width, value: num[T]{p}}
}

// Money is an amount in fen of 3 or 4 bytes. An amount that does not fit is encoded in 8 bytes: every receiver
// refuses the length and every MAC over it is wrong, so an impossible amount never turns into a possible one.
func Money[T fen](zh, en string, p *T, width int) Field {
	return Field{zh: zh, en: en, width: int16(width), value: money[T]{p}}
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
	return Field{zh: zh, en: en, width: int16(len(p)), raw: p}
}

// Stamp is a date and time YYYYMMDDhhmmss in BCD.
func Stamp(zh, en string, p *[7]byte) Field {
	return Field{zh: zh, en: en, width: int16(len(p)), value: stamp{p}}
}

// Const is bytes that are always the same; they are not described.
func Const(en string, want ...byte) Field {
	return Field{en: en, width: int16(len(want)), raw: want, check: func(b []byte) error {
		if !bytes.Equal(b, want) {
			return fmt.Errorf("%X, want %X", b, want)
		}
		return nil
	}}
}

// Rest is the field that takes what the others leave, least..most bytes. Decoding copies.
func Rest[T ~[]byte](zh, en string, p *T, least, most int) Field {
	return Field{zh: zh, en: en, width: -1, least: int16(least), most: int16(most), value: rest[T]{p}}
}

// Secret masks a field's value in descriptions and in Hex.
func Secret(f Field) Field {
	f.secret = true
	return f
}

// Shown replaces how a field's value is described.
func Shown(f Field, show func() string) Field {
	f.show = show
	return f
}

// Checked adds a condition that a field's bytes must meet before they are decoded.
func Checked(f Field, check func(b []byte) error) Field {
	f.check = check
	return f
}

type anyByte[T ~uint8] struct{ p *T }

func (v anyByte[T]) put() byte        { return byte(*v.p) }
func (v anyByte[T]) wire(b byte) byte { return b }
func (v anyByte[T]) take(b byte) bool { *v.p = T(b); return true }
func (v anyByte[T]) show() string     { return fmt.Sprintf("%02X", byte(*v.p)) }

type shortID struct{ p *byte }

func (v shortID) put() byte        { return 0x80 | *v.p&0x1F }
func (v shortID) wire(b byte) byte { return 0x80 | b }
func (v shortID) take(b byte) bool {
	*v.p = b & 0x1F
	return b&0xE0 == 0x80
}
func (v shortID) show() string { return fmt.Sprintf("%02X", *v.p) }

type recordID struct{ p *byte }

func (v recordID) put() byte        { return *v.p<<3 | 4 }
func (v recordID) wire(b byte) byte { return b<<3 | 4 }
func (v recordID) take(b byte) bool {
	*v.p = b >> 3
	return b&7 == 4
}
func (v recordID) show() string { return fmt.Sprintf("%02X", *v.p) }

type recordFile struct{ p *byte }

func (v recordFile) put() byte        { return *v.p << 3 }
func (v recordFile) wire(b byte) byte { return b << 3 }
func (v recordFile) take(b byte) bool {
	*v.p = b >> 3
	return b&7 == 0
}
func (v recordFile) show() string { return fmt.Sprintf("%02X", *v.p) }

type high struct{ p *uint16 }

func (v high) put() byte        { return byte(*v.p >> 8) }
func (v high) wire(b byte) byte { return b }
func (v high) take(b byte) bool { *v.p = *v.p&0x00FF | uint16(b)<<8; return true }
func (v high) show() string     { return fmt.Sprintf("%02X", *v.p>>8) }

type low struct{ p *uint16 }

func (v low) put() byte        { return byte(*v.p) }
func (v low) wire(b byte) byte { return b }
func (v low) take(b byte) bool { *v.p = *v.p&0xFF00 | uint16(b); return true }
func (v low) show() string     { return fmt.Sprintf("%02X", *v.p&0xFF) }

type num[T ~uint8 | ~uint16 | ~uint32] struct{ p *T }

func (v num[T]) put(b []byte, width int) []byte {
	for i := width - 1; i >= 0; i-- {
		b = append(b, byte(uint32(*v.p)>>(8*i)))
	}
	return b
}

func (v num[T]) take(b []byte) {
	var x uint32
	for _, c := range b {
		x = x<<8 | uint32(c)
	}
	*v.p = T(x)
}

func (v num[T]) show(width int) string { return fmt.Sprintf("%0*X", 2*width, uint32(*v.p)) }

type fen interface {
	~int64
	fmt.Stringer
}

type money[T fen] struct{ p *T }

func (v money[T]) put(b []byte, width int) []byte { return AppendMoney(b, int64(*v.p), width) }

func (v money[T]) take(b []byte) {
	var x int64
	for _, c := range b {
		x = x<<8 | int64(c)
	}
	*v.p = T(x)
}

func (v money[T]) show(int) string { return (*v.p).String() }

type stamp struct{ p *[7]byte }

func (v stamp) put(b []byte, _ int) []byte { return append(b, v.p[:]...) }
func (v stamp) take(b []byte)              { copy(v.p[:], b) }
func (v stamp) show(int) string {
	return fmt.Sprintf("%X-%X-%X %X:%X:%X", v.p[:2], v.p[2:3], v.p[3:4], v.p[4:5], v.p[5:6], v.p[6:])
}

type rest[T ~[]byte] struct{ p *T }

func (v rest[T]) put(b []byte, _ int) []byte { return append(b, *v.p...) }
func (v rest[T]) take(b []byte)              { *v.p = append(T(nil), b...) }
func (v rest[T]) show(int) string            { return fmt.Sprintf("%X", []byte(*v.p)) }
