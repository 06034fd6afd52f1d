package world

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"greylock/emulators/dispenser"
	"greylock/emulators/fault"
	"greylock/emulators/line"
	"greylock/system/clock"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// WordFaults brings faults about by the one vocabulary.
type WordFaults interface {
	// Inject brings about what fault.Parse reads: now, or when its time comes; one with a duration mends itself.
	Inject(text string) error
	// Relieve ends all faults that were injected, also those that have not begun.
	Relieve() error
	// Struck tells how often the injected faults of this device and kind have taken effect.
	Struck(text string) (int, error)
	// Burst sends so many bytes of noise towards a board and tells how long they took.
	Burst(nozzle record.Nozzle, bytes int) (time.Duration, error)
	// LineErrors counts what came with wrong parity, or without a stop bit.
	LineErrors(nozzle record.Nozzle) (parity, framing int, err error)
}

// injured is a fault on its way, or in force.
type injured struct {
	f      fault.Fault
	begun  bool
	ended  bool
	end    func()     // nil: nothing is left of it
	struck func() int // nil: once, when it began
}

// injector brings a fault about.
type injector func(w *World, f fault.Fault, x *injured) error

// pair is a row of fault.Table.
type pair struct {
	device fault.Device
	kind   fault.Kind
}

// injectors by the pairs of fault.Table: a test holds that they are the same.
func injectors() map[pair]injector {
	all := map[pair]injector{}
	for _, group := range []map[pair]injector{lineInjectors(), pumpInjectors(), plainInjectors(), chipInjectors(), siteInjectors()} {
		for p, i := range group {
			all[p] = i
		}
	}
	return all
}

func (f faults) Inject(text string) error {
	x := &injured{}
	var err error
	if x.f, err = fault.Parse(text); err != nil {
		return err
	}
	inject := injectors()[pair{x.f.Device, x.f.Kind}]
	if inject == nil {
		return fmt.Errorf("%w: 这座城镇做不到 (this town can not do it): %s", fault.ErrPair, text)
	}
	w := f.w
	w.injured = append(w.injured, x)
	begin := func() {
		if x.ended {
			return
		}
		if err = inject(w, x.f, x); err != nil {
			w.note("fault", err.Error())
			x.ended = true
			return
		}
		x.begun = true
		w.happened(string(x.f.Device) + " " + string(x.f.Kind))
		if x.f.For > 0 {
			w.at(w.now.Add(x.f.For), x.relieve)
		}
	}
	if x.f.After > 0 {
		w.at(w.now.Add(x.f.After), begin)
		return nil
	}
	begin()
	return err
}

func (f faults) Relieve() error {
	for _, x := range f.w.injured {
		x.relieve()
	}
	return nil
}

// relieve ends it.
func (x *injured) relieve() {
	if !x.ended && x.begun && x.end != nil {
		x.end()
	}
	x.ended = true
}

func (f faults) Struck(text string) (n int, err error) {
	q, err := fault.Parse(text)
	for _, x := range f.w.injured {
		switch {
		case err != nil || x.f.Device != q.Device || x.f.Kind != q.Kind || !x.begun:
		case x.struck == nil:
			n++
		default:
			n += x.struck()
		}
	}
	return n, err
}

// lateBy is how late a delayed piece comes at most: longer than a station waits for the answer of a plain board.
const lateBy = 400 * time.Millisecond

// usual is the probability of damage that the text does not say, in thousandths.
const usual = 100

// contact is the rhythm of a bad contact.
const contact, contactLost = time.Second, 300 * time.Millisecond

// numbered is the nozzle that a fault names; 0, which is none, for a name.
func numbered(f fault.Fault) record.Nozzle {
	n, err := strconv.Atoi(f.Place)
	if err != nil {
		return 0
	}
	return record.Nozzle(n)
}

// wired finds the line of a nozzle, of either family.
func (w *World) wired(n record.Nozzle) (wire, error) {
	if p := w.pumps[n]; p != nil {
		return p.line, nil
	}
	if h, ok := w.plain[n]; ok {
		return h.p.line, nil
	}
	return nil, fmt.Errorf("没有 %d 号枪 (no such nozzle)", n)
}

