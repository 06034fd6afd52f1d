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
		p.lists.greeted, p.lists.seen = false, c.orders.lists.newest()
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
		c.listed(p, e)
	case dispenser.Informed:
		p.names = e.Info.Nozzles
		c.informed(now, p, e.Info)
		c.listsInformed(now, p, e.Info.Versions)
	case dispenser.Totals:
		c.totals(now, p, e)
	case dispenser.Reported:
		c.reported(now, subject, e.Text)
	case dispenser.Changed:
		if p.fa != nil {
			c.watchStill(now, p)
		}
	case dispenser.Priced:
	case dispenser.Malformed:
		c.alarm(now, "frame-malformed", subject, "校验正确但内容有误的帧", "frame with good CRC and bad content: "+e.Err.Error())
	default:
		c.plainEvent(now, p, e)
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
	c.address(now, p)
	r, v, f := p.intake.judge(e.Raw)
	epoch, restarted := p.intake.epochOf(r)
	if v == fresh {
		if f = c.untrue(p, r, restarted); f != nil {
			v = refused
		}
	}
	subject := fmt.Sprintf("port %d POS-TTC %d", p.number, r.POSTTC)
	switch v {
	case again:
		ack(fa.RecordCorrect, 0)
	case refused:
		c.refused(now, p, r, e, *f, ack)
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
		ack(fa.RecordCorrect, c.store(now, p, r, e.Raw, epoch, restarted))
	}
}

// address: a board that has the address of another port is on the wrong cable; true says so. What it says is judged by its PSAM:
// an address may be that of an older layout.
func (c *Core) address(now clock.Instant, p *port) (crossed bool) {
	plan, ok := c.orders.plan(p.number)
	board := p.fa.Board()
	if !ok || board == plan.POSP {
		return false
	}
	for _, other := range c.orders.layout.Ports {
		if other.Port != p.number && other.POSP == board {
			crossed = true
			c.alarm(now, "crossed-cables", fmt.Sprintf("port %d", p.number), fmt.Sprintf("主板地址 %d 是 %d 口的: 接线对调?", board, other.Port),
				fmt.Sprintf("the board's address %d is that of port %d: cables crossed?", board, other.Port))
		}
	}
	return crossed
}

// refused keeps a record that can not be true, with its reason. The first offer is acknowledged as wrong and the board is asked
// for the number once more; the same bytes offered again are acknowledged as correct, for they are kept, and a board that takes
// no "wrong" would offer them for ever. Another port's record is always wrong here: it belongs where the cable should be.
func (c *Core) refused(now clock.Instant, p *port, r fa.Record, e dispenser.Taken, f finding, ack func(fa.Result, link.ActID)) {
	misplaced := f.code == record.FindCrossed || f.code == record.FindNozzle
	hash := sha256.Sum256(e.Raw)
	gone := record.GapClosed{TimeMs: now.Milli(), Port: p.number, Epoch: p.intake.epoch, POSTTC: uint32(r.POSTTC)}
	switch {
	case p.refusing[hash]:
		return // acknowledged by the act that it waits for
	case p.intake.refusals[hash] && e.Asked:
		c.out.Append(gone) // the board has nothing better
		return
	case p.intake.refusals[hash] && misplaced:
		ack(fa.RecordWrong, 0)
		return
	case p.intake.refusals[hash]:
		ack(fa.RecordCorrect, 0)
		return
	}
	p.refusing[hash] = true
	zh, en := f.words()
	kind, subject := "record-refused", fmt.Sprintf("port %d POS-TTC %d", p.number, r.POSTTC)
	if misplaced {
		kind, subject = "crossed-cables", fmt.Sprintf("port %d", p.number)
	}
	facts := []record.Fact{
		record.RecordRefused{TimeMs: now.Milli(), Port: p.number, POSTTC: uint32(r.POSTTC), Raw: e.Raw, Code: f.code, Reason: en,
			Reread: !e.Asked && !misplaced && f.code != record.FindLength},
		record.Alarm{TimeMs: now.Milli(), Kind: kind, Subject: subject, Zh: "加油记录不予接受: " + zh, En: "record refused: " + en},
	}
	if e.Asked {
		facts = append(facts, gone)
	}
	ack(fa.RecordWrong, c.out.Append(facts...))
}

// doubtful are the alarms of the findings that are not simply record-suspect.
var doubtful = map[record.Finding]string{record.FindMeterJump: "totalizer-jump", record.FindMeterBack: "totalizer-back", record.FindPriceStale: "price-stale"}

