package station

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"greylock/system/clock"
	"greylock/system/dispenser"
	"greylock/system/link"
	"greylock/system/shift"
	"greylock/system/wire/fa"
	"greylock/system/wire/lf"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Paths of shifts. Source: features.md T4, T5; ux.md ST-01, ST-07.
const (
	PathShift      = "/op/station/shift"          // AskShift → ShiftView: the X of the open shift, or a Z again
	PathShifts     = "/op/station/shifts"         // AskShifts → Shifts, newest first
	PathOpenShift  = "/op/station/shift/open"     // OpenShift → ShiftView
	PathHandOver   = "/op/station/shift/handover" // HandOver → ShiftView: the Z; the next shift is open
	PathCloseShift = "/op/station/shift/close"    // CloseShift → ShiftView: the Z
	PathShiftDuty  = "/op/station/shift/duty"     // AskDuty → record.Done
	PathShiftDrop  = "/op/station/shift/drop"     // DropCash → record.CashDropped
)

// OpenShift is who takes over, with how much cash in the drawer.
type OpenShift struct {
	By    string       `json:"by"`
	Float unit.Fen     `json:"float_fen"`
	Blind bool         `json:"blind,omitempty"` // the cash is counted before its figure is shown
	Dips  []record.Dip `json:"dips,omitempty"`
}

// CloseShift ends the open shift.
type CloseShift struct {
	Number  uint64               `json:"number,omitempty"` // of the shift that is meant; 0: whichever is open
	By      string               `json:"by"`
	Counted *unit.Fen            `json:"counted_fen,omitempty"` // a blind shift is not closed without
	Reasons []record.MeterReason `json:"reasons,omitempty"`
	Dips    []record.Dip         `json:"dips,omitempty"`
}

// HandOver ends the open shift and opens the next one in the same act: By hands over to To.
type HandOver struct {
	CloseShift
	To    string   `json:"to"`
	Float unit.Fen `json:"float_fen"`
	Blind bool     `json:"blind,omitempty"`
}

// AskShift names a closed shift; 0 is the open one.
type AskShift struct {
	Number uint64 `json:"number,omitempty"`
}

// ShiftView is a report and what it is.
type ShiftView struct {
	Site   record.SiteID      `json:"site"`
	Name   string             `json:"name"`
	Kind   string             `json:"kind"` // X, Z
	Open   bool               `json:"open"` // a shift is open
	Blind  bool               `json:"blind,omitempty"`
	Report record.ShiftReport `json:"report"`
}

// AskShifts asks for the newest Zs; 0 is 100, the most is 500.
type AskShifts struct {
	Limit int `json:"limit,omitempty"`
}

// Shifts lists closed shifts, newest first.
type Shifts struct {
	Open   *record.ShiftOpened  `json:"open,omitempty"`
	Shifts []record.ShiftReport `json:"shifts"`
}

// AskDuty says who serves a nozzle from now on; Person empty: nobody.
type AskDuty struct {
	Nozzle record.Nozzle `json:"nozzle"`
	Person string        `json:"person"`
	By     string        `json:"by"`
}

// DropCash takes cash out of the drawer of the open shift in a sealed bag.
type DropCash struct {
	By     string   `json:"by"`
	Amount unit.Fen `json:"amount_fen"`
	To     string   `json:"to,omitempty"` // safe (default), bank
	Bag    string   `json:"bag"`
}

// cashPlaces are where a drop goes.
var cashPlaces = []string{"safe", "bank"}

// mostCash bounds what a person may enter of a drawer: ten million yuan is a slip of the finger.
const mostCash = unit.Fen(10_000_000_00)

// readLimit is how long a close waits for the boards to tell their totalizers: a board polls several times in a second.
const readLimit = 5 * time.Second

// closing is a close that waits for readings.
type closing struct {
	id    uint64
	ask   HandOver // To empty: a plain close
	wait  []int    // ports that have not told their totals yet
	until clock.Instant
	act   bool // its fact is on the way to the disk
}

// reasons that a person may give.
var meterReasons = []string{shift.TestDraw, shift.MissingRecord, shift.BoardReplaced, shift.Other}

