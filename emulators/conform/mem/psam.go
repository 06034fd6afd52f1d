package mem

import (
	"io"

	"greylock/emulators/chip"
	"greylock/emulators/conform"
	"greylock/emulators/psam"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/samcard"
)

// PSAM is the kit and the Maker of PSAMs of a profile: petrol and loyalty application with the same keys.
func PSAM(p fuelcard.Profile, s Set) (conform.Kit, conform.Maker, error) {
	v := s.values(p)
	kit, err := kit(p, v)
	if err != nil {
		return kit, nil, err
	}
	own := s.PSAM.Factor()
	v["number"], v["psam8"], v["aid"], v["aid_loyalty"] = s.PSAM[:], own[:], p.AIDPSAMPetrol, p.AIDPSAMLoyalty
	for _, slot := range samcard.KeysWith(p.LevelsOf) {
		k := s.samKey(slot)
		v[slot.Name], v["usage_"+slot.Name] = k[:], []byte{byte(slot.Usage)}
	}
	dpk, dik := s.key(p, "DPK"), s.key(p, "DIK")
	v["MPK"], v["DPK"] = v["DPK"], dpk[:] // the PSAM's master, and the card's key behind it
	v["MIK"], v["DIK"] = v["DIK"], dik[:]
	v["factors"] = factors(p.PSAMFactors("DPK", s.Issuer, s.ASN))
	v["dik_factors"] = factors(p.PSAMFactors("DIK", s.Issuer, s.ASN))
	v["dik_own"] = factors(p.PSAMFactors("DIK", s.Issuer, s.PSAM))
	v["sw_key"], v["sw_mismatch"] = word(p.PSAMKeySW), word(p.PSAMMismatchSW)
	for left, name := range []string{"sw_mac2_0", "sw_mac2_1", "sw_mac2_2"} { // tries left
		v[name] = word(p.PSAMMAC2SW)
		if p.PSAMMAC2SW == 0x63C0 {
			v[name] = word(0x63C0 | apdu.SW(left))
		}
	}
	return kit, kind{
		size: psam.Size,
		blank: func(nv chip.NV, rnd io.Reader) (emulator, error) {
			c, err := psam.Blank(nv, rnd, p, s.Transport)
			return c, err
		},
		open: func(nv chip.NV, rnd io.Reader) emulator { return psam.New(nv, rnd, p) },
		make: func(m *maker) error { return s.makePSAM(m, p) },
		wind: func(nv chip.NV, o conform.Order) error {
			if ttc, ok := o.Set["ttc"]; ok {
				return psam.Wind(nv, pboc.PSAMTTC(ttc))
			}
			return nil
		},
	}.maker(), nil
}

func factors(f [][8]byte) (b []byte) {
	for _, x := range f {
		b = append(b, x[:]...)
	}
	return b
}

func word(sw apdu.SW) []byte { return []byte{byte(sw >> 8), byte(sw)} }

// samKey is a key as it goes into the PSAM; its own keys are 3DES whatever the cards are.
func (s Set) samKey(slot samcard.Slot) pboc.Key {
	if slot.Own {
		return pboc.TDES.Diversify(s.Masters[slot.Name], s.PSAM.Factor())
	}
	return s.Masters[slot.Name]
}

// makePSAM makes a PSAM of a blank. Source: card.md 3.9, section 11; adr/0003.
func (s Set) makePSAM(m *maker, p fuelcard.Profile) error {
	m.authenticate(pboc.TDES, s.Transport)
	for _, f := range samcard.MFFiles() {
		m.ok(f.Command())
	}
	m.ok(samcard.UpdateBinary{SFI: samcard.SFIPublic, Data: samcard.SAMPublic{Number: s.PSAM, Version: 1, KeyType: 1, SetVersion: 1,
		FCI: 1}.Bytes()}.Command())
	m.ok(samcard.UpdateBinary{SFI: samcard.SFITerminal, Data: samcard.SAMTerminal{TID: s.TID}.Bytes()}.Command())
	s.samApplication(m, p, samcard.LoyaltyDF(p.AIDPSAMLoyalty))
	m.ok(samcard.SelectFile{FID: samcard.FIDMF}.Command())
	s.samApplication(m, p, samcard.PetrolDF(p.AIDPSAMPetrol))
	m.ok(samcard.SetStatus{Cipher: pboc.TDES.Authenticate(s.samKey(samcard.Keys[0]), [8]byte(m.challenge(8)))}.Command())
	return nil
}

// samApplication makes an application with its keys and file 0017.
func (s Set) samApplication(m *maker, p fuelcard.Profile, df samcard.CreateFile) {
	m.ok(df.Command())
	under := s.Transport
	for _, slot := range samcard.KeysWith(p.LevelsOf) {
		r := samcard.KeyRecord{Usage: slot.Usage, Version: slot.Version, Alg: pboc.AlgTDES, Key: s.samKey(slot)}
		if slot.Usage.Levels() > 0 {
			r.Alg = p.Alg // consume and authentication keys are of the cards' algorithm
		}
		m.ok(samcard.SealKey(pboc.TDES, under, m.challenge(4), r))
		under = s.samKey(samcard.Keys[0])
	}
	for _, f := range samcard.PetrolFiles() {
		m.ok(f.Command())
	}
	m.ok(samcard.UpdateBinary{SFI: samcard.SFIApp, Data: samcard.SAMApplication{KeyIndex: p.KeyID, Issuer: s.Issuer, Receiver: s.Issuer,
		Start: s.Start, Expiry: s.Expiry}.Bytes()}.Command())
}
