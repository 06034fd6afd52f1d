package cardos_test

import (
	"testing"

	"greylock/emulators/chip"
	"greylock/system/card/cardtest"
	"greylock/system/wire/fuelcard"
)

// TestSlot is the contract of card.Slot, by the card itself and behind its contact face.
func TestSlot(t *testing.T) {
	t.Parallel()
	open := func(t *testing.T) cardtest.Bench {
		b := made(t, fuelcard.National())
		if err := b.card.Off(); err != nil {
			t.Fatal(err)
		}
		return cardtest.Bench{Slot: b.card, ATR: b.card.ATR,
			Enter: fuelcard.SelectName{Name: b.profile.AIDPetrol}.Command().Bytes(), Inside: fuelcard.GetBalance{Purse: fuelcard.ED}.Command().Bytes()}
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
