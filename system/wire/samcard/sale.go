package samcard

import (
	"fmt"

	"greylock/system/wire/apdu"
	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// Transaction types that a PSAM takes; cash and the compound purchase go through the purchase pair. Source: card.md 5.2,
// 8.2; 04 and 09 in 80 70 [std].
const (
	TypeCash       byte = 0x04
	TypePurchaseED byte = 0x05
	TypePurchaseEP byte = 0x06
	TypeCAPP       byte = 0x09
	TypeGreyED     byte = 0x91
	TypeGreyEP     byte = 0x92
	TypeUnlockED   byte = 0x93
	TypeUnlockEP   byte = 0x94
)

// Factors are the diversification factors behind a PSAM's consume key, from the inner to the outer level: ASN8, then
// ISSUER8. Source: card.md 4.2, 8.1.
type Factors [][8]byte

// maxLevels is what three bits of the usage byte hold. Source: card.md 4.1.
const maxLevels = 7

// CardFactors returns the two factors of a card: ASN8 ISSUER8.
func CardFactors(asn pboc.ASN, issuer pboc.Issuer) Factors {
	return Factors{asn.Factor(), issuer}
}

// IssuerFirst returns the factors in the order in which they are applied. Source: card.md 4.2, factor_order.
func (f Factors) IssuerFirst() [][8]byte {
	r := make([][8]byte, len(f))
	for i, x := range f {
		r[len(f)-1-i] = x
	}
	return r
}

func factors(p *Factors, least int) apdu.Field {
	var raw []byte
	for _, x := range *p {
		raw = append(raw, x[:]...)
	}
	f := apdu.Rest("分散因子", "factors", &raw, 8*least, 8*maxLevels)
	f = apdu.Checked(f, func(b []byte) error {
		if len(b)%8 != 0 {
			return fmt.Errorf("%d bytes, want a multiple of 8: %w", len(b), apdu.WrongLength)
		}
		*p = nil
		for ; len(b) > 0; b = b[8:] {
			*p = append(*p, [8]byte(b))
		}
		return nil
	})
	return apdu.Shown(f, func() string {
		s := ""
		for i, x := range *p {
			if i == 0 {
				s = maskedASN8(x)
				continue
			}
			s += fmt.Sprintf(" %X", x)
		}
		return s
	})
}

// InitGreyLock is INIT_SAM_GREY_LOCK, E0 40 00 00 rand4 CTC2 bal4 type1 date4 time3 keyver1 alg1 ASN8 ISSUER8.
// Source: card.md 8.1.
type InitGreyLock struct {
	Rand       [4]byte // of the card
	CTC        pboc.CTC
	Balance    unit.Fen
	Type       byte // TypeGreyED or TypeGreyEP
	Time       [7]byte
	KeyVersion byte
	Alg        byte
	Factors    Factors
}

func (x *InitGreyLock) layout() apdu.Layout {
	return apdu.Layout{Zh: "PSAM 灰锁初始化", En: "INIT_SAM_GREY_LOCK",
		Head: head(0xE0, 0x40, 0x0C),
		Fields: []apdu.Field{random("卡随机数", "card random", &x.Rand), ctc(&x.CTC),
			apdu.Money("余额", "balance", &x.Balance, 4), txType(&x.Type), stamp(&x.Time),
			apdu.Num("密钥版本", "key version", &x.KeyVersion), apdu.Num("算法标识", "algorithm", &x.Alg), factors(&x.Factors, 1)}}
}

// InitGreyLockAnswer is TTC4 termRand4 MAC1_4. Source: card.md 8.1.
type InitGreyLockAnswer struct {
	TTC      pboc.PSAMTTC
	TermRand [4]byte
	MAC1     pboc.MAC
}

func (x *InitGreyLockAnswer) layout() apdu.Layout {
	return apdu.Layout{Zh: "PSAM 灰锁初始化应答", En: "answer to INIT_SAM_GREY_LOCK", Fields: []apdu.Field{
		ttc(&x.TTC), random("终端随机数", "terminal random", &x.TermRand), mac("MAC1", &x.MAC1)}}
}

// CertificateGreyLock is CERTIFICATE_SAM_GREY_LOCK, E0 42 00 00 04 MAC2. Source: card.md 8.1.
type CertificateGreyLock struct{ MAC2 pboc.MAC }

func (x *CertificateGreyLock) layout() apdu.Layout {
	return apdu.Layout{Zh: "PSAM 验证灰锁", En: "CERTIFICATE_SAM_GREY_LOCK",
		Head: head(0xE0, 0x42, apdu.NoLe), Fields: []apdu.Field{mac("MAC2", &x.MAC2)}}
}

// DebitGreyLock is DEBIT_SAM_GREY_LOCK, E0 44 00 00 0F type1 ASN8 CTC2 amt4. Source: card.md 8.1.
type DebitGreyLock struct {
	Type   byte    // TypeUnlockED or TypeUnlockEP
	ASN8   [8]byte // ASN.Factor
	CTC    pboc.CTC
	Amount unit.Fen
}

func (x *DebitGreyLock) layout() apdu.Layout {
	asn8 := apdu.Shown(apdu.Raw("卡号后16位", "ASN8", x.ASN8[:]), func() string { return maskedASN8(x.ASN8) })
	return apdu.Layout{Zh: "PSAM 灰锁扣款", En: "DEBIT_SAM_GREY_LOCK",
		Head:   head(0xE0, 0x44, 8),
		Fields: []apdu.Field{txType(&x.Type), asn8, ctc(&x.CTC), apdu.Money("金额", "amount", &x.Amount, 4)}}
}

// GMACAnswer is GMAC4 PSAM-TAC4, of DEBIT_SAM_GREY_LOCK and of GET_GMAC. Source: card.md 8.1.
type GMACAnswer struct{ GMAC, TAC pboc.MAC }

func (x *GMACAnswer) layout() apdu.Layout {
	return apdu.Layout{Zh: "GMAC 应答", En: "GMAC and PSAM-TAC",
		Fields: []apdu.Field{mac("GMAC", &x.GMAC), mac("PSAM-TAC", &x.TAC)}}
}

// GetGMAC is GET_GMAC, E0 46 00 00 04 TTC4. Source: card.md 8.1.
type GetGMAC struct{ TTC pboc.PSAMTTC }

func (x *GetGMAC) layout() apdu.Layout {
	return apdu.Layout{Zh: "PSAM 取 GMAC", En: "GET_GMAC", Head: head(0xE0, 0x46, 8), Fields: []apdu.Field{ttc(&x.TTC)}}
}

// InitForPurchase is INIT_SAM_FOR_PURCHASE, 80 70 00 00 rand4 CTC2 amt4 type1 date4 time3 keyver1 alg1 ASN8 ISSUER8.
// Source: card.md 8.1.
type InitForPurchase struct {
	Rand       [4]byte
	CTC        pboc.CTC
	Amount     unit.Fen
	Type       byte // TypePurchaseED, TypePurchaseEP, TypeCash or TypeCAPP
	Time       [7]byte
	KeyVersion byte
	Alg        byte
	Factors    Factors
}

func (x *InitForPurchase) layout() apdu.Layout {
	return apdu.Layout{Zh: "PSAM 消费初始化", En: "INIT_SAM_FOR_PURCHASE",
		Head: head(0x80, 0x70, 8),
		Fields: []apdu.Field{random("卡随机数", "card random", &x.Rand), ctc(&x.CTC),
			apdu.Money("金额", "amount", &x.Amount, 4), txType(&x.Type), stamp(&x.Time),
			apdu.Num("密钥版本", "key version", &x.KeyVersion), apdu.Num("算法标识", "algorithm", &x.Alg), factors(&x.Factors, 1)}}
}

// InitForPurchaseAnswer is TTC4 MAC1_4. Source: card.md 8.1, psam_purchase_answer.
type InitForPurchaseAnswer struct {
	TTC  pboc.PSAMTTC
	MAC1 pboc.MAC
}

func (x *InitForPurchaseAnswer) layout() apdu.Layout {
	return apdu.Layout{Zh: "PSAM 消费初始化应答", En: "answer to INIT_SAM_FOR_PURCHASE",
		Fields: []apdu.Field{ttc(&x.TTC), mac("MAC1", &x.MAC1)}}
}

// CreditForPurchase is CREDIT_SAM_FOR_PURCHASE, 80 72 00 00 04 MAC2. Source: card.md 8.1.
type CreditForPurchase struct{ MAC2 pboc.MAC }

func (x *CreditForPurchase) layout() apdu.Layout {
	return apdu.Layout{Zh: "PSAM 验证消费", En: "CREDIT_SAM_FOR_PURCHASE",
		Head: head(0x80, 0x72, apdu.NoLe), Fields: []apdu.Field{mac("MAC2", &x.MAC2)}}
}

// TACData is the string of the PSAM-TAC: amt4 type1 TID6 TTC4 date4 time3; type 93 or 94, Time of the lock. The key is
// the PSAM's own SAMTAC, under Suite.TAC. Source: card.md 5.3, psam_tac_string.
func TACData(amount unit.Fen, txType byte, tid pboc.TID, ttc pboc.PSAMTTC, time [7]byte) []byte {
	b := append(apdu.AppendMoney(nil, int64(amount), 4), txType)
	b = append(b, tid[:]...)
	b = append(b, byte(ttc>>24), byte(ttc>>16), byte(ttc>>8), byte(ttc))
	return append(b, time[:]...)
}

func maskedASN8(b [8]byte) string {
	d := fmt.Sprintf("%X", b)
	return d[:2] + "**********" + d[12:]
}

func head(cla, ins byte, le int) apdu.Head {
	return apdu.Head{CLA: cla, INS: ins, P1: apdu.Fixed(0), P2: apdu.Fixed(0), Le: le}
}

func ctc(p *pboc.CTC) apdu.Field     { return apdu.Num("脱机序号", "CTC", p) }
func ttc(p *pboc.PSAMTTC) apdu.Field { return apdu.Num("PSAM交易序号", "PSAM TTC", p) }
func txType(p *byte) apdu.Field      { return apdu.Num("交易类型", "type", p) }
func stamp(p *[7]byte) apdu.Field    { return apdu.Stamp("日期时间", "date time", p) }

func random(zh, en string, p *[4]byte) apdu.Field { return apdu.Raw(zh, en, p[:]) }
func mac(name string, p *pboc.MAC) apdu.Field     { return apdu.Raw(name, name, p[:]) }
