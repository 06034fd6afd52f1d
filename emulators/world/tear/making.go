package tear

import (
	"errors"
	"fmt"
	"slices"

	"greylock/emulators/cardos"
	"greylock/emulators/psam"
	"greylock/system/cardmaking"
	"greylock/system/terminal"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// Validity of what is made.
const (
	validFrom = "20261101"
	validTo   = "20291101"
)

// blankCard and blankSAM are the town's state with a blank on the making room's reader.
func blankCard(l *lab) (*state, error) {
	s := l.state()
	nv := cardos.NewMemNV()
	_, err := cardos.Blank(nv, random(0, 1), l.Profile, l.Transport)
	s.card = nv.Image()
	return s, err
}

func blankSAM(l *lab) (*state, error) {
	s := l.state()
	nv := psam.NewMemNV()
	_, err := psam.Blank(nv, random(0, 2), l.Profile, l.Transport)
	s.sam = nv.Image()
	return s, err
}

func makeCard(x *session) error {
	_, err := x.theMaker().MakeCard(room{x}, way{x, toCard}, cardmaking.CardOrder{Kind: fuelcard.CardUser, ValidFrom: validFrom, ValidTo: validTo})
	return made(err)
}

func makeSAM(x *session) error {
	_, err := x.theMaker().MakePSAM(room{x}, way{x, toSAM}, cardmaking.PSAMOrder{ValidFrom: validFrom, ValidTo: validTo})
	return made(err)
}

// made takes "is made already" for the end that was wanted.
func made(err error) error {
	if errors.Is(err, cardmaking.ErrMade) {
		return nil
	}
	return err
}

// taken are the numbers since the town that are open, and those that were made. A number whose card was cut before its first
// write is scrapped by the next order: it is never given to another card.
func (l *lab) taken(s *state) (open, done []pboc.ASN) {
	all := map[pboc.ASN]bool{}
	take := func(n pboc.ASN) {
		if all[n] {
			done = append(done, n) // the same number twice: done never matches open then
		}
		all[n] = true
		open = append(open, n)
	}
	end := func(n pboc.ASN) { open = slices.DeleteFunc(open, func(x pboc.ASN) bool { return x == n }) }
	for _, f := range s.making[len(l.Making.Facts):] {
		switch f := f.(type) {
		case record.CardBegun:
			take(f.ASN)
		case record.PSAMBegun:
			take(f.Number)
		case record.CardScrapped:
			end(f.ASN)
		case record.CardMade:
			end(f.ASN)
			done = append(done, f.ASN)
		case record.PSAMMade:
			end(f.Number)
			done = append(done, f.Number)
		}
	}
	return open, done
}

// makingOpen: a card that is not a blank any more has one open number at most.
func makingOpen(l *lab, _, s *state) error {
	open, done := l.taken(s)
	if len(open)+len(done) > 1 {
		return fmt.Errorf("numbers open %v, made %v", open, done)
	}
	return nil
}

// cardMade: the card is complete under its one number, and a terminal takes it.
func cardMade(l *lab, _, s *state) (string, error) {
	open, done := l.taken(s)
	if len(open) != 0 || len(done) != 1 {
		return "", fmt.Errorf("numbers open %v, made %v: want one made", open, done)
	}
	x, err := l.open(s.clone(), cut{})
	if err != nil {
		return "", err
	}
	id, err := x.term.Identify()
	if err != nil {
		return "", err
	}
	o, err := l.look(s)
	if err != nil {
		return "", err
	}
	if id.Refused != nil {
		return "", id.Refused
	}
	if id.ASN != done[0] || id.Balance != 0 || o.CTC != 0 || o.OnlineSN != 0 || o.Tries != 3 {
		return "", fmt.Errorf("card %v, made %v: %+v", id.ASN, done[0], o)
	}
	if err := x.term.VerifyPIN(l.Profile.DefaultPIN); err != nil {
		return "", err
	}
	return "制成 made", nil
}

// samMade: the PSAM is complete under its one number, and sells.
func samMade(l *lab, _, s *state) (string, error) {
	open, done := l.taken(s)
	if len(open) != 0 || len(done) != 1 {
		return "", fmt.Errorf("numbers open %v, made %v: want one made", open, done)
	}
	x, err := l.open(s.clone(), cut{})
	if err != nil {
		return "", err
	}
	if err := x.visit(buy); err != nil {
		return "", fmt.Errorf("a sale with it: %w", err)
	}
	if end := x.s.ends(terminal.Done); len(end) != 1 || end[0].Sale.TTC != 1 || end[0].PSAM != done[0] {
		return "", fmt.Errorf("a sale with it: %+v", end)
	}
	return "制成 made", nil
}
