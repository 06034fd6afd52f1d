package station

import (
	"crypto/sha256"
	"errors"
	"net/http"
	"slices"
	"strings"

	"greylock/system/clock"
	"greylock/system/dispenser"
	"greylock/system/journal"
	"greylock/system/wire/fa"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Paths of commissioning. Source: features.md P3.
const (
	PathCommission   = "/op/station/commission"   // AskCommission → Commissioning
	PathCommissioned = "/op/station/commissioned" // Commissioned → record.Done
)

// AskCommission asks how a nozzle stands; Fresh asks its board at once who it is and where its totals stand, for the next answer.
type AskCommission struct {
	Nozzle record.Nozzle `json:"nozzle"`
	Fresh  bool          `json:"fresh,omitempty"`
}

// Commissioning is what is known of a nozzle beside its plan.
type Commissioning struct {
	Port     int            `json:"port"`
	Nozzle   record.Nozzle  `json:"nozzle"`
	Protocol Protocol       `json:"protocol"`
	Product  string         `json:"product"`
	NZN      int            `json:"nzn"`  // planned
	Line     bool           `json:"line"` // the port is open
	Online   bool           `json:"online"`
	Board    []int          `json:"board"`                  // the numbers that the board gives itself
	Totals   bool           `json:"totals"`                 // it has told its totals
	TotalMs  int64          `json:"total_ms,omitempty"`     // when
	Total    unit.Totalizer `json:"total_hundredths"`       // of the planned number
	Books    unit.Totalizer `json:"books_hundredths"`       // after the last record of its fuel
	Booked   bool           `json:"booked"`                 // there is one
	Version  uint64         `json:"price_version"`          // ordered
	Acked    uint64         `json:"acknowledged"`           // by the board
	Price    unit.Price     `json:"price_fen"`              // ordered for its product, now
	POSTTC   uint32         `json:"pos_ttc"`                // last record; LF: last delivery
	Last     *CommissionRef `json:"commissioned,omitempty"` // the last commissioning
}

// CommissionRef is where a commissioning stands in the journal.
type CommissionRef struct {
	Seq      uint64     `json:"seq"`
	Chain    record.Hex `json:"chain"` // the journal's chain hash after that record
	Protocol record.Hex `json:"protocol"`
	Passed   bool       `json:"passed"`
	By       string     `json:"by"`
}

// Commissioned is the outcome of a commissioning.
type Commissioned struct {
	Nozzle   record.Nozzle `json:"nozzle"`
	By       string        `json:"by"`
	Passed   bool          `json:"passed"`
	Protocol record.Hex    `json:"protocol"` // SHA-256
}

// examined is the last commissioning of a nozzle. It changes only by facts.
type examined struct {
	seq  uint64
	fact record.NozzleCommissioned
}

// nozzleOf is the port of a nozzle with its plan.
func (c *Core) nozzleOf(n record.Nozzle) (*port, record.PortPlan, bool) {
	for _, plan := range c.orders.layout.Ports {
		if p := c.port(plan.Port); plan.Nozzle == n && p != nil && (p.fa != nil || p.lf != nil) {
			return p, plan, true
		}
	}
	return nil, record.PortPlan{}, false
}

func (c *Core) refuseNozzle(id uint64) {
	c.refuse(id, http.StatusNotFound, "UNKNOWN_NOZZLE", "布局里没有这条枪: 由中心下发布局, 或检查枪号", "no such nozzle in the layout: the center sends it, or check the number")
}

func (c *Core) askCommission(now clock.Instant, id uint64, q AskCommission) {
	p, plan, ok := c.nozzleOf(q.Nozzle)
	if !ok {
		c.refuseNozzle(id)
		return
	}
	a := Commissioning{
		Port: p.number, Nozzle: plan.Nozzle, Product: plan.Product, NZN: int(plan.NZN), Line: p.up, Board: []int{},
		Version: c.orders.book.Newest().Version, Price: c.orders.priceNow(plan.Product, now),
	}
	if p.fa != nil {
		c.cardStanding(now, p, plan, q.Fresh, &a)
	} else {
		c.plainStanding(p, plan, &a)
	}
	if x, done := c.examined[plan.Nozzle]; done {
		a.Last = &CommissionRef{Seq: x.seq, Chain: c.chainAt(x.seq), Protocol: x.fact.Protocol, Passed: x.fact.Passed, By: x.fact.By}
	}
	c.reply(id, a, 0)
}

// cardStanding is what an FA board and its records tell; fresh asks the board.
func (c *Core) cardStanding(now clock.Instant, p *port, plan record.PortPlan, fresh bool, a *Commissioning) {
	a.Protocol, a.Online, a.Acked, a.POSTTC = FA, p.fa.View().State != dispenser.Inoperative, p.pricing.acked(), uint32(p.intake.last)
	for _, n := range p.names {
		a.Board = append(a.Board, int(n))
	}
	if t, told := p.totals[fa.NZN(plan.NZN)]; told {
		a.Totals, a.TotalMs, a.Total = true, t.TimeMs, t.Total
	}
	if n := len(p.intake.meter); n > 0 {
		a.Booked, a.Books = true, p.intake.meter[n-1].Total
	}
	if fresh && a.Online {
		p.fa.AskInfo(now)
		p.fa.AskTotals(now)
		c.events(now, p)
	}
}

// plainStanding is what an LF board's last answers and the deliveries of the journal tell: it has answered to its number, and its
// state shows the price that it works by.
func (c *Core) plainStanding(p *port, plan record.PortPlan, a *Commissioning) {
	i := slices.Index(p.plans, plan)
	if i < 0 {
		a.Protocol = LF
		return // the layout has changed, the driver has not yet
	}
	v := p.lf.Views()[i]
	if a.Protocol, a.Online = LF, v.State != dispenser.Inoperative; a.Online {
		a.Board = append(a.Board, int(plan.NZN))
	}
	if v.Price == a.Price {
		a.Acked = a.Version
	}
	if m := c.plainAt(p.number, plan.NZN).meter; m != nil {
		a.Totals, a.TotalMs, a.Total = true, m.At.Milli(), unit.Totalizer(uint32(m.Litres))
	}
	for _, s := range c.plainSales {
		if s.sold.Port == p.number && s.sold.NZN == plan.NZN {
			a.Booked, a.Books, a.POSTTC = true, unit.Totalizer(uint32(s.sold.Litres)), s.sold.Number
		}
	}
}

// chainAt is the journal's chain hash after a record; nil if it can not be read.
func (c *Core) chainAt(seq uint64) (chain record.Hex) {
	found := errors.New("found")
	err := c.cfg.Source.Read(seq, func(r journal.Record) error {
		chain = slices.Clone(r.Chain[:])
		return found
	})
	if !errors.Is(err, found) {
		return nil
	}
	return chain
}

func (c *Core) commissioned(now clock.Instant, id uint64, q Commissioned) {
	p, plan, ok := c.nozzleOf(q.Nozzle)
	switch {
	case !ok:
		c.refuseNozzle(id)
	case strings.TrimSpace(q.By) == "" || len([]rune(q.By)) > mostWords:
		c.refuse(id, http.StatusBadRequest, "BY", "请写明检定人 (不超过 100 字)", "say who has examined it, in at most 100 characters")
	case len(q.Protocol) != sha256.Size:
		c.refuseBody(id)
	default:
		c.reply(id, record.Done{OK: true}, c.out.Append(record.NozzleCommissioned{
			TimeMs: now.Milli(), Port: p.number, Nozzle: plan.Nozzle, By: q.By, Passed: q.Passed, Protocol: q.Protocol,
		}))
	}
}
