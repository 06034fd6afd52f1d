package tape

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"greylock/system/clock"
	"greylock/system/wire/fa"
	"greylock/system/wire/lf"
)

// Frame is one whole frame of a line. FA or LF is filled, as the protocol is.
type Frame struct {
	At   time.Duration // of its last byte
	Way  Way
	Line int // of the tape, of the piece that ended it
	FA   fa.Frame
	LF   lf.Frame

	protocol Protocol
}

// Wire is the frame as it is sent.
func (f Frame) Wire() []byte {
	if f.protocol == LF {
		return f.LF[:]
	}
	return fa.Encode(f.FA)
}

// Cutter finds the frames in pieces of both ways. A dispenser's protocol resynchronises by itself; what is not a good frame is
// counted.
type Cutter struct {
	protocol Protocol
	fa       [2]fa.Decoder
	lf       [2]lf.Decoder
}

// NewCutter returns a cutter for a line.
func NewCutter(p Protocol) *Cutter { return &Cutter{protocol: p} }

// Cut takes the next piece and returns the frames that it ends. An FA frame says itself who sent it, so one ear hears both ways.
// Source: dispenser.md 3.1.
func (c *Cutter) Cut(p Piece) (frames []Frame) {
	i := 0
	if p.Way == ToDispenser {
		i = 1
	}
	if c.protocol == LF {
		c.lf[i].Decode(clock.Instant(p.At)+1, p.Data, func(f lf.Frame) bool {
			frames = append(frames, Frame{At: p.At, Way: p.Way, Line: p.Line, LF: f, protocol: LF})
			return true
		})
		return frames
	}
	c.fa[i].Decode(p.Data, func(f fa.Frame) {
		way := FromDispenser
		if f.FromPC() {
			way = ToDispenser
		}
		frames = append(frames, Frame{At: p.At, Way: way, Line: p.Line, FA: f, protocol: FA})
	})
	return frames
}

// Counts say what a line has brought.
type Counts struct {
	Good   uint64 `json:"good"`
	Bad    uint64 `json:"bad"`   // wrong check value, length or digit
	Cut    uint64 `json:"cut"`   // frames that ended too early
	Noise  uint64 `json:"noise"` // bytes outside of frames
	Pieces uint64 `json:"pieces,omitempty"`
}

// Counts adds up both ways.
func (c *Cutter) Counts() (n Counts) {
	for i := range c.fa {
		x, y := c.fa[i].Counters, c.lf[i].Counters
		n.Good += x.Good + y.Good
		n.Bad += x.BadCRC + x.BadLength + y.Bad
		n.Cut += x.Cut + y.Cut
		n.Noise += x.Noise + y.Noise
	}
	return n
}

// Field is one field of a frame for people.
type Field struct {
	Name  string `json:"name"`
	Zh    string `json:"zh"`
	En    string `json:"en"`
	Value string `json:"value"`
	Means string `json:"means,omitempty"`
}

// Shown is a frame for people and programs. Card numbers are masked; the hexadecimal form too, unless it is raw.
type Shown struct {
	Seconds float64 `json:"t"`
	Way     Way     `json:"d"`
	Hex     string  `json:"hex"`
	Zh      string  `json:"zh"`
	En      string  `json:"en"`
	Fields  []Field `json:"fields,omitempty"`
	Err     string  `json:"error,omitempty"`
	Line    int     `json:"line,omitempty"` // of the tape
}

// Show reads a frame aloud.
func (f Frame) Show(raw bool) Shown {
	s := Shown{Seconds: f.At.Seconds(), Way: f.Way, Line: f.Line}
	var err error
	if f.protocol == LF {
		d := lf.DescribeReply(f.LF)
		if f.Way == ToDispenser {
			d = lf.DescribeRequest(f.LF)
		}
		s.Zh, s.En, err = d.Zh, d.En, d.Err
		for _, x := range d.Fields {
			s.Fields = append(s.Fields, Field{x.Name, x.Zh, x.En, x.Value, x.MeansZh})
		}
	} else {
		d := fa.Describe(f.FA)
		s.Zh, s.En, err = fmt.Sprintf("%02XH %s", byte(d.Word), d.Zh), d.En, d.Err
		for _, x := range d.Fields {
			if x.Name == "DATA" && !raw {
				x.Value = fmt.Sprintf("%d 字节 (bytes)", x.Length)
			}
			s.Fields = append(s.Fields, Field{x.Name, x.Zh, x.En, x.Value, x.MeansZh})
		}
	}
	if err != nil {
		s.Err = err.Error()
	}
	wire := f.Wire()
	if f.protocol == FA && !raw {
		wire = mask(f.FA)
	}
	s.Hex = strings.ToUpper(hex.EncodeToString(wire))
	return s
}

// String is one line: time, way, what it is, its fields; Chinese first.
func (s Shown) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%10.3f %s %s (%s)", s.Seconds, s.Way, s.Zh, s.En)
	for _, f := range s.Fields {
		fmt.Fprintf(&b, " · %s=%s", f.Zh, strings.TrimSpace(f.Value+" "+f.Means))
	}
	if s.Err != "" {
		fmt.Fprintf(&b, " · %s", s.Err)
	}
	return b.String()
}
