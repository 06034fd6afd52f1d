// Package relay drives a board of relays with contactors on it from the station's side, as a state machine without I/O. A coil
// that is on lets its dispenser's pump run; one that is off, or that has lost its power, keeps it still.
//
// A coil is where it was wanted only when the board has echoed the order and a later reading shows it. What the reading shows is
// the coil: a contactor whose main contacts are welded runs on, and only its dispenser's own figures tell.
package relay

import (
	"errors"
	"fmt"
	"time"

	"greylock/system/clock"
	"greylock/system/wire/relay"
)

// ProofLimit is how long an order may go without proof before Failed. Ours.
const ProofLimit = time.Second

// Times and bounds. Ours, but for the silence between two frames. Source: MODBUS over Serial Line 2.5.1.1 (3.5 characters).
const (
	replyWait    = 100 * time.Millisecond // from the end of the question to the end of the answer
	pollEvery    = time.Second            // coils are read so often when nothing is wanted
	slowEvery    = time.Second            // orders that nobody waits for, to a board that does not obey
	offlineAfter = 5                      // questions in a row without an answer
	maxSpan      = 256                    // coils from the first to the last
	defaultBaud  = 9600
	bitsPerByte  = 11
	frameBytes   = 8
	gapBytes     = 4
)

// Config is one board.
type Config struct {
	Address byte     // relay.FirstAddress … relay.LastAddress
	Coils   []uint16 // as numbered on the wire, from 0; the driver's index is the place in this list
	Baud    int      // 0: 9600
}

// ErrConfig wraps a board that can not be.
var ErrConfig = errors.New("relay: no such board")

// Event is what a board has told: one of the types below. Coil is an index into Config.Coils.
type Event interface{ event() }

// What a board tells.
type (
	Online  struct{} // answers, for the first time or again
	Offline struct{} // does not
	// Found says where a coil stood at the first reading, if nothing was ordered of it before.
	Found struct {
		Coil int
		On   bool
	}
	// Proven says that a coil is where it is wanted, which was not known before.
	Proven struct {
		Coil int
		On   bool
	}
	// Failed says that ProofLimit has passed without proof; the driver goes on trying.
	Failed struct {
		Coil int
		On   bool
	}
	// Fell says that a coil has left its place by itself: the board was without power, or somebody switches by hand.
	Fell struct {
		Coil int
		On   bool // where it is now
	}
	// Strange says that answers do not fit their questions; Refused is set if the board said why.
	Strange struct {
		Coil    int
		Refused relay.Code // 0: the answer was another's
	}
)

func (Online) event()  {}
func (Offline) event() {}
func (Found) event()   {}
func (Proven) event()  {}
func (Failed) event()  {}
func (Fell) event()    {}
func (Strange) event() {}

// coil is one of them, and how far the last order has come.
type coil struct {
	number  uint16
	want    bool
	stage   stage
	at      clock.Instant // of the next write
	limit   clock.Instant // somebody waits for the proof until then; Never: nobody
	strange bool          // Strange was told
}

// stage is how far an order has come.
type stage int

const (
	untouched stage = iota // nothing was ever ordered, nothing is written
	found                  // the same, and Found was told
	ordered                // to be written
	echoed                 // written, to be read
	proven
)

// Driver is the station's end of the line. It is not safe for concurrent use.
type Driver struct {
	cfg    Config
	coils  []coil
	first  uint16 // of the range that is read
	count  uint16
	char   time.Duration // on the line
	dec    relay.Decoder
	up     bool
	online bool
	misses int
	busy   bool
	ask    relay.Request
	index  int  // of the coil that is being written
	odd    bool // an answer came that was another's
	sent   clock.Instant
	free   clock.Instant // when the line may be used again
	pollAt clock.Instant
	frames [][]byte
	events []Event
	latest clock.Instant
	skew   time.Duration // what the runner's clock was set back
	told   bool          // Offline, in this contact
}

