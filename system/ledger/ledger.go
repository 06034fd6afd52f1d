// Package ledger says what a record means for the books: the posting table (T_TYPE × state of the sale → fuel, money, TTC)
// as data, and double entry in fen. Everything here is a pure function; the center holds the state.
//
// The entries of every posting sum to 0: positive is debit, negative is credit. The chart is small:
//
//	cash:OUTLET             money taken in at an outlet
//	customer:ACCOUNT        what the company owes a customer's account (credit)
//	transit                 loads that are authorised and not yet proven by the card (credit)
//	card:ASN                what the company owes a card's purse (credit): the shadow balance
//	receivable:ASN          what a grey card owes for fuel that it took
//	tender:SITE:WAY         fuel sold without a card, by way of payment
//	overshoot:SITE          fuel beyond the balance at lock: the station's loss
//	sales:PRODUCT           fuel sold, at the meter's value (credit)
//
// Source: design.md 9.6, 9.7; trust.md row 37, M9, M18.
package ledger

import (
	"strings"

	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Transit is the account of loads under way.
const Transit = "transit"

// Cash is the account of an outlet's till.
func Cash(outlet record.SiteID) string { return "cash:" + string(outlet) }

// Customer is a customer's account.
func Customer(account string) string { return "customer:" + account }

// Card is a card's purse.
func Card(asn pboc.ASN) string { return "card:" + asn.Digits() }

// Receivable is what a grey card owes.
func Receivable(asn pboc.ASN) string { return "receivable:" + asn.Digits() }

// Tender is fuel paid without a card.
func Tender(site record.SiteID, way string) string { return "tender:" + string(site) + ":" + way }

// Overshoot is a station's loss from fuel beyond a card's balance.
func Overshoot(site record.SiteID) string { return "overshoot:" + string(site) }

// Sales is the income of a product.
func Sales(product string) string { return "sales:" + product }

// Class is the part of an account's name before the first colon: what a trial balance groups by.
func Class(account string) string {
	class, _, _ := strings.Cut(account, ":")
	return class
}

// Sale is what a posting needs to know of a dispenser record.
type Sale struct {
	ASN     pboc.ASN
	Site    record.SiteID
	Product string
	Amount  unit.Fen // the debit
	Value   unit.Fen // what the metered fuel is worth; more than Amount where the balance at lock did not reach
	Way     string   // how it was paid without a card
}

// Entries are the lines of one posting under a rule. They sum to 0; a line of 0 is left out.
func (r Rule) Entries(s Sale) []record.Entry {
	switch r.Money {
	case FromCard:
		return entries(
			record.Entry{Account: Card(s.ASN), Amount: s.Amount},
			record.Entry{Account: Overshoot(s.Site), Amount: s.Value - s.Amount},
			record.Entry{Account: Sales(s.Product), Amount: -s.Value})
	case Owe:
		return entries(
			record.Entry{Account: Receivable(s.ASN), Amount: s.Amount},
			record.Entry{Account: Overshoot(s.Site), Amount: s.Value - s.Amount},
			record.Entry{Account: Sales(s.Product), Amount: -s.Value})
	case Settle:
		return Unlocked(s.ASN, s.Amount)
	case ByTender:
		return entries(
			record.Entry{Account: Tender(s.Site, s.Way), Amount: s.Amount},
			record.Entry{Account: Sales(s.Product), Amount: -s.Amount})
	}
	return nil
}

// Unlocked is the settlement of a receivable by the card: a top-up debit, a supplement or an online unlock.
func Unlocked(asn pboc.ASN, amount unit.Fen) []record.Entry {
	return entries(
		record.Entry{Account: Card(asn), Amount: amount},
		record.Entry{Account: Receivable(asn), Amount: -amount})
}

// ToppedUp is cash paid into an account.
func ToppedUp(outlet record.SiteID, account string, amount unit.Fen) []record.Entry {
	return entries(
		record.Entry{Account: Cash(outlet), Amount: amount},
		record.Entry{Account: Customer(account), Amount: -amount})
}

// LoadAuthorised takes the money of a load out of the account; it is under way until the card has proven one or the other.
func LoadAuthorised(account string, amount unit.Fen) []record.Entry {
	return entries(
		record.Entry{Account: Customer(account), Amount: amount},
		record.Entry{Account: Transit, Amount: -amount})
}

// LoadPosted puts the money of a load on the card.
func LoadPosted(asn pboc.ASN, amount unit.Fen) []record.Entry {
	return entries(
		record.Entry{Account: Transit, Amount: amount},
		record.Entry{Account: Card(asn), Amount: -amount})
}

// LoadVoided gives the money of a load back to the account.
func LoadVoided(account string, amount unit.Fen) []record.Entry {
	return entries(
		record.Entry{Account: Transit, Amount: amount},
		record.Entry{Account: Customer(account), Amount: -amount})
}

// UnloadPosted gives the money that a card has proven to have paid back to the account.
func UnloadPosted(asn pboc.ASN, account string, amount unit.Fen) []record.Entry {
	return entries(
		record.Entry{Account: Card(asn), Amount: amount},
		record.Entry{Account: Customer(account), Amount: -amount})
}

// Sum is the sum of entries, 0 for every posting.
func Sum(all []record.Entry) (sum unit.Fen) {
	for _, e := range all {
		sum += e.Amount
	}
	return sum
}

func entries(all ...record.Entry) []record.Entry {
	kept := all[:0]
	for _, e := range all {
		if e.Amount != 0 {
			kept = append(kept, e)
		}
	}
	return kept
}
