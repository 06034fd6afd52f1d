package fa

import (
	"encoding/binary"
	"fmt"

	"greylock/system/wire/reading"
)

// Message is one command in one direction, as a pointer to its struct. The struct's walk is the one declaration of its
// fields: it encodes, decodes and describes. Source: dispenser.md 3.3.
type Message interface {
	Word() Word
	walk(*codec)
}

// Build makes the frame of a message. ErrRange if a value does not fit its field, ErrLength if the data get too long.
func Build(dst, src, ctl byte, m Message) (Frame, error) {
	c := codec{put: true, b: []byte{byte(m.Word())}}
	m.walk(&c)
	if c.err == nil && len(c.b) > MaxAccept {
		c.err = fmt.Errorf("%d data bytes: %w", len(c.b), ErrLength)
	}
	if c.err != nil {
		return Frame{}, fmt.Errorf("fa: build %v: %w", m.Word(), c.err)
	}
	return Frame{dst, src, ctl, c.b}, nil
}

// Parse reads the message of a frame by its direction (bit 6) and command word: a pointer to one of the structs of this
// package. ErrUnknown for a word that is not in the table, ErrLength for missing or surplus bytes.
func Parse(f Frame) (Message, error) {
	k, ok := lookup(f)
	if !ok {
		return nil, fmt.Errorf("word %v: %w", f.Word(), ErrUnknown)
	}
	m := k.make()
	c := codec{b: f.Data, at: 1}
	m.walk(&c)
	if err := c.end(); err != nil {
		return nil, fmt.Errorf("fa: parse %v: %w", f.Word(), err)
	}
	return m, nil
}

// walker is anything with a table of fields: a message or a file.
type walker interface{ walk(*codec) }

func encode(w walker) ([]byte, error) {
	c := codec{put: true}
	w.walk(&c)
	return c.b, c.err
}

func decode(w walker, b []byte) error {
	c := codec{b: b}
	w.walk(&c)
	return c.end()
}

// codec walks fields: it puts them, or takes them, or takes and names them.
type codec struct {
	put    bool
	b      []byte // put: what is there so far; take: all of it
	at     int    // take: the next byte
	err    error  // the first error; nothing happens after it
	naming bool
	item   int // 1… inside a repeated group, for names
	fields []reading.Field
}

type integer interface {
	~byte | ~uint16 | ~uint32 | ~int64
}

func (c *codec) fail(word string, err error) {
	if c.err == nil {
		c.err = fmt.Errorf("%s: %w", word, err)
	}
}

// next takes n bytes.
func (c *codec) next(word string, n int) []byte {
	if c.err != nil {
		return nil
	}
	if len(c.b)-c.at < n {
		c.fail(word, fmt.Errorf("%d bytes left of %d: %w", len(c.b)-c.at, n, ErrLength))
		return nil
	}
	c.at += n
	return c.b[c.at-n : c.at]
}

func (c *codec) left() int { return len(c.b) - c.at }

// end is called when all fields were taken.
func (c *codec) end() error {
	if c.err == nil && c.left() != 0 {
		c.err = fmt.Errorf("%d surplus bytes: %w", c.left(), ErrLength)
	}
	return c.err
}

// number is an unsigned big-endian field of width 1..4 bytes.
func number[T integer](c *codec, width int, word, zh, en string, p *T) {
	if c.put {
		v := int64(*p)
		if v < 0 || v >= 1<<(8*width) {
			c.fail(word, fmt.Errorf("%d in %d bytes: %w", v, width, ErrRange))
			return
		}
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], uint64(v))
		c.b = append(c.b, b[8-width:]...)
		return
	}
	var v uint32
	for _, b := range c.next(word, width) {
		v = v<<8 | uint32(b)
	}
	*p = T(v)
	c.name(width, word, zh, en, *p)
}

// fixed is a field that b, a slice of an array, holds; shown is a pointer to the array's type or nil (hexadecimal).
func (c *codec) fixed(word, zh, en string, b []byte, shown fmt.Stringer) {
	if c.put {
		c.b = append(c.b, b...)
		return
	}
	copy(b, c.next(word, len(b)))
	if shown == nil {
		c.name(len(b), word, zh, en, hexadecimal(b))
	} else {
		c.name(len(b), word, zh, en, shown)
	}
}

// rest is all bytes up to the end, at most max; n < 0 takes what is left, else exactly n.
func (c *codec) rest(word, zh, en string, p *[]byte, n int) {
	if c.put {
		if n >= 0 && len(*p) != n {
			c.fail(word, fmt.Errorf("%d bytes, want %d: %w", len(*p), n, ErrLength))
			return
		}
		c.b = append(c.b, *p...)
		return
	}
	if n < 0 {
		n = c.left()
	}
	if b := c.next(word, n); len(b) > 0 {
		*p = append([]byte(nil), b...)
	}
	c.name(n, word, zh, en, hexadecimal(*p))
}

// list is a count byte and that many groups of at least min bytes each.
func list[T any](c *codec, word, zh, en string, p *[]T, min int, each func(*codec, *T)) {
	n := byte(len(*p))
	if c.put && len(*p) > 255 {
		c.fail(word, fmt.Errorf("%d groups: %w", len(*p), ErrRange))
		return
	}
	number(c, 1, word, zh, en, &n)
	groups(c, word, p, int(n), min, each)
}

// groups is n groups of at least min bytes each; the bytes that are there bound what is allocated.
func groups[T any](c *codec, word string, p *[]T, n, min int, each func(*codec, *T)) {
	if c.err != nil {
		return
	}
	if !c.put {
		if n > c.left()/min {
			c.fail(word, fmt.Errorf("%d groups of %d bytes in %d: %w", n, min, c.left(), ErrLength))
			return
		}
		if n == 0 {
			return
		}
		*p = make([]T, n)
	}
	for i := range *p {
		c.item = i + 1
		each(c, &(*p)[i])
	}
	c.item = 0
}
