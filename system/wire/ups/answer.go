package ups

import (
	"bytes"
	"fmt"
	"strings"
)

// Answer is what a UPS says: *Status, *Rating, *Identity, or Word.
type Answer interface {
	// Line is the answer on the wire; ErrForm for a value that does not fit.
	Line() ([]byte, error)
	fmt.Stringer
}

// Unknown is a figure that the UPS does not have: it sends dashes in its place. Source: NUT nutdrv_qx_q1.c.
const Unknown = -1

// Flags are the bits of a status, as they are printed: b7 first. Source: NUT nutdrv_qx_blazer-common.c, blazer_process_status_bits.
type Flags byte

// The flags. Source: NUT nutdrv_qx_megatec.c.
const (
	UtilityFail    Flags = 1 << 7 // no mains: the output comes out of the battery
	BatteryLow     Flags = 1 << 6
	Bypass         Flags = 1 << 5 // or boost, or buck
	Failed         Flags = 1 << 4
	Standby        Flags = 1 << 3 // off-line or line-interactive; else on-line
	Testing        Flags = 1 << 2
	ShutdownActive Flags = 1 << 1 // the output goes off in a while, or is off
	Beeper         Flags = 1 << 0
)

// Status is the answer to AskStatus. A figure may be Unknown. Source: NUT nutdrv_qx_megatec.c:
// (226.0 195.0 226.0 014 49.0 27.5 30.0 00001000.
type Status struct {
	Input       int // tenths of a volt
	Fault       int // input voltage of the last change to the battery, tenths of a volt
	Output      int // tenths of a volt
	Load        int // per cent
	Frequency   int // of the input, tenths of a hertz
	Battery     int // hundredths of a volt: of the battery, or of one cell where PerCell
	PerCell     bool
	Temperature int // tenths of a degree
	Flags       Flags
}

// Has reports a flag.
func (s Status) Has(f Flags) bool { return s.Flags&f != 0 }

// figure prints a number of this width with so many decimals.
func figure(n, width, decimals int) (string, error) {
	if n == Unknown {
		s := strings.Repeat("-", width)
		if decimals > 0 {
			s = s[:width-decimals-1] + "." + s[width-decimals:]
		}
		return s, nil
	}
	s := fmt.Sprintf("%0*d", width, n)
	if decimals > 0 {
		s = fmt.Sprintf("%0*d", width-1, n)
		s = s[:len(s)-decimals] + "." + s[len(s)-decimals:]
	}
	if n < 0 || len(s) != width {
		return "", fmt.Errorf("%d in %d characters: %w", n, width, ErrForm)
	}
	return s, nil
}

// read reads one; with decimals there is one point, just there.
func read(text string, width, decimals int) (int, bool) {
	if len(text) != width {
		return 0, false
	}
	whole, part, point := strings.Cut(text, ".")
	if point != (decimals > 0) || len(part) != decimals {
		return 0, false
	}
	if strings.Trim(whole+part, "-") == "" {
		return Unknown, true
	}
	return number(whole + part)
}

// shape is width and decimals of a figure.
type shape struct{ width, decimals int }

var (
	statusShape = []shape{{5, 1}, {5, 1}, {5, 1}, {3, 0}, {4, 1}, {4, 1}, {4, 1}}
	cellShape   = shape{4, 2} // of a battery told by the cell
	ratingShape = []shape{{5, 1}, {3, 0}, {5, 1}, {4, 1}}
)

func figures(shapes []shape, list []int) (string, error) {
	words := make([]string, len(list))
	for i, n := range list {
		w, err := figure(n, shapes[i].width, shapes[i].decimals)
		if err != nil {
			return "", err
		}
		words[i] = w
	}
	return strings.Join(words, " "), nil
}

// Line is the status on the wire.
func (s *Status) Line() ([]byte, error) {
	shapes := append([]shape(nil), statusShape...)
	battery := s.Battery
	if s.PerCell {
		shapes[5] = cellShape
	} else if battery != Unknown {
		if battery%10 != 0 {
			return nil, fmt.Errorf("battery %d: %w", battery, ErrForm)
		}
		battery /= 10
	}
	text, err := figures(shapes, []int{s.Input, s.Fault, s.Output, s.Load, s.Frequency, battery, s.Temperature})
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "(%s %08b%c", text, byte(s.Flags), End), nil
}