// businessDay of a record that moves fuel or money; none for an event.
func (c *Core) businessDay(r fa.Record) clock.BusinessDay {
	at, err := r.Time.Civil()
	if err != nil || !r.Type.Moves() {
		return 0
	}
	return at.BusinessDay(c.orders.layout.DayCut)
}

// applyShift takes what the books of shifts live by.
func (c *Core) applyShift(seq uint64, f record.Fact) {
	switch f := f.(type) {
	case record.DispenserRecord:
		c.shiftRecord(seq, f)
	case record.PlainSold:
		c.shifts.Sold(shift.Sale{
			Seq: seq, Key: shift.Key{Port: f.Port, Nozzle: f.Nozzle}, Kind: int(fa.NoCard), Tender: f.Way, Day: f.BusinessDay, Time: clock.FromMilli(f.TimeMs).Civil().String(),
			Number: f.Number, Product: f.Product, Unit: c.orders.unitOf(f.Product), Quantity: f.Quantity, Amount: f.Amount, Moved: f.Moved, End: f.Litres, Wrap: int64(lf.TotalWrap),
			Unread: f.Verdict == verdictWords[dispenser.Unmeasured],
		})
	case record.TotalsRead:
		for _, x := range c.orders.plans(f.Port) {
			if record.Nozzle(x.NZN) == f.Nozzle {
				c.shifts.Reading(shift.Key{Port: f.Port, Nozzle: x.Nozzle}, int64(f.Total), 1<<32, c.orders.unitOf(x.Product))
			}
		}
	case record.PlainMetered:
		c.shifts.Reading(shift.Key{Port: f.Port, Nozzle: f.Nozzle}, f.Litres, int64(lf.TotalWrap), c.orders.nozzleUnit(f.Nozzle))
	case record.ShiftOpened:
		c.shifts.Opened(f)
	case record.ShiftClosed:
		c.shifts.Close(seq, f)
	case record.ShiftReported:
		c.shifts.Told(f.Report.Number)
	case record.ShiftDuty:
		if k, ok := c.nozzleKey(f.Nozzle); ok {
			c.shifts.Duty(k, f.Person)
		}
	case record.CashDropped:
		c.shifts.Dropped(f)
	case record.DayClosed:
		c.shifts.DayClosed(f)
	case record.MonthClosed:
		c.shifts.MonthClosed(f)
	}
}

// tenders of the wire, in words. Source: dispenser.md 3.6 UNIT.
var tenders = map[fa.Settle]string{fa.PayCash: shift.Cash, fa.PayCard: "card", fa.PayAccount: "account", fa.PayBank: "bank"}

// shiftRecord gives a board's record to the shift. Fuel of a till's sale stands in its PlainSold.
func (c *Core) shiftRecord(seq uint64, f record.DispenserRecord) {
	r, err := fa.ParseRecord(f.Raw)
	if err != nil {
		return // never written
	}
	key := shift.Key{Port: f.Port, Nozzle: f.Nozzle}
	who := ""
	if r.Employee != fa.NoEmployee && r.Employee != 0 {
		who = fmt.Sprintf("员工 %d", r.Employee)
	}
	switch kind := r.Type.Kind(); kind {
	case fa.ShiftOn:
		c.shifts.Duty(key, who)
	case fa.ShiftOff:
		c.shifts.Duty(key, "")
	case fa.TopUpDebit, fa.Supplement:
		c.shifts.Settled(int(kind), r.Amount)
	default:
		if _, plain := c.fuelled[record.SaleID{TID: r.TID, TTC: r.TTC}]; plain || !metered(r) {
			return
		}
		tender, known := tenders[r.Unit.Mode()]
		switch {
		case r.TestDraw():
			tender = shift.Test
		case kind == fa.Escape:
			tender = "owed"
		case !known || r.Unit.Points():
			tender = "other"
		}
		c.shifts.Sold(shift.Sale{
			Seq: seq, Key: key, Kind: int(kind), Tender: tender, Day: f.BusinessDay, Time: r.Time.String(), Number: f.POSTTC, Epoch: f.Epoch,
			Product: r.Product.String(), Unit: c.orders.unitOf(r.Product.String()), Attendant: who, Quantity: r.Volume, Amount: r.Amount, Moved: r.Volume, End: int64(r.Total), Wrap: 1 << 32,
		})
	}
}

