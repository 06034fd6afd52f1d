package tls350

import (
	"fmt"
	"math"
	"strconv"

	"greylock/system/clock"
	"greylock/system/wire/reading"
)

// codec walks the fields of one message: it puts them, or takes them, or takes and names them.
type codec struct {
	put    bool
	naming bool
	text   []byte // what is written so far, or the message from SOH to the end mark
	at     int    // when taking
	err    error  // the first error; nothing is taken after it
	fields []reading.Field
}

func (c *codec) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

// take is the next n characters, "" once something is wrong.
func (c *codec) take(n int, name string) string {
	if c.err != nil {
		return ""
	}
	if n > len(c.text)-c.at {
		c.fail("%s: %d characters missing: %w", name, n-(len(c.text)-c.at), ErrForm)
		return ""
	}
	c.at += n
	return string(c.text[c.at-n : c.at])
}

// more reports whether another element of a list follows.
func (c *codec) more() bool { return c.err == nil && c.at < len(c.text) }

// number is n digits in a base, 10 or 16, in upper case.
func number[T ~int | ~uint16 | ~byte](c *codec, n, base int, name, zh, en string, p *T) {
	if c.put {
		s := fmt.Sprintf("%0*d", n, *p)
		if base == 16 {
			s = fmt.Sprintf("%0*X", n, *p)
		}
		if len(s) != n {
			c.fail("%s %d in %d digits: %w", name, *p, n, ErrRange)
			return
		}
		c.text = append(c.text, s...)
		return
	}
	s := c.take(n, name)
	if s == "" {
		return
	}
	v, ok := digits(s, base)
	if !ok {
		c.fail("%s %q: %w", name, s, ErrForm)
		return
	}
	*p = T(v)
	c.name(n, name, zh, en, *p)
}

// digits reads unsigned digits, capital ones only: each number has one form.
func digits(s string, base int) (v uint64, ok bool) {
	for _, x := range []byte(s) {
		if (x < '0' || x > '9') && (base != 16 || x < 'A' || x > 'F') {
			return 0, false
		}
	}
	v, err := strconv.ParseUint(s, base, 32)
	return v, err == nil
}

// letter is the product's character, 20…7E.
func (c *codec) letter(p *byte) {
	if c.put {
		if *p < 0x20 || *p > 0x7E {
			c.fail("product character %02X: %w", *p, ErrRange)
		}
		c.text = append(c.text, *p)
		return
	}
	s := c.take(1, "p")
	if s == "" {
		return
	}
	if s[0] < 0x20 || s[0] > 0x7E {
		c.fail("product character %02X: %w", s[0], ErrForm)
		return
	}
	*p = s[0]
	c.name(1, "p", "油品", "product", s)
}

// float is an IEEE-754 single in eight hexadecimal digits that stands for scale units of T. The integer is the nearest one;
// no number, infinity and what no tank has are ErrRange.
func float[T ~int64](c *codec, scale float64, name, zh, en string, p *T) {
	const n = 8
	if c.put {
		v := float64(*p) / scale
		if math.Abs(v) > mostFloat {
			c.fail("%s %d: %w", name, int64(*p), ErrRange)
		}
		c.text = fmt.Appendf(c.text, "%08X", math.Float32bits(float32(v)))
		return
	}
	s := c.take(n, name)
	if s == "" {
		return
	}
	bits, ok := digits(s, 16)
	if !ok {
		c.fail("%s %q: %w", name, s, ErrForm)
		return
	}
	v := float64(math.Float32frombits(uint32(bits)))
	if math.IsNaN(v) || math.Abs(v) > mostFloat {
		c.fail("%s %s is %g: %w", name, s, v, ErrRange)
		return
	}
	*p = T(math.Round(v * scale))
	c.name(n, name, zh, en, *p)
}

// minute is YYMMDDHHmm of this century.
func (c *codec) minute(name, zh, en string, p *clock.Civil) {
	if c.put {
		if p.Year < 2000 || p.Year > 2099 || p.Second != 0 || p.Instant().Civil() != *p {
			c.fail("%s %v: %w", name, *p, ErrRange)
		}
		c.text = fmt.Appendf(c.text, "%02d%02d%02d%02d%02d", p.Year%100, p.Month, p.Day, p.Hour, p.Minute)
		return
	}
	s := c.take(10, name)
	if s == "" {
		return
	}
	var n [5]int
	for i := range n {
		v, ok := digits(s[2*i:2*i+2], 10)
		if !ok {
			c.fail("%s %q: %w", name, s, ErrForm)
			return
		}
		n[i] = int(v)
	}
	t := clock.Civil{Year: 2000 + n[0], Month: n[1], Day: n[2], Hour: n[3], Minute: n[4]}
	if t.Instant().Civil() != t {
		c.fail("%s %q is no time: %w", name, s, ErrForm)
		return
	}
	*p = t
	c.name(10, name, zh, en, t)
}

// count is the number of what follows, which must be want, in two hexadecimal digits.
func (c *codec) count(want int) {
	n := want
	number(c, 2, 16, "NN", "浮点数个数", "count of floats", &n)
	if n != want {
		c.fail("%d floats, want %d: %w", n, want, ErrForm)
	}
}
