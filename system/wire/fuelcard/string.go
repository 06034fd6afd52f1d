package fuelcard

import (
	"encoding/binary"

	"greylock/system/wire/apdu"
	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// This file holds every string under a MAC or TAC, once; card, PSAM, terminal and host use the same. Lengths in the
// names are bytes; nothing else enters the MAC. Source of all: card.md 5.3.

// LoadMAC1Data is bal4 amt4 type1 TID6: the card's, under LoadSession of DLK.
func LoadMAC1Data(balance, amount unit.Fen, t TxType, tid pboc.TID) []byte {
	return append(text(nil).fen(balance).fen(amount).typ(t), tid[:]...)
}

// LoadMAC2Data is amt4 type1 TID6 date4 time3: the host's, under the same session.
func LoadMAC2Data(amount unit.Fen, t TxType, tid pboc.TID, time [7]byte) []byte {
	return amountTypeTerminal(nil, amount, t, tid, time)
}

// LoadTACData is newbal4 onlineSN2 amt4 type1 TID6 date4 time3, the serial before its increment: the card's TAC under DTK.
func LoadTACData(newBalance unit.Fen, sn pboc.OnlineSN, amount unit.Fen, t TxType, tid pboc.TID, time [7]byte) []byte {
	return amountTypeTerminal(text(nil).fen(newBalance).two(uint16(sn)), amount, t, tid, time)
}

// PurchaseMAC1Data is amt4 type1 TID6 date4 time3: the PSAM's, under PurchaseSession of DPK. A purchase is of type 05 or
// 06, cash of 04, a compound purchase of 09.
func PurchaseMAC1Data(amount unit.Fen, t TxType, tid pboc.TID, time [7]byte) []byte {
	return amountTypeTerminal(nil, amount, t, tid, time)
}

// PurchaseMAC2Data is amt4: the card's, under the same session.
func PurchaseMAC2Data(amount unit.Fen) []byte { return text(nil).fen(amount) }

// PurchaseTACData is amt4 type1 TID6 TTC4 date4 time3: the card's TAC under DTK.
func PurchaseTACData(amount unit.Fen, t TxType, tid pboc.TID, ttc pboc.PSAMTTC, time [7]byte) []byte {
	return debitTAC(amount, t, tid, ttc, time)
}

// UnloadMAC1Data is bal4 amt4 03 TID6: the card's, under LoadSession of DULK.
func UnloadMAC1Data(balance, amount unit.Fen, tid pboc.TID) []byte {
	return append(text(nil).fen(balance).fen(amount).typ(TypeUnload), tid[:]...)
}

// UnloadMAC2Data is amt4 03 TID6 date4 time3: the host's, under the same session.
func UnloadMAC2Data(amount unit.Fen, tid pboc.TID, time [7]byte) []byte {
	return amountTypeTerminal(nil, amount, TypeUnload, tid, time)
}

// UnloadMAC3Data is newbal4 onlineSN2 amt4 03 TID6 date4 time3, the serial before its increment: the card's, same session.
func UnloadMAC3Data(newBalance unit.Fen, sn pboc.OnlineSN, amount unit.Fen, tid pboc.TID, time [7]byte) []byte {
	return amountTypeTerminal(text(nil).fen(newBalance).two(uint16(sn)), amount, TypeUnload, tid, time)
}

// GreyMAC1Data is 91 TID6 date4 time3: the PSAM's, under GreySession of DPK.
func GreyMAC1Data(t TxType, tid pboc.TID, time [7]byte) []byte {
	return append(append(text(nil).typ(t), tid[:]...), time[:]...)
}

// GreyMAC2Data is bal4 CTC2, the counter before its increment: the card's, under the same session.
func GreyMAC2Data(balance unit.Fen, ctc pboc.CTC) []byte {
	return text(nil).fen(balance).two(uint16(ctc))
}

// GTACData is the string of the card's GTAC under DTK: bal4 CTC2 91 TID6 TTC4 date4 time3, or an alternate of the
// profile. Source: card.md 5.3, 15.4, gtac_string.
func (p Profile) GTACData(balance unit.Fen, ctc pboc.CTC, t TxType, tid pboc.TID, ttc pboc.PSAMTTC, time [7]byte) []byte {
	switch p.GTACString {
	case GTACFMCOSZero:
		return debitTAC(0, t, tid, ttc, time)
	case GTACFMCOSBalance:
		return debitTAC(balance, t, tid, ttc, time)
	}
	b := append(text(nil).fen(balance).two(uint16(ctc)).typ(t), tid[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(ttc))
	return append(b, time[:]...)
}

// GMACData is amt4: the PSAM's authorisation of one amount, under GreySession of DPK.
func GMACData(amount unit.Fen) []byte { return text(nil).fen(amount) }

// UnlockTACData is amt4 93 TID6 TTC4 date4 time3, the values that DEBIT FOR UNLOCK carried: the card's TAC under DTK.
func UnlockTACData(amount unit.Fen, t TxType, tid pboc.TID, ttc pboc.PSAMTTC, time [7]byte) []byte {
	return debitTAC(amount, t, tid, ttc, time)
}

// OnlineMAC1Data is bal4 offlineCTC2 95 TID6, the counter after the lock: the card's, under LoadSession of DUGK.
func OnlineMAC1Data(balance unit.Fen, ctc pboc.CTC, t TxType, tid pboc.TID) []byte {
	return append(text(nil).fen(balance).two(uint16(ctc)).typ(t), tid[:]...)
}

// OnlineMAC2Data is amt4 95 TID6 date4 time3: the host's, under the same session.
func OnlineMAC2Data(amount unit.Fen, t TxType, tid pboc.TID, time [7]byte) []byte {
	return amountTypeTerminal(nil, amount, t, tid, time)
}

// OnlineMAC3Data is newbal4 onlineSN2 amt4 95 TID6 date4 time3, the serial before its increment: the card's, same session.
func OnlineMAC3Data(newBalance unit.Fen, sn pboc.OnlineSN, amount unit.Fen, t TxType, tid pboc.TID, time [7]byte) []byte {
	return amountTypeTerminal(text(nil).fen(newBalance).two(uint16(sn)), amount, t, tid, time)
}

// OverdraftMAC1Data is bal4 oldlimit3 07 TID6: the card's, under LoadSession of DOLK.
func OverdraftMAC1Data(balance, old unit.Fen, tid pboc.TID) []byte {
	return append(text(nil).fen(balance).limit(old).typ(TypeOverdraft), tid[:]...)
}

// OverdraftMAC2Data is newlimit3 07 TID6 date4 time3: the host's, under the same session.
func OverdraftMAC2Data(limit unit.Fen, tid pboc.TID, time [7]byte) []byte {
	return append(append(text(nil).limit(limit).typ(TypeOverdraft), tid[:]...), time[:]...)
}

// OverdraftTACData is newbal4 onlineSN2 newlimit3 07 TID6 date4 time3, the serial before its increment: the card's TAC
// under DTK; Profile.OverdraftTAC says how.
func OverdraftTACData(newBalance unit.Fen, sn pboc.OnlineSN, limit unit.Fen, tid pboc.TID, time [7]byte) []byte {
	return append(append(text(nil).fen(newBalance).two(uint16(sn)).limit(limit).typ(TypeOverdraft), tid[:]...), time[:]...)
}

// ReloadPINData is the new PIN's bytes: the host's MAC under Suite.TAC of DRPK.
func ReloadPINData(p PIN) []byte { return append([]byte(nil), p...) }

// text is a string under construction.
type text []byte

func (s text) fen(f unit.Fen) text   { return apdu.AppendMoney(s, int64(f), 4) }
func (s text) limit(f unit.Fen) text { return apdu.AppendMoney(s, int64(f), 3) }
func (s text) two(v uint16) text     { return binary.BigEndian.AppendUint16(s, v) }
func (s text) typ(t TxType) text     { return append(s, byte(t)) }

func amountTypeTerminal(s text, amount unit.Fen, t TxType, tid pboc.TID, time [7]byte) []byte {
	return append(append(s.fen(amount).typ(t), tid[:]...), time[:]...)
}

func debitTAC(amount unit.Fen, t TxType, tid pboc.TID, ttc pboc.PSAMTTC, time [7]byte) []byte {
	b := append(text(nil).fen(amount).typ(t), tid[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(ttc))
	return append(b, time[:]...)
}
