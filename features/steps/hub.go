package steps

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	stationprogram "greylock/system/station"
	"greylock/system/wire/record"
)

// hubSteps are a station's ports as a whole, and what a line's hardware counts.
func (s *Scene) hubSteps() []Step {
	return []Step{
		{`^每把枪都在线$`, s.allOnline},
		{`^除 (\d+) 号枪外每把枪都在线$`, s.othersOnline},
		{`^"([^"]+)" 依次在 ([\d、]+) 号枪各加油 ([\d.]+) 升$`, s.salesAround},
		{`^(\d+) 号枪接好后 (\d+) 秒内恢复$`, s.backWithin},
		{`^(\d+) 号枪的线上 (\d+) 个字节用时 ([\d.]+) 秒, 误差至多 (\d+)%$`, s.pace},
		{`^(\d+) 号枪的线上来了 (\d+) 个乱字节$`, s.babble},
		{`^(\d+) 号枪的线上计有(校验错误|帧错误)$`, s.lineErrors},
	}
}

// offlineStates are the states of a nozzle that its station does not hear. Source: dispenser.md 4.3.
const offlineStates = 1

func (s *Scene) allOnline() error { return s.othersOnline(0) }

// othersOnline waits until the station hears all nozzles but one, and it alone.
func (s *Scene) othersOnline(but int) error {
	lost, count := []record.Nozzle(nil), 0
	err := s.Town.Until("其余的枪在线", func() bool {
		var st stationprogram.Status
		if s.command(station, stationprogram.PathStatus, struct{}{}, &st) != nil {
			return false
		}
		lost, count = nil, len(st.Nozzles)
		for _, n := range st.Nozzles {
			if n.State <= offlineStates {
				lost = append(lost, n.Nozzle)
			}
		}
		return len(lost) == 0 && but == 0 || len(lost) == 1 && lost[0] == nozzle(but)
	}, soon)
	if err != nil || count == 0 {
		return fmt.Errorf("%d 把枪中离线的是 %v (of so many nozzles these are off line): %w", count, lost, err)
	}
	return nil
}

// salesAround is one customer who fuels here and there.
func (s *Scene) salesAround(card, list, amount string) error {
	for _, text := range strings.Split(list, "、") {
		n, err := strconv.Atoi(text)
		if err == nil {
			err = s.sale(card, n, amount)
		}
		if err != nil {
			return fmt.Errorf("%s 号枪: %w", text, err)
		}
	}
	return nil
}

// backWithin mends the faults and waits for the nozzle.
func (s *Scene) backWithin(n, seconds int) error {
	if err := s.Town.Faults().Relieve(); err != nil {
		return err
	}
	return s.Town.Until(fmt.Sprintf("%d 号枪恢复", n), func() bool { return s.display(n).State != "离线" }, time.Duration(seconds)*time.Second)
}

func (s *Scene) pace(n, bytes int, seconds string, percent int) error {
	whole, err := time.ParseDuration(seconds + "s")
	if err != nil {
		return err
	}
	took, err := s.Town.Faults().Burst(nozzle(n), bytes)
	if off := (took - whole).Abs(); err == nil && off > whole*time.Duration(percent)/100 {
		err = fmt.Errorf("%d 字节用时 %v, 应为 %v (bytes took, want)", bytes, took, whole)
	}
	return err
}

func (s *Scene) babble(n, bytes int) error {
	_, err := s.Town.Faults().Burst(nozzle(n), bytes)
	return err
}

func (s *Scene) lineErrors(n int, what string) error {
	parity, framing, err := s.Town.Faults().LineErrors(nozzle(n))
	count := parity
	if what == "帧错误" {
		count = framing
	}
	if err == nil && count == 0 {
		err = fmt.Errorf("%d 号枪没有%s (校验 (parity) %d, 帧 (framing) %d)", n, what, parity, framing)
	}
	return err
}
