package cardos

import (
	"greylock/emulators/chip"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// Oracle looks into a card's memory past its commands. It is for checkers and tests alone: nothing that plays a part of
// the system may use it.
type Oracle struct {
	Made     bool     // the petrol application is there
	Balance  unit.Fen // overdraft limit included
	Limit    unit.Fen // of the overdraft
	CTC      pboc.CTC
	OnlineSN pboc.OnlineSN
	ASN      pboc.ASN
	Tries    int // PIN tries left

	Grey      fuelcard.GreyState
	Locked    fuelcard.Purse // purse of the lock, in state 01
	LockCTC   pboc.CTC       // counter of the lock, in state 01
	LockTTC   pboc.PSAMTTC   // TTC under which it was locked, in state 01
	Proof     fuelcard.LockProof
	Blocked   chip.Block // of the petrol application
	CardDead  bool       // CARD BLOCK
	UnlockErr int        // wrong GMACs since the last debit
}

// Look reads the petrol application of the memory as the next power-up would find it, ED. It changes nothing, not even a
// recovery that is due; powered or not. The zero Oracle is a blank card.
func Look(nv NV, profile fuelcard.Profile) (Oracle, error) { return look(nv, profile, fuelcard.ED) }

// LookEP is Look for the wallet.
func LookEP(nv NV, profile fuelcard.Profile) (Oracle, error) { return look(nv, profile, fuelcard.EP) }

// Oracle is Look at this card's memory, faster while it has power.
func (c *Card) Oracle() (Oracle, error) {
	if c.tree != nil {
		return read(c.tree, c.profile, fuelcard.ED)
	}
	return Look(c.nv, c.profile)
}

func look(nv NV, profile fuelcard.Profile, which fuelcard.Purse) (o Oracle, err error) {
	tree, err := chip.OpenTree(glass{nv})
	if err != nil || tree.MF() == nil {
		return o, err
	}
	return read(tree, profile, which)
}

func read(tree *chip.Tree, profile fuelcard.Profile, which fuelcard.Purse) (o Oracle, err error) {
	c := &Card{profile: profile, tree: tree}
	o.CardDead = tree.Life() == cardBlocked
	if c.df = tree.Named(profile.AIDPetrol); c.df == nil {
		return o, nil
	}
	p, _ := c.purse(which)
	o.Made = p.file != nil
	o.Balance, o.Limit, o.CTC, o.OnlineSN = p.fen(), p.limit(), p.ctc, p.sn
	if f := tree.In(c.df, chip.Binary, fuelcard.FIDPublic); f != nil && f.Size >= fuelcard.PublicLength {
		copy(o.ASN[:], tree.Bytes(f.Body()+10, len(o.ASN)))
	}
	if k, ok := c.key(fuelcard.KeyPIN, fuelcard.PINSlot.ID); ok {
		o.Tries = int(k.Tries())
	}
	o.Grey = c.greyState()
	if o.Proof, err = fuelcard.ParseLockProof(tree.Bytes(c.app(appProof), fuelcard.LockProofLength)); err != nil {
		return o, err
	}
	if o.Grey == fuelcard.Grey {
		l, _ := c.lock()
		o.Locked, o.LockCTC, o.LockTTC = l.purse, l.ctc, l.ttc
	}
	o.Blocked, o.UnlockErr = tree.Blocked(c.df), int(tree.Byte(c.app(appUnlockErr)))
	return o, nil
}

// glass shows a memory and keeps it as it is.
type glass struct{ NV }

func (glass) Write(int, []byte) error { return nil }
