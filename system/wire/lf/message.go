package lf

import (
	"fmt"

	"greylock/system/wire/unit"
)

// Request is what the station asks. Value is the command's data: fen for FuelCash, hundredths of a litre for FuelLitres and
// SetPreValve, fen per litre for SetPrice; 0 for the others. The echo of a command has the same bytes.
// Source: dispenser.md 2.3.
type Request struct {
	Nozzle  byte
	Command Command
	Value   int64
}

// Frame returns the request's bytes. ErrForm for an unknown command, ErrRange for a value that does not fit.
// Source: dispenser.md 2.2.
func (r Request) Frame() (Frame, error) {
	f, err := encode(&r)
	if err != nil {
		return Frame{}, fmt.Errorf("request %v: %w", r.Command, err)
	}
	return f, nil
}

// ParseRequest reads a request strictly: what it does not carry is 00. ErrSum, ErrForm, ErrBCD. Source: dispenser.md 2.2.
func ParseRequest(f Frame) (Request, error) {
	var r Request
	if err := decode(&r, f); err != nil {
		return Request{}, fmt.Errorf("request %v: %w", Command(f[2]), err)
	}
	return r, nil
}

// walk: nozzle, Data1, command, the value that the command carries, and nothing behind it.
func (r *Request) walk(c *codec) {
	octet(c, 0, "NOZZLE", "枪号", "nozzle number", &r.Nozzle)
	c.blank(1, 1)
	octet(c, 2, "CMD", "命令", "command", &r.Command)
	k := r.Command.kind()
	if k == nil {
		c.fail(fmt.Errorf("no such command: %w", ErrForm))
		return
	}
	if k.width == 0 && c.put && r.Value != 0 {
		c.fail(fmt.Errorf("%d without a field: %w", r.Value, ErrRange))
	}
	k.value(c, &r.Value)
	c.blank(3+k.width, 8-k.width)
}

// Status is a reply in state form. Cash and Litres are those of the running or last sale. Source: dispenser.md 2.2, 2.4.
type Status struct {
	Nozzle byte
	Price  unit.Price
	Cash   unit.Fen
	Litres unit.Quantity
	State  State
}

// Frame returns the reply's bytes. ErrRange for a value that does not fit. Source: dispenser.md 2.2.
func (s Status) Frame() (Frame, error) {
	f, err := encode(&s)
	if err != nil {
		return Frame{}, fmt.Errorf("state: %w", err)
	}
	return f, nil
}

// IsStatus reports whether a reply has the state form: BCD where an echo has its command. Source: dispenser.md 2.2.
func (f Frame) IsStatus() bool { return f[2] < firstCommand }

// ParseStatus reads a reply in state form. ErrSum; ErrBCD; ErrForm for an echo, for a byte 1 other than 00 and for a state that
// is not in the table (its extension bits are the caller's to judge). Source: dispenser.md 2.2, 2.4.
func ParseStatus(f Frame) (Status, error) {
	var s Status
	if f.Good() && !f.IsStatus() {
		return Status{}, fmt.Errorf("%02X is no state: %w", f[2], ErrForm)
	}
	if err := decode(&s, f); err != nil {
		return Status{}, fmt.Errorf("state: %w", err)
	}
	return s, nil
}

func (s *Status) walk(c *codec) {
	octet(c, 0, "NOZZLE", "枪号", "nozzle number", &s.Nozzle)
	c.blank(1, 1)
	digits(c, 2, 2, "PRICE", "单价", "price", &s.Price)
	digits(c, 4, 3, "CASH", "金额", "cash", &s.Cash)
	digits(c, 7, 3, "LITRES", "升数", "litres", &s.Litres)
	octet(c, 10, "STATE", "状态", "state", &s.State)
	if !c.put && !s.State.Listed() {
		c.fail(fmt.Errorf("state %02X: %w", byte(s.State), ErrForm))
	}
}

// TotalReply is the reply to TotalCash or TotalLitres. Source: dispenser.md 2.3.
type TotalReply struct {
	Nozzle  byte
	Command Command
	Total   Total
}

// Frame returns the reply's bytes. ErrForm for another command, ErrRange for a value that does not fit.
// Source: dispenser.md 2.3.
func (r TotalReply) Frame() (Frame, error) {
	f, err := encode(&r)
	if err != nil {
		return Frame{}, fmt.Errorf("total: %w", err)
	}
	return f, nil
}

// ParseTotal reads the reply to TotalCash or TotalLitres. ErrSum, ErrForm, ErrBCD. Source: dispenser.md 2.3.
func ParseTotal(f Frame) (TotalReply, error) {
	var r TotalReply
	if err := decode(&r, f); err != nil {
		return TotalReply{}, fmt.Errorf("total: %w", err)
	}
	return r, nil
}

func (r *TotalReply) walk(c *codec) {
	octet(c, 0, "NOZZLE", "枪号", "nozzle number", &r.Nozzle)
	c.blank(1, 1)
	octet(c, 2, "CMD", "命令", "command", &r.Command)
	if r.Command != TotalCash && r.Command != TotalLitres {
		c.fail(fmt.Errorf("%v is no total: %w", r.Command, ErrForm))
		return
	}
	c.blank(3, 2)
	digits(c, 5, 6, "TOTAL", "累计数", "total", &r.Total)
}

// ShiftReply is the reply to QueryShift; its layout is ours. Source: dispenser.md 2.3.
type ShiftReply struct {
	Nozzle byte
	Cash   unit.Fen
	Litres unit.Quantity
}

// Frame returns the reply's bytes. ErrRange for a value that does not fit. Source: dispenser.md 2.3.
func (r ShiftReply) Frame() (Frame, error) {
	f, err := encode(&r)
	if err != nil {
		return Frame{}, fmt.Errorf("shift: %w", err)
	}
	return f, nil
}

// ParseShift reads the reply to QueryShift. ErrSum, ErrForm, ErrBCD. Source: dispenser.md 2.3.
func ParseShift(f Frame) (ShiftReply, error) {
	var r ShiftReply
	if err := decode(&r, f); err != nil {
		return ShiftReply{}, fmt.Errorf("shift: %w", err)
	}
	return r, nil
}

func (r *ShiftReply) walk(c *codec) {
	octet(c, 0, "NOZZLE", "枪号", "nozzle number", &r.Nozzle)
	c.blank(1, 1)
	cmd := QueryShift
	octet(c, 2, "CMD", "命令", "command", &cmd)
	if cmd != QueryShift {
		c.fail(fmt.Errorf("%v is no shift: %w", cmd, ErrForm))
		return
	}
	digits(c, 3, 4, "CASH", "班累金额", "shift cash", &r.Cash)
	digits(c, 7, 4, "LITRES", "班累升数", "shift litres", &r.Litres)
}
