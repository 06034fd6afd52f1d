package terminal

import (
	"time"

	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
)

// Lists answers for the black and the white list that hold here and now. Source: card.md section 13.
type Lists interface {
	// Black reports whether the card is on the effective blacklist (base ∪ added) \ deleted.
	Black(asn pboc.ASN) Listing
	// White reports whether the card is on the whitelist; it rules internal cards (types 04, 05, 06).
	White(asn pboc.ASN) Listing
	// Excluded reports that there is a whitelist, that it is not empty, and that the card is not on it.
	Excluded(asn pboc.ASN) bool
}

// Listing is a list's answer about one card.
type Listing struct {
	On    bool
	Known bool          // false: no valid list is here and nobody could be asked
	Age   time.Duration // since the list was last confirmed by the center
}

// CheckLists applies the lists: a user card is refused when it is black, an internal card (04, 05, 06) when it is not
// white; by the rule user_nonempty also a user card that a whitelist leaves out. The Listing is the one that was asked; its Known and Age are for the caller's policy about stale lists.
// Source: card.md section 13, white_list_rule.
func CheckLists(asn pboc.ASN, lists Lists, rule fuelcard.WhiteListRule) (Listing, *Refusal) {
	switch asn.CardType() {
	case fuelcard.CardEmployee, fuelcard.CardPumpTest, fuelcard.CardService:
		l := lists.White(asn)
		if !l.On {
			return l, &Refusal{ReasonNotWhite, "内部卡不在白名单", "internal card is not on the whitelist"}
		}
		return l, nil
	}
	l := lists.Black(asn)
	switch {
	case l.On:
		return l, &Refusal{ReasonBlack, "黑名单卡", "the card is on the blacklist"}
	case rule == fuelcard.WhiteUserNonempty && lists.Excluded(asn):
		return l, &Refusal{ReasonNotWhite, "不在白名单", "the card is not on the whitelist"}
	}
	return l, nil
}
