package center

import (
	"testing"

	"greylock/system/ledger"
	"greylock/system/wire/pboc"
	"greylock/system/wire/record"
	"greylock/system/wire/unit"
)

// customer has 200.00 more in the fleet's account; its card holds funds and stands at online number 1.
func customer(t testing.TB) (*rig, desk) {
	r := newRig(t)
	r.ok(record.PathAskTopUp, record.TopUpQuestion{Outlet: outlet, Account: fleet, Amount: 20000, Tender: "cash", Receipt: "x"})
	return r, desk{r: r, asn: r.cards.Users[0], balance: funds, sn: 1, rand: [4]byte{1, 2, 3, 4}}
}

func (d desk) end(tac pboc.MAC) record.LoadEndQuestion {
	return record.LoadEndQuestion{Outlet: outlet, ASN: d.asn, OnlineSN: d.sn, Loaded: true, TAC: tac}
}

// money is account balance, pending, card by the books.
func money(r *rig, asn pboc.ASN) [3]unit.Fen {
	r.t.Helper()
	var s Statement
	r.into(&s, PathAccount, AskAccount{Account: fleet})
	var c CardView
	r.into(&c, PathCard, AskCard{ASN: asn})
	return [3]unit.Fen{s.Balance, s.Pending, c.Shadow}
}

// The published load of card.md 15.3 A: MAC1 and MAC2 and TAC to the byte.
func TestLoadOfTheSpecification(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d := desk{r: r, asn: r.cards.Users[0], rand: [4]byte{0xA1, 0xB2, 0xC3, 0xD4}}
	q := d.ask(10000)
	q.TID = pboc.TID{0x13, 0x44, 0, 0, 0, 1}
	q.MAC1 = pboc.MAC{0x64, 0x31, 0x04, 0x05}
	want(t, "MAC1", r.core.mac1(toCard, q), "")
	a := r.core.transferAnswer(toCard, q, [7]byte{0x20, 0x26, 0x11, 0x22, 0x09, 0x30, 0x00})
	want(t, "MAC2", a.answer.(record.LoadAnswer).MAC2, pboc.MAC{0x4C, 0xF8, 0x07, 0xF2})
	r.core.books.transfers.put(onlineKey{q.ASN, 0}, transfer{amount: 10000, time: [7]byte{0x20, 0x26, 0x11, 0x22, 0x09, 0x30, 0x00},
		attempts: []attempt{{tid: q.TID, version: 1}}})
	facts, code := r.core.proven(r.core.books, toCard, q.ASN, 0, pboc.MAC{0x50, 0x3B, 0x44, 0x5A}, 0)
	if code != "" || len(facts) != 1 {
		t.Errorf("TAC refused: %s", code)
	}
}

func TestLoadIsIdempotent(t *testing.T) {
	t.Parallel()
	r, d := customer(t)
	q := d.ask(15000)
	var first, again record.LoadAnswer
	r.into(&first, record.PathAskLoad, q)
	want(t, "pending", money(r, d.asn), [3]unit.Fen{5000, 15000, funds})
	lines := len(r.lines)
	r.now = r.now.Add(1e12)
	r.into(&again, record.PathAskLoad, q)
	want(t, "the same answer", again, first)
	want(t, "nothing written", len(r.lines), lines)

	d.rand = [4]byte{5, 6, 7, 8} // the card was reset: a fresh INIT under the same online number
	var fresh record.LoadAnswer
	r.into(&fresh, record.PathAskLoad, d.ask(15000))
	tac := d.credit(15000, fresh)
	if fresh.MAC2 == first.MAC2 {
		t.Error("MAC2 of another session is the same")
	}
	want(t, "pending", money(r, d.asn), [3]unit.Fen{5000, 15000, funds})
	r.refused(AmountDiffers, record.PathAskLoad, d.ask(14999))
	r.refused(TACWrong, record.PathAskLoadEnd, d.end(pboc.MAC{1}))
	for range 2 {
		r.ok(record.PathAskLoadEnd, d.end(tac))
	}
	want(t, "posted", money(r, d.asn), [3]unit.Fen{5000, 0, funds + 15000})
	r.refused(AlreadyLoaded, record.PathAskLoad, d.ask(15000))
	r.refused(TACWrong, record.PathAskLoadEnd, d.end(pboc.MAC{1}))
	want(t, "transit", r.balance(ledger.Transit), unit.Fen(0))
	r.sameAfterReplay()
}

