package station

import (
	"fmt"
	"net/http"

	"greylock/system/clock"
	"greylock/system/shift"
	"greylock/system/wire/record"
)

// Paths of days and months. Source: features.md T5.
const (
	PathDay        = "/op/station/day"         // AskDay → DayView
	PathCloseDay   = "/op/station/day/close"   // CloseDay → DayView
	PathMonth      = "/op/station/month"       // AskMonth → MonthView
	PathCloseMonth = "/op/station/month/close" // CloseMonth → MonthView
)

// AskDay names a business day; 0 is the one that it is now.
type AskDay struct {
	Day clock.BusinessDay `json:"business_day,omitempty"`
}

// CloseDay closes a business day that is over.
type CloseDay struct {
	Day clock.BusinessDay `json:"business_day"`
	By  string            `json:"by"`
}

// DayView is a business day at the station.
type DayView struct {
	Site record.SiteID `json:"site"`
	Name string        `json:"name"`
	shift.Day
}

// AskMonth names a month, YYYYMM; 0 is the one that it is now.
type AskMonth struct {
	Month int `json:"month,omitempty"`
}

// CloseMonth closes a month that is over.
type CloseMonth struct {
	Month int    `json:"month"`
	By    string `json:"by"`
}

// MonthView is a month at the station.
type MonthView struct {
	Site record.SiteID `json:"site"`
	Name string        `json:"name"`
	record.MonthReport
}

func (c *Core) today(now clock.Instant) clock.BusinessDay {
	return now.Civil().BusinessDay(c.orders.layout.DayCut)
}

func (c *Core) askDay(now clock.Instant, id uint64, q AskDay) {
	if q.Day == 0 {
		q.Day = c.today(now)
	}
	if c.isDay(id, q.Day) {
		c.reply(id, c.dayView(q.Day), 0)
	}
}

// isDay says whether a number is a day, or refuses.
func (c *Core) isDay(id uint64, d clock.BusinessDay) bool {
	if !d.Valid() {
		c.refuse(id, http.StatusBadRequest, "DAY", fmt.Sprintf("%d 不是日期: 写成 2026-11-22", int(d)), fmt.Sprintf("%d is no date: write 2026-11-22", int(d)))
	}
	return d.Valid()
}

func (c *Core) dayView(d clock.BusinessDay) DayView {
	return DayView{c.cfg.Site, c.orders.layout.Name, c.shifts.Day(d)}
}

func (c *Core) closeDay(now clock.Instant, id uint64, q CloseDay) {
	switch {
	case !word(q.By):
		c.refuse(id, http.StatusBadRequest, "BY", "请写明日结人", "say who closes the day")
		return
	case !c.isDay(id, q.Day):
		return
	case c.closing != nil:
		c.refuse(id, http.StatusConflict, "SHIFT_CLOSING", "正在交班或结账, 请稍候", "a close is under way")
		return
	}
	r, err := c.shifts.CloseDay(q.Day, now, c.orders.layout.DayCut)
	if err != nil {
		c.refuseWith(id, err)
		return
	}
	c.closing = &closing{act: true}
	c.then(c.out.Append(record.DayClosed{TimeMs: now.Milli(), By: q.By, Report: r}), func(clock.Instant) {
		c.closing = nil
		c.reply(id, c.dayView(q.Day), 0)
	})
}

func (c *Core) askMonth(now clock.Instant, id uint64, q AskMonth) {
	if q.Month == 0 {
		q.Month = c.today(now).Month()
	}
	if !clock.BusinessDay(q.Month*100 + 1).Valid() {
		c.refuse(id, http.StatusBadRequest, "MONTH", fmt.Sprintf("没有 %d 这个月: 写成 202611", q.Month), fmt.Sprintf("no month %d: write 202611", q.Month))
		return
	}
	c.reply(id, MonthView{c.cfg.Site, c.orders.layout.Name, c.shifts.Month(q.Month)}, 0)
}

func (c *Core) closeMonth(now clock.Instant, id uint64, q CloseMonth) {
	if !word(q.By) {
		c.refuse(id, http.StatusBadRequest, "BY", "请写明月结人", "say who closes the month")
		return
	}
	if c.closing != nil {
		c.refuse(id, http.StatusConflict, "SHIFT_CLOSING", "正在交班或结账, 请稍候", "a close is under way")
		return
	}
	r, err := c.shifts.CloseMonth(q.Month, now, c.orders.layout.DayCut)
	if err != nil {
		c.refuseWith(id, err)
		return
	}
	c.closing = &closing{act: true}
	c.then(c.out.Append(record.MonthClosed{TimeMs: now.Milli(), By: q.By, Report: r}), func(clock.Instant) {
		c.closing = nil
		c.reply(id, MonthView{c.cfg.Site, c.orders.layout.Name, r}, 0)
	})
}
