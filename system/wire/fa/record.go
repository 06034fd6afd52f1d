package fa

import (
	"errors"
	"fmt"

	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// Sizes of a record. Source: dispenser.md 3.6, card.md 14.
const (
	RecordSize = 95 // bytes behind the command word
	TMACSpan   = 91 // bytes under T-MAC, from POS-TTC to the byte before it
)

// TrainingMark stands in the last reserved byte of a record of the training realm, under T-MAC. Source: design.md 9.5.
const TrainingMark = 'T'

// NoEmployee is EMP with nobody on duty. Source: dispenser.md 3.6.
const NoEmployee = 255

// Record is a completed record 成交数据 as the board stores and sends it, 95 bytes in this order. Each value of these types
// that a frame can hold is kept as it came. Source: dispenser.md 3.6, card.md 14.
type Record struct {
	POSTTC     POSTTC         // 4 bytes
	Type       TType          // T-TYPE
	Time       Stamp          // card sales: date and time of the lock
	ASN        pboc.ASN       // card number
	Balance    unit.Fen       // BAL, 4 bytes: after the sale; before it on an escape or card error
	Amount     unit.Fen       // AMN, 3 bytes, in the unit of Unit
	CTC        pboc.CTC       // of the lock
	TAC        pboc.MAC       // TAC; GTAC of an escape; error code for type 9
	GMAC       pboc.MAC       // valid for an escape or card error, else 0
	PSAMTAC    pboc.MAC       // grey-lock signature
	PSAMNumber pboc.ASN       // PSAM-ASN
	TID        pboc.TID       // PSAM-TID
	TTC        pboc.PSAMTTC   // PSAM-TTC, the one in signatures
	DS         byte           // debit source: 0 oil purse, 1 points, 2 bank purse, 3 bank passbook
	Unit       Settle         // UNIT
	CType      byte           // C-TYPE b0: 0 petrol card, 1 PBOC card
	Version    byte           // VER: b7-4 key index, b3-0 key version
	NZN        NZN            // nozzle
	Product    Product        // G-CODE
	Volume     unit.Quantity  // VOL, 3 bytes
	Price      unit.Price     // PRC, 2 bytes
	Employee   byte           // EMP
	Total      unit.Totalizer // V-TOT after the sale
	Reserved   [11]byte       // RFU; the last byte is the realm's mark
	TMAC       pboc.MAC       // T-MAC
}

func (r *Record) walk(c *codec) {
	number(c, 4, "POS-TTC", "加油机流水号", "record number", &r.POSTTC)
	number(c, 1, "T-TYPE", "交易类型", "transaction type", &r.Type)
	c.fixed("TIME", "时间", "time", r.Time[:], &r.Time)
	c.fixed("ASN", "卡应用序列号", "card number", r.ASN[:], &r.ASN)
	number(c, 4, "BAL", "余额", "balance", &r.Balance)
	number(c, 3, "AMN", "数额", "amount", &r.Amount)
	number(c, 2, "CTC", "脱机序号", "card transaction counter", &r.CTC)
	c.fixed("TAC", "交易认证码", "TAC, GTAC or error code", r.TAC[:], &r.TAC)
	c.fixed("GMAC", "解灰认证码", "un-grey authentication code", r.GMAC[:], &r.GMAC)
	c.fixed("PSAM-TAC", "灰锁签名", "grey-lock signature", r.PSAMTAC[:], &r.PSAMTAC)
	c.fixed("PSAM-ASN", "PSAM 应用序列号", "PSAM number", r.PSAMNumber[:], &r.PSAMNumber)
	c.fixed("PSAM-TID", "PSAM 终端机编号", "PSAM terminal number", r.TID[:], &r.TID)
	number(c, 4, "PSAM-TTC", "PSAM 终端交易序号", "PSAM transaction counter", &r.TTC)
	number(c, 1, "DS", "扣款来源", "debit source", &r.DS)
	number(c, 1, "UNIT", "结算单位/方式", "settlement unit/mode", &r.Unit)
	number(c, 1, "C-TYPE", "卡类", "card family", &r.CType)
	number(c, 1, "VER", "密钥索引/版本", "key index/version", &r.Version)
	number(c, 1, "NZN", "枪号", "nozzle", &r.NZN)
	c.fixed("G-CODE", "油品代码", "product code", r.Product[:], &r.Product)
	number(c, 3, "VOL", "升数", "litres", &r.Volume)
	number(c, 2, "PRC", "单价", "price", &r.Price)
	number(c, 1, "EMP", "员工号", "employee", &r.Employee)
	number(c, 4, "V-TOT", "升累计", "litre totaliser", &r.Total)
	c.fixed("RFU", "备用", "reserved", r.Reserved[:], nil)
	c.fixed("T-MAC", "终端数据认证码", "T-MAC", r.TMAC[:], &r.TMAC)
}

// ParseRecord reads 95 bytes; ErrLength for any other number. All values are taken; Check judges them.
func ParseRecord(b []byte) (Record, error) {
	var r Record
	if err := decode(&r, b); err != nil {
		return Record{}, fmt.Errorf("fa: record: %w", err)
	}
	return r, nil
}

// Bytes returns the 95 bytes. A record that was parsed or passes Check always has them; an amount, volume or price that
// does not fit its field is the caller's bug and panics.
func (r Record) Bytes() (b [RecordSize]byte) {
	raw, err := encode(&r)
	if err != nil {
		panic("fa: record: " + err.Error())
	}
	copy(b[:], raw)
	return b
}

// TMACData returns the 91 bytes that T-MAC protects. It panics as Bytes does. Source: card.md 14.
func (r Record) TMACData() (b [TMACSpan]byte) {
	raw := r.Bytes()
	copy(b[:], raw[:TMACSpan])
	return b
}

// Training says that the record carries the mark of the training realm. Source: design.md 9.5.
func (r Record) Training() bool { return r.Reserved[10] == TrainingMark }

// MarkTraining puts the mark of the training realm; before T-MAC is made.
func (r *Record) MarkTraining() { r.Reserved[10] = TrainingMark }

// Check says what a record holds that no board may send: values beyond their fields, nibbles above 9, times that do not
// exist, unknown types, an event that moves fuel or money. All findings are joined; each wraps ErrRange or ErrValue.
func (r Record) Check() error {
	var found []error
	if _, err := encode(&r); err != nil {
		found = append(found, err)
	}
	bad := func(word string, value any) {
		found = append(found, fmt.Errorf("%s %v: %w", word, value, ErrValue))
	}
	if _, err := r.Time.Civil(); err != nil {
		bad("TIME", r.Time)
	}
	if !decimal(r.ASN[:]) {
		bad("ASN", r.ASN)
	}
	if !decimal(r.PSAMNumber[:]) {
		bad("PSAM-ASN", r.PSAMNumber)
	}
	if !decimal(r.TID[:]) {
		bad("PSAM-TID", r.TID)
	}
	if !decimal(r.Product[:]) {
		bad("G-CODE", r.Product)
	}
	switch kind := r.Type.Kind(); {
	case kind > CardErrorEvent:
		bad("T-TYPE", r.Type)
	case !r.Type.Moves() && (r.Volume != 0 || r.Amount != 0):
		bad("T-TYPE", fmt.Sprintf("%v is an event, but VOL %v AMN %v", r.Type, r.Volume, r.Amount))
	}
	return errors.Join(found...)
}

func decimal(b []byte) bool {
	for _, x := range b {
		if x>>4 > 9 || x&15 > 9 {
			return false
		}
	}
	return true
}

// TType is T-TYPE: what a record is, and marks. Source: dispenser.md 3.6, card.md 14.
type TType byte

// Kinds of record, b3-0 of T-TYPE. Source: dispenser.md 3.6.
const (
	Fuelling       TType = 0
	Escape         TType = 1 // 逃卡, card pulled
	WrongCard      TType = 2
	TopUpDebit     TType = 3 // 补扣
	Supplement     TType = 4 // 补充
	ShiftOn        TType = 5
	ShiftOff       TType = 6
	NoCard         TType = 7 // fuelling without a card
	PriceReceived  TType = 8 // answer to new prices
	CardErrorEvent TType = 9
)

// Marks of T-TYPE. Source: dispenser.md 3.6, card.md 14 (the TAC mark is b4 by default, b5 on some boards).
const (
	TypeCardError TType = 0x80 // b7
	TypeLocal     TType = 0x40 // b6: the local lists were used
	TypeTACB5     TType = 0x20 // b5: the TAC mark of some boards
	TypeTAC       TType = 0x10 // b4: the TAC is good, but it is not known whether the card's TAC flag was cleared
)

// Kind is b3-0.
func (t TType) Kind() TType { return t & 0x0F }

// CardError is b7.
func (t TType) CardError() bool { return t&TypeCardError != 0 }

// Local is b6: the local lists were used, not the PC's.
func (t TType) Local() bool { return t&TypeLocal != 0 }

// TACUnread is b4: the debit is good, but the card may still have its TAC unread.
func (t TType) TACUnread() bool { return t&TypeTAC != 0 }

// Moves says that the kind moves fuel or money (0, 1, 2, 3, 4, 7); the others are events.
func (t TType) Moves() bool {
	return t.Kind() <= TopUpDebit || t.Kind() == Supplement || t.Kind() == NoCard
}

// String is two hexadecimal digits.
func (t TType) String() string { return fmt.Sprintf("%02X", byte(t)) }

// Words returns the kind in words, Chinese first.
func (t TType) Words() (zh, en string) {
	switch t.Kind() {
	case Fuelling:
		return "加油", "fuelling"
	case Escape:
		return "逃卡", "escape"
	case WrongCard:
		return "错卡", "wrong card"
	case TopUpDebit:
		return "补扣", "top-up debit"
	case Supplement:
		return "补充", "supplement"
	case ShiftOn:
		return "上班", "shift on"
	case ShiftOff:
		return "下班", "shift off"
	case NoCard:
		return "非卡加油", "fuelling without a card"
	case PriceReceived:
		return "油价接收", "new prices received"
	case CardErrorEvent:
		return "卡错", "card error"
	}
	return "未知", "unknown"
}

func (t TType) means() (zh, en string) { return t.Words() }

// Settle is UNIT: b1-0 the unit, b7-4 how it is paid. Source: dispenser.md 3.6.
type Settle byte

// Ways to pay, b7-4 of UNIT. Source: dispenser.md 3.6.
const (
	PayCash    Settle = 0x00
	PayCard    Settle = 0x10 // oil voucher 油票, the card's oil purse
	PayAccount Settle = 0x20
	PayBank    Settle = 0x30
	PayOther   Settle = 0x40
	PayOther1  Settle = 0x50
)

// Mode is how it is paid.
func (s Settle) Mode() Settle { return s & 0xF0 }

// Points says that amounts count 0.01 point, not fen.
func (s Settle) Points() bool { return s&3 == 1 }

// String is two hexadecimal digits.
func (s Settle) String() string { return fmt.Sprintf("%02X", byte(s)) }

func (s Settle) means() (zh, en string) {
	switch s.Mode() {
	case PayCash:
		zh, en = "现金", "cash"
	case PayCard:
		zh, en = "油票(卡)", "oil voucher (card)"
	case PayAccount:
		zh, en = "账户", "account"
	case PayBank:
		zh, en = "银行卡", "bank card"
	default:
		zh, en = "其他", "other"
	}
	if s.Points() {
		return zh + ", 点", en + ", points"
	}
	return zh + ", 分", en + ", fen"
}

// TestDraw says that a record is of a pump-test card: fuel went through the meter and back into the tank, nobody pays it. On the
// wire it is a sale without a card (T-TYPE 7) with that card's number, an amount of 0, and mode "other". Source: card.md 3.7;
// the form [ours], adr/0013.
func (r Record) TestDraw() bool {
	const pumpTest = 0x05
	return r.Type.Kind() == NoCard && r.ASN.CardType() == pumpTest
}
