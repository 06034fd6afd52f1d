package psam_test

import (
	"testing"

	"greylock/emulators/chip"
	"greylock/system/card/cardtest"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/samcard"
)

// TestSlot is the contract of card.Slot, by the PSAM itself and behind its contact face.
func TestSlot(t *testing.T) {
	t.Parallel()
	open := func(t *testing.T) cardtest.Bench {
		b := made(t, fuelcard.National())
		if err := b.sam.Off(); err != nil {
			t.Fatal(err)
		}
		return cardtest.Bench{Slot: b.sam, ATR: b.sam.ATR,
			Enter:  samcard.SelectName{Name: b.profile.AIDPSAMPetrol}.Command().Bytes(),
			Inside: samcard.ReadBinary{SFI: samcard.SFIApp, Length: 1}.Command().Bytes()}
	}
	t.Run("whole answers", func(t *testing.T) { cardtest.Slots(t, open) })
	t.Run("T=0", func(t *testing.T) {
		cardtest.Slots(t, func(t *testing.T) cardtest.Bench {
			b := open(t)
			b.Slot, b.T0 = &chip.T0{Card: b.Slot}, true
			return b
		})
	})
}
