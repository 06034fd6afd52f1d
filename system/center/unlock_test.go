package center

import (
	"encoding/json"
	"testing"

	"greylock/system/ledger"
	"greylock/system/wire/fa"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

func mustJSON(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// unlock is the question of an outlet for a grey card in its reader.
func (d desk) unlock(l lock) record.UnlockQuestion {
	q := record.UnlockQuestion{Outlet: outlet, ASN: d.asn, Proof: l.greyProof(), TID: d.r.cards.DeskTID, Balance: l.balance, CTC: l.ctc + 1,
		OnlineSN: d.sn, Version: 1, Rand: append(record.Hex{}, d.rand[:]...)}
	q.MAC1 = d.session(d.r.cardKey("DUGK", d.asn), fuelcard.OnlineMAC1Data(q.Balance, q.CTC, fuelcard.TypeOnlineED, q.TID))
	return q
}

// release checks MAC2 as the card does and returns its MAC3.
func (d desk) release(l lock, a record.UnlockAnswer) pboc.MAC {
	d.r.t.Helper()
	k, tid, at := d.r.cardKey("DUGK", d.asn), d.r.cards.DeskTID, stamp(a.Date, a.Time)
	if mac2 := d.session(k, fuelcard.OnlineMAC2Data(a.Amount, fuelcard.TypeOnlineED, tid, at)); !mac2.Equal(a.MAC2) {
		d.r.t.Fatalf("MAC2 %s, want %s", a.MAC2, mac2)
	}
	return d.session(k, fuelcard.OnlineMAC3Data(l.balance-a.Amount, d.sn, a.Amount, fuelcard.TypeOnlineED, tid, at))
}

func grey(t testing.TB) (*rig, desk, lock) {
	r := newRig(t)
	return r, desk{r: r, asn: r.cards.Users[0], sn: 1, rand: [4]byte{7, 7, 8, 8}}, r.lock(0, 30000, 0, 1)
}

// The published unlock of card.md 15.3 D: MAC2 to the byte.
func TestUnlockOfTheSpecification(t *testing.T) {
	t.Parallel()
	r, d, _ := grey(t)
	q := record.UnlockQuestion{ASN: d.asn, TID: pboc.TID{0x13, 0x44, 0, 0, 0x99, 0x99}, OnlineSN: 1, Version: 1,
		Rand: record.Hex{0x77, 0x88, 0x99, 0x00}}
	a := r.core.unlockAnswer(q, 5000, [7]byte{0x20, 0x26, 0x11, 0x24, 0x15, 0x00, 0x00})
	want(t, "MAC2", a.answer.(record.UnlockAnswer).MAC2, pboc.MAC{0xBE, 0x13, 0x98, 0xF7})
}

func TestUnlockTakesTheAmountOfTheRecord(t *testing.T) {
	t.Parallel()
	r, d, l := grey(t)
	r.refused(NoEvidence, record.PathAskUnlock, d.unlock(l))
	r.ship(station, fact(l.record(fa.Escape, 501, 1000, 7850, 1000)))
	q := d.unlock(l)
	var a, b record.UnlockAnswer
	r.into(&a, record.PathAskUnlock, q)
	want(t, "amount", a.Amount, unit.Fen(7850))
	r.restart()
	lines := len(r.lines)
	r.into(&b, record.PathAskUnlock, q)
	want(t, "the same answer", b, a)
	want(t, "nothing written", len(r.lines), lines)
	d.rand = [4]byte{1, 1, 1, 1}
	r.into(&b, record.PathAskUnlock, d.unlock(l))
	end := record.UnlockEndQuestion{Outlet: outlet, ASN: d.asn, OnlineSN: 1, MAC3: d.release(l, b)}
	wrong := end
	wrong.MAC3[0] ^= 1
	r.refused(MAC3Wrong, record.PathAskUnlEnd, wrong)
	for range 2 {
		r.ok(record.PathAskUnlEnd, end)
	}
	r.refused(MAC3Wrong, record.PathAskUnlEnd, wrong)
	want(t, "debit", debits(r, 0), unit.Fen(7850))
	want(t, "owed", r.balance(ledger.Receivable(d.asn)), unit.Fen(0))
	r.refused(AlreadySettled, record.PathAskUnlock, q)
	r.refused(AlreadySettled, record.PathAskUnlock, func() any { d.sn = 2; return d.unlock(l) }())
	var proof SaleProof
	r.into(&proof, PathSale, AskSale{ID: record.SaleID{TID: l.tid(), TTC: 1}.String()})
	if proof.State != "settled" || proof.Settled == nil || proof.Settled.How != "online-unlock" {
		t.Errorf("sale: %+v", proof.SaleView)
	}
	r.ship(station2, fact(l.record(fa.TopUpDebit, 9, 0, 7850, 0))) // physically impossible; it must not post
	want(t, "debit", debits(r, 0), unit.Fen(7850))
	r.sameAfterReplay()
}

func TestUnlockThroughCrashes(t *testing.T) {
	t.Parallel()
	r, d, l := grey(t)
	r.ship(station, fact(l.record(fa.Escape, 501, 1000, 7850, 1000)))
	for _, durable := range []bool{false, true} {
		r.hold = !durable
		r.core.Serve(r.now, 1, record.PathAskUnlock, mustJSON(t, d.unlock(l)))
		if released := r.run(); !durable && len(released) != 0 {
			t.Fatal("answered before the act was durable")
		}
		r.hold = false
		r.restart()
	}
	var a record.UnlockAnswer
	r.into(&a, record.PathAskUnlock, d.unlock(l))
	end := record.UnlockEndQuestion{Outlet: outlet, ASN: d.asn, OnlineSN: 1, MAC3: d.release(l, a)}
	r.hold = true
	r.core.Serve(r.now, 2, record.PathAskUnlEnd, mustJSON(t, end))
	r.run()
	r.hold = false
	r.restart()
	want(t, "owed", r.balance(ledger.Receivable(d.asn)), unit.Fen(7850))
	r.ok(record.PathAskUnlEnd, end)
	r.restart()
	r.ok(record.PathAskUnlEnd, end)
	want(t, "debit", debits(r, 0), unit.Fen(7850))
	r.sameAfterReplay()
}

func TestUnlockRefusals(t *testing.T) {
	t.Parallel()
	r, d, l := grey(t)
	r.ship(station, fact(l.record(fa.Escape, 501, 1000, 7850, 1000)))
	other := l
	other.ttc = 2 // another lock of the same card and CTC: its GTAC is another
	for code, q := range map[string]record.UnlockQuestion{
		MAC1Wrong:   func() record.UnlockQuestion { q := d.unlock(l); q.MAC1[1] ^= 1; return q }(),
		ProofWrong:  d.unlock(other),
		BadValue:    func() record.UnlockQuestion { q := d.unlock(l); q.Proof[0] = 0x10; return q }(),
		WrongKind:   func() record.UnlockQuestion { q := d.unlock(l); q.Outlet = station; return q }(),
		KeyUnknown:  func() record.UnlockQuestion { q := d.unlock(l); q.Alg = 0x55; return q }(),
		UnknownCard: func() record.UnlockQuestion { q := d.unlock(l); q.ASN[9] = 0x98; return q }(),
	} {
		r.refused(code, record.PathAskUnlock, q)
	}
	back := d
	back.sn = 0
	r.refused(SequenceBack, record.PathAskUnlock, back.unlock(l))
	r.refused(UnlockUnknown, record.PathAskUnlEnd, record.UnlockEndQuestion{Outlet: outlet, ASN: d.asn, OnlineSN: 1})
	want(t, "owed", r.balance(ledger.Receivable(d.asn)), unit.Fen(7850))
	r.sameAfterReplay()
}

// 0 only by proof: the board has reported the TTC of this very lock as burned before fuel.
func TestUnlockWithZero(t *testing.T) {
	t.Parallel()
	r, d, l := grey(t)
	burned := func(l lock, posttc uint32, code pboc.MAC) record.Fact {
		rec := l.record(fa.CardErrorEvent, posttc, 0, 0, 0)
		rec.TAC = code
		return fact(r.sign(rec))
	}
	other := l
	other.ttc = 2
	held := l
	held.ttc, held.ctc = 3, 1
	r.ship(station, burned(other, 501, ttcCancelled), burned(held, 502, pboc.MAC{0, 0, 0, 1}))
	r.refused(NoEvidence, record.PathAskUnlock, d.unlock(l))
	r.lose(d.asn)
	r.refused(LockHeld, record.PathAskUnlock, d.unlock(held)) // a listed card that is held grey stays so
	r.ship(station, burned(l, 503, ttcCancelled))
	var a record.UnlockAnswer
	r.into(&a, record.PathAskUnlock, d.unlock(l))
	want(t, "amount", a.Amount, unit.Fen(0))
	r.ok(record.PathAskUnlEnd, record.UnlockEndQuestion{Outlet: outlet, ASN: d.asn, OnlineSN: 1, MAC3: d.release(l, a)})
	want(t, "debit", debits(r, 0), unit.Fen(0))
	r.sameAfterReplay()
}

// MAC3 of an unlock whose answer was lost comes back in the card's proof, or in a supplement that a board writes from it.
func TestUnlockProvenByTheCardLater(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"proof", "supplement"} {
		r, d, l := grey(t)
		r.ship(station, fact(l.record(fa.Escape, 501, 1000, 7850, 1000)))
		var a record.UnlockAnswer
		r.into(&a, record.PathAskUnlock, d.unlock(l))
		mac3 := d.release(l, a)
		if by == "proof" {
			p := fuelcard.LockProof{State: fuelcard.TACUnread, Type: fuelcard.TypeOnlineED, Wallet: fuelcard.ED, Balance: l.balance - 7850,
				Serial: uint16(d.sn), TID: r.cards.DeskTID, Time: stamp(a.Date, a.Time), Code: mac3}
			p.SetAmount(7850)
			r.ship(station, record.ProofSeen{ASN: d.asn, Proof: p.Bytes()})
		} else {
			rec := l.record(fa.Supplement, 502, 0, 7850, 0)
			rec.TTC, rec.CTC, rec.TAC, rec.TID = 0, pboc.CTC(d.sn), mac3, r.cards.DeskTID
			r.ship(station, fact(r.sign(rec)))
		}
		want(t, by+": debit", debits(r, 0), unit.Fen(7850))
		want(t, by+": quarantine", r.reasons(), nil)
		r.sameAfterReplay()
	}
}

// A load under way when the card went grey: the unlock that uses its online number proves that the load did not happen.
func TestUnlockVoidsTheLoadOfItsNumber(t *testing.T) {
	t.Parallel()
	r, d, l := grey(t)
	r.ok(record.PathAskTopUp, record.TopUpQuestion{Outlet: outlet, Account: fleet, Amount: 5000, Tender: "cash", Receipt: "x"})
	d.balance = l.balance
	r.ok(record.PathAskLoad, d.ask(5000))
	want(t, "pending", money(r, d.asn), [3]unit.Fen{0, 5000, funds})
	r.ship(station, fact(l.record(fa.Escape, 501, 1000, 7850, 1000)))
	d.rand = [4]byte{2, 2, 2, 2}
	var a record.UnlockAnswer
	r.into(&a, record.PathAskUnlock, d.unlock(l))
	r.ok(record.PathAskUnlEnd, record.UnlockEndQuestion{Outlet: outlet, ASN: d.asn, OnlineSN: 1, MAC3: d.release(l, a)})
	want(t, "given back", money(r, d.asn), [3]unit.Fen{5000, 0, funds - 7850})
	d.sn, d.balance = 2, l.balance-7850
	r.load(d, 5000)
	r.sameAfterReplay()
}

// A permission that was not used, its lock settled at a pump: the next lock is unlocked under the same online number.
func TestUnlockOvertakenByATopUpDebit(t *testing.T) {
	t.Parallel()
	r, d, l := grey(t)
	r.ship(station, fact(l.record(fa.Escape, 501, 1000, 7850, 1000)))
	r.ok(record.PathAskUnlock, d.unlock(l))
	r.ship(station2, fact(l.record(fa.TopUpDebit, 9, 0, 7850, 0)))
	next := r.lock(0, 30000-7850, 1, 2)
	r.ship(station, fact(next.record(fa.Escape, 502, 500, 3925, 1500)))
	d.rand = [4]byte{3, 3, 3, 3}
	var a record.UnlockAnswer
	r.into(&a, record.PathAskUnlock, d.unlock(next))
	want(t, "amount", a.Amount, unit.Fen(3925))
	r.ok(record.PathAskUnlEnd, record.UnlockEndQuestion{Outlet: outlet, ASN: d.asn, OnlineSN: 1, MAC3: d.release(next, a)})
	want(t, "debit", debits(r, 0), unit.Fen(7850+3925))
	want(t, "owed", r.balance(ledger.Receivable(d.asn)), unit.Fen(0))
	r.sameAfterReplay()
}

// The 35H query beyond the station: five values match, or nothing is said.
func TestGreyQuery(t *testing.T) {
	t.Parallel()
	r, d, l := grey(t)
	q := record.GreyQuestion{Site: station2, ASN: d.asn, Balance: 30000, CTC: 0, Time: append(record.Hex{}, l.time[:]...)}
	ask := func(q record.GreyQuestion) (a record.GreyAnswer) { r.into(&a, record.PathAskGrey, q); return a }
	want(t, "nothing yet", ask(q), record.GreyAnswer{})
	r.ship(station, fact(l.record(fa.Escape, 501, 1000, 7850, 1000)))
	want(t, "owed", ask(q), record.GreyAnswer{Found: true, Amount: 7850, GMAC: pboc.MAC{9, 9, 9, 9},
		Sale: record.SaleID{TID: l.tid(), TTC: 1}})
	for name, change := range map[string]func(q *record.GreyQuestion){
		"balance": func(q *record.GreyQuestion) { q.Balance-- },
		"ctc":     func(q *record.GreyQuestion) { q.CTC++ },
		"ds":      func(q *record.GreyQuestion) { q.DS++ },
		"card":    func(q *record.GreyQuestion) { q.ASN = r.cards.Users[1] },
		"time":    func(q *record.GreyQuestion) { q.Time = record.Hex{0x20, 0x26, 1, 1, 1, 1, 1} },
	} {
		other := q
		change(&other)
		want(t, name, ask(other), record.GreyAnswer{})
	}
	q.Site = outlet
	r.refused(UnknownSite, record.PathAskGrey, q)
	q.Site = station2
	r.ship(station2, fact(l.record(fa.TopUpDebit, 9, 0, 7850, 0)))
	want(t, "settled", ask(q), record.GreyAnswer{})
	q.Time = q.Time[:3]
	r.refused(BadValue, record.PathAskGrey, q)
}
