package terminal

import (
	"bytes"
	"fmt"
	"io"

	"greylock/system/card"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/samcard"
)

// Verifier answers what a card of ours answers to a challenge: a host's vault at a desk.
type Verifier interface {
	Authenticate(asn pboc.ASN, issuer pboc.Issuer, challenge [8]byte) ([8]byte, error)
}

// Authenticate asks the card to encipher a fresh challenge under DIK and checks the answer with the verifier; nil takes the
// PSAM, which Identify may have asked already. ErrForeign if the card is not of this system. It comes before a lock: a card
// without our keys would cost the PSAM a number and one of the three wrong MAC2 that lock it for ever. Source: card.md 6.2,
// 8.1, 8.2; trust.md row 9.
func (t *Terminal) Authenticate(id Identity, host Verifier) error {
	challenge, want, err := t.expected(id, host)
	if err != nil {
		return err
	}
	slot, _ := fuelcard.KeySlot(dik)
	got, err := send(t.Card, "内部认证 (INTERNAL AUTHENTICATION)", fuelcard.InternalAuthenticate{KeyID: slot.ID, Data: challenge[:]})
	if _, no := refused(err); no {
		return fmt.Errorf("%w: %w", ErrForeign, err)
	}
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want[:]) {
		return ErrForeign
	}
	return nil
}

// expected is a challenge that was never used, and the answer of a card of ours.
func (t *Terminal) expected(id Identity, host Verifier) (challenge, want [8]byte, err error) {
	if host == nil {
		x := t.ahead
		t.ahead = nil
		if x == nil || x.asn != id.ASN || x.issuer != id.Public.Issuer || len(x.rest) > 0 { // half asked is not asked: a PSAM has one key at work
			if x, err = t.newCardProof(id); err != nil {
				return challenge, want, err
			}
		}
		want, err = x.finish(t.PSAM)
		return x.challenge, want, err
	}
	if challenge, err = t.challenge(); err != nil {
		return challenge, want, err
	}
	want, err = host.Authenticate(id.ASN, id.Public.Issuer, challenge)
	return challenge, want, err
}

func (t *Terminal) challenge() (c [8]byte, err error) {
	if _, err = io.ReadFull(t.Rand, c[:]); err != nil {
		err = fmt.Errorf("内部认证 (INTERNAL AUTHENTICATION): 随机数 (random): %w", err)
	}
	return c, err
}

// The names of the keys in the PSAM that stand behind a card, and the version of DIK there. Source: card.md 4.1; adr/0003.
const (
	dpk             = "DPK"
	dik             = "DIK"
	dikVersion byte = 1
)

// factors are the diversification factors of a card's key as a PSAM command lists them, from the inner to the outer level.
// Source: card.md 8.1.
func (t *Terminal) factors(key string, issuer pboc.Issuer, asn pboc.ASN) samcard.Factors {
	return t.Profile.PSAMFactors(key, issuer, asn)
}

// cardProof is the PSAM's part of an internal authentication: two commands to it, which know of the card no more than its
// number, so that they may go while the card itself is busy with others.
type cardProof struct {
	asn       pboc.ASN
	issuer    pboc.Issuer
	challenge [8]byte
	rest      []psamStep
	answer    []byte
	err       error
}

type psamStep struct {
	doing   string
	command apdu.Command
}

func (t *Terminal) newCardProof(id Identity) (*cardProof, error) {
	if t.PSAM == nil {
		return nil, ErrPSAM
	}
	challenge, err := t.challenge()
	if err != nil {
		return nil, err
	}
	suite, err := t.Profile.Suite()
	if err != nil {
		return nil, err
	}
	block := challenge[:]
	if suite.Block() > len(block) {
		block = pboc.Pad(block, suite.Block())
	}
	key := samcard.DeliveryKey{Usage: samcard.UsageOf(t.Profile.LevelsOf(dik), samcard.TypeInternal), KeyVersion: dikVersion, Factors: t.factors(dik, id.Public.Issuer, id.ASN)}
	return &cardProof{asn: id.ASN, issuer: id.Public.Issuer, challenge: challenge, rest: []psamStep{
		{"PSAM 通用DES初始化 (DELIVERY_KEY)", key.Command()},
		{"PSAM 通用DES计算 (CIPHER_DATA)", samcard.CipherData{Mode: samcard.CipherEncipher, Data: block}.Command()},
	}}, nil
}

// take is the next command's reply.
func (x *cardProof) take(r card.Reply) {
	doing := x.rest[0].doing
	x.rest = x.rest[1:]
	if x.answer, x.err = parsed(doing, r.Data, r.Err); x.err != nil {
		x.rest = nil
	}
}

// finish sends what has not been sent and returns the PSAM's answer.
func (x *cardProof) finish(psam card.Transport) (want [8]byte, err error) {
	for len(x.rest) > 0 {
		raw, err := psam.Transmit(x.rest[0].command.Bytes())
		x.take(card.Reply{Data: raw, Err: err})
	}
	if x.err == nil && len(x.answer) < len(want) {
		x.err = fmt.Errorf("PSAM CIPHER_DATA: %d 字节 (bytes): %w", len(x.answer), ErrPSAM)
	}
	if x.err == nil {
		copy(want[:], x.answer)
	}
	return want, x.err
}

// proveAhead lets the PSAM work out what this card must answer while the card is being read: until the returned function is
// called, long reads of the card go beside the PSAM's commands. Nothing is lost if the reading ends early.
func (t *Terminal) proveAhead(id Identity) (stop func()) {
	t.ahead = nil
	if t.Both == nil || t.SAM == (SAM{}) || t.PSAM == nil {
		return func() {}
	}
	x, err := t.newCardProof(id)
	if err != nil {
		return func() {} // Authenticate will say it
	}
	t.ahead = x
	user := t.Card
	t.Card = beside{t, user, x}
	return func() { t.Card = user }
}

// beside is the user card while the PSAM has work of its own.
type beside struct {
	t    *Terminal
	card card.Transport
	x    *cardProof
}

// worthwhile is the least Le beside which the PSAM's commands take no time of their own: at 12 etu a byte they move about as
// much. Beside a shorter answer the card would wait for the PSAM.
const worthwhile = 0x1C

func (b beside) Transmit(command []byte) ([]byte, error) {
	if le := command[len(command)-1]; len(b.x.rest) == 0 || len(command) != 5 || le < worthwhile {
		return b.card.Transmit(command)
	}
	ofUser, ofPSAM := b.t.Both(command, b.x.rest[0].command.Bytes())
	b.x.take(ofPSAM)
	return ofUser.Data, ofUser.Err
}
