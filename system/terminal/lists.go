package terminal

import (
	"time"

	"greylock/system/wire/pboc"
)

// Lists answers for the black and the white list that hold here and now. Source: card.md section 13.
type Lists interface {
	// Black reports whether the card is on the effective blacklist (base ∪ added) \ deleted.
	Black(asn pboc.ASN) Listing
	// White reports whether the card is on the whitelist; it rules internal cards (types 04, 05, 06).
	White(asn pboc.ASN) Listing
}

// Listing is a list's answer about one card.
type Listing struct {
	On    bool
	Known bool          // false: no valid list is here and nobody could be asked
	Age   time.Duration // since the list was last confirmed by the center
}
