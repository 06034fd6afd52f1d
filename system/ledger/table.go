package ledger

// State is what the books hold of a sale, (PSAM, PSAM TTC), before a record arrives.
type State string

// The states of a sale.
const (
	None      State = "none"      // nothing is known
	Posted    State = "posted"    // fuel and money are in the books
	Owed      State = "owed"      // fuel is in the books, the card owes the money: open receivable
	Settled   State = "settled"   // the receivable was paid by the card
	Cancelled State = "cancelled" // the TTC was burned before the lock; no sale
)

// States lists the states, for tests and pages.
var States = []State{None, Posted, Owed, Settled, Cancelled}

// Money says which accounts a posting moves.
type Money int

// What a posting does with money.
const (
	NoMoney  Money = iota
	FromCard       // card → sales
	Owe            // receivable → sales
	Settle         // card → receivable
	ByTender       // cash or other tender → sales
)

// Effect says what becomes of a record.
type Effect string

// The effects.
const (
	Post     Effect = "post"     // it enters the books
	Event    Effect = "event"    // it moves nothing and is no part of a sale
	Repeat   Effect = "repeat"   // the books hold it already: nothing, if card, amount and TAC agree; else a conflict
	Wait     Effect = "wait"     // it settles a receivable that is not known yet: kept until the lock's record arrives
	Conflict Effect = "conflict" // it contradicts the books: quarantine, both kept
)

// Rule is one row of the posting table.
type Rule struct {
	TType    int // b3-0 of T_TYPE. Source: dispenser.md 3.6
	Before   State
	Effect   Effect
	Fuel     bool // the volume went through the meter now
	Money    Money
	TTC      bool // the record accounts for its PSAM TTC
	After    State
	OnlyZero bool // only with amount and volume 0, else a conflict
}

// TestDraw is the row of a T_TYPE 7 of a pump-test card: fuel that went through the meter and back into the tank. The number is
// ours; no board sends it. Source: adr/0013.
const TestDraw = 0x57

