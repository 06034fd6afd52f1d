package center

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"greylock/system/clock"
	"greylock/system/wire/fa"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

const (
	maxPorts    = 256    // of a station: sixteen hubs of 16
	maxProducts = 64     // of a price table; a board takes at most 255
	maxPrice    = 65_535 // fen, two bytes on the wire. Source: dispenser.md 3.6 PRC
)

func (c *Core) putSite(now clock.Instant, q PutSite) outcome {
	kinds := []record.Kind{record.KindKeys, record.KindMaking, record.KindOutlet, record.KindStation}
	old, known := c.books.sites.get(q.Site)
	switch {
	case !digits(string(q.Site), 4) || q.Site == c.cfg.Site:
		return bad("site", q.Site)
	case !slices.Contains(kinds, q.Kind):
		return bad("kind", q.Kind)
	case known && c.intake.Mark(q.Site).Seq > 0 && old.kind != q.Kind:
		return refuseOver(WrongKind, "%s", old.kind) // its journal is here: it is what it is
	case !word(q.Name, false):
		return bad("name", q.Name)
	case !word(q.By, true):
		return bad("by", q.By)
	case known && old.kind == q.Kind && old.name == q.Name:
		return reply(record.Done{OK: true})
	}
	return reply(record.Done{OK: true}, record.SitePut{TimeMs: now.Milli(), Site: q.Site, Kind: q.Kind, Name: q.Name, By: q.By})
}

func (c *Core) putProduct(now clock.Instant, q PutProduct) outcome {
	switch {
	case !digits(q.Code, 4):
		return bad("code", q.Code)
	case !word(q.Name, false):
		return bad("name", q.Name)
	case q.Unit != unit.Litre && q.Unit != unit.Kilogram && q.Unit != unit.CubicMetre:
		return bad("unit", q.Unit)
	case !word(q.By, true):
		return bad("by", q.By)
	}
	if old, ok := c.books.products.get(q.Code); ok && old == (ProductView{q.Code, q.Name, q.Unit}) {
		return reply(record.Done{OK: true})
	}
	return reply(record.Done{OK: true},
		record.ProductPut{TimeMs: now.Milli(), Code: q.Code, Name: q.Name, Unit: q.Unit, By: q.By})
}

// station says whether orders can be given to the site.
func (c *Core) station(id record.SiteID) (outcome, bool) {
	s, ok := c.books.sites.get(id)
	switch {
	case !ok:
		return refuseOver(UnknownSite, "%.16s", id), false
	case s.kind != record.KindStation:
		return refuseOver(WrongKind, "%s %s", s.kind, id), false
	}
	return outcome{}, true
}

// putLayout orders what stands at a station. Every PSAM must have been made, and stands at one port of one station.
func (c *Core) putLayout(now clock.Instant, q PutLayout) outcome {
	if o, ok := c.station(q.Site); !ok {
		return o
	}
	l := q.Layout
	switch {
	case !word(l.Name, false):
		return bad("layout.name", l.Name)
	case len(l.Superior) != 4:
		return bad("layout.superior", l.Superior)
	case len(l.Station) != 4:
		return bad("layout.station", l.Station)
	case len(l.Ports) == 0 || len(l.Ports) > maxPorts:
		return bad("layout.ports", len(l.Ports))
	case l.DayCut < 0 || l.DayCut > clock.MostCut:
		return bad("layout.day_cut_minute", l.DayCut)
	case !word(q.By, true):
		return bad("by", q.By)
	}
	if o, ok := c.portsFit(q.Site, l); !ok {
		return o
	}
	if o, ok := tanksFit(l, func(product string) bool { return c.books.products.at(product).Unit.Gas() }); !ok {
		return o
	}
	l.Ports = slices.Clone(l.Ports)
	for i, p := range l.Ports {
		l.Ports[i].Unit = ""
		if u := c.books.products.at(p.Product).Unit; u != unit.Litre {
			l.Ports[i].Unit = u
		}
	}
	return c.issue(now, q.Site, record.TopicLayout, l, q.By)
}

// Bounds of a layout's tanks.
const (
	maxTanks = 16
	maxTable = 1000        // lines
	mostTank = 100_000_000 // hundredths of a litre
)

