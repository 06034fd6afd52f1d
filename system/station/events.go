package station

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"

	"greylock/system/clock"
	"greylock/system/dispenser"
	"greylock/system/link"
	"greylock/system/wire/fa"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// events carries out what a port's driver has to say.
func (c *Core) events(now clock.Instant, p *port) {
	frames, events := p.drive.Take()
	for _, f := range frames {
		c.out.Send(p.number, f, 0)
	}
	for _, e := range events {
		c.one(now, p, e)
	}
	if more, _ := p.drive.Take(); len(more) > 0 { // answering may have queued a question
		for _, f := range more {
			c.out.Send(p.number, f, 0)
		}
	}
}

func (c *Core) one(now clock.Instant, p *port, e dispenser.Event) {
	subject := fmt.Sprintf("port %d", p.number)
	switch e := e.(type) {
	case dispenser.Online:
		p.echo = false
		p.askMissing(now)
	case dispenser.Offline:
		if e.Looped { // an Echo has told what is wrong
			return
		}
		c.alarm(now, "board-offline", subject, "加油机无应答: 请检查供电和连线", "dispenser does not answer: check power and cable")
	case dispenser.Echo:
		if !p.echo {
			p.echo = true
			c.alarm(now, "line-echo", subject, "收到自己的帧: 收发线短路", "own frames come back: TX and RX are joined")
		}
	case dispenser.Taken:
		c.taken(now, p, e)
	case dispenser.NoRecord:
		c.out.Append(record.GapClosed{TimeMs: now.Milli(), Port: p.number, Epoch: p.intake.epoch, POSTTC: uint32(e.POSTTC)})
	case dispenser.GreyAsked:
		c.grey(p, e)
	case dispenser.ListAsked:
		c.out.Send(p.number, p.fa.AnswerList(e.To, fa.ListAnswer{Flag: c.listed(e), ASN: e.ASN}), 0)
	case dispenser.Totals:
		c.totals(now, p, e)
	case dispenser.Reported:
		c.alarm(now, "board-fault", subject, "加油机报告故障: "+e.Text, "the dispenser reports a fault: "+e.Text)
	case dispenser.Malformed:
		c.alarm(now, "frame-malformed", subject, "校验正确但内容有误的帧", "frame with good CRC and bad content: "+e.Err.Error())
	}
}

// taken stores a record and acknowledges it when it is durable. One that is known is acknowledged again; one that is under
// way is acknowledged by the act that it waits for.
func (c *Core) taken(now clock.Instant, p *port, e dispenser.Taken) {
	ack := func(result fa.Result, after link.ActID) {
		if !e.Asked {
			c.out.Send(p.number, p.fa.Ack(e.To, result), after)
		}
	}
	r, v, reason := p.intake.judge(e.Raw)
	subject := fmt.Sprintf("port %d POS-TTC %d", p.number, r.POSTTC)
	switch v {
	case again:
		ack(fa.RecordCorrect, 0)
	case refused:
		if p.intake.refusals[sha256.Sum256(e.Raw)] {
			ack(fa.RecordWrong, 0)
			return
		}
		ack(fa.RecordWrong, c.out.Append(
			record.RecordRefused{TimeMs: now.Milli(), Port: p.number, POSTTC: uint32(r.POSTTC), Raw: e.Raw, Reason: reason},
			record.Alarm{TimeMs: now.Milli(), Kind: "record-refused", Subject: subject, Zh: "加油记录无法接受: " + reason, En: "record refused: " + reason}))
	case conflict:
		if p.intake.conflicts[string(e.Raw)] {
			ack(fa.RecordCorrect, 0)
			return
		}
		ack(fa.RecordCorrect, c.out.Append(
			record.RecordConflict{TimeMs: now.Milli(), Port: p.number, POSTTC: uint32(r.POSTTC), Raw: e.Raw},
			record.Alarm{TimeMs: now.Milli(), Kind: "record-conflict", Subject: subject, Zh: "同号记录内容不同, 两份都已保存", En: "same record number, other content: both are kept"}))
	case fresh:
		if _, under := p.pending[keyOf(r)]; under {
			return
		}
		p.pending[keyOf(r)] = e.Raw
		ack(fa.RecordCorrect, c.store(now, p, r, e.Raw, subject))
	}
}

// store appends a fresh record and the alarms that it deserves as one act.
func (c *Core) store(now clock.Instant, p *port, r fa.Record, raw []byte, subject string) link.ActID {
	epoch, restarted := p.intake.epochOf(r)
	nozzle := record.Nozzle(0)
	if plan, ok := c.orders.plan(p.number); ok {
		nozzle = plan.Nozzle
	}
	facts := []record.Fact{record.DispenserRecord{
		TimeMs: now.Milli(), Port: p.number, Nozzle: nozzle, Epoch: epoch, POSTTC: uint32(r.POSTTC), Raw: raw,
	}}
	warn := func(kind, zh, en string) {
		facts = append(facts, record.Alarm{TimeMs: now.Milli(), Kind: kind, Subject: subject, Zh: zh, En: en})
	}
	if restarted {
		warn("board-replaced", "加油机流水号重新开始: 主板更换或复位?", "record numbers start again: board replaced or reset?")
	}
	if r.Training() != (c.cfg.Realm == record.Training) {
		warn("wrong-realm", "教学与生产记录混用", "training record at a production station, or the other way round")
	}
	if text := implausible(r); text != "" {
		warn("record-implausible", "金额与油量单价不符: "+text, "amount, volume and price disagree: "+text)
	}
	if t := p.intake.total; t.known && !restarted && metered(r) && r.POSTTC == t.last.POSTTC+1 {
		if moved := r.Total.Since(t.last.Total); moved != r.Volume {
			warn("totalizer-jump", fmt.Sprintf("泵码增加 %v, 记录为 %v", moved, r.Volume), fmt.Sprintf("the totalizer moved %v, the record says %v", moved, r.Volume))
		}
	}
	return c.out.Append(facts...)
}