// A crash before and after the disk has each act of a load: the same money, every time.
func TestLoadThroughCrashes(t *testing.T) {
	t.Parallel()
	r, d := customer(t)
	q := d.ask(15000)
	crash := func(path string, q any) { // the act is staged, the machine dies
		r.hold = true
		r.core.Serve(r.now, 1, path, mustJSON(t, q))
		if released := r.run(); len(released) != 0 {
			t.Fatalf("%s answered before its act was durable: %s", path, released[0].Body)
		}
		r.hold = false
		r.restart()
	}
	crash(record.PathAskLoad, q)
	want(t, "nothing happened", money(r, d.asn), [3]unit.Fen{20000, 0, funds})
	var a record.LoadAnswer
	r.into(&a, record.PathAskLoad, q)
	r.restart() // the answer is lost
	var b record.LoadAnswer
	r.into(&b, record.PathAskLoad, q)
	want(t, "the same answer", b, a)
	tac := d.credit(15000, a)
	crash(record.PathAskLoadEnd, d.end(tac))
	want(t, "still pending", money(r, d.asn), [3]unit.Fen{5000, 15000, funds})
	r.ok(record.PathAskLoadEnd, d.end(tac))
	r.restart()
	r.ok(record.PathAskLoadEnd, d.end(tac))
	want(t, "posted once", money(r, d.asn), [3]unit.Fen{5000, 0, funds + 15000})
	r.sameAfterReplay()
}

// Two questions while the first act is on its way to the disk: the second waits and moves nothing.
func TestLoadAskedTwiceAtOnce(t *testing.T) {
	t.Parallel()
	r, d := customer(t)
	q := mustJSON(t, d.ask(15000))
	r.core.Serve(r.now, 901, record.PathAskLoad, q)
	r.core.Serve(r.now, 902, record.PathAskLoad, q)
	r.core.Serve(r.now, 903, PathStatus, nil)
	released := r.run()
	if len(released) != 3 || released[0].ID != 903 || string(released[1].Body) != string(released[2].Body) {
		t.Fatalf("answers: %+v", released)
	}
	want(t, "pending", money(r, d.asn), [3]unit.Fen{5000, 15000, funds})
	r.sameAfterReplay()
}

func TestLoadRefusals(t *testing.T) {
	t.Parallel()
	r, d := customer(t)
	for code, change := range map[string]func(q *record.LoadQuestion){
		MAC1Wrong:           func(q *record.LoadQuestion) { q.MAC1[0] ^= 1 },
		KeyUnknown:          func(q *record.LoadQuestion) { q.Version = 9 },
		UnknownSite:         func(q *record.LoadQuestion) { q.Outlet = "7777" },
		WrongKind:           func(q *record.LoadQuestion) { q.Outlet = station },
		UnknownCard:         func(q *record.LoadQuestion) { q.ASN[9] = 0x98 },
		InsufficientAccount: func(q *record.LoadQuestion) { *q = d.ask(20001) },
		BadValue:            func(q *record.LoadQuestion) { *q = d.ask(-1) },
	} {
		q := d.ask(15000)
		change(&q)
		r.refused(code, record.PathAskLoad, q)
	}
	q := d.ask(15000)
	q.Rand = q.Rand[:3]
	r.refused(BadValue, record.PathAskLoad, q)
	r.refused(LoadUnknown, record.PathAskLoadEnd, d.end(pboc.MAC{}))
	old := d
	old.sn = 0
	r.refused(AlreadyLoaded, record.PathAskLoad, old.ask(100))
	want(t, "nothing moved", money(r, d.asn), [3]unit.Fen{20000, 0, funds})
	r.sameAfterReplay()
}

// A second load is refused while the first is open; the card's own INIT proves that the first did not happen.
func TestLoadAbsentGivesTheMoneyBack(t *testing.T) {
	t.Parallel()
	r, d := customer(t)
	q := d.ask(15000)
	r.ok(record.PathAskLoad, q)
	ahead := d
	ahead.sn = 2
	r.refused(LoadOpen, record.PathAskLoad, ahead.ask(100))

	end := record.LoadEndQuestion{Outlet: outlet, ASN: d.asn, OnlineSN: 1}
	r.refused(BadValue, record.PathAskLoadEnd, end)
	absent := func(d desk) record.LoadEndQuestion { q := d.ask(100); e := end; e.Absent = &q; return e }
	r.refused(EvidenceOld, record.PathAskLoadEnd, absent(d)) // the INIT that the permission was for proves nothing
	forged := d
	forged.rand = [4]byte{9, 9, 9, 9}
	e := absent(forged)
	e.Absent.MAC1[0] ^= 1
	r.refused(MAC1Wrong, record.PathAskLoadEnd, e)
	r.refused(BadValue, record.PathAskLoadEnd, absent(ahead))
	want(t, "still pending", money(r, d.asn), [3]unit.Fen{5000, 15000, funds})

	again := d
	again.rand = [4]byte{9, 9, 9, 9}
	for range 2 {
		r.ok(record.PathAskLoadEnd, absent(again))
	}
	want(t, "given back", money(r, d.asn), [3]unit.Fen{20000, 0, funds})
	r.refused(LoadWasVoided, record.PathAskLoad, q) // a late copy of the old question
	want(t, "transit", r.balance(ledger.Transit), unit.Fen(0))

	again.rand = [4]byte{7, 7, 7, 7}
	r.load(again, 12000)
	want(t, "the next load", money(r, d.asn), [3]unit.Fen{8000, 0, funds + 12000})
	var s Statement
	r.into(&s, PathAccount, AskAccount{Account: fleet})
	last := s.Lines[len(s.Lines)-1]
	want(t, "statement", [2]unit.Fen{last.Amount, last.Balance}, [2]unit.Fen{-12000, 8000})
	r.sameAfterReplay()
}

