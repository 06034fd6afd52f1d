package dispenser_test

import (
	"testing"
	"time"

	"greylock/system/clock"
	"greylock/system/dispenser"
	"greylock/system/dispenser/dispensertest"
	"greylock/system/wire/fa"
	"greylock/system/wire/lf"
	"greylock/system/wire/unit"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	t.Run("FA", func(t *testing.T) {
		t.Parallel()
		dispensertest.Run(t, func(t *testing.T) dispensertest.Rig {
			board := &faScenes{t: t}
			return dispensertest.Rig{
				Driver: dispenser.NewFA(), Board: board, Price: 785,
				Ready: func(clock.Instant) {}, Allow: func(clock.Instant) { board.card = true },
			}
		})
	})
	t.Run("LF", func(t *testing.T) {
		t.Parallel()
		dispensertest.Run(t, func(t *testing.T) dispensertest.Rig {
			d, err := dispenser.NewLF(dispenser.LFConfig{Nozzles: []dispenser.LFNozzle{{Number: 1}}})
			if err != nil {
				t.Fatal(err)
			}
			return dispensertest.Rig{
				Driver: d, Board: &lfScenes{n: plainNozzle{price: 785}}, Price: 785,
				Ready: func(now clock.Instant) { _ = d.Open(now, 0, true) },
				Allow: func(now clock.Instant) {
					if err := d.Authorise(now, 0, dispenser.Authorisation{}); err != nil {
						t.Error(err)
					}
				},
			}
		})
	})
}

// faScenes is a board that polls and reports twice a second.
type faScenes struct {
	t      *testing.T
	scene  dispensertest.Scene
	card   bool
	volume unit.Quantity
	next   clock.Instant
}

func (b *faScenes) Show(s dispensertest.Scene) {
	if b.scene = s; s == dispensertest.Hung {
		b.card, b.volume = false, 0
	}
}

func (b *faScenes) Turn(now clock.Instant, _ [][]byte) [][]byte {
	if b.scene == dispensertest.Dead || now < b.next && now > b.next.Add(-time.Second) {
		return nil
	}
	b.next = now.Add(500 * time.Millisecond)
	var items []fa.LiveItem
	if b.card {
		items = append(items, cardItem(fa.CardNormal))
	}
	if b.scene == dispensertest.Flowing {
		b.volume += 15
	}
	if b.scene != dispensertest.Hung {
		amount, _ := unit.Amount(b.volume, 785)
		items = append(items, fa.LiveItem{St: fa.StFuel, NZN: 1, Amount: amount, Volume: b.volume, Price: 785})
	}
	return [][]byte{raw(b.t, 1, 0, &fa.Poll{}), raw(b.t, 1, 1, live(items...))}
}

// lfScenes is a board that answers 20 ms later.
type lfScenes struct {
	n     plainNozzle
	scene dispensertest.Scene
	wait  [][]byte
	turns int
}

func (b *lfScenes) Show(s dispensertest.Scene) {
	switch b.scene = s; s {
	case dispensertest.Called:
		b.n.lift()
	case dispensertest.Open:
		b.n.valve()
	case dispensertest.Halted:
		b.n.flowing = false
	case dispensertest.Hung:
		b.n.hang()
	}
}

func (b *lfScenes) Turn(_ clock.Instant, frames [][]byte) [][]byte {
	if b.turns++; b.scene == dispensertest.Flowing && b.turns%10 == 0 {
		b.n.pump(3)
	}
	if b.turns%2 == 0 {
		b.wait = append(b.wait, frames...)
		return nil
	}
	var out [][]byte
	for _, raw := range append(b.wait, frames...) {
		req, err := lf.ParseRequest(lf.Frame(raw))
		if err != nil || b.scene == dispensertest.Dead {
			continue
		}
		if f, ok := b.n.obey(req); ok {
			out = append(out, f[:])
		}
	}
	b.wait = nil
	return out
}
