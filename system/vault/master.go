package vault

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"io"

	"golang.org/x/crypto/argon2"

	"greylock/system/wire/record"
)

// Cost is how hard Argon2id works for one password. It is part of the file and authenticated with the keys.
type Cost struct {
	Time      uint32 `json:"time"`
	MemoryKiB uint32 `json:"memory_kib"`
	Threads   uint8  `json:"threads"`
}

// ProductionCost is the floor of the production realm, and what it uses: some four seconds per custodian.
// Source: trust.md requirement 4, row 71.
var ProductionCost = Cost{Time: 4, MemoryKiB: 1 << 20, Threads: 2}

// maxCost bounds what a file may make this machine do.
var maxCost = Cost{Time: 64, MemoryKiB: 4 << 20, Threads: 64}

// allowed refuses a cost below the floor of the realm or above what a machine can do.
func (c Cost) allowed(realm record.Realm) error {
	floor := Cost{1, 8, 1}
	if realm == record.Production {
		floor = ProductionCost
	}
	if c.Time < floor.Time || c.MemoryKiB < floor.MemoryKiB || c.Threads < 1 ||
		c.Time > maxCost.Time || c.MemoryKiB > maxCost.MemoryKiB || c.Threads > maxCost.Threads {
		return fmt.Errorf("argon2id t=%d m=%d KiB p=%d in realm %s: %w", c.Time, c.MemoryKiB, c.Threads, realm, ErrCost)
	}
	return nil
}

// Passwords are those of the two custodians, in the order of Custodians. They are wiped by whoever read them.
type Passwords [2][]byte

// masterInfo separates this use of HKDF from every other.
const masterInfo = "greylock master vault 1"

// SealMaster writes the file of a ceremony: the key-encryption key is made of both Argon2id results, so that one password
// gives nothing. ErrCost below the floor of the realm, ErrTestKeys for known keys in production.
func (v *Vault) SealMaster(p Passwords, c Cost, rnd io.Reader) ([]byte, error) {
	if v.header.Kind != Master {
		return nil, fmt.Errorf("vault of role %s: as a master vault: %w", v.header.Role, ErrPurpose)
	}
	if err := c.allowed(v.header.Realm); err != nil {
		return nil, err
	}
	h := v.header
	h.Cost = &c
	for range p {
		salt, err := draw(rnd, saltLen)
		if err != nil {
			return nil, err
		}
		h.Salts = append(h.Salts, salt)
	}
	var err error
	if h.Nonce, err = draw(rnd, nonceLen); err != nil {
		return nil, err
	}
	kek, err := masterKey(h, p)
	if err != nil {
		return nil, err
	}
	defer clear(kek)
	return v.seal(h, kek)
}

// OpenMaster opens the file of a ceremony with both passwords, in the order of its custodians. ErrOpen does not say which of
// them, or what else, was wrong; ErrDamaged needs no password; ErrCost refuses before anything is computed.
func OpenMaster(file []byte, p Passwords) (*Vault, error) {
	h, aad, text, err := split(file)
	if err != nil {
		return nil, err
	}
	if h.Kind != Master {
		return nil, fmt.Errorf("vault file of kind %s, want %s: %w", h.Kind, Master, ErrPurpose)
	}
	if err := h.Cost.allowed(h.Realm); err != nil {
		return nil, err
	}
	kek, err := masterKey(h, p)
	if err != nil {
		return nil, err
	}
	defer clear(kek)
	return open(h, aad, text, kek)
}

// masterKey mixes both passwords. Both are always computed, so that time tells nothing either.
func masterKey(h Header, p Passwords) ([]byte, error) {
	both := make([]byte, 0, 64) // never grown: no copy is left behind
	defer func() { clear(both) }()
	for i, password := range p {
		both = append(both, argon2.IDKey(password, h.Salts[i], h.Cost.Time, h.Cost.MemoryKiB, h.Cost.Threads, 32)...)
	}
	kek, err := hkdf.Key(sha256.New, both, nil, masterInfo+" "+h.Scope, 32)
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	return kek, nil
}
