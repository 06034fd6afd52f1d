package center

import (
	"greylock/system/clock"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Paths for operators: pages and `greylock center …`. Bodies are one JSON document each; an empty body is {}.
// A refusal is a record.Refusal with a status of 400 or more.
const (
	PathStatus       = "/op/status"             // {} → Status
	PathSites        = "/op/sites"              // {} → Sites
	PathPutSite      = "/op/site/put"           // PutSite → Done
	PathProducts     = "/op/products"           // {} → Products
	PathPutProduct   = "/op/product/put"        // PutProduct → Done
	PathLayout       = "/op/layout"             // AskSite → LayoutView: the newest order
	PathPutLayout    = "/op/layout/put"         // PutLayout → Issued
	PathPrices       = "/op/prices"             // AskSite → PricesView: the newest order
	PathPutPrices    = "/op/prices/put"         // PutPrices → Issued
	PathLists        = "/op/lists"              // {} → Lists: how long they are, and how far each station is
	PathPutList      = "/op/list/put"           // PutList → ListPut: put cards on a list, take them off
	PathListQuery    = "/op/list/query"         // AskCard → CardLists: why a card is listed, and which stations know
	PathListCards    = "/op/list/cards"         // AskListed → ListedCards, the latest first
	PathVersions     = "/op/versions"           // {} → Versions: what each site was ordered and what it applies
	PathCards        = "/op/cards"              // {} → Cards
	PathCard         = "/op/card"               // AskCard → CardView
	PathPSAMs        = "/op/psams"              // {} → PSAMs
	PathAccounts     = "/op/accounts"           // {} → Accounts
	PathAccount      = "/op/account"            // AskAccount → Statement
	PathSales        = "/op/sales"              // AskSales → Sales, newest first
	PathSale         = "/op/sale"               // AskSale → SaleProof
	PathQuarantine   = "/op/quarantine"         // {} → Quarantine
	PathAlarms       = "/op/alarms"             // AskAlarms → Alarms, newest first
	PathResolve      = "/op/quarantine/resolve" // Resolve → Done
	PathAckAlarm     = "/op/alarm/ack"          // AckAlarm → Done
	PathTrialBalance = "/op/trial-balance"      // {} → TrialBalance
)

// Status is the center in one line.
type Status struct {
	Site       record.SiteID `json:"site"`
	Name       string        `json:"name"`
	Realm      record.Realm  `json:"realm"`
	Sites      int           `json:"sites"`
	Cards      int           `json:"cards"`
	Sales      int           `json:"sales"`
	Quarantine int           `json:"quarantine"`
	Alarms     int           `json:"alarms"`   // cases that nobody has acknowledged
	Balanced   bool          `json:"balanced"` // the ledger sums to 0
}

// PutSite registers or changes a site.
type PutSite struct {
	Site record.SiteID `json:"site"` // four digits
	Kind record.Kind   `json:"kind"`
	Name string        `json:"name"`
	By   string        `json:"by"`
}

// Sites lists the registered sites, by number.
type Sites struct {
	Sites []SiteView `json:"sites"`
}

// SiteView is one site and how far its journal is here.
type SiteView struct {
	Site record.SiteID `json:"site"`
	Kind record.Kind   `json:"kind"`
	Name string        `json:"name"`
	Seq  uint64        `json:"seq"`  // journal records of the site that are durable here
	Head record.Hex    `json:"head"` // chain hash at Seq
}

// PutProduct registers or changes a product.
type PutProduct struct {
	Code string    `json:"code"` // four digits, G-CODE of the wire
	Name string    `json:"name"`
	Unit unit.Unit `json:"unit"`
	By   string    `json:"by"`
}

// Products lists the products, by code.
type Products struct {
	Products []ProductView `json:"products"`
}

// ProductView is one product.
type ProductView struct {
	Code string    `json:"code"`
	Name string    `json:"name"`
	Unit unit.Unit `json:"unit"`
}

// AskSite names a site.
type AskSite struct {
	Site record.SiteID `json:"site"`
}

// PutLayout orders a station's layout.
type PutLayout struct {
	Site   record.SiteID `json:"site"`
	Layout record.Layout `json:"layout"`
	By     string        `json:"by"`
}

// LayoutView is the newest layout ordered for a site; version 0 says that there is none.
type LayoutView struct {
	Site    record.SiteID `json:"site"`
	Version uint64        `json:"version"`
	Applied uint64        `json:"applied"` // version that the site reported
	Layout  record.Layout `json:"layout"`
}

// PutPrices orders prices for a station. Products that are not named keep the price they have, and the change that they wait for.
type PutPrices struct {
	Site      record.SiteID  `json:"site"`
	Effective string         `json:"effective"` // civil minute YYYYMMDDhhmm, not in the past; empty: at once
	Prices    []record.Price `json:"prices"`
	By        string         `json:"by"`
}

// PricesView is the newest price table ordered for a site; version 0 says that there is none.
type PricesView struct {
	Site    record.SiteID     `json:"site"`
	Version uint64            `json:"version"`
	Applied uint64            `json:"applied"`
	Table   record.PriceTable `json:"table"`
}

// Issued is the answer to an order: its version.
type Issued struct {
	Site    record.SiteID `json:"site"`
	Topic   record.Topic  `json:"topic"`
	Version uint64        `json:"version"`
}

// Versions says per site and topic what was ordered and what is applied.
type Versions struct {
	Versions []VersionView `json:"versions"`
	Current  bool          `json:"current"` // every site applies what was ordered
}

// VersionView is one site and topic.
type VersionView struct {
	Site    record.SiteID `json:"site"`
	Topic   record.Topic  `json:"topic"`
	Ordered uint64        `json:"ordered"`
	Applied uint64        `json:"applied"`
}

// AskCard names a card.
type AskCard struct {
	ASN pboc.ASN `json:"asn"`
}

// Cards lists the user cards, by number.
type Cards struct {
	Cards []CardView `json:"cards"`
}

// CardView is one card as the books know it.
type CardView struct {
	ASN       pboc.ASN    `json:"asn"`
	Issuer    pboc.Issuer `json:"issuer"`
	State     string      `json:"state"` // begun, made, issued, scrapped
	Account   string      `json:"account,omitempty"`
	Holder    string      `json:"holder,omitempty"`
	Plate     string      `json:"plate,omitempty"`
	Limits    record.Hex  `json:"limits,omitempty"`  // 66 bytes as in file 001C
	Vessel    record.Hex  `json:"vessel,omitempty"`  // 64 bytes as in file 000D
	Blocked   string      `json:"blocked,omitempty"` // block, block-for-ever, block-card
	ValidFrom string      `json:"valid_from"`        // YYYYMMDD
	ValidTo   string      `json:"valid_to"`
	Shadow    unit.Fen    `json:"shadow_balance_fen"` // loads − unloads − debits that are in the books
	Owed      unit.Fen    `json:"owed_fen"`           // open receivable of a grey card
	Pending   unit.Fen    `json:"pending_load_fen"`   // load under way
	Unloading unit.Fen    `json:"pending_unload_fen"` // unload under way
	CTC       *pboc.CTC   `json:"last_ctc,omitempty"` // highest offline number in the books
	Missing   []Span      `json:"missing_ctc"`        // offline numbers below it that no record accounts for
	Sales     int         `json:"sales"`
}

// PSAMs lists the PSAMs, by TID.
type PSAMs struct {
	PSAMs []PSAMView `json:"psams"`
}

// PSAMView is one PSAM: where it belongs and which of its transaction numbers are not accounted for.
type PSAMView struct {
	TID     pboc.TID      `json:"psam_tid"`
	Number  pboc.ASN      `json:"psam_asn"`
	Site    record.SiteID `json:"site,omitempty"` // by the newest layout
	Port    int           `json:"port,omitempty"`
	High    pboc.PSAMTTC  `json:"high_ttc"`
	Missing []Span        `json:"missing"` // TTCs below High that no record accounts for
}

// Span is the numbers From to To, both included.
type Span struct {
	From uint32 `json:"from"`
	To   uint32 `json:"to"`
}

// AskAccount names an account.
type AskAccount struct {
	Account string `json:"account"`
}

// Accounts lists the customers' accounts, by name.
type Accounts struct {
	Accounts []AccountView `json:"accounts"`
}

// AccountView is one account.
type AccountView struct {
	Account string     `json:"account"`
	Name    string     `json:"name"`
	Balance unit.Fen   `json:"balance_fen"`
	Pending unit.Fen   `json:"pending_fen"` // loads under way, already taken from the balance
	Cards   []pboc.ASN `json:"cards"`
}

// Statement is an account with its movements, oldest first.
type Statement struct {
	AccountView
	Lines []StatementLine `json:"lines"`
}

// StatementLine is one movement of an account.
type StatementLine struct {
	TimeMs  int64     `json:"time_ms"`
	Kind    string    `json:"kind"` // top-up, load, load-voided
	Amount  unit.Fen  `json:"amount_fen"`
	Balance unit.Fen  `json:"balance_fen"` // after it
	ASN     *pboc.ASN `json:"asn,omitempty"`
	Receipt string    `json:"receipt,omitempty"`
}

// AskSales filters the sales; empty fields do not filter.
type AskSales struct {
	Site   record.SiteID `json:"site,omitempty"`
	ASN    *pboc.ASN     `json:"asn,omitempty"`
	Before int           `json:"before,omitempty"` // sales with a smaller No; 0: from the newest
	Limit  int           `json:"limit,omitempty"`  // 1…500; 0: 100
}

// Sales is a page of sales, newest first.
type Sales struct {
	Sales []SaleView `json:"sales"`
	Total int        `json:"total"` // of all sales, not only of the filter
	Next  int        `json:"next"`  // Before of the next page; 0: there is none
}

// SaleView is one sale as the books hold it.
type SaleView struct {
	ID          string           `json:"id"` // PSAM TID-TTC, or site#sequence where the PSAM gave no number
	No          int              `json:"no"` // 1, 2, 3 … in order of posting
	Sale        record.SaleID    `json:"sale"`
	State       string           `json:"state"` // posted, owed, settled, cancelled
	TType       int              `json:"t_type"`
	Mode        string           `json:"mode"` // card, cash, account, bank, other; test: went back into the tank
	Time        string           `json:"time"` // civil, of the lock: YYYY-MM-DD hh:mm:ss
	PostedMs    int64            `json:"posted_ms"`
	Site        record.SiteID    `json:"site"`
	Seq         uint64           `json:"seq"`
	Nozzle      record.Nozzle    `json:"nozzle"`
	ASN         pboc.ASN         `json:"asn"`
	CTC         pboc.CTC         `json:"ctc"`
	Product     string           `json:"product"`
	ProductName string           `json:"product_name"`
	Price       unit.Price       `json:"price_fen"`
	Quantity    unit.Quantity    `json:"quantity_hundredths"`
	Unit        unit.Unit        `json:"unit"`
	Amount      unit.Fen         `json:"amount_fen"`
	Balance     unit.Fen         `json:"balance_fen"` // BAL of the record
	Total       unit.Totalizer   `json:"total_hundredths"`
	Prices      uint64           `json:"price_version,omitempty"` // of the station's prices at authorisation
	TAC         pboc.MAC         `json:"tac"`
	Entries     []record.Entry   `json:"entries"` // of all postings of the sale
	Settled     *SettlementView  `json:"settled,omitempty"`
	Suspect     []record.Finding `json:"suspect,omitempty"` // what the station found doubtful

	BusinessDay clock.BusinessDay `json:"business_day"`          // by the center's own rule
	StationDay  clock.BusinessDay `json:"station_day,omitempty"` // by the station's word
}

// SettlementView says how a receivable was settled.
type SettlementView struct {
	How    string        `json:"how"` // top-up-debit, supplement, proof, online-unlock
	TimeMs int64         `json:"time_ms"`
	Site   record.SiteID `json:"site,omitempty"`
	Seq    uint64        `json:"seq,omitempty"`
	TAC    pboc.MAC      `json:"tac"` // of the debit; MAC3 where it was an online unlock
}

// AskSale names a sale.
type AskSale struct {
	ID string `json:"id"`
}

// SaleProof is a sale with its evidence, each piece decoded and checked again now.
type SaleProof struct {
	SaleView
	Evidence []Evidence `json:"evidence"`
	OK       bool       `json:"ok"` // every check of every piece
}

// Evidence is one record that the sale stands on.
type Evidence struct {
	Site   record.SiteID `json:"site"`
	Seq    uint64        `json:"seq"`
	Raw    record.Hex    `json:"raw"` // 95 bytes of a record, 30 of a lock proof
	Fields []Field       `json:"fields"`
	Checks []Check       `json:"checks"`
}

// Field is one field of a wire record in words.
type Field struct {
	Name  string `json:"name"`
	Zh    string `json:"zh"`
	En    string `json:"en"`
	Value string `json:"value"`
}

// Check is one verification. Names: chain, tmac, realm, psam, tac (or gtac), psam-tac, amount.
type Check struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Zh   string `json:"zh"`
	En   string `json:"en"`
}

// Quarantine lists what was not posted, oldest first.
type Quarantine struct {
	Quarantine []QuarantineView `json:"quarantine"`
}

// QuarantineView is one record that was not posted.
type QuarantineView struct {
	TimeMs int64         `json:"time_ms"`
	Site   record.SiteID `json:"site"`
	Seq    uint64        `json:"seq"`
	Sale   record.SaleID `json:"sale"`
	Reason string        `json:"reason"` // a stable word, see the reasons of this package
	Zh     string        `json:"zh"`
	En     string        `json:"en"`
	Raw    record.Hex    `json:"raw"`
}

// TrialBalance is every account of the ledger with its balance: debit positive, credit negative.
type TrialBalance struct {
	Classes  []BalanceLine `json:"classes"`  // by class: card, customer, sales, …
	Accounts []BalanceLine `json:"accounts"` // each account
	Sum      unit.Fen      `json:"sum_fen"`  // 0
}

// BalanceLine is one account or class.
type BalanceLine struct {
	Account string   `json:"account"`
	Balance unit.Fen `json:"balance_fen"`
}
