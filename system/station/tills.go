package station

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"

	"greylock/system/card"
	"greylock/system/clock"
	"greylock/system/dispenser"
	"greylock/system/link"
	"greylock/system/station/till"
	"greylock/system/terminal"
	"greylock/system/wire/fa"
	"greylock/system/wire/lf"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Paths of the tills for operators.
const (
	PathTills       = "/op/station/tills"        // → Tills
	PathTillOrder   = "/op/station/till/order"   // TillOrder → TillDone
	PathTillPIN     = "/op/station/till/pin"     // TillPIN → TillDone
	PathTillPlate   = "/op/station/till/plate"   // TillAsk → TillDone
	PathTillCancel  = "/op/station/till/cancel"  // TillAsk → TillDone
	PathTillConfirm = "/op/station/till/confirm" // TillConfirm → TillDone
)

// TillPort is one station-run card terminal: what carries its cards.
type TillPort struct {
	Number int // 1…, as the layout names it
	// Transmit carries a command to a card of the till; the runner calls CardAnswer with the id later, never from inside.
	Transmit func(id uint64, slot string, command []byte)
	Rand     *rand.ChaCha8 // challenges for cards
}

// Tills lists the tills.
type Tills struct {
	Tills []TillView `json:"tills"`
}

// TillView is one till as a screen shows it.
type TillView struct {
	Till    int           `json:"till"`
	Card    bool          `json:"card"`
	ASN     string        `json:"asn,omitempty"` // masked
	Balance unit.Fen      `json:"balance_fen"`
	Nozzle  record.Nozzle `json:"nozzle,omitempty"`
	Waits   string        `json:"waits,omitempty"` // order, pin, plate, pump, grey
	Step    string        `json:"step,omitempty"`  // of the open sale
	Doubt   bool          `json:"doubt,omitempty"`
	Zh      string        `json:"zh"`
	En      string        `json:"en"`
	Receipt []string      `json:"receipt,omitempty"`
	PSAM    string        `json:"psam,omitempty"` // its terminal number, PSAMFault, or "" before it was asked
}

// PSAMFault stands for a PSAM that does not answer.
const PSAMFault = "fault"

// TillAsk names a till.
type TillAsk struct {
	Till int    `json:"till"`
	By   string `json:"by"`
}

// TillOrder is what the customer wants; neither money nor volume is "full".
type TillOrder struct {
	Till   int           `json:"till"`
	Nozzle record.Nozzle `json:"nozzle"`
	Money  unit.Fen      `json:"money_fen,omitempty"`
	Volume unit.Quantity `json:"volume_hundredths,omitempty"`
	By     string        `json:"by"`
}

// TillPIN is what the holder keyed. The till wipes its copy when it has been used; it stands in no log and no fact.
type TillPIN struct {
	Till   int    `json:"till"`
	Digits string `json:"pin"`
}

// TillConfirm is the volume that two persons have read off the dispenser's totals.
type TillConfirm struct {
	Till   int           `json:"till"`
	Volume unit.Quantity `json:"volume_hundredths"`
	By     [2]string     `json:"by"`
}

// TillDone answers an act at a till: the till as it is now.
type TillDone struct {
	Till TillView `json:"till"`
}

// newTill makes a till of this station.
func (c *Core) newTill(x TillPort) *till.Till {
	var t *till.Till
	t = till.New(till.Config{Number: x.Number, Realm: c.cfg.Realm, Profile: c.cfg.Cards, Rand: x.Rand}, till.Deps{
		Append:    c.tillAppend,
		Transmit:  x.Transmit,
		Nozzle:    c.tillNozzle,
		Authorise: c.tillAuthorise,
		Stop:      c.tillStop,
		Grey:      func(q fa.GreyAsk) { c.tillGrey(t, q) },
		Block:     func(asn pboc.ASN, challenge []byte) { c.tillBlock(t, asn, challenge) },
		Place:     c.place,
		Lists:     tillLists{c},
	})
	return t
}

// CardIn says that a card is in a till's reader, powered.
func (c *Core) CardIn(now clock.Instant, number int) { c.atTill(now, number, (*till.Till).Inserted) }

// CardOut says that a till's reader is empty.
func (c *Core) CardOut(now clock.Instant, number int) { c.atTill(now, number, (*till.Till).Pulled) }

