package record

import (
	"greylock/system/clock"
	"greylock/system/wire/unit"
)

// ShiftOpened 开班 says that a person has taken over the station. The shift's records are all those that the journal has between
// the close before and its own close, whenever it was opened: what was taken with no shift open belongs to the next one.
// Source: features.md T4; trust.md 84, M11.
type ShiftOpened struct {
	TimeMs int64    `json:"time_ms"`
	Number uint64   `json:"number"` // 1, 2, 3 … of the station: that of its Z
	By     string   `json:"by"`
	Float  unit.Fen `json:"float_fen"`       // cash in the drawer
	Blind  bool     `json:"blind,omitempty"` // the cash is counted before its figure is shown
	Dips   []Dip    `json:"dips,omitempty"`
}

// Dip is what a gauge or a stick says of a tank, as warm as it is.
type Dip struct {
	Tank     int           `json:"tank"`
	Quantity unit.Quantity `json:"quantity_hundredths"`
	Gauge    bool          `json:"gauge,omitempty"` // read by the station itself, not entered by a person
}

// CashDropped says that cash has left the drawer of the open shift in a sealed bag: into the safe (投币) or to the bank (缴款).
// Source: trust.md M11.
type CashDropped struct {
	TimeMs int64    `json:"time_ms"`
	Shift  uint64   `json:"shift"`
	By     string   `json:"by"`
	Amount unit.Fen `json:"amount_fen"`
	To     string   `json:"to"`  // safe, bank
	Bag    string   `json:"bag"` // its number, or that of the bank's slip; once in a shift
}

// ShiftClosed 交班 ends a shift: its own place in the journal is the boundary. The figures follow in a ShiftReported, which is made
// of the facts up to here alone.
type ShiftClosed struct {
	TimeMs   int64          `json:"time_ms"`
	Number   uint64         `json:"number"`
	By       string         `json:"by"`
	Counted  *unit.Fen      `json:"counted_fen,omitempty"` // cash in the drawer by the person's count
	Readings []MeterReading `json:"readings"`
	Reasons  []MeterReason  `json:"reasons,omitempty"`
	Dips     []Dip          `json:"dips,omitempty"`
}

// MeterReading is a nozzle's totalizer 泵码 as its board told it last. Source: dispenser.md 4.5.
type MeterReading struct {
	Port   int    `json:"port"`
	Nozzle Nozzle `json:"nozzle"`
	Total  int64  `json:"total_hundredths"`
	Busy   bool   `json:"busy,omitempty"` // a sale is under way or its record not here yet: what is beyond the records is the next shift's
}

// MeterReason is a person's explanation of fuel without a record.
type MeterReason struct {
	Nozzle Nozzle `json:"nozzle"`
	Kind   string `json:"kind"` // test-draw 验泵, missing-record 缺记录, board-replaced 换板, other
	Note   string `json:"note,omitempty"`
}

// ShiftDuty says who serves a nozzle from now on: for plain nozzles, whose boards read no employee card. Empty: nobody.
type ShiftDuty struct {
	TimeMs int64  `json:"time_ms"`
	Nozzle Nozzle `json:"nozzle"`
	Person string `json:"person"`
	By     string `json:"by"`
}

// ShiftReported is the Z of a shift.
type ShiftReported struct {
	TimeMs int64       `json:"time_ms"`
	Report ShiftReport `json:"report"`
}

// ShiftReport 班报 is the figures of a shift: of one that is closed (Z) or still open (X).
type ShiftReport struct {
	Number   uint64       `json:"number"`
	From     uint64       `json:"from_seq"` // first record of the station's journal that is the shift's
	To       uint64       `json:"to_seq"`   // last one; 0 in an X
	OpenedMs int64        `json:"opened_ms"`
	ClosedMs int64        `json:"closed_ms"`
	OpenedBy string       `json:"opened_by"`
	ClosedBy string       `json:"closed_by,omitempty"`
	Meters   []ShiftMeter `json:"meters"`
	Products []ShiftSum   `json:"products"`
	Tenders  []ShiftSum   `json:"tenders"` // how the fuel was paid
	Types    []ShiftSum   `json:"types"`   // by T-TYPE: fuel (0, 1, 7) and settlements of earlier sales (3, 4), which are no new sales
	Staff    []ShiftSum   `json:"staff"`   // by the attendant on duty at the nozzle
	Days     []ShiftDay   `json:"days"`    // by business day and tender
	Late     []LateRecord `json:"late,omitempty"`
	Cash     *ShiftCash   `json:"cash,omitempty"` // none in an X of a blind shift
	Opening  []Dip        `json:"opening_dips,omitempty"`
	Closing  []Dip        `json:"closing_dips,omitempty"`
}

// ShiftMeter is a nozzle's part: Ran = Sold + the lines, to the hundredth of its unit.
type ShiftMeter struct {
	Port   int           `json:"port"`
	Nozzle Nozzle        `json:"nozzle"`
	Unit   unit.Unit     `json:"unit,omitempty"`  // litres if it says nothing
	Open   int64         `json:"open_hundredths"` // totalizer after the last record of the shift before
	Close  int64         `json:"close_hundredths"`
	Ran    unit.Quantity `json:"ran_hundredths"`
	Sold   unit.Quantity `json:"sold_hundredths"`
	Amount unit.Fen      `json:"amount_fen"`
	Count  int           `json:"count"`
	Lines  []MeterLine   `json:"lines,omitempty"`
	Beyond unit.Quantity `json:"beyond_hundredths,omitempty"` // what the board reads beyond: the next shift's
}

