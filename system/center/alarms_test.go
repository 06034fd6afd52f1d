package center

import (
	"testing"

	"greylock/system/alarm"
	"greylock/system/wire/fa"
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

// TestStationsCodes: what a station refuses is in quarantine under the station's word; a word that is unknown here is
// station-refused. What it doubts is beside the sale.
func TestStationsCodes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	raw := r.lock(0, 30000, 0, 1).record(fa.Fuelling, 501, 1000, 7850, 1000).Bytes()
	refused := []record.Finding{record.FindMeter, record.FindRepeated, record.FindCrossed, "of a newer program"}
	for _, code := range refused {
		r.ship(station, record.RecordRefused{Port: 1, POSTTC: 501, Raw: raw[:], Code: code, Reason: "x"})
	}
	want(t, "quarantine", r.reasons(), []string{"meter-overlap", "sale-repeated", "crossed-cables", StationRefused})
	var q Quarantine
	r.into(&q, PathQuarantine, nothing{})
	for _, x := range q.Quarantine {
		if x.Zh == "" || x.En == "" {
			t.Errorf("%s has no words", x.Reason)
		}
	}
	want(t, "alarms", r.alarms(), []string{StationRefused, StationRefused, StationRefused, StationRefused})
	var done record.Done
	one := Resolve{Site: station, Seq: q.Quarantine[1].Seq, By: "2001", Note: "凭小票核对"}
	r.refused(BadValue, PathResolve, Resolve{Site: station, Seq: one.Seq, By: "2001"})
	r.into(&done, PathResolve, one)
	r.refused(NotInQuarantine, PathResolve, one)
	want(t, "left in quarantine", r.reasons(), []string{"meter-overlap", "crossed-cables", StationRefused})

	f := fact(r.lock(0, 30000, 0, 2).record(fa.Fuelling, 502, 1000, 7850, 2000))
	f.Suspect = []record.Finding{record.FindOrder}
	r.ship(station, f)
	var s Sales
	r.into(&s, PathSales, AskSales{})
	want(t, "doubts beside the sale", s.Sales[0].Suspect, f.Suspect)
	r.sameAfterReplay()
}

// TestForgedProofsKeepOutNone: a site that sends forged proofs of a lock fills its own share, not that of the site that has the
// true one.
func TestForgedProofsKeepOutNone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.lock(0, 30000, 0, 1)
	for i := range maxParked + 2 {
		forged := l.proof(7850)
		forged.Proof[len(forged.Proof)-1] ^= byte(i + 1)
		r.ship(station2, forged)
	}
	r.ship(station, l.proof(7850))
	r.ship(station, fact(l.record(fa.Escape, 501, 1000, 7850, 1000)))
	var s Sales
	r.into(&s, PathSales, AskSales{})
	want(t, "state", s.Sales[0].State, "settled")
	want(t, "how", s.Sales[0].Settled.How, "proof")
	r.sameAfterReplay()
}
