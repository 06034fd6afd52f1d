package world

import (
	"fmt"
	"slices"
	"time"

	"greylock/emulators/fault"
	"greylock/system/wire/record"
)

// siteInjectors are the faults of programs, disks, hubs and of the way to the center.
func siteInjectors() map[pair]injector {
	return map[pair]injector{
		{fault.Hub, "off"}:          hubOff,
		{fault.Station, "off"}:      killed,
		{fault.Station, "stuck"}:    stuck,
		{fault.Disk, "slow"}:        inside(func(s *site, x *injured) { s.disk.Slow(diskLate); x.end = func() { s.disk.Slow(0) } }),
		{fault.Disk, "full"}:        inside(diskFull),
		{fault.Disk, "sync"}:        inside(func(s *site, x *injured) { s.disk.FailSync(1); s.supervise(x) }),
		{fault.Disk, "short"}:       inside(func(s *site, x *injured) { s.disk.ShortWrite(); s.supervise(x) }),
		{fault.Disk, "tear-byte"}:   inside(func(s *site, x *injured) { s.disk.CutAfter(int64(x.f.At)); s.supervise(x) }),
		{fault.Clock, "ahead"}:      leaping(1),
		{fault.Clock, "behind"}:     leaping(-1),
		{fault.Center, "off"}:       centerOff,
		{fault.Center, "slow"}:      onTheWay(func(_ *World, y *way, x *injured) { y.hop = farAway; x.end = func() { y.hop = 0 } }),
		{fault.Center, "lose"}:      onTheWay(losing),
		{fault.Center, "duplicate"}: onTheWay(twiceMore),
		{fault.Center, "wrong"}: onTheWay(func(w *World, _ *way, x *injured) {
			w.forge, x.struck = record.SiteID(x.f.Place), w.since("prices forged")
		}),
	}
}

// Times of sick surroundings.
const (
	diskLate  = 200 * time.Millisecond
	farAway   = 3 * time.Second
	restarted = 5 * time.Second // a program that has ended is started again so much later
)

// since counts what happens from now on.
func (w *World) since(word string) func() int {
	before := w.faults[word]
	return func() int { return w.faults[word] - before }
}

// inside is a fault of a station whose program runs in this world.
func inside(do func(s *site, x *injured)) injector {
	return func(w *World, f fault.Fault, x *injured) error {
		s := w.stations[record.SiteID(f.Place)]
		if s == nil {
			return fmt.Errorf("没有站点 %s, 或它是独立的进程 (no such site, or it is a process of its own)", f.Place)
		}
		do(s, x)
		return nil
	}
}

// behind says whether a port is one of the hub that the fault means; without a number it means all hubs.
func (w *World) behind(f fault.Fault, site record.SiteID, port int) bool {
	if site != record.SiteID(f.Place) {
		return false
	}
	if f.At == 0 {
		return true
	}
	for _, s := range w.scenario.Stations {
		first := 0
		for i, ports := range s.Hubs {
			if first += ports; s.ID == f.Place && i+1 == f.At {
				return port > first-ports && port <= first
			}
		}
	}
	return false
}

// leaping lets a station's clock leap, and leap back when it is mended.
func leaping(sign time.Duration) injector {
	return inside(func(s *site, x *injured) {
		s.jump(sign * time.Duration(x.f.At) * time.Second)
		x.end = func() { s.jump(0) }
	})
}

// hubOff cuts the lines of a station, or those of one hub.
func hubOff(w *World, f fault.Fault, x *injured) error {
	var all []wire
	for _, p := range w.pumpList {
		if w.behind(f, p.site, p.port) {
			all = append(all, p.line)
		}
	}
	for _, p := range w.plainList {
		if w.behind(f, p.site, p.port) {
			all = append(all, p.line)
		}
	}
	if len(all) == 0 {
		return fmt.Errorf("站点 %s 没有这个集线器 (no such hub)", f.Place)
	}
	for _, x := range all {
		cut(x, true)
	}
	x.end = func() {
		for _, x := range all {
			cut(x, false)
		}
	}
	return nil
}

