package steps

import (
	"fmt"
	"strconv"
	"strings"

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
	if err == nil || !strings.Contains(err.Error(), words) {
		return fmt.Errorf("恢复的结果是 (it says): %v", err)
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