func (c *Core) nozzleKey(n record.Nozzle) (shift.Key, bool) {
	for _, x := range c.orders.layout.Ports {
		if x.Nozzle == n {
			return shift.Key{Port: x.Port, Nozzle: n}, true
		}
	}
	return shift.Key{}, false
}

// readings are what the nozzles' totalizers read, by what is durable.
func (c *Core) readings() (list []record.MeterReading) {
	for _, p := range c.ports {
		views := p.drive.Views()
		for i, x := range c.orders.plans(p.number) {
			r := record.MeterReading{Port: p.number, Nozzle: x.Nozzle}
			t, known := p.totals[fa.NZN(x.NZN)]
			r.Total = int64(t.Total)
			r.Busy = !p.up || len(p.pending) > 0 || len(p.intake.missing) > 0 || i >= len(views)
			if p.fa == nil {
				k := c.plainAt(p.number, x.NZN)
				if known = k.meter != nil; known {
					r.Total = int64(k.meter.Litres)
				}
				r.Busy = r.Busy || k.open != nil || k.arming
			}
			if !r.Busy {
				s := views[i].State
				r.Busy = views[i].Card || s != dispenser.Idle && s != dispenser.Closed
			}
			if known {
				list = append(list, r)
			}
		}
	}
	return list
}

func (c *Core) view(kind string, r record.ShiftReport) ShiftView {
	open, is := c.shifts.Open()
	return ShiftView{Site: c.cfg.Site, Name: c.orders.layout.Name, Kind: kind, Open: is, Blind: is && open.Blind, Report: r}
}

func (c *Core) askShift(now clock.Instant, id uint64, q AskShift) {
	all := c.shifts.Closed()
	switch {
	case q.Number == 0:
		v := c.view("X", c.shifts.X(now.Milli(), c.readings()))
		if v.Blind {
			v.Report = shift.Hidden(v.Report)
		}
		c.reply(id, v, 0)
	case q.Number <= uint64(len(all)):
		c.reply(id, c.view("Z", all[q.Number-1]), 0)
	default:
		c.refuse(id, http.StatusNotFound, "NO_Z", fmt.Sprintf("第 %d 班还没有班报, 已有 %d 份: 见 shift list", q.Number, len(all)), fmt.Sprintf("shift %d has no report yet, there are %d: see shift list", q.Number, len(all)))
	}
}

// limited is how many rows are asked for; false: refused.
func (c *Core) limited(id uint64, limit int) (int, bool) {
	if limit == 0 {
		limit = defaultSales
	}
	if limit < 1 || limit > mostSales {
		c.refuse(id, http.StatusBadRequest, "LIMIT", fmt.Sprintf("条数应为 1 至 %d", mostSales), fmt.Sprintf("ask for 1 to %d rows", mostSales))
		return 0, false
	}
	return limit, true
}

func (c *Core) askShifts(_ clock.Instant, id uint64, q AskShifts) {
	limit, ok := c.limited(id, q.Limit)
	if !ok {
		return
	}
	a := Shifts{Shifts: []record.ShiftReport{}}
	if o, ok := c.shifts.Open(); ok {
		a.Open = &o
	}
	all := c.shifts.Closed()
	for i := len(all) - 1; i >= 0 && len(a.Shifts) < limit; i-- {
		a.Shifts = append(a.Shifts, all[i])
	}
	c.reply(id, a, 0)
}

// refuseWith answers with the refusal that an error is.
func (c *Core) refuseWith(id uint64, err error) {
	var r record.Refusal
	if !errors.As(err, &r) {
		panic("station: " + err.Error()) // the book refuses with refusals
	}
	c.refuse(id, http.StatusConflict, r.Code, r.Zh, r.En)
}

