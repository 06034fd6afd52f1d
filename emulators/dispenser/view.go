package dispenser

import (
	"greylock/system/wire/fa"
	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// State is the word that people read on a nozzle. Source: ux.md ST-02.
type State string

// The nine words, with English beside them in Words.
const (
	StateIdle       State = "空闲"
	StateLifted     State = "提枪"
	StateAuthorised State = "已授权"
	StateFuelling   State = "加油中"
	StateSettling   State = "待扣款"
	StateGrey       State = "灰卡"
	StateLocked     State = "锁定"
	StateOffline    State = "离线"
	StateFault      State = "故障"
)

// English is the state word beside the Chinese one.
func (s State) English() string {
	switch s {
	case StateIdle:
		return "idle"
	case StateLifted:
		return "lifted"
	case StateAuthorised:
		return "authorised"
	case StateFuelling:
		return "fuelling"
	case StateSettling:
		return "settling"
	case StateGrey:
		return "grey card"
	case StateLocked:
		return "locked"
	case StateOffline:
		return "offline"
	case StateFault:
		return "fault"
	}
	return "?"
}

// Text is a sentence for people, Chinese first.
type Text struct{ Zh, En string }

// View is everything that a page or a receipt shows of a board. It holds no secret: the PIN is a number of stars, the card
// number is masked.
type View struct {
	State        State
	AmountLine   string // 6 digits: 8888.88 in the self-test, blank, or yuan
	QuantityLine string // litres
	PriceLine    string // yuan per litre
	Amount       unit.Fen
	Quantity     unit.Quantity
	Price        unit.Price
	Product      string // four digits of the product code

	Card      bool   // a card is in the slot
	CardLine  string // masked number, empty until read
	Balance   unit.Fen
	Read      bool // number and balance have been read
	PINStars  int
	Preset    string // what the customer keyed: 200.00 元, 30.00 升, 加满
	Prompt    Text
	Fault     Text
	Stage     string // the step of the sale, as in EventStage
	Receipt   []string
	NozzleUp  bool
	BigValve  bool
	SmallOpen bool
	Total     unit.Totalizer
	Stray     unit.Quantity // on the totalizer, but of no fill of this life of the board: for checkers, no register of the board
	Cash      unit.Fen      // cash totalizer: all that was sold here
	Unsent    int           // records that the station has not acknowledged
	Disputed  int           // records that the station called wrong; kept and offered again every hour
	Online    bool
	Confirmed bool // the station has given this board its station info
	POSP      byte // address on the line, FF until confirmed
	NZN       byte
}

// face is what the board shows besides the figures.
type face struct {
	card    bool
	read    bool // number and balance are known
	asn     pboc.ASN
	balance unit.Fen
	status  fa.CardSt
	prompt  Text
	fault   Text
	locked  bool // until a person comes
	broken  bool // the PSAM does not answer
	stage   string
	receipt []string
}

// leave forgets the card that was pulled.
func (f *face) leave() {
	f.card, f.read, f.asn, f.balance, f.status = false, false, pboc.ASN{}, 0, fa.CardNormal
	f.prompt = Text{"请插卡", "insert card"}
}

// State is the word for this moment; what needs a person comes first.
func (b *Board) State() State {
	_, open := b.nozzle()
	selling := b.sess.talk != nil && b.sess.visit
	switch {
	case !b.on || b.dead || b.face.broken:
		return StateFault
	case b.locked():
		return StateLocked
	case b.fill.phase == fillRunning:
		return StateFuelling
	case b.fill.phase == fillClosing, selling && b.face.stage == "fuel-end":
		return StateSettling
	case b.fill.phase == fillArmed, selling && (b.face.stage == "begin" || b.face.stage == "ready"):
		return StateAuthorised
	case b.face.read && b.face.status == fa.CardGrey:
		return StateGrey
	case b.hook.up:
		return StateLifted
	case !open:
		return StateLocked
	case !b.link.online:
		return StateOffline
	}
	return StateIdle
}

// View returns what there is to see.
func (b *Board) View() View {
	f, s := &b.fill, &b.mem.state
	v := View{State: b.State(), Amount: f.amount, Quantity: f.volume, Price: s.Now.Price, Product: s.Now.Product.String(),
		Card: b.face.card, Preset: b.pad.preset, Prompt: b.face.prompt, Fault: b.face.fault, Stage: b.face.stage,
		Receipt: b.face.receipt, NozzleUp: b.hook.up, BigValve: b.pump.big, SmallOpen: b.pump.small, Total: b.mem.total, Stray: b.stray, Cash: s.Cash,
		Unsent: b.mem.unsent(), Disputed: len(b.mem.disputed), Online: b.link.online, Confirmed: s.Confirmed, POSP: b.posp(), NZN: byte(b.nzn())}
	if f.phase != fillNone {
		v.Price, v.Product = f.price, f.product.String()
	}
	if b.face.read {
		v.Read, v.CardLine, v.Balance = true, b.face.asn.String(), b.face.balance
	}
	if b.pad.mode == padPIN {
		v.PINStars = len(b.pad.digits)
	}
	v.AmountLine, v.QuantityLine, v.PriceLine = v.Amount.String(), v.Quantity.String(), v.Price.String()
	switch h := &b.hook; {
	case !h.up || b.now >= h.tested:
	case b.now < h.steps[0]:
		v.AmountLine, v.QuantityLine, v.PriceLine = "8888.88", "8888.88", "88.88"
	case b.now < h.steps[1]:
		v.AmountLine, v.QuantityLine, v.PriceLine = "", "", ""
	}
	return v
}
