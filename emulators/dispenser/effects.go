package dispenser

import (
	"greylock/system/card"
	"greylock/system/clock"
)

// Key is a key of the pad: '0' to '9' and the named ones.
type Key byte

// The keys with words on them. Source: dispenser.md 5.1.
const (
	KeyYuan  Key = 'Y' // 元: the digits are money
	KeyLitre Key = 'L' // 升: the digits are litres
	KeyFull  Key = 'F' // 加满: no preset
	KeyClear Key = 'C' // 清除
	KeyOK    Key = 'E' // 确认
)

// The slots that a Transmit names.
const (
	SlotCard = "card"
	SlotPSAM = "psam"
)

// Effects is what the board wants done. At most one Transmit to each slot is outstanding at a time; Wake is always the next time the board
// wants, whatever it asked for before (clock.Never: none).
type Effects struct {
	Send     [][]byte   // bytes for the line, in order
	Transmit []Transmit // commands for card and PSAM, which work at the same time; each reply comes by Answer with the same ID
	Wake     clock.Instant
	Events   []Event
}

// Transmit is one command for the user card or the PSAM. After Pulled an outstanding command to the card is void: whether
// the card obeyed is the world's business, the board already took it as removed, and a late Answer is ignored.
type Transmit struct {
	ID uint64
	card.Transmit
}

// EventKind says what an Event tells.
type EventKind string

// What a board tells the world besides bytes.
const (
	EventDisplay EventKind = "display" // something of the View has changed
	EventBeep    EventKind = "beep"
	EventStage   EventKind = "stage"   // a step of the sale: Word is begin, locked, fuelling, stopped, fuel-end, done, escape, …
	EventRefused EventKind = "refused" // Word is the reason: pin, balance, black, product, … ; Zh and En say it
	EventRecord  EventKind = "record"  // a 32H record is durable; Record holds its 95 bytes
	EventReceipt EventKind = "receipt" // Lines
	EventFault   EventKind = "fault"   // Word is the code that 3BH carries, for example E07
	EventLink    EventKind = "link"    // Word is online or offline
)

// Event is something that a page, a trace or a person notices.
type Event struct {
	Kind   EventKind
	Word   string
	Zh, En string
	Lines  []string
	Record []byte
	Nozzle byte // 枪号 on a plain board (LF); 0 on a board that has one nozzle
}
