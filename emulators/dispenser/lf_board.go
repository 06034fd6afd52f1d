package dispenser

import (
	"fmt"
	"slices"
	"time"

	"greylock/system/clock"
	"greylock/system/wire/lf"
	"greylock/system/wire/unit"
)

// PlainConfig is what is built into a plain dispenser (LF). The zero value of a field is the default named beside it.
type PlainConfig struct {
	Nozzles    []PlainNozzle // one nozzle, number 1
	Boot       time.Duration // silence after PowerOn: 3 s
	Lost       time.Duration // a controlled nozzle that hears nothing for so long stops and forgets its preset: 5 s; negative: never
	Fallback   bool          // such a nozzle stands alone from then on (B0) instead of staying under control
	Extensions bool          // the board has the extension bits of the state
	Seed       uint64        // of the hands on the guns
	Habits     Habits
}

// PlainNozzle is one nozzle of a plain board.
type PlainNozzle struct {
	Number  byte       // 枪号 on the wire, 01..
	Price   unit.Price // until A4 sets another one; 0 authorises nothing
	Encoder uint32     // serial number of the encoder that is mounted: 1
	Gain    int        // the pulser's, in 1/10 000 of the true volume: 10 000
	Physics Physics    // its Prevalve holds until A6 sets another one
}

// Habits are what boards in the field are known, or must be expected, to do. The zero value is a board that follows the
// specification. Source: dispenser.md 2.2, 2.3, 2.8, 4.6, 5.1, 5.2.
type Habits struct {
	Delay       time.Duration // from the last byte of a request to its reply: 20 ms; longer than the time-out it answers the next request
	Silent      []lf.Command  // obeyed without a reply: no source shows the echo of A1, B1 and A4
	NozzleBits  byte          // set in the high half of the nozzle number of replies
	WrongNozzle bool          // replies carry the next nozzle number
	Stale       bool          // replies are those of the request before
	Echo        bool          // what is received comes back first, as from a looped pair of wires
	Mute        bool          // hears and obeys nothing
	ForgetsSale bool          // cash and litres of the last sale are 0 after a power cut
	LosesSale   bool          // totals are written at the end of a sale: a power cut loses the running one
	EarlyIdle   bool          // shows the nozzle as hung while its totals are still to be written
}

const (
	replyDelay  = 20 * time.Millisecond // board time 5 to 60 ms (dispenser.md 2.5)
	defaultLost = 5 * time.Second       // dispenser.md 4.7
	trueGain    = 10_000
	maxReplies  = 16 // a station has one request outstanding; a babbler has no right to memory
)

// Plain is the board of a plain dispenser: one port, one or more nozzles, no card. It answers when it is asked, in the 12-byte
// frames of LF, and holds hook, self-test, two-stage valve, flow, totals, shift sums, price and pre-valve of each nozzle.
// It is a state machine without I/O like Board, and as durable: what NV holds survives a cut at any byte.
//
// What the specification leaves open is decided here [ours]: a nozzle shows as hung when its totals are final, so that AD, AC
// and B8 agree from the first 41 on (Habits.EarlyIdle turns this off); AD runs with the fuel, AC and the shift sums move at the
// end of a sale; a nozzle that is lifted while there was no power delivers nothing before it was hung; A1 never takes a preset
// away; hanging up takes back what was authorised in that lift; A4 is refused while something is armed; B0 stops nothing and starts nothing before
// the next lift; A2 and A3 of a locked pump are answered in state form; any request that names a nozzle keeps it in touch.
//
// Source: dispenser.md 2, 4.2, 4.6, 4.7, 5.
type Plain struct {
	cfg     PlainConfig
	nv      NV
	now     clock.Instant
	on      bool
	dead    bool // an NV write was cut: nothing more happens here
	ready   clock.Instant
	nozzles []*plain
	dec     lf.Decoder
	replies []plainReply // in order: the board does one thing after the other
	before  *lf.Frame    // the reply before the last
	out     Effects
}

type plainReply struct {
	at    clock.Instant
	frame lf.Frame
}

// NewPlain makes a board without power on its memory. Nothing is written to NV before PowerOn. Two nozzles of one number are
// an error, as is number 0.
func NewPlain(cfg PlainConfig, nv NV) (*Plain, error) {
	if len(cfg.Nozzles) == 0 {
		cfg.Nozzles = []PlainNozzle{{Number: 1}}
	}
	if cfg.Boot <= 0 {
		cfg.Boot = defaultBoot
	}
	if cfg.Lost == 0 {
		cfg.Lost = defaultLost
	}
	b := &Plain{cfg: cfg, nv: nv}
	for i, c := range cfg.Nozzles {
		if c.Number == 0 || b.nozzle(c.Number) != nil {
			return nil, fmt.Errorf("dispenser: 枪号 %d 重复或为 0, 请改配置 (nozzle number %d twice or 0: change the configuration)", c.Number, c.Number)
		}
		if c.Encoder == 0 {
			c.Encoder = 1
		}
		if c.Gain == 0 {
			c.Gain = trueGain
		}
		b.nozzles = append(b.nozzles, newPlain(b, i, c))
	}
	return b, nil
}

