package vault

import (
	"fmt"
	"slices"

	"greylock/system/wire/record"
)

// knownTest are check values of the canned training realm (fixtures): check values only, never keys. Production refuses
// every one of them by name. Source: design.md 9.5.
var knownTest = map[Name][3]byte{
	CCK:    {0x86, 0xA7, 0x6E},
	CMK:    {0xE0, 0xF1, 0x65},
	ACK:    {0x2A, 0x47, 0x8C},
	DAMK:   {0xA2, 0xAA, 0xF4},
	DPK:    {0xF1, 0x0D, 0x32},
	DLK:    {0x05, 0xDB, 0x56},
	DULK:   {0x6A, 0x40, 0x0A},
	DUGK:   {0x6A, 0x40, 0x0A},
	DTK:    {0xDA, 0x72, 0x73},
	DPUK:   {0xD9, 0x22, 0x25},
	DRPK:   {0xE2, 0x9B, 0xCC},
	DOLK:   {0x45, 0x07, 0xFE},
	DIK:    {0x4F, 0x21, 0x0C},
	SAMACK: {0x7D, 0xD2, 0xE8},
	SAMMK:  {0x67, 0x1E, 0xF2},
	SAMTAC: {0xB2, 0xEF, 0xCB},
	TMAC:   {0xE9, 0x33, 0x47},
}

// RefuseTestKeys returns ErrTestKeys if a key is one that everybody knows.
func RefuseTestKeys(keys []record.KeyCheck) error {
	for _, k := range keys {
		for _, n := range Names() {
			if v, ok := knownTest[n]; ok && slices.Equal(k.KCV, v[:]) {
				return fmt.Errorf("vault: %s is the known %s of the training realm: %w", k.Name, n, ErrTestKeys)
			}
		}
	}
	return nil
}
