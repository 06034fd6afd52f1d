package vault_test

import (
	"bytes"
	"errors"
	"testing"

	"greylock/system/vault"
	"greylock/system/wire/record"
)

// A PIN sealed at the outlet opens at the center for that card alone, shows neither itself nor its length, and not twice alike.
func TestPINInTransit(t *testing.T) {
	t.Parallel()
	master, _ := chain1(t)
	outlet, err := master.For(record.KindOutlet, "2001", 0)
	if err != nil {
		t.Fatal(err)
	}
	center, err := master.For(record.KindCenter, record.Center, 0)
	if err != nil {
		t.Fatal(err)
	}
	rnd, c := random(9), card1(t)
	var seen [][]byte
	for _, pin := range [][]byte{{0x12, 0x34}, {0x12, 0x34}, {0x12, 0x34, 0x56, 0x78, 0x90, 0x12}} {
		sealed, err := outlet.SealPIN(rnd, c, pin)
		if err != nil {
			t.Fatal(err)
		}
		got, err := center.OpenPIN(c, sealed)
		if err != nil || !bytes.Equal(got, pin) {
			t.Errorf("opened %X, %v", got, err)
		}
		for _, other := range seen {
			if bytes.Equal(other, sealed) || len(other) != len(sealed) {
				t.Errorf("%X and %X", other, sealed)
			}
		}
		if bytes.Contains(sealed, pin) {
			t.Errorf("%X shows the PIN", sealed)
		}
		seen = append(seen, sealed)
	}
	other := c
	other.ASN[9] ^= 0x11
	if _, err := center.OpenPIN(other, seen[0]); !errors.Is(err, vault.ErrSealed) {
		t.Errorf("for another card: %v", err)
	}
	for i := range seen[0] {
		bad := bytes.Clone(seen[0])
		bad[i] ^= 1
		if _, err := center.OpenPIN(c, bad); !errors.Is(err, vault.ErrSealed) {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
	if _, err := center.OpenPIN(c, seen[0][1:]); !errors.Is(err, vault.ErrSealed) {
		t.Errorf("cut: %v", err)
	}
	for _, pin := range [][]byte{nil, {1}, make([]byte, 7)} {
		if _, err := outlet.SealPIN(rnd, c, pin); !errors.Is(err, vault.ErrSealed) {
			t.Errorf("PIN of %d bytes: %v", len(pin), err)
		}
	}
}
