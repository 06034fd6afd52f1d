package panel

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"greylock/emulators/dispenser"
	"greylock/emulators/world"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// Habits of the customers who come by themselves.
const (
	glance   = 250 * time.Millisecond // between two looks at the display
	keyPress = 300 * time.Millisecond
	arrivals = 1200 * time.Millisecond // between two thoughts of a next customer
	patience = 90 * time.Second        // then he takes his card and goes
	crowd    = 4                       // at most so many at once
	poor     = 12_000                  // fen; with less he visits the outlet first
	refill   = 60_000                  // fen
	earlyIn  = 6                       // one of so many pulls the card too early and comes back
	byHand   = 4                       // one of so many stops by hand before the preset
)

// customers play visitors until somebody touches the page.
type customers struct {
	p      *panel
	rnd    *rand.Rand
	on     bool
	here   []*customer
	served int
}

// customer is one visitor with a card at a nozzle.
type customer struct {
	card   string
	pin    string
	nozzle record.Nozzle
	step   func(v dispenser.View) time.Duration // the next thing he does; how long until the one after
	left   time.Duration                        // patience left
	early  bool
	stopAt unit.Quantity // releases the gun here; 0: at the preset
	keys   string        // still to be pressed
}

// open lets the first customer come.
func (c *customers) open() { c.p.w.After(arrivals/4, c.arrive) }

// at reports that a customer is at this nozzle.
func (c *customers) at(n record.Nozzle) bool {
	return slices.ContainsFunc(c.here, func(x *customer) bool { return x.nozzle == n })
}

// touch ends it: whoever is at this nozzle leaves everything to the person; the others finish.
func (c *customers) touch(n record.Nozzle) {
	c.on = false
	c.here = slices.DeleteFunc(c.here, func(x *customer) bool { return x.nozzle == n })
}

// arrive sends a customer to a free nozzle with a free card, if there are any.
func (c *customers) arrive() {
	c.p.w.After(arrivals+time.Duration(c.rnd.Int64N(int64(arrivals))), c.arrive)
	if !c.on || len(c.here) >= crowd {
		return
	}
	var free []world.CardShown
	for _, x := range c.p.w.Cards() {
		if x.In == 0 && x.Made && x.Plan.Kind == "" && x.Plan.PIN != "" && x.Tries > 0 && !c.holds(x.Plan.Name) {
			free = append(free, x)
		}
	}
	var idle []record.Nozzle
	for _, d := range c.p.w.Pumps() {
		if d.Power && d.View.Online && d.View.State == dispenser.StateIdle && d.Card == "" && !c.at(d.Nozzle) {
			idle = append(idle, d.Nozzle)
		}
	}
	if len(free) == 0 || len(idle) == 0 {
		return
	}
	card := free[c.rnd.IntN(len(free))]
	x := &customer{card: card.Plan.Name, pin: card.Plan.PIN, nozzle: idle[c.rnd.IntN(len(idle))], left: patience}
	c.served++
	x.early = !card.Grey && c.served%earlyIn == 0
	if !x.early && c.rnd.IntN(byHand) == 0 {
		x.stopAt = unit.Quantity(300 + c.rnd.IntN(900))
	}
	if card.Balance < poor && !card.Grey {
		c.visitOutlet(card)
	}
	c.here = append(c.here, x)
	x.step = func(v dispenser.View) time.Duration { return c.insert(x, v) }
	c.next(x, 0)
}

func (c *customers) holds(card string) bool {
	return slices.ContainsFunc(c.here, func(x *customer) bool { return x.card == card })
}

// visitOutlet pays cash in and loads the card, at the product's own doors.
func (c *customers) visitOutlet(card world.CardShown) {
	if c.p.opt.Lines == "pty" || card.Plan.Account == "" {
		return // the town's own time would stand still while the desk works
	}
	if err := c.p.w.Operator().TopUp(card.Plan.Account, refill); err == nil {
		_ = c.p.w.Operator().Load(card.Plan.Name, refill) // a load that fails leaves a poor customer, whom the dispenser refuses
	}
}

// next plans a customer's next act. Somebody who was sent away does nothing more.
func (c *customers) next(x *customer, after time.Duration) {
	c.p.w.After(max(after, time.Millisecond), func() {
		if !slices.Contains(c.here, x) {
			return
		}
		for _, d := range c.p.w.Pumps() {
			if d.Nozzle != x.nozzle {
				continue
			}
			x.left -= after
			if x.left <= 0 {
				x.step = func(v dispenser.View) time.Duration { return c.leave(x, v) }
			}
			if wait := x.step(d.View); wait > 0 {
				c.next(x, wait)
				return
			}
		}
		c.here = slices.DeleteFunc(c.here, func(y *customer) bool { return y == x })
	})
}