// lineInjectors are the faults of the wire.
func lineInjectors() map[pair]injector {
	all := map[pair]injector{}
	for k, d := range map[fault.Kind]line.Kind{
		"flip": line.Flip, "drop": line.Drop, "insert": line.Insert, "lose": line.Lose, "garbage": line.Babble, "delayed": line.Delay,
		"duplicate": line.Duplicate, "reorder": line.Reorder, "stale": line.Stale, "echo": line.Echo, "tear-byte": line.Tear,
	} {
		all[pair{fault.Line, k}] = damaging(d)
	}
	for k, do := range map[fault.Kind]func(now clock.Instant, m *line.Mem, on bool){
		"off": func(_ clock.Instant, m *line.Mem, on bool) {
			if on {
				m.Cut()
			} else {
				m.Restore()
			}
		},
		"half":   func(_ clock.Instant, m *line.Mem, on bool) { m.Half(line.Station, on) },
		"baud":   func(_ clock.Instant, m *line.Mem, on bool) { set(m, on, line.UART{Baud: line.DefaultBaud / 2}) },
		"parity": func(_ clock.Instant, m *line.Mem, on bool) { set(m, on, line.UART{Parity: line.Even}) },
		"break":  func(now clock.Instant, m *line.Mem, on bool) { m.Break(now, line.Station, on) },
	} {
		all[pair{fault.Line, k}] = standing(do)
	}
	all[pair{fault.Line, "noise"}] = noisy
	all[pair{fault.Line, "intermittent"}] = intermittent
	all[pair{fault.Line, "crossed"}] = crossed
	all[pair{fault.Line, "wrong"}] = func(w *World, f fault.Fault, x *injured) error { return w.counted(x, "upload flipped", flipUpload)(f) }
	return all
}

// set sets the dispenser's side otherwise than the station's, or as it was.
func set(m *line.Mem, on bool, u line.UART) {
	if !on {
		u = m.UART(line.Station)
	}
	m.Set(line.Device, u)
}

// damaging is damage of both directions.
func damaging(k line.Kind) injector {
	return func(w *World, f fault.Fault, x *injured) error {
		wire, err := w.wired(numbered(f))
		if err != nil {
			return err
		}
		d := line.Fault{Kind: k, PerMille: f.Permill, Times: f.Times, Delay: lateBy, At: f.At}
		switch {
		case k == line.Echo || k == line.Tear && f.Times > 0 || d.PerMille == 0 && f.Times > 0:
			d.PerMille = 1000
		case d.PerMille == 0:
			d.PerMille = usual
		}
		var all []*line.Fault
		wire.with(func(_ clock.Instant, m *line.Mem) {
			for _, to := range []line.Side{line.Station, line.Device} {
				all = append(all, m.Add(to, d))
			}
		})
		x.struck = func() (n int) {
			wire.with(func(clock.Instant, *line.Mem) {
				for _, d := range all {
					n += d.Struck
				}
			})
			return n
		}
		x.end = func() {
			wire.with(func(_ clock.Instant, m *line.Mem) {
				for _, d := range all {
					m.Remove(d)
				}
			})
		}
		return nil
	}
}

// noisy counts bytes, so that a line is as bad whatever the size of its pieces.
func noisy(w *World, f fault.Fault, x *injured) error {
	wire, err := w.wired(numbered(f))
	if err != nil {
		return err
	}
	before := uint64(0)
	wire.with(func(_ clock.Instant, m *line.Mem) {
		before = m.Damaged()
		m.Noise(f.Permill)
	})
	x.struck = func() (n int) {
		wire.with(func(_ clock.Instant, m *line.Mem) { n = int(m.Damaged() - before) })
		return n
	}
	x.end = func() { wire.with(func(_ clock.Instant, m *line.Mem) { m.Noise(0) }) }
	return nil
}

// standing is a state of the wire that lasts until it is mended.
func standing(do func(now clock.Instant, m *line.Mem, on bool)) injector {
	return func(w *World, f fault.Fault, x *injured) error {
		wire, err := w.wired(numbered(f))
		if err != nil {
			return err
		}
		wire.with(func(now clock.Instant, m *line.Mem) { do(now, m, true) })
		x.end = func() { wire.with(func(now clock.Instant, m *line.Mem) { do(now, m, false) }) }
		return nil
	}
}

// intermittent cuts and joins the line again and again.
func intermittent(w *World, f fault.Fault, x *injured) error {
	wire, err := w.wired(numbered(f))
	if err != nil {
		return err
	}
	cuts := 0
	var cut func()
	cut = func() {
		if x.ended {
			return
		}
		cuts++
		wire.with(func(_ clock.Instant, m *line.Mem) { m.Cut() })
		w.at(w.now.Add(contactLost), func() { wire.with(func(_ clock.Instant, m *line.Mem) { m.Restore() }) })
		w.at(w.now.Add(contact), cut)
	}
	cut()
	x.struck = func() int { return cuts }
	return nil
}