func (c *Core) openShift(now clock.Instant, id uint64, q OpenShift) {
	open, is := c.shifts.Open()
	switch {
	case !word(q.By):
		c.refuse(id, http.StatusBadRequest, "BY", "请写明接班人", "say who takes over")
	case !c.drawerFits(id, q.Float, nil, q.Dips):
	case c.closing != nil:
		c.refuse(id, http.StatusConflict, "SHIFT_CLOSING", "正在交班, 请稍候", "a close is under way")
	case is:
		c.refuse(id, http.StatusConflict, "SHIFT_OPEN", fmt.Sprintf("第 %d 班由 %s 开着: 先交班", open.Number, open.By), fmt.Sprintf("shift %d of %s is open: close it first", open.Number, open.By))
	default:
		act := c.out.Append(record.ShiftOpened{TimeMs: now.Milli(), Number: c.shifts.Next(), By: q.By, Float: q.Float, Blind: q.Blind, Dips: c.withGauge(now, q.Dips)})
		c.closing = &closing{act: true}
		c.then(act, func(now clock.Instant) {
			c.closing = nil
			c.reply(id, c.view("X", c.shifts.X(now.Milli(), c.readings())), 0)
		})
	}
}

// drawerFits says whether cash and dips that a person entered can be, or refuses with what is wrong.
func (c *Core) drawerFits(id uint64, float unit.Fen, counted *unit.Fen, dips []record.Dip) bool {
	if float < 0 || float > mostCash || counted != nil && (*counted < 0 || *counted > mostCash) {
		c.refuse(id, http.StatusBadRequest, "CASH", fmt.Sprintf("现金应在 0 至 %v 元之间: 请核对备用金和点钞", mostCash), fmt.Sprintf("cash is from 0 to %v yuan: look at float and count", mostCash))
		return false
	}
	seen := map[int]bool{}
	for _, d := range dips {
		switch t := c.tanks.book.Tank(d.Tank); {
		case t == nil:
			c.refuse(id, http.StatusBadRequest, "UNKNOWN_TANK", fmt.Sprintf("布局里没有 %d 号罐, 罐号见 tank list", d.Tank), fmt.Sprintf("there is no tank %d in the layout: see tank list", d.Tank))
			return false
		case seen[d.Tank] || d.Gauge:
			c.refuse(id, http.StatusBadRequest, "DIP", fmt.Sprintf("%d 号罐写了两次, 或自称来自液位仪", d.Tank), fmt.Sprintf("tank %d stands twice, or claims to be of the gauge", d.Tank))
			return false
		case d.Quantity < 0 || d.Quantity > t.Plan.Capacity:
			c.refuse(id, http.StatusBadRequest, "DIP", fmt.Sprintf("%d 号罐装不下 %v 升, 罐容 %v 升", d.Tank, d.Quantity, t.Plan.Capacity),
				fmt.Sprintf("tank %d does not hold %v L: %v L at most", d.Tank, d.Quantity, t.Plan.Capacity))
			return false
		}
		seen[d.Tank] = true
	}
	return true
}

// withGauge adds what the gauge shows now of the tanks that nobody has dipped.
func (c *Core) withGauge(now clock.Instant, dips []record.Dip) []record.Dip {
	all := slices.Clone(dips)
	for _, t := range c.tanks.book.Tanks() {
		n := t.Plan.Tank
		if s := c.tanks.shown[n]; s != nil && c.fresh(now, s) && !slices.ContainsFunc(all, func(d record.Dip) bool { return d.Tank == n }) {
			all = append(all, record.Dip{Tank: n, Quantity: s.level.Volume, Gauge: true})
		}
	}
	return all
}

func (c *Core) closeShift(now clock.Instant, id uint64, q CloseShift) {
	c.beginClose(now, id, HandOver{CloseShift: q})
}

func (c *Core) handOver(now clock.Instant, id uint64, q HandOver) {
	open, is := c.shifts.Open()
	switch {
	case !word(q.To):
		c.refuse(id, http.StatusBadRequest, "TO", "请写明接班人", "say who takes over")
	case word(q.By) && !two([2]string{q.By, q.To}):
		c.refuse(id, http.StatusBadRequest, "SAME_PERSON", "交班人和接班人不能是同一人", "who hands over and who takes over are two persons")
	case is && word(q.By) && open.By != q.By:
		c.refuse(id, http.StatusConflict, "NOT_ON_DUTY", fmt.Sprintf("当班的是 %s, 由其交班", open.By), "on duty is "+open.By+", who hands over")
	default:
		c.beginClose(now, id, q)
	}
}

