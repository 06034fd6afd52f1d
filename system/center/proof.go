package center

import (
	"greylock/system/clock"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fa"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// showSale shows a sale with the raw records that it stands on, decoded, and checks each of them again.
func (c *Core) showSale(_ clock.Instant, q AskSale) outcome {
	s, ok := c.books.sales.get(q.ID)
	if !ok {
		return refuseOver(UnknownSale, "%.40s", q.ID)
	}
	a := SaleProof{SaleView: c.saleView(q.ID, s), Evidence: []Evidence{}, OK: true}
	for _, p := range s.evidence {
		e := c.evidence(s, p)
		for _, k := range e.Checks {
			a.OK = a.OK && k.OK
		}
		a.Evidence = append(a.Evidence, e)
	}
	return reply(a)
}

func (c *Core) evidence(s sale, p piece) Evidence {
	e := Evidence{Site: p.Site, Seq: p.Seq, Raw: p.raw}
	// Only a line whose hash continued the site's chain is in the books; its place must be below the watermark.
	e.Checks = append(e.Checks, Check{"chain", p.Seq <= c.intake.Mark(p.Site).Seq, "日志链连续", "hash chain of the site's journal"})
	if len(p.raw) > 0 && p.raw[0] == '{' {
		fields, checks := plainChecks(s, p.raw)
		e.Fields, e.Checks = fields, append(e.Checks, checks...)
		return e
	}
	if len(p.raw) == fa.RecordSize {
		e.Fields = recordFields(p.raw)
		e.Checks = append(e.Checks, c.recordChecks(s, p.raw)...)
		return e
	}
	e.Fields = proofFields(p.raw)
	e.Checks = append(e.Checks, c.proofChecks(s, p.raw)...)
	return e
}

func recordFields(raw record.Hex) (list []Field) {
	d := fa.Describe(fa.Frame{Data: append([]byte{byte(fa.WordRecord)}, raw...)})
	for _, f := range d.Fields {
		value := f.Value
		if f.MeansZh != "" {
			value += " " + f.MeansZh + " " + f.MeansEn
		}
		list = append(list, Field{f.Name, f.Zh, f.En, value})
	}
	return list
}

// recordChecks repeats the checks of a dispenser record that need keys or arithmetic.
func (c *Core) recordChecks(s sale, raw record.Hex) (list []Check) {
	r, err := fa.ParseRecord(raw)
	if err != nil {
		return []Check{{"record", false, "格式", "form"}}
	}
	tmac, err := c.cfg.Keys.TMAC(c.cfg.Profile.TMACData(raw))
	list = append(list,
		Check{"tmac", err == nil && tmac.Equal(r.TMAC), "终端数据认证码 T-MAC", "T-MAC of the board's PSAM over the record"},
		Check{"realm", r.Training() == (c.cfg.Realm == record.Training), "教学/正式标志", "mark of the realm"})
	kind := r.Type.Kind()
	settles := kind == fa.TopUpDebit || kind == fa.Supplement
	if !settles {
		list = append(list, Check{"psam", c.books.psams.at(r.TID).number == r.PSAMNumber, "PSAM 已登记", "PSAM number and terminal number"})
	}
	if kind == fa.NoCard || kind == fa.CardErrorEvent {
		return list
	}
	name, zh, en := "tac", "卡交易认证码 TAC", "TAC of the card over amount, terminal, TTC and time"
	if owes(r) {
		name, zh, en = "gtac", "灰锁认证码 GTAC", "GTAC of the card over balance, CTC, terminal, TTC and time"
	}
	want, reason := c.cardCode(c.books, r, s.posted.Sale.TTC)
	list = append(list, Check{name, reason == "" && want.Equal(r.TAC), zh, en})
	if c.psamTimed(r) && !unsigned(r) && (!settles || r.PSAMTAC != (pboc.MAC{})) {
		psam, err := c.psamCode(c.books, r, s.posted.Sale.TTC)
		list = append(list, Check{"psam-tac", err == nil && psam.Equal(r.PSAMTAC), "PSAM-TAC", "PSAM-TAC over amount, terminal, TTC and time"})
	}
	amountOK := r.Amount == s.posted.Amount
	if !settles {
		_, reason := (&entry{rec: r}).value()
		amountOK = amountOK && reason == ""
	}
	return append(list, Check{"amount", amountOK, "金额 = 数量 × 单价 (或预置, 或余额封顶)", "amount = quantity × price (or the preset, or the balance)"})
}

func proofFields(raw record.Hex) (list []Field) {
	d := fuelcard.DescribeAnswer(fuelcard.GetLockProof{}.Command(), apdu.Answer{Data: raw, SW: apdu.OK})
	for _, f := range d.Fields {
		list = append(list, Field{f.En, f.Zh, f.En, f.Value})
	}
	return list
}

func (c *Core) proofChecks(s sale, raw record.Hex) []Check {
	proof, err := fuelcard.ParseLockProof(raw)
	if err != nil {
		return []Check{{"proof", false, "格式", "form"}}
	}
	tac, err := c.cfg.Keys.TAC(c.cardKeys(c.books, s.rec.ASN, s.rec.Version),
		fuelcard.UnlockTACData(proof.Amount(), fuelcard.TypeUnlockED, proof.TID, c.cfg.Profile.UnlockTTC(s.posted.Sale.TTC), proof.Time))
	return []Check{
		{"tac", err == nil && tac.Equal(proof.Code), "卡交易认证码 TAC", "TAC of the card over amount, terminal, TTC and time"},
		{"amount", proof.Amount() == s.posted.Amount, "金额与欠款一致", "the amount is what was owed"},
	}
}
