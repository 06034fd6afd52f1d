package center

import (
	"math/rand/v2"
	"testing"

	"greylock/system/vault"
	"greylock/system/wire/apdu"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
)

// act is the question of an outlet about the first test card.
func (r *rig) act(act record.CardAct, pin []byte) record.ActQuestion {
	r.t.Helper()
	q := record.ActQuestion{Outlet: outlet, ASN: r.cards.Users[0], Act: act, By: "王主管", Reason: "挂失", Challenge: record.Hex{0x99, 0xAA, 0xBB, 0xCC}}
	if pin != nil {
		c := vault.Card{ASN: q.ASN, Issuer: r.cards.Issuer, Version: 1}
		sealed, err := r.cfg.Keys.(*vault.Vault).SealPIN(rand.NewChaCha8([32]byte{3}), c, pin)
		if err != nil {
			r.t.Fatal(err)
		}
		q.PIN = sealed
	}
	return q
}

// The published commands of card.md 15.3 F, to the byte: the test card is the one of the specification.
func TestActsOfTheSpecification(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	pin := []byte{0x12, 0x34, 0x56}
	var a record.ActAnswer
	r.into(&a, record.PathAskAct, r.act(record.ActBlock, nil))
	want(t, "APPLICATION BLOCK", a, record.ActAnswer{MAC: pboc.MAC{0xBE, 0xA4, 0x08, 0x46}})
	q := r.act(record.ActReloadPIN, pin)
	q.Challenge = nil
	r.into(&a, record.PathAskAct, q)
	want(t, "RELOAD PIN", a, record.ActAnswer{MAC: pboc.MAC{0x32, 0x26, 0xA4, 0xAC}})
	q = r.act(record.ActUnblockPIN, pin)
	q.Challenge = record.Hex{0x11, 0x22, 0x33, 0x44}
	r.into(&a, record.PathAskAct, q)
	want(t, "PIN UNBLOCK", a, record.ActAnswer{Cipher: record.Hex{0x90, 0x83, 0xBC, 0x6A, 0xB3, 0xE1, 0x69, 0xCA}, MAC: pboc.MAC{0x9C, 0x8D, 0xE2, 0x97}})
	r.sameAfterReplay()
}

// Each act's MAC is that of its own command and of no other, computed here with the suite.
func TestActsMACTheirOwnCommand(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for act, c := range map[record.CardAct]apdu.Command{
		record.ActBlock:        fuelcard.ApplicationBlock{}.Command(),
		record.ActBlockForEver: fuelcard.ApplicationBlock{Permanent: 1}.Command(),
		record.ActBlockCard:    fuelcard.CardBlock{}.Command(),
		record.ActUnblock:      fuelcard.ApplicationUnblock{}.Command(),
	} {
		q := r.act(act, nil)
		var a record.ActAnswer
		r.into(&a, record.PathAskAct, q)
		want(t, string(act), a.MAC, pboc.TDES.SecureMAC(r.cardKey("DAMK", q.ASN), q.Challenge, c.MACSpan()))
	}
}

func TestActIsIdempotent(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q := r.act(record.ActUnblock, nil)
	var first, again record.ActAnswer
	r.into(&first, record.PathAskAct, q)
	lines := len(r.lines)
	r.into(&again, record.PathAskAct, q)
	want(t, "the same answer", again, first)
	want(t, "nothing written", len(r.lines), lines)
	r.restart()
	r.into(&again, record.PathAskAct, q)
	want(t, "the same answer after a restart", again, first)
	want(t, "nothing written after a restart", len(r.lines), lines)
	q.Challenge = record.Hex{1, 2, 3, 4}
	r.into(&again, record.PathAskAct, q)
	want(t, "another challenge is another permission", len(r.lines), lines+1)
	if again.MAC == first.MAC {
		t.Error("the same MAC under another challenge")
	}
	r.sameAfterReplay()
}

