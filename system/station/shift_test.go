package station

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greylock/system/wire/fa"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// operate asks the operator door, makes durable what it wrote and reads the answer; the word is that of a refusal.
func operate[A any](r *rig, path string, q any) (a A, word string) {
	r.t.Helper()
	body, err := json.Marshal(q)
	if err != nil {
		r.t.Fatal(err)
	}
	r.last.Status = 0
	r.c.Serve(r.now, 7, path, body)
	r.take()
	r.flush()
	if r.last.Status == 0 { // it waits for readings that do not come
		r.pass(readLimit)
	}
	if r.last.Status == http.StatusOK {
		err = json.Unmarshal(r.last.Body, &a)
	} else {
		var x record.Refusal
		err = json.Unmarshal(r.last.Body, &x)
		word = x.Code
	}
	if err != nil || r.last.Status != http.StatusOK && word == "" {
		r.t.Fatalf("%s: %d %s: %v", path, r.last.Status, r.last.Body, err)
	}
	return a, word
}

// reads lets the board tell its totalizer.
func (r *rig) reads(total unit.Totalizer) {
	r.t.Helper()
	r.board(&fa.Totals{Nozzles: []fa.NozzleTotal{{NZN: 1, Total: total}}})
	r.flush()
}

// onDuty is a station with a board whose totalizer is known, and an open shift.
func onDuty(t *testing.T, q OpenShift) *rig {
	t.Helper()
	r := newRig(t)
	r.placed()
	r.flush()
	r.has(0)
	r.reads(sale(1).Total - 1000)
	if _, word := operate[ShiftView](r, PathOpenShift, q); word != "" {
		t.Fatal(word)
	}
	return r
}

// fresh replays the journal into another program.
func (r *rig) fresh() *Core {
	c := New(Config{Site: "0001", Realm: record.Training, CenterKey: r.c.cfg.CenterKey, Ports: r.c.cfg.Ports, Source: noSource{}, Rand: rand.New(rand.NewPCG(1, 2))})
	for i, f := range r.log {
		c.Apply(uint64(i)+1, f)
	}
	return c
}

var wang = OpenShift{By: "王强", Float: 500_00}

func TestShift(t *testing.T) {
	t.Parallel()
	r := onDuty(t, wang)
	if _, word := operate[ShiftView](r, PathOpenShift, OpenShift{By: "李梅"}); word != "SHIFT_OPEN" {
		t.Error(word)
	}
	r.bring(sale(1), sale(2))
	for range 2 {
		if x, _ := operate[ShiftView](r, PathShift, AskShift{}); x.Kind != "X" || !x.Open || x.Report.Number != 1 || x.Report.Meters[0].Count != 2 {
			t.Errorf("%+v", x)
		}
	}
	counted := unit.Fen(490_00)
	z, word := operate[ShiftView](r, PathCloseShift, CloseShift{By: "王强", Counted: &counted})
	if word != "" || z.Kind != "Z" || z.Open || z.Report.Number != 1 || z.Report.Meters[0].Ran != 2000 || len(z.Report.Meters[0].Lines) != 0 || z.Report.Cash.Difference != -10_00 {
		t.Errorf("%s %+v", word, z)
	}
	for want, q := range map[string]CloseShift{"NO_SHIFT": {By: "王强"}, "SHIFT_CLOSED": {By: "王强", Number: 1}, "BY": {}} {
		if _, word := operate[ShiftView](r, PathCloseShift, q); word != want {
			t.Errorf("%+v: %s, want %s", q, word, want)
		}
	}
	again, _ := operate[ShiftView](r, PathShift, AskShift{Number: 1})
	if d := cmp.Diff(z.Report, again.Report); d != "" {
		t.Error(d)
	}
	if r.facts("shift.closed") != 1 || r.facts("shift.reported") != 1 {
		t.Error("not once each")
	}
	c := r.fresh()
	if d := cmp.Diff(r.c.shifts.Closed(), c.shifts.Closed()); d != "" || c.shifts.Next() != 2 {
		t.Error("replay gives another book: ", d)
	}
}

