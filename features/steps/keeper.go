package steps

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"greylock/system/app"
)

// keeperSteps are what the keeper of the station's machine does: watch, back up, restore.
func (s *Scene) keeperSteps() []Step {
	return []Step{
		{`^监控问 "([^"]+)", 答 "([^"]+)"$`, s.monitored},
		{`^监控看到 "(\S+)" 为 (\d+)$`, func(name string, n int64) error { return s.measured(name, n, n) }},
		{`^监控看到 "(\S+)" 至少为 (\d+)$`, func(name string, n int64) error { return s.measured(name, n, 1<<62) }},
		{`^给营业中的加油站做一份备份$`, s.backUp},
		{`^备份在另一台机器上恢复, 链尾与加油站的相同$`, s.restored},
		{`^恢复备份被拒绝, 说 "([^"]+)"$`, s.restoreRefused},
		{`^"([^"]+)" 在 (\d+) 号枪加油 (\d+) 次, 每次 ([\d.]+) 升, 站级程序每次都被杀死, 由服务在 1 秒后启动$`, s.stormUnderWatch},
		{`^每次都在 (\d+) 秒内重新营业$`, s.openWithin},
		{`^由中心重建的日志, 链尾与加油站的相同$`, s.rebuilt},
	}
}

// monitored waits for the answer: a station that has just started is not ready yet.
func (s *Scene) monitored(path, words string) error {
	said := ""
	err := s.Town.Until("监控 "+path, func() bool {
		_, text, err := s.Town.Monitor(station, path)
		said = text
		return err == nil && strings.Contains(text, words)
	}, soon)
	if err != nil {
		return fmt.Errorf("%w: 答 (answered) %q", err, said)
	}
	return nil
}

// measured waits for a figure of the metrics, with its labels as they are written.
func (s *Scene) measured(name string, low, high int64) error {
	name = strings.ReplaceAll(name, "'", `"`)
	said := "没有 (none)"
	err := s.Town.Until(name, func() bool {
		_, text, err := s.Town.Monitor(station, app.PathMetrics)
		if err != nil {
			return false
		}
		for line := range strings.Lines(text) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			if n, bad := strconv.ParseInt(value, 10, 64); key == name && bad == nil {
				said = value
				return n >= low && n <= high
			}
		}
		return false
	}, soon)
	if err != nil {
		return fmt.Errorf("%w: %s = %s", err, name, said)
	}
	return nil
}

// restartTime is RestartSec of the unit that `greylock station service` prints.
const restartTime = time.Second

// stormUnderWatch kills the station's program before, during and after a sale, and between the record's being durable and its
// acknowledge, by turns; the service starts it again while the customer goes on.
func (s *Scene) stormUnderWatch(card string, n, times int, amount string) error {
	kill := func() error { return s.Town.Kill(station) }
	for i := range times {
		var before, during, after func() error
		switch i % 4 {
		case 0:
			before = kill
		case 1:
			during = kill
		case 2:
			after = kill
		default:
			before = func() error { return s.killBeforeAck(n) }
			after = func() error {
				return s.Town.Until("杀死", func() bool { return s.Town.Faults().Happened("kill") == i+1 }, soon)
			}
		}
		err := first(
			func() error { return s.under(before) },
			func() error { return s.toFuel(card, n, amount) },
			func() error { return s.under(during) },
			func() error { return s.hang(n) },
			func() error { return s.under(after) },
			func() error { return s.says(n, "加油完成") },
			func() error { return s.pull(n) },
		)
		if err != nil {
			return fmt.Errorf("第 %d 次 (time): %w", i+1, err)
		}
	}
	return nil
}

// under lets an act happen; if the program is gone afterwards, the service starts it and the time is taken until every board answers.
func (s *Scene) under(act func() error) error {
	if act == nil {
		return nil
	}
	if err := act(); err != nil {
		return err
	}
	if s.Town.Faults().Happened("kill") == len(s.back) {
		return nil
	}
	began := s.Town.Now()
	s.Town.Pass(restartTime)
	if err := s.Town.Restart(station); err != nil {
		return err
	}
	err := s.Town.Until("重新营业", func() bool {
		yes, all, err := s.connected(0)
		return err == nil && all > 0 && yes == all
	}, soon)
	s.back = append(s.back, s.Town.Now().Sub(began))
	return err
}

func (s *Scene) openWithin(seconds int) error {
	if len(s.back) == 0 {
		return errors.New("没有被杀死过 (it was never killed)")
	}
	if slowest := slices.Max(s.back); slowest >= time.Duration(seconds)*time.Second {
		return fmt.Errorf("最慢一次 %v (the slowest)", slowest)
	}
	return nil
}

func (s *Scene) backUp() (err error) {
	s.backup, err = s.Town.Backup(station)
	return err
}

// restored holds the copy against the journal: the records of the backup's time, all of them.
func (s *Scene) restored() error {
	if err := s.Town.Settle(calm); err != nil {
		return err
	}
	if err := s.backUp(); err != nil {
		return err
	}
	there, err := s.Town.Restored(station, s.backup)
	if err != nil {
		return err
	}
	here, err := s.Town.Journal(station)
	if err == nil && (there.Head != here.Head || there.Records != here.Records || there.Records == 0 || !there.OK()) {
		err = fmt.Errorf("备份 %d 条 %x, 加油站 %d 条 %x (another head)", there.Records, there.Head, here.Records, here.Head)
	}
	return err
}

func (s *Scene) restoreRefused(words string) error {
	if err := s.Town.Settle(calm); err != nil {
		return err
	}
	_, err := s.Town.Restored(station, s.backup)
	switch {
	case err == nil:
		return errors.New("恢复成了 (it was restored)")
	case !strings.Contains(err.Error(), words):
		return fmt.Errorf("恢复的结果是 (it says): %w", err)
	}
	return nil
}

func (s *Scene) rebuilt() error {
	if err := s.Town.Settle(calm); err != nil {
		return err
	}
	there, err := s.Town.Rebuilt(station)
	if err != nil {
		return err
	}
	here, err := s.Town.Journal(station)
	if err == nil && (there.Head != here.Head || there.Records != here.Records) {
		err = fmt.Errorf("中心 %d 条 %x, 加油站 %d 条 %x (another head)", there.Records, there.Head, here.Records, here.Head)
	}
	return err
}
