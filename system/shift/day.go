package shift

import (
	"fmt"
	"slices"

	"greylock/system/clock"
	"greylock/system/wire/record"
)

// Day is a business day as the station's books have it.
type Day struct {
	record.DayReport
	Late record.DaySum `json:"late"` // sales of the day that stand in later shifts than the close
	Open record.DaySum `json:"open"` // sales of the day in the shift that is not closed, and not late
}

// Day sums up a business day: as it was closed, or as it would be closed now.
func (b *Book) Day(d clock.BusinessDay) Day {
	out := Day{DayReport: record.DayReport{Day: d, LastShift: uint64(len(b.closed)), Shifts: []uint64{}, Tenders: []record.ShiftSum{}}}
	for _, x := range b.days {
		if x.Day == d {
			out.DayReport = x
		}
	}
	for _, z := range b.closed {
		switch sum, tenders := part(z.Days, d); {
		case sum.Count == 0:
		case z.Number > out.LastShift:
			out.Late = out.Late.Plus(sum)
		case out.Number == 0:
			out.DaySum = out.DaySum.Plus(sum)
			out.Shifts = append(out.Shifts, z.Number)
			all := sums(out.Tenders)
			all.join(tenders)
			out.Tenders = all
		}
	}
	if sum, _ := part(b.run.days, d); out.Number != 0 {
		out.Late = out.Late.Plus(sum)
	} else {
		out.Open = sum
	}
	return out
}

// part is what a shift has of a day.
func part(list []record.ShiftDay, d clock.BusinessDay) (all record.DaySum, tenders []record.ShiftSum) {
	for _, x := range list {
		if x.Day == d {
			all = all.Plus(x.DaySum)
			tenders = append(tenders, record.ShiftSum{Key: x.Tender, DaySum: x.DaySum})
		}
	}
	return all, tenders
}

func refuse(code, zh, en string, args ...any) error {
	return record.Refusal{Code: code, Zh: fmt.Sprintf(zh, args...), En: fmt.Sprintf(en, args...)}
}

// CloseDay makes the report that closes a day: the day is over, its shifts have their Z, and no earlier day with sales is open.
// An error is a record.Refusal.
func (b *Book) CloseDay(d clock.BusinessDay, now clock.Instant, cut int) (record.DayReport, error) {
	last := clock.BusinessDay(0)
	if n := len(b.days); n > 0 {
		last = b.days[n-1].Day
	}
	end := d.Ends(cut)
	open, is := b.Open()
	switch {
	case d <= last:
		return record.DayReport{}, refuse("DAY_CLOSED", "%v 已日结或早于已日结的 %v", "%v is closed, or before %v, which is", d, last)
	case now < end:
		return record.DayReport{}, refuse("DAY_NOT_OVER", "营业日 %v 到 %v 才结束", "business day %v ends at %v", d, end.Civil())
	case is && open.TimeMs < end.Milli():
		return record.DayReport{}, refuse("SHIFT_OPEN", "第 %d 班还未交班: 先交班, 再日结", "shift %d is open: close it first", open.Number)
	}
	if sum, _ := part(b.run.days, d); !is && sum.Count > 0 {
		return record.DayReport{}, refuse("SHIFT_MISSING", "该日还有 %d 笔不在任何班次: 开班并交班后再日结", "%d sales of the day are in no shift: open one and close it", sum.Count)
	}
	if e := b.earlier(d, last); e != 0 {
		return record.DayReport{}, refuse("DAY_BEFORE_OPEN", "%v 还未日结: 按日期依次日结", "%v is not closed yet: one day after another", e)
	}
	r := b.Day(d).DayReport
	r.Number = uint64(len(b.days)) + 1
	return r, nil
}

// earlier is a day with sales after last and before d; 0 if there is none.
func (b *Book) earlier(d, last clock.BusinessDay) clock.BusinessDay {
	for _, z := range b.closed {
		for _, x := range z.Days {
			if x.Day < d && x.Day > last {
				return x.Day
			}
		}
	}
	return 0
}

// DayClosed notes a closed day.
func (b *Book) DayClosed(f record.DayClosed) { b.days = append(b.days, f.Report) }

// Days lists the closed days, oldest first; the list is the book's own.
func (b *Book) Days() []record.DayReport { return b.days }

// Month sums up the closed days of a month (YYYYMM), with what came late of them.
func (b *Book) Month(month int) record.MonthReport {
	m := record.MonthReport{Month: month}
	var all sums
	for _, d := range b.days {
		if d.Day.Month() != month {
			continue
		}
		m.Days++
		m.DaySum = m.DaySum.Plus(d.DaySum)
		m.Late = m.Late.Plus(b.Day(d.Day).Late)
		all.join(d.Tenders)
	}
	m.Tenders = copied(all)
	return m
}

// CloseMonth makes the report that closes a month: it is over, and every day of it that has sales is closed.
// An error is a record.Refusal.
func (b *Book) CloseMonth(month int, now clock.Instant, cut int) (record.MonthReport, error) {
	first := clock.BusinessDay(month*100 + 1)
	next := clock.BusinessDay((month + 1) * 100)
	if month%100 == 12 {
		next = clock.BusinessDay((month + 100 - 11) * 100)
	}
	last := clock.BusinessDay(0)
	if n := len(b.days); n > 0 {
		last = b.days[n-1].Day
	}
	switch {
	case !first.Valid():
		return record.MonthReport{}, refuse("MONTH", "没有 %d 这个月: 写成 202611", "no month %d: write 202611", month)
	case slices.ContainsFunc(b.months, func(m record.MonthReport) bool { return m.Month == month }):
		return record.MonthReport{}, refuse("MONTH_CLOSED", "%d 月已月结", "month %d is closed", month)
	case now.Civil().BusinessDay(cut) < next:
		return record.MonthReport{}, refuse("MONTH_NOT_OVER", "%d 月还没过完", "month %d is not over", month)
	}
	if e := b.earlier(next, last); e != 0 {
		return record.MonthReport{}, refuse("DAY_OPEN", "%v 还未日结", "%v is not closed", e)
	}
	return b.Month(month), nil
}

// MonthClosed notes a closed month.
func (b *Book) MonthClosed(f record.MonthClosed) { b.months = append(b.months, f.Report) }
