package terminal

import (
	"errors"
	"fmt"

	"greylock/system/card"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
)

// ErrDead says that CARD BLOCK has been done to the card; it says nothing any more, not even who it is.
var ErrDead = errors.New("卡片已锁死, 不再应答: 请按卡面卡号登记 (the card is blocked and mute: go by the number printed on it)")

// Block says what is locked on a card.
type Block byte

// The blocks of an application. Source: card.md 7.2.
const (
	Unblocked Block = iota
	BlockedTemporarily
	BlockedForEver
)

// String is a stable word.
func (b Block) String() string { return [...]string{"unblocked", "blocked", "blocked-for-ever"}[b] }

// IdentifyBlocked reads who a card is whose application is blocked: SELECT answers 6283 with the FCI, which carries the public
// data, and what it answers to GET BALANCE tells for how long: 6A81 until it is unblocked, 9303 for ever. Nothing is proven
// about such a card; the MAC that unblocks it proves it. Unblocked with the zero Identity for a card whose application is not
// blocked; ErrDead. Source: card.md 3.1, 7.2.
func (t *Terminal) IdentifyBlocked() (Identity, Block, error) {
	_, err := send(t.Card, "选择主目录 (SELECT MF)", fuelcard.SelectFile{FID: fuelcard.FIDMF})
	if sw, no := refused(err); no && sw == apdu.FunctionOrBlocked {
		return Identity{}, Unblocked, ErrDead
	}
	if err != nil {
		return Identity{}, Unblocked, err
	}
	raw, err := t.Card.Transmit(fuelcard.SelectName{Name: t.Profile.AIDPetrol}.Command().Bytes())
	if err != nil {
		return Identity{}, Unblocked, fmt.Errorf("选择加油应用 (SELECT petrol application): %w", err)
	}
	a, err := apdu.ParseAnswer(raw)
	if err != nil {
		return Identity{}, Unblocked, fmt.Errorf("选择加油应用 (SELECT petrol application): %w: %w", card.ErrMute, err)
	}
	if blocked := a.SW == apdu.FileInvalid; !blocked {
		return Identity{}, Unblocked, nil
	}
	fci, err := fuelcard.ParseFCI(a.Data)
	if err != nil {
		return Identity{}, Unblocked, err
	}
	id := Identity{}
	if id.Public, err = fuelcard.ParsePublicData(fci.Public); err != nil {
		return Identity{}, Unblocked, err
	}
	id.ASN = id.Public.ASN
	_, err = t.Balance()
	sw, no := refused(err)
	switch {
	case err != nil && !no:
		return id, Unblocked, err
	case sw == apdu.PermanentlyLocked:
		return id, BlockedForEver, nil
	}
	return id, BlockedTemporarily, nil
}

// Send gives the card a command of a host's own that needs no challenge. ErrUnknown when the answer was lost.
func (t *Terminal) Send(doing string, c apdu.Command) error {
	_, err := send(t.Card, doing, raw(c))
	return unknown(err)
}