// beginClose asks the idle boards for their totalizers; the close follows when they have told them, or after readLimit.
func (c *Core) beginClose(now clock.Instant, id uint64, q HandOver) {
	open, is := c.shifts.Open()
	switch {
	case !word(q.By):
		c.refuse(id, http.StatusBadRequest, "BY", "请写明交班人", "say who closes the shift")
		return
	case !c.drawerFits(id, q.Float, q.Counted, q.Dips) || !c.reasonable(id, q.Reasons):
		return
	case c.closing != nil:
		c.refuse(id, http.StatusConflict, "SHIFT_CLOSING", "正在交班, 请稍候", "a close is under way")
		return
	case q.Number != 0 && q.Number < c.shifts.Next():
		c.refuse(id, http.StatusConflict, "SHIFT_CLOSED", fmt.Sprintf("第 %d 班已交班, 见 shift show", q.Number), fmt.Sprintf("shift %d is closed: see shift show", q.Number))
		return
	case !is || q.Number != 0 && q.Number != open.Number:
		c.refuse(id, http.StatusConflict, "NO_SHIFT", "没有开着的班次: 已交班, 或还未开班", "no such shift is open: it is closed already, or was never opened")
		return
	case open.Blind && q.Counted == nil:
		c.refuse(id, http.StatusBadRequest, "COUNT_FIRST", "盲点: 先点清现金并报数", "blind count: count the cash first")
		return
	}
	c.closing = &closing{id: id, ask: q, until: now.Add(readLimit)}
	for _, p := range c.ports {
		if p.fa != nil && p.up && p.drive.Views()[0].State == dispenser.Idle {
			p.fa.AskTotals(now)
			c.closing.wait = append(c.closing.wait, p.number)
			c.events(now, p)
		}
	}
	if c.closing != nil && len(c.closing.wait) == 0 {
		c.decideClose(now)
	}
}

// reasonable says whether reasons name nozzles and words that there are, or refuses.
func (c *Core) reasonable(id uint64, list []record.MeterReason) bool {
	for _, r := range list {
		_, known := c.nozzleKey(r.Nozzle)
		switch {
		case !known:
			c.refuse(id, http.StatusNotFound, "NO_NOZZLE", fmt.Sprintf("没有 %d 号枪", r.Nozzle), fmt.Sprintf("there is no nozzle %d", r.Nozzle))
		case !slices.Contains(meterReasons, r.Kind) || len([]rune(r.Note)) > mostWords:
			c.refuse(id, http.StatusBadRequest, "REASON", fmt.Sprintf("%d 号枪的原因应为 %s 之一, 说明不超过 100 字", r.Nozzle, strings.Join(meterReasons, ", ")),
				fmt.Sprintf("the reason for nozzle %d is one of %s, its note at most 100 characters", r.Nozzle, strings.Join(meterReasons, ", ")))
		default:
			continue
		}
		return false
	}
	return true
}

// dropCash takes cash out of the drawer. A bag is dropped once, however often the order comes.
func (c *Core) dropCash(now clock.Instant, id uint64, q DropCash) {
	if q.To == "" {
		q.To = cashPlaces[0]
	}
	_, is := c.shifts.Open()
	switch {
	case !word(q.By):
		c.refuse(id, http.StatusBadRequest, "BY", "请写明投币人", "say who drops it")
	case q.Amount <= 0 || q.Amount > mostCash:
		c.refuse(id, http.StatusBadRequest, "CASH", fmt.Sprintf("投币金额应大于 0, 不超过 %v 元", mostCash), fmt.Sprintf("a drop is more than 0 and at most %v yuan", mostCash))
	case !word(q.Bag) || !slices.Contains(cashPlaces, q.To):
		c.refuse(id, http.StatusBadRequest, "BAG", "请写明封包号或缴款单号, 去向为 safe (保险柜) 或 bank (银行)", "say the number of bag or slip, and where it goes: safe or bank")
	case c.closing != nil:
		c.refuse(id, http.StatusConflict, "SHIFT_CLOSING", "正在交班, 请稍候", "a close is under way")
	case !is:
		c.refuse(id, http.StatusConflict, "NO_SHIFT", "没有开着的班次: 先开班", "no shift is open: open one first")
	case c.shifts.DroppedBag(q.Bag):
		c.refuse(id, http.StatusConflict, "DROPPED", fmt.Sprintf("封包 %s 在本班已投过, 见 shift x", q.Bag), fmt.Sprintf("bag %s was dropped in this shift already: see shift x", q.Bag))
	default:
		f := record.CashDropped{TimeMs: now.Milli(), Shift: c.shifts.Next(), By: q.By, Amount: q.Amount, To: q.To, Bag: q.Bag}
		c.closing = &closing{act: true}
		c.then(c.out.Append(f), func(clock.Instant) {
			c.closing = nil
			c.reply(id, f, 0)
		})
	}
}

