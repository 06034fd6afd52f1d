package app

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"greylock/fixtures"
	"greylock/system/clock"
	"greylock/system/vault"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// A vault opens for its own site, role, realm and kind of cards, with a secret that is its owner's alone.
func TestOpenVault(t *testing.T) {
	t.Parallel()
	keys := map[vault.Name]pboc.Key{}
	for name, k := range fixtures.TestKeys().Masters {
		keys[vault.Name(name)] = k
	}
	national := fuelcard.National()
	master, err := vault.Known(vault.Birth{Scope: "test", Realm: record.Training, Profile: national, Custodians: [2]string{"甲", "乙"}}, keys, [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	part, err := master.For(record.KindOutlet, "0003", clock.At(2026, 11, 22, 9, 30, 0))
	if err != nil {
		t.Fatal(err)
	}
	box, opener, err := part.SealWorking(rand.NewChaCha8([32]byte{2}))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file, secret, open, none := filepath.Join(dir, "vault"), filepath.Join(dir, "secret"), filepath.Join(dir, "open"), filepath.Join(dir, "none")
	err = errors.Join(os.WriteFile(file, box, 0o600), os.WriteFile(secret, opener, 0o600), os.WriteFile(open, opener, 0o600), os.Chmod(open, 0o640))
	if err != nil {
		t.Fatal(err)
	}
	id := Identity{ID: "0003", Realm: record.Training}
	if v, err := OpenVault(file, secret, record.KindOutlet, id, national); err != nil || v.Site() != "0003" {
		t.Fatalf("its own: %v", err)
	}
	sm4, err := fuelcard.Configure("national-sm4", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file, secret string
		role         record.Kind
		id           Identity
		cards        fuelcard.Profile
		is           error
	}{
		"role":           {file, secret, record.KindMaking, id, national, ErrSetting},
		"site":           {file, secret, record.KindOutlet, Identity{ID: "0004", Realm: record.Training}, national, ErrSetting},
		"realm":          {file, secret, record.KindOutlet, Identity{ID: "0003", Realm: record.Production}, national, ErrSetting},
		"cards":          {file, secret, record.KindOutlet, id, sm4, ErrSetting},
		"open to others": {file, open, record.KindOutlet, id, national, vault.ErrMode},
		"others, too":    {file, open, record.KindOutlet, id, national, ErrSetting},
		"no vault":       {none, secret, record.KindOutlet, id, national, ErrSetting},
		"no secret":      {file, none, record.KindOutlet, id, national, ErrSetting},
		"not a secret":   {file, file, record.KindOutlet, id, national, vault.ErrOpen},
		"not a vault":    {secret, secret, record.KindOutlet, id, national, vault.ErrDamaged},
	} {
		if _, err := OpenVault(c.file, c.secret, c.role, c.id, c.cards); !errors.Is(err, c.is) {
			t.Errorf("%s: %v, want %v", name, err, c.is)
		}
	}
}
