package tape

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"greylock/system/clock"
	"greylock/system/wire/fa"
	"greylock/system/wire/lf"
)

// Matching says how closely the other side must do what the tape holds. Source: features.md E11.
type Matching string

// The matchings.
const (
	// Strict: the same frames, byte for byte, in the same order.
	Strict Matching = "strict"
	// Compact: clocks and frame numbers do not count, runs of the same exchange count once, a frame may be repeated, and what
	// an FA station asks by itself (38H, 3AH, 3EH) may come at any time, but must come.
	Compact Matching = "compact"
	// Minimal: only the order of the commands counts; their contents do not, polls and an FA station's own questions may come
	// or be missing anywhere.
	Minimal Matching = "minimal"
)

// Matchings lists them, closest first.
var Matchings = []Matching{Strict, Compact, Minimal}

// Times of a replay; both are ours.
const (
	// MostGap shortens a pause on the tape: nobody waits an hour for a customer.
	MostGap = 2 * time.Second
	// Patience is how long the other side may leave the tape's next frame out. For its first frame there is no limit: nobody
	// knows when it opens its port.
	Patience = 30 * time.Second
	// Lead is how often a dispenser that speaks first says its first frames until somebody answers.
	Lead = time.Second
	// mostQueued frames of the other side wait while the dispenser speaks.
	mostQueued = 64
)

// Diverged says where the other side did something else than the tape holds.
type Diverged struct {
	Line      int    // of the tape
	Frame     int    // of the tape, from 1
	Want, Got string // frames in words; Got is empty when nothing came
}

// Error names position, what the tape holds and what came.
func (d *Diverged) Error() string {
	got := d.Got
	if got == "" {
		got = "无 (nothing)"
	}
	return fmt.Sprintf("第 %d 行, 第 %d 帧 (line, frame): 应为 (want) %s; 实为 (got) %s", d.Line, d.Frame, d.Want, got)
}

// ErrNothing says that a tape holds nothing that a dispenser said: to play it would prove nothing.
var ErrNothing = errors.New("录音中没有加油机的帧 (the tape holds no frame of a dispenser)")

// item is one frame of the tape and what must be the same.
type item struct {
	Frame
	number int // from 1
	key    string
	poll   bool
}

// Player plays the dispenser's side of a tape: it sends what the dispenser sent and wants from the other side what the station
// sent. It is a state machine without I/O, not safe for concurrent use.
type Player struct {
	header   Header
	matching Matching
	items    []item
	asides   []aside
	at       int
	last     int // the item that was matched last, -1 if none
	cut      *Cutter
	queue    []Frame
	due      clock.Instant // of the item at
	started  clock.Instant
	until    clock.Instant // behind the last item: when a missing question is a difference
	out      [][]byte
	err      error
}

// NewPlayer prepares a tape; ErrNothing if there is nothing to play.
func NewPlayer(h Header, pieces []Piece, m Matching) (*Player, error) {
	p := &Player{header: h, matching: m, last: -1, cut: NewCutter(h.Protocol)}
	c := NewCutter(h.Protocol)
	said := false
	for _, x := range pieces {
		for _, f := range c.Cut(x) {
			said = said || f.Way == FromDispenser
			p.items = append(p.items, item{f, len(p.items) + 1, p.key(f), polls(f)})
		}
	}
	if !said {
		return nil, ErrNothing
	}
	if m != Strict {
		p.setAside()
		p.items = merge(p.items)
	}
	return p, nil
}

// aside is a question that an FA station asks by itself, with the board's answer: on a line where both speak when they like,
// its place among the polls is chance. Source: dispenser.md 3.2.
type aside struct {
	question item
	answer   []item // none if the board gave none
	asked    bool
}

// answers says which words answer a station's own question. Source: dispenser.md 3.3.
func answers(f Frame, word fa.Word) bool {
	switch f.FA.Word() {
	case fa.WordTotals, fa.WordInfo:
		return word == f.FA.Word()
	case fa.WordReread:
		return word == fa.WordRecord || word == fa.WordNoRecord
	}
	return false
}

// asks says that a frame is a station's own question.
func asks(f Frame) bool {
	return f.protocol == FA && f.Way == ToDispenser && (f.FA.Word() == fa.WordTotals || f.FA.Word() == fa.WordInfo || f.FA.Word() == fa.WordReread)
}

