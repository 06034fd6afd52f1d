package dispenser

import (
	"greylock/system/clock"
	"greylock/system/wire/lf"
	"time"
)

// lfJob is one request that a nozzle wants to make. The kinds are in order of urgency.
type lfJob struct {
	kind lfKind
	at   clock.Instant
	req  lf.Request
}

type lfKind int

const (
	lfStop lfKind = iota // valve first
	lfBarrier
	lfAuthorise
	lfRead
	lfControl
	lfPrice
	lfPoll
)

// lfWire is the one exchange of a line, and what is known of replies that may still come.
type lfWire struct {
	buf      [lf.Size]byte
	n        int
	last     clock.Instant // byte received
	quiet    clock.Instant // when the line was last used, by either side
	spoilt   bool          // discard until silence
	busy     bool
	nozzle   int
	job      lfJob
	frame    lf.Frame
	sent     clock.Instant
	deadline clock.Instant
	own      bool     // our own frame came back in this exchange
	looped   bool     // own frames come back on this line
	heard    lf.Frame // the last good frame
	slow     bool
	fast     int              // quick replies in a row while slow
	owed     [3]int           // replies of each form that were given up and may still come
	late     [3]clock.Instant // until when
}

// lfForm is which replies can be taken for each other. A board answers in the order it was asked, so that a reply of one form
// proves that no older reply of any form will come.
type lfForm int

const (
	lfStateForm lfForm = iota // Query, and the refusal of any command
	lfCashForm
	lfLitresForm
)

func formOf(c lf.Command) lfForm {
	switch c {
	case lf.TotalCash:
		return lfCashForm
	case lf.TotalLitres:
		return lfLitresForm
	}
	return lfStateForm
}

// inStep reports whether a reply of that form can only be the answer to the request that is outstanding.
func (w *lfWire) inStep(now clock.Instant, f lfForm) bool {
	return w.owed[f] == 0 || now >= w.late[f]
}

// freeFor is when a job may be sent on an idle line: commands wait for the pause; a stop only lets our own last frame end.
// Source: dispenser.md 2.5.
func (w *lfWire) freeFor(j lfJob, pause time.Duration) clock.Instant {
	switch {
	case w.spoilt: // but babble must not silence the station
		return min(w.last.Add(lfSilence), w.sent.Add(lfSlowReply))
	case j.kind == lfPoll:
		return w.quiet
	case j.kind == lfStop:
		return min(w.quiet.Add(pause), w.sent.Add(lfFrameTime+lfSilence))
	}
	return w.quiet.Add(pause)
}

// ask sends a request. What is in the buffer belongs to nothing: it is dropped.
func (d *LF) ask(now clock.Instant, n *lfNozzle, j lfJob) {
	f, err := j.req.Frame()
	if err != nil {
		panic("dispenser: own frame: " + err.Error())
	}
	w := &d.wire
	if w.n > 0 {
		d.counters.Cut++
	}
	w.n, w.spoilt, w.busy, w.own = 0, false, true, false
	w.nozzle, w.job, w.frame, w.sent = n.index, j, f, now
	wait := d.cfg.Timing.Reply
	if w.slow {
		wait = max(wait, lfSlowReply)
	}
	w.deadline, w.quiet = now.Add(lfFrameTime+wait), now.Add(lfFrameTime)
	d.frames = append(d.frames, f[:])
	d.sent(now, n, j)
}

// take collects bytes into frames: silence ends a partial one, a bad one spoils everything up to the next silence, and nothing
// ever slides over the stream. Source: dispenser.md 2.1.
func (d *LF) take(now clock.Instant, data []byte) {
	w := &d.wire
	if now.Sub(w.last) > lfSilence {
		if w.n > 0 {
			d.counters.Cut++
		}
		w.n, w.spoilt = 0, false
	}
	for _, b := range data {
		w.last, w.quiet = now, max(w.quiet, now)
		if w.spoilt {
			d.counters.Noise++
			continue
		}
		w.buf[w.n] = b
		if w.n++; w.n == lf.Size {
			w.n = 0
			d.frame(now, lf.Frame(w.buf))
		}
	}
	if w.busy && w.spoilt { // retry after silence, but babble must not hold the line for ever
		w.deadline = min(now.Add(lfSilence), w.sent.Add(lfSlowReply))
	}
}

// frame takes twelve bytes. What is not the answer to the outstanding request is counted and forgotten.
func (d *LF) frame(now clock.Instant, f lf.Frame) {
	w := &d.wire
	switch {
	case !f.Good():
		d.bad()
	case !w.busy:
		d.unasked(now, f)
	case f == w.frame && !w.own && (w.job.req.Command == lf.Query || w.looped):
		w.own, w.looped = true, true
		d.counters.Echoes++
		if !d.echoTold {
			d.echoTold = true
			d.event(Echo{})
		}
	case !sameNozzle(f[0], w.job.req.Nozzle):
		d.otherNozzle(now, f)
	default:
		d.reply(now, f)
	}
}

