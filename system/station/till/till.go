// Package till is a card terminal that the station runs itself, for plain dispensers: a reader for the customer's card, a PSAM,
// and the nozzles that it may let run. It sells as a card dispenser does (grey lock, fuel, debit), with the station's journal
// as its log and the 95-byte record as its result.
//
// A Till is a state machine without I/O; what it needs of the station comes in as Deps. Its durable state changes only in
// Apply. One sale is open at a time: a PSAM knows the GMAC of its last lock alone. Source: design.md 5; card.md 12; trust.md 1.1.
package till

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"greylock/system/card"
	"greylock/system/clock"
	"greylock/system/dispenser"
	"greylock/system/link"
	"greylock/system/terminal"
	"greylock/system/wire/fa"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Slots of a till.
const (
	SlotCard = "card"
	SlotPSAM = "psam"
)

// Config is what a till is.
type Config struct {
	Number  int // 1…, as the layout names it
	Realm   record.Realm
	Profile fuelcard.Profile
	Rand    *rand.ChaCha8 // challenges for cards
}

// Nozzle is a nozzle at which a till may sell.
type Nozzle struct {
	Product fa.Product
	Slot    int // of the product in the station's table; -1: not there
	Price   unit.Price
}

// Deps is what a till needs of its station. The functions are called from inside the till's own methods.
type Deps struct {
	// Append wants facts durable as one act; Durable tells when they are.
	Append func(facts ...record.Fact) link.ActID
	// Transmit carries a command to a card; Answer brings the answer, later, with the id.
	Transmit func(id uint64, slot string, command []byte)
	// Nozzle says what a nozzle sells; an error says why it can not be used now.
	Nozzle func(n record.Nozzle) (Nozzle, error)
	// Authorise lets a nozzle deliver for a sale. Sold tells of its end for certain, unless it returns an error.
	Authorise func(n record.Nozzle, preset dispenser.Authorisation, sale record.SaleID) error
	// Stop closes a nozzle's valve.
	Stop func(n record.Nozzle)
	// Grey asks the station, and through it the center, about a grey card; GreyAnswered brings the answer.
	Grey func(ask fa.GreyAsk)
	// Block asks the center for the MAC that blocks a listed card under this challenge of it; BlockAnswered brings the answer.
	Block func(asn pboc.ASN, challenge []byte)
	// Place is where the station stands.
	Place func() terminal.Place
	// Lists are the lists that hold now.
	Lists terminal.Lists
}

// What a visit waits for besides cards and disk.
const (
	askOrder = "order" // nozzle and preset
	askPIN   = "pin"
	askPlate = "plate" // an employee compares the plate
	askPump  = "pump"  // the end of the fill
	askGrey  = "grey"  // the answer about a grey card
	askBlock = "block" // the MAC that blocks a listed card
)

// Stage says to a screen what a till is doing; it is "" when it is idle.
type Stage string

// Text is a line for people.
type Text struct{ Zh, En string }

// View is a till as a screen shows it.
type View struct {
	Till    int
	Card    bool
	ASN     pboc.ASN // zero before it was read
	Balance unit.Fen
	Nozzle  record.Nozzle // of the sale or order
	Waits   string        // "", order, pin, plate, pump, grey, block
	Step    string        // of the sale that is open: BEGIN, FUEL_START, FUEL_END; "" if none is
	Doubt   bool          // the pump's figures contradict each other: two persons confirm the volume
	Prompt  Text
	Receipt []string // of the last sale, until the next card
	PSAM    pboc.TID // of the PSAM as it was read last; zero: not read since it was powered up
	Fault   bool     // the PSAM did not answer
}

// Order is what a customer wants.
type Order struct {
	Nozzle record.Nozzle
	Money  unit.Fen      // 0: no cash preset
	Volume unit.Quantity // 0: no volume preset; both 0: full
	By     string        // who keyed it
}

// Errors of what people ask of a till.
var (
	ErrBusy   = errors.New("收银终端正忙 (the till is busy with a sale)")
	ErrNotNow = errors.New("现在不能这样做 (the till does not wait for this now)")
	ErrOrder  = errors.New("预置不合理 (this preset makes no sense)")
)

