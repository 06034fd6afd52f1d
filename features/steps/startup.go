package steps

import (
	"fmt"
	"strings"
	"time"

	"greylock/emulators/world"
)

// startSteps are stations that must not start.
func (s *Scene) startSteps() []Step {
	return []Step{
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
