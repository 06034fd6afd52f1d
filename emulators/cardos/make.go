package cardos

import (
	"greylock/emulators/chip"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
)

// createFile is CREATE FILE 80 E0 FID Lc data: it asks for the current DF's right to create. A new DF becomes the current
// one, in personalisation mode. 6A80 for an id that is taken. Source: card.md 6.1, section 11.
func (c *Card) createFile(cmd apdu.Command) ([]byte, apdu.SW) {
	if len(cmd.Data) < 7 || len(cmd.Data) > apdu.MaxData {
		return nil, apdu.WrongLength
	}
	if sw := c.admit(nil); sw != apdu.OK {
		return nil, sw
	}
	if !c.allows(c.tree.Create(c.df)) {
		return nil, apdu.SecurityState
	}
	spec, sw := chip.ParseSpec(uint16(cmd.P1)<<8|uint16(cmd.P2), cmd.Data, appSize, purseSize)
	switch {
	case sw != apdu.OK:
		return nil, sw
	case spec.Kind == chip.DF && c.df != c.tree.MF():
		return nil, apdu.FunctionOrBlocked // a DF inside a DF: petrol cards have one level
	}
	x := c.tree.Begin()
	if sw := c.tree.Make(x, c.df, spec); sw != apdu.OK {
		return nil, sw
	}
	if sw := c.commit(x); sw != apdu.OK {
		return nil, sw
	}
	at := c.df.ID
	c.tree.Refresh()
	c.refind(at)
	if spec.Kind == chip.DF {
		c.enter(c.tree.DF(spec.ID))
		c.fresh = c.df
	}
	return nil, apdu.OK
}

// refind takes the current DF out of the tree that was read anew.
func (c *Card) refind(id uint16) {
	wasFresh := c.personalising()
	c.df = c.tree.DF(id)
	c.fresh = nil
	if wasFresh {
		c.fresh = c.df
	}
}

// keySize is the length of every key but a PIN.
const keySize = 16

// writeKey is WRITE KEY: 80 D4 plain, in a DF in personalisation mode alone; 84 D4 enciphered and with a MAC under key 39
// id 00 of the current DF, of the MF while the DF has none. P1 01 adds (or replaces the key of that type and id), P1 type
// replaces. The rights to add and to change are judged with the state that key 39 would give.
// Source: card.md 4.4, 5.1, section 11.
func (c *Card) writeKey(cmd apdu.Command) ([]byte, apdu.SW) {
	if len(cmd.Data) == 0 || len(cmd.Data) > apdu.MaxData {
		return nil, apdu.WrongLength
	}
	if sw := c.admit(nil); sw != apdu.OK {
		return nil, sw
	}
	file := c.tree.KeysOf(c.df)
	if file == nil {
		return nil, apdu.FileNotFound
	}
	rec, allows := cmd.Data, func(Right) bool { return true }
	if cmd.CLA == 0x84 {
		master, ok := c.master()
		if !ok {
			return nil, apdu.KeyNotFound
		}
		if sw := c.secured(cmd, master); sw != apdu.OK {
			return nil, sw
		}
		plain, err := c.suite(master).Decipher(keyOf(master), rec[:len(rec)-macSize])
		if err != nil {
			return nil, apdu.WrongData
		}
		rec = plain
		allows = func(r Right) bool { return r.Allows(master.A&0x0F, master.A&0x0F) || c.personalising() }
	} else if !c.personalising() {
		return nil, apdu.WrongSecureCLA
	}
	k, class, sw := c.keyRecord(cmd.P2, rec)
	if sw != apdu.OK {
		return nil, sw
	}
	old, exists := c.key(class, k.ID)
	x := c.tree.Begin()
	c.forgive(x)
	switch {
	case cmd.P1 != 0x01 && !c.profile.KeyTypes.Is(cmd.P1, class):
		return nil, apdu.WrongP1P2
	case cmd.P1 != 0x01 && !exists:
		return nil, apdu.KeyNotFound
	case exists && !allows(old.Change), !exists && !allows(file.Write):
		return nil, apdu.SecurityState
	case exists:
		sw = c.tree.ReplaceKey(x, old, k)
	default:
		sw = c.tree.AddKey(x, c.df, k)
	}
	if sw != apdu.OK {
		return nil, sw
	}
	return nil, c.commit(x)
}

// master is the key that secures WRITE KEY.
func (c *Card) master() (chip.Key, bool) {
	if k, ok := c.key(fuelcard.KeyMaster, 0); ok {
		return k, true
	}
	return c.keyIn(c.tree.MF(), fuelcard.KeyMaster, 0)
}

// keyRecord reads type use change a b value. A key has 16 bytes and an algorithm that the card knows; a PIN has 2 to 6
// bytes, or eight with FF behind it. A type byte that the vendor does not have is 6A80. Source: card.md 4.1, 4.4.
func (c *Card) keyRecord(id byte, d []byte) (k chip.Key, class byte, sw apdu.SW) {
	const head = 5
	if len(d) < head+minPIN {
		return k, 0, apdu.WrongLength
	}
	class, known := c.profile.KeyTypes.Class(d[0])
	k = chip.Key{Type: d[0], ID: id, Use: Right(d[1]), Change: Right(d[2]), A: d[3], B: d[4], Value: d[head:]}
	switch {
	case !known:
		return k, class, apdu.WrongData
	case class == fuelcard.KeyPIN:
		pin := trimFF(k.Value)
		if len(k.Value) > pinSize || !c.profile.PINFits(len(pin)) {
			return k, class, apdu.WrongData
		}
		k.Value = padPIN(pin)
	case len(k.Value) != keySize:
		return k, class, apdu.WrongLength
	case fuelcard.Transactional(class):
		if _, err := pboc.SuiteFor(k.B); err != nil {
			return k, class, apdu.WrongData
		}
	}
	return k, class, apdu.OK
}

func trimFF(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == 0xFF {
		b = b[:len(b)-1]
	}
	return b
}
