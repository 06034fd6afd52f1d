// Package center is the company's center: it takes the stations' and outlets' journals, verifies every record, keeps the
// accounts and the ledger, answers the online questions of load and unlock, and orders layouts and prices.
//
// Core is a link.Core. Money moves only in Apply, by facts that are durable; a question about money is answered only after
// its act. One act is under way at a time, so every decision is made on what is on the disk; requests that would write wait
// in a bounded queue meanwhile, requests that only read are answered at once.
// Source: design.md 4, 9; card.md 10, 12.3, 14; trust.md 3.
package center

import (
	"greylock/system/vault"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// Keys are the operations of the center's working vault; *vault.Vault has them. A MAC is what the card or PSAM must have
// made (to compare) or what the center sends. data is a string of card.md 5.3.
type Keys interface {
	LoadMAC(c vault.Card, rand [4]byte, sn pboc.OnlineSN, data []byte) (pboc.MAC, error)
	UnlockMAC(c vault.Card, rand [4]byte, sn pboc.OnlineSN, data []byte) (pboc.MAC, error)
	TAC(c vault.Card, data []byte) (pboc.MAC, error)
	PSAMTAC(psam pboc.ASN, data []byte) (pboc.MAC, error)
	TMAC(data []byte) (pboc.MAC, error)
	Sign(d record.Directive) (record.DirectiveLine, error)
}

// Config is what a center needs to know.
type Config struct {
	Site  record.SiteID // usually record.Center
	Realm record.Realm  // other realms' batches and records are refused
	Name  string
	Keys  Keys
}
