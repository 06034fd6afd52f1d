package terminal

import (
	"slices"

	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Log is where a terminal makes its steps durable: a dispenser's NV ring, a station's or a desk's journal.
type Log interface {
	// Append returns when the entry will survive a power cut. After an error the step has not been taken.
	Append(e Entry) error
	// High is the highest TTC of the PSAM that any entry names; false if this log has never seen the PSAM.
	High(psam pboc.TID) (pboc.PSAMTTC, bool)
}

// Kind is the step of a sale that an Entry makes durable. Source: trust.md 1.1.
type Kind byte

// The steps, in the order of a sale; each is durable before the next thing in the world happens.
const (
	Begin     Kind = 1 + iota // before GREY LOCK is sent: sale, card, lock time, balance
	Suspect                   // the PSAM refused the card's MAC2 (no fuel), or the card the PSAM's GMAC: never shown again, the host decides
	Hold                      // the lock is a grey hold of a listed card, no sale: nothing here releases it. Source: card.md 17.1
	FuelStart                 // before the pump is authorised: the card is grey, the price frozen
	FuelEnd                   // before PSAM DEBIT: final register read twice; Amount and Quantity are final
	Escape                    // the card has gone with the lock: GTAC, amount, GMAC, the T_TYPE 1 record
	Done                      // before TACUF is cleared: amount, TAC, the record
	Void                      // before an unlock with amount 0: locked, but the pump was never authorised
	Cancel                    // the TTC was burned before GREY LOCK reached a card, or its purchase did not happen
	Buy                       // before DEBIT FOR PURCHASE: sale, card, counter, amount
	Bought                    // the purchase's TAC
)

var kindWords = [...]string{"", "BEGIN", "SUSPECT", "HOLD", "FUEL_START", "FUEL_END", "ESCAPE", "DONE", "VOID", "CANCEL", "BUY", "BOUGHT"}

// String is the word of trust.md 1.1.
func (k Kind) String() string {
	if int(k) >= len(kindWords) || k == 0 {
		return "?"
	}
	return kindWords[k]
}

// KindOf is the step that has this word; false if none has.
func KindOf(word string) (Kind, bool) {
	i := slices.Index(kindWords[:], word)
	return Kind(max(i, 0)), i > 0
}

// Reasons of a Suspect and of a Cancel entry that others decide on.
const (
	WrongMAC2 = "mac2-wrong" // Suspect: the PSAM refused the card's MAC2 right after the lock
	LateMAC2  = "mac2-late"  // Suspect: it did so when it was asked to sign: it has moved on, which no log knows, or the card is wrong
	WrongGMAC = "gmac-wrong" // Suspect: the card has counted this GMAC as wrong
	NotLocked = "not-locked" // Cancel: the card proves that it never took this lock
)

// Entry is one durable step of one sale. Fields that the step does not know yet are zero.
type Entry struct {
	Kind     Kind
	Sale     record.SaleID // (PSAM TID, PSAM TTC); the TTC is 0 only for a supplement without a local record
	PSAM     pboc.ASN      // the PSAM's number
	ASN      pboc.ASN      // the card
	CTC      pboc.CTC      // the card's counter at the lock
	Balance  unit.Fen      // at the lock
	Stamp    [7]byte       // lock date and time, BCD
	GTAC     pboc.MAC      // from FuelStart on
	Nozzle   byte          // NZN, set by the caller
	Price    unit.Price    // FuelStart
	Quantity unit.Quantity // FuelEnd
	Total    unit.Totalizer
	Amount   unit.Fen       // FuelEnd: what is to be debited, at most Balance
	GMAC     pboc.MAC       // Escape, Done
	PSAMTAC  pboc.MAC       // Escape, Done
	TAC      pboc.MAC       // Done
	TType    byte           // Escape, Done: b3-0 of T_TYPE in the record. Source: card.md section 14
	Record   []byte         // Escape, Done: the 95 bytes, T_MAC included, if the caller keeps one
	Reason   string         // Void, Cancel, Suspect: a stable word
	Purse    fuelcard.Purse // Buy, Bought: which purse pays; 0 of a grey lock is ED
}

// Durable says that an entry is in the log. Only Terminal.Note makes one; the steps that need it take it as their argument,
// so that they can not be asked for too early.
type Durable struct{ entry Entry }

// Entry returns what is durable.
func (d Durable) Entry() Entry { return d.entry }

// Evidence is what a log or the station (35H) knows about the last lock of a card. The zero value knows nothing.
type Evidence struct {
	Found      bool
	Asked      bool // the station was asked (35H); what it knows, if anything, is here
	Own        bool // from the terminal's own log, gapless past this TTC: only then a missing FUEL_START proves something
	Sale       record.SaleID
	PSAM       pboc.ASN
	ASN        pboc.ASN
	CTC        pboc.CTC
	Balance    unit.Fen // at the lock
	Stamp      [7]byte
	GTAC       pboc.MAC // zero when the lock's answer was lost
	Suspect    bool     // a MAC2 or GMAC was refused
	Hold       bool
	Authorised bool // FUEL_START is there
	Ended      bool // FUEL_END is there: Amount is final
	Amount     unit.Fen
	Quantity   unit.Quantity
	Price      unit.Price
	Total      unit.Totalizer
	Nozzle     byte
	Signed     bool // GMAC and PSAMTAC are known
	GMAC       pboc.MAC
	PSAMTAC    pboc.MAC
	Billed     bool // an ESCAPE record (T_TYPE 1) is out
	Voided     bool // VOID is there
	Closed     bool // DONE or CANCEL is there
	Cancelled  bool // CANCEL is there, and no DONE after it
	TAC        pboc.MAC
}

// Take folds the next entry of the same sale into the evidence; a Begin starts it anew. An own log replays through it. A
// purchase is no lock and leaves it alone.
func (v *Evidence) Take(e Entry) {
	if e.Kind == Buy || e.Kind == Bought {
		return
	}
	if e.Kind == Begin || !v.Found {
		*v = Evidence{Found: true, Own: true}
	}
	if e.Kind == Begin || v.ASN == (pboc.ASN{}) {
		v.Sale, v.PSAM, v.ASN, v.CTC, v.Balance, v.Stamp, v.Nozzle = e.Sale, e.PSAM, e.ASN, e.CTC, e.Balance, e.Stamp, e.Nozzle
	}
	if e.GTAC != (pboc.MAC{}) {
		v.GTAC = e.GTAC
	}
	switch e.Kind {
	case Suspect:
		v.Suspect = true
	case Hold:
		v.Hold = true
	case FuelStart:
		v.Authorised, v.Price = true, e.Price
	case FuelEnd:
		v.Ended, v.Amount, v.Quantity, v.Total = true, e.Amount, e.Quantity, e.Total
	case Escape:
		v.Billed, v.Ended, v.Amount = true, true, e.Amount
		v.Signed, v.GMAC, v.PSAMTAC = e.GMAC != (pboc.MAC{}), e.GMAC, e.PSAMTAC
	case Void:
		v.Voided, v.Ended, v.Amount, v.Closed = true, true, 0, false // a cancelled TTC that held a lock after all
	case Done:
		v.Closed, v.Cancelled, v.TAC, v.Amount = true, false, e.TAC, e.Amount
	case Cancel:
		v.Closed, v.Cancelled = true, true
	}
}
