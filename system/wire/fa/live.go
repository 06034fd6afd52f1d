package fa

import (
	"fmt"

	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// Live is the board's real-time state, 31H; no items = nothing happening. Never rely on their order.
// Source: dispenser.md 3.5.
type Live struct{ Items []LiveItem }

// Word is 31H.
func (*Live) Word() Word { return WordLive }

func (m *Live) walk(c *codec) {
	list(c, "N", "条数", "number of records", &m.Items, 2, func(c *codec, i *LiveItem) { i.walk(c) })
}

// LiveItem is the state of one nozzle. Which fields count follows from St. Source: dispenser.md 3.5.
type LiveItem struct {
	St  St
	NZN NZN

	// St = card
	ASN     pboc.ASN
	Card    CardSt
	Balance unit.Fen // BAL, 4 bytes
	Extra   []byte   // IC_DATA, at most 239 bytes

	// St = nozzle up
	Unit   Settle        // P_UNIT
	Amount unit.Fen      // AMN so far, 3 bytes
	Volume unit.Quantity // VOL so far, 3 bytes
	Price  unit.Price    // PRC, 2 bytes
}

// St is the state byte; only bits 1-0 count. Source: dispenser.md 3.5.
type St byte

// States of a live item. Source: dispenser.md 3.5.
const (
	StIdle St = 0
	StCard St = 1 // card inserted
	StFuel St = 2 // nozzle up or fuelling
)

// State is the part of the byte that counts.
func (s St) State() St { return s & 3 }

func (s St) means() (zh, en string) {
	switch s.State() {
	case StIdle:
		return "空闲", "idle"
	case StCard:
		return "卡插入", "card inserted"
	case StFuel:
		return "提枪或加油", "nozzle up or fuelling"
	}
	return "未知", "unknown"
}

// cardItem is LEN of an item without extra data. Source: dispenser.md 3.5.
const cardItem = 16

func (i *LiveItem) walk(c *codec) {
	number(c, 1, "St", "状态", "state", &i.St)
	number(c, 1, "NZN", "枪号", "nozzle", &i.NZN)
	switch i.St.State() {
	case StIdle:
	case StCard:
		size := int64(cardItem + len(i.Extra))
		number(c, 1, "LEN", "长度", "length", &size)
		if c.err == nil && size < cardItem {
			c.fail("LEN", fmt.Errorf("%d below %d: %w", size, cardItem, ErrLength))
			return
		}
		c.fixed("ASN", "卡应用序列号", "card number", i.ASN[:], &i.ASN)
		number(c, 2, "CardSt", "卡状态", "card status", &i.Card)
		number(c, 4, "BAL", "余额", "balance", &i.Balance)
		if size > cardItem {
			c.rest("IC_DATA", "卡片附加数据", "extra card data", &i.Extra, int(size)-cardItem)
		}
	case StFuel:
		number(c, 1, "P_UNIT", "结算单位/方式", "settlement unit/mode", &i.Unit)
		number(c, 3, "AMN", "数额", "amount", &i.Amount)
		number(c, 3, "VOL", "升数", "litres", &i.Volume)
		number(c, 2, "PRC", "单价", "price", &i.Price)
	default:
		c.fail("St", fmt.Errorf("%02X: %w", byte(i.St), ErrValue))
	}
}

// CardSt is a card's status as a board shows it. Source: dispenser.md 3.11.
type CardSt uint16

// Card states. Source: dispenser.md 3.11.
const (
	CardNormal     CardSt = 0x0000
	CardGrey       CardSt = 0x0001 // locked by an unfinished sale
	CardListed     CardSt = 0x0002
	CardExpired    CardSt = 0x0003
	CardPINBlocked CardSt = 0x0004
	CardPINWanted  CardSt = 0x0005
	CardPoor       CardSt = 0x0006 // balance too low
	CardNotHere    CardSt = 0x0007 // not this station's product or nozzle
	CardUnknown    CardSt = 0x0008
	CardUnreadable CardSt = 0xFFFF
)

// String is four hexadecimal digits.
func (s CardSt) String() string { return fmt.Sprintf("%04X", uint16(s)) }

func (s CardSt) means() (zh, en string) {
	switch s {
	case CardNormal:
		return "正常", "normal"
	case CardGrey:
		return "灰卡", "grey"
	case CardListed:
		return "黑名单卡", "blacklisted"
	case CardExpired:
		return "过期", "expired"
	case CardPINBlocked:
		return "密码锁死", "PIN blocked"
	case CardPINWanted:
		return "待输密码", "PIN not yet entered"
	case CardPoor:
		return "余额不足", "balance too low"
	case CardNotHere:
		return "本站或本油品不可用", "not for this station or product"
	case CardUnknown:
		return "未知卡", "unknown card"
	case CardUnreadable:
		return "读卡错", "read error"
	}
	return "其他", "other"
}

// Words returns what the state means, Chinese first.
func (s CardSt) Words() (zh, en string) { return s.means() }
