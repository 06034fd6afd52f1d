package world

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"greylock/system/app"
	"greylock/system/clock"
	"greylock/system/journal"
	"greylock/system/journal/faultfile"
	"greylock/system/link"
	"greylock/system/wire/record"
)

// Times of a site's surroundings.
const (
	flushTime  = 300 * time.Microsecond // one group commit (trust.md 7.3)
	hopTime    = 20 * time.Millisecond  // one way between a site and the center
	callLimit  = 5 * time.Second        // after which a lost request counts as failed
	faultFlush = "journal flush"
)

// site is one site's program inside the world: a core over a journal on an unkind disk.
type site struct {
	w     *World
	open  record.SiteOpened
	make  func(j *journal.Journal) (link.Core, error) // a fresh core; called at every start
	disk  *faultfile.Disk
	run   *app.Site // nil while the program is not running
	life  int       // counts starts; events of an earlier life are void
	wake  *event
	lines map[int]func(data []byte)
	cut   bool // separated from the center
	way
	skew    time.Duration // how far its machine's clock is ahead
	frozen  bool          // stands still
	waiting []func()      // what comes for it meanwhile
	wrong   StartFault    // what its machine or configuration has wrong at its next start
	ended   string        // why its program has ended by itself since its last start
	asks    map[uint64]func(status int, body []byte)
	askID   uint64

	supervised bool // its program is started again when it has failed
}

// way is what a site's way to the center has wrong.
type way struct {
	twice int           // so many next batches are sent twice
	hop   time.Duration // one way beside the usual time
	loses int           // thousandths of its requests get lost
}

// lost says whether a request of a site gets lost now.
func (w *World) lost(id record.SiteID, y *way) bool {
	if y.loses == 0 || w.stream("loss "+string(id)).IntN(1000) >= y.loses {
		return false
	}
	w.happened("request lost")
	return true
}

// wayOf is a site's way to the center, wherever its program runs; nil: there is no such site.
func (w *World) wayOf(id record.SiteID) *way {
	if p := w.external[id]; p != nil {
		return &p.way
	}
	if s := w.stations[id]; s != nil {
		return &s.way
	}
	return nil
}

// start opens the journal and starts the program.
func (s *site) start() error {
	j, _, err := journal.Open(s.disk, journal.Options{Reserve: 4096})
	if err != nil {
		return fmt.Errorf("site %s: %w", s.open.Site, err)
	}
	core, err := s.make(j)
	if err != nil {
		return errors.Join(fmt.Errorf("site %s: %w", s.open.Site, err), j.Close())
	}
	s.life++
	if s.wake == nil {
		s.wake = s.w.timer(s.woken)
	}
	first := s.open
	first.TimeMs = s.clock().Milli()
	s.run, err = app.Open(core, j, siteDoors{s, s.life}, first)
	if err != nil {
		return fmt.Errorf("site %s: %w", s.open.Site, err)
	}
	s.asks, s.ended = map[uint64]func(int, []byte){}, ""
	return s.guard(s.run.Start(s.clock()))
}

// kill is kill -9 and a power cut in one: what was not flushed is lost, kept or torn as the disk's seed decides.
func (s *site) kill() {
	if s.run == nil {
		return
	}
	s.run, s.frozen, s.waiting = nil, false, nil
	s.life++
	s.disk = s.disk.Crash(s.w.stream("crash " + string(s.open.Site)).Uint64())
	s.w.drop(s.wake)
	s.w.happened("kill")
}

// woken lets the program do what it has waited for.
func (s *site) woken() {
	if !s.later(s.woken) {
		_ = s.guard(s.run.Wake(s.clock()))
	}
}

// clock is the time by the clock of its machine.
func (s *site) clock() clock.Instant { return s.w.now.Add(s.skew) }

// jump sets that clock so far ahead; the program looks at it at once.
func (s *site) jump(ahead time.Duration) {
	s.skew = ahead
	if s.run != nil {
		s.w.set(s.wake, s.w.now)
	}
}

// guard stops the program when its site has failed, as production does.
func (s *site) guard(err error) error {
	if err != nil {
		s.w.note("site "+string(s.open.Site)+" stopped", err.Error())
		s.kill()
		if s.supervised {
			s.w.at(s.w.now.Add(restarted), s.again)
		}
	}
	return err
}

