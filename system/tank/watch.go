package tank

import (
	"fmt"
	"strconv"
	"time"

	"greylock/system/clock"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// What a watch goes by. Volumes are hundredths of a litre.
const (
	dipEvery   = time.Hour
	dipLatest  = 15 * time.Minute // after the hour: then also while nozzles draw
	stillTime  = time.Minute      // without a movement that nobody explains, before a dip counts
	stillBand  = 10 * 100         // such a movement
	hoseTime   = 3 * time.Minute  // the same, before a delivery has ended
	riseOpens  = 150 * 100        // so much more than expected is a delivery
	leakHour   = 8 * 100          // missing within an hour in which nothing was drawn
	stuckDrawn = 100 * 100        // drawn while the level did not move
	stuckDoubt = 40 * 100         // the same, before a level is not believed any more
	stuckMoves = 20 * 100         // a level that moves
	day        = 24 * time.Hour
	driftLeast = 1000 * 100 // metered alone before a nozzle is judged
	driftMost  = 10         // permille
)

// Live is a tank as the gauge shows it now.
type Live struct {
	Volume, Net unit.Quantity
	Height      unit.Length
	Water       unit.Length
	Temperature unit.Degrees
	Delivering  bool          // the console says so
	Pending     unit.Quantity // drawn by nozzles of this tank, in no record yet
	Busy        bool          // a nozzle draws
	Blind       bool          // a nozzle is out of sight: what is missing may be in its records to come
}

// dip makes the fact.
func (l Live) dip(now clock.Instant, tank int) record.TankDip {
	return record.TankDip{TimeMs: now.Milli(), Tank: tank, Why: record.DipHour, Volume: l.Volume, Net: l.Net, Height: l.Height, Water: l.Water,
		Temperature: l.Temperature, Pending: l.Pending}
}

// Watch judges what the gauge shows of one tank. Its memory is short and may be lost: what matters is in the book.
type Watch struct {
	seen   bool
	mark   unit.Quantity // unexplained, when it last moved
	still  clock.Instant // since when it has not
	level  unit.Quantity // shown when the probe last moved
	drawn  unit.Quantity // drawn by then
	raised map[said]bool
}

// Trouble is something that a person must look at; the station raises it.
type Trouble = record.Alarm

// Look takes what the gauge shows and returns the facts to be written, as one act, and what is wrong. Facts must be in the book
// before the next Look.
func (w *Watch) Look(now clock.Instant, b *Book, t *Tank, l Live) (facts []record.Fact, wrong []Trouble) {
	wrong = w.limits(t, l.Volume, l.Water)
	expected, drawn, known := t.Expected(l.Pending)
	rise := l.Net - expected
	if !w.seen || abs(rise-w.mark) > stillBand {
		w.mark, w.still = rise, now
	}
	if !known {
		w.seen = true
		dip := l.dip(now, t.Plan.Tank)
		dip.Why = record.DipFirst
		return []record.Fact{dip}, wrong
	}
	still := w.frozen(l.Volume, t.drawn+l.Pending)
	wrong = w.say(wrong, still >= stuckDrawn, "gauge-stuck", subject(t), func() (zh, en string) {
		return fmt.Sprintf("%d 号罐已出油 %v 升, 液位不动: 改用人工量油", t.Plan.Tank, still),
			fmt.Sprintf("%v L were drawn from tank %d and its level does not move: dip by hand", still, t.Plan.Tank)
	})
	if still >= stuckDoubt {
		return nil, wrong
	}
	last, _ := t.Last()
	age, quiet := now.Sub(clock.FromMilli(last.TimeMs)), now.Sub(w.still)
	if d, under := b.Under(t.Plan.Tank); under {
		if l.Delivering || quiet < hoseTime || l.Busy && quiet < dipLatest {
			return nil, wrong
		}
		facts, more := w.closing(now, t, d, l.dip(now, t.Plan.Tank))
		return facts, append(wrong, more...)
	}
	switch {
	case rise >= riseOpens:
		return []record.Fact{record.DeliveryOpened{TimeMs: now.Milli(), Tank: t.Plan.Tank, Delivery: b.Next(), SinceMs: last.TimeMs}}, wrong
	case age < dipEvery || quiet < stillTime || l.Delivering || l.Busy && age < dipEvery+dipLatest:
		return nil, wrong
	}
	dip := l.dip(now, t.Plan.Tank)
	if l.Blind {
		return []record.Fact{dip}, wrong
	}
	return []record.Fact{dip}, append(wrong, w.judge(t, dip, drawn, age)...)
}

// frozen is how much was drawn while the level did not move.
func (w *Watch) frozen(level, drawn unit.Quantity) unit.Quantity {
	if !w.seen || drawn < w.drawn || abs(level-w.level) > stuckMoves {
		w.seen, w.level, w.drawn = true, level, drawn
	}
	return drawn - w.drawn
}

// closing are the facts that end a delivery: the dip after it, and what has come. The dip is not in the book yet. What a note
// that is there already says more is wrong.
func (w *Watch) closing(now clock.Instant, t *Tank, d Delivery, dip record.TankDip) ([]record.Fact, []Trouble) {
	expected, drawn, _ := t.Expected(dip.Pending)
	last, _ := t.Last()
	if dip.Why == record.DipHour {
		dip.Why = record.DipDelivery
	}
	f := record.DeliveryClosed{TimeMs: now.Milli(), Tank: t.Plan.Tank, Delivery: d.Number, Sold: drawn,
		Measured: dip.Volume - last.Volume + drawn, Net: dip.Net - expected}
	d.close(f)
	var wrong []Trouble
	if d.Short > 0 {
		wrong = append(wrong, d.Alarm(now))
	}
	return []record.Fact{dip, f}, wrong
}

// Take takes a dip that a person wants, with the stick or of the gauge; it may show a delivery that no gauge has seen.
func (w *Watch) Take(now clock.Instant, b *Book, t *Tank, dip record.TankDip, blind bool) (facts []record.Fact, wrong []Trouble) {
	wrong = w.limits(t, dip.Volume, dip.Water)
	expected, drawn, known := t.Expected(dip.Pending)
	if !known {
		return []record.Fact{dip}, wrong
	}
	last, _ := t.Last()
	d, under := b.Under(t.Plan.Tank)
	switch rise := dip.Net - expected; {
	case under && dip.Why == record.DipHand:
		facts, more := w.closing(now, t, d, dip)
		return facts, append(wrong, more...)
	case under:
		return nil, wrong // the gauge shows a tank that still fills: the dip is answered, and does not count
	case rise >= riseOpens && dip.Why == record.DipHand:
		open := record.DeliveryOpened{TimeMs: now.Milli(), Tank: t.Plan.Tank, Delivery: b.Next(), SinceMs: last.TimeMs}
		facts, more := w.closing(now, t, Delivery{Number: open.Delivery, Tank: open.Tank}, dip)
		return append([]record.Fact{open}, facts...), append(wrong, more...)
	case rise >= riseOpens:
		return nil, wrong
	case !blind:
		wrong = append(wrong, w.judge(t, dip, drawn, now.Sub(clock.FromMilli(last.TimeMs)))...)
	}
	return []record.Fact{dip}, wrong
}

// judge looks at a dip that is about to be written: what is missing since the last one, and in a day.
func (w *Watch) judge(t *Tank, dip record.TankDip, drawn unit.Quantity, age time.Duration) (wrong []Trouble) {
	expected, _, _ := t.Expected(dip.Pending)
	lost := expected - dip.Net
	last, _ := t.Last()
	byGauge := dip.Why != record.DipHand && last.Why != record.DipHand
	hours := unit.Quantity(max(1, (age+dipLatest)/time.Hour))
	wrong = w.say(wrong, byGauge && drawn == 0 && lost >= leakHour*hours, "tank-leak", subject(t), func() (zh, en string) {
		return fmt.Sprintf("%d 号罐未出油, %v 内少了 %v 升: 疑漏油", t.Plan.Tank, age.Round(time.Minute), lost),
			fmt.Sprintf("tank %d lost %v L in %v while nothing was drawn: a leak?", t.Plan.Tank, lost, age.Round(time.Minute))
	})
	n := len(t.spans)
	next := *t
	next.spans = append(t.spans[:n:n], span{dip: dip})
	wrong = w.balance(wrong, &next, last.TimeMs, dip.TimeMs)
	for _, d := range next.drift(0, n) {
		wrong = w.say(wrong, d.Sure(), "nozzle-drift", fmt.Sprintf("nozzle %d", d.Nozzle), func() (zh, en string) {
			return fmt.Sprintf("%d 号枪计量与油罐相差 %d‰ (累计 %v 升)", d.Nozzle, -d.Permille, d.Metered),
				fmt.Sprintf("the meter of nozzle %d and its tank differ by %d in 1000 (over %v L)", d.Nozzle, -d.Permille, d.Metered)
		})
	}
	return wrong
}

// looks are how far back a balance is looked at: what loses a little each day is out of tolerance after a week or a month only.
var looks = []time.Duration{day, 7 * day, 30 * day}

// balance looks back a day, a week and a month from a dip. What a shorter look has said, a longer one does not say again; a day that is
// out once more after good ones is said anew.
func (w *Watch) balance(wrong []Trouble, t *Tank, lastMs, nowMs int64) []Trouble {
	for i, back := range looks {
		p, ok := t.Period(nowMs-back.Milliseconds(), nowMs)
		if !ok {
			p, _ = t.Period(lastMs, nowMs) // two dips are there
		}
		days := (p.ToMs - p.FromMs + day.Milliseconds() - 1) / day.Milliseconds()
		for _, x := range []struct {
			kind   string
			off    unit.Quantity
			zh, en string
		}{
			{"tank-loss", p.Difference, "少了", "missing from"},
			{"tank-gain", -p.Difference, "多了", "too much in"},
		} {
			is := !p.OK && x.off > 0
			before := len(wrong)
			wrong = w.sayOnce(wrong, is, said{x.kind, subject(t), i}, func() (zh, en string) {
				return fmt.Sprintf("%d 号罐 %d 天内%s %v 升, 允许 %v 升", t.Plan.Tank, days, x.zh, x.off, p.Tolerance),
					fmt.Sprintf("%v L are %s tank %d within %d days, %v are allowed", x.off, x.en, t.Plan.Tank, days, p.Tolerance)
			})
			for longer := i + 1; len(wrong) > before && longer < len(looks); longer++ {
				w.raised[said{x.kind, subject(t), longer}] = true
			}
		}
	}
	return wrong
}

// limits looks at water and stock.
func (w *Watch) limits(t *Tank, volume unit.Quantity, water unit.Length) (wrong []Trouble) {
	p := t.Plan
	wrong = w.say(wrong, p.MostWater > 0 && water > p.MostWater, "tank-water", subject(t), func() (zh, en string) {
		return fmt.Sprintf("%d 号罐水高 %v 毫米, 限 %v 毫米: 停售该罐并排水", p.Tank, water, p.MostWater),
			fmt.Sprintf("water in tank %d stands %v mm high, the limit is %v", p.Tank, water, p.MostWater)
	})
	return w.say(wrong, p.Reorder > 0 && volume < p.Reorder, "tank-reorder", subject(t), func() (zh, en string) {
		return fmt.Sprintf("%d 号罐剩 %v 升, 低于订油线 %v 升", p.Tank, volume, p.Reorder),
			fmt.Sprintf("tank %d holds %v L, fuel is ordered below %v", p.Tank, volume, p.Reorder)
	})
}

// say adds a trouble when it begins: one that goes on is said once. Its words are made only then: a gauge is looked at 4 000 times a
// day.
func (w *Watch) say(wrong []Trouble, is bool, kind, subject string, words func() (zh, en string)) []Trouble {
	return w.sayOnce(wrong, is, said{kind, subject, 0}, words)
}

func (w *Watch) sayOnce(wrong []Trouble, is bool, key said, words func() (zh, en string)) []Trouble {
	if !is {
		delete(w.raised, key)
		return wrong
	}
	if w.raised[key] {
		return wrong
	}
	if w.raised == nil {
		w.raised = map[said]bool{}
	}
	w.raised[key] = true
	zh, en := words()
	return append(wrong, record.Alarm{Kind: key.kind, Subject: key.subject, Zh: zh, En: en})
}

// said names a trouble that goes on, and the look back in which it shows.
type said struct {
	kind, subject string
	look          int
}

func subject(t *Tank) string { return "tank " + strconv.Itoa(t.Plan.Tank) }

func abs(q unit.Quantity) unit.Quantity { return max(q, -q) }
