package steps

import (
	"fmt"
	"net/http"
	"time"

	stationprogram "greylock/system/station"
	"greylock/system/wire/record"
)

// screenSteps are somebody at the live forecourt.
func (s *Scene) screenSteps() []Step {
	return []Step{
		{`^"([^"]+)" 让 "([^"]+)" 管 (\d+) 号枪$`, s.assign},
		{`^(\d+) 号枪至 (\d+) 号枪都挂枪取卡$`, each(func(n int) error { return first(func() error { return s.hang(n) }, func() error { return s.pull(n) }) })},
		{`^站控 (\d+) 号枪至 (\d+) 号枪都挂枪$`, each(s.plainHang)},
		{`^看着加油站的实时画面 (\d+) 秒$`, s.watchScreen},
		{`^画面上 (\d+) 个口的金额在走, 每个金额在其帧到站后 (\d+) 毫秒内出现 \(p95\)$`, s.screenAge},
		{`^画面上 (\d+) 号枪的卡号、单价和员工 "([^"]*)" 都在$`, s.screenShows},
	}
}

// assign says who serves a nozzle.
func (s *Scene) assign(by, who string, n int) error {
	q := stationprogram.AskDuty{Nozzle: record.Nozzle(n), Person: who, By: by}
	status, body, err := s.Town.Operator().Command(station, stationprogram.PathShiftDuty, q)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%d %s", status, body)
	}
	return err
}

// each does something at one nozzle after another.
func each(do func(n int) error) func(from, to int) error {
	return func(from, to int) error {
		for n := from; n <= to; n++ {
			if err := do(n); err != nil {
				return err
			}
		}
		return nil
	}
}

func (s *Scene) watchScreen(seconds int) (err error) {
	s.watched, err = s.Town.Query().Watch(station, time.Duration(seconds)*time.Second)
	return err
}

// screenAge counts: an amount that was shown more often than once a second for each port, or the figure says nothing.
func (s *Scene) screenAge(ports, ms int) error {
	w := s.watched
	if w.Ports != ports || len(w.Ages) < 5*ports {
		return fmt.Errorf("画面有 %d 个口的金额, 共 %d 个 (ports, amounts shown)", w.Ports, len(w.Ages))
	}
	if p := w.P95(); p > time.Duration(ms)*time.Millisecond {
		return fmt.Errorf("p95 = %v, 最慢 %v (worst), 共 %d 个金额", p, w.Ages[len(w.Ages)-1], len(w.Ages))
	}
	return nil
}

func (s *Scene) screenShows(n int, staff string) error {
	for _, x := range s.watched.Last {
		if x.Nozzle != record.Nozzle(n) {
			continue
		}
		if x.Card && x.ASN != "" && x.Price > 0 && x.Staff == staff {
			return nil
		}
		return fmt.Errorf("%d 号枪: %+v", n, x)
	}
	return fmt.Errorf("画面上没有 %d 号枪 (the screen does not show it)", n)
}
