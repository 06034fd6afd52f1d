// Package unit holds money, quantities, prices and totalizers as integers, and the one rounding rule.
//
// Money is fen (0.01 yuan), a quantity is hundredths of its unit, a price is fen per whole unit.
package unit

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// Fen is an amount of money, 0.01 yuan.
type Fen int64

// Quantity is an amount of product in hundredths of its Unit.
type Quantity int64

// Length is tenths of a millimetre.
type Length int64

// Degrees is hundredths of a degree Celsius.
type Degrees int64

// Price is fen per whole unit of product.
type Price int64

// Unit names what a quantity counts.
type Unit string

// The units that dispensers sell.
const (
	Litre      Unit = "L"
	Kilogram   Unit = "kg"
	CubicMetre Unit = "m3"
)

// Words says a unit in Chinese and English; a unit that is not known is litres, what a dispenser counts by itself.
func (u Unit) Words() (zh, en string) {
	switch u {
	case Kilogram:
		return "公斤", "kg"
	case CubicMetre:
		return "立方米", "m³"
	}
	return "升", "L"
}

// Volumes are quantities of each unit beside one another: litres, kilograms and cubic metres are never one number.
// Source: features.md C7, T8.
type Volumes struct {
	Litres      Quantity `json:"L,omitempty"`
	Kilograms   Quantity `json:"kg,omitempty"`
	CubicMetres Quantity `json:"m3,omitempty"`
}

// Of is a quantity in its unit; a unit that is not known is litres.
func (u Unit) Of(q Quantity) Volumes {
	switch u {
	case Kilogram:
		return Volumes{Kilograms: q}
	case CubicMetre:
		return Volumes{CubicMetres: q}
	}
	return Volumes{Litres: q}
}

// Plus adds unit by unit.
func (v Volumes) Plus(w Volumes) Volumes {
	return Volumes{v.Litres + w.Litres, v.Kilograms + w.Kilograms, v.CubicMetres + w.CubicMetres}
}

// Minus subtracts unit by unit.
func (v Volumes) Minus(w Volumes) Volumes {
	return Volumes{v.Litres - w.Litres, v.Kilograms - w.Kilograms, v.CubicMetres - w.CubicMetres}
}

// String prints the units that there are: 25.48 升 3.00 公斤; 0.00 升 if there is none.
func (v Volumes) String() string {
	text := ""
	for _, x := range []struct {
		q Quantity
		u Unit
	}{{v.Litres, Litre}, {v.Kilograms, Kilogram}, {v.CubicMetres, CubicMetre}} {
		if x.q != 0 {
			zh, _ := x.u.Words()
			text += " " + x.q.String() + " " + zh
		}
	}
	if text == "" {
		return "0.00 升"
	}
	return text[1:]
}

// Gas says that the unit is one of gas: what it fills is a vessel under pressure.
func (u Unit) Gas() bool { return u == Kilogram || u == CubicMetre }

// ErrRange is returned for a value that can not be held or makes no sense (negative, overflow).
var ErrRange = errors.New("unit: value out of range")

// Amount is the one rounding rule: quantity × price, half a fen up. Both must be ≥ 0; the product is formed in
// 128 bits, ErrRange if the result does not fit.
func Amount(q Quantity, p Price) (Fen, error) {
	if q < 0 || p < 0 {
		return 0, fmt.Errorf("amount of %d hundredths at %d fen: %w", q, p, ErrRange)
	}
	hi, lo := bits.Mul64(uint64(q), uint64(p))
	lo, carry := bits.Add64(lo, 50, 0)
	hi += carry
	if hi >= 100 {
		return 0, fmt.Errorf("amount of %d hundredths at %d fen: %w", q, p, ErrRange)
	}
	fen, _ := bits.Div64(hi, lo, 100)
	if fen > math.MaxInt64 {
		return 0, fmt.Errorf("amount of %d hundredths at %d fen: %w", q, p, ErrRange)
	}
	return Fen(fen), nil
}

// Affordable returns the most hundredths whose Amount is at most the money; 0 for a price of 0 or no money.
func Affordable(money Fen, p Price) Quantity {
	if money <= 0 || p <= 0 || money > math.MaxInt64/200 {
		return 0
	}
	// amount(q) ≤ money  ⇔  q×p + 50 < (money+1)×100
	return Quantity((int64(money)*100 + 49) / int64(p))
}

// String prints yuan with two decimals, without a sign of currency: 200.00.
func (f Fen) String() string { return hundredths(int64(f)) }

// String prints the quantity with two decimals: 25.48.
func (q Quantity) String() string { return hundredths(int64(q)) }

// String prints millimetres with one decimal: 1234.5.
func (l Length) String() string {
	sign, u := "", uint64(l)
	if l < 0 {
		sign, u = "-", -u
	}
	return fmt.Sprintf("%s%d.%d", sign, u/10, u%10)
}

// String prints degrees with two decimals: -3.50.
func (d Degrees) String() string { return hundredths(int64(d)) }

// String prints yuan per unit with two decimals: 7.85.
func (p Price) String() string { return hundredths(int64(p)) }

func hundredths(n int64) string {
	sign, u := "", uint64(n)
	if n < 0 {
		sign, u = "-", -u
	}
	return fmt.Sprintf("%s%d.%02d", sign, u/100, u%100)
}

// ParseFen reads yuan with at most two decimals (200, 200.5, 200.50); no sign, no blanks.
func ParseFen(s string) (Fen, error) {
	n, err := parse(s)
	if err != nil {
		return 0, fmt.Errorf("unit: %q is no amount in yuan: %w", s, err)
	}
	return Fen(n), nil
}

// ParseQuantity reads a quantity with at most two decimals.
func ParseQuantity(s string) (Quantity, error) {
	n, err := parse(s)
	if err != nil {
		return 0, fmt.Errorf("unit: %q is no quantity: %w", s, err)
	}
	return Quantity(n), nil
}

// ParsePrice reads yuan per unit with at most two decimals.
func ParsePrice(s string) (Price, error) {
	n, err := parse(s)
	if err != nil {
		return 0, fmt.Errorf("unit: %q is no price: %w", s, err)
	}
	return Price(n), nil
}

func parse(s string) (int64, error) {
	whole, frac, dotted := strings.Cut(s, ".")
	if dotted && (len(frac) < 1 || len(frac) > 2) || whole == "" {
		return 0, errors.New("want digits with at most two decimals, such as 200.00")
	}
	for len(frac) < 2 {
		frac += "0"
	}
	for _, c := range whole + frac {
		if c < '0' || c > '9' {
			return 0, errors.New("want digits with at most two decimals, such as 200.00")
		}
	}
	n, err := strconv.ParseInt(whole+frac, 10, 64)
	if err != nil {
		return 0, ErrRange
	}
	return n, nil
}

// Totalizer is a nozzle's running total in hundredths; it rolls over at 2³² (FA, 42 949 672.95 L).
// Source: dispenser.md 4.5.
type Totalizer uint32

// Since returns how far the totalizer has run from an earlier reading, roll-over included.
func (t Totalizer) Since(earlier Totalizer) Quantity { return Quantity(uint32(t) - uint32(earlier)) }

// Plus returns the totalizer after q more hundredths.
func (t Totalizer) Plus(q Quantity) Totalizer { return t + Totalizer(uint32(q)) }

// String prints the reading with two decimals.
func (t Totalizer) String() string { return hundredths(int64(t)) }