// setAside takes the station's own questions and their answers out of the order.
func (p *Player) setAside() {
	taken := make([]bool, len(p.items))
	for i, x := range p.items {
		if !asks(x.Frame) {
			continue
		}
		taken[i] = true
		a := aside{question: x}
		for j := i + 1; j < len(p.items) && len(a.answer) == 0; j++ {
			if y := p.items[j]; !taken[j] && y.Way == FromDispenser && answers(x.Frame, y.FA.Word()) {
				taken[j], a.answer = true, []item{y}
			}
		}
		p.asides = append(p.asides, a)
	}
	var rest []item
	for i, x := range p.items {
		if !taken[i] {
			rest = append(rest, x)
		}
	}
	p.items = rest
}

// answerAside answers a station's own question: the next one like it on the tape, or again the last one that was answered.
func (p *Player) answerAside(key string) bool {
	last := -1
	for i, a := range p.asides {
		if a.question.key == key {
			if last = i; !a.asked {
				break
			}
		}
	}
	if last < 0 {
		return p.matching == Minimal
	}
	p.asides[last].asked = true
	for _, x := range p.asides[last].answer {
		p.out = append(p.out, x.Wire())
	}
	return true
}

// missing is a question that must come and has not, -1 if there is none.
func (p *Player) missing() int {
	if p.matching != Minimal {
		for i, a := range p.asides {
			if !a.asked {
				return i
			}
		}
	}
	return -1
}

// polls says that a frame is a question or answer of the line's heartbeat. Source: dispenser.md 2.3, 3.3.
func polls(f Frame) bool {
	if f.protocol == LF {
		return f.Way == ToDispenser && lf.Command(f.LF[2]) == lf.Query || f.Way == FromDispenser && f.LF.IsStatus()
	}
	return f.FA.Word() == fa.WordPoll || f.FA.Word() == fa.WordLive
}

// Offsets of the clock in a poll's answer. Source: dispenser.md 3.4.
const (
	clockFrom = 1
	clockTo   = 8
)

// key is what must be the same of a frame.
func (p *Player) key(f Frame) string {
	minimal := p.matching == Minimal && f.Way == ToDispenser
	if f.protocol == LF {
		if minimal {
			return string(f.LF[:1]) + string(f.LF[2:3])
		}
		return string(f.LF[:])
	}
	x := f.FA
	if p.header.Masked {
		x = unwire(mask(x))
	}
	if minimal {
		return string(x.Data[:1])
	}
	if p.matching == Strict {
		return string(fa.Encode(x))
	}
	data := bytes.Clone(x.Data)
	if x.Word() == fa.WordPoll && len(data) >= clockTo {
		clear(data[clockFrom:clockTo])
	}
	return string(data)
}

func unwire(wire []byte) (f fa.Frame) {
	var d fa.Decoder
	d.Decode(wire, func(x fa.Frame) { f = x })
	return f
}

// merge makes one of equal exchanges that follow each other. An exchange begins with a request of the station (LF) or a poll of
// the board (FA).
func merge(items []item) (out []item) {
	begins := func(x item) bool {
		if x.protocol == LF {
			return x.Way == ToDispenser
		}
		return x.Way == FromDispenser && x.FA.Word() == fa.WordPoll
	}
	var before []item
	for i := 0; i < len(items); {
		end := i + 1
		for end < len(items) && !begins(items[end]) {
			end++
		}
		if group := items[i:end]; !same(before, group) {
			out = append(out, group...)
			before = group
		}
		i = end
	}
	return out
}

func same(a, b []item) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].key != b[i].key || a[i].Way != b[i].Way {
			return false
		}
	}
	return true
}

// Start begins to play.
func (p *Player) Start(now clock.Instant) {
	p.started = now
	p.plan(now)
	p.advance(now)
}

// Receive takes bytes of the other side.
func (p *Player) Receive(now clock.Instant, data []byte) {
	for _, f := range p.cut.Cut(Piece{At: now.Sub(p.started), Way: ToDispenser, Data: data}) {
		if f.Way == ToDispenser && len(p.queue) < mostQueued { // anything else is an echo
			p.queue = append(p.queue, f)
		}
	}
	p.advance(now)
}

// Wake goes on when the tape's time has come.
func (p *Player) Wake(now clock.Instant) { p.advance(now) }

// Due is when Wake is wanted; clock.Never at the end.
func (p *Player) Due() clock.Instant {
	if p.Done() || p.err != nil {
		return clock.Never
	}
	return p.due
}

// Done says that the whole tape was played.
func (p *Player) Done() bool { return p.at == len(p.items) && p.missing() < 0 }

// Played tells how many of the tape's frames were played, as the matching counts them.
func (p *Player) Played() (n, of int) {
	n, of = p.at, len(p.items)
	for _, a := range p.asides {
		of += 1 + len(a.answer)
		if a.asked {
			n += 1 + len(a.answer)
		}
	}
	return n, of
}

// Err is why the replay has ended before its end: a *Diverged.
func (p *Player) Err() error { return p.err }

