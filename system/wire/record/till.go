package record

import (
	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// TillPort is added to the number of a till to make the port of its records: a till is no port of the hub, and no hub has so
// many.
const TillPort = 1000

// TillStep is one durable step of a sale at a terminal that the station runs itself: what a card dispenser keeps in its own
// memory. Fields that the step does not know are zero. Source: trust.md 1.1; design.md 9.10.
type TillStep struct {
	TimeMs   int64          `json:"time_ms"`
	Till     int            `json:"till"` // 1…
	Step     string         `json:"step"` // BEGIN, FUEL_START …; ATTEMPT: a TTC is about to be taken from a PSAM that no step names yet
	Sale     SaleID         `json:"sale"`
	PSAM     pboc.ASN       `json:"psam_asn"`
	ASN      pboc.ASN       `json:"asn"`
	CTC      uint16         `json:"ctc,omitempty"`
	Balance  unit.Fen       `json:"balance_fen,omitempty"` // at the lock
	Stamp    Hex            `json:"stamp,omitempty"`       // date and time of the lock, 7 bytes BCD
	GTAC     pboc.MAC       `json:"gtac"`
	Nozzle   Nozzle         `json:"nozzle,omitempty"`
	Product  string         `json:"product,omitempty"`
	Version  byte           `json:"version,omitempty"`    // key index and version of the record
	Preset   unit.Fen       `json:"preset_fen,omitempty"` // what the customer asked for in cash
	Price    unit.Price     `json:"price_fen,omitempty"`
	Quantity unit.Quantity  `json:"quantity_hundredths,omitempty"`
	Total    unit.Totalizer `json:"total_hundredths,omitempty"`
	Amount   unit.Fen       `json:"amount_fen,omitempty"`
	GMAC     pboc.MAC       `json:"gmac"`
	PSAMTAC  pboc.MAC       `json:"psam_tac"`
	TAC      pboc.MAC       `json:"tac"`
	TType    byte           `json:"t_type,omitempty"`
	Record   Hex            `json:"record,omitempty"` // 95 bytes that still want their number and T-MAC
	Reason   string         `json:"reason,omitempty"`
	By       string         `json:"by,omitempty"` // who keyed the order; both who confirmed figures, with a comma
}

// FactType is the word in the journal.
func (TillStep) FactType() string { return "till.step" }
