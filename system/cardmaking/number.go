package cardmaking

import (
	"encoding/hex"
	"fmt"

	"greylock/system/wire/pboc"
)

// kindPSAM is the type of a PSAM in its number. Source: card.md 3.7, 3.8.
const kindPSAM byte = 0x10

// Serials have nine digits in a number, eight in a TID; none is 0. Source: card.md 3.8.
const (
	cardSerialMax = 999_999_999
	psamSerialMax = 99_999_999
)

// Number composes a card or PSAM number: 0100 type2 1 province2 00 serial9; type and province are BCD, 1 is the key version.
// Source: card.md 3.8.
func Number(kind, province byte, serial uint32) (pboc.ASN, error) {
	if serial == 0 || serial > cardSerialMax {
		return pboc.ASN{}, fmt.Errorf("serial %d: %w", serial, ErrNumbers)
	}
	return pboc.ParseASN(fmt.Sprintf("0100%02X1%02X00%09d", kind, province, serial))
}

// Split takes a number apart.
func Split(asn pboc.ASN) (kind, province byte, serial uint32) {
	for _, b := range asn[5:] {
		serial = serial*100 + uint32(b>>4)*10 + uint32(b&15)
	}
	// The serial's nine digits begin in the low nibble of byte 5; its high nibble is the second 0 before it.
	return asn[2], asn[3]<<4 | asn[4]>>4, serial % (cardSerialMax + 1)
}

// terminalNumber composes a TID: prefix2 province2 serial8. Source: card.md 3.8.
func terminalNumber(prefix, province byte, serial uint32) (pboc.TID, error) {
	if serial == 0 || serial > psamSerialMax {
		return pboc.TID{}, fmt.Errorf("serial %d: %w", serial, ErrNumbers)
	}
	return pboc.ParseTID(fmt.Sprintf("%02X%02X%08d", prefix, province, serial))
}

// date reads YYYYMMDD into the four bytes of a card.
func date(s string) (d [4]byte, err error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(d) {
		return d, fmt.Errorf("日期 %q 应为 YYYYMMDD (a date is YYYYMMDD)", s)
	}
	copy(d[:], b)
	for _, v := range d {
		if v>>4 > 9 || v&15 > 9 {
			return d, fmt.Errorf("日期 %q 应为 YYYYMMDD (a date is YYYYMMDD)", s)
		}
	}
	return d, nil
}
