// Package vault keeps the keys of one scope, at rest and in use. It hands out operations, never key bytes.
//
// The master vault is the file of the ceremony: it opens only with the passwords of both custodians. From it come sealed
// working vaults, one per site, with just the keys of that site's role; a working vault opens unattended with the site's
// secret file. Source: design.md 9.3, trust.md requirements 1-14.
package vault

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"maps"

	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// Errors that callers decide on. Every one is wrapped with what was asked for.
var (
	// ErrNoKey says that this vault does not hold the key: another site does, or the version is another one.
	ErrNoKey = errors.New("密钥库无此密钥 (the vault does not hold this key)")
	// ErrPurpose says that a key or a vault was asked for something it is not for. Source: trust.md row 73.
	ErrPurpose = errors.New("密钥不作此用途 (the key is not for this purpose)")
	// ErrOpen says that a vault does not open. It never says which of the two passwords, or the file, was wrong.
	ErrOpen = errors.New("密钥库打不开: 口令或文件不符 (the vault does not open: a password or the file is wrong)")
	// ErrDamaged says that the file is not what was written. It is seen without any password.
	ErrDamaged = errors.New("密钥库文件损坏 (the vault file is damaged)")
	// ErrCost says that Argon2id is asked to run below the floor of the realm, or above what a machine can do.
	ErrCost = errors.New("口令散列强度不在允许范围 (Argon2id cost out of bounds)")
	// ErrTestKeys says that production was offered a key of the public training realm. Source: design.md 9.5.
	ErrTestKeys = errors.New("正式环境拒绝测试密钥 (production refuses test keys)")
	// ErrProfile says that the keys were made for cards of another profile. Source: card.md 17.
	ErrProfile = errors.New("密钥库属于另一卡片方案 (the vault is for cards of another profile)")
	// ErrRandom says that the random source did not give usable keys.
	ErrRandom = errors.New("随机源不可用 (the random source gives no usable keys)")
)

// Card is what the derivation of a card's keys needs to know of the card.
type Card struct {
	ASN     pboc.ASN
	Issuer  pboc.Issuer
	Alg     byte // algorithm id as the card answers: 00 3DES, 04 SM4
	Version byte // key version as the card answers
}

// Vault is an open set of keys with their operations. It does not change, but for Wipe, and is safe for concurrent use.
type Vault struct {
	header Header
	ring   func() *ring // a function, because fmt follows even unexported pointers for a wrong verb; it never calls
}

// ring holds the key bytes.
type ring struct {
	keys      []held // in the order of the table of names
	directive ed25519.PrivateKey
	profile   fuelcard.Profile
}

func (r *ring) get() *ring { return r }

// held is one master key.
type held struct {
	name    Name
	version byte
	key     pboc.Key
}

// Realm is training or production, fixed at the ceremony.
func (v *Vault) Realm() record.Realm { return v.header.Realm }

// Scope is the company or region that the ceremony was held for.
func (v *Vault) Scope() string { return v.header.Scope }

// Role is the kind of site that the vault was exported for; "keys" for the master vault.
func (v *Vault) Role() record.Kind { return v.header.Role }

// Site is the site that the vault was exported for; empty for the master vault.
func (v *Vault) Site() record.SiteID { return v.header.Site }

// Custodians are the two who held the ceremony.
func (v *Vault) Custodians() [2]string { return v.header.Custodians }

// MadeFor refuses with ErrProfile a profile of another name than that of the ceremony, or one whose flags of keys differ: keys
// derived by it would open no card. The vault's file authenticates both. Source: card.md 4.2, 17.
func (v *Vault) MadeFor(p fuelcard.Profile) error {
	if v.header.Profile == p.Name && maps.Equal(v.header.Flags, p.KeyFlags()) {
		return nil
	}
	return fmt.Errorf("密钥生成时 (at the ceremony): %s, 配置 (configured): %s: %w", v.ring().profile.KeyWords(), p.KeyWords(), ErrProfile)
}

// KCVs names every key of the vault with its check value, in the order of the table of names.
func (v *Vault) KCVs() []record.KeyCheck {
	return append([]record.KeyCheck(nil), v.header.Keys...)
}

// Version is the newest version of a key that the vault holds.
func (v *Vault) Version(name Name) (byte, error) {
	h, err := v.newest(name)
	return h.version, err
}

// PublicKey is the key that a site checks the center's directives with. Every vault has it.
func (v *Vault) PublicKey() ed25519.PublicKey {
	return append(ed25519.PublicKey(nil), v.header.Directive...)
}

// Sign signs a directive as the center. Only the vault of the center can; ErrNoKey elsewhere. A directive of another realm
// is refused with ErrPurpose.
func (v *Vault) Sign(d record.Directive) (record.DirectiveLine, error) {
	if v.ring().directive == nil {
		return record.DirectiveLine{}, fmt.Errorf("vault of role %s: directive key: %w", v.header.Role, ErrNoKey)
	}
	if d.Realm != v.header.Realm {
		return record.DirectiveLine{}, fmt.Errorf("vault of realm %s: directive of realm %s: %w", v.header.Realm, d.Realm, ErrPurpose)
	}
	return d.Sign(v.ring().directive)
}

// Wipe overwrites the keys; the vault holds none from then on. Nobody may be using it.
func (v *Vault) Wipe() {
	r := v.ring()
	clear(r.keys)
	clear(r.directive)
	r.keys, r.directive = nil, nil
}

// newest finds a key in its newest version.
func (v *Vault) newest(name Name) (held, error) {
	var best held
	for _, h := range v.ring().keys {
		if h.name == name && h.version >= best.version {
			best = h
		}
	}
	if best.name == "" {
		return held{}, fmt.Errorf("vault of role %s: %s: %w", v.header.Role, name, ErrNoKey)
	}
	return best, nil
}

// exact finds a key in exactly one version.
func (v *Vault) exact(name Name, version byte) (held, error) {
	for _, h := range v.ring().keys {
		if h.name == name && h.version == version {
			return h, nil
		}
	}
	return held{}, fmt.Errorf("vault of role %s: %s version %d: %w", v.header.Role, name, version, ErrNoKey)
}

// card derives a card's own key. Source: card.md 4.2.
func (v *Vault) card(name Name, c Card) (pboc.Suite, pboc.Key, error) {
	suite, err := pboc.SuiteFor(c.Alg)
	if err != nil {
		return nil, pboc.Key{}, fmt.Errorf("vault: %s: %w", name, err)
	}
	h, err := v.exact(name, c.Version)
	if err != nil {
		return nil, pboc.Key{}, err
	}
	return suite, suite.Diversify(h.key, v.ring().profile.Factors(string(name), c.Issuer, c.ASN)...), nil
}

// String never shows a key.
func (v *Vault) String() string {
	return fmt.Sprintf("vault(%s, %s, %s, %d keys ***)", v.header.Scope, v.header.Realm, v.header.Role, len(v.header.Keys))
}

// Format never shows a key, whatever the verb.
func (v *Vault) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(v.String())) }

// LogValue never shows a key.
func (v *Vault) LogValue() slog.Value { return slog.StringValue(v.String()) }

// MarshalJSON never shows a key.
func (v *Vault) MarshalJSON() ([]byte, error) { return []byte(`"***"`), nil }
