package dispenser

import (
	"errors"
	"fmt"

	"greylock/system/card"
	"greylock/system/clock"
	"greylock/system/terminal"
	"greylock/system/wire/fa"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/samcard"
	"greylock/system/wire/unit"
)

// visit is one card's stay in the slot, as sequential code inside a Talk.
type visit struct {
	b     *Board
	t     *card.Talk
	term  *terminal.Terminal
	id    terminal.Identity
	local bool // the decision about lists came from the local ones
}

// maxMatters bounds what can be open on one card: an own sale, another's, and the TAC unread after it.
const maxMatters = 4

func (b *Board) newVisit(t *card.Talk) *visit {
	both := func(user, psam []byte) (ofUser, ofPSAM card.Reply) {
		return t.Both(card.Transmit{Slot: SlotCard, Command: user}, card.Transmit{Slot: SlotPSAM, Command: psam})
	}
	return &visit{b: b, t: t, term: &terminal.Terminal{Brief: true, Card: t.Slot(SlotCard), PSAM: samDoor{b, t.Slot(SlotPSAM)}, Both: both,
		Profile: b.cfg.Profile, Clock: func() clock.Instant { return b.now.Add(b.link.offset) }, Rand: b.sess.rand,
		Log: boardLog{b}, SAM: b.sess.sam}}
}

// samDoor notes in NV that a TTC is about to be taken from a PSAM that this board has never sold with: if the power fails
// before BEGIN, that TTC is known to be burned. Source: trust.md 1.1, M6.
type samDoor struct {
	b    *Board
	psam card.Transport
}

func (d samDoor) Transmit(command []byte) ([]byte, error) {
	const cla, ins = 0xE0, 0x40 // INIT_SAM_GREY_LOCK. Source: card.md 8.1
	tid := d.b.sess.sam.TID
	first := len(command) > 1 && command[0] == cla && command[1] == ins && d.b.mem.unsure(tid)
	if first {
		d.b.mem.state.attempt(tid)
		if err := d.b.mem.commit(); err != nil {
			d.b.kill(err)
			return nil, err
		}
	}
	answer, err := d.psam.Transmit(command)
	if first && err == nil && len(answer) > 2 {
		if a, err := samcard.ParseInitGreyLockAnswer(answer[:len(answer)-2]); err == nil {
			d.b.mem.state.sure(tid, a.TTC)
		}
	}
	return answer, err
}

// serve is the whole visit. Source: card.md 12.1; design.md 5.
func (b *Board) serve(t *card.Talk) {
	v := b.newVisit(t)
	if !v.sam() || !v.identify() {
		return
	}
	if v.id.ASN.CardType() != fuelcard.CardUser {
		v.staff()
		return
	}
	if v.id.Hidden && v.id.Refused == nil && !v.pin() || !v.recover() {
		return
	}
	if v.id.Refused != nil {
		v.refuse(v.id.Refused, "card")
		return
	}
	if !v.pin() || !v.limits() || !v.lists() || !v.ready() {
		return
	}
	v.sell()
}

// sam reads the PSAM after each power-up.
func (v *visit) sam() bool {
	if v.term.SAM != (terminal.SAM{}) {
		return true
	}
	sam, err := v.term.ReadPSAM()
	if err != nil {
		v.b.face.broken = true
		v.b.fault("E05 PSAM", "PSAM 不可用, 请报修", "PSAM not usable: call service")
		return false
	}
	v.b.sess.sam, v.b.face.broken = sam, false
	return true
}

// identify reads the card and proves that it is ours, before anything that costs money.
func (v *visit) identify() bool {
	f := &v.b.face
	f.prompt = Text{"读卡中…", "reading card…"}
	id, err := v.term.Identify()
	v.id = id
	if id.ASN != (pboc.ASN{}) {
		f.read, f.asn, f.balance, f.status = true, id.ASN, id.Balance, cardStatus(id)
	}
	v.b.changed()
	if err != nil {
		return v.failed("读卡失败", "card can not be read", err)
	}
	if id.ASN == (pboc.ASN{}) {
		v.refuse(id.Refused, "unknown")
		return false
	}
	if realm := record.Training; realm.OwnsIssuer(id.Public.Issuer) != realm.OwnsTID(v.term.SAM.TID) {
		f.status = fa.CardUnknown
		v.refuse(&terminal.Refusal{Code: terminal.ReasonInvalid, Zh: "教学卡与正式卡不能混用", En: "training and live cards do not mix"}, "realm")
		return false
	}
	switch err := v.term.Authenticate(id, nil); {
	case errors.Is(err, terminal.ErrForeign):
		f.status = fa.CardUnknown
		v.refuse(&terminal.Refusal{Code: terminal.ReasonInvalid, Zh: "非本系统的卡", En: "not a card of this system"}, "foreign")
		return false
	case err != nil:
		return v.failed("卡认证失败", "card not authenticated", err)
	}
	return true
}

