package station

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"greylock/system/clock"
	"greylock/system/dispenser"
	"greylock/system/link"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Paths for operators; bodies are one JSON document each, {} or nothing where no question is named.
const (
	PathStatus = "/op/station/status" // → Status
	PathSales  = "/op/station/sales"  // AskSales → Sales, newest first
)

// Status is the forecourt in one answer.
type Status struct {
	Site     record.SiteID           `json:"site"`
	Name     string                  `json:"name"`
	Realm    record.Realm            `json:"realm"`
	Records  int                     `json:"records"`  // dispenser records in the journal
	Facts    uint64                  `json:"facts"`    // journal records
	Versions map[record.Topic]uint64 `json:"versions"` // directives in force
	Nozzles  []NozzleStatus          `json:"nozzles"`
	Lists    ListsStatus             `json:"lists"`
	Stops    []Stop                  `json:"stops"`              // emergency stops in force
	NoMains  bool                    `json:"no_mains,omitempty"` // no sale begins
}

// NozzleStatus is one nozzle.
type NozzleStatus struct {
	Port     int            `json:"port"`
	Nozzle   record.Nozzle  `json:"nozzle"` // 0: not in the layout
	State    int            `json:"state"`  // 1…9, dispenser.md 4.3
	Zh       string         `json:"zh"`
	En       string         `json:"en"`
	Line     bool           `json:"line"` // the serial port is open
	Card     bool           `json:"card"`
	ASN      string         `json:"asn,omitempty"` // masked
	Amount   unit.Fen       `json:"amount_fen"`
	Quantity unit.Quantity  `json:"quantity_hundredths"`
	Price    unit.Price     `json:"price_fen"`
	Total    unit.Totalizer `json:"total_hundredths"` // as the board last told
	POSTTC   uint32         `json:"pos_ttc"`          // last record
	Missing  int            `json:"missing"`          // numbers between that are not there yet
	Unit     unit.Unit      `json:"unit,omitempty"`   // of Quantity; "": litres
	Staff    string         `json:"staff,omitempty"`  // who serves it
	Locked   string         `json:"locked,omitempty"` // why a plain nozzle is out of use until two persons unlock it
}

// AskSales asks for the newest records; 0 is 100, the most is 500.
type AskSales struct {
	Limit int `json:"limit,omitempty"`
}

// Sales lists records as the boards sent them.
type Sales struct {
	Sales []Sale `json:"sales"`
}

// Sale is one record.
type Sale struct {
	Seq      uint64        `json:"seq"`
	Port     int           `json:"port"`
	POSTTC   uint32        `json:"pos_ttc"`
	TType    int           `json:"t_type"`
	Mode     string        `json:"mode,omitempty"` // card, cash, other; test: went back into the tank
	Zh       string        `json:"zh"`
	Time     string        `json:"time"`
	ASN      string        `json:"asn"` // masked
	Sale     record.SaleID `json:"sale"`
	Product  string        `json:"product"`
	Price    unit.Price    `json:"price_fen"`
	Quantity unit.Quantity `json:"quantity_hundredths"`
	Unit     unit.Unit     `json:"unit"` // of Quantity
	Amount   unit.Fen      `json:"amount_fen"`
	Prices   uint64        `json:"price_version,omitempty"` // version of the prices by which it was sold
}

const (
	defaultSales = 100
	mostSales    = 500
)

// handler answers one path. Whatever it changes waits for its act before the reply goes.
type handler func(c *Core, now clock.Instant, id uint64, body []byte)

// routes is the operator door: each topic's handlers stand in its own file.
var routes = map[string]handler{
	PathTills: question((*Core).showTills), PathTillOrder: act((*Core).orderTill), PathTillPIN: act((*Core).keyTill), PathTillPlate: act((*Core).plateTill),
	PathTillCancel: act((*Core).cancelTill), PathTillConfirm: act((*Core).confirmTill),
	PathShift:      act((*Core).askShift),
	PathShifts:     act((*Core).askShifts),
	PathOpenShift:  act((*Core).openShift),
	PathHandOver:   act((*Core).handOver),
	PathCloseShift: act((*Core).closeShift),
	PathShiftDuty:  act((*Core).duty),
	PathShiftDrop:  act((*Core).dropCash),
	PathDay:        act((*Core).askDay),
	PathCloseDay:   act((*Core).closeDay),
	PathMonth:      act((*Core).askMonth),
	PathCloseMonth: act((*Core).closeMonth),

	PathAuthorise: act((*Core).authorise), PathNozzleStop: act((*Core).stopNozzle), PathResume: act((*Core).resume), PathUnlock: act((*Core).unlock),
	PathPlainSales: question((*Core).askPlainSales), PathStop: act((*Core).stop), PathRelease: act((*Core).release),
	PathCommission: act((*Core).askCommission), PathCommissioned: act((*Core).commissioned),
	PathAlarms:        question((*Core).askAlarms),
	PathWhy:           act((*Core).askWhy),
	PathAckAlarm:      act((*Core).ackAlarm),
	PathStatus:        question(func(c *Core, now clock.Instant, _ struct{}) (any, bool) { return c.status(now), true }),
	PathLists:         question(func(c *Core, now clock.Instant, _ struct{}) (any, bool) { return c.listsStatus(now), true }),
	PathFeed:          act((*Core).askFeed),
	PathSales:         question((*Core).askSales),
	PathPrices:        question((*Core).askPrices),
	PathTanks:         question((*Core).askTanks),
	PathTankDip:       act((*Core).dipTank),
	PathTankDelivery:  act((*Core).noteDelivery),
	PathDeliveries:    act((*Core).askDeliveries),
	PathTankReconcile: act((*Core).askPeriod),
	PathUPS:           question((*Core).askUPS),

	PathVolumes:    question((*Core).askVolumes),
	PathDuty:       question((*Core).askDuty),
	PathTests:      question((*Core).askTests),
	PathTestReturn: act((*Core).returnTest),
}

