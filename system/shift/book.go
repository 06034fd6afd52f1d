// Package shift is the station's book of shifts, days and months: pure bookkeeping over the journal's facts, in their order.
//
// A shift is an interval of the journal. Each nozzle's totalizer at a boundary is that after the last record before it, so a sale
// that spans the close belongs wholly to the next shift, with its fuel. What the totalizers ran and what was sold agree to the
// hundredth, or a line says why they do not. Source: features.md T4, T5; trust.md 84, M8, M11.
package shift

import (
	"slices"
	"strconv"

	"greylock/system/clock"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Words of lines that the book writes by itself. A person's reasons are test-draw, missing-record, board-replaced and other.
const (
	MissingRecord = "missing-record" // numbers are missing where the totalizer ran on
	Unrecorded    = "unrecorded"     // the totalizer ran on and no number is missing: a person has to say why
	LateRecord    = "late-record"    // its fuel is in an earlier shift's totalizer
	BoardReplaced = "board-replaced"
	Register      = "register" // a record's volume is not what the totalizer ran
	Other         = "other"
	TestDraw      = "test-draw"
)

// Tenders that the book knows: Cash is the drawer's; Test is fuel that goes back into the tank, and is no sale of any day.
const (
	Cash = "cash"
	Test = "test"
)

// Key names a nozzle: what hangs on a port may change.
type Key struct {
	Port   int
	Nozzle record.Nozzle
}

// Sale is one record of fuel, as the book needs it.
type Sale struct {
	Seq       uint64
	Key       Key
	Kind      int    // T-TYPE
	Tender    string // cash, card, account, bank, owed, test, other
	Day       clock.BusinessDay
	Time      string
	Number    uint32 // the board's
	Epoch     int    // +1 when the board began its numbers again
	Product   string
	Unit      unit.Unit
	Attendant string // by the record; "" for who is on duty
	Quantity  unit.Quantity
	Amount    unit.Fen
	Moved     unit.Quantity // how far the totalizer ran
	End       int64         // the totalizer afterwards
	Unread    bool          // nobody knows it: Moved and End say nothing
	Wrap      int64         // one more than its highest value
}

// meter is a nozzle's totalizer as the records have moved it.
type meter struct {
	known bool
	at    int64  // after the last record
	last  uint32 // number of that record; 0: none yet
	epoch int
	wrap  int64
	unit  unit.Unit
	duty  string
}

// running is the figures since the last close.
type running struct {
	from     uint64
	opened   *record.ShiftOpened
	meters   map[Key]*running1
	products sums
	tenders  sums
	types    sums
	staff    sums
	days     []record.ShiftDay
	late     []record.LateRecord
	drops    []record.CashDropped
}

// running1 is one nozzle's.
type running1 struct {
	open   int64
	ran    unit.Quantity
	sold   unit.Quantity
	amount unit.Fen
	count  int
	lines  []line
}

// line is a difference; From and To are where the totalizer ran without a record.
type line struct {
	record.MeterLine
	from, to int64
}

// Book is all of it. The zero value is an empty book. It changes by facts alone.
type Book struct {
	meters map[Key]*meter
	order  []Key
	run    running
	closed []record.ShiftReport // Z 1, 2, 3 …
	told   uint64               // Zs whose report is in the journal
	days   []record.DayReport   // closed
	months []record.MonthReport
}

// sums are sums by word, in order of the word.
type sums []record.ShiftSum

func (s *sums) add(key string, what record.DaySum) {
	i, found := slices.BinarySearchFunc(*s, key, func(x record.ShiftSum, k string) int {
		switch {
		case x.Key < k:
			return -1
		case x.Key > k:
			return 1
		}
		return 0
	})
	if !found {
		*s = slices.Insert(*s, i, record.ShiftSum{Key: key})
	}
	(*s)[i].DaySum = (*s)[i].Plus(what)
}

// join adds whole sums.
func (s *sums) join(list []record.ShiftSum) {
	for _, x := range list {
		s.add(x.Key, x.DaySum)
	}
}

func (b *Book) meter(k Key) *meter {
	if b.meters == nil {
		b.meters = map[Key]*meter{}
	}
	if b.meters[k] == nil {
		b.meters[k] = &meter{}
		b.order = append(b.order, k)
		slices.SortFunc(b.order, func(x, y Key) int {
			if x.Port != y.Port {
				return x.Port - y.Port
			}
			return int(x.Nozzle - y.Nozzle)
		})
	}
	return b.meters[k]
}

func (b *Book) nozzle(k Key) *running1 {
	if b.run.meters == nil {
		b.run.meters = map[Key]*running1{}
	}
	if b.run.meters[k] == nil {
		b.run.meters[k] = &running1{open: b.meter(k).at}
	}
	return b.run.meters[k]
}

// Reading takes the totalizer that a nozzle tells: the first one begins its book, before any record.
func (b *Book) Reading(k Key, total, wrap int64, u unit.Unit) {
	if m := b.meter(k); !m.known {
		m.known, m.at, m.wrap, m.unit = true, total, wrap, u
		b.nozzle(k).open = total
	}
}

// Duty says who serves a nozzle from now on; "" for nobody.
func (b *Book) Duty(k Key, person string) { b.meter(k).duty = person }

// OnDuty is who serves a nozzle now; "" for nobody.
func (b *Book) OnDuty(k Key) string {
	if m := b.meters[k]; m != nil {
		return m.duty
	}
	return ""
}

// Dropped takes cash out of the drawer of the open shift.
func (b *Book) Dropped(f record.CashDropped) {
	if b.run.opened != nil && f.Shift == b.Next() {
		b.run.drops = append(b.run.drops, f)
	}
}

// DroppedBag says that a bag of this number has left the drawer in the open shift.
func (b *Book) DroppedBag(bag string) bool {
	return slices.ContainsFunc(b.run.drops, func(f record.CashDropped) bool { return f.Bag == bag })
}

// since is how far a totalizer has run from one reading to another; negative: it is behind.
func since(to, from, wrap int64) int64 {
	d := ((to-from)%wrap + wrap) % wrap
	if d >= wrap/2 {
		d -= wrap
	}
	return d
}

// Settled takes a settlement of an earlier sale (T-TYPE 3, 4): money, and no new fuel.
func (b *Book) Settled(kind int, amount unit.Fen) {
	b.run.types.add(strconv.Itoa(kind), record.DaySum{Count: 1, Amount: amount})
}

// nothing says that a record is of no fuel and no money. It is no sale: it counts in no figure, but it is in the journal, and what
// the totalizer ran under it is a line.
func (s Sale) nothing() bool { return s.Quantity == 0 && s.Amount == 0 }

// Sold takes a record of fuel.
func (b *Book) Sold(s Sale) {
	if s.nothing() && (s.Moved == 0 || s.Unread) {
		return
	}
	m := b.meter(s.Key)
	start := ((s.End-int64(s.Moved))%s.Wrap + s.Wrap) % s.Wrap
	if !m.known && !s.Unread {
		b.Reading(s.Key, start, s.Wrap, s.Unit)
	}
	m.unit = s.Unit
	n := b.nozzle(s.Key)
	if !s.nothing() {
		n.sold, n.amount, n.count = n.sold+s.Quantity, n.amount+s.Amount, n.count+1
	}
	if s.Unread {
		s.Moved = 0
	} else {
		b.place(m, n, s, start)
	}
	if d := max(s.Moved, 0) - s.Quantity; d != 0 {
		n.lines = append(n.lines, line{MeterLine: record.MeterLine{Kind: Register, Quantity: d, First: s.Number, Last: s.Number}})
	}
	if !s.nothing() {
		b.tell(m, s)
	}
}

// place moves the totalizer by a record and writes what does not fit.
func (b *Book) place(m *meter, n *running1, s Sale, start int64) {
	gap := since(start, m.at, m.wrap)
	on := func() {
		n.ran += unit.Quantity(gap) + s.Moved
		m.at, m.last, m.epoch = s.End, s.Number, s.Epoch
	}
	switch {
	case s.Moved < 0: // a plain board counts from somewhere else: it has no epochs
		gap = since(s.End, m.at, m.wrap)
		n.lines = append(n.lines, line{MeterLine: record.MeterLine{Kind: BoardReplaced, Quantity: unit.Quantity(gap), First: s.Number, Last: s.Number}})
		n.ran += unit.Quantity(gap)
		m.at, m.last = s.End, s.Number
	case s.Epoch > m.epoch && m.last != 0:
		n.lines = append(n.lines, line{MeterLine: record.MeterLine{Kind: BoardReplaced, Quantity: unit.Quantity(gap), First: s.Number, Last: s.Number}})
		on()
	case m.last == 0 && len(b.closed) == 0 && gap < 0: // the first reading was later than the first record
		n.open, gap = start, 0
		on()
	case s.Epoch < m.epoch || since(s.End, m.at, m.wrap) <= 0:
		b.late(n, s, start)
	case gap == 0:
		on()
	default:
		l := line{MeterLine: record.MeterLine{Kind: Unrecorded, Quantity: unit.Quantity(gap)}, from: m.at, to: start}
		if gap > 0 && s.Number > m.last+1 {
			l.Kind, l.First, l.Last = MissingRecord, m.last+1, s.Number-1
		}
		n.lines = append(n.lines, l)
		on()
	}
}

// late finds where a record's fuel is already in the totalizer: in a gap of this shift, which it fills, or in an earlier shift.
func (b *Book) late(n *running1, s Sale, start int64) {
	for i, l := range n.lines {
		if l.to != l.from && since(start, l.from, s.Wrap) >= 0 && since(l.to, s.End, s.Wrap) >= 0 {
			n.lines = slices.Delete(n.lines, i, i+1)
			for _, part := range []line{rest(l, l.from, start, s.Wrap, l.First, s.Number-1), rest(l, s.End, l.to, s.Wrap, s.Number+1, l.Last)} {
				if part.Quantity != 0 {
					n.lines = append(n.lines, part)
				}
			}
			return
		}
	}
	from := b.pumped(s, start)
	n.lines = append(n.lines, line{MeterLine: record.MeterLine{Kind: LateRecord, Quantity: -s.Moved, First: s.Number, Last: s.Number, Shift: from}})
	b.run.late = append(b.run.late, record.LateRecord{Seq: s.Seq, Port: s.Key.Port, Nozzle: s.Key.Nozzle, Number: s.Number, Time: s.Time, Shift: from,
		Quantity: s.Quantity, Unit: s.Unit, Amount: s.Amount})
}

// rest is what remains of a gap.
func rest(l line, from, to, wrap int64, first, last uint32) line {
	l.from, l.to, l.Quantity = from, to, unit.Quantity(since(to, from, wrap))
	if l.Kind == MissingRecord {
		l.First, l.Last = first, last
		if first > last { // fuel, and no number for it
			l.Kind, l.First, l.Last = Unrecorded, 0, 0
		}
	}
	return l
}

// pumped is the closed shift in whose totalizer a record's fuel is; 0: before the books.
func (b *Book) pumped(s Sale, start int64) uint64 {
	for i := len(b.closed) - 1; i >= 0; i-- {
		for _, m := range b.closed[i].Meters {
			if m.Port == s.Key.Port && m.Nozzle == s.Key.Nozzle && since(start, m.Open, s.Wrap) >= 0 && since(m.Close, s.End, s.Wrap) >= 0 {
				return b.closed[i].Number
			}
		}
	}
	return 0
}

// tell adds a sale to the sums.
func (b *Book) tell(m *meter, s Sale) {
	r := &b.run
	one := record.OneSale(s.Quantity, s.Unit, s.Amount)
	r.products.add(s.Product, one)
	r.tenders.add(s.Tender, one)
	r.types.add(strconv.Itoa(s.Kind), one)
	if s.Tender == Test {
		return
	}
	who := s.Attendant
	if who == "" {
		who = m.duty
	}
	if who == "" && r.opened != nil {
		who = r.opened.By
	}
	r.staff.add(who, one)
	i := slices.IndexFunc(r.days, func(d record.ShiftDay) bool { return d.Day == s.Day && d.Tender == s.Tender })
	if i < 0 {
		r.days = append(r.days, record.ShiftDay{Day: s.Day, Tender: s.Tender})
		i = len(r.days) - 1
	}
	r.days[i].DaySum = r.days[i].Plus(one)
}