// store appends a fresh record and the alarms that it deserves as one act.
func (c *Core) store(now clock.Instant, p *port, r fa.Record, raw []byte, epoch int, restarted bool) link.ActID {
	nozzle := record.Nozzle(0)
	if plan, ok := c.orders.plan(p.number); ok {
		nozzle = plan.Nozzle
	}
	taken := record.DispenserRecord{TimeMs: now.Milli(), Port: p.number, Nozzle: nozzle, Epoch: epoch, POSTTC: uint32(r.POSTTC), Raw: raw, PriceVersion: c.soldBy(p, r),
		BusinessDay: c.businessDay(r)}
	var alarms []record.Fact
	warn := func(kind, about, zh, en string) {
		alarms = append(alarms, record.Alarm{TimeMs: now.Milli(), Kind: kind, Subject: fmt.Sprintf("port %d%s", p.number, about), Zh: zh, En: en})
	}
	if restarted {
		warn("board-replaced", "", "加油机流水号重新开始: 主板更换或复位?", "record numbers start again: board replaced or reset?")
	}
	if r.Type.Kind() == fa.PriceReceived && p.fa != nil {
		p.fa.AskInfo(now) // which version was it?
	}
	for _, f := range c.doubts(now, p, r, restarted) {
		taken.Suspect = append(taken.Suspect, f.code)
		zh, en := f.words()
		kind, about := doubtful[f.code], ""
		if kind == "" {
			kind, about = "record-suspect", " "+string(f.code)
		}
		if f.code == record.FindMeterBack {
			alarms = append(alarms, c.lockFor(now, p, en)...)
		}
		warn(kind, about, fmt.Sprintf("流水号 %d: %s", r.POSTTC, zh), fmt.Sprintf("record %d: %s", r.POSTTC, en))
	}
	if a, ok := listAlarm(now, r); ok {
		alarms = append(alarms, a)
	}
	return c.out.Append(append([]record.Fact{taken}, alarms...)...)
}

// metered reports whether a record's volume went through the meter just then: settlements of an earlier sale did not.
func metered(r fa.Record) bool {
	k := r.Type.Kind()
	return k == fa.Fuelling || k == fa.Escape || k == fa.NoCard
}

func (c *Core) totals(now clock.Instant, p *port, e dispenser.Totals) {
	if c.address(now, p) {
		return // another port's meter
	}
	facts := make([]record.Fact, 0, len(e.Nozzles))
	for _, n := range e.Nozzles {
		c.readBack(now, p, n)
		facts = append(facts, record.TotalsRead{TimeMs: now.Milli(), Port: p.number, Nozzle: record.Nozzle(n.NZN), Total: n.Total})
	}
	if len(facts) > 0 {
		c.metersRead(p, c.out.Append(facts...))
	}
}

// grey answers a 35H query from the own records, else from the center.
func (c *Core) grey(p *port, e dispenser.GreyAsked) {
	if a, found := c.owed(e.Ask); found {
		c.out.Send(p.number, p.fa.AnswerGrey(e.To, a), 0)
		return
	}
	c.askCenter(e.Ask, func(_ clock.Instant, a *fa.GreyAnswer) {
		if a != nil { // silence makes the board fall back and ask again later
			c.out.Send(p.number, p.fa.AnswerGrey(e.To, *a), 0)
		}
	})
}

// askCenter asks the center about a grey card that no own record tells of; then gets nil when nobody knows.
func (c *Core) askCenter(ask fa.GreyAsk, then func(now clock.Instant, a *fa.GreyAnswer)) {
	q := record.GreyQuestion{Site: c.cfg.Site, ASN: ask.ASN, Balance: ask.Balance, CTC: ask.CTC, DS: ask.DS, Time: record.Hex(ask.Time[:])}
	body, err := json.Marshal(q)
	if err != nil {
		panic("station: " + err.Error()) // plain values always encode
	}
	c.asks[c.out.Call("center", record.PathAskGrey, body, 0)] = greyCall{ask, then}
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
		c.answerGrey(now, q, status, body, err)
		c.plan(now)
		return
	}
	if c.blockAnswered(now, id, status, body, err) {
		return
	}
	if w, ok := c.holders.asking[id]; ok {
		delete(c.holders.asking, id)
		c.answerWhy(w, status, body, err)
		return
	}
	for _, line := range c.ship.Answered(now, id, status, body, err, &c.out) {
		if c.stepFits(now, line) {
			c.out.Append(record.DirectiveApplied{TimeMs: now.Milli(), Directive: line})
		}
	}
	c.confirm(now)
	c.plan(now)
}

func (c *Core) answerGrey(now clock.Instant, q greyCall, status int, body []byte, err error) {
	a := &fa.GreyAnswer{Flag: fa.NotFound}
	var g record.GreyAnswer
	switch {
	case err != nil || status != http.StatusOK:
		a = nil // nobody knows
	case json.Unmarshal(body, &g) == nil && g.Found:
		a = &fa.GreyAnswer{
			Flag: fa.Found, ASN: q.ask.ASN, Balance: q.ask.Balance, Amount: g.Amount, CTC: q.ask.CTC, DS: q.ask.DS,
			Time: q.ask.Time, GMAC: g.GMAC, TID: g.Sale.TID, TTC: g.Sale.TTC,
		}
	}
	q.then(now, a)
}
