package samcard

import "greylock/system/wire/apdu"

// One line per command, answer and file: how each is encoded and decoded. The layouts say what is in them.

// Command encodes.
func (x SelectFile) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x SelectName) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x ReadBinary) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x UpdateBinary) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x CreateFile) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x GetChallenge) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x ExternalAuthenticate) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x InternalAuthenticate) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x DeliveryKey) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x CipherData) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x WriteKey) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x SetStatus) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x InitGreyLock) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x CertificateGreyLock) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x DebitGreyLock) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x GetGMAC) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x InitForPurchase) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x CreditForPurchase) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x GetResponse) Command() apdu.Command { return x.layout().Command() }

// Bytes encodes.
func (x CipherMACAnswer) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x KeyRecord) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x SAMPublic) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x SAMTerminal) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x SAMApplication) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x InitGreyLockAnswer) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x GMACAnswer) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x InitForPurchaseAnswer) Bytes() []byte { return x.layout().Bytes() }

// ParseSelectFile decodes.
func ParseSelectFile(c apdu.Command) (SelectFile, error) { return parse[SelectFile](c) }

// ParseSelectName decodes.
func ParseSelectName(c apdu.Command) (SelectName, error) { return parse[SelectName](c) }

// ParseReadBinary decodes.
func ParseReadBinary(c apdu.Command) (ReadBinary, error) { return parse[ReadBinary](c) }

// ParseUpdateBinary decodes.
func ParseUpdateBinary(c apdu.Command) (UpdateBinary, error) { return parse[UpdateBinary](c) }

// ParseCreateFile decodes.
func ParseCreateFile(c apdu.Command) (CreateFile, error) { return parse[CreateFile](c) }

// ParseGetChallenge decodes.
func ParseGetChallenge(c apdu.Command) (GetChallenge, error) { return parse[GetChallenge](c) }

// ParseExternalAuthenticate decodes.
func ParseExternalAuthenticate(c apdu.Command) (ExternalAuthenticate, error) {
	return parse[ExternalAuthenticate](c)
}

// ParseInternalAuthenticate decodes.
func ParseInternalAuthenticate(c apdu.Command) (InternalAuthenticate, error) {
	return parse[InternalAuthenticate](c)
}

// ParseDeliveryKey decodes.
func ParseDeliveryKey(c apdu.Command) (DeliveryKey, error) { return parse[DeliveryKey](c) }

// ParseCipherData decodes.
func ParseCipherData(c apdu.Command) (CipherData, error) { return parse[CipherData](c) }

// ParseWriteKey decodes.
func ParseWriteKey(c apdu.Command) (WriteKey, error) { return parse[WriteKey](c) }

// ParseSetStatus decodes.
func ParseSetStatus(c apdu.Command) (SetStatus, error) { return parse[SetStatus](c) }

// ParseInitGreyLock decodes.
func ParseInitGreyLock(c apdu.Command) (InitGreyLock, error) { return parse[InitGreyLock](c) }

// ParseCertificateGreyLock decodes.
func ParseCertificateGreyLock(c apdu.Command) (CertificateGreyLock, error) {
	return parse[CertificateGreyLock](c)
}

// ParseDebitGreyLock decodes.
func ParseDebitGreyLock(c apdu.Command) (DebitGreyLock, error) { return parse[DebitGreyLock](c) }

// ParseGetGMAC decodes.
func ParseGetGMAC(c apdu.Command) (GetGMAC, error) { return parse[GetGMAC](c) }

// ParseInitForPurchase decodes.
func ParseInitForPurchase(c apdu.Command) (InitForPurchase, error) { return parse[InitForPurchase](c) }

// ParseCreditForPurchase decodes.
func ParseCreditForPurchase(c apdu.Command) (CreditForPurchase, error) {
	return parse[CreditForPurchase](c)
}

// ParseGetResponse decodes.
func ParseGetResponse(c apdu.Command) (GetResponse, error) { return parse[GetResponse](c) }

// ParseCipherMACAnswer decodes.
func ParseCipherMACAnswer(b []byte) (CipherMACAnswer, error) { return read[CipherMACAnswer](b) }

// ParseKeyRecord decodes.
func ParseKeyRecord(b []byte) (KeyRecord, error) { return read[KeyRecord](b) }

// ParseSAMPublic decodes.
func ParseSAMPublic(b []byte) (SAMPublic, error) { return read[SAMPublic](b) }

// ParseSAMTerminal decodes.
func ParseSAMTerminal(b []byte) (SAMTerminal, error) { return read[SAMTerminal](b) }

// ParseSAMApplication decodes.
func ParseSAMApplication(b []byte) (SAMApplication, error) { return read[SAMApplication](b) }

// ParseInitGreyLockAnswer decodes.
func ParseInitGreyLockAnswer(b []byte) (InitGreyLockAnswer, error) {
	return read[InitGreyLockAnswer](b)
}

// ParseGMACAnswer decodes.
func ParseGMACAnswer(b []byte) (GMACAnswer, error) { return read[GMACAnswer](b) }

// ParseInitForPurchaseAnswer decodes.
func ParseInitForPurchaseAnswer(b []byte) (InitForPurchaseAnswer, error) {
	return read[InitForPurchaseAnswer](b)
}

type described[T any] interface {
	*T
	layout() apdu.Layout
}

func parse[T any, P described[T]](c apdu.Command) (T, error) {
	var x, none T
	if err := P(&x).layout().ReadCommand(c); err != nil {
		return none, err
	}
	return x, nil
}

func read[T any, P described[T]](b []byte) (T, error) {
	var x, none T
	if err := P(&x).layout().Read(b); err != nil {
		return none, err
	}
	return x, nil
}
