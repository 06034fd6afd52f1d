package station

import (
	"slices"
	"strings"

	"greylock/system/clock"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// PathVolumes is what the station has sold, by product and by unit: {} → Volumes. Litres, kilograms and cubic metres are never
// added to one another. Source: features.md C7, T8.
const PathVolumes = "/op/station/volumes"

// Volumes are the sums of the records in the journal.
type Volumes struct {
	Products []Volume `json:"products"` // by code
	Units    []Volume `json:"units"`    // by unit
}

// Volume is one sum.
type Volume struct {
	Product  string        `json:"product,omitempty"`
	Unit     unit.Unit     `json:"unit"`
	Fills    int           `json:"fills"`
	Quantity unit.Quantity `json:"quantity_hundredths"`
	Amount   unit.Fen      `json:"amount_fen"`
	Tests    unit.Quantity `json:"tests_hundredths"` // test draws, not in Quantity
}

// unitOf is the unit that a product is sold in here.
func (o *orders) unitOf(product string) unit.Unit {
	for _, p := range o.layout.Ports {
		if p.Product == product && p.Unit != "" {
			return p.Unit
		}
	}
	return unit.Litre
}

// nozzleUnit is what a nozzle counts.
func (o *orders) nozzleUnit(n record.Nozzle) unit.Unit {
	for _, p := range o.layout.Ports {
		if p.Nozzle == n {
			return o.unitOf(p.Product)
		}
	}
	return unit.Litre
}

func (c *Core) askVolumes(clock.Instant, struct{}) (any, bool) {
	products, units := map[string]*Volume{}, map[string]*Volume{}
	add := func(code string, test bool, q unit.Quantity, a unit.Fen) {
		u := c.orders.unitOf(code)
		for _, v := range [2]*Volume{sum(products, code, Volume{Product: code, Unit: u}), sum(units, string(u), Volume{Unit: u})} {
			if test {
				v.Tests += q
				continue
			}
			v.Fills, v.Quantity, v.Amount = v.Fills+1, v.Quantity+q, v.Amount+a
		}
	}
	for _, t := range c.sales {
		if metered(t.rec) {
			add(t.rec.Product.String(), t.rec.TestDraw(), t.rec.Volume, t.rec.Amount)
		}
	}
	for _, x := range c.plainSales { // a card's fuel stands in its own record
		if x.sold.Card == (record.SaleID{}) && (x.sold.Quantity != 0 || x.sold.Amount != 0) {
			add(x.sold.Product, false, x.sold.Quantity, x.sold.Amount)
		}
	}
	return Volumes{sorted(products), sorted(units)}, true
}

func sum(all map[string]*Volume, key string, first Volume) *Volume {
	if all[key] == nil {
		all[key] = &first
	}
	return all[key]
}

func sorted(all map[string]*Volume) []Volume {
	list := []Volume{}
	for _, v := range all {
		list = append(list, *v)
	}
	slices.SortFunc(list, func(a, b Volume) int { return strings.Compare(a.Product+string(a.Unit), b.Product+string(b.Unit)) })
	return list
}
