package station

import (
	"encoding/hex"
	"encoding/json"
	"fmt"

	"greylock/system/clock"
	"greylock/system/dispenser"
	"greylock/system/pricebook"
	"greylock/system/wire/fa"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// orders are the directives that the station works by. They change only by facts.
type orders struct {
	versions  map[record.Topic]uint64
	layout    record.Layout
	prices    record.PriceTable
	start     clock.Instant // effective minute of prices; 0 if they have none
	places    map[int]place // by port
	lists     cardLists
	book      pricebook.Book
	deadlines map[uint64]clock.Instant // when every nozzle must have an edition: its minute, but not before a board could fetch it
}

// place is what has ever stood on a port by the layouts: a record may come late.
type place struct {
	nozzles  []byte // NZN
	products []string
	tids     []pboc.TID
}

// settle adds a layout to what the ports have seen.
func (o *orders) settle(l record.Layout) {
	for _, x := range l.Ports {
		p := o.places[x.Port]
		p.nozzles, p.products = append(p.nozzles, x.NZN), append(p.products, x.Product)
		if x.TID != (pboc.TID{}) {
			p.tids = append(p.tids, x.TID)
		}
		o.places[x.Port] = p
	}
}

// startOf is a table's effective minute, YYYYMMDDhhmm; 0 for a table that holds at once.
func startOf(t record.PriceTable) clock.Instant {
	var s fa.Stamp
	b, err := hex.DecodeString(t.Effective)
	if err != nil || len(b) != len(s)-1 {
		return 0
	}
	copy(s[:], b)
	c, err := s.Civil()
	if err != nil {
		return 0
	}
	return c.Instant()
}

// take puts one applied directive in force. The signature was checked before the fact was written.
func (o *orders) take(d record.Directive, atMs int64) error {
	switch d.Topic {
	case record.TopicLayout:
		var l record.Layout
		if err := json.Unmarshal(d.Body, &l); err != nil {
			return fmt.Errorf("station: layout: %w", err)
		}
		o.layout = l
		o.settle(l)
	case record.TopicPrices:
		var p record.PriceTable
		if err := json.Unmarshal(d.Body, &p); err != nil {
			return fmt.Errorf("station: prices: %w", err)
		}
		o.prices, o.start = p, startOf(p)
		o.book = o.book.With(d.Version, p)
		o.deadlines[d.Version] = max(clock.FromMilli(atMs).Add(fetchTime), o.start)
	case record.TopicBlack, record.TopicWhite:
		return o.lists.take(d, atMs)
	default:
		return fmt.Errorf("station: topic %q is not known here", d.Topic)
	}
	o.versions[d.Topic] = d.Version
	return nil
}

// plan is the port's place in the layout.
func (o *orders) plan(port int) (record.PortPlan, bool) {
	for _, p := range o.layout.Ports {
		if p.Port == port {
			return p, true
		}
	}
	return record.PortPlan{}, false
}

// forPort makes what a board is to have. A port that is not in the layout gets nothing: its board stays unconfirmed. While its
// nozzle is shut the station info names none; each time that it is shut or freed is one version more, as a board fetches only
// what has another number. Source: design.md 9.16.
func (o *orders) forPort(port int, pr boardPrices) (dispenser.Orders, error) {
	plan, ok := o.plan(port)
	if !ok {
		return dispenser.Orders{}, nil
	}
	out := dispenser.Orders{Files: map[fa.Content][]byte{}}
	station := o.versions[record.TopicLayout] + pr.turns
	info, err := o.stationInfo(plan, station, pr.shut)
	if err != nil {
		return dispenser.Orders{}, err
	}
	out.Versions.Station = fa.FoldVersion(station)
	out.Files[fa.ContentStation] = info
	if err := o.lists.addTo(&out); err != nil {
		return out, err
	}
	if o.versions[record.TopicPrices] == 0 {
		return out, nil
	}
	table, err := o.priceTable(plan, pr.wire(o.versions[record.TopicPrices]))
	if err != nil || table == nil {
		return out, err
	}
	// a new place needs its prices again, so both versions count
	out.Versions.Price = pr.wire(o.versions[record.TopicPrices])
	out.Files[fa.ContentPrice] = table
	return out, nil
}

func (o *orders) stationInfo(p record.PortPlan, version uint64, shut bool) ([]byte, error) {
	s := fa.StationInfo{Version: fa.FoldVersion(version), Province: o.layout.Province, City: o.layout.City, POSP: p.POSP}
	if !shut {
		s.Nozzles = []fa.NZN{fa.NZN(p.NZN)}
	}
	if len(o.layout.Superior) != len(s.Superior) || len(o.layout.Station) != len(s.Station) {
		return nil, fmt.Errorf("station: layout: superior and station are 4 bytes each, not %d and %d", len(o.layout.Superior), len(o.layout.Station))
	}
	copy(s.Superior[:], o.layout.Superior)
	copy(s.Station[:], o.layout.Station)
	return s.Bytes()
}

// priceTable makes the nozzle's table; nil if its product has no price yet.
func (o *orders) priceTable(p record.PortPlan, version byte) ([]byte, error) {
	now, haveNow := priceOf(o.prices.Now, p.Product)
	next, haveNext := priceOf(o.prices.Next, p.Product)
	switch {
	case !haveNow && !haveNext:
		return nil, nil
	case !haveNext:
		next = now
	case !haveNow:
		now = next
	}
	t := fa.PriceTable{Version: version}
	if b, err := hex.DecodeString(o.prices.Effective); err != nil || len(b) != len(t.Effective) {
		return nil, fmt.Errorf("station: prices: effective %q is not YYYYMMDDhhmm", o.prices.Effective)
	} else {
		copy(t.Effective[:], b)
	}
	code, err := product(p.Product)
	if err != nil {
		return nil, err
	}
	t.Now = []fa.NozzlePrice{{NZN: fa.NZN(p.NZN), Product: code, Prices: []unit.Price{now}}}
	t.Next = []fa.NozzlePrice{{NZN: fa.NZN(p.NZN), Product: code, Prices: []unit.Price{next}}}
	return t.Bytes()
}

func priceOf(list []record.Price, product string) (unit.Price, bool) {
	for _, p := range list {
		if p.Product == product {
			return p.Price, true
		}
	}
	return 0, false
}

func product(code string) (p fa.Product, err error) {
	b, err := hex.DecodeString(code)
	if err != nil || len(b) != len(p) {
		return p, fmt.Errorf("station: product code %q is not four digits", code)
	}
	copy(p[:], b)
	return p, nil
}
