package dispenser

import (
	"greylock/system/clock"
)

// keyed is what was keyed on the pad of a plain nozzle that stands alone: digits, and what they are.
type keyed struct {
	digits string
	as     grant // what the digits are; grantNone while they are being keyed
}

// maxKeyed digits: four of yuan or litres leave room below the six figures of the display.
const maxKeyed = 4

// Key presses a key of a nozzle's pad. A nozzle that stands alone takes a preset before it is lifted: digits, then yuan or
// litres; full or clear takes it back. One under the station's control has its presets from there. Source: dispenser.md 5.1.
func (b *Plain) Key(now clock.Instant, nozzle byte, key Key) {
	n := b.hand(now, nozzle)
	if n == nil || n.controlled || n.hook.up || n.hook.hand || n.sale {
		return
	}
	k := &n.keyed
	switch {
	case key >= '0' && key <= '9':
		if k.as != grantNone {
			*k = keyed{}
		}
		if len(k.digits) < maxKeyed {
			k.digits += string(rune(key))
		}
	case key == KeyYuan && k.digits != "":
		k.as = grantCash
	case key == KeyLitre && k.digits != "":
		k.as = grantLitres
	case key == KeyClear, key == KeyFull:
		*k = keyed{}
	}
	b.changed()
}

// grant is what the preset allows; without one, all. A preset of nothing is none.
func (k keyed) grant() (grant, int64) {
	value := int64(0)
	for _, d := range k.digits {
		value = value*10 + int64(d-'0')
	}
	if k.as == grantNone || value == 0 {
		return grantFull, 0
	}
	return k.as, value * 100
}

// line is the preset as the display shows it.
func (k keyed) line() string {
	switch k.as {
	case grantCash:
		return k.digits + ".00 元"
	case grantLitres:
		return k.digits + ".00 升"
	}
	return k.digits
}