func TestDifferenceNeedsAReason(t *testing.T) {
	t.Parallel()
	r := onDuty(t, wang)
	r.bring(sale(1))
	r.reads(sale(1).Total + 100)
	if _, word := operate[ShiftView](r, PathCloseShift, CloseShift{By: "王强"}); word != "DIFFERENCE" {
		t.Fatal(word)
	}
	if _, word := operate[ShiftView](r, PathCloseShift, CloseShift{By: "王强", Reasons: []record.MeterReason{{Nozzle: 1, Kind: "because"}}}); word != "REASON" {
		t.Error(word)
	}
	z, word := operate[ShiftView](r, PathCloseShift, CloseShift{By: "王强", Reasons: []record.MeterReason{{Nozzle: 1, Kind: "test-draw", Note: "检定"}}})
	want := []record.MeterLine{{Kind: "test-draw", Quantity: 100, Note: "检定"}}
	if d := cmp.Diff(want, z.Report.Meters[0].Lines); word != "" || d != "" {
		t.Error(word, d)
	}
}

func TestBlindCount(t *testing.T) {
	t.Parallel()
	r := onDuty(t, OpenShift{By: "王强", Float: 500_00, Blind: true})
	if x, _ := operate[ShiftView](r, PathShift, AskShift{}); x.Report.Cash != nil || !x.Blind {
		t.Errorf("%+v", x)
	}
	if _, word := operate[ShiftView](r, PathCloseShift, CloseShift{By: "王强"}); word != "COUNT_FIRST" {
		t.Error(word)
	}
	counted := unit.Fen(510_00)
	if z, word := operate[ShiftView](r, PathCloseShift, CloseShift{By: "王强", Counted: &counted}); word != "" || z.Report.Cash == nil || z.Report.Cash.Difference != 10_00 {
		t.Errorf("%s %+v", word, z)
	}
}

func TestHandOver(t *testing.T) {
	t.Parallel()
	r := onDuty(t, wang)
	r.bring(sale(1))
	for want, q := range map[string]HandOver{
		"TO": {CloseShift: CloseShift{By: "王强"}}, "SAME_PERSON": {CloseShift: CloseShift{By: "王强"}, To: "王强"},
		"NOT_ON_DUTY": {CloseShift: CloseShift{By: "赵六"}, To: "李梅"},
	} {
		if _, word := operate[ShiftView](r, PathHandOver, q); word != want {
			t.Errorf("%+v: %s, want %s", q, word, want)
		}
	}
	q := HandOver{CloseShift: CloseShift{By: "王强"}, To: "李梅", Float: 300_00}
	z, word := operate[ShiftView](r, PathHandOver, q)
	if open, is := r.c.shifts.Open(); word != "" || !z.Open || z.Report.Number != 1 || !is || open.Number != 2 || open.By != "李梅" || open.Float != 300_00 {
		t.Errorf("%s %+v %+v", word, z, open)
	}
	if _, word := operate[ShiftView](r, PathHandOver, q); word != "NOT_ON_DUTY" {
		t.Error("the same hand-over twice: ", word)
	}
}

// TestCloseIsFinishedAfterACut: between the close and its report the program may stop; the next start writes what was missing.
func TestCloseIsFinishedAfterACut(t *testing.T) {
	t.Parallel()
	r := onDuty(t, wang)
	r.bring(sale(1))
	z, _ := operate[ShiftView](r, PathCloseShift, CloseShift{By: "王强"})
	for i, f := range r.log {
		if f.FactType() == "shift.closed" {
			r.log = r.log[:i+1]
			break
		}
	}
	c := r.fresh()
	c.Start(r.now)
	for _, a := range c.Take().Acts {
		for _, f := range a.Facts {
			if f, ok := f.(record.ShiftReported); ok {
				if d := cmp.Diff(z.Report, f.Report); d != "" {
					t.Error(d)
				}
				c.Apply(uint64(len(r.log))+1, f)
			}
		}
	}
	if _, missing := c.shifts.Untold(); missing {
		t.Error("the report is still missing")
	}
}

