package cardos

import (
	"bytes"
	"crypto/subtle"

	"greylock/emulators/chip"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
)

// A PIN is 2 to 6 bytes, kept left-aligned in eight and filled with FF. Source: card.md 3.4, 6.2.
const (
	minPIN  = 2
	maxPIN  = 6
	pinSize = 8
)

func padPIN(pin []byte) []byte {
	b := bytes.Repeat([]byte{0xFF}, pinSize)
	copy(b, pin)
	return b
}

// newPIN reports that a PIN may be set: of a length that the profile has, and without the FF that fills it up.
// Source: card.md 3.4, pin_length.
func (c *Card) newPIN(pin []byte) bool {
	return c.profile.PINFits(len(pin)) && bytes.IndexByte(pin, 0xFF) < 0
}

// verify is VERIFY 00 20 00 kid Lc PIN: 63Cx with the tries left, 6983 without any. Source: card.md 6.2.
func (c *Card) verify(cmd apdu.Command) ([]byte, apdu.SW) {
	switch {
	case cmd.P1 != 0:
		return nil, apdu.WrongP1P2
	case !c.profile.PINFits(len(cmd.Data)):
		return nil, apdu.WrongLength
	}
	if sw := c.admit(nil); sw != apdu.OK {
		return nil, sw
	}
	k, sw := c.pin(cmd.P2)
	if sw != apdu.OK {
		return nil, sw
	}
	if sw := c.compare(k, cmd.Data, nil); sw != apdu.OK {
		return nil, sw
	}
	c.setState(k.A & 0x0F)
	return nil, apdu.OK
}

// pin finds a PIN that may be presented.
func (c *Card) pin(id byte) (chip.Key, apdu.SW) {
	k, ok := c.key(fuelcard.KeyPIN, id)
	switch {
	case !ok:
		return k, apdu.KeyNotFound
	case !c.allows(k.Use):
		return k, apdu.SecurityState
	}
	return k, apdu.OK
}

// compare judges a presented PIN. The try is booked in memory before the comparison, so that pulling the card at the
// right moment never gains one. A right PIN gets all tries back, in one act with what then may come.
func (c *Card) compare(k chip.Key, pin []byte, then func(*chip.Tx)) apdu.SW {
	if k.Tries() == 0 {
		return apdu.AuthBlocked
	}
	x := c.tree.Begin()
	k.SetB(x, k.B-1)
	if sw := c.commit(x); sw != apdu.OK {
		return sw
	}
	k.B--
	if bytes.IndexByte(pin, 0xFF) >= 0 || subtle.ConstantTimeCompare(k.Value, padPIN(pin)) != 1 { // FF behind a PIN makes it another one
		return 0x63C0 | apdu.SW(k.Tries())
	}
	x = c.tree.Begin()
	restore(x, k)
	if then != nil {
		then(x)
	}
	return c.commit(x)
}

// changePIN is 80 5E: P1 01 CHANGE PIN old FF new, P1 00 RELOAD PIN new MAC4. Source: card.md 6.2.
func (c *Card) changePIN(cmd apdu.Command) ([]byte, apdu.SW) {
	switch cmd.P1 {
	case 0:
		return nil, c.reloadPIN(cmd)
	case 1:
	default:
		return nil, apdu.WrongP1P2
	}
	if len(cmd.Data) < 2*minPIN+1 || len(cmd.Data) > 2*maxPIN+1 {
		return nil, apdu.WrongLength
	}
	if sw := c.admit(nil); sw != apdu.OK {
		return nil, sw
	}
	old, fresh, found := bytes.Cut(cmd.Data, []byte{0xFF})
	if !found || !c.profile.PINFits(len(old)) || !c.newPIN(fresh) {
		return nil, apdu.WrongData
	}
	k, sw := c.pin(cmd.P2)
	if sw != apdu.OK {
		return nil, sw
	}
	return nil, c.compare(k, old, func(x *chip.Tx) { setPIN(x, k, fresh) })
}

