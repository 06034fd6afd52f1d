package center

import (
	"encoding/hex"
	"fmt"

	"greylock/system/clock"
	"greylock/system/ledger"
	"greylock/system/wire/fa"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// FiguresInDoubt quarantines a delivery of a plain dispenser whose register and totals contradict each other.
const FiguresInDoubt = "figures-in-doubt"

// Verdicts of a station: register and totals say the same; the total before the delivery was never read.
const agreed, unmeasured = "agreed", "unmeasured"

// plainSold takes a delivery of a plain dispenser: fuel, and cash or another tender, as a record of T_TYPE 7. A card's own record
// posts a card sale; one of nothing is no sale, and waits in quarantine if its total ran all the same. Source: design.md 9.6;
// trust.md row 35.
func (j *judge) plainSold(p place, f record.PlainSold) {
	nothing := f.Quantity == 0 && f.Amount == 0
	if f.Card != (record.SaleID{}) || nothing && (f.Moved == 0 || f.Verdict == unmeasured) {
		return
	}
	rec := plainRecord(f)
	reason := ""
	switch value, bad := (&entry{rec: rec}).value(); {
	case nothing:
		reason = FiguresInDoubt
	case j.books.sites.at(p.Site).kind != record.KindStation:
		reason = StationUnknown
	case !j.books.products.has(f.Product):
		reason = ProductWrong
	case f.Verdict != agreed:
		reason = FiguresInDoubt
	case bad != "" || value != f.Amount || f.Moved != f.Quantity:
		reason = AmountWrong
	case !j.plansNozzle(p.Site, f):
		reason = NozzleWrong
	}
	if reason != "" {
		j.quarantine(p, record.SaleID{}, reason)
		return
	}
	e := &entry{place: p, fact: record.DispenserRecord{Port: f.Port, Nozzle: f.Nozzle, POSTTC: f.Number}, rec: rec, kind: int(fa.NoCard),
		id: saleID(record.SaleID{}, p), rule: ledger.Lookup(int(fa.NoCard), ledger.None, false)}
	j.counters(e)
	j.emit(record.SalePosted{
		TimeMs: j.nowMs, Site: p.Site, Seq: p.Seq, TType: int(fa.NoCard), Product: f.Product, Price: f.Price, Quantity: f.Quantity,
		Unit: j.books.products.at(f.Product).Unit, Amount: f.Amount,
		Entries: e.rule.Entries(ledger.Sale{Site: p.Site, Product: f.Product, Amount: f.Amount, Value: f.Amount, Way: f.Way}),
	})
}

// plansNozzle says that a layout of the site has had this plain nozzle.
func (j *judge) plansNozzle(site record.SiteID, f record.PlainSold) bool {
	for _, l := range j.books.layouts.at(site) {
		for _, p := range l.layout.Ports {
			if p.Port == f.Port && p.NZN == f.NZN && p.Nozzle == f.Nozzle && p.Protocol == record.ProtocolLF {
				return true
			}
		}
	}
	return false
}

// plainRecord is the delivery in the form that the books know.
func plainRecord(f record.PlainSold) fa.Record {
	r := fa.Record{POSTTC: fa.POSTTC(f.Number), Type: fa.NoCard, Time: clock.FromMilli(f.TimeMs).Civil().Stamp(), Amount: f.Amount, Unit: fa.PayCash,
		NZN: fa.NZN(f.NZN), Volume: f.Quantity, Price: f.Price, Total: unit.Totalizer(uint32(f.Litres))}
	if p, err := hex.DecodeString(f.Product); err == nil {
		copy(r.Product[:], p)
	}
	return r
}

// plainChecks shows a delivery and what can be checked of it again.
func plainChecks(s sale, line record.Hex) (fields []Field, checks []Check) {
	fact, err := record.Decode(line)
	f, ok := fact.(record.PlainSold)
	if err != nil || !ok {
		return nil, []Check{{"record", false, "格式", "form"}}
	}
	fields = []Field{
		{"nozzle", "枪号", "nozzle", fmt.Sprint(f.Nozzle)}, {"quantity", "数量", "quantity", f.Quantity.String()}, {"moved", "泵码走数", "the total moved", f.Moved.String()},
		{"price", "单价", "price", f.Price.String()}, {"amount", "金额", "amount", f.Amount.String()}, {"way", "结算方式", "way of paying", f.Way}, {"by", "授权人", "let run by", f.By},
	}
	return fields, []Check{
		{"totals", f.Verdict == agreed && f.Moved == f.Quantity, "泵码与油量一致", "the totals moved by the volume"},
		{"amount", f.Amount == s.posted.Amount, "金额一致", "the amount is what was posted"},
	}
}
