package fuelcard

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
func (x SecureUpdateBinary) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x ReadRecord) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x AppendRecord) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x CreateFile) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x WriteKey) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x SecureWriteKey) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x InitGreyLock) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x GreyLock) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x DebitForUnlock) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x InitGreyUnlock) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x GreyUnlock) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x GetLockProof) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x ClearTACUF) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x GetBalance) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x InitForLoad) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x CreditForLoad) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x InitForPurchase) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x DebitForPurchase) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x InitForUnload) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x DebitForUnload) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x GetTransactionProve) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x GetChallenge) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x ExternalAuthenticate) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x InternalAuthenticate) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x Verify) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x ChangePIN) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x ReloadPIN) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x PINUnblock) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x ApplicationBlock) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x ApplicationUnblock) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x CardBlock) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x GetResponse) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x SecureAppendRecord) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x UpdateRecord) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x SecureUpdateRecord) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x InitForCash) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x InitForCAPP) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x UpdateCAPPCache) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x InitForUpdate) Command() apdu.Command { return x.layout().Command() }

// Command encodes.
func (x UpdateOverdraw) Command() apdu.Command { return x.layout().Command() }

// Bytes encodes.
func (x PublicData) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x HolderData) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x OrdinaryData) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x Limits) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x GasLimits) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x LogRecord) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x DFSpec) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x BinarySpec) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x CyclicSpec) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x PurseSpec) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x KeyFileSpec) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x KeyRecord) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x InitGreyLockAnswer) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x GreyLockAnswer) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x DebitForUnlockAnswer) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x InitGreyUnlockAnswer) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x GreyUnlockAnswer) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x LockProof) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x BalanceAnswer) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x InitForLoadAnswer) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x CreditForLoadAnswer) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x InitForPurchaseAnswer) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x DebitForPurchaseAnswer) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x InitForUnloadAnswer) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x DebitForUnloadAnswer) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x TransactionProveAnswer) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x InitForCashAnswer) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x InitForCAPPAnswer) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x InitForUpdateAnswer) Bytes() []byte { return x.layout().Bytes() }

// Bytes encodes.
func (x UpdateOverdrawAnswer) Bytes() []byte { return x.layout().Bytes() }

// ParseSelectFile decodes.
func ParseSelectFile(c apdu.Command) (SelectFile, error) { return parse[SelectFile](c) }

// ParseSelectName decodes.
func ParseSelectName(c apdu.Command) (SelectName, error) { return parse[SelectName](c) }

// ParseReadBinary decodes.
func ParseReadBinary(c apdu.Command) (ReadBinary, error) { return parse[ReadBinary](c) }

// ParseUpdateBinary decodes.
func ParseUpdateBinary(c apdu.Command) (UpdateBinary, error) { return parse[UpdateBinary](c) }

// ParseSecureUpdateBinary decodes.
func ParseSecureUpdateBinary(c apdu.Command) (SecureUpdateBinary, error) {
	return parse[SecureUpdateBinary](c)
}

// ParseReadRecord decodes.
func ParseReadRecord(c apdu.Command) (ReadRecord, error) { return parse[ReadRecord](c) }

// ParseAppendRecord decodes.
func ParseAppendRecord(c apdu.Command) (AppendRecord, error) { return parse[AppendRecord](c) }

// ParseCreateFile decodes.
func ParseCreateFile(c apdu.Command) (CreateFile, error) { return parse[CreateFile](c) }

// ParseWriteKey decodes.
func ParseWriteKey(c apdu.Command) (WriteKey, error) { return parse[WriteKey](c) }

// ParseSecureWriteKey decodes.
func ParseSecureWriteKey(c apdu.Command) (SecureWriteKey, error) { return parse[SecureWriteKey](c) }

// ParseInitGreyLock decodes.
func ParseInitGreyLock(c apdu.Command) (InitGreyLock, error) { return parse[InitGreyLock](c) }

// ParseGreyLock decodes.
func ParseGreyLock(c apdu.Command) (GreyLock, error) { return parse[GreyLock](c) }

// ParseDebitForUnlock decodes.
func ParseDebitForUnlock(c apdu.Command) (DebitForUnlock, error) { return parse[DebitForUnlock](c) }

// ParseInitGreyUnlock decodes.
func ParseInitGreyUnlock(c apdu.Command) (InitGreyUnlock, error) { return parse[InitGreyUnlock](c) }

// ParseGreyUnlock decodes.
func ParseGreyUnlock(c apdu.Command) (GreyUnlock, error) { return parse[GreyUnlock](c) }