// CardAnswer brings the answer to a command that a till has sent.
func (c *Core) CardAnswer(now clock.Instant, number int, id uint64, r card.Reply) {
	c.atTill(now, number, func(t *till.Till, now clock.Instant) { t.Answer(now, id, r) })
}

func (c *Core) atTill(now clock.Instant, number int, do func(t *till.Till, now clock.Instant)) {
	c.now = now
	if t := c.till(number); t != nil {
		do(t, now)
		c.plan(now)
	}
}

func (c *Core) till(number int) *till.Till {
	for i, x := range c.cfg.Tills {
		if x.Number == number {
			return c.tills[i]
		}
	}
	return nil
}

// place is where the station stands, for the limits of a card.
func (c *Core) place() terminal.Place {
	l := c.orders.layout
	p := terminal.Place{Province: l.Province, City: l.City}
	copy(p.Superior[:], l.Superior)
	copy(p.Station[:], l.Station)
	return p
}

// tillGrey answers a till about a grey card: from the own records, else from the center, as a board's 35H.
func (c *Core) tillGrey(t *till.Till, q fa.GreyAsk) {
	if a, found := c.owed(q); found {
		t.GreyAnswered(c.now, &a)
		return
	}
	c.askCenter(q, func(now clock.Instant, a *fa.GreyAnswer) { t.GreyAnswered(now, a) })
}

// tillBlock asks the center to let a till block a listed card. One that does not answer the exchange is not waited for.
func (c *Core) tillBlock(t *till.Till, asn pboc.ASN, challenge []byte) {
	if s := c.ship.Status(); !s.Known || s.Failures > 0 {
		t.BlockAnswered(c.now, till.Permit{})
		return
	}
	body, err := json.Marshal(record.ActQuestion{Outlet: c.cfg.Site, ASN: asn, Act: record.ActBlock, By: fmt.Sprintf("till %d", t.View().Till),
		Reason: "blacklist", Challenge: challenge})
	if err != nil {
		panic("station: " + err.Error()) // plain values always encode
	}
	c.blocks[c.out.Call("center", record.PathAskAct, body, 0)] = t
}

// blockAnswered brings the center's word on a listed card; false if that call was another's.
func (c *Core) blockAnswered(now clock.Instant, id uint64, status int, body []byte, err error) bool {
	t, ours := c.blocks[id]
	if !ours {
		return false
	}
	delete(c.blocks, id)
	c.now = now
	var a record.ActAnswer
	switch {
	case err != nil || status >= http.StatusInternalServerError:
		t.BlockAnswered(now, till.Permit{})
	case status != http.StatusOK || json.Unmarshal(body, &a) != nil:
		t.BlockAnswered(now, till.Permit{Reached: true, Declined: true})
	default:
		t.BlockAnswered(now, till.Permit{Reached: true, MAC: a.MAC})
	}
	c.plan(now)
	return true
}

// tillLists are the lists that hold at the station.
type tillLists struct{ c *Core }

// Black implements terminal.Lists. While the lists are older than the policy allows nobody can say that a card is not lost.
func (l tillLists) Black(asn pboc.ASN) terminal.Listing {
	x := &l.c.orders.lists
	return terminal.Listing{On: x.black.Has(asn), Known: x.state != ListsRefused}
}

// White implements terminal.Lists.
func (l tillLists) White(asn pboc.ASN) terminal.Listing {
	return terminal.Listing{On: l.c.orders.lists.white.Has(asn), Known: true}
}

// Excluded implements terminal.Lists.
func (l tillLists) Excluded(asn pboc.ASN) bool {
	x := &l.c.orders.lists.white
	return x.Count() > 0 && !x.Has(asn)
}

// showTill makes a till's line.
func (c *Core) showTill(t *till.Till) TillView {
	v := t.View()
	x := TillView{Till: v.Till, Card: v.Card, Balance: v.Balance, Nozzle: v.Nozzle, Waits: v.Waits, Step: v.Step, Doubt: v.Doubt,
		Zh: v.Prompt.Zh, En: v.Prompt.En, Receipt: v.Receipt}
	if v.ASN != (pboc.ASN{}) {
		x.ASN = v.ASN.String()
	}
	switch {
	case v.Fault:
		x.PSAM = PSAMFault
	case v.PSAM != (pboc.TID{}):
		x.PSAM = v.PSAM.String()
	}
	return x
}

