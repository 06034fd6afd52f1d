package steps

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"greylock/emulators/world"
	"greylock/system/dispenser"
	at "greylock/system/station"
)

// startSteps are stations that must not start, and ports that go and come.
func (s *Scene) startSteps() []Step {
	return []Step{
		{`^拔下 (\d+) 号枪的端口$`, func(n int) error { return s.Town.Faults().Unplug(nozzle(n)) }},
		{`^插回 (\d+) 号枪的端口$`, func(n int) error { return s.Town.Faults().Replug(nozzle(n)) }},
		{`^加油站有 (\d+) 个口, 与枪数相同, 全部接通$`, s.allPorts},
		{`^除 (\d+) 号外各枪都接通$`, s.othersConnected},
		{`^(\d+) 秒内 (\d+) 号枪的端口接通$`, s.portBack},
		{`^加油站的时钟慢了 (\d+) 小时$`, func(n int) error {
			return s.Town.Faults().Spoil(station, world.StartFault{Back: time.Duration(n) * time.Hour})
		}},
		{`^加油站的配置换成另一中心的公钥$`, func() error { return s.Town.Faults().Spoil(station, world.StartFault{OtherKey: true}) }},
		{`^加油站的配置少了最后一个口$`, func() error { return s.Town.Faults().Spoil(station, world.StartFault{MissingPort: true}) }},
		{`^加油站的时钟与配置已改正$`, func() error { return s.Town.Faults().Spoil(station, world.StartFault{}) }},
		{`^站级程序拒绝启动, 说 "([^"]+)"$`, s.refusesToStart},
	}
}

func (s *Scene) refusesToStart(words string) error {
	said, err := s.Town.Faults().Refusal(station)
	if err == nil && !strings.Contains(said, words) {
		err = fmt.Errorf("说的是 (it says) %q", said)
	}
	return err
}

// ports are the station's ports as it shows them.
func (s *Scene) ports() (shown at.Status, err error) {
	status, body, err := s.Town.Operator().Command(station, at.PathStatus, struct{}{})
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("站级程序答 %d %s (status)", status, body)
	}
	if err == nil {
		err = json.Unmarshal(body, &shown)
	}
	return shown, err
}

// connected counts nozzles whose port is open and whose board answers; but is left out.
func (s *Scene) connected(but int) (yes, all int, err error) {
	shown, err := s.ports()
	for _, n := range shown.Nozzles {
		if n.Port == but {
			continue
		}
		if all++; n.Line && dispenser.State(n.State) != dispenser.Inoperative && n.Nozzle != 0 {
			yes++
		}
	}
	return yes, all, err
}

func (s *Scene) allPorts(n int) error {
	var yes, all int
	var err error
	wait := s.Town.Until("各口接通", func() bool {
		yes, all, err = s.connected(0)
		return err != nil || yes == all
	}, soon)
	if err = errors.Join(err, wait); err != nil {
		return err
	}
	return want("端口", yes, n)
}

// othersConnected holds at once: nothing may have happened to them.
func (s *Scene) othersConnected(n int) error {
	yes, all, err := s.connected(n)
	if err != nil {
		return err
	}
	return want("接通的枪", yes, all)
}

func (s *Scene) portBack(seconds, n int) error {
	var err error
	wait := s.Town.Until(fmt.Sprintf("%d 号口接通", n), func() bool {
		var shown at.Status
		shown, err = s.ports()
		return err != nil || slices.ContainsFunc(shown.Nozzles, func(x at.NozzleStatus) bool { return x.Port == n && x.Line })
	}, time.Duration(seconds)*time.Second)
	return errors.Join(err, wait)
}
