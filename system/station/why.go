package station

import (
	"encoding/json"
	"fmt"
	"net/http"

	"greylock/system/clock"
	"greylock/system/wire/fa"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// PathWhy says why a holder can not use a card: AskWhy → Why.
const PathWhy = "/op/station/why"

// AskWhy names the card, all 20 digits.
type AskWhy struct {
	ASN pboc.ASN `json:"asn"`
}

// Why is what a holder is told: what happened, where and when, what is owed, what to do next and where.
type Why struct {
	ASN   string    `json:"asn"`   // masked
	State string    `json:"state"` // owed, paid, disputed, nothing: no record anywhere; unreachable: none here, and the center is silent; unknown: not a card of ours
	Owed  *unit.Fen `json:"owed_fen,omitempty"`
	Zh    []string  `json:"zh"`
	En    []string  `json:"en"`
}

// holders is what people ask about their cards.
type holders struct {
	asking   map[uint64]whyCall // questions to the center that are under way
	disputed map[pboc.ASN]taken // the last refused record of a card, until a true one comes
}

// whyCall is a holder's question that went on to the center.
type whyCall struct {
	reply uint64
	own   record.WhyAnswer
	asn   pboc.ASN
}

// askWhy asks the center as well, unless the last record here is in dispute: another station may have settled what is owed here,
// and what is not known here may be known there.
func (c *Core) askWhy(_ clock.Instant, id uint64, q AskWhy) {
	own := c.ownWhy(q.ASN)
	if own.State == "disputed" {
		c.reply(id, tell(q.ASN, own, c.cfg.Site), 0)
		return
	}
	body, err := json.Marshal(record.WhyQuestion{Site: c.cfg.Site, ASN: q.ASN})
	if err != nil {
		panic("station: " + err.Error()) // plain values always encode
	}
	if c.holders.asking == nil {
		c.holders.asking = map[uint64]whyCall{}
	}
	c.holders.asking[c.out.Call("center", record.PathAskWhy, body, 0)] = whyCall{id, own, q.ASN}
}

// answerWhy brings the center's word to the holder. Where the center is silent the own records stand, and the holder is told so;
// an escape in the own journal is owed until the center says that this very one was settled.
func (c *Core) answerWhy(w whyCall, status int, body []byte, err error) {
	var a record.WhyAnswer
	heard := err == nil && status == http.StatusOK && json.Unmarshal(body, &a) == nil
	nothing := w.own.State == "nothing"
	switch {
	case heard && (nothing || a.State == "owed" || a.Time == w.own.Time):
	case nothing:
		a = record.WhyAnswer{State: "unreachable"}
	default:
		a = w.own
	}
	t := tell(w.asn, a, c.cfg.Site)
	if !heard && !nothing {
		t.Zh, t.En = append(t.Zh, "现在连不上中心, 以上只按本站的记录。"), append(t.En, "The center can not be reached now: this is by the records of this station alone.")
	}
	c.reply(w.reply, t, 0)
}

// ownWhy is what the own journal knows of a card: its last sale here, or a record of it that was refused since.
func (c *Core) ownWhy(asn pboc.ASN) record.WhyAnswer {
	show := func(state string, port int, r fa.Record) record.WhyAnswer {
		a := record.WhyAnswer{State: state, Site: c.cfg.Site, SiteName: c.orders.layout.Name, Time: r.Time.String(),
			Product: r.Product.String(), Quantity: r.Volume, Amount: r.Amount}
		if plan, ok := c.orders.plan(port); ok {
			a.Nozzle = plan.Nozzle
		}
		return a
	}
	if d, ok := c.holders.disputed[asn]; ok {
		return show("disputed", d.port, d.rec)
	}
	for i := len(c.sales) - 1; i >= 0; i-- {
		t := c.sales[i]
		if t.rec.ASN != asn || !metered(t.rec) {
			continue
		}
		if t.rec.Type.Kind() == fa.Escape && !c.seen[record.SaleID{TID: t.rec.TID, TTC: t.rec.TTC}].paid {
			return show("owed", t.port, t.rec)
		}
		return show("paid", t.port, t.rec)
	}
	return record.WhyAnswer{State: "nothing"}
}

// dispute notes that a card's record was refused; settleDispute that a true one has come.
func (c *Core) dispute(port int, raw []byte) {
	if r, err := fa.ParseRecord(raw); err == nil && metered(r) {
		if s := c.seen[record.SaleID{TID: r.TID, TTC: r.TTC}]; s.metered == nil {
			if c.holders.disputed == nil {
				c.holders.disputed = map[pboc.ASN]taken{}
			}
			c.holders.disputed[r.ASN] = taken{port: port, rec: r}
		}
	}
}

func (c *Core) settleDispute(r fa.Record) {
	if d, ok := c.holders.disputed[r.ASN]; ok && d.rec.TID == r.TID && d.rec.TTC == r.TTC {
		delete(c.holders.disputed, r.ASN)
	}
}

// sentences are what a state means and what to do about it.
var sentences = map[string]struct{ zh, en, nextZh, nextEn string }{
	"owed": {"加油时卡提前拔出, 油已加, 还没有扣款, 卡被锁住 (灰卡)。", "the card was taken out too early: the fuel is in the tank, nothing was debited, the card is locked (grey).",
		"把卡插进本站任一加油机, 按提示补扣, 扣完就能用; 也可到其他联网加油站或发卡网点。", "put the card into any dispenser here, it is debited and free again; another station on line or an issuing desk can do it too."},
	"paid": {"最近一笔已经扣款, 不欠款。", "the last sale is paid, nothing is owed.",
		"把卡再插一次; 仍不能用, 请带卡到发卡网点读卡。", "insert the card again; if it still fails, let an issuing desk read it."},
	"disputed": {"最近一笔的记录有疑点, 没有入账, 正在核对。", "the record of the last sale is doubtful and not booked; it is being checked.",
		"留好小票, 找本站站长登记; 中心核对后按实际油量了结。", "keep the receipt and see the station's manager; the center settles it by the fuel that was taken."},
	"nothing": {"本站和中心都没有这张卡的记录; 若卡是灰卡, 那一笔还没有传到中心。", "neither this station nor the center has a record; if the card is grey, its record has not arrived yet.",
		"到上次加油的那座站插卡, 可立即了结; 或过几分钟再问。锁卡满 48 小时仍无记录, 带证件到发卡网点, 由两人批准强制解灰。",
		"insert the card where it was used last, or ask again in some minutes. After 48 hours without a record an issuing desk may free it, with two persons."},
	"unreachable": {"本站没有这张卡的记录, 现在又连不上中心。", "there is no record here, and the center can not be reached now.",
		"到上次加油的那座站插卡, 可立即了结; 或等网络恢复后再问。", "insert the card where it was used last, or ask again when the line is back."},
	"unknown": {"这不是本公司发行的卡。", "this is not a card of this company.", "请找发卡的公司。", "ask the company that issued it."},
}

// tell puts it into plain words.
func tell(asn pboc.ASN, a record.WhyAnswer, here record.SiteID) Why {
	w := Why{ASN: asn.String(), State: a.State}
	say := func(zh, en string) { w.Zh, w.En = append(w.Zh, zh), append(w.En, en) }
	s := sentences[a.State]
	say("怎么了: "+s.zh, "What: "+s.en)
	if a.Time != "" {
		say(fmt.Sprintf("在哪里: %s %s %d 号枪, %s, %s %v 升。", a.Site, a.SiteName, a.Nozzle, a.Time, a.Product, a.Quantity),
			fmt.Sprintf("Where: %s %s nozzle %d, %s, %s %v L.", a.Site, a.SiteName, a.Nozzle, a.Time, a.Product, a.Quantity))
	}
	switch a.State {
	case "owed":
		w.Owed = &a.Amount
	case "paid":
		w.Owed = new(unit.Fen)
	}
	if w.Owed != nil {
		say(fmt.Sprintf("欠多少: %v 元。", *w.Owed), fmt.Sprintf("Owed: %v yuan.", *w.Owed))
	} else {
		say("欠多少: 还不知道。", "Owed: not known yet.")
	}
	say("怎么办: "+s.nextZh, "Next: "+s.nextEn)
	if a.State == "owed" && a.Site != here {
		say("本站联网时可代原站补扣。", "This station debits it for the other one while it is on line.")
	}
	if a.Blocked != "" {
		say("另外: 这张卡已被锁定, 请带证件到发卡网点。", "Besides: the card is blocked; go to an issuing desk with your papers.")
	}
	return w
}
