package world

import (
	"testing"
	"time"

	"greylock/system/center"
	"greylock/system/clock"
	"greylock/system/station"
	"greylock/system/wire/fa"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// TestTillAcrossTheCut: the card is locked in the last second of a business day, the nozzle is authorised in the first of the next.
// Shift, day and center count the sale on the day of the lock.
func TestTillAcrossTheCut(t *testing.T) {
	t.Parallel()
	w := tillWorld(t)
	v, err := answer[center.LayoutView](w, center.PathLayout, center.AskSite{Site: "0001"})
	must(t, err)
	c := w.now.Add(3 * time.Minute).Civil()
	c.Second = 0
	cut := c.Instant()
	v.Layout.DayCut = c.Hour*60 + c.Minute
	must(t, w.order1(center.PathPutLayout, center.PutLayout{Site: "0001", Layout: v.Layout, By: "城镇"}))
	w.Pass(20 * time.Second)
	_, err = answerAt[station.ShiftView](w, "0001", station.PathOpenShift, station.OpenShift{By: "王强"})
	must(t, err, w.PutOnTill(zhang, 1))
	tillWaits(t, w, "pin")
	must(t, w.KeyPINAtTill(1, "123456"))
	tillWaits(t, w, "order")
	w.stations["0001"].disk.Slow(200 * time.Millisecond)
	w.Pass(cut.Add(-350 * time.Millisecond).Sub(w.now))
	must(t, w.OrderAtTill(1, 2, 10000, 0))
	tillWaits(t, w, "pump")
	w.stations["0001"].disk.Slow(0)
	pays(t, w)
	must(t, w.Settle(time.Minute))

	var lock, authorised, counted, written clock.BusinessDay
	day := func(i clock.Instant) clock.BusinessDay { return i.Civil().BusinessDay(v.Layout.DayCut) }
	must(t, facts(w.stations["0001"], func(f record.Fact) {
		switch f := f.(type) {
		case record.TillStep:
			var stamp fa.Stamp
			copy(stamp[:], f.Stamp)
			if at, err := stamp.Civil(); f.Step == "BEGIN" && err == nil {
				lock = day(at.Instant())
			}
		case record.PlainAuthorised:
			authorised = day(clock.FromMilli(f.TimeMs))
		case record.PlainSold:
			counted = f.BusinessDay
		case record.DispenserRecord:
			if f.Port > record.TillPort {
				written = f.BusinessDay
			}
		}
	}))
	if lock == authorised || counted != lock || written != lock {
		t.Fatalf("locked on %v, authorised on %v, counted on %v, written on %v", lock, authorised, counted, written)
	}
	none := unit.Fen(0)
	_, err = answerAt[station.ShiftView](w, "0001", station.PathCloseShift, station.CloseShift{By: "王强", Counted: &none})
	must(t, err)
	_, err = answerAt[station.DayView](w, "0001", station.PathCloseDay, station.CloseDay{Day: lock, By: "王强"})
	must(t, err, w.Settle(time.Minute))
	d, err := answer[center.DayView](w, center.PathDay, center.AskDay{Site: "0001", Day: lock})
	must(t, err)
	if d.Station == nil || !d.Tied || d.Books.Count != 1 || d.Books.Amount != 10000 || len(d.Held)+len(d.Moved)+len(d.Absorbed) != 0 {
		t.Errorf("%+v", d)
	}
	if _, err := w.Finish(); err != nil {
		t.Error(err)
	}
}
