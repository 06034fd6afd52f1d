package station

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// refusal is one wrong question and the word that it is refused with.
type refusal struct {
	path string
	body any
	want string
}

// unchanged asks the wrong questions: each is refused in its own word, says what and what next in both languages, and writes nothing.
func (r *rig) unchanged(list []refusal) {
	r.t.Helper()
	written := len(r.log)
	before, _ := operate[ShiftView](r, PathShift, AskShift{})
	for _, x := range list {
		_, word := operate[any](r, x.path, x.body)
		if word != x.want {
			r.t.Errorf("%s %+v: %q, want %q", x.path, x.body, word, x.want)
		}
		if text := string(r.last.Body); word == "BODY" || !strings.Contains(text, `"zh":"`) || !strings.Contains(text, `"en":"`) {
			r.t.Errorf("%s %+v: %s", x.path, x.body, text)
		}
	}
	if len(r.log) != written {
		r.t.Errorf("%d facts were written by refused acts: %+v", len(r.log)-written, r.log[written:])
	}
	after, _ := operate[ShiftView](r, PathShift, AskShift{})
	before.Report.ClosedMs, after.Report.ClosedMs = 0, 0
	if d := cmp.Diff(before, after); d != "" {
		r.t.Error(d)
	}
}

// TestShiftRefusals: absurd figures, wrong persons, twice and in the wrong state.
func TestShiftRefusals(t *testing.T) {
	t.Parallel()
	r := onDuty(t, wang)
	r.bring(sale(1))
	fen := func(f unit.Fen) *unit.Fen { return &f }
	long := strings.Repeat("长", mostWords+1)
	close1 := func(q CloseShift) refusal { return refusal{PathCloseShift, q, ""} }
	want := func(x refusal, word string) refusal { x.want = word; return x }
	dip := []record.Dip{{Tank: 9, Quantity: 1}}
	r.unchanged([]refusal{
		{PathOpenShift, OpenShift{}, "BY"}, {PathOpenShift, OpenShift{By: "  "}, "BY"}, {PathOpenShift, OpenShift{By: long}, "BY"},
		{PathOpenShift, OpenShift{By: "李梅", Float: -1}, "CASH"}, {PathOpenShift, OpenShift{By: "李梅", Float: mostCash + 1}, "CASH"},
		{PathOpenShift, OpenShift{By: "李梅", Dips: dip}, "UNKNOWN_TANK"}, {PathOpenShift, OpenShift{By: "李梅"}, "SHIFT_OPEN"},
		want(close1(CloseShift{}), "BY"), want(close1(CloseShift{By: "王强", Counted: fen(-1)}), "CASH"), want(close1(CloseShift{By: "王强", Counted: fen(mostCash + 1)}), "CASH"),
		want(close1(CloseShift{By: "王强", Dips: dip}), "UNKNOWN_TANK"), want(close1(CloseShift{By: "王强", Number: 7}), "NO_SHIFT"),
		want(close1(CloseShift{By: "王强", Reasons: []record.MeterReason{{Nozzle: 9, Kind: "other"}}}), "NO_NOZZLE"),
		want(close1(CloseShift{By: "王强", Reasons: []record.MeterReason{{Nozzle: 1, Kind: "because"}}}), "REASON"),
		want(close1(CloseShift{By: "王强", Reasons: []record.MeterReason{{Nozzle: 1, Kind: "other", Note: long}}}), "REASON"),
		{PathHandOver, HandOver{CloseShift: CloseShift{By: "王强"}}, "TO"}, {PathHandOver, HandOver{CloseShift: CloseShift{By: "王强"}, To: " 王强 "}, "SAME_PERSON"},
		{PathHandOver, HandOver{CloseShift: CloseShift{By: "赵六"}, To: "李梅"}, "NOT_ON_DUTY"}, {PathHandOver, HandOver{CloseShift: CloseShift{By: "王强"}, To: "李梅", Float: -1}, "CASH"},
		{PathHandOver, HandOver{To: "李梅"}, "BY"},
		{PathShiftDuty, AskDuty{Nozzle: 1}, "BY"}, {PathShiftDuty, AskDuty{Nozzle: 0, By: "王强"}, "NO_NOZZLE"}, {PathShiftDuty, AskDuty{Nozzle: 1, By: "王强", Person: long}, "BY"},
		{PathShiftDrop, DropCash{Amount: 100, Bag: "1"}, "BY"}, {PathShiftDrop, DropCash{By: "王强", Bag: "1"}, "CASH"}, {PathShiftDrop, DropCash{By: "王强", Amount: -1, Bag: "1"}, "CASH"},
		{PathShiftDrop, DropCash{By: "王强", Amount: mostCash + 1, Bag: "1"}, "CASH"}, {PathShiftDrop, DropCash{By: "王强", Amount: 1}, "BAG"},
		{PathShiftDrop, DropCash{By: "王强", Amount: 1, Bag: "1", To: "pocket"}, "BAG"},
		{PathShift, AskShift{Number: 1}, "NO_Z"}, {PathShift, AskShift{Number: 99}, "NO_Z"}, {PathShifts, AskShifts{Limit: -1}, "LIMIT"}, {PathShifts, AskShifts{Limit: mostSales + 1}, "LIMIT"},
		{PathDay, AskDay{Day: 20260230}, "DAY"}, {PathCloseDay, CloseDay{By: "王强"}, "DAY"}, {PathCloseDay, CloseDay{By: "王强", Day: -5}, "DAY"},
		{PathCloseDay, CloseDay{Day: 20261122}, "BY"}, {PathCloseDay, CloseDay{By: "王强", Day: 20991231}, "DAY_NOT_OVER"},
		{PathMonth, AskMonth{Month: 202613}, "MONTH"}, {PathMonth, AskMonth{Month: -1}, "MONTH"}, {PathCloseMonth, CloseMonth{By: "王强"}, "MONTH"},
		{PathCloseMonth, CloseMonth{Month: 202611}, "BY"}, {PathCloseMonth, CloseMonth{By: "王强", Month: 209912}, "MONTH_NOT_OVER"},
	})
	if _, word := operate[ShiftView](r, PathCloseShift, CloseShift{By: "王强"}); word != "" {
		t.Fatal(word)
	}
	r.unchanged([]refusal{
		{PathCloseShift, CloseShift{By: "王强"}, "NO_SHIFT"}, {PathCloseShift, CloseShift{By: "王强", Number: 1}, "SHIFT_CLOSED"},
		{PathHandOver, HandOver{CloseShift: CloseShift{By: "王强"}, To: "李梅"}, "NO_SHIFT"}, {PathShiftDrop, DropCash{By: "王强", Amount: 100, Bag: "1"}, "NO_SHIFT"},
	})
}

