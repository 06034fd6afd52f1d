package terminal

import (
	"errors"
	"testing"

	"greylock/system/card"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
)

// scripted answers commands in order; the zero Answer loses the card.
type scripted []apdu.Answer

func (s *scripted) Transmit([]byte) ([]byte, error) {
	a := (*s)[0]
	*s = (*s)[1:]
	if a.SW == 0 {
		return nil, card.ErrRemoved
	}
	return a.Bytes(), nil
}

func TestIdentifyBlocked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	public := fuelcard.PublicData{Issuer: b.card.issuer, AppType: fuelcard.AppPetrol, ASN: b.card.asn}
	fci := fuelcard.FCI{Name: b.card.profile.AIDPetrol, Public: public.Bytes()}.Bytes()
	sw := func(s apdu.SW) apdu.Answer { return apdu.Answer{SW: s} }
	blocked := apdu.Answer{Data: fci, SW: apdu.FileInvalid}
	for name, c := range map[string]struct {
		card scripted
		want Block
		err  error
	}{
		"temporarily":       {scripted{sw(apdu.OK), blocked, sw(apdu.FunctionOrBlocked)}, BlockedTemporarily, nil},
		"for ever":          {scripted{sw(apdu.OK), blocked, sw(apdu.PermanentlyLocked)}, BlockedForEver, nil},
		"not":               {scripted{sw(apdu.OK), sw(apdu.OK)}, Unblocked, nil},
		"dead":              {scripted{sw(apdu.FunctionOrBlocked)}, Unblocked, ErrDead},
		"without a number":  {scripted{sw(apdu.OK), sw(apdu.FileInvalid)}, Unblocked, apdu.ErrLength},
		"gone at MF":        {scripted{sw(0)}, Unblocked, card.ErrRemoved},
		"gone at SELECT":    {scripted{sw(apdu.OK), sw(0)}, Unblocked, card.ErrRemoved},
		"gone at the third": {scripted{sw(apdu.OK), blocked, sw(0)}, Unblocked, card.ErrRemoved},
	} {
		id, got, err := (&Terminal{Card: &c.card, Profile: b.card.profile}).IdentifyBlocked()
		if got != c.want || !errors.Is(err, c.err) || len(c.card) > 0 {
			t.Errorf("%s: %v %v, %d answers left", name, got, err, len(c.card))
		}
		if c.want != Unblocked && (id.ASN != b.card.asn || id.Public != public) {
			t.Errorf("%s: %+v", name, id)
		}
	}
}
