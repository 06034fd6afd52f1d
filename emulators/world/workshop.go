package world

import (
	"io"
	"maps"

	"greylock/emulators/cardos"
	"greylock/emulators/chip"
	"greylock/emulators/psam"
	"greylock/fixtures"
	"greylock/system/cardmaking"
	"greylock/system/clock"
	"greylock/system/vault"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// Workshop makes single chips of the canned training realm, with the program of production card making and the public TEST
// keys, without a town around it.
type Workshop struct {
	Profile fuelcard.Profile
	Random  io.Reader
	Now     func() clock.Instant
}

// Order is the chip that is wanted.
type Order struct {
	Kind      byte     // fuelcard.CardUser and others of card.md 3.7; of a PSAM nothing
	Number    pboc.ASN // as the company numbers its cards: kind, province and serial are taken from it
	ValidFrom string   // YYYYMMDD
	ValidTo   string
}

// trainingScope is the company of the TEST keys.
const trainingScope = "示范石油"

// BlankCard is a user card as its vendor delivers it, under the transport key of the TEST set.
func (w Workshop) BlankCard() (chip.Image, error) {
	nv := cardos.NewMemNV()
	_, err := cardos.Blank(nv, w.Random, w.Profile, fixtures.TestKeys().Transport)
	return w.image(chip.CardImage, nv), err
}

// BlankPSAM is the same of a PSAM.
func (w Workshop) BlankPSAM() (chip.Image, error) {
	nv := psam.NewMemNV()
	_, err := psam.Blank(nv, w.Random, w.Profile, fixtures.TestKeys().Transport)
	return w.image(chip.PSAMImage, nv), err
}

// Card makes a user card with the number of the order, default PIN, nothing on it. Errors are those of cardmaking.
func (w Workshop) Card(o Order) (chip.Image, error) {
	blank, err := w.BlankCard()
	if err != nil {
		return chip.Image{}, err
	}
	nv := blank.Mem()
	c := cardos.New(nv, w.Random, w.Profile)
	if _, err := c.Reset(); err != nil {
		return chip.Image{}, err
	}
	m, door, err := w.maker(o.Number)
	if err != nil {
		return chip.Image{}, err
	}
	_, err = m.MakeCard(door, c, cardmaking.CardOrder{Kind: o.Kind, ValidFrom: o.ValidFrom, ValidTo: o.ValidTo})
	return w.image(chip.CardImage, nv), err
}

// PSAM makes a PSAM with the number of the order; its TID has the same province and serial.
func (w Workshop) PSAM(o Order) (chip.Image, error) {
	blank, err := w.BlankPSAM()
	if err != nil {
		return chip.Image{}, err
	}
	nv := blank.Mem()
	s := psam.New(nv, w.Random, w.Profile)
	if _, err := s.Reset(); err != nil {
		return chip.Image{}, err
	}
	m, door, err := w.maker(o.Number)
	if err != nil {
		return chip.Image{}, err
	}
	_, err = m.MakePSAM(door, s, cardmaking.PSAMOrder{ValidFrom: o.ValidFrom, ValidTo: o.ValidTo})
	return w.image(chip.PSAMImage, nv), err
}

func (w Workshop) image(kind chip.ImageKind, nv *chip.Mem) chip.Image {
	return chip.Image{Kind: kind, Profile: w.Profile.Name, Memory: nv.Image()}
}

// maker is the making program of a company whose next number is the one wanted.
func (w Workshop) maker(next pboc.ASN) (*cardmaking.Maker, shelf, error) {
	keys := map[vault.Name]pboc.Key{}
	for name, k := range maps.All(fixtures.TestKeys().Masters) {
		keys[vault.Name(name)] = k
	}
	master, err := vault.Known(vault.Birth{Scope: trainingScope, Realm: record.Training, Profile: w.Profile}, keys, [32]byte{1})
	if err != nil {
		return nil, shelf{}, err
	}
	working, err := master.For(record.KindMaking, makingID, w.Now())
	if err != nil {
		return nil, shelf{}, err
	}
	kind, at, serial := cardmaking.Split(next)
	m := cardmaking.New(cardmaking.Config{Realm: record.Training, Profile: w.Profile, Company: company, Province: at, Keys: working,
		Transport: fixtures.TestKeys().Transport})
	if serial > 1 {
		last, err := cardmaking.Number(kind, at, serial-1)
		if err != nil {
			return nil, shelf{}, err
		}
		m.Apply(0, record.CardBegun{ASN: last})
		m.Apply(0, record.CardScrapped{ASN: last})
	}
	return m, shelf{m, w.Now}, nil
}

// shelf is a making site that keeps nothing.
type shelf struct {
	m   *cardmaking.Maker
	now func() clock.Instant
}

func (s shelf) Now() clock.Instant { return s.now() }

func (s shelf) Append(facts ...record.Fact) error {
	for _, f := range facts {
		s.m.Apply(0, f)
	}
	return nil
}
