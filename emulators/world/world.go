package world

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"greylock/emulators/cardos"
	"greylock/emulators/psam"
	"greylock/system/cardmaking"
	"greylock/system/center"
	"greylock/system/clock"
	"greylock/system/issuing"
	"greylock/system/journal"
	"greylock/system/vault"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// Options of a world.
type Options struct {
	Seed  int64         // 0: the scenario's
	Lines string        // "mem" (default) or "pty"
	Dir   string        // where journals are copied at the end (mem) or live (pty); "" for none (mem) or a temporary one (pty)
	Wall  clock.Clock   // nil: virtual time as fast as it goes; else the world keeps the wall's pace after it is built
	Speed int           // so many times the wall's pace; 0 is 1
	Keep  int           // trace lines kept; 0: 4000
	Poll  time.Duration // between two polls of a board; 0: its default
	Chunk time.Duration // bytes of a line in virtual time arrive in pieces of so long; 0: its default. Longer is faster
	Tap   func(Line)    // sees every line of the trace; nil for none
	// Readers carry the commands of all cards and PSAMs through a PC/SC service; nil: straight to the chip.
	Readers *Readers
	// Profile is what cards, PSAMs, terminals and hosts share; the zero value is fuelcard.National().
	Profile fuelcard.Profile
	// Reserve is what a station's journal keeps for a full disk (pty only); 0 is the journal's default.
	Reserve int64
	// Builds holds a place for each town that is being built at a time; nil: no bound. Building needs a processor, what comes after
	// it waits for boards.
	Builds chan struct{}
	// Program starts a station's program as a process of its own (pty only); the caller knows how to start itself again.
	Program func(config string) (Process, error)
}

// Process is a running program that can be killed.
type Process interface {
	Kill() error
	Wait() error
	Log() string
}

// World is a town. One goroutine is inside it at a time.
type World struct {
	loop
	opt      Options
	seed     int64
	scenario Scenario
	profile  fuelcard.Profile
	trace    *Trace
	checks   *checks
	faults   map[string]int // what has taken effect
	streams  map[string]*rand.Rand

	keys        *keyRoom
	foreign     *vault.Vault // another company's keys
	centerVault *vault.Vault
	makingVault *vault.Vault
	outletVault *vault.Vault
	transport   pboc.Key
	center      *site
	making      *bench
	outlet      *bench
	stations    map[record.SiteID]*site
	killAt      record.SiteID // its program is killed by the next close of a shift
	order       []record.SiteID
	external    map[record.SiteID]*program
	pumps       map[record.Nozzle]*pump
	pumpList    []*pump
	plain       map[record.Nozzle]plainHand
	depots      map[record.SiteID]*depot
	plainList   []*plainPump
	tills       map[int]*tillPlace // by the town's number: 100 a station
	tillList    []*tillPlace
	contactors  map[record.SiteID]*contactor
	supplies    map[record.SiteID]*supply
	cards       map[string]*plastic
	cardList    []*plastic
	lastCommand map[*plastic][]byte
	ttc         map[pboc.TID]pboc.PSAMTTC
	notes       []string
	receipts    int
	maker       *cardmaking.Maker
	desk        *issuing.Desk
	closers     []func() error
	plant       planted
	forge       record.SiteID         // whose next directive of prices is forged on its way
	alter       map[record.SiteID]int // directives about lists that are still to be altered on their way to a site
	injured     []*injured            // faults by the vocabulary, in the order of their injection
}

var _ Town = (*World)(nil)

// Start builds a town from a scenario: ceremony, sites, orders, PSAMs and cards through the product's own doors.
func Start(s Scenario, opt Options) (*World, error) {
	begin, err := s.start()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrScenario, err)
	}
	if opt.Lines == "pty" && opt.Wall == nil {
		opt.Wall = clock.System{}
	}
	if opt.Lines == "pty" {
		begin = opt.Wall.Now().Add(-buildAllowance)
	}
	if opt.Profile.Name == "" {
		opt.Profile = fuelcard.National()
	}
	if s.Calm && opt.Poll == 0 && opt.Chunk == 0 {
		opt.Poll, opt.Chunk = dayPoll, dayChunk
	}
	if opt.Keep == 0 {
		opt.Keep = 4000
	}
	w := &World{
		loop: newLoop(begin, nil), opt: opt, seed: opt.Seed, scenario: s, profile: opt.Profile,
		trace: newTrace(opt.Keep), checks: newChecks(), faults: map[string]int{}, streams: map[string]*rand.Rand{},
		stations: map[record.SiteID]*site{}, external: map[record.SiteID]*program{}, pumps: map[record.Nozzle]*pump{}, plain: map[record.Nozzle]plainHand{}, tills: map[int]*tillPlace{}, depots: map[record.SiteID]*depot{}, contactors: map[record.SiteID]*contactor{}, supplies: map[record.SiteID]*supply{},
		cards: map[string]*plastic{}, lastCommand: map[*plastic][]byte{}, ttc: map[pboc.TID]pboc.PSAMTTC{},
	}
	if w.seed == 0 {
		w.seed = s.Seed
	}
	w.trace.tap = opt.Tap
	if err := w.placed(w.build); err != nil {
		_ = w.Close() // the first error is the one that matters
		return nil, fmt.Errorf("城镇未能建成 (town not built): %w", err)
	}
	if opt.Wall != nil {
		w.now = max(w.now, begin)
		if opt.Lines == "pty" {
			w.advance(opt.Wall.Now(), func() bool { return false })
		}
		w.pace = pace{wall: opt.Wall, origin: opt.Wall.Now(), base: w.now, speed: max(1, time.Duration(opt.Speed))}
	}
	if opt.Lines == "pty" {
		if err := w.equipped(); err != nil {
			_ = w.Close()
			return nil, fmt.Errorf("城镇未能建成 (town not built): %w", err)
		}
	}
	return w, nil
}