// setPIN stores a new PIN with all its tries.
func setPIN(x *chip.Tx, k chip.Key, pin []byte) {
	k.SetValue(x, padPIN(pin))
	k.SetB(x, k.B&0xF0|k.B>>4)
}

// reloadPIN sets a new PIN under the reload key: 9302 for a wrong MAC, 9303 when that key's tries are used up.
// Source: card.md 5.3, 6.2.
func (c *Card) reloadPIN(cmd apdu.Command) apdu.SW {
	n := len(cmd.Data) - macSize
	if !c.profile.PINFits(n) {
		return apdu.WrongLength
	}
	if sw := c.admit(nil); sw != apdu.OK {
		return sw
	}
	pin, ok := c.key(fuelcard.KeyPIN, cmd.P2)
	if !ok {
		return apdu.KeyNotFound
	}
	k, ok := c.key(fuelcard.KeyPINReload, 0)
	switch {
	case !ok:
		return apdu.KeyNotFound
	case !c.allows(k.Use):
		return apdu.SecurityState
	case k.Tries() == 0:
		return apdu.PermanentlyLocked
	}
	var mac pboc.MAC
	copy(mac[:], cmd.Data[n:])
	switch fresh := cmd.Data[:n]; {
	case !c.suite(k).TAC(keyOf(k), fresh).Equal(mac):
		return c.missed(k, c.last(k, apdu.MACWrong))
	case !c.newPIN(fresh):
		return apdu.WrongData
	}
	x := c.tree.Begin()
	restore(x, k)
	setPIN(x, pin, cmd.Data[:n])
	return c.commit(x)
}

// last is 9303 for the last try of a key, else sw.
func (c *Card) last(k chip.Key, sw apdu.SW) apdu.SW {
	if k.Tries() == 1 {
		return apdu.PermanentlyLocked
	}
	return sw
}

// unblockPIN is PIN UNBLOCK 84 24, P1 P2 = 00 01 or PIN id 00: the PIN enciphered, MAC over it; it gets the PIN and all its
// tries. 6988 for a wrong MAC, 9303 when the unblock key's tries are used up; it stays so. Source: card.md 5.3, 6.2.
func (c *Card) unblockPIN(cmd apdu.Command) ([]byte, apdu.SW) {
	id, form := cmd.P1, c.profile.PINUnblock
	example, table := cmd.P1 == 0 && cmd.P2 == 1, cmd.P2 == 0
	if !(example && form != fuelcard.UnblockID00) && !(table && form != fuelcard.Unblock00_01) {
		return nil, apdu.WrongP1P2
	}
	k, ok := c.key(fuelcard.KeyPINUnblock, 0)
	block := c.suite(k).Block()
	if len(cmd.Data) != block+macSize {
		return nil, apdu.WrongLength
	}
	if sw := c.admit(nil); sw != apdu.OK {
		return nil, sw
	}
	pin, found := c.key(fuelcard.KeyPIN, id)
	switch {
	case !ok || !found:
		return nil, apdu.KeyNotFound
	case !c.allows(k.Use):
		return nil, apdu.SecurityState
	case k.Tries() == 0:
		return nil, apdu.PermanentlyLocked
	case !c.challenged():
		return nil, apdu.Conditions
	}
	var mac pboc.MAC
	copy(mac[:], cmd.Data[block:])
	if !c.suite(k).SecureMAC(keyOf(k), c.rand, cmd.MACSpan()).Equal(mac) {
		return nil, c.missed(k, c.last(k, apdu.SecureMACWrong))
	}
	fresh, err := c.suite(k).Decipher(keyOf(k), cmd.Data[:block])
	if err != nil || !c.newPIN(fresh) {
		return nil, apdu.WrongData
	}
	x := c.tree.Begin()
	restore(x, k)
	setPIN(x, pin, fresh)
	return nil, c.commit(x)
}
