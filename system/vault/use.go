package vault

import (
	"fmt"

	"greylock/system/wire/pboc"
)

// LoadMAC is MAC1 (to compare) or MAC2 (to send) of a load: the MAC of data under the load session key of (rand, sn).
// data is a string of card.md 5.3. Key DLK.
func (v *Vault) LoadMAC(c Card, rand [4]byte, sn pboc.OnlineSN, data []byte) (pboc.MAC, error) {
	return v.sessionMAC(DLK, c, rand, sn, data)
}

// UnloadMAC is MAC1, MAC2 or MAC3 of an unload under its session key. Key DULK. Source: card.md 5.3.
func (v *Vault) UnloadMAC(c Card, rand [4]byte, sn pboc.OnlineSN, data []byte) (pboc.MAC, error) {
	return v.sessionMAC(DULK, c, rand, sn, data)
}

// UnlockMAC is MAC1, MAC2 or MAC3 of an online grey unlock under its session key. Key DUGK. Source: card.md 5.3.
func (v *Vault) UnlockMAC(c Card, rand [4]byte, sn pboc.OnlineSN, data []byte) (pboc.MAC, error) {
	return v.sessionMAC(DUGK, c, rand, sn, data)
}

func (v *Vault) sessionMAC(name Name, c Card, rand [4]byte, sn pboc.OnlineSN, data []byte) (pboc.MAC, error) {
	suite, key, err := v.card(name, c)
	if err != nil {
		return pboc.MAC{}, err
	}
	return suite.MAC(suite.LoadSession(key, rand, sn), data), nil
}

// TAC is the TAC or GTAC of a card over data, to compare. Key DTK. Source: card.md 5.3.
func (v *Vault) TAC(c Card, data []byte) (pboc.MAC, error) {
	suite, key, err := v.card(DTK, c)
	if err != nil {
		return pboc.MAC{}, err
	}
	return suite.TAC(key, data), nil
}

// PSAMTAC is the TAC of a PSAM over data, to compare. Key SAMTAC, one level by the PSAM's number. Source: card.md 4.2, 5.3.
func (v *Vault) PSAMTAC(psam pboc.ASN, data []byte) (pboc.MAC, error) {
	suite, key, err := v.psam(SAMTAC, psam)
	if err != nil {
		return pboc.MAC{}, err
	}
	return suite.TAC(key, data), nil
}

// TMAC is the T_MAC of an upload record over data, to compare. Key TMAC, not diversified. Source: card.md 4.2, 14.
func (v *Vault) TMAC(data []byte) (pboc.MAC, error) {
	suite, h, err := v.host(TMAC)
	if err != nil {
		return pboc.MAC{}, err
	}
	return suite.TMAC(v.ring().profile.TMACKey(suite, h.key), data), nil
}

// SecureMAC is the MAC of a secured command: header, Lc including the MAC, and data or cipher. rand is the card's challenge,
// 4 or 8 bytes. Keys DAMK, CCK, CMK, ACK, DPUK. Source: card.md 5.1, 5.3.
func (v *Vault) SecureMAC(name Name, c Card, rand, data []byte) (pboc.MAC, error) {
	suite, key, err := v.secure(name, c)
	if err != nil {
		return pboc.MAC{}, err
	}
	if len(rand) != 4 && len(rand) != 8 {
		return pboc.MAC{}, fmt.Errorf("vault: secure messaging: challenge of %d bytes, want 4 or 8: %w", len(rand), ErrPurpose)
	}
	return suite.SecureMAC(key, rand, data), nil
}

// Encipher is ENC of card.md 5.1 over data (length byte, data, padding). Keys as SecureMAC.
func (v *Vault) Encipher(name Name, c Card, data []byte) ([]byte, error) {
	suite, key, err := v.secure(name, c)
	if err != nil {
		return nil, err
	}
	return suite.Encipher(key, data), nil
}

func (v *Vault) secure(name Name, c Card) (pboc.Suite, pboc.Key, error) {
	if !name.may(useSecure) {
		return nil, pboc.Key{}, fmt.Errorf("vault: secure messaging with %s: %w", name, ErrPurpose)
	}
	return v.card(name, c)
}

// ReloadMAC is the MAC of RELOAD PIN over the new PIN (2 to 6 bytes, BCD). Key DRPK. Source: card.md 5.3.
func (v *Vault) ReloadMAC(c Card, pin []byte) (pboc.MAC, error) {
	suite, key, err := v.card(DRPK, c)
	if err != nil {
		return pboc.MAC{}, err
	}
	return suite.TAC(key, pin), nil // the same arithmetic: halves XORed, then MAC_S
}
