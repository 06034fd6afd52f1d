package shift

import (
	"cmp"
	"slices"

	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Open is the shift that is open.
func (b *Book) Open() (record.ShiftOpened, bool) {
	if b.run.opened == nil {
		return record.ShiftOpened{}, false
	}
	return *b.run.opened, true
}

// Next is the number of the shift that is open or comes next.
func (b *Book) Next() uint64 { return uint64(len(b.closed)) + 1 }

// Closed lists the Zs, oldest first; the list is the book's own.
func (b *Book) Closed() []record.ShiftReport { return b.closed }

// Untold is the newest Z whose report is not in the journal: the program was stopped between the two.
func (b *Book) Untold() (record.ShiftReport, bool) {
	if b.told == uint64(len(b.closed)) {
		return record.ShiftReport{}, false
	}
	return b.closed[b.told], true
}

// Told notes that the report of a Z is in the journal.
func (b *Book) Told(number uint64) { b.told = max(b.told, min(number, uint64(len(b.closed)))) }

// Opened begins a shift; a second one in a row has never been written.
func (b *Book) Opened(f record.ShiftOpened) {
	if b.run.opened == nil && f.Number == b.Next() {
		b.run.opened = &f
	}
}

// Unexplained lists the nozzles whose totalizer ran without a record and without a reason, with how far.
func (b *Book) Unexplained(readings []record.MeterReading, reasons []record.MeterReason) (list []record.ShiftMeter) {
	for _, m := range b.X(0, readings).Meters {
		explained := slices.ContainsFunc(reasons, func(r record.MeterReason) bool { return r.Nozzle == m.Nozzle })
		for _, l := range m.Lines {
			if l.Kind == Unrecorded && !explained {
				list = append(list, m)
				break
			}
		}
	}
	return list
}

// X 中间报表 is the figures since the last close, with the readings as the nozzles tell them now. It changes nothing.
func (b *Book) X(nowMs int64, readings []record.MeterReading) record.ShiftReport {
	r := record.ShiftReport{Number: b.Next(), From: b.run.from, Products: sums{}, ClosedMs: nowMs}
	if r.From == 0 {
		r.From = 1
	}
	r.Products, r.Tenders, r.Types, r.Staff = copied(b.run.products), copied(b.run.tenders), copied(b.run.types), copied(b.run.staff)
	r.Days, r.Late = slices.Clone(b.run.days), slices.Clone(b.run.late)
	slices.SortFunc(r.Days, func(x, y record.ShiftDay) int {
		return cmp.Or(cmp.Compare(x.Day, y.Day), cmp.Compare(x.Tender, y.Tender))
	})
	r.Cash = &record.ShiftCash{}
	if o := b.run.opened; o != nil {
		r.OpenedMs, r.OpenedBy, r.Opening, r.Cash.Float = o.TimeMs, o.By, o.Dips, o.Float
	}
	for _, t := range r.Tenders {
		if t.Key == Cash {
			r.Cash.Sales = t.Amount
		}
	}
	for _, d := range b.run.drops {
		r.Cash.Dropped += d.Amount
	}
	r.Cash.Drops = slices.Clone(b.run.drops)
	r.Cash.Expected = r.Cash.Float + r.Cash.Sales - r.Cash.Dropped
	r.Meters = []record.ShiftMeter{}
	for _, k := range b.order {
		r.Meters = append(r.Meters, b.shown(k, readings))
	}
	return r
}

func copied(s sums) []record.ShiftSum { return append([]record.ShiftSum{}, s...) }

// shown is a nozzle's part; what an idle nozzle reads beyond its records is fuel without a record.
func (b *Book) shown(k Key, readings []record.MeterReading) record.ShiftMeter {
	m, n := b.meters[k], b.run.meters[k]
	if n == nil {
		n = &running1{open: m.at}
	}
	s := record.ShiftMeter{Port: k.Port, Nozzle: k.Nozzle, Unit: m.unit, Open: n.open, Close: m.at, Ran: n.ran, Sold: n.sold, Amount: n.amount, Count: n.count}
	for _, l := range n.lines {
		s.Lines = append(s.Lines, l.MeterLine)
	}
	for _, r := range readings {
		if r.Port != k.Port || r.Nozzle != k.Nozzle || !m.known {
			continue
		}
		switch beyond := since(r.Total, m.at, m.wrap); {
		case beyond <= 0: // an older reading
		case r.Busy:
			s.Beyond = unit.Quantity(beyond)
		default:
			s.Close, s.Ran = r.Total, s.Ran+unit.Quantity(beyond)
			s.Lines = append(s.Lines, record.MeterLine{Kind: Unrecorded, Quantity: unit.Quantity(beyond)})
		}
	}
	return s
}

// Hidden takes out of an X what a blind count must not know: all that shows how much cash should be there.
func Hidden(r record.ShiftReport) record.ShiftReport {
	r.Cash, r.Tenders, r.Types, r.Staff, r.Days = nil, []record.ShiftSum{}, []record.ShiftSum{}, []record.ShiftSum{}, []record.ShiftDay{}
	for i := range r.Meters {
		r.Meters[i].Amount = 0
	}
	for i := range r.Products {
		r.Products[i].Amount = 0
	}
	return r
}

// Close ends the shift at the fact's own place in the journal.
func (b *Book) Close(seq uint64, f record.ShiftClosed) {
	if b.run.opened == nil || f.Number != b.Next() {
		return // never written: one close of a shift
	}
	r := b.X(f.TimeMs, f.Readings)
	r.To, r.ClosedBy, r.Closing = seq, f.By, f.Dips
	if f.Counted != nil {
		r.Cash.Counted, r.Cash.Difference = f.Counted, *f.Counted-r.Cash.Expected
	}
	for i, m := range r.Meters {
		for j, l := range m.Lines {
			if l.Kind == Unrecorded {
				r.Meters[i].Lines[j] = explained(l, m.Nozzle, f.Reasons)
			}
		}
		b.meters[Key{m.Port, m.Nozzle}].at = m.Close
	}
	b.closed = append(b.closed, r)
	b.run = running{from: seq + 1}
}

// explained puts a person's reason on a line.
func explained(l record.MeterLine, n record.Nozzle, reasons []record.MeterReason) record.MeterLine {
	for _, r := range reasons {
		if r.Nozzle == n {
			l.Kind, l.Note = r.Kind, r.Note
		}
	}
	return l
}
