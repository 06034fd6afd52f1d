package record

import (
	"greylock/system/clock"
	"greylock/system/wire/unit"
)

// PlainAuthorised says that a nozzle of a plain dispenser may deliver; it is durable before the command goes out. If no PlainSold
// of the same number follows, the delivery is open and its end is found by the totals. Source: dispenser.md 4.1, 4.6.
type PlainAuthorised struct {
	TimeMs int64         `json:"time_ms"`
	Port   int           `json:"port"`
	NZN    byte          `json:"nzn"` // 枪号 on the wire
	Nozzle Nozzle        `json:"nozzle"`
	Number uint32        `json:"number"` // of the nozzle's deliveries, 1, 2, 3 …
	Money  unit.Fen      `json:"money_fen,omitempty"`
	Volume unit.Quantity `json:"volume_hundredths,omitempty"` // both 0: until the customer stops
	By     string        `json:"by,omitempty"`                // who let it run; "" for a card
	Way    string        `json:"way"`                         // how it is paid: card, cash, account, bank, voucher
	Card   SaleID        `json:"card"`                        // the sale of the till that it is for; zeros for none
}

// PlainSold is a delivery of a plain dispenser that has ended, once. Volume, Amount and Price are the board's last-sale register,
// the totals were read twice. The card's own record posts a card sale; every other one is posted from this fact.
// Its key is (Port, NZN, Number). Source: dispenser.md 2.4, 4.5.
type PlainSold struct {
	BusinessDay clock.BusinessDay `json:"business_day,omitempty"` // of its end, or of the authorisation for a card, by the station's layout

	TimeMs      int64         `json:"time_ms"`
	Port        int           `json:"port"`
	NZN         byte          `json:"nzn"`
	Nozzle      Nozzle        `json:"nozzle"`
	Number      uint32        `json:"number"` // that of its PlainAuthorised; the next one for a delivery that nobody had authorised
	Product     string        `json:"product"`
	Price       unit.Price    `json:"price_fen"`
	Quantity    unit.Quantity `json:"quantity_hundredths"`
	Amount      unit.Fen      `json:"amount_fen"`
	Moved       unit.Quantity `json:"moved_hundredths"` // how far the litre total ran
	MovedCash   unit.Fen      `json:"moved_fen"`
	Litres      int64         `json:"litres_hundredths"` // the totals afterwards
	Cash        int64         `json:"cash_fen"`
	Origin      string        `json:"origin"`  // ordered, unlicensed, unaccounted, refused
	Verdict     string        `json:"verdict"` // agreed, forgotten, disagreed, unmeasured
	Interrupted bool          `json:"interrupted,omitempty"`
	Way         string        `json:"way"`
	By          string        `json:"by,omitempty"`
	Card        SaleID        `json:"card"`

	PriceVersion uint64 `json:"price_version,omitempty"` // of the prices at authorisation; 0: none explains the price
}

// PlainMetered is a reading of a plain nozzle's totals, made twice with equal result.
type PlainMetered struct {
	TimeMs int64  `json:"time_ms"`
	Port   int    `json:"port"`
	NZN    byte   `json:"nzn"`
	Nozzle Nozzle `json:"nozzle"`
	Litres int64  `json:"litres_hundredths"`
	Cash   int64  `json:"cash_fen"`
}

// NozzleLocked says that a nozzle sells nothing before a person has looked at it, and why.
type NozzleLocked struct {
	TimeMs int64  `json:"time_ms"`
	Port   int    `json:"port"`
	NZN    byte   `json:"nzn"`
	Nozzle Nozzle `json:"nozzle"`
	Why    string `json:"why"`
}

// NozzleUnlocked says who took it back into use. A lock for the totals takes two persons.
type NozzleUnlocked struct {
	TimeMs int64     `json:"time_ms"`
	Port   int       `json:"port"`
	NZN    byte      `json:"nzn"`
	Nozzle Nozzle    `json:"nozzle"`
	By     [2]string `json:"by"`
	Reason string    `json:"reason"`
}

// EmergencyStopped says who stopped nozzles in an emergency and why; Nozzle 0 is all of them.
type EmergencyStopped struct {
	TimeMs int64  `json:"time_ms"`
	Nozzle Nozzle `json:"nozzle"`
	By     string `json:"by"`
	Reason string `json:"reason"`
}

// PumpFed says that a contactor is about to give a card dispenser's pump power. It is written before the coil moves: a pump that is
// found without power later was switched off by an order, whether or not the order itself has reached the journal.
type PumpFed struct {
	TimeMs int64  `json:"time_ms"`
	Port   int    `json:"port"`
	Nozzle Nozzle `json:"nozzle"`
}

// EmergencyEnded says who took them back into use.
type EmergencyEnded struct {
	TimeMs int64  `json:"time_ms"`
	Nozzle Nozzle `json:"nozzle"`
	By     string `json:"by"`
	Reason string `json:"reason"`
}

// FactType is the word in the journal.
func (PlainAuthorised) FactType() string  { return "plain.authorised" }
func (PlainSold) FactType() string        { return "plain.sold" }
func (PlainMetered) FactType() string     { return "plain.metered" }
func (NozzleLocked) FactType() string     { return "nozzle.locked" }
func (NozzleUnlocked) FactType() string   { return "nozzle.unlocked" }
func (EmergencyStopped) FactType() string { return "estop.begun" }
func (EmergencyEnded) FactType() string   { return "estop.ended" }
func (PumpFed) FactType() string          { return "estop.pump-fed" }
