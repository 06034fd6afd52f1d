package steps

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	stationprogram "greylock/system/station"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// stopSteps are the emergency stop and what it is made of.
func (s *Scene) stopSteps() []Step {
	return []Step{
		{`^"([^"]+)" 在 (\d+) 号枪加油至出油 ([\d.]+) 升$`, s.cardFuels},
		{`^员工 (\d+) 紧急停机, 原因 "([^"]+)"$`, s.stopAll},
		{`^员工 (\d+) 紧急停机, 原因 "([^"]+)", 站级程序没来得及记下就被杀死$`, s.stopKilled},
		{`^员工 (\d+) 紧急停 (\d+) 号枪, 原因 "([^"]+)"$`, s.stopOne},
		{`^员工 (\d+) 恢复, 原因 "([^"]+)"$`, s.releaseAll},
		{`^(\d+) 支枪在 (\d+) 毫秒内全部停止出油$`, s.allStopped},
		{`^加油站证实停住 (\d+) 支枪$`, s.proven},
		{`^加油站说停不住 (\d+) 号枪$`, s.unproven},
		{`^(\d+) 号枪仍在出油$`, s.flows},
		{`^(\d+) 号枪没有再出油$`, s.dry},
		{`^加油站的停机原因为 "([^"]+)", 停机人 (\d+)$`, s.stopReason},
		{`^加油站有停机, 停机人 "([^"]+)"$`, s.stoppedBy},
		{`^加油站没有紧急停机$`, s.noStop},
		{`^接触器板(不应答|失电|卡住|恢复正常)$`, s.breakContactors},
		{`^(\d+) 号枪的接触器触点粘连$`, s.weld},
		{`^(\d+) 号枪的接触器已(断开|吸合)$`, s.coil},
	}
}

// stopping is an emergency stop on its way, and what was seen when it was ordered.
type stopping struct {
	took   time.Duration // until the last valve that was to shut has shut
	answer stationprogram.StopAnswer
	totals map[record.Nozzle]unit.Totalizer // when all was still
	flowed int                              // nozzles that delivered when it was ordered
}

// mostNozzles of the stories' stations.
const mostNozzles = 16

// cardFuels is a visit up to the first litres, the gun open.
func (s *Scene) cardFuels(card string, n int, text string) error {
	v, err := litres(text)
	if err != nil {
		return err
	}
	return first(
		func() error { return s.insert(card, n) },
		func() error { return s.keyPIN(n, s.pin(card)) },
		func() error { return s.lift(n) },
		func() error { return s.squeeze(n) },
		func() error { return s.plainUntil(n, v.String()) },
	)
}

func (s *Scene) stopAll(by int, reason string) error { return s.stopNozzles(by, 0, reason) }

func (s *Scene) stopOne(by, n int, reason string) error { return s.stopNozzles(by, n, reason) }

// running are the nozzles that deliver, of n or of all (0).
func (s *Scene) running(n int) (list []int) {
	for i := 1; i <= mostNozzles; i++ {
		if (n == 0 || n == i) && s.display(i).State == "加油中" {
			list = append(list, i)
		}
	}
	return list
}

// stopNozzles orders a stop and looks how long the valves take; the answer comes when the station has proven them.
func (s *Scene) stopNozzles(by, n int, reason string) error {
	began := s.Town.Now()
	s.stop = stopping{flowed: len(s.running(n)), totals: map[record.Nozzle]unit.Totalizer{}}
	ask, err := s.Town.Operator().Begin(station, stationprogram.PathStop, stationprogram.AskStop{Nozzle: nozzle(n), By: fmt.Sprint(by), Reason: reason})
	if err != nil {
		return err
	}
	var status int
	var text []byte
	still := false
	late := s.Town.Until("紧急停机的应答", func() bool {
		if !still && len(s.running(n)) == 0 {
			still, s.stop.took = true, s.Town.Now().Sub(began)
		}
		var done bool
		status, text, err, done = ask()
		return done
	}, soon)
	switch {
	case late != nil:
		return late
	case err != nil || status != http.StatusOK:
		return fmt.Errorf("紧急停机: %d %s: %w", status, text, err)
	}
	if !still {
		s.stop.took = s.Town.Now().Sub(began)
	}
	s.Town.Pass(time.Second) // what is in the hoses
	for i := 1; i <= mostNozzles; i++ {
		s.stop.totals[nozzle(i)] = s.display(i).Total
	}
	return json.Unmarshal(text, &s.stop.answer)
}

