package card

import (
	"fmt"

	"greylock/system/wire/apdu"
)

// maxT0 bounds the exchanges that one command may take: the command, one repetition, and GET RESPONSE for more data than
// a card may hold in one answer (EFh bytes come in at most a few pieces).
const maxT0 = 8

// T0 maps APDUs to the T=0 protocol over a transport that carries TPDUs as they are: the Le of a command with data is not
// sent, 61xx is followed by GET RESPONSE, and 6Cxx by the same command with the exact Le. 6Cxx means that nothing was done,
// so the repetition is safe; it is made only for commands without data and for GET RESPONSE. Source: card.md 6.1.
func T0(t Transport) Transport { return t0{t} }

type t0 struct{ tpdu Transport }

func (t t0) Transmit(command []byte) ([]byte, error) {
	c, err := apdu.ParseCommand(command)
	if err != nil {
		return nil, err
	}
	if len(c.Data) > 0 {
		c.Le = apdu.NoLe
	}
	var data []byte
	for range maxT0 {
		raw, err := t.tpdu.Transmit(c.Bytes())
		if err != nil {
			return nil, err
		}
		a, err := apdu.ParseAnswer(raw)
		if err != nil {
			// A reader that lost its card in the middle may answer with nothing at all. Source: libraries.md 10.1.
			return nil, fmt.Errorf("%w: %w", ErrMute, err)
		}
		data = append(data, a.Data...)
		if n, more := a.SW.MoreData(); more {
			c = apdu.Command{CLA: 0x00, INS: 0xC0, Le: n}
			continue
		}
		if n, exact := a.SW.ExactLe(); exact && len(c.Data) == 0 {
			c.Le = n
			continue
		}
		return apdu.Answer{Data: data, SW: a.SW}.Bytes(), nil
	}
	return nil, fmt.Errorf("T=0: 61xx 或 6Cxx 不止 (card answers 61xx or 6Cxx without end): %w", ErrMute)
}
