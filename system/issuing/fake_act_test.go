package issuing_test

import (
	"bytes"

	"greylock/system/vault"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// locked answers what a blocked card answers; 0 where it is not blocked, or obeys all the same.
func (c *plastic) locked(cmd apdu.Command) ([]byte, apdu.SW) {
	switch {
	case c.dead:
		return nil, apdu.FunctionOrBlocked
	case c.blocked == 0, cmd.INS == 0x84, cmd.INS == 0x18, cmd.INS == 0xA4 && cmd.P1 == 0:
		return nil, 0
	case cmd.INS == 0xA4:
		return fuelcard.FCI{Name: fuelcard.National().AIDPetrol, Public: c.public.Bytes()}.Bytes(), apdu.FileInvalid
	case c.blocked == 2:
		return nil, apdu.PermanentlyLocked
	}
	return nil, apdu.FunctionOrBlocked
}

func (c *plastic) secured(key string, cmd apdu.Command) bool {
	return c.challenge != nil && pboc.TDES.SecureMAC(c.keys[key], c.challenge, cmd.MACSpan()) == pboc.MAC(cmd.Data[len(cmd.Data)-4:])
}

func (c *plastic) administer(cmd apdu.Command) apdu.SW {
	if !c.secured("DAMK", cmd) {
		return apdu.SecureMACWrong
	}
	switch cmd.INS {
	case 0x1E:
		c.blocked = cmd.P2 + 1
	case 0x16:
		c.dead = true
	case 0x18:
		if c.blocked != 1 {
			return apdu.Conditions
		}
		c.blocked = 0
	}
	return apdu.OK
}

func (c *plastic) unblockPIN(cmd apdu.Command) apdu.SW {
	if !c.secured("DPUK", cmd) {
		return apdu.SecureMACWrong
	}
	pin, err := pboc.TDES.Decipher(c.keys["DPUK"], cmd.Data[:8])
	if err != nil {
		return apdu.WrongData
	}
	c.pin, c.tries = bytes.Clone(pin), 3
	return apdu.OK
}

func (b *bank) act(q record.ActQuestion) (any, error) {
	if b.refuse != "" {
		return nil, refusal(b.refuse)
	}
	b.permits = append(b.permits, q)
	var pin []byte
	if q.PIN != nil {
		var err error
		if pin, err = b.keys.OpenPIN(b.card, q.PIN); err != nil {
			b.t.Fatal(err)
		}
	}
	key, c := vault.DAMK, map[record.CardAct]apdu.Command{
		record.ActBlock: fuelcard.ApplicationBlock{}.Command(), record.ActBlockForEver: fuelcard.ApplicationBlock{Permanent: 1}.Command(),
		record.ActBlockCard: fuelcard.CardBlock{}.Command(), record.ActUnblock: fuelcard.ApplicationUnblock{}.Command(),
	}[q.Act]
	a := record.ActAnswer{}
	switch q.Act {
	case record.ActReloadPIN:
		a.MAC = b.must(b.keys.ReloadMAC(b.card, pin))
		return a, nil
	case record.ActUnblockPIN:
		var err error
		if a.Cipher, err = b.keys.Encipher(vault.DPUK, b.card, pin); err != nil {
			b.t.Fatal(err)
		}
		key, c = vault.DPUK, fuelcard.PINUnblock{P2: 1, Cipher: a.Cipher}.Command()
	}
	a.MAC = b.must(b.keys.SecureMAC(key, b.card, q.Challenge, c.MACSpan()))
	return a, nil
}
