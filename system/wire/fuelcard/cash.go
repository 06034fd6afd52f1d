package fuelcard

import (
	"greylock/system/wire/apdu"
	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// Cash and the compound purchase are purchases with another INIT: their session key, strings and second command are
// those of a purchase, with type 04 or 09. Source: card.md 4.3, 5.2, 5.3, 6.2.

// InitForCash is INITIALIZE FOR CASH, 80 50 02 01 0B, of ED alone; DebitForPurchase follows. Source: card.md 6.2, 5.2;
// ED alone [std].
type InitForCash struct {
	KeyID  byte // of the consume key
	Amount unit.Fen
	TID    pboc.TID
}

func (x *InitForCash) layout() apdu.Layout {
	return apdu.Layout{Zh: "取现初始化", En: "INITIALIZE FOR CASH",
		Head:   apdu.Head{CLA: 0x80, INS: 0x50, P1: apdu.Fixed(2), P2: apdu.Fixed(byte(ED)), Le: 0x0F},
		Fields: []apdu.Field{keyID(&x.KeyID), amount(&x.Amount), tid(&x.TID)}}
}

// InitForCashAnswer is bal4 CTC2 od3 ver1 alg1 rand4, as of a purchase. Source: card.md 6.2.
type InitForCashAnswer InitForPurchaseAnswer

func (x *InitForCashAnswer) layout() apdu.Layout {
	l := (*InitForPurchaseAnswer)(x).layout()
	l.Zh, l.En = "取现初始化应答", "answer to INITIALIZE FOR CASH"
	return l
}

// InitForCAPP is INITIALIZE FOR CAPP PURCHASE, 80 50 03 02 0B, of EP; UpdateCAPPCache and DebitForPurchase follow.
// Source: card.md 6.2.
type InitForCAPP struct {
	KeyID  byte // of the consume key
	Amount unit.Fen
	TID    pboc.TID
}

func (x *InitForCAPP) layout() apdu.Layout {
	return apdu.Layout{Zh: "复合消费初始化", En: "INITIALIZE FOR CAPP PURCHASE",
		Head:   apdu.Head{CLA: 0x80, INS: 0x50, P1: apdu.Fixed(3), P2: apdu.Fixed(byte(EP)), Le: 0x0F},
		Fields: []apdu.Field{keyID(&x.KeyID), amount(&x.Amount), tid(&x.TID)}}
}

// InitForCAPPAnswer is bal4 CTC2 od3 ver1 alg1 rand4, as of a purchase. Source: card.md 6.2.
type InitForCAPPAnswer InitForPurchaseAnswer

func (x *InitForCAPPAnswer) layout() apdu.Layout {
	l := (*InitForPurchaseAnswer)(x).layout()
	l.Zh, l.En = "复合消费初始化应答", "answer to INITIALIZE FOR CAPP PURCHASE"
	return l
}

// UpdateCAPPCache is UPDATE CAPP DATA CACHE, 80 DC recType SFI<<3 Lc data: the record of that type in a variable-record
// file, written together with the debit. The first byte of such a record is its type. Source: card.md 6.2; P2 [std].
type UpdateCAPPCache struct {
	RecordType byte
	SFI        byte
	Data       []byte
}

func (x *UpdateCAPPCache) layout() apdu.Layout {
	return apdu.Layout{Zh: "更新复合消费缓存", En: "UPDATE CAPP DATA CACHE",
		Head: apdu.Head{CLA: 0x80, INS: 0xDC, P1: apdu.Var("记录类型", "record type", &x.RecordType),
			P2: apdu.RecordFile(&x.SFI), Le: apdu.NoLe},
		Fields: []apdu.Field{data(&x.Data, 1, apdu.MaxData)}}
}
