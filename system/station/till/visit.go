package till

import (
	"errors"
	"fmt"
	"time"

	"greylock/system/card"
	"greylock/system/clock"
	"greylock/system/dispenser"
	"greylock/system/terminal"
	"greylock/system/wire/fa"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/samcard"
	"greylock/system/wire/unit"
)

// sealAgain is how long a till waits before it asks a PSAM that failed for T-MACs again.
const sealAgain = 30 * time.Second

// readAgain is how long a card waits for a PSAM that does not answer: both may have been plugged in in this moment.
const readAgain = 2 * time.Second

// maxMatters bounds what can be open on one card: an own sale, another's, and the TAC unread after it.
const maxMatters = 4

// visitor is one card's stay in the slot, as sequential code.
type visitor struct {
	t    *Till
	k    *card.Talk
	term *terminal.Terminal
	id   terminal.Identity
}

func (t *Till) visitor(k *card.Talk) *visitor {
	return &visitor{t: t, k: k, term: &terminal.Terminal{
		Brief: true, Card: k.Slot(SlotCard), PSAM: samDoor{t, k}, Profile: t.cfg.Profile, Clock: func() clock.Instant { return t.now },
		Rand: t.cfg.Rand, Log: log{t, k}, SAM: t.sam,
	}}
}

// log is the terminal's log over the station's journal.
type log struct {
	t *Till
	k *card.Talk
}

// High implements terminal.Log.
func (l log) High(tid pboc.TID) (pboc.PSAMTTC, bool) {
	p := l.t.book.psams[tid]
	if p == nil || p.tries > 0 {
		return 0, false
	}
	return p.high, true
}

// Append implements terminal.Log. An entry and the record that belongs to it are one act.
func (l log) Append(e terminal.Entry) error {
	switch e.Kind {
	case terminal.Cancel, terminal.Suspect, terminal.Hold:
		if l.reports(e) {
			raw := l.t.cancelled(e).Bytes()
			e.Record = raw[:]
		}
	}
	return l.k.Append(l.t.fact(e))
}

// reports says that an entry leaves a T-TYPE 9 record. A wrong MAC after fuel does not: its sale is billed. A lock that did not
// happen does not burn its number in a PSAM that stores its counter at the certificate. Source: card.md 8.1, psam_ttc_at.
func (l log) reports(e terminal.Entry) bool {
	if ev := l.t.book.last.Evidence; e.Kind == terminal.Suspect && ev.Sale == e.Sale && ev.Authorised {
		return false
	}
	return e.Reason != terminal.NotLocked || l.t.cfg.Profile.PSAMTTCAt != fuelcard.TTCAtCertificate
}

// samDoor notes in the journal that a TTC is about to be taken from a PSAM that this till has never sold with: if the power
// fails before BEGIN, that TTC is known to be burned. Source: trust.md 1.1, M6.
type samDoor struct {
	t *Till
	k *card.Talk
}

func (d samDoor) Transmit(command []byte) ([]byte, error) {
	const cla, ins = 0xE0, 0x40 // INIT_SAM_GREY_LOCK. Source: card.md 8.1
	tid := d.t.sam.TID
	_, known := log{t: d.t}.High(tid)
	first := len(command) > 1 && command[0] == cla && command[1] == ins && !known
	if first {
		step := record.TillStep{TimeMs: d.t.now.Milli(), Till: d.t.cfg.Number, Step: attempt, Sale: record.SaleID{TID: tid}}
		if err := d.k.Append(step); err != nil {
			return nil, err
		}
	}
	answer, err := d.k.Slot(SlotPSAM).Transmit(command)
	if first && err == nil && len(answer) > 2 {
		if a, err := samcard.ParseInitGreyLockAnswer(answer[:len(answer)-2]); err == nil {
			d.t.book.psam(tid).learn(a.TTC)
		}
	}
	return answer, err
}

// serve is the whole visit. Source: card.md 12.1; design.md 5.
func (v *visitor) serve() {
	if !v.readPSAM() {
		v.t.served, v.t.again = false, v.t.now.Add(readAgain)
		return
	}
	if !v.identify() {
		return
	}
	if v.id.Hidden && v.id.Refused == nil && !v.pin() || !v.recover() {
		return
	}
	if v.id.Refused != nil {
		v.refuse(v.id.Refused)
		return
	}
	if !v.pin() || !v.lists() || !v.ordered() || !v.limits() {
		return
	}
	v.sell()
}