// New returns the driver of a line that is not open yet. It writes no coil that Switch was never called for: where such a coil
// stands is what the program's last life has left. ErrConfig.
func New(cfg Config) (*Driver, error) {
	if cfg.Baud == 0 {
		cfg.Baud = defaultBaud
	}
	if cfg.Address < relay.FirstAddress || cfg.Address > relay.LastAddress || len(cfg.Coils) == 0 || cfg.Baud < 0 {
		return nil, fmt.Errorf("address %d, %d coils: %w", cfg.Address, len(cfg.Coils), ErrConfig)
	}
	d := &Driver{cfg: cfg, dec: relay.Decoder{Replies: true}, char: bitsPerByte * time.Second / time.Duration(cfg.Baud)}
	last := cfg.Coils[0]
	d.first = last
	seen := map[uint16]bool{}
	for _, n := range cfg.Coils {
		if seen[n] {
			return nil, fmt.Errorf("coil %d twice: %w", n, ErrConfig)
		}
		seen[n] = true
		d.first, last = min(d.first, n), max(last, n)
		d.coils = append(d.coils, coil{number: n, limit: clock.Never})
	}
	if last-d.first >= maxSpan {
		return nil, fmt.Errorf("coils %d to %d, more than %d: %w", d.first, last, maxSpan, ErrConfig)
	}
	d.count = last - d.first + 1
	return d, nil
}

// Switch wants a coil on or off: Proven or Failed follows within ProofLimit.
func (d *Driver) Switch(now clock.Instant, i int, on bool) {
	now = d.time(now)
	c := &d.coils[i]
	c.want, c.stage, c.at, c.limit, c.strange = on, ordered, now, now.Add(ProofLimit), false
	d.work(now)
}

// Known says whether a coil is proven to be where it is wanted, and where that is.
func (d *Driver) Known(i int) (on, known bool) { return d.coils[i].want, d.coils[i].stage == proven }

// Online says whether the board answers.
func (d *Driver) Online() bool { return d.online }

// Take hands over frames to send at once and events, in order.
func (d *Driver) Take() (frames [][]byte, events []Event) {
	frames, events = d.frames, d.events
	d.frames, d.events = nil, nil
	return frames, events
}

func (d *Driver) event(e Event) { d.events = append(d.events, e) }

// time turns the runner's clock into one that never goes back.
func (d *Driver) time(now clock.Instant) clock.Instant {
	if now < d.latest {
		d.skew += d.latest.Sub(now)
	}
	d.latest = now
	return now.Add(d.skew)
}

// Line says that the line was opened or lost: nothing is known any more, and every coil is ordered anew.
func (d *Driver) Line(now clock.Instant, up bool) {
	now = d.time(now)
	d.up, d.busy, d.told, d.misses = up, false, false, 0
	d.dec.Reset()
	d.free, d.pollAt = now, now
	d.lose(now)
	d.work(now)
}

// lose forgets where the coils are.
func (d *Driver) lose(now clock.Instant) {
	d.online = false
	for i := range d.coils {
		if c := &d.coils[i]; c.stage > ordered {
			c.stage, c.at = ordered, now
		}
	}
}

// Receive takes bytes in pieces of any size.
func (d *Driver) Receive(now clock.Instant, data []byte) {
	now = d.time(now)
	if !d.up {
		return
	}
	d.dec.Decode(now, data, func(f []byte) {
		if r, err := relay.ParseReply(f); err == nil && r.Address == d.cfg.Address {
			d.reply(now, r)
		}
	})
	d.work(now)
}

// Wake ends what has waited too long and begins what is due.
func (d *Driver) Wake(now clock.Instant) {
	now = d.time(now)
	if d.busy && now >= d.deadline() {
		d.missed(now)
	}
	for i := range d.coils {
		if c := &d.coils[i]; now >= c.limit {
			c.limit = clock.Never
			d.event(Failed{i, c.want})
		}
	}
	d.work(now)
}

// Due is when Wake is wanted.
func (d *Driver) Due() clock.Instant {
	at := clock.Never
	for _, c := range d.coils {
		at = min(at, c.limit)
	}
	switch {
	case !d.up:
	case d.busy:
		at = min(at, d.deadline())
	default:
		_, next := d.pick(d.latest.Add(d.skew))
		at = min(at, next)
	}
	if at == clock.Never {
		return at
	}
	return at.Add(-d.skew)
}

// deadline is when the outstanding question is given up.
func (d *Driver) deadline() clock.Instant {
	return d.sent.Add(time.Duration(frameBytes)*d.char + replyWait)
}

// work asks the next question if the line is free and one is due.
func (d *Driver) work(now clock.Instant) {
	if !d.up || d.busy {
		return
	}
	i, at := d.pick(now)
	if at > now {
		return
	}
	d.ask = relay.Request{Address: d.cfg.Address, Function: relay.ReadCoils, Coil: d.first, Count: d.count}
	if d.index = i; i >= 0 {
		d.ask = relay.Request{Address: d.cfg.Address, Function: relay.WriteCoil, Coil: d.coils[i].number, On: d.coils[i].want}
	}
	f, err := d.ask.Frame()
	if err != nil {
		panic("relay: own frame: " + err.Error())
	}
	d.busy, d.odd, d.sent = true, false, now
	d.frames = append(d.frames, f)
}

