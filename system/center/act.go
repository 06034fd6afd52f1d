package center

import (
	"bytes"

	"greylock/system/clock"
	"greylock/system/vault"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// permit is the last permission given for a card: the same question has the same answer and is no second fact.
type permit struct {
	act       record.CardAct
	challenge string
}

// askAct gives the MAC of one act on one card. The center makes the command itself from the act's name, so that no outlet can
// have a MAC over anything else, and notes who permitted it and why before the answer leaves.
// Source: design.md 9.1; card.md 5.3, 6.2; trust.md requirement 20, row 88.
func (c *Core) askAct(now clock.Instant, q record.ActQuestion) outcome {
	if o, ok := c.outletAsks(q.Outlet); !ok && !c.stationBlocks(q) {
		return o
	}
	switch holder, ok := c.books.cards.get(q.ASN); {
	case !ok || holder.state != "made" && holder.state != "issued":
		return refuse(UnknownCard)
	case q.Act.PIN() && holder.state != "issued":
		return refuse(CardNotIssued)
	case !word(q.By, false):
		return bad("by", q.By)
	case !word(q.Reason, false):
		return bad("reason", q.Reason)
	}
	answer, o, ok := c.sealAct(q)
	if !ok {
		return o
	}
	if c.books.permits.at(q.ASN) == (permit{q.Act, string(q.Challenge)}) && len(q.Challenge) > 0 {
		return reply(answer)
	}
	return reply(answer, record.ActPermitted{TimeMs: now.Milli(), ASN: q.ASN, Act: q.Act, By: q.By, Reason: q.Reason,
		Outlet: q.Outlet, Challenge: q.Challenge})
}

// stationBlocks says that a station asks for the block of a card on the black list that is in one of its tills, which it may.
// Source: card.md 17.1, blacklist_lock.
func (c *Core) stationBlocks(q record.ActQuestion) bool {
	return q.Act == record.ActBlock && c.books.sites.at(q.Outlet).kind == record.KindStation && c.books.black(q.ASN)
}

// sealAct makes the command of an act and its MAC.
func (c *Core) sealAct(q record.ActQuestion) (a record.ActAnswer, o outcome, ok bool) {
	card := vault.Card{ASN: q.ASN, Issuer: c.books.cards.at(q.ASN).issuer, Alg: c.cfg.Profile.Alg, Version: q.ASN[3] >> 4}
	key := vault.DAMK
	var command apdu.Command
	switch q.Act {
	case record.ActBlock:
		command = fuelcard.ApplicationBlock{}.Command()
	case record.ActBlockForEver:
		command = fuelcard.ApplicationBlock{Permanent: 1}.Command()
	case record.ActUnblock:
		command = fuelcard.ApplicationUnblock{}.Command()
	case record.ActBlockCard:
		command = fuelcard.CardBlock{}.Command()
	case record.ActReloadPIN, record.ActUnblockPIN:
		pin, err := c.cfg.Keys.OpenPIN(card, q.PIN)
		if err != nil || bytes.IndexByte(pin, 0xFF) >= 0 {
			return a, bad("pin", "***"), false
		}
		defer clear(pin)
		if q.Act == record.ActReloadPIN {
			return c.reloadPIN(card, pin, q)
		}
		key = vault.DPUK
		if a.Cipher, err = c.cfg.Keys.Encipher(key, card, pin); err != nil {
			return a, refuse(KeyUnknown), false
		}
		command = c.cfg.Profile.UnblockPIN(a.Cipher).Command()
	default:
		return a, bad("act", q.Act), false
	}
	if len(q.Challenge) != 4 {
		return a, bad("challenge", q.Challenge), false
	}
	var err error
	if a.MAC, err = c.cfg.Keys.SecureMAC(key, card, q.Challenge, command.MACSpan()); err != nil {
		return a, refuse(KeyUnknown), false
	}
	return a, o, true
}

// reloadPIN is the one act without a challenge. Source: card.md 5.3.
func (c *Core) reloadPIN(card vault.Card, pin []byte, q record.ActQuestion) (a record.ActAnswer, o outcome, ok bool) {
	if len(q.Challenge) != 0 {
		return a, bad("challenge", q.Challenge), false
	}
	var err error
	if a.MAC, err = c.cfg.Keys.ReloadMAC(card, pin); err != nil {
		return a, refuse(KeyUnknown), false
	}
	return a, o, true
}

// acts says whether a site's word of an act counts: an outlet's, and a station's of a block that it was permitted.
func (b *books) acts(kind record.Kind, f record.ActEnded) bool {
	return kind == record.KindOutlet || kind == record.KindStation && f.Act == record.ActBlock && b.permits.at(f.ASN).act == record.ActBlock
}

// acted takes a site's word of what was done to a card into the register.
func (b *books) acted(f record.ActEnded) {
	c, ok := b.cards.get(f.ASN)
	if !ok || !f.Done {
		return
	}
	switch f.Act {
	case record.ActBlock, record.ActBlockForEver, record.ActBlockCard:
		c.blocked = f.Act
	case record.ActUnblock:
		c.blocked = ""
	case record.ActLimits:
		c.limits, c.plate = f.Limits, f.Plate
	case record.ActVessel:
		c.vessel = f.Vessel
	case record.ActHolder:
		c.holder = f.Holder
	}
	b.cards.put(f.ASN, c)
}

// permitted notes the permission, so that asked again it is no news.
func (b *books) permitted(asn pboc.ASN, act record.CardAct, challenge record.Hex) {
	b.permits.put(asn, permit{act, string(challenge)})
}