// A card whose online number goes back was rolled back or copied.
func TestOnlineNumberGoesBack(t *testing.T) {
	t.Parallel()
	r, d := customer(t)
	r.load(d, 100)
	d.sn, d.balance = 5, funds+100
	r.load(d, 100)
	want(t, "alarms", r.alarms(), []string{"online-gap"})
	d.sn = 3
	r.refused(SequenceBack, record.PathAskLoad, d.ask(100))
	d.sn, d.balance = 6, funds+200_000
	r.ok(record.PathAskLoad, d.ask(100))
	want(t, "alarms", r.alarms(), []string{"online-gap", "card-sequence", "balance-above-books"})
	r.sameAfterReplay()
}

// The outlet's journal ends a load too, where its question never arrived.
func TestLoadEndedInTheJournal(t *testing.T) {
	t.Parallel()
	r, d := customer(t)
	var a record.LoadAnswer
	r.into(&a, record.PathAskLoad, d.ask(15000))
	end := record.LoadEnded{ASN: d.asn, OnlineSN: 1, Loaded: true, TAC: d.credit(15000, a), How: "proof"}
	false1 := end
	false1.TAC[0] ^= 1
	r.ship(outlet, false1)
	want(t, "pending", money(r, d.asn), [3]unit.Fen{5000, 15000, funds})
	r.ship(outlet, end, end)
	want(t, "posted", money(r, d.asn), [3]unit.Fen{5000, 0, funds + 15000})
	r.sameAfterReplay()
}

func TestTopUpIsOnePaymentPerReceipt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q := record.TopUpQuestion{Outlet: outlet, Account: fleet, Amount: 12345, Tender: "cash", Receipt: "收-1"}
	for range 3 {
		var a record.TopUpAnswer
		r.into(&a, record.PathAskTopUp, q)
		want(t, "balance", a.Balance, unit.Fen(12345))
	}
	want(t, "cash", r.balance("cash:2001"), 9*funds+12345)
	for code, change := range map[string]func(q *record.TopUpQuestion){
		ReceiptDiffers: func(q *record.TopUpQuestion) { q.Amount++ },
		UnknownAccount: func(q *record.TopUpQuestion) { q.Account = "nobody" },
		UnknownSite:    func(q *record.TopUpQuestion) { q.Outlet = "" },
		BadValue:       func(q *record.TopUpQuestion) { q.Amount = 0 },
	} {
		bad := q
		change(&bad)
		r.refused(code, record.PathAskTopUp, bad)
	}
	r.sameAfterReplay()
}

func TestOpenBindsACardOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	q := record.OpenQuestion{Outlet: outlet, Account: fleet, Name: "车队", ASN: r.cards.Users[0], Holder: "王师傅"}
	lines := len(r.lines)
	r.ok(record.PathAskOpen, q)
	want(t, "nothing new", len(r.lines), lines)
	q.Plate = "粤A12345"
	r.ok(record.PathAskOpen, q)
	want(t, "changed", len(r.lines), lines+1)
	for code, change := range map[string]func(q *record.OpenQuestion){
		CardTaken:   func(q *record.OpenQuestion) { q.Account, q.Name = "A2", "别人" },
		NameDiffers: func(q *record.OpenQuestion) { q.Name = "别人" },
		UnknownCard: func(q *record.OpenQuestion) { q.ASN[9] = 0x98 },
		BadValue:    func(q *record.OpenQuestion) { q.Limits = record.Hex{1} },
		WrongKind:   func(q *record.OpenQuestion) { q.Outlet = station },
	} {
		bad := q
		change(&bad)
		r.refused(code, record.PathAskOpen, bad)
	}
	q.Holder = "two\nlines"
	r.refused(BadValue, record.PathAskOpen, q)
	r.sameAfterReplay()
}
