package world_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"greylock/emulators/cardos"
	"greylock/emulators/psam"
	"greylock/emulators/world"
	"greylock/fixtures"
	"greylock/system/clock"
	"greylock/system/wire/fuelcard"
)

// Card making as it is in production makes a card and a PSAM of every vendor in both suites, on the software chips, with
// the numbers wanted. Source: card.md 4.1, 17.2; what is made sells: cardos TestProfiles.
func TestMakingOfEveryProfile(t *testing.T) {
	t.Parallel()
	test := fixtures.TestCards()
	for _, profile := range fuelcard.Profiles() {
		t.Run(profile.Name, func(t *testing.T) {
			t.Parallel()
			w := world.Workshop{Profile: profile, Random: rand.NewChaCha8([32]byte{2}),
				Now: func() clock.Instant { return clock.At(2026, time.November, 22, 9, 30, 0) }}
			order := world.Order{Kind: fuelcard.CardUser, Number: test.Users[0], ValidFrom: "20260101", ValidTo: "20361231"}
			i, err := w.Card(order)
			if err != nil {
				t.Fatal(err)
			}
			if o, err := cardos.Look(i.Mem(), profile); err != nil || !o.Made || o.ASN != test.Users[0] || o.Tries != 3 {
				t.Errorf("%+v %v", o, err)
			}
			order.Number = test.PSAMs[0].Number
			if i, err = w.PSAM(order); err != nil {
				t.Fatal(err)
			}
			if o, err := psam.Look(i.Mem(), profile); err != nil || !o.Issued || o.Number != test.PSAMs[0].Number {
				t.Errorf("%+v %v", o, err)
			}
		})
	}
}
