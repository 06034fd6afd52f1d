package steps

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"greylock/fixtures"
	"greylock/system/center"
	stationprogram "greylock/system/station"
	"greylock/system/wire/record"
)

// lieSteps are records that are not true, and what the product makes of them.
func (s *Scene) lieSteps() []Step {
	return []Step{
		{`^(\d+) 号枪的线上送来 (\d+) 条错误记录$`, s.malformed},
		{`^隔离区里每条错误记录都有它的代码$`, s.codes},
		{`^(\d+) 号枪把上一笔换号重报$`, s.replay},
		{`^(\d+) 号枪将把上一笔的油量加进下一笔$`, s.addPrevious},
		{`^(\d+) 号枪与 (\d+) 号枪的接线对调$`, s.swapCables},
		{`^站级程序将在记下 (\d+) 号枪的记录之后, 应答之前被杀死$`, s.killBeforeAck},
		{`^(\d+) 号枪将少报泵码 ([\d.]+) 升$`, s.sayTotal},
		{`^"([^"]+)" 和 "([^"]+)" 核对泵码, 恢复 (\d+) 号枪$`, s.unlockNozzle},
		{`^只有 "([^"]+)" 核对泵码, (\d+) 号枪不能恢复$`, s.oneUnlocks},
		{`^"([^"]+)" 了结隔离区的 "([^"]+)", 说 "([^"]+)"$`, s.resolve},
		{`^隔离区有一条 "([^"]+)"$`, s.quarantinedAs},
		{`^过了 (\d+) 小时$`, s.passHours},
		{`^([\d、]+) 号枪停电 (\d+) 小时$`, s.blackout},
	}
}

func (s *Scene) malformed(n, count int) error {
	all := fixtures.MalformedRecords()
	if err := want("夹具中的错误记录", len(all), count); err != nil {
		return err
	}
	if err := s.Town.Settle(calm); err != nil {
		return err
	}
	for _, m := range all {
		if err := s.Town.InjectRecord(nozzle(n), m.Raw); err != nil {
			return err
		}
		s.Town.Pass(2 * time.Second) // the station asks for each number again
	}
	return nil
}

func (s *Scene) codes() error {
	reasons, err := s.reasons()
	if err != nil {
		return err
	}
	var wanted []string
	for _, m := range fixtures.MalformedRecords() {
		wanted = append(wanted, m.Code)
	}
	slices.Sort(wanted)
	if !slices.Equal(reasons, wanted) {
		return fmt.Errorf("隔离区的代码 %q, 应为 %q (codes in quarantine, want)", reasons, wanted)
	}
	return nil
}

// reasons are the words in the center's quarantine, sorted.
func (s *Scene) reasons() ([]string, error) {
	if err := s.Town.Settle(calm); err != nil {
		return nil, err
	}
	return s.quarantine()
}

// quarantine is the reasons that stand there now.
func (s *Scene) quarantine() ([]string, error) {
	list, err := s.Town.Query().Quarantine()
	var words []string
	for _, q := range list {
		words = append(words, q.Reason)
	}
	slices.Sort(words)
	return words, err
}

// quarantinedAs waits: what somebody has put on a line is on its way when nothing else is.
func (s *Scene) quarantinedAs(reason string) error {
	var list []string
	var failed error
	err := s.Town.Until("隔离区有 "+reason, func() bool {
		list, failed = s.quarantine()
		return failed != nil || slices.Contains(list, reason)
	}, soon)
	if failed == nil && err != nil {
		failed = fmt.Errorf("隔离区没有 %s: %q (not in quarantine): %w", reason, list, err)
	}
	return failed
}

func (s *Scene) resolve(who, reason, note string) error {
	list, err := s.Town.Query().Quarantine()
	if err != nil {
		return err
	}
	for _, q := range list {
		if q.Reason == reason {
			return s.command(record.Center, center.PathResolve, center.Resolve{Site: record.SiteID(q.Site), Seq: q.Seq, By: who, Note: note}, &record.Done{})
		}
	}
	return fmt.Errorf("隔离区没有 %s (not in quarantine): %+v", reason, list)
}

func (s *Scene) replay(n int) error {
	if err := s.Town.Settle(calm); err != nil {
		return err
	}
	return s.Town.ReplaySale(nozzle(n))
}

func (s *Scene) addPrevious(n int) error {
	if err := s.Town.Settle(calm); err != nil {
		return err
	}
	return s.Town.AddPreviousSale(nozzle(n))
}

func (s *Scene) killBeforeAck(n int) error { return s.Town.KillBeforeAck(nozzle(n)) }

func (s *Scene) sayTotal(n int, less string) error {
	v, err := litres(less)
	if err != nil {
		return err
	}
	return s.Town.SayTotal(nozzle(n), v)
}

func (s *Scene) unlockNozzle(one, other string, n int) error {
	return s.command(station, stationprogram.PathUnlock,
		stationprogram.AskUnlock{Nozzle: nozzle(n), By: [2]string{one, other}, Reason: "抄表相符"}, &record.Done{})
}

func (s *Scene) oneUnlocks(who string, n int) error {
	err := s.unlockNozzle(who, who, n)
	if err == nil || !strings.Contains(err.Error(), "TWO_PERSONS") {
		return fmt.Errorf("一个人恢复了 %d 号枪 (one person was enough): %w", n, err)
	}
	return nil
}

func (s *Scene) swapCables(a, b int) error { return s.Town.SwapCables(nozzle(a), nozzle(b)) }

// blackout takes the power from dispensers for some hours.
func (s *Scene) blackout(list string, hours int) error {
	var all []int
	for _, text := range strings.Split(list, "、") {
		n, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		all = append(all, n)
	}
	for _, n := range all {
		if err := s.powerCut(n); err != nil {
			return err
		}
	}
	s.passHours(hours)
	for _, n := range all {
		if err := s.powerOn(n); err != nil {
			return err
		}
	}
	return nil
}

func (s *Scene) passHours(n int) { s.Town.Pass(time.Duration(n) * time.Hour) }
