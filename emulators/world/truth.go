package world

import (
	"greylock/emulators/cardos"
	"greylock/emulators/dispenser"
	"greylock/system/clock"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fa"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/lf"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// truth is what really happened, seen past every program: commits inside cards, the meters, the money at the doors.
type truth struct {
	cards map[pboc.ASN]*cardTruth
	asns  []pboc.ASN // in order of first sight
	sales map[record.SaleID]*saleTruth
	order []*saleTruth
	loads unit.Fen // into all cards
	debts unit.Fen // out of all cards by grey sales

	unloads unit.Fen               // out of all cards into their accounts
	moves   map[purseMove]unit.Fen // every load and unload that a card has committed, by its own count
}

// cardTruth is one card's money by its own commits.
type cardTruth struct {
	card    *plastic
	balance unit.Fen
	open    *saleTruth // the lock it is grey under
}

// saleTruth is one grey lock and what became of it.
type saleTruth struct {
	id       record.SaleID
	asn      pboc.ASN
	ctc      pboc.CTC
	atLock   unit.Fen
	lockedAt clock.Instant
	pump     *pump
	plain    *plainHand // the nozzle of a till's sale, as people ordered it; nil at a card dispenser
	from     lf.Total   // of plain
	product  string
	price    unit.Price    // frozen at the lock
	preset   bool          // the customer keyed an amount of money
	start    unit.Quantity // where the fills of the pump stood
	final    unit.Quantity // fuel that flowed under this lock, once its record stands
	closed   bool          // the record stands: nothing flows under this lock any more
	debits   int
	debited  unit.Fen
	by       pboc.MAC // TAC of the debit
	forced   bool     // the center permitted to undo the lock by force
	record   *fa.Record
}

func newTruth() truth {
	return truth{cards: map[pboc.ASN]*cardTruth{}, sales: map[record.SaleID]*saleTruth{}, moves: map[purseMove]unit.Fen{}}
}

// volume is the fuel that has flowed under the lock so far.
func (s *saleTruth) volume() unit.Quantity {
	switch {
	case s.closed:
		return s.final
	case s.plain != nil:
		return unit.Quantity(s.plain.view().Total.Since(s.from))
	case s.pump == nil:
		return s.final
	}
	return s.pump.moved() - s.start
}

// owed is the amount that the frozen price makes of the fuel, at most what the card held (design 9.7).
func (s *saleTruth) owed() unit.Fen {
	a, err := unit.Amount(s.volume(), s.price)
	if err != nil {
		return -1
	}
	return min(a, s.atLock)
}

// exact reports whether an amount is right for the fuel: to the fen, or within the value of one pulse of a cash preset.
func (s *saleTruth) exact(amount unit.Fen) bool {
	owed := s.owed()
	if amount == owed {
		return true
	}
	pulse := unit.Fen(s.price+99) / 100
	return s.preset && amount <= s.atLock && max(amount-owed, owed-amount) <= pulse
}

func (t *truth) card(asn pboc.ASN, p *plastic, balance unit.Fen) *cardTruth {
	c, ok := t.cards[asn]
	if !ok {
		c = &cardTruth{card: p, balance: balance}
		t.cards[asn] = c
		t.asns = append(t.asns, asn)
	}
	return c
}

// look reads a card past its commands; the zero Oracle for a blank one.
func (w *World) look(p *plastic) cardos.Oracle {
	o, err := cardos.Look(p.nv, w.profile)
	if err != nil {
		w.checks.fail(inv01, "card %s can not be read past its commands: %v", p.name, err)
	}
	return o
}

// locked notes a grey lock that the card has committed.
func (t *truth) locked(w *World, p *plastic, after cardos.Oracle, command []byte) *saleTruth {
	c, err := apdu.ParseCommand(command)
	if err != nil {
		return nil
	}
	x, err := fuelcard.ParseGreyLock(c)
	if err != nil {
		return nil
	}
	s := &saleTruth{
		id: record.SaleID{TID: after.Proof.TID, TTC: x.TTC}, asn: after.ASN, ctc: after.LockCTC,
		atLock: after.Balance, lockedAt: w.now,
	}
	if d := w.pumps[p.in]; d != nil && d.board != nil {
		v := d.board.View()
		s.pump, s.price, s.product, s.start = d, v.Price, v.Product, d.moved()
	}
	if x := p.till; x != nil {
		if h, ok := w.plain[x.nozzle]; ok {
			v := h.view()
			s.plain, s.from, s.price, s.preset = &h, v.Total, v.Price, x.money
		}
	}
	t.cards[after.ASN].open = s
	t.sales[s.id] = s
	t.order = append(t.order, s)
	return s
}

// wrote notes a board's record: nothing flows under its lock any more.
func (t *truth) wrote(p *pump, r fa.Record) *saleTruth {
	s := t.sales[record.SaleID{TID: r.TID, TTC: r.TTC}]
	if s == nil || s.closed || s.pump != p || !r.Type.Moves() {
		return s
	}
	s.final, s.closed, s.record = p.moved()-s.start, true, &r
	return s
}

// stage follows what a board says of its sale.
func (t *truth) stage(p *pump, e dispenser.Event) {
	if e.Kind != dispenser.EventStage || p.board == nil {
		return
	}
	for _, s := range t.order {
		if s.pump != p || s.closed {
			continue
		}
		s.preset = s.preset || p.presetMoney
		if e.Word == "cancelled" && s.volume() == 0 { // its record follows; what flows from now on is of the next sale
			s.closed = true
		}
	}
}
