package tear

import (
	"errors"
	"fmt"
	"time"

	"greylock/system/card"
	"greylock/system/dispenser"
	"greylock/system/link"
	"greylock/system/station/till"
	"greylock/system/terminal"
	"greylock/system/wire/fa"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// tillPrice is what the nozzle beside the till costs; it divides what is bought.
const tillPrice unit.Price = 500

// tillAt is a station's till with its journal on the session's disk and a pump that delivers what was ordered.
type tillAt struct {
	x     *session
	t     *till.Till
	wants unit.Fen // what flows; the pump stops at its preset before that
	queue []func()
	acts  link.ActID
	err   error
}

// newTill starts the till's program from its journal, with the pump's register at hand.
func (x *session) newTill(wants unit.Fen) *tillAt {
	a := &tillAt{x: x, wants: wants}
	a.t = till.New(till.Config{Number: 1, Realm: record.Training, Profile: x.Profile, Rand: random(x.s.sessions, 5)}, till.Deps{
		Append:   a.append,
		Transmit: a.transmit,
		Nozzle: func(record.Nozzle) (till.Nozzle, error) {
			return till.Nozzle{Product: fa.Product{0x10, 0x31}, Price: tillPrice}, nil
		},
		Authorise: a.authorise,
		Stop:      func(record.Nozzle) {},
		Grey:      func(fa.GreyAsk) { a.later(func() { a.t.GreyAnswered(x.Now(), nil) }) },
		Place:     func() terminal.Place { return terminal.Place{} },
		Lists:     noLists{},
	})
	for _, f := range x.s.station {
		a.t.Apply(f)
	}
	return a
}

type noLists struct{}

func (noLists) Black(pboc.ASN) terminal.Listing { return terminal.Listing{Known: true} }
func (noLists) White(pboc.ASN) terminal.Listing { return terminal.Listing{Known: true} }
func (noLists) Excluded(pboc.ASN) bool          { return false }

func (a *tillAt) later(f func()) { a.queue = append(a.queue, f) }

// append is one act of the station: whole or not at all.
func (a *tillAt) append(facts ...record.Fact) link.ActID {
	a.acts++
	id := a.acts
	a.later(func() {
		a.err = a.x.disk(func() { a.x.keepTill(facts, a.t.Apply) })
		if a.err == nil {
			a.t.Durable(a.x.Now(), id)
		}
	})
	return id
}

// keepTill writes facts of the station, and the steps among them in the form that the matrix judges.
func (x *session) keepTill(facts []record.Fact, apply func(record.Fact)) {
	for _, f := range facts {
		step, ok := f.(record.TillStep)
		e, entry := till.EntryOf(step)
		if ok && entry && e.Kind == x.forget {
			continue
		}
		x.s.station = append(x.s.station, f)
		apply(f)
		if ok && entry {
			x.s.log = append(x.s.log, e)
		}
	}
}

func (a *tillAt) transmit(id uint64, slot string, command []byte) {
	a.later(func() {
		d := toCard
		if slot == till.SlotPSAM {
			d = toSAM
		}
		out := a.x.out
		answer, err := a.x.transmit(d, command)
		if a.x.dead {
			a.err = errDead
			return
		}
		a.t.Answer(a.x.Now(), id, card.Reply{Data: answer, Err: err})
		if a.x.out && !out {
			a.t.Pulled(a.x.Now())
		}
	})
}

// authorise lets the pump run: what it delivers is in its register at once, whatever becomes of the station.
func (a *tillAt) authorise(_ record.Nozzle, p dispenser.Authorisation, sale record.SaleID) error {
	a.x.s.fuel = append(a.x.s.fuel, fuelled{sale.TTC, max(0, min(a.wants, ordered(p)))})
	a.later(a.sold)
	return nil
}

// ordered is what a preset is worth.
func ordered(p dispenser.Authorisation) unit.Fen {
	if p.Money > 0 {
		return p.Money
	}
	amount, err := unit.Amount(p.Volume, tillPrice)
	if err != nil {
		panic("tear: " + err.Error()) // what the till has ordered
	}
	return amount
}

// sold tells what the register says about the open sale; nothing, if the pump was never let run.
func (a *tillAt) sold() {
	_, sale, open := a.t.Open()
	if !open {
		return
	}
	s := dispenser.Sale{Verdict: dispenser.Agreed, Price: tillPrice}
	for _, f := range a.x.s.fuel {
		if f.ttc == sale.TTC {
			s.Amount, s.Volume = f.amount, unit.Affordable(f.amount, tillPrice)
		}
	}
	a.t.Sold(a.x.Now(), s)
}

// atTill is one insertion at the till: what is open is settled, then a sale is ordered, if something is wanted. An order of more
// than the card holds is one for as much as it holds.
func (x *session) atTill(wants unit.Fen) error {
	a := x.newTill(wants)
	a.t.Start(x.Now())
	a.later(a.sold) // the station's driver has the figures of a delivery that has ended meanwhile
	a.later(func() { a.t.Inserted(x.Now()) })
	order := till.Order{Nozzle: 1}
	if wants < buyMost {
		order.Money = max(wants, buy)
	}
	ordered, reached := false, false
	for n := 0; a.err == nil; n++ {
		if n > 10_000 {
			return errors.New("tear: the till does not end")
		}
		if len(a.queue) > 0 {
			next := a.queue[0]
			a.queue = a.queue[1:]
			next()
			continue
		}
		switch v := a.t.View(); {
		case v.Waits == "pin":
			a.err = a.t.PIN(x.Now(), []byte(x.card.PIN))
		case v.Waits == "order" && (wants == 0 || ordered):
			reached = true
			a.t.Pulled(x.Now())
		case v.Waits == "order":
			ordered = true
			a.err = a.t.Order(x.Now(), order)
		case v.Waits != "":
			return fmt.Errorf("tear: the till waits for %s", v.Waits)
		case a.t.Due() < x.Now().Add(time.Minute): // what the till does by itself a little later
			x.s.now = a.t.Due()
			a.t.Wake(x.Now())
		default:
			return a.ended(wants, reached)
		}
	}
	return a.err
}

// ended says whether an insertion came to its end: to the order, or to a receipt.
func (a *tillAt) ended(wants unit.Fen, reached bool) error {
	v := a.t.View()
	if wants == 0 && reached || wants != 0 && len(v.Receipt) > 0 && !a.x.out {
		return nil
	}
	return fmt.Errorf("tear: the till says %s", v.Prompt.En)
}

// tillOnce is the town's state with one sale at the till behind it.
func tillOnce(l *lab) (*state, error) {
	s := l.state()
	x, err := l.open(s, cut{})
	if err != nil {
		return nil, err
	}
	if err := x.atTill(buy); err != nil {
		return nil, err
	}
	return s, x.close()
}

// tillSettled checks the money, sells once more, and looks at the records for the center: each step that wants one has it, once,
// numbered without a gap, under the PSAM's T-MAC.
func tillSettled(l *lab, from, s *state) (string, error) {
	if err := l.soldRight(from, s); err != nil {
		return "", err
	}
	outcome := saleOutcome(from, s)
	again := s.clone()
	x, err := l.open(again, cut{})
	if err != nil {
		return "", err
	}
	if err := x.atTill(buy); err != nil {
		return "", fmt.Errorf("the next sale: %w", err)
	}
	if err := x.close(); err != nil {
		return "", err
	}
	if err := l.soldRight(from, again); err != nil {
		return "", fmt.Errorf("after the next sale: %w", err)
	}
	if err := l.numbers(again); err != nil {
		return "", err
	}
	return outcome, l.tillRecords(again)
}

var errNumber = errors.New("not the record that should stand there")

func (l *lab) tillRecords(s *state) error {
	var wanted, made int
	for _, f := range s.station {
		switch f := f.(type) {
		case record.TillStep:
			if len(f.Record) > 0 {
				wanted++
			}
		case record.DispenserRecord:
			made++
			r, err := fa.ParseRecord(f.Raw)
			if err != nil || r.Check() != nil || int(f.POSTTC) != made || int(r.POSTTC) != made || !r.Training() {
				return fmt.Errorf("record %d of the till: %w", made, errors.Join(err, r.Check(), errNumber))
			}
			span := r.TMACData()
			mac, err := l.Center.Keys.TMAC(l.Profile.TMACData(span[:]))
			if err != nil || mac != r.TMAC {
				return fmt.Errorf("record %d: T-MAC %v, want %v: %w", made, r.TMAC, mac, errors.Join(err, errNumber))
			}
			if kind := r.Type.Kind(); kind == fa.Fuelling && r.Volume != unit.Affordable(r.Amount, r.Price) {
				return fmt.Errorf("record %d: %v of %v", made, r.Volume, r.Amount)
			}
		}
	}
	if wanted != made {
		return fmt.Errorf("%d records wanted, %d made", wanted, made)
	}
	return nil
}

// openTill: a card that is grey has one open sale, and the station's journal names it.
func openTill(l *lab, from, s *state) error {
	o, err := l.look(s)
	if err != nil || o.Grey != fuelcard.Grey {
		return err
	}
	return openSale(l, from, s)
}
