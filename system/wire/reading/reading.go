// Package reading holds frames as people read them: what the frame is, and its fields by the words of its specification. Each
// protocol fills it from the walk that also encodes and decodes the frame.
package reading

import (
	"fmt"
	"strings"
)

// Field is one field of a frame. Card numbers are masked.
type Field struct {
	Offset, Length int    // bytes, within what the protocol calls its frame or data
	Name           string // the specification's word
	Zh, En         string // what it is
	Value          string
	MeansZh        string // what the value means, if it is a code
	MeansEn        string
}

// Frame is one frame, of a malformed one as far as it goes.
type Frame struct {
	Zh, En string // what it is
	Fields []Field
	Err    error // why it must not be acted on
}

// String is one line: what the frame is, then name=value of each field with what a code means, in Chinese.
func (f Frame) String() string {
	var b strings.Builder
	b.WriteString(strings.TrimSpace(f.Zh + " " + f.En))
	for _, x := range f.Fields {
		fmt.Fprintf(&b, " · %s=%s", x.Name, strings.TrimSpace(x.Value+" "+x.MeansZh))
	}
	if f.Err != nil {
		fmt.Fprintf(&b, " · %v", f.Err)
	}
	return b.String()
}
