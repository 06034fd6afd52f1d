package cardos

import (
	"greylock/emulators/chip"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
)

const (
	macSize    = 4
	maxSMFails = 3 // Source: card.md 3.1: three consecutive wrong write MACs
)

// key finds a key of the current DF by class and id.
func (c *Card) key(class, id byte) (chip.Key, bool) { return c.keyIn(c.df, class, id) }

func (c *Card) keyIn(df *chip.File, class, id byte) (chip.Key, bool) {
	return c.tree.FindKey(df, func(k chip.Key) bool { return k.ID == id && c.profile.KeyTypes.Is(k.Type, class) })
}

// keyOf is the value of a 16-byte key.
func keyOf(k chip.Key) (v pboc.Key) {
	copy(v[:], k.Value)
	return v
}

// suite is the arithmetic of a key: by its algorithm byte, else the card's own.
func (c *Card) suite(k chip.Key) pboc.Suite {
	alg := c.profile.Alg
	if class, ok := c.profile.KeyTypes.Class(k.Type); ok && fuelcard.Transactional(class) {
		alg = k.B
	}
	if s := c.arithmetic(alg); s != nil {
		return s
	}
	return c.arithmetic(pboc.AlgTDES) // WRITE KEY lets no other algorithm in; a profile without one is 3DES
}

// arithmetic is the suite of an algorithm byte, nil for an unknown one. That of 3DES remembers its key schedules.
func (c *Card) arithmetic(alg byte) pboc.Suite {
	s, err := pboc.SuiteFor(alg)
	switch {
	case err != nil:
		return nil
	case s != pboc.TDES:
		return s
	case c.tdes == nil:
		c.tdes = pboc.Cached(s)
	}
	return c.tdes
}

// secured checks the MAC at the end of a secure-messaging command against the challenge of the command before: 6985
// without a challenge, 6987 without room for a MAC, 6988 wrong, 9303 at the third wrong one in a row, which locks the
// application for ever. Source: card.md 3.1, 5.3, 6.2.
func (c *Card) secured(cmd apdu.Command, k chip.Key) apdu.SW {
	span := cmd.MACSpan()
	switch {
	case span == nil:
		return apdu.SecureDataMissing
	case !c.challenged():
		return apdu.Conditions
	}
	var mac pboc.MAC
	copy(mac[:], cmd.Data[len(cmd.Data)-macSize:])
	if c.suite(k).SecureMAC(keyOf(k), c.rand, span).Equal(mac) {
		return apdu.OK
	}
	fails := c.tree.Byte(c.app(appSMFails)) + 1
	x := c.tree.Begin()
	x.Put(c.app(appSMFails), fails)
	sw := apdu.SecureMACWrong
	if fails >= maxSMFails {
		c.tree.SetBlocked(x, c.df, chip.Permanently)
		sw = apdu.PermanentlyLocked
	}
	if bad := c.commit(x); bad != apdu.OK {
		return bad
	}
	return sw
}

// challenged reports that the command before was a GET CHALLENGE of a length that secure messaging takes.
// Source: card.md 5.1, sm_iv.
func (c *Card) challenged() bool { return len(c.rand) == 4 || len(c.rand) == 8 && c.profile.SMIV8 }

// forgive sets the count of wrong secure-messaging MACs back with the act that a right one secures.
func (c *Card) forgive(x *chip.Tx) {
	if c.tree.Byte(c.app(appSMFails)) != 0 {
		x.Put(c.app(appSMFails), 0)
	}
}

// getChallenge is GET CHALLENGE 00 84 00 00 04/08: good for the next command only. Source: card.md 6.2.
func (c *Card) getChallenge(cmd apdu.Command) ([]byte, apdu.SW) {
	switch {
	case cmd.P1 != 0 || cmd.P2 != 0:
		return nil, apdu.WrongP1P2
	case len(cmd.Data) > 0 || cmd.Le != 4 && cmd.Le != 8:
		return nil, apdu.WrongLength
	case c.tree.Life() == cardBlocked:
		return nil, apdu.FunctionOrBlocked
	}
	c.next = make([]byte, 0, 8)
	for len(c.next) < cmd.Le {
		r, sw := c.random()
		if sw != apdu.OK {
			c.next = nil
			return nil, sw
		}
		c.next = append(c.next, r[:]...)
	}
	return c.next, apdu.OK
}

// externalAuthenticate is EXTERNAL AUTHENTICATION 00 82 00 kid 08 E(rand): it sets the security state to the key's next
// state. A dead key stays dead. Source: card.md 6.2, 4.4.
func (c *Card) externalAuthenticate(cmd apdu.Command) ([]byte, apdu.SW) {
	switch {
	case cmd.P1 != 0:
		return nil, apdu.WrongP1P2
	case len(cmd.Data) != 8:
		return nil, apdu.WrongLength
	}
	if sw := c.admit(nil); sw != apdu.OK {
		return nil, sw
	}
	k, ok := c.key(fuelcard.KeyMaster, cmd.P2)
	switch {
	case !ok:
		return nil, apdu.KeyNotFound
	case !c.allows(k.Use):
		return nil, apdu.SecurityState
	case k.Tries() == 0:
		return nil, apdu.AuthBlocked
	case c.rand == nil:
		return nil, apdu.Conditions
	}
	var challenge, answer [8]byte
	copy(challenge[:], c.rand)
	copy(answer[:], cmd.Data)
	if c.suite(k).Authenticate(keyOf(k), challenge) != answer {
		return nil, c.missed(k, apdu.OK)
	}
	if sw := c.hit(k); sw != apdu.OK {
		return nil, sw
	}
	c.setState(k.A & 0x0F)
	return nil, apdu.OK
}