func parseStatus(text string) (*Status, bool) {
	words := strings.Split(text, " ")
	if len(words) != len(statusShape)+1 {
		return nil, false
	}
	s := &Status{}
	shapes := append([]shape(nil), statusShape...)
	if strings.Index(words[5], ".") == 1 {
		s.PerCell, shapes[5] = true, cellShape
	}
	for i, to := range []*int{&s.Input, &s.Fault, &s.Output, &s.Load, &s.Frequency, &s.Battery, &s.Temperature} {
		n, ok := read(words[i], shapes[i].width, shapes[i].decimals)
		if !ok {
			return nil, false
		}
		*to = n
	}
	if !s.PerCell && s.Battery != Unknown {
		s.Battery *= 10
	}
	bits := words[len(statusShape)]
	if len(bits) != 8 || strings.Trim(bits, "01") != "" {
		return nil, false
	}
	for _, b := range bits {
		s.Flags = s.Flags<<1 | Flags(b-'0')
	}
	return s, true
}

// Rating is the answer to AskRating. Source: NUT nutdrv_qx_megatec.c: #220.0 000 024.0 50.0.
type Rating struct {
	Voltage   int // tenths of a volt
	Current   int // amperes
	Battery   int // tenths of a volt
	Frequency int // tenths of a hertz
}

// Line is the rating on the wire.
func (r *Rating) Line() ([]byte, error) {
	text, err := figures(ratingShape, []int{r.Voltage, r.Current, r.Battery, r.Frequency})
	if err != nil {
		return nil, err
	}
	return append([]byte("#"+text), End), nil
}

func parseRating(text string) (*Rating, bool) {
	words := strings.Split(text, " ")
	if len(words) != len(ratingShape) {
		return nil, false
	}
	r := &Rating{}
	for i, to := range []*int{&r.Voltage, &r.Current, &r.Battery, &r.Frequency} {
		n, ok := read(words[i], ratingShape[i].width, ratingShape[i].decimals)
		if !ok {
			return nil, false
		}
		*to = n
	}
	return r, true
}

// Identity is the answer to AskIdentity: printable ASCII. Source: NUT nutdrv_qx_megatec.c: #NOT_A_LIVE_UPS  TESTING    TESTING.
type Identity struct {
	Company string // at most 15 characters
	Model   string // at most 10
	Version string // at most 10
}

const (
	companySize = 15
	modelSize   = 10
)

// Line is the identity on the wire.
func (x *Identity) Line() ([]byte, error) {
	if len(x.Company) > companySize || len(x.Model) > modelSize || len(x.Version) > modelSize || !printable([]byte(x.Company+x.Model+x.Version)) {
		return nil, fmt.Errorf("identity %q: %w", *x, ErrForm)
	}
	return fmt.Appendf(nil, "#%-*s %-*s %-*s%c", companySize, x.Company, modelSize, x.Model, modelSize, x.Version, End), nil
}

func printable(b []byte) bool {
	for _, x := range b {
		if x < ' ' || x > '~' {
			return false
		}
	}
	return true
}

func parseIdentity(text string) (*Identity, bool) {
	if !printable([]byte(text)) {
		return nil, false
	}
	cut := func(from, size int) string { return strings.TrimRight(text[from:from+size], " ") }
	return &Identity{cut(0, companySize), cut(companySize+1, modelSize), cut(companySize+modelSize+2, modelSize)}, true
}

// Word is another line: ACK and NAK of newer models, or a command that came back because the UPS does not know it. Source: NUT
// nutdrv_qx_megatec.c (ACK), protocols/voltronic (ACK, NAK in a bracket).
type Word string

// The words. Source: NUT, protocols/voltronic.
const (
	ACK Word = "ACK"
	NAK Word = "NAK"
)

// Line is the word on the wire.
func (w Word) Line() ([]byte, error) {
	if len(w) == 0 || len(w) > MaxLine || !printable([]byte(w)) || w[0] == '(' || w[0] == '#' {
		return nil, fmt.Errorf("word %q: %w", string(w), ErrForm)
	}
	return append([]byte(w), End), nil
}

// Parse reads a line of a UPS, without its End. ErrForm.
func Parse(line []byte) (Answer, error) {
	bad := fmt.Errorf("answer %q: %w", line, ErrForm)
	if len(line) == 0 || len(line) > MaxLine || !printable(line) {
		return nil, bad
	}
	text := string(line[1:])
	switch {
	case line[0] == '(' && (text == string(ACK) || text == string(NAK)):
		return Word(text), nil
	case line[0] == '(' && len(line) == statusSize:
		if s, ok := parseStatus(text); ok {
			return s, nil
		}
	case line[0] == '#' && len(line) == ratingSize:
		if r, ok := parseRating(text); ok {
			return r, nil
		}
	case line[0] == '#' && len(line) == identSize:
		if x, ok := parseIdentity(text); ok {
			return x, nil
		}
	case line[0] != '(' && line[0] != '#':
		return Word(bytes.Clone(line)), nil
	}
	return nil, bad
}