// stopKilled orders a stop of all and kills the program in the same instant: in virtual time the order is then on the wires, and its
// fact not on the disk.
func (s *Scene) stopKilled(by int, reason string) error {
	ask, err := s.Town.Operator().Begin(station, stationprogram.PathStop, stationprogram.AskStop{By: fmt.Sprint(by), Reason: reason})
	if err != nil {
		return err
	}
	if err := s.Town.Kill(station); err != nil {
		return err
	}
	s.Town.Pass(time.Second) // what is in the hoses
	if _, _, err, done := ask(); done && err == nil {
		return fmt.Errorf("停机已有应答 (the stop was answered before the program died)")
	}
	s.stop = stopping{totals: map[record.Nozzle]unit.Totalizer{}}
	for i := 1; i <= mostNozzles; i++ {
		s.stop.totals[nozzle(i)] = s.display(i).Total
	}
	return nil
}

func (s *Scene) allStopped(n, ms int) error {
	limit := time.Duration(ms) * time.Millisecond
	if s.stop.took > limit {
		return fmt.Errorf("%v 后才停住, 应在 %v 内 (stopped too late)", s.stop.took, limit)
	}
	return first(
		func() error { return want("停机前出油的枪", s.stop.flowed, n) },
		func() error { return want("仍在出油的枪", len(s.running(0)), 0) },
	)
}

func (s *Scene) proven(n int) error {
	return first(
		func() error { return want("已证实停住", len(s.stop.answer.Shut), n) },
		func() error { return want("停不住", len(s.stop.answer.Not), 0) },
	)
}

func (s *Scene) unproven(n int) error {
	if !slices.Contains(s.stop.answer.Not, nozzle(n)) {
		return fmt.Errorf("加油站说 %+v (the answer does not name %d as not stopped)", s.stop.answer, n)
	}
	return nil
}

func (s *Scene) flows(n int) error {
	before := s.display(n).Quantity
	return s.Town.Until(fmt.Sprintf("%d 号枪出油", n), func() bool { return s.display(n).Quantity > before }, soon)
}

// dry: since the stop nothing has come.
func (s *Scene) dry(n int) error {
	before, seen := s.stop.totals[nozzle(n)]
	if !seen {
		return fmt.Errorf("没有紧急停机 (no emergency stop)")
	}
	return want("泵码", s.display(n).Total, before)
}

func (s *Scene) releaseAll(by int, reason string) error {
	return s.plainAct(stationprogram.PathRelease, stationprogram.AskStop{By: fmt.Sprint(by), Reason: reason})
}

func (s *Scene) stopReason(reason string, by int) error {
	var a stationprogram.Status
	if err := s.command(station, stationprogram.PathStatus, struct{}{}, &a); err != nil {
		return err
	}
	if len(a.Stops) == 0 {
		return fmt.Errorf("没有紧急停机 (no emergency stop in force)")
	}
	return first(
		func() error { return want("停机原因", a.Stops[0].Reason, reason) },
		func() error { return want("停机人", a.Stops[0].By, fmt.Sprint(by)) },
	)
}

func (s *Scene) stoppedBy(by string) error {
	var a stationprogram.Status
	if err := s.command(station, stationprogram.PathStatus, struct{}{}, &a); err != nil {
		return err
	}
	if len(a.Stops) != 1 {
		return fmt.Errorf("%d 次紧急停机 (stops in force): %+v", len(a.Stops), a.Stops)
	}
	return want("停机人", a.Stops[0].By, by)
}

func (s *Scene) noStop() error {
	var a stationprogram.Status
	if err := s.command(station, stationprogram.PathStatus, struct{}{}, &a); err != nil {
		return err
	}
	return want("紧急停机", len(a.Stops), 0)
}

func (s *Scene) breakContactors(how string) error {
	return s.Town.Faults().BreakContactors(station, map[string]string{"不应答": "deaf", "失电": "dark", "卡住": "stuck", "恢复正常": ""}[how])
}

func (s *Scene) weld(n int) error { return s.Town.Faults().Weld(nozzle(n)) }

func (s *Scene) coil(n int, where string) error {
	var failed error
	err := s.Town.Until(fmt.Sprintf("%d 号枪的接触器%s", n, where), func() bool {
		var on bool
		on, failed = s.Town.Faults().Contactor(nozzle(n))
		return failed != nil || on == (where == "吸合")
	}, soon)
	return errors.Join(failed, err)
}
