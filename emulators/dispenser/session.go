package dispenser

import (
	"errors"
	"math/rand/v2"
	"slices"

	"greylock/system/card"
	"greylock/system/clock"
	"greylock/system/terminal"
	"greylock/system/wire/fa"
	"greylock/system/wire/unit"
)

// What a talk may wait for besides cards: a person's hands, the pump, the station.
const (
	askPIN   = "pin"   // digits and 确认
	askPlate = "plate" // 确认 of an employee
	askGo    = "go"    // the nozzle, or a key when it is up already
	askPump  = "pump"  // the end of the fill
	askLine  = "line"  // the answer to 35H or 36H
)

// session is the board's side of the one talk that runs: a card's visit, or a job with the PSAM alone.
type session struct {
	talk    *card.Talk
	visit   bool      // the talk serves the card in the slot
	waiting string    // what it waits for, if it is no card
	await   []awaited // whose answers are outstanding, in the order of the step
	id      uint64    // of the last Transmit
	inSlot  bool      // a card is there
	lost    bool      // the card of this visit has left
	served  bool      // the card in the slot has had its visit
	sam     terminal.SAM
	due     clock.Instant // an interrupted sale is billed then, if its card is not there; Never if there is none
	answer  fa.Message    // of the station, nil for none
	allow   terminal.Allowance
	plan    plan
	free    bool // the fill is not the card's: it goes on when the card leaves
	rand    *rand.ChaCha8
}

// awaited is an answer that a step waits for.
type awaited struct {
	slot  string
	id    uint64
	reply *card.Reply
}

// plan is what the customer asked for, frozen when the sale begins.
type plan struct {
	limit   unit.Quantity
	preset  unit.Fen
	price   unit.Price
	product fa.Product
	nzn     fa.NZN
}

func (s *session) stop() {
	if s.talk != nil {
		s.talk.Stop()
		s.talk = nil
	}
	s.waiting, s.await = "", nil
}

// answered takes one reply. Once there is one for everybody it returns them as one.
func (s *session) answered(i int, r card.Reply) (all card.Reply, complete bool) {
	s.await[i].reply = &r
	for _, a := range s.await {
		if a.reply == nil {
			return all, false
		}
	}
	all = *s.await[0].reply
	if len(s.await) > 1 {
		all.Also = s.await[1].reply
	}
	s.await = nil
	return all, true
}

// outstanding is the place of an answer that is still to come; -1 if there is none such.
func (s *session) outstanding(is func(awaited) bool) int {
	return slices.IndexFunc(s.await, func(a awaited) bool { return a.reply == nil && is(a) })
}

// Inserted says that a card is in the slot, powered.
func (b *Board) Inserted(now clock.Instant) {
	if !b.enter(now) || b.sess.inSlot {
		return
	}
	b.sess.inSlot, b.sess.served = true, false
	b.face.card, b.face.fault = true, Text{}
	b.event(Event{Kind: EventBeep})
	b.changed()
	b.idle()
}

// Pulled says that the slot is empty.
func (b *Board) Pulled(now clock.Instant) {
	if !b.enter(now) || !b.sess.inSlot {
		return
	}
	s := &b.sess
	s.inSlot, s.served, s.lost = false, false, true
	b.face.leave()
	b.pad.forget()
	b.changed()
	ofCard := s.outstanding(func(a awaited) bool { return a.slot == SlotCard })
	switch {
	case s.talk == nil || !s.visit:
	case ofCard >= 0:
		if all, complete := s.answered(ofCard, card.Reply{Err: card.ErrRemoved}); complete {
			b.step(all)
		}
	case s.waiting == askPIN || s.waiting == askGo || s.waiting == askPlate:
		b.step(card.Reply{Err: card.ErrRemoved})
	case s.waiting == askPump && s.free:
		b.face.prompt = goOn
	case s.waiting == askPump:
		b.shut("card")
	}
	b.idle()
}

// Answer brings the reply to the Transmit of that ID. Any other reply is ignored: it is late.
func (b *Board) Answer(now clock.Instant, id uint64, reply card.Reply) {
	if !b.enter(now) {
		return
	}
	i := b.sess.outstanding(func(a awaited) bool { return a.id == id })
	if i < 0 {
		return
	}
	if all, complete := b.sess.answered(i, reply); complete {
		b.step(all)
	}
	b.idle()
}

