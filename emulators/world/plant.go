package world

import (
	"bytes"

	"greylock/system/center"
	"greylock/system/vault"
	"greylock/system/wire/fa"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/samcard"
)

// planted is what liars put between the honest parts of a town, so that the checkers' own tests can show that each checker
// catches what it watches for. The zero value is an honest town. Nothing of it is in the product's source.
type planted struct {
	apdu   func(slot string, command []byte) []byte // rewrites commands on their way to a chip
	toPump func(p *pump, data []byte) []byte        // rewrites what a station sends to a board
	unpaid bool                                     // the center's keys take a MAC3 of zeros as proof of an unload
	forged *fa.Record                               // a record that the center's keys agree with, whatever it says
}

// believer has keys that agree with the forged record; all other answers are honest.
type believer struct {
	center.Keys
	w *World
}

// TAC of the forged record is what the record says.
func (b believer) TAC(c vault.Card, data []byte) (pboc.MAC, error) {
	if f := b.w.plant.forged; f != nil && bytes.Equal(data, fuelcard.UnlockTACData(f.Amount, fuelcard.ED.UnlockType(), f.TID, b.w.profile.UnlockTTC(f.TTC), f.Time)) {
		return f.TAC, nil
	}
	return b.Keys.TAC(c, data)
}

// UnloadMAC believes in the MAC3 of zeros.
func (b believer) UnloadMAC(c vault.Card, rand [4]byte, sn pboc.OnlineSN, data []byte) (pboc.MAC, error) {
	if b.w.plant.unpaid && len(data) == len(fuelcard.UnloadMAC3Data(0, 0, 0, pboc.TID{}, [7]byte{})) {
		return pboc.MAC{}, nil
	}
	return b.Keys.UnloadMAC(c, rand, sn, data)
}

// PSAMTAC of the forged record is what the record says.
func (b believer) PSAMTAC(psam pboc.ASN, data []byte) (pboc.MAC, error) {
	if f := b.w.plant.forged; f != nil && bytes.Equal(data, samcard.TACData(f.Amount, byte(fuelcard.ED.UnlockType()), f.TID, f.TTC, f.Time)) {
		return f.PSAMTAC, nil
	}
	return b.Keys.PSAMTAC(psam, data)
}

// TMAC of the forged record is what the record says.
func (b believer) TMAC(data []byte) (pboc.MAC, error) {
	if f := b.w.plant.forged; f != nil {
		if raw := f.Bytes(); bytes.Equal(data, b.w.profile.TMACData(raw[:])) {
			return f.TMAC, nil
		}
	}
	return b.Keys.TMAC(data)
}
