package till

import (
	"fmt"

	"greylock/system/dispenser"
	"greylock/system/terminal"
	"greylock/system/wire/fa"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// classPSAM is the class of a T-TYPE 9 code that comes from the PSAM. Source: dispenser.md 3.11.
const classPSAM = 0x02

// entry begins an entry about the sale that the evidence names.
func entry(ev terminal.Evidence, k terminal.Kind) terminal.Entry {
	return terminal.Entry{Kind: k, Sale: ev.Sale, PSAM: ev.PSAM, ASN: ev.ASN, CTC: ev.CTC, Balance: ev.Balance, Stamp: ev.Stamp,
		GTAC: ev.GTAC, Nozzle: ev.Nozzle}
}

// nothing is the end of a delivery that never began.
func nothing(e terminal.Entry) *dispenser.Sale {
	return &dispenser.Sale{Verdict: dispenser.Agreed, Price: e.Price}
}

// totalizer is the reading after a sale in the record's width: both roll over.
func totalizer(s dispenser.Sale) unit.Totalizer { return unit.Totalizer(uint32(s.Meter.Litres)) }

// blank is a record of this moment and this PSAM.
func (t *Till) blank(kind fa.TType) fa.Record {
	return fa.Record{Type: kind, Time: t.now.Civil().Stamp(), PSAMNumber: t.sam.Number, TID: t.sam.TID, Unit: fa.PayCard,
		NZN: fa.NZN(t.plan.order.Nozzle), Product: t.plan.nozzle.Product, Price: t.plan.nozzle.Price, Employee: fa.NoEmployee,
		Version: t.version()}
}

// record is a record of the sale that is known.
func (t *Till) record(kind fa.TType, known sale) fa.Record {
	r := t.blank(kind)
	if ev := known.Evidence; ev.Found {
		r.NZN, r.Volume, r.Price, r.Total = fa.NZN(ev.Nozzle), ev.Quantity, ev.Price, ev.Total
		if r.Price == 0 {
			r.Price = known.Begun
		}
		if known.Product != (fa.Product{}) {
			r.Product = known.Product
		}
		if known.Version != 0 {
			r.Version = known.Version
		}
	}
	return r
}

// cancelled is the T-TYPE 9 record that accounts for a TTC without a sale. Source: design.md 9.6; dispenser.md 3.11.
func (t *Till) cancelled(e terminal.Entry) fa.Record {
	r := t.blank(fa.CardErrorEvent)
	r.ASN, r.Balance, r.CTC, r.TID, r.TTC, r.PSAMNumber = e.ASN, e.Balance, e.CTC, e.Sale.TID, e.Sale.TTC, e.PSAM
	if e.Stamp != ([7]byte{}) {
		r.Time = e.Stamp
	}
	switch {
	case e.Kind == terminal.Hold:
		r.TAC = reason(terminal.ReasonBlack)
	case e.Kind == terminal.Suspect && e.Reason == terminal.WrongMAC2:
		r.TAC = pboc.MAC{classPSAM, 0, 0x93, 0x02}
	default:
		r.TAC = reason(reasonCancelled)
	}
	return r
}

// receipt is what the customer takes with him.
func (t *Till) receipt(r fa.Record) {
	zh, en := r.Type.Words()
	var lines []string
	if t.cfg.Realm == record.Training {
		lines = append(lines, "*** 教学 不作凭证 ***")
	}
	t.face.receipt = append(lines, "加油凭条 ("+zh+" "+en+")", "时间 "+r.Time.String(), fmt.Sprintf("枪号 %02d  油品 %v", r.NZN, r.Product),
		"卡号 "+r.ASN.String(), "单价 "+r.Price.String()+" 元", "数量 "+r.Volume.String(), "金额 "+r.Amount.String()+" 元",
		"余额 "+r.Balance.String()+" 元", fmt.Sprintf("终端 %v-%d", r.TID, r.TTC), "TAC "+r.TAC.String())
}
