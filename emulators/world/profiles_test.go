package world_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"greylock/emulators/cardos"
	"greylock/emulators/psam"
	"greylock/fixtures"
	"greylock/system/cardmaking"
	"greylock/system/clock"
	"greylock/system/vault"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// shelf is a making room without a journal.
type shelf struct{ m *cardmaking.Maker }

func (s shelf) Now() clock.Instant { return clock.At(2026, time.November, 22, 9, 30, 0) }

func (s shelf) Append(facts ...record.Fact) error {
	for _, f := range facts {
		s.m.Apply(1, f)
	}
	return nil
}

// Card making as it is in production makes a card and a PSAM of every vendor in both suites, on the software chips.
// Source: card.md 4.1, 17.2; what is made sells: cardos TestProfiles.
func TestMakingOfEveryProfile(t *testing.T) {
	t.Parallel()
	keys := map[vault.Name]pboc.Key{}
	for n, k := range fixtures.TestKeys().Masters {
		keys[vault.Name(n)] = k
	}
	for _, profile := range fuelcard.Profiles() {
		t.Run(profile.Name, func(t *testing.T) {
			t.Parallel()
			master, err := vault.Known(vault.Birth{Scope: "示范石油", Realm: record.Training, Profile: profile}, keys, [32]byte{1})
			if err != nil {
				t.Fatal(err)
			}
			working, err := master.For(record.KindMaking, "0002", 0)
			if err != nil {
				t.Fatal(err)
			}
			transport := fixtures.TestKeys().Transport
			m := cardmaking.New(cardmaking.Config{Realm: record.Training, Profile: profile, Company: 0x10, Province: 0x44,
				Keys: working, Transport: transport})
			nv, dice := cardos.NewMemNV(), rand.NewChaCha8([32]byte{2})
			card, err := cardos.Blank(nv, dice, profile, transport)
			if err != nil {
				t.Fatal(err)
			}
			sam, err := psam.Blank(psam.NewMemNV(), dice, profile, transport)
			if err != nil {
				t.Fatal(err)
			}
			for _, slot := range []interface{ Reset() ([]byte, error) }{card, sam} {
				if _, err := slot.Reset(); err != nil {
					t.Fatal(err)
				}
			}
			made, err := m.MakeCard(shelf{m}, card, cardmaking.CardOrder{Kind: fuelcard.CardUser, ValidFrom: "20260101", ValidTo: "20361231"})
			if err != nil {
				t.Fatal(err)
			}
			if o, err := cardos.Look(nv, profile); err != nil || !o.Made || o.ASN != made.ASN || o.Tries != 3 {
				t.Errorf("%+v %v", o, err)
			}
			if _, err := m.MakePSAM(shelf{m}, sam, cardmaking.PSAMOrder{ValidFrom: "20260101", ValidTo: "20361231"}); err != nil {
				t.Error(err)
			}
		})
	}
}
