package fuelcard

import (
	"fmt"

	"greylock/system/wire/apdu"
	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// The fields that many commands share.

func purse(p *Purse) apdu.Param               { return apdu.OneTwo("钱包", "purse", p) }
func keyID(p *byte) apdu.Field                { return apdu.Num("密钥索引", "key id", p) }
func keyVersion(p *byte) apdu.Field           { return apdu.Num("密钥版本", "key version", p) }
func alg(p *byte) apdu.Field                  { return apdu.Num("算法标识", "algorithm", p) }
func amount(p *unit.Fen) apdu.Field           { return apdu.Money("金额", "amount", p, 4) }
func balance(p *unit.Fen) apdu.Field          { return apdu.Money("余额", "balance", p, 4) }
func overdraft(p *unit.Fen) apdu.Field        { return apdu.Money("透支限额", "overdraft limit", p, 3) }
func ctc(p *pboc.CTC) apdu.Field              { return apdu.Num("脱机序号", "CTC", p) }
func onlineSN(p *pboc.OnlineSN) apdu.Field    { return apdu.Num("联机序号", "online SN", p) }
func ttc(p *pboc.PSAMTTC) apdu.Field          { return apdu.Num("PSAM交易序号", "PSAM TTC", p) }
func tid(p *pboc.TID) apdu.Field              { return apdu.Raw("终端机编号", "terminal id", p[:]) }
func random(p *[4]byte) apdu.Field            { return apdu.Raw("随机数", "random", p[:]) }
func stamp(p *[7]byte) apdu.Field             { return apdu.Stamp("日期时间", "date time", p) }
func mac(name string, p *pboc.MAC) apdu.Field { return apdu.Raw(name, name, p[:]) }

func txType(p *TxType) apdu.Field {
	return apdu.Shown(apdu.Num("交易类型", "type", p), func() string {
		return fmt.Sprintf("%02X %s", byte(*p), both(p.Words()))
	})
}

func cardNumber(p *pboc.ASN) apdu.Field {
	return apdu.Shown(apdu.Raw("卡号", "card number", p[:]), func() string { return p.String() })
}

func both(zh, en string) string { return zh + " " + en }
