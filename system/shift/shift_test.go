package shift

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greylock/system/clock"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

const wrap = 1 << 32

var one = Key{1, 1}

// rig writes facts as a journal would number them.
type rig struct {
	Book
	seq   uint64
	no    uint32
	total int64
}

func (r *rig) sale(litres unit.Quantity) Sale {
	r.no++
	r.total = (r.total + int64(litres)) % wrap
	r.seq++
	return Sale{Seq: r.seq, Key: one, Kind: 0, Tender: "card", Day: 20261122, Number: r.no, Product: "1031", Quantity: litres, Moved: litres,
		Amount: unit.Fen(litres) * 8, End: r.total, Wrap: wrap}
}

func (r *rig) open() {
	r.seq++
	r.Opened(record.ShiftOpened{TimeMs: int64(r.seq), Number: r.Next(), By: "王强", Float: 50000})
}

func (r *rig) close(reasons ...record.MeterReason) record.ShiftReport {
	r.seq++
	counted := unit.Fen(49000)
	r.Close(r.seq, record.ShiftClosed{Number: r.Next(), By: "李梅", Counted: &counted, Reasons: reasons,
		Readings: []record.MeterReading{{Port: 1, Nozzle: 1, Total: r.total}}})
	return r.Closed()[len(r.Closed())-1]
}

func newRig(total int64) *rig {
	r := &rig{total: total}
	r.Reading(one, total, wrap, unit.Litre)
	return r
}

// balanced holds for every report: what ran is what was sold and the lines.
func balanced(t *testing.T, r record.ShiftReport) {
	t.Helper()
	var tenders, meters unit.Fen
	for _, x := range r.Tenders {
		tenders += x.Amount
	}
	for _, m := range r.Meters {
		sum := m.Sold
		for _, l := range m.Lines {
			sum += l.Quantity
		}
		if sum != m.Ran || since(m.Close, m.Open, wrap) != int64(m.Ran) {
			t.Errorf("shift %d: ran %v (%d to %d), sold and lines %v: %+v", r.Number, m.Ran, m.Open, m.Close, sum, m)
		}
		meters += m.Amount
	}
	if tenders != meters {
		t.Errorf("shift %d: tenders %v, nozzles %v", r.Number, tenders, meters)
	}
}

// TestShiftsPartitionTheJournal: each record is in one shift, also when its fuel spans the close, and the totalizer rolls over.
func TestShiftsPartitionTheJournal(t *testing.T) {
	t.Parallel()
	r := newRig(wrap - 1500)
	r.Sold(r.sale(1000)) // before anybody opened
	r.open()
	r.Sold(r.sale(2000))
	across := r.sale(300) // pumped, its record not here yet
	r.seq++
	r.Close(r.seq, record.ShiftClosed{Number: 1, By: "李梅", Readings: []record.MeterReading{{Port: 1, Nozzle: 1, Total: r.total, Busy: true}}})
	z := r.Closed()[0]
	balanced(t, z)
	if m := z.Meters[0]; m.Sold != 3000 || m.Beyond != 300 || len(m.Lines) != 0 || z.From != 1 || z.To != r.seq {
		t.Errorf("%+v", z)
	}
	r.Opened(record.ShiftOpened{Number: 9, By: "nobody"}) // not the next number: never written
	r.open()
	across.Seq = r.seq + 1
	r.seq++
	r.Sold(across)
	z2 := r.close()
	balanced(t, z2)
	if z2.Number != 2 || z2.From != z.To+1 || z2.Meters[0].Sold != 300 || z2.Meters[0].Open != z.Meters[0].Close || len(z2.Meters[0].Lines) != 0 {
		t.Errorf("%+v", z2)
	}
	if z2.Cash.Difference != -1000 || z2.Staff[0].Key != "王强" {
		t.Errorf("cash %+v, staff %+v", z2.Cash, z2.Staff)
	}
	r.Close(r.seq+1, record.ShiftClosed{Number: 2})
	if len(r.Closed()) != 2 {
		t.Error("closed twice")
	}
}

