package record

// Where a station's power comes from, as its journal says it. From battery to mains (or unwatched) no sale begins.
const (
	PowerMains     = "mains"     // they are there, or back
	PowerBattery   = "battery"   // the UPS says that they are not
	PowerLow       = "low"       // and that its battery will not last
	PowerEnding    = "ending"    // the program ends by itself; the UPS is ordered off
	PowerUnwatched = "unwatched" // no UPS tells any more: the program runs, so there is power
)

// Why a program ends by itself.
const (
	EndIdle   = "idle"   // nothing runs any more
	EndLow    = "low"    // the battery will not last
	EndMost   = "most"   // it has run on the battery as long as it may
	EndSilent = "silent" // the UPS was on its battery and is not heard any more
)

// StationPower is a change of a station's power. Source: features.md T11.
type StationPower struct {
	TimeMs int64  `json:"time_ms"`
	State  string `json:"state"`           // Power…
	Why    string `json:"why,omitempty"`   // PowerEnding: End…
	Fills  int    `json:"fills,omitempty"` // deliveries that ran then
}

// FactType is the word in the journal.
func (StationPower) FactType() string { return "station.power" }
