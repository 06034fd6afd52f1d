package vault

import (
	"fmt"

	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/samcard"
)

// Guard is the key that protects a WRITE KEY on its way: the master key (39 id 00, usage 00) that the card holds now.
type Guard struct {
	name      Name
	transport pboc.Key
}

// Transport is the card vendor's key in a blank. Nothing goes under it but the master key that replaces it, so that who
// knows it learns no key of ours from a listened trace but that one, which protects nothing by then unheard.
func Transport(key pboc.Key) Guard { return Guard{transport: key} }

// Own is a master key of ours that the card holds already: CCK, ACK or SAMACK.
func Own(name Name) Guard { return Guard{name: name} }

// CardOf is what derivation needs to know of a card from its public file; the version is the high nibble of byte 3 of the
// card number. Source: card.md 3.8.
func CardOf(p fuelcard.PublicData, alg byte) Card {
	return Card{ASN: p.ASN, Issuer: p.Issuer, Alg: alg, Version: p.ASN[3] >> 4}
}

// mode of WRITE KEY. Source: card.md section 11.
const addKey byte = 0x01

// WrapCardKey is the WRITE KEY that puts a card's own key in its place, enciphered and with a MAC, ready to be sent as the
// next command after the GET CHALLENGE that answered rand. replace is for a key that is there: a blank's master.
// Only the vault of card making wraps keys. Source: card.md section 11, 4.4.
func (v *Vault) WrapCardKey(name Name, c Card, g Guard, rand []byte, replace bool) (apdu.Command, error) {
	slot, ok := v.ring().profile.KeySlot(string(name))
	if !ok {
		return apdu.Command{}, fmt.Errorf("vault: %s is no key of a user card: %w", name, ErrPurpose)
	}
	if err := v.mayWrap(name, g, CCK); err != nil {
		return apdu.Command{}, err
	}
	suite, key, err := v.card(name, c)
	if err != nil {
		return apdu.Command{}, err
	}
	if slot.Transaction() {
		slot.Par1 = c.Version
	}
	w := fuelcard.WriteKey{P1: addKey, KeyID: slot.ID, KeyRecord: slot.Record(c.Alg, key[:])}
	if replace {
		w.P1 = slot.Type
	}
	return v.sealForCard(suite, c, g, rand, w)
}

// WrapPIN is the WRITE KEY that puts a first PIN into a card being made.
func (v *Vault) WrapPIN(c Card, g Guard, rand []byte, pin fuelcard.PIN) (apdu.Command, error) {
	if err := v.mayWrap("PIN", g, CCK); err != nil {
		return apdu.Command{}, err
	}
	suite, err := pboc.SuiteFor(c.Alg)
	if err != nil {
		return apdu.Command{}, fmt.Errorf("vault: PIN: %w", err)
	}
	slot := v.ring().profile.PINSlot()
	return v.sealForCard(suite, c, g, rand, fuelcard.WriteKey{P1: addKey, KeyID: slot.ID, KeyRecord: slot.Record(c.Alg, pin)})
}

func (v *Vault) sealForCard(suite pboc.Suite, c Card, g Guard, rand []byte, w fuelcard.WriteKey) (apdu.Command, error) {
	master := g.transport
	if g.name != "" {
		var err error
		if suite, master, err = v.card(g.name, c); err != nil {
			return apdu.Command{}, err
		}
	}
	return fuelcard.SealKey(suite, master, rand, w), nil
}

// WrapPSAMKey is the WRITE KEY of a PSAM. Keys that are the PSAM's own are diversified by its number; the masters DPK, DIK
// and TMAC go in as they are, enciphered, because the PSAM diversifies them itself. Source: card.md 4.1, 4.2, 4.4.
func (v *Vault) WrapPSAMKey(name Name, psam pboc.ASN, g Guard, rand []byte) (apdu.Command, error) {
	slot, err := v.psamSlot(name)
	if err != nil {
		return apdu.Command{}, err
	}
	if err := v.mayWrap(name, g, SAMACK); err != nil {
		return apdu.Command{}, err
	}
	suite, h, err := v.host(name)
	if err != nil {
		return apdu.Command{}, err
	}
	key := h.key
	if slot.Own {
		key = suite.Diversify(key, psam.Factor())
	}
	under, master := pboc.TDES, g.transport // a blank PSAM's is 3DES, whatever it will be
	if g.name != "" {
		if under, master, err = v.psam(g.name, psam); err != nil {
			return apdu.Command{}, err
		}
	}
	return samcard.SealKey(under, master, rand, samcard.KeyRecord{
		Usage: slot.Usage, Version: slot.Version, Alg: suite.Alg(), Key: key,
	}), nil
}

func (v *Vault) psamSlot(name Name) (samcard.Slot, error) {
	for _, s := range samcard.KeysWith(v.ring().profile.LevelsOf) {
		if s.Name == string(name) {
			return s, nil
		}
	}
	return samcard.Slot{}, fmt.Errorf("vault: %s is no key of a PSAM: %w", name, ErrPurpose)
}

// mayWrap holds the rule of Transport and keeps every other vault from giving keys away.
func (v *Vault) mayWrap(name Name, g Guard, first Name) error {
	switch {
	case v.header.Role != record.KindMaking:
		return fmt.Errorf("vault of role %s: WRITE KEY of %s: %w", v.header.Role, name, ErrPurpose)
	case g.name == "" && name != first:
		return fmt.Errorf("vault: %s under a transport key: %w", name, ErrPurpose)
	case g.name != "" && g.name != CCK && g.name != ACK && g.name != SAMACK:
		return fmt.Errorf("vault: %s under %s: %w", name, g.name, ErrPurpose)
	}
	return nil
}
