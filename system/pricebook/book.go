// Package pricebook is the rule of prices in one place: which price a product has in a civil minute, and which version of a
// station's price table a sale was made by. It is bookkeeping without I/O; station, center and lab ask it alike.
//
// Source: dispenser.md 3.8; trust.md M14, row 38.
package pricebook

import (
	"slices"
	"strings"
	"time"

	"greylock/system/clock"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Edition is one version of a station's price table.
type Edition struct {
	Version uint64
	Table   record.PriceTable
}

// Book is the editions of one station, oldest first. It is a value: With makes another.
type Book []Edition

// keep bounds the editions that are remembered: records may come as late as a board's log is deep, prices change daily.
const keep = 500

// With is the book with one edition more; a version that does not rise leaves it as it is.
func (b Book) With(version uint64, t record.PriceTable) Book {
	if version <= b.Newest().Version {
		return b
	}
	return append(slices.Clone(b[max(0, len(b)+1-keep):]), Edition{version, t})
}

// Newest is the last edition; version 0 if there is none.
func (b Book) Newest() Edition {
	if len(b) == 0 {
		return Edition{}
	}
	return b[len(b)-1]
}

// Minute is a civil minute as tables name it, YYYYMMDDhhmm.
func Minute(at clock.Instant) string {
	return strings.NewReplacer("-", "", " ", "", ":", "").Replace(at.Civil().String())[:12]
}

// At is the price of a product in a civil minute by one table.
func At(t record.PriceTable, product, minute string) (unit.Price, bool) {
	list := t.Now
	if t.Effective <= minute {
		list = t.Next
	}
	for _, p := range list {
		if p.Product == product {
			return p.Price, true
		}
	}
	return 0, false
}

// freeze is how long before a record's time its price may have been frozen: TIME is that of the lock, and the price was
// chosen when the customer lifted the nozzle.
const freeze = time.Minute

// Sold says by which edition a product was sold at a price: at is the record's time, least the version that the nozzle had
// acknowledged before it. The lowest edition from least on that explains the price is it. Fresh is false where only an older
// one does; version 0: none does. Source: trust.md M14 (price of a table valid at authorisation, version ≥ last acknowledged).
func (b Book) Sold(product string, price unit.Price, at clock.Instant, least uint64) (version uint64, fresh bool) {
	explains := func(e Edition) bool {
		for _, m := range [2]string{Minute(at), Minute(at.Add(-freeze))} {
			if p, ok := At(e.Table, product, m); ok && p == price {
				return true
			}
		}
		return false
	}
	for _, e := range b {
		if e.Version >= least && explains(e) {
			return e.Version, true
		}
	}
	for _, e := range slices.Backward(b) {
		if e.Version < least && explains(e) {
			return e.Version, false
		}
	}
	return 0, false
}

// Ordered is the newest edition that gives a product this price at a moment: that of a sale which the station itself priced.
// 0: none does.
func (b Book) Ordered(product string, price unit.Price, at clock.Instant) uint64 {
	for _, e := range slices.Backward(b) {
		if p, ok := At(e.Table, product, Minute(at)); ok && p == price {
			return e.Version
		}
	}
	return 0
}