// ParseGetLockProof decodes.
func ParseGetLockProof(c apdu.Command) (GetLockProof, error) { return parse[GetLockProof](c) }

// ParseClearTACUF decodes.
func ParseClearTACUF(c apdu.Command) (ClearTACUF, error) { return parse[ClearTACUF](c) }

// ParseGetBalance decodes.
func ParseGetBalance(c apdu.Command) (GetBalance, error) { return parse[GetBalance](c) }

// ParseInitForLoad decodes.
func ParseInitForLoad(c apdu.Command) (InitForLoad, error) { return parse[InitForLoad](c) }

// ParseCreditForLoad decodes.
func ParseCreditForLoad(c apdu.Command) (CreditForLoad, error) { return parse[CreditForLoad](c) }

// ParseInitForPurchase decodes.
func ParseInitForPurchase(c apdu.Command) (InitForPurchase, error) { return parse[InitForPurchase](c) }

// ParseDebitForPurchase decodes.
func ParseDebitForPurchase(c apdu.Command) (DebitForPurchase, error) {
	return parse[DebitForPurchase](c)
}

// ParseInitForUnload decodes.
func ParseInitForUnload(c apdu.Command) (InitForUnload, error) { return parse[InitForUnload](c) }

// ParseDebitForUnload decodes.
func ParseDebitForUnload(c apdu.Command) (DebitForUnload, error) { return parse[DebitForUnload](c) }

// ParseGetTransactionProve decodes.
func ParseGetTransactionProve(c apdu.Command) (GetTransactionProve, error) {
	return parse[GetTransactionProve](c)
}

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

// ParseVerify decodes.
func ParseVerify(c apdu.Command) (Verify, error) { return parse[Verify](c) }

// ParseChangePIN decodes.
func ParseChangePIN(c apdu.Command) (ChangePIN, error) { return parse[ChangePIN](c) }

// ParseReloadPIN decodes.
func ParseReloadPIN(c apdu.Command) (ReloadPIN, error) { return parse[ReloadPIN](c) }

// ParsePINUnblock decodes.
func ParsePINUnblock(c apdu.Command) (PINUnblock, error) { return parse[PINUnblock](c) }

// ParseApplicationBlock decodes.
func ParseApplicationBlock(c apdu.Command) (ApplicationBlock, error) {
	return parse[ApplicationBlock](c)
}

// ParseApplicationUnblock decodes.
func ParseApplicationUnblock(c apdu.Command) (ApplicationUnblock, error) {
	return parse[ApplicationUnblock](c)
}

// ParseCardBlock decodes.
func ParseCardBlock(c apdu.Command) (CardBlock, error) { return parse[CardBlock](c) }

// ParseGetResponse decodes.
func ParseGetResponse(c apdu.Command) (GetResponse, error) { return parse[GetResponse](c) }

// ParseSecureAppendRecord decodes.
func ParseSecureAppendRecord(c apdu.Command) (SecureAppendRecord, error) {
	return parse[SecureAppendRecord](c)
}

// ParseUpdateRecord decodes.
func ParseUpdateRecord(c apdu.Command) (UpdateRecord, error) { return parse[UpdateRecord](c) }

// ParseSecureUpdateRecord decodes.
func ParseSecureUpdateRecord(c apdu.Command) (SecureUpdateRecord, error) {
	return parse[SecureUpdateRecord](c)
}

// ParseInitForCash decodes.
func ParseInitForCash(c apdu.Command) (InitForCash, error) { return parse[InitForCash](c) }

// ParseInitForCAPP decodes.
func ParseInitForCAPP(c apdu.Command) (InitForCAPP, error) { return parse[InitForCAPP](c) }

// ParseUpdateCAPPCache decodes.
func ParseUpdateCAPPCache(c apdu.Command) (UpdateCAPPCache, error) { return parse[UpdateCAPPCache](c) }

// ParseInitForUpdate decodes.
func ParseInitForUpdate(c apdu.Command) (InitForUpdate, error) { return parse[InitForUpdate](c) }

// ParseUpdateOverdraw decodes.
func ParseUpdateOverdraw(c apdu.Command) (UpdateOverdraw, error) { return parse[UpdateOverdraw](c) }

// ParsePublicData decodes.
func ParsePublicData(b []byte) (PublicData, error) { return read[PublicData](b) }

// ParseHolderData decodes.
func ParseHolderData(b []byte) (HolderData, error) { return read[HolderData](b) }

// ParseOrdinaryData decodes.
func ParseOrdinaryData(b []byte) (OrdinaryData, error) { return read[OrdinaryData](b) }

// ParseLimits decodes.
func ParseLimits(b []byte) (Limits, error) { return read[Limits](b) }