func cardStatus(id terminal.Identity) fa.CardSt {
	switch {
	case id.Proof.State == fuelcard.Grey:
		return fa.CardGrey
	case id.Refused != nil:
		return fa.CardExpired
	case id.UserPIN():
		return fa.CardPINWanted
	}
	return fa.CardNormal
}

// pin asks for the holder's PIN when the card says so, and shows the default PIN silently otherwise; once in a visit, unless
// the application had to be selected anew.
func (v *visit) pin() bool {
	f := &v.b.face
	if v.term.Verified() {
		return true
	}
	if !v.id.UserPIN() {
		return v.verified(v.term.VerifyPIN(v.b.cfg.Profile.DefaultPIN))
	}
	f.prompt = Text{"请输入密码, 按确认", "enter PIN, then OK"}
	for {
		v.b.pad.begin(padPIN)
		digits, err := v.t.Ask(askPIN, nil)
		v.b.pad.end()
		if err != nil {
			return false
		}
		pin, err := terminal.KeyedPIN(digits)
		terminal.Wipe(digits)
		if err == nil {
			err = v.term.VerifyPIN(pin)
			terminal.Wipe(pin)
		}
		var wrong *terminal.PINError
		if !errors.As(err, &wrong) || wrong.Blocked {
			return v.verified(err)
		}
		f.prompt = Text{fmt.Sprintf("密码错误, 还可试 %d 次", wrong.Left), fmt.Sprintf("wrong PIN, %d tries left", wrong.Left)}
		v.b.event(Event{Kind: EventRefused, Word: "pin", Zh: f.prompt.Zh, En: f.prompt.En})
	}
}

func (v *visit) verified(err error) bool {
	var wrong *terminal.PINError
	if errors.As(err, &wrong) {
		v.b.face.status = fa.CardPINBlocked
		v.refuse(&terminal.Refusal{Zh: "密码已锁, 请到发卡网点解锁", En: "PIN blocked: unblock it at an outlet"}, "pin-blocked")
		return false
	}
	if err != nil {
		return v.failed("密码校验失败", "PIN not verified", err)
	}
	if err := v.term.Reveal(&v.id); err != nil {
		return v.failed("读卡失败", "card can not be read", err)
	}
	v.b.face.balance = v.id.Balance
	if v.b.face.status == fa.CardPINWanted {
		v.b.face.status = fa.CardNormal
	}
	return true
}

// limits applies the card's limits to this place and day.
func (v *visit) limits() bool {
	b := v.b
	var history []fuelcard.LogRecord
	if v.id.Daily() {
		var err error
		if history, err = v.term.Today(); err != nil {
			return v.failed("读卡失败", "card can not be read", err)
		}
	}
	s := b.mem.state
	b.reprice()
	place := terminal.Place{Province: s.Station.Province, City: s.Station.City, Superior: s.Station.Superior,
		Station: s.Station.Station, Slot: productSlot(b.cfg.Products, s.Now.Product), Product: s.Now.Product}
	allow, refused := v.term.Allow(v.id, history, place)
	if refused != nil {
		b.face.status = fa.CardNotHere
		word := "limit"
		if refused.Code == 0 {
			b.face.status, word = fa.CardPoor, "balance"
		}
		v.refuse(refused, word)
		return false
	}
	if s.Now.Set && unit.Affordable(allow.Amount, s.Now.Price) < 1 {
		b.face.status = fa.CardPoor
		v.refuse(&terminal.Refusal{Zh: "余额不足", En: "balance too low"}, "balance")
		return false
	}
	if !v.vessel() {
		return false
	}
	b.sess.allow = allow
	if len(allow.Plate) == 0 {
		return true
	}
	b.face.prompt = Text{"请员工核对车牌后按确认", "staff: compare the plate, then OK"}
	_, err := v.t.Ask(askPlate, nil)
	return err == nil
}

// vessel looks, before gas is sold, whether the card vouches for a vessel that may be filled today. Source: features.md T8.
func (v *visit) vessel() bool {
	if !v.b.cfg.Unit.Gas() {
		return true
	}
	x, err := v.term.Vessel()
	if err != nil {
		return v.failed("读卡失败", "card can not be read", err)
	}
	if r := v.term.MayFill(x); r != nil {
		v.b.face.status = fa.CardNotHere
		v.refuse(r, "vessel")
		return false
	}
	return true
}

