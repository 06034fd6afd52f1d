// Package center is the company's center: it takes the stations' and outlets' journals, verifies every record, keeps the
// accounts and the ledger, answers the online questions of load and unlock, and orders layouts and prices.
//
// Core is a link.Core. Money moves only in Apply, by facts that are durable; a question about money is answered only after
// its act. One act is under way at a time, so every decision is made on what is on the disk; requests that would write wait
// in a bounded queue meanwhile, requests that only read are answered at once.
// Source: design.md 4, 9; card.md 10, 12.3, 14; trust.md 3.
package center

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"greylock/system/clock"
	"greylock/system/exchange"
	"greylock/system/link"
	"greylock/system/vault"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// Keys are the operations of the center's working vault; *vault.Vault has them. A MAC is what the card or PSAM must have
// made (to compare) or what the center sends. data is a string of card.md 5.3.
type Keys interface {
	LoadMAC(c vault.Card, rand [4]byte, sn pboc.OnlineSN, data []byte) (pboc.MAC, error)
	UnloadMAC(c vault.Card, rand [4]byte, sn pboc.OnlineSN, data []byte) (pboc.MAC, error)
	UnlockMAC(c vault.Card, rand [4]byte, sn pboc.OnlineSN, data []byte) (pboc.MAC, error)
	TAC(c vault.Card, data []byte) (pboc.MAC, error)
	PSAMTAC(psam pboc.ASN, data []byte) (pboc.MAC, error)
	TMAC(data []byte) (pboc.MAC, error)
	SecureMAC(name vault.Name, c vault.Card, rand, data []byte) (pboc.MAC, error)
	Encipher(name vault.Name, c vault.Card, data []byte) ([]byte, error)
	ReloadMAC(c vault.Card, pin []byte) (pboc.MAC, error)
	OpenPIN(c vault.Card, sealed []byte) ([]byte, error)
	Sign(d record.Directive) (record.DirectiveLine, error)
}

// Config is what a center needs to know.
type Config struct {
	Site    record.SiteID // usually record.Center
	Realm   record.Realm  // batches and records of another realm are refused
	Name    string
	Keys    Keys
	Profile fuelcard.Profile // algorithm and GTAC string of the cards

	OnePerson bool // the company has one person: prices need no second one
}

const (
	maxQueue    = 256     // requests that wait for the act under way; more are told to ask again
	maxBody     = 4 << 20 // a batch of 1 MiB of lines doubles at most by JSON and hexadecimal
	maxQuestion = 64 << 10
)

// Core is the center. The zero value is not ready: use New.
type Core struct {
	cfg    Config
	books  *books
	shown  registers
	out    link.Outbox
	act    link.ActID // under way; 0: none
	queue  []request
	intake *exchange.Intake
}

type request struct {
	id   uint64
	path *path
	body []byte
}

var _ link.Core = (*Core)(nil)

// New returns a center with empty books; replay fills them.
func New(cfg Config) *Core {
	b := &books{lists: newListBooks()}
	return &Core{cfg: cfg, books: b, shown: newRegisters(b), intake: exchange.NewIntake()}
}

// Apply takes a fact of the own journal into the books and registers.
func (c *Core) Apply(seq uint64, f record.Fact) {
	if b, ok := f.(record.BatchTaken); ok {
		c.intake.Apply(b)
	}
	c.books.apply(c.cfg.Site, f)
	c.shown.take(seq, f)
}

// Start does nothing: the center waits to be asked.
func (c *Core) Start(clock.Instant) {}

// Receive does nothing: the center has no byte lines.
func (c *Core) Receive(clock.Instant, int, []byte) {}

// Line does nothing.
func (c *Core) Line(clock.Instant, int, bool) {}

// Answered does nothing: the center asks nobody.
func (c *Core) Answered(clock.Instant, uint64, int, []byte, error) {}

// Wake does nothing: nothing waits on time.
func (c *Core) Wake(clock.Instant) {}

// Take hands over what is to be done.
func (c *Core) Take() link.Effects { return c.out.Take() }

// Durable ends the act under way and takes up what waited for it.
func (c *Core) Durable(now clock.Instant, id link.ActID) {
	if id != c.act {
		return
	}
	c.act = 0
	for c.act == 0 && len(c.queue) > 0 {
		r := c.queue[0]
		c.queue = c.queue[1:]
		c.run(now, r)
	}
}

// Serve answers a request: at once if it only reads, in order behind the act under way if it may write.
func (c *Core) Serve(now clock.Instant, id uint64, name string, body []byte) {
	p := find(name)
	switch {
	case p == nil:
		c.reply(id, refuseOver(UnknownPath, "%.80q", name), 0)
	case len(body) > p.limit:
		c.reply(id, refuseOver(TooLarge, "%d > %d", len(body), p.limit), 0)
	case !p.writes || c.act == 0:
		c.run(now, request{id, p, body})
	case len(c.queue) >= maxQueue:
		c.reply(id, refuse(Busy), 0)
	default:
		c.queue = append(c.queue, request{id, p, bytes.Clone(body)})
	}
}

