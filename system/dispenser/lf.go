package dispenser

import (
	"errors"
	"fmt"
	"time"

	"greylock/system/clock"
	"greylock/system/wire/unit"
)

// LFOfflineAfter is how many polls in a row may fail before a nozzle is offline, and how many good ones bring it back.
// Source: dispenser.md 2.5.
const LFOfflineAfter = 3

// Times and bounds of an LF line. Source: dispenser.md 2.1, 2.5, 4.1; what is marked ours has no source.
const (
	lfFrameTime  = 12500 * time.Microsecond // 12 bytes at 9600 baud
	lfSilence    = 50 * time.Millisecond    // ends a partial or a spoilt frame
	lfSlowReply  = 2 * time.Second          // reply wait while the board is known to be slow
	lfLate       = 5 * time.Second          // ours: how late a reply may still come, and be taken for another's
	lfProbe      = 1500 * time.Millisecond  // between polls of a nozzle that does not answer
	lfVerify     = 600 * time.Millisecond   // from an authorisation to the poll that proves it
	lfStartLimit = 5 * time.Second          // from the first authorisation, or the lift, to fuel
	lfStopVerify = 800 * time.Millisecond
	lfPriceRetry = 2 * time.Second
	lfPriceAgain = time.Minute            // ours: a locked nozzle is tried again
	lfSuspend    = time.Minute            // a suspended sale is over. Source: dispenser.md 4.2
	lfSettle     = 400 * time.Millisecond // ours: a board may write its totals 300 ms after the hang (5.1)
	lfAudit      = time.Minute            // ours: totals of an idle nozzle are read so often
	lfAgain      = time.Second            // ours: what has been tried often enough is tried so often from then on
	lfTries      = 5                      // every command but a poll
	lfRounds     = 2                      // ours: readings that disagree before the disagreement is believed
	lfOdd        = 3                      // ours: senseless frames in a row that are believed to be meant
	lfFastAgain  = 20                     // ours: quick replies in a row after which a board is not slow any more
	lfRate       = 200 * 100              // ours: no pump delivers more, hundredths of a litre a minute
	lfRateSlack  = 100                    // ours: hundredths of a litre that may come at once
	lfMaxNozzles = 99
)

// LFTiming is the pace of a line; a zero field takes its default.
type LFTiming struct {
	Poll     time.Duration // start to start of two polls of a nozzle; 150 ms
	Fuelling time.Duration // the same while it fuels; 100 ms
	Pause    time.Duration // silence before every command but a poll; 150 ms ("depends on the dispenser")
	Reply    time.Duration // from the last byte sent; 250 ms
}

func (t LFTiming) filled() LFTiming {
	for _, f := range [...]struct {
		at  *time.Duration
		def time.Duration
	}{
		{&t.Poll, 150 * time.Millisecond}, {&t.Fuelling, 100 * time.Millisecond}, {&t.Pause, 150 * time.Millisecond},
		{&t.Reply, 250 * time.Millisecond},
	} {
		if *f.at <= 0 {
			*f.at = f.def
		}
	}
	return t
}

// LFNozzle is one nozzle of a board, and what the station's journal knows of it.
type LFNozzle struct {
	Number byte           // 枪号 on the wire, 1…99
	Price  unit.Price     // ordered; 0 takes what the board has
	Meter  *Meter         // the last trusted reading; nil if there is none
	Open   *Authorisation // a delivery was authorised and its end is not known; nil if there is none
}

// LFConfig is one board on one port.
type LFConfig struct {
	Nozzles    []LFNozzle
	Timing     LFTiming
	Extensions bool // the board uses bits 5..2 of its state
}

// Errors of orders to a nozzle.
var (
	ErrNotNow = errors.New("dispenser: the nozzle can not do this now")
	ErrValue  = errors.New("dispenser: no such value on this line")
)

// LFCounters say what a line has brought since the driver was made.
type LFCounters struct {
	Good        uint64 // answers that were taken
	Bad         uint64 // frames with a wrong checksum, digit or form
	Cut         uint64 // parts of frames, ended by silence
	Noise       uint64 // bytes discarded before silence
	Missed      uint64 // requests without an answer
	Late        uint64 // good frames that answer nothing that was asked
	Echoes      uint64 // own frames that came back
	WrongNozzle uint64 // answers of another nozzle
	Implausible uint64 // good answers that contradict what is known
}

// LF is the station's end of one line with a plain board: it asks, the board answers. Everything it does to a nozzle follows
// from a frame that has passed checksum, form and plausibility. It is not safe for concurrent use.
type LF struct {
	cfg      LFConfig
	counters LFCounters
	nozzles  []*lfNozzle
	wire     lfWire
	up       bool
	echoTold bool
	latest   clock.Instant // of the runner's clock
	skew     time.Duration // what it was set back since the start: the driver's own time never goes back
	next     int           // the nozzle whose turn it is
	frames   [][]byte
	events   []Event
}