// Till is one station-run terminal. It is not safe for concurrent use.
type Till struct {
	cfg  Config
	deps Deps
	book book
	now  clock.Instant

	inSlot, lost, served bool
	talk                 *card.Talk
	visit                bool   // the talk serves the card in the slot
	waits                string // what the talk waits for, if it is no card and no disk
	act                  link.ActID
	id                   uint64
	awaited              string // slot of the outstanding command
	sam                  terminal.SAM
	samFailed            bool
	fault                bool // the PSAM could not be read
	order                *Order
	plan                 plan
	pin                  []byte
	grey                 *fa.GreyAnswer
	block                Permit
	told                 bool                // the answer about a grey or listed card is there
	cleared              [fa.RecordSize]byte // the waiting record whose TACUF is known to be cleared
	pumped               *dispenser.Sale
	due                  clock.Instant // an interrupted sale is billed then
	sealAt               clock.Instant // records without T-MAC are tried then
	again                clock.Instant // the card in the slot is tried then: the PSAM did not answer
	face                 face
}

// face is what people see of the card that is in.
type face struct {
	asn     pboc.ASN
	balance unit.Fen
	prompt  Text
	receipt []string
}

// plan is what the customer asked for, frozen when the sale begins.
type plan struct {
	order  Order
	nozzle Nozzle
	preset dispenser.Authorisation
}

// New returns a till; the journal is replayed into Apply before it is used.
func New(cfg Config, deps Deps) *Till {
	return &Till{cfg: cfg, deps: deps, book: newBook(cfg.Number), due: clock.Never}
}

// Apply takes a durable fact of the station's journal.
func (t *Till) Apply(f record.Fact) { t.book.apply(f) }

// Start is called once after replay: fuel that was flowing is waited for, and a sale whose card did not come back is billed
// after a while.
func (t *Till) Start(now clock.Instant) {
	t.now = now
	t.interrupted()
	t.idle()
}

// interrupted plans the billing of an own sale whose figures are final.
func (t *Till) interrupted() {
	if ev := t.book.last.Evidence; ev.Found && ev.Ended && !ev.Closed && !ev.Billed && !ev.Voided {
		t.due = t.now.Add(cardTime)
	}
}

// Due is when Wake is wanted; Never while something else goes on, whose end looks at what is due.
func (t *Till) Due() clock.Instant {
	if _, _, open := t.Open(); open || t.talk != nil {
		return clock.Never
	}
	at := t.due
	if len(t.book.waiting) > 0 {
		at = min(at, t.sealAt)
	}
	if t.inSlot && !t.served {
		at = min(at, t.again)
	}
	return at
}

// Wake bills an interrupted sale.
func (t *Till) Wake(now clock.Instant) {
	t.now = now
	t.idle()
}

// Inserted says that a card is in the slot, powered.
func (t *Till) Inserted(now clock.Instant) {
	t.now = now
	if t.inSlot {
		return
	}
	t.inSlot, t.served, t.again, t.face = true, false, now, face{}
	t.idle()
}

// Pulled says that the slot is empty.
func (t *Till) Pulled(now clock.Instant) {
	t.now = now
	if !t.inSlot {
		return
	}
	t.inSlot, t.served, t.lost = false, false, true
	t.order = nil
	switch {
	case t.talk == nil || !t.visit:
	case t.awaited == SlotCard:
		t.answered(card.Reply{Err: card.ErrRemoved})
	case t.waits == askOrder || t.waits == askPIN || t.waits == askPlate || t.waits == askBlock:
		t.step(card.Reply{Err: card.ErrRemoved})
	case t.waits == askPump:
		t.deps.Stop(t.plan.order.Nozzle)
	}
	t.idle()
}

// Answer brings the reply to the Transmit of that id. Any other reply is late and ignored.
func (t *Till) Answer(now clock.Instant, id uint64, r card.Reply) {
	t.now = now
	if t.talk == nil || t.awaited == "" || id != t.id {
		return
	}
	t.answered(r)
	t.idle()
}

func (t *Till) answered(r card.Reply) {
	if t.awaited == SlotPSAM && r.Err != nil {
		t.samFailed = true // it is read anew before the next card
	}
	t.awaited = ""
	t.step(r)
}

// Durable says that an act is on the disk.
func (t *Till) Durable(now clock.Instant, act link.ActID) {
	t.now = now
	if t.talk == nil || t.act == 0 || act != t.act {
		return
	}
	t.act = 0
	t.step(card.Reply{})
	t.idle()
}

// Order takes what the customer wants: before the card is in, or when the till waits for it.
func (t *Till) Order(now clock.Instant, o Order) error {
	t.now = now
	if t.talk != nil && t.waits != askOrder {
		return ErrBusy
	}
	if o.Money < 0 || o.Volume < 0 || o.Money > 0 && o.Volume > 0 || o.Money > maxMoney || o.Volume > maxFill {
		return ErrOrder
	}
	n, err := t.deps.Nozzle(o.Nozzle)
	if err != nil {
		return err
	}
	if o.Money > 0 && unit.Affordable(o.Money, n.Price) < 1 {
		return ErrOrder
	}
	t.order = &o
	t.resume(askOrder)
	return nil
}

