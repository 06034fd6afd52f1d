package till

import (
	"errors"

	"greylock/system/terminal"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// Blocked is the reason of a listed card whose application was blocked, in its refusal.
const Blocked = "blacklisted card: its application is blocked"

// errDeclined: the center does not want the card blocked: it has come off the list meanwhile.
var errDeclined = errors.New("中心不同意锁卡 (the center does not want this card blocked)")

// errOffline: the center can not be asked.
var errOffline = errors.New("中心联系不上 (the center can not be reached)")

// black locks a card of the black list: its application by the center's MAC, where the center can not be asked a grey hold;
// refused only where the profile or the center says so. Source: card.md 17.1, blacklist_lock.
func (v *visitor) black(refused *terminal.Refusal) {
	lock := v.t.cfg.Profile.BlacklistLock
	if lock == fuelcard.LockRefuseOnly {
		v.refuse(refused)
		return
	}
	v.t.say(Text{"黑名单卡, 正在锁卡…", "blacklisted card, locking…"})
	switch err := v.block(); {
	case err == nil:
		v.refuse(&terminal.Refusal{Code: refused.Code, Zh: "黑名单卡, 已锁卡", En: Blocked})
	case errors.Is(err, errOffline) && lock == fuelcard.LockBlockOrHold && v.hold():
	default:
		v.refuse(refused)
	}
}

// block blocks the card's application, temporarily. Once the command may have reached the card, the act is open until it is
// known how it ended: the next visit of the card shows. errOffline, errDeclined; terminal.ErrUnknown.
func (v *visitor) block() error {
	err := v.term.Secure(v.id, centerSeal{v}, "锁定应用 (APPLICATION BLOCK)", fuelcard.ApplicationBlock{}.Command())
	if err != nil {
		return err
	}
	return v.k.Append(v.ended(true, "answer"))
}

func (v *visitor) ended(done bool, how string) record.ActEnded {
	return record.ActEnded{TimeMs: v.t.now.Milli(), ASN: v.id.ASN, Act: record.ActBlock, Done: done, How: how}
}

// centerSeal has the center make the MAC, and notes the act before the command leaves.
type centerSeal struct{ v *visitor }

// Seal implements terminal.Sealer.
func (s centerSeal) Seal(asn pboc.ASN, _ pboc.Issuer, challenge []byte, c apdu.Command) (apdu.Command, error) {
	t := s.v.t
	t.block, t.told = Permit{}, false
	t.deps.Block(asn, challenge)
	if _, err := s.v.k.Ask(askBlock, nil); err != nil {
		return c, err
	}
	switch p := t.block; {
	case !p.Reached:
		return c, errOffline
	case p.Declined:
		return c, errDeclined
	}
	return c.WithMAC(t.block.MAC), s.v.k.Append(record.ActBegun{TimeMs: t.now.Milli(), ASN: asn, Act: record.ActBlock, By: t.name(), Reason: "blacklist"})
}

// settleBlock ends a block whose outcome was unknown, where the card shows it. False: the visit is over.
func (v *visitor) settleBlock() bool {
	if v.id.ASN != (pboc.ASN{}) {
		return !v.t.book.blocks[v.id.ASN] || v.k.Append(v.ended(false, "seen")) == nil // it answers: the command never reached it
	}
	id, block, err := v.term.IdentifyBlocked()
	if err != nil || block == terminal.Unblocked {
		return true // whatever it is, it is refused by what SELECT said
	}
	v.id.ASN, v.t.face.asn = id.ASN, id.ASN
	if v.t.book.blocks[id.ASN] && v.k.Append(v.ended(true, "seen")) != nil {
		return false
	}
	v.refuse(v.id.Refused)
	return false
}

// hold locks a listed card grey; nothing is ever authorised under this lock.
func (v *visitor) hold() bool {
	if !v.close() {
		return false
	}
	l, err := v.term.Lock(v.id, 0)
	if err != nil {
		return false
	}
	e := l.Entry(terminal.Hold)
	e.Reason = "black"
	if _, err := v.term.Note(e); err != nil {
		return false
	}
	v.t.say(Text{"黑名单卡, 已锁卡", "blacklisted card: locked"})
	return true
}