// missed books a failed try of a key and answers 63Cx, or the status word that its command has instead.
func (c *Card) missed(k chip.Key, instead apdu.SW) apdu.SW {
	x := c.tree.Begin()
	k.SetB(x, k.B-1)
	if sw := c.commit(x); sw != apdu.OK {
		return sw
	}
	if instead != apdu.OK {
		return instead
	}
	return 0x63C0 | apdu.SW(k.Tries()-1)
}

// hit gives a key all its tries back.
func (c *Card) hit(k chip.Key) apdu.SW {
	x := c.tree.Begin()
	restore(x, k)
	return c.commit(x)
}

func restore(x *chip.Tx, k chip.Key) {
	if full := k.B&0xF0 | k.B>>4; full != k.B {
		k.SetB(x, full)
	}
}

// internalAuthenticate is INTERNAL AUTHENTICATION 00 88 P1 kid: P1 00 encipher, 01 decipher, 02 MAC, with key 30.
// Eight bytes enciphered are the answer to a challenge in both suites. Source: card.md 6.2, 4.1.
func (c *Card) internalAuthenticate(cmd apdu.Command) ([]byte, apdu.SW) {
	switch {
	case cmd.P1 > 2:
		return nil, apdu.WrongP1P2
	case len(cmd.Data) == 0 || len(cmd.Data)%8 != 0:
		return nil, apdu.WrongLength
	}
	if sw := c.admit(nil); sw != apdu.OK {
		return nil, sw
	}
	k, ok := c.key(fuelcard.KeyInternal, cmd.P2)
	switch {
	case !ok:
		return nil, apdu.KeyNotFound
	case !c.allows(k.Use):
		return nil, apdu.SecurityState
	}
	s := c.suite(k)
	var out []byte
	var err error
	switch {
	case cmd.P1 == 0 && len(cmd.Data) == 8:
		a := s.Authenticate(keyOf(k), [8]byte(cmd.Data))
		out = a[:]
	case cmd.P1 == 0:
		out, err = s.ECB(keyOf(k), cmd.Data)
	case cmd.P1 == 1:
		out, err = s.DecipherECB(keyOf(k), cmd.Data)
	default:
		var m pboc.MAC
		m, err = s.BlockMAC(keyOf(k), make([]byte, s.Block()), cmd.Data)
		out = m[:]
	}
	if err != nil {
		return nil, apdu.WrongLength
	}
	return out, apdu.OK
}

// blockApplication is APPLICATION BLOCK 84 1E 00 00/01 04 MAC: temporarily or for ever. Source: card.md 6.2.
func (c *Card) blockApplication(cmd apdu.Command) ([]byte, apdu.SW) {
	if cmd.P1 != 0 || cmd.P2 > 1 {
		return nil, apdu.WrongP1P2
	}
	return nil, c.administer(cmd, func(x *chip.Tx) { c.tree.SetBlocked(x, c.df, chip.Temporarily+chip.Block(cmd.P2)) })
}

// blockCard is CARD BLOCK 84 16 00 00 04 MAC: every later command answers 6A81. Source: card.md 6.2.
func (c *Card) blockCard(cmd apdu.Command) ([]byte, apdu.SW) {
	if cmd.P1 != 0 || cmd.P2 != 0 {
		return nil, apdu.WrongP1P2
	}
	return nil, c.administer(cmd, func(x *chip.Tx) { c.tree.SetLife(x, cardBlocked) })
}

// administer is a command of nothing but a MAC under the maintenance key.
func (c *Card) administer(cmd apdu.Command, act func(*chip.Tx)) apdu.SW {
	if len(cmd.Data) != macSize {
		return apdu.WrongLength
	}
	if sw := c.admit(nil); sw != apdu.OK {
		return sw
	}
	return c.maintain(cmd, act)
}

func (c *Card) maintain(cmd apdu.Command, act func(*chip.Tx)) apdu.SW {
	k, ok := c.key(fuelcard.KeyMaintenance, 0)
	if !ok {
		return apdu.KeyNotFound
	}
	if sw := c.secured(cmd, k); sw != apdu.OK {
		return sw
	}
	x := c.tree.Begin()
	c.forgive(x)
	act(x)
	return c.commit(x)
}

// unblockApplication is APPLICATION UNBLOCK 84 18 00 00 04 MAC: it lifts a temporary block and sets the count of wrong
// GMACs back. 6985 when nothing is blocked. Source: card.md 6.2, 7.2.
func (c *Card) unblockApplication(cmd apdu.Command) ([]byte, apdu.SW) {
	switch {
	case cmd.P1 != 0 || cmd.P2 != 0:
		return nil, apdu.WrongP1P2
	case len(cmd.Data) != macSize:
		return nil, apdu.WrongLength
	case c.tree.Life() == cardBlocked:
		return nil, apdu.FunctionOrBlocked
	case c.tree.Blocked(c.df) == chip.Permanently:
		return nil, apdu.PermanentlyLocked
	case c.tree.Blocked(c.df) == chip.Unblocked:
		return nil, apdu.Conditions
	}
	return nil, c.maintain(cmd, func(x *chip.Tx) {
		c.tree.SetBlocked(x, c.df, chip.Unblocked)
		x.Put(c.app(appUnlockErr), 0)
	})
}