func (c *Core) showTills(clock.Instant, struct{}) (any, bool) {
	all := Tills{Tills: []TillView{}}
	for _, t := range c.tills {
		all.Tills = append(all.Tills, c.showTill(t))
	}
	return all, true
}

// asked does something at a till for a person, and answers how the till is now.
func (c *Core) asked(now clock.Instant, id uint64, number int, do func(t *till.Till) error) {
	c.now = now
	t := c.till(number)
	if t == nil {
		c.refuse(id, http.StatusNotFound, "NO_TILL", fmt.Sprintf("没有 %d 号收银终端, 请查看站点配置", number), fmt.Sprintf("there is no till %d: look at the configuration", number))
		return
	}
	if err := do(t); err != nil {
		code := "TILL_NOZZLE"
		switch {
		case errors.Is(err, till.ErrBusy):
			code = "TILL_BUSY"
		case errors.Is(err, till.ErrNotNow):
			code = "TILL_NOT_NOW"
		case errors.Is(err, till.ErrOrder):
			code = "TILL_ORDER"
		}
		zh, en := words(err)
		c.refuse(id, http.StatusConflict, code, zh, en)
		return
	}
	c.reply(id, TillDone{c.showTill(t)}, 0)
}

func (c *Core) orderTill(now clock.Instant, id uint64, q TillOrder) {
	if !word(q.By) {
		c.refuseBody(id)
		return
	}
	c.asked(now, id, q.Till, func(t *till.Till) error {
		return t.Order(now, till.Order{Nozzle: q.Nozzle, Money: q.Money, Volume: q.Volume, By: q.By})
	})
}

func (c *Core) keyTill(now clock.Instant, id uint64, q TillPIN) {
	c.asked(now, id, q.Till, func(t *till.Till) error { return t.PIN(now, []byte(q.Digits)) })
}

func (c *Core) confirmTill(now clock.Instant, id uint64, q TillConfirm) {
	if !two(q.By) {
		c.refuse(id, http.StatusForbidden, "TWO_PERSONS", "须由两个不同的人确认", "two different persons must confirm")
		return
	}
	c.asked(now, id, q.Till, func(t *till.Till) error {
		_, sale, _ := t.Open()
		return t.Confirm(now, q.Volume, soldOf(c.fuelled[sale]).Meter, q.By)
	})
}

func (c *Core) plateTill(now clock.Instant, id uint64, q TillAsk) {
	if !word(q.By) {
		c.refuseBody(id)
		return
	}
	c.asked(now, id, q.Till, func(t *till.Till) error { return t.PlateFits(now) })
}

func (c *Core) cancelTill(now clock.Instant, id uint64, q TillAsk) {
	c.asked(now, id, q.Till, func(t *till.Till) error { return t.Cancel(now) })
}

// startTills begins the tills' work. A delivery whose end is in the journal, or that no nozzle was ever told of, is over.
func (c *Core) startTills(now clock.Instant) {
	c.now = now
	for _, t := range c.tills {
		t.Start(now)
		_, sale, open := t.Open()
		if !open {
			continue
		}
		if f, ended := c.fuelled[sale]; ended {
			t.Sold(now, soldOf(f))
		} else if !c.running(sale) {
			t.Sold(now, dispenser.Sale{Verdict: dispenser.Agreed})
		}
	}
}

// running says that a nozzle was told of a card's sale and its end is not known.
func (c *Core) running(sale record.SaleID) bool {
	for _, k := range c.plains {
		if k.open != nil && k.open.Card == sale {
			return true
		}
	}
	return false
}

func (c *Core) wakeTills(now clock.Instant) {
	c.now = now
	for _, t := range c.tills {
		if t.Due() <= now {
			t.Wake(now)
		}
	}
}

// tillSold brings the end of a delivery to the till whose sale it was.
func (c *Core) tillSold(now clock.Instant, f record.PlainSold) {
	c.now = now
	for _, t := range c.tills {
		if _, sale, open := t.Open(); open && sale == f.Card {
			t.Sold(now, soldOf(f))
		}
	}
}

