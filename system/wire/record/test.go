package record

import "greylock/system/wire/unit"

// TestReturned says that the fuel of a test draw went back into the tank (回罐). Draw is the DispenserRecord of the draw, by its
// number in this journal. Source: design.md 7; adr/0013.
type TestReturned struct {
	TimeMs   int64         `json:"time_ms"`
	Draw     uint64        `json:"draw"`
	Nozzle   Nozzle        `json:"nozzle"`
	Product  string        `json:"product"`
	Quantity unit.Quantity `json:"quantity_hundredths"`
	By       string        `json:"by"`
}

// FactType is the word in the journal.
func (TestReturned) FactType() string { return "test.returned" }
