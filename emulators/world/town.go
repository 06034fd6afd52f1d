// Package world builds a town from a scenario (center, outlet, stations, dispensers, cards, customers' hands), runs it on one
// event heap with one seed (Mem) or over pseudo-terminals with a station process of its own (Pty), records everything in one
// trace, and holds the checkers that know the truth.
package world

import (
	"time"

	"greylock/system/clock"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Town is a running world, in virtual or in real time. Steps, lessons, the demo page and the command line act through it alone.
type Town interface {
	Tills
	Keeper
	Hands() Hands
	Operator() Operator
	Query() Query
	Faults() Faults
	Lies
	Plastic
	TankHands
	PowerHands
	// KeyRoom opens a fresh key room of a scope, in which no ceremony was held yet.
	KeyRoom(scope string) (KeyRoom, error)
	// Making is the company's making room, with the PSAMs that this call of it makes.
	Making() Making
	// FakeTerminal brings a terminal that has none of our keys to a card.
	FakeTerminal(card string) (FakeTerminal, error)
	// Kill ends a site's program at once, as kill -9 does; what was not flushed may be lost.
	Kill(site record.SiteID) error
	// Restart starts a killed site's program again on the same data.
	Restart(site record.SiteID) error
	// Until lets time pass until cond holds; an error names the limit, the time and what was last seen.
	Until(what string, cond func() bool, limit time.Duration) error
	// Pass lets time pass.
	Pass(d time.Duration)
	Now() clock.Instant
	// Settle waits until nothing is under way: boards idle, everything uploaded and posted.
	Settle(limit time.Duration) error
	// Finish settles, runs the end checkers and returns the report; an error is the first violated invariant.
	Finish() (Report, error)
	Close() error
}

// Hands is what people do at a dispenser. Errors say what can not be done now (no such card, slot occupied).
type Hands interface {
	Insert(card string, nozzle record.Nozzle) error
	Pull(nozzle record.Nozzle) error
	// Keys presses keys one after another: digits, 元, 升, 满, 清, 确.
	Keys(nozzle record.Nozzle, keys string) error
	Lift(nozzle record.Nozzle) error
	// Squeeze opens the gun to so many thousandths; 0 closes it.
	Squeeze(nozzle record.Nozzle, permille int) error
	Hang(nozzle record.Nozzle) error
}

// Operator is what staff do at the desks and in the center; each call is one act at the product's own door.
type Operator interface {
	// OpenCard makes (first issue), opens (second issue) and names a card; PIN of 4–6 digits, "" for the default PIN.
	OpenCard(c CardPlan) error
	TopUp(account string, amount unit.Fen) error
	Load(card string, amount unit.Fen) error
	// Unload moves money from the card back to its account.
	Unload(card string, amount unit.Fen) error
	// InsertAtDesk lets the desk settle what is open on a card (a torn load or unload) and read it.
	InsertAtDesk(card string) (CardRead, error)
	UnlockOnline(card string) (unit.Fen, error)
	CardActs
	ListActs
	SetPrices(site record.SiteID, effective clock.Instant, prices map[string]unit.Price) error
	// Command calls an operator path of a site (/op/…) with a JSON body and returns status and JSON answer.
	Command(site record.SiteID, path string, body any) (int, []byte, error)
	// Begin does the same and lets no time pass: the answer is asked for until it is there.
	Begin(site record.SiteID, path string, body any) (Pending, error)
}

// Query reads what the product shows: pages, operator paths, receipts, displays. Never an emulator's inside.
type Query interface {
	Display(nozzle record.Nozzle) Display
	Receipt(nozzle record.Nozzle) []string         // lines of the last receipt, nil if none
	Sales(site record.SiteID) ([]SaleShown, error) // the center's ledger, or a station's own list
	CardAtDesk(card string) (CardRead, error)
	Account(account string) (unit.Fen, error)
	Blocked(card string) (string, error) // block, block-for-ever, block-card or none, by the center's register
	Quarantine() ([]QuarantineShown, error)
	Alarms(site record.SiteID) ([]string, error)
	Audit(site record.SiteID) error // greylock audit verify of the site's journal
	Screens
}

// Faults is the lab's own door: never used by the product.
type Faults interface {
	// TearCard cuts the named card's power at the nth (1…) command with this INS from now on: before it reaches the card, or
	// after the card has obeyed and before its answer is seen; the card then lies outside the slot.
	TearCard(card string, ins byte, nth int, after bool) error
	// TearDesk is the same for the command numbered n (1…) of the desk's next job, whatever it is.
	TearDesk(n int, after bool) error
	// UnplugReader takes the desk's reader off its machine at that command, StopReaders the whole reader service; both are back
	// when the job has ended.
	UnplugReader(n int, after bool) error
	StopReaders(n int, after bool) error
	// Damaged counts the chunks damaged so far.
	Damaged(nozzle record.Nozzle) int
	ShiftFaults
	ListFaults
	StartFaults
	PortFaults
	WordFaults
	ContactorFaults
	// Happened tells how often a fault of this name has taken effect.
	Happened(fault string) int
}

// Pending is an answer on its way; done says that it, or the failure, is there.
type Pending func() (status int, body []byte, err error, done bool)

// CardPlan is one card to be made and issued.
type CardPlan struct {
	Name    string     `yaml:"name"`    // how the scenario calls it
	Account string     `yaml:"account"` // customer's account; opened if it is not there
	Holder  string     `yaml:"holder"`
	PIN     string     `yaml:"pin"`
	Load    string     `yaml:"load"` // yuan topped up in cash and loaded at once
	Kind    string     `yaml:"kind"` // "" ours · foreign: another company's keys · blank · employee, test, service: internal cards
	ValidTo string     `yaml:"valid_to"`
	Limit   *LimitPlan `yaml:"limit"`

	Gas      bool   `yaml:"gas"`      // with a file for a vehicle's vessel
	Vessel   string `yaml:"vessel"`   // its inspection is due on YYYYMMDD; "" none is registered
	Employee int    `yaml:"employee"` // number on an employee card; its PIN is the four digits of file 001B
}

// LimitPlan is the limits of a card; zero is "no limit".
type LimitPlan struct {
	Products    []int `yaml:"products"` // slots of the product table
	PerFillYuan int   `yaml:"per_fill_yuan"`
	PerDay      int   `yaml:"per_day"`
	PerDayYuan  int   `yaml:"per_day_yuan"`
}

// Display is what a dispenser shows.
type Display struct {
	State    string // 空闲 提枪 已授权 加油中 待扣款 灰卡 锁定 离线 故障
	Message  string // the line for the customer, zh
	Amount   unit.Fen
	Quantity unit.Quantity
	Price    unit.Price
	Total    unit.Totalizer
	Card     bool
	Unsent   int
}

// SaleShown is one sale as the product lists it.
type SaleShown struct {
	Sale     string         `json:"sale"`
	TID      string         `json:"psam_tid"`
	TTC      pboc.PSAMTTC   `json:"psam_ttc"`
	ASN      string         `json:"asn"`
	CTC      int            `json:"ctc"`
	TType    int            `json:"t_type"`
	Product  string         `json:"product"`
	Price    unit.Price     `json:"price_fen"`
	Quantity unit.Quantity  `json:"quantity_hundredths"`
	Amount   unit.Fen       `json:"amount_fen"`
	Unit     unit.Unit      `json:"unit"`
	Balance  unit.Fen       `json:"balance_fen"`
	Total    unit.Totalizer `json:"total_hundredths"`
	State    string         `json:"state"`
	TAC      string         `json:"tac"`
	TACOK    bool           `json:"tac_ok"`
	Posted   bool           `json:"posted"`
	Time     string         `json:"time"`
	Settled  string         `json:"settled,omitempty"` // how a receivable was settled: top-up-debit, supplement, proof, online-unlock
	DebitTAC string         `json:"debit_tac"`         // TAC of the debit, wherever it was made; none while owed
}

// CardRead is a card as the desk shows it.
type CardRead struct {
	ASN       string
	Holder    string
	Balance   unit.Fen
	Grey      bool
	State     string           // free, grey, tac-unread, blocked, blocked-for-ever
	Unsettled string           // why a load or unload is still open
	OpenActs  []record.CardAct // begun on the card, their end not known
	Log       []string
}

// QuarantineShown is one record that the center did not post.
type QuarantineShown struct {
	Site   string `json:"site"`
	Seq    uint64 `json:"seq"`
	Sale   string `json:"sale"`
	Reason string `json:"reason"`
}

// Report is what a run has shown.
type Report struct {
	Seed      int64         `json:"seed"`
	Events    uint64        `json:"events"`
	TraceHash string        `json:"trace_hash"` // SHA-256 over every frame, APDU, fact and time
	Checks    []CheckReport `json:"checkers"`
}

// CheckReport is one checker's count.
type CheckReport struct {
	Name        string `json:"name"` // INV-01 …
	Evaluations int    `json:"evaluations"`
	Violation   string `json:"violation,omitempty"`
}