// killed ends a program; it starts again when the fault is mended.
func killed(w *World, f fault.Fault, x *injured) error {
	id := record.SiteID(f.Place)
	x.end = func() {
		if err := w.Restart(id); err != nil {
			w.note("fault", err.Error())
		}
	}
	return w.Kill(id)
}

// diskFull leaves no byte; what the journal keeps in reserve is on the disk already.
func diskFull(s *site, x *injured) {
	s.disk.Limit(0)
	s.supervise(x)
	ended := x.end
	x.end = func() { s.disk.Limit(-1); ended() }
}

// supervise starts the program again whenever it has failed, a while later, as a service manager does; what is mended lets it
// start at once.
func (s *site) supervise(x *injured) {
	s.supervised = true
	x.end = s.again
	if s.run == nil {
		s.again()
	}
}

// again starts a program that has failed; where that can not be, it is tried again.
func (s *site) again() {
	if s.run != nil {
		return
	}
	if err := s.w.Restart(s.open.Site); err != nil {
		s.w.note("fault", err.Error())
		s.w.at(s.w.now.Add(restarted), s.again)
	}
}

// centerOff separates a site from the center.
func centerOff(w *World, f fault.Fault, x *injured) error {
	id := record.SiteID(f.Place)
	cut := func(on bool) { w.external[id].cut = on }
	if s := w.stations[id]; s != nil {
		cut = func(on bool) { s.cut = on }
	} else if w.external[id] == nil {
		return fmt.Errorf("没有站点 %s (no such site)", id)
	}
	cut(true)
	x.end = func() { cut(false) }
	return nil
}

// onTheWay is a fault between a station and the center, wherever the station's program runs.
func onTheWay(do func(w *World, y *way, x *injured)) injector {
	return func(w *World, f fault.Fault, x *injured) error {
		y := w.wayOf(record.SiteID(f.Place))
		if y == nil {
			return fmt.Errorf("没有站点 %s (no such site)", f.Place)
		}
		do(w, y, x)
		return nil
	}
}

// losing loses requests on their way to the center.
func losing(w *World, y *way, x *injured) {
	y.loses = x.f.Permill
	if y.loses == 0 {
		y.loses = usual
	}
	x.struck = w.since("request lost")
	x.end = func() { y.loses = 0 }
}

// twiceMore sends the next batches twice.
func twiceMore(w *World, y *way, x *injured) {
	y.twice = max(1, x.f.Times)
	x.struck = w.since("batch repeated")
	x.end = func() { y.twice = 0 }
}

// stuck lets a program stand still: a process is stopped by a signal.
func stuck(w *World, f fault.Fault, x *injured) error {
	id := record.SiteID(f.Place)
	if p := w.external[id]; p != nil {
		still, ok := p.process.(interface{ Freeze(on bool) error })
		if !ok {
			return fmt.Errorf("站点 %s 的程序不能暂停 (its program can not be made to stand still)", id)
		}
		x.end = func() {
			if err := still.Freeze(false); err != nil {
				w.note("fault", err.Error())
			}
		}
		return still.Freeze(true)
	}
	return inside(func(s *site, x *injured) { s.freeze(); x.end = s.thaw })(w, f, x)
}

// freeze lets a program stand still: what comes for it waits.
func (s *site) freeze() { s.frozen = true }

// thaw lets it go on with what has waited.
func (s *site) thaw() {
	s.frozen = false
	waiting := s.waiting
	s.waiting = nil
	for _, f := range waiting {
		f()
	}
}

// later keeps what a program that stands still is to do; false if it runs.
func (s *site) later(f func()) bool {
	if !s.frozen {
		return false
	}
	life := s.life
	s.waiting = append(slices.Clip(s.waiting), func() {
		if s.life == life {
			f()
		}
	})
	return true
}
