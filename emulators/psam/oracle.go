package psam

import (
	"greylock/emulators/chip"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// Oracle looks into a PSAM's memory past its commands. It is for checkers and tests alone.
type Oracle struct {
	Issued  bool // SET STATUS was given
	Number  pboc.ASN
	TID     pboc.TID
	TTC     pboc.PSAMTTC // the last one given out
	MAC2Err int

	// The last transaction.
	LastTTC pboc.PSAMTTC
	Stage   int // 0 none, 1 init, 2 certificate, 3 done
	CTC     pboc.CTC
	ASN8    [8]byte
	Amount  unit.Fen // of the GMAC, at stage 3
	GMAC    pboc.MAC
}

// Look reads the memory as the next power-up would find it and changes nothing.
func Look(nv NV, profile fuelcard.Profile) (o Oracle, err error) {
	tree, err := chip.OpenTree(glass{nv})
	if err != nil || tree.MF() == nil {
		return o, err
	}
	return read(tree, profile), nil
}

func read(tree *chip.Tree, profile fuelcard.Profile) (o Oracle) {
	s := &PSAM{profile: profile, tree: tree, df: tree.MF()}
	v := s.sale()
	var sw apdu.SW
	if o.Number, o.TID, sw = s.own(); sw != apdu.OK {
		o.Number, o.TID = pboc.ASN{}, pboc.TID{}
	}
	o.Issued = tree.Life() == issued
	o.TTC, o.MAC2Err, o.LastTTC, o.Stage = v.ttc, int(v.mac2Err), v.last, int(v.stage)
	o.CTC, o.ASN8, o.Amount, o.GMAC = v.ctc, v.asn8, unit.Fen(v.amount), v.gmac
	return o
}

// Oracle is Look at this PSAM's memory, faster while it has power.
func (s *PSAM) Oracle() (Oracle, error) {
	if s.tree != nil {
		return read(s.tree, s.profile), nil
	}
	return Look(s.nv, s.profile)
}

// Wind sets the counter of a PSAM without power, as if it had served long: for tests near its end.
func Wind(nv NV, ttc pboc.PSAMTTC) error {
	tree, err := chip.OpenTree(nv)
	if err != nil {
		return err
	}
	s := &PSAM{tree: tree, df: tree.MF()}
	v := s.sale()
	v.ttc = ttc
	x := tree.Begin()
	s.keep(x, v)
	return x.Commit()
}

// glass shows a memory and keeps it as it is.
type glass struct{ NV }

func (glass) Write(int, []byte) error { return nil }
