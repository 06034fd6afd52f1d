package station

import (
	"net/http"
	"strings"
	"time"

	"greylock/system/alarm"
	"greylock/system/clock"
	"greylock/system/wire/record"
)

// Paths of the list of alarms.
const (
	PathAlarms   = "/op/station/alarms"    // AskAlarms → Alarms, newest first
	PathAckAlarm = "/op/station/alarm/ack" // AckAlarm → record.Done
)

// AskAlarms filters the alarms; 0 is 100, the most is 500.
type AskAlarms struct {
	Open  bool `json:"open,omitempty"` // only what nobody takes care of
	Limit int  `json:"limit,omitempty"`
}

// Alarms lists the station's cases.
type Alarms struct {
	Alarms []alarm.Case `json:"alarms"`
	Open   int          `json:"open"`  // cases that nobody takes care of
	Total  int          `json:"total"` // alarms ever raised
}

// AckAlarm says who takes care of a case.
type AckAlarm struct {
	Seq  uint64 `json:"seq"`
	By   string `json:"by"`
	Note string `json:"note,omitempty"`
}

const (
	quiet     = time.Minute // an alarm that repeats an open one sooner is counted, not written
	mostWords = 100         // characters of a name or a note
)

// alarm wants an alarm noted; nothing waits for it. One that repeats an open case within a minute is only counted, so that a
// line that flaps does not fill the journal: the next one that is written carries the count.
func (c *Core) alarm(now clock.Instant, kind, subject, zh, en string) {
	key := [2]string{kind, subject}
	if old, open := c.alarms.Open(c.cfg.Site, kind, subject); open && now.Sub(clock.FromMilli(old.LastMs)).Abs() < quiet {
		c.silent[key]++
		return
	}
	c.out.Append(record.Alarm{TimeMs: now.Milli(), Kind: kind, Subject: subject, Zh: zh, En: en, Silent: c.silent[key]})
	delete(c.silent, key)
}

func (c *Core) askAlarms(_ clock.Instant, q AskAlarms) (any, bool) {
	if q.Limit == 0 {
		q.Limit = defaultSales
	}
	if q.Limit < 0 || q.Limit > mostSales {
		return nil, false
	}
	a := Alarms{Alarms: c.alarms.Newest(q.Limit, q.Open), Open: c.alarms.OpenCases(), Total: c.alarms.Total()}
	for i, x := range a.Alarms {
		if x.Ack == nil {
			a.Alarms[i].Count += c.silent[[2]string{x.Kind, x.Subject}]
		}
	}
	return a, true
}

// ackAlarm notes who takes care of a case; the answer waits for the disk.
func (c *Core) ackAlarm(now clock.Instant, id uint64, q AckAlarm) {
	a, ok := c.alarms.Find(c.cfg.Site, q.Seq)
	switch {
	case strings.TrimSpace(q.By) == "" || len([]rune(q.By)) > mostWords || len([]rune(q.Note)) > mostWords:
		c.refuse(id, http.StatusBadRequest, "BY", "请写明处理人 (不超过 100 字)", "say who takes care of it, in at most 100 characters")
	case !ok:
		c.refuse(id, http.StatusNotFound, "UNKNOWN_ALARM", "没有这条告警: 序号见 alarms 列表", "no such alarm: its number is in the list of alarms")
	case a.Ack != nil:
		c.refuse(id, http.StatusConflict, "ALARM_TAKEN", "这条告警已由 "+a.Ack.By+" 处理", a.Ack.By+" takes care of it already")
	default:
		c.reply(id, record.Done{OK: true}, c.out.Append(
			record.AlarmAcknowledged{TimeMs: now.Milli(), Site: c.cfg.Site, Alarm: q.Seq, By: q.By, Note: q.Note}))
	}
}
