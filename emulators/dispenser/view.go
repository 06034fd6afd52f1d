package dispenser

import (
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
	Unsent    int // records that the station has not acknowledged
	Disputed  int // records that the station called wrong; kept and offered again every hour
	Online    bool
	Confirmed bool // the station has given this board its station info
	POSP      byte // address on the line, FF until confirmed
	NZN       byte
}
