package record

// NozzleCommissioned says that a nozzle was examined before it sells: wiring, totals, price, a test fill. The protocol is a file
// of its own; its hash stands here, and so under the journal's chain.
type NozzleCommissioned struct {
	TimeMs   int64  `json:"time_ms"`
	Port     int    `json:"port"`
	Nozzle   Nozzle `json:"nozzle"`
	By       string `json:"by"`
	Passed   bool   `json:"passed"`
	Protocol Hex    `json:"protocol"` // SHA-256 of the protocol's text without its reference to the journal
}

// FactType is the word in the journal.
func (NozzleCommissioned) FactType() string { return "nozzle.commissioned" }
