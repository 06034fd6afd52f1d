package station

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"greylock/system/clock"
	"greylock/system/wire/fa"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Plausible bounds what a pump and a vehicle can do.
type Plausible struct {
	MostFlow unit.Quantity `json:"most_flow_hundredths"` // in a minute; 0: DefaultFlow
	MostFill unit.Quantity `json:"most_fill_hundredths"` // of one fill; 0: DefaultFill
}

// The bounds of a station that sets none: a fast truck pump, and a large truck with two tanks.
const (
	DefaultFlow unit.Quantity = 200_00
	DefaultFill unit.Quantity = 1500_00
)

const (
	clockSlack = 10 * time.Minute // the clocks of board and station may differ by so much. Source: features.md X5
	meterSlack = 1                // hundredths by which a board may round. Source: dispenser.md 4.5
	wentBack   = 1 << 31          // a totalizer that moved so far went back: it wraps at 2^32
)

func (p Plausible) orDefault() Plausible {
	if p.MostFlow == 0 {
		p.MostFlow = DefaultFlow
	}
	if p.MostFill == 0 {
		p.MostFill = DefaultFill
	}
	return p
}

// finding is what is wrong with a record, with its figures.
type finding struct {
	code   record.Finding
	detail string
}

func find(code record.Finding, format string, args ...any) *finding {
	return &finding{code, fmt.Sprintf(format, args...)}
}

func (f finding) words() (zh, en string) {
	zh, en = f.code.Words()
	if f.detail != "" {
		zh, en = zh+" ("+f.detail+")", en+" ("+f.detail+")"
	}
	return zh, en
}

// invalid says which value no board may send; nil if there is none. It needs the record alone.
func invalid(r fa.Record) *finding {
	err := r.Check()
	_, moment := r.Time.Civil()
	switch {
	case err == nil:
		return nil
	case moment != nil:
		return find(record.FindTime, "%v", r.Time)
	case !decimal(r.ASN[:]):
		return find(record.FindCard, "%X", r.ASN[:])
	case !decimal(r.PSAMNumber[:]) || !decimal(r.TID[:]):
		return find(record.FindPSAM, "%X %X", r.PSAMNumber[:], r.TID[:])
	case !decimal(r.Product[:]):
		return find(record.FindProduct, "%X", r.Product[:])
	case r.Type.Kind() > fa.CardErrorEvent:
		return find(record.FindType, "%v", r.Type)
	case !r.Type.Moves() && (r.Volume != 0 || r.Amount != 0):
		return find(record.FindEvent, "%v %v", r.Volume, r.Amount)
	}
	return find(record.FindField, "%v", err)
}

func decimal(b []byte) bool {
	return !slices.ContainsFunc(b, func(x byte) bool { return x>>4 > 9 || x&15 > 9 })
}

// untrue says why a valid record can not be true; nil if it can. It looks at the record, the layout and the journal.
func (c *Core) untrue(p *port, r fa.Record, restarted bool) *finding {
	for _, check := range []func() *finding{
		func() *finding { return c.wrongPlace(p, r) },
		func() *finding { return c.contradicts(r) },
		func() *finding { return c.repeated(r) },
		func() *finding { return p.intake.overlaps(r, restarted) },
	} {
		if f := check(); f != nil {
			return f
		}
	}
	return nil
}

// wrongPlace: the record is of another realm, or of another port's board.
func (c *Core) wrongPlace(p *port, r fa.Record) *finding {
	if r.Training() != (c.cfg.Realm == record.Training) {
		return find(record.FindRealm, "")
	}
	place := c.orders.places[p.number]
	if len(place.nozzles) == 0 || !metered(r) {
		return nil
	}
	if !slices.Contains(place.tids, r.TID) {
		for _, other := range c.orders.layout.Ports {
			if other.Port != p.number && other.TID == r.TID && r.TID != (pboc.TID{}) {
				return find(record.FindCrossed, "%v 属于 %d 口 (belongs to port)", r.TID, other.Port)
			}
		}
	}
	if !slices.Contains(place.nozzles, byte(r.NZN)) {
		return find(record.FindNozzle, "%d", r.NZN)
	}
	return nil
}

