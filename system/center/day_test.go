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
