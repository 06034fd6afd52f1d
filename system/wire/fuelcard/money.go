package fuelcard

import (
	"greylock/system/wire/apdu"
	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// GetBalance is GET BALANCE, 80 5C 00 purse. Source: card.md 6.2.
type GetBalance struct{ Purse Purse }

func (x *GetBalance) layout() apdu.Layout {
	return apdu.Layout{Zh: "读余额", En: "GET BALANCE",
		Head: apdu.Head{CLA: 0x80, INS: 0x5C, P1: apdu.Fixed(0), P2: purse(&x.Purse), Le: 4}}
}

// BalanceAnswer is its answer, 4 bytes. Source: card.md 6.2.
type BalanceAnswer struct{ Balance unit.Fen }

func (x *BalanceAnswer) layout() apdu.Layout {
	return apdu.Layout{Zh: "余额", En: "balance", Fields: []apdu.Field{balance(&x.Balance)}}
}

// InitForLoad is INITIALIZE FOR LOAD, 80 50 00 purse 0B. Source: card.md 6.2.
type InitForLoad struct {
	Purse  Purse
	KeyID  byte
	Amount unit.Fen
	TID    pboc.TID
}

func (x *InitForLoad) layout() apdu.Layout {
	return apdu.Layout{Zh: "圈存初始化", En: "INITIALIZE FOR LOAD",
		Head:   apdu.Head{CLA: 0x80, INS: 0x50, P1: apdu.Fixed(0), P2: purse(&x.Purse), Le: 0x10},
		Fields: []apdu.Field{keyID(&x.KeyID), amount(&x.Amount), tid(&x.TID)}}
}

// InitForLoadAnswer is bal4 onlineSN2 ver1 alg1 rand4 MAC1_4. Source: card.md 6.2.
type InitForLoadAnswer struct {
	Balance    unit.Fen
	OnlineSN   pboc.OnlineSN
	KeyVersion byte
	Alg        byte
	Rand       [4]byte
	MAC1       pboc.MAC
}

func (x *InitForLoadAnswer) layout() apdu.Layout {
	return apdu.Layout{Zh: "圈存初始化应答", En: "answer to INITIALIZE FOR LOAD", Fields: []apdu.Field{
		balance(&x.Balance), onlineSN(&x.OnlineSN), keyVersion(&x.KeyVersion), alg(&x.Alg), random(&x.Rand), mac("MAC1", &x.MAC1)}}
}

// CreditForLoad is CREDIT FOR LOAD, 80 52 00 00 0B date4 time3 MAC2. Source: card.md 6.2.
type CreditForLoad struct {
	Time [7]byte // YYYYMMDDhhmmss, BCD
	MAC2 pboc.MAC
}

func (x *CreditForLoad) layout() apdu.Layout {
	return apdu.Layout{Zh: "圈存", En: "CREDIT FOR LOAD",
		Head:   apdu.Head{CLA: 0x80, INS: 0x52, P1: apdu.Fixed(0), P2: apdu.Fixed(0), Le: 4},
		Fields: []apdu.Field{stamp(&x.Time), mac("MAC2", &x.MAC2)}}
}

// CreditForLoadAnswer is the load TAC. Source: card.md 6.2.
type CreditForLoadAnswer struct{ TAC pboc.MAC }

func (x *CreditForLoadAnswer) layout() apdu.Layout {
	return apdu.Layout{Zh: "圈存应答", En: "answer to CREDIT FOR LOAD", Fields: []apdu.Field{mac("TAC", &x.TAC)}}
}

// InitForPurchase is INITIALIZE FOR PURCHASE, 80 50 01 purse 0B. Source: card.md 6.2.
type InitForPurchase struct {
	Purse  Purse
	KeyID  byte
	Amount unit.Fen
	TID    pboc.TID
}

func (x *InitForPurchase) layout() apdu.Layout {
	return apdu.Layout{Zh: "消费初始化", En: "INITIALIZE FOR PURCHASE",
		Head:   apdu.Head{CLA: 0x80, INS: 0x50, P1: apdu.Fixed(1), P2: purse(&x.Purse), Le: 0x0F},
		Fields: []apdu.Field{keyID(&x.KeyID), amount(&x.Amount), tid(&x.TID)}}
}

// InitForPurchaseAnswer is bal4 CTC2 od3 ver1 alg1 rand4. Source: card.md 6.2.
type InitForPurchaseAnswer struct {
	Balance    unit.Fen
	CTC        pboc.CTC
	Overdraft  unit.Fen // limit, 3 bytes
	KeyVersion byte
	Alg        byte
	Rand       [4]byte
}

func (x *InitForPurchaseAnswer) layout() apdu.Layout {
	return apdu.Layout{Zh: "消费初始化应答", En: "answer to INITIALIZE FOR PURCHASE", Fields: []apdu.Field{
		balance(&x.Balance), ctc(&x.CTC), overdraft(&x.Overdraft), keyVersion(&x.KeyVersion), alg(&x.Alg), random(&x.Rand)}}
}

// DebitForPurchase is DEBIT FOR PURCHASE, 80 54 01 00 0F TTC4 date4 time3 MAC1. Source: card.md 6.2.
type DebitForPurchase struct {
	TTC  pboc.PSAMTTC
	Time [7]byte
	MAC1 pboc.MAC
}

func (x *DebitForPurchase) layout() apdu.Layout {
	return apdu.Layout{Zh: "消费", En: "DEBIT FOR PURCHASE",
		Head:   apdu.Head{CLA: 0x80, INS: 0x54, P1: apdu.Fixed(1), P2: apdu.Fixed(0), Le: 8},
		Fields: []apdu.Field{ttc(&x.TTC), stamp(&x.Time), mac("MAC1", &x.MAC1)}}
}

// DebitForPurchaseAnswer is TAC4 MAC2_4. Source: card.md 6.2.
type DebitForPurchaseAnswer struct{ TAC, MAC2 pboc.MAC }

func (x *DebitForPurchaseAnswer) layout() apdu.Layout {
	return apdu.Layout{Zh: "消费应答", En: "answer to DEBIT FOR PURCHASE",
		Fields: []apdu.Field{mac("TAC", &x.TAC), mac("MAC2", &x.MAC2)}}
}

// InitForUnload is INITIALIZE FOR UNLOAD, 80 50 05 01 0B. Source: card.md 6.2.
type InitForUnload struct {
	KeyID  byte
	Amount unit.Fen
	TID    pboc.TID
}

func (x *InitForUnload) layout() apdu.Layout {
	return apdu.Layout{Zh: "圈提初始化", En: "INITIALIZE FOR UNLOAD",
		Head:   apdu.Head{CLA: 0x80, INS: 0x50, P1: apdu.Fixed(5), P2: apdu.Fixed(1), Le: 0x10},
		Fields: []apdu.Field{keyID(&x.KeyID), amount(&x.Amount), tid(&x.TID)}}
}

// InitForUnloadAnswer has the layout of a load's. Source: card.md 6.2.
type InitForUnloadAnswer InitForLoadAnswer

func (x *InitForUnloadAnswer) layout() apdu.Layout {
	l := (*InitForLoadAnswer)(x).layout()
	l.Zh, l.En = "圈提初始化应答", "answer to INITIALIZE FOR UNLOAD"
	return l
}

// DebitForUnload is DEBIT FOR UNLOAD, 80 54 03 00 0B date4 time3 MAC2. Source: card.md 6.2.
type DebitForUnload struct {
	Time [7]byte
	MAC2 pboc.MAC
}

func (x *DebitForUnload) layout() apdu.Layout {
	return apdu.Layout{Zh: "圈提", En: "DEBIT FOR UNLOAD",
		Head:   apdu.Head{CLA: 0x80, INS: 0x54, P1: apdu.Fixed(3), P2: apdu.Fixed(0), Le: 4},
		Fields: []apdu.Field{stamp(&x.Time), mac("MAC2", &x.MAC2)}}
}

// DebitForUnloadAnswer is MAC3. Source: card.md 6.2.
type DebitForUnloadAnswer struct{ MAC3 pboc.MAC }

func (x *DebitForUnloadAnswer) layout() apdu.Layout {
	return apdu.Layout{Zh: "圈提应答", En: "answer to DEBIT FOR UNLOAD", Fields: []apdu.Field{mac("MAC3", &x.MAC3)}}
}

// GetTransactionProve is GET TRANSACTION PROVE, 80 5A 00 type 02 SN2. Source: card.md 6.2.
type GetTransactionProve struct {
	Type TxType
	SN   uint16 // OnlineSN of a load or unload, CTC of a purchase
}

func (x *GetTransactionProve) layout() apdu.Layout {
	return apdu.Layout{Zh: "取交易认证", En: "GET TRANSACTION PROVE",
		Head:   apdu.Head{CLA: 0x80, INS: 0x5A, P1: apdu.Fixed(0), P2: apdu.Var("交易类型", "type", &x.Type), Le: 8},
		Fields: []apdu.Field{apdu.Num("交易序号", "serial", &x.SN)}}
}

// TransactionProveAnswer is MAC4 TAC4; a field that the transaction does not have is zero. Source: card.md 6.2.
type TransactionProveAnswer struct{ MAC, TAC pboc.MAC }

func (x *TransactionProveAnswer) layout() apdu.Layout {
	return apdu.Layout{Zh: "交易认证", En: "transaction prove", Fields: []apdu.Field{mac("MAC", &x.MAC), mac("TAC", &x.TAC)}}
}
