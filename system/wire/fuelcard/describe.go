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

// Table is the table of all commands to a user card: names, forms, what each may do.
func Table() apdu.Shapes { return shapes() }

// shapes is the table of all commands; where two could match, the stricter comes first.
func shapes() apdu.Shapes {
	return apdu.Shapes{
		shape[SelectFile](apdu.Reads, describeFCI), shape[SelectName](apdu.Reads, describeFCI), shape[GetResponse](apdu.Reads, nil),
		shape[ReadBinary](apdu.Reads, describeFile), shape[UpdateBinary](apdu.Writes, nil), shape[SecureUpdateBinary](apdu.Writes, nil),
		shape[ReadRecord](apdu.Reads, describeRecord), shape[AppendRecord](apdu.Writes, nil), shape[SecureAppendRecord](apdu.Writes, nil),
		shape[UpdateRecord](apdu.Writes, nil), shape[SecureUpdateRecord](apdu.Writes, nil),
		shape[GetChallenge](apdu.Reads, describeChallenge), shape[ExternalAuthenticate](apdu.Authenticates, nil), shape[InternalAuthenticate](apdu.Reads, describeCipher),
		shape[Verify](apdu.PINs, nil), shape[ChangePIN](apdu.PINs, nil), shape[ReloadPIN](apdu.PINs, nil), shape[PINUnblock](apdu.PINs, nil),
		shape[ApplicationBlock](apdu.Blocks, nil), shape[ApplicationUnblock](apdu.Blocks, nil), shape[CardBlock](apdu.Blocks, nil),
		shape[GetBalance](apdu.Reads, answer[BalanceAnswer]), shape[GetTransactionProve](apdu.Reads, answer[TransactionProveAnswer]),
		shape[InitForLoad](apdu.Loads, answer[InitForLoadAnswer]), shape[CreditForLoad](apdu.Loads, answer[CreditForLoadAnswer]),
		shape[InitForPurchase](apdu.Debits, answer[InitForPurchaseAnswer]), shape[DebitForPurchase](apdu.Debits, answer[DebitForPurchaseAnswer]),
		shape[InitForUnload](apdu.Debits, answer[InitForUnloadAnswer]), shape[DebitForUnload](apdu.Debits, answer[DebitForUnloadAnswer]),
		shape[InitForCash](apdu.Debits, answer[InitForCashAnswer]),
		shape[InitForCAPP](apdu.Debits, answer[InitForCAPPAnswer]), shape[UpdateCAPPCache](apdu.Debits, nil),
		shape[InitForUpdate](apdu.Writes, answer[InitForUpdateAnswer]), shape[UpdateOverdraw](apdu.Writes, answer[UpdateOverdrawAnswer]),
		shape[InitGreyLock](apdu.Debits, answer[InitGreyLockAnswer]), shape[GreyLock](apdu.Debits, answer[GreyLockAnswer]),
		shape[DebitForUnlock](apdu.Debits, answer[DebitForUnlockAnswer]),
		shape[InitGreyUnlock](apdu.Debits, answer[InitGreyUnlockAnswer]), shape[GreyUnlock](apdu.Debits, answer[GreyUnlockAnswer]),
		shape[GetLockProof](apdu.Reads, answer[LockProof]), shape[ClearTACUF](apdu.Debits, nil),
		shape[CreateFile](apdu.Personalises, nil), shape[WriteKey](apdu.Personalises, nil), shape[SecureWriteKey](apdu.Personalises, nil),
	}
}

func shape[T any, P described[T]](act apdu.Act, answer func(apdu.Command, []byte) (apdu.Description, error)) apdu.Shape {
	return apdu.Shape{Layout: func() apdu.Layout { return P(new(T)).layout() }, Act: act, Answer: answer}
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
		case SFIVessel:
			return inWords[VesselData](data)
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
