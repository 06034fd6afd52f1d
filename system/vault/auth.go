package vault

import (
	"fmt"

	"greylock/system/wire/pboc"
)

// ExternalAnswer is what EXTERNAL AUTHENTICATION sends to a card: its challenge (rand4 filled with 0, or rand8) enciphered
// with the card's key. Keys CCK, CMK, ACK, DAMK. Source: card.md 6.2.
func (v *Vault) ExternalAnswer(name Name, c Card, challenge [8]byte) ([8]byte, error) {
	return v.authenticate(useExternal, name, c, challenge)
}

// InternalAnswer is what a genuine card answers to INTERNAL AUTHENTICATION of the challenge, to compare. Key DIK.
// Source: card.md 6.2.
func (v *Vault) InternalAnswer(c Card, challenge [8]byte) ([8]byte, error) {
	return v.authenticate(useInternal, DIK, c, challenge)
}

func (v *Vault) authenticate(u use, name Name, c Card, challenge [8]byte) ([8]byte, error) {
	if !name.may(u) {
		return [8]byte{}, fmt.Errorf("vault: authentication with %s: %w", name, ErrPurpose)
	}
	suite, key, err := v.card(name, c)
	if err != nil {
		return [8]byte{}, err
	}
	return suite.Authenticate(key, challenge), nil
}

// PSAMExternalAnswer is the answer to a PSAM's challenge. Keys SAMACK, SAMMK. Source: card.md 8.1.
func (v *Vault) PSAMExternalAnswer(name Name, psam pboc.ASN, challenge [8]byte) ([8]byte, error) {
	if name != SAMACK && name != SAMMK {
		return [8]byte{}, fmt.Errorf("vault: authentication to a PSAM with %s: %w", name, ErrPurpose)
	}
	suite, key, err := v.psam(name, psam)
	if err != nil {
		return [8]byte{}, err
	}
	return suite.Authenticate(key, challenge), nil
}

// psam derives a PSAM's own key, one level by its number, in the profile's arithmetic.
func (v *Vault) psam(name Name, psam pboc.ASN) (pboc.Suite, pboc.Key, error) {
	suite, h, err := v.host(name)
	if err != nil {
		return nil, pboc.Key{}, err
	}
	return suite, suite.Diversify(h.key, psam.Factor()), nil
}

// host is the newest version of a key that no card names, and the profile's arithmetic.
func (v *Vault) host(name Name) (pboc.Suite, held, error) {
	h, err := v.newest(name)
	if err != nil {
		return nil, held{}, err
	}
	suite, err := v.ring().profile.Suite()
	if err != nil {
		return nil, held{}, fmt.Errorf("vault: %s: %w", name, err)
	}
	return suite, h, nil
}
