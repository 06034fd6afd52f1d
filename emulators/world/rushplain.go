package world

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"greylock/system/clock"
	"greylock/system/dispenser"
	"greylock/system/station"
	"greylock/system/wire/lf"
	"greylock/system/wire/record"
)

// PlainRush measures a station's own process with so many plain dispensers of one nozzle on pseudo-terminals paced at 9600 baud, all
// of them fuelling. There the station polls.
type PlainRush struct {
	Lines int
	For   time.Duration
	Seed  int64
}

// PlainRushReport is what was measured.
type PlainRushReport struct {
	Polls    int           // asked by the station, on all lines
	Rate     float64       // per second and line
	Busy     float64       // of the line's time
	GapP50   time.Duration // from poll to poll of a line that fuels; dispenser.md 4.1 asks for 100 ms
	GapP99   time.Duration
	CPU      float64       // of one core, the station's process
	RSS      int64         // KiB, the station's process
	Start    time.Duration // from exec to the first poll
	Violated error
}

// plainMeter is the clock at a plain dispenser's line.
type plainMeter struct {
	clock clock.Clock
	dec   lf.Decoder
	first clock.Instant // byte from the station, ever
	last  clock.Instant // request
	bytes int           // both ways
	gaps  []time.Duration
}

func (m *plainMeter) sent(data []byte) {
	if m != nil {
		m.bytes += len(data)
	}
}

func (m *plainMeter) received(data []byte) {
	if m == nil {
		return
	}
	now := m.clock.Now()
	m.bytes += len(data)
	if m.first == 0 {
		m.first = now
	}
	m.dec.Decode(now, data, func(lf.Frame) bool {
		m.gaps = append(m.gaps, now.Sub(m.last))
		m.last = now
		return true
	})
}

// MeasurePlain lets every nozzle fuel for a while and measures. opt.Program starts the station's process; it must tell its number.
func MeasurePlain(r PlainRush, opt Options) (report PlainRushReport, err error) {
	opt.Seed = r.Seed
	s, err := newCrowd(1, r.Lines, opt)
	if err != nil {
		return report, err
	}
	w := s.w
	for _, p := range w.plainList {
		p.meter = &plainMeter{clock: w.pace.wall}
	}
	launched, pid, err := s.relaunch(opt)
	if err != nil {
		return report, err
	}
	if err := s.fuelPlain(); err != nil {
		return report, err
	}
	first := clock.Never
	for _, p := range w.plainList {
		first = min(first, p.meter.first)
	}
	report.Start = first.Sub(launched)
	cpu, _, err := usage(pid)
	if err != nil {
		return report, err
	}
	for _, p := range w.plainList {
		p.meter.gaps, p.meter.bytes = nil, 0
	}
	from := w.pace.wall.Now()
	w.Pass(r.For)
	elapsed := w.pace.wall.Now().Sub(from)
	after, rss, err := usage(pid)
	if err != nil {
		return report, err
	}
	s.plainMeasured(&report, elapsed)
	report.CPU, report.RSS = float64(after-cpu)/float64(elapsed), rss
	for _, p := range w.plainList {
		h := w.Hands()
		if err := errors.Join(h.Squeeze(p.nozzles[0], 0), h.Hang(p.nozzles[0])); err != nil {
			return report, err
		}
	}
	if err := w.Settle(stormQuiet); err != nil {
		return report, err
	}
	report.Violated = w.Violation()
	return report, w.Close()
}

// fuelPlain lets a customer fill up at every plain nozzle.
func (s *crowd) fuelPlain() error {
	w := s.w
	for _, p := range w.plainList {
		n := p.nozzles[0]
		ready := func(x station.NozzleStatus) bool { return x.State == int(dispenser.Idle) && x.Price > 0 }
		if err := w.Until(fmt.Sprintf("%d 号枪就绪 (ready)", n), func() bool { return s.shows(n, ready) }, stormQuiet); err != nil {
			return err
		}
		if err := w.Hands().Lift(n); err != nil {
			return err
		}
		var said []byte
		done := false
		let := func() bool { // may be asked again once it is so
			if !done {
				status, body, err := w.Command(s.site, station.PathAuthorise, station.AskAuthorise{Nozzle: n, By: "1001"})
				said, done = fmt.Appendf(said, "%d %s %v; ", status, body, err), err == nil && status == http.StatusOK
			}
			return done
		}
		if err := w.Until(fmt.Sprintf("%d 号枪授权 (let)", n), let, time.Minute); err != nil {
			return fmt.Errorf("%w: %s", err, said)
		}
		if err := w.Hands().Squeeze(n, 200); err != nil {
			return err
		}
	}
	return nil
}

// shows asks the station how it shows a nozzle.
func (s *crowd) shows(n record.Nozzle, fit func(station.NozzleStatus) bool) bool {
	a, err := answerAt[station.Status](s.w, s.site, station.PathStatus, struct{}{})
	if err != nil {
		return false
	}
	for _, x := range a.Nozzles {
		if x.Nozzle == n {
			return fit(x)
		}
	}
	return false
}

func (s *crowd) plainMeasured(r *PlainRushReport, elapsed time.Duration) {
	var gaps []time.Duration
	bytes := 0
	for _, p := range s.w.plainList {
		gaps = append(gaps, p.meter.gaps...)
		bytes += p.meter.bytes
	}
	lines := float64(len(s.w.plainList))
	r.Polls, r.Rate = len(gaps), float64(len(gaps))/elapsed.Seconds()/lines
	r.Busy = float64(time.Duration(bytes)*byteTime) / float64(elapsed) / lines
	r.GapP50, r.GapP99 = part(gaps, 50), part(gaps, 99)
}
