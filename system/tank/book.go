// Package tank keeps the books of a station's tanks: what lay in them, what came, what nozzles drew, and what is missing. It is
// bookkeeping without I/O: the book changes only by facts, a Watch judges what the gauge shows now.
//
// Quantities are compared at 15 °C (net): warm fuel is no gain. What a nozzle has metered is as warm as its tank.
//
// Source: trust.md M13, row 40; features.md T6.
package tank

import (
	"fmt"
	"slices"
	"time"

	"greylock/system/clock"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Bounds of the memory.
const (
	keepSpans      = 62 * 26 // two months of hourly dips and some
	keepDeliveries = 500
)

// Book is the tanks of one station. The zero value is empty.
type Book struct {
	tanks      []*Tank
	deliveries []Delivery // oldest first
	total      int        // deliveries ever
}

// Tank is one tank.
type Tank struct {
	Plan  record.TankPlan
	spans []span        // oldest first
	drawn unit.Quantity // ever, by records that came at once
}

// span is the time from one dip to the next; the last one is open.
type span struct {
	dip       record.TankDip
	sold      []drawn // by nozzle
	delivered unit.Quantity
	net       unit.Quantity // delivered, at 15 °C
}

type drawn struct {
	nozzle record.Nozzle
	volume unit.Quantity
}

// Delivery is one delivery.
type Delivery struct {
	Number   int           `json:"delivery"`
	Tank     int           `json:"tank"`
	OpenedMs int64         `json:"opened_ms"`
	ClosedMs int64         `json:"closed_ms,omitempty"` // 0: under way
	Sold     unit.Quantity `json:"sold_hundredths"`
	Measured unit.Quantity `json:"measured_hundredths"`
	Net      unit.Quantity `json:"net_hundredths"`
	Note     string        `json:"note,omitempty"`
	NoteNet  unit.Quantity `json:"note_net_hundredths,omitempty"`
	By       string        `json:"by,omitempty"`
	Short    unit.Quantity `json:"short_hundredths,omitempty"` // what the note says more than came, beyond the tolerance
}

// Configure takes the tanks of a layout. A tank that stays keeps its dips; what is no longer there is forgotten.
func (b *Book) Configure(plans []record.TankPlan) {
	var next []*Tank
	for _, p := range plans {
		t := b.Tank(p.Tank)
		if t == nil {
			t = &Tank{}
		}
		t.Plan = p
		next = append(next, t)
	}
	b.tanks = next
}

// Tanks lists the tanks in the layout's order.
func (b *Book) Tanks() []*Tank { return b.tanks }

// Tank is a tank by its number, nil if there is none.
func (b *Book) Tank(n int) *Tank {
	for _, t := range b.tanks {
		if t.Plan.Tank == n {
			return t
		}
	}
	return nil
}

// Of is the tank that a nozzle draws from, nil if it is not known.
func (b *Book) Of(n record.Nozzle) *Tank {
	for _, t := range b.tanks {
		if slices.Contains(t.Plan.Nozzles, n) {
			return t
		}
	}
	return nil
}

// Dipped takes a dip.
func (b *Book) Dipped(f record.TankDip) {
	t := b.Tank(f.Tank)
	if t == nil {
		return
	}
	drop := max(0, len(t.spans)+1-keepSpans)
	t.spans = append(slices.Delete(t.spans, 0, drop), span{dip: f})
}

// promptly is how old a sale may be when its record comes to count as drawn just now: a fill takes minutes, and boards stamp it
// with its begin.
const promptly = 15 * time.Minute

// Sold takes what a nozzle has drawn by a record of soldMs that came at takenMs: late records count in the span of their own time.
// What was sold before the first dip concerns nobody.
func (b *Book) Sold(n record.Nozzle, soldMs, takenMs int64, q unit.Quantity) {
	t := b.Of(n)
	if t == nil {
		return
	}
	atMs := takenMs
	if takenMs-soldMs > promptly.Milliseconds() {
		atMs = soldMs
	} else {
		t.drawn += q
	}
	for i := len(t.spans) - 1; i >= 0; i-- {
		if s := &t.spans[i]; s.dip.TimeMs < atMs {
			s.draw(n, q)
			return
		}
	}
}

func (s *span) draw(n record.Nozzle, q unit.Quantity) {
	for i := range s.sold {
		if s.sold[i].nozzle == n {
			s.sold[i].volume += q
			return
		}
	}
	s.sold = append(s.sold, drawn{n, q})
}

// Opened takes the begin of a delivery.
func (b *Book) Opened(f record.DeliveryOpened) {
	b.total = max(b.total, f.Delivery)
	b.deliveries = append(slices.Delete(b.deliveries, 0, max(0, len(b.deliveries)+1-keepDeliveries)),
		Delivery{Number: f.Delivery, Tank: f.Tank, OpenedMs: f.TimeMs})
}

// Closed takes its end. It follows the dip after the delivery; what came belongs to the span that this dip has ended.
func (b *Book) Closed(f record.DeliveryClosed) {
	if d := b.find(f.Delivery); d != nil {
		d.close(f)
	}
	if t := b.Tank(f.Tank); t != nil && len(t.spans) > 1 {
		s := &t.spans[len(t.spans)-2]
		s.delivered += f.Measured
		s.net += f.Net
	}
}

// Noted takes a delivery note.
func (b *Book) Noted(f record.DeliveryNoted) {
	if d := b.find(f.Delivery); d != nil {
		*d = d.With(f)
	}
}

func (d *Delivery) close(f record.DeliveryClosed) {
	d.ClosedMs, d.Sold, d.Measured, d.Net = f.TimeMs, f.Sold, f.Measured, f.Net
	d.judge()
}

// With is the delivery with its note.
func (d Delivery) With(f record.DeliveryNoted) Delivery {
	d.Note, d.NoteNet, d.By = f.Note, f.Net, f.By
	d.judge()
	return d
}

// Alarm says what is short.
func (d Delivery) Alarm(now clock.Instant) record.Alarm {
	return record.Alarm{TimeMs: now.Milli(), Kind: "delivery-short", Subject: fmt.Sprintf("delivery %d", d.Number),
		Zh: fmt.Sprintf("%d 号罐进油单 %s: 单上 %v 升, 实收 %v 升, 少 %v 升", d.Tank, d.Note, d.NoteNet, d.Net, d.Short),
		En: fmt.Sprintf("tank %d, note %s: %v L by the note, %v L came, %v L are missing", d.Tank, d.Note, d.NoteNet, d.Net, d.Short)}
}

// judge compares a delivery with its note.
func (d *Delivery) judge() {
	d.Short = 0
	if d.ClosedMs != 0 && d.Note != "" && d.NoteNet-d.Net > shortBase+d.NoteNet*shortPermille/1000 {
		d.Short = d.NoteNet - d.Net
	}
}

func (b *Book) find(number int) *Delivery {
	for i := range b.deliveries {
		if b.deliveries[i].Number == number {
			return &b.deliveries[i]
		}
	}
	return nil
}

// Next is the number of the next delivery.
func (b *Book) Next() int { return b.total + 1 }

// Under is the delivery that a tank is having.
func (b *Book) Under(tank int) (Delivery, bool) {
	for i := len(b.deliveries) - 1; i >= 0; i-- {
		if d := b.deliveries[i]; d.Tank == tank && d.ClosedMs == 0 {
			return d, true
		}
	}
	return Delivery{}, false
}

// Unnoted is the oldest delivery of a tank that has no note.
func (b *Book) Unnoted(tank int) (Delivery, bool) {
	for _, d := range b.deliveries {
		if d.Tank == tank && d.Note == "" {
			return d, true
		}
	}
	return Delivery{}, false
}

// Delivery is one by its number.
func (b *Book) Delivery(number int) (Delivery, bool) {
	if d := b.find(number); d != nil {
		return *d, true
	}
	return Delivery{}, false
}

// Deliveries lists at most limit of them, newest first; of all tanks if tank is 0.
func (b *Book) Deliveries(tank, limit int) []Delivery {
	list := []Delivery{}
	for i := len(b.deliveries) - 1; i >= 0 && len(list) < limit; i-- {
		if d := b.deliveries[i]; tank == 0 || d.Tank == tank {
			list = append(list, d)
		}
	}
	return list
}

// Last is the newest dip of a tank.
func (t *Tank) Last() (record.TankDip, bool) {
	if len(t.spans) == 0 {
		return record.TankDip{}, false
	}
	return t.spans[len(t.spans)-1].dip, true
}

// total is all that nozzles have drawn by the records of the span.
func (s *span) total() (q unit.Quantity) {
	for _, d := range s.sold {
		q += d.volume
	}
	return q
}

// net brings what was metered at a dip's temperature to 15 °C.
func net(d record.TankDip, q unit.Quantity) unit.Quantity {
	if d.Volume <= 0 {
		return q
	}
	return (q*d.Net + d.Volume/2) / d.Volume
}

// Expected is what the tank should hold now at 15 °C, by its last dip, the records since and what nozzles have drawn that no record
// tells yet; drawn is how much was drawn since. False: nothing is known of the tank.
func (t *Tank) Expected(pending unit.Quantity) (expected, drawn unit.Quantity, ok bool) {
	if len(t.spans) == 0 {
		return 0, 0, false
	}
	s := &t.spans[len(t.spans)-1]
	drawn = s.total() - s.dip.Pending + pending
	return s.dip.Net - net(s.dip, drawn), drawn, true
}

// petrol and diesel expand so many millionths per degree; 15 °C is the reference.
const (
	petrolPPM = 1200
	dieselPPM = 830
	reference = unit.Degrees(1500)
)

// Net brings a volume in this tank to 15 °C.
func (t *Tank) Net(q unit.Quantity, d unit.Degrees) unit.Quantity {
	ppm := t.Plan.Expansion
	switch {
	case ppm != 0:
	case len(t.Plan.Product) > 0 && t.Plan.Product[0] == '2':
		ppm = dieselPPM
	default:
		ppm = petrolPPM
	}
	const whole = 100_000_000
	by := whole + unit.Quantity(ppm)*unit.Quantity(d-reference)
	return (q*whole + by/2) / by
}

// Volume reads the tank's table: what lies below a height, in proportion between two lines. False: there is no table, or the
// height is above it.
func (t *Tank) Volume(h unit.Length) (unit.Quantity, bool) {
	step, table := t.Plan.TableStep, t.Plan.Table
	if step <= 0 || h < 0 || len(table) == 0 {
		return 0, false
	}
	i := int(h / step)
	switch {
	case i >= len(table) || i == len(table)-1 && h%step != 0:
		return 0, false
	case h%step == 0:
		return table[i], true
	}
	return table[i] + (table[i+1]-table[i])*unit.Quantity(h%step)/unit.Quantity(step), true
}
