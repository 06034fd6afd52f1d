package world

import (
	"fmt"
	"time"

	"greylock/emulators/cardos"
	"greylock/emulators/psam"
	"greylock/emulators/reader"
	"greylock/system/card"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// chipWork is the time a chip thinks about one command (trust.md 7.3: 2…30 ms).
const chipWork = 5 * time.Millisecond

// readerBaud is the speed of every reader's T=0 line.
const readerBaud = 38400

// onWire is the time of a command in this world: the same for every chip.
func onWire(command, answer []byte) time.Duration {
	return reader.Line{Baud: readerBaud, Work: func([]byte) time.Duration { return chipWork }}.Took(command, answer)
}

// plastic is one user card in somebody's hands, in a slot or at the desk.
type plastic struct {
	till    *tillPlace // whose reader it lies on; nil: on none
	name    string
	account string
	pin     string
	asn     pboc.ASN
	nv      *cardos.MemNV
	card    *cardos.Card
	seat    *seat         // the reader it has power in; nil: by itself
	in      record.Nozzle // 0: in a pocket or at the desk
	tear    *tear
	ail     ailment
}

// loss is what takes a card from the program that speaks to it.
type loss int

// The losses.
const (
	cardOut     loss = iota // the card is pulled
	readerOut               // the reader is unplugged
	serviceDown             // the machine's reader service ends
)

// happened is what the town says of it.
func (l loss) happened(after bool) string {
	what := [...]string{"card torn", "reader unplugged", "reader service stopped"}[l]
	if after {
		return what + " after"
	}
	return what + " before"
}

// err is what a program without a service hears of it.
func (l loss) err() error {
	if l == serviceDown {
		return card.ErrReader
	}
	return card.ErrRemoved
}

// tear is a planned cut of a card's power.
type tear struct {
	what  loss
	ins   byte // 0: any command
	nth   int  // counts down
	after bool
}

// due counts a command and tells whether the cut is now.
func (t *tear) due(command []byte) bool {
	if t == nil || len(command) < 2 || t.ins != 0 && command[1] != t.ins {
		return false
	}
	t.nth--
	return t.nth == 0
}

// sam is the PSAM inside one dispenser.
type sam struct {
	number pboc.ASN
	tid    pboc.TID
	slot   card.Slot
	seat   *seat
	psam   *psam.PSAM
	nv     *psam.MemNV
	ail    ailment
}

// transmit carries one command to a user card under its fault plan. torn says that the card lost its power: the slot's owner
// then sees it pulled.
func (w *World) transmit(p *plastic, where string, command []byte) (answer []byte, took time.Duration, torn bool, err error) {
	cut, plan := p.tear.due(command), tear{}
	if cut {
		plan, p.tear = *p.tear, nil
		if p.seat != nil {
			p.seat.tear(plan)
		}
	}
	if cut && !plan.after {
		w.happened(plan.what.happened(false))
		if p.seat == nil {
			return nil, chipWork, true, plan.what.err()
		}
		_, _, err := carry(p.card, p.seat, command)
		return nil, chipWork, true, lost(err)
	}
	if answer, _, asked := p.ail.takes(); !asked {
		return answer, chipWork, false, nil
	}
	if w.plant.apdu != nil {
		command = w.plant.apdu("card", command)
	}
	before := w.look(p)
	said, answer, err := carry(p.card, p.seat, command)
	took = onWire(command, said) + p.ail.slow
	w.trace.add(w.now, "apdu", where+" "+p.name, joined(command, said))
	w.checks.card(w, p, before, command, said)
	if cut {
		w.happened(plan.what.happened(true))
		if p.seat == nil {
			err = plan.what.err()
		}
		return nil, took, true, lost(err)
	}
	return answer, took, false, err
}

// lost is what a reader says of a card that was pulled from it; any other word is the reader's fault.
func lost(err error) error {
	if !card.Lost(err) {
		return fmt.Errorf("拔出的卡仍有应答 (a card that was pulled has answered): %w", err)
	}
	return err
}

// transmitSAM carries one command to a PSAM.
func (w *World) transmitSAM(s *sam, where string, command []byte) (answer []byte, took time.Duration, err error) {
	if answer, dead, asked := s.ail.takes(); dead {
		return nil, chipWork, card.ErrRemoved
	} else if !asked {
		return answer, chipWork, nil
	}
	if w.plant.apdu != nil {
		command = w.plant.apdu("psam", command)
	}
	said, answer, err := carry(s.slot, s.seat, command)
	took = onWire(command, said) + s.ail.slow
	w.trace.add(w.now, "apdu", where+" PSAM", joined(command, said))
	w.checks.sam(w, s, command, said)
	return answer, took, err
}

// joined is a command and its answer as one traced datum: length of the command, command, answer.
func joined(command, answer []byte) []byte {
	b := make([]byte, 0, 2+len(command)+len(answer))
	b = append(b, byte(len(command)>>8), byte(len(command)))
	return append(append(b, command...), answer...)
}

// Split undoes joined, for whoever shows a trace.
func Split(data []byte) (command, answer []byte, err error) {
	if len(data) < 2 || len(data) < 2+int(data[0])<<8+int(data[1]) {
		return nil, nil, fmt.Errorf("world: traced APDU of %d bytes is cut short", len(data))
	}
	n := int(data[0])<<8 + int(data[1])
	return data[2 : 2+n], data[2+n:], nil
}