func (d *LF) bad() {
	d.counters.Bad++
	d.wire.spoilt = true
}

// sameNozzle compares the nozzle of a reply, of which boards keep the low four bits only. Source: dispenser.md 2.2.
func sameNozzle(got, want byte) bool { return got == want || want <= 15 && got&15 == want }

// reply takes a good frame of the right nozzle while a request is outstanding.
func (d *LF) reply(now clock.Instant, f lf.Frame) {
	w, n := &d.wire, d.nozzles[d.wire.nozzle]
	cmd := w.job.req.Command
	certain := w.inStep(now, formOf(cmd))
	switch {
	case formOf(cmd) != lfStateForm && f[2] == byte(cmd):
		t, err := lf.ParseTotal(f)
		if err != nil {
			d.bad()
			return
		}
		d.done(now, f)
		d.gotTotal(now, n, cmd, t.Total, certain)
	case f.IsStatus():
		s, err := lf.ParseStatus(f)
		if err != nil || s.State&lf.Extensions != 0 && !d.cfg.Extensions {
			d.bad()
			return
		}
		if formOf(cmd) != lfStateForm {
			d.unasked(now, f) // totals are never refused: an older reply
			return
		}
		d.done(now, f)
		if cmd == lf.Query {
			d.gotStatus(now, n, s, certain)
		}
	case echoOf(f, w.frame):
		d.done(now, f)
		d.gotEcho(now, n, w.job)
	default:
		d.unasked(now, f)
	}
}

// echoOf reports whether f is the echo of a command. Presets may be echoed under either word. Source: dispenser.md 2.3.
func echoOf(f, req lf.Frame) bool {
	preset := func(c byte) bool { return lf.Command(c) == lf.FuelCash || lf.Command(c) == lf.FuelLitres }
	if lf.Command(req[2]) == lf.Query || f[1] != 0 {
		return false
	}
	return f[2] == req[2] || preset(f[2]) && preset(req[2])
}

// done ends the exchange with an answer. One that is in step proves that no older reply is under way.
func (d *LF) done(now clock.Instant, f lf.Frame) {
	w := &d.wire
	d.counters.Good++
	w.busy, w.heard = false, f
	if !w.own {
		w.looped = false
	}
	if w.inStep(now, formOf(w.job.req.Command)) {
		w.owed = [3]int{}
	}
	if w.slow && now.Sub(w.sent) <= lfFrameTime+d.cfg.Timing.Reply {
		if w.fast++; w.fast >= lfFastAgain {
			w.slow, w.fast = false, 0
		}
	} else {
		w.fast = 0
	}
}

// unasked notes a frame that answers nothing. A second copy of the last one is harmless; one that was owed shows that the board
// is slow; any other shows that replies and requests may be out of step.
func (d *LF) unasked(now clock.Instant, f lf.Frame) {
	w := &d.wire
	d.counters.Late++
	if f == w.heard {
		return
	}
	w.heard = f
	form := lfStateForm
	if !f.IsStatus() {
		form = formOf(lf.Command(f[2]))
	}
	if !w.inStep(now, form) { // it was owed
		w.owed[form]--
		w.slow, w.fast = true, 0
		return
	}
	w.owed[form], w.late[form] = 1, now.Add(lfLate)
}

// otherNozzle takes a good frame with a wrong nozzle number, which the checksum does not cover. After an authorisation it may
// mean that another nozzle was set free: both are stopped. Source: trust.md rows 41, 89.
func (d *LF) otherNozzle(now clock.Instant, f lf.Frame) {
	d.counters.WrongNozzle++
	w, n := &d.wire, d.nozzles[d.wire.nozzle]
	if w.job.kind == lfAuthorise && echoOf(f, w.frame) {
		d.fail(n, now)
		for _, m := range d.nozzles {
			if m != n && sameNozzle(f[0], m.cfg.Number) {
				d.stop(m, now)
			}
		}
	}
	if n.wrong++; n.wrong == lfOdd || w.job.kind == lfAuthorise {
		d.event(Strange{n.index, TroubleNozzle})
	}
}

// expire ends an exchange that has waited too long. A frame that is still coming in is let in.
func (d *LF) expire(now clock.Instant) {
	w := &d.wire
	if !w.busy || now < w.deadline {
		return
	}
	if end := min(w.last.Add(lfSilence), w.sent.Add(lfSlowReply)); w.n > 0 && end >= now && w.last >= w.sent {
		w.deadline = end + 1
		return
	}
	d.drop(now)
	d.missed(now, d.nozzles[w.nozzle], w.job)
}

// drop gives the exchange up; its reply may still come and must not be taken for another's.
func (d *LF) drop(now clock.Instant) {
	w := &d.wire
	if !w.busy {
		return
	}
	w.busy = false
	d.counters.Missed++
	f := formOf(w.job.req.Command)
	if w.inStep(now, f) {
		w.owed[f] = 0
	}
	w.owed[f]++
	w.late[f] = w.sent.Add(lfLate)
	w.quiet = max(w.quiet, now)
}
