package center

import (
	"testing"

	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// A layout's tanks: each once, with its own nozzles of its product.
func TestTanksFit(t *testing.T) {
	t.Parallel()
	good := func() record.Layout {
		return record.Layout{Ports: []record.PortPlan{{Nozzle: 1, Product: "1031"}, {Nozzle: 2, Product: "2011"}}, Tanks: []record.TankPlan{
			{Tank: 1, Product: "1031", Capacity: 3000000, Nozzles: []record.Nozzle{1}, TableStep: 100, Table: []unit.Quantity{0, 5, 9}},
			{Tank: 2, Product: "2011", Capacity: 3000000, Nozzles: []record.Nozzle{2}},
		}}
	}
	gas := func(product string) bool { return product == "3020" }
	if o, ok := tanksFit(good(), gas); !ok {
		t.Fatalf("%s", o.body())
	}
	for name, spoil := range map[string]func(l *record.Layout){
		"the same tank twice":    func(l *record.Layout) { l.Tanks[1].Tank = 1 },
		"no capacity":            func(l *record.Layout) { l.Tanks[0].Capacity = 0 },
		"reorder above capacity": func(l *record.Layout) { l.Tanks[0].Reorder = 3000000 },
		"another product":        func(l *record.Layout) { l.Tanks[0].Product = "1041" },
		"kilograms in litres": func(l *record.Layout) {
			l.Tanks[1].Product, l.Ports[1].Product = "3020", "3020"
		},
		"no such nozzle":        func(l *record.Layout) { l.Tanks[0].Nozzles = []record.Nozzle{9} },
		"a nozzle at two tanks": func(l *record.Layout) { l.Tanks[1] = l.Tanks[0]; l.Tanks[1].Tank = 2 },
		"a table that falls":    func(l *record.Layout) { l.Tanks[0].Table[2] = 1 },
		"a table without step":  func(l *record.Layout) { l.Tanks[0].TableStep = 0 },
		"water below zero":      func(l *record.Layout) { l.Tanks[0].MostWater = -1 },
		"seventeen tanks":       func(l *record.Layout) { l.Tanks = make([]record.TankPlan, maxTanks+1) },
	} {
		l := good()
		spoil(&l)
		if _, ok := tanksFit(l, gas); ok {
			t.Errorf("%s: accepted", name)
		}
	}
}
