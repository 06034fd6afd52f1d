package center

import (
	"greylock/system/clock"
	"greylock/system/wire/fa"
	"greylock/system/wire/record"
)

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
	// Difference is the station's figures less Books. Tied says that the held records explain it to the fen and the hundredth.
	Difference record.DaySum `json:"difference"`
	Held       []HeldRecord  `json:"held"` // records of the day that are not in the books, and why
	Tied       bool          `json:"tied"`
	Moved      []MovedDay    `json:"moved"` // sales to which station and center give different days
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
	v := DayView{Site: q.Site, Name: c.books.sites.at(q.Site).name, Day: q.Day, Held: []HeldRecord{}, Moved: []MovedDay{}}
	closed := ^uint64(0)
	if r, ok := c.books.days.get(dayKey{q.Site, q.Day}); ok {
		v.Station = &r
		closed = c.books.zs.at(shiftKey{q.Site, r.LastShift})
	}
	c.shown.salesOf(q.Site, q.Day, func(row saleRow) {
		s := c.books.sales.at(row.ID)
		sum := record.OneSale(s.posted.Quantity, s.posted.Unit, s.posted.Amount)
		switch {
		case s.posted.Quantity == 0 && s.posted.Amount == 0, s.rec.TestDraw(): // a lock without fuel, or fuel that goes back into the tank
		case s.posted.Seq > closed:
			v.Late = v.Late.Plus(sum)
		default:
			v.Books = v.Books.Plus(sum)
		}
		if s.stationDay != 0 && s.stationDay != s.day {
			v.Moved = append(v.Moved, MovedDay{row.ID, s.posted.Seq, s.stationDay})
		}
	})
	held := c.heldOf(q, closed, &v)
	if v.Station != nil {
		v.Difference = v.Station.Minus(v.Books)
		v.Tied = v.Difference == held && len(v.Moved) == 0
	}
	return v
}

// heldOf lists what waits in quarantine of a day, and sums up what of it stands in the station's closed shifts.
func (c *Core) heldOf(q AskDay, closed uint64, v *DayView) (sum record.DaySum) {
	for n := 1; n <= c.books.nQuarantine; n++ {
		x := c.books.quarantine.at(n)
		if x.resolved || x.fact.Site != q.Site {
			continue
		}
		day, figures := c.books.dayOf(c.books.kept.at(place{x.fact.Site, x.fact.Seq}))
		if day != q.Day || figures.Count == 0 {
			continue
		}
		v.Held = append(v.Held, HeldRecord{x.fact.Seq, x.fact.Reason, figures})
		if x.fact.Seq <= closed {
			sum = sum.Plus(figures)
		}
	}
	return sum
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
