package record

import "greylock/system/wire/unit"

// TankPlan is one tank of a station and the nozzles that draw from it. Source: trust.md M13.
type TankPlan struct {
	Tank      int             `json:"tank"`    // 1…, as the gauge numbers it
	Product   string          `json:"product"` // G-CODE, four digits
	Capacity  unit.Quantity   `json:"capacity_hundredths"`
	Nozzles   []Nozzle        `json:"nozzles"`
	Reorder   unit.Quantity   `json:"reorder_hundredths"`             // below it fuel must be ordered; 0: never said
	MostWater unit.Length     `json:"most_water_tenths_mm"`           // water above it is an alarm; 0: never said
	Expansion int             `json:"expansion_ppm,omitempty"`        // per degree; 0: 1200 for petrol (10xx), 830 for diesel
	TableStep unit.Length     `json:"table_step_tenths_mm,omitempty"` // between two lines of the table
	Table     []unit.Quantity `json:"table_hundredths,omitempty"`     // litres below 0, 1, 2 … steps: for dips by hand
}

// The reasons of a dip.
const (
	DipFirst    = "first"    // nothing was known of the tank
	DipHour     = "hour"     // every hour
	DipHand     = "hand"     // a person, with the stick
	DipAsked    = "asked"    // a person, of the gauge
	DipDelivery = "delivery" // a delivery has ended
)

// TankDip is what a tank held: by its gauge, or by a person's stick.
type TankDip struct {
	TimeMs      int64         `json:"time_ms"`
	Tank        int           `json:"tank"`
	Why         string        `json:"why"`                          // Dip…
	Volume      unit.Quantity `json:"volume_hundredths"`            // as warm as it was
	Net         unit.Quantity `json:"net_hundredths"`               // at 15 °C
	Height      unit.Length   `json:"height_tenths_mm"`             // of the fuel's surface
	Water       unit.Length   `json:"water_tenths_mm"`              // below it
	Temperature unit.Degrees  `json:"temperature_hundredths"`       // °C
	Pending     unit.Quantity `json:"pending_hundredths,omitempty"` // that nozzles had drawn and no record told yet
	By          string        `json:"by,omitempty"`                 // who dipped or asked
}

// DeliveryOpened says that a tank holds more than its books explain: a truck unloads.
type DeliveryOpened struct {
	TimeMs   int64 `json:"time_ms"`
	Tank     int   `json:"tank"`
	Delivery int   `json:"delivery"` // 1, 2, 3 … of the station
	SinceMs  int64 `json:"since_ms"` // time of the dip before it
}

// DeliveryClosed is what has come, by the dips before and after it; what was sold meanwhile is added.
type DeliveryClosed struct {
	TimeMs   int64         `json:"time_ms"`
	Tank     int           `json:"tank"`
	Delivery int           `json:"delivery"`
	Sold     unit.Quantity `json:"sold_hundredths"`     // between the two dips
	Measured unit.Quantity `json:"measured_hundredths"` // as warm as it lies in the tank
	Net      unit.Quantity `json:"net_hundredths"`      // at 15 °C
}

// DeliveryNoted is the paper that came with a delivery.
type DeliveryNoted struct {
	TimeMs   int64         `json:"time_ms"`
	Tank     int           `json:"tank"`
	Delivery int           `json:"delivery"`
	Note     string        `json:"note"`           // number of the delivery note
	Net      unit.Quantity `json:"net_hundredths"` // litres at 15 °C by the note
	By       string        `json:"by"`
}

// FactType is the word in the journal.
func (TankDip) FactType() string { return "tank.dip" }

// FactType is the word in the journal.
func (DeliveryOpened) FactType() string { return "tank.delivery-opened" }

// FactType is the word in the journal.
func (DeliveryClosed) FactType() string { return "tank.delivery-closed" }

// FactType is the word in the journal.
func (DeliveryNoted) FactType() string { return "tank.delivery-noted" }
