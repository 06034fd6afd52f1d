package dispenser

import (
	"greylock/system/wire/fa"
	"greylock/system/wire/pboc"
	"greylock/system/wire/unit"
)

// View is the nozzle as the last frames show it.
type View struct {
	State   State
	Suspect bool     // no valid frame for SuspectAfter (FA), or for two polls (LF)
	ASN     pboc.ASN // FA only, as are Card, CardSt and Balance
	Card    bool
	CardSt  fa.CardSt
	Balance unit.Fen
	Amount  unit.Fen
	Volume  unit.Quantity
	Price   unit.Price
}

// Event is what a line has told; one of the types below and in lf_event.go. Nozzle is an index into Views.
type Event interface{ event() }

// What every line tells.
type (
	// Online comes with the first valid frame (FA), or when a nozzle has been greeted (LF).
	Online struct{ Nozzle int }
	// Offline comes when no valid frame has come for OfflineAfter (FA) or for LFOfflineAfter polls (LF). Looped says that our
	// own frames came back instead of answers: a wiring fault that an Echo has told.
	Offline struct {
		Nozzle int
		Looped bool
	}
	// Changed says that a View is another.
	Changed struct{ Nozzle int }
	// Echo says that the line returns our own frames: a wiring fault.
	Echo struct{}
)

// Ticket answers one frame: the number it carries is echoed. Source: dispenser.md 3.1.
type Ticket byte

// What an FA board tells.
type (
	// Taken is a record, asked for (3EH) or offered (32H). Raw is its 95 bytes. An offered one wants an Ack.
	Taken struct {
		Raw   []byte
		Asked bool
		To    Ticket
	}
	// NoRecord says that the board has no record of a number (3FH).
	NoRecord struct{ POSTTC fa.POSTTC }
	// GreyAsked wants an AnswerGrey.
	GreyAsked struct {
		Ask fa.GreyAsk
		To  Ticket
	}
	// ListAsked wants an AnswerList.
	ListAsked struct {
		ASN pboc.ASN
		To  Ticket
	}
	// Totals are the board's totalizers.
	Totals struct{ Nozzles []fa.NozzleTotal }
	// Informed is the board's identity and versions.
	Informed struct{ Info fa.Info }
	// Reported is a fault of the board (3BH), already acknowledged.
	Reported struct{ Text string }
	// Malformed is a frame with a good CRC that makes no sense.
	Malformed struct{ Err error }
)

func (Online) event()    {}
func (Offline) event()   {}
func (Changed) event()   {}
func (Echo) event()      {}
func (Taken) event()     {}
func (NoRecord) event()  {}
func (GreyAsked) event() {}
func (ListAsked) event() {}
func (Totals) event()    {}
func (Informed) event()  {}
func (Reported) event()  {}
func (Malformed) event() {}
