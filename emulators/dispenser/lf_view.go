package dispenser

import (
	"greylock/system/wire/lf"
	"greylock/system/wire/unit"
)

// PlainView is everything that a page shows of one nozzle of a plain board.
type PlainView struct {
	Nozzle       byte
	State        State
	Byte         lf.State // as B8 would carry it
	AmountLine   string   // 6 digits: 8888.88 in the self-test, blank, or yuan
	QuantityLine string   // litres
	PriceLine    string   // yuan per litre
	Amount       unit.Fen
	Quantity     unit.Quantity
	Price        unit.Price
	Prevalve     unit.Quantity
	NozzleUp     bool
	Controlled   bool
	Armed        bool
	Preset       string // what was keyed on the pad
	BigValve     bool
	SmallOpen    bool
	Stop         string // why the valve closed: hang, preset, no-flow, stop, link
	Fault        Text
	Total        lf.Total // litres
	Cash         lf.Total
	ShiftCash    unit.Fen
	ShiftLitres  unit.Quantity
	Flowed       unit.Quantity // what has really passed since the board was made: for checkers, no register of the board
}

// Views returns what there is to see, by nozzle in the order of the configuration. Without power it is what NV holds.
func (b *Plain) Views() []PlainView {
	out := make([]PlainView, len(b.nozzles))
	for i, n := range b.nozzles {
		out[i] = n.view()
	}
	return out
}

// Counters say what the board has received.
func (b *Plain) Counters() lf.Counters { return b.dec.Counters }

func (n *plain) view() PlainView {
	s, h, now := &n.state, &n.hook, n.board.now
	v := PlainView{Nozzle: n.cfg.Number, State: n.word(), Byte: n.byte(), Amount: n.amount, Quantity: n.volume, Price: s.Price,
		Prevalve: s.Prevalve, NozzleUp: h.up, Controlled: n.controlled, Armed: n.grant != grantNone, Preset: n.keyed.line(), BigValve: n.pump.big,
		SmallOpen: n.pump.small, Stop: n.stop, Fault: n.fault, Total: s.Litres, Cash: s.Cash, ShiftCash: unit.Fen(s.ShiftCash),
		ShiftLitres: unit.Quantity(s.ShiftLitres), Flowed: n.through}
	v.AmountLine, v.QuantityLine, v.PriceLine = v.Amount.String(), v.Quantity.String(), v.Price.String()
	switch {
	case !h.up || now >= h.tested:
	case now < h.steps[0]:
		v.AmountLine, v.QuantityLine, v.PriceLine = "8888.88", "8888.88", "88.88"
	case now < h.steps[1]:
		v.AmountLine, v.QuantityLine, v.PriceLine = "", "", ""
	}
	return v
}

// word is the state for people; what needs a person comes first.
func (n *plain) word() State {
	switch {
	case !n.board.on || n.board.dead:
		return StateFault
	case n.locked():
		return StateLocked
	case n.running:
		return StateFuelling
	case n.grant != grantNone:
		return StateAuthorised
	case n.hook.up || n.sale:
		return StateLifted
	case !n.online:
		return StateOffline
	}
	return StateIdle
}
