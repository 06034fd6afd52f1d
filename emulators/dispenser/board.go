// Package dispenser is the boards of two families of dispensers: Board, an IC-card dispenser on an FA line, and Plain, a
// dispenser without cards on an LF line, which its comment describes.
//
// Board is one port, one board, one PSAM, one nozzle. It holds card slot,
// PIN keys, display, hook, two-stage valve, flow and pulses, totalizers, price table, transaction log and the FA link of
// dispenser.md 3, as one state machine without I/O: inputs carry the time, Take hands over what is to be done.
//
// Durable state lives in NV alone. A power cut is to drop the Board (Off) at any moment, or inside any NV write, and to
// make a new one on the same NV. Physics is integer: 100 pulses per litre, microlitres per 10 ms. The card side runs
// system/terminal inside a card.Talk; the board forwards its commands and serves its log from NV.
//
// Source: dispenser.md 2, 3, 4.6, 4.7, 5; card.md 12 to 14; trust.md 1.1; design.md 5, 9.
package dispenser

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"greylock/system/clock"
	"greylock/system/wire/fa"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/unit"
)

// Config is what is built into a board. The zero value of a field is the default named beside it.
type Config struct {
	Maker    string           // 3AH, at most 12 ASCII characters: "GREYLOCK V1"
	NZN      fa.NZN           // nozzle number until the station info names another: 1
	LogSize  int              // records in the ring: 50 000
	Boot     time.Duration    // silence after PowerOn: 3 s
	Poll     time.Duration    // between two polls: 500 ms; boards in the field take up to 1 s. Source: dispenser.md 3.2
	Seed     uint64           // of the hand on the gun
	Profile  fuelcard.Profile // card and PSAM constants; the zero value is fuelcard.National()
	Products []fa.Product     // the product table that the masks of file 001C count in (card.md 3.5)
	Physics  Physics
	Gain     int       // the pulser's, in 1/10 000 of the true volume: 10 000
	Unit     unit.Unit // that the meter counts in: litres; kg and m³ are gas, which goes into a vessel that the card vouches for
}

const (
	defaultLog  = 50_000
	defaultBoot = 3 * time.Second
)

// Board is one dispenser board. It is not safe for concurrent use.
type Board struct {
	cfg  Config
	mem  *memory
	now  clock.Instant
	on   bool
	dead bool // an NV write was cut: nothing more happens here
	out  Effects

	link link
	hook hook
	pump pump
	fill fill
	pad  pad
	face face
	sess session

	stray unit.Quantity // counted outside of any fill in this life: leaks, leaps, fuel past the control
}

// New makes a board without power on its memory. Nothing is written to NV before PowerOn.
func New(cfg Config, nv NV) *Board {
	if cfg.Maker == "" {
		cfg.Maker = "GREYLOCK V1"
	}
	if cfg.NZN == 0 {
		cfg.NZN = 1
	}
	if cfg.LogSize <= 0 {
		cfg.LogSize = defaultLog
	}
	if cfg.Boot <= 0 {
		cfg.Boot = defaultBoot
	}
	if cfg.Poll <= 0 {
		cfg.Poll = pollEvery
	}
	if cfg.Profile.Name == "" {
		cfg.Profile = fuelcard.National()
	}
	if cfg.Gain <= 0 {
		cfg.Gain = trueGain
	}
	b := &Board{cfg: cfg, mem: open(nv, cfg.LogSize), pump: newPump(cfg.Physics, cfg.Seed)}
	b.link.pc = fa.PCAddress
	return b
}

// PowerOn starts the board; the nozzle is hung and the slots are as Inserted tells afterwards. A sale that the power cut
// interrupted goes on from its last durable step.
func (b *Board) PowerOn(now clock.Instant) {
	b.now, b.on = now, true
	b.link.next = now.Add(b.cfg.Boot)
	b.fill.at = now
	var seed [32]byte // challenges differ from boot to boot
	binary.BigEndian.PutUint64(seed[:], b.cfg.Seed)
	binary.BigEndian.PutUint64(seed[8:], uint64(now))
	b.sess.rand = rand.NewChaCha8(seed)
	b.face.leave()
	b.resume()
	b.changed()
}

// Off is the power cut: the board does nothing any more. Its Talk is unwound; NV stays as it is.
func (b *Board) Off() {
	b.on = false
	b.sess.stop()
	b.out = Effects{Wake: clock.Never}
}

// Dead reports that a write to NV was cut, which is a power cut that the board itself ran into.
func (b *Board) Dead() bool { return b.dead }

// enter moves the board to now: what flows has flowed, what was due has come. False when there is no power.
func (b *Board) enter(now clock.Instant) bool {
	if !b.on || b.dead {
		return false
	}
	b.now = max(b.now, now)
	b.flow()
	b.hooked()
	if !b.dead {
		b.linkWake()
	}
	b.idle()
	return b.on && !b.dead
}

// Wake brings the time that Effects asked for, or a later one.
func (b *Board) Wake(now clock.Instant) { b.enter(now) }

// Receive takes bytes from the line, in any pieces.
func (b *Board) Receive(now clock.Instant, data []byte) {
	if b.enter(now) {
		b.link.dec.Decode(data, func(f fa.Frame) {
			if !b.dead {
				b.received(f)
			}
		})
		b.idle()
	}
}

// Take hands over what is to be done and forgets it.
func (b *Board) Take() Effects {
	out := b.out
	out.Wake = b.due()
	b.out = Effects{}
	return out
}

// due is the earliest time at which anything happens by itself.
func (b *Board) due() clock.Instant {
	if !b.on || b.dead {
		return clock.Never
	}
	return min(b.linkDue(), b.hook.due(), b.flowDue(), b.sess.due)
}

// kill takes the error of an NV write: the power is gone in the middle of it.
func (b *Board) kill(err error) bool {
	if err != nil {
		b.dead = true
	}
	return b.dead
}

// nzn is the nozzle's number on the wire.
func (b *Board) nzn() fa.NZN {
	n, _ := b.nozzle()
	return n
}

// nozzle is the number and whether the station has the nozzle open: a station info that does not name it closes it
// (design.md 9.16); one that names a single other number renames it.
func (b *Board) nozzle() (n fa.NZN, open bool) {
	s := &b.mem.state
	if !s.Confirmed {
		return b.cfg.NZN, false
	}
	for _, n := range s.Station.Nozzles {
		if n == b.cfg.NZN {
			return n, true
		}
	}
	if len(s.Station.Nozzles) == 1 {
		return s.Station.Nozzles[0], true
	}
	if s.Number != 0 {
		return s.Number, false
	}
	return b.cfg.NZN, false
}

func (b *Board) event(e Event) { b.out.Events = append(b.out.Events, e) }

// changed tells once per Take that the View is another.
func (b *Board) changed() {
	for _, e := range b.out.Events {
		if e.Kind == EventDisplay {
			return
		}
	}
	b.event(Event{Kind: EventDisplay})
}

// fault shows an error and reports it by 3BH. The text of the frame is ASCII: "E07 PULSER".
func (b *Board) fault(code, zh, en string) {
	if len(b.link.faults) >= maxFaults {
		b.link.faults = b.link.faults[1:]
	}
	b.link.faults = append(b.link.faults, []byte(code))
	b.face.fault = Text{zh, en}
	b.event(Event{Kind: EventFault, Word: code[:3], Zh: zh, En: en})
	b.changed()
}
