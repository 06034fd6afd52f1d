// Package app wires cores to journals, lines and peers: Site holds the one rule that matters (nothing leaves before the act
// it names is durable), Runner drives a Site in real time with goroutines, Program is what main and the tests start.
package app

import (
	"errors"
	"fmt"

	"greylock/system/clock"
	"greylock/system/journal"
	"greylock/system/link"
	"greylock/system/wire/record"
)

// Doors is the world outside of a site. None of its methods may call back into the Site.
type Doors interface {
	Send(line int, data []byte)
	Call(c link.Call)
	Reply(r link.Reply)
	// WakeAt asks for Site.Wake at that time; a later call replaces it.
	WakeAt(at clock.Instant)
	// Commit asks for one journal Commit soon, followed by Site.Committed. Acts staged meanwhile join the same commit or the next.
	Commit()
	// End asks for the end of the program: nothing is wrong, everything it has said is durable.
	End(why string)
}

// Site is one core over one journal. It is driven by one goroutine, or by an event heap.
type Site struct {
	core    link.Core
	journal *journal.Journal
	doors   Doors

	staged  []staged // in order, not yet durable
	sent    int      // how many of staged were handed to the commit now under way
	durable link.ActID
	held    []held // effects that wait, in order
	asked   bool   // a commit is under way
	failed  error
}

type staged struct {
	id    link.ActID
	first uint64
	facts []record.Fact
}

type held struct {
	after   link.ActID
	release func()
}

// ErrStopped wraps every error of a site that must not go on: it starts again by replay.
var ErrStopped = errors.New("站点已停止, 请重新启动以重放日志 (site stopped: start again, it replays its journal)")

// Open replays the journal into the core. A new journal gets first as its first fact; an old one must begin with the same
// site, kind and realm, else the directory belongs to somebody else.
func Open(core link.Core, j *journal.Journal, doors Doors, first record.SiteOpened) (*Site, error) {
	s := &Site{core: core, journal: j, doors: doors}
	if seq, _ := j.Head(); seq == 0 {
		line, err := record.Encode(first)
		if err != nil {
			return nil, err
		}
		if _, err := j.Append(line); err != nil {
			return nil, fmt.Errorf("app: first record: %w", err)
		}
	}
	err := j.Read(1, func(r journal.Record) error {
		f, err := record.Decode(r.Body)
		if err != nil {
			return fmt.Errorf("app: journal record %d: %w", r.Seq, err)
		}
		if r.Seq == 1 {
			if err := sameSite(f, first); err != nil {
				return err
			}
		}
		core.Apply(r.Seq, f)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

func sameSite(f record.Fact, want record.SiteOpened) error {
	got, ok := f.(record.SiteOpened)
	if !ok {
		return fmt.Errorf("%w: 日志不以 site.opened 开头 (the journal does not begin with site.opened)", ErrSetting)
	}
	if got.Site != want.Site || got.Kind != want.Kind || got.Realm != want.Realm {
		return fmt.Errorf("%w: 日志属于 %s %s (%s), 不是 %s %s (%s): 请检查数据目录 (the journal belongs to another site: check the data directory)",
			ErrSetting, got.Kind, got.Site, got.Realm, want.Kind, want.Site, want.Realm)
	}
	return nil
}

// Core returns the core, for reading its views.
func (s *Site) Core() link.Core { return s.core }

// Journal returns the journal, for reading.
func (s *Site) Journal() *journal.Journal { return s.journal }

// Err is why the site has stopped, nil while it runs.
func (s *Site) Err() error { return s.failed }

// Idle reports that nothing waits for the disk.
func (s *Site) Idle() bool { return len(s.staged) == 0 && len(s.held) == 0 }

// Start begins the site's work, after Open.
func (s *Site) Start(now clock.Instant) error {
	return s.do(func() { s.core.Start(now) })
}

// Receive brings bytes from a line.
func (s *Site) Receive(now clock.Instant, line int, data []byte) error {
	return s.do(func() { s.core.Receive(now, line, data) })
}

// Line says that a line was opened or lost.
func (s *Site) Line(now clock.Instant, line int, up bool) error {
	return s.do(func() { s.core.Line(now, line, up) })
}

// Serve brings a request; its answer comes through Doors.Reply with the same id.
func (s *Site) Serve(now clock.Instant, id uint64, path string, body []byte) error {
	return s.do(func() { s.core.Serve(now, id, path, body) })
}

// Answered brings the outcome of a call.
func (s *Site) Answered(now clock.Instant, id uint64, status int, body []byte, err error) error {
	return s.do(func() { s.core.Answered(now, id, status, body, err) })
}

// Wake comes at or after the time asked for.
func (s *Site) Wake(now clock.Instant) error {
	return s.do(func() { s.core.Wake(now) })
}

// Committed brings the outcome of the commit asked for. A failed flush ends the site: what was not acknowledged is not known
// to be there, and only replay tells.
func (s *Site) Committed(now clock.Instant, err error) error {
	if s.failed != nil {
		return s.failed
	}
	if err != nil {
		s.failed = fmt.Errorf("%w: %w", ErrStopped, err)
		return s.failed
	}
	done := s.staged[:s.sent]
	s.staged = s.staged[s.sent:]
	s.sent, s.asked = 0, false
	for _, a := range done {
		for i, f := range a.facts {
			s.core.Apply(a.first+uint64(i), f)
		}
		s.durable = a.id
		s.release()
		if err := s.do(func() { s.core.Durable(now, a.id) }); err != nil {
			return err
		}
	}
	return nil
}

// do lets the core take one event and carries out what it wants.
func (s *Site) do(event func()) error {
	if s.failed != nil {
		return s.failed
	}
	event()
	fx := s.core.Take()
	for _, a := range fx.Acts {
		if err := s.stage(a); err != nil {
			s.failed = fmt.Errorf("%w: %w", ErrStopped, err)
			return s.failed
		}
	}
	for _, x := range fx.Sends {
		if x.After <= s.durable {
			s.doors.Send(x.Line, x.Data)
			continue
		}
		s.hold(x.After, func() { s.doors.Send(x.Line, x.Data) })
	}
	for _, x := range fx.Calls {
		s.hold(x.After, func() { s.doors.Call(x) })
	}
	for _, x := range fx.Replies {
		s.hold(x.After, func() { s.doors.Reply(x) })
	}
	if e := fx.End; e != nil {
		s.hold(e.After, func() { s.doors.End(e.Why) })
	}
	if fx.Wake != 0 {
		s.doors.WakeAt(fx.Wake)
	}
	if len(s.staged) > 0 && !s.asked {
		s.asked, s.sent = true, len(s.staged)
		s.doors.Commit()
	}
	return nil
}

func (s *Site) stage(a link.Act) error {
	lines := make([][]byte, 0, len(a.Facts))
	for _, f := range a.Facts {
		line, err := record.Encode(f)
		if err != nil {
			return err
		}
		lines = append(lines, line)
	}
	first, err := s.journal.Stage(lines...)
	if err != nil {
		return fmt.Errorf("app: act of %d facts: %w", len(lines), err)
	}
	s.staged = append(s.staged, staged{a.ID, first, a.Facts})
	return nil
}

// hold releases at once what waits for nothing, and keeps the rest in order.
func (s *Site) hold(after link.ActID, release func()) {
	if after <= s.durable {
		release()
		return
	}
	s.held = append(s.held, held{after, release})
}

func (s *Site) release() {
	rest := s.held[:0]
	for _, h := range s.held {
		if h.after <= s.durable {
			h.release()
		} else {
			rest = append(rest, h)
		}
	}
	clear(s.held[len(rest):])
	s.held = rest
}
