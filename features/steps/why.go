package steps

import (
	"fmt"
	"strings"

	stationprogram "greylock/system/station"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// whySteps are what a holder is told at a station.
func (s *Scene) whySteps() []Step {
	return []Step{
		{`^(东门|西门)加油站对 "([^"]+)" 的持卡人说 "([^"]+)"$`, s.told},
		{`^(东门|西门)加油站对 "([^"]+)" 的持卡人说欠 (\d+ 号枪显示的金额|0 元)$`, s.toldOwed},
		{`^(东门|西门)加油站与中心断开$`, func(gate string) error { return s.hurt("center %s: off", gates[gate]) }},
		{`^(东门|西门)加油站与中心恢复$`, func(gate string) error { return s.heal("center %s: off", gates[gate]) }},
	}
}

// gates are the stations of two-towns.
var gates = map[string]record.SiteID{"东门": "0001", "西门": "0002"}

func (s *Scene) why(gate, card string) (w stationprogram.Why, err error) {
	number, err := s.Town.PrintedNumber(card)
	if err != nil {
		return w, err
	}
	asn, err := pboc.ParseASN(number)
	if err != nil {
		return w, err
	}
	return w, s.command(gates[gate], stationprogram.PathWhy, stationprogram.AskWhy{ASN: asn}, &w)
}

func (s *Scene) told(gate, card, text string) error {
	w, err := s.why(gate, card)
	if err == nil && !strings.Contains(strings.Join(w.Zh, "\n"), text) {
		err = fmt.Errorf("没有说 %q (was not said): %q", text, w.Zh)
	}
	return err
}

func (s *Scene) toldOwed(gate, card, what string) error {
	w, err := s.why(gate, card)
	switch {
	case err != nil:
		return err
	case w.Owed == nil:
		return fmt.Errorf("还不知道 (not known): %q", w.Zh)
	case what == "0 元":
		return want("欠款", *w.Owed, 0)
	}
	n := 0
	if _, err := fmt.Sscanf(what, "%d", &n); err != nil {
		return err
	}
	return want("欠款", *w.Owed, s.display(n).Amount)
}