// Table is the posting table, row by row; every pair of T_TYPE and state is there. Source: design.md 9.6, dispenser.md 3.6.
var Table = []Rule{
	// 0 fuelling: fuel and money. With zeros it is a lock released without fuel, also where the board had cancelled the TTC.
	{TType: 0, Before: None, Effect: Post, Fuel: true, Money: FromCard, TTC: true, After: Posted},
	{TType: 0, Before: Posted, Effect: Conflict, After: Posted},
	{TType: 0, Before: Owed, Effect: Conflict, After: Owed},
	{TType: 0, Before: Settled, Effect: Conflict, After: Settled},
	{TType: 0, Before: Cancelled, Effect: Post, TTC: true, After: Posted, OnlyZero: true},
	// 1 escape: fuel and a receivable.
	{TType: 1, Before: None, Effect: Post, Fuel: true, Money: Owe, TTC: true, After: Owed},
	{TType: 1, Before: Posted, Effect: Conflict, After: Posted},
	{TType: 1, Before: Owed, Effect: Conflict, After: Owed},
	{TType: 1, Before: Settled, Effect: Conflict, After: Settled},
	{TType: 1, Before: Cancelled, Effect: Conflict, After: Cancelled},
	// 2 wrong card: the locked card did not come back to the slot; it owes as after an escape.
	{TType: 2, Before: None, Effect: Post, Fuel: true, Money: Owe, TTC: true, After: Owed},
	{TType: 2, Before: Posted, Effect: Conflict, After: Posted},
	{TType: 2, Before: Owed, Effect: Conflict, After: Owed},
	{TType: 2, Before: Settled, Effect: Conflict, After: Settled},
	{TType: 2, Before: Cancelled, Effect: Conflict, After: Cancelled},
	// 3 top-up debit: settles the receivable only; its volume is informative.
	{TType: 3, Before: None, Effect: Wait, After: None},
	{TType: 3, Before: Posted, Effect: Repeat, After: Posted},
	{TType: 3, Before: Owed, Effect: Post, Money: Settle, TTC: true, After: Settled},
	{TType: 3, Before: Settled, Effect: Repeat, After: Settled},
	{TType: 3, Before: Cancelled, Effect: Conflict, After: Cancelled},
	// 4 supplement: the same; after a complete 0 it is only a second witness.
	{TType: 4, Before: None, Effect: Wait, After: None},
	{TType: 4, Before: Posted, Effect: Repeat, After: Posted},
	{TType: 4, Before: Owed, Effect: Post, Money: Settle, TTC: true, After: Settled},
	{TType: 4, Before: Settled, Effect: Repeat, After: Settled},
	{TType: 4, Before: Cancelled, Effect: Conflict, After: Cancelled},
	// 5 shift on, 6 shift off, 8 new prices received: events.
	{TType: 5, Before: None, Effect: Event, After: None},
	{TType: 5, Before: Posted, Effect: Event, After: Posted},
	{TType: 5, Before: Owed, Effect: Event, After: Owed},
	{TType: 5, Before: Settled, Effect: Event, After: Settled},
	{TType: 5, Before: Cancelled, Effect: Event, After: Cancelled},
	{TType: 6, Before: None, Effect: Event, After: None},
	{TType: 6, Before: Posted, Effect: Event, After: Posted},
	{TType: 6, Before: Owed, Effect: Event, After: Owed},
	{TType: 6, Before: Settled, Effect: Event, After: Settled},
	{TType: 6, Before: Cancelled, Effect: Event, After: Cancelled},
	{TType: 8, Before: None, Effect: Event, After: None},
	{TType: 8, Before: Posted, Effect: Event, After: Posted},
	{TType: 8, Before: Owed, Effect: Event, After: Owed},
	{TType: 8, Before: Settled, Effect: Event, After: Settled},
	{TType: 8, Before: Cancelled, Effect: Event, After: Cancelled},
	// 7 without a card: fuel, and cash or other tender.
	{TType: 7, Before: None, Effect: Post, Fuel: true, Money: ByTender, TTC: true, After: Posted},
	{TType: 7, Before: Posted, Effect: Conflict, After: Posted},
	{TType: 7, Before: Owed, Effect: Conflict, After: Owed},
	{TType: 7, Before: Settled, Effect: Conflict, After: Settled},
	{TType: 7, Before: Cancelled, Effect: Conflict, After: Cancelled},
	// 7 of a pump-test card: the meter moved, nothing is sold.
	{TType: TestDraw, Before: None, Effect: Post, Fuel: true, TTC: true, After: Posted},
	{TType: TestDraw, Before: Posted, Effect: Conflict, After: Posted},
	{TType: TestDraw, Before: Owed, Effect: Conflict, After: Owed},
	{TType: TestDraw, Before: Settled, Effect: Conflict, After: Settled},
	{TType: TestDraw, Before: Cancelled, Effect: Conflict, After: Cancelled},
	// 9 card error: an event; with a PSAM TTC it says that this TTC was burned before the lock.
	{TType: 9, Before: None, Effect: Post, TTC: true, After: Cancelled},
	{TType: 9, Before: Posted, Effect: Conflict, After: Posted},
	{TType: 9, Before: Owed, Effect: Conflict, After: Owed},
	{TType: 9, Before: Settled, Effect: Conflict, After: Settled},
	{TType: 9, Before: Cancelled, Effect: Repeat, After: Cancelled},
}

// Lookup finds the row of a record; zero says that its amount and volume are 0. A kind that no board may send is a conflict.
func Lookup(ttype int, before State, zero bool) Rule {
	for _, r := range Table {
		if r.TType != ttype || r.Before != before {
			continue
		}
		if r.OnlyZero && !zero {
			return Rule{TType: ttype, Before: before, Effect: Conflict, After: before}
		}
		return r
	}
	return Rule{TType: ttype, Before: before, Effect: Conflict, After: before}
}