// NewLF returns the driver of a line that is not open yet. Without nozzles, or with a number twice, ErrValue.
func NewLF(cfg LFConfig) (*LF, error) {
	if len(cfg.Nozzles) == 0 || len(cfg.Nozzles) > lfMaxNozzles {
		return nil, fmt.Errorf("LF line with %d nozzles: %w", len(cfg.Nozzles), ErrValue)
	}
	cfg.Timing = cfg.Timing.filled()
	d := &LF{cfg: cfg}
	seen := map[byte]bool{}
	for i, n := range cfg.Nozzles {
		if n.Number == 0 || n.Number > lfMaxNozzles || seen[n.Number] || n.Price < 0 || n.Price > lfMaxPrice {
			return nil, fmt.Errorf("LF nozzle %d at %v: %w", n.Number, n.Price, ErrValue)
		}
		seen[n.Number] = true
		d.nozzles = append(d.nozzles, newLFNozzle(i, n))
	}
	return d, nil
}

// Greatest values of the wire's fields. Source: dispenser.md 2.2.
const (
	lfMaxPrice  unit.Price    = 9999
	lfMaxCash   unit.Fen      = 999999
	lfMaxLitres unit.Quantity = 999999
)

// Views returns the nozzles in the order of the configuration.
func (d *LF) Views() []View {
	v := make([]View, len(d.nozzles))
	for i, n := range d.nozzles {
		v[i] = n.view
	}
	return v
}

// Counters returns what the line has brought.
func (d *LF) Counters() LFCounters { return d.counters }

// Take hands over frames to send at once and events, in order.
func (d *LF) Take() (frames [][]byte, events []Event) {
	frames, events = d.frames, d.events
	d.frames, d.events = nil, nil
	return frames, events
}

func (d *LF) event(e Event) { d.events = append(d.events, e) }

// time turns the runner's clock into one that never goes back.
func (d *LF) time(now clock.Instant) clock.Instant {
	if now < d.latest {
		d.skew += d.latest.Sub(now)
	}
	d.latest = now
	return now.Add(d.skew)
}

// Line says that the port was opened or lost: nothing is outstanding any more, and every nozzle has to be found.
func (d *LF) Line(now clock.Instant, up bool) {
	now = d.time(now)
	d.up, d.echoTold, d.wire = up, false, lfWire{}
	for _, n := range d.nozzles {
		d.lose(n, now)
		n.pollAt = now
	}
	d.told()
	d.work(now)
}

// Receive takes bytes from the line.
func (d *LF) Receive(now clock.Instant, data []byte) {
	now = d.time(now)
	if d.up {
		d.take(now, data)
		d.told()
		d.work(now)
	}
}

// Wake ends exchanges that have waited too long and begins what is due.
func (d *LF) Wake(now clock.Instant) {
	now = d.time(now)
	if d.up {
		d.expire(now)
		d.told()
		d.work(now)
	}
}

// Due is when Wake is wanted.
func (d *LF) Due() clock.Instant {
	if !d.up {
		return clock.Never
	}
	if d.wire.busy {
		_, stop := d.urgent()
		return min(d.wire.deadline, stop).Add(-d.skew)
	}
	_, _, at := d.pick(d.latest.Add(d.skew))
	return at.Add(-d.skew)
}

// told emits Changed for every view that is another than it was.
func (d *LF) told() {
	for i, n := range d.nozzles {
		if n.view != n.shown {
			n.shown = n.view
			d.event(Changed{i})
		}
	}
}

// work sends the next request if the line is free and one is due.
func (d *LF) work(now clock.Instant) {
	if !d.up {
		return
	}
	if d.wire.busy {
		if n, at := d.urgent(); n == nil || at > now {
			return
		}
		d.drop(now)
	}
	n, j, at := d.pick(now)
	if n == nil || at > now {
		return
	}
	d.next = (n.index + 1) % len(d.nozzles)
	d.ask(now, n, j)
}

// urgent returns the first stop that must not wait for the outstanding exchange, and when it may go out.
func (d *LF) urgent() (*lfNozzle, clock.Instant) {
	for _, n := range d.nozzles {
		if n.stopping.on && n.stopping.tries == 0 {
			return n, max(n.stopping.at, d.wire.sent.Add(lfFrameTime+lfSilence))
		}
	}
	return nil, clock.Never
}

// pick returns the next job and when it may be sent: the most urgent one that is wanted now, even if it has to wait for its
// pause, nozzles in turn; or else the one that is wanted next.
func (d *LF) pick(now clock.Instant) (best *lfNozzle, job lfJob, at clock.Instant) {
	at = clock.Never
	for i := range d.nozzles {
		n := d.nozzles[(d.next+i)%len(d.nozzles)]
		for _, j := range d.jobs(n) {
			if j.at == clock.Never {
				continue
			}
			due := max(j.at, d.wire.freeFor(j, d.cfg.Timing.Pause))
			wanted, bestWanted := j.at <= now, best != nil && job.at <= now
			switch {
			case best == nil, wanted && !bestWanted, wanted && j.kind < job.kind, !wanted && !bestWanted && due < at:
				best, job, at = n, j, due
			}
		}
	}
	return best, job, at
}
