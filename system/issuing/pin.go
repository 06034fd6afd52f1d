package issuing

import (
	"errors"
	"fmt"
	"slices"

	"greylock/system/card"
	"greylock/system/terminal"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/record"
)

// A PIN is on the card and in the holder's head, never in a fact, a log or in clear in a question. So a torn act that sets it
// is ended by the holder: either the same act is given again, which burns no try, or SettlePIN shows the fresh PIN to the card
// and then the old one, which burns one try at most and gets it back.

// ChangePIN replaces the PIN by one that the holder keys, who knows the old one (修改密码). The old one is verified first, so
// that all tries are there if the change is torn. *terminal.PINError says how many tries are left; terminal.ErrUnknown: the
// card has gone, SettlePIN finds out. Source: card.md 6.2.
func (v *Visit) ChangePIN(old, fresh fuelcard.PIN) error {
	if err := v.fits(fresh); err != nil {
		return err
	}
	if err := v.term.VerifyPIN(old); err != nil {
		return err
	}
	return v.newPIN(record.ActBegun{Act: record.ActChangePIN}, func(_ record.ActBegun, begin func() error) error {
		if err := begin(); err != nil {
			return err
		}
		return v.term.Send("修改密码 (CHANGE PIN)", fuelcard.ChangePIN{KeyID: fuelcard.PINSlot.ID, Old: old, New: fresh}.Command())
	})
}

// ReloadPIN gives the card a new PIN without the old one, and all its tries (重装密码): a supervisor's act, with the MAC of the
// center. record.Refusal; terminal.ErrUnknown as of ChangePIN. Source: card.md 5.3, 6.2.
func (v *Visit) ReloadPIN(fresh fuelcard.PIN, by, reason string) error {
	if err := v.fits(fresh); err != nil {
		return err
	}
	return v.newPIN(record.ActBegun{Act: record.ActReloadPIN, By: by, Reason: reason}, func(b record.ActBegun, begin func() error) error {
		q, err := v.question(b, fresh)
		if err != nil {
			return err
		}
		a, err := ask[record.ActAnswer](v.door, record.PathAskAct, q)
		if err != nil {
			return err
		}
		if err := begin(); err != nil {
			return err
		}
		return v.term.Send("重装密码 (RELOAD PIN)", fuelcard.ReloadPIN{KeyID: fuelcard.PINSlot.ID, PIN: fresh, MAC: a.MAC}.Command())
	})
}

// UnblockPIN gives a card whose PIN is blocked a new PIN and all its tries (解锁密码): a supervisor's act, enciphered and with
// the MAC of the center over the card's challenge. Errors as of ReloadPIN. Source: card.md 5.3, 6.2.
func (v *Visit) UnblockPIN(fresh fuelcard.PIN, by, reason string) error {
	if err := v.fits(fresh); err != nil {
		return err
	}
	return v.newPIN(record.ActBegun{Act: record.ActUnblockPIN, By: by, Reason: reason}, func(b record.ActBegun, begin func() error) error {
		q, err := v.question(b, fresh)
		if err != nil {
			return err
		}
		return v.term.Secure(v.id, permission{v, q, begin}, "解锁密码 (PIN UNBLOCK)", apdu.Command{})
	})
}

// newPIN does an act that sets the PIN. The flag in 001B comes first: a card cut between the two asks for a PIN, and its
// holder comes back; the other way round terminals would show it the default PIN silently until it is blocked. The note is
// before both. Where nothing came of the act the flag goes back.
func (v *Visit) newPIN(b record.ActBegun, set func(b record.ActBegun, begin func() error) error) error {
	if v.block != terminal.Unblocked {
		return ErrBlocked
	}
	b = v.begun(b)
	flagged := v.id.UserPIN()
	b.DefaultPIN = !flagged || slices.ContainsFunc(v.openPINs(), byDefault)
	noted := false
	begin := func() error {
		if noted {
			return nil
		}
		noted = true
		return v.note(b)
	}
	if !flagged {
		if err := begin(); err != nil {
			return err
		}
		if err := v.userPIN(true); err != nil {
			return err
		}
	}
	err := v.done(b, set(b, begin))
	if err == nil || flagged || card.Lost(err) || errors.Is(err, terminal.ErrUnknown) {
		return err
	}
	if back := v.userPIN(false); back != nil {
		return errors.Join(err, back)
	}
	if _, open := v.desk.acts[actKey{b.ASN, b.Act}]; open {
		return errors.Join(err, v.note(v.end(b, false, "refused")))
	}
	return err
}