// placed builds while there is a place.
func (w *World) placed(build func() error) error {
	if w.opt.Builds != nil {
		w.opt.Builds <- struct{}{}
		defer func() { <-w.opt.Builds }()
	}
	return build()
}

// buildAllowance is virtual time that building may take before a town in real time begins.
const buildAllowance = 10 * time.Minute

// stream is the random source of one part of the town, by name: one more draw in one place changes nothing elsewhere.
func (w *World) stream(label string) *rand.Rand {
	r, ok := w.streams[label]
	if !ok {
		sum := sha256.Sum256(fmt.Appendf(nil, "%d %s", w.seed, label))
		r = rand.New(rand.NewPCG(binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])))
		w.streams[label] = r
	}
	return r
}

// bytes is a stream as a source of random bytes.
func (w *World) bytes(label string) io.Reader { return w.chacha(label) }

func (w *World) chacha(label string) *rand.ChaCha8 {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d bytes %s", w.seed, label))
	return rand.NewChaCha8(sum)
}

// happened counts a fault that has taken effect.
func (w *World) happened(what string) {
	w.faults[what]++
	w.trace.add(w.now, "event", "fault", []byte(what))
}

// note keeps a line for whoever looks at a failure.
func (w *World) note(where, text string) {
	w.notes = append(w.notes, fmt.Sprintf("%v %s: %s", w.now, where, text))
	w.trace.add(w.now, "event", where, []byte(text))
}

// committed looks at the facts that a flush has made durable.
func (w *World) committed(s *site, from uint64) {
	err := s.run.Journal().Read(from+1, func(r journal.Record) error {
		w.trace.add(w.now, "fact", string(s.open.Site), r.Body)
		f, err := record.Decode(r.Body)
		if err != nil {
			return err
		}
		w.checks.fact(w, s, r, f)
		return nil
	})
	if err != nil {
		w.checks.fail(inv16, "site %s: %v", s.open.Site, err)
	}
}

// Now is the town's time.
func (w *World) Now() clock.Instant { return w.now }

// Trace is everything that has crossed a wire, a card's contacts or reached a journal.
func (w *World) Trace() *Trace { return w.trace }

// Notes are lines about what went wrong on the way.
func (w *World) Notes() []string { return w.notes }

// Violation is the first broken invariant, nil while all hold.
func (w *World) Violation() error { return w.checks.first }

// Checks are the checkers' counts so far.
func (w *World) Checks() []CheckReport { return w.checks.report() }

// askEvery is how often a town in real time looks whether what is waited for has happened: a look at a station's program is a
// request to its process, and asked after each event they would keep the town from its boards.
const askEvery = 20 * time.Millisecond

// Until lets time pass until cond holds.
func (w *World) Until(what string, cond func() bool, limit time.Duration) error {
	if wall, ask := w.pace.wall, cond; wall != nil {
		last := clock.Never
		cond = func() bool {
			now := wall.Now()
			if last != clock.Never && now.Sub(last) < askEvery {
				return false
			}
			held := ask()
			last = wall.Now()
			return held
		}
	}
	if err := w.until(what, cond, limit); err != nil {
		return fmt.Errorf("%w\n%s", err, w.state())
	}
	return nil
}

// Pass lets time pass.
func (w *World) Pass(d time.Duration) { w.advance(w.now.Add(d), func() bool { return false }) }

// state says where everybody stands.
func (w *World) state() (text string) {
	for _, p := range w.pumpList {
		v := p.view()
		text += fmt.Sprintf("  %s: %s %v 未上传 %d (%s)\n", p.where, v.State, v.Quantity, v.Unsent, v.Prompt.Zh)
	}
	for _, n := range w.notes[max(0, len(w.notes)-5):] {
		text += "  " + n + "\n"
	}
	return text
}