// crossed swaps the cables of two nozzles.
func crossed(w *World, f fault.Fault, x *injured) error {
	a, b := numbered(f), record.Nozzle(f.At)
	x.end = func() {
		if err := w.SwapCables(a, b); err != nil {
			w.note("fault", err.Error())
		}
	}
	return w.SwapCables(a, b)
}

// counted turns a fault of the next record into one of the next so many, and counts what w.happened says of it.
func (w *World) counted(x *injured, word string, arm func(p *pump)) func(f fault.Fault) error {
	return func(f fault.Fault) error {
		p, err := w.pumped(f)
		if err != nil {
			return err
		}
		before := w.faults[word]
		left := max(1, f.Times)
		var again func()
		again = func() {
			if p.mangle = nil; left > 0 {
				left--
				arm(p)
				p.mangled = again
			}
		}
		again()
		x.struck = func() int { return w.faults[word] - before }
		x.end = func() { p.mangle, p.mangled = nil, nil }
		return nil
	}
}

// pumped finds the card dispenser of a nozzle.
func (w *World) pumped(f fault.Fault) (*pump, error) {
	if p := w.pumps[numbered(f)]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("没有 %s 号枪, 或它不是 IC 卡加油机 (no such nozzle, or no IC-card dispenser)", f.Place)
}

// Figures of sick dispensers.
const (
	slowFlow   = 5_000 // mL/min
	wornValve  = 2000  // µL per 10 ms
	badBounce  = 60 * time.Millisecond
	nearlyFull = 2   // clicks
	jitter     = 300 // permille of the pulses
)

// ailments are the mechanical faults that dispensers of both families have.
var ailments = map[fault.Kind]func(p *dispenser.Physics, on bool){
	"stuck":      func(p *dispenser.Physics, on bool) { p.Stuck = on },
	"slow":       func(p *dispenser.Physics, on bool) { p.MaxFlow = either(on, slowFlow) },
	"bounce":     func(p *dispenser.Physics, on bool) { p.Bounce = time.Duration(either(on, int(badBounce))) },
	"hook-stuck": func(p *dispenser.Physics, on bool) { p.HookStuck = on },
	"clicks":     func(p *dispenser.Physics, on bool) { p.Clicks = either(on, nearlyFull) },
	"reverse":    func(p *dispenser.Physics, on bool) { p.Reverse = either(on, jitter) },
}

// pumpInjectors are the faults of card dispensers.
func pumpInjectors() map[pair]injector {
	all := map[pair]injector{}
	for k, change := range ailments {
		all[pair{fault.Dispenser, k}] = sick(change)
	}
	all[pair{fault.Dispenser, "leak"}] = sick(func(p *dispenser.Physics, on bool) { p.Leak = either(on, wornValve) })
	litres := func(n int) unit.Quantity { return unit.Quantity(n * 100) }
	for k, do := range map[fault.Kind]func(b *dispenser.Board, now clock.Instant, n int){
		"total-leap":   func(b *dispenser.Board, now clock.Instant, n int) { b.JumpTotal(now, litres(n)) },
		"total-back":   func(b *dispenser.Board, now clock.Instant, n int) { b.JumpTotal(now, -litres(n)) },
		"unauthorised": func(b *dispenser.Board, now clock.Instant, n int) { b.Manual(now, litres(n)) },
	} {
		all[pair{fault.Dispenser, k}] = once(do)
	}
	all[pair{fault.Dispenser, "off"}] = unpowered
	all[pair{fault.Dispenser, "duplicate"}] = func(w *World, f fault.Fault, x *injured) error {
		return w.counted(x, "upload repeated", repeatUpload)(f)
	}
	all[pair{fault.Dispenser, "replay"}] = func(w *World, f fault.Fault, _ *injured) error {
		p, err := w.pumped(f)
		if err != nil {
			return err
		}
		return w.ReplaySale(p.nozzle)
	}
	all[pair{fault.Dispenser, "add-previous"}] = func(w *World, f fault.Fault, x *injured) error {
		p, err := w.pumped(f)
		if err != nil {
			return err
		}
		before := w.faults["previous sale added"]
		x.struck = func() int { return w.faults["previous sale added"] - before }
		return w.AddPreviousSale(p.nozzle)
	}
	all[pair{fault.Dispenser, "deaf"}] = func(w *World, f fault.Fault, x *injured) error {
		p, err := w.pumped(f)
		if err != nil {
			return err
		}
		before := w.faults["prices swallowed"]
		x.struck = func() int { return w.faults["prices swallowed"] - before }
		x.end = func() { p.mangle = nil }
		return faults{w}.DeafToPrices(p.nozzle, true)
	}
	return all
}

