package cardos

import (
	"greylock/emulators/chip"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
)

// Wind sets the counters of every purse of a card without power, as if it had served long: for tests near their end.
func Wind(nv NV, profile fuelcard.Profile, ctc pboc.CTC, sn pboc.OnlineSN) error {
	tree, err := chip.OpenTree(nv)
	if err != nil {
		return err
	}
	c := &Card{profile: profile, tree: tree}
	x := tree.Begin()
	for _, aid := range [][]byte{profile.AIDPetrol, profile.AIDLoyalty} {
		if c.df = tree.Named(aid); c.df == nil {
			continue
		}
		for _, which := range []fuelcard.Purse{fuelcard.ED, fuelcard.EP} {
			p, _ := c.purse(which)
			if p.file == nil {
				continue
			}
			p.ctc, p.sn = ctc, sn
			p.put(x)
		}
	}
	return x.Commit()
}
