package dispenser

import (
	"fmt"

	"greylock/system/card"
	"greylock/system/clock"
	"greylock/system/terminal"
	"greylock/system/wire/unit"
)

// padMode is what the digits are for.
type padMode byte

const (
	padPreset padMode = iota // amount or litres; at any time before a sale
	padPIN
)

const (
	offDuty   = "0" // an employee's word that he leaves
	maxPIN    = 12  // digits of a PIN: 6 bytes (card.md 6.2)
	minPIN    = 4
	maxDigits = 6 // the display has six places (dispenser.md 5.1)
)

// maxFill is what a record's three bytes of VOL and AMN can hold with room to spare: 9999.99 as on the display.
const maxFill unit.Quantity = 999_999

// maxMoney keeps AMN, three bytes of fen, below its end also with what flows after the valve has closed.
const maxMoney unit.Fen = 0xFFFFFF - 10_000

// pad is the key pad.
type pad struct {
	mode   padMode
	digits []byte
	preset string        // what was chosen, for people
	cash   unit.Fen      // 0: none
	volume unit.Quantity // 0: none
}

func (p *pad) begin(m padMode) { p.mode = m; p.wipe() }
func (p *pad) end()            { p.mode = padPreset; p.wipe() }

// forget drops the choice: it was of the customer who has left, or of the sale that has ended.
func (p *pad) forget() { p.preset, p.cash, p.volume = "", 0, 0 }

// wipe forgets digits; they may be a PIN.
func (p *pad) wipe() {
	terminal.Wipe(p.digits)
	p.digits = p.digits[:0]
}

// Key presses a key.
func (b *Board) Key(now clock.Instant, k Key) {
	if !b.enter(now) {
		return
	}
	p := &b.pad
	b.changed()
	switch {
	case k >= '0' && k <= '9':
		limit := maxDigits
		if p.mode == padPIN {
			limit = maxPIN
		}
		if len(p.digits) < limit {
			p.digits = append(p.digits, byte(k))
		}
	case k == KeyClear:
		p.wipe()
		if p.mode == padPreset {
			p.forget()
		}
	case p.mode == padPIN:
		if k == KeyOK && len(p.digits) >= minPIN {
			b.resumeIf(askPIN, card.Reply{Data: append([]byte(nil), p.digits...)})
		}
	case k == KeyOK && b.sess.free && b.sess.waiting == askGo && string(p.digits) == offDuty:
		p.wipe()
		b.step(card.Reply{Data: []byte(offDuty)})
	case k == KeyOK:
		if !b.resumeIf(askPlate, card.Reply{}) && b.hook.up {
			b.lifted()
		}
	default:
		b.choose(k)
	}
	b.idle()
}

// choose takes a preset. With the nozzle up already it starts the sale of a card that is ready.
func (b *Board) choose(k Key) {
	p := &b.pad
	if b.sess.talk != nil && b.sess.waiting != askGo {
		return // a sale runs: its preset is frozen
	}
	n := int64(0)
	for _, d := range p.digits {
		n = n*10 + int64(d-'0')
	}
	p.wipe()
	word, _ := b.cfg.Unit.Words()
	pick, cash, volume := "加满", unit.Fen(0), unit.Quantity(0)
	switch k {
	case KeyYuan:
		cash, pick = unit.Fen(n*100), fmt.Sprintf("%d.00 元", n)
	case KeyLitre:
		volume, pick = unit.Quantity(n*100), fmt.Sprintf("%d.00 %s", n, word)
	case KeyFull:
	default:
		return
	}
	if why, bad := b.unfit(k, cash, volume); bad {
		b.say("preset", why)
		return
	}
	p.preset, p.cash, p.volume = pick, cash, volume
	if b.hook.up {
		b.lifted()
	}
}

// unfit says why a preset can not be sold: nothing, less than one pulse costs, or more than the card may take.
func (b *Board) unfit(k Key, cash unit.Fen, volume unit.Quantity) (Text, bool) {
	price := b.mem.state.Now.Price
	switch {
	case k == KeyYuan && unit.Affordable(cash, price) < 1, k == KeyLitre && volume < 1, volume > maxFill:
		return Text{"预置数量不合理", "this preset makes no sense"}, true
	case b.sess.waiting != askGo:
		return Text{}, false
	}
	allow := b.sess.allow
	need, err := unit.Amount(volume, price)
	if err != nil || cash > allow.Amount || need > allow.Amount || allow.Quantity > 0 && volume > allow.Quantity {
		return Text{"余额或限额不足, 最多 " + allow.Amount.String() + " 元", "more than the card may take: at most " + allow.Amount.String()}, true
	}
	return Text{}, false
}

// planned turns wish and allowance into a limit of pulses.
func (b *Board) planned(allow terminal.Allowance) plan {
	now := b.mem.state.Now
	p := plan{price: now.Price, product: now.Product, nzn: b.nzn(), limit: maxFill}
	money := min(allow.Amount, maxMoney)
	if b.pad.cash > 0 && b.pad.cash <= money {
		money, p.preset = b.pad.cash, b.pad.cash
	}
	p.limit = min(p.limit, unit.Affordable(money, p.price))
	if b.pad.volume > 0 {
		p.limit = min(p.limit, b.pad.volume)
	}
	if allow.Quantity > 0 {
		p.limit = min(p.limit, allow.Quantity)
	}
	return p
}

// freeze gives the fill its price, product and preset; nothing changes them until the sale has ended.
func (b *Board) freeze() {
	p, f := b.sess.plan, &b.fill
	f.price, f.product, f.preset, f.limit = p.price, p.product, p.preset, p.limit
	f.volume, f.amount, f.balance = 0, 0, b.sess.allow.Amount
}
