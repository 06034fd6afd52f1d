package dispenser

import (
	"greylock/system/clock"
	"greylock/system/wire/lf"
	"greylock/system/wire/unit"
)

// judge says what makes a good frame unbelievable; 0 if nothing does. An 8-bit sum lets one damaged frame in 256 through, and
// every pair of errors that cancel out: price, amount = volume × price, figures that only grow, and growth that a pump can
// deliver must hold too. Source: trust.md row 30; dispenser.md 2.7, 4.5.
func (n *lfNozzle) judge(now clock.Instant, s lf.Status) Trouble {
	up, o := s.State&lf.NozzleUp != 0, n.open
	if s.Price != n.price {
		if o == nil && !up || n.price == 0 {
			n.seePrice(s)
		}
		if s.Price != n.price {
			return TroubleFrozen
		}
	}
	n.candidate = n.price
	switch {
	case o == nil && (!up || figureless(s) || n.old(s)):
		return 0 // the figures of a sale that is booked may be anything
	case o == nil:
		if !agree(s, n.price, 0) {
			return TroubleAmount
		}
		return 0
	case o.litres == 0 && (figureless(s) || n.old(s)):
		return 0
	}
	price := n.price
	if o.price != 0 {
		price = o.price
	}
	switch {
	case !agree(s, price, o.preset.Money):
		return TroubleAmount
	case s.Litres < o.litres || s.Cash < o.cash && !o.rounded(s):
		return TroubleReverse
	case int64(s.Litres-o.litres) > deliverable(now, n.lastAt):
		return TroubleFlow
	}
	return 0
}

func figureless(s lf.Status) bool { return s.Litres == 0 && s.Cash == 0 }

// old reports whether a reply still shows the figures of the last booked sale: a board clears them at the lift at the earliest.
// Source: dispenser.md 2.4.
func (n *lfNozzle) old(s lf.Status) bool {
	return n.known && s.Litres == n.register.Litres && s.Cash == n.register.Cash && !figureless(s)
}

// rounded reports whether cash went down only because the display came to the preset. Source: dispenser.md 2.7, 5.1.
func (o *lfDelivery) rounded(s lf.Status) bool {
	return o.preset.Money > 0 && s.Cash == o.preset.Money && s.Litres == o.litres
}

// agree reports whether amount = volume × price; the cash preset may stand instead if it differs by less than the value of a
// pulse. Source: dispenser.md 2.7, 4.5; design.md 9.7.
func agree(s lf.Status, price unit.Price, preset unit.Fen) bool {
	want, err := unit.Amount(s.Litres, price)
	if err != nil {
		return false
	}
	return s.Cash == want || preset > 0 && s.Cash == preset && distance(int64(s.Cash), int64(want)) <= int64(pulse(price))
}

// pulse is the value of 0.01 L, rounded up.
func pulse(price unit.Price) unit.Fen { return unit.Fen(price+99) / 100 }

// deliverable is how much a pump can have delivered since an instant, in hundredths of a litre.
func deliverable(now, since clock.Instant) int64 {
	return max(0, now.Sub(since)).Milliseconds()*lfRate/60000 + lfRateSlack
}

func distance(a, b int64) int64 { return max(a-b, b-a) }