func either(on bool, n int) int {
	if on {
		return n
	}
	return 0
}

// sick changes the physics of a dispenser, over power cuts too. A pump that has locked itself has been to service when it is
// mended.
func sick(change func(p *dispenser.Physics, on bool)) injector {
	return func(w *World, f fault.Fault, x *injured) error {
		p, err := w.pumped(f)
		if err != nil {
			return err
		}
		turn := func(on bool) {
			change(&p.cfg.Physics, on)
			if p.board == nil {
				return
			}
			p.board.SetPhysics(w.now, p.cfg.Physics)
			if !on && p.board.State() == dispenser.StateLocked {
				p.board.Initialise(w.now)
			}
			p.settle()
		}
		turn(true)
		x.end = func() { turn(false) }
		return nil
	}
}

// once does something to the board.
func once(do func(b *dispenser.Board, now clock.Instant, n int)) injector {
	return func(w *World, f fault.Fault, _ *injured) error {
		p, err := w.pumped(f)
		if err == nil && p.board == nil {
			err = fmt.Errorf("%s 没有电 (no power)", p.where)
		}
		if err == nil {
			do(p.board, w.now, f.At)
			p.settle()
		}
		return err
	}
}

func unpowered(w *World, f fault.Fault, x *injured) error {
	p, err := w.pumped(f)
	if err != nil {
		return err
	}
	p.powerOff()
	x.end = func() {
		if p.board == nil {
			p.powerOn()
		}
	}
	return nil
}

// chipInjectors are the faults of cards, PSAMs and the desk's reader.
func chipInjectors() map[pair]injector {
	all := map[pair]injector{}
	for k, after := range map[fault.Kind]bool{"tear-command": false, "tear-answer": true} {
		all[pair{fault.Card, k}] = func(w *World, f fault.Fault, x *injured) error {
			p, err := w.card(f.Place)
			if err != nil {
				return err
			}
			cut := &tear{nth: f.At, after: after}
			p.tear = cut
			x.struck = func() int { return either(cut.nth == 0, 1) }
			x.end = func() { p.tear = nil }
			return nil
		}
	}
	for k, what := range map[fault.Kind]loss{"unplug": readerOut, "off": serviceDown} {
		all[pair{fault.Reader, k}] = func(w *World, f fault.Fault, x *injured) error {
			cut := &tear{nth: f.At, what: what}
			w.outlet.cut = cut
			x.struck = func() int { return either(cut.nth == 0, 1) }
			return nil
		}
	}
	ailing := func(find func(w *World, f fault.Fault) (*ailment, error), change func(a *ailment, f fault.Fault)) injector {
		return func(w *World, f fault.Fault, x *injured) error {
			a, err := find(w, f)
			if err != nil {
				return err
			}
			*a = ailment{}
			change(a, f)
			x.struck = func() int { return a.struck }
			x.end = func() { *a = ailment{struck: a.struck} }
			return nil
		}
	}
	card := func(w *World, f fault.Fault) (*ailment, error) {
		p, err := w.card(f.Place)
		if err != nil {
			return nil, err
		}
		return &p.ail, nil
	}
	sam := func(w *World, f fault.Fault) (*ailment, error) {
		p, err := w.pumped(f)
		if err != nil {
			return nil, err
		}
		return &p.sam.ail, nil
	}
	slow := func(a *ailment, _ fault.Fault) { a.slow = chipLate }
	wrong := func(a *ailment, f fault.Fault) { a.wrong = max(1, f.Times) }
	all[pair{fault.Card, "slow"}], all[pair{fault.Card, "wrong"}] = ailing(card, slow), ailing(card, wrong)
	all[pair{fault.PSAM, "slow"}], all[pair{fault.PSAM, "wrong"}] = ailing(sam, slow), ailing(sam, wrong)
	all[pair{fault.PSAM, "off"}] = ailing(sam, func(a *ailment, _ fault.Fault) { a.dead = true })
	return all
}

// chipLate is what a slow chip needs beside its usual time.
const chipLate = 300 * time.Millisecond

// ailment is what is wrong with a chip.
type ailment struct {
	slow   time.Duration
	wrong  int  // answers 6F00 so many times
	dead   bool // does not answer
	struck int
}

// takes says whether the chip's own answer is to be asked for at all, and if not, what comes in its place.
func (a *ailment) takes() (answer []byte, dead, asked bool) {
	switch {
	case a.dead:
		a.struck++
		return nil, true, false
	case a.wrong > 0:
		a.wrong--
		a.struck++
		return []byte{0x6F, 0x00}, false, false
	case a.slow > 0:
		a.struck++
	}
	return nil, false, true
}

