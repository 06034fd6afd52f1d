package world

import (
	"encoding/json"
	"slices"

	"greylock/system/clock"
	"greylock/system/station"
	"greylock/system/wire/fa"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// shiftTruth is what the checkers know of one station's shifts: its sales by their place in the journal, and its reports.
type shiftTruth struct {
	sales []shiftSale
	z     record.ShiftReport         // the last one
	ends  map[uint64]uint64          // last record of a closed shift
	close uint64                     // place of the last ShiftClosed
	meter map[shiftMeter]int64       // totalizers at the last boundary
	days  map[clock.BusinessDay]bool // closed
	cut   int
	units map[record.Nozzle]unit.Unit  // what each counts, by the layout
	next  uint64                       // facts seen
	tills map[record.SaleID]bool       // sales whose fuel stands in a plain dispenser's fact
	locks map[record.SaleID]record.Hex // when a till's card was locked, as its records say

	floats, drops map[uint64]unit.Fen // money of the drawer, by shift
}

type shiftMeter struct {
	port   int
	nozzle record.Nozzle
}

// shiftSale is one record of fuel.
type shiftSale struct {
	seq    uint64
	meter  shiftMeter
	day    clock.BusinessDay
	volume unit.Quantity
	amount unit.Fen
	cash   bool // was paid into the drawer
	test   bool // goes back into the tank: no sale of a day
}

func (c *checks) shiftsOf(site record.SiteID) *shiftTruth {
	if c.shifts[site] == nil {
		c.shifts[site] = &shiftTruth{ends: map[uint64]uint64{}, meter: map[shiftMeter]int64{}, days: map[clock.BusinessDay]bool{}, units: map[record.Nozzle]unit.Unit{}, floats: map[uint64]unit.Fen{}, drops: map[uint64]unit.Fen{}, tills: map[record.SaleID]bool{}, locks: map[record.SaleID]record.Hex{}}
	}
	return c.shifts[site]
}

// shiftFact follows a station's journal: M11, and M8 by shift. It is told of each fact once, in order.
func (c *checks) shiftFact(site record.SiteID, seq uint64, f record.Fact) {
	t := c.shiftsOf(site)
	if seq <= t.next { // a batch that came again
		return
	}
	t.next = seq
	switch f := f.(type) {
	case record.DirectiveApplied:
		var d record.Directive
		var l record.Layout
		if json.Unmarshal([]byte(f.Directive.Line), &d) == nil && d.Topic == record.TopicLayout && json.Unmarshal(d.Body, &l) == nil {
			t.cut = l.DayCut
			for _, p := range l.Ports {
				t.units[p.Nozzle] = p.Unit
			}
		}
	case record.DispenserRecord:
		r, err := fa.ParseRecord(f.Raw)
		if err != nil || !fuels(r) || r.Volume == 0 && r.Amount == 0 {
			return
		}
		if at, err := r.Time.Civil(); err == nil {
			c.hold(inv11, at.BusinessDay(t.cut) == f.BusinessDay, "station %s record %d: of %v, its business day is %v", site, seq, r.Time, f.BusinessDay)
		}
		if t.tills[record.SaleID{TID: r.TID, TTC: r.TTC}] {
			return
		}
		t.sales = append(t.sales, shiftSale{seq, shiftMeter{f.Port, f.Nozzle}, f.BusinessDay, r.Volume, r.Amount, paidCash(r), r.TestDraw()})
	case record.TillStep:
		if f.Step == "BEGIN" {
			t.locks[f.Sale] = f.Stamp
		}
	case record.PlainSold:
		if f.Card != (record.SaleID{}) {
			t.tills[f.Card] = true
			c.lockDay(site, t, f)
		}
		if f.Quantity != 0 || f.Amount != 0 {
			t.sales = append(t.sales, shiftSale{seq, shiftMeter{f.Port, f.Nozzle}, f.BusinessDay, f.Quantity, f.Amount, f.Way == "cash" && f.Card == (record.SaleID{}), false})
		}
	case record.ShiftOpened:
		t.floats[f.Number] = f.Float
	case record.CashDropped:
		t.drops[f.Shift] += f.Amount
	case record.ShiftClosed:
		c.hold(inv11, t.ends[f.Number] == 0 && f.Number == t.z.Number+1, "station %s: shift %d is closed after Z %d", site, f.Number, t.z.Number)
		t.close = seq
	case record.ShiftReported:
		c.shiftReport(site, t, f.Report)
	case record.DayClosed:
		c.dayReport(site, t, f.Report)
	}
}

// lockDay: fuel of a card sale is of the day of the lock, whichever day it flowed on.
func (c *checks) lockDay(site record.SiteID, t *shiftTruth, f record.PlainSold) {
	var stamp fa.Stamp
	if copy(stamp[:], t.locks[f.Card]) != len(stamp) {
		return
	}
	if at, err := stamp.Civil(); err == nil {
		c.hold(inv11, at.BusinessDay(t.cut) == f.BusinessDay, "station %s: fuel of sale %v, locked at %v, is of day %v", site, f.Card, stamp, f.BusinessDay)
	}
}

// shiftReport holds a Z against the journal.
func (c *checks) shiftReport(site record.SiteID, t *shiftTruth, r record.ShiftReport) {
	c.hold(inv11, r.Number == t.z.Number+1 && r.From == t.z.To+1 && r.To == t.close,
		"station %s: Z %d is of records %d to %d, after Z %d up to %d; it was closed at %d", site, r.Number, r.From, r.To, t.z.Number, t.z.To, t.close)
	c.figures(site, t, r)
	for _, m := range r.Meters {
		key := shiftMeter{m.Port, m.Nozzle}
		before, known := t.meter[key]
		c.hold(inv11, !known || before == m.Open, "station %s nozzle %d: Z %d opens at %d, the one before closed at %d", site, m.Nozzle, r.Number, m.Open, before)
		t.meter[key] = m.Close
	}
	if k := r.Cash; k != nil && k.Counted != nil {
		c.hold(inv11, k.Expected == k.Float+k.Sales-k.Dropped && k.Difference == *k.Counted-k.Expected, "station %s: Z %d: cash %+v", site, r.Number, *k)
	}
	if k := r.Cash; k != nil {
		c.hold(inv11, k.Float == t.floats[r.Number] && k.Dropped == t.drops[r.Number] && k.Sales == t.cash(r), "station %s: Z %d: cash %+v; the journal has float %v, drops %v, cash sales %v",
			site, r.Number, *k, t.floats[r.Number], t.drops[r.Number], t.cash(r))
	}
	t.z, t.ends[r.Number] = r, r.To
}

// paidCash says that a board's record is of fuel that was paid into the drawer.
func paidCash(r fa.Record) bool {
	return r.Unit.Mode() == fa.PayCash && r.Type.Kind() != fa.Escape && !r.TestDraw() && !r.Unit.Points()
}

// cash is what was paid into the drawer in a shift, by the records.
func (t *shiftTruth) cash(r record.ShiftReport) (sum unit.Fen) {
	for _, s := range t.sales {
		if s.cash && s.seq >= r.From && s.seq <= r.To {
			sum += s.amount
		}
	}
	return sum
}

// figures holds a Z or an X against the records from its first to its last.
func (c *checks) figures(site record.SiteID, t *shiftTruth, r record.ShiftReport) {
	var all, selling record.DaySum
	sold := map[shiftMeter]unit.Quantity{}
	for _, s := range t.sales {
		if s.seq >= r.From && (r.To == 0 || s.seq <= r.To) {
			one := record.OneSale(s.volume, t.units[s.meter.nozzle], s.amount)
			all = all.Plus(one)
			sold[s.meter] += s.volume
			if !s.test {
				selling = selling.Plus(one)
			}
		}
	}
	var tenders, days, meters record.DaySum
	for _, x := range r.Tenders {
		tenders = tenders.Plus(x.DaySum)
	}
	for _, x := range r.Days {
		days = days.Plus(x.DaySum)
	}
	for _, m := range r.Meters {
		meters = meters.Plus(record.DaySum{Count: m.Count, Quantity: t.units[m.Nozzle].Of(m.Sold), Amount: m.Amount})
		lines := m.Sold
		for _, l := range m.Lines {
			lines += l.Quantity
			c.hold(inv11, r.To == 0 || l.Kind != "unrecorded", "station %s nozzle %d: Z %d leaves %v without a reason", site, m.Nozzle, r.Number, l.Quantity)
		}
		c.hold(inv08, m.Sold == sold[shiftMeter{m.Port, m.Nozzle}], "station %s nozzle %d: shift %d says %v, the records are %v", site, m.Nozzle, r.Number, m.Sold, sold[shiftMeter{m.Port, m.Nozzle}])
		c.hold(inv08, m.Ran == lines, "station %s nozzle %d: in shift %d the totalizer ran %v, sales and lines are %v", site, m.Nozzle, r.Number, m.Ran, lines)
		if ran := m.Close - m.Open; ran >= 0 {
			c.hold(inv08, ran == int64(m.Ran), "station %s nozzle %d: in shift %d the totalizer went from %d to %d, and ran %v", site, m.Nozzle, r.Number, m.Open, m.Close, m.Ran)
		}
	}
	c.hold(inv11, tenders == all && meters == all && days == selling, "station %s: shift %d: the records are %+v, tenders %+v, nozzles %+v, days %+v", site, r.Number, all, tenders, meters, days)
}

// dayReport holds a closed day against the records of its shifts.
func (c *checks) dayReport(site record.SiteID, t *shiftTruth, r record.DayReport) {
	var all record.DaySum
	for _, s := range t.sales {
		if s.day == r.Day && !s.test && s.seq <= t.ends[r.LastShift] {
			all = all.Plus(record.OneSale(s.volume, t.units[s.meter.nozzle], s.amount))
		}
	}
	c.hold(inv11, all == r.DaySum && !t.days[r.Day] && r.Number == uint64(len(t.days))+1, "station %s: day %v, number %d, closed before: %v: %+v, the records are %+v", site, r.Day, r.Number, t.days[r.Day], r.DaySum, all)
	t.days[r.Day] = true
}

// openShifts holds what each station says of its open shift against the records that no Z has.
func (c *checks) openShifts(w *World) {
	ids := make([]record.SiteID, 0, len(w.stations))
	for id := range w.stations {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		v, err := answerAt[station.ShiftView](w, id, station.PathShift, station.AskShift{})
		if err != nil || v.Blind { // the station is down, or shows no figures
			continue
		}
		t := c.shiftsOf(id)
		c.hold(inv11, v.Report.From == t.z.To+1, "station %s: the open shift begins at %d, Z %d ended at %d", id, v.Report.From, t.z.Number, t.z.To)
		c.figures(id, t, v.Report)
	}
}