// pick returns the next coil to be written, -1 for a reading, and when. What is to go off is written first, then what is to go
// on, then what was written is read.
func (d *Driver) pick(now clock.Instant) (i int, at clock.Instant) {
	ready := max(now, d.free)
	i, at = -1, clock.Never
	read := max(d.pollAt, d.free)
	for k, c := range d.coils {
		if c.stage == echoed {
			read = d.free
		}
		if c.stage != ordered {
			continue
		}
		switch due := max(c.at, d.free); {
		case i < 0, due <= ready && (at > ready || !c.want && d.coils[i].want), at > ready && due < at:
			i, at = k, due
		}
	}
	if at <= ready || at < read {
		return i, at
	}
	return -1, read
}

// reply takes an answer. One that does not fit the question may be late: the question stays open.
func (d *Driver) reply(now clock.Instant, r relay.Reply) {
	if !d.busy {
		return
	}
	switch {
	case r.Function == d.ask.Function|relay.Refused:
		d.refused(now, r.Code)
	case r.Function != d.ask.Function:
		d.odd = true
		return
	case r.Function == relay.WriteCoil && (r.Coil != d.ask.Coil || r.On != d.ask.On):
		d.odd = true
		return
	case r.Function == relay.WriteCoil:
		if c := &d.coils[d.index]; c.want == r.On && c.stage == ordered {
			c.stage = echoed
		}
	case len(r.Coils) != (int(d.count)+7)/8:
		d.odd = true
		return
	default:
		d.pollAt = now.Add(pollEvery)
		d.read(now, r)
	}
	d.busy, d.misses = false, 0
	d.free = now.Add(gapBytes * d.char)
	if !d.online {
		d.online, d.told = true, false
		d.event(Online{})
	}
}

// read compares the coils with what is wanted. A board answers in the order it was asked, so that every reading that comes after
// the echo of a write shows what the write has done, also if it is the answer to an earlier question.
func (d *Driver) read(now clock.Instant, r relay.Reply) {
	for i := range d.coils {
		c := &d.coils[i]
		on := r.CoilOn(int(c.number - d.first))
		switch {
		case c.stage == untouched:
			c.stage = found
			d.event(Found{i, on})
		case c.stage == found, c.stage == ordered:
		case on == c.want && c.stage == echoed:
			c.stage, c.limit, c.strange = proven, clock.Never, false
			d.event(Proven{i, on})
		case on != c.want:
			if c.stage == proven {
				d.event(Fell{i, on})
			}
			d.again(now, i)
		}
	}
}

// again plans one more write of a coil: at once while somebody waits, else in a while.
func (d *Driver) again(now clock.Instant, i int) {
	c := &d.coils[i]
	late := c.stage != proven && c.limit == clock.Never
	if c.stage, c.at = ordered, now; late {
		c.at = now.Add(slowEvery)
	}
}

// refused takes the board's no.
func (d *Driver) refused(now clock.Instant, code relay.Code) {
	d.strange(max(d.index, 0), code)
	if d.index < 0 {
		d.pollAt = now.Add(pollEvery)
		for i := range d.coils {
			if d.coils[i].stage == echoed {
				d.again(now, i)
			}
		}
		return
	}
	d.again(now, d.index)
	d.coils[d.index].at = now.Add(slowEvery) // it will say the same at once
}

// strange tells once for each order.
func (d *Driver) strange(i int, code relay.Code) {
	if c := &d.coils[i]; !c.strange {
		c.strange = true
		d.event(Strange{i, code})
	}
}

// missed gives a question up.
func (d *Driver) missed(now clock.Instant) {
	d.busy, d.free = false, now
	if d.ask.Function == relay.ReadCoils {
		d.pollAt = now.Add(pollEvery)
	}
	if d.odd {
		d.strange(max(d.index, 0), 0)
	}
	if d.misses++; d.misses >= offlineAfter && !d.told {
		d.lose(now)
		d.told = true
		d.event(Offline{})
	}
	if d.index >= 0 {
		d.again(now, d.index)
		return
	}
	for i := range d.coils {
		if d.coils[i].stage == echoed {
			d.again(now, i)
		}
	}
}
