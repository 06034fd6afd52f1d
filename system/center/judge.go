package center

import (
	"fmt"

	"greylock/system/ledger"
	"greylock/system/wire/fa"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// maxParked bounds the settlements that wait for one lock from one site: a card is debited once per lock, the rest are copies. Each
// site has its own share, so that the forged ones of one can not keep out the true one of another.
const maxParked = 8

// judge decides what the records of one batch mean. It works on a fork of the books, to which every fact that it decides on
// is applied at once, so that a record sees those before it in the same batch.
type judge struct {
	center *Core
	books  *books
	nowMs  int64
	facts  []record.Fact
}

func (j *judge) emit(f record.Fact) {
	j.facts = append(j.facts, f)
	j.books.apply(j.center.cfg.Site, f)
}

func (j *judge) alarm(kind, subject, zh, en string) {
	j.emit(record.Alarm{TimeMs: j.nowMs, Kind: kind, Subject: subject, Zh: zh, En: en})
}

// quarantine keeps a record out of the books and tells people; a record that only waits for another one is no alarm.
func (j *judge) quarantine(p place, sale record.SaleID, reason string) {
	j.emit(record.SaleQuarantined{TimeMs: j.nowMs, Site: p.Site, Seq: p.Seq, Sale: sale, Reason: reason})
	if reason == Waiting {
		return
	}
	zh, en := ReasonWords(reason)
	kind := reason
	if _, own := reasonWords[reason]; !own {
		kind = StationRefused
	}
	j.alarm(kind, fmt.Sprintf("%s#%d", p.Site, p.Seq), "记录被隔离: "+zh, "record quarantined: "+en)
}

// judge decides on one carried fact.
func (j *judge) judge(p place, f record.Fact) {
	switch f := f.(type) {
	case record.DispenserRecord:
		j.dispenserRecord(p, f)
	case record.PlainSold:
		j.plainSold(p, f)
	case record.RecordConflict:
		j.quarantine(p, saleIn(f.Raw), Conflict)
	case record.RecordRefused:
		reason := StationRefused
		if f.Code.Known() {
			reason = string(f.Code)
		}
		j.quarantine(p, saleIn(f.Raw), reason)
	case record.ProofSeen:
		j.proofSeen(p, f)
	case record.LoadEnded:
		j.transferEnded(toCard, f.Loaded, f.ASN, f.OnlineSN, f.TAC)
	case record.UnloadEnded:
		j.transferEnded(toAccount, f.Debited, f.ASN, f.OnlineSN, f.MAC3)
	}
}

// transferEnded posts a load or unload by the code that the outlet's journal carries.
func (j *judge) transferEnded(w direction, moved bool, asn pboc.ASN, sn pboc.OnlineSN, code pboc.MAC) {
	if !moved {
		return
	}
	if facts, refused := j.center.proven(j.books, w, asn, sn, code, j.nowMs); refused == "" {
		for _, x := range facts {
			j.emit(x)
		}
	}
}

func saleIn(raw record.Hex) record.SaleID {
	r, err := fa.ParseRecord(raw)
	if err != nil {
		return record.SaleID{}
	}
	return saleOf(r)
}

// saleOf is the sale that a record names; none where the terminal number is no number, for a fact must read back.
func saleOf(r fa.Record) record.SaleID {
	if !digits(r.TID.String(), 12) {
		return record.SaleID{}
	}
	return record.SaleID{TID: r.TID, TTC: r.TTC}
}

// saleID is the name of a sale for ever; a sale to which the PSAM gave no number is named by its place.
func saleID(s record.SaleID, p place) string {
	if s.TTC == 0 {
		return fmt.Sprintf("%s#%d", p.Site, p.Seq)
	}
	return s.String()
}

// entry is one record on its way through the checks.
type entry struct {
	place
	fact record.DispenserRecord
	rec  fa.Record
	kind int
	id   string
	sale record.SaleID // TTC filled in from the lock where the record has none
	old  sale          // what the books hold of it
	rule ledger.Rule
}

// dispenserRecord takes a 32H record through every check; the first that fails names the reason.
func (j *judge) dispenserRecord(p place, d record.DispenserRecord) {
	rec, err := fa.ParseRecord(d.Raw)
	e := &entry{place: p, fact: d, rec: rec, kind: int(rec.Type.Kind()), sale: saleOf(rec)}
	if err != nil || rec.Check() != nil || uint32(rec.POSTTC) != d.POSTTC {
		j.quarantine(p, e.sale, Malformed)
		return
	}
	e.id = saleID(e.sale, p)
	settles := rec.Type.Kind() == fa.TopUpDebit || rec.Type.Kind() == fa.Supplement
	if settles {
		if j.onlineUnlock(rec.ASN, pboc.OnlineSN(rec.CTC), rec.Amount, rec.TAC) {
			return
		}
		if id, s, ok := j.books.saleOf(rec); ok {
			e.id, e.sale = id, s.posted.Sale
		}
	}
	e.old = j.books.sales.at(e.id)
	if j.known(e) {
		return
	}
	if reason := j.authentic(e, settles); reason != "" {
		j.quarantine(p, e.sale, reason)
		return
	}
	before := e.old.state
	if before == "" {
		before = ledger.None
	}
	e.rule = ledger.Lookup(postedAs(rec), before, rec.Amount == 0 && rec.Volume == 0)
	if !rec.Type.Moves() && rec.TTC == 0 {
		return // an event: its line is its record
	}
	j.act(e)
}

// known says that the books hold these very bytes already, from this site. A copy from another one is looked at as any record.
func (j *judge) known(e *entry) bool {
	if j.books.taken.at(j.key(e)) == string(e.fact.Raw) {
		return true
	}
	for _, p := range e.old.evidence {
		if p.Site == e.Site && string(p.raw) == string(e.fact.Raw) {
			return true
		}
	}
	return false
}

// postedAs is the row of the posting table that a record goes by: a test draw has one of its own.
func postedAs(r fa.Record) int {
	if r.TestDraw() {
		return ledger.TestDraw
	}
	return int(r.Type.Kind())
}

// mode says how a sale was paid, for people: card, cash, bank, … or test for what went back into the tank.
func mode(r fa.Record) string {
	switch {
	case r.TestDraw():
		return "test"
	case r.Type.Kind() == fa.NoCard:
		return way(r.Unit)
	}
	return "card"
}

func (j *judge) key(e *entry) recordKey {
	return recordKey{e.Site, e.fact.Port, e.rec.NZN, e.rec.POSTTC, e.rec.Time}
}

// act does what the posting table says.
func (j *judge) act(e *entry) {
	reason := ""
	switch e.rule.Effect {
	case ledger.Conflict:
		reason = Conflict
	case ledger.Wait:
		reason = Waiting
		if j.books.parkedBy(lockKey{e.rec.ASN, e.rec.CTC}, e.Site) >= maxParked {
			reason = Conflict
		}
	case ledger.Repeat:
		if reason = j.agrees(e); reason == "" && j.books.held.has(e.place) {
			j.post(e, nil) // it had waited; now it is a witness
		}
	case ledger.Post:
		if j.books.taken.has(j.key(e)) {
			reason = Conflict
		} else if reason = j.money(e); reason == "" {
			j.enter(e)
		}
	}
	if reason != "" {
		j.quarantine(e.place, e.sale, reason)
	}
}

// agrees checks a record that can add nothing: it must tell of the same debit.
func (j *judge) agrees(e *entry) string {
	if e.kind == int(fa.CardErrorEvent) {
		return ""
	}
	tac := e.old.rec.TAC
	if e.old.state == ledger.Settled && e.old.tac != (pboc.MAC{}) {
		tac = e.old.tac
	}
	same := e.rec.ASN == e.old.rec.ASN && e.rec.CTC == e.old.rec.CTC && e.rec.Amount == e.old.posted.Amount && e.rec.TAC == tac
	if !same {
		return Conflict
	}
	return ""
}

// money runs the checks of a record that would enter the books.
func (j *judge) money(e *entry) string {
	kind := e.rec.Type.Kind()
	switch kind {
	case fa.CardErrorEvent:
		return ""
	case fa.NoCard:
		if e.rec.TestDraw() {
			if e.rec.Amount != 0 {
				return AmountWrong
			}
			return ""
		}
		_, reason := e.value()
		return reason
	}
	if reason := j.cardOf(e); reason != "" {
		return reason
	}
	if kind == fa.TopUpDebit || kind == fa.Supplement {
		switch {
		case e.rec.ASN != e.old.rec.ASN || e.rec.CTC != e.old.rec.CTC:
			return LockDiffers
		case e.rec.Amount != e.old.posted.Amount:
			return AmountWrong
		}
		return ""
	}
	if _, reason := e.value(); reason != "" {
		return reason
	}
	if id, ok := j.books.locks.get(lockKey{e.rec.ASN, e.rec.CTC}); ok && id != e.id {
		return CTCUsed
	}
	return ""
}

// value is what the metered fuel is worth in the books. The amount must be that; or the cash preset, less than one pulse
// (0.01 of the unit) away from it; or, where the fuel went beyond the balance at lock, that balance.
// Source: design.md 9.7, trust.md M3.
func (e *entry) value() (unit.Fen, string) {
	value, err := unit.Amount(e.rec.Volume, e.rec.Price)
	if err != nil {
		return 0, AmountWrong
	}
	diff := e.rec.Amount - value
	switch kind := e.rec.Type.Kind(); {
	case diff == 0:
		return value, ""
	case -int64(e.rec.Price) < int64(diff)*100 && int64(diff)*100 < int64(e.rec.Price):
		return e.rec.Amount, ""
	case diff < 0 && kind == fa.Fuelling && e.rec.Balance == 0:
		return value, ""
	case diff < 0 && (kind == fa.Escape || kind == fa.WrongCard) && e.rec.Amount == e.rec.Balance:
		return value, ""
	}
	return 0, AmountWrong
}

// enter posts a record, raises what the counters show, and takes up the settlements that waited for it.
func (j *judge) enter(e *entry) {
	entries := []record.Entry(nil)
	if e.rule.Money != ledger.NoMoney {
		value := e.rec.Amount
		if e.rule.Fuel {
			value, _ = e.value()
		}
		entries = e.rule.Entries(ledger.Sale{ASN: e.rec.ASN, Site: e.Site, Product: e.rec.Product.String(),
			Amount: e.rec.Amount, Value: value, Way: way(e.rec.Unit)})
	}
	j.counters(e)
	waiting := j.books.parked.at(lockKey{e.rec.ASN, e.rec.CTC})
	j.post(e, entries)
	if e.rule.After == ledger.Owed && j.books.forced.has(e.id) {
		j.alarm("record-after-forced-unlock", e.id, "强制解灰后到了加油记录, 欠款 "+e.rec.Amount.String(),
			"a record of fuel came after a forced unlock, owed "+e.rec.Amount.String())
	}
	if e.rule.After != ledger.Posted && e.rule.After != ledger.Owed || e.kind == int(fa.NoCard) {
		return
	}
	for _, p := range waiting {
		if f, ok := j.books.find(p); ok {
			j.judge(p, f)
		}
	}
}

func (j *judge) post(e *entry, entries []record.Entry) {
	f := record.SalePosted{
		TimeMs: j.nowMs, Sale: e.sale, ASN: e.rec.ASN, CTC: e.rec.CTC, Site: e.Site, Seq: e.Seq, TType: e.kind,
		Product: e.rec.Product.String(), Price: e.rec.Price, Quantity: e.rec.Volume, Amount: e.rec.Amount, Entries: entries,
	}
	if e.rule.Money == ledger.Settle { // the fuel is that of the lock's own record
		f.Product, f.Price, f.Quantity = e.old.posted.Product, e.old.posted.Price, e.old.posted.Quantity
	}
	f.Unit = j.books.products.at(f.Product).Unit
	j.emit(f)
}

// counters raises alarms for what does not stop a proven record, but must be looked at.
func (j *judge) counters(e *entry) {
	who := e.id
	if e.sale.TTC != 0 && e.rule.TTC && e.rule.Money != ledger.Settle {
		if _, s := j.books.psams.at(e.sale.TID).ttcs.take(uint32(e.sale.TTC)-1, uint32(e.sale.TTC)); s == jumps {
			j.alarm("ttc-gap", e.sale.TID.String(), "PSAM 交易序号有缺口, 缺到 "+who, "PSAM transaction numbers missing before "+who)
		}
	}
	if !e.rule.Fuel {
		return
	}
	nozzle := fmt.Sprintf("%s/%d", e.Site, e.fact.Nozzle)
	switch _, s := j.books.meters.at(nozzleKey{e.Site, e.fact.Nozzle}).take(uint32(e.rec.Total)-uint32(e.rec.Volume), uint32(e.rec.Total)); s {
	case jumps:
		j.alarm("totalizer-jump", nozzle, "泵码跳变: 有加油未上报, 见 "+who, "totalizer ahead: fuel without a record before "+who)
	case overlaps:
		j.alarm("totalizer-back", nozzle, "泵码倒退或重叠, 见 "+who, "totalizer went back or overlaps at "+who)
	}
	j.priceHeld(e, nozzle)
	if e.rule.Money == ledger.ByTender {
		return
	}
	// The card may have less than the books while records are on their way, never more. Source: trust.md M10.
	c := j.books.cards.at(e.rec.ASN)
	if c.ctcs.at > uint32(e.rec.CTC)+1 {
		return // later sales are in the books already
	}
	shadow := j.books.shadow(e.rec.ASN)
	if e.rule.Money == ledger.FromCard {
		shadow -= e.rec.Amount
	}
	if c.open != nil {
		if l := j.books.transfers.at(onlineKey{e.rec.ASN, *c.open}); l.way == toCard {
			shadow += l.amount
		}
	}
	if e.rec.Balance > shadow {
		j.alarm("balance-above-books", e.rec.ASN.String(), "卡余额高于账面: 疑似回滚或复制, 见 "+who,
			"the card has more than the books: rolled back or copied, see "+who)
	}
}

// proofSeen takes the proof of a debit: it settles an open receivable, or tells how an online unlock ended.
func (j *judge) proofSeen(p place, f record.ProofSeen) {
	proof, err := fuelcard.ParseLockProof(f.Proof)
	if err != nil || proof.State == fuelcard.Grey {
		return
	}
	if proof.Type == fuelcard.TypeOnlineED {
		j.onlineUnlock(f.ASN, pboc.OnlineSN(proof.Serial), proof.Amount(), proof.Code)
		return
	}
	id, ok := j.books.locks.get(lockKey{f.ASN, proof.CTC()})
	if !ok || proof.Type != fuelcard.TypeUnlockED {
		return
	}
	s := j.books.sales.at(id)
	if s.state != ledger.Owed || proof.TID != s.rec.TID || proof.Amount() != s.posted.Amount {
		return
	}
	tac, err := j.center.cfg.Keys.TAC(j.center.cardKeys(j.books, f.ASN, s.rec.Version),
		fuelcard.UnlockTACData(proof.Amount(), fuelcard.TypeUnlockED, proof.TID, j.center.cfg.Profile.UnlockTTC(s.rec.TTC), proof.Time))
	if err != nil || !tac.Equal(proof.Code) {
		return
	}
	j.emit(record.SalePosted{
		TimeMs: j.nowMs, Sale: s.posted.Sale, ASN: f.ASN, CTC: proof.CTC(), Site: p.Site, Seq: p.Seq, TType: int(fa.Supplement),
		Product: s.posted.Product, Price: s.posted.Price, Quantity: s.posted.Quantity, Unit: s.posted.Unit,
		Amount: proof.Amount(), Entries: ledger.Unlocked(f.ASN, proof.Amount()),
	})
}

// onlineUnlock recognises the end of an online unlock that the center permitted, by its MAC3.
func (j *judge) onlineUnlock(asn pboc.ASN, sn pboc.OnlineSN, amount unit.Fen, mac3 pboc.MAC) bool {
	u, ok := j.books.unlocks.get(onlineKey{asn, sn})
	if !ok || u.amount != amount {
		return false
	}
	if u.phase == done {
		return u.mac3 == mac3
	}
	facts, code := j.center.unlockProven(j.books, asn, sn, mac3, j.nowMs)
	for _, f := range facts {
		j.emit(f)
	}
	return code == ""
}

// way names how fuel without a card was paid. Source: dispenser.md 3.6 UNIT.
func way(s fa.Settle) string {
	switch s.Mode() {
	case fa.PayCash:
		return "cash"
	case fa.PayCard:
		return "voucher"
	case fa.PayAccount:
		return "account"
	case fa.PayBank:
		return "bank"
	}
	return "other"
}

// lockTime is the moment of a record, in UTC milliseconds; Check has seen that it is one.
func lockTime(s fa.Stamp) int64 {
	c, err := s.Civil()
	if err != nil {
		return 0
	}
	return c.Instant().Milli()
}
