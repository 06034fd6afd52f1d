package world

import (
	"strings"
	"testing"

	"greylock/system/wire/fa"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// TestShiftCheckerCatches plants what M11 and M8 forbid, one violation in each run.
func TestShiftCheckerCatches(t *testing.T) {
	t.Parallel()
	raw := func(hour byte) record.Hex {
		r := fa.Record{Type: fa.Fuelling, Time: fa.Stamp{0x20, 0x26, 0x11, 0x22, hour, 0, 0}, ASN: pboc.ASN{1}, Product: fa.Product{0x10, 0x31},
			Volume: 1000, Price: 785, Amount: 7850, Total: 501000, Unit: fa.PayCard}
		b := r.Bytes()
		return b[:]
	}
	counted := unit.Fen(39000)
	honest := func() (facts []record.Fact) {
		report := record.ShiftReport{Number: 1, From: 1, To: 4,
			Meters:  []record.ShiftMeter{{Port: 1, Nozzle: 1, Open: 500000, Close: 501100, Ran: 1100, Sold: 1000, Amount: 7850, Count: 1, Lines: []record.MeterLine{{Kind: "test-draw", Quantity: 100}}}},
			Tenders: []record.ShiftSum{{Key: "card", DaySum: record.DaySum{Count: 1, Quantity: unit.Litre.Of(1000), Amount: 7850}}},
			Days:    []record.ShiftDay{{Day: 20261122, Tender: "card", DaySum: record.OneSale(1000, unit.Litre, 7850)}},
			Cash:    &record.ShiftCash{Float: 50000, Dropped: 10000, Expected: 40000, Counted: &counted, Difference: -1000}}
		day := record.DayReport{Number: 1, Day: 20261122, LastShift: 1, DaySum: record.OneSale(1000, unit.Litre, 7850)}
		return []record.Fact{
			record.ShiftOpened{Number: 1, By: "王强", Float: 50000}, record.DispenserRecord{Port: 1, Nozzle: 1, Raw: raw(0x09), BusinessDay: 20261122},
			record.CashDropped{Shift: 1, By: "王强", Amount: 10000, To: "safe", Bag: "B-1"},
			record.ShiftClosed{Number: 1}, record.ShiftReported{Report: report}, record.DayClosed{Report: day},
		}
	}
	report := func(do func(r *record.ShiftReport)) func([]record.Fact) []record.Fact {
		return func(f []record.Fact) []record.Fact {
			x := f[4].(record.ShiftReported)
			do(&x.Report)
			f[4] = x
			return f
		}
	}
	for _, c := range []struct {
		name string
		inv  invariant
		want string
		lie  func([]record.Fact) []record.Fact
	}{
		{"honest", inv11, "", func(f []record.Fact) []record.Fact { return f }},
		{"a record left out", inv11, "records 1 to 2", report(func(r *record.ShiftReport) { r.To = 2 })},
		{"a number skipped", inv11, "Z 2", report(func(r *record.ShiftReport) { r.Number = 2 })},
		{"closed twice", inv11, "is closed after", func(f []record.Fact) []record.Fact { return append(f, record.ShiftClosed{Number: 1}) }},
		{"a tender of its own", inv11, "tenders", report(func(r *record.ShiftReport) { r.Tenders[0].Amount++ })},
		{"a drop left out", inv11, "drops 100.00", report(func(r *record.ShiftReport) { r.Cash.Dropped, r.Cash.Expected, r.Cash.Difference = 0, 50000, -11000 })},
		{"cash sales of a card", inv11, "cash sales 0.00", report(func(r *record.ShiftReport) { r.Cash.Sales, r.Cash.Expected, r.Cash.Difference = 7850, 47850, -8850 })},
		{"without a reason", inv11, "without a reason", report(func(r *record.ShiftReport) { r.Meters[0].Lines[0].Kind = "unrecorded" })},
		{"cash made up", inv11, "cash", report(func(r *record.ShiftReport) { r.Cash.Difference = 0 })},
		{"the totalizer ran unseen", inv08, "the totalizer ran", report(func(r *record.ShiftReport) { r.Meters[0].Lines = nil })},
		{"sold less than the records", inv08, "the records are", report(func(r *record.ShiftReport) { r.Meters[0].Sold = 900 })},
		{"the totalizer was moved", inv08, "went from", report(func(r *record.ShiftReport) { r.Meters[0].Close++ })},
		{"another business day", inv11, "its business day is", func(f []record.Fact) []record.Fact {
			f[1] = record.DispenserRecord{Port: 1, Nozzle: 1, Raw: raw(0x09), BusinessDay: 20261123}
			return f
		}},
		{"fuel of a till on the day of the nozzle", inv11, "is of day 2026-11-23", func(f []record.Fact) []record.Fact {
			id := record.SaleID{TTC: 9}
			return append(f, record.TillStep{Till: 1, Step: "BEGIN", Sale: id, Stamp: record.Hex{0x20, 0x26, 0x11, 0x22, 0x23, 0x59, 0x59}},
				record.PlainSold{Port: 2, NZN: 1, Nozzle: 2, Card: id, BusinessDay: 20261123})
		}},
		{"a day that sums up to less", inv11, "day 2026-11-22", func(f []record.Fact) []record.Fact {
			x := f[5].(record.DayClosed)
			x.Report.Amount--
			f[5] = x
			return f
		}},
		{"a day closed twice", inv11, "day 2026-11-22", func(f []record.Fact) []record.Fact { return append(f, f[5]) }},
	} {
		k := newChecks()
		for i, f := range c.lie(honest()) {
			k.shiftFact("0001", uint64(i)+1, f)
		}
		if got := k.broken[c.inv]; (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %s says %q, want %q", c.name, invariantNames[c.inv], got, c.want)
		}
		if c.want == "" && (k.first != nil || k.counts[inv11] == 0) {
			t.Errorf("%s: %v", c.name, k.first)
		}
	}
}
