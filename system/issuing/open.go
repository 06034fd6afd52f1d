package issuing

import (
	"errors"
	"fmt"

	"golang.org/x/text/encoding/simplifiedchinese"

	"greylock/system/wire/fuelcard"
	"greylock/system/wire/record"
)

// Order is a customer and what the card is to be.
type Order struct {
	Account string // number of the account; it is opened if it is not there
	Name    string // of the account: person or company
	Holder  string // on the card: at most 20 bytes in GBK
	// Identity is the number of the holder's document, at most 18 ASCII characters; it goes to the card alone.
	Identity     string
	IdentityType byte
	Plate        string          // 16 bytes in GBK; empty: none
	Limits       fuelcard.Limits // its plate is Plate
	PIN          fuelcard.PIN    // nil: the default PIN, entered silently; wiped by the caller
}

// limitsWritten is how much of the petrol layout of file 001C carries meaning; facts hold limits in that, whatever the layout of
// the card's file. Source: card.md 3.5.
const limitsWritten = 66

// Open binds a made card to a customer and writes holder, limits and PIN (二次发卡). The center is asked first; every step may
// be made again, so after a cut the same order is given again. CardIssued is noted when the card is whole.
func (v *Visit) Open(o Order) (record.OpenAnswer, error) {
	if err := v.usable(); err != nil {
		return record.OpenAnswer{}, err
	}
	holder, err := v.holder(o)
	if err != nil {
		return record.OpenAnswer{}, err
	}
	limits, err := withPlate(o.Limits, o.Plate)
	if err != nil {
		return record.OpenAnswer{}, err
	}
	file, err := v.desk.cfg.Profile.LimitsBytes(limits)
	if err != nil {
		return record.OpenAnswer{}, err
	}
	written := limits.Bytes()[:limitsWritten]
	answer, err := ask[record.OpenAnswer](v.door, record.PathAskOpen, record.OpenQuestion{
		Outlet: v.desk.cfg.Site, Account: o.Account, Name: o.Name, ASN: v.id.ASN, Holder: o.Holder, Plate: o.Plate, Limits: written,
	})
	if err != nil {
		return answer, fmt.Errorf("开户 (open): %w", err)
	}
	if err := v.term.WriteSecure(v.id, host{v}, fuelcard.SFIHolder, 0, holder.Bytes()); err != nil {
		return answer, err
	}
	if err := v.term.WriteSecure(v.id, host{v}, fuelcard.SFILimits, 0, file); err != nil {
		return answer, err
	}
	if o.PIN != nil {
		if err := v.firstPIN(o.PIN); err != nil {
			return answer, err
		}
	}
	v.id.Holder, v.id.Limits = holder, limits
	return answer, v.note(record.CardIssued{
		TimeMs: v.door.Now().Milli(), ASN: v.id.ASN, Account: o.Account, Holder: o.Holder, Plate: o.Plate, Limits: written,
		Outlet: v.desk.cfg.Site,
	})
}

// holder is file 0016 for an order. What card making wrote there stays: kind and staff flag.
func (v *Visit) holder(o Order) (fuelcard.HolderData, error) {
	h := fuelcard.HolderData{CardType: v.id.Holder.CardType, Staff: v.id.Holder.Staff, IdentityType: o.IdentityType}
	if err := gbk(h.Name[:], o.Holder); err != nil {
		return h, fmt.Errorf("持卡人 (holder): %w", err)
	}
	if len(o.Identity) > len(h.Identity) {
		return h, fmt.Errorf("证件号 (identity number): %w", ErrText)
	}
	for _, r := range o.Identity {
		if r < ' ' || r > '~' {
			return h, fmt.Errorf("证件号 (identity number): %w", ErrText)
		}
	}
	copy(h.Identity[:], o.Identity)
	return h, nil
}

// withPlate puts a plate into the limits; a first byte of FF says that there is none. Source: card.md 3.5.
func withPlate(l fuelcard.Limits, plate string) (fuelcard.Limits, error) {
	if l == (fuelcard.Limits{}) {
		l = fuelcard.NoLimits()
	}
	l.Plate = [16]byte{0xFF}
	if plate == "" {
		return l, nil
	}
	if err := gbk(l.Plate[:], plate); err != nil {
		return l, fmt.Errorf("车牌 (plate): %w", err)
	}
	return l, nil
}

// gbk writes a text into a field padded with 00.
func gbk(field []byte, text string) error {
	b, err := simplifiedchinese.GBK.NewEncoder().Bytes([]byte(text))
	if err != nil || len(b) > len(field) {
		return errors.Join(ErrText, err)
	}
	clear(field)
	copy(field, b)
	return nil
}
