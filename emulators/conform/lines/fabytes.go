package lines

import (
	"encoding/binary"
	"fmt"
)

// faCRC is CRC-16/ARC. Source: dispenser.md 3.1.
func faCRC(b []byte) (c uint16) {
	for _, x := range b {
		c ^= uint16(x)
		for range 8 {
			if c&1 != 0 {
				c = c>>1 ^ 0xA001
			} else {
				c >>= 1
			}
		}
	}
	return c
}

// faFrame is one frame without start, escape and CRC. Source: dispenser.md 3.1.
type faFrame struct {
	dst, src, ctl byte
	data          []byte
}

func (f faFrame) word() byte   { return f.data[0] }
func (f faFrame) number() byte { return f.ctl & 0x3F }

// body is what the CRC covers.
func (f faFrame) body() []byte {
	return append(append([]byte{f.dst, f.src, f.ctl}, toBCD(int64(len(f.data)), 2)...), f.data...)
}

// wire is the frame as it is sent: every FA of data and CRC twice.
func (f faFrame) wire() []byte {
	body := f.body()
	return faEscape(body, faCRC(body))
}

// faEscape puts start, body and CRC on the line.
func faEscape(body []byte, crc uint16) []byte {
	out := append([]byte{0xFA}, body[:5]...)
	for _, x := range binary.BigEndian.AppendUint16(body[5:len(body):len(body)], crc) {
		if out = append(out, x); x == 0xFA {
			out = append(out, x)
		}
	}
	return out
}

// faReader finds frames; what is not part of a good frame is an error of the side that sent it.
type faReader struct {
	body    []byte
	begun   bool
	escape  bool
	trouble error // the first
}

func (r *faReader) wrong(format string, args ...any) {
	if r.trouble == nil {
		r.trouble = fmt.Errorf(format, args...)
	}
	r.begun = false
}

// next takes a byte; a frame that it completes is returned. Source: dispenser.md 3.1, Decoder.
func (r *faReader) next(b byte) (f faFrame, ok bool) {
	switch {
	case !r.begun && b != 0xFA:
		r.wrong("帧外字节 %02X (byte outside of a frame)", b)
		return f, false
	case !r.begun:
		r.body, r.begun, r.escape = nil, true, false
		return f, false
	case len(r.body) < 5 && b == 0xFA:
		r.wrong("帧头 % X 中又见 FA (FA within a header)", r.body)
		r.body, r.begun = nil, true
		return f, false
	case len(r.body) >= 5 && b == 0xFA && !r.escape:
		r.escape = true
		return f, false
	case r.escape && b != 0xFA:
		r.wrong("% X 后 FA 未加倍 (FA is not doubled)", r.body)
		r.body, r.begun, r.escape = []byte{b}, true, false
		return f, false
	}
	r.escape = false
	r.body = append(r.body, b)
	if len(r.body) < 5 {
		return f, false
	}
	n, bcd := fromBCD(r.body[3:5])
	if !bcd || n < 1 || n > 500 {
		r.wrong("% X: 长度应为 BCD, 1…500 (length)", r.body)
		return f, false
	}
	end := 5 + int(n)
	if len(r.body) < end+2 {
		return f, false
	}
	r.begun = false
	if crc := binary.BigEndian.Uint16(r.body[end:]); crc != faCRC(r.body[:end]) {
		r.wrong("% X: CRC 应为 (want) %04X", r.body, faCRC(r.body[:end]))
		return f, false
	}
	return faFrame{r.body[0], r.body[1], r.body[2], r.body[5:end]}, true
}