// MeterLine explains a difference between a totalizer and the records.
type MeterLine struct {
	Kind     string        `json:"kind"` // missing-record, unrecorded, late-record, board-replaced, register, test-draw, other
	Quantity unit.Quantity `json:"quantity_hundredths"`
	First    uint32        `json:"first,omitempty"` // record numbers that are missing, or the late one
	Last     uint32        `json:"last,omitempty"`
	Shift    uint64        `json:"shift,omitempty"` // in which the late record's fuel was pumped
	Note     string        `json:"note,omitempty"`
}

// ShiftSum is a sum under a word.
type ShiftSum struct {
	Key string `json:"key"`
	DaySum
}

// ShiftDay is the part of a business day that was paid in one way.
type ShiftDay struct {
	Day    clock.BusinessDay `json:"business_day"`
	Tender string            `json:"tender"`
	DaySum
}

// DaySum is sales, what they were of each unit, and their money.
type DaySum struct {
	Count    int          `json:"count"`
	Quantity unit.Volumes `json:"quantity_hundredths"`
	Amount   unit.Fen     `json:"amount_fen"`
}

// OneSale is the sum of one sale.
func OneSale(q unit.Quantity, u unit.Unit, a unit.Fen) DaySum { return DaySum{1, u.Of(q), a} }

// Plus adds.
func (s DaySum) Plus(x DaySum) DaySum {
	return DaySum{s.Count + x.Count, s.Quantity.Plus(x.Quantity), s.Amount + x.Amount}
}

// Minus subtracts.
func (s DaySum) Minus(x DaySum) DaySum {
	return DaySum{s.Count - x.Count, s.Quantity.Minus(x.Quantity), s.Amount - x.Amount}
}

// LateRecord is a record whose fuel was pumped before the shift that it came in.
type LateRecord struct {
	Seq      uint64        `json:"seq"`
	Port     int           `json:"port"`
	Nozzle   Nozzle        `json:"nozzle"`
	Number   uint32        `json:"number"` // the board's
	Time     string        `json:"time"`
	Shift    uint64        `json:"shift"` // in which it was pumped; 0: before the books
	Quantity unit.Quantity `json:"quantity_hundredths"`
	Unit     unit.Unit     `json:"unit,omitempty"`
	Amount   unit.Fen      `json:"amount_fen"`
}

// ShiftCash is the drawer. Expected = Float + Sales − Dropped. Difference is what was counted less what should be there: 长款 above
// 0, 短款 below.
type ShiftCash struct {
	Float      unit.Fen  `json:"float_fen"`
	Sales      unit.Fen  `json:"sales_fen"`
	Dropped    unit.Fen  `json:"dropped_fen,omitempty"` // the sum of the drops
	Expected   unit.Fen  `json:"expected_fen"`
	Counted    *unit.Fen `json:"counted_fen,omitempty"`
	Difference unit.Fen  `json:"difference_fen"`

	Drops []CashDropped `json:"drops,omitempty"`
}

// DayClosed 日结 closes a business day with the sales of it that stand in closed shifts.
type DayClosed struct {
	TimeMs int64     `json:"time_ms"`
	By     string    `json:"by"`
	Report DayReport `json:"report"`
}

// DayReport is the figures of a business day: its sales in the shifts up to LastShift. Later ones of the same day are late.
type DayReport struct {
	Number    uint64            `json:"number"` // 1, 2, 3 …; 0: not closed
	Day       clock.BusinessDay `json:"business_day"`
	LastShift uint64            `json:"last_shift"`
	Shifts    []uint64          `json:"shifts"` // that hold sales of the day
	Tenders   []ShiftSum        `json:"tenders"`
	DaySum
}

// MonthClosed 月结 closes a month of closed days.
type MonthClosed struct {
	TimeMs int64       `json:"time_ms"`
	By     string      `json:"by"`
	Report MonthReport `json:"report"`
}

// MonthReport is the sum of a month's closed days.
type MonthReport struct {
	Month   int        `json:"month"` // YYYYMM
	Days    int        `json:"days"`
	Tenders []ShiftSum `json:"tenders"`
	DaySum
	Late DaySum `json:"late"` // sales of these days that came after their close
}

// FactType is the word in the journal.
func (ShiftOpened) FactType() string { return "shift.opened" }

// FactType is the word in the journal.
func (ShiftClosed) FactType() string { return "shift.closed" }

// FactType is the word in the journal.
func (ShiftReported) FactType() string { return "shift.reported" }

// FactType is the word in the journal.
func (CashDropped) FactType() string { return "shift.cash-dropped" }

// FactType is the word in the journal.
func (ShiftDuty) FactType() string { return "shift.duty" }

// FactType is the word in the journal.
func (DayClosed) FactType() string { return "day.closed" }

// FactType is the word in the journal.
func (MonthClosed) FactType() string { return "month.closed" }
