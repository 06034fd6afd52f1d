package vault

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// Both vault files have one shape: magic, length of the header (4 bytes), header (JSON), sealed keys (AES-256-GCM),
// SHA-256 of all before. Everything before the sealed keys is authenticated with them, byte for byte; the hash at the end
// lets damage be seen without a password. No byte of the file is unguarded.
const (
	magic     = "greylock vault 1\n"
	headerMax = 64 << 10 // a header is some 4 KiB; a file that claims more is not ours
	sealedMax = 64 << 10 // 17 keys of a few versions are some 4 KiB
)

// Header is what a vault file shows without a password.
type Header struct {
	Kind       Kind              `json:"kind"`
	Scope      string            `json:"scope"`
	Realm      record.Realm      `json:"realm"`
	Role       record.Kind       `json:"role"`
	Site       record.SiteID     `json:"site,omitempty"`
	MadeMs     int64             `json:"made_ms"`
	Custodians [2]string         `json:"custodians"`
	Profile    string            `json:"profile"`                 // levels of diversification, by name of the card profile …
	Flags      map[string]string `json:"profile_flags,omitempty"` // … and the flags of keys in which it differs from that
	Keys       []record.KeyCheck `json:"keys"`
	Directive  record.Hex        `json:"directive_key"` // public
	Cost       *Cost             `json:"argon2id,omitempty"`
	Salts      []record.Hex      `json:"salts"` // one per custodian, or one of the working vault
	Nonce      record.Hex        `json:"nonce"` // 12 bytes
}

// Kind of a vault file.
type Kind string

// The two kinds of vault file.
const (
	Master  Kind = "master"  // of the ceremony, opens with two passwords
	Working Kind = "working" // of one site, opens with its secret file
)

const (
	saltLen  = 16
	nonceLen = 12
)

// Inspect reads the header of a vault file and checks the hash over the whole file: ErrDamaged if one bit is not as
// written. What it returns is authentic only after the vault was opened.
func Inspect(file []byte) (Header, error) {
	h, _, _, err := split(file)
	return h, err
}

// split takes a file apart: header, authenticated bytes, cipher text.
func split(file []byte) (h Header, aad, text []byte, err error) {
	const fixed = len(magic) + 4
	if len(file) < fixed+sha256.Size || string(file[:len(magic)]) != magic {
		return h, nil, nil, fmt.Errorf("vault file of %d bytes: no vault: %w", len(file), ErrDamaged)
	}
	body := file[:len(file)-sha256.Size]
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:], file[len(body):]) {
		return h, nil, nil, fmt.Errorf("vault file: hash does not match: %w", ErrDamaged)
	}
	n := binary.BigEndian.Uint32(file[len(magic):fixed])
	if n > headerMax || int(n) > len(body)-fixed || len(body)-fixed-int(n) > sealedMax {
		return h, nil, nil, fmt.Errorf("vault file: header of %d bytes: %w", n, ErrDamaged)
	}
	aad, text = body[:fixed+int(n)], body[fixed+int(n):]
	dec := json.NewDecoder(bytes.NewReader(aad[fixed:]))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&h); err != nil {
		return h, nil, nil, fmt.Errorf("vault file: header: %w: %w", err, ErrDamaged)
	}
	if err := h.check(); err != nil {
		return h, nil, nil, err
	}
	return h, aad, text, nil
}

// check refuses a header that no ceremony writes.
func (h Header) check() error {
	bad := func(what string) error { return fmt.Errorf("vault file: %s: %w", what, ErrDamaged) }
	switch {
	case h.Realm != record.Training && h.Realm != record.Production:
		return bad("realm")
	case len(h.Directive) != ed25519.PublicKeySize:
		return bad("directive key")
	case len(h.Nonce) != nonceLen:
		return bad("nonce")
	case h.Kind == Master && (len(h.Salts) != 2 || h.Cost == nil):
		return bad("salts")
	case h.Kind == Working && (len(h.Salts) != 1 || h.Cost != nil):
		return bad("salts")
	case h.Kind != Master && h.Kind != Working:
		return bad("kind")
	}
	if _, err := fuelcard.Configure(h.Profile, h.Flags); err != nil {
		return bad("profile")
	}
	for _, s := range h.Salts {
		if len(s) != saltLen {
			return bad("salt")
		}
	}
	if h.Realm == record.Production {
		return RefuseTestKeys(h.Keys)
	}
	return nil
}

// seal writes the file of a vault under a key-encryption key of 32 bytes.
func (v *Vault) seal(h Header, kek []byte) ([]byte, error) {
	if err := h.check(); err != nil {
		return nil, err
	}
	header, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("vault: header: %w", err)
	}
	// The plain text is the keys, 16 bytes each, in the order of the header, then the seed of the directive key, if held.
	plain := make([]byte, 0, len(v.ring().keys)*len(pboc.Key{})+ed25519.SeedSize) // never grown: no copy is left behind
	defer func() { clear(plain[:cap(plain)]) }()
	for _, k := range v.ring().keys {
		plain = append(plain, k.key[:]...)
	}
	if v.ring().directive != nil {
		plain = append(plain, v.ring().directive[:ed25519.SeedSize]...)
	}
	aead, err := gcm(kek)
	if err != nil {
		return nil, err
	}
	file := binary.BigEndian.AppendUint32([]byte(magic), uint32(len(header)))
	file = append(file, header...)
	file = aead.Seal(file, h.Nonce, plain, file)
	sum := sha256.Sum256(file)
	return append(file, sum[:]...), nil
}

// open reads a file whose header and key-encryption key are known; ErrOpen if the key or any byte is wrong.
func open(h Header, aad, text, kek []byte) (*Vault, error) {
	aead, err := gcm(kek)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, h.Nonce, text, aad)
	if err != nil {
		return nil, ErrOpen // not err: nothing may tell one cause from another
	}
	defer clear(plain)
	profile, err := fuelcard.Configure(h.Profile, h.Flags)
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	r, rest := &ring{profile: profile}, plain
	for _, k := range h.Keys {
		if len(rest) < len(pboc.Key{}) || k.Version < 0 || k.Version > 0xFF {
			return nil, fmt.Errorf("vault: key %s: %w", k.Name, ErrDamaged)
		}
		r.keys = append(r.keys, held{Name(k.Name), byte(k.Version), pboc.Key(rest[:len(pboc.Key{})])})
		rest = rest[len(pboc.Key{}):]
	}
	switch len(rest) {
	case 0:
	case ed25519.SeedSize:
		r.directive = ed25519.NewKeyFromSeed(rest)
	default:
		return nil, fmt.Errorf("vault: %d bytes behind the keys: %w", len(rest), ErrDamaged)
	}
	if !sameKeys(r.checks(), h.Keys) {
		return nil, fmt.Errorf("vault: check values do not match the keys: %w", ErrDamaged)
	}
	return &Vault{header: h, ring: r.get}, nil
}

func gcm(kek []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(kek)
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	return aead, nil
}

// checks lists name, version and check value of every key.
func (r *ring) checks() []record.KeyCheck {
	var all []record.KeyCheck
	for _, k := range r.keys {
		all = append(all, record.KeyCheck{Name: string(k.name), Version: int(k.version), KCV: kcv(k.key)})
	}
	return all
}

// draw reads n random bytes.
func draw(rnd io.Reader, n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(rnd, b); err != nil {
		return nil, fmt.Errorf("vault: %w: %w", ErrRandom, err)
	}
	if n >= saltLen && len(slices.Compact(slices.Clone(b))) == 1 {
		return nil, fmt.Errorf("vault: %d equal bytes: %w", n, ErrRandom)
	}
	return b, nil
}
