package world

import (
	"encoding/json"
	"math/rand/v2"
	"time"

	"greylock/emulators/cardos"
	"greylock/emulators/dispenser"
	"greylock/system/center"
	"greylock/system/clock"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// This file is for whoever watches a town live: the demo page paces it against the wall clock and shows what is there.

// Inbox is the work that pseudo-terminals and programs hand in; the goroutine inside the town carries it out.
func (w *World) Inbox() <-chan func() { return w.inbox }

// Due is the time of the next event, clock.Never if there is none.
func (w *World) Due() clock.Instant { return w.next() }

// Play carries out what is due until reach; enough, asked after each event, ends it early. It reports whether reach was
// reached: then the town's time stands there. Time never runs backwards.
func (w *World) Play(reach clock.Instant, enough func() bool) bool {
	for w.next() <= reach {
		w.step()
		if enough() {
			return w.next() > reach
		}
	}
	w.now = max(w.now, reach)
	return true
}

// After does f when so much of the town's time has passed.
func (w *World) After(d time.Duration, f func()) { w.at(w.now.Add(d), f) }

// Random is a source of randomness of this name; drawing from it changes nothing elsewhere.
func (w *World) Random(name string) *rand.Rand { return w.stream("live " + name) }

// Tap shows every further line of the trace as it is written.
func (w *World) Tap(f func(Line)) { w.trace.tap = f }

// Seed is the seed that this town runs on.
func (w *World) Seed() int64 { return w.seed }

// PumpShown is one dispenser as a page shows it.
type PumpShown struct {
	Nozzle  record.Nozzle
	Site    record.SiteID
	Port    int
	Where   string // as in Line.Where
	Product string // its name, else its code
	Power   bool
	Card    string // name of the card in the slot
	View    dispenser.View
}

// Pumps are all dispensers in the order of the scenario.
func (w *World) Pumps() []PumpShown {
	list := make([]PumpShown, 0, len(w.pumpList))
	for _, p := range w.pumpList {
		s := PumpShown{
			Nozzle: p.nozzle, Site: p.site, Port: p.port, Where: p.where, Power: p.board != nil, View: p.view(),
		}
		if p.in != nil {
			s.Card = p.in.name
		}
		s.Product = s.View.Product
		for _, x := range w.scenario.Products {
			if x.Code == s.View.Product {
				s.Product = x.Name
			}
		}
		list = append(list, s)
	}
	return list
}

// CardShown is one card of the wallet: what is printed on it, and what its memory holds.
type CardShown struct {
	Plan    CardPlan
	ASN     pboc.ASN
	Made    bool
	Balance unit.Fen
	Grey    bool
	CTC     pboc.CTC
	Tries   int
	In      record.Nozzle // 0: in the wallet
}

// Cards are all cards in the order in which they were made. The memory is read past the cards' commands.
func (w *World) Cards() []CardShown {
	list := make([]CardShown, 0, len(w.cardList))
	for _, p := range w.cardList {
		s := CardShown{Plan: CardPlan{Name: p.name, Account: p.account, PIN: p.pin}, ASN: p.asn, In: p.in}
		for _, c := range w.scenario.Cards {
			if c.Name == p.name {
				s.Plan = c
			}
		}
		var o cardos.Oracle
		var err error
		if o, err = p.card.Oracle(); err == nil {
			s.Made, s.Balance, s.CTC, s.Tries = o.Made, o.Balance, o.CTC, o.Tries
			s.Grey = o.Grey == fuelcard.Grey
		}
		list = append(list, s)
	}
	return list
}

// LedgerShown is one sale in the center's books.
type LedgerShown struct {
	No       int
	Sale     string
	State    string // posted, owed, settled, cancelled
	Time     string
	Site     record.SiteID
	Nozzle   record.Nozzle
	Product  string
	Quantity unit.Quantity
	Unit     unit.Unit
	Amount   unit.Fen
	TAC      pboc.MAC
	Entries  []record.Entry // sum to 0
}

// Ledger are the center's newest sales, newest first, and the number of all; nothing while its program is not running.
func (w *World) Ledger(limit int) (list []LedgerShown, total int) {
	if w.center.run == nil {
		return nil, 0
	}
	ask, err := json.Marshal(center.AskSales{Limit: limit})
	if err != nil {
		return nil, 0
	}
	w.center.serve(center.PathSales, ask, func(_ int, body []byte) {
		var all center.Sales
		if json.Unmarshal(body, &all) != nil {
			return
		}
		total = all.Total
		for _, s := range all.Sales {
			name := s.ProductName
			if name == "" {
				name = s.Product
			}
			list = append(list, LedgerShown{
				No: s.No, Sale: s.ID, State: s.State, Time: s.Time, Site: s.Site, Nozzle: s.Nozzle, Product: name,
				Quantity: s.Quantity, Unit: s.Unit, Amount: s.Amount, TAC: s.TAC, Entries: s.Entries,
			})
		}
	})
	return list, total
}

// TACOK says whether the center has found a sale's TAC to be right, by its own list of checks.
func (w *World) TACOK(sale string) (ok bool) {
	ask, err := json.Marshal(center.AskSale{ID: sale})
	if err != nil || w.center.run == nil {
		return false
	}
	w.center.serve(center.PathSale, ask, func(_ int, body []byte) {
		var proof center.SaleProof
		ok = json.Unmarshal(body, &proof) == nil && tacOK(proof)
	})
	return ok
}

// Verify runs the checkers of quiet moments if this is one, and reports whether it is.
func (w *World) Verify() bool {
	quiet := w.settled()
	if quiet {
		w.checks.quiescent(w)
	}
	return quiet
}