// ParseGasLimits decodes.
func ParseGasLimits(b []byte) (GasLimits, error) { return read[GasLimits](b) }

// ParseLogRecord decodes.
func ParseLogRecord(b []byte) (LogRecord, error) { return read[LogRecord](b) }

// ParseDFSpec decodes.
func ParseDFSpec(b []byte) (DFSpec, error) { return read[DFSpec](b) }

// ParseBinarySpec decodes.
func ParseBinarySpec(b []byte) (BinarySpec, error) { return read[BinarySpec](b) }

// ParseCyclicSpec decodes.
func ParseCyclicSpec(b []byte) (CyclicSpec, error) { return read[CyclicSpec](b) }

// ParsePurseSpec decodes.
func ParsePurseSpec(b []byte) (PurseSpec, error) { return read[PurseSpec](b) }

// ParseKeyFileSpec decodes.
func ParseKeyFileSpec(b []byte) (KeyFileSpec, error) { return read[KeyFileSpec](b) }

// ParseKeyRecord decodes.
func ParseKeyRecord(b []byte) (KeyRecord, error) { return read[KeyRecord](b) }

// ParseInitGreyLockAnswer decodes.
func ParseInitGreyLockAnswer(b []byte) (InitGreyLockAnswer, error) {
	return read[InitGreyLockAnswer](b)
}

// ParseGreyLockAnswer decodes.
func ParseGreyLockAnswer(b []byte) (GreyLockAnswer, error) { return read[GreyLockAnswer](b) }

// ParseDebitForUnlockAnswer decodes.
func ParseDebitForUnlockAnswer(b []byte) (DebitForUnlockAnswer, error) {
	return read[DebitForUnlockAnswer](b)
}

// ParseInitGreyUnlockAnswer decodes.
func ParseInitGreyUnlockAnswer(b []byte) (InitGreyUnlockAnswer, error) {
	return read[InitGreyUnlockAnswer](b)
}

// ParseGreyUnlockAnswer decodes.
func ParseGreyUnlockAnswer(b []byte) (GreyUnlockAnswer, error) { return read[GreyUnlockAnswer](b) }

// ParseLockProof decodes.
func ParseLockProof(b []byte) (LockProof, error) { return read[LockProof](b) }

// ParseBalanceAnswer decodes.
func ParseBalanceAnswer(b []byte) (BalanceAnswer, error) { return read[BalanceAnswer](b) }

// ParseInitForLoadAnswer decodes.
func ParseInitForLoadAnswer(b []byte) (InitForLoadAnswer, error) { return read[InitForLoadAnswer](b) }

// ParseCreditForLoadAnswer decodes.
func ParseCreditForLoadAnswer(b []byte) (CreditForLoadAnswer, error) {
	return read[CreditForLoadAnswer](b)
}

// ParseInitForPurchaseAnswer decodes.
func ParseInitForPurchaseAnswer(b []byte) (InitForPurchaseAnswer, error) {
	return read[InitForPurchaseAnswer](b)
}

// ParseDebitForPurchaseAnswer decodes.
func ParseDebitForPurchaseAnswer(b []byte) (DebitForPurchaseAnswer, error) {
	return read[DebitForPurchaseAnswer](b)
}

// ParseInitForUnloadAnswer decodes.
func ParseInitForUnloadAnswer(b []byte) (InitForUnloadAnswer, error) {
	return read[InitForUnloadAnswer](b)
}

// ParseDebitForUnloadAnswer decodes.
func ParseDebitForUnloadAnswer(b []byte) (DebitForUnloadAnswer, error) {
	return read[DebitForUnloadAnswer](b)
}

// ParseTransactionProveAnswer decodes.
func ParseTransactionProveAnswer(b []byte) (TransactionProveAnswer, error) {
	return read[TransactionProveAnswer](b)
}

// ParseInitForCashAnswer decodes.
func ParseInitForCashAnswer(b []byte) (InitForCashAnswer, error) { return read[InitForCashAnswer](b) }

// ParseInitForCAPPAnswer decodes.
func ParseInitForCAPPAnswer(b []byte) (InitForCAPPAnswer, error) { return read[InitForCAPPAnswer](b) }

// ParseInitForUpdateAnswer decodes.
func ParseInitForUpdateAnswer(b []byte) (InitForUpdateAnswer, error) {
	return read[InitForUpdateAnswer](b)
}

// ParseUpdateOverdrawAnswer decodes.
func ParseUpdateOverdrawAnswer(b []byte) (UpdateOverdrawAnswer, error) {
	return read[UpdateOverdrawAnswer](b)
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
