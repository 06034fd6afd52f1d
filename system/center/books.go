package center

import (
	"greylock/system/clock"
	"greylock/system/ledger"
	"greylock/system/pricebook"
	"greylock/system/wire/fa"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// books is everything that the center knows. It changes only in apply (apply.go): by facts of the own journal, or on a fork.
type books struct {
	sites    table[record.SiteID, site]
	products table[string, ProductView]
	orders   table[orderKey, order]
	layouts  table[record.SiteID, []layout]       // every layout ordered, newest last
	editions table[record.SiteID, pricebook.Book] // the price tables ordered

	priceAcks  table[portKey, priceAck] // what each nozzle works by, by its station's word
	proposals  table[uint64, proposal]  // changes of prices, by number
	nProposals uint64

	cards     table[pboc.ASN, card]
	psams     table[pboc.TID, psam]
	accounts  table[string, account]
	receipts  table[string, record.AccountToppedUp]
	transfers table[onlineKey, transfer]
	permits   table[pboc.ASN, permit]
	unlocks   table[onlineKey, unlock]

	sales  table[string, sale]
	locks  table[lockKey, string]   // sale id by card and CTC
	forced table[string, bool]      // sale ids whose lock was undone by force
	taken  table[recordKey, string] // raw bytes of the records in the books
	meters table[nozzleKey, chain]

	kept       table[place, record.Fact]       // carried facts that may be needed later: quarantined or parked
	parked     table[lockKey, []place]         // settlements that wait for the record of their lock
	quarantine table[int, quarantined]         // from 1
	held       table[place, int]               // number in quarantine
	zs         table[shiftKey, uint64]         // last record of a station's closed shift
	days       table[dayKey, record.DayReport] // days that stations have closed, by their own word
	tillFuel   table[record.SaleID, tillFuel]  // fuel of card sales at plain dispensers, by their stations' word
	tillDays   table[dayKey, []record.SaleID]  // the same by the station's day
	stands     table[orderKey, uint64]         // how far a site is with a list, by its own word: the directive's version
	ledger     table[string, unit.Fen]

	nSales, nQuarantine, nResolved int

	lists map[record.Topic]*listBook // only the center itself changes them, so that a fork reads the same

	entries entries // of the fact applied last, for the registers

	batch carried // the batch applied last, decoded: what SalePosted and SaleQuarantined of the same act point at
}

// place is a record of another site's journal.
type place struct {
	Site record.SiteID
	Seq  uint64
}

type (
	orderKey struct {
		site  record.SiteID
		topic record.Topic
	}
	onlineKey struct {
		asn pboc.ASN
		sn  pboc.OnlineSN
	}
	lockKey struct {
		asn pboc.ASN
		ctc pboc.CTC
	}
	shiftKey struct {
		site   record.SiteID
		number uint64
	}
	dayKey struct {
		site record.SiteID
		day  clock.BusinessDay
	}
	nozzleKey struct {
		site   record.SiteID
		nozzle record.Nozzle
	}
	// recordKey is the key of a 32H record. Source: dispenser.md 4.4.
	recordKey struct {
		site record.SiteID
		port int
		nzn  fa.NZN
		ttc  fa.POSTTC
		time fa.Stamp
	}
)

type site struct {
	kind record.Kind
	name string
}

// order is the newest directive of a topic.
type order struct {
	line    record.DirectiveLine
	version uint64
	applied uint64 // by the site's own word
	prices  record.PriceTable
}

// layout is one version of a site's layout.
type layout struct {
	version uint64
	layout  record.Layout
	until   int64 // UTC ms when the site began to work by a newer one; 0: it has not
}

type card struct {
	state              string // begun, made, issued, scrapped
	issuer             pboc.Issuer
	account            string
	holder, plate      string
	limits             record.Hex
	vessel             record.Hex
	blocked            record.CardAct // block, block-for-ever or block-card; empty: none
	validFrom, validTo string
	owed               unit.Fen
	open               *pboc.OnlineSN // of the load or unload that is under way
	next               pboc.OnlineSN  // the online number after the last one that the card proved
	sales              int
	ctcs               chain    // offline numbers in the books
	cancelled          []string // sale ids of its burned TTCs
}

type psam struct {
	number pboc.ASN
	made   bool
	ttcs   chain
}

type account struct {
	name    string
	balance unit.Fen
	pending unit.Fen
	cards   []pboc.ASN
	lines   int
}

// phase of a load, an unload or an unlock.
type phase int

const (
	open phase = iota // permitted, the card has not proven how it ended
	done
	voided
)

// attempt is one INIT of the card for which MAC2 was given. The money is the same for all attempts of one online number.
type attempt struct {
	tid     pboc.TID
	before  unit.Fen
	rand    [4]byte
	version byte
	alg     byte
	outlet  record.SiteID
}

// transfer is a load or an unload.
type transfer struct {
	way      direction
	phase    phase
	account  string
	amount   unit.Fen
	time     [7]byte // chosen once: every attempt of this online number carries it
	attempts []attempt
	code     pboc.MAC // TAC of a load, MAC3 of an unload
}

type unlock struct {
	phase    phase
	forced   *record.Forced // without evidence
	sale     string
	of       record.SaleID
	ctc      pboc.CTC // of the lock
	amount   unit.Fen
	time     [7]byte
	attempts []attempt
	mac3     pboc.MAC
}

// sale is a sale in the books, with what it stands on.
type sale struct {
	no       int
	state    ledger.State
	posted   record.SalePosted // of the record that made the sale
	rec      fa.Record
	nozzle   record.Nozzle
	port     int
	prices   uint64 // version at authorisation
	evidence []piece
	settled  *SettlementView
	suspect  []record.Finding // by the station
	tac      pboc.MAC         // of the debit that settled it
	entries  []record.Entry

	day, stationDay clock.BusinessDay // by the center's rule, by the station's word
}

// piece is a record or a proof that a sale stands on.
type piece struct {
	place
	raw record.Hex // 95 bytes, or 30 of a lock proof
}

type quarantined struct {
	fact     record.SaleQuarantined
	raw      record.Hex
	resolved bool
}

// carried is a batch with its decoded lines; a line of an unknown type is nil.
type carried struct {
	site  record.SiteID
	first uint64
	facts []record.Fact
}

// find returns a carried fact: of the batch that was applied last, or one that was kept.
func (b *books) find(p place) (record.Fact, bool) {
	if c := b.batch; c.site == p.Site && p.Seq >= c.first && p.Seq-c.first < uint64(len(c.facts)) {
		f := c.facts[p.Seq-c.first]
		return f, f != nil
	}
	return b.kept.get(p)
}

// fork returns books that read through to these and change nothing in them.
func (b *books) fork() *books {
	return &books{
		sites: b.sites.fork(), products: b.products.fork(), orders: b.orders.fork(), layouts: b.layouts.fork(),
		editions: b.editions.fork(), cards: b.cards.fork(), psams: b.psams.fork(), accounts: b.accounts.fork(),
		receipts: b.receipts.fork(), transfers: b.transfers.fork(), permits: b.permits.fork(), unlocks: b.unlocks.fork(),
		sales: b.sales.fork(), zs: b.zs.fork(), days: b.days.fork(), tillFuel: b.tillFuel.fork(), tillDays: b.tillDays.fork(), locks: b.locks.fork(), forced: b.forced.fork(), taken: b.taken.fork(), meters: b.meters.fork(),
		kept: b.kept.fork(), parked: b.parked.fork(), quarantine: b.quarantine.fork(), held: b.held.fork(), stands: b.stands.fork(),
		lists: b.lists, ledger: b.ledger.fork(), proposals: b.proposals.fork(), priceAcks: b.priceAcks.fork(), nProposals: b.nProposals,
		nSales: b.nSales, nQuarantine: b.nQuarantine, nResolved: b.nResolved, batch: b.batch,
	}
}

// shadow is what the card has by the books: its account in the ledger, turned round.
func (b *books) shadow(asn pboc.ASN) unit.Fen { return -b.ledger.at(ledger.Card(asn)) }

// saleOf finds the sale of a settlement: by its number, or by card and CTC where the number is missing.
func (b *books) saleOf(r fa.Record) (string, sale, bool) {
	id := b.locks.at(lockKey{r.ASN, r.CTC})
	if r.TTC != 0 {
		id = record.SaleID{TID: r.TID, TTC: r.TTC}.String()
	}
	s, ok := b.sales.get(id)
	return id, s, ok
}

// stamp joins date and time of a fact; the zero value where they are no BCD of the right length.
func stamp(date, time record.Hex) (s [7]byte) {
	if len(date) == 4 && len(time) == 3 {
		copy(s[:4], date)
		copy(s[4:], time)
	}
	return s
}