// TestDuty: cards and acts say who serves a nozzle.
func TestShiftDuty(t *testing.T) {
	t.Parallel()
	r := onDuty(t, wang)
	event := func(n fa.POSTTC, kind fa.TType, employee byte) fa.Record {
		x := sale(n)
		x.Type, x.Volume, x.Amount, x.Employee = kind, 0, 0, employee
		return x
	}
	second := sale(2)
	second.Total = sale(1).Total
	r.bring(event(1, fa.ShiftOn, 7), second, event(3, fa.ShiftOff, 7))
	if _, word := operate[record.Done](r, PathShiftDuty, AskDuty{Nozzle: 1, Person: "赵六", By: "王强"}); word != "" {
		t.Error(word)
	}
	fourth := sale(4)
	fourth.Total = second.Total + 1000
	r.bring(fourth)
	for want, q := range map[string]AskDuty{"NO_NOZZLE": {Nozzle: 9, By: "王强"}, "BY": {Nozzle: 1}} {
		if _, word := operate[record.Done](r, PathShiftDuty, q); word != want {
			t.Errorf("%+v: %s", q, word)
		}
	}
	x, _ := operate[ShiftView](r, PathShift, AskShift{})
	want := []record.ShiftSum{{Key: "员工 7", DaySum: record.DaySum{Count: 1, Quantity: unit.Litre.Of(1000), Amount: 7850}}, {Key: "赵六", DaySum: record.DaySum{Count: 1, Quantity: unit.Litre.Of(1000), Amount: 7850}}}
	if d := cmp.Diff(want, x.Report.Staff); d != "" {
		t.Error(d)
	}
}

func TestDayClose(t *testing.T) {
	t.Parallel()
	r := onDuty(t, wang)
	r.bring(sale(1))
	today, _ := operate[DayView](r, PathDay, AskDay{})
	if today.Open.Count != 1 || today.Count != 0 {
		t.Errorf("%+v", today)
	}
	if _, word := operate[DayView](r, PathCloseDay, CloseDay{Day: today.Day.Day, By: "王强"}); word != "DAY_NOT_OVER" {
		t.Error(word)
	}
	if _, word := operate[ShiftView](r, PathCloseShift, CloseShift{By: "王强"}); word != "" {
		t.Error(word)
	}
	r.now = today.Day.Day.Ends(0)
	d, word := operate[DayView](r, PathCloseDay, CloseDay{Day: today.Day.Day, By: "王强"})
	if word != "" || d.Number != 1 || d.Count != 1 || d.Amount != 7850 {
		t.Errorf("%s %+v", word, d)
	}
	if _, word := operate[DayView](r, PathCloseDay, CloseDay{Day: today.Day.Day, By: "王强"}); word != "DAY_CLOSED" {
		t.Error(word)
	}
	month := today.Day.Day.Month()
	if _, word := operate[MonthView](r, PathCloseMonth, CloseMonth{Month: month, By: "王强"}); word != "MONTH_NOT_OVER" {
		t.Error(word)
	}
	r.now = r.now.Add(10 * 24 * 3600e9)
	if m, word := operate[MonthView](r, PathCloseMonth, CloseMonth{Month: month, By: "王强"}); word != "" || m.Days != 1 || m.Amount != 7850 {
		t.Errorf("%s %+v", word, m)
	}
	if m, _ := operate[MonthView](r, PathMonth, AskMonth{Month: month}); m.Count != 1 {
		t.Errorf("%+v", m)
	}
	if d := cmp.Diff(r.c.shifts.Days(), r.fresh().shifts.Days()); d != "" {
		t.Error(d)
	}
}
