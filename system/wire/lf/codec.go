package lf

import (
	"fmt"

	"greylock/system/wire/reading"
)

// codec walks the fields of one frame: it puts them, or takes them, or takes and names them.
type codec struct {
	put    bool
	naming bool
	f      *Frame
	err    error // the first error; what comes after it is still named
	fields []reading.Field
}

// walker is anything with a table of fields. The walk is the one declaration of a frame's layout: it encodes, decodes and
// describes. Source: dispenser.md 2.2, 2.3.
type walker interface{ walk(*codec) }

// encode makes the frame of a message, with its checksum.
func encode(w walker) (Frame, error) {
	var f Frame
	c := codec{put: true, f: &f}
	w.walk(&c)
	if c.err != nil {
		return Frame{}, c.err
	}
	f[Size-1] = f.Sum()
	return f, nil
}

// decode reads a frame whose checksum must be right.
func decode(w walker, f Frame) error {
	if !f.Good() {
		return ErrSum
	}
	c := codec{f: &f}
	w.walk(&c)
	return c.err
}

func (c *codec) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// octet is one byte that may hold anything.
func octet[T ~byte](c *codec, at int, name, zh, en string, p *T) {
	if c.put {
		c.f[at] = byte(*p)
		return
	}
	*p = T(c.f[at])
	if c.naming {
		c.name(at, 1, name, zh, en, *p)
	}
}

// digits is packed BCD, high digits first, in n bytes.
func digits[T ~int64](c *codec, at, n int, name, zh, en string, p *T) {
	b := c.f[at : at+n]
	if c.put {
		if !put(b, int64(*p)) {
			c.fail(fmt.Errorf("%s %d in %d digits: %w", name, int64(*p), 2*n, ErrRange))
		}
		return
	}
	v, ok := get(b)
	if !ok {
		c.fail(fmt.Errorf("%s %X: %w", name, b, ErrBCD))
		c.raw(at, n, name, zh, en)
		return
	}
	*p = T(v)
	if c.naming {
		c.name(at, n, name, zh, en, *p)
	}
}

// blank is n bytes that are 00.
func (c *codec) blank(at, n int) {
	if b := c.f[at : at+n]; !c.put && !zero(b) {
		c.fail(fmt.Errorf("surplus data %X in bytes %d to %d: %w", b, at, at+n-1, ErrForm))
		c.raw(at, n, "DATA", "多余数据", "surplus data")
	}
}

// raw names bytes that have no good value.
func (c *codec) raw(at, n int, name, zh, en string) {
	if c.naming {
		c.name(at, n, name, zh, en, hexadecimal(c.f[at:at+n]))
	}
}

// put writes v in packed BCD, high digits first; false if it does not fit.
func put(b []byte, v int64) bool {
	if v < 0 {
		return false
	}
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = byte(v/10%10<<4 | v%10)
		v /= 100
	}
	return v == 0
}

// get reads packed BCD; false for a digit above 9.
func get(b []byte) (v int64, ok bool) {
	for _, x := range b {
		if x>>4 > 9 || x&15 > 9 {
			return 0, false
		}
		v = v*100 + int64(x>>4)*10 + int64(x&15)
	}
	return v, true
}

func zero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}
