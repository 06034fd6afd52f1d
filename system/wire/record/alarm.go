package record

// Alarm is something that a person must look at.
type Alarm struct {
	TimeMs  int64  `json:"time_ms"`
	Kind    string `json:"kind"`    // stable word of the catalogue in system/alarm: totalizer-jump, record-conflict, line-lost, …
	Subject string `json:"subject"` // nozzle, card, site: what it is about
	Zh      string `json:"zh"`
	En      string `json:"en"`
	Silent  int    `json:"silent,omitempty"` // further ones of the kind and subject since the last, counted and not written
}

// AlarmAcknowledged says that a person takes care of an alarm: the case whose first alarm stands at Alarm in Site's journal.
type AlarmAcknowledged struct {
	TimeMs int64  `json:"time_ms"`
	Site   SiteID `json:"site"`
	Alarm  uint64 `json:"alarm"`
	By     string `json:"by"`
	Note   string `json:"note,omitempty"` // what was done
}

// FactType is the word in the journal.
func (Alarm) FactType() string { return "alarm" }

// FactType is the word in the journal.
func (AlarmAcknowledged) FactType() string { return "alarm.acknowledged" }