func (c *Core) run(now clock.Instant, r request) {
	o := r.path.run(c, now, r.body)
	if len(o.facts) > 0 {
		c.act = c.out.Append(o.facts...)
		c.reply(r.id, o, c.act)
		return
	}
	c.reply(r.id, o, 0)
}

func (c *Core) reply(id uint64, o outcome, after link.ActID) {
	c.out.Reply(id, o.status, o.body(), after)
}

// path is one row of the table of paths.
type path struct {
	name   string
	writes bool
	limit  int // bytes of a body
	run    func(c *Core, now clock.Instant, body []byte) outcome
}

// paths are all questions that the center answers: of other sites first, then of operators and pages.
var paths = []path{
	{record.PathBatch, true, maxBody, ask((*Core).takeBatch)},
	{record.PathDirectives, false, maxQuestion, ask((*Core).giveDirectives)},
	{record.PathAskLoad, true, maxQuestion, ask((*Core).askLoad)},
	{record.PathAskLoadEnd, true, maxQuestion, ask((*Core).loadEnd)},
	{record.PathAskUnload, true, maxQuestion, ask((*Core).askUnload)},
	{record.PathAskUnldEnd, true, maxQuestion, ask((*Core).unloadEnd)},
	{record.PathAskUnlock, true, maxQuestion, ask((*Core).askUnlock)},
	{record.PathAskUnlEnd, true, maxQuestion, ask((*Core).unlockEnd)},
	{record.PathAskCard, false, maxQuestion, ask((*Core).askCard)},
	{record.PathAskAct, true, maxQuestion, ask((*Core).askAct)},
	{record.PathAskWhy, false, maxQuestion, ask((*Core).askWhy)},
	{record.PathAskGrey, false, maxQuestion, ask((*Core).askGrey)},
	{record.PathAskOpen, true, maxQuestion, ask((*Core).askOpen)},
	{record.PathAskTopUp, true, maxQuestion, ask((*Core).askTopUp)},

	{PathPutSite, true, maxQuestion, ask((*Core).putSite)},
	{PathPutProduct, true, maxQuestion, ask((*Core).putProduct)},
	{PathPutLayout, true, maxQuestion, ask((*Core).putLayout)},
	{PathPutPrices, true, maxQuestion, ask((*Core).putPrices)},
	{PathPutList, true, maxQuestion, ask((*Core).putList)},
	{PathProposePrices, true, maxQuestion, ask((*Core).proposePrices)},
	{PathApprovePrices, true, maxQuestion, ask((*Core).approvePrices)},
	{PathRejectPrices, true, maxQuestion, ask((*Core).rejectPrices)},
	{PathPriceStatus, false, maxQuestion, ask((*Core).priceStatus)},
	{PathPriceProposals, false, maxQuestion, ask((*Core).listProposals)},

	{PathStatus, false, maxQuestion, ask((*Core).status)},
	{PathSites, false, maxQuestion, ask((*Core).listSites)},
	{PathProducts, false, maxQuestion, ask((*Core).listProducts)},
	{PathLayout, false, maxQuestion, ask((*Core).showLayout)},
	{PathPrices, false, maxQuestion, ask((*Core).showPrices)},
	{PathLists, false, maxQuestion, ask((*Core).showLists)},
	{PathListQuery, false, maxQuestion, ask((*Core).askList)},
	{PathListCards, false, maxQuestion, ask((*Core).listedCards)},
	{PathVersions, false, maxQuestion, ask((*Core).listVersions)},
	{PathCards, false, maxQuestion, ask((*Core).listCards)},
	{PathCard, false, maxQuestion, ask((*Core).showCard)},
	{PathPSAMs, false, maxQuestion, ask((*Core).listPSAMs)},
	{PathAccounts, false, maxQuestion, ask((*Core).listAccounts)},
	{PathAccount, false, maxQuestion, ask((*Core).showAccount)},
	{PathSales, false, maxQuestion, ask((*Core).listSales)},
	{PathSale, false, maxQuestion, ask((*Core).showSale)},
	{PathQuarantine, false, maxQuestion, ask((*Core).listQuarantine)},
	{PathAlarms, false, maxQuestion, ask((*Core).listAlarms)},
	{PathResolve, true, maxQuestion, ask((*Core).resolveRecord)},
	{PathAckAlarm, true, maxQuestion, ask((*Core).ackAlarm)},
	{PathDay, false, maxQuestion, ask((*Core).showDay)},
	{PathTrialBalance, false, maxQuestion, ask((*Core).trialBalance)},
}

func find(name string) *path {
	for i := range paths {
		if paths[i].name == name {
			return &paths[i]
		}
	}
	return nil
}

// nothing is the question of a path that takes none.
type nothing struct{}

// ask reads a question strictly and hands it to its handler. An empty body is {}.
func ask[Q any](handle func(*Core, clock.Instant, Q) outcome) func(*Core, clock.Instant, []byte) outcome {
	return func(c *Core, now clock.Instant, body []byte) outcome {
		var q Q
		if err := strict(body, &q); err != nil {
			return refuseOver(BadBody, "%.200s", err)
		}
		return handle(c, now, q)
	}
}

func strict(body []byte, into any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		body = []byte("{}")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one document")
	}
	return nil
}