// siteInjectors are the faults of programs, disks, hubs and of the way to the center.
func siteInjectors() map[pair]injector {
	return map[pair]injector{
		{fault.Hub, "off"}:          hubOff,
		{fault.Station, "off"}:      killed,
		{fault.Station, "stuck"}:    inside(func(s *site, x *injured) { s.freeze(); x.end = s.thaw }),
		{fault.Disk, "slow"}:        inside(func(s *site, x *injured) { s.disk.Slow(diskLate); x.end = func() { s.disk.Slow(0) } }),
		{fault.Disk, "full"}:        inside(diskFull),
		{fault.Disk, "sync"}:        inside(func(s *site, x *injured) { s.disk.FailSync(1); s.supervise(x) }),
		{fault.Disk, "short"}:       inside(func(s *site, x *injured) { s.disk.ShortWrite(); s.supervise(x) }),
		{fault.Disk, "tear-byte"}:   inside(func(s *site, x *injured) { s.disk.CutAfter(int64(x.f.At)); s.supervise(x) }),
		{fault.Clock, "ahead"}:      leaping(1),
		{fault.Clock, "behind"}:     leaping(-1),
		{fault.Center, "off"}:       centerOff,
		{fault.Center, "slow"}:      inside(func(s *site, x *injured) { s.hop = farAway; x.end = func() { s.hop = 0 } }),
		{fault.Center, "lose"}:      inside(losing),
		{fault.Center, "duplicate"}: inside(func(s *site, x *injured) { s.w.twiceMore(s, x) }),
		{fault.Center, "wrong"}:     inside(func(s *site, x *injured) { s.w.forge = s.open.Site; x.struck = s.w.since("prices forged") }),
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

// supervise starts the program again whenever it has ended, until the fault is mended, and then once more.
func (s *site) supervise(x *injured) {
	again := func() {
		if s.run == nil {
			if err := s.w.Restart(s.open.Site); err != nil {
				s.w.note("fault", err.Error())
			}
		}
	}
	var look func()
	look = func() {
		if !x.ended {
			again()
			s.w.at(s.w.now.Add(restarted), look)
		}
	}
	look()
	x.end = again
}

func centerOff(w *World, f fault.Fault, x *injured) error {
	id := record.SiteID(f.Place)
	x.end = func() { _ = faults{w}.MendCenter(id) } // it was there when it was cut
	return faults{w}.CutCenter(id)
}

// losing loses requests on their way to the center.
func losing(s *site, x *injured) {
	s.loses = x.f.Permill
	if s.loses == 0 {
		s.loses = usual
	}
	x.struck = s.w.since("request lost")
	x.end = func() { s.loses = 0 }
}

// twiceMore sends the next batches twice.
func (w *World) twiceMore(s *site, x *injured) {
	s.twice = max(1, x.f.Times)
	x.struck = w.since("batch repeated")
	x.end = func() { s.twice = 0 }
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

// Burst sends so many bytes of noise towards a board and tells how long the last of them was on the way.
func (f faults) Burst(n record.Nozzle, bytes int) (took time.Duration, err error) {
	w := f.w
	x, err := w.wired(n)
	if err != nil {
		return 0, err
	}
	waiting, crossed := 0, uint64(0)
	look := func() {
		x.with(func(_ clock.Instant, m *line.Mem) {
			waiting, crossed = m.Waiting(line.Device), m.Counters(line.Device).Bytes
		})
	}
	if err := w.until("the line is free", func() bool { look(); return waiting == 0 }, time.Minute); err != nil {
		return 0, err
	}
	from, all := w.now, crossed+uint64(bytes)
	x.with(func(now clock.Instant, m *line.Mem) { m.Babble(now, line.Device, bytes) })
	err = w.until("the bytes have crossed", func() bool { look(); return crossed >= all }, time.Minute)
	return w.now.Sub(from), err
}

// LineErrors counts the bytes of a nozzle's line that came with wrong parity or without a stop bit, in both directions.
func (f faults) LineErrors(n record.Nozzle) (parity, framing int, err error) {
	err = f.line(n, func(x wire) {
		x.with(func(_ clock.Instant, m *line.Mem) {
			for _, to := range []line.Side{line.Station, line.Device} {
				c := m.Counters(to)
				parity, framing = parity+int(c.Parity), framing+int(c.Framing)
			}
		})
	})
	return parity, framing, err
}