// TestDrop: a bag leaves the drawer once, is in the report, and the journal gives the same drawer again.
func TestDrop(t *testing.T) {
	t.Parallel()
	r := onDuty(t, wang)
	f, word := operate[record.CashDropped](r, PathShiftDrop, DropCash{By: "王强", Amount: 200_00, Bag: "B-1"})
	if word != "" || f.Shift != 1 || f.To != "safe" || f.TimeMs == 0 {
		t.Errorf("%s %+v", word, f)
	}
	r.unchanged([]refusal{{PathShiftDrop, DropCash{By: "李梅", Amount: 10_00, Bag: "B-1"}, "DROPPED"}})
	if _, word := operate[record.CashDropped](r, PathShiftDrop, DropCash{By: "王强", Amount: 50_00, To: "bank", Bag: "D-1"}); word != "" {
		t.Error(word)
	}
	x, _ := operate[ShiftView](r, PathShift, AskShift{})
	counted := unit.Fen(240_00)
	z, word := operate[ShiftView](r, PathCloseShift, CloseShift{By: "王强", Counted: &counted})
	if k := z.Report.Cash; word != "" || k.Dropped != 250_00 || k.Expected != 250_00 || k.Difference != -10_00 || len(k.Drops) != 2 || x.Report.Cash.Expected != 250_00 {
		t.Errorf("%s %+v", word, k)
	}
	if d := cmp.Diff(r.c.shifts.Closed(), r.fresh().shifts.Closed()); d != "" {
		t.Error("replay gives another book: ", d)
	}
	if _, word := operate[ShiftView](r, PathOpenShift, wang); word != "" {
		t.Fatal(word)
	}
	if _, word := operate[record.CashDropped](r, PathShiftDrop, DropCash{By: "王强", Amount: 1, Bag: "B-1"}); word != "" {
		t.Error("another shift has its own bags: ", word)
	}
}
