package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

// ErrSealed says that a PIN in transit was not sealed for this card, or was changed on its way.
var ErrSealed = errors.New("密码密文不可用 (the sealed PIN is not usable)")

const (
	transitInfo  = "greylock PIN in transit 1"
	transitBlock = 8 // length byte, PIN of at most 6 bytes, zeros: every sealed PIN has one length
	transitNonce = 12
)

// SealPIN enciphers a PIN (2 to 6 bytes) for its way from an outlet to the center: AES-256-GCM under a key derived from the
// card's DRPK, which both vaults hold, bound to the card. nonce12 || cipher || tag. Source: trust.md requirement 18; adr/0005.
func (v *Vault) SealPIN(rnd io.Reader, c Card, pin []byte) ([]byte, error) {
	if len(pin) < 2 || len(pin) > transitBlock-2 {
		return nil, fmt.Errorf("vault: PIN of %d bytes: %w", len(pin), ErrSealed)
	}
	gcm, err := v.transit(c)
	if err != nil {
		return nil, err
	}
	nonce, err := draw(rnd, transitNonce)
	if err != nil {
		return nil, err
	}
	block := make([]byte, transitBlock)
	defer clear(block)
	block[0] = byte(len(pin))
	copy(block[1:], pin)
	return gcm.Seal(nonce, nonce, block, c.ASN[:]), nil
}

// OpenPIN opens what SealPIN has sealed for the card. The caller wipes the PIN. ErrSealed.
func (v *Vault) OpenPIN(c Card, sealed []byte) ([]byte, error) {
	gcm, err := v.transit(c)
	if err != nil {
		return nil, err
	}
	if len(sealed) != transitNonce+transitBlock+gcm.Overhead() {
		return nil, fmt.Errorf("vault: sealed PIN of %d bytes: %w", len(sealed), ErrSealed)
	}
	block, err := gcm.Open(nil, sealed[:transitNonce], sealed[transitNonce:], c.ASN[:])
	if err != nil {
		return nil, ErrSealed
	}
	n := int(block[0])
	if n < 2 || n > transitBlock-2 {
		return nil, ErrSealed
	}
	return block[1 : 1+n], nil
}

func (v *Vault) transit(c Card) (cipher.AEAD, error) {
	_, key, err := v.card(DRPK, c)
	if err != nil {
		return nil, err
	}
	defer clear(key[:])
	kek, err := hkdf.Key(sha256.New, key[:], nil, transitInfo, 32)
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	defer clear(kek)
	block, err := aes.NewCipher(kek)
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	return cipher.NewGCM(block)
}
