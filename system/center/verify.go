package center

import (
	"time"

	"greylock/system/vault"
	"greylock/system/wire/fa"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// The reasons of quarantine. They are stable: reports and people decide on them.
const (
	Malformed       = "malformed"         // no record that a board may send
	StationUnknown  = "station-unknown"   // from a site that is no station
	TMACWrong       = "tmac-wrong"        // altered after the board wrote it
	RealmWrong      = "realm-wrong"       // training in production, or the other way round
	UnknownPSAMWord = "unknown-psam"      // never made
	PSAMNumberWrong = "psam-number-wrong" // number and TID are of two PSAMs
	PSAMElsewhere   = "psam-elsewhere"    // not the PSAM of this port
	NozzleWrong     = "nozzle-wrong"      // not the nozzle of this port
	ProductWrong    = "unknown-product"   // a product that is not registered
	PurseWrong      = "purse-unsupported" // points or a bank purse
	UnknownCardWord = "unknown-card"      // never made
	KeyWrong        = "key-unknown"       // no key of this version
	NoTTC           = "ttc-zero"          // a card sale without a PSAM number
	TACWrongWord    = "tac-wrong"         // the card did not make it
	GTACWrong       = "gtac-wrong"        // the card was not locked so
	PSAMTACWrong    = "psam-tac-wrong"    // the PSAM did not make it
	AmountWrong     = "amount-wrong"      // not volume × price, or not what is owed
	CTCUsed         = "ctc-used"          // the card's number belongs to another sale: copied or rolled back
	LockDiffers     = "lock-differs"      // settles the lock of another card
	Conflict        = "conflict"          // the books hold something else under the same key
	Waiting         = "waiting-for-lock"  // a settlement; the record of its lock is not here yet
	StationRefused  = "station-refused"   // the station did not accept it
)

var reasonWords = map[string][2]string{
	Malformed:       {"格式不合规", "not a record that a board may send"},
	StationUnknown:  {"来源不是加油站", "not from a station"},
	TMACWrong:       {"T-MAC 不符", "T-MAC wrong"},
	RealmWrong:      {"教学与正式环境混用", "of the other realm"},
	UnknownPSAMWord: {"PSAM 未登记", "unknown PSAM"},
	PSAMNumberWrong: {"PSAM 序列号与终端机编号不符", "PSAM number and terminal number do not belong together"},
	PSAMElsewhere:   {"PSAM 不属于该端口", "the PSAM does not belong to this port"},
	NozzleWrong:     {"枪号与布局不符", "not the nozzle of this port"},
	ProductWrong:    {"油品未登记", "unknown product"},
	PurseWrong:      {"扣款来源不支持", "debit source not supported"},
	UnknownCardWord: {"卡未登记", "unknown card"},
	KeyWrong:        {"密钥版本未知", "unknown key version"},
	NoTTC:           {"没有 PSAM 交易序号", "no PSAM transaction number"},
	TACWrongWord:    {"TAC 不符", "TAC wrong"},
	GTACWrong:       {"GTAC 不符", "GTAC wrong"},
	PSAMTACWrong:    {"PSAM-TAC 不符", "PSAM-TAC wrong"},
	AmountWrong:     {"金额不符", "amount wrong"},
	CTCUsed:         {"卡脱机序号已用于另一笔: 疑似复制卡", "the card's counter belongs to another sale: copied card?"},
	LockDiffers:     {"与锁卡记录不是同一张卡或序号", "not the card or counter of the lock"},
	Conflict:        {"与已有记录矛盾", "contradicts what the books hold"},
	Waiting:         {"等待锁卡记录", "waits for the record of its lock"},
	StationRefused:  {"油站校验未通过", "refused by the station"},
	FiguresInDoubt:  {"加油机记录与泵码不符", "register and totals of the dispenser contradict each other"},
}

// ReasonWords says a reason of quarantine in Chinese and English.
func ReasonWords(reason string) (zh, en string) {
	if w, ok := reasonWords[reason]; ok {
		return w[0], w[1]
	}
	zh, en = record.Finding(reason).Words()
	return "油站拒收: " + zh, "refused by the station: " + en
}

// layoutSlack is how long after a station began to work by a newer layout a record of the older one may still be dated:
// the clocks of board and station may differ by so much. Source: features.md X5.
const layoutSlack = 10 * time.Minute

// authentic checks who made a record: T-MAC, realm, place, PSAM, card, TAC, PSAM-TAC. It returns the reason of the first
// failure, or nothing. settles says that the record may come from any terminal (T_TYPE 3, 4).
func (j *judge) authentic(e *entry, settles bool) string {
	r := e.rec
	tmac, err := j.center.cfg.Keys.TMAC(j.center.cfg.Profile.TMACData(e.fact.Raw))
	switch {
	case j.books.sites.at(e.Site).kind != record.KindStation:
		return StationUnknown
	case err != nil:
		return KeyWrong
	case !tmac.Equal(r.TMAC):
		return TMACWrong
	case r.Training() != (j.center.cfg.Realm == record.Training):
		return RealmWrong
	}
	if reason := j.place(e, settles); reason != "" || !r.Type.Moves() {
		return reason
	}
	if !settles && !j.books.products.has(r.Product.String()) { // what settles another terminal's sale tells of no fuel
		return ProductWrong
	}
	if r.Type.Kind() == fa.NoCard {
		return ""
	}
	switch {
	case r.DS != 0 || r.Unit.Points():
		return PurseWrong
	case r.TTC == 0 && !settles:
		return NoTTC
	case !j.cardMade(r.ASN):
		return UnknownCardWord
	}
	if e.sale.TTC == 0 {
		return "" // a supplement whose lock is not known: it waits, and is checked then
	}
	return j.codes(e, settles)
}

// place checks PSAM, port and nozzle against the register and the layout.
func (j *judge) place(e *entry, settles bool) string {
	ps := j.books.psams.at(e.rec.TID)
	if !ps.made {
		return UnknownPSAMWord
	}
	if settles {
		return "" // it names the PSAM of the lock, which may stand anywhere
	}
	if ps.number != e.rec.PSAMNumber {
		return PSAMNumberWrong
	}
	at := lockTime(e.rec.Time)
	reason := PSAMElsewhere
	for _, l := range j.books.layouts.at(e.Site) {
		if l.until != 0 && at > l.until+layoutSlack.Milliseconds() {
			continue
		}
		for _, t := range l.layout.Tills {
			if record.TillPort+t.Number == e.fact.Port && t.TID == e.rec.TID {
				return ""
			}
		}
		for _, p := range l.layout.Ports {
			switch {
			case p.Port != e.fact.Port || p.TID != e.rec.TID:
			case p.Nozzle == e.fact.Nozzle && p.NZN == byte(e.rec.NZN):
				return ""
			default:
				reason = NozzleWrong
			}
		}
	}
	return reason
}

func (j *judge) cardMade(asn pboc.ASN) bool {
	s := j.books.cards.at(asn).state
	return s == "made" || s == "issued"
}

// cardOf is for checks that need the card; authentic has seen that it is made.
func (j *judge) cardOf(e *entry) string {
	if !j.cardMade(e.rec.ASN) {
		return UnknownCardWord
	}
	return ""
}

// codes checks TAC or GTAC and PSAM-TAC. The strings hold the values of the lock. Source: card.md 5.3, 12.1.
func (j *judge) codes(e *entry, settles bool) string {
	r := e.rec
	want, reason := j.center.cardCode(j.books, r, e.sale.TTC)
	switch {
	case reason != "":
		return reason
	case !want.Equal(r.TAC) && owes(r):
		return GTACWrong
	case !want.Equal(r.TAC):
		return TACWrongWord
	case settles && r.PSAMTAC == (pboc.MAC{}):
		return "" // collected from the card by another terminal: only the PSAM of the lock could make it
	case unsigned(r):
		return ""
	case !j.center.psamTimed(r):
		return ""
	}
	psam, err := j.center.psamCode(j.books, r, e.sale.TTC)
	switch {
	case err != nil:
		return KeyWrong
	case !psam.Equal(r.PSAMTAC):
		return PSAMTACWrong
	}
	return ""
}

// psamTimed says that a record's time is the one that the PSAM knows, so that its PSAM-TAC can be made again: the time of the
// lock. Where cards are debited with the time of the debit, the record carries that. Source: card.md 12.1 step 16, unlock_clock.
func (c *Core) psamTimed(r fa.Record) bool {
	return owes(r) || c.cfg.Profile.UnlockClock != fuelcard.ClockNow
}

// unsigned says that a sale was billed whose PSAM could not sign any more; its T-MAC, made later, covers the amount. Such a card
// is unlocked by the center alone. Source: card.md 12.2.
func unsigned(r fa.Record) bool {
	return r.Type.Kind() == fa.Escape && r.PSAMTAC == (pboc.MAC{}) && r.GMAC == (pboc.MAC{})
}

// owes says that the card was not debited: its code is the GTAC of the lock.
func owes(r fa.Record) bool {
	return r.Type.Kind() == fa.Escape || r.Type.Kind() == fa.WrongCard
}

// cardCode is the TAC or GTAC that the card must have made for a record.
func (c *Core) cardCode(b *books, r fa.Record, ttc pboc.PSAMTTC) (pboc.MAC, string) {
	data := fuelcard.UnlockTACData(r.Amount, fuelcard.TypeUnlockED, r.TID, c.cfg.Profile.UnlockTTC(ttc), r.Time)
	if owes(r) {
		data = c.cfg.Profile.GTACData(r.Balance, r.CTC, fuelcard.TypeGreyED, r.TID, ttc, r.Time)
	}
	mac, err := c.cfg.Keys.TAC(c.cardKeys(b, r.ASN, r.Version), data)
	if err != nil {
		return pboc.MAC{}, KeyWrong
	}
	return mac, ""
}

// psamCode is the PSAM-TAC that the PSAM of the lock must have made for a record.
func (c *Core) psamCode(b *books, r fa.Record, ttc pboc.PSAMTTC) (pboc.MAC, error) {
	return c.cfg.Keys.PSAMTAC(b.psams.at(r.TID).number,
		fuelcard.UnlockTACData(r.Amount, fuelcard.TypeUnlockED, r.TID, ttc, r.Time))
}

// cardKeys names the keys of a card. version is VER of a record: b3-0 the key version. Source: dispenser.md 3.6.
func (c *Core) cardKeys(b *books, asn pboc.ASN, version byte) vault.Card {
	return vault.Card{ASN: asn, Issuer: b.cards.at(asn).issuer, Alg: c.cfg.Profile.Alg, Version: version & 0x0F}
}
