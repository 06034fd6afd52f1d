package mem

import (
	"greylock/emulators/conform"
	"greylock/system/wire/fuelcard"
)

// Backend makes software cards of one set.
type Backend struct{ Set }

var _ conform.Backend = Backend{}

// Card is the kit and the Maker of user cards.
func (b Backend) Card(p fuelcard.Profile) (conform.Kit, conform.Maker, error) { return Card(p, b.Set) }

// PSAM is the kit and the Maker of PSAMs.
func (b Backend) PSAM(p fuelcard.Profile) (conform.Kit, conform.Maker, error) { return PSAM(p, b.Set) }

// Close does nothing: the cards are memory.
func (Backend) Close() error { return nil }
