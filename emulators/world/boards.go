package world

import (
	"greylock/emulators/dispenser"
	"greylock/emulators/line"
	"greylock/system/card"
	"greylock/system/clock"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// wire is the serial line between a board and its station.
type wire interface {
	// fromBoard takes what the board sends.
	fromBoard(now clock.Instant, data []byte)
	with(func(now clock.Instant, m *line.Mem))
	waiting() int // bytes under way to the station
	close() error
}

// pump is one dispenser: board, memory, PSAM, the card in its slot, the gun in somebody's hand.
type pump struct {
	w       *World
	station *site // nil when the station is a process of its own
	site    record.SiteID
	port    int
	nozzle  record.Nozzle
	where   string
	out, to string // in the trace: what leaves the board, what reaches it
	cfg     dispenser.Config
	log     int // records that it holds
	nv      *dispenser.Memory
	board   *dispenser.Board // nil without power
	life    int
	wake    *event
	sam     *sam
	in      *plastic
	line    wire
	receipt []string
	records [][]byte // every record the board wrote, as the checkers' evidence
	said    []dispenser.Event
	meter   *meter                   // of a Rush; nil
	eyes    *eyes                    // of a screen; nil
	mangle  func(data []byte) []byte // a planned alteration of what the board sends next
	mangled func()                   // told when it is done; nil
	stray   unit.Quantity            // what earlier lives of the board have counted outside of any fill

	contactor *contactor // holds the pump's power; nil: nothing does
	welded    bool       // it does not open any more

	first       unit.Totalizer // where the meter stood when the world began
	sold        unit.Quantity  // by its records
	presetMoney bool           // the customer keyed an amount of money
}

// powerOn starts the board on its memory.
func (p *pump) powerOn() {
	p.life++
	if err := p.w.power(p.sam.slot, &p.sam.seat); err != nil {
		p.w.note(p.where, "PSAM without ATR: "+err.Error())
	}
	p.board = dispenser.New(p.cfg, p.nv)
	p.board.PowerOn(p.w.now)
	p.feed()
	if p.in != nil {
		p.atr()
		p.w.checks.lists.inserted[p] = p.w.now
		p.board.Inserted(p.w.now)
		p.settle()
	}
}

// powerOff is the power cut: slots lose their power, memory stays.
func (p *pump) powerOff() {
	if p.board == nil {
		return
	}
	if d := p.w.depots[p.site]; d != nil {
		d.look(p.w.now) // what has flowed has left the tank
	}
	p.stray += p.board.View().Stray
	p.board.Off()
	p.board = nil
	p.life++
	p.w.drop(p.wake)
	p.w.rest(p.sam.slot, &p.sam.seat)
	if p.in != nil {
		p.w.rest(p.in.card, &p.in.seat)
	}
}

// atr powers the card in the slot up.
func (p *pump) atr() {
	if err := p.w.power(p.in.card, &p.in.seat); err != nil {
		p.w.note(p.where, "card without ATR: "+err.Error())
	}
}

// settle carries out what the board wants, again and again until it wants nothing at once.
func (p *pump) settle() {
	if p.board == nil {
		return
	}
	if p.board.Dead() {
		p.powerOff()
		return
	}
	fx := p.board.Take()
	for _, data := range fx.Send {
		p.send(data)
	}
	for _, e := range fx.Events {
		p.event(e)
	}
	for _, x := range fx.Transmit {
		p.transmit(x)
	}
	switch {
	case p.wake.place != gone && p.wake.at == fx.Wake:
	case fx.Wake == clock.Never:
		p.w.drop(p.wake)
	default:
		p.w.set(p.wake, fx.Wake)
	}
}

// woken lets the board do what it has waited for.
func (p *pump) woken() {
	p.board.Wake(p.w.now)
	p.settle()
}

// at plans something for this life of the board; afterwards what it wants is carried out.
func (p *pump) at(t clock.Instant, f func()) *event {
	life := p.life
	return p.w.at(t, func() {
		if p.life == life && p.board != nil {
			f()
			p.settle()
		}
	})
}

func (p *pump) send(data []byte) {
	if p.mangle != nil {
		data = p.mangle(data)
	}
	p.w.trace.add(p.w.now, "frame", p.out, data)
	if p.meter != nil {
		p.meter.sent(data)
	}
	p.eyes.saw(p.port, data)
	p.line.fromBoard(p.w.now, data)
}

// receive brings bytes from the station.
func (p *pump) receive(data []byte) {
	p.w.trace.add(p.w.now, "frame", p.to, data)
	if p.meter != nil {
		p.meter.received(data)
	}
	if p.board != nil {
		p.board.Receive(p.w.now, data)
		p.settle()
	}
}

// transmit carries a command to the card or PSAM and its answer back after the time it takes.
func (p *pump) transmit(t dispenser.Transmit) {
	w := p.w
	if t.Slot == "psam" {
		answer, took, err := w.transmitSAM(p.sam, p.where, t.Command)
		p.at(w.now.Add(took), func() { p.board.Answer(w.now, t.ID, card.Reply{Data: answer, Err: err}) })
		return
	}
	if p.in == nil {
		p.at(w.now, func() { p.board.Answer(w.now, t.ID, card.Reply{Err: card.ErrRemoved}) })
		return
	}
	answer, took, torn, err := w.transmit(p.in, p.where, t.Command)
	if torn {
		p.at(w.now.Add(took), func() { p.pullNow() })
		return
	}
	holder := p.in
	p.at(w.now.Add(took), func() {
		if p.in == holder {
			p.board.Answer(w.now, t.ID, card.Reply{Data: answer, Err: err})
		}
	})
}

// pullNow takes the card out of the slot.
func (p *pump) pullNow() {
	if p.in == nil {
		return
	}
	p.w.rest(p.in.card, &p.in.seat) // a card that is out has no power
	p.in.in = 0
	p.in = nil
	if p.board != nil {
		p.board.Pulled(p.w.now)
	}
}

// event keeps what people see and hear, and lets the checkers look.
func (p *pump) event(e dispenser.Event) {
	switch e.Kind {
	case dispenser.EventDisplay:
		return
	case dispenser.EventReceipt:
		p.receipt = e.Lines
	case dispenser.EventRecord:
		p.records = append(p.records, e.Record)
	}
	p.said = append(p.said, e)
	p.w.trace.add(p.w.now, "event", p.where, []byte(string(e.Kind)+" "+e.Word+" "+e.Zh))
	p.w.checks.pump(p.w, p, e)
}

// total is the totalizer, also while the power is off.
func (p *pump) total() unit.Totalizer { return p.view().Total }

// moved is how far fills have moved the totalizer since the world began: leaks, leaps and fuel past the control are none.
func (p *pump) moved() unit.Quantity {
	v := p.view()
	stray := p.stray
	if p.board != nil {
		stray += v.Stray
	}
	return unit.Quantity(int64(v.Total)-int64(p.first)) - stray
}

// view is what the board shows; without power, what its memory says.
func (p *pump) view() dispenser.View {
	if p.board == nil {
		return dispenser.New(p.cfg, p.nv).View()
	}
	return p.board.View()
}

// idle reports that nothing is under way: hung, no fuel flowing, no sale in the middle of a step.
func (p *pump) idle() bool {
	if p.board == nil {
		return true
	}
	v := p.board.View()
	switch v.State {
	case dispenser.StateAuthorised, dispenser.StateFuelling, dispenser.StateSettling, dispenser.StateLifted:
		return false
	}
	return !v.NozzleUp && !v.BigValve && !v.SmallOpen
}