// Take hands over bytes to send at once.
func (p *Player) Take() (out [][]byte) {
	out, p.out = p.out, nil
	return out
}

// plan says when the item at hand is due: a frame to send after the tape's pause, a frame to come within Patience of it.
func (p *Player) plan(now clock.Instant) {
	if p.at == len(p.items) {
		p.due = now.Add(Lead)
		return
	}
	gap := time.Duration(0)
	if p.at > 0 {
		gap = min(p.items[p.at].At-p.items[p.at-1].At, MostGap)
	}
	p.due = now.Add(gap)
	switch {
	case p.items[p.at].Way == FromDispenser:
	case p.last >= 0:
		p.due = p.due.Add(Patience)
	case p.at > 0:
		p.due = now.Add(Lead)
	default:
		p.due = clock.Never
	}
}

// advance plays as far as it goes now.
func (p *Player) advance(now clock.Instant) {
	for p.err == nil && !p.Done() {
		if len(p.queue) > 0 && p.matching != Strict && asks(p.queue[0]) {
			f := p.queue[0]
			p.queue = p.queue[1:]
			if !p.answerAside(p.key(f)) {
				p.diverge(p.wanted(p.at), f.Show(false).String())
			}
			continue
		}
		if p.at == len(p.items) {
			if !p.wait(now) {
				return
			}
			continue
		}
		x := p.items[p.at]
		switch {
		case x.Way == FromDispenser && now >= p.due:
			p.out = append(p.out, x.Wire())
			p.at++
			p.plan(now)
		case x.Way == ToDispenser && len(p.queue) > 0:
			f := p.queue[0]
			p.queue = p.queue[1:]
			p.match(now, f)
		case x.Way == ToDispenser && now >= p.due && p.last < 0:
			for _, lead := range p.items[:p.at] {
				p.out = append(p.out, lead.Wire())
			}
			p.plan(now)
			return
		case x.Way == ToDispenser && now >= p.due:
			p.diverge(x, "")
		default:
			return
		}
	}
}

// wait goes on polling behind the tape's end while a question is missing: a station asks between polls. It reports whether
// there was anything to do.
func (p *Player) wait(now clock.Instant) bool {
	if p.until == 0 {
		p.until = now.Add(Patience)
	}
	switch {
	case len(p.queue) > 0:
		p.queue = p.queue[1:] // the answer to such a poll
		return true
	case now >= p.until:
		p.diverge(p.asides[p.missing()].question, "")
		return true
	case now >= p.due:
		for i := len(p.items) - 1; i >= 0; i-- {
			if x := p.items[i]; x.Way == FromDispenser && x.poll {
				p.out = append(p.out, x.Wire())
				break
			}
		}
		p.plan(now)
	}
	return false
}

// match takes a frame of the other side where the tape wants one.
func (p *Player) match(now clock.Instant, f Frame) {
	key := p.key(f)
	at := p.at
	if p.matching == Minimal && !polls(f) {
		for at < len(p.items) && (p.items[at].poll || p.items[at].Way == FromDispenser) && p.items[at].key != key {
			at++ // polls that the other side leaves out
		}
	}
	if at < len(p.items) && p.items[at].Way == ToDispenser && p.items[at].key == key {
		p.last, p.at = at, at+1
		p.plan(now)
		return
	}
	if p.tolerates(key, f) {
		p.again(f)
		return
	}
	p.diverge(p.wanted(at), f.Show(false).String())
}

// tolerates says that a frame which the tape does not want now may come all the same.
func (p *Player) tolerates(key string, f Frame) bool {
	switch p.matching {
	case Compact:
		return p.last >= 0 && p.items[p.last].key == key
	case Minimal:
		return polls(f)
	}
	return false
}

// again answers a repeated LF request with what the dispenser last said to it; an FA board answers no repetition.
func (p *Player) again(f Frame) {
	if f.protocol != LF {
		return
	}
	key, answer := p.key(f), -1
	for i := 0; i < p.at; i++ {
		if p.items[i].Way == ToDispenser && p.items[i].key == key {
			answer = i + 1
		}
	}
	for i := answer; i > 0 && i < p.at && p.items[i].Way == FromDispenser; i++ {
		p.out = append(p.out, p.items[i].Wire())
	}
}

// wanted is what the tape holds at a place, its last frame behind its end.
func (p *Player) wanted(at int) item {
	if len(p.items) == 0 {
		return p.asides[0].question // a tape of nothing else
	}
	return p.items[min(at, len(p.items)-1)]
}

func (p *Player) diverge(x item, got string) {
	p.err = &Diverged{Line: x.Line, Frame: x.number, Want: x.Show(false).String(), Got: got}
}
