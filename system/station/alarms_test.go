package station

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func (r *rig) listAlarms(body string) (a Alarms) {
	r.t.Helper()
	r.c.Serve(r.now, 1, PathAlarms, []byte(body))
	r.take()
	if err := json.Unmarshal(r.last.Body, &a); err != nil || r.last.Status != http.StatusOK {
		r.t.Fatalf("%d %s", r.last.Status, r.last.Body)
	}
	return a
}

// TestAlarmsAreAcknowledged: one case per subject, who takes care of it is durable before the answer, and survives replay.
func TestAlarmsAreAcknowledged(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	flap := func(after time.Duration) {
		r.now = r.now.Add(after)
		r.c.Line(r.now, 1, false)
		r.c.Line(r.now, 1, true)
		r.take()
		r.flush()
	}
	flap(time.Second)
	flap(time.Second)
	flap(time.Second)
	if a := r.listAlarms(`{"open":true}`); len(a.Alarms) != 1 || a.Alarms[0].Count != 3 || r.facts("alarm") != 1 {
		t.Fatalf("three in a minute: %+v, %d written", a, r.facts("alarm"))
	}
	flap(2 * time.Minute)
	a := r.listAlarms(`{"open":true}`)
	if len(a.Alarms) != 1 || a.Alarms[0].Count != 4 || r.facts("alarm") != 2 || a.Total != 4 {
		t.Fatalf("one more, later: %+v, %d written", a, r.facts("alarm"))
	}
	for _, c := range []struct {
		body, want string
		status     int
	}{
		{`{"seq":99,"by":"1001"}`, "UNKNOWN_ALARM", http.StatusNotFound},
		{fmt.Sprintf(`{"seq":%d,"by":" "}`, a.Alarms[0].Seq), "BY", http.StatusBadRequest},
		{fmt.Sprintf(`{"seq":%d,"by":"1001","note":"换线"}`, a.Alarms[0].Seq), "true", http.StatusOK},
		{fmt.Sprintf(`{"seq":%d,"by":"1002"}`, a.Alarms[0].Seq), "ALARM_TAKEN", http.StatusConflict},
	} {
		r.c.Serve(r.now, 2, PathAckAlarm, []byte(c.body))
		r.take()
		r.flush()
		if r.last.Status != c.status || !strings.Contains(string(r.last.Body), c.want) {
			t.Errorf("%s: %d %s", c.body, r.last.Status, r.last.Body)
		}
	}
	again := newRig(t)
	for i, f := range r.log {
		again.c.Apply(uint64(i+1), f)
	}
	if a := again.listAlarms(""); a.Open != 0 || a.Alarms[0].Ack == nil || a.Alarms[0].Ack.By != "1001" {
		t.Errorf("after replay: %+v", a)
	}
}