func (c *customers) hands() world.Hands { return c.p.w.Hands() }

// then makes what comes next the customer's step.
func (x *customer) then(after time.Duration, step func(*customer, dispenser.View) time.Duration) time.Duration {
	x.step = func(v dispenser.View) time.Duration { return step(x, v) }
	return after
}

func (c *customers) insert(x *customer, _ dispenser.View) time.Duration {
	if c.hands().Insert(x.card, x.nozzle) != nil {
		return 0
	}
	return x.then(time.Second, c.identify)
}

// identify waits for the question for the PIN and answers it.
func (c *customers) identify(x *customer, v dispenser.View) time.Duration {
	switch {
	case x.keys != "":
		return c.press(x)
	case v.Stage == "ready" || v.Prompt.En == promptChoose:
		x.keys = c.wish(v)
		return x.then(time.Second, c.preset)
	case v.Prompt.En == promptPIN:
		x.keys = x.pin + "确"
		return keyPress
	}
	return glance
}

// The sentences of the dispenser that a customer waits for.
const (
	promptPIN    = "enter PIN, then OK"
	promptChoose = "choose amount, litres or full, then lift the nozzle"
	promptDone   = "done, take your card"
)

// press presses one key.
func (c *customers) press(x *customer) time.Duration {
	keys := []rune(x.keys)
	x.keys = string(keys[1:])
	if c.hands().Keys(x.nozzle, string(keys[:1])) != nil {
		x.keys = ""
	}
	if x.keys == "" {
		return time.Second // the dispenser and the card think about it
	}
	return keyPress
}

// wish is what a customer wants for the money on his card.
func (c *customers) wish(v dispenser.View) string {
	yuan := int(v.Balance / 100)
	switch pick := c.rnd.IntN(5); {
	case yuan < 20:
		return "满"
	case pick == 0:
		return strconv.Itoa(5*(1+c.rnd.IntN(3))) + "升"
	default:
		return strconv.Itoa(min(20*(2+c.rnd.IntN(7)), yuan/2)) + "元"
	}
}

func (c *customers) preset(x *customer, v dispenser.View) time.Duration {
	if x.keys != "" {
		return c.press(x)
	}
	if v.Preset == "" {
		return x.then(glance, c.leave)
	}
	if c.hands().Lift(x.nozzle) != nil {
		return x.then(glance, c.leave)
	}
	return x.then(glance, c.begin)
}

// begin waits until the dispenser lets fuel through.
func (c *customers) begin(x *customer, v dispenser.View) time.Duration {
	if v.State != dispenser.StateFuelling {
		return glance
	}
	if c.p.squeeze(x.nozzle, 1000) != nil {
		return x.then(glance, c.leave)
	}
	return x.then(glance, c.fuel)
}

func (c *customers) fuel(x *customer, v dispenser.View) time.Duration {
	switch {
	case x.early && v.Quantity > 250:
		x.left = patience
		if c.hands().Pull(x.nozzle) != nil {
			return x.then(glance, c.leave)
		}
		return x.then(3*time.Second, c.regret)
	case x.stopAt > 0 && v.Quantity >= x.stopAt, v.State != dispenser.StateFuelling:
		x.left = patience
		_ = c.p.squeeze(x.nozzle, 0) // a gun that is hung already is as good as released
		return x.then(time.Second, c.hang)
	}
	x.left = patience
	return glance
}

func (c *customers) hang(x *customer, _ dispenser.View) time.Duration {
	if c.p.hang(x.nozzle) != nil {
		return x.then(glance, c.leave)
	}
	return x.then(glance, c.done)
}

// done waits until the card is debited.
func (c *customers) done(x *customer, v dispenser.View) time.Duration {
	if v.Prompt.En != promptDone && v.Fault.Zh == "" {
		return glance
	}
	return x.then(1500*time.Millisecond, c.leave)
}

// regret hangs the gun and comes back with the grey card, so that the same dispenser takes what is owed.
func (c *customers) regret(x *customer, _ dispenser.View) time.Duration {
	_ = c.p.hang(x.nozzle) // it may hang already
	return x.then(5*time.Second, c.comeBack)
}

func (c *customers) comeBack(x *customer, _ dispenser.View) time.Duration {
	if c.hands().Insert(x.card, x.nozzle) != nil {
		return 0
	}
	return x.then(6*time.Second, c.leave)
}

// leave takes the card and goes.
func (c *customers) leave(x *customer, v dispenser.View) time.Duration {
	if v.NozzleUp {
		_ = c.p.hang(x.nozzle) // he tries; the next person finds it as it is
		return x.then(2*time.Second, c.leave)
	}
	_ = c.hands().Pull(x.nozzle) // there may be no card any more
	return 0
}
