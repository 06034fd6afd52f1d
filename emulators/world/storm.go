package world

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"greylock/system/clock"
	"greylock/system/journal"
	"greylock/system/wire/fa"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Storm is a station that is killed again and again while every nozzle sells, in real processes on pseudo-terminals.
type Storm struct {
	Nozzles int
	Kills   int   // kill -9 of the station's process, at random instants, also while it starts
	Seed    int64 // of the customers, the instants and the town; the machine's own scheduling is not in it
	Fill    bool  // once in between the disk with the journals is full; it must be one of at most maxFillDisk
}

// Bounds of a storm.
const (
	maxKills    = 1000
	maxFillDisk = 256 << 20       // a disk that is made for it, not anybody's own
	fullTime    = 2 * time.Minute // at most, until the station has met it
	fullLook    = 200 * time.Millisecond
	fullReserve = 2048 // of the station's journal, so that a storm uses it up
	unplugTime  = 5 * time.Second
	mostAlive   = 3 * time.Second // between the start and the kill, evenly from nothing
	mostDead    = 300 * time.Millisecond
	stormQuiet  = 5 * time.Minute // for what is left at the end
)

// ErrStorm is wrapped by every refusal of a Storm's values.
var ErrStorm = errors.New("压力试验参数有误 (values of the storm)")

// StormReport is what the storm has left.
type StormReport struct {
	Kills     int           `json:"kills"`
	Unplugged int           `json:"unplugged"`  // times that a port was taken off and came back
	DiskFull  int           `json:"disk_full"`  // times that the disk was filled up
	NoSpace   int           `json:"no_space"`   // programs that found nothing left, the reserve neither
	Sales     int           `json:"sales"`      // customers served
	GaveUp    int           `json:"gave_up"`    // customers who did not get through
	Records   int           `json:"records"`    // in the station's journal
	Twice     int           `json:"twice"`      // of these, with a number that was there already: none may be
	Posted    int           `json:"posted"`     // in the center's books
	Amount    unit.Fen      `json:"amount_fen"` // of these
	Nozzles   []NozzleDay   `json:"per_nozzle"`
	Checks    []CheckReport `json:"checkers"`
}

// PlayedStorm is a Storm with its town.
type PlayedStorm struct {
	Storm
	*crowd
	report StormReport
	err    error

	ballast   *os.File // fills the disk; nil: it is not full
	fullUntil clock.Instant
}

// NewStorm builds the town in real time. opt.Program starts the station's process.
func NewStorm(s Storm, opt Options) (*PlayedStorm, error) {
	if s.Seed == 0 {
		s.Seed = 1
	}
	if s.Nozzles < 1 || s.Nozzles > maxDayNozzles || s.Kills < 1 || s.Kills > maxKills || s.Fill && s.Kills < 2 {
		return nil, fmt.Errorf("%w: nozzles %d: 1…%d, kills %d: 1…%d, 2 to fill the disk", ErrStorm, s.Nozzles, maxDayNozzles, s.Kills, maxKills)
	}
	if s.Fill {
		if err := small(opt.Dir); err != nil {
			return nil, err
		}
	}
	if s.Fill {
		opt.Reserve = fullReserve
	}
	opt.Seed = s.Seed
	c, err := newCrowd(s.Nozzles, 0, opt)
	if err != nil {
		return nil, err
	}
	return &PlayedStorm{Storm: s, crowd: c}, nil
}

// Play lets the storm pass and closes the books.
func (s *PlayedStorm) Play() (StormReport, error) {
	from := map[record.Nozzle]unit.Totalizer{}
	for _, p := range s.w.pumpList {
		from[p.nozzle] = p.total()
		s.next(p)
	}
	s.strike()
	err := s.w.Until("压力试验结束 (the storm is over)", func() bool { return s.err != nil || s.over && s.selling == 0 },
		time.Duration(s.Kills)*2*(mostAlive+mostDead)+fullTime+stormQuiet)
	err = errors.Join(s.err, err)
	if err == nil {
		err = s.w.Settle(stormQuiet)
	}
	if s.Fill && s.report.NoSpace == 0 {
		err = errors.Join(err, errors.New("盘没有满到让站级程序停下 (the station never met the full disk)"))
	}
	s.report.Checks, s.report.Sales, s.report.GaveUp = s.w.Checks(), s.served, s.gaveUp
	err = errors.Join(err, s.w.Violation(), s.p.stop(), s.w.Audit(s.site), s.books(from))
	return s.report, errors.Join(err, s.w.Close())
}

// strike kills the station's process, plays the other faults at their turn, and starts it again.
func (s *PlayedStorm) strike() {
	s.w.After(time.Duration(s.rnd.Int64N(int64(mostAlive))), s.blow)
}

