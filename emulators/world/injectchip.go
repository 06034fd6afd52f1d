package world

import (
	"time"

	"greylock/emulators/fault"
)

// chipInjectors are the faults of cards, PSAMs and the desk's reader.
func chipInjectors() map[pair]injector {
	all := map[pair]injector{}
	for k, after := range map[fault.Kind]bool{"tear-command": false, "tear-answer": true} {
		all[pair{fault.Card, k}] = func(w *World, f fault.Fault, x *injured) error {
			p, err := w.card(f.Place)
			if err != nil {
				return err
			}
			cut := &tear{nth: f.At, after: after}
			p.tear = cut
			x.struck = func() int { return either(cut.nth == 0, 1) }
			x.end = func() { p.tear = nil }
			return nil
		}
	}
	for k, what := range map[fault.Kind]loss{"unplug": readerOut, "off": serviceDown} {
		all[pair{fault.Reader, k}] = func(w *World, f fault.Fault, x *injured) error {
			cut := &tear{nth: f.At, what: what}
			w.outlet.cut = cut
			x.struck = func() int { return either(cut.nth == 0, 1) }
			return nil
		}
	}
	ailing := func(find func(w *World, f fault.Fault) (*ailment, error), change func(a *ailment, f fault.Fault)) injector {
		return func(w *World, f fault.Fault, x *injured) error {
			a, err := find(w, f)
			if err != nil {
				return err
			}
			*a = ailment{}
			change(a, f)
			x.struck = func() int { return a.struck }
			x.end = func() { *a = ailment{struck: a.struck} }
			return nil
		}
	}
	card := func(w *World, f fault.Fault) (*ailment, error) {
		p, err := w.card(f.Place)
		if err != nil {
			return nil, err
		}
		return &p.ail, nil
	}
	sam := func(w *World, f fault.Fault) (*ailment, error) {
		p, err := w.pumped(f)
		if err != nil {
			return nil, err
		}
		return &p.sam.ail, nil
	}
	slow := func(a *ailment, _ fault.Fault) { a.slow = chipLate }
	wrong := func(a *ailment, f fault.Fault) { a.wrong = max(1, f.Times) }
	all[pair{fault.Card, "slow"}], all[pair{fault.Card, "wrong"}] = ailing(card, slow), ailing(card, wrong)
	all[pair{fault.PSAM, "slow"}], all[pair{fault.PSAM, "wrong"}] = ailing(sam, slow), ailing(sam, wrong)
	all[pair{fault.PSAM, "off"}] = ailing(sam, func(a *ailment, _ fault.Fault) { a.dead = true })
	return all
}

// chipLate is what a slow chip needs beside its usual time.
const chipLate = 300 * time.Millisecond

// ailment is what is wrong with a chip.
type ailment struct {
	slow   time.Duration
	wrong  int  // answers 6F00 so many times
	dead   bool // does not answer
	struck int
}

// takes says whether the chip's own answer is to be asked for at all, and if not, what comes in its place.
func (a *ailment) takes() (answer []byte, dead, asked bool) {
	switch {
	case a.dead:
		a.struck++
		return nil, true, false
	case a.wrong > 0:
		a.wrong--
		a.struck++
		return []byte{0x6F, 0x00}, false, false
	case a.slow > 0:
		a.struck++
	}
	return nil, false, true
}
