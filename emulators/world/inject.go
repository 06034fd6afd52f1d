package world

import (
	"fmt"
	"time"

	"greylock/emulators/fault"
	"greylock/emulators/line"
	"greylock/system/clock"
	"greylock/system/wire/record"
)

// WordFaults brings faults about by the one vocabulary.
type WordFaults interface {
	// Inject brings about what fault.Parse reads: now, or when its time comes; one with a duration mends itself.
	Inject(text string) error
	// Mend ends the faults of the device, place and kind that the text names.
	Mend(text string) error
	// Relieve ends all faults that were injected, also those that have not begun.
	Relieve() error
	// Struck tells how often the injected faults of this device and kind have taken effect.
	Struck(text string) (int, error)
	// Burst sends so many bytes of noise towards a board and tells how long they took.
	Burst(nozzle record.Nozzle, bytes int) (time.Duration, error)
	// LineErrors counts what came with wrong parity, or without a stop bit.
	LineErrors(nozzle record.Nozzle) (parity, framing int, err error)
}

// injured is a fault on its way, or in force.
type injured struct {
	f      fault.Fault
	begun  bool
	ended  bool
	end    func()     // nil: nothing is left of it
	struck func() int // nil: once, when it began
}

// injector brings a fault about.
type injector func(w *World, f fault.Fault, x *injured) error

// pair is a row of fault.Table.
type pair struct {
	device fault.Device
	kind   fault.Kind
}

// injectors by the pairs of fault.Table: a test holds that they are the same.
func injectors() map[pair]injector {
	all := map[pair]injector{}
	for _, group := range []map[pair]injector{lineInjectors(), pumpInjectors(), plainInjectors(), chipInjectors(), siteInjectors(), upsInjectors()} {
		for p, i := range group {
			all[p] = i
		}
	}
	return all
}

func (f faults) Inject(text string) error {
	q, err := fault.Parse(text)
	if err == nil {
		_, err = f.w.inject(q)
	}
	return err
}

// inject brings a fault about. The caller has checked it against fault.Table.
func (w *World) inject(f fault.Fault) (*injured, error) {
	x := &injured{f: f}
	inject := injectors()[pair{f.Device, f.Kind}]
	if inject == nil {
		return nil, fmt.Errorf("%w: 这座城镇做不到 (this town can not do it): %v", fault.ErrPair, f)
	}
	var err error
	w.injured = append(w.injured, x)
	begin := func() {
		if x.ended {
			return
		}
		if err = inject(w, x.f, x); err != nil {
			w.note("fault", err.Error())
			x.ended = true
			return
		}
		x.begun = true
		w.happened(string(x.f.Device) + " " + string(x.f.Kind))
		if x.f.For > 0 {
			w.at(w.now.Add(x.f.For), x.relieve)
		}
	}
	if x.f.After > 0 {
		w.at(w.now.Add(x.f.After), begin)
		return x, nil
	}
	begin()
	return x, err
}

func (f faults) Mend(text string) error {
	q, err := fault.Parse(text)
	if err != nil {
		return err
	}
	for _, x := range f.w.injured {
		if x.f.Device == q.Device && x.f.Place == q.Place && x.f.Kind == q.Kind {
			x.relieve()
		}
	}
	return nil
}

func (f faults) Relieve() error {
	for _, x := range f.w.injured {
		x.relieve()
	}
	return nil
}

// relieve ends it.
func (x *injured) relieve() {
	if !x.ended && x.begun {
		n := x.effect()
		x.struck = func() int { return n } // of the next fault of this device it knows nothing
		if x.end != nil {
			x.end()
		}
	}
	x.ended = true
}

func (f faults) Struck(text string) (n int, err error) {
	q, err := fault.Parse(text)
	for _, x := range f.w.injured {
		if err == nil && x.f.Device == q.Device && x.f.Kind == q.Kind {
			n += x.effect()
		}
	}
	return n, err
}

// effect is how often it has taken effect.
func (x *injured) effect() int {
	switch {
	case !x.begun:
		return 0
	case x.struck == nil:
		return 1
	}
	return x.struck()
}

// lateBy is how late a delayed piece comes at most: longer than a station waits for the answer of a plain board.
const lateBy = 400 * time.Millisecond

// usual is the probability of damage that the text does not say, in thousandths.
const usual = 100

// contact is the rhythm of a bad contact.
const contact, contactLost = time.Second, 300 * time.Millisecond

// counted turns a fault of the next record into one of the next so many, and counts what w.happened says of it.
func (w *World) counted(x *injured, word string, arm func(p *pump)) func(f fault.Fault) error {
	return func(f fault.Fault) error {
		p, err := w.pumped(f)
		if err != nil {
			return err
		}
		before := w.faults[word]
		left := max(1, f.Times)
		var again func()
		again = func() {
			if p.mangle = nil; left > 0 {
				left--
				arm(p)
				p.mangled = again
			}
		}
		again()
		x.struck = func() int { return w.faults[word] - before }
		x.end = func() { p.mangle, p.mangled = nil, nil }
		return nil
	}
}

// Burst sends so many bytes of noise towards a board and tells how long the last of them was on the way.
func (f faults) Burst(n record.Nozzle, bytes int) (took time.Duration, err error) {
	w := f.w
	x, err := w.wired(n)
	if err != nil {
		return 0, err
	}
	waiting, crossed := 0, uint64(0)
	look := func() {
		x.with(func(_ clock.Instant, m *line.Mem) {
			waiting, crossed = m.Waiting(line.Device), m.Counters(line.Device).Bytes
		})
	}
	if err := w.until("the line is free", func() bool { look(); return waiting == 0 }, time.Minute); err != nil {
		return 0, err
	}
	from, all := w.now, crossed+uint64(bytes)
	x.with(func(now clock.Instant, m *line.Mem) { m.Babble(now, line.Device, bytes) })
	err = w.until("the bytes have crossed", func() bool { look(); return crossed >= all }, time.Minute)
	return w.now.Sub(from), err
}

// LineErrors counts the bytes of a nozzle's line that came with wrong parity or without a stop bit, in both directions.
func (f faults) LineErrors(n record.Nozzle) (parity, framing int, err error) {
	err = f.line(n, func(x wire) {
		x.with(func(_ clock.Instant, m *line.Mem) {
			for _, to := range []line.Side{line.Station, line.Device} {
				c := m.Counters(to)
				parity, framing = parity+int(c.Parity), framing+int(c.Framing)
			}
		})
	})
	return parity, framing, err
}