// Serve answers an operator.
func (c *Core) Serve(now clock.Instant, id uint64, path string, body []byte) {
	h, ok := routes[path]
	if !ok {
		c.refuse(id, http.StatusNotFound, "UNKNOWN_PATH", "没有这个地址", "no such path")
		return
	}
	h(c, now, id, body)
}

// question makes the handler of a path that only reads: the body is a Q, the answer is at hand; false refuses the body.
func question[Q any](answer func(c *Core, now clock.Instant, q Q) (any, bool)) handler {
	return act(func(c *Core, now clock.Instant, id uint64, q Q) {
		a, ok := answer(c, now, q)
		if !ok {
			c.refuseBody(id)
			return
		}
		c.reply(id, a, 0)
	})
}

// act makes the handler of a path whose body is a Q; run replies, now or once what it wrote is durable.
func act[Q any](run func(c *Core, now clock.Instant, id uint64, q Q)) handler {
	return func(c *Core, now clock.Instant, id uint64, body []byte) {
		var q Q
		if err := read(body, &q); err != nil {
			c.refuseBody(id)
			return
		}
		run(c, now, id, q)
		c.plan(now)
	}
}

func (c *Core) refuseBody(id uint64) {
	c.refuse(id, http.StatusBadRequest, "BODY", "请求内容有误", "bad request body")
}

func (c *Core) askSales(_ clock.Instant, q AskSales) (any, bool) {
	if q.Limit == 0 {
		q.Limit = defaultSales
	}
	return c.list(q.Limit), q.Limit > 0 && q.Limit <= mostSales
}

// read reads a question strictly; an empty body is {}.
func read(body []byte, into any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one document")
	}
	return nil
}

// reply answers once the act after is durable (0: at once).
func (c *Core) reply(id uint64, answer any, after link.ActID) {
	body, err := json.Marshal(answer)
	if err != nil {
		panic("station: " + err.Error()) // plain values always encode
	}
	c.out.Reply(id, http.StatusOK, body, after)
}

func (c *Core) refuse(id uint64, status int, code, zh, en string) {
	body, err := json.Marshal(record.Refusal{Code: code, Zh: zh, En: en})
	if err != nil {
		panic("station: " + err.Error())
	}
	c.out.Reply(id, status, body, 0)
}

func (c *Core) status(now clock.Instant) Status {
	return Status{
		Site: c.cfg.Site, Name: c.orders.layout.Name, Realm: c.cfg.Realm, Records: len(c.sales), Facts: c.applied,
		Versions: c.orders.versions, Nozzles: c.nozzles(), Lists: c.listsStatus(now), Stops: c.stopsInForce(), NoMains: c.power.closed(),
	}
}

// nozzles shows the forecourt.
func (c *Core) nozzles() []NozzleStatus {
	list := []NozzleStatus{}
	for _, p := range c.ports {
		if p.fa == nil {
			list = append(list, c.showPlain(p)...)
			continue
		}
		v := p.drive.Views()[0]
		zh, en := v.State.Words()
		if c.shutting(p).shut && v.State == dispenser.Idle {
			v.State = dispenser.Closed
			zh, en = v.State.Words()
		}
		n := NozzleStatus{
			Port: p.number, State: int(v.State), Zh: zh, En: en, Line: p.up, Card: v.Card,
			Amount: v.Amount, Quantity: v.Volume, Price: v.Price, POSTTC: uint32(p.intake.last), Missing: len(p.intake.missing),
		}
		if v.Card {
			n.ASN = v.ASN.String()
		}
		if plan, ok := c.orders.plan(p.number); ok {
			n.Nozzle = plan.Nozzle
			n.Unit = c.orders.unitOf(plan.Product)
		}
		for _, t := range p.totals { // one nozzle per board (design.md 9.12)
			n.Total = t.Total
		}
		list = append(list, n)
	}
	for i := range list {
		list[i].Staff = c.staff(list[i])
	}
	return list
}

func (c *Core) list(limit int) Sales {
	all := Sales{Sales: []Sale{}}
	for i := len(c.sales) - 1; i >= 0 && len(all.Sales) < limit; i-- {
		t := c.sales[i]
		zh, _ := t.rec.Type.Words()
		all.Sales = append(all.Sales, Sale{
			Seq: t.seq, Port: t.port, POSTTC: uint32(t.rec.POSTTC), TType: int(t.rec.Type.Kind()), Mode: mode(t.rec), Zh: zh, Time: t.rec.Time.String(),
			ASN: t.rec.ASN.String(), Sale: record.SaleID{TID: t.rec.TID, TTC: t.rec.TTC}, Product: t.rec.Product.String(),
			Price: t.rec.Price, Quantity: t.rec.Volume, Amount: t.rec.Amount, Prices: t.prices, Unit: c.orders.unitOf(t.rec.Product.String()),
		})
	}
	return all
}