// PowerOn starts the board: silent for a while, then uncontrolled. The nozzles are hung until Lift tells otherwise. A sale that
// the power cut interrupted is booked with what NV holds of it. Source: dispenser.md 4.6, 5.2.
func (b *Plain) PowerOn(now clock.Instant) {
	b.now, b.on, b.ready = now, true, now.Add(b.cfg.Boot)
	for _, n := range b.nozzles {
		n.at, n.heard = now, now
		n.resume()
	}
	b.changed()
}

// Off is the power cut: the board does nothing any more; NV stays as it is.
func (b *Plain) Off() {
	b.on = false
	b.out = Effects{}
}

// Dead reports that a write to NV was cut, which is a power cut that the board itself ran into.
func (b *Plain) Dead() bool { return b.dead }

// enter moves the board to now: what flows has flowed, what was due has come. False when there is no power.
func (b *Plain) enter(now clock.Instant) bool {
	if !b.on || b.dead {
		return false
	}
	b.now = max(b.now, now)
	for _, n := range b.nozzles {
		n.advance()
	}
	for !b.dead && len(b.replies) > 0 && b.replies[0].at <= b.now {
		f := b.replies[0].frame
		b.out.Send = append(b.out.Send, f[:])
		b.replies = b.replies[1:]
	}
	return !b.dead
}

// Wake brings the time that Effects asked for, or a later one.
func (b *Plain) Wake(now clock.Instant) { b.enter(now) }

// Receive takes bytes from the line, in any pieces.
func (b *Plain) Receive(now clock.Instant, data []byte) {
	if !b.enter(now) || b.now < b.ready || b.cfg.Habits.Mute {
		return
	}
	if b.cfg.Habits.Echo {
		b.out.Send = append(b.out.Send, slices.Clone(data))
	}
	b.dec.Decode(b.now, data, b.frame)
}

// frame takes twelve bytes with a good checksum: a request for one of the nozzles is obeyed and answered, anything else is met
// with silence. False for digits above 9. Source: dispenser.md 2.1, 2.3.
func (b *Plain) frame(f lf.Frame) bool {
	r, err := lf.ParseRequest(f)
	if b.dead || err != nil {
		return !isBCD(err)
	}
	n := b.nozzle(r.Nozzle)
	if n == nil {
		return true
	}
	n.touch()
	reply, ok := n.obey(r)
	if ok && !b.dead {
		b.reply(r.Command, reply)
	}
	return true
}

// reply queues the answer behind those that wait.
func (b *Plain) reply(to lf.Command, f lf.Frame) {
	h := b.cfg.Habits
	if slices.Contains(h.Silent, to) || len(b.replies) >= maxReplies {
		return
	}
	if h.WrongNozzle {
		f[0]++
	}
	f[0] |= h.NozzleBits & 0xF0
	if h.Stale {
		now := f
		if b.before != nil {
			f = *b.before
		}
		b.before = &now
	}
	delay := h.Delay
	if delay <= 0 {
		delay = replyDelay
	}
	at := b.now.Add(delay)
	if k := len(b.replies); k > 0 {
		at = max(at, b.replies[k-1].at+1)
	}
	b.replies = append(b.replies, plainReply{at, f})
}

// SetHabits changes what the board is known to do: a fault that comes or goes while it runs.
func (b *Plain) SetHabits(now clock.Instant, h Habits) {
	if b.enter(now) {
		b.cfg.Habits, b.before = h, nil
	}
}

// Take hands over what is to be done and forgets it. It never asks for a Transmit.
func (b *Plain) Take() Effects {
	out := b.out
	out.Wake = b.due()
	b.out = Effects{}
	return out
}

// due is the earliest time at which anything happens by itself.
func (b *Plain) due() clock.Instant {
	if !b.on || b.dead {
		return clock.Never
	}
	due := clock.Never
	if len(b.replies) > 0 {
		due = b.replies[0].at
	}
	for _, n := range b.nozzles {
		due = min(due, n.due())
	}
	return due
}

// nozzle is the one with that number, nil if there is none.
func (b *Plain) nozzle(number byte) *plain {
	for _, n := range b.nozzles {
		if n.cfg.Number == number {
			return n
		}
	}
	return nil
}

// hand moves the board to now and returns the nozzle; nil without power. A number that the board does not have is a bug of the
// caller.
func (b *Plain) hand(now clock.Instant, number byte) *plain {
	n := b.nozzle(number)
	if n == nil {
		panic(fmt.Sprintf("dispenser: no nozzle %d on this board", number))
	}
	if !b.enter(now) {
		return nil
	}
	return n
}

// changed tells once per Take that something is to be seen.
func (b *Plain) changed() {
	for _, e := range b.out.Events {
		if e.Kind == EventDisplay {
			return
		}
	}
	b.out.Events = append(b.out.Events, Event{Kind: EventDisplay})
}