// metered reports whether a record's volume went through the meter just then: settlements of an earlier sale did not.
func metered(r fa.Record) bool {
	k := r.Type.Kind()
	return k == fa.Fuelling || k == fa.Escape || k == fa.NoCard
}

// implausible says why amount, volume and price can not belong together; "" if they can. A cash preset may differ by less
// than the value of one pulse; the debit is at most the balance. Source: dispenser.md 2.7, 5.1; design.md 9.7.
func implausible(r fa.Record) string {
	if !metered(r) || r.Unit.Points() {
		return ""
	}
	want, err := unit.Amount(r.Volume, r.Price)
	pulse := unit.Fen(r.Price+99) / 100
	if err != nil || r.Amount > want+pulse {
		return fmt.Sprintf("%v × %v, %v", r.Volume, r.Price, r.Amount)
	}
	if r.Amount+pulse < want && (r.Type.Kind() != fa.Fuelling || r.Balance > 0) {
		return fmt.Sprintf("%v × %v, %v", r.Volume, r.Price, r.Amount)
	}
	return ""
}

func (c *Core) totals(now clock.Instant, p *port, e dispenser.Totals) {
	facts := make([]record.Fact, 0, len(e.Nozzles))
	for _, n := range e.Nozzles {
		facts = append(facts, record.TotalsRead{TimeMs: now.Milli(), Port: p.number, Nozzle: record.Nozzle(n.NZN), Total: n.Total})
	}
	if len(facts) > 0 {
		c.out.Append(facts...)
	}
}

// listed answers a 36H query: no list is loaded yet, so no user card is black and no staff card is white.
// Source: dispenser.md 3.9.
func (c *Core) listed(dispenser.ListAsked) fa.Match { return fa.NotFound }

// grey answers a 35H query from the own records, else from the center.
func (c *Core) grey(p *port, e dispenser.GreyAsked) {
	if a, found := c.owed(e.Ask); found {
		c.out.Send(p.number, p.fa.AnswerGrey(e.To, a), 0)
		return
	}
	q := record.GreyQuestion{
		Site: c.cfg.Site, ASN: e.Ask.ASN, Balance: e.Ask.Balance, CTC: e.Ask.CTC, DS: e.Ask.DS, Time: record.Hex(e.Ask.Time[:]),
	}
	body, err := json.Marshal(q)
	if err != nil {
		panic("station: " + err.Error()) // plain values always encode
	}
	c.asks[c.out.Call("center", record.PathAskGrey, body, 0)] = greyCall{p.number, e.To, e.Ask}
}

// owed finds the unpaid escape that matches a query in all five fields.
func (c *Core) owed(q fa.GreyAsk) (fa.GreyAnswer, bool) {
	for i := len(c.sales) - 1; i >= 0; i-- {
		r := c.sales[i].rec
		if r.Type.Kind() != fa.Escape || r.ASN != q.ASN || r.CTC != q.CTC || r.Balance != q.Balance || r.DS != q.DS || r.Time != q.Time {
			continue
		}
		if c.seen[record.SaleID{TID: r.TID, TTC: r.TTC}].paid {
			return fa.GreyAnswer{}, false
		}
		return fa.GreyAnswer{
			Flag: fa.Found, ASN: r.ASN, Balance: r.Balance, Amount: r.Amount, CTC: r.CTC, DS: r.DS, Time: r.Time,
			GMAC: r.GMAC, TID: r.TID, TTC: r.TTC,
		}, true
	}
	return fa.GreyAnswer{}, false
}

// Answered brings an answer of the center: to the exchange, or to a 35H query. A board that has waited too long asks again.
func (c *Core) Answered(now clock.Instant, id uint64, status int, body []byte, err error) {
	if q, ok := c.asks[id]; ok {
		delete(c.asks, id)
		c.answerGrey(q, status, body, err)
		return
	}
	for _, line := range c.ship.Answered(now, id, status, body, err, &c.out) {
		c.out.Append(record.DirectiveApplied{TimeMs: now.Milli(), Directive: line})
	}
	c.plan(now)
}

func (c *Core) answerGrey(q greyCall, status int, body []byte, err error) {
	p := c.port(q.port)
	a := fa.GreyAnswer{Flag: fa.NotFound}
	var g record.GreyAnswer
	if err == nil && status == http.StatusOK && json.Unmarshal(body, &g) == nil && g.Found {
		a = fa.GreyAnswer{
			Flag: fa.Found, ASN: q.ask.ASN, Balance: q.ask.Balance, Amount: g.Amount, CTC: q.ask.CTC, DS: q.ask.DS,
			Time: q.ask.Time, GMAC: g.GMAC, TID: g.Sale.TID, TTC: g.Sale.TTC,
		}
	} else if err != nil || status != http.StatusOK {
		return // nobody knows: silence makes the board fall back and ask again later
	}
	c.out.Send(q.port, p.fa.AnswerGrey(q.to, a), 0)
}
