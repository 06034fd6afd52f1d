package pboc

import (
	"encoding/hex"
	"fmt"
	"log/slog"
)

// ASN is a card's or PSAM's application serial number, 20 BCD digits. It prints masked; Digits is the whole number.
// Source: card.md 3.2, 3.8.
type ASN [10]byte

// TID is the terminal number inside a PSAM, 12 BCD digits. Source: card.md 3.8.
type TID [6]byte

// Issuer is ISSUER8, the issuer id of file 0015 and the outer factor of diversification. Source: card.md 3.2.
type Issuer [8]byte

// Counters of equal width that must not be mixed.
type (
	CTC      uint16 // the card's offline transaction counter
	OnlineSN uint16 // the card's online transaction counter
	PSAMTTC  uint32 // the PSAM's transaction counter
)

// MAC is any of the four-byte codes MAC1, MAC2, MAC3, TAC, GTAC, GMAC, PSAM-TAC, T_MAC. Compare with Equal.
type MAC [4]byte

// Factor returns ASN8, the right eight bytes, the diversification factor.
func (a ASN) Factor() (f [8]byte) {
	copy(f[:], a[2:])
	return f
}

// CardType is the card type digit pair inside the number. Source: card.md 3.7, 3.8.
func (a ASN) CardType() byte { return a[2] }

// Digits returns all 20 digits.
func (a ASN) Digits() string { return fmt.Sprintf("%X", a[:]) }

// String masks the middle digits.
func (a ASN) String() string {
	d := a.Digits()
	return d[:6] + "**********" + d[16:]
}

// LogValue masks the number in logs.
func (a ASN) LogValue() slog.Value { return slog.StringValue(a.String()) }

// MarshalText writes all digits: journals and batches need the whole number.
func (a ASN) MarshalText() ([]byte, error) { return []byte(a.Digits()), nil }

// UnmarshalText reads 20 digits.
func (a *ASN) UnmarshalText(b []byte) error { return digits(a[:], b, "card number") }

// ParseASN reads 20 digits.
func ParseASN(s string) (a ASN, err error) {
	err = a.UnmarshalText([]byte(s))
	return a, err
}

// String returns the 12 digits.
func (t TID) String() string { return fmt.Sprintf("%X", t[:]) }

// MarshalText writes the digits.
func (t TID) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads 12 digits.
func (t *TID) UnmarshalText(b []byte) error { return digits(t[:], b, "terminal number") }

// ParseTID reads 12 digits.
func ParseTID(s string) (t TID, err error) {
	err = t.UnmarshalText([]byte(s))
	return t, err
}

// String returns 16 hexadecimal digits.
func (i Issuer) String() string { return fmt.Sprintf("%X", i[:]) }

// MarshalText writes 16 hexadecimal digits.
func (i Issuer) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads 16 hexadecimal digits.
func (i *Issuer) UnmarshalText(b []byte) error { return fixed(i[:], b, "issuer id") }

// String returns eight hexadecimal digits.
func (m MAC) String() string { return fmt.Sprintf("%X", m[:]) }

// MarshalText writes eight hexadecimal digits.
func (m MAC) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads eight hexadecimal digits.
func (m *MAC) UnmarshalText(b []byte) error { return fixed(m[:], b, "MAC") }

func digits(dst, text []byte, what string) error {
	for i, c := range text {
		if c < '0' || c > '9' {
			return fmt.Errorf("pboc: %s: character %d is no digit", what, i+1)
		}
	}
	return fixed(dst, text, what)
}

func fixed(dst, text []byte, what string) error {
	if len(text) != 2*len(dst) {
		return fmt.Errorf("pboc: %s has %d characters, want %d", what, len(text), 2*len(dst))
	}
	if _, err := hex.Decode(dst, text); err != nil {
		return fmt.Errorf("pboc: %s: %w", what, err)
	}
	return nil
}
