package center

import (
	"testing"

	"greylock/system/wire/fa"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// TestDayIsTiedToTheStations: the center's sum by record, the station's 日结, and the records that make the difference.
func TestDayIsTiedToTheStations(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	good := fact(r.lock(0, 30000, 0, 1).record(fa.Fuelling, 501, 1000, 7850, 1000))
	day := start.Civil().BusinessDay(0)
	forged := r.lock(0, 22150, 1, 2).record(fa.Fuelling, 502, 200, 1570, 1200)
	forged.TAC[0] ^= 1
	held := fact(r.sign(forged))
	good.BusinessDay, held.BusinessDay = day, day
	r.ship(station, good)
	seq := r.ship(station, held)

	var v DayView
	r.into(&v, PathDay, AskDay{Site: station, Day: day})
	one := record.OneSale(1000, unit.Litre, 7850)
	want(t, "open day", []any{v.Books, v.Station == nil, len(v.Held)}, []any{one, true, 1})

	both := record.DaySum{Count: 2, Quantity: unit.Litre.Of(1200), Amount: 9420}
	closed := record.DayClosed{Report: record.DayReport{Number: 1, Day: day, LastShift: 1, DaySum: both}}
	r.ship(station, record.ShiftReported{Report: record.ShiftReport{Number: 1, From: 1, To: seq}}, closed)
	r.into(&v, PathDay, AskDay{Site: station, Day: day})
	want(t, "tied", []any{v.Books, v.Difference, v.Tied, v.Held[0].Reason}, []any{one, record.OneSale(200, unit.Litre, 1570), true, TACWrongWord})

	late := fact(r.lock(0, 22150, 1, 3).record(fa.Fuelling, 503, 100, 785, 1300))
	late.BusinessDay = day
	r.ship(station, late)
	r.into(&v, PathDay, AskDay{Site: station, Day: day})
	want(t, "late", []any{v.Books, v.Late, v.Tied}, []any{one, record.OneSale(100, unit.Litre, 785), true})
	r.sameAfterReplay()

	moved := fact(r.lock(0, 21365, 2, 4).record(fa.Fuelling, 504, 100, 785, 1400))
	moved.BusinessDay = day + 1
	r.ship(station, moved)
	r.into(&v, PathDay, AskDay{Site: station, Day: day})
	if len(v.Moved) != 1 || v.Moved[0].StationDay != day+1 || v.Tied {
		t.Errorf("%+v", v)
	}
	r.refused(BadValue, PathDay, AskDay{Site: station, Day: 20260230})
	r.refused(UnknownSite, PathDay, AskDay{Site: "9999"})
	r.into(&v, PathDay, AskDay{Site: station})
	want(t, "today", v.Day, start.Civil().BusinessDay(0))
}

// TestDayWithATill: card sales at plain dispensers stand in the station's day with the end of the delivery, in the books with the
// till's record. One whose card could not pay all, one whose record comes later, and one whose record is held tie all the same.
func TestDayWithATill(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.ok(PathPutLayout, PutLayout{Site: station, By: "test", Layout: record.Layout{
		Name: "站", Province: 0x44, City: 1, Superior: record.Hex{0, 0, 0, 1}, Station: record.Hex{0, 0, 0x10, 1},
		Ports: []record.PortPlan{{Port: 2, Nozzle: 2, NZN: 1, Product: product, Protocol: record.ProtocolLF}},
		Tills: []record.TillPlan{{Number: 1, TID: r.cards.PSAMs[0].TID}}}})
	day := start.Civil().BusinessDay(0)
	ended := func(l lock, number uint32, q unit.Quantity, a unit.Fen) record.PlainSold {
		return record.PlainSold{TimeMs: start.Milli(), Port: 2, NZN: 1, Nozzle: 2, Number: number, Product: product, Price: price, Quantity: q, Amount: a,
			Moved: q, MovedCash: a, Verdict: agreed, Way: "card", Card: record.SaleID{TID: l.tid(), TTC: l.ttc}, BusinessDay: day}
	}
	written := func(rec fa.Record) record.DispenserRecord {
		rec.NZN = 2
		f := fact(r.sign(rec))
		f.Port, f.Nozzle, f.BusinessDay = record.TillPort+1, 2, day
		return f
	}
	close := func(number, seq uint64, all record.DaySum) {
		r.ship(station, record.ShiftReported{Report: record.ShiftReport{Number: number, From: 1, To: seq}},
			record.DayClosed{Report: record.DayReport{Number: 1, Day: day, LastShift: number, DaySum: all}})
	}
	view := func() (v DayView) { r.into(&v, PathDay, AskDay{Site: station, Day: day}); return v }

	poor := r.lock(0, 7840, 0, 1) // 10.00 L are 78.50, the card has 78.40
	r.ship(station, ended(poor, 1, 1000, 7850), written(poor.record(fa.Fuelling, 1, 1000, 7840, 1000)))
	late := r.lock(1, 50000, 0, 2)
	r.ship(station, ended(late, 2, 200, 1570))
	forged := r.lock(2, 50000, 0, 3)
	rec := forged.record(fa.Fuelling, 2, 100, 785, 1300)
	rec.TAC[0] ^= 1
	seq := r.ship(station, ended(forged, 3, 100, 785), written(rec))
	close(1, seq, record.DaySum{Count: 3, Quantity: unit.Litre.Of(1300), Amount: 7850 + 1570 + 785})

	v := view()
	want(t, "books", v.Books, record.OneSale(1000, unit.Litre, 7840))
	want(t, "absorbed", v.Absorbed, []AbsorbedSale{{record.SaleID{TID: poor.tid(), TTC: 1}.String(), v.Absorbed[0].Seq, record.OneSale(1000, unit.Litre, 7850), record.OneSale(1000, unit.Litre, 7840)}})
	want(t, "held", []any{len(v.Held), v.Held[0].Reason, v.Held[1].Reason, v.Held[1].DaySum}, []any{2, TACWrongWord, TillWaiting, record.OneSale(200, unit.Litre, 1570)})
	want(t, "tied", v.Tied, true)

	r.ship(station, written(late.record(fa.Escape, 3, 200, 1570, 1200))) // the PSAM was away over the close
	v = view()
	want(t, "the late record is of its day", []any{v.Books.Count, v.Late.Count, len(v.Held), v.Tied}, []any{2, 0, 1, true})
	r.sameAfterReplay()
}
