package fuelcard

import (
	"fmt"

	"greylock/system/wire/apdu"
)

// Describe names a command to a user card and its fields in Chinese and English. PINs, keys and card numbers are masked.
func Describe(c apdu.Command) apdu.Description { return shapes().Describe(c) }

// DescribeAnswer names the answer to a command.
func DescribeAnswer(c apdu.Command, a apdu.Answer) apdu.Description {
	return shapes().DescribeAnswer(c, a)
}

// Hex prints a command for a trace with PINs and keys starred.
func Hex(c apdu.Command) string { return shapes().Hex(c) }

// shapes is the table of all commands; where two could match, the stricter comes first.
func shapes() apdu.Shapes {
	return apdu.Shapes{
		shape[SelectFile](describeFCI), shape[SelectName](describeFCI), shape[GetResponse](nil),
		shape[ReadBinary](describeFile), shape[UpdateBinary](nil), shape[SecureUpdateBinary](nil),
		shape[ReadRecord](describeRecord), shape[AppendRecord](nil), shape[SecureAppendRecord](nil),
		shape[UpdateRecord](nil), shape[SecureUpdateRecord](nil),
		shape[GetChallenge](describeChallenge), shape[ExternalAuthenticate](nil), shape[InternalAuthenticate](describeCipher),
		shape[Verify](nil), shape[ChangePIN](nil), shape[ReloadPIN](nil), shape[PINUnblock](nil),
		shape[ApplicationBlock](nil), shape[ApplicationUnblock](nil), shape[CardBlock](nil),
		shape[GetBalance](answer[BalanceAnswer]), shape[GetTransactionProve](answer[TransactionProveAnswer]),
		shape[InitForLoad](answer[InitForLoadAnswer]), shape[CreditForLoad](answer[CreditForLoadAnswer]),
		shape[InitForPurchase](answer[InitForPurchaseAnswer]), shape[DebitForPurchase](answer[DebitForPurchaseAnswer]),
		shape[InitForUnload](answer[InitForUnloadAnswer]), shape[DebitForUnload](answer[DebitForUnloadAnswer]),
		shape[InitForCash](answer[InitForCashAnswer]),
		shape[InitForCAPP](answer[InitForCAPPAnswer]), shape[UpdateCAPPCache](nil),
		shape[InitForUpdate](answer[InitForUpdateAnswer]), shape[UpdateOverdraw](answer[UpdateOverdrawAnswer]),
		shape[InitGreyLock](answer[InitGreyLockAnswer]), shape[GreyLock](answer[GreyLockAnswer]),
		shape[DebitForUnlock](answer[DebitForUnlockAnswer]),
		shape[InitGreyUnlock](answer[InitGreyUnlockAnswer]), shape[GreyUnlock](answer[GreyUnlockAnswer]),
		shape[GetLockProof](answer[LockProof]), shape[ClearTACUF](nil),
		shape[CreateFile](nil), shape[WriteKey](nil), shape[SecureWriteKey](nil),
	}
}

func shape[T any, P described[T]](answer func(apdu.Command, []byte) (apdu.Description, error)) apdu.Shape {
	return apdu.Shape{Layout: func() apdu.Layout { return P(new(T)).layout() }, Answer: answer}
}

func answer[T any, P described[T]](_ apdu.Command, data []byte) (apdu.Description, error) {
	return inWords[T, P](data)
}

func inWords[T any, P described[T]](data []byte) (apdu.Description, error) {
	x := P(new(T))
	if err := x.layout().Read(data); err != nil {
		return apdu.Description{}, err
	}
	return x.layout().Describe(), nil
}

func describeFCI(_ apdu.Command, data []byte) (apdu.Description, error) {
	f, err := ParseFCI(data)
	if err != nil {
		return apdu.Description{}, err
	}
	d := apdu.Description{Zh: "文件控制信息", En: "FCI", Fields: []apdu.Named{{Zh: "名称", En: "name", Value: name(f.Name)}}}
	if p, err := inWords[PublicData](f.Public); err == nil {
		d.Fields = append(d.Fields, p.Fields...)
	}
	return d, nil
}

func describeFile(c apdu.Command, data []byte) (apdu.Description, error) {
	if c.P2 == 0 {
		switch c.P1 &^ 0x80 {
		case SFIPublic:
			return inWords[PublicData](data)
		case SFIHolder:
			return inWords[HolderData](data)
		case SFIOrdinary:
			return inWords[OrdinaryData](data)
		case SFILimits:
			return inWords[Limits](data)
		}
	}
	return apdu.Description{}, fmt.Errorf("fuelcard: a part of a file")
}

func describeRecord(c apdu.Command, data []byte) (apdu.Description, error) {
	if c.P2>>3 != SFILog {
		return apdu.Description{}, fmt.Errorf("fuelcard: no log record")
	}
	return inWords[LogRecord](data)
}

func describeChallenge(_ apdu.Command, data []byte) (apdu.Description, error) {
	return apdu.Description{Zh: "随机数", En: "challenge",
		Fields: []apdu.Named{{Zh: "随机数", En: "random", Value: fmt.Sprintf("%X", data)}}}, nil
}

func describeCipher(_ apdu.Command, data []byte) (apdu.Description, error) {
	return apdu.Description{Zh: "内部认证应答", En: "answer to INTERNAL AUTHENTICATION",
		Fields: []apdu.Named{{Zh: "密文", En: "cipher", Value: fmt.Sprintf("%X", data)}}}, nil
}
