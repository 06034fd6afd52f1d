package tank

import (
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// The tolerance of a period: what probe or stick, thermometer, meters (JJG 443 allows 0.30 %) and trucks may be wrong by. Source:
// trust.md M13.
const (
	gaugeBase     = 30 * 100 // hundredths of a litre, two readings of a probe
	handBase      = 80 * 100 // if one of the two is a stick: 3 mm in the middle of a tank
	soldPermille  = 3
	shortBase     = 30 * 100
	shortPermille = 3
	deliveredPart = 500 // 0.2 %
)

// Period is a tank between two dips. What is missing is positive: Difference = Open + Delivered − Sold − Close.
type Period struct {
	Tank       int             `json:"tank"`
	Product    string          `json:"product"`
	FromMs     int64           `json:"from_ms"`
	ToMs       int64           `json:"to_ms"`
	Open       unit.Quantity   `json:"open_net_hundredths"` // all at 15 °C
	Delivered  unit.Quantity   `json:"delivered_net_hundredths"`
	Sold       unit.Quantity   `json:"sold_net_hundredths"`
	Close      unit.Quantity   `json:"close_net_hundredths"`
	Metered    unit.Quantity   `json:"metered_hundredths"` // sold, as the nozzles metered it
	Difference unit.Quantity   `json:"difference_hundredths"`
	Tolerance  unit.Quantity   `json:"tolerance_hundredths"`
	Dips       int             `json:"dips"`
	OK         bool            `json:"ok"`
	Nozzles    []record.Nozzle `json:"nozzles"`
	Drift      []Drift         `json:"drift"`
}

// Drift says how a nozzle's meter and its tank agree, by the times when it alone drew: permille more left the tank than the
// meter shows; below zero the meter shows more than left. Source: trust.md row 40.
type Drift struct {
	Nozzle   record.Nozzle `json:"nozzle"`
	Metered  unit.Quantity `json:"metered_hundredths"` // while it drew alone
	Missing  unit.Quantity `json:"missing_hundredths"` // of the tank meanwhile
	Permille int           `json:"permille"`
	Spans    int           `json:"spans"` // that it was looked at in
}

// Sure reports whether the drift is more than two readings of a probe in each span would show by chance.
func (d Drift) Sure() bool {
	const reading = 5 * 100 // three times what they scatter by
	return d.Metered >= driftLeast && max(d.Permille, -d.Permille) >= driftMost && d.Missing*d.Missing > reading*reading*unit.Quantity(d.Spans)
}

// Period is the tank from the first dip at or after from to the last one at or before to, UTC ms; false without two dips.
func (t *Tank) Period(from, to int64) (Period, bool) {
	first, last := -1, -1
	for i, s := range t.spans {
		if s.dip.TimeMs >= from && first < 0 {
			first = i
		}
		if s.dip.TimeMs <= to {
			last = i
		}
	}
	if first < 0 || last <= first {
		return Period{}, false
	}
	a, z := t.spans[first].dip, t.spans[last].dip
	p := Period{Tank: t.Plan.Tank, Product: t.Plan.Product, FromMs: a.TimeMs, ToMs: z.TimeMs, Open: a.Net, Close: z.Net,
		Dips: last - first + 1, Nozzles: t.Plan.Nozzles, Drift: t.drift(first, last)}
	for i := first; i < last; i++ {
		metered := t.metered(i)
		p.Metered += metered
		p.Sold += net(t.spans[i].dip, metered)
		p.Delivered += t.spans[i].net
	}
	p.Difference = p.Open + p.Delivered - p.Sold - p.Close
	p.Tolerance = gaugeBase
	if a.Why == record.DipHand || z.Why == record.DipHand {
		p.Tolerance = handBase
	}
	p.Tolerance += p.Sold*soldPermille/1000 + p.Delivered/deliveredPart
	p.OK = max(p.Difference, -p.Difference) <= p.Tolerance
	return p, true
}

// metered is what was drawn in a closed span, as the nozzles metered it.
func (t *Tank) metered(i int) unit.Quantity {
	return t.spans[i].total() - t.spans[i].dip.Pending + t.spans[i+1].dip.Pending
}

// missing is what a closed span lacks, at 15 °C.
func (t *Tank) missing(i int) unit.Quantity {
	s := &t.spans[i]
	return s.dip.Net + s.net - net(s.dip, t.metered(i)) - t.spans[i+1].dip.Net
}

// drift looks at each nozzle's spans in which it alone drew and nothing came.
func (t *Tank) drift(first, last int) []Drift {
	list := make([]Drift, len(t.Plan.Nozzles))
	for k, n := range t.Plan.Nozzles {
		d := &list[k]
		d.Nozzle = n
		for i := first; i < last; i++ {
			s := &t.spans[i]
			if s.net != 0 || len(s.sold) != 1 || s.sold[0].nozzle != n || s.dip.Pending != 0 || t.spans[i+1].dip.Pending != 0 {
				continue
			}
			d.Metered += t.metered(i)
			d.Missing += t.missing(i)
			d.Spans++
		}
		if d.Metered > 0 {
			d.Permille = int(d.Missing * 1000 / d.Metered)
		}
	}
	return list
}