// byDefault says that the card had the default PIN before the act.
func byDefault(b record.ActBegun) bool { return b.DefaultPIN }

// openPINs lists the acts on the card's PIN whose end is not known.
func (v *Visit) openPINs() (all []record.ActBegun) {
	for _, act := range v.OpenActs() {
		if act.PIN() {
			all = append(all, v.desk.acts[actKey{v.id.ASN, act}])
		}
	}
	return all
}

// pinEnds ends every open act on the PIN but one.
func (v *Visit) pinEnds(done bool, how string, but record.CardAct) (ends []record.Fact) {
	for _, b := range v.openPINs() {
		if b.Act != but {
			ends = append(ends, v.end(b, done, how))
		}
	}
	return ends
}

// SettlePIN finds out which PIN holds after an act that set it was torn: the fresh one is shown first. Where it is wrong and
// the old one is known (the default PIN always is), that one is shown, which gives all tries back: at most one try is burned,
// and none stays burned. held says that the fresh PIN holds. *terminal.PINError: neither holds, the act stays open, and a
// supervisor gives a new PIN. terminal.ErrOrder where no such act is open.
func (v *Visit) SettlePIN(fresh, old fuelcard.PIN) (held bool, err error) {
	open := v.openPINs()
	switch {
	case v.block != terminal.Unblocked:
		return false, ErrBlocked
	case len(open) == 0:
		return false, fmt.Errorf("没有未了结的密码操作 (no act on the PIN is open): %w", terminal.ErrOrder)
	}
	var wrong *terminal.PINError
	err = v.term.VerifyPIN(fresh)
	if err == nil {
		return true, errors.Join(v.userPIN(true), v.note(v.pinEnds(true, "keyed", "")...))
	}
	first := slices.ContainsFunc(open, byDefault)
	if first {
		old = v.desk.cfg.Profile.DefaultPIN
	}
	if !errors.As(err, &wrong) || wrong.Blocked || old == nil {
		return false, err
	}
	if err := v.term.VerifyPIN(old); err != nil {
		return false, err
	}
	if first {
		if err := v.userPIN(false); err != nil {
			return false, err
		}
	}
	return false, v.note(v.pinEnds(false, "keyed", "")...)
}

// firstPIN is that of the second issue, with the outlet's own key. Every step may be made again.
func (v *Visit) firstPIN(pin fuelcard.PIN) error {
	if err := v.fits(pin); err != nil {
		return err
	}
	mac, err := v.desk.cfg.Keys.ReloadMAC(v.card, pin)
	if err != nil {
		return fmt.Errorf("重装密码 (RELOAD PIN): %w", err)
	}
	if err := v.userPIN(true); err != nil {
		return err
	}
	return v.term.Send("重装密码 (RELOAD PIN)", fuelcard.ReloadPIN{KeyID: fuelcard.PINSlot.ID, PIN: pin, MAC: mac}.Command())
}

// fits refuses a PIN that no card takes, before anything is changed. FF would end it. Source: card.md 6.2, 3.4.
func (v *Visit) fits(pin fuelcard.PIN) error {
	if len(pin) < 2 || len(pin) > 6 {
		return fmt.Errorf("密码长度 %d 字节, 应为 2 至 6 (a PIN has 2 to 6 bytes): %w", len(pin), ErrText)
	}
	for _, b := range pin {
		if b == 0xFF {
			return fmt.Errorf("密码含 FF (a PIN with FF): %w", ErrText)
		}
	}
	return nil
}

// userPIN sets or clears the flag that the holder keys a PIN of his own.
func (v *Visit) userPIN(own bool) error {
	if v.id.UserPIN() == own {
		return nil
	}
	flag := byte(0)
	if own {
		flag = 1
	}
	c := fuelcard.UpdateBinary{SFI: fuelcard.SFIOrdinary, Offset: 0, Data: []byte{flag}}.Command()
	if err := v.term.Send("写普通数据 (write 001B)", c); err != nil {
		return err
	}
	v.id.Ordinary.UserPIN = flag
	return nil
}
