package center

import (
	"greylock/system/alarm"
	"greylock/system/clock"
	"greylock/system/wire/record"
)

// AskAlarms filters the alarms; 0 is 100, the most is 500.
type AskAlarms struct {
	Open  bool `json:"open,omitempty"` // only what nobody takes care of
	Limit int  `json:"limit,omitempty"`
}

// Alarms lists the cases of the center and of all sites, newest first.
type Alarms struct {
	Alarms []alarm.Case `json:"alarms"`
	Open   int          `json:"open"`  // cases that nobody takes care of
	Total  int          `json:"total"` // alarms ever raised
}

// AckAlarm says who takes care of a case. What a station has raised is acknowledged there or here; here it stays here.
type AckAlarm struct {
	Site record.SiteID `json:"site"`
	Seq  uint64        `json:"seq"`
	By   string        `json:"by"`
	Note string        `json:"note,omitempty"`
}

func (c *Core) listAlarms(_ clock.Instant, q AskAlarms) outcome {
	switch {
	case q.Limit < 0 || q.Limit > pageMost:
		return bad("limit", q.Limit)
	case q.Limit == 0:
		q.Limit = pageDefault
	}
	l := c.shown.alarms
	return reply(Alarms{Alarms: l.Newest(q.Limit, q.Open), Open: l.OpenCases(), Total: l.Total()})
}

func (c *Core) ackAlarm(now clock.Instant, q AckAlarm) outcome {
	switch {
	case !word(q.By, false):
		return bad("by", q.By)
	case !word(q.Note, true):
		return bad("note", q.Note)
	}
	a, ok := c.shown.alarms.Find(q.Site, q.Seq)
	switch {
	case !ok:
		return refuseOver(UnknownAlarm, "%.16s#%d", q.Site, q.Seq)
	case a.Ack != nil:
		return refuseOver(AlarmTaken, "%s", a.Ack.By)
	}
	return reply(record.Done{OK: true}, record.AlarmAcknowledged{TimeMs: now.Milli(), Site: q.Site, Alarm: q.Seq, By: q.By, Note: q.Note})
}
