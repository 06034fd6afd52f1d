package record

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func pair(seed byte) (ed25519.PublicKey, ed25519.PrivateKey) {
	key := ed25519.NewKeyFromSeed(append(make([]byte, 31), seed))
	return key.Public().(ed25519.PublicKey), key
}

func TestDirectiveSignature(t *testing.T) {
	t.Parallel()
	public, private := pair(1)
	other, _ := pair(2)
	d := Directive{Site: "3101", Topic: TopicPrices, Version: 7, TimeMs: 1_790_000_000_000, Realm: Training,
		Body: json.RawMessage(`{"effective":"202611230000","now":[{"product":"1010","price_fen":789}],"next":[]}`)}
	line, err := d.Sign(private)
	if err != nil {
		t.Fatal(err)
	}
	got, err := line.Open(public)
	if err != nil || cmp.Diff(d, got) != "" {
		t.Fatalf("%v: %s", err, cmp.Diff(d, got))
	}
	if _, err := line.Open(other); !errors.Is(err, ErrSignature) {
		t.Errorf("another center's key: %v", err)
	}
	for i := range line.Line {
		b := []byte(line.Line)
		b[i] ^= 1
		if _, err := (DirectiveLine{string(b), line.Signature}).Open(public); !errors.Is(err, ErrSignature) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
	}
	for i := range line.Signature {
		s := append(Hex(nil), line.Signature...)
		s[i] ^= 1
		if _, err := (DirectiveLine{line.Line, s}).Open(public); !errors.Is(err, ErrSignature) {
			t.Fatalf("signature byte %d changed: %v", i, err)
		}
	}
	if _, err := (DirectiveLine{line.Line, nil}).Open(public); !errors.Is(err, ErrSignature) {
		t.Errorf("no signature: %v", err)
	}
	if _, err := line.Open(nil); !errors.Is(err, ErrSignature) {
		t.Errorf("no key: %v", err)
	}
}

// TestDirectiveStrict: a signed line is still read strictly.
func TestDirectiveStrict(t *testing.T) {
	t.Parallel()
	public, private := pair(1)
	for _, line := range []string{``, `{}{}`, `{"site":"1"}]`, `{"site":"1","more":1}`, `[]`, `{"version":-1}`} {
		signed := DirectiveLine{line, ed25519.Sign(private, []byte(line))}
		if d, err := signed.Open(public); err == nil || errors.Is(err, ErrSignature) {
			t.Errorf("%q: %+v, %v", line, d, err)
		}
	}
}
