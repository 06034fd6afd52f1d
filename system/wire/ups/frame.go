// Package ups is the wire of common uninterruptible power supplies: the Megatec protocol, also called Q1 or Voltronic Q; ASCII
// lines that end with a carriage return, 2400 baud, 8 data bits, no parity. There is no checksum. Formats only: who asks what and
// when is decided elsewhere.
//
// Source: Network UPS Tools, drivers/nutdrv_qx_megatec.c, nutdrv_qx_q1.c and nutdrv_qx_blazer-common.c (positions, examples,
// ranges); the maker's "UPS Communication Protocol" V2.06, which they cite.
package ups

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// How lines are sent and how long one may be. Source: NUT nutdrv_qx_megatec.c (the longest answer has 39 characters, a status 47).
const (
	End         = '\r'
	Baud        = 2400
	MaxLine     = 64 // without End; a longer one is none
	statusSize  = 46
	ratingSize  = 21
	identSize   = 38
	minute      = time.Minute
	mostMinutes = 10   // of Command.After
	mostRestore = 9999 // minutes
)

// ErrForm is a line that must not be acted on.
var ErrForm = errors.New("ups: no such form")

// Kind is what a command asks for. Source: NUT nutdrv_qx_megatec.c.
type Kind string

// The commands. Source: NUT nutdrv_qx_megatec.c.
const (
	AskStatus   Kind = "Q1"
	AskRating   Kind = "F"
	AskIdentity Kind = "I"
	Shutdown    Kind = "S"
	Cancel      Kind = "C" // of a shutdown; also switches an output that is off on again
)

// Command is a line of the computer. A shutdown takes the output away after After: 0 at once, 12 s to 54 s in steps of 6 s, or
// whole minutes to 10. The output comes back when the mains are there again, Restore later (whole minutes, at most 9999); with Stay
// it does not come back by itself. Source: NUT nutdrv_qx_blazer-common.c, blazer_process_command.
type Command struct {
	Kind    Kind
	After   time.Duration
	Restore time.Duration
	Stay    bool
}

const (
	step     = 6 * time.Second // tenths of a minute
	leastOff = 2 * step
)

// Line is the command on the wire. ErrForm: there is no such command.
func (c Command) Line() ([]byte, error) {
	switch c.Kind {
	case AskStatus, AskRating, AskIdentity, Cancel:
		return append([]byte(c.Kind), End), nil
	case Shutdown:
	default:
		return nil, fmt.Errorf("command %q: %w", c.Kind, ErrForm)
	}
	if c.After < 0 || c.After > mostMinutes*minute || c.Restore < 0 || c.Restore > mostRestore*minute || c.Restore%minute != 0 || c.Stay && c.Restore != 0 {
		return nil, fmt.Errorf("shutdown after %v, restore %v: %w", c.After, c.Restore, ErrForm)
	}
	var text string
	switch {
	case c.After%minute == 0:
		text = fmt.Sprintf("S%02d", c.After/minute)
	case c.After < minute && c.After >= leastOff && c.After%step == 0:
		text = fmt.Sprintf("S.%d", c.After/step)
	default:
		return nil, fmt.Errorf("shutdown after %v: %w", c.After, ErrForm)
	}
	if c.Stay || c.Restore > 0 {
		text += fmt.Sprintf("R%04d", c.Restore/minute)
	}
	return append([]byte(text), End), nil
}

// ParseCommand reads a line of the computer, without its End. ErrForm.
func ParseCommand(line []byte) (Command, error) {
	text := string(line)
	bad := fmt.Errorf("command %q: %w", line, ErrForm)
	switch Kind(text) {
	case AskStatus, AskRating, AskIdentity, Cancel:
		return Command{Kind: Kind(text)}, nil
	}
	off, back, restores := strings.Cut(strings.TrimPrefix(text, "S"), "R")
	if !strings.HasPrefix(text, "S") || len(off) != 2 {
		return Command{}, bad
	}
	c := Command{Kind: Shutdown}
	if tenths, ok := strings.CutPrefix(off, "."); ok {
		n, ok := number(tenths)
		c.After = time.Duration(n) * step
		if !ok || c.After < leastOff {
			return Command{}, bad
		}
	} else if n, ok := number(off); ok && n <= mostMinutes {
		c.After = time.Duration(n) * minute
	} else {
		return Command{}, bad
	}
	if restores {
		n, ok := number(back)
		if !ok || len(back) != 4 {
			return Command{}, bad
		}
		c.Restore, c.Stay = time.Duration(n)*minute, n == 0
	}
	return c, nil
}

// number reads digits and nothing else.
func number(text string) (int, bool) {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}
