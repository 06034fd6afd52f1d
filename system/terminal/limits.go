package terminal

import (
	"bytes"
	"fmt"
	"slices"

	"greylock/system/wire/fuelcard"
	"greylock/system/wire/unit"
)

// Place is where a terminal stands and what its nozzle sells. Source: card.md 3.5; dispenser.md 3.8, station information.
type Place struct {
	Province byte // BCD
	City     byte // BCD
	Superior [4]byte
	Station  [4]byte
	Slot     int     // the product's place in the station's product table, 0..15
	Product  [2]byte // its BCD code
}

// Allowance is the most that a card may take now.
type Allowance struct {
	Amount   unit.Fen      // the least of balance, per-fill amount and what is left for today
	Quantity unit.Quantity // per-fill volume; 0: no limit
	Plate    []byte        // GBK; not empty: an employee compares it with the vehicle first
}

// Daily reports that the limits count the day's fills: only then is the history of any use to Allow.
func (id Identity) Daily() bool {
	return id.Limits.FillsPerDay != noLimit8 || id.Limits.FenPerDay != noLimit32
}

// Allow applies the limits of 001C to this place and day; history is the log, newest first, as History or Today read it; it
// matters for a card with Daily limits alone. A day that fills the whole log can not be summed any more and ends there, or
// ten fills of nothing would hide what was spent before. The reason of a refusal is that of card.md section 13.
// Source: card.md 3.5, 12.1 steps 5, 6, 9; the full log [ours].
func (t *Terminal) Allow(id Identity, history []fuelcard.LogRecord, place Place) (Allowance, *Refusal) {
	l := id.Limits
	if !productAllowed(l.Products, place, t.Profile.ProductLimit == fuelcard.ProductBCD4) {
		return Allowance{}, &Refusal{ReasonProduct, "此卡不能加该油品", "the card may not take this product"}
	}
	if !regionAllowed(l, place) {
		return Allowance{}, &Refusal{ReasonRegion, "此卡不能在本地区使用", "the card may not be used in this region"}
	}
	a := Allowance{Amount: id.Balance, Plate: plate(l.Plate)}
	if r := t.perFill(l, &a); r != nil {
		return Allowance{}, r
	}
	count, spent := t.today(history)
	if l.FillsPerDay != noLimit8 && count >= int(l.FillsPerDay) {
		return Allowance{}, &Refusal{ReasonDailyCount, "今日加油次数已满", fmt.Sprintf("%d fills today, no more allowed", count)}
	}
	if l.FenPerDay != noLimit32 {
		left := unit.Fen(l.FenPerDay) - spent
		if left <= 0 {
			return Allowance{}, &Refusal{ReasonDailyAmount, "今日加油金额已满", fmt.Sprintf("%s yuan today, no more allowed", spent)}
		}
		a.Amount = min(a.Amount, left)
	}
	if id.Daily() && t.fullOfToday(history) {
		return Allowance{}, &Refusal{ReasonDailyCount, "今日交易过多, 限额无法核对", "too many transactions today: the limits can not be checked"}
	}
	if a.Amount <= 0 {
		return Allowance{}, &Refusal{0, "余额不足", "no money on the card"}
	}
	return a, nil
}

// The values that mean "no limit". Source: card.md 3.5.
const (
	noLimit8  byte   = 0xFF
	noLimit16 uint16 = 0xFFFF
	noLimit32 uint32 = 0xFFFFFFFF
)

// perFill narrows the allowance: high nibble 0 whole yuan, 1 whole litres. Source: card.md 3.5, fill_unit.
func (t *Terminal) perFill(l fuelcard.Limits, a *Allowance) *Refusal {
	if l.PerFill == noLimit16 {
		return nil
	}
	value := int64(l.PerFill & 0x0FFF)
	switch l.PerFill >> 12 {
	case 0:
		a.Amount = min(a.Amount, unit.Fen(value*100))
	case 1:
		a.Quantity = unit.Quantity(value * 100)
	default:
		return &Refusal{ReasonInvalid, "卡内限量数据无法识别", fmt.Sprintf("per-fill limit %04X is not understood", l.PerFill)}
	}
	if value == 0 {
		return &Refusal{ReasonInvalid, "此卡每次限量为零", "the per-fill limit of the card is zero"}
	}
	return nil
}

// today counts and sums what the log says of today.
// Source: card.md 3.5, daily_types.
func (t *Terminal) today(history []fuelcard.LogRecord) (count int, spent unit.Fen) {
	date := t.Clock().Civil().Date()
	for _, r := range history {
		if !bytes.Equal(r.Time[:4], date[:]) {
			continue
		}
		if slices.Contains(t.Profile.DailyTypes, r.Type) {
			count++
			spent += r.Amount
		}
	}
	return count, spent
}

// fullOfToday reports that what a terminal walks of the log is all of today, so that more may have been pushed out.
func (t *Terminal) fullOfToday(history []fuelcard.LogRecord) bool {
	date := t.Clock().Civil().Date()
	return len(history) >= HistoryDepth && !slices.ContainsFunc(history, func(r fuelcard.LogRecord) bool { return !bytes.Equal(r.Time[:4], date[:]) })
}

// productAllowed reads the limit as a mask of product slots; with bcd4 also as one product code. Source: card.md 3.5, product_limit.
func productAllowed(limit uint16, p Place, bcd bool) bool {
	if limit == noLimit16 || bcd && limit == uint16(p.Product[0])<<8|uint16(p.Product[1]) {
		return true
	}
	return p.Slot >= 0 && p.Slot < 16 && limit>>p.Slot&1 == 1
}

// regionAllowed looks for this place among the codes of the card's mode. Source: card.md 3.5, region_width.
func regionAllowed(l fuelcard.Limits, p Place) bool {
	var here []byte
	switch l.RegionMode {
	case fuelcard.RegionAny:
		return true
	case fuelcard.RegionProvince:
		here = []byte{p.Province}
	case fuelcard.RegionCity:
		here = []byte{p.Province, p.City}
	case fuelcard.RegionSuperior:
		here = p.Superior[:]
	case fuelcard.RegionStation:
		here = p.Station[:]
	default:
		return false
	}
	for i := 0; i+len(here) <= len(l.Regions); i += len(here) {
		if bytes.Equal(l.Regions[i:i+len(here)], here) {
			return true
		}
	}
	return false
}

// plate returns the plate without its padding; nil when there is none. Source: card.md 3.5.
func plate(b [16]byte) []byte {
	if b[0] == noLimit8 || b[0] == 0 {
		return nil
	}
	return bytes.TrimRight(b[:], "\x00\xff")
}
