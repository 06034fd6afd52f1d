package station

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"greylock/system/wire/fa"
	"greylock/system/wire/pboc"
)

var (
	employeeCard = pboc.ASN{0x01, 0x00, 0x04, 0x14, 0x40, 0, 0, 0, 0, 3}
	testCard     = pboc.ASN{0x01, 0x00, 0x05, 0x14, 0x40, 0, 0, 0, 0, 1}
)

// event is a record of a board's POS-TTC n, without fuel.
func event(n fa.POSTTC, t fa.TType, employee byte) fa.Record {
	r := sale(n)
	r.Type, r.Employee, r.ASN, r.TTC, r.Volume, r.Amount, r.Price, r.Balance, r.CTC = t, employee, employeeCard, 0, 0, 0, 0, 0, 0
	return r
}

func (r *rig) asks(path string, into any) {
	r.t.Helper()
	r.c.Serve(r.now, 1, path, nil)
	r.take()
	if err := json.Unmarshal(r.last.Body, into); err != nil || r.last.Status != http.StatusOK {
		r.t.Fatalf("%d %s", r.last.Status, r.last.Body)
	}
}

// TestDuty: who is on duty is what the newest record of a board says, and what went through its meter since.
func TestDuty(t *testing.T) {
	t.Parallel()
	r := laidOut(t)
	duty := func() NozzleDuty {
		t.Helper()
		var d Duty
		r.asks(PathDuty, &d)
		return d.Nozzles[0]
	}
	if d := duty(); d.Employee != 0 {
		t.Fatalf("before anybody came: %+v", d)
	}
	off := event(4, fa.ShiftOff, 3)
	off.Total = sale(3).Total
	on := event(1, fa.ShiftOn, 3)
	on.Total = 0
	second, third := sale(2), sale(3)
	second.Total, third.Total = 1000, 2000
	off.Total = 2000
	r.bring(on, second, third)
	if d := duty(); d.Employee != 3 || d.Moved != 2000 || d.ASN != employeeCard.String() || strings.Contains(d.ASN, employeeCard.Digits()) {
		t.Errorf("on duty: %+v", d)
	}
	again := newRig(t)
	for i, f := range r.log {
		again.c.Apply(uint64(i+1), f)
	}
	if d := again.c.modes.duty[1]; d != on {
		t.Errorf("after replay: %+v", d)
	}
	r.bring(off)
	if d := duty(); d.Employee != 0 || d.Since != "" {
		t.Errorf("gone: %+v", d)
	}
}

// TestTestDraw: it is taken with an amount of 0 alone, and put back once, by somebody.
func TestTestDraw(t *testing.T) {
	t.Parallel()
	r := laidOut(t)
	draw := sale(1)
	draw.Type, draw.ASN, draw.TTC, draw.CTC, draw.Balance, draw.Amount, draw.Unit, draw.Total = fa.NoCard, testCard, 0, 0, 0, 0, fa.PayOther, 1000
	paid := draw
	paid.POSTTC, paid.Amount, paid.Total = 2, 7850, 2000
	r.bring(draw, paid)
	if got := r.refusals(); len(got) != 1 {
		t.Errorf("a test draw with an amount: refused %q", got)
	}
	var list Tests
	r.asks(PathTests, &list)
	if len(list.Tests) != 1 || list.Open != 1 || list.Tests[0].Quantity != 1000 {
		t.Fatalf("%+v", list)
	}
	var sales Sales
	r.asks(PathSales, &sales)
	if len(sales.Sales) != 1 || sales.Sales[0].Mode != "test" {
		t.Errorf("%+v", sales)
	}
	number := toJSON(t, list.Tests[0].Draw)
	for _, c := range []struct {
		body, want string
		status     int
	}{
		{`{"draw":999,"by":"1001"}`, "UNKNOWN_TEST", http.StatusNotFound},
		{`{"draw":` + number + `,"by":" "}`, "BY", http.StatusBadRequest},
		{`{"draw":` + number + `,"by":"1001"}`, "true", http.StatusOK},
		{`{"draw":` + number + `,"by":"1002"}`, "TEST_RETURNED", http.StatusConflict},
	} {
		r.c.Serve(r.now, 2, PathTestReturn, []byte(c.body))
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
	again.asks(PathTests, &list)
	if list.Open != 0 || list.Tests[0].Returned != "1001" {
		t.Errorf("after replay: %+v", list)
	}
}

// TestServiceCardIsNoFault: a maintenance card at work is noted as what it is.
func TestServiceCardIsNoFault(t *testing.T) {
	t.Parallel()
	r := laidOut(t)
	r.board(&fa.Fault{Text: []byte("S06 SERVICE 01000614400000000001")})
	r.board(&fa.Fault{Text: []byte("E07 PULSER")})
	r.flush()
	if got := strings.Join(r.alarms(), " "); !strings.Contains(got, "service-card") || !strings.Contains(got, "board-fault") {
		t.Errorf("alarms %q", got)
	}
}