// start runs a talk from its beginning.
func (b *Board) start(visit bool, run func(*card.Talk)) {
	b.sess.talk, b.sess.visit, b.sess.lost, b.sess.free = card.NewTalk(run), visit, false, false
	b.step(card.Reply{})
}

// step resumes the talk and serves what it waits for, until it waits for something outside.
func (b *Board) step(r card.Reply) {
	s := &b.sess
	s.waiting = ""
	for {
		wants, more := s.talk.Next(r)
		if b.dead {
			s.stop()
			return
		}
		if !more {
			s.talk = nil
			b.face.stage = ""
			b.changed()
			return
		}
		r = card.Reply{}
		switch w := wants.(type) {
		case card.Transmit:
			if all, complete := b.transmit(w); complete {
				r = all
				continue
			}
			return
		case card.Both:
			if all, complete := b.transmit(w.First, w.Second); complete {
				r = all
				continue
			}
			return
		case card.Ask:
			if s.waiting = w.Path; b.waits() {
				return
			}
			if s.waiting != askLine && s.waiting != askPump {
				r.Err = card.ErrRemoved
			}
			s.waiting = ""
		default:
			r.Err = errStep
		}
	}
}

// transmit gives commands to the slots. A card that has left answers at once.
func (b *Board) transmit(all ...card.Transmit) (r card.Reply, complete bool) {
	s := &b.sess
	s.await = make([]awaited, len(all))
	for i, w := range all {
		s.id++
		s.await[i] = awaited{slot: w.Slot, id: s.id}
	}
	for i, w := range all {
		if w.Slot == SlotCard && (s.lost || !s.inSlot) {
			r, complete = s.answered(i, card.Reply{Err: card.ErrAbsent})
			continue
		}
		b.out.Transmit = append(b.out.Transmit, Transmit{s.await[i].id, w})
	}
	return r, complete
}

var errStep = errors.New("dispenser: a board has no journal: Append is not served")

// waits prepares the wait; false if its answer is there already.
func (b *Board) waits() bool {
	s := &b.sess
	b.changed()
	switch s.waiting {
	case askPump:
		if s.lost && !s.free {
			b.shut("card")
		}
		return b.fill.phase != fillNone
	case askLine:
		return b.link.query != nil
	}
	return s.inSlot && !s.lost
}

// resumeIf answers the wait that is named, if the talk is in it.
func (b *Board) resumeIf(waiting string, r card.Reply) bool {
	if b.sess.talk == nil || b.sess.waiting != waiting {
		return false
	}
	b.step(r)
	return true
}

// filled is called when the register is final.
func (b *Board) filled() { b.resumeIf(askPump, card.Reply{}) }

// lifted starts the sale of a card that is ready.
func (b *Board) lifted() { b.resumeIf(askGo, card.Reply{}) }

// answerQuery ends a 35H or 36H; nil says that nobody answered.
func (b *Board) answerQuery(m fa.Message) {
	if b.link.query == nil {
		return
	}
	b.link.query = nil
	b.sess.answer = m
	b.resumeIf(askLine, card.Reply{})
}

// idle starts what is due when nothing else runs: the visit of a card that was inserted, a record that waits for its T-MAC,
// an interrupted sale whose card did not come.
func (b *Board) idle() {
	s := &b.sess
	if !b.on || b.dead || s.talk != nil {
		return
	}
	b.reprice()
	switch {
	case s.inSlot && !s.served:
		s.served, s.due = true, clock.Never
		b.start(true, b.serve)
	case b.now >= s.due:
		s.due = clock.Never
		b.start(false, b.billInterrupted)
	case len(b.mem.state.Pending) > 0 && b.link.lastPoll != 0:
		b.start(false, b.sealPending)
	}
}

// reprice switches to the next prices when their minute has come; never during a sale.
func (b *Board) reprice() {
	s := &b.mem.state
	if !s.Then.Set {
		return
	}
	if b.mem.due(&s.Now, &s.Then, s.Effective, b.civil()) && !b.kill(b.mem.commit()) {
		b.changed()
	}
}

// due says that the next prices have come into force, and puts them there.
func (m *memory) due(now, then *price, from fa.Minute, civil clock.Civil) bool {
	if !then.Set {
		return false
	}
	at, err := from.Stamp().Civil()
	if err != nil || civil.Instant() < at.Instant() {
		return false
	}
	*now, *then = *then, price{}
	return true
}
