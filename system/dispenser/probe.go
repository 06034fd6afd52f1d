package dispenser

import (
	"fmt"
	"time"

	"greylock/system/clock"
	"greylock/system/wire/fa"
	"greylock/system/wire/lf"
)

// Protocol is what is spoken on a line.
type Protocol int

// The protocols.
const (
	ProtocolFA Protocol = iota + 1
	ProtocolLF
)

// String is the protocol's name in configurations.
func (p Protocol) String() string {
	switch p {
	case ProtocolFA:
		return "fa"
	case ProtocolLF:
		return "lf"
	}
	return fmt.Sprintf("protocol %d", int(p))
}

// Times of a probe. Source: dispenser.md 1.3, 2.5, 3.2.
const (
	probeListen = 1500 * time.Millisecond
	probeLF     = lfSlowReply
	probeFA     = 2 * time.Second
	probeSure   = 2 // ours: answers that make an LF line; one in 256 passes the sum by chance
)

// What a Probe tells, beside Echo.
type (
	// Probed is the protocol of the line; it comes once.
	Probed struct{ Protocol Protocol }
	// Unanswered says that a whole round brought nothing: another parity may. The next round begins by itself.
	Unanswered struct{ Round int }
)

func (Probed) event()     {}
func (Unanswered) event() {}

// Probe finds out what is spoken on a line: it listens, asks as LF does, asks as FA does, and begins again. It asks only what
// changes nothing at a dispenser. It is a state machine without I/O, not safe for concurrent use. Source: dispenser.md 1.3.
type Probe struct {
	nozzle byte
	up     bool
	stage  probeStage
	round  int
	until  clock.Instant
	last   clock.Instant // byte received
	buf    []byte        // since the question or silence, at most two frames
	sure   int
	dec    fa.Decoder
	echoed bool
	found  Protocol
	frames [][]byte
	events []Event
}

type probeStage int

const (
	probeListening probeStage = iota
	probeAskedLF
	probeAskedFA
)

var _ Line = (*Probe)(nil)

// NewProbe returns a probe of a line that is not open yet; the nozzle number is the one that LF is asked for, 1…99.
func NewProbe(nozzle byte) *Probe { return &Probe{nozzle: nozzle} }

// Found returns the protocol, 0 while it is not known.
func (p *Probe) Found() Protocol { return p.found }

// Take hands over frames to send at once and events, in order.
func (p *Probe) Take() (frames [][]byte, events []Event) {
	frames, events = p.frames, p.events
	p.frames, p.events = nil, nil
	return frames, events
}

// Line says that the port was opened or lost: the probe begins anew.
func (p *Probe) Line(now clock.Instant, up bool) {
	*p = Probe{nozzle: p.nozzle, up: up, round: p.round, frames: p.frames, events: p.events, until: now.Add(probeListen)}
}

// Receive takes bytes from the line.
func (p *Probe) Receive(now clock.Instant, data []byte) {
	if !p.up || p.found != 0 {
		return
	}
	p.dec.Decode(data, func(f fa.Frame) {
		if f.FromPC() {
			p.loop()
		} else if _, err := fa.Parse(f); err == nil && p.found == 0 {
			p.end(ProtocolFA)
		}
	})
	if p.stage != probeAskedLF || p.found != 0 {
		return
	}
	if now.Sub(p.last) > lfSilence {
		p.buf = p.buf[:0]
	}
	p.last = now
	p.buf = append(p.buf, data[:min(len(data), 2*lf.Size+1-len(p.buf))]...)
	own, _ := lf.Request{Nozzle: p.nozzle, Command: lf.Query}.Frame()
	frame := p.buf
	if len(frame) >= lf.Size && lf.Frame(frame[:lf.Size]) == own {
		p.loop()
		frame = frame[lf.Size:]
	}
	if len(frame) != lf.Size {
		return
	}
	if s, err := lf.ParseStatus(lf.Frame(frame)); err == nil && sameNozzle(s.Nozzle, p.nozzle) {
		if p.sure++; p.sure == probeSure {
			p.end(ProtocolLF)
			return
		}
		p.until = now.Add(lfSilence) // once more
	}
}

// Wake goes on to the next question.
func (p *Probe) Wake(now clock.Instant) {
	if now.Sub(p.until) < -probeFA { // the clock was set back
		p.until = now
	}
	if !p.up || p.found != 0 || now < p.until {
		return
	}
	switch {
	case p.stage == probeListening, p.stage == probeAskedLF && p.sure > 0 && len(p.buf) >= lf.Size:
		f, err := lf.Request{Nozzle: p.nozzle, Command: lf.Query}.Frame()
		if err != nil {
			panic("dispenser: own frame: " + err.Error())
		}
		p.ask(f[:], probeAskedLF, now.Add(lfFrameTime+probeLF))
	case p.stage == probeAskedLF:
		f, err := fa.Build(fa.Unconfigured, fa.PCAddress, fa.FromPC, &fa.PollAnswer{Time: fa.StampOf(now.Civil())})
		if err != nil {
			panic("dispenser: own frame: " + err.Error())
		}
		p.sure = 0
		p.ask(fa.Encode(f), probeAskedFA, now.Add(probeFA))
	default:
		p.round++
		p.events = append(p.events, Unanswered{p.round})
		p.stage, p.until = probeListening, now.Add(probeListen)
	}
}

// Due is when Wake is wanted.
func (p *Probe) Due() clock.Instant {
	if !p.up || p.found != 0 {
		return clock.Never
	}
	return p.until
}

func (p *Probe) ask(frame []byte, s probeStage, until clock.Instant) {
	p.frames, p.stage, p.until, p.buf = append(p.frames, frame), s, until, p.buf[:0]
}

func (p *Probe) loop() {
	if !p.echoed {
		p.echoed = true
		p.events = append(p.events, Echo{})
	}
}

func (p *Probe) end(found Protocol) {
	p.found = found
	p.events = append(p.events, Probed{found})
}
