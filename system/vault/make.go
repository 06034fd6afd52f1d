package vault

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"slices"

	"greylock/system/clock"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// Birth says what a ceremony makes keys for.
type Birth struct {
	Scope      string
	Realm      record.Realm
	Custodians [2]string
	Profile    fuelcard.Profile // its levels of diversification and its rule for DUGK are fixed with the keys; zero is national
	Now        clock.Instant
}

// first is the version of the keys of a ceremony; only a rotation makes the next.
const first = 1

// drawTries bounds the search for a usable key: one in 2^50 draws is refused, so a second refusal means a broken source.
const drawTries = 8

// Generate makes every key of a scope from rnd: two-key 3DES with odd parity, K1 ≠ K2, no weak half, no key twice. DUGK is
// DULK by value unless the profile says otherwise. ErrRandom for a source that does not give such keys.
// Source: card.md 4.1, trust.md requirement 3.
func Generate(b Birth, rnd io.Reader) (*Vault, error) {
	keys := make(map[Name]pboc.Key, len(names))
	for _, n := range Names() {
		if master := b.Profile.MasterOf(string(n)); master != string(n) {
			keys[n] = keys[Name(master)]
			continue
		}
		key, err := drawKey(rnd)
		if err != nil {
			return nil, err
		}
		for other, k := range keys {
			if k.Equal(key) {
				return nil, fmt.Errorf("vault: %s equals %s: %w", n, other, ErrRandom)
			}
		}
		keys[n] = key
	}
	seed, err := draw(rnd, ed25519.SeedSize)
	if err != nil {
		return nil, err
	}
	defer clear(seed)
	return build(b, keys, seed), nil
}

// Known builds a vault from keys that everybody may know, for the training realm only: fixtures and vectors. A name that is
// missing is not held. seed is the seed of the directive key, 32 bytes.
func Known(b Birth, keys map[Name]pboc.Key, seed [ed25519.SeedSize]byte) (*Vault, error) {
	if b.Realm != record.Training {
		return nil, fmt.Errorf("vault: known keys in realm %s: %w", b.Realm, ErrTestKeys)
	}
	return build(b, keys, seed[:]), nil
}

func build(b Birth, keys map[Name]pboc.Key, seed []byte) *Vault {
	if b.Profile.Name == "" {
		b.Profile = fuelcard.National()
	}
	r := &ring{profile: b.Profile, directive: ed25519.NewKeyFromSeed(seed)}
	for _, n := range Names() {
		if k, ok := keys[n]; ok {
			r.keys = append(r.keys, held{n, first, k})
		}
	}
	return &Vault{ring: r.get, header: Header{
		Kind: Master, Scope: b.Scope, Realm: b.Realm, Role: record.KindKeys, MadeMs: b.Now.Milli(), Custodians: b.Custodians,
		Profile: b.Profile.Name, Flags: b.Profile.KeyFlags(), Keys: r.checks(), Directive: record.Hex(r.directive.Public().(ed25519.PublicKey)),
	}}
}

func drawKey(rnd io.Reader) (pboc.Key, error) {
	for range drawTries {
		var k pboc.Key
		if _, err := io.ReadFull(rnd, k[:]); err != nil {
			return k, fmt.Errorf("vault: %w: %w", ErrRandom, err)
		}
		for i, b := range k {
			k[i] = b&^1 | byte(1-bits.OnesCount8(b&^1)&1)
		}
		if usable(k) == nil {
			return k, nil
		}
	}
	return pboc.Key{}, fmt.Errorf("vault: %d draws: %w", drawTries, ErrRandom)
}

// usable refuses keys that are weaker than their length. Source: trust.md requirement 3.
func usable(k pboc.Key) error {
	left, right := [8]byte(k[:8]), [8]byte(k[8:])
	if left == right {
		return errors.New("both halves equal")
	}
	for _, w := range weak {
		if left == w || right == w {
			return errors.New("weak DES key")
		}
	}
	return nil
}

// weak are the four weak and twelve semi-weak keys of DES, with odd parity. Source: FIPS 74, section 3.6.
var weak = [][8]byte{
	{0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01}, {0xFE, 0xFE, 0xFE, 0xFE, 0xFE, 0xFE, 0xFE, 0xFE},
	{0x1F, 0x1F, 0x1F, 0x1F, 0x0E, 0x0E, 0x0E, 0x0E}, {0xE0, 0xE0, 0xE0, 0xE0, 0xF1, 0xF1, 0xF1, 0xF1},
	{0x01, 0xFE, 0x01, 0xFE, 0x01, 0xFE, 0x01, 0xFE}, {0xFE, 0x01, 0xFE, 0x01, 0xFE, 0x01, 0xFE, 0x01},
	{0x1F, 0xE0, 0x1F, 0xE0, 0x0E, 0xF1, 0x0E, 0xF1}, {0xE0, 0x1F, 0xE0, 0x1F, 0xF1, 0x0E, 0xF1, 0x0E},
	{0x01, 0xE0, 0x01, 0xE0, 0x01, 0xF1, 0x01, 0xF1}, {0xE0, 0x01, 0xE0, 0x01, 0xF1, 0x01, 0xF1, 0x01},
	{0x1F, 0xFE, 0x1F, 0xFE, 0x0E, 0xFE, 0x0E, 0xFE}, {0xFE, 0x1F, 0xFE, 0x1F, 0xFE, 0x0E, 0xFE, 0x0E},
	{0x01, 0x1F, 0x01, 0x1F, 0x01, 0x0E, 0x01, 0x0E}, {0x1F, 0x01, 0x1F, 0x01, 0x0E, 0x01, 0x0E, 0x01},
	{0xE0, 0xFE, 0xE0, 0xFE, 0xF1, 0xFE, 0xF1, 0xFE}, {0xFE, 0xE0, 0xFE, 0xE0, 0xFE, 0xF1, 0xFE, 0xF1},
}

// For is the part of the keys that a site of a role works with, held in memory; SealWorking writes its file. Only the
// master vault gives parts; ErrPurpose for a station, which works without keys. Source: design.md 9.3.
func (v *Vault) For(role record.Kind, site record.SiteID, now clock.Instant) (*Vault, error) {
	if v.header.Kind != Master {
		return nil, fmt.Errorf("vault of role %s: a part for %s: %w", v.header.Role, role, ErrPurpose)
	}
	wanted := roleKeys(role)
	if wanted == nil {
		return nil, fmt.Errorf("vault: a site of role %s holds no keys: %w", role, ErrPurpose)
	}
	r := &ring{profile: v.ring().profile}
	for _, n := range wanted {
		for _, h := range v.ring().keys {
			if h.name == n {
				r.keys = append(r.keys, h)
			}
		}
	}
	if role == record.KindCenter {
		r.directive = slices.Clone(v.ring().directive)
	}
	h := v.header
	h.Kind, h.Role, h.Site, h.MadeMs, h.Keys = Working, role, site, now.Milli(), r.checks()
	h.Cost, h.Salts, h.Nonce = nil, nil, nil
	return &Vault{header: h, ring: r.get}, nil
}
