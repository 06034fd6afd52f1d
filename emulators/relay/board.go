// Package relay is a relay board on a line of its own, as contactors hang on it: coils that Modbus RTU reads and switches. It is a
// state machine without I/O. Without power every coil is off, and after it each is off until it is switched.
package relay

import (
	"time"

	"greylock/system/clock"
	"greylock/system/wire/relay"
)

// Config is a board.
type Config struct {
	Address byte          // 0: 1
	Coils   int           // 0: 8
	Think   time.Duration // from the end of a question to the answer; 0: 5 ms
}

// Faults are what can be wrong with a board that has power.
type Faults struct {
	Mute      bool         // obeys and says nothing
	Deaf      bool         // neither obeys nor answers
	Stuck     map[int]bool // coils that stay as they are, whatever is written
	WrongEcho bool         // answers a write with the next coil's number
}

// Change is a coil that went on or off.
type Change struct {
	Coil int
	On   bool
}

// Effects is what the board wants done.
type Effects struct {
	Send    [][]byte
	Changed []Change
	Wake    clock.Instant // clock.Never if only bytes matter
}

const (
	defaultCoils = 8
	defaultThink = 5 * time.Millisecond
)

// answer is one that waits for its time.
type answer struct {
	at    clock.Instant
	frame []byte
}

// Board is one relay board. It is not safe for concurrent use.
type Board struct {
	cfg     Config
	on      bool
	coils   []bool
	faults  Faults
	dec     relay.Decoder
	answers []answer
	out     Effects
}

// New makes a board without power.
func New(cfg Config) *Board {
	if cfg.Address == 0 {
		cfg.Address = relay.FirstAddress
	}
	if cfg.Coils <= 0 {
		cfg.Coils = defaultCoils
	}
	if cfg.Think <= 0 {
		cfg.Think = defaultThink
	}
	return &Board{cfg: cfg, coils: make([]bool, cfg.Coils)}
}

// PowerOn gives the board power: every coil is off.
func (b *Board) PowerOn() { b.on = true }

// PowerOff takes it: every coil goes off, and what was to be answered is forgotten.
func (b *Board) PowerOff() {
	b.on, b.answers = false, nil
	b.dec.Reset()
	for i := range b.coils {
		b.set(i, false)
	}
}

// Powered says whether the board has power.
func (b *Board) Powered() bool { return b.on }

// Break sets the faults that the board has from now on.
func (b *Board) Break(f Faults) { b.faults = f }

// On says whether a coil is on.
func (b *Board) On(coil int) bool { return coil >= 0 && coil < len(b.coils) && b.coils[coil] }

// Take hands over what is to be done.
func (b *Board) Take() Effects {
	out := b.out
	b.out = Effects{}
	out.Wake = clock.Never
	if len(b.answers) > 0 {
		out.Wake = b.answers[0].at
	}
	return out
}

// Receive takes bytes from the line, in any pieces.
func (b *Board) Receive(now clock.Instant, data []byte) {
	if !b.on {
		return
	}
	b.dec.Decode(now, data, func(f []byte) {
		if f[0] == b.cfg.Address && !b.faults.Deaf {
			b.obey(now, f)
		}
	})
}

// Wake sends the answers whose time has come.
func (b *Board) Wake(now clock.Instant) {
	for len(b.answers) > 0 && b.answers[0].at <= now {
		b.out.Send = append(b.out.Send, b.answers[0].frame)
		b.answers = b.answers[1:]
	}
}

// Codes of refusals. Source: MODBUS Application Protocol 7.
const (
	noSuchCoil = 2
	badValue   = 3
)

// obey carries out a frame that is for this board.
func (b *Board) obey(now clock.Instant, f []byte) {
	q, err := relay.ParseRequest(f)
	a := relay.Reply{Address: b.cfg.Address, Function: relay.Function(f[1])}
	switch {
	case err != nil:
		a.Function, a.Code = a.Function|relay.Refused, badValue
	case int(q.Coil) >= len(b.coils) || int(q.Coil)+int(q.Count) > len(b.coils):
		a.Function, a.Code = a.Function|relay.Refused, noSuchCoil
	case q.Function == relay.WriteCoil:
		if !b.faults.Stuck[int(q.Coil)] {
			b.set(int(q.Coil), q.On)
		}
		if a.Coil, a.On = q.Coil, q.On; b.faults.WrongEcho {
			a.Coil++
		}
	default:
		a.Coils = make([]byte, (q.Count+7)/8)
		for i := range int(q.Count) {
			if b.coils[int(q.Coil)+i] {
				a.Coils[i/8] |= 1 << (i % 8)
			}
		}
	}
	frame, err := a.Frame()
	if err != nil {
		panic("relay: own frame: " + err.Error())
	}
	if !b.faults.Mute {
		b.answers = append(b.answers, answer{now.Add(b.cfg.Think), frame})
	}
}

func (b *Board) set(coil int, on bool) {
	if b.coils[coil] != on {
		b.coils[coil] = on
		b.out.Changed = append(b.out.Changed, Change{coil, on})
	}
}
