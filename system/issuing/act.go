package issuing

import (
	"bytes"
	"errors"
	"fmt"

	"greylock/system/card"
	"greylock/system/terminal"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// Errors of acts on a card.
var (
	// ErrBlocked: only an unblock helps, and none where it is for ever.
	ErrBlocked = errors.New("卡应用已锁定, 请先解锁 (the application is blocked: unblock it first)")
	// ErrAlive: the card answers, so it is not blocked.
	ErrAlive = errors.New("卡仍应答, 没有锁死 (the card answers: it is not blocked)")
	// ErrAct: no such act.
	ErrAct = errors.New("没有这种操作 (no such act)")
)

// actKey finds an open act.
type actKey struct {
	asn pboc.ASN
	act record.CardAct
}

// OpenActs lists what this desk has begun to do to the card and does not know the end of.
func (v *Visit) OpenActs() (all []record.CardAct) {
	for _, act := range record.CardActs {
		if _, open := v.desk.acts[actKey{v.id.ASN, act}]; open {
			all = append(all, act)
		}
	}
	return all
}

// Block locks the card's application temporarily or for ever, or the whole card, with the center's MAC over this card's
// challenge. A torn one is found out at the next insert; of a card that is dead then, by its printed number (Desk.Dead).
// record.Refusal; terminal.ErrUnknown, the act is open. Source: card.md 6.2, 7.2; design.md 9.1.
func (v *Visit) Block(act record.CardAct, by, reason string) error {
	state := map[record.CardAct]terminal.Block{record.ActBlock: terminal.BlockedTemporarily,
		record.ActBlockForEver: terminal.BlockedForEver, record.ActBlockCard: terminal.BlockedForEver}
	commands := map[record.CardAct]apdu.Command{record.ActBlock: fuelcard.ApplicationBlock{}.Command(),
		record.ActBlockForEver: fuelcard.ApplicationBlock{Permanent: 1}.Command(), record.ActBlockCard: fuelcard.CardBlock{}.Command()}
	c, ok := commands[act]
	switch {
	case !ok:
		return fmt.Errorf("%s: %w", act, ErrAct)
	case v.block != terminal.Unblocked:
		return ErrBlocked
	}
	if err := v.permitted(record.ActBegun{Act: act, By: by, Reason: reason}, c); err != nil {
		return err
	}
	v.block = state[act]
	return nil
}

// Unblock lifts a temporary block of the application, which also forgets wrong GMACs, and begins the visit anew: the card is
// proven, and what is open is settled. Errors as of Block, and of Insert. Source: card.md 6.2, 7.2.
func (v *Visit) Unblock(by, reason string) error {
	if v.block == terminal.Unblocked {
		return fmt.Errorf("卡应用没有锁定 (the application is not blocked): %w", terminal.ErrOrder)
	}
	if err := v.permitted(record.ActBegun{Act: record.ActUnblock, By: by, Reason: reason}, fuelcard.ApplicationUnblock{}.Command()); err != nil {
		return err
	}
	return v.enter()
}

// SetLimits writes the limits and the plate (001C) with the outlet's MAC, and tells the center by the journal.
// terminal.ErrUnknown: the next insert reads which limits the card has. fuelcard.ErrNoPerFill. Source: card.md 3.5, 5.3.
func (v *Visit) SetLimits(l fuelcard.Limits, plate, by, reason string) error {
	limits, err := withPlate(l, plate)
	if err != nil {
		return err
	}
	file, err := v.desk.cfg.Profile.LimitsBytes(limits)
	if err != nil {
		return err
	}
	if v.block != terminal.Unblocked {
		return ErrBlocked
	}
	b := v.begun(record.ActBegun{Act: record.ActLimits, By: by, Reason: reason, Plate: plate, Limits: limits.Bytes()})
	if err := v.note(b); err != nil {
		return err
	}
	if err := v.done(b, v.term.WriteSecure(v.id, host{v}, fuelcard.SFILimits, 0, file)); err != nil {
		return err
	}
	v.id.Limits = limits
	return nil
}

// SetHolder writes the holder's data (0016); kind of card and staff flag stay. Of the order only Holder, Identity and
// IdentityType count; the identity number goes to the card alone. A torn one is found out at the next insert by the name, which
// is written by the same command; where only the identity number is new, the order is given again. Source: card.md 3.3.
func (v *Visit) SetHolder(o Order, by, reason string) error {
	if v.block != terminal.Unblocked {
		return ErrBlocked
	}
	holder, err := v.holder(o)
	if err != nil {
		return err
	}
	b := v.begun(record.ActBegun{Act: record.ActHolder, By: by, Reason: reason, Holder: o.Holder})
	if err := v.note(b); err != nil {
		return err
	}
	if err := v.done(b, v.term.WriteSecure(v.id, host{v}, fuelcard.SFIHolder, 0, holder.Bytes())); err != nil {
		return err
	}
	v.id.Holder = holder
	return nil
}

// SetVessel writes the vessel that a card for gas vouches for (000D) with the outlet's MAC. A card that was not made for gas says
// that it has no such file. terminal.ErrUnknown: the next insert reads which vessel the card has. Source: card.md 3.1.
func (v *Visit) SetVessel(x fuelcard.VesselData, plate, by, reason string) error {
	if err := gbk(x.Plate[:], plate); err != nil {
		return err
	}
	if v.block != terminal.Unblocked {
		return ErrBlocked
	}
	b := v.begun(record.ActBegun{Act: record.ActVessel, By: by, Reason: reason, Vessel: x.Bytes()})
	if err := v.note(b); err != nil {
		return err
	}
	return v.done(b, v.term.WriteSecure(v.id, host{v}, fuelcard.SFIVessel, 0, x.Bytes()))
}

// Dead closes the block of a card that answers nothing any more: the card is on the reader, and its number was read from the
// plastic. ErrAlive; terminal.ErrOrder where this desk has not begun to block that card.
func (d *Desk) Dead(door Door, t card.Transport, asn pboc.ASN) error {
	v := d.visit(door, t)
	_, _, err := v.term.IdentifyBlocked()
	switch {
	case err == nil:
		return ErrAlive
	case !errors.Is(err, terminal.ErrDead):
		return err
	}
	b, open := d.acts[actKey{asn, record.ActBlockCard}]
	if !open {
		return fmt.Errorf("本网点没有未了结的锁卡 (no block of this card is open here): %w", terminal.ErrOrder)
	}
	return v.note(v.end(b, true, "number"))
}

// permitted does an act whose MAC is the center's: challenge, question, note, command, note.
func (v *Visit) permitted(b record.ActBegun, c apdu.Command) error {
	b = v.begun(b)
	q, err := v.question(b, nil)
	if err != nil {
		return err
	}
	zh, en := b.Act.Words()
	return v.done(b, v.term.Secure(v.id, permission{v, q, func() error { return v.note(b) }}, zh+" ("+en+")", c))
}

// question is what the center is asked; a PIN is sealed for it.
func (v *Visit) question(b record.ActBegun, pin fuelcard.PIN) (record.ActQuestion, error) {
	q := record.ActQuestion{Outlet: v.desk.cfg.Site, ASN: b.ASN, Act: b.Act, By: b.By, Reason: b.Reason}
	if pin == nil {
		return q, nil
	}
	sealed, err := v.desk.cfg.Keys.SealPIN(v.desk.cfg.Random, v.card, pin)
	q.PIN = sealed
	return q, err
}

// permission asks the center for the MAC of one act under the card's challenge, and notes the act before the command leaves.
type permission struct {
	v     *Visit
	q     record.ActQuestion
	begin func() error
}

// Seal completes the command with the center's MAC; that of PIN UNBLOCK with its cipher too.
func (p permission) Seal(asn pboc.ASN, _ pboc.Issuer, challenge []byte, c apdu.Command) (apdu.Command, error) {
	if asn != p.q.ASN {
		return c, terminal.ErrOtherCard
	}
	p.q.Challenge = challenge
	a, err := ask[record.ActAnswer](p.v.door, record.PathAskAct, p.q)
	if err != nil {
		return c, err
	}
	if p.q.Act == record.ActUnblockPIN {
		c = p.v.desk.cfg.Profile.UnblockPIN(a.Cipher).Command()
	}
	return c.WithMAC(a.MAC), p.begin()
}

func (v *Visit) begun(b record.ActBegun) record.ActBegun {
	b.TimeMs, b.ASN = v.door.Now().Milli(), v.id.ASN
	return b
}

// end is how an act ended, with what the center's register needs of it.
func (v *Visit) end(b record.ActBegun, done bool, how string) record.ActEnded {
	e := record.ActEnded{TimeMs: v.door.Now().Milli(), ASN: b.ASN, Act: b.Act, Done: done, How: how}
	if done {
		e.Holder, e.Plate, e.Limits, e.Vessel = b.Holder, b.Plate, b.Limits, b.Vessel
	}
	return e
}

// done notes how an act ended, as far as that is known: one whose command may have reached the card stays open. An act that
// was never begun, because the center refused or could not be asked, has no end. A new PIN ends every act on the PIN before it.
func (v *Visit) done(b record.ActBegun, err error) error {
	if _, open := v.desk.acts[actKey{b.ASN, b.Act}]; !open {
		return err
	}
	if err == nil {
		ends := []record.Fact{v.end(b, true, "answer")}
		if b.Act.PIN() {
			ends = append(ends, v.pinEnds(false, "overtaken", b.Act)...)
		}
		return v.note(ends...)
	}
	var sw apdu.SW
	if _, refused := refusal(err); refused || errors.Is(err, terminal.ErrUnknown) || card.Lost(err) || !errors.As(err, &sw) {
		return err
	}
	return errors.Join(err, v.note(v.end(b, false, "declined")))
}

// settleAct ends the acts that this desk has open for the card, where the card shows how they ended. One that sets the PIN is
// not to be seen: SettlePIN.
func (v *Visit) settleAct() error {
	for _, act := range v.OpenActs() {
		b := v.desk.acts[actKey{v.id.ASN, act}]
		if done, seen := v.shows(b); seen {
			if err := v.note(v.end(b, done, "seen")); err != nil {
				return err
			}
		}
	}
	return nil
}

// shows reads off the card whether an act was done; seen says that it can be read.
func (v *Visit) shows(b record.ActBegun) (done, seen bool) {
	free := v.block == terminal.Unblocked
	switch b.Act {
	case record.ActBlock:
		return !free, true
	case record.ActBlockForEver:
		return v.block == terminal.BlockedForEver, true
	case record.ActBlockCard:
		return false, true
	case record.ActUnblock:
		return free, true
	case record.ActLimits:
		return bytes.Equal(b.Limits, v.id.Limits.Bytes()), free
	case record.ActVessel:
		vessel, err := v.term.Vessel()
		return bytes.Equal(b.Vessel, vessel.Bytes()), free && err == nil
	case record.ActHolder:
		return b.Holder == text(v.id.Holder.Name[:]), free
	}
	return false, false
}