// soldOf is the delivery that a fact tells of, as its driver told it.
func soldOf(f record.PlainSold) dispenser.Sale {
	s := dispenser.Sale{Volume: f.Quantity, Amount: f.Amount, Price: f.Price, Moved: f.Moved, MovedCash: f.MovedCash, Meter: dispenser.Meter{Litres: lf.Total(f.Litres)}}
	if f.Verdict == verdictWords[dispenser.Agreed] {
		s.Verdict = dispenser.Agreed
	}
	return s
}

// tillNozzle says whether a till may sell at a nozzle now, and what.
func (c *Core) tillNozzle(n record.Nozzle) (x till.Nozzle, err error) {
	p, i, ok := c.plainNozzle(n)
	if !ok {
		return x, errNozzle{fmt.Sprintf("%d 号枪不是站控油枪", n), "not a nozzle that the station runs"}
	}
	if err := c.ready(p, i, dispenser.Authorisation{Volume: 1}); err != nil { // with some preset: a card always has one
		return x, err
	}
	x.Price = p.lf.Views()[i].Price
	if x.Product, err = product(p.plans[i].Product); err != nil {
		return x, err
	}
	x.Slot = slices.Index(c.cfg.Products, p.plans[i].Product)
	return x, nil
}

// tillAuthorise lets a plain nozzle deliver for a card sale.
func (c *Core) tillAuthorise(n record.Nozzle, preset dispenser.Authorisation, sale record.SaleID) error {
	p, i, ok := c.plainNozzle(n)
	if !ok {
		return errNozzle{fmt.Sprintf("%d 号枪不是站控油枪", n), "not a nozzle that the station runs"}
	}
	if err := c.ready(p, i, preset); err != nil {
		return err
	}
	c.letRun(c.now, p, i, record.PlainAuthorised{Money: preset.Money, Volume: preset.Volume, Way: "card", Card: sale}, func(clock.Instant, error) {})
	return nil
}

// lockDay is the business day of a card sale at a plain nozzle: by the second of the card's lock, which its record carries, as for
// every card sale; nozzle and disk come later, perhaps on the other side of the cut. Source: ADR 0018.
func (c *Core) lockDay(o record.PlainAuthorised) clock.BusinessDay {
	for _, t := range c.tills {
		if stamp, known := t.Locked(o.Card); known {
			if at, err := stamp.Civil(); err == nil {
				return at.BusinessDay(c.orders.layout.DayCut)
			}
		}
	}
	return clock.FromMilli(o.TimeMs).Civil().BusinessDay(c.orders.layout.DayCut) // its till is no longer configured
}

func (c *Core) tillStop(n record.Nozzle) {
	if p, i, ok := c.plainNozzle(n); ok {
		_ = c.halt(c.now, p, i) // the nozzle is there
	}
}

// tillAppend writes what a till wants, and names the price table that a record of fuel was sold by. A plain nozzle has its price
// from the station itself, so every version that it has had is acknowledged.
func (c *Core) tillAppend(facts ...record.Fact) link.ActID {
	facts = append(facts, c.tillAlarms(facts)...)
	for i, f := range facts {
		d, ok := f.(record.DispenserRecord)
		if !ok {
			continue
		}
		if r, err := fa.ParseRecord(d.Raw); err == nil && metered(r) {
			if civil, err := r.Time.Civil(); err == nil {
				d.BusinessDay = c.businessDay(r)
				if sold, ours := c.fuelled[record.SaleID{TID: r.TID, TTC: r.TTC}]; ours { // the cut may have moved meanwhile
					d.BusinessDay = sold.BusinessDay
				}
				d.PriceVersion, _ = c.orders.book.Sold(r.Product.String(), r.Price, civil.Instant(), 0)
				facts[i] = d
			}
		}
	}
	return c.out.Append(facts...)
}

// tillAlarms are the alarms about cards that a till refuses because of a list.
func (c *Core) tillAlarms(facts []record.Fact) (alarms []record.Fact) {
	for _, f := range facts {
		step, ok := f.(record.TillStep)
		if !ok || len(step.Record) == 0 {
			continue
		}
		r, err := fa.ParseRecord(step.Record)
		if err != nil {
			panic("station: a till's own record does not read: " + err.Error())
		}
		if a, ok := listAlarm(c.now, r); ok {
			if step.Reason == till.Blocked {
				a.Zh, a.En = "黑名单卡被使用, 已拒绝并锁定应用", "a blacklisted card was used: refused, its application blocked"
			}
			alarms = append(alarms, a)
		}
	}
	return alarms
}