func TestDifferencesHaveLines(t *testing.T) {
	t.Parallel()
	r := newRig(10000)
	r.open()
	r.Sold(r.sale(1000))
	missing, more := r.sale(500), r.sale(200)
	r.Sold(r.sale(100))
	line := func(x record.ShiftReport, n int) []record.MeterLine {
		balanced(t, x)
		if got := x.Meters[0].Lines; len(got) != n {
			t.Fatalf("%+v", got)
		}
		return x.Meters[0].Lines
	}
	want := []record.MeterLine{{Kind: MissingRecord, Quantity: 700, First: 2, Last: 3}}
	if d := cmp.Diff(want, line(r.X(0, nil), 1)); d != "" {
		t.Error(d)
	}
	r.Sold(missing) // in time: no line of its own
	want = []record.MeterLine{{Kind: MissingRecord, Quantity: 200, First: 3, Last: 3}}
	z := r.close()
	if d := cmp.Diff(want, line(z, 1)); d != "" {
		t.Error(d)
	}
	r.open()
	r.total += 250 // somebody has drawn fuel
	readings := []record.MeterReading{{Port: 1, Nozzle: 1, Total: r.total}}
	if u := r.Unexplained(readings, nil); len(u) != 1 || u[0].Nozzle != 1 {
		t.Errorf("unexplained %+v", u)
	}
	reason := record.MeterReason{Nozzle: 1, Kind: TestDraw, Note: "检定"}
	if u := r.Unexplained(readings, []record.MeterReason{reason}); len(u) != 0 {
		t.Errorf("still unexplained %+v", u)
	}
	r.Sold(more) // late: after Z
	z = r.close(reason)
	want = []record.MeterLine{{Kind: LateRecord, Quantity: -200, First: 3, Last: 3, Shift: 1}, {Kind: TestDraw, Quantity: 250, Note: "检定"}}
	if d := cmp.Diff(want, line(z, 2)); d != "" {
		t.Error(d)
	}
	if len(z.Late) != 1 || z.Late[0].Shift != 1 || z.Late[0].Number != 3 {
		t.Errorf("%+v", z.Late)
	}
	r.open()
	r.total, r.no = 42, 0 // another board
	s := r.sale(300)
	s.Epoch = 1
	r.Sold(s)
	if l := line(r.close(), 1); l[0].Kind != BoardReplaced {
		t.Errorf("%+v", l)
	}
}

// TestNothingIsNoSale: a record of no fuel and no money counts in no figure; what the totalizer ran under it is a line.
func TestNothingIsNoSale(t *testing.T) {
	t.Parallel()
	r := newRig(10000)
	r.open()
	r.Sold(r.sale(1000))
	r.Sold(r.sale(0))
	lost := r.sale(200) // the board has forgotten it in a power cut
	lost.Quantity, lost.Amount = 0, 0
	r.Sold(lost)
	lost.Unread, lost.Moved = true, 777
	r.Sold(lost)
	z := r.close()
	balanced(t, z)
	m := z.Meters[0]
	if m.Count != 1 || m.Ran != 1200 || m.Sold != 1000 || len(z.Days) != 1 || z.Days[0].Count != 1 || z.Tenders[0].Count != 1 || z.Staff[0].Count != 1 {
		t.Errorf("%+v", z)
	}
	if d := cmp.Diff([]record.MeterLine{{Kind: Register, Quantity: 200, First: 3, Last: 3}}, m.Lines); d != "" {
		t.Error(d)
	}
}

// TestPlainBoardReplaced: a plain board that counts from somewhere else has moved its total back; the next sale fits again.
func TestPlainBoardReplaced(t *testing.T) {
	t.Parallel()
	r := newRig(10000)
	r.open()
	r.Sold(r.sale(1000))
	back := r.sale(0)
	back.Moved, back.End, r.total = -10900, 100, 100
	r.Sold(back)
	r.Sold(r.sale(300))
	z := r.close()
	balanced(t, z)
	want := []record.MeterLine{{Kind: BoardReplaced, Quantity: -10900, First: 2, Last: 2}}
	if d := cmp.Diff(want, z.Meters[0].Lines); d != "" || z.Meters[0].Sold != 1300 || z.Meters[0].Count != 2 || len(z.Late) != 0 {
		t.Errorf("%s %+v", d, z)
	}
}