func TestActRefusals(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	lines := len(r.lines)
	for i, c := range []struct {
		code   string
		change func(q *record.ActQuestion)
	}{
		{UnknownSite, func(q *record.ActQuestion) { q.Outlet = "7777" }},
		{WrongKind, func(q *record.ActQuestion) { q.Outlet = station }},
		{UnknownCard, func(q *record.ActQuestion) { q.ASN[9] = 0x98 }},
		{BadValue, func(q *record.ActQuestion) { q.By = "" }},
		{BadValue, func(q *record.ActQuestion) { q.Reason = "" }},
		{BadValue, func(q *record.ActQuestion) { q.Challenge = q.Challenge[:3] }},
		{BadValue, func(q *record.ActQuestion) { q.Challenge = nil }},
		{BadValue, func(q *record.ActQuestion) { q.Act = "debit" }},
		{BadValue, func(q *record.ActQuestion) { q.Act = record.ActLimits }},
		{BadValue, func(q *record.ActQuestion) { *q = r.act(record.ActUnblockPIN, nil) }},
		{BadValue, func(q *record.ActQuestion) { *q = r.act(record.ActReloadPIN, []byte{1, 2}) }}, // a reload has no challenge
		{BadValue, func(q *record.ActQuestion) { *q = r.act(record.ActUnblockPIN, []byte{0xFF, 2}) }},
		{BadValue, func(q *record.ActQuestion) { *q = r.act(record.ActUnblockPIN, []byte{1, 2}); q.PIN[20] ^= 1 }},
		{BadValue, func(q *record.ActQuestion) { // sealed for another card
			*q = r.act(record.ActUnblockPIN, []byte{1, 2})
			q.ASN = r.cards.Users[1]
		}},
	} {
		q := r.act(record.ActBlock, nil)
		c.change(&q)
		r.refused(c.code, record.PathAskAct, q)
		if len(r.lines) != lines {
			t.Fatalf("row %d wrote a fact", i)
		}
	}
}

// What outlets did to cards enters the register by their journal; no other kind of site may say it.
func TestActsInTheRegister(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	asn := r.cards.Users[0]
	limits := record.Hex(fuelcard.NoLimits().Bytes())
	look := func() (v CardView) { r.into(&v, PathCard, AskCard{ASN: asn}); return v }
	ended := func(act record.CardAct, done bool) record.ActEnded {
		return record.ActEnded{ASN: asn, Act: act, Done: done, How: "answer", Holder: "新人", Plate: "粤B1", Limits: limits}
	}
	r.ship(outlet, ended(record.ActBlock, false))
	r.ship(station, ended(record.ActBlock, true))
	want(t, "not blocked", look().Blocked, "")
	for _, act := range []record.CardAct{record.ActBlock, record.ActBlockForEver, record.ActBlockCard} {
		r.ship(outlet, ended(act, true))
		want(t, "blocked", look().Blocked, string(act))
	}
	r.ship(outlet, ended(record.ActUnblock, true))
	want(t, "unblocked", look().Blocked, "")
	r.ship(outlet, ended(record.ActLimits, true), ended(record.ActHolder, true))
	v := look()
	want(t, "limits, plate, holder", []string{string(v.Limits), v.Plate, v.Holder}, []string{string(limits), "粤B1", "新人"})
	r.sameAfterReplay()
}

// A station may have a card blocked that is on the black list, and nothing else; its word counts for what it was permitted.
func TestStationBlocksListedCards(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q := r.act(record.ActBlock, nil)
	q.Outlet, q.By, q.Reason = station, "till 1", "blacklist"
	ended := record.ActEnded{TimeMs: 1, ASN: q.ASN, Act: record.ActBlock, Done: true, How: "answer"}
	r.refused(WrongKind, record.PathAskAct, q)
	r.ship(station, ended)
	want(t, "blocked without permission", string(r.core.books.cards.at(q.ASN).blocked), "")
	r.lose(q.ASN)
	for _, act := range []record.CardAct{record.ActUnblock, record.ActBlockForEver, record.ActBlockCard} {
		other := q
		other.Act = act
		r.refused(WrongKind, record.PathAskAct, other)
	}
	var a record.ActAnswer
	r.into(&a, record.PathAskAct, q)
	want(t, "MAC", a.MAC, pboc.TDES.SecureMAC(r.cardKey("DAMK", q.ASN), q.Challenge, fuelcard.ApplicationBlock{}.Command().MACSpan()))
	r.ship(station, ended)
	want(t, "blocked", r.core.books.cards.at(q.ASN).blocked, record.ActBlock)
	ended.Act = record.ActUnblock
	r.ship(station, ended)
	want(t, "unblocked by a station", r.core.books.cards.at(q.ASN).blocked, record.ActBlock)
	r.sameAfterReplay()
}
