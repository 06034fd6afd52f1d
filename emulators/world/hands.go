package world

import (
	"fmt"

	"greylock/emulators/dispenser"
	"greylock/system/wire/record"
)

// hands is what people do at the dispensers.
type hands struct{ w *World }

// Hands of the town's people.
func (w *World) Hands() Hands { return hands{w} }

func (h hands) pump(nozzle record.Nozzle) (*pump, error) {
	p, ok := h.w.pumps[nozzle]
	if !ok {
		return nil, fmt.Errorf("没有 %d 号枪 (no such nozzle)", nozzle)
	}
	return p, nil
}

// do lets people act on a dispenser that has power.
func (h hands) do(nozzle record.Nozzle, act func(b *dispenser.Board)) error {
	p, err := h.pump(nozzle)
	if err != nil {
		return err
	}
	if p.board == nil {
		return fmt.Errorf("%s 没有电 (no power)", p.where)
	}
	act(p.board)
	p.settle()
	return nil
}

func (h hands) Insert(name string, nozzle record.Nozzle) error {
	p, err := h.pump(nozzle)
	if err != nil {
		return err
	}
	c, ok := h.w.cards[name]
	switch {
	case !ok:
		return fmt.Errorf("没有卡 %q (no such card)", name)
	case c.in != 0 || c.till != nil:
		return fmt.Errorf("%s 已插在 %d 号枪 (the card is in another slot)", name, c.in)
	case p.in != nil:
		return fmt.Errorf("%s 的卡槽里有卡 (the slot is taken)", p.where)
	}
	c.in, p.in = nozzle, c
	h.w.checks.lists.inserted[p] = h.w.now
	h.w.trace.add(h.w.now, "event", p.where, []byte("插卡 "+name))
	if p.board == nil {
		return nil
	}
	p.atr()
	p.board.Inserted(h.w.now)
	p.settle()
	return nil
}

func (h hands) Pull(nozzle record.Nozzle) error {
	p, err := h.pump(nozzle)
	if err != nil {
		return err
	}
	if p.in == nil {
		return fmt.Errorf("%s 的卡槽里没有卡 (the slot is empty)", p.where)
	}
	h.w.trace.add(h.w.now, "event", p.where, []byte("拔卡 "+p.in.name))
	p.pullNow()
	p.settle()
	return nil
}

// keyNames are the keys as people write them.
var keyNames = map[rune]dispenser.Key{
	'元': dispenser.KeyYuan, '升': dispenser.KeyLitre, '满': dispenser.KeyFull, '清': dispenser.KeyClear, '确': dispenser.KeyOK,
}

func (h hands) Keys(nozzle record.Nozzle, keys string) error {
	for _, r := range keys {
		k, ok := keyNames[r]
		if r >= '0' && r <= '9' {
			k, ok = dispenser.Key(r), true
		}
		if !ok {
			return fmt.Errorf("没有按键 %q (no such key: digits, 元, 升, 满, 清, 确)", r)
		}
		p, err := h.pump(nozzle)
		if err != nil {
			return err
		}
		if err := h.do(nozzle, func(b *dispenser.Board) { b.Key(h.w.now, k) }); err != nil {
			return err
		}
		switch k {
		case dispenser.KeyYuan:
			p.presetMoney = true
		case dispenser.KeyLitre, dispenser.KeyFull, dispenser.KeyClear:
			p.presetMoney = false
		}
	}
	return nil
}

func (h hands) Lift(nozzle record.Nozzle) error {
	if x, ok := h.w.plain[nozzle]; ok {
		return x.do(func(b *dispenser.Plain, n byte) { b.Lift(h.w.now, n) })
	}
	return h.do(nozzle, func(b *dispenser.Board) { b.Lift(h.w.now) })
}

func (h hands) Squeeze(nozzle record.Nozzle, permille int) error {
	if x, ok := h.w.plain[nozzle]; ok {
		return x.do(func(b *dispenser.Plain, n byte) { b.Squeeze(h.w.now, n, permille) })
	}
	if permille < 0 || permille > 1000 {
		return fmt.Errorf("油枪开度 %d: 应为 0…1000 (want thousandths)", permille)
	}
	return h.do(nozzle, func(b *dispenser.Board) { b.Squeeze(h.w.now, permille) })
}

func (h hands) Hang(nozzle record.Nozzle) error {
	if x, ok := h.w.plain[nozzle]; ok {
		return x.do(func(b *dispenser.Plain, n byte) { b.Hang(h.w.now, n) })
	}
	return h.do(nozzle, func(b *dispenser.Board) { b.Hang(h.w.now) })
}