// metersRead notes that a board has told its totals; the last one lets the close go on once they are durable.
func (c *Core) metersRead(p *port, act link.ActID) {
	if c.closing == nil || !slices.Contains(c.closing.wait, p.number) {
		return
	}
	c.then(act, func(now clock.Instant) {
		x := c.closing
		if x == nil {
			return
		}
		x.wait = slices.DeleteFunc(x.wait, func(n int) bool { return n == p.number })
		if len(x.wait) == 0 {
			c.decideClose(now)
		}
	})
}

// closeDue is when a close no longer waits for readings.
func (c *Core) closeDue() clock.Instant {
	if c.closing == nil || c.closing.act {
		return clock.Never
	}
	return c.closing.until
}

func (c *Core) watchClose(now clock.Instant) {
	if c.closeDue() <= now {
		c.decideClose(now)
	}
}

// decideClose writes the close, or refuses one that leaves a difference without a reason.
func (c *Core) decideClose(now clock.Instant) {
	x := c.closing
	if x.act {
		return
	}
	readings := c.readings()
	if list := c.shifts.Unexplained(readings, x.ask.Reasons); len(list) > 0 {
		c.closing = nil
		zh, en := "", ""
		for _, m := range list {
			zh += fmt.Sprintf(" %d 号枪差 %v;", m.Nozzle, m.Ran-m.Sold)
			en += fmt.Sprintf(" nozzle %d by %v;", m.Nozzle, m.Ran-m.Sold)
		}
		c.refuse(x.id, http.StatusConflict, "DIFFERENCE", "泵码与记录不符:"+zh+" 记录未到请稍候, 否则写明原因", "totalizer and records differ:"+en+" wait for the record, or say why")
		return
	}
	number, dips := c.shifts.Next(), c.withGauge(now, x.ask.Dips)
	facts := []record.Fact{record.ShiftClosed{TimeMs: now.Milli(), Number: number, By: x.ask.By, Counted: x.ask.Counted, Readings: readings, Reasons: x.ask.Reasons, Dips: dips}}
	if x.ask.To != "" {
		facts = append(facts, record.ShiftOpened{TimeMs: now.Milli(), Number: number + 1, By: x.ask.To, Float: x.ask.Float, Blind: x.ask.Blind, Dips: dips})
	}
	x.act = true
	c.then(c.out.Append(facts...), func(now clock.Instant) {
		c.closing = nil
		act := c.finishReport(now)
		c.reply(x.id, c.view("Z", c.shifts.Closed()[number-1]), act)
	})
}

// finishReport writes the report of a shift that is closed in the journal and not reported yet: also one whose close was cut off.
func (c *Core) finishReport(now clock.Instant) link.ActID {
	r, missing := c.shifts.Untold()
	if !missing {
		return 0
	}
	return c.out.Append(record.ShiftReported{TimeMs: now.Milli(), Report: r})
}

func (c *Core) duty(now clock.Instant, id uint64, q AskDuty) {
	_, known := c.nozzleKey(q.Nozzle)
	switch {
	case !word(q.By) || len([]rune(q.Person)) > mostWords:
		c.refuse(id, http.StatusBadRequest, "BY", "请写明经办人", "say who orders it")
	case !known:
		c.refuse(id, http.StatusNotFound, "NO_NOZZLE", fmt.Sprintf("没有 %d 号枪", q.Nozzle), fmt.Sprintf("there is no nozzle %d", q.Nozzle))
	default:
		c.reply(id, record.Done{OK: true}, c.out.Append(record.ShiftDuty{TimeMs: now.Milli(), Nozzle: q.Nozzle, Person: q.Person, By: q.By}))
	}
}
