package fuelcard

import (
	"fmt"

	"greylock/system/wire/pboc"
)

// What flags do to bytes that more than one side computes.

// PINFits applies pin_length to the number of bytes of a PIN. Source: card.md 6.2.
func (p Profile) PINFits(n int) bool {
	switch p.PINLength {
	case PIN3:
		return n == 3
	case PIN2:
		return n == 2
	}
	return minPIN <= n && n <= maxPIN
}

// OverdraftTAC is the card's TAC of UPDATE OVERDRAW LIMIT over OverdraftTACData: under the TAC key as everywhere, or MAC_R
// with IV 0 under DTK as it is. Source: card.md 5.1, overdraft_tac_key; MAC_R as the form of "directly" [ours].
func (p Profile) OverdraftTAC(s pboc.Suite, dtk pboc.Key, data []byte) pboc.MAC {
	if p.OverdraftTACKey == OverdraftDirect {
		return s.TMAC(dtk, data)
	}
	return s.TAC(dtk, data)
}

// TMACData is the stretch of an upload record that T_MAC covers: bytes 0..90, or 95 bytes with zeros in the place of
// T_MAC itself. It panics for a record shorter than 91 bytes. Source: card.md section 14, tmac_span; the zeros [ours].
func (p Profile) TMACData(record []byte) []byte {
	const own = 91
	return append(append([]byte(nil), record[:own]...), make([]byte, max(p.TMACSpan-own, 0))...)
}

// TMACKey is the key with which Suite.TMAC, and Suite.BlockMAC inside a PSAM, make T_MAC by the profile's algorithm: MAC_R
// under equal halves is single DES. SM4 has one form only. Source: card.md section 14, tmac_alg.
func (p Profile) TMACKey(s pboc.Suite, k pboc.Key) pboc.Key {
	if s.Alg() != pboc.AlgTDES {
		return k
	}
	left := [8]byte(k[:8])
	switch p.TMACAlg {
	case TMACXOR:
		for i := range left {
			left[i] ^= k[8+i]
		}
	case TMACDESLeft:
	default:
		return k
	}
	copy(k[:8], left[:])
	copy(k[8:], left[:])
	return k
}

// Printed is a card number as a card or a screen shows it to its holder: 19 digits without the leading 0, and where the
// profile wants one a Luhn digit behind a hyphen. It is the whole number: never for a log. Source: card.md 3.8, check_digit.
func (p Profile) Printed(asn pboc.ASN) string {
	d := asn.Digits()[1:]
	if p.CheckDigit != CheckLuhn {
		return d
	}
	return fmt.Sprintf("%s-%d", d, luhn(d))
}

// luhn is the digit that makes the sum of ISO/IEC 7812-1 a multiple of ten.
func luhn(digits string) int {
	sum := 0
	for i := range digits {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			d = d*2/10 + d*2%10
		}
		sum += d
	}
	return (10 - sum%10) % 10
}

// UnlockTTC is the TTC that DEBIT FOR UNLOCK carries, and that the card's TAC covers: the lock's, or one more.
// Source: card.md 5.3, ctc_plus_one.
func (p Profile) UnlockTTC(lock pboc.PSAMTTC) pboc.PSAMTTC {
	if p.CTCPlusOne {
		return lock + 1
	}
	return lock
}

// TTypeTAC is the bit of T_TYPE that says that the TAC is good. Source: card.md section 14, ttype_tac_bit.
func (p Profile) TTypeTAC() byte { return 1 << p.TTypeTACBit }

// CTypeOf is C_TYPE of an upload record about a card of ours: 0, the petrol family, or the card type of its number.
// Source: card.md section 14, 3.7, c_type.
func (p Profile) CTypeOf(asn pboc.ASN) byte {
	if p.CType == CTypeKind {
		return asn.CardType()
	}
	return 0
}