// at plans f inside this life of the program.
func (s *site) at(t clock.Instant, f func()) *event {
	life := s.life
	return s.w.at(t, func() {
		if s.life == life && s.run != nil && !s.later(f) {
			f()
		}
	})
}

// serve brings a request to the core; answer comes later, never if the program dies before.
func (s *site) serve(path string, body []byte, answer func(status int, body []byte)) {
	if s.later(func() { s.serve(path, body, answer) }) {
		return
	}
	s.askID++
	s.asks[s.askID] = answer
	_ = s.guard(s.run.Serve(s.clock(), s.askID, path, body))
}

// receive brings bytes of a line.
func (s *site) receive(line int, data []byte) {
	if s.later(func() { s.receive(line, data) }) {
		return
	}
	if s.run != nil {
		_ = s.guard(s.run.Receive(s.clock(), line, data))
	}
}

// lineIs tells the program that a line is up or down.
func (s *site) lineIs(line int, up bool) {
	if s.run != nil {
		_ = s.guard(s.run.Line(s.clock(), line, up))
	}
}

// siteDoors carries out a site's effects in virtual time.
type siteDoors struct {
	s    *site
	life int
}

func (d siteDoors) Send(line int, data []byte) {
	if out := d.s.lines[line]; out != nil {
		out(data)
	}
}

func (d siteDoors) WakeAt(at clock.Instant) {
	s := d.s
	if at != clock.Never {
		at = max(at.Add(-s.skew), s.w.now)
	}
	switch {
	case s.wake.place != gone && s.wake.at == at:
	case at == clock.Never:
		s.w.drop(s.wake)
	default:
		s.w.set(s.wake, at)
	}
}

func (d siteDoors) Commit() {
	s := d.s
	s.at(s.w.now.Add(flushTime+s.disk.Latency()), func() {
		from, _ := s.run.Journal().Head()
		err := s.run.Journal().Commit()
		s.w.committed(s, from)
		_ = s.guard(s.run.Committed(s.clock(), err))
	})
}

// End ends the program, outside of what it is doing now.
func (d siteDoors) End(why string) { d.s.at(d.s.w.now, func() { d.s.finish(why) }) }

func (d siteDoors) Reply(r link.Reply) {
	s := d.s
	answer := s.asks[r.ID]
	delete(s.asks, r.ID)
	if answer != nil {
		answer(r.Status, r.Body)
	}
}

// Call carries a request to the center and its answer back; a cut or a dead end is an error after the limit.
func (d siteDoors) Call(c link.Call) {
	s := d.s
	w := s.w
	answered := false
	var finish func(status int, body []byte, err error)
	finish = func(status int, body []byte, err error) {
		if s.later(func() { finish(status, body, err) }) {
			return
		}
		if !answered {
			answered = true
			_ = s.guard(s.run.Answered(s.clock(), c.ID, status, body, err))
		}
	}
	s.at(w.now.Add(callLimit), func() {
		if !answered {
			finish(0, nil, fmt.Errorf("no answer from %s within %v", c.Peer, callLimit))
		}
	})
	times := 1
	if s.twice > 0 && c.Path == record.PathBatch {
		s.twice, times = s.twice-1, 2
		w.happened("batch repeated")
	}
	for range times {
		w.at(w.now.Add(hopTime+s.hop), func() { w.toCenter(s, c, finish) })
	}
}

// toCenter is the far end of a call.
func (w *World) toCenter(s *site, c link.Call, finish func(int, []byte, error)) {
	center := w.center
	if s.cut || center.run == nil {
		w.happened("center unreachable")
		return
	}
	if w.lost(s.open.Site, &s.way) {
		return
	}
	life := s.life
	center.serve(c.Path, bytes.Clone(c.Body), func(status int, body []byte) {
		body = w.altered(s.open.Site, c.Path, w.forged(s.open.Site, c.Path, body))
		w.at(w.now.Add(hopTime+s.hop), func() {
			if !s.cut && s.life == life && s.run != nil {
				finish(status, body, nil)
			}
		})
	})
}