// FuzzEveryOrder: whatever records come, late or never, each shift balances, and the shifts hold each record once.
func FuzzEveryOrder(f *testing.F) {
	f.Add(uint64(1))
	f.Add(uint64(77))
	f.Fuzz(func(t *testing.T, seed uint64) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		r := newRig(int64(rnd.Uint32()))
		var held []Sale
		taken := 0
		r.open()
		for range 200 {
			switch rnd.IntN(10) {
			case 0:
				balanced(t, r.close())
				r.open()
			case 1:
				lost := r.sale(unit.Quantity(rnd.IntN(3)))
				lost.Quantity, lost.Amount = 0, 0 // no sale: it counts nowhere
				r.Sold(lost)
				r.total = (r.total + int64(rnd.IntN(500))) % wrap
			case 2, 3:
				held = append(held, r.sale(unit.Quantity(1+rnd.IntN(5000))))
			case 4, 5:
				if n := len(held); n > 0 {
					i := rnd.IntN(n)
					r.Sold(held[i])
					held = append(held[:i], held[i+1:]...)
					taken++
				}
			default:
				r.Sold(r.sale(unit.Quantity(1 + rnd.IntN(5000))))
				taken++
			}
		}
		balanced(t, r.X(0, nil))
		balanced(t, r.close())
		count, next := 0, uint64(1)
		for i, z := range r.Closed() {
			if z.From != next || z.Number != uint64(i)+1 {
				t.Fatalf("shift %d begins at %d, want %d", z.Number, z.From, next)
			}
			next = z.To + 1
			for _, m := range z.Meters {
				count += m.Count
			}
		}
		if count != taken {
			t.Fatalf("%d records in shifts, %d were taken", count, taken)
		}
	})
}

func code(err error) string {
	var r record.Refusal
	errors.As(err, &r)
	return r.Code
}

