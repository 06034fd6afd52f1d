package center

import (
	"slices"

	"greylock/system/clock"
	"greylock/system/wire/fa"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// TillWaiting is why fuel of a card sale at a plain dispenser is not in the books: the till's record is not here yet.
const TillWaiting = "waiting-for-till"

// PathDay is a station's business day by the center's own books, beside the station's 日结. Source: features.md T5.
const PathDay = "/op/day" // AskDay → DayView

// AskDay names a station and a business day; 0 is the one that it is there now.
type AskDay struct {
	Site record.SiteID     `json:"site"`
	Day  clock.BusinessDay `json:"business_day,omitempty"`
}

// DayView is a business day of a station: the sum of the records in the center's books, and what the station says.
type DayView struct {
	Site    record.SiteID     `json:"site"`
	Name    string            `json:"name"`
	Day     clock.BusinessDay `json:"business_day"`
	Books   record.DaySum     `json:"books"`             // of the center, in the station's closed shifts of the day; all, while the day is open
	Late    record.DaySum     `json:"late"`              // of the center: records that the station took after its close of the day
	Station *record.DayReport `json:"station,omitempty"` // none: not closed, or not here yet
	// Difference is the station's figures less Books. Tied says that the held records and the absorbed
	// figures explain it to the fen and the hundredth.
	Difference record.DaySum `json:"difference"`
	Held       []HeldRecord  `json:"held"` // records of the day that are not in the books, and why
	// Absorbed are card sales at plain dispensers whose register showed another figure than the card was asked for: more than its
	// balance is nobody's debt (design.md 9.7), and a volume in doubt is what two persons have read.
	Absorbed []AbsorbedSale `json:"absorbed"`
	Tied     bool           `json:"tied"`
	Moved    []MovedDay     `json:"moved"` // sales to which station and center give different days
}

// AbsorbedSale is what the station's day counts of a sale, and what the books count.
type AbsorbedSale struct {
	ID    string        `json:"id"`
	Seq   uint64        `json:"seq"`   // of the station's fact
	Fuel  record.DaySum `json:"fuel"`  // by the dispenser's register
	Books record.DaySum `json:"books"` // by the record
}

// HeldRecord is a record of a sale that waits in quarantine.
type HeldRecord struct {
	Seq    uint64 `json:"seq"`
	Reason string `json:"reason"`
	record.DaySum
}

// MovedDay is a sale that the station has put on another day than the one rule says.
type MovedDay struct {
	ID         string            `json:"id"`
	Seq        uint64            `json:"seq"`
	StationDay clock.BusinessDay `json:"station_day"`
}

// businessDay of a sale by the layouts that the site was ordered: the one that the station names, if a layout of the site gives
// it, for a cut may have changed on the way; else that of the newest.
func (b *books) businessDay(site record.SiteID, at fa.Stamp, claimed clock.BusinessDay) clock.BusinessDay {
	civil, err := at.Civil()
	if err != nil {
		return 0
	}
	list := b.layouts.at(site)
	cut := 0
	if n := len(list); n > 0 {
		cut = list[n-1].layout.DayCut
	}
	for _, l := range list {
		if civil.BusinessDay(l.layout.DayCut) == claimed {
			return claimed
		}
	}
	return civil.BusinessDay(cut)
}

func (c *Core) showDay(now clock.Instant, q AskDay) outcome {
	if o, ok := c.station(q.Site); !ok {
		return o
	}
	if q.Day == 0 {
		cut := 0
		if list := c.books.layouts.at(q.Site); len(list) > 0 {
			cut = list[len(list)-1].layout.DayCut
		}
		q.Day = now.Civil().BusinessDay(cut)
	}
	if !q.Day.Valid() {
		return bad("business_day", int(q.Day))
	}
	return reply(c.dayView(q))
}

func (c *Core) dayView(q AskDay) DayView {
	v := DayView{Site: q.Site, Name: c.books.sites.at(q.Site).name, Day: q.Day, Held: []HeldRecord{}, Moved: []MovedDay{}, Absorbed: []AbsorbedSale{}}
	closed := ^uint64(0)
	if r, ok := c.books.days.get(dayKey{q.Site, q.Day}); ok {
		v.Station = &r
		closed = c.books.zs.at(shiftKey{q.Site, r.LastShift})
	}
	var absorbed record.DaySum
	c.shown.salesOf(q.Site, q.Day, func(row saleRow) {
		s := c.books.sales.at(row.ID)
		sum := record.OneSale(s.posted.Quantity, s.posted.Unit, s.posted.Amount)
		seq, fuel := c.books.counted(q.Site, s.posted.Sale, s.posted.Seq, sum)
		if fuel != sum {
			v.Absorbed = append(v.Absorbed, AbsorbedSale{row.ID, seq, fuel, sum})
		}
		switch {
		case s.posted.Quantity == 0 && s.posted.Amount == 0, s.rec.TestDraw(): // a lock without fuel, or fuel that goes back into the tank
		case seq > closed:
			v.Late = v.Late.Plus(sum)
		default:
			v.Books = v.Books.Plus(sum)
			absorbed = absorbed.Plus(fuel).Minus(sum)
		}
		if s.stationDay != 0 && s.stationDay != s.day {
			v.Moved = append(v.Moved, MovedDay{row.ID, s.posted.Seq, s.stationDay})
		}
	})
	held := c.heldOf(q, closed, &v)
	if v.Station != nil {
		v.Difference = v.Station.Minus(v.Books)
		v.Tied = v.Difference == held.Plus(absorbed) && len(v.Moved) == 0
	}
	return v
}

// heldOf lists what waits in quarantine of a day, and sums up what of it stands in the station's closed shifts.
func (c *Core) heldOf(q AskDay, closed uint64, v *DayView) (sum record.DaySum) {
	known := map[record.SaleID]bool{}
	for n := 1; n <= c.books.nQuarantine; n++ {
		x := c.books.quarantine.at(n)
		if x.fact.Site != q.Site {
			continue
		}
		known[x.fact.Sale] = true
		if x.resolved {
			continue
		}
		day, figures := c.books.dayOf(c.books.kept.at(place{x.fact.Site, x.fact.Seq}))
		if day != q.Day || figures.Count == 0 {
			continue
		}
		v.Held = append(v.Held, HeldRecord{x.fact.Seq, x.fact.Reason, figures})
		seq, fuel := c.books.counted(q.Site, x.fact.Sale, x.fact.Seq, figures)
		if seq <= closed {
			sum = sum.Plus(fuel)
		}
	}
	for _, id := range c.books.tillDays.at(dayKey{q.Site, q.Day}) {
		fuel := c.books.tillFuel.at(id)
		if known[id] || c.books.sales.has(saleID(id, place{})) {
			continue
		}
		figures := c.books.fuelOf(fuel)
		v.Held = append(v.Held, HeldRecord{fuel.seq, TillWaiting, figures})
		if fuel.seq <= closed {
			sum = sum.Plus(figures)
		}
	}
	return sum
}

// tillFuel is fuel of a card sale at a plain dispenser, as its station's shift and day count it: with the end of the delivery,
// which may be long before the till's record.
type tillFuel struct {
	site     record.SiteID
	seq      uint64
	product  string
	quantity unit.Quantity
	amount   unit.Fen
}

func (b *books) fuelOf(f tillFuel) record.DaySum {
	return record.OneSale(f.quantity, b.products.at(f.product).Unit, f.amount)
}

// fuelled notes the fuel of a card sale at a plain dispenser.
func (b *books) fuelled(p place, f record.PlainSold) {
	if f.Card == (record.SaleID{}) || f.Quantity == 0 && f.Amount == 0 || b.tillFuel.has(f.Card) {
		return
	}
	b.tillFuel.put(f.Card, tillFuel{p.Site, p.Seq, f.Product, f.Quantity, f.Amount})
	day := dayKey{p.Site, f.BusinessDay}
	b.tillDays.put(day, append(slices.Clone(b.tillDays.at(day)), f.Card))
}

// counted is where a station's journal counts a sale, and what: for a card sale at a plain dispenser the end of the delivery,
// for any other its record.
func (b *books) counted(site record.SiteID, id record.SaleID, seq uint64, sum record.DaySum) (uint64, record.DaySum) {
	if f, ok := b.tillFuel.get(id); ok && f.site == site && id != (record.SaleID{}) {
		return f.seq, b.fuelOf(f)
	}
	return seq, sum
}

// dayOf is a station's fact as its day counts it: fuel once, with its record; settlements are no new sales.
func (b *books) dayOf(f record.Fact) (day clock.BusinessDay, sum record.DaySum) {
	switch f := f.(type) {
	case record.DispenserRecord:
		r, err := fa.ParseRecord(f.Raw)
		kind := r.Type.Kind()
		if err != nil || kind != fa.Fuelling && kind != fa.Escape && kind != fa.NoCard || r.Volume == 0 && r.Amount == 0 || r.TestDraw() {
			return f.BusinessDay, sum
		}
		return f.BusinessDay, record.OneSale(r.Volume, b.products.at(r.Product.String()).Unit, r.Amount)
	case record.PlainSold:
		if f.Quantity != 0 || f.Amount != 0 {
			sum = record.OneSale(f.Quantity, b.products.at(f.Product).Unit, f.Amount)
		}
		return f.BusinessDay, sum
	}
	return 0, sum
}
