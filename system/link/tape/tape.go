// Package tape records what crosses a dispenser line, reads it aloud, and plays the dispenser's side of it again. It holds no
// I/O but a reader and a writer; time comes in. A tape is text: a header line, then one JSON line per piece.
//
// Card numbers are masked unless asked for: a masked tape holds whole frames with a check value of their own, and no byte that
// stood outside of a good frame. No PIN ever crosses a dispenser line.
//
// Source: dispenser.md 2, 3, 7.5; features.md E11.
package tape

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"greylock/system/wire/fa"
)

// Version of the format that this program writes and reads.
const Version = 1

// Protocol is what is spoken on the line.
type Protocol string

// The protocols. Source: dispenser.md 1.3.
const (
	FA Protocol = "fa"
	LF Protocol = "lf"
)

// Way is where bytes went. Source: dispenser.md 1.4.
type Way string

// The ways.
const (
	ToDispenser   Way = ">"
	FromDispenser Way = "<"
)

// Header is the first line of a tape.
type Header struct {
	Tape     int      `json:"tape"` // Version
	Port     string   `json:"port"`
	Baud     int      `json:"baud"`
	Parity   string   `json:"parity"`
	Protocol Protocol `json:"protocol"`
	Masked   bool     `json:"masked"` // card numbers are masked, check values made anew
}

// Piece is bytes as they came.
type Piece struct {
	At   time.Duration // since the tape began, by a clock that is never set
	Way  Way
	Data []byte
	Line int // of the file, from 1; 0 on a live line
}

// line is a piece as it is written.
type line struct {
	Micros int64  `json:"t_us"`
	Way    Way    `json:"d"`
	Hex    string `json:"hex"`
}

// Bounds of a tape that is read.
const (
	maxLine  = 64 << 10
	maxLines = 2_000_000 // some days of one line
)

// ErrTape wraps every error of a tape's text; it names the line.
var ErrTape = errors.New("录音文件有误 (tape)")

// Writer writes a tape. It is not safe for concurrent use.
type Writer struct {
	w    io.Writer
	h    Header
	cut  *Cutter // masks frame by frame; nil writes bytes as they come
	err  error
	last time.Duration // of the piece before: time does not go back on a tape
}

// NewWriter writes the header. LF carries no card number, so only FA is masked.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	h.Tape = Version
	t := &Writer{w: w, h: h}
	if h.Masked = h.Masked && h.Protocol == FA; h.Masked {
		t.cut = NewCutter(FA)
	}
	t.h = h
	t.put(h)
	return t, t.err
}

// Write takes a piece; an error of the file stays.
func (t *Writer) Write(p Piece) error {
	if t.cut == nil {
		t.piece(p)
		return t.err
	}
	for _, f := range t.cut.Cut(p) {
		t.piece(Piece{At: f.At, Way: f.Way, Data: mask(f.FA)})
	}
	return t.err
}

func (t *Writer) piece(p Piece) {
	p.At = max(p.At, t.last) // the frames of the two directions are cut on their own
	t.last = p.At
	t.put(line{p.At.Microseconds(), p.Way, strings.ToUpper(hex.EncodeToString(p.Data))})
}

func (t *Writer) put(v any) {
	if t.err == nil {
		t.err = PrintLine(t.w, v)
	}
}

// PrintLine writes a value as one line of JSON that shows > and < as themselves.
func PrintLine(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// Read reads a whole tape strictly. Errors wrap ErrTape and name the line.
func Read(r io.Reader) (h Header, pieces []Piece, err error) {
	in := bufio.NewScanner(r)
	in.Buffer(nil, maxLine)
	n := 0
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: 第 %d 行 (line): %s", ErrTape, n, fmt.Sprintf(format, args...))
	}
	for in.Scan() {
		if n++; n > maxLines {
			return h, nil, bad("太长 (too long)")
		}
		if n == 1 {
			if err := strict(in.Bytes(), &h); err != nil {
				return h, nil, bad("%v", err)
			}
			if h.Tape != Version || h.Protocol != FA && h.Protocol != LF {
				return h, nil, bad("版本 %d 协议 %q: 应为 %d, fa 或 lf (want these)", h.Tape, h.Protocol, Version)
			}
			continue
		}
		var l line
		if err := strict(in.Bytes(), &l); err != nil {
			return h, nil, bad("%v", err)
		}
		data, err := hex.DecodeString(l.Hex)
		p := Piece{time.Duration(l.Micros) * time.Microsecond, l.Way, data, n}
		switch {
		case err != nil:
			return h, nil, bad("%v", err)
		case len(data) == 0 || l.Way != ToDispenser && l.Way != FromDispenser:
			return h, nil, bad("方向 %q, %d 字节: 应为 > 或 <, 至少 1 字节 (want > or <, and a byte)", l.Way, len(data))
		case l.Micros < 0 || len(pieces) > 0 && p.At < pieces[len(pieces)-1].At:
			return h, nil, bad("时间倒退 (time goes back)")
		}
		pieces = append(pieces, p)
	}
	if err := in.Err(); err != nil {
		return h, nil, bad("%v", err)
	}
	if n == 0 {
		n++
		return h, nil, bad("文件为空 (empty)")
	}
	return h, pieces, nil
}

func strict(text []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something behind the document")
	}
	return nil
}

// Bytes of a card number that stay: digits 1…6 and 17…20, as people are shown it.
const (
	asnSize  = 10
	asnFirst = 3
	asnLast  = 8
)

// mask returns a frame for the wire with card numbers and whatever has no name set to zero: lists on their way to a board and
// vendors' own commands hold card numbers too.
func mask(f fa.Frame) []byte {
	d := fa.Describe(f)
	named := make([]bool, len(f.Data))
	named[0] = true
	data := bytes.Clone(f.Data)
	for _, x := range d.Fields {
		name, _, _ := strings.Cut(x.Name, "[")
		for i := x.Offset; i < x.Offset+x.Length; i++ {
			hidden := name == "DATA" || name == "ASN" && x.Length == asnSize && i-x.Offset >= asnFirst && i-x.Offset < asnLast
			named[i] = !hidden
		}
	}
	for i, ok := range named {
		if !ok {
			data[i] = 0
		}
	}
	f.Data = data
	return fa.Encode(f)
}
