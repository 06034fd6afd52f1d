package world

import (
	"encoding/hex"
	"fmt"

	"greylock/emulators/cardos"
	"greylock/emulators/dispenser"
	"greylock/system/pricebook"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fa"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// invariant numbers one checker. Source: trust.md 3 (M1 … M20).
type invariant int

const (
	inv01    invariant = iota // conservation: after every card command
	inv02                     // once: at every debit
	inv03                     // exact: at every debit and record
	inv04                     // no free fuel: quiescent
	inv05                     // no charge without fuel, pump stopped before the debit: at every debit
	inv06                     // TTC set gapless: end
	inv08                     // totalizer: at every record, quiescent
	inv09                     // ledger: at every posting, end
	inv11                     // shift: at every report of a shift or a day, end
	inv13                     // tanks: at every dip, end
	inv14                     // price: at every record
	inv15                     // lists: at every step of a list, at every authorised sale of a board or a till
	inv16                     // audit: end
	inv18                     // account: at every end of a load or unload, end
	inv20                     // determinism: two runs
	invPower                  // no sale begins without mains, a program that ends by itself is done: at every authorised sale, every end (T11; the same)
	invStop                   // nothing flows under an emergency stop: at every release, end (T12; trust.md has no number for it)
	invariants
)

var invariantNames = [invariants]string{
	"INV-01", "INV-02", "INV-03", "INV-04", "INV-05", "INV-06", "INV-08", "INV-09", "INV-11", "INV-13", "INV-14", "INV-15", "INV-16", "INV-18", "INV-20", "INV-POWER", "INV-STOP",
}

// checks holds the checkers: each counts its evaluations, the first violation of each is kept.
type checks struct {
	truth       truth
	accounts    accountTruth
	lists       listTruth
	counts      [invariants]int
	broken      [invariants]string
	first       error
	posted      map[record.SaleID]map[string]int // by kind: fuel, settlement, cancelled
	taken       map[record.SaleID]bool           // numbers that a record at the center accounts for
	prices      map[string][]pricedAt
	pricing     priceTruth
	raws        map[evidence]fa.Record
	quarantined map[record.SaleID]bool
	inDoubt     map[record.SaleID]bool // a station has refused the board's own record of it
	shifts      map[record.SiteID]*shiftTruth
	stops       stopTruth
	power       powerTruth
	plain       map[string]bool // deliveries of plain dispensers that a station has written
	tills       map[tillKey]*tillTruth
}

// pricedAt is a price that the center has ordered for a product, from a civil minute on.
type pricedAt struct {
	from  fa.Stamp
	price unit.Price
}

func newChecks() *checks {
	return &checks{
		truth: newTruth(), accounts: newAccountTruth(), lists: newListTruth(), posted: map[record.SaleID]map[string]int{}, taken: map[record.SaleID]bool{},
		pricing: priceTruth{map[record.SiteID]pricebook.Book{}, map[ackKey][]record.PriceAcknowledged{}},
		prices:  map[string][]pricedAt{}, raws: map[evidence]fa.Record{}, quarantined: map[record.SaleID]bool{}, inDoubt: map[record.SaleID]bool{}, plain: map[string]bool{},
		shifts: map[record.SiteID]*shiftTruth{}, stops: newStopTruth(), power: powerTruth{map[record.SiteID]string{}}, tills: map[tillKey]*tillTruth{},
	}
}

// fail notes a violation; the first one is the run's.
func (c *checks) fail(i invariant, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if c.broken[i] == "" {
		c.broken[i] = text
	}
	if c.first == nil {
		c.first = fmt.Errorf("%s 被违反 (violated): %s", invariantNames[i], text)
	}
}

// hold counts an evaluation and notes a violation.
func (c *checks) hold(i invariant, ok bool, format string, args ...any) {
	c.counts[i]++
	if !ok {
		c.fail(i, format, args...)
	}
}

func (c *checks) report() (list []CheckReport) {
	for i := range invariants {
		list = append(list, CheckReport{invariantNames[i], c.counts[i], c.broken[i]})
	}
	return list
}

// card looks at every command that reached a card: what it changed must be what the command says.
func (c *checks) card(w *World, p *plastic, before cardos.Oracle, command, answer []byte) {
	after := w.look(p)
	if !after.Made {
		return
	}
	t := c.truth.card(after.ASN, p, before.Balance)
	delta := after.Balance - before.Balance
	var ins, p1 byte
	if len(command) > 2 {
		ins, p1 = command[1], command[2]
	}
	switch {
	case ins == 0x52 && delta != 0:
		want := w.pendingLoad(p)
		c.hold(inv01, delta == want, "card %s: load changed the balance by %v, asked were %v", p.name, delta, want)
		c.truth.loads += delta
		c.truth.moves[purseMove{after.ASN, before.OnlineSN}] = delta
	case ins == 0x54 && p1 == 3 && delta != 0:
		want := w.pendingUnload(p)
		c.hold(inv01, -delta == want, "card %s: unload changed the balance by %v, asked were %v", p.name, delta, want)
		c.truth.unloads -= delta
		c.truth.moves[purseMove{after.ASN, before.OnlineSN}] = delta
	case ins == 0x7C && before.Grey == fuelcard.NotGrey && after.Grey == fuelcard.Grey:
		c.hold(inv01, delta == 0, "card %s: a grey lock moved %v", p.name, delta)
		c.truth.locked(w, p, after, command)
	case ins == 0x7E && before.Grey == fuelcard.Grey && after.Grey != fuelcard.Grey:
		c.debit(w, p, t, -delta, after, command)
	default:
		c.hold(inv01, delta == 0, "card %s: command %X moved %v", p.name, ins, delta)
	}
	t.balance += delta
	c.hold(inv01, t.balance == after.Balance, "card %s: holds %v, its own commits make %v", p.name, after.Balance, t.balance)
	w.lastCommand[p] = append([]byte(nil), command...)
}

// debit looks at a committed debit-unlock or online unlock.
func (c *checks) debit(w *World, p *plastic, t *cardTruth, amount unit.Fen, after cardos.Oracle, command []byte) {
	s := t.open
	t.open = nil
	c.truth.debts += amount
	c.hold(inv02, s != nil, "card %s: debited %v without a lock that the world saw", p.name, amount)
	if s == nil {
		return
	}
	s.debits++
	s.debited, s.by = amount, after.Proof.Code
	c.hold(inv02, s.debits == 1, "sale %v: debited %d times", s.id, s.debits)
	c.hold(inv02, s.asn == after.ASN, "sale %v: debited on another card than was locked", s.id)
	if x, err := unlockOf(command); err == nil {
		c.hold(inv01, x.Amount == amount, "card %s: debit of %v moved %v", p.name, x.Amount, amount)
		c.hold(inv02, x.TID == s.id.TID && x.TTC == w.profile.UnlockTTC(s.id.TTC), "card %s: debit names %v-%d, the lock is %v", p.name, x.TID, x.TTC, s.id)
	}
	c.hold(inv03, s.exact(amount) || amount == 0 && s.forced, "sale %v: debit %v, but %v at %v make %v (balance at lock %v)", s.id, amount, s.volume(), s.price, s.owed(), s.atLock)
	c.hold(inv05, amount == 0 || s.volume() > 0, "sale %v: %v debited without fuel", s.id, amount)
	if d := w.pumps[p.in]; d != nil && d.board != nil && d == s.pump && !s.closed {
		v := d.board.View()
		c.hold(inv05, !v.BigValve && !v.SmallOpen, "sale %v: debited while the valve is open", s.id)
	}
	if s.plain != nil && !s.closed {
		c.hold(inv05, s.plain.view().State != dispenser.StateFuelling, "sale %v: debited while the nozzle of its till delivers", s.id)
	}
}

func unlockOf(command []byte) (fuelcard.DebitForUnlock, error) {
	a, err := apdu.ParseCommand(command)
	if err != nil {
		return fuelcard.DebitForUnlock{}, err
	}
	return fuelcard.ParseDebitForUnlock(a)
}

// pendingLoad is the amount of the INIT FOR LOAD before a CREDIT FOR LOAD.
func (w *World) pendingLoad(p *plastic) unit.Fen {
	x, err := pendingInit(w, p, fuelcard.ParseInitForLoad)
	if err != nil {
		return -1
	}
	return x.Amount
}

// pendingUnload is the amount of the INIT FOR UNLOAD before a DEBIT FOR UNLOAD.
func (w *World) pendingUnload(p *plastic) unit.Fen {
	x, err := pendingInit(w, p, fuelcard.ParseInitForUnload)
	if err != nil {
		return -1
	}
	return x.Amount
}

func pendingInit[T any](w *World, p *plastic, parse func(apdu.Command) (T, error)) (x T, err error) {
	a, err := apdu.ParseCommand(w.lastCommand[p])
	if err != nil {
		return x, err
	}
	return parse(a)
}

// sam looks at PSAM commands: the number given out only rises by one.
func (c *checks) sam(w *World, s *sam, command, _ []byte) {
	if len(command) < 2 || command[1] != 0x40 {
		return
	}
	o, err := s.psam.Oracle()
	c.hold(inv06, err == nil && o.TTC <= w.ttc[s.tid]+1, "PSAM %s: number went from %d to %d", s.tid, w.ttc[s.tid], o.TTC)
	w.ttc[s.tid] = o.TTC
}

// pump looks at what a board says and writes.
func (c *checks) pump(w *World, p *pump, e dispenser.Event) {
	c.truth.stage(p, e)
	if e.Kind == dispenser.EventStage && e.Word == "locked" && p.board != nil {
		c.authorised(w, p)
	}
	if e.Kind != dispenser.EventRecord {
		return
	}
	r, err := fa.ParseRecord(e.Record)
	c.hold(inv08, err == nil, "%s: wrote a record that can not be read: %v", p.where, err)
	if err != nil || !r.Type.Moves() {
		return
	}
	s := c.truth.wrote(p, r)
	if fuels(r) {
		p.sold += r.Volume
		moved := p.moved()
		c.hold(inv08, p.sold == moved, "%s: records sum to %v, the totalizer moved %v", p.where, p.sold, moved)
		c.hold(inv14, c.priceKnown(r), "%s: price %v of product %v at %v was never ordered", p.where, r.Price, r.Product, r.Time)
	}
	if s == nil || !fuels(r) {
		return
	}
	c.hold(inv03, r.Volume == s.final, "sale %v: record says %v, %v have flowed", s.id, r.Volume, s.final)
	c.hold(inv14, r.Price == s.price, "sale %v: price %v, at the lock it was %v", s.id, r.Price, s.price)
	if r.Type.Kind() == fa.Fuelling && s.debits > 0 {
		c.hold(inv03, r.Amount == s.debited, "sale %v: record says %v, the card paid %v", s.id, r.Amount, s.debited)
	}
}

// fuels reports whether a record's volume went through the meter just then.
func fuels(r fa.Record) bool {
	k := r.Type.Kind()
	return k == fa.Fuelling || k == fa.Escape || k == fa.NoCard
}

func (c *checks) priceKnown(r fa.Record) bool {
	for _, p := range c.prices[hex.EncodeToString(r.Product[:])] {
		if p.price == r.Price && string(p.from[:]) <= string(r.Time[:]) {
			return true
		}
	}
	return false
}

// quiescent runs the checkers that hold when nothing is in the middle of a step.
func (c *checks) quiescent(w *World) {
	for _, s := range c.truth.order {
		t := c.truth.cards[s.asn]
		paid := s.debits > 0 || t.open == s && w.look(t.card).Grey == fuelcard.Grey
		c.hold(inv04, s.volume() == 0 || paid, "sale %v: %v flowed, nothing was paid and the card is not grey", s.id, s.volume())
	}
	var held unit.Fen
	for _, asn := range c.truth.asns {
		held += c.truth.cards[asn].balance
	}
	c.hold(inv01, held == c.truth.loads-c.truth.unloads-c.truth.debts, "cards hold %v, loads %v less unloads %v less debits %v",
		held, c.truth.loads, c.truth.unloads, c.truth.debts)
	for _, p := range w.pumpList {
		if p.idle() {
			moved := p.moved()
			c.hold(inv08, p.sold == moved, "%s: records sum to %v, the totalizer moved %v", p.where, p.sold, moved)
		}
	}
	c.plainQuiescent(w)
}

// Same is the checker of INV-20: two runs of one seed must be one run, to the last byte and nanosecond.
func Same(a, b Report) error {
	if a.TraceHash != b.TraceHash || a.Events != b.Events {
		return fmt.Errorf("INV-20 被违反 (violated): seed %d gave %d events %s, then seed %d gave %d events %s",
			a.Seed, a.Events, a.TraceHash, b.Seed, b.Events, b.TraceHash)
	}
	return nil
}