func TestDaysAndMonths(t *testing.T) {
	t.Parallel()
	const cut = 6 * 60
	at := func(day, hour int) clock.Instant { return clock.At(2026, 11, day, hour, 0, 0) }
	r := newRig(0)
	sell := func(day clock.BusinessDay, tender string) {
		s := r.sale(1000)
		s.Day, s.Tender = day, tender
		r.Sold(s)
	}
	open := func(when clock.Instant) {
		r.seq++
		r.Opened(record.ShiftOpened{TimeMs: when.Milli(), Number: r.Next(), By: "王强"})
	}
	sell(20261122, "card")
	if _, err := r.CloseDay(20261122, at(23, 7), cut); code(err) != "SHIFT_MISSING" {
		t.Error(err)
	}
	open(at(22, 8))
	sell(20261122, Cash)
	sell(20261123, "card") // the shift spans the cut
	for _, c := range []struct {
		d    clock.BusinessDay
		now  clock.Instant
		code string
	}{{20261122, at(23, 5), "DAY_NOT_OVER"}, {20261122, at(23, 7), "SHIFT_OPEN"}} {
		if _, err := r.CloseDay(c.d, c.now, cut); code(err) != c.code {
			t.Errorf("%v at %v: %v", c.d, c.now, err)
		}
	}
	r.close()
	open(at(23, 7))
	if _, err := r.CloseDay(20261123, at(24, 7), cut); code(err) != "SHIFT_OPEN" {
		t.Error(err)
	}
	rep, err := r.CloseDay(20261122, at(23, 8), cut)
	want := record.DayReport{Number: 1, Day: 20261122, LastShift: 1, Shifts: []uint64{1},
		Tenders: []record.ShiftSum{{Key: "card", DaySum: record.DaySum{Count: 1, Quantity: unit.Litre.Of(1000), Amount: 8000}}, {Key: "cash", DaySum: record.DaySum{Count: 1, Quantity: unit.Litre.Of(1000), Amount: 8000}}},
		DaySum:  record.DaySum{Count: 2, Quantity: unit.Litre.Of(2000), Amount: 16000}}
	if d := cmp.Diff(want, rep); err != nil || d != "" {
		t.Fatal(err, d)
	}
	r.DayClosed(record.DayClosed{Report: rep})
	if _, err := r.CloseDay(20261122, at(23, 8), cut); code(err) != "DAY_CLOSED" {
		t.Error(err)
	}
	sell(20261122, "card") // late
	if d := r.Day(20261122); d.Count != 2 || d.Late.Count != 1 || d.Open.Count != 0 {
		t.Errorf("%+v", d)
	}
	r.close()
	if d := r.Day(20261122); d.Late.Count != 1 {
		t.Errorf("late once: %+v", d)
	}
	if _, err := r.CloseDay(20261124, at(25, 7), cut); code(err) != "DAY_BEFORE_OPEN" {
		t.Error(err)
	}
	for month, want := range map[int]string{202611: "MONTH_NOT_OVER", 202613: "MONTH"} {
		if _, err := r.CloseMonth(month, at(30, 23), cut); code(err) != want {
			t.Errorf("%d: %v", month, err)
		}
	}
	if _, err := r.CloseMonth(202611, clock.At(2026, 12, 1, 7, 0, 0), cut); code(err) != "DAY_OPEN" {
		t.Error(err)
	}
	rep, err = r.CloseDay(20261123, at(24, 7), cut)
	if err != nil {
		t.Fatal(err)
	}
	r.DayClosed(record.DayClosed{Report: rep})
	m, err := r.CloseMonth(202611, clock.At(2026, 12, 1, 7, 0, 0), cut)
	if err != nil || m.Days != 2 || m.Count != 3 || m.Late.Count != 1 || len(m.Tenders) != 2 {
		t.Errorf("%+v %v", m, err)
	}
	r.MonthClosed(record.MonthClosed{Report: m})
	if _, err := r.CloseMonth(202611, clock.At(2026, 12, 1, 7, 0, 0), cut); code(err) != "MONTH_CLOSED" {
		t.Error(err)
	}
}

func TestHiddenShowsNoCash(t *testing.T) {
	t.Parallel()
	r := newRig(0)
	r.open()
	s := r.sale(1000)
	s.Tender = Cash
	r.Sold(s)
	x := Hidden(r.X(1, nil))
	if x.Cash != nil || len(x.Tenders)+len(x.Types)+len(x.Staff)+len(x.Days) != 0 || len(x.Meters) != 1 {
		t.Errorf("%+v", x)
	}
}

// TestDuty: a sale is the attendant's who is on duty at its nozzle, by the record or by an act.
func TestDuty(t *testing.T) {
	t.Parallel()
	r := newRig(0)
	r.open()
	r.Sold(r.sale(100))
	r.Duty(one, "7")
	r.Sold(r.sale(200))
	s := r.sale(400)
	s.Attendant = "9"
	r.Sold(s)
	r.Duty(one, "")
	r.Sold(r.sale(800))
	r.Settled(3, 100)
	z := r.close()
	want := []record.ShiftSum{{Key: "7", DaySum: record.DaySum{Count: 1, Quantity: unit.Litre.Of(200), Amount: 1600}}, {Key: "9", DaySum: record.DaySum{Count: 1, Quantity: unit.Litre.Of(400), Amount: 3200}}, {Key: "王强", DaySum: record.DaySum{Count: 2, Quantity: unit.Litre.Of(900), Amount: 7200}}}
	if d := cmp.Diff(want, z.Staff); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]record.ShiftSum{{Key: "0", DaySum: record.DaySum{Count: 4, Quantity: unit.Litre.Of(1500), Amount: 12000}}, {Key: "3", DaySum: record.DaySum{Count: 1, Amount: 100}}}, z.Types); d != "" {
		t.Error(d)
	}
}