// contradicts: the record does not agree with itself.
func (c *Core) contradicts(r fa.Record) *finding {
	if !metered(r) {
		return nil
	}
	if r.Type.Kind() != fa.NoCard {
		switch {
		case r.ASN == (pboc.ASN{}):
			return find(record.FindNoCard, "")
		case r.TTC == 0:
			return find(record.FindNoTTC, "")
		}
	}
	if r.Volume > 0 && r.Price == 0 {
		return find(record.FindPrice, "%v", r.Volume)
	}
	if !fits(r) {
		return find(record.FindAmount, "%v × %v, %v", r.Volume, r.Price, r.Amount)
	}
	return nil
}

// fits says that amount, volume and price belong together. A cash preset may differ by less than the value of one pulse; the
// debit is at most the balance. Source: dispenser.md 2.7, 5.1; design.md 9.7.
func fits(r fa.Record) bool {
	switch {
	case r.Unit.Points():
		return true
	case r.TestDraw():
		return r.Amount == 0 // nobody pays what goes back into the tank
	}
	value, err := unit.Amount(r.Volume, r.Price)
	diff := r.Amount - value
	switch {
	case err != nil:
		return false
	case diff == 0 || -int64(r.Price) < int64(diff)*100 && int64(diff)*100 < int64(r.Price):
		return true
	case r.Type.Kind() == fa.Escape: // the balance is that before the debit
		return diff < 0 && r.Amount == r.Balance
	}
	return diff < 0 && r.Type.Kind() == fa.Fuelling && r.Balance == 0
}

// repeated: the journal has this sale already, under another record number or from another port.
func (c *Core) repeated(r fa.Record) *finding {
	if !metered(r) || r.TTC == 0 {
		return nil
	}
	old := c.seen[record.SaleID{TID: r.TID, TTC: r.TTC}].metered
	switch {
	case old == nil:
		return nil
	case old.ASN == r.ASN && old.Time == r.Time && old.Volume == r.Volume && old.Amount == r.Amount:
		return find(record.FindRepeated, "%d = %d", r.POSTTC, old.POSTTC)
	}
	return find(record.FindTwice, "PSAM-TTC %d: %v, %v", r.TTC, old.Volume, r.Volume)
}

// doubts are what is wrong with a record that is taken all the same.
func (c *Core) doubts(now clock.Instant, p *port, r fa.Record, restarted bool) (list []finding) {
	doubt := func(f *finding) {
		if f != nil {
			list = append(list, *f)
		}
	}
	if n := p.intake.last; n > maxGap && r.POSTTC < n-maxGap && !restarted {
		doubt(find(record.FindLate, "%d, %d", r.POSTTC, n))
	}
	if !metered(r) {
		return list
	}
	for _, f := range p.intake.order(r, restarted) {
		doubt(f)
	}
	doubt(c.impossible(now, r))
	if limit := c.cfg.Plausible.MostFill; r.Volume > limit {
		doubt(find(record.FindFill, "%v > %v", r.Volume, limit))
	}
	place := c.orders.places[p.number]
	if r.Volume > 0 && len(place.products) > 0 && !slices.Contains(place.products, r.Product.String()) {
		doubt(find(record.FindProductOther, "%v", r.Product))
	}
	if r.TTC != 0 && len(place.tids) > 0 && !slices.Contains(place.tids, r.TID) {
		doubt(find(record.FindElsewhere, "%v", r.TID))
	}
	if v, fresh := c.sold(p, r); r.Volume > 0 && len(c.orders.book) > 0 && !fresh {
		code := record.FindPriceUnknown
		if v > 0 {
			code = record.FindPriceStale
		}
		doubt(find(code, "%v %v (%d)", r.Product, r.Price, v))
	}
	return list
}

