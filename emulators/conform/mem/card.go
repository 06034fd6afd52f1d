package mem

import (
	"io"
	"math"

	"greylock/emulators/cardos"
	"greylock/emulators/chip"
	"greylock/emulators/conform"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
)

// Card is the kit and the Maker of user cards of a profile: petrol application with ED and EP, loyalty application.
func Card(p fuelcard.Profile, s Set) (conform.Kit, conform.Maker, error) {
	v := s.values(p)
	for _, slot := range append(p.CardKeys(), p.LoyaltyKeys()...) {
		k := s.key(p, slot.Name)
		v[slot.Name] = k[:]
	}
	k := s.key(p, "DUGK")
	v["DUGK"] = k[:] // also where it is DULK's place
	v["aid"], v["aid_loyalty"], v["pin"] = p.AIDPetrol, p.AIDLoyalty, p.DefaultPIN
	kit, err := kit(p, v)
	if err != nil {
		return kit, nil, err
	}
	return kit, kind{
		size: cardos.Size,
		blank: func(nv chip.NV, rnd io.Reader) (emulator, error) {
			c, err := cardos.Blank(nv, rnd, p, s.Transport)
			return c, err
		},
		open: func(nv chip.NV, rnd io.Reader) emulator { return cardos.New(nv, rnd, p) },
		make: func(m *maker) error { return s.makeCard(m, p, kit.Suite) },
		wind: func(nv chip.NV, o conform.Order) error {
			ctc, isCTC := o.Set["ctc"]
			sn, isSN := o.Set["sn"]
			if !isCTC && !isSN || ctc > math.MaxUint16 || sn > math.MaxUint16 {
				return nil
			}
			return cardos.Wind(nv, p, pboc.CTC(ctc), pboc.OnlineSN(sn))
		},
	}.maker(), nil
}

// key is a key of the card: diversified by its issuer and number.
func (s Set) key(p fuelcard.Profile, name string) pboc.Key {
	suite, err := p.Suite()
	if err != nil {
		return pboc.Key{}
	}
	return suite.Diversify(s.Masters[p.MasterOf(name)], p.Factors(name, s.Issuer, s.ASN)...)
}

// seal writes a key under the master of its DF.
func (m *maker) seal(s pboc.Suite, under pboc.Key, p1, id byte, r fuelcard.KeyRecord) {
	m.ok(fuelcard.SealKey(s, under, m.challenge(4), fuelcard.WriteKey{P1: p1, KeyID: id, KeyRecord: r}))
}

// makeCard makes a user card of a blank. Source: card.md 3.1, section 11; adr/0003.
func (s Set) makeCard(m *maker, p fuelcard.Profile, suite pboc.Suite) error {
	m.authenticate(suite, s.Transport)
	under := s.Transport
	for _, slot := range p.CardKeys() {
		if !slot.MF {
			continue
		}
		p1 := byte(1)
		if slot.Class == fuelcard.KeyMaster {
			p1 = slot.Type
		}
		k := s.key(p, slot.Name)
		m.seal(suite, under, p1, slot.ID, slot.Record(p.Alg, k[:]))
		under = s.key(p, "CCK")
	}
	for _, f := range p.MFFiles() {
		m.ok(f.Command())
	}
	for _, entry := range [][]byte{p.DirRecord(), p.LoyaltyDirRecord()} {
		m.ok(fuelcard.AppendRecord{SFI: 1, Data: entry}.Command())
	}
	ep := fuelcard.CreateFile{FID: fuelcard.FIDEP, Data: fuelcard.PurseSpec{Use: 0xF0, LogSFI: fuelcard.SFILog}.Bytes()}
	s.application(m, p, p.PetrolDF(), p.CardKeys(), append(p.PetrolFiles(), ep))
	m.ok(fuelcard.SelectFile{FID: fuelcard.FIDMF}.Command())
	s.application(m, p, p.LoyaltyDF(), p.LoyaltyKeys(), p.LoyaltyFiles())
	return nil
}

// application makes a DF with its keys, PIN and files.
func (s Set) application(m *maker, p fuelcard.Profile, df fuelcard.CreateFile, keys []fuelcard.Slot, files []fuelcard.CreateFile) {
	suite, err := p.Suite()
	if err != nil {
		m.err = err
		return
	}
	m.ok(df.Command())
	m.ok(p.KeyFile().Command())
	under := s.key(p, "CCK")
	for _, slot := range keys {
		if slot.MF {
			continue
		}
		k := s.key(p, slot.Name)
		m.seal(suite, under, 1, slot.ID, slot.Record(p.Alg, k[:]))
		if slot.Class == fuelcard.KeyMaster {
			under = k
		}
	}
	pin := p.PINSlot()
	m.seal(suite, under, 1, pin.ID, pin.Record(p.Alg, p.DefaultPIN))
	appType := fuelcard.AppLoyalty
	for _, f := range files {
		m.ok(f.Command())
		if f.FID == fuelcard.FIDLimits {
			appType = fuelcard.AppPetrol
		}
	}
	// The application was just made: nothing is enforced, plain writes are taken. Source: card.md 6.1.
	m.ok(fuelcard.UpdateBinary{SFI: fuelcard.SFIPublic, Data: fuelcard.PublicData{Issuer: s.Issuer, AppType: appType,
		AppVersion: 1, ASN: s.ASN, Start: s.Start, Expiry: s.Expiry, SetVersion: 1}.Bytes()}.Command())
	m.ok(fuelcard.UpdateBinary{SFI: fuelcard.SFIHolder, Data: fuelcard.HolderData{CardType: fuelcard.CardUser}.Bytes()}.Command())
	m.ok(fuelcard.UpdateBinary{SFI: fuelcard.SFIOrdinary, Data: fuelcard.OrdinaryData{Employee: 1}.Bytes()}.Command())
	if appType == fuelcard.AppPetrol {
		m.ok(fuelcard.UpdateBinary{SFI: fuelcard.SFILimits, Data: fuelcard.NoLimits().Bytes()}.Command())
	}
}