func productSlot(products []fa.Product, p fa.Product) int {
	for i, known := range products {
		if known == p {
			return i
		}
	}
	return -1
}

// lists refuses a listed card, and locks it where the profile says so: the FA line carries no APPLICATION BLOCK, so by a grey
// hold or not at all. Source: card.md 17.1, blacklist_lock.
func (v *visit) lists() bool {
	listing, refused := terminal.CheckLists(v.id.ASN, boardLists{v}, v.b.cfg.Profile.WhiteListRule)
	switch {
	case refused != nil:
		v.b.face.status = fa.CardListed
		if refused.Code == terminal.ReasonBlack && v.b.cfg.Profile.BlacklistLock == fuelcard.LockBlockOrHold && v.hold() {
			return false
		}
		v.refuse(refused, "listed")
		return false
	case !listing.Known:
		v.b.face.status = fa.CardListed
		v.refuse(&terminal.Refusal{Zh: "名单无法核对, 须联机", En: "lists can not be checked off line"}, "lists")
		return false
	}
	return true
}

// hold locks a listed card; nothing is ever authorised under this lock. The T-TYPE 9 record names card, TTC and reason.
func (v *visit) hold() bool {
	b := v.b
	v.close()
	l, err := v.term.Lock(v.id, byte(b.nzn()))
	if err != nil {
		return false
	}
	e := l.Entry(terminal.Hold)
	e.Reason = "black"
	if _, err := v.term.Note(e); err != nil {
		return false
	}
	b.face.status = fa.CardGrey
	b.say("listed", Text{"黑名单卡, 已锁卡", "blacklisted card: locked"})
	v.seal()
	return true
}

// ready waits until the customer lifts the nozzle, or chooses when it is up.
func (v *visit) ready() bool {
	b := v.b
	if why, ok := b.closed(); ok {
		b.say("closed", why)
		return false
	}
	b.face.prompt = Text{"请选择金额、升数或加满, 然后提枪", "choose amount, litres or full, then lift the nozzle"}
	b.pad.begin(padPreset)
	b.face.stage = "ready"
	_, err := v.t.Ask(askGo, nil)
	b.pad.end()
	if err != nil {
		return false
	}
	if why, ok := b.closed(); ok {
		b.say("closed", why)
		return false
	}
	b.sess.plan = b.planned(b.sess.allow)
	return true
}

// failed ends a visit on an error: the card has left, or a card or the PSAM does not answer as it should.
func (v *visit) failed(zh, en string, err error) bool {
	if v.b.sess.lost || v.b.dead {
		return false
	}
	v.b.say("failed", Text{zh + ", 请重新插卡", en + ", insert it again"})
	return false
}

// refuse tells the customer why, and leaves a T-TYPE 9 record where the reason has a code.
func (v *visit) refuse(r *terminal.Refusal, word string) {
	b := v.b
	b.say(word, Text{r.Zh, r.En})
	if r.Code == 0 {
		return
	}
	rec := b.blank(fa.CardErrorEvent)
	rec.ASN, rec.Balance, rec.TAC = v.id.ASN, v.id.Balance, reason(r.Code)
	if v.local {
		rec.Type |= fa.TypeLocal
	}
	b.mem.await(rec)
	if !b.kill(b.mem.commit()) {
		v.seal()
	}
}

// reason is the error code of a T-TYPE 9 record: class 00, the reason in the last two bytes. Source: dispenser.md 3.11.
func reason(code uint16) pboc.MAC { return pboc.MAC{0, 0, byte(code >> 8), byte(code)} }

// say shows a refusal.
func (b *Board) say(word string, t Text) {
	b.face.prompt = t
	b.event(Event{Kind: EventRefused, Word: word, Zh: t.Zh, En: t.En})
	b.event(Event{Kind: EventBeep})
	b.changed()
}

// closed says why nothing can be sold here now.
func (b *Board) closed() (Text, bool) {
	_, open := b.nozzle()
	switch {
	case b.locked():
		return Text{"本枪已锁机", "this pump is locked"}, true
	case !b.mem.state.Confirmed:
		return Text{"本机未配置", "this board is not configured"}, true
	case !open:
		return Text{"本枪停用", "this nozzle is closed"}, true
	case !b.mem.state.Now.Set:
		return Text{"本枪无油价", "no price for this nozzle"}, true
	case b.mem.room() < reserve:
		return Text{"记录已满, 请先上传", "log full: records must be uploaded first"}, true
	}
	return Text{}, false
}

// reserve is what one sale can leave behind: a cancelled TTC or two, its own record, a price receipt.
const reserve = 2 * maxPending
