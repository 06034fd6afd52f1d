package world

import (
	"encoding/hex"
	"encoding/json"
	"strings"

	"greylock/system/pricebook"
	"greylock/system/wire/fa"
	"greylock/system/wire/record"
)

func asksPrices(data []byte) (yes bool) {
	var d fa.Decoder
	d.Decode(data, func(f fa.Frame) {
		m, err := fa.Parse(f)
		ask, ok := m.(*fa.DownloadAsk)
		yes = err == nil && ok && ask.Content == fa.ContentPrice
	})
	return yes
}

// forged is the center's answer to a site, with other prices if somebody sits in the middle.
func (w *World) forged(id record.SiteID, path string, body []byte) []byte {
	var a record.DirectivesAnswer
	if w.forge != id || path != record.PathDirectives || json.Unmarshal(body, &a) != nil {
		return body
	}
	for i, l := range a.Directives {
		if strings.Contains(l.Line, `"price_fen":`) {
			w.forge = ""
			w.happened("prices forged")
			a.Directives[i].Line = strings.ReplaceAll(l.Line, `"price_fen":`, `"price_fen":1`)
		}
	}
	if b, err := json.Marshal(a); err == nil {
		return b
	}
	return body
}

// priceTruth is what the checkers know of prices: what the center has signed, and what nozzles have said that they have.
type priceTruth struct {
	books map[record.SiteID]pricebook.Book
	acks  map[ackKey][]record.PriceAcknowledged
}

type ackKey struct {
	site record.SiteID
	port int
}

// issued notes a price table that the center has signed, and that two persons wanted it: the first table of a station needs
// one alone. Source: trust.md M14, requirement 44.
func (c *checks) issued(f record.DirectiveIssued) {
	var d record.Directive
	var t record.PriceTable
	if json.Unmarshal([]byte(f.Directive.Line), &d) != nil || d.Topic != record.TopicPrices || json.Unmarshal(d.Body, &t) != nil {
		return
	}
	one, other, both := strings.Cut(f.By, " + ")
	c.hold(inv14, len(c.pricing.books[d.Site]) == 0 || both && one != other, "site %s: version %d of the prices was ordered by %q alone", d.Site, d.Version, f.By)
	c.pricing.books[d.Site] = c.pricing.books[d.Site].With(d.Version, t)
	var from fa.Stamp
	for _, p := range t.Now {
		c.priced(p.Product, from, p.Price)
	}
	if b, err := hex.DecodeString(t.Effective); err == nil {
		copy(from[:], b)
	}
	for _, p := range t.Next {
		c.priced(p.Product, from, p.Price)
	}
}

// soldBy looks at the version that a station has put on a record: its table gave that price at the time of the lock, and it is
// not older than the one that the nozzle had acknowledged. Source: trust.md M14.
func (c *checks) soldBy(site record.SiteID, f record.DispenserRecord, r fa.Record) {
	at, err := r.Time.Civil()
	if !fuels(r) || err != nil {
		return
	}
	least := uint64(0)
	for _, a := range c.pricing.acks[ackKey{site, f.Port}] {
		if a.TimeMs <= at.Instant().Milli() {
			least = a.Version
		}
	}
	v, fresh := c.pricing.books[site].Sold(r.Product.String(), r.Price, at.Instant(), least)
	c.hold(inv14, v != 0 && fresh && v == f.PriceVersion, "site %s nozzle %d: %v of product %v at %v is of version %d of the prices, the station says %d, acknowledged was %d",
		site, f.Nozzle, r.Price, r.Product, r.Time, v, f.PriceVersion, least)
}
