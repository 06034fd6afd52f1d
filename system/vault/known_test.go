package vault_test

import (
	"errors"
	"fmt"
	"testing"

	"greylock/fixtures"
	"greylock/system/vault"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// The check values that production refuses are those of the fixtures, name by name; none is missing.
func TestKnownTestKeysAreRefusedInProduction(t *testing.T) {
	t.Parallel()
	for _, n := range vault.Names() {
		key, ok := fixtures.TestKeys().Masters[string(n)]
		if !ok {
			t.Errorf("the fixtures have no %s", n)
			continue
		}
		kcv := pboc.TDES.KCV(key)
		checks := []record.KeyCheck{{Name: "ANY", Version: 1, KCV: record.Hex{1, 2, 3}}, {Name: string(n), Version: 1, KCV: kcv[:]}}
		if err := vault.RefuseTestKeys(checks); !errors.Is(err, vault.ErrTestKeys) {
			t.Errorf("%s: %v, want ErrTestKeys; its line is: %s: {0x%02X, 0x%02X, 0x%02X},", n, err, n, kcv[0], kcv[1], kcv[2])
		}
	}
	if err := vault.RefuseTestKeys([]record.KeyCheck{{Name: "DPK", Version: 1, KCV: record.Hex{1, 2, 3}}}); err != nil {
		t.Errorf("other keys: %v", err)
	}
	keys := map[vault.Name]pboc.Key{}
	for name, k := range fixtures.TestKeys().Masters {
		keys[vault.Name(name)] = k
	}
	if _, err := vault.Known(birth(record.Production), keys, [32]byte{}); !errors.Is(err, vault.ErrTestKeys) {
		t.Errorf("known keys in production: %v", err)
	}
	training, err := vault.Known(birth(record.Training), keys, [32]byte{})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(training); got == "" {
		t.Error("no vault")
	}
}
