package conform

import (
	"errors"

	"greylock/system/card"
	"greylock/system/wire/fuelcard"
)

// Backend is where cards come from: memory, a virtual reader, plastic. Both makers give cards with the same test keys.
type Backend interface {
	Card(fuelcard.Profile) (Kit, Maker, error)
	PSAM(fuelcard.Profile) (Kit, Maker, error)
	Close() error
}

// Door puts a card into a reader and returns the way to it through that reader; the card before is taken out.
type Door func(card.Slot) (card.Slot, error)

// Through is a backend whose cards are made by another and reached through doors: software cards in a virtual reader. What
// their makers can (counters, said random numbers) they can still.
func Through(makes Backend, user, psam Door, end func() error) Backend {
	return through{makes, user, psam, end}
}

type through struct {
	makes      Backend
	user, psam Door
	end        func() error
}

func (b through) Card(p fuelcard.Profile) (Kit, Maker, error) {
	kit, make, err := b.makes.Card(p)
	return kit, behind(make, b.user), err
}

func (b through) PSAM(p fuelcard.Profile) (Kit, Maker, error) {
	kit, make, err := b.makes.PSAM(p)
	return kit, behind(make, b.psam), err
}

func (b through) Close() error { return errors.Join(b.makes.Close(), b.end()) }

// behind is a Maker whose cards are reached through a door.
func behind(make Maker, door Door) Maker {
	return func(o Order) (card.Slot, error) {
		made, err := make(o)
		if err != nil {
			return nil, err
		}
		slot, err := door(made)
		if err != nil {
			return nil, err
		}
		if d, ok := made.(Dice); ok {
			return diced{slot, d}, nil
		}
		return slot, nil
	}
}

// diced is a card behind a door with the dice of the card itself.
type diced struct {
	card.Slot
	Dice
}
