package record

import (
	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// PathAskWhy asks the center what it knows of a card that its holder can not use: WhyQuestion → WhyAnswer.
const PathAskWhy = "/ask/why"

// WhyQuestion names the card.
type WhyQuestion struct {
	Site SiteID   `json:"site"`
	ASN  pboc.ASN `json:"asn"`
}

// WhyAnswer is the sale that explains the card: the newest one that is owed, else the newest one.
type WhyAnswer struct {
	State    string        `json:"state"` // owed, paid; nothing: no sale; unknown: not a card of ours
	Blocked  string        `json:"blocked,omitempty"`
	Site     SiteID        `json:"site,omitempty"`
	SiteName string        `json:"site_name,omitempty"`
	Nozzle   Nozzle        `json:"nozzle,omitempty"`
	Time     string        `json:"time,omitempty"` // civil, of the lock
	Product  string        `json:"product,omitempty"`
	Quantity unit.Quantity `json:"quantity_hundredths,omitempty"`
	Amount   unit.Fen      `json:"amount_fen,omitempty"`
	Settled  string        `json:"settled,omitempty"` // how a receivable was settled
}
