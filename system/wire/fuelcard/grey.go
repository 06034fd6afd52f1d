package fuelcard

import (
	"greylock/system/wire/apdu"
	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// InitGreyLock is INIT GREY LOCK, E0 7A 08 purse 07. Source: card.md 6.4.
type InitGreyLock struct {
	Purse Purse
	KeyID byte // of the consume key
	TID   pboc.TID
}

func (x *InitGreyLock) layout() apdu.Layout {
	return apdu.Layout{Zh: "灰锁初始化", En: "INIT GREY LOCK",
		Head:   apdu.Head{CLA: 0xE0, INS: 0x7A, P1: apdu.Fixed(8), P2: purse(&x.Purse), Le: 0x0F},
		Fields: []apdu.Field{keyID(&x.KeyID), tid(&x.TID)}}
}

// InitGreyLockAnswer is bal4 CTC2 od3 ver1 alg1 rand4, as of a purchase. Source: card.md 6.4.
type InitGreyLockAnswer InitForPurchaseAnswer

func (x *InitGreyLockAnswer) layout() apdu.Layout {
	l := (*InitForPurchaseAnswer)(x).layout()
	l.Zh, l.En = "灰锁初始化应答", "answer to INIT GREY LOCK"
	return l
}

// GreyLock is GREY LOCK, E0 7C 08 00 13 TTC4 termRand4 date4 time3 MAC1. Source: card.md 6.4.
type GreyLock struct {
	TTC      pboc.PSAMTTC
	TermRand [4]byte
	Time     [7]byte
	MAC1     pboc.MAC // of the PSAM
}

func (x *GreyLock) layout() apdu.Layout {
	return apdu.Layout{Zh: "灰锁", En: "GREY LOCK",
		Head: apdu.Head{CLA: 0xE0, INS: 0x7C, P1: apdu.Fixed(8), P2: apdu.Fixed(0), Le: 8},
		Fields: []apdu.Field{ttc(&x.TTC), apdu.Raw("终端随机数", "terminal random", x.TermRand[:]), stamp(&x.Time),
			mac("MAC1", &x.MAC1)}}
}

// GreyLockAnswer is GTAC4 MAC2_4. Source: card.md 6.4.
type GreyLockAnswer struct{ GTAC, MAC2 pboc.MAC }

func (x *GreyLockAnswer) layout() apdu.Layout {
	return apdu.Layout{Zh: "灰锁应答", En: "answer to GREY LOCK",
		Fields: []apdu.Field{mac("GTAC", &x.GTAC), mac("MAC2", &x.MAC2)}}
}

// DebitForUnlock is DEBIT FOR UNLOCK, E0 7E 08 purse 1B. CTC and Time are those of the lock. Source: card.md 6.4, 12.1.
type DebitForUnlock struct {
	Purse  Purse
	Amount unit.Fen
	CTC    pboc.CTC
	TID    pboc.TID
	TTC    pboc.PSAMTTC
	Time   [7]byte
	GMAC   pboc.MAC // of the PSAM
}

func (x *DebitForUnlock) layout() apdu.Layout {
	return apdu.Layout{Zh: "解扣", En: "DEBIT FOR UNLOCK",
		Head: apdu.Head{CLA: 0xE0, INS: 0x7E, P1: apdu.Fixed(8), P2: purse(&x.Purse), Le: 4},
		Fields: []apdu.Field{amount(&x.Amount), ctc(&x.CTC), tid(&x.TID), ttc(&x.TTC), stamp(&x.Time),
			mac("GMAC", &x.GMAC)}}
}

// DebitForUnlockAnswer is the unlock TAC. Source: card.md 6.4.
type DebitForUnlockAnswer struct{ TAC pboc.MAC }

func (x *DebitForUnlockAnswer) layout() apdu.Layout {
	return apdu.Layout{Zh: "解扣应答", En: "answer to DEBIT FOR UNLOCK", Fields: []apdu.Field{mac("TAC", &x.TAC)}}
}

// InitGreyUnlock is INIT GREY UNLOCK (online), E0 7A 09 purse 07. Source: card.md 6.4.
type InitGreyUnlock struct {
	Purse Purse
	KeyID byte // of DUGK
	TID   pboc.TID
}

func (x *InitGreyUnlock) layout() apdu.Layout {
	return apdu.Layout{Zh: "联机解扣初始化", En: "INIT GREY UNLOCK",
		Head:   apdu.Head{CLA: 0xE0, INS: 0x7A, P1: apdu.Fixed(9), P2: purse(&x.Purse), Le: 0x12},
		Fields: []apdu.Field{keyID(&x.KeyID), tid(&x.TID)}}
}

// InitGreyUnlockAnswer is bal4 offlineCTC2 onlineSN2 ver1 alg1 rand4 MAC1_4. CTC is the counter after the lock.
// Source: card.md 6.4, 7.3.
type InitGreyUnlockAnswer struct {
	Balance    unit.Fen
	CTC        pboc.CTC
	OnlineSN   pboc.OnlineSN
	KeyVersion byte
	Alg        byte
	Rand       [4]byte
	MAC1       pboc.MAC
}

func (x *InitGreyUnlockAnswer) layout() apdu.Layout {
	return apdu.Layout{Zh: "联机解扣初始化应答", En: "answer to INIT GREY UNLOCK", Fields: []apdu.Field{
		balance(&x.Balance), ctc(&x.CTC), onlineSN(&x.OnlineSN), keyVersion(&x.KeyVersion), alg(&x.Alg), random(&x.Rand),
		mac("MAC1", &x.MAC1)}}
}

// GreyUnlock is GREY UNLOCK (online), E0 7E 09 00 0F amt4 date4 time3 MAC2. Source: card.md 6.4.
type GreyUnlock struct {
	Amount unit.Fen
	Time   [7]byte
	MAC2   pboc.MAC // of the host
}

func (x *GreyUnlock) layout() apdu.Layout {
	return apdu.Layout{Zh: "联机解扣", En: "GREY UNLOCK",
		Head:   apdu.Head{CLA: 0xE0, INS: 0x7E, P1: apdu.Fixed(9), P2: apdu.Fixed(0), Le: 4},
		Fields: []apdu.Field{amount(&x.Amount), stamp(&x.Time), mac("MAC2", &x.MAC2)}}
}

// GreyUnlockAnswer is MAC3. Source: card.md 6.4.
type GreyUnlockAnswer struct{ MAC3 pboc.MAC }

func (x *GreyUnlockAnswer) layout() apdu.Layout {
	return apdu.Layout{Zh: "联机解扣应答", En: "answer to GREY UNLOCK", Fields: []apdu.Field{mac("MAC3", &x.MAC3)}}
}

// GetLockProof is GET LOCK PROOF, E0 CA 00 00 1E. Source: card.md 6.4.
type GetLockProof struct{}

func (x *GetLockProof) layout() apdu.Layout {
	return apdu.Layout{Zh: "取灰锁状态", En: "GET LOCK PROOF",
		Head: apdu.Head{CLA: 0xE0, INS: 0xCA, P1: apdu.Fixed(0), P2: apdu.Fixed(0), Le: LockProofLength}}
}

// ClearTACUF is CLEAR TACUF, E0 CA 01 00, sent with 00 as the fifth byte. Source: card.md 6.4.
type ClearTACUF struct{}

func (x *ClearTACUF) layout() apdu.Layout {
	return apdu.Layout{Zh: "清 TAC 未读标志", En: "CLEAR TACUF",
		Head: apdu.Head{CLA: 0xE0, INS: 0xCA, P1: apdu.Fixed(1), P2: apdu.Fixed(0), Le: 0}}
}

// GreyState is byte 0 of the lock proof. Source: card.md 6.4, 7.1.
type GreyState byte

// Grey states.
const (
	NotGrey   GreyState = 0x00
	Grey      GreyState = 0x01
	TACUnread GreyState = 0x10
)

// Words says a grey state in Chinese and English.
func (s GreyState) Words() (zh, en string) {
	switch s {
	case NotGrey:
		return "未灰锁", "not locked"
	case Grey:
		return "灰锁", "grey locked"
	case TACUnread:
		return "已解扣, TAC 未读", "unlocked, TAC unread"
	}
	return "未知状态", "unknown state"
}

// LockProofLength is the length of the lock proof. Source: card.md 6.4.
const LockProofLength = 30

// LockProof is the answer of GET LOCK PROOF. A card that was never locked answers 30 zero bytes (or 6985, which
// terminals read as the zero value). Source: card.md 6.4.
type LockProof struct {
	State   GreyState
	Type    TxType // 91 while grey; else the last unlock's 93 or 95, or 00
	Wallet  Purse
	Balance unit.Fen // at the lock; after the debit in state 10; history in state 00
	Serial  uint16   // CTC of the lock; the online SN of an online unlock
	TID     pboc.TID
	Time    [7]byte
	Detail  [4]byte  // MAC2 of the lock while grey, else the amount: use MAC2 and Amount
	Code    pboc.MAC // GTAC while grey, else the TAC (MAC3 of an online unlock)
}

func (x *LockProof) layout() apdu.Layout {
	detail := apdu.Shown(apdu.Raw("金额/MAC2", "amount or MAC2", x.Detail[:]), func() string {
		if x.State == Grey {
			return x.MAC2().String()
		}
		return x.Amount().String()
	})
	state := apdu.Shown(apdu.Num("状态", "state", &x.State), func() string { return both(x.State.Words()) })
	return apdu.Layout{Zh: "灰锁状态", En: "lock proof", Fields: []apdu.Field{
		state, txType(&x.Type), apdu.Num("钱包", "wallet", &x.Wallet), balance(&x.Balance),
		apdu.Num("交易序号", "serial", &x.Serial), tid(&x.TID), stamp(&x.Time), detail, mac("TAC/GTAC/MAC3", &x.Code)}}
}

// MAC2 is the card's MAC2 of the lock, in state Grey.
func (x LockProof) MAC2() pboc.MAC { return x.Detail }

// Amount is what was debited, in the other states.
func (x LockProof) Amount() unit.Fen {
	d := x.Detail
	return unit.Fen(uint32(d[0])<<24 | uint32(d[1])<<16 | uint32(d[2])<<8 | uint32(d[3]))
}

// SetAmount puts the amount in its place.
func (x *LockProof) SetAmount(f unit.Fen) { copy(x.Detail[:], apdu.AppendMoney(nil, int64(f), 4)) }

// CTC is the serial as the counter of a lock or its debit.
func (x LockProof) CTC() pboc.CTC { return pboc.CTC(x.Serial) }

// OnlineSN is the serial as the counter of an online unlock.
func (x LockProof) OnlineSN() pboc.OnlineSN { return pboc.OnlineSN(x.Serial) }

// Online reports that the proof is of an online unlock.
func (x LockProof) Online() bool { return x.Type == TypeOnlineED || x.Type == TypeOnlineEP }
