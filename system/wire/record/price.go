package record

// PriceAcknowledged says by which version of the prices a nozzle's board works, by its own word (3AH). Version 0: by none
// that was ordered. Source: dispenser.md 3.10; trust.md M14.
type PriceAcknowledged struct {
	TimeMs  int64  `json:"time_ms"`
	Port    int    `json:"port"`
	Nozzle  Nozzle `json:"nozzle"`
	Version uint64 `json:"version"` // of the signed directive
}

// NozzleShut says that the station has closed a nozzle that had not acknowledged its prices in time: its board is given a
// station info without the nozzle. Source: design.md 9.16.
type NozzleShut struct {
	TimeMs  int64  `json:"time_ms"`
	Port    int    `json:"port"`
	Nozzle  Nozzle `json:"nozzle"`
	Version uint64 `json:"version"` // of the prices that are missing there
	// Unreached says that the board did not answer and nothing holds its pump: it sells on at its old price until it is reached.
	Unreached bool `json:"unreached,omitempty"`
}

// NozzleFreed ends it.
type NozzleFreed struct {
	TimeMs  int64  `json:"time_ms"`
	Port    int    `json:"port"`
	Nozzle  Nozzle `json:"nozzle"`
	Version uint64 `json:"version"` // that the board has acknowledged
}

// FactType is the word in the journal.
func (PriceAcknowledged) FactType() string { return "price.acknowledged" }

// FactType is the word in the journal.
func (NozzleShut) FactType() string { return "price.nozzle-shut" }

// FactType is the word in the journal.
func (NozzleFreed) FactType() string { return "price.nozzle-freed" }

// PriceProposed says that one person wants prices of a station changed; another decides.
type PriceProposed struct {
	TimeMs    int64   `json:"time_ms"`
	Proposal  uint64  `json:"proposal"` // 1, 2, 3 … of the center
	Site      SiteID  `json:"site"`
	Effective string  `json:"effective"` // YYYYMMDDhhmm; empty: in the minute of the approval
	Prices    []Price `json:"prices"`
	By        string  `json:"by"`
	Reason    string  `json:"reason,omitempty"`
	ExpiresMs int64   `json:"expires_ms"` // not approved before: it is void
}

// PriceDecided says what another person made of it. An approval stands in one act with the DirectiveIssued.
type PriceDecided struct {
	TimeMs   int64  `json:"time_ms"`
	Proposal uint64 `json:"proposal"`
	Approved bool   `json:"approved"`
	By       string `json:"by"`
	Reason   string `json:"reason,omitempty"`
	Version  uint64 `json:"version,omitempty"` // of the directive, if approved
}

// FactType is the word in the journal.
func (PriceProposed) FactType() string { return "price.proposed" }

// FactType is the word in the journal.
func (PriceDecided) FactType() string { return "price.decided" }
