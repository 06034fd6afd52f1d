package vault

import (
	"fmt"
	"slices"

	"greylock/system/wire/record"
)

// knownTest are check values of the canned training realm (fixtures): check values only, never keys. Production refuses
// every one of them by name. Source: design.md 9.5.
var knownTest = map[Name][3]byte{}

// refuseTestKeys returns ErrTestKeys if a key is one that everybody knows.
func refuseTestKeys(keys []record.KeyCheck) error {
	for _, k := range keys {
		for _, n := range Names() {
			if v, ok := knownTest[n]; ok && slices.Equal(k.KCV, v[:]) {
				return fmt.Errorf("vault: %s is the known %s of the training realm: %w", k.Name, n, ErrTestKeys)
			}
		}
	}
	return nil
}
