package samcard

import (
	"fmt"

	"greylock/system/wire/apdu"
)

// Describe names a command to a PSAM and its fields in Chinese and English. Keys and card numbers are masked.
func Describe(c apdu.Command) apdu.Description { return shapes().Describe(c) }

// DescribeAnswer names the answer to a command.
func DescribeAnswer(c apdu.Command, a apdu.Answer) apdu.Description {
	return shapes().DescribeAnswer(c, a)
}

// Hex prints a command for a trace with keys starred.
func Hex(c apdu.Command) string { return shapes().Hex(c) }

// Table is the table of all commands to a PSAM: names, forms, what each may do.
func Table() apdu.Shapes { return shapes() }

func shapes() apdu.Shapes {
	return apdu.Shapes{
		shape[SelectFile](apdu.Reads, nil), shape[SelectName](apdu.Reads, nil), shape[GetResponse](apdu.Reads, nil),
		shape[ReadBinary](apdu.Reads, describeFile), shape[UpdateBinary](apdu.Writes, nil), shape[CreateFile](apdu.Personalises, nil),
		shape[GetChallenge](apdu.Reads, describeBytes), shape[ExternalAuthenticate](apdu.Authenticates, nil), shape[InternalAuthenticate](apdu.Reads, describeBytes),
		shape[InitGreyLock](apdu.Debits, answer[InitGreyLockAnswer]), shape[CertificateGreyLock](apdu.Debits, nil),
		shape[DebitGreyLock](apdu.Debits, answer[GMACAnswer]), shape[GetGMAC](apdu.Debits, answer[GMACAnswer]),
		shape[InitForPurchase](apdu.Debits, answer[InitForPurchaseAnswer]), shape[CreditForPurchase](apdu.Debits, nil),
		shape[DeliveryKey](apdu.Reads, nil), shape[CipherData](apdu.Reads, describeCipher), shape[WriteKey](apdu.Personalises, nil), shape[SetStatus](apdu.Personalises, nil),
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

func describeFile(c apdu.Command, data []byte) (apdu.Description, error) {
	if c.P2 == 0 {
		switch c.P1 &^ 0x80 {
		case SFIPublic:
			return inWords[SAMPublic](data)
		case SFITerminal:
			return inWords[SAMTerminal](data)
		case SFIApp:
			return inWords[SAMApplication](data)
		}
	}
	return apdu.Description{}, fmt.Errorf("samcard: a part of a file")
}

func describeCipher(c apdu.Command, data []byte) (apdu.Description, error) {
	if CipherMode(c.P1)&CipherMAC != 0 {
		return inWords[CipherMACAnswer](data)
	}
	return describeBytes(c, data)
}

func describeBytes(_ apdu.Command, data []byte) (apdu.Description, error) {
	return apdu.Description{Zh: "应答数据", En: "answer data",
		Fields: []apdu.Named{{Zh: "数据", En: "data", Value: fmt.Sprintf("%X", data)}}}, nil
}