// Cancel forgets the order and ends the visit of a card that has not been locked.
func (t *Till) Cancel(now clock.Instant) error {
	t.now = now
	t.order = nil
	if t.waits == askOrder || t.waits == askPIN || t.waits == askPlate {
		t.say(Text{"已取消, 请取卡", "cancelled, take your card"})
		t.step(card.Reply{Err: card.ErrRemoved})
		t.idle()
		return nil
	}
	if t.talk != nil {
		return ErrBusy
	}
	return nil
}

// PIN takes the digits that the holder keyed. They are wiped.
func (t *Till) PIN(now clock.Instant, digits []byte) error {
	t.now = now
	if t.waits != askPIN {
		terminal.Wipe(digits)
		return ErrNotNow
	}
	t.pin = digits
	t.resume(askPIN)
	return nil
}

// PlateFits says that an employee has compared the plate with the vehicle.
func (t *Till) PlateFits(now clock.Instant) error {
	t.now = now
	if t.waits != askPlate {
		return ErrNotNow
	}
	t.resume(askPlate)
	return nil
}

// GreyAnswered brings the answer about a grey card; nil when nobody knows.
func (t *Till) GreyAnswered(now clock.Instant, a *fa.GreyAnswer) {
	t.now, t.grey, t.told = now, a, true
	t.resume(askGrey)
}

// Permit is the center's word on a listed card.
type Permit struct {
	Reached  bool // the center has answered
	Declined bool // it does not want this card blocked
	MAC      pboc.MAC
}

// BlockAnswered brings the center's word on the listed card.
func (t *Till) BlockAnswered(now clock.Instant, p Permit) {
	t.now, t.block, t.told = now, p, true
	t.resume(askBlock)
}

// Open is the nozzle at which fuel of a card sale flows or has flowed whose figures are not final.
func (t *Till) Open() (n record.Nozzle, sale record.SaleID, open bool) {
	ev := t.book.last.Evidence
	return record.Nozzle(ev.Nozzle), ev.Sale, ev.Found && ev.Authorised && !ev.Ended && !ev.Closed
}

// Locked is the time at which the card of the till's last sale was locked: that of its record.
func (t *Till) Locked(sale record.SaleID) (at fa.Stamp, known bool) {
	ev := t.book.last.Evidence
	return ev.Stamp, ev.Found && ev.Sale == sale
}

// Sold tells the end of a delivery at the nozzle of Open. Only figures that prove each other settle without a person.
// Source: trust.md rows 30 to 36.
func (t *Till) Sold(now clock.Instant, s dispenser.Sale) {
	t.now = now
	if _, _, open := t.Open(); !open || t.pumped != nil {
		return
	}
	if s.Verdict != dispenser.Agreed || !proves(s) {
		t.doubt()
		return
	}
	t.pump(s)
}

// proves says that amount, volume and price belong together, but for a cash preset that differs by less than one pulse.
func proves(s dispenser.Sale) bool {
	want, err := unit.Amount(s.Volume, s.Price)
	diff := s.Amount - want
	return err == nil && s.Volume >= 0 && s.Amount >= 0 && s.Amount <= maxMoney && max(diff, -diff)*100 <= unit.Fen(s.Price)
}

func (t *Till) doubt() {
	t.book.doubt = true
	t.say(Text{"加油机数据有疑问, 须两人核对泵码后确认油量", "the dispenser's figures contradict each other: two persons compare the totals and confirm the volume"})
	n, sale, _ := t.Open()
	t.deps.Append(record.Alarm{TimeMs: t.now.Milli(), Kind: "till-figures", Subject: fmt.Sprintf("till %d nozzle %d", t.cfg.Number, n),
		Zh: "卡机联动外的油卡交易 " + sale.String() + " 数据有疑问: 请两人核对泵码, 用 station till confirm 确认油量",
		En: "figures of card sale " + sale.String() + " contradict each other: two persons compare the totals and confirm the volume"})
}

