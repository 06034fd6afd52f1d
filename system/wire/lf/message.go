package lf

import (
	"fmt"

	"greylock/system/wire/unit"
)

// Request is what the station asks. Value is the command's data: fen for FuelCash, hundredths of a litre for FuelLitres and
// SetPreValve, fen per litre for SetPrice; 0 for the others. Source: dispenser.md 2.3.
type Request struct {
	Nozzle  byte
	Command Command
	Value   int64
}

// valueAt is how many BCD bytes of data a command carries, from byte 3 on.
func valueAt(c Command) int {
	switch c {
	case FuelCash, FuelLitres:
		return 3
	case SetPrice:
		return 2
	case SetPreValve:
		return 1
	}
	return 0
}

// Frame returns the request's bytes. ErrForm for an unknown command, ErrRange for a value that does not fit.
func (r Request) Frame() (Frame, error) {
	f := Frame{0: r.Nozzle, 2: byte(r.Command)}
	if !r.Command.Known() {
		return Frame{}, fmt.Errorf("request %v: %w", r.Command, ErrForm)
	}
	if !put(f[3:3+valueAt(r.Command)], r.Value) {
		return Frame{}, fmt.Errorf("%v of %d: %w", r.Command, r.Value, ErrRange)
	}
	f[Size-1] = f.Sum()
	return f, nil
}

// ParseRequest reads a request strictly: what it does not carry is 00. ErrSum, ErrForm, ErrBCD.
func ParseRequest(f Frame) (Request, error) {
	r := Request{Nozzle: f[0], Command: Command(f[2])}
	switch {
	case !f.Good():
		return Request{}, ErrSum
	case !r.Command.Known():
		return Request{}, fmt.Errorf("request %v: %w", r.Command, ErrForm)
	}
	n := valueAt(r.Command)
	if f[1] != 0 || !zero(f[3+n:Size-1]) {
		return Request{}, fmt.Errorf("%v with surplus data: %w", r.Command, ErrForm)
	}
	var ok bool
	if r.Value, ok = get(f[3 : 3+n]); !ok {
		return Request{}, fmt.Errorf("%v: %w", r.Command, ErrBCD)
	}
	return r, nil
}

// Status is a reply in state form. Source: dispenser.md 2.2.
type Status struct {
	Nozzle byte
	Price  unit.Price
	Cash   unit.Fen
	Litres unit.Quantity
	State  State
}

// Frame returns the reply's bytes. ErrRange for a value that does not fit.
func (s Status) Frame() (Frame, error) {
	f := Frame{0: s.Nozzle, 10: byte(s.State)}
	if !put(f[2:4], int64(s.Price)) || !put(f[4:7], int64(s.Cash)) || !put(f[7:10], int64(s.Litres)) {
		return Frame{}, fmt.Errorf("state %v × %v, %v: %w", s.Litres, s.Price, s.Cash, ErrRange)
	}
	f[Size-1] = f.Sum()
	return f, nil
}

// IsStatus reports whether a reply has the state form: BCD where an echo has its command.
func (f Frame) IsStatus() bool { return f[2] < firstCommand }

// ParseStatus reads a reply in state form. ErrSum; ErrBCD; ErrForm for an echo, for a byte 1 other than 00 and for a state that
// is not in the table (its extension bits are the caller's to judge).
func ParseStatus(f Frame) (Status, error) {
	if !f.Good() {
		return Status{}, ErrSum
	}
	if !f.IsStatus() || f[1] != 0 {
		return Status{}, fmt.Errorf("%02X %02X is no state: %w", f[1], f[2], ErrForm)
	}
	price, a := get(f[2:4])
	cash, b := get(f[4:7])
	litres, c := get(f[7:10])
	if !a || !b || !c {
		return Status{}, ErrBCD
	}
	s := Status{f[0], unit.Price(price), unit.Fen(cash), unit.Quantity(litres), State(f[10])}
	if !s.State.Listed() {
		return Status{}, fmt.Errorf("state %02X: %w", f[10], ErrForm)
	}
	return s, nil
}

// TotalReply is the reply to TotalCash or TotalLitres. Source: dispenser.md 2.3.
type TotalReply struct {
	Nozzle  byte
	Command Command
	Total   Total
}

// Frame returns the reply's bytes. ErrForm for another command, ErrRange for a value that does not fit.
func (r TotalReply) Frame() (Frame, error) {
	f := Frame{0: r.Nozzle, 2: byte(r.Command)}
	if r.Command != TotalCash && r.Command != TotalLitres {
		return Frame{}, fmt.Errorf("total of %v: %w", r.Command, ErrForm)
	}
	if !put(f[5:11], int64(r.Total)) {
		return Frame{}, fmt.Errorf("total %d: %w", r.Total, ErrRange)
	}
	f[Size-1] = f.Sum()
	return f, nil
}

// ParseTotal reads the reply to TotalCash or TotalLitres. ErrSum, ErrForm, ErrBCD.
func ParseTotal(f Frame) (TotalReply, error) {
	r := TotalReply{Nozzle: f[0], Command: Command(f[2])}
	if !f.Good() {
		return TotalReply{}, ErrSum
	}
	if r.Command != TotalCash && r.Command != TotalLitres || !zero(f[3:5]) || f[1] != 0 {
		return TotalReply{}, fmt.Errorf("%X is no total: %w", f[1:5], ErrForm)
	}
	v, ok := get(f[5:11])
	if !ok {
		return TotalReply{}, ErrBCD
	}
	r.Total = Total(v)
	return r, nil
}

// ShiftReply is the reply to QueryShift; its layout is ours. Source: dispenser.md 2.3.
type ShiftReply struct {
	Nozzle byte
	Cash   unit.Fen
	Litres unit.Quantity
}

// Frame returns the reply's bytes. ErrRange for a value that does not fit.
func (r ShiftReply) Frame() (Frame, error) {
	f := Frame{0: r.Nozzle, 2: byte(QueryShift)}
	if !put(f[3:7], int64(r.Cash)) || !put(f[7:11], int64(r.Litres)) {
		return Frame{}, fmt.Errorf("shift %v, %v: %w", r.Cash, r.Litres, ErrRange)
	}
	f[Size-1] = f.Sum()
	return f, nil
}

// ParseShift reads the reply to QueryShift. ErrSum, ErrForm, ErrBCD.
func ParseShift(f Frame) (ShiftReply, error) {
	if !f.Good() {
		return ShiftReply{}, ErrSum
	}
	if Command(f[2]) != QueryShift || f[1] != 0 {
		return ShiftReply{}, fmt.Errorf("%X is no shift: %w", f[1:3], ErrForm)
	}
	cash, a := get(f[3:7])
	litres, b := get(f[7:11])
	if !a || !b {
		return ShiftReply{}, ErrBCD
	}
	return ShiftReply{f[0], unit.Fen(cash), unit.Quantity(litres)}, nil
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