// blow is the end of a process. One whose disk is full lives until it has met that.
func (s *PlayedStorm) blow() {
	if s.ballast != nil {
		if !s.starved() && s.w.now < s.fullUntil {
			s.w.After(fullLook, s.blow)
			return
		}
		if s.starved() {
			s.report.NoSpace++
		}
		s.fail(s.empty())
	}
	if s.p.process != nil {
		s.fail(s.p.kill())
	}
	s.report.Kills++
	if s.report.Kills == s.Kills/3 {
		s.unplug()
	}
	if s.report.Kills == max(1, s.Kills/2) {
		s.fill()
	}
	s.over = s.report.Kills == s.Kills
	s.w.After(time.Duration(s.rnd.Int64N(int64(mostDead))), s.launch)
}

// starved says that the running process has found no space: its journal's, or any other file's.
func (s *PlayedStorm) starved() bool {
	p := s.p.process
	return p != nil && (strings.Contains(p.Log(), journal.ErrNoSpace.Error()) || strings.Contains(p.Log(), syscall.ENOSPC.Error()))
}

// launch starts the process without waiting for it: the next kill may meet it while it opens its journal.
func (s *PlayedStorm) launch() {
	process, err := s.w.opt.Program(s.p.config)
	if err != nil {
		s.fail(err)
		return
	}
	s.p.process = process
	if !s.over {
		s.strike()
	}
}

func (s *PlayedStorm) fail(err error) {
	if err != nil && s.err == nil {
		s.err = err
	}
}

// unplug takes one port off its machine: its name is gone for a while, the other nozzles go on.
func (s *PlayedStorm) unplug() {
	p := s.w.pumpList[s.rnd.IntN(len(s.w.pumpList))]
	old, ok := p.line.(*ptyWire)
	if !ok {
		return
	}
	s.fail(old.close()) // with its name
	p.line = nowhere{}
	s.w.After(unplugTime, func() {
		s.report.Unplugged++
		line, err := s.w.join(p.site, p.port, p.where, p.receive)
		s.fail(err)
		p.line = line
	})
}

// nowhere is the wire of a board whose port is off.
type nowhere struct{ wire }

func (nowhere) fromBoard(clock.Instant, []byte) {}
func (nowhere) waiting() int                    { return 0 }
func (nowhere) close() error                    { return nil }

// fill leaves no byte free on the disk.
func (s *PlayedStorm) fill() {
	if !s.Fill {
		return
	}
	f, err := os.Create(filepath.Join(s.w.opt.Dir, "ballast"))
	if err != nil {
		s.fail(err)
		return
	}
	for chunk := 1 << 20; chunk > 0; chunk /= 2 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, chunk))
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		s.fail(err)
	}
	s.report.DiskFull++
	s.ballast, s.fullUntil = f, s.w.now.Add(fullTime)
}

// empty gives the disk back.
func (s *PlayedStorm) empty() error {
	f := s.ballast
	s.ballast = nil
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// books compares the meters with the station's journal, and counts what the center has posted.
func (s *PlayedStorm) books(from map[record.Nozzle]unit.Totalizer) error {
	j, _, err := journal.Open(journal.OS(s.p.data), journal.Options{})
	if err != nil {
		return err
	}
	booked, seen := map[record.Nozzle]unit.Quantity{}, map[string]bool{}
	err = j.Read(1, func(r journal.Record) error {
		f, err := record.Decode(r.Body)
		if err != nil {
			return err
		}
		d, ok := f.(record.DispenserRecord)
		if !ok {
			return nil
		}
		rec, err := fa.ParseRecord(d.Raw)
		if err != nil {
			return err
		}
		s.report.Records++
		if key := fmt.Sprint(d.Port, d.Epoch, d.POSTTC); seen[key] {
			s.report.Twice++
		} else {
			seen[key] = true
		}
		if fuels(rec) {
			booked[d.Nozzle] += rec.Volume
		}
		return nil
	})
	err = errors.Join(err, j.Close())
	if s.report.Twice > 0 {
		err = errors.Join(err, fmt.Errorf("%d 条记录存了两次 (records are there twice)", s.report.Twice))
	}
	err = errors.Join(err, facts(s.w.center, func(f record.Fact) {
		if x, ok := f.(record.SalePosted); ok && x.Quantity > 0 && (x.TType == int(fa.Fuelling) || x.TType == int(fa.Escape)) {
			s.report.Posted++
			s.report.Amount += x.Amount
		}
	}))
	for _, p := range s.w.pumpList {
		line := NozzleDay{Nozzle: p.nozzle, Metered: p.total().Since(from[p.nozzle]), Booked: booked[p.nozzle]}
		s.report.Nozzles = append(s.report.Nozzles, line)
		if line.Metered != line.Booked {
			err = errors.Join(err, fmt.Errorf("%d 号枪: 泵码走了 %v, 记录共 %v (the meter moved more or less than the records say)", p.nozzle, line.Metered, line.Booked))
		}
	}
	return err
}
