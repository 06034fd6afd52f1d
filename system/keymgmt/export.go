package keymgmt

import (
	"errors"
	"fmt"
	"io/fs"

	"greylock/system/vault"
	"greylock/system/wire/record"
)

// Export is a sealed working vault on its way to a site. File and Secret travel and are kept apart; neither opens anything
// without the other.
type Export struct {
	File      []byte
	Secret    []byte // vault.SecretLen bytes, to be stored with mode 0600
	Directive record.Hex
	Keys      []record.KeyCheck
}

// Unlock opens the master vault with both passwords, in the order of the minutes. A wrong one is refused with
// WrongPassword, kept in the journal and slowed down; nothing says which. The caller wipes the vault after use.
func (r *Room) Unlock(p vault.Passwords) (*vault.Vault, error) {
	if err := r.wait(); err != nil {
		return nil, err
	}
	file, err := r.read(fileName)
	switch {
	case errors.Is(err, fs.ErrNotExist) && r.held == nil:
		return nil, ErrNotHeld
	case errors.Is(err, fs.ErrNotExist):
		return nil, ErrMissing
	case err != nil:
		return nil, err
	}
	if err := r.Verify(); err != nil {
		return nil, err
	}
	v, err := vault.OpenMaster(file, p)
	if errors.Is(err, vault.ErrOpen) {
		return nil, r.refuse(WrongPassword, r.held.Custodians[0], r.held.Custodians[1])
	}
	if err != nil {
		return nil, fmt.Errorf("keymgmt: %w", err)
	}
	return v, nil
}

// Export makes the sealed working vault of a site. The fact that it was made is durable before the bytes are handed out.
// A station gets none: vault.ErrPurpose.
func (r *Room) Export(p vault.Passwords, role record.Kind, site record.SiteID) (Export, error) {
	v, err := r.Unlock(p)
	if err != nil {
		return Export{}, err
	}
	defer v.Wipe()
	part, err := v.For(role, site, r.door.Now())
	if err != nil {
		return Export{}, fmt.Errorf("keymgmt: %w", err)
	}
	defer part.Wipe()
	file, secret, err := part.SealWorking(r.cfg.Random)
	if err != nil {
		return Export{}, fmt.Errorf("keymgmt: %w", err)
	}
	fact := record.VaultExported{
		TimeMs: r.door.Now().Milli(), Scope: r.cfg.Scope, Site: site, Role: role, Custodians: v.Custodians(), Keys: part.KCVs(),
	}
	if err := r.append(fact); err != nil {
		return Export{}, err
	}
	return Export{File: file, Secret: secret, Directive: record.Hex(part.PublicKey()), Keys: part.KCVs()}, nil
}