// readPSAM reads the PSAM after each power-up.
func (v *visitor) readPSAM() bool {
	if v.term.SAM != (terminal.SAM{}) {
		return true
	}
	sam, err := v.term.ReadPSAM()
	if v.t.fault = err != nil; v.t.fault {
		v.t.say(Text{"PSAM 不可用, 请检查终端读卡器并报修", "PSAM not usable: check the till's reader, call service"})
		return false
	}
	v.t.sam = sam
	return true
}

// identify reads the card and proves that it is ours, before anything that costs money.
func (v *visitor) identify() bool {
	t := v.t
	t.say(Text{"读卡中…", "reading card…"})
	id, err := v.term.Identify()
	v.id = id
	t.face.asn, t.face.balance = id.ASN, id.Balance
	if err != nil {
		return v.failed("读卡失败", "card can not be read")
	}
	if !v.settleBlock() {
		return false
	}
	if id.ASN == (pboc.ASN{}) {
		v.refuse(id.Refused)
		return false
	}
	if r := t.cfg.Realm; !r.OwnsIssuer(id.Public.Issuer) || !r.OwnsTID(v.term.SAM.TID) {
		v.refuse(&terminal.Refusal{Code: terminal.ReasonInvalid, Zh: "教学卡与正式卡不能混用", En: "training and live cards do not mix"})
		return false
	}
	switch err := v.term.Authenticate(id, nil); {
	case errors.Is(err, terminal.ErrForeign):
		v.refuse(&terminal.Refusal{Code: terminal.ReasonInvalid, Zh: "非本系统的卡", En: "not a card of this system"})
		return false
	case err != nil:
		return v.failed("卡认证失败", "card not authenticated")
	}
	return true
}

// pin asks for the holder's PIN when the card says so, and shows the default PIN silently otherwise.
func (v *visitor) pin() bool {
	if v.term.Verified() {
		return true
	}
	if !v.id.UserPIN() {
		return v.verified(v.term.VerifyPIN(v.t.cfg.Profile.DefaultPIN))
	}
	v.t.say(Text{"请输入密码", "enter the PIN"})
	for {
		if _, err := v.k.Ask(askPIN, nil); err != nil {
			return false
		}
		pin, err := terminal.KeyedPIN(v.t.pin)
		terminal.Wipe(v.t.pin)
		v.t.pin = nil
		if err == nil {
			err = v.term.VerifyPIN(pin)
			terminal.Wipe(pin)
		}
		var wrong *terminal.PINError
		if !errors.As(err, &wrong) || wrong.Blocked {
			return v.verified(err)
		}
		v.t.say(Text{fmt.Sprintf("密码错误, 还可试 %d 次", wrong.Left), fmt.Sprintf("wrong PIN, %d tries left", wrong.Left)})
	}
}

func (v *visitor) verified(err error) bool {
	var wrong *terminal.PINError
	if errors.As(err, &wrong) {
		v.refuse(&terminal.Refusal{Zh: "密码已锁, 请到发卡网点解锁", En: "PIN blocked: unblock it at an outlet"})
		return false
	}
	if err != nil {
		return v.failed("密码校验失败", "PIN not verified")
	}
	if err := v.term.Reveal(&v.id); err != nil {
		return v.failed("读卡失败", "card can not be read")
	}
	v.t.face.balance = v.id.Balance
	return true
}

// lists refuses a listed card, and locks a black one as the profile says. Source: card.md 17.1, blacklist_lock.
func (v *visitor) lists() bool {
	t := v.t
	listing, refused := terminal.CheckLists(v.id.ASN, t.deps.Lists, t.cfg.Profile.WhiteListRule)
	switch {
	case refused != nil && refused.Code == terminal.ReasonBlack:
		v.black(refused)
		return false
	case refused != nil:
		v.refuse(refused)
		return false
	case !listing.Known:
		v.refuse(&terminal.Refusal{Zh: "名单无法核对", En: "lists can not be checked"})
		return false
	}
	return true
}

