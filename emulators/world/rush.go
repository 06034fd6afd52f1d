package world

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"greylock/system/clock"
	"greylock/system/wire/fa"
)

// Rush measures a station's own process on real pseudo-terminals paced at 9600 baud while every nozzle sells.
type Rush struct {
	Nozzles int
	For     time.Duration
	Seed    int64
	// Poll is the pause between two polls of a board; 0 is a board's own. With 1 ns the boards poll as fast as the line can.
	Poll time.Duration
}

// RushReport is what was measured.
type RushReport struct {
	Polls    int           // answered, on all lines
	Rate     float64       // per second and line
	Busy     float64       // of the line's time, what bytes were on it in either direction: 1 is the limit of a line whose ends take turns
	PollP50  time.Duration // from a poll's last byte to its answer's last one, without the answer's time on the wire
	PollP99  time.Duration
	Records  int           // taken
	AckP50   time.Duration // from a record's last byte to the first byte of its acknowledgement: decoded, judged, on the disk
	AckP99   time.Duration
	CPU      float64       // of one core, the station's process
	RSS      int64         // KiB, the station's process
	Start    time.Duration // from exec to the first answered poll
	Sales    int           // customers served
	Violated error
}

// meter is the clock at a board's line.
type meter struct {
	clock   clock.Clock
	dec     fa.Decoder
	out     clock.Instant // when the last byte written so far has left
	waits   fa.Word       // the frame whose answer is waited for; 0 if none is
	left    clock.Instant // when its last byte left
	first   clock.Instant // of an answer, ever
	bytes   int           // both ways
	polls   []time.Duration
	records []time.Duration
}

// byteTime is one byte at 9600 baud.
const byteTime = 10 * time.Second / 9600

func (m *meter) sent(data []byte) {
	m.bytes += len(data)
	m.out = max(m.out, m.clock.Now()).Add(time.Duration(len(data)) * byteTime)
	var d fa.Decoder
	d.Decode(data, func(f fa.Frame) {
		if w := f.Word(); w == fa.WordPoll || w == fa.WordRecord {
			m.waits, m.left = w, m.out
		}
	})
}

func (m *meter) received(data []byte) {
	m.bytes += len(data)
	m.dec.Decode(data, func(f fa.Frame) {
		if f.Word() != m.waits {
			return
		}
		now := m.clock.Now()
		took := now.Sub(m.left) - time.Duration(len(fa.Encode(f)))*byteTime
		if m.waits == fa.WordPoll {
			m.polls = append(m.polls, took)
		} else {
			m.records = append(m.records, took)
		}
		if m.first == 0 {
			m.first = now
		}
		m.waits = 0
	})
}

// Measure lets a town sell for a while and measures. opt.Program starts the station's process; it must tell its number.
func Measure(r Rush, opt Options) (RushReport, error) {
	opt.Poll, opt.Seed = r.Poll, r.Seed
	s, err := newCrowd(r.Nozzles, 0, opt)
	if err != nil {
		return RushReport{}, err
	}
	w := s.w
	for _, p := range w.pumpList {
		p.meter = &meter{clock: w.pace.wall}
	}
	launched, pid, err := s.relaunch(opt)
	if err != nil {
		return RushReport{}, err
	}
	for _, p := range w.pumpList {
		s.next(p)
	}
	w.Pass(time.Second)
	cpu, _, err := usage(pid)
	if err != nil {
		return RushReport{}, err
	}
	for _, p := range w.pumpList {
		p.meter.polls, p.meter.bytes = nil, 0
	}
	from := w.pace.wall.Now()
	w.Pass(r.For)
	elapsed := w.pace.wall.Now().Sub(from)
	after, rss, err := usage(pid)
	if err != nil {
		return RushReport{}, err
	}
	report := s.measured(elapsed, launched)
	report.CPU, report.RSS = float64(after-cpu)/float64(elapsed), rss
	s.over = true
	if err := w.Until("顾客离开 (customers leave)", func() bool { return s.selling == 0 }, stormQuiet); err != nil {
		return report, err
	}
	report.Sales, report.Violated = s.served, w.Violation()
	return report, w.Close()
}

// relaunch starts the station's process anew, by a clock that began just before.
func (s *crowd) relaunch(opt Options) (launched clock.Instant, pid int, err error) {
	if err := s.p.kill(); err != nil {
		return 0, 0, err
	}
	launched = s.w.pace.wall.Now()
	if s.p.process, err = opt.Program(s.p.config); err != nil {
		return 0, 0, err
	}
	process, ok := s.p.process.(interface{ PID() int })
	if !ok {
		return 0, 0, fmt.Errorf("%w: the program does not tell its process number", ErrStorm)
	}
	return launched, process.PID(), nil
}

func (s *crowd) measured(elapsed time.Duration, launched clock.Instant) (r RushReport) {
	var polls, acks []time.Duration
	bytes := 0
	first := clock.Never
	for _, p := range s.w.pumpList {
		polls, acks = append(polls, p.meter.polls...), append(acks, p.meter.records...)
		bytes += p.meter.bytes
		if p.meter.first != 0 {
			first = min(first, p.meter.first)
		}
	}
	r.Polls, r.Records, r.Start = len(polls), len(acks), first.Sub(launched)
	r.PollP50, r.PollP99 = part(polls, 50), part(polls, 99)
	r.AckP50, r.AckP99 = part(acks, 50), part(acks, 99)
	r.Rate = float64(r.Polls) / elapsed.Seconds() / float64(len(s.w.pumpList))
	r.Busy = float64(time.Duration(bytes)*byteTime) / float64(elapsed) / float64(len(s.w.pumpList))
	return r
}

// part is a percentile.
func part(list []time.Duration, percent int) time.Duration {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[min(len(list)*percent/100, len(list)-1)]
}

// usage is the processor time of a process so far, and its memory in KiB. Source: proc(5).
func usage(pid int) (cpu time.Duration, rss int64, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, err
	}
	f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	const utime, stime, resident, tick, page = 11, 12, 21, 10 * time.Millisecond, 4
	for _, at := range []int{utime, stime} {
		n, err := strconv.ParseInt(f[at], 10, 64)
		if err != nil {
			return 0, 0, err
		}
		cpu += time.Duration(n) * tick
	}
	rss, err = strconv.ParseInt(f[resident], 10, 64)
	return cpu, rss * page, err
}
