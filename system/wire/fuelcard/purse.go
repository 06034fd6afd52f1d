package fuelcard

import "greylock/system/wire/unit"

// Purse is P2 of the money commands. Source: card.md 3.1, 6.2.
type Purse byte

// The two purses. Petrol is sold from ED.
const (
	ED Purse = 1 // electronic passbook, petrol money
	EP Purse = 2 // electronic wallet, loyalty points
)

// TxType is the transaction type byte. Source: card.md 5.2.
type TxType byte

// Transaction types.
const (
	TypeLoadED     TxType = 0x01
	TypeLoadEP     TxType = 0x02
	TypeUnload     TxType = 0x03
	TypeCash       TxType = 0x04
	TypePurchaseED TxType = 0x05
	TypePurchaseEP TxType = 0x06
	TypeOverdraft  TxType = 0x07
	TypeCAPP       TxType = 0x09
	TypeGreyED     TxType = 0x91
	TypeGreyEP     TxType = 0x92
	TypeUnlockED   TxType = 0x93
	TypeUnlockEP   TxType = 0x94
	TypeOnlineED   TxType = 0x95
	TypeOnlineEP   TxType = 0x96
)

// LoadType is 01 or 02.
func (p Purse) LoadType() TxType { return TypeLoadED + TxType(p-ED) }

// PurchaseType is 05 or 06.
func (p Purse) PurchaseType() TxType { return TypePurchaseED + TxType(p-ED) }

// GreyType is 91 or 92.
func (p Purse) GreyType() TxType { return TypeGreyED + TxType(p-ED) }

// UnlockType is 93 or 94.
func (p Purse) UnlockType() TxType { return TypeUnlockED + TxType(p-ED) }

// OnlineType is 95 or 96.
func (p Purse) OnlineType() TxType { return TypeOnlineED + TxType(p-ED) }

// Valid reports ED or EP.
func (p Purse) Valid() bool { return p == ED || p == EP }

// Words says a purse in Chinese and English.
func (p Purse) Words() (zh, en string) {
	switch p {
	case ED:
		return "电子存折(电子油票)", "ED passbook (petrol money)"
	case EP:
		return "电子钱包(积分)", "EP wallet (points)"
	}
	return "未知钱包", "unknown purse"
}

// Words says a type in Chinese and English.
func (t TxType) Words() (zh, en string) {
	switch t {
	case TypeLoadED, TypeLoadEP:
		return "圈存", "load"
	case TypeUnload:
		return "圈提", "unload"
	case TypeCash:
		return "取现", "cash"
	case TypePurchaseED, TypePurchaseEP:
		return "消费", "purchase"
	case TypeOverdraft:
		return "修改透支限额", "change of overdraft limit"
	case TypeCAPP:
		return "复合消费", "compound purchase"
	case TypeGreyED, TypeGreyEP:
		return "灰锁", "grey lock"
	case TypeUnlockED, TypeUnlockEP:
		return "解扣", "debit and unlock"
	case TypeOnlineED, TypeOnlineEP:
		return "联机解扣", "online unlock"
	}
	return "未知交易类型", "unknown transaction type"
}

// MaxAmount is the largest amount that the card's four bytes hold. Callers refuse a larger one before they build a
// command; if one gets through, the encoding fails closed (apdu.Money). Source: card.md 1.2.
const MaxAmount unit.Fen = 1<<32 - 1
