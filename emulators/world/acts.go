package world

import (
	"errors"
	"fmt"

	"greylock/system/app"
	"greylock/system/card"
	"greylock/system/issuing"
	"greylock/system/terminal"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// CardActs is what the desk does to a card beside moving money. PINs are digits as people key them; supervisor and reason are
// the town's own.
type CardActs interface {
	// ChangePIN is the holder's own act; ReloadPIN and UnblockPIN are a supervisor's, with the center's MAC.
	ChangePIN(card, old, fresh string) error
	ReloadPIN(card, fresh string) error
	UnblockPIN(card, fresh string) error
	// SettlePIN finds out which PIN holds after a torn act on it; held: the fresh one.
	SettlePIN(card, fresh, old string) (held bool, err error)
	// CheckPIN shows a PIN to the card.
	CheckPIN(card, pin string) error
	// Block locks the application, for a time or for ever, or the whole card; Unblock lifts it where it is for a time.
	Block(card string, act record.CardAct, reason string) error
	Unblock(card, reason string) error
	// DeclareDead closes a torn block of a card that answers nothing any more, by the number printed on it.
	DeclareDead(card string) error
	// UnlockForced frees a grey card of whose lock no record has come within 48 hours.
	UnlockForced(card string, by [2]string, reason string) (unit.Fen, error)
	SetLimits(card string, l LimitPlan) error
	SetHolder(card, holder string) error
	// SetVessel registers a vehicle's vessel on a card for gas; inspection and scrap are YYYYMMDD.
	SetVessel(card, inspection, scrap string) error
}

// supervisor permits what a clerk may not do alone.
const supervisor = "王主管"

// onReader puts the named card on the desk's reader for one job.
func (w *World) onReader(name string, run func(p *plastic, v *issuing.Visit) error) error {
	p, err := w.card(name)
	if err != nil {
		return err
	}
	return w.visit(p, func(v *issuing.Visit) error { return run(p, v) })
}

// keyed packs PINs; the caller's job gets them and they are wiped after it.
func keyed(digits []string, run func(pins []fuelcard.PIN) error) error {
	pins := make([]fuelcard.PIN, len(digits))
	for i, d := range digits {
		if d == "" {
			continue
		}
		pin, err := terminal.KeyedPIN([]byte(d))
		if err != nil {
			return err
		}
		defer terminal.Wipe(pin)
		pins[i] = pin
	}
	return run(pins)
}

// setPIN does an act that sets the PIN; the holder remembers the new one once it is known to hold.
func (w *World) setPIN(name, fresh string, digits []string, set func(v *issuing.Visit, pins []fuelcard.PIN) error) error {
	return keyed(digits, func(pins []fuelcard.PIN) error {
		return w.onReader(name, func(p *plastic, v *issuing.Visit) error {
			err := set(v, pins)
			if err == nil {
				p.pin = fresh
			}
			return err
		})
	})
}

// ChangePIN lets the holder choose another PIN.
func (w *World) ChangePIN(name, old, fresh string) error {
	return w.setPIN(name, fresh, []string{old, fresh}, func(v *issuing.Visit, pins []fuelcard.PIN) error {
		return v.ChangePIN(pins[0], pins[1])
	})
}

// ReloadPIN gives a card a new PIN without the old one.
func (w *World) ReloadPIN(name, fresh string) error {
	return w.setPIN(name, fresh, []string{fresh}, func(v *issuing.Visit, pins []fuelcard.PIN) error {
		return v.ReloadPIN(pins[0], supervisor, "持卡人忘记密码")
	})
}

// UnblockPIN gives a card whose PIN is blocked a new one.
func (w *World) UnblockPIN(name, fresh string) error {
	return w.setPIN(name, fresh, []string{fresh}, func(v *issuing.Visit, pins []fuelcard.PIN) error {
		return v.UnblockPIN(pins[0], supervisor, "密码已锁定")
	})
}

// SettlePIN finds out which PIN holds; the holder remembers that one.
func (w *World) SettlePIN(name, fresh, old string) (held bool, err error) {
	err = keyed([]string{fresh, old}, func(pins []fuelcard.PIN) error {
		return w.onReader(name, func(p *plastic, v *issuing.Visit) (err error) {
			held, err = v.SettlePIN(pins[0], pins[1])
			switch {
			case err != nil:
			case held:
				p.pin = fresh
			default:
				p.pin = old
			}
			return err
		})
	})
	return held, err
}

// CheckPIN shows a PIN to the card.
func (w *World) CheckPIN(name, pin string) error {
	return keyed([]string{pin}, func(pins []fuelcard.PIN) error {
		return w.onReader(name, func(_ *plastic, v *issuing.Visit) error {
			_, err := v.Read(pins[0])
			return err
		})
	})
}

// Block locks the card's application, or the card.
func (w *World) Block(name string, act record.CardAct, reason string) error {
	return w.onReader(name, func(_ *plastic, v *issuing.Visit) error { return v.Block(act, supervisor, reason) })
}

// Unblock lifts a temporary block.
func (w *World) Unblock(name, reason string) error {
	return w.onReader(name, func(_ *plastic, v *issuing.Visit) error { return v.Unblock(supervisor, reason) })
}

// DeclareDead reads the number off the plastic of a card that is mute.
func (w *World) DeclareDead(name string) error {
	p, err := w.card(name)
	if err != nil {
		return err
	}
	return w.outlet.job(p, nil, func(door app.Door, t card.Transport) error { return w.desk.Dead(door, t, p.asn) })
}

// SetLimits writes other limits; the plate stays none.
func (w *World) SetLimits(name string, l LimitPlan) error {
	return w.onReader(name, func(_ *plastic, v *issuing.Visit) error {
		return v.SetLimits(l.limits(), "", supervisor, "客户申请")
	})
}

// SetHolder writes another holder.
func (w *World) SetHolder(name, holder string) error {
	if holder == "" {
		return errors.New("持卡人不能为空 (a holder is needed)")
	}
	err := w.onReader(name, func(_ *plastic, v *issuing.Visit) error {
		return v.SetHolder(issuing.Order{Holder: holder}, supervisor, "更正姓名")
	})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// UnlockForced frees a grey card without evidence.
func (w *World) UnlockForced(name string, by [2]string, reason string) (paid unit.Fen, err error) {
	err = w.onReader(name, func(_ *plastic, v *issuing.Visit) error {
		u, err := v.UnlockForced(record.Forced{By: by, Reason: reason})
		paid = u.Amount
		return err
	})
	return paid, err
}
