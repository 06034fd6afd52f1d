package station

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"greylock/system/wire/fa"
	"greylock/system/wire/record"
)

// TestCommissioning: what the board says of itself stands beside the plan and the books; the outcome is durable before the answer,
// survives replay, and names who has examined the nozzle.
func TestCommissioning(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.placed()
	r.put(record.TopicPrices, 1, table("202601010000", 785, 785))
	ask := func(body string, status int, words string) (a Commissioning) {
		t.Helper()
		r.c.Serve(r.now, 1, PathCommission, []byte(body))
		r.take()
		if r.last.Status != status || !strings.Contains(string(r.last.Body), words) {
			t.Fatalf("%d %s", r.last.Status, r.last.Body)
		}
		if status == http.StatusOK && json.Unmarshal(r.last.Body, &a) != nil {
			t.Fatalf("%s", r.last.Body)
		}
		return a
	}
	ask(`{"nozzle":9}`, http.StatusNotFound, "UNKNOWN_NOZZLE")
	if a := ask(`{"nozzle":1}`, http.StatusOK, ""); a.Port != 1 || a.NZN != 1 || a.Product != "1031" || len(a.Board) != 0 || a.Totals || a.Booked || a.Last != nil {
		t.Errorf("before the board says anything: %+v", a)
	}
	r.has(1)
	r.board(&fa.Totals{Nozzles: []fa.NozzleTotal{{NZN: 1, Total: 12345}}})
	r.flush()
	a := ask(`{"nozzle":1,"fresh":true}`, http.StatusOK, "")
	if len(a.Board) != 1 || a.Board[0] != 1 || !a.Totals || a.Total != 12345 || a.TotalMs != r.now.Milli() || a.Version != 1 || a.Acked != 1 || a.Price != 785 || !a.Online {
		t.Errorf("after it: %+v", a)
	}

	sum := strings.Repeat("AB", 32)
	for _, bad := range []string{
		`{"nozzle":9,"by":"李工","protocol":"` + sum + `"}`, `{"nozzle":1,"by":" ","protocol":"` + sum + `"}`, `{"nozzle":1,"by":"李工","protocol":"AB"}`,
	} {
		before := r.facts("nozzle.commissioned")
		r.c.Serve(r.now, 2, PathCommissioned, []byte(bad))
		r.take()
		if r.last.Status == http.StatusOK || r.facts("nozzle.commissioned") != before {
			t.Errorf("%s: %d %s", bad, r.last.Status, r.last.Body)
		}
	}
	r.c.Serve(r.now, 3, PathCommissioned, []byte(`{"nozzle":1,"by":"李工","passed":true,"protocol":"`+sum+`"}`))
	r.take()
	if r.last.After == 0 {
		t.Error("the answer does not wait for the disk")
	}
	r.flush()
	if r.last.ID != 3 || r.last.Status != http.StatusOK || r.facts("nozzle.commissioned") != 1 {
		t.Fatalf("%d %d %s", r.last.ID, r.last.Status, r.last.Body)
	}
	last := ask(`{"nozzle":1}`, http.StatusOK, "").Last
	if last == nil || !last.Passed || last.By != "李工" || !bytes.Equal(last.Protocol, bytes.Repeat([]byte{0xAB}, 32)) || last.Seq == 0 {
		t.Errorf("%+v", last)
	}
	fresh := New(r.c.cfg)
	for i, f := range r.log {
		fresh.Apply(uint64(i)+1, f)
	}
	if x := fresh.examined[1]; x.fact.By != "李工" || x.seq != last.Seq {
		t.Errorf("after replay: %+v", x)
	}
}
