package pboc

import (
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// masked is what a key shows of itself wherever it is printed.
const masked = "***"

// Key is a 16-byte symmetric key: two-key 3DES (K1 K2 K1) or SM4. It masks itself when printed, logged or marshalled;
// only an explicit k[:] hands out its bytes. A struct that holds one must export the field or mask itself: fmt does not
// ask unexported fields.
type Key [16]byte

// Session is a session key: 8 bytes in the 3DES suite, 16 in the SM4 suite. It masks itself like a Key.
// Source: card.md 4.3, section 16.
type Session struct {
	key [16]byte
	n   uint8
}

// ErrKeyLength is wrapped when text or bytes have not the length of a key.
var ErrKeyLength = errors.New("wrong key length")

// ParseKey reads 32 hexadecimal digits. The error never repeats them.
func ParseKey(s string) (k Key, err error) {
	if len(s) != 2*len(k) {
		return Key{}, fmt.Errorf("pboc: key of %d characters, want %d: %w", len(s), 2*len(k), ErrKeyLength)
	}
	if _, err := hex.Decode(k[:], []byte(s)); err != nil {
		return Key{}, errors.New("pboc: key holds a character that is no hexadecimal digit")
	}
	return k, nil
}

// Equal compares in constant time.
func (k Key) Equal(o Key) bool { return subtle.ConstantTimeCompare(k[:], o[:]) == 1 }

// String masks the key.
func (k Key) String() string { return masked }

// Format masks the key under every verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, masked) }

// LogValue masks the key in logs.
func (k Key) LogValue() slog.Value { return slog.StringValue(masked) }

// MarshalText masks the key in JSON and every other text form: a key never leaves by accident.
func (k Key) MarshalText() ([]byte, error) { return []byte(masked), nil }

// SessionOf wraps the 8 or 16 bytes that Bytes returned: a card keeps its grey session key through a power-down.
func SessionOf(b []byte) (s Session, err error) {
	if len(b) != desBlock && len(b) != sm4Block {
		return Session{}, fmt.Errorf("pboc: session key of %d bytes, want 8 or 16: %w", len(b), ErrKeyLength)
	}
	copy(s.key[:], b)
	s.n = uint8(len(b))
	return s, nil
}

// Bytes returns the key's 8 or 16 bytes, for a card's own memory only.
func (s Session) Bytes() []byte { return append([]byte(nil), s.key[:s.n]...) }

// String masks the key.
func (s Session) String() string { return masked }

// Format masks the key under every verb.
func (s Session) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, masked) }

// LogValue masks the key in logs.
func (s Session) LogValue() slog.Value { return slog.StringValue(masked) }

// MarshalText masks the key.
func (s Session) MarshalText() ([]byte, error) { return []byte(masked), nil }

// Equal compares in constant time.
func (m MAC) Equal(o MAC) bool { return subtle.ConstantTimeCompare(m[:], o[:]) == 1 }
