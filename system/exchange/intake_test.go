package exchange

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greylock/system/clock"
	"greylock/system/journal"
	"greylock/system/wire/record"
)

// batchOf makes a batch of acts behind a place.
func batchOf(from place, acts ...[]string) record.Batch {
	b := record.Batch{Site: site, First: from.seq + 1, Prev: from.chain[:]}
	end := from.chain
	for _, act := range acts {
		for _, line := range act {
			end = journal.Chain(end, []byte(line))
		}
		b.Lines, b.Acts = append(b.Lines, act...), append(b.Acts, len(act))
	}
	b.Head = end[:]
	return b
}

func endOf(b record.Batch) place { return place{b.First + uint64(len(b.Lines)) - 1, [32]byte(b.Head)} }

// TestDecide: what a center that holds a, b c, d of a site's journal answers.
func TestDecide(t *testing.T) {
	t.Parallel()
	start := batchOf(place{}, []string{"a"}, []string{"b", "c"}, []string{"d"})
	here := endOf(start)
	next := batchOf(here, []string{"e", "f"})
	whole := batchOf(place{}, []string{"a"}, []string{"b", "c"}, []string{"d"}, []string{"e", "f"})
	with := func(b record.Batch, change func(*record.Batch)) record.Batch {
		change(&b)
		return b
	}
	for _, c := range []struct {
		name   string
		batch  record.Batch
		status int
		taken  bool
		alarm  bool
	}{
		{"the next", next, http.StatusOK, true, false},
		{"from the beginning, with the next", whole, http.StatusOK, true, false},
		{"the same again", start, http.StatusOK, false, false},
		{"a part again", batchOf(place{}, []string{"a"}), http.StatusOK, false, false},
		{"the last act again", batchOf(endOf(batchOf(place{}, []string{"a"}, []string{"b", "c"})), []string{"d"}), http.StatusOK, false, false},
		{"one that overtook another", batchOf(endOf(next), []string{"g"}), http.StatusConflict, false, false},
		{"another last record", batchOf(endOf(batchOf(place{}, []string{"a"}, []string{"b", "c"})), []string{"D"}), http.StatusConflict, false, true},
		{"another past", batchOf(place{}, []string{"a"}, []string{"b", "C"}, []string{"d"}, []string{"e"}), http.StatusConflict, false, true},
		{"another chain before it", batchOf(place{4, [32]byte{1}}, []string{"e"}), http.StatusConflict, false, true},
		{"an act across the watermark", batchOf(place{}, []string{"a"}, []string{"b", "c"}, []string{"d", "e"}), http.StatusConflict, false, true},
		{"a line altered", with(next, func(b *record.Batch) { b.Lines = []string{"e", "F"} }), http.StatusBadRequest, false, true},
		{"a line missing", with(next, func(b *record.Batch) { b.Lines, b.Acts = b.Lines[:1], []int{1} }), http.StatusBadRequest, false, true},
		{"a line doubled", with(next, func(b *record.Batch) { b.Lines, b.Acts = []string{"e", "e", "f"}, []int{3} }), http.StatusBadRequest, false, true},
		{"lines swapped", with(next, func(b *record.Batch) { b.Lines = []string{"f", "e"} }), http.StatusBadRequest, false, true},
		{"lines in no act", with(next, func(b *record.Batch) { b.Acts = []int{1} }), http.StatusBadRequest, false, true},
		{"an empty act", with(next, func(b *record.Batch) { b.Acts = []int{0, 2} }), http.StatusBadRequest, false, true},
		{"a negative act", with(next, func(b *record.Batch) { b.Acts = []int{3, -1} }), http.StatusBadRequest, false, true},
		{"no lines", with(next, func(b *record.Batch) { b.Lines, b.Acts = nil, nil }), http.StatusBadRequest, false, true},
		{"too many lines", batchOf(here, make([]string, MaxLines), []string{"x"}), http.StatusBadRequest, false, true},
		{"record 0", with(next, func(b *record.Batch) { b.First = 0 }), http.StatusBadRequest, false, true},
		{"record 2^64-1", with(next, func(b *record.Batch) { b.First = 1<<64 - 1 }), http.StatusBadRequest, false, true},
		{"half a hash before", with(next, func(b *record.Batch) { b.Prev = b.Prev[:16] }), http.StatusBadRequest, false, true},
		{"no hash after", with(next, func(b *record.Batch) { b.Head = nil }), http.StatusBadRequest, false, true},
	} {
		in := NewIntake()
		in.Apply(*in.Decide(1, start).Taken)
		d := in.Decide(clock.FromMilli(5), c.batch)
		if d.Status != c.status || (d.Taken != nil) != c.taken || (d.Alarm != nil) != c.alarm || (d.Reason != "") != (c.status != 200) {
			t.Errorf("%s: %d, taken %v, alarm %v, %q", c.name, d.Status, d.Taken, d.Alarm, d.Reason)
			continue
		}
		mark := in.Mark(site)
		if cmp.Diff(mark, record.BatchAnswer{Seq: 4, Head: here.chain[:]}) != "" {
			t.Errorf("%s: the watermark moved before Apply: %+v", c.name, mark)
		}
		if !c.taken {
			if cmp.Diff(d.Answer, mark) != "" {
				t.Errorf("%s: answer %+v", c.name, d.Answer)
			}
			if again := in.Decide(clock.FromMilli(5), c.batch); again.Alarm != nil || again.Status != d.Status {
				t.Errorf("%s again: %+v", c.name, again)
			}
			continue
		}
		want := record.BatchTaken{TimeMs: 5, Site: site, First: 5, Lines: []string{"e", "f"}, Acts: []int{2}, Head: next.Head}
		if diff := cmp.Diff(want, *d.Taken); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
		in.Apply(*d.Taken)
		if cmp.Diff(in.Mark(site), d.Answer) != "" || d.Answer.Seq != 6 {
			t.Errorf("%s: promised %+v, applied %+v", c.name, d.Answer, in.Mark(site))
		}
	}
}

// TestIntakeKeepsSitesApart: equal lines of two sites are two journals.
func TestIntakeKeepsSitesApart(t *testing.T) {
	t.Parallel()
	in := NewIntake()
	b := batchOf(place{}, []string{"a"})
	in.Apply(*in.Decide(1, b).Taken)
	b.Site = "3102"
	d := in.Decide(1, b)
	if d.Taken == nil || d.Taken.Site != "3102" || in.Mark("3102").Seq != 0 || in.Mark(site).Seq != 1 {
		t.Errorf("%+v, marks %+v %+v", d, in.Mark("3102"), in.Mark(site))
	}
}

func BenchmarkDecide(b *testing.B) {
	line := `{"v":1,"type":"dispenser.record","raw":"` + string(make([]byte, 190)) + `"}`
	act := make([]string, MaxLines)
	for i := range act {
		act[i] = line
	}
	batch := batchOf(place{}, act)
	in := NewIntake()
	for b.Loop() {
		if d := in.Decide(1, batch); d.Taken == nil {
			b.Fatal(d.Reason)
		}
	}
	b.ReportMetric(float64(b.N)*MaxLines/b.Elapsed().Seconds(), "records/s")
}