// impossible: a fill that began when the card was locked can not have ended after now, so so much has flowed in at most that
// time. The time of a sale without a card may be that of its end.
func (c *Core) impossible(now clock.Instant, r fa.Record) *finding {
	at, err := r.Time.Civil()
	if err != nil {
		return nil
	}
	took := now.Sub(at.Instant())
	switch {
	case took < -clockSlack:
		return find(record.FindFuture, "%v", r.Time)
	case r.Type.Kind() == fa.NoCard || took < 0:
		return nil
	}
	seconds := int64(took/time.Second) + 1
	if most := int64(c.cfg.Plausible.MostFlow) * seconds / 60; int64(r.Volume) > most {
		return find(record.FindFlow, "%v in %d s", r.Volume, seconds)
	}
	return nil
}

// overlaps: more fuel is in the record than the totalizer moved since the sale before it, or than it leaves for the one behind
// it. That is the fuel of another sale, charged again. Source: features.md T3; dispenser.md 4.5.
func (i *intake) overlaps(r fa.Record, restarted bool) *finding {
	if !metered(r) || restarted || blank(r) {
		return nil
	}
	before, after := i.around(r.POSTTC)
	if before != nil {
		if moved := r.Total.Since(before.Total); moved < wentBack && moved+meterSlack < r.Volume {
			return find(record.FindMeter, "泵码 (totalizer) %v, 记录 (record) %v", moved, r.Volume)
		}
	}
	if after != nil {
		if moved := after.Total.Since(r.Total); moved < wentBack && moved+meterSlack < after.Volume {
			return find(record.FindMeter, "泵码 (totalizer) %v, 后一笔 (next) %v", moved, after.Volume)
		}
	}
	return nil
}

// order looks at a record between its neighbours: totalizer, time and PSAM number only rise.
func (i *intake) order(r fa.Record, restarted bool) (list []*finding) {
	before, _ := i.around(r.POSTTC)
	if before == nil || restarted || blank(r) {
		return nil
	}
	switch moved := r.Total.Since(before.Total); {
	case moved >= wentBack:
		list = append(list, find(record.FindMeterBack, "%v, %v", before.Total, r.Total))
	case moved != r.Volume && i.gapless(before.POSTTC, r.POSTTC):
		list = append(list, find(record.FindMeterJump, "泵码 (totalizer) %v, 记录 (record) %v", moved, r.Volume))
	}
	if bytes.Compare(r.Time[:], before.Time[:]) < 0 {
		list = append(list, find(record.FindOrder, "%v, %v", before.Time, r.Time))
	}
	if r.TTC != 0 && r.TID == before.TID && r.TTC <= before.TTC {
		list = append(list, find(record.FindTTCOrder, "%d, %d", before.TTC, r.TTC))
	}
	return list
}

// around returns the metered records of the epoch next to a number.
func (i *intake) around(n fa.POSTTC) (before, after *fa.Record) {
	at, _ := slices.BinarySearchFunc(i.meter, n, func(r fa.Record, n fa.POSTTC) int { return int(int64(r.POSTTC) - int64(n)) })
	if at > 0 {
		before = &i.meter[at-1]
	}
	if at < len(i.meter) {
		after = &i.meter[at]
	}
	return before, after
}

// blank says that a record tells nothing of the meter: a lock released with nothing delivered may carry zeros (design.md 9.6).
func blank(r fa.Record) bool { return r.Volume == 0 && r.Total == 0 }

// gapless says that every number between two is there or does not exist.
func (i *intake) gapless(from, to fa.POSTTC) bool {
	for n := from + 1; n < to; n++ {
		if !i.seen[epochTTC{i.epoch, n}] {
			return false
		}
	}
	return true
}

// measure notes a metered record, in order of its number; the oldest are forgotten.
func (i *intake) measure(r fa.Record) {
	at, there := slices.BinarySearchFunc(i.meter, r.POSTTC, func(x fa.Record, n fa.POSTTC) int { return int(int64(x.POSTTC) - int64(n)) })
	if there || blank(r) {
		return
	}
	i.meter = slices.Insert(i.meter, at, r)
	if len(i.meter) > 2*maxGap {
		i.meter = slices.Delete(i.meter, 0, 1)
	}
}