// tanksFit checks the tanks of a layout: each once, each nozzle at most at one of them, which holds the nozzle's product. Gas has no
// tank here: litres in the ground and kilograms at the nozzle do not balance.
func tanksFit(l record.Layout, gas func(product string) bool) (outcome, bool) {
	if len(l.Tanks) > maxTanks {
		return bad("layout.tanks", len(l.Tanks)), false
	}
	seen, drawn := map[int]bool{}, map[record.Nozzle]bool{}
	for i, t := range l.Tanks {
		where := fmt.Sprintf("layout.tanks[%d]", i)
		switch {
		case t.Tank < 1 || t.Tank > 99 || seen[t.Tank]:
			return bad(where+".tank", t.Tank), false
		case t.Capacity < 1 || t.Capacity > mostTank:
			return bad(where+".capacity_hundredths", t.Capacity), false
		case gas(t.Product):
			return bad(where+".product", t.Product+" (gas)"), false
		case t.Reorder < 0 || t.Reorder >= t.Capacity:
			return bad(where+".reorder_hundredths", t.Reorder), false
		case t.MostWater < 0 || t.Expansion < 0 || t.Expansion > 5000:
			return bad(where, t.Tank), false
		case len(t.Table) > maxTable || len(t.Table) > 0 && (len(t.Table) < 2 || t.TableStep < 1 || t.Table[0] != 0 || !slices.IsSorted(t.Table)):
			return bad(where+".table_hundredths", len(t.Table)), false
		}
		seen[t.Tank] = true
		for _, n := range t.Nozzles {
			k := slices.IndexFunc(l.Ports, func(p record.PortPlan) bool { return p.Nozzle == n })
			if k < 0 || drawn[n] || l.Ports[k].Product != t.Product {
				return bad(where+".nozzles", n), false
			}
			drawn[n] = true
		}
	}
	return outcome{}, true
}

func (c *Core) portsFit(site record.SiteID, l record.Layout) (outcome, bool) {
	for i, p := range l.Ports {
		plain := p.Protocol == record.ProtocolLF
		switch {
		case p.Port < 1 || p.Port > maxPorts:
			return bad("port", p.Port), false
		case p.Nozzle < 1 || p.NZN == 0:
			return bad("nozzle", p.Nozzle), false
		case p.Protocol != "" && !plain:
			return bad("protocol", p.Protocol), false
		case !c.books.products.has(p.Product):
			return refuseOver(UnknownProduct, "%.16s", p.Product), false
		case !plain && (p.POSP < 1 || p.POSP > fa.MaxPOSP): // the board's address; PCs have those above. Source: dispenser.md 3.1
			return bad("pos_p", p.POSP), false
		case plain && p.TID != ([6]byte{}):
			return bad("psam_tid of a plain dispenser", p.TID), false
		case !plain && !c.books.psams.at(p.TID).made:
			return refuseOver(UnknownPSAM, "%s", p.TID), false
		}
		for _, other := range l.Ports[:i] {
			if other.Port == p.Port && (!plain || other.Protocol != p.Protocol || other.NZN == p.NZN) || other.Nozzle == p.Nozzle ||
				!plain && other.TID == p.TID {
				return bad("port, nozzle or psam_tid twice", p.Port), false
			}
		}
		if at, _ := c.standsAt(p.TID); !plain && at != "" && at != site {
			return refuseOver(PSAMTaken, "%s %s", p.TID, at), false
		}
	}
	return c.tillsFit(site, l)
}

func (c *Core) tillsFit(site record.SiteID, l record.Layout) (outcome, bool) {
	for i, t := range l.Tills {
		twice := slices.ContainsFunc(l.Tills[:i], func(o record.TillPlan) bool { return o.Number == t.Number || o.TID == t.TID }) ||
			slices.ContainsFunc(l.Ports, func(p record.PortPlan) bool { return p.TID == t.TID })
		switch at, _ := c.standsAt(t.TID); {
		case t.Number < 1 || t.Number > maxPorts:
			return bad("till", t.Number), false
		case !c.books.psams.at(t.TID).made:
			return refuseOver(UnknownPSAM, "%s", t.TID), false
		case twice:
			return bad("till or psam_tid twice", t.Number), false
		case at != "" && at != site:
			return refuseOver(PSAMTaken, "%s %s", t.TID, at), false
		}
	}
	return outcome{}, true
}

// standsAt says where a PSAM belongs by the newest layouts.
func (c *Core) standsAt(tid [6]byte) (record.SiteID, int) {
	for _, id := range sorted(&c.books.layouts) {
		list := c.books.layouts.at(id)
		l := list[len(list)-1].layout
		for _, p := range l.Ports {
			if p.TID == tid && p.TID != ([6]byte{}) {
				return id, p.Port
			}
		}
		for _, t := range l.Tills {
			if t.TID == tid {
				return id, record.TillPort + t.Number
			}
		}
	}
	return "", 0
}

// putPrices orders prices by one person alone: only the first prices of a station, which nobody sells before, or in a company
// whose center says that it has one person. Source: adr/0012.
func (c *Core) putPrices(now clock.Instant, q PutPrices) outcome {
	t, o, ok := c.pricesFit(now, q)
	switch {
	case !ok:
		return o
	case !c.cfg.OnePerson && c.books.orders.at(orderKey{q.Site, record.TopicPrices}).version > 0:
		return refuse(PriceTwoPersons)
	}
	return c.issue(now, q.Site, record.TopicPrices, t, q.By)
}