// Confirm ends a delivery whose figures are in doubt: two persons have read the volume off the totals, which stand at m.
func (t *Till) Confirm(now clock.Instant, volume unit.Quantity, m dispenser.Meter, by [2]string) error {
	t.now = now
	_, _, open := t.Open()
	switch {
	case !open || t.pumped != nil:
		return ErrNotNow
	case volume < 0 || volume > maxFill:
		return ErrOrder
	}
	amount, err := unit.Amount(volume, t.book.last.Evidence.Price)
	if err != nil {
		return ErrOrder
	}
	t.book.by = by[0] + "," + by[1]
	t.pump(dispenser.Sale{Verdict: dispenser.Agreed, Volume: volume, Amount: amount, Price: t.book.last.Evidence.Price, Meter: m})
	return nil
}

func (t *Till) pump(s dispenser.Sale) {
	t.pumped = &s
	t.resume(askPump)
	t.idle()
}

// resume goes on with a visit that waits for this.
func (t *Till) resume(waits string) {
	if t.talk == nil || t.waits != waits {
		return
	}
	t.step(card.Reply{})
	t.idle()
}

// View is the till for a screen.
func (t *Till) View() View {
	v := View{Till: t.cfg.Number, Card: t.inSlot, ASN: t.face.asn, Balance: t.face.balance, Waits: t.waits, Prompt: t.face.prompt,
		Receipt: t.face.receipt, Doubt: t.book.doubt, PSAM: t.sam.TID, Fault: t.fault}
	if t.order != nil {
		v.Nozzle = t.order.Nozzle
	}
	if ev := t.book.last.Evidence; ev.Found && !ev.Closed && !ev.Billed {
		v.Nozzle, v.Step = record.Nozzle(ev.Nozzle), t.book.step
	}
	return v
}

// name is the till in the words of facts.
func (t *Till) name() string { return fmt.Sprintf("till %d", t.cfg.Number) }

func (t *Till) say(x Text) { t.face.prompt = x }

// start runs sequential code from its beginning.
func (t *Till) start(visit bool, run func(v *visitor)) {
	t.visit, t.lost = visit, false
	t.talk = card.NewTalk(func(k *card.Talk) { run(t.visitor(k)) })
	t.step(card.Reply{})
}

// step resumes the talk and serves what it waits for, until it waits for something outside.
func (t *Till) step(r card.Reply) {
	t.waits = ""
	for {
		wants, more := t.talk.Next(r)
		if !more {
			t.talk, t.plan = nil, plan{}
			t.interrupted() // if this visit did not see to it
			if t.samFailed {
				t.sam, t.samFailed = terminal.SAM{}, false
			}
			return
		}
		r = card.Reply{}
		switch w := wants.(type) {
		case card.Transmit:
			if w.Slot == SlotCard && (t.lost || !t.inSlot) {
				r.Err = card.ErrAbsent
				continue
			}
			t.id++
			t.awaited = w.Slot
			t.deps.Transmit(t.id, w.Slot, w.Command)
			return
		case card.Append:
			t.act = t.deps.Append(w.Facts...)
			return
		case card.Ask:
			if t.holds(w.Path, &r) {
				return
			}
		default:
			r.Err = errStep
		}
	}
}

var errStep = errors.New("till: a visit waits for cards one by one")

// holds prepares a wait; false if its answer is there already.
func (t *Till) holds(waits string, r *card.Reply) bool {
	gone := t.visit && (t.lost || !t.inSlot)
	switch waits {
	case askPump:
		if gone && t.pumped == nil {
			n, _, _ := t.Open()
			t.deps.Stop(n)
		}
		if t.pumped != nil {
			return false
		}
	case askGrey:
		if t.told { // from the station's own records, at once
			return false
		}
	case askOrder, askBlock:
		if (waits == askOrder && t.order != nil || waits == askBlock && t.told) && !gone {
			return false
		}
		fallthrough
	default:
		if gone {
			r.Err = card.ErrRemoved
			return false
		}
	}
	t.waits = waits
	return true
}

// idle starts what is due when nothing else runs: the visit of a card that was inserted, the end of a delivery that nobody
// waits for, records that want their T-MAC, an interrupted sale whose card did not come.
func (t *Till) idle() {
	if t.talk != nil {
		return
	}
	_, _, open := t.Open()
	switch {
	case open && t.pumped != nil:
		t.start(false, (*visitor).counted)
	case open: // fuel flows: the next card waits
	case t.inSlot && !t.served && t.now >= t.again:
		t.served, t.due = true, clock.Never
		t.start(true, (*visitor).serve)
	case t.now >= t.due:
		t.due = clock.Never
		t.start(false, (*visitor).bill)
	case len(t.book.waiting) > 0 && t.now >= t.sealAt:
		t.sealAt = t.now.Add(sealAgain)
		t.start(false, (*visitor).sealAll)
	}
}
