package steps

import (
	"encoding/json"
	"fmt"
	"net/http"

	"greylock/system/alarm"
	"greylock/system/center"
	stationprogram "greylock/system/station"
	"greylock/system/wire/record"
)

// alarmSteps are the lists of alarms and who takes care of them.
func (s *Scene) alarmSteps() []Step {
	return append(s.whySteps(), []Step{
		{`^中心的告警表上有加油站的 "([^"]+)", 轻重 "([^"]+)", 归 "([^"]+)", 无人处理$`, s.alarmAtCenter},
		{`^中心的告警表上没有加油站的 "([^"]+)"$`, s.noAlarm},
		{`^中心的告警表上有中心的 "([^"]+)"$`, s.alarmOfCenter},
		{`^中心的告警表上加油站的 "([^"]+)" 由 "([^"]+)" 在 "(加油站|中心)" 处理$`, s.takenAtCenter},
		{`^加油站的告警表上 "([^"]+)" 由 "([^"]+)" 处理$`, s.takenAtStation},
		{`^"([^"]+)" 在加油站确认 "([^"]+)", 说 "([^"]+)"$`, s.ackAtStation},
		{`^"([^"]+)" 在中心确认加油站的 "([^"]+)", 说 "([^"]+)"$`, s.ackAtCenter},
	}...)
}

// command asks a site's operator door; an answer other than 200 is an error.
func (s *Scene) command(site record.SiteID, path string, body, into any) error {
	status, text, err := s.Town.Operator().Command(site, path, body)
	switch {
	case err != nil:
		return err
	case status != http.StatusOK:
		return fmt.Errorf("%s %s: %d %s", site, path, status, text)
	}
	return json.Unmarshal(text, into)
}

// newest finds the newest case of a kind.
func newest(list []alarm.Case, site record.SiteID, kind string) (alarm.Case, error) {
	for _, c := range list {
		if c.Site == site && c.Kind == kind {
			return c, nil
		}
	}
	return alarm.Case{}, fmt.Errorf("没有 %s 的告警 %s (no such alarm): %+v", site, kind, list)
}

func (s *Scene) alarmOfCenter(kind string) error {
	_, err := s.caseAtCenter(record.Center, kind)
	return err
}

// noAlarm: the list is there and has others, but not this one.
func (s *Scene) noAlarm(kind string) error {
	if err := s.Town.Settle(calm); err != nil {
		return err
	}
	var a center.Alarms
	if err := s.command(record.Center, center.PathAlarms, center.AskAlarms{Limit: 500}, &a); err != nil {
		return err
	}
	if c, err := newest(a.Alarms, station, kind); err == nil {
		return fmt.Errorf("有告警 %s (there is this alarm): %s", kind, c.Zh)
	}
	return nil
}

func (s *Scene) centerCase(kind string) (alarm.Case, error) { return s.caseAtCenter(station, kind) }

func (s *Scene) caseAtCenter(site record.SiteID, kind string) (alarm.Case, error) {
	if err := s.Town.Settle(calm); err != nil {
		return alarm.Case{}, err
	}
	var a center.Alarms
	if err := s.command(record.Center, center.PathAlarms, center.AskAlarms{Limit: 500}, &a); err != nil {
		return alarm.Case{}, err
	}
	return newest(a.Alarms, site, kind)
}

func (s *Scene) stationCase(kind string) (alarm.Case, error) {
	var a stationprogram.Alarms
	if err := s.command(station, stationprogram.PathAlarms, stationprogram.AskAlarms{Limit: 500}, &a); err != nil {
		return alarm.Case{}, err
	}
	return newest(a.Alarms, station, kind)
}

func (s *Scene) alarmAtCenter(kind, severity, owner string) error {
	c, err := s.centerCase(kind)
	if err != nil {
		return err
	}
	how, _ := c.Severity.Words()
	whose, _ := c.Owner.Words()
	return first(
		func() error { return want("轻重", how, severity) },
		func() error { return want("归谁", whose, owner) },
		func() error { return want("有人处理", c.Ack != nil, false) },
		func() error { return want("写明怎么办", c.AdviceZh != "", true) },
	)
}

func (s *Scene) takenAtCenter(kind, who, where string) error {
	site := station
	if where == "中心" {
		site = record.Center
	}
	c, err := s.centerCase(kind)
	return taken(c, err, who, site)
}

func taken(c alarm.Case, err error, who string, where record.SiteID) error {
	switch {
	case err != nil:
		return err
	case c.Ack == nil:
		return fmt.Errorf("%s#%d %s 无人处理 (nobody takes care of it)", c.Site, c.Seq, c.Kind)
	}
	return first(
		func() error { return want("处理人", c.Ack.By, who) },
		func() error { return want("在哪里处理", c.Ack.Site, where) },
	)
}

func (s *Scene) takenAtStation(kind, who string) error {
	c, err := s.stationCase(kind)
	return taken(c, err, who, station)
}

func (s *Scene) ackAtStation(who, kind, note string) error {
	c, err := s.stationCase(kind)
	if err != nil {
		return err
	}
	return s.command(station, stationprogram.PathAckAlarm, stationprogram.AckAlarm{Seq: c.Seq, By: who, Note: note}, &record.Done{})
}

func (s *Scene) ackAtCenter(who, kind, note string) error {
	c, err := s.centerCase(kind)
	if err != nil {
		return err
	}
	return s.command(record.Center, center.PathAckAlarm, center.AckAlarm{Site: c.Site, Seq: c.Seq, By: who, Note: note}, &record.Done{})
}
