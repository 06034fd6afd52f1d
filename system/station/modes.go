package station

import (
	"net/http"
	"strings"

	"greylock/system/clock"
	"greylock/system/wire/fa"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Paths of what is no sale to a card: who is on duty, and fuel that went back into the tank.
const (
	PathDuty       = "/op/station/duty"        // {} → Duty
	PathTests      = "/op/station/tests"       // {} → Tests, newest first
	PathTestReturn = "/op/station/test/return" // ReturnTest → record.Done
)

// Duty says who is on duty at each nozzle, by the T-TYPE 5 and 6 records of its board.
type Duty struct {
	Nozzles []NozzleDuty `json:"nozzles"`
}

// NozzleDuty is one nozzle.
type NozzleDuty struct {
	Port     int            `json:"port"`
	Nozzle   record.Nozzle  `json:"nozzle"`
	Employee int            `json:"employee"` // 0: nobody
	ASN      string         `json:"asn,omitempty"`
	Since    string         `json:"since,omitempty"`
	Start    unit.Totalizer `json:"start_hundredths"` // totalizer at the beginning
	Moved    unit.Quantity  `json:"moved_hundredths"` // since then, by records
}

// Tests lists the test draws: what went through a meter with a pump-test card.
type Tests struct {
	Tests []Test `json:"tests"`
	Open  int    `json:"open"` // not said to be back in the tank
}

// Test is one test draw.
type Test struct {
	Draw     uint64        `json:"draw"` // number in the journal
	Port     int           `json:"port"`
	Nozzle   record.Nozzle `json:"nozzle"`
	Time     string        `json:"time"`
	ASN      string        `json:"asn"`
	Product  string        `json:"product"`
	Quantity unit.Quantity `json:"quantity_hundredths"`
	Returned string        `json:"returned,omitempty"` // who put it back
}

// ReturnTest says that the fuel of a test draw is back in the tank.
type ReturnTest struct {
	Draw uint64 `json:"draw"`
	By   string `json:"by"`
}

// modes is who works and what was drawn to test. It changes only by facts.
type modes struct {
	duty     map[int]fa.Record // the newest T-TYPE 5 or 6, by port
	returned map[uint64]record.TestReturned
}

func newModes() modes {
	return modes{duty: map[int]fa.Record{}, returned: map[uint64]record.TestReturned{}}
}

// took follows who is on duty. Records that come late do not turn it back.
func (m *modes) took(port int, r fa.Record) {
	if k := r.Type.Kind(); k != fa.ShiftOn && k != fa.ShiftOff {
		return
	}
	if old, known := m.duty[port]; !known || string(old.Time[:]) <= string(r.Time[:]) {
		m.duty[port] = r
	}
}

// Mode says how a record's fuel was paid: card, cash, other; test for what went back into the tank. "" where nothing flowed.
func mode(r fa.Record) string {
	switch {
	case !metered(r):
		return ""
	case r.TestDraw():
		return "test"
	case r.Type.Kind() != fa.NoCard:
		return "card"
	case r.Unit.Mode() == fa.PayCash:
		return "cash"
	}
	return "other"
}

func (c *Core) askDuty(clock.Instant, struct{}) (any, bool) {
	a := Duty{Nozzles: []NozzleDuty{}}
	for _, p := range c.ports {
		plan, ok := c.orders.plan(p.number)
		if p.fa == nil || !ok {
			continue
		}
		n := NozzleDuty{Port: p.number, Nozzle: plan.Nozzle}
		if r, ok := c.modes.duty[p.number]; ok && r.Type.Kind() == fa.ShiftOn {
			n.Employee, n.ASN, n.Since, n.Start = int(r.Employee), r.ASN.String(), r.Time.String(), r.Total
			for _, t := range c.sales {
				if t.port == p.number && metered(t.rec) && t.rec.POSTTC > r.POSTTC && string(t.rec.Time[:]) >= string(r.Time[:]) {
					n.Moved += t.rec.Volume
				}
			}
		}
		a.Nozzles = append(a.Nozzles, n)
	}
	return a, true
}

func (c *Core) askTests(clock.Instant, struct{}) (any, bool) {
	a := Tests{Tests: []Test{}}
	for i := len(c.sales) - 1; i >= 0 && len(a.Tests) < mostSales; i-- {
		t := c.sales[i]
		if !t.rec.TestDraw() {
			continue
		}
		x := Test{Draw: t.seq, Port: t.port, Time: t.rec.Time.String(), ASN: t.rec.ASN.String(), Product: t.rec.Product.String(),
			Quantity: t.rec.Volume, Returned: c.modes.returned[t.seq].By}
		if plan, ok := c.orders.plan(t.port); ok {
			x.Nozzle = plan.Nozzle
		}
		if x.Returned == "" {
			a.Open++
		}
		a.Tests = append(a.Tests, x)
	}
	return a, true
}

// returnTest notes that the fuel of a draw is back in the tank, all of it; the answer waits for the disk.
func (c *Core) returnTest(now clock.Instant, id uint64, q ReturnTest) {
	var draw *taken
	for i := range c.sales {
		if c.sales[i].seq == q.Draw && c.sales[i].rec.TestDraw() {
			draw = &c.sales[i]
		}
	}
	old, done := c.modes.returned[q.Draw]
	switch {
	case strings.TrimSpace(q.By) == "" || len([]rune(q.By)) > mostWords:
		c.refuse(id, http.StatusBadRequest, "BY", "请写明经手人 (不超过 100 字)", "say who did it, in at most 100 characters")
	case draw == nil:
		c.refuse(id, http.StatusNotFound, "UNKNOWN_TEST", "没有这笔验泵: 编号见 tests 列表", "no such test draw: its number is in the list of tests")
	case done:
		c.refuse(id, http.StatusConflict, "TEST_RETURNED", "这笔验泵已由 "+old.By+" 回罐", old.By+" has put it back already")
	default:
		f := record.TestReturned{TimeMs: now.Milli(), Draw: q.Draw, Product: draw.rec.Product.String(), Quantity: draw.rec.Volume, By: q.By}
		if plan, ok := c.orders.plan(draw.port); ok {
			f.Nozzle = plan.Nozzle
		}
		c.reply(id, record.Done{OK: true}, c.out.Append(f))
	}
}

// serviceCode is what a board reports when a maintenance card opens its menu; ours, other boards send nothing.
const serviceCode = "S06"

// reported takes what a board says by 3BH: a fault, or that a maintenance card is at work.
func (c *Core) reported(now clock.Instant, subject, text string) {
	if strings.HasPrefix(text, serviceCode) {
		c.alarm(now, "service-card", subject, "维修卡打开了菜单: "+text, "a maintenance card is at work: "+text)
		return
	}
	c.alarm(now, "board-fault", subject, "加油机报告故障: "+text, "the dispenser reports a fault: "+text)
}
