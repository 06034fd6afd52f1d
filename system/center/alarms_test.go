package center

import (
	"testing"

	"greylock/system/alarm"
	"greylock/system/wire/record"
)

// TestAlarmsOfSites: the center shows what a site raised, how bad it is, whose it is, and who takes care of it, there or here.
func TestAlarmsOfSites(t *testing.T) {
	t.Parallel()
	for reason := range reasonWords {
		if reason != Waiting && !alarm.Known(reason) {
			t.Errorf("reason %q is raised as an alarm that the catalogue does not know", reason)
		}
	}
	r := newRig(t)
	r.ship(station, record.Alarm{Kind: "line-lost", Subject: "port 1", Zh: "断线"}, record.Alarm{Kind: "line-lost", Subject: "port 1", Zh: "断线"},
		record.Alarm{Kind: "board-fault", Subject: "port 2", Zh: "故障"})
	var a Alarms
	r.into(&a, PathAlarms, AskAlarms{Open: true})
	want(t, "cases", len(a.Alarms), 2)
	fault, line := a.Alarms[0], a.Alarms[1]
	want(t, "line", []any{line.Site, line.Kind, line.Count, line.Severity, line.Owner}, []any{station, "line-lost", 2, alarm.Warning, alarm.Maintenance})

	r.ship(station, record.AlarmAcknowledged{Site: station, Alarm: line.Seq, By: "1001", Note: "换线"})
	var done record.Done
	r.into(&done, PathAckAlarm, AckAlarm{Site: station, Seq: fault.Seq, By: "值班 2001"})
	r.refused(AlarmTaken, PathAckAlarm, AckAlarm{Site: station, Seq: fault.Seq, By: "值班 2002"})
	r.refused(UnknownAlarm, PathAckAlarm, AckAlarm{Site: station, Seq: 999, By: "值班 2002"})
	r.refused(BadValue, PathAckAlarm, AckAlarm{Site: station, Seq: fault.Seq})
	r.into(&a, PathAlarms, AskAlarms{})
	want(t, "open", a.Open, 0)
	want(t, "fault", []any{a.Alarms[0].Ack.Site, a.Alarms[0].Ack.By}, []any{record.Center, "值班 2001"})
	want(t, "line", []any{a.Alarms[1].Ack.Site, a.Alarms[1].Ack.By}, []any{station, "1001"})
}
