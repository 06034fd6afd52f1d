package center

import (
	"testing"

	"greylock/system/ledger"
	"greylock/system/wire/fuelcard"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// unload is the question with the card's INIT FOR UNLOAD answer.
func (d desk) unload(amount unit.Fen) record.UnloadQuestion {
	q := record.UnloadQuestion(d.ask(amount))
	q.MAC1 = d.session(d.r.cardKey("DULK", d.asn), fuelcard.UnloadMAC1Data(d.balance, amount, q.TID))
	return q
}

// pays checks MAC2 as the card does and returns its MAC3.
func (d desk) pays(amount unit.Fen, a record.LoadAnswer) pboc.MAC {
	d.r.t.Helper()
	k, tid, at := d.r.cardKey("DULK", d.asn), d.r.cards.DeskTID, stamp(a.Date, a.Time)
	if mac2 := d.session(k, fuelcard.UnloadMAC2Data(amount, tid, at)); !mac2.Equal(a.MAC2) {
		d.r.t.Fatalf("MAC2 %s, want %s", a.MAC2, mac2)
	}
	return d.session(k, fuelcard.UnloadMAC3Data(d.balance-amount, d.sn, amount, tid, at))
}

func (d desk) unloadEnd(mac3 pboc.MAC) record.UnloadEndQuestion {
	return record.UnloadEndQuestion{Outlet: outlet, ASN: d.asn, OnlineSN: d.sn, Debited: true, MAC3: mac3}
}

// The published unload of card.md 15.3 E: MAC1, MAC2 and MAC3 to the byte.
func TestUnloadOfTheSpecification(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	at := [7]byte{0x20, 0x26, 0x11, 0x24, 0x15, 0x00, 0x00}
	q := record.LoadQuestion{ASN: r.cards.Users[0], Amount: 5000, Balance: 5000, OnlineSN: 1, TID: pboc.TID{0x13, 0x44, 0, 0, 0x99, 0x99},
		Version: 1, Rand: record.Hex{1, 2, 3, 4}, MAC1: pboc.MAC{0xA3, 0xB7, 0x45, 0x53}}
	want(t, "MAC1", r.core.mac1(toAccount, q), "")
	a := r.core.transferAnswer(toAccount, q, at)
	want(t, "MAC2", a.answer.(record.LoadAnswer).MAC2, pboc.MAC{0x60, 0xCE, 0x20, 0x40})
	r.core.books.transfers.put(onlineKey{q.ASN, 1}, transfer{way: toAccount, amount: 5000, time: at,
		attempts: []attempt{{tid: q.TID, before: 5000, rand: rand4(q.Rand), version: 1}}})
	facts, code := r.core.proven(r.core.books, toAccount, q.ASN, 1, pboc.MAC{0xF6, 0x9B, 0x71, 0x85}, 0)
	if code != "" || len(facts) != 1 {
		t.Errorf("MAC3 refused: %s", code)
	}
}

// The account gets the money when MAC3 proves the unload, once, however often it is asked and told.
func TestUnloadPaysWhenTheCardHasProven(t *testing.T) {
	t.Parallel()
	r, d := customer(t)
	q := d.unload(30000)
	var first, again record.LoadAnswer
	r.into(&first, record.PathAskUnload, q)
	want(t, "nothing has moved", money(r, d.asn), [3]unit.Fen{20000, 0, funds})
	lines := len(r.lines)
	r.now = r.now.Add(1e12)
	r.into(&again, record.PathAskUnload, q)
	want(t, "the same answer", again, first)
	want(t, "nothing written", len(r.lines), lines)

	d.rand = [4]byte{5, 6, 7, 8} // the card was reset: a fresh INIT under the same online number
	r.into(&again, record.PathAskUnload, d.unload(30000))
	mac3 := d.pays(30000, again)
	r.refused(AmountDiffers, record.PathAskUnload, d.unload(29999))
	r.refused(UnloadOpen, record.PathAskLoad, d.ask(30000))
	r.refused(LoadUnknown, record.PathAskLoadEnd, d.end(mac3))
	r.refused(MAC3Wrong, record.PathAskUnldEnd, d.unloadEnd(pboc.MAC{1}))
	var view CardView
	r.into(&view, PathCard, AskCard{ASN: d.asn})
	want(t, "under way", [2]unit.Fen{view.Pending, view.Unloading}, [2]unit.Fen{0, 30000})
	r.restart()
	for range 2 {
		r.ok(record.PathAskUnldEnd, d.unloadEnd(mac3))
	}
	want(t, "posted", money(r, d.asn), [3]unit.Fen{50000, 0, funds - 30000})
	want(t, "transit", r.balance(ledger.Transit), unit.Fen(0))
	r.refused(AlreadyUnloaded, record.PathAskUnload, d.unload(30000))
	r.refused(AlreadyUnloaded, record.PathAskLoad, d.ask(30000))
	r.refused(MAC3Wrong, record.PathAskUnldEnd, d.unloadEnd(pboc.MAC{1}))
	var s Statement
	r.into(&s, PathAccount, AskAccount{Account: fleet})
	last := s.Lines[len(s.Lines)-1]
	want(t, "statement", []any{last.Kind, last.Amount, last.Balance}, []any{"unload", unit.Fen(30000), unit.Fen(50000)})
	r.sameAfterReplay()
}

// While one transfer of a card is open no other begins; the card's own INIT proves that an unload did not happen.
func TestUnloadAbsentMovesNothing(t *testing.T) {
	t.Parallel()
	r, d := customer(t)
	q := d.unload(30000)
	r.ok(record.PathAskUnload, q)
	ahead := d
	ahead.sn = 2
	r.refused(UnloadOpen, record.PathAskLoad, ahead.ask(100))
	var a record.CardAnswer
	r.into(&a, record.PathAskCard, record.CardQuestion{Outlet: outlet, ASN: d.asn})
	want(t, "open", *a.Open, record.OpenTransfer{Unload: true, OnlineSN: 1, Amount: 30000})
	r.refused(WrongKind, record.PathAskCard, record.CardQuestion{Outlet: station, ASN: d.asn})
	r.refused(UnknownCard, record.PathAskCard, record.CardQuestion{Outlet: outlet})
	r.refused(UnloadOpen, record.PathAskUnload, ahead.unload(100))
	absent := func(d desk) record.UnloadEndQuestion {
		a := d.ask(100)
		return record.UnloadEndQuestion{Outlet: outlet, ASN: d.asn, OnlineSN: 1, Absent: &a}
	}
	r.refused(EvidenceOld, record.PathAskUnldEnd, absent(d)) // the random number of the permission proves nothing
	r.refused(BadValue, record.PathAskUnldEnd, absent(ahead))
	r.refused(BadValue, record.PathAskUnldEnd, record.UnloadEndQuestion{Outlet: outlet, ASN: d.asn, OnlineSN: 1})
	again := d
	again.rand = [4]byte{9, 9, 9, 9}
	forged := absent(again)
	forged.Absent.MAC1[0] ^= 1
	r.refused(MAC1Wrong, record.PathAskUnldEnd, forged)
	for range 2 {
		r.ok(record.PathAskUnldEnd, absent(again))
	}
	want(t, "nothing has moved", money(r, d.asn), [3]unit.Fen{20000, 0, funds})
	r.refused(UnloadWasVoided, record.PathAskUnload, q) // a late copy of the old question

	again.rand = [4]byte{7, 7, 7, 7} // the same number, now for a load
	r.load(again, 12000)
	a = record.CardAnswer{}
	r.into(&a, record.PathAskCard, record.CardQuestion{Outlet: outlet, ASN: d.asn})
	if a.Open != nil {
		t.Errorf("open: %+v", a.Open)
	}
	want(t, "the next load", money(r, d.asn), [3]unit.Fen{8000, 0, funds + 12000})
	r.sameAfterReplay()
}

func TestLoadOpenRefusesAnUnload(t *testing.T) {
	t.Parallel()
	r, d := customer(t)
	r.ok(record.PathAskLoad, d.ask(15000))
	r.refused(LoadOpen, record.PathAskUnload, d.unload(15000))
	d.sn = 2
	r.refused(LoadOpen, record.PathAskUnload, d.unload(100))
	want(t, "pending", money(r, d.asn), [3]unit.Fen{5000, 15000, funds})
}

func TestUnloadRefusals(t *testing.T) {
	t.Parallel()
	r, d := customer(t)
	for code, change := range map[string]func(q *record.UnloadQuestion){
		MAC1Wrong:   func(q *record.UnloadQuestion) { q.MAC1[0] ^= 1 },
		KeyUnknown:  func(q *record.UnloadQuestion) { q.Version = 9 },
		UnknownSite: func(q *record.UnloadQuestion) { q.Outlet = "7777" },
		WrongKind:   func(q *record.UnloadQuestion) { q.Outlet = station },
		UnknownCard: func(q *record.UnloadQuestion) { q.ASN[9] = 0x98 },
		BadValue:    func(q *record.UnloadQuestion) { *q = d.unload(funds + 1) },
	} {
		q := d.unload(15000)
		change(&q)
		r.refused(code, record.PathAskUnload, q)
	}
	q := d.unload(15000)
	q.MAC1 = record.UnloadQuestion(d.ask(15000)).MAC1
	r.refused(MAC1Wrong, record.PathAskUnload, q) // a load's INIT gives no unload
	rolled := d
	rolled.balance = funds + 1
	r.refused(BalanceAboveBooks, record.PathAskUnload, rolled.unload(100))
	want(t, "alarms", r.alarms(), []string{"balance-above-books"})
	r.refused(UnloadUnknown, record.PathAskUnldEnd, d.unloadEnd(pboc.MAC{}))
	want(t, "nothing moved", money(r, d.asn), [3]unit.Fen{20000, 0, funds})
	r.sameAfterReplay()
}

// A crash before and after the disk has each act of an unload, and its end in the outlet's journal alone.
func TestUnloadThroughCrashes(t *testing.T) {
	t.Parallel()
	r, d := customer(t)
	q := d.unload(15000)
	crash := func(path string, q any) {
		r.hold = true
		r.core.Serve(r.now, 1, path, mustJSON(t, q))
		if released := r.run(); len(released) != 0 {
			t.Fatalf("%s answered before its act was durable: %s", path, released[0].Body)
		}
		r.hold = false
		r.restart()
	}
	crash(record.PathAskUnload, q)
	var a record.LoadAnswer
	r.into(&a, record.PathAskUnload, q)
	mac3 := d.pays(15000, a)
	crash(record.PathAskUnldEnd, d.unloadEnd(mac3))
	want(t, "not yet", money(r, d.asn), [3]unit.Fen{20000, 0, funds})
	end := record.UnloadEnded{ASN: d.asn, OnlineSN: 1, Debited: true, MAC3: mac3, How: "proof"}
	wrong := end
	wrong.MAC3[0] ^= 1
	r.ship(outlet, wrong)
	want(t, "not by a wrong MAC3", money(r, d.asn), [3]unit.Fen{20000, 0, funds})
	r.ship(outlet, end, end)
	r.ok(record.PathAskUnldEnd, d.unloadEnd(mac3))
	want(t, "paid once", money(r, d.asn), [3]unit.Fen{35000, 0, funds - 15000})
	r.sameAfterReplay()
}