// ordered waits for nozzle and preset.
func (v *visitor) ordered() bool {
	t := v.t
	t.say(Text{"请选择油枪和金额、升数或加满", "choose nozzle and amount, litres or full"})
	if _, err := v.k.Ask(askOrder, nil); err != nil {
		return false
	}
	t.plan.order, t.order = *t.order, nil
	n, err := t.deps.Nozzle(t.plan.order.Nozzle)
	if err != nil {
		t.say(Text{fmt.Sprintf("%d 号枪现在不能加油, 请换枪", t.plan.order.Nozzle), err.Error()})
		return false
	}
	t.plan.nozzle = n
	return true
}

// limits applies the card's limits to this place, product and day, and makes the preset.
func (v *visitor) limits() bool {
	t := v.t
	var history []fuelcard.LogRecord
	if v.id.Daily() {
		var err error
		if history, err = v.term.Today(); err != nil {
			return v.failed("读卡失败", "card can not be read")
		}
	}
	place := t.deps.Place()
	place.Slot, place.Product = t.plan.nozzle.Slot, t.plan.nozzle.Product
	allow, refused := v.term.Allow(v.id, history, place)
	if refused != nil {
		v.refuse(refused)
		return false
	}
	preset, ok := t.plan.limit(allow)
	if !ok {
		v.refuse(&terminal.Refusal{Zh: "余额或限额不足, 最多 " + allow.Amount.String() + " 元", En: "more than the card may take: at most " + allow.Amount.String()})
		return false
	}
	t.plan.preset = preset
	if len(allow.Plate) == 0 {
		return true
	}
	t.say(Text{"请员工核对车牌后确认", "staff: compare the plate, then confirm"})
	_, err := v.k.Ask(askPlate, nil)
	return err == nil
}

// limit turns wish and allowance into what the nozzle may deliver: the least of preset, balance and limits. Only money
// that the customer has named goes to the board as money, for its register then shows that: who asks for all that his balance
// pays for pays for what he gets (design.md 9.7). False: the wish is more than the card may take.
func (p plan) limit(allow terminal.Allowance) (dispenser.Authorisation, bool) {
	money, volume := min(allow.Amount, maxMoney), maxFill
	if allow.Quantity > 0 {
		volume = min(volume, allow.Quantity)
	}
	if p.order.Money > money || p.order.Volume > volume {
		return dispenser.Authorisation{}, false
	}
	if p.order.Money > 0 {
		money = p.order.Money
	}
	if p.order.Volume > 0 {
		volume = p.order.Volume
	}
	affordable := unit.Affordable(money, p.nozzle.Price)
	switch {
	case affordable < 1 || p.order.Volume > 0 && affordable < volume:
		return dispenser.Authorisation{}, false
	case p.order.Money > 0 && affordable <= volume:
		return dispenser.Authorisation{Money: money}, true
	}
	return dispenser.Authorisation{Volume: min(affordable, volume)}, true
}

// failed ends a visit on an error: the card has left, or a card or the PSAM does not answer as it should.
func (v *visitor) failed(zh, en string) bool {
	if !v.t.lost {
		v.t.say(Text{zh + ", 请重新插卡", en + ", insert it again"})
	}
	return false
}

// refuse tells the customer why, and leaves a T-TYPE 9 record where the reason has a code.
func (v *visitor) refuse(r *terminal.Refusal) {
	t := v.t
	t.say(Text{r.Zh, r.En})
	if r.Code == 0 {
		return
	}
	rec := t.blank(fa.CardErrorEvent)
	rec.ASN, rec.Balance, rec.TAC = v.id.ASN, v.id.Balance, reason(r.Code)
	raw := rec.Bytes()
	_ = v.k.Append(record.TillStep{TimeMs: t.now.Milli(), Till: t.cfg.Number, Step: "REFUSED", ASN: v.id.ASN, Record: raw[:], Reason: r.En})
}

// reason is the error code of a T-TYPE 9 record: class 00, the reason in the last two bytes. Source: dispenser.md 3.11.
func reason(code uint16) pboc.MAC { return pboc.MAC{0, 0, byte(code >> 8), byte(code)} }
