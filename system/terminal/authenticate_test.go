package terminal

import (
	"errors"
	"testing"

	"greylock/system/card"
	"greylock/system/wire/apdu"
	"greylock/system/wire/pboc"
)

// abreast is a bench whose card and PSAM can work at the same time; it keeps what went together and what the PSAM did alone.
type abreast struct {
	*bench
	pairs [][2]byte // INS of card and PSAM
	alone []byte    // INS of the PSAM
	mute  bool      // the PSAM does not answer beside the card
}

func newAbreast(t *testing.T) *abreast {
	b := &abreast{bench: newBench(t)}
	b.term.Brief = true
	if _, err := b.term.ReadPSAM(); err != nil {
		t.Fatal(err)
	}
	b.term.PSAM = b
	b.term.Both = func(user, psam []byte) (u, p card.Reply) {
		b.pairs = append(b.pairs, [2]byte{user[1], psam[1]})
		u.Data, u.Err = b.card.Transmit(user)
		p.Data, p.Err = b.psam.Transmit(psam)
		if b.mute {
			p = card.Reply{Err: card.ErrMute}
		}
		return u, p
	}
	return b
}

func (b *abreast) Transmit(command []byte) ([]byte, error) {
	b.alone = append(b.alone, command[1])
	return b.psam.Transmit(command)
}

// TestAuthenticateAhead: the PSAM works out the answer while the card is read, and is not asked again.
func TestAuthenticateAhead(t *testing.T) {
	t.Parallel()
	b := newAbreast(t)
	id, err := b.term.Identify()
	if err != nil {
		t.Fatal(err)
	}
	if want := [][2]byte{{0xCA, 0x1A}, {0xB0, 0xFA}}; len(b.pairs) != 2 || b.pairs[0] != want[0] || b.pairs[1] != want[1] {
		t.Fatalf("together %X", b.pairs)
	}
	if err := b.term.Authenticate(id, nil); err != nil || len(b.alone) != 0 {
		t.Errorf("%v, the PSAM alone: %X", err, b.alone)
	}
	b.card.keys["DIK"] = pboc.Key{1}
	if err := b.term.Authenticate(id, nil); !errors.Is(err, ErrForeign) || len(b.alone) != 2 {
		t.Errorf("an answer is good for once: %v, the PSAM alone: %X", err, b.alone)
	}
	if id, err = b.term.Identify(); err != nil {
		t.Fatal(err)
	}
	if err := b.term.Authenticate(id, nil); !errors.Is(err, ErrForeign) {
		t.Errorf("foreign card: %v", err)
	}
}

// TestAuthenticateHalfAhead: a card that is refused early leaves the PSAM half asked; the next one begins anew, and so does this
// one if it is asked after all.
func TestAuthenticateHalfAhead(t *testing.T) {
	t.Parallel()
	b := newAbreast(t)
	b.card.issuer[7] = 0 // refused by issuer_rule, after the lock proof and before the limits
	id, err := b.term.Identify()
	if err != nil || id.Refused == nil || len(b.pairs) != 1 {
		t.Fatalf("%v %v, together %X", id.Refused, err, b.pairs)
	}
	b.psam.factors = nil // the PSAM has had other work
	b.card.keys["DIK"] = pboc.TDES.Diversify(b.psam.keys["DIK"], b.card.profile.Factors("DIK", b.card.issuer, b.card.asn)...)
	if err := b.term.Authenticate(id, nil); err != nil || len(b.alone) != 2 {
		t.Errorf("%v, the PSAM alone: %X", err, b.alone)
	}
	other := id
	other.ASN[9]++
	b.card.issuer[7] = 0xFF
	if _, err = b.term.Identify(); err != nil {
		t.Fatal(err)
	}
	if err := b.term.Authenticate(other, nil); !errors.Is(err, ErrForeign) {
		t.Errorf("the answer of another card: %v", err)
	}
}

// TestAuthenticateAheadFails: what the PSAM suffers beside the card is nothing to the card, and Authenticate says it.
func TestAuthenticateAheadFails(t *testing.T) {
	t.Parallel()
	b := newAbreast(t)
	b.mute = true
	id, err := b.term.Identify()
	if err != nil || id.Limits != noLimits() || len(b.pairs) != 1 {
		t.Fatalf("%v, together %X", err, b.pairs)
	}
	if err := b.term.Authenticate(id, nil); !errors.Is(err, card.ErrMute) {
		t.Error(err)
	}
	b.mute = false
	b.psam.refuse = map[byte]apdu.SW{0xFA: apdu.KeyIndexMissing}
	if id, err = b.term.Identify(); err != nil {
		t.Fatal(err)
	}
	if err := b.term.Authenticate(id, nil); !errors.Is(err, apdu.KeyIndexMissing) {
		t.Error(err)
	}
	b.card.refuse = map[byte]apdu.SW{0xCA: apdu.FunctionOrBlocked}
	if _, err := b.term.Identify(); !errors.Is(err, apdu.FunctionOrBlocked) {
		t.Errorf("the card's own refusal: %v", err)
	}
	if _, is := b.term.Card.(*fakeCard); !is {
		t.Errorf("the slot is left as %T", b.term.Card)
	}
}
