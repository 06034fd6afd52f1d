package chip

import (
	"greylock/system/card"
	"greylock/system/wire/apdu"
)

// T0 is the contact face of a card: a command with data that yields data answers 61xx, the data is fetched by
// GET RESPONSE (00 C0 00 00 xx); a wrong Le answers 6Cxx. It sits in front of a card that answers at once.
// Source: card.md 6.1.
type T0 struct {
	Card    card.Slot
	waiting []byte // data of a 61xx answer, dropped by any other command
	sw      apdu.SW
}

// Reset powers up.
func (t *T0) Reset() ([]byte, error) {
	t.waiting = nil
	return t.Card.Reset()
}

// Off powers down.
func (t *T0) Off() error {
	t.waiting = nil
	return t.Card.Off()
}

// Transmit takes a TPDU: header, P3, data. A trailing Le of a command with data does not travel in T=0 and is ignored.
func (t *T0) Transmit(command []byte) ([]byte, error) {
	c, err := apdu.ParseCommand(command)
	if err == nil && c.CLA == 0x00 && c.INS == 0xC0 {
		return t.response(c), nil
	}
	t.waiting = nil
	if err == nil && len(c.Data) > 0 && c.Le != apdu.NoLe {
		c.Le = apdu.NoLe
		command = c.Bytes()
	}
	answer, err := t.Card.Transmit(command)
	if err != nil {
		return nil, err
	}
	a, err := apdu.ParseAnswer(answer)
	if err != nil {
		return nil, err
	}
	switch {
	case len(a.Data) == 0:
	case len(c.Data) > 0:
		t.waiting, t.sw = append([]byte(nil), a.Data...), a.SW
		return apdu.Answer{SW: 0x6100 | apdu.SW(len(a.Data)&0xFF)}.Bytes(), nil
	case c.Le != len(a.Data)&0xFF:
		return apdu.Answer{SW: ExactLe(len(a.Data))}.Bytes(), nil
	}
	return answer, nil
}

func (t *T0) response(c apdu.Command) []byte {
	switch {
	case c.P1 != 0 || c.P2 != 0:
		return apdu.Answer{SW: apdu.WrongP1P2}.Bytes()
	case len(t.waiting) == 0:
		return apdu.Answer{SW: apdu.Conditions}.Bytes()
	case c.Le != 0 && c.Le != len(t.waiting):
		return apdu.Answer{SW: ExactLe(len(t.waiting))}.Bytes()
	}
	a := apdu.Answer{Data: t.waiting, SW: t.sw}.Bytes()
	t.waiting = nil
	return a
}
