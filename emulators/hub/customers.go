package hub

import (
	"math/rand/v2"
	"strconv"
	"time"

	"greylock/emulators/dispenser"
	"greylock/system/card"
	"greylock/system/clock"
	"greylock/system/wire/unit"
)

// What customers do by themselves.
const (
	look     = 200 * time.Millisecond // between two looks at the display
	patience = 3 * time.Minute        // then they hang up and drive away
	linger   = 2 * time.Second        // from the stop to the hang, and from the end to the next act
	pinAfter = 2 * time.Second        // from the card to the PIN, when the board waits for it
)

// stage is how far a customer is.
type stage byte

const (
	away stage = iota
	waiting
	filling
	leaving
)

// customer is whoever stands at a nozzle.
type customer struct {
	stage stage
	at    clock.Instant // the next act
	until clock.Instant // of the patience
	want  unit.Quantity
	keyed bool // the PIN
}

// PlainCustomers lift, wait until the nozzle is authorised, fill and hang, at every nozzle of a plain board, again and again.
type PlainCustomers struct {
	board *dispenser.Plain
	rnd   *rand.Rand
	at    []customer
}

// NewPlainCustomers come from now on; rnd decides when, how much and how fast.
func NewPlainCustomers(b *dispenser.Plain, rnd *rand.Rand) *PlainCustomers {
	return &PlainCustomers{board: b, rnd: rnd, at: make([]customer, len(b.Views()))}
}

// pause is the time between two customers.
func pause(rnd *rand.Rand) time.Duration { return time.Duration(5+rnd.IntN(40)) * time.Second }

// Act does what is due.
func (p *PlainCustomers) Act(now clock.Instant) clock.Instant {
	next := clock.Never
	for i, v := range p.board.Views() {
		c := &p.at[i]
		if c.at == 0 {
			c.at = now.Add(pause(p.rnd))
		}
		if now >= c.at {
			c.at = p.act(now, c, v)
		}
		next = min(next, c.at)
	}
	return next
}

func (p *PlainCustomers) act(now clock.Instant, c *customer, v dispenser.PlainView) clock.Instant {
	switch {
	case c.stage == away:
		c.stage, c.until, c.want = waiting, now.Add(patience), unit.Quantity(500+p.rnd.IntN(4000))
		p.board.Lift(now, v.Nozzle)
	case c.stage == waiting && v.State == dispenser.StateFuelling:
		c.stage = filling
		p.board.Squeeze(now, v.Nozzle, 500+p.rnd.IntN(501))
	case c.stage == filling && (v.State != dispenser.StateFuelling || v.Quantity >= c.want):
		c.stage = leaving
		p.board.Squeeze(now, v.Nozzle, 0)
		return now.Add(linger)
	case c.stage == leaving || now >= c.until:
		c.stage = away
		p.board.Hang(now, v.Nozzle)
		return now.Add(pause(p.rnd))
	}
	return now.Add(look)
}

// CardCustomer puts a card into an IC-card dispenser, keys an amount, fills, hangs and takes the card, again and again.
type CardCustomer struct {
	board *dispenser.Board
	slot  card.Slot
	pin   string
	rnd   *rand.Rand
	customer
}

// NewCardCustomer comes from now on. pin is keyed if the board waits for it; "" never.
func NewCardCustomer(b *dispenser.Board, slot card.Slot, pin string, rnd *rand.Rand) *CardCustomer {
	return &CardCustomer{board: b, slot: slot, pin: pin, rnd: rnd}
}

// Act does what is due.
func (c *CardCustomer) Act(now clock.Instant) clock.Instant {
	if c.at == 0 {
		c.at = now.Add(pause(c.rnd))
	}
	if now >= c.at {
		c.at = c.act(now)
	}
	return c.at
}

func (c *CardCustomer) act(now clock.Instant) clock.Instant {
	v := c.board.View()
	switch {
	case c.stage == away:
		if _, err := c.slot.Reset(); err != nil {
			return now.Add(pause(c.rnd)) // a dead card: nothing to insert
		}
		c.stage, c.until, c.keyed = waiting, now.Add(patience), false
		c.board.Inserted(now)
		return now.Add(pinAfter)
	case c.stage == waiting && v.Stage == "ready" && !v.NozzleUp:
		c.keys(now, "C"+strconv.Itoa(20+10*c.rnd.IntN(14))+"Y")
		c.board.Lift(now)
		return now.Add(linger)
	case c.stage == waiting && v.State == dispenser.StateFuelling:
		c.stage = filling
		c.board.Squeeze(now, 500+c.rnd.IntN(501))
	case c.stage == waiting && v.Stage != "ready" && !c.keyed && c.pin != "":
		c.keyed = true
		c.keys(now, c.pin+"E")
	case c.stage == filling && v.State != dispenser.StateFuelling:
		c.stage = leaving
		c.board.Hang(now)
		return now.Add(2 * linger)
	case c.stage == leaving && v.State != dispenser.StateSettling || now >= c.until:
		c.stage = away
		c.board.Hang(now)
		c.board.Pulled(now)
		return now.Add(pause(c.rnd))
	}
	return now.Add(look)
}

func (c *CardCustomer) keys(now clock.Instant, keys string) {
	for _, k := range []byte(keys) {
		c.board.Key(now, dispenser.Key(k))
	}
}