// Settle waits until boards are idle, everything is uploaded, shipped and posted.
func (w *World) Settle(limit time.Duration) error {
	err := w.Until("一切了结 (settled)", w.settled, limit)
	if err == nil {
		w.checks.quiescent(w)
	}
	return err
}

func (w *World) settled() bool {
	for _, p := range w.pumpList {
		if !p.idle() || p.view().Unsent > 0 || p.line.waiting() > 0 {
			return false
		}
	}
	for _, p := range w.plainList {
		if !p.settled() {
			return false
		}
	}
	for _, t := range w.tillList {
		if !t.away && w.checks.tillOf(t.site, t.number).busy() {
			return false
		}
	}
	for _, s := range w.sites() {
		if s.run == nil || !s.run.Idle() {
			return false
		}
		head, _ := s.run.Journal().Head()
		if s != w.center && w.shipped(s.open.Site) < head {
			return false
		}
	}
	for id, p := range w.external {
		if p.head() > w.shipped(id) {
			return false
		}
	}
	return true
}

// sites lists the programs inside the world, center first.
func (w *World) sites() []*site {
	all := []*site{w.center}
	if w.making != nil {
		all = append(all, w.making.site)
	}
	if w.outlet != nil {
		all = append(all, w.outlet.site)
	}
	for _, id := range w.order {
		if s := w.stations[id]; s != nil {
			all = append(all, s)
		}
	}
	return all
}

// Finish settles, runs the end checkers and reports.
func (w *World) Finish() (Report, error) {
	const limit = 5 * time.Minute
	err := w.Settle(limit)
	if err == nil {
		w.checks.end(w)
	}
	if w.checks.first != nil {
		err = w.checks.first
	}
	return Report{Seed: w.seed, Events: w.count, TraceHash: w.trace.Sum(), Checks: w.checks.report()}, err
}

// Close ends every program; with Options.Dir the journals of a town in memory are written there.
func (w *World) Close() error {
	var errs []error
	for _, p := range w.pumpList {
		w.rest(p.sam.slot, &p.sam.seat)
		if p.in != nil {
			w.rest(p.in.card, &p.in.seat)
		}
		if p.line != nil {
			errs = append(errs, p.line.close())
		}
	}
	for _, p := range w.plainList {
		if p.line != nil {
			errs = append(errs, p.line.close())
		}
	}
	for _, t := range w.tillList {
		w.restTill(t)
	}
	for _, id := range w.order {
		if x := w.contactors[id]; x != nil && x.line != nil {
			errs = append(errs, x.line.close())
		}
		if x := w.supplies[id]; x != nil && x.line != nil {
			errs = append(errs, x.line.close())
		}
		if p := w.external[id]; p != nil {
			errs = append(errs, p.stop())
		}
	}
	for _, c := range w.closers {
		errs = append(errs, c())
	}
	if w.opt.Dir != "" && w.center != nil {
		errs = append(errs, w.save())
	}
	return errors.Join(errs...)
}

// newCard is a blank user card of the batch.
func (w *World) newCard(name string, transport pboc.Key) (*plastic, error) {
	p := &plastic{name: name, nv: cardos.NewMemNV()}
	c, err := cardos.Blank(p.nv, w.bytes("card "+name), w.profile, transport)
	p.card = c
	return p, err
}

// newSAM is a blank PSAM of the batch.
func (w *World) newSAM(name string) (*sam, error) {
	s := &sam{}
	s.nv = psam.NewMemNV()
	p, err := psam.Blank(s.nv, w.bytes("psam "+name), w.profile, w.transport)
	s.psam, s.slot = p, p
	return s, err
}

// shipped is how much of a site's journal the center holds.
func (w *World) shipped(id record.SiteID) uint64 {
	seq, _ := w.mark(id)
	return seq
}

// mark is where the center stands with a site's journal, as its own list of sites says; it answers at once.
func (w *World) mark(id record.SiteID) (seq uint64, head []byte) {
	if w.center.run == nil {
		return 0, nil
	}
	w.center.serve(center.PathSites, []byte("{}"), func(_ int, body []byte) {
		var all center.Sites
		if json.Unmarshal(body, &all) != nil {
			return
		}
		for _, s := range all.Sites {
			if s.Site == id {
				seq, head = s.Seq, s.Head
			}
		}
	})
	return seq, head
}

// save writes the journals of the town's sites to the directory asked for.
func (w *World) save() error {
	for _, s := range w.sites() {
		dir := filepath.Join(w.opt.Dir, string(s.open.Site)+"-"+string(s.open.Kind))
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("world: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, "journal"), s.disk.Bytes("journal"), 0o600); err != nil {
			return fmt.Errorf("world: %w", err)
		}
	}
	return nil
}
