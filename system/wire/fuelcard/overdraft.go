package fuelcard

import (
	"greylock/system/wire/apdu"
	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// MaxOverdraft is the largest overdraft limit that the card's three bytes hold. Source: card.md 3.6.
const MaxOverdraft unit.Fen = 1<<24 - 1

// InitForUpdate is INITIALIZE FOR UPDATE, 80 50 04 01 07, of the overdraft limit of ED. Source: card.md 6.2.
type InitForUpdate struct {
	KeyID byte // of DOLK
	TID   pboc.TID
}

func (x *InitForUpdate) layout() apdu.Layout {
	return apdu.Layout{Zh: "修改透支限额初始化", En: "INITIALIZE FOR UPDATE",
		Head:   apdu.Head{CLA: 0x80, INS: 0x50, P1: apdu.Fixed(4), P2: apdu.Fixed(byte(ED)), Le: 0x13},
		Fields: []apdu.Field{keyID(&x.KeyID), tid(&x.TID)}}
}

// InitForUpdateAnswer is bal4 onlineSN2 od3 ver1 alg1 rand4 MAC1_4. Source: card.md 6.2.
type InitForUpdateAnswer struct {
	Balance    unit.Fen
	OnlineSN   pboc.OnlineSN
	Overdraft  unit.Fen // the limit now, 3 bytes
	KeyVersion byte
	Alg        byte
	Rand       [4]byte
	MAC1       pboc.MAC
}

func (x *InitForUpdateAnswer) layout() apdu.Layout {
	return apdu.Layout{Zh: "修改透支限额初始化应答", En: "answer to INITIALIZE FOR UPDATE", Fields: []apdu.Field{
		balance(&x.Balance), onlineSN(&x.OnlineSN), overdraft(&x.Overdraft), keyVersion(&x.KeyVersion), alg(&x.Alg),
		random(&x.Rand), mac("MAC1", &x.MAC1)}}
}

// UpdateOverdraw is UPDATE OVERDRAW LIMIT, 80 58 00 00 0E newlimit3 date4 time3 MAC2. Source: card.md 6.2.
type UpdateOverdraw struct {
	Limit unit.Fen // new, 3 bytes
	Time  [7]byte
	MAC2  pboc.MAC // of the host
}

func (x *UpdateOverdraw) layout() apdu.Layout {
	return apdu.Layout{Zh: "修改透支限额", En: "UPDATE OVERDRAW LIMIT",
		Head:   apdu.Head{CLA: 0x80, INS: 0x58, P1: apdu.Fixed(0), P2: apdu.Fixed(0), Le: 4},
		Fields: []apdu.Field{overdraft(&x.Limit), stamp(&x.Time), mac("MAC2", &x.MAC2)}}
}

// UpdateOverdrawAnswer is the TAC. Source: card.md 6.2.
type UpdateOverdrawAnswer struct{ TAC pboc.MAC }

func (x *UpdateOverdrawAnswer) layout() apdu.Layout {
	return apdu.Layout{Zh: "修改透支限额应答", En: "answer to UPDATE OVERDRAW LIMIT", Fields: []apdu.Field{mac("TAC", &x.TAC)}}
}