// pricesFit makes the table of an order, or says what is wrong with it. The table holds every product: those that are not
// named keep their price.
func (c *Core) pricesFit(now clock.Instant, q PutPrices) (t record.PriceTable, o outcome, ok bool) {
	if o, ok := c.station(q.Site); !ok {
		return t, o, false
	}
	from, ok := c.effective(now, q.Effective)
	switch {
	case !ok:
		return t, refuseOver(EffectivePast, "%.16s", q.Effective), false
	case len(q.Prices) == 0 || len(q.Prices) > maxProducts:
		return t, bad("prices", len(q.Prices)), false
	case !word(q.By, true):
		return t, bad("by", q.By), false
	}
	for i, p := range q.Prices {
		switch {
		case !c.books.products.has(p.Product):
			return t, refuseOver(UnknownProduct, "%.16s", p.Product), false
		case p.Price <= 0 || p.Price > maxPrice:
			return t, bad("price_fen", p.Price), false
		case slices.ContainsFunc(q.Prices[:i], func(o record.Price) bool { return o.Product == p.Product }):
			return t, bad("prices", p.Product+" twice"), false
		}
	}
	if t, ok = c.priced(now, q, from); !ok {
		return t, refuseOver(PricesPending, "%s", c.books.orders.at(orderKey{q.Site, record.TopicPrices}).prices.Effective), false
	}
	return t, o, true
}

// priced makes the table of an order. A table holds one change to come. One that was ordered before stays for the products
// that are not named: an order for its minute joins it, one that holds at once leaves it; an order for another minute is
// refused unless it names every product that was to change.
func (c *Core) priced(now clock.Instant, q PutPrices, from string) (record.PriceTable, bool) {
	inForce, minute := c.inForce(now, q.Site), minuteText(now.Civil())
	old := c.books.orders.at(orderKey{q.Site, record.TopicPrices}).prices
	var waits []record.Price
	if old.Effective > minute {
		for _, p := range old.Next {
			named := slices.ContainsFunc(q.Prices, func(o record.Price) bool { return o.Product == p.Product })
			if !named && !slices.Contains(old.Now, p) {
				waits = append(waits, p)
			}
		}
	}
	switch {
	case len(waits) == 0 || from == old.Effective:
		next := merge(merge(inForce, waits), q.Prices)
		return record.PriceTable{Effective: from, Now: merge(next, inForce), Next: next}, true
	case from == minute:
		at := merge(inForce, q.Prices)
		return record.PriceTable{Effective: old.Effective, Now: at, Next: merge(at, waits)}, true
	}
	return record.PriceTable{}, false
}

// effective reads the civil minute of an order; empty is the minute that runs.
func (c *Core) effective(now clock.Instant, text string) (string, bool) {
	running := now.Civil()
	if text == "" {
		return minuteText(running), true
	}
	if _, err := minuteInstant(text); err != nil || text < minuteText(running) {
		return "", false
	}
	return text, true
}

// minuteInstant is the first instant of a civil minute YYYYMMDDhhmm.
func minuteInstant(text string) (clock.Instant, error) {
	var s [7]byte
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 6 {
		return 0, fmt.Errorf("%q is not YYYYMMDDhhmm", text)
	}
	copy(s[:], b)
	civil, err := clock.ParseStamp(s)
	if err != nil {
		return 0, err
	}
	return civil.Instant(), nil
}

func minuteText(c clock.Civil) string {
	s := strings.NewReplacer("-", "", " ", "", ":", "").Replace(c.String())
	return s[:12]
}

// inForce is the prices that hold at a station now, by the newest order.
func (c *Core) inForce(now clock.Instant, site record.SiteID) []record.Price {
	o := c.books.orders.at(orderKey{site, record.TopicPrices})
	if o.prices.Effective <= minuteText(now.Civil()) {
		return o.prices.Next
	}
	return o.prices.Now
}

// merge is the first list with the prices of the second, by product code.
func merge(first, second []record.Price) []record.Price {
	all := append([]record.Price{}, first...)
	for _, p := range second {
		i := slices.IndexFunc(all, func(o record.Price) bool { return o.Product == p.Product })
		if i < 0 {
			all = append(all, p)
		} else {
			all[i] = p
		}
	}
	slices.SortFunc(all, func(a, b record.Price) int { return strings.Compare(a.Product, b.Product) })
	return all
}

// issue signs an order with the next version of its topic.
func (c *Core) issue(now clock.Instant, site record.SiteID, topic record.Topic, body any, by string) outcome {
	b, err := json.Marshal(body)
	if err != nil {
		return refuseOver(Internal, "%s", err)
	}
	version := c.books.orders.at(orderKey{site, topic}).version + 1
	line, err := c.cfg.Keys.Sign(record.Directive{
		Site: site, Topic: topic, Version: version, TimeMs: now.Milli(), Realm: c.cfg.Realm, Body: b})
	if err != nil {
		return refuseOver(Internal, "%s", err)
	}
	return reply(Issued{site, topic, version}, record.DirectiveIssued{TimeMs: now.Milli(), Directive: line, By: by})
}

func digits(s string, n int) bool {
	if len(s) != n {
		return false
	}
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
