package vault

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"io"
)

// SecretLen is the length of the unlock secret of a working vault: random bytes in a file of mode 0600, kept apart from the
// vault file.
const SecretLen = 32

// workingInfo separates this use of HKDF from every other.
const workingInfo = "greylock working vault 1"

// SealWorking writes the file of a part made by For, and the fresh secret that opens it. The caller stores the two apart.
func (v *Vault) SealWorking(rnd io.Reader) (file, secret []byte, err error) {
	if v.header.Kind != Working {
		return nil, nil, fmt.Errorf("vault of role %s: as a working vault: %w", v.header.Role, ErrPurpose)
	}
	h := v.header
	salt, err := draw(rnd, saltLen)
	if err != nil {
		return nil, nil, err
	}
	if h.Nonce, err = draw(rnd, nonceLen); err != nil {
		return nil, nil, err
	}
	if secret, err = draw(rnd, SecretLen); err != nil {
		return nil, nil, err
	}
	h.Salts = append(h.Salts, salt)
	kek, err := workingKey(secret, salt)
	if err != nil {
		return nil, nil, err
	}
	defer clear(kek)
	file, err = v.seal(h, kek)
	return file, secret, err
}

// OpenWorking opens the file of a site with its secret, in about a millisecond. ErrDamaged, ErrOpen, ErrTestKeys.
func OpenWorking(file, secret []byte) (*Vault, error) {
	h, aad, text, err := split(file)
	if err != nil {
		return nil, err
	}
	if h.Kind != Working {
		return nil, fmt.Errorf("vault file of kind %s, want %s: %w", h.Kind, Working, ErrPurpose)
	}
	if len(secret) != SecretLen {
		return nil, fmt.Errorf("unlock secret of %d bytes, want %d: %w", len(secret), SecretLen, ErrOpen)
	}
	kek, err := workingKey(secret, h.Salts[0])
	if err != nil {
		return nil, err
	}
	defer clear(kek)
	return open(h, aad, text, kek)
}

func workingKey(secret, salt []byte) ([]byte, error) {
	kek, err := hkdf.Key(sha256.New, secret, salt, workingInfo, 32)
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	return kek, nil
}
